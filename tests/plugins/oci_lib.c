/* SPDX-License-Identifier: Apache-2.0 */
/* oci_lib.c - what the tests of the OCI plugins share. */
#include "tests/plugins/oci_lib.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

berth_deadline oci_in(unsigned seconds)
{
    return now() + seconds * UINT64_C(1000000000);
}

static void child(const struct berth_run *what, int in, int out, int errs)
{
    dup2(in, 0);
    dup2(out, 1);
    dup2(errs, 2);
    if (chdir(what->cwd ? what->cwd : "/") == 0)
        execve(what->argv[0], (char *const *)(uintptr_t)what->argv,
               (char *const *)(uintptr_t)what->env);
    _exit(errno == ENOENT ? 254 : 253);
}

/* Files instead of pipes: the test looks at them when the program has ended. */
static int temp_file(const struct berth_blob *text)
{
    char path[] = "/tmp/oci-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    if (text && text->data) {
        ck_assert_int_eq(write(fd, text->data, text->len), (ssize_t)text->len);
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

static void copy_back(const struct berth_host *h, int fd, struct berth_buf *buf)
{
    char text[4096];
    ssize_t n;

    lseek(fd, 0, SEEK_SET);
    while (buf && (n = read(fd, text, sizeof(text))) > 0)
        h->put(h->core, buf, text, (size_t)n);
    close(fd);
}

static int run_program(void *arg, const struct berth_host *h, const struct berth_run *what,
                       struct berth_error *err)
{
    struct oci_fixture *f = arg;
    int in = temp_file(&what->input), out = temp_file(NULL), errs = temp_file(NULL);
    int status, r;
    pid_t pid;

    (void)err;
    f->runs++;
    f->last_argv[0] = '\0';
    for (const char *const *a = what->argv; *a; a++) {
        size_t len = strlen(f->last_argv);

        snprintf(f->last_argv + len, sizeof(f->last_argv) - len, "%s%s", len ? " " : "", *a);
    }
    if (access(what->argv[0], X_OK) < 0) {
        r = -errno;
        close(in);
        close(out);
        close(errs);
        return r;
    }
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        child(what, in, out, errs);
    close(in);
    while ((r = waitpid(pid, &status, WNOHANG)) == 0) {
        if (now() > what->deadline) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            close(out);
            close(errs);
            return -ETIMEDOUT;
        }
        poll(NULL, 0, 1);
    }
    copy_back(h, out, what->output);
    copy_back(h, errs, what->errors);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void make_dir(char *path, size_t size, const char *dir, const char *name)
{
    snprintf(path, size, "%s/%s", dir, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

/* The directories of one container, with an ID of the usual length: sockets then have
 * paths that fit no address. */
static void make_dirs(struct oci_fixture *f)
{
    snprintf(f->dir, sizeof(f->dir), "/var/tmp/oci-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    for (size_t i = 0; i < sizeof(f->id) - 1; i++)
        f->id[i] = "0123456789abcdef"[(now() >> (i % 40)) & 15];
    make_dir(f->bundle, sizeof(f->bundle), f->dir, f->id);
    make_dir(f->run_dir, sizeof(f->run_dir), f->dir, "run");
    snprintf(f->exit_dir, sizeof(f->exit_dir), "%s/exits", f->dir);
    snprintf(f->pid_file, sizeof(f->pid_file), "%s/pidfile", f->run_dir);
    snprintf(f->monitor_pid_file, sizeof(f->monitor_pid_file), "%s/conmon.pid", f->run_dir);
    f->c = (struct berth_container){
        .size = sizeof(f->c),
        .id = f->id,
        .name = "test",
        .bundle = f->bundle,
        .run_dir = f->run_dir,
        .exit_dir = f->exit_dir,
        .log_driver = "k8s-file",
        .pid_file = f->pid_file,
        .monitor_pid_file = f->monitor_pid_file,
        .stop_signal = SIGTERM,
    };
}

void oci_setup(struct oci_fixture *f, const char *module)
{
    const struct berth_plugin *p = testhost_load(NULL, module);

    memset(f, 0, sizeof(*f));
    ck_assert_ptr_nonnull(p);
    testhost_ops(p, &f->ops, sizeof(f->ops));
    f->cfg = testhost_config_new(p);
    f->th = testhost_new();
    testhost_on_run(f->th, run_program, f);
    f->err = testhost_error_new();
    make_dirs(f);
}

int oci_open(struct oci_fixture *f, ...)
{
    struct berth_place place = {.size = sizeof(place), .uid = geteuid(), .gid = getegid()};
    const char *name;
    va_list ap;

    va_start(ap, f);
    while ((name = va_arg(ap, const char *)))
        ck_assert_int_eq(testhost_config_set(f->cfg, name, va_arg(ap, const char *)), 0);
    va_end(ap);
    return f->ops.open(testhost_host(f->th), &place, f->cfg, &f->r, &f->caps, f->err);
}

void oci_teardown(struct oci_fixture *f)
{
    char command[300];

    if (f->r)
        f->ops.close(f->r);
    testhost_config_free(f->cfg);
    testhost_error_free(f->err);
    testhost_free(f->th);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
    ck_assert_int_eq(system(command), 0);
}

void oci_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ck_assert_msg(file != NULL, "%s: %m", path);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

bool oci_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

void oci_config(struct oci_fixture *f, const char *root, const char *const *argv, bool terminal,
                const char *linux_members)
{
    static const char head[] =
        "{\"ociVersion\":\"1.0.2-dev\",\"process\":{\"terminal\":%s,"
        "\"user\":{\"uid\":0,\"gid\":0},\"env\":[\"PATH=/bin:/usr/bin\"],"
        "\"cwd\":\"/\",\"args\":[";
    static const char tail[] =
        "],\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_CHOWN\"],"
        "\"effective\":[\"CAP_KILL\",\"CAP_CHOWN\"],\"permitted\":[\"CAP_KILL\","
        "\"CAP_CHOWN\"]}},\"root\":{\"path\":\"%s\"},\"hostname\":\"test\",\"mounts\":["
        "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
        "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
        "\"options\":[\"nosuid\",\"mode=755\"]},"
        "{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
        "\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\"]}],"
        "\"linux\":{\"cgroupsPath\":\"/berth_test/c-%s\",%s}}\n";
    static const char plain[] =
        "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"
        "{\"type\":\"mount\"}],\"resources\":{\"devices\":[{\"allow\":false,"
        "\"access\":\"rwm\"}]}";
    char path[600];
    FILE *file;

    snprintf(path, sizeof(path), "%s/config.json", f->bundle);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, head, terminal ? "true" : "false");
    for (size_t i = 0; argv[i]; i++) {
        fprintf(file, "%s\"", i ? "," : "");
        for (const char *p = argv[i]; *p; p++)
            fprintf(file, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        fputc('"', file);
    }
    fprintf(file, tail, root, f->id, linux_members ? linux_members : plain);
    ck_assert_int_eq(fclose(file), 0);
}

static void append(char *text, size_t size, const char *data, size_t len)
{
    size_t have = strlen(text);

    ck_assert_uint_lt(have + len, size);
    memcpy(text + have, data, len);
    text[have + len] = '\0';
}

void oci_copy(int fd, char *out, size_t out_size, char *errs, size_t errs_size)
{
    char packet[BERTH_STREAM_PACKET + 1];
    ssize_t n;

    out[0] = errs[0] = '\0';
    while ((n = recv(fd, packet, sizeof(packet), 0)) > 0) {
        ck_assert_int_le(n, BERTH_STREAM_PACKET);
        if (packet[0] == BERTH_STREAM_STDOUT)
            append(out, out_size, packet + 1, (size_t)n - 1);
        else if (packet[0] == BERTH_STREAM_STDERR)
            append(errs, errs_size, packet + 1, (size_t)n - 1);
        else
            ck_abort_msg("packet for stream %d", packet[0]);
    }
    ck_assert_msg(n == 0 || errno == ECONNRESET, "recv: %m");
}

unsigned oci_count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}
