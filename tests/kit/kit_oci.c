/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit_oci.c - the OCI part of the conformance kit.
 *
 * What a runtime's words mean is the plugin's knowledge, so nothing is played to it but
 * programs that are missing, that fail, that say nothing or nonsense.
 */
#include "tests/kit/kit_any.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OPS (&k->ops.oci)

struct fixture {
    struct berth_container c;
    char bundle[400], run_dir[400], exit_dir[400], pid_file[420], monitor_pid_file[420];
    char log[420];
};

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r;

    if (fd < 0)
        return -1;
    r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
    close(fd);
    return r;
}

/* A container that never ran, with a bundle. */
static int fill(struct kit_any *k, struct fixture *f)
{
    static const char config[] =
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"args\":[\"/"
        "true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},\"linux\":{\"namespaces\":[]}}";
    char path[420];

    memset(f, 0, sizeof(*f));
    snprintf(f->bundle, sizeof(f->bundle), "%s/bundle", k->dir);
    snprintf(f->run_dir, sizeof(f->run_dir), "%s/run", k->dir);
    snprintf(f->exit_dir, sizeof(f->exit_dir), "%s/exits", k->dir);
    snprintf(f->pid_file, sizeof(f->pid_file), "%s/pid", f->run_dir);
    snprintf(f->monitor_pid_file, sizeof(f->monitor_pid_file), "%s/monitor", f->run_dir);
    snprintf(f->log, sizeof(f->log), "%s/log", k->root); /* logs stay */
    f->c = (struct berth_container){.size = sizeof(f->c),
                                    .id = "c0ffee00000000000000000000000000000000000000"
                                          "00000000000000000001",
                                    .name = "kit",
                                    .bundle = f->bundle,
                                    .run_dir = f->run_dir,
                                    .exit_dir = f->exit_dir,
                                    .log_driver = "k8s-file",
                                    .log_path = f->log,
                                    .pid_file = f->pid_file,
                                    .monitor_pid_file = f->monitor_pid_file,
                                    .stop_signal = 15,
                                    .config = {"{}", 2},
                                    .state = {"{}", 2}};
    snprintf(path, sizeof(path), "%s/config.json", f->bundle);
    NEED(k, mkdir(f->bundle, 0700) == 0 && mkdir(f->run_dir, 0700) == 0);
    NEED(k, mkdir(f->exit_dir, 0700) == 0 && write_file(path, config) == 0);
    return 0;
}

#define WITH_OPEN(k, f)                                                                        \
    struct fixture f;                                                                          \
    TRY(fill(k, &f));                                                                          \
    k->programs = KIT_MISSING;                                                                 \
    GIVES(k, 0, kit_any_open(k))

static int capabilities(struct kit_any *k)
{
    WITH_OPEN(k, f);
    NEED(k, (k->caps & ~k->plugin->caps) == 0);
    NEED(k, !(k->caps & BERTH_OCI_CAP_CHECKPOINT) || OPS->checkpoint);
    kit_any_close(k);
    (void)f;
    return 0;
}

/* ------------------------------------------------------------ programs that fail */

static int simple(struct kit_any *k, struct fixture *f, int which, struct berth_error *err)
{
    switch (which) {
    case 0:
        return OPS->start(k->oci, &f->c, err);
    case 1:
        return OPS->pause(k->oci, &f->c, err);
    case 2:
        return OPS->unpause(k->oci, &f->c, err);
    case 3:
        return OPS->kill(k->oci, &f->c, 15, 0, err);
    case 4:
        return OPS->update(k->oci, &f->c, (struct berth_blob){"{}", 2}, err);
    default:
        return OPS->remove(k->oci, &f->c, err);
    }
}

static int missing(struct kit_any *k)
{
    WITH_OPEN(k, f);
    for (int i = 0; i < 6; i++)
        GIVES(k, ENOEXEC, simple(k, &f, i, k->err));
    kit_any_close(k);
    return 0;
}

static int reasons(struct kit_any *k)
{
    WITH_OPEN(k, f);
    k->programs = KIT_FAIL;
    for (int i = 0; i < 5; i++) {
        int r = simple(k, &f, i, k->err);

        if (!strstr(testhost_error_text(k->err), KIT_REASON))
            return kit_any_failed(k, __FILE__, __LINE__,
                                  "call %d does not pass on what the program wrote", i);
        GIVES(k, EREMOTEIO, r);
    }
    kit_any_close(k);
    return 0;
}

static int status_nonsense(struct kit_any *k)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    WITH_OPEN(k, f);
    for (int mode = KIT_SILENT; mode <= KIT_NONSENSE; mode++) {
        k->programs = (enum kit_programs)mode;
        GIVES(k, EPROTO, OPS->status(k->oci, &f.c, &s, k->err));
    }
    kit_any_close(k);
    return 0;
}

static int status_missing(struct kit_any *k)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    WITH_OPEN(k, f);
    GIVES(k, ENOEXEC, OPS->status(k->oci, &f.c, &s, k->err));
    kit_any_close(k);
    return 0;
}

/* Neither descriptor nor file is left of a creation that failed. */
static int create_fails(struct kit_any *k)
{
    struct berth_oci_create how = {.size = sizeof(how)};
    struct berth_oci_status s = {.size = sizeof(s), .pid = -7};
    uint64_t usec = 7, files;
    int fds;

    WITH_OPEN(k, f);
    files = kit_any_files(k);
    fds = kit_any_fds(0);
    for (int mode = KIT_MISSING; mode <= KIT_SILENT; mode++) {
        k->programs = (enum kit_programs)mode;
        FAILS(k, OPS->create(k->oci, &f.c, &how, &s, &usec, k->err));
        NEED(k, s.pid == -7 && usec == 7);
        NEED(k, kit_any_fds(0) == fds);
        NEED(k, kit_any_files(k) == files);
    }
    kit_any_close(k);
    return 0;
}

#ifdef BERTH_OCI_CAP_MEANWHILE /* 1.1 */
struct meanwhile {
    int code, called;
};

static int no_good(void *arg)
{
    struct meanwhile *m = arg;

    m->called++;
    return m->code;
}

/* What the engine does meanwhile is done once, and its failure is that of create(), also where
 * the runtime could have failed like this. */
static int create_meanwhile(struct kit_any *k)
{
    static const int codes[] = {-ECHILD, -EEXIST, -ENOENT, -ETIMEDOUT};
    struct berth_oci_status s = {.size = sizeof(s)};
    uint64_t files;
    int fds;

    WITH_OPEN(k, f);
    files = kit_any_files(k);
    fds = kit_any_fds(0);
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        struct meanwhile m = {codes[i], 0};
        struct berth_oci_create how = {.size = sizeof(how), .meanwhile = no_good, .arg = &m};
        int r = OPS->create(k->oci, &f.c, &how, &s, NULL, k->err);

        NEED(k, m.called <= 1 && r < 0);
        NEED(k, !m.called || r == codes[i]);
        NEED(k, !m.called || !*testhost_error_text(k->err));
        NEED(k, kit_any_fds(0) == fds);
        NEED(k, kit_any_files(k) == files);
        testhost_error_clear(k->err);
    }
    kit_any_close(k);
    return 0;
}
#endif

static int exec_fails(struct kit_any *k)
{
    const char *const argv[] = {"/true", NULL};
    struct berth_oci_exec what = {.size = sizeof(what), .session = "e0ffee", .argv = argv};
    int fds, out = -7;
    int32_t pid = -7;

    WITH_OPEN(k, f);
    fds = kit_any_fds(0);
    for (int mode = KIT_MISSING; mode <= KIT_SILENT; mode++) {
        k->programs = (enum kit_programs)mode;
        FAILS(k, OPS->exec(k->oci, &f.c, &what, &out, &pid, k->err));
        NEED(k, out == -7 && pid == -7);
        NEED(k, kit_any_fds(0) == fds);
    }
    kit_any_close(k);
    return 0;
}

/* ----------------------------------------------------------------------- streams */

static int attach_nobody(struct kit_any *k)
{
    int fds, out = -7;

    WITH_OPEN(k, f);
    fds = kit_any_fds(0);
    FAILS(k, OPS->attach(k->oci, &f.c, NULL, &out, k->err));
    FAILS(k, OPS->attach(k->oci, &f.c, "e0ffee", &out, k->err));
    NEED(k, out == -7);
    NEED(k, kit_any_fds(0) == fds);
    kit_any_close(k);
    return 0;
}

static int resize_nobody(struct kit_any *k)
{
    const struct berth_tty_size size = {24, 80};
    int fds;

    WITH_OPEN(k, f);
    fds = kit_any_fds(0);
    FAILS(k, OPS->resize(k->oci, &f.c, NULL, size, k->err));
    FAILS(k, OPS->resize(k->oci, &f.c, "e0ffee", size, k->err));
    NEED(k, kit_any_fds(0) == fds);
    kit_any_close(k);
    return 0;
}

/* ------------------------------------------------------------------------- paths */

static int paths(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();

    WITH_OPEN(k, f);
    for (uint32_t which = BERTH_PATH_ATTACH_SOCKET; which <= BERTH_PATH_PERSIST_DIR; which++) {
        int r;

        testhost_buf_clear(out);
        r = OPS->path(k->oci, &f.c, which, "e0ffee", out, k->err);
        if (r < 0) {
            GIVES(k, ENOTSUP, r);
            continue;
        }
        NEED(k, testhost_buf_len(out) > 1 && testhost_buf_data(out)[0] == '/');
        NEED(k, strlen(testhost_buf_data(out)) == testhost_buf_len(out));
    }
    testhost_buf_clear(out);
    FAILS(k, OPS->path(k->oci, &f.c, 999, NULL, out, k->err));
    FAILS(k, OPS->path(k->oci, &f.c, BERTH_PATH_EXEC_SOCKET, NULL, out, k->err));
    NEED(k, testhost_buf_len(out) == 0);
    kit_any_close(k);
    testhost_buf_free(out);
    return 0;
}

/* ----------------------------------------------------------------- how it ended */

/* Leave the exit code where the monitor would; 0: the plugin has no such file. */
static int leave_code(struct kit_any *k, struct fixture *f, const char *code)
{
    struct berth_buf *out = testhost_buf_new();
    int r = OPS->path(k->oci, &f->c, BERTH_PATH_EXIT_FILE, NULL, out, k->err);

    testhost_error_clear(k->err);
    if (r == 0)
        NEED(k, write_file(testhost_buf_data(out), code) == 0);
    testhost_buf_free(out);
    return r == 0;
}

static int wait_ended(struct kit_any *k)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int r;

    WITH_OPEN(k, f);
    r = leave_code(k, &f, "3");
    if (r <= 0)
        return r;
    NEED(k, OPS->wait(k->oci, &f.c, NULL, BERTH_NO_WAIT, &s, k->err) == 1);
    NEED(k, s.status == BERTH_OCI_STOPPED && s.exit_code == 3);
    s = (struct berth_oci_status){.size = sizeof(s)};
    NEED(k, OPS->wait(k->oci, &f.c, NULL, BERTH_WAIT_FOREVER, &s, k->err) == 1);
    NEED(k, s.status == BERTH_OCI_STOPPED && s.exit_code == 3);
    NEED(k, testhost_error_calls(k->err) == 0);
    kit_any_close(k);
    return 0;
}

static int status_ended(struct kit_any *k)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    unsigned ran;
    int r;

    WITH_OPEN(k, f);
    r = leave_code(k, &f, "137");
    if (r <= 0)
        return r;
    ran = k->ran;
    GIVES(k, 0, OPS->status(k->oci, &f.c, &s, k->err));
    NEED(k, s.status == BERTH_OCI_STOPPED && s.exit_code == 137 && s.pid == 0);
    NEED(k, s.finished > 0);
    NEED(k, k->ran == ran); /* the file says it all */
    kit_any_close(k);
    return 0;
}

static int short_status(struct kit_any *k)
{
    struct {
        struct berth_oci_status s;
        unsigned char guard[64];
    } room;
    const unsigned char *p = (const unsigned char *)&room;
    size_t size = offsetof(struct berth_oci_status, finished);
    int r;

    WITH_OPEN(k, f);
    r = leave_code(k, &f, "1");
    if (r <= 0)
        return r;
    memset(&room, 0xa5, sizeof(room));
    room.s.size = (uint32_t)size;
    GIVES(k, 0, OPS->status(k->oci, &f.c, &room.s, k->err));
    NEED(k, room.s.status == BERTH_OCI_STOPPED && room.s.size == size);
    for (size_t i = size; i < sizeof(room); i++)
        /* cppcheck-suppress uninitvar ; memset() did */
        NEED(k, p[i] == 0xa5);
    kit_any_close(k);
    return 0;
}

/* Longer than any member of today's. */
static int long_container(struct kit_any *k)
{
    struct {
        struct berth_container c;
        unsigned char more[64];
    } room;
    struct berth_oci_status s = {.size = sizeof(s)};
    int r;

    WITH_OPEN(k, f);
    r = leave_code(k, &f, "5");
    if (r <= 0)
        return r;
    memset(&room, 0xa5, sizeof(room));
    room.c = f.c;
    room.c.size = sizeof(room);
    GIVES(k, 0, OPS->status(k->oci, &room.c, &s, k->err));
    NEED(k, s.exit_code == 5);
    kit_any_close(k);
    return 0;
}

static int wait_nobody(struct kit_any *k)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int r, fds;

    WITH_OPEN(k, f);
    fds = kit_any_fds(0);
    r = OPS->wait(k->oci, &f.c, NULL, BERTH_NO_WAIT, &s, k->err);
    if (r < 0)
        GIVES(k, ENOTRECOVERABLE, r);
    else
        NEED(k, r == 0 || (r == 1 && s.status == BERTH_OCI_UNKNOWN));
    NEED(k, kit_any_fds(0) == fds);
    kit_any_close(k);
    return 0;
}

static int wait_cancelled(struct kit_any *k)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    int r;

    WITH_OPEN(k, f);
    testhost_set_cancelled(k->th, 1);
    alarm(60);
    r = OPS->wait(k->oci, &f.c, NULL, BERTH_WAIT_FOREVER, &s, k->err);
    if (r < 0 && r != -ENOTRECOVERABLE)
        GIVES(k, ECANCELED, r);
    else
        NEED(k, r != 0);
    testhost_set_cancelled(k->th, 0);
    kit_any_close(k);
    return 0;
}

static int session_nobody(struct kit_any *k)
{
    int32_t code = 0;
    int r;

    WITH_OPEN(k, f);
    r = OPS->exec_status(k->oci, &f.c, "e0ffee", &code, k->err);
    if (r < 0)
        FAILS(k, r);
    else
        NEED(k, r == 0);
    kit_any_close(k);
    return 0;
}

static int unwatched(struct kit_any *k)
{
    WITH_OPEN(k, f);
    GIVES(k, 0, OPS->monitored(k->oci, &f.c, k->err));
    NEED(k, OPS->monitored(k->oci, &f.c, NULL) == !(k->caps & BERTH_OCI_CAP_MONITOR));
    kit_any_close(k);
    return 0;
}

static int calls_without_errors(struct kit_any *k)
{
    const char *const argv[] = {"/true", NULL};
    struct berth_oci_exec what = {.size = sizeof(what), .session = "e0ffee", .argv = argv};
    struct berth_oci_create how = {.size = sizeof(how)};
    struct berth_oci_status s = {.size = sizeof(s)};
    struct berth_tty_size size = {24, 80};
    int out = -1;
    int32_t pid = 0;

    WITH_OPEN(k, f);
    for (int i = 0; i < 6; i++)
        NEED(k, simple(k, &f, i, NULL) < 0);
    NEED(k, OPS->create(k->oci, &f.c, &how, &s, NULL, NULL) < 0);
    NEED(k, OPS->exec(k->oci, &f.c, &what, &out, &pid, NULL) < 0);
    NEED(k, OPS->attach(k->oci, &f.c, NULL, &out, NULL) < 0);
    NEED(k, OPS->resize(k->oci, &f.c, NULL, size, NULL) < 0);
    NEED(k, OPS->status(k->oci, &f.c, &s, NULL) < 0);
    kit_any_close(k);
    return 0;
}

#define PAGE(section) "berth-plugin-oci(3), " section

static const struct kit_any_case cases[] = {
    {"open() gives capabilities of the descriptor's", PAGE("CAPABILITIES"), capabilities, 0},
    {"programs that are missing", PAGE("ERRORS"), missing, 0},
    {"what a program wrote is passed on", PAGE("ERRORS"), reasons, 0},
    {"status() without a program", PAGE("ERRORS"), status_missing, 0},
    {"status() out of nonsense", PAGE("ERRORS"), status_nonsense, 0},
    {"nothing is left of a create() that fails", PAGE("CONTAINERS"), create_fails, 0},
#ifdef BERTH_OCI_CAP_MEANWHILE
    {"the engine's part of a create()", PAGE("CAPABILITIES"), create_meanwhile,
     BERTH_OCI_CAP_MEANWHILE},
#endif
    {"nothing is left of an exec() that fails", PAGE("SESSIONS"), exec_fails, 0},
    {"attach() to nobody", PAGE("STREAMS"), attach_nobody, 0},
    {"resize() of nobody", PAGE("STREAMS"), resize_nobody, 0},
    {"paths are absolute", PAGE("PATHS"), paths, 0},
    {"wait() for one that has ended", PAGE("WAITING"), wait_ended, 0},
    {"status() of one that has ended", PAGE("WAITING"), status_ended, 0},
    {"shorter results are respected", "berth-plugin(3), SIZES", short_status, 0},
    {"longer arguments are taken", "berth-plugin(3), SIZES", long_container, 0},
    {"wait() for nobody", PAGE("WAITING"), wait_nobody, 0},
    {"waiting ends when the user wants to stop", PAGE("WAITING"), wait_cancelled, 0},
    {"exec_status() of no session", PAGE("SESSIONS"), session_nobody, 0},
    {"nobody watches what does not run", PAGE("CONTAINERS"), unwatched, BERTH_OCI_CAP_MONITOR},
    {"nobody wants errors of calls", "berth-plugin(3), ERRORS", calls_without_errors, 0},
    {NULL, NULL, NULL, 0},
};

int kit_oci_run(const char *path, const char *const *options, unsigned *number)
{
    struct kit_any k = {.word = "oci"};
    int failures = -1;

    if (kit_any_init(&k, path, BERTH_KIND_OCI, options) == 0)
        failures =
            kit_any_cases(&k, kit_any_process, number) + kit_any_cases(&k, cases, number);
    if (k.plugin)
        kit_any_end(&k);
    return failures;
}
