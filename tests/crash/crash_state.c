/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_state.c - kill a process at every call with which a state plugin changes its files.
 *
 *      crash-state PLUGIN.so KILLS [KEEP-DIR]
 *
 * A child runs a mixed workload under libcrash.so (crash_preload.c) and says through a pipe
 * which step it begins and which commit came back.  It is killed at the n-th call, or the
 * call fails with ENOSPC or EIO; then the store is opened, checked, and read: it is in the
 * state after the last step that was confirmed, or after the one that was under way, as a
 * whole.  n goes over all calls of the workload, as far as KILLS allows evenly.
 * KEEP-DIR: stores that were killed are copied there now and then, for other checkers.
 */
#include "tests/lib/testhost.h"

#include <berth/state.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 14
#define CTRS  12 /* IDs that the workload uses */

struct store {
    const struct berth_plugin *plugin;
    struct berth_state_ops ops;
    struct testhost *th;
    struct berth_config *cfg;
    struct berth_error *err;
    struct berth_place place;
    char dir[4096];
    struct berth_state *s;
};

static const struct berth_host *host(struct store *st)
{
    return testhost_host(st->th);
}

static int say(struct store *st, const char *what)
{
    fprintf(stderr, "crash-state: %s: %s\n", what, testhost_error_text(st->err));
    return -1;
}

static int init(struct store *st, const char *file, const char *dir)
{
    char where[4096], module[256];
    const char *slash = strrchr(file, '/');

    if (!slash)
        return -1;
    snprintf(where, sizeof(where), "%.*s", (int)(slash - file), file);
    snprintf(module, sizeof(module), "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
    st->plugin = testhost_load(where, module);
    if (!st->plugin)
        return -1;
    testhost_ops(st->plugin, &st->ops, sizeof(st->ops));
    st->th = testhost_new();
    st->cfg = testhost_config_new(st->plugin);
    st->err = testhost_error_new();
    snprintf(st->dir, sizeof(st->dir), "%s", dir);
    st->place = (struct berth_place){.size = sizeof(st->place),
                                     .uid = (uint32_t)getuid(),
                                     .gid = (uint32_t)getgid(),
                                     .static_dir = st->dir,
                                     .tmp_dir = st->dir,
                                     .graph_root = st->dir,
                                     .run_root = st->dir,
                                     .volume_path = st->dir};
    return 0;
}

static void fini(struct store *st)
{
    testhost_error_free(st->err);
    testhost_config_free(st->cfg);
    testhost_free(st->th);
}

/* ------------------------------------------------------------------- workload */

static const char *ctr_id(int i)
{
    static char ids[CTRS][65];

    snprintf(ids[i], sizeof(ids[i]), "%x%063x", (unsigned)(i * 7 % 16), (unsigned)i);
    return ids[i];
}

/* A record whose documents say which step wrote them; sizes differ widely.  As
 * configurations and states they are good enough for podman. */
static void make(struct berth_record *rec, int i, int step, const char *name, char *text)
{
    size_t pad = (size_t)(i * 997 % 9000), len;

    len =
        (size_t)snprintf(text, 256,
                         "{\"spec\":{},\"id\":\"%s\",\"name\":\"%s\",\"lockID\":%d,\"state\":1,"
                         "\"step\":%d,\"pad\":\"",
                         ctr_id(i), name, i, step);
    memset(text + len, 'a' + i % 26, pad);
    len += pad;
    memcpy(text + len, "\"}", 2);
    len += 2;
    *rec = (struct berth_record){
        .size = sizeof(*rec),
        .kind = BERTH_CONTAINER,
        .has = BERTH_REC_ALL,
        .id = ctr_id(i),
        .name = name,
        .config = {text, len},
        .state = {text, len},
    };
}

static int put(struct store *st, struct berth_txn *t, int i, int step, int new)
{
    static char text[16384];
    struct berth_record rec;
    char name[32];

    snprintf(name, sizeof(name), "ctr-%d-%d", i, step);
    make(&rec, i, step, name, text);
    if (new)
        return st->ops.insert(t, &rec, st->err);
    rec.has = BERTH_REC_STATE;
    return st->ops.update(t, &rec, st->err);
}

static int put_volume(struct store *st, struct berth_txn *t, int step, int new)
{
    struct berth_record rec = {.size = sizeof(rec),
                               .kind = BERTH_VOLUME,
                               .has = new ? BERTH_REC_ALL : BERTH_REC_STATE,
                               .id = "counter",
                               .name = "counter"};
    static const char config[] = "{\"name\":\"counter\",\"lockID\":99}";
    char text[64];

    rec.config = (struct berth_blob){config, sizeof(config) - 1};
    rec.state =
        (struct berth_blob){text, (size_t)snprintf(text, sizeof(text), "{\"step\":%d}", step)};
    return new ? st->ops.insert(t, &rec, st->err) : st->ops.update(t, &rec, st->err);
}

static int depend(struct store *st, struct berth_txn *t, int from, int to)
{
    struct berth_link link = {.size = sizeof(link),
                              .kind = BERTH_LINK_DEPENDS,
                              .from = ctr_id(from),
                              .to = ctr_id(to)};

    return st->ops.link(t, &link, st->err);
}

static int rename_ctr(struct store *st, struct berth_txn *t, int i, int step)
{
    static char text[16384];
    struct berth_record rec;
    char name[32];

    snprintf(name, sizeof(name), "renamed-%d-%d", i, step);
    make(&rec, i, step, name, text);
    rec.has = BERTH_REC_NAME | BERTH_REC_CONFIG;
    return st->ops.update(t, &rec, st->err);
}

/* Step N as one transaction; deterministic.  Each changes the volume too, so that a half of
 * it is seen. */
static int step(struct store *st, struct berth_txn *t, int n)
{
    struct berth_exit e = {.size = sizeof(e), .code = n, .date = n * 1000000000ll};
    int r = put_volume(st, t, n, n == 1);

    if (r == 0 && n <= 6) /* two more each */
        r = put(st, t, 2 * n - 2, n, 1);
    if (r == 0 && n <= 6)
        r = put(st, t, 2 * n - 1, n, 1);
    if (r == 0 && n > 1 && n <= 6)
        r = depend(st, t, 2 * n - 2, 0);
    if (r == 0 && n >= 7 && n <= 10) { /* several states at once */
        for (int i = n - 7; r == 0 && i < CTRS; i += 3)
            r = put(st, t, i, n, 0);
        if (r == 0)
            r = rename_ctr(st, t, n, n);
    }
    e.id = ctr_id(n % CTRS);
    if (r == 0)
        r = st->ops.exit_put(t, &e, st->err);
    if (r == 0 && n >= 11 && n <= 13)
        r = st->ops.remove(t, BERTH_CONTAINER, ctr_id(2 * (n - 11) + 1), st->err);
    if (r == 0 && n == 14)
        r = st->ops.unlink_all(t, BERTH_LINK_DEPENDS, BERTH_TO, ctr_id(0), st->err) < 0 ? -EIO
                                                                                        : 0;
    if (r == 0 && n == 14)
        r = st->ops.remove(t, BERTH_CONTAINER, ctr_id(0), st->err);
    return r;
}

/* The child: says 'b' and 'c' and the number of each step; a failing call ends it with 3. */
static int child(struct store *st, int pipe_fd)
{
    int r = st->ops.open(host(st), &st->place, st->cfg, BERTH_STATE_CREATE, &st->s, st->err);

    for (int n = 1; r == 0 && n <= STEPS; n++) {
        unsigned char begun[2] = {'b', (unsigned char)n}, done[2] = {'c', (unsigned char)n};
        struct berth_txn *t = NULL;

        if (write(pipe_fd, begun, 2) != 2)
            return 1;
        r = st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, st->err);
        if (r == 0)
            r = step(st, t, n);
        if (r == 0)
            r = st->ops.commit(t, st->err);
        else
            st->ops.rollback(t);
        if (r == 0 && write(pipe_fd, done, 2) != 2)
            return 1;
    }
    if (r < 0 && testhost_error_text(st->err)[0] == '\0')
        return 4; /* failed without a word */
    st->ops.close(st->s);
    return r < 0 ? 3 : 0;
}

/* ------------------------------------------------------------------ fingerprint */

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return (h ^ 0xff) * 0x100000001b3u;
}

struct sum {
    uint64_t h;
    uint64_t exits;
};

static int sum_record(void *arg, const struct berth_record *r)
{
    struct sum *s = arg;

    s->h = mix(s->h, r->id, strlen(r->id));
    s->h = mix(s->h, r->name, strlen(r->name));
    s->h = mix(s->h, r->config.data, r->config.len);
    s->h = mix(s->h, r->state.data, r->state.len);
    return 0;
}

static int sum_link(void *arg, const struct berth_link *l)
{
    struct sum *s = arg;

    s->exits += mix(mix(7, l->from, strlen(l->from)), l->to, strlen(l->to));
    return 0;
}

static int sum_exit(void *arg, const struct berth_exit *e)
{
    struct sum *s = arg;

    s->exits += mix(mix((uint64_t)e->code, e->id, strlen(e->id)), &e->date, sizeof(e->date));
    return 0;
}

/* All that the store holds, as one number. */
static int summarise(struct store *st, uint64_t *out)
{
    struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    struct sum s = {.h = 0xcbf29ce484222325u};
    struct berth_txn *t = NULL;
    int r = st->ops.begin(st->s, 0, BERTH_WAIT_FOREVER, &t, st->err);

    if (r == 0)
        r = st->ops.scan(t, &all, sum_record, &s, st->err);
    if (r == 0)
        r = st->ops.links(t, BERTH_LINK_DEPENDS, BERTH_ANY, NULL, sum_link, &s, st->err);
    if (r == 0)
        r = st->ops.exit_scan(t, sum_exit, &s, st->err);
    if (t)
        st->ops.rollback(t);
    *out = s.h + s.exits;
    return r;
}

/* What the store holds after each step: expected[0] is an empty one. */
static int expect(struct store *st, uint64_t expected[STEPS + 1])
{
    int r = st->ops.open(host(st), &st->place, st->cfg, BERTH_STATE_CREATE, &st->s, st->err);

    for (int n = 0; r == 0 && n <= STEPS; n++) {
        struct berth_txn *t = NULL;

        if (n)
            r = st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, st->err);
        if (r == 0 && n)
            r = step(st, t, n);
        if (r == 0 && n)
            r = st->ops.commit(t, st->err);
        if (r == 0)
            r = summarise(st, &expected[n]);
    }
    if (r < 0)
        return say(st, "the workload fails by itself");
    st->ops.close(st->s);
    return 0;
}

/* -------------------------------------------------------------------- directories */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    return ftw->level ? remove(path) : 0;
}

static void empty(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A copy of the store for other checkers. */
static void keep(struct store *st, const char *where, long n)
{
    char command[9000];

    snprintf(command, sizeof(command), "cp -r '%s' '%s/%ld'", st->dir, where, n);
    if (system(command) != 0)
        fprintf(stderr, "crash-state: cannot copy to %s\n", where);
}

/* ------------------------------------------------------------------------ driver */

struct run {
    const char *self, *file, *preload;
    char log[4200];
};

/* Run the child; *begun and *done are the last steps it told of.  Gives its wait status. */
static int run_child(struct store *st, const struct run *run, long at, const char *how,
                     int *begun, int *done)
{
    unsigned char say[2];
    char number[32], fd_text[16];
    int fds[2], status = -1;
    pid_t pid;

    *begun = *done = 0;
    if (pipe(fds) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        snprintf(number, sizeof(number), "%ld", at);
        snprintf(fd_text, sizeof(fd_text), "%d", fds[1]);
        setenv("LD_PRELOAD", run->preload, 1);
        setenv("CRASH_AT", number, 1);
        setenv("CRASH_HOW", how, 1);
        setenv("CRASH_DIR", st->dir, 1);
        setenv("CRASH_LOG", run->log, 1);
        close(fds[0]);
        execl(run->self, run->self, "--child", run->file, st->dir, fd_text, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    while (read(fds[0], say, 2) == 2)
        *(say[0] == 'b' ? begun : done) = say[1];
    close(fds[0]);
    waitpid(pid, &status, 0);
    return status;
}

static long count_calls(const struct run *run)
{
    FILE *f = fopen(run->log, "re");
    long n = 0;

    if (!f || fscanf(f, "%ld", &n) != 1)
        n = 0;
    if (f)
        fclose(f);
    return n;
}

/* The store after a crash: sound, and in one of the states that it may be in. */
static int examine(struct store *st, const uint64_t expected[STEPS + 1], int begun, int done)
{
    struct berth_list *report = testhost_list_new();
    int64_t found = 0;
    uint64_t sum = 0;
    int r;

    testhost_error_clear(st->err);
    r = st->ops.open(host(st), &st->place, st->cfg, BERTH_STATE_CREATE, &st->s, st->err);
    if (r == 0 && st->ops.check)
        found = st->ops.check(st->s, 0, report, st->err);
    if (r == 0)
        r = summarise(st, &sum);
    if (r < 0)
        r = say(st, "the store cannot be read afterwards");
    if (found != 0)
        fprintf(stderr, "crash-state: check(): %s\n",
                testhost_list_len(report) ? testhost_list_get(report, 0) : "fails");
    if (r == 0 && found == 0 && sum != expected[done] && sum != expected[begun]) {
        int is = -1;

        for (int n = 0; n <= STEPS; n++)
            if (sum == expected[n])
                is = n;
        fprintf(stderr,
                "crash-state: step %d was confirmed, %d begun, and the store is %s %d\n", done,
                begun, is < 0 ? "as never before:" : "as after step", is);
        r = -1;
    }
    testhost_list_free(report);
    st->ops.close(st->s);
    st->s = NULL;
    return r < 0 || found != 0 ? -1 : 0;
}

/* Is this end of the child what was asked for? */
static int ended_as(int status, const char *how)
{
    if (strcmp(how, "enospc") == 0 || strcmp(how, "eio") == 0)
        /* The plugin may do without what failed (a file that cannot be removed). */
        return WIFEXITED(status) && (WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int crash_all(struct store *st, const struct run *run, long kills,
                     const uint64_t *expected, const char *kept)
{
    static const char *const hows[] = {"kill", "after", "half", "enospc", "eio"};
    long total, n, did = 0, failed = 0;
    int begun, done, status;

    empty(st->dir);
    status = run_child(st, run, 0, "kill", &begun, &done);
    total = count_calls(run);
    if (status != 0 || done != STEPS || total < STEPS) {
        fprintf(stderr, "crash-state: the workload ends with %d after step %d, %ld calls\n",
                status, done, total);
        return -1;
    }
    for (n = 0; n < kills; n++) {
        /* Rounds over all calls and ways, each way at another call in each round. */
        long at = kills >= 5 * total ? n / 5 % total + 1 : n * 7919 % total + 1;
        const char *how = hows[n % 5];

        empty(st->dir);
        status = run_child(st, run, at, how, &begun, &done);
        if (kept && n % 23 == 0) /* as it was left, before anybody mends it */
            keep(st, kept, n);
        if (!ended_as(status, how)) {
            fprintf(stderr, "crash-state: %s at call %ld: the child ends with status %x\n", how,
                    at, (unsigned)status);
            failed++;
        } else if (examine(st, expected, begun, done) < 0) {
            fprintf(stderr, "crash-state: ... after %s at call %ld of %ld\n", how, at, total);
            failed++;
        }
        did++;
    }
    printf("%s: %ld calls that change files, %ld crashes, %ld failures\n", st->plugin->name,
           total, did, failed);
    return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct store st = {.s = NULL};
    struct run run = {.self = "/proc/self/exe", .preload = getenv("CRASH_PRELOAD")};
    const char *tmp = getenv("TMPDIR");
    uint64_t expected[STEPS + 1];
    char dir[4096], self[4096];
    ssize_t len;
    int r;

    if (argc == 5 && strcmp(argv[1], "--child") == 0) {
        r = init(&st, argv[2], argv[3]) < 0 ? 2 : child(&st, atoi(argv[4]));
        fini(&st);
        return r;
    }
    if (argc < 3 || !run.preload) {
        fprintf(stderr, "usage: CRASH_PRELOAD=libcrash.so crash-state PLUGIN.so KILLS [DIR]\n");
        return 2;
    }
    len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len < 0)
        return 2;
    self[len] = '\0';
    run.self = self;
    run.file = argv[1];
    snprintf(dir, sizeof(dir), "%s/berth-crash-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir) || init(&st, argv[1], dir) < 0)
        return 2;
    snprintf(run.log, sizeof(run.log), "%s.log", dir);
    r = expect(&st, expected);
    if (r == 0)
        r = crash_all(&st, &run, atol(argv[2]), expected, argc > 3 ? argv[3] : NULL);
    empty(dir);
    rmdir(dir);
    unlink(run.log);
    fini(&st);
    return r < 0 ? 1 : 0;
}
