/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_state.c - count the pages that state plugins touch.
 *
 *      pages-state PLUGIN.so
 *
 * Looking one container up, by ID, name or prefix, reads as many pages in a store of 10,000
 * as in one of 100, but for the depth of the trees; saving one state writes as many.  Pages
 * are counted, not timed: calls that read and write files are wrapped here, and mappings
 * are made unreadable, so that the first touch of each page of them is seen.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/lib/testhost.h"

#include <berth/state.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096u
#define MAPS 8

/* Levels that a tree may have more at 10,000 containers, times the trees that one operation
 * goes through. */
#define READ_SLACK  8
#define WRITE_SLACK 6

#define EXPORT           __attribute__((__visibility__("default")))
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

static char dir[64];
static volatile long pages_read, pages_written;
static struct map {
    char *at;
    size_t len;
} maps[MAPS];

/* ------------------------------------------------------------------- counting */

typedef void *mmap_fn(void *, size_t, int, int, int, off_t);
typedef int munmap_fn(void *, size_t);
typedef ssize_t pread_fn(int, void *, size_t, off_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t pwritev_fn(int, const struct iovec *, int, off_t);

EXPORT void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
EXPORT void *mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset);
EXPORT int munmap(void *at, size_t len);
EXPORT ssize_t pread(int fd, void *data, size_t len, off_t at);
EXPORT ssize_t pread64(int fd, void *data, size_t len, off_t at);
EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at);
EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off_t at);
EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at);
EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int n, off_t at);

static long in_pages(size_t bytes)
{
    return (long)((bytes + PAGE - 1) / PAGE);
}

static int is_ours(int fd)
{
    char link[64], path[4096];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    if (n < 0 || dir[0] == '\0')
        return 0;
    path[n] = '\0';
    return strncmp(path, dir, strlen(dir)) == 0;
}

EXPORT void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    mmap_fn *real = REAL("mmap", mmap_fn *);
    void *p = real(at, len, prot, flags, fd, offset);

    if (p == MAP_FAILED || fd < 0 || (prot & PROT_WRITE) || !is_ours(fd))
        return p;
    for (int i = 0; i < MAPS; i++)
        if (!maps[i].at) {
            maps[i] = (struct map){p, len};
            mprotect(p, len, PROT_NONE);
            break;
        }
    return p;
}

EXPORT void *mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    return mmap(at, len, prot, flags, fd, offset);
}

EXPORT int munmap(void *at, size_t len)
{
    for (int i = 0; i < MAPS; i++)
        if (maps[i].at == at)
            maps[i] = (struct map){NULL, 0};
    return REAL("munmap", munmap_fn *)(at, len);
}

EXPORT ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    if (is_ours(fd))
        pages_read += in_pages(len);
    return REAL("pread", pread_fn *)(fd, data, len, at);
}

EXPORT ssize_t pread64(int fd, void *data, size_t len, off_t at)
{
    return pread(fd, data, len, at);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (is_ours(fd))
        pages_written += in_pages(len);
    return REAL("pwrite", pwrite_fn *)(fd, data, len, at);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    return pwrite(fd, data, len, at);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    if (is_ours(fd))
        for (int i = 0; i < n; i++)
            pages_written += in_pages(iov[i].iov_len);
    return REAL("pwritev", pwritev_fn *)(fd, iov, n, at);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int n, off_t at)
{
    return pwritev(fd, iov, n, at);
}

/* The first touch of a page of a mapping. */
static void on_touch(int sig, siginfo_t *info, void *context)
{
    char *at = info->si_addr;

    (void)context;
    for (int i = 0; i < MAPS; i++)
        if (maps[i].at && at >= maps[i].at && at < maps[i].at + maps[i].len) {
            pages_read++;
            mprotect((void *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1)), PAGE, PROT_READ);
            return;
        }
    signal(sig, SIG_DFL); /* a fault of the plugin's own */
}

static void reset(void)
{
    for (int i = 0; i < MAPS; i++)
        if (maps[i].at)
            mprotect(maps[i].at, maps[i].len, PROT_NONE);
    pages_read = pages_written = 0;
}

/* ----------------------------------------------------------------- operations */

struct store {
    const struct berth_plugin *plugin;
    struct berth_state_ops ops;
    struct testhost *th;
    const struct berth_host *h;
    struct berth_config *cfg;
    struct berth_error *err;
    struct berth_place place;
    struct berth_state *s;
};

static void id_of(char out[65], unsigned i)
{
    snprintf(out, 65, "%08x%056x", i * 2654435761u, i);
}

static int fill(struct store *st, unsigned n)
{
    struct berth_txn *t = NULL;
    char id[65], name[32], config[3000], state[400];
    int r =
        st->ops.begin(st->s, BERTH_TXN_WRITE | BERTH_TXN_BULK, BERTH_WAIT_FOREVER, &t, st->err);

    memset(config, 'c', sizeof(config));
    memset(state, 's', sizeof(state));
    for (unsigned i = 0; r == 0 && i < n; i++) {
        struct berth_record rec = {.size = sizeof(rec),
                                   .kind = BERTH_CONTAINER,
                                   .has = BERTH_REC_ALL,
                                   .id = id,
                                   .name = name,
                                   .config = {config, sizeof(config)},
                                   .state = {state, sizeof(state)}};

        id_of(id, i);
        snprintf(name, sizeof(name), "name-%u", i);
        r = st->ops.insert(t, &rec, st->err);
    }
    return r < 0 ? r : st->ops.commit(t, st->err);
}

static int stop_at_second(void *arg, const struct berth_record *rec)
{
    (void)rec;
    return ++*(int *)arg == 2;
}

enum op {
    BY_ID,
    BY_NAME,
    BY_PREFIX,
    SAVE,
    OPS,
};
static const char *const op_names[OPS] = {"by ID", "by name", "by prefix", "save a state"};

static int operate(struct store *st, enum op op, unsigned i)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct berth_scan scan = {.size = sizeof(scan), .kind = BERTH_CONTAINER};
    char id[65], prefix[13], name[32], state[400];
    struct berth_txn *t = NULL;
    const char *found;
    uint32_t kind;
    int n = 0, r;

    id_of(id, i);
    snprintf(prefix, sizeof(prefix), "%.12s", id);
    snprintf(name, sizeof(name), "name-%u", i);
    r = st->ops.begin(st->s, op == SAVE ? BERTH_TXN_WRITE : 0, BERTH_WAIT_FOREVER, &t, st->err);
    if (r < 0)
        return r;
    if (op == BY_NAME) {
        r = st->ops.resolve(t, 0, name, &kind, &found, st->err);
        if (r == 0 && strcmp(found, id) != 0)
            r = -EUCLEAN;
    }
    if (op == BY_PREFIX) {
        scan.prefix = prefix;
        r = st->ops.scan(t, &scan, stop_at_second, &n, st->err);
        if (r == 0 && n != 1)
            r = -EUCLEAN;
    }
    if (r == 0 && op != SAVE)
        r = st->ops.get(t, BERTH_CONTAINER, id, BERTH_REC_ALL, &rec, st->err);
    if (r == 0 && op == SAVE) {
        memset(state, 'n', sizeof(state));
        rec = (struct berth_record){.size = sizeof(rec),
                                    .kind = BERTH_CONTAINER,
                                    .has = BERTH_REC_STATE | BERTH_REC_ATTRS,
                                    .id = id,
                                    .name = name,
                                    .state = {state, sizeof(state)}};
        r = st->ops.update(t, &rec, st->err);
    }
    if (r == 0)
        return st->ops.commit(t, st->err);
    st->ops.rollback(t);
    return r;
}

/* The most pages that each operation takes, over some containers. */
static int measure(struct store *st, unsigned n, long reads[OPS], long writes[OPS])
{
    int r;

    snprintf(dir, sizeof(dir), "/tmp/berth-pages-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    st->place.static_dir = st->place.tmp_dir = st->place.graph_root = dir;
    st->place.run_root = st->place.volume_path = dir;
    r = st->ops.open(st->h, &st->place, st->cfg, BERTH_STATE_CREATE, &st->s, st->err);
    if (r == 0)
        r = fill(st, n);
    for (int op = 0; r == 0 && op < OPS; op++) {
        reads[op] = writes[op] = 0;
        for (unsigned i = 0; r == 0 && i < 40; i++) {
            st->ops.close(st->s); /* what was kept in memory counts again */
            st->s = NULL;
            r = st->ops.open(st->h, &st->place, st->cfg, 0, &st->s, st->err);
            reset();
            if (r == 0)
                r = operate(st, (enum op)op, i * 7919 % n);
            if (pages_read > reads[op])
                reads[op] = pages_read;
            if (pages_written > writes[op])
                writes[op] = pages_written;
        }
    }
    st->ops.close(st->s);
    st->s = NULL;
    if (r < 0)
        fprintf(stderr, "pages-state: %s\n", testhost_error_text(st->err));
    return r;
}

static int remove_dir(void)
{
    char command[100];

    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

int main(int argc, char **argv)
{
    struct sigaction touch = {.sa_sigaction = on_touch, .sa_flags = SA_SIGINFO | SA_NODEFER};
    long small_r[OPS], small_w[OPS], large_r[OPS], large_w[OPS];
    const char *slash = argc == 2 ? strrchr(argv[1], '/') : NULL;
    struct store st = {.s = NULL};
    char where[4096], module[256];
    int failed = 0;

#ifdef __SANITIZE_ADDRESS__
    puts("the sanitizer has a handler of its own for what is counted here");
    return 77;
#endif
    if (!slash) {
        fprintf(stderr, "usage: pages-state DIR/PLUGIN.so\n");
        return 2;
    }
    sigaction(SIGSEGV, &touch, NULL);
    snprintf(where, sizeof(where), "%.*s", (int)(slash - argv[1]), argv[1]);
    snprintf(module, sizeof(module), "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
    st.plugin = testhost_load(where, module);
    if (!st.plugin)
        return 2;
    testhost_ops(st.plugin, &st.ops, sizeof(st.ops));
    st.th = testhost_new();
    st.h = testhost_host(st.th);
    st.cfg = testhost_config_new(st.plugin);
    st.err = testhost_error_new();
    st.place = (struct berth_place){
        .size = sizeof(st.place), .uid = (uint32_t)getuid(), .gid = (uint32_t)getgid()};
    failed = measure(&st, 100, small_r, small_w) < 0;
    remove_dir();
    failed |= measure(&st, 10000, large_r, large_w) < 0;
    remove_dir();
    for (int op = 0; !failed && op < OPS; op++) {
        int many = large_r[op] > small_r[op] + READ_SLACK || large_r[op] == 0 ||
                   large_w[op] > small_w[op] + WRITE_SLACK || (op == SAVE && !large_w[op]);

        printf("%s %s, %s: of 100 containers %ld pages read, %ld written; of 10000 %ld, %ld\n",
               many ? "FAIL" : "ok", st.plugin->name, op_names[op], small_r[op], small_w[op],
               large_r[op], large_w[op]);
        failed |= many;
    }
    testhost_error_free(st.err);
    testhost_config_free(st.cfg);
    testhost_free(st.th);
    return failed;
}
