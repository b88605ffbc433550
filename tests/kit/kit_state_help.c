/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_help.c - what the state cases of the kit share; see kit_state.h. */
#include "tests/kit/kit_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ failures */

int kst_failed(struct kit_state *k, const char *file, int line, const char *what, int64_t got)
{
    const char *name = strrchr(file, '/');

    if (k->shared->failure[0] == '\0')
        snprintf(k->shared->failure, sizeof(k->shared->failure),
                 "%s:%d: %s: got %lld, %u errors, \"%s\"", name ? name + 1 : file, line, what,
                 (long long)got, testhost_error_calls(k->err), testhost_error_text(k->err));
    for (char *p = k->shared->failure; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return -1;
}

int kst_is(struct kit_state *k, int64_t r, int64_t want)
{
    int ok = r == want;

    if (ok && r < 0)
        ok = testhost_error_calls(k->err) == 1 && testhost_error_code(k->err) == -r &&
             testhost_error_text(k->err)[0] != '\0';
    else if (ok)
        ok = testhost_error_calls(k->err) == 0;
    if (ok)
        testhost_error_clear(k->err);
    return ok;
}

/* -------------------------------------------------------------- transactions */

int kit_open(struct kit_state *k, uint32_t flags)
{
    OK(k, k->ops.open(&k->host, &k->place, k->cfg, flags, &k->s, k->err));
    return 0;
}

void kst_close(struct kit_state *k)
{
    k->ops.close(k->s);
    k->s = NULL;
}

struct berth_txn *kit_begin(struct kit_state *k, uint32_t flags)
{
    struct berth_txn *t = NULL;
    int r;

    if (!k->s && kit_open(k, BERTH_STATE_CREATE) < 0)
        return NULL;
    r = k->ops.begin(k->s, flags, BERTH_WAIT_FOREVER, &t, k->err);
    if (!kst_is(k, r, 0)) {
        kst_failed(k, __FILE__, __LINE__, "begin()", r);
        return NULL;
    }
    return t;
}

int kit_commit(struct kit_state *k, struct berth_txn *t)
{
    OK(k, k->ops.commit(t, k->err));
    return 0;
}

int kit_next(struct kit_state *k, struct berth_txn **t)
{
    TRY(kit_commit(k, *t));
    *t = kit_write(k);
    return *t ? 0 : -1;
}

int kit_undo(struct kit_state *k, struct berth_txn **t)
{
    k->ops.rollback(*t);
    *t = kit_write(k);
    return *t ? 0 : -1;
}

/* -------------------------------------------------------------------- records */

void kit_make(struct kit_made *m, uint32_t kind, const char *id, const char *name,
              const char *pod)
{
    const char *netns = kind == BERTH_CONTAINER ? "/run/netns/kit" : NULL;
    const char *infra = NULL;

    snprintf(m->config, sizeof(m->config), "{\"id\":\"%.64s\",\"kind\":%u,\"name\":\"%.300s\"}",
             id, kind, name);
    if (kind == BERTH_CONTAINER)
        snprintf(m->state, sizeof(m->state),
                 "{\"state\":3,\"exitCode\":7,\"netns\":\"%s\",\"of\":\"%.64s\"}", netns, id);
    else
        snprintf(m->state, sizeof(m->state), "{\"of\":\"%.64s\"}", id);
    m->rec = (struct berth_record){
        .size = sizeof(m->rec),
        .kind = kind,
        .has = BERTH_REC_ALL,
        .id = id,
        .name = name,
        .pod = pod,
        .netns = netns,
        .infra = infra,
        .status = kind == BERTH_CONTAINER ? 3 : 0,
        .exit_code = kind == BERTH_CONTAINER ? 7 : 0,
        .config = {m->config, strlen(m->config)},
        .state = {m->state, strlen(m->state)},
    };
}

int kit_add(struct kit_state *k, struct berth_txn *t, uint32_t kind, const char *id,
            const char *name, const char *pod)
{
    struct kit_made m;

    kit_make(&m, kind, id, name, pod);
    OK(k, k->ops.insert(t, &m.rec, k->err));
    return 0;
}

static int same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int same_blob(const struct berth_blob *a, const struct berth_blob *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Some formats keep these inside the documents only, and give nothing then. */
static int same_kept(const char *got, const char *put)
{
    return !got || same_text(got, put);
}

int kit_same(struct kit_state *k, const struct berth_record *got,
             const struct berth_record *put, uint64_t want)
{
    NEED(k, got->kind == put->kind);
    NEED(k, same_text(got->id, put->id));
    NEED(k, (got->has & want) == want);
    NEED(k, !(got->has & ~want & (BERTH_REC_CONFIG | BERTH_REC_STATE)));
    if (want & BERTH_REC_NAME)
        NEED(k, same_text(got->name, put->name));
    if (want & BERTH_REC_ATTRS) {
        NEED(k, same_text(got->pod, put->pod));
        NEED(k, same_text(got->storage_id, put->storage_id));
        NEED(k, k->caps & BERTH_STATE_CAP_NAMESPACES ? same_text(got->ns, put->ns)
                                                     : same_kept(got->ns, put->ns));
        NEED(k, same_kept(got->netns, put->netns));
        NEED(k, same_kept(got->infra, put->infra));
        NEED(k, got->status == 0 || got->status == put->status);
        NEED(k, got->exit_code == 0 || got->exit_code == put->exit_code);
    }
    if (want & BERTH_REC_CONFIG)
        NEED(k, same_blob(&got->config, &put->config));
    else
        NEED(k, !got->config.data && got->config.len == 0);
    if (want & BERTH_REC_STATE)
        NEED(k, same_blob(&got->state, &put->state));
    else
        NEED(k, !got->state.data && got->state.len == 0);
    return 0;
}

int kit_holds(struct kit_state *k, struct berth_txn *t, const struct berth_record *put)
{
    struct berth_record rec = {.size = sizeof(rec)};

    OK(k, k->ops.get(t, put->kind, put->id, BERTH_REC_ALL, &rec, k->err));
    return kit_same(k, &rec, put, BERTH_REC_ALL);
}

/* ----------------------------------------------------------- scans and links */

struct words {
    char text[4096];
    size_t len;
};

static void add_word(struct words *w, const char *word)
{
    int n = snprintf(w->text + w->len, sizeof(w->text) - w->len, "%s%s", w->len ? " " : "",
                     word ? word : "(null)");

    if (n > 0 && (size_t)n < sizeof(w->text) - w->len)
        w->len += (size_t)n;
}

static int add_record(void *arg, const struct berth_record *rec)
{
    add_word(arg, rec->id);
    return 0;
}

int kit_scanned(struct kit_state *k, struct berth_txn *t, const struct berth_scan *scan,
                const char *expected)
{
    struct words w = {.len = 0};

    OK(k, k->ops.scan(t, scan, add_record, &w, k->err));
    if (strcmp(w.text, expected) != 0) {
        char text[600];

        snprintf(text, sizeof(text), "scan of \"%.40s\" gave \"%.200s\", not \"%.200s\"",
                 scan->prefix ? scan->prefix : "", w.text, expected);
        return kst_failed(k, __FILE__, __LINE__, text, 0);
    }
    return 0;
}

struct ends {
    struct words words;
    uint32_t end;
};

static int add_end(void *arg, const struct berth_link *link)
{
    struct ends *e = arg;

    if (e->end != BERTH_FROM)
        add_word(&e->words, link->from);
    if (e->end != BERTH_TO)
        add_word(&e->words, link->to);
    return 0;
}

int kit_linked(struct kit_state *k, struct berth_txn *t, uint32_t kind, uint32_t end,
               const char *key, const char *expected)
{
    struct ends e = {.end = end};

    OK(k, k->ops.links(t, kind, end, key, add_end, &e, k->err));
    if (strcmp(e.words.text, expected) != 0) {
        char text[600];

        snprintf(text, sizeof(text), "links gave \"%.250s\", not \"%.250s\"", e.words.text,
                 expected);
        return kst_failed(k, __FILE__, __LINE__, text, 0);
    }
    return 0;
}

struct berth_scan kit_scan(uint32_t kind, const char *prefix)
{
    return (struct berth_scan){
        .size = sizeof(struct berth_scan), .kind = kind, .prefix = prefix};
}

struct berth_link kit_link(uint32_t kind, const char *from, const char *to, const char *value)
{
    return (struct berth_link){.size = sizeof(struct berth_link),
                               .kind = kind,
                               .from = from,
                               .to = to,
                               .value = {value, value ? strlen(value) : 0}};
}

/* ------------------------------------------------------ files and descriptors */

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static uint64_t fingerprint(int dir, const char *name)
{
    uint64_t h = mix(0xcbf29ce484222325u, name, strlen(name) + 1);
    char buf[65536];
    ssize_t n;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
        h = mix(h, buf, (size_t)n);
    if (fd >= 0)
        close(fd);
    return h;
}

uint64_t kit_files(struct kit_state *k)
{
    DIR *d = opendir(k->dir);
    struct dirent *e;
    uint64_t sum = 0;

    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            sum += fingerprint(dirfd(d), e->d_name);
    if (d)
        closedir(d);
    return sum;
}

int kit_fds(int inherited_only)
{
    int n = 0, flags;

    for (int fd = 0; fd < 1024; fd++) {
        flags = fcntl(fd, F_GETFD);
        n += flags >= 0 && !(inherited_only && (flags & FD_CLOEXEC));
    }
    return n;
}

/* ------------------------------------------------------------------ processes */

berth_deadline kst_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
}

void kst_post(struct kit_state *k, int n)
{
    sem_post(&k->shared->step[n]);
}

int kst_wait(struct kit_state *k, int n)
{
    struct timespec ts;
    int r;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += 60;
    while ((r = sem_timedwait(&k->shared->step[n], &ts)) < 0 && errno == EINTR)
        ;
    return r;
}

pid_t kst_spawn(struct kit_state *k, int (*fn)(struct kit_state *k, int arg), int arg)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        if (k->s)
            k->ops.forked(k->s);
        k->s = NULL;
        _exit(fn(k, arg) == 0 ? 0 : 1);
    }
    return pid;
}

int kst_join(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
