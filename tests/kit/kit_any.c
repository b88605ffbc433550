/* SPDX-License-Identifier: Apache-2.0 */
/* kit_any.c - see kit_any.h. */
#include "tests/kit/kit_any.h"
#include "tests/kit/kit_tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int kit_any_failed(struct kit_any *k, const char *file, int line, const char *fmt, ...)
{
    const char *name = strrchr(file, '/');
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (k->failure[0] == '\0')
        snprintf(k->failure, KIT_FAILURE, "%s:%d: %s (%s)", name ? name + 1 : file, line, text,
                 testhost_error_text(k->err));
    return -1;
}

int kit_any_is(struct kit_any *k, int64_t r, int want, const char *what, const char *file,
               int line)
{
    unsigned calls = testhost_error_calls(k->err);
    int code = testhost_error_code(k->err);

    if (want == 0 && r < 0)
        return kit_any_failed(k, file, line, "%s gave %lld", what, (long long)r);
    if (want == 0 && calls)
        return kit_any_failed(k, file, line, "%s succeeded and described a failure", what);
    if (want != 0 && r >= 0)
        return kit_any_failed(k, file, line, "%s gave %lld, and should fail", what,
                              (long long)r);
    if (want > 0 && r != -want)
        return kit_any_failed(k, file, line, "%s gave %lld and not %d", what, (long long)r,
                              -want);
    if (want != 0 && (calls != 1 || testhost_error_text(k->err)[0] == '\0'))
        return kit_any_failed(k, file, line, "%s described its failure %u times", what, calls);
    if (want != 0 && code != -r)
        return kit_any_failed(k, file, line, "%s gave %lld and described error %d", what,
                              (long long)r, code);
    testhost_error_clear(k->err);
    return 0;
}

/* ------------------------------------------------------------------- the process */

int kit_any_open(struct kit_any *k)
{
    if (k->plugin->kind == BERTH_KIND_OCI)
        return k->ops.oci.open(&k->host, &k->place, k->cfg, &k->oci, &k->caps, k->err);
    return k->ops.net.open(&k->host, &k->place, k->cfg, &k->net, k->err);
}

void kit_any_close(struct kit_any *k)
{
    if (k->plugin->kind == BERTH_KIND_OCI)
        k->ops.oci.close(k->oci);
    else
        k->ops.net.close(k->net);
    k->oci = NULL;
    k->net = NULL;
}

static int probe(struct kit_any *k)
{
    return k->plugin->kind == BERTH_KIND_OCI
               ? k->ops.oci.probe(&k->host, &k->place, k->cfg, k->err)
               : k->ops.net.probe(&k->host, &k->place, k->cfg, k->err);
}

/* Have the plugin say what it is. */
static int info(struct kit_any *k, struct berth_buf *out, struct berth_error *err)
{
    return k->plugin->kind == BERTH_KIND_OCI ? k->ops.oci.info(k->oci, out, err)
                                             : k->ops.net.info(k->net, out, err);
}

int kit_any_fds(int inherited)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] == '.' || fd == dirfd(dir))
            continue;
        if (!inherited || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
            n++;
    }
    if (dir)
        closedir(dir);
    return n;
}

static uint64_t files_sum;

static int add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    uint64_t h = 1469598103934665603u;

    (void)type;
    for (const char *p = path + ftw->base; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    files_sum += h + (S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0) + 1;
    return 0;
}

uint64_t kit_any_files(struct kit_any *k)
{
    files_sum = 0;
    nftw(k->dir, add_file, 16, FTW_PHYS);
    return files_sum;
}

/* ---------------------------------------------------------------------- programs */

static int answer(void *arg, const struct berth_host *h, const struct berth_run *what,
                  struct berth_error *err)
{
    struct kit_any *k = arg;

    k->ran++;
    switch (k->programs) {
    case KIT_MISSING:
        return h->fail(h->core, err, ENOENT, __FILE__, __LINE__, "there is no %s",
                       what->argv[0]);
    case KIT_FAIL:
        if (what->errors)
            h->put(h->core, what->errors, KIT_REASON "\n", sizeof(KIT_REASON));
        else if (what->flags & BERTH_RUN_STDERR_IS_ERROR)
            h->fail(h->core, err, EIO, __FILE__, __LINE__, "%s", KIT_REASON);
        return 1;
    case KIT_NONSENSE:
        if (what->output)
            h->put(h->core, what->output, "}{ nonsense\n", 12);
        return 0;
    case KIT_SILENT:
        break;
    }
    return 0;
}

/* -------------------------------------------------------------------------- JSON */

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    return p;
}

static const char *json_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20 || (*p == '\\' && ++p == end))
            return NULL;
    }
    return p < end ? p + 1 : NULL;
}

/* Past a value, or NULL. */
static const char *json_value(const char *p, const char *end, int depth)
{
    char open;

    p = skip_space(p, end);
    if (p == end || depth > 64)
        return NULL;
    open = *p;
    if (open == '"')
        return json_string(p, end);
    if (open != '{' && open != '[') {
        const char *word = p;

        while (p < end && !strchr(",]} \t\r\n", *p))
            p++;
        return p > word && strchr("-0123456789tfn", *word) ? p : NULL;
    }
    p = skip_space(p + 1, end);
    if (p < end && *p == (open == '{' ? '}' : ']'))
        return p + 1;
    for (;;) {
        if (open == '{') {
            p = skip_space(p, end);
            p = p < end && *p == '"' ? json_string(p, end) : NULL;
            p = p ? skip_space(p, end) : NULL;
            if (!p || p == end || *p++ != ':')
                return NULL;
        }
        p = json_value(p, end, depth + 1);
        p = p ? skip_space(p, end) : NULL;
        if (!p || p == end)
            return NULL;
        if (*p == (open == '{' ? '}' : ']'))
            return p + 1;
        if (*p++ != ',')
            return NULL;
    }
}

int kit_json_object(const char *text, size_t len)
{
    const char *end = text + len, *p = skip_space(text, end);

    if (p == end || *p != '{')
        return 0;
    p = json_value(p, end, 0);
    return p && skip_space(p, end) == end;
}

/* --------------------------------------------------------------- cases of any kind */

static int probing(struct kit_any *k)
{
    uint64_t files = kit_any_files(k);
    int fds = kit_any_fds(0), first = probe(k), second;

    if (first < 0)
        FAILS(k, first);
    second = probe(k);
    if (second < 0)
        FAILS(k, second);
    NEED(k, first == second);
    NEED(k, kit_any_files(k) == files);
    NEED(k, kit_any_fds(0) == fds);
    return 0;
}

static int open_and_close(struct kit_any *k)
{
    int fds;

    GIVES(k, 0, kit_any_open(k));
    kit_any_close(k);
    fds = kit_any_fds(0);
    for (int i = 0; i < 200; i++) {
        GIVES(k, 0, kit_any_open(k));
        kit_any_close(k);
    }
    NEED(k, kit_any_fds(0) == fds);
    return 0;
}

static int close_nothing(struct kit_any *k)
{
    kit_any_close(k);
    return 0;
}

static int inherited(struct kit_any *k)
{
    int before = kit_any_fds(1), all = kit_any_fds(0);
    struct berth_buf *out = testhost_buf_new();

    GIVES(k, 0, kit_any_open(k));
    NEED(k, kit_any_fds(1) == before);
    info(k, out, k->err);
    testhost_error_clear(k->err);
    NEED(k, kit_any_fds(1) == before);
    kit_any_close(k);
    testhost_buf_free(out);
    NEED(k, kit_any_fds(0) == all);
    return 0;
}

static int informs(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();

    GIVES(k, 0, kit_any_open(k));
    k->programs = KIT_SILENT;
    GIVES(k, 0, info(k, out, k->err));
    NEED(k, kit_json_object(testhost_buf_data(out), testhost_buf_len(out)));
    kit_any_close(k);
    testhost_buf_free(out);
    return 0;
}

/* Programs that misbehave: no crash, no broken document, and a failure is described. */
static int informs_somehow(struct kit_any *k)
{
    for (int mode = KIT_MISSING; mode <= KIT_NONSENSE; mode++) {
        struct berth_buf *out = testhost_buf_new();
        int r;

        GIVES(k, 0, kit_any_open(k));
        k->programs = (enum kit_programs)mode;
        r = info(k, out, k->err);
        if (r < 0)
            FAILS(k, r);
        else
            NEED(k, kit_json_object(testhost_buf_data(out), testhost_buf_len(out)));
        kit_any_close(k);
        testhost_buf_free(out);
    }
    return 0;
}

static int no_room(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    int r;

    GIVES(k, 0, kit_any_open(k));
    k->programs = KIT_SILENT;
    testhost_fail_result(k->th, 1);
    r = info(k, out, k->err);
    NEED(k, r < 0);
    testhost_fail_result(k->th, 0);
    testhost_error_clear(k->err);
    kit_any_close(k);
    testhost_buf_free(out);
    return 0;
}

static int without_errors(struct kit_any *k)
{
    struct berth_error *err = k->err;
    struct berth_buf *out = testhost_buf_new();
    int r;

    k->err = NULL;
    probe(k);
    r = kit_any_open(k);
    if (r == 0) {
        k->programs = KIT_MISSING;
        info(k, out, NULL);
        kit_any_close(k);
    }
    k->err = err;
    testhost_buf_free(out);
    NEED(k, r == 0);
    return 0;
}

/* What was lent to open() is gone afterwards. */
static int lent(struct kit_any *k)
{
    struct berth_place kept = k->place;
    struct berth_buf *out = testhost_buf_new();
    char copy[300];

    snprintf(copy, sizeof(copy), "%s", k->dir);
    k->place.static_dir = k->place.tmp_dir = k->place.graph_root = copy;
    k->place.run_root = k->place.volume_path = copy;
    GIVES(k, 0, kit_any_open(k));
    memset(copy, 'x', sizeof(copy) - 1);
    copy[sizeof(copy) - 1] = '\0';
    memset(&k->place, 0, sizeof(k->place));
    k->programs = KIT_SILENT;
    GIVES(k, 0, info(k, out, k->err));
    kit_any_close(k);
    k->place = kept;
    testhost_buf_free(out);
    return 0;
}

/* A later host's structs are longer; what is behind the members known here is no matter. */
static int longer_structs(struct kit_any *k)
{
    struct {
        struct berth_host host;
        unsigned char more[64];
    } host;
    struct {
        struct berth_place place;
        unsigned char more[64];
    } place;
    struct berth_buf *out = testhost_buf_new();
    int r;

    memset(&host, 0xa5, sizeof(host));
    memset(&place, 0xa5, sizeof(place));
    host.host = k->host;
    host.host.size = sizeof(host);
    place.place = k->place;
    place.place.size = sizeof(place);
    r = k->plugin->kind == BERTH_KIND_OCI
            ? k->ops.oci.open(&host.host, &place.place, k->cfg, &k->oci, &k->caps, k->err)
            : k->ops.net.open(&host.host, &place.place, k->cfg, &k->net, k->err);
    GIVES(k, 0, r);
    k->programs = KIT_SILENT;
    GIVES(k, 0, info(k, out, k->err));
    kit_any_close(k);
    testhost_buf_free(out);
    return 0;
}

static int silent(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    char path[400];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/output", k->dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    NEED(k, fd >= 0);
    NEED(k, dup2(fd, 1) == 1 && dup2(fd, 2) == 2);
    probe(k);
    testhost_error_clear(k->err);
    GIVES(k, 0, kit_any_open(k));
    for (int mode = KIT_MISSING; mode <= KIT_NONSENSE; mode++) {
        k->programs = (enum kit_programs)mode;
        info(k, out, k->err);
        testhost_error_clear(k->err);
    }
    kit_any_close(k);
    fflush(NULL);
    NEED(k, fstat(fd, &st) == 0 && st.st_size == 0);
    close(fd);
    testhost_buf_free(out);
    return 0;
}

static int polite(struct kit_any *k)
{
    struct sigaction before[32], after;
    struct berth_buf *out = testhost_buf_new();
    char cwd[4096], now[4096];
    sigset_t mask, mask_now;
    mode_t umask_before = umask(027);
    char **environment = environ;

    memset(&mask, 0, sizeof(mask));
    memset(&mask_now, 0, sizeof(mask_now));
    NEED(k, getcwd(cwd, sizeof(cwd)));
    NEED(k, sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    for (int i = 1; i < 32; i++)
        sigaction(i, NULL, &before[i]);
    probe(k);
    testhost_error_clear(k->err);
    GIVES(k, 0, kit_any_open(k));
    info(k, out, k->err);
    testhost_error_clear(k->err);
    kit_any_close(k);
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        NEED(k, after.sa_handler == before[i].sa_handler);
    }
    NEED(k, getcwd(now, sizeof(now)) && strcmp(cwd, now) == 0);
    NEED(k, sigprocmask(SIG_SETMASK, NULL, &mask_now) == 0);
    NEED(k, memcmp(&mask, &mask_now, sizeof(mask)) == 0);
    NEED(k, environ == environment);
    NEED(k, umask(umask_before) == 027);
    testhost_buf_free(out);
    return 0;
}

#define LIFE "berth-plugin(3), LIFE CYCLE"
#define ERRS "berth-plugin(3), ERRORS"
#define PROC "berth-plugin(3), THE PROCESS"

const struct kit_any_case kit_any_process[] = {
    {"probe() looks and changes nothing", LIFE, probing, 0},
    {"open() and close() 200 times", LIFE, open_and_close, 0},
    {"close() of nothing", LIFE, close_nothing, 0},
    {"descriptors are close-on-exec and closed", PROC, inherited, 0},
    {"info() gives a JSON object", "berth-plugin(3), RESULTS", informs, 0},
    {"info() when programs fail", ERRS, informs_somehow, 0},
    {"info() when its result cannot be given out", "berth-plugin(3), RESULTS", no_room, 0},
    {"nobody wants errors", ERRS, without_errors, 0},
    {"what was lent to open() may change", "berth-plugin(3), MEMORY", lent, 0},
    {"longer structs are taken", "berth-plugin(3), SIZES", longer_structs, 0},
    {"nothing is printed", PROC, silent, 0},
    {"signals, mask, directory and environment stay", PROC, polite, 0},
    {NULL, NULL, NULL, 0},
};

/* ----------------------------------------------------------------------- running */

static int run(void *k, const void *c)
{
    return ((const struct kit_any_case *)c)->run(k);
}

static enum kit_outcome run_in_dir(struct kit_any *k, const struct kit_any_case *c)
{
    char why[KIT_WHY];
    int r;

    if (c->caps & ~k->plugin->caps)
        return KIT_SKIPPED;
    k->failure[0] = '\0';
    snprintf(k->dir, sizeof(k->dir), "%s/case", k->root);
    if (mkdir(k->dir, 0700) < 0) {
        kit_any_failed(k, __FILE__, __LINE__, "cannot make a directory: %m");
        return KIT_FAILED;
    }
    k->place.static_dir = k->place.tmp_dir = k->dir;
    k->place.graph_root = k->place.run_root = k->place.volume_path = k->dir;
    r = kit_process(run, k, c, why);
    if (r < 0)
        kit_any_failed(k, __FILE__, __LINE__, "%s", why);
    kit_remove(k->dir);
    return r < 0 ? KIT_FAILED : KIT_PASSED;
}

int kit_any_cases(struct kit_any *k, const struct kit_any_case *c, unsigned *number)
{
    int failures = 0;

    for (; c->name; c++)
        failures +=
            kit_report(++*number, k->word, c->name, run_in_dir(k, c), k->failure, c->rule);
    return failures;
}

int kit_any_init(struct kit_any *k, const char *path, uint32_t kind, const char *const *options)
{
    const char *tmp = getenv("TMPDIR");

    k->plugin = kit_load(path);
    if (!k->plugin || k->plugin->kind != kind)
        return -1;
    snprintf(k->root, sizeof(k->root), "%s/berth-kit-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(k->root)) {
        perror(k->root);
        return -1;
    }
    testhost_ops(k->plugin, &k->ops, sizeof(k->ops));
    k->th = testhost_new();
    k->host = *testhost_host(k->th);
    testhost_on_run(k->th, answer, k);
    k->cfg = testhost_config_new(k->plugin);
    k->err = testhost_error_new();
    k->place = (struct berth_place){
        .size = sizeof(k->place), .uid = (uint32_t)getuid(), .gid = (uint32_t)getgid()};
    k->failure =
        mmap(NULL, KIT_FAILURE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return k->failure == MAP_FAILED || kit_options(k->cfg, options) < 0 ? -1 : 0;
}

void kit_any_end(struct kit_any *k)
{
    testhost_error_free(k->err);
    testhost_config_free(k->cfg);
    testhost_free(k->th);
    if (k->failure && k->failure != MAP_FAILED)
        munmap(k->failure, KIT_FAILURE);
    if (k->root[0])
        kit_remove(k->root);
}
