/* SPDX-License-Identifier: Apache-2.0 */
/* The file: where it is, what it is, opening it, and the lock between processes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK, mkostemp() */
#endif
#include "lmdb_store.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_READERS  1000
#define SMALLEST_MAP ((size_t)1 << 24)

/* A byte that no data will ever reach. */
#define LOCK_BYTE ((off_t)1 << 62)

char *lm_path(const struct berth_host *h, const struct berth_place *place,
              const struct berth_config *cfg)
{
    const char *path = h->option_string(cfg, "path"), *dir = place->static_dir;
    char *out;

    if (path && *path)
        return strdup(path);
    if ((place->flags & BERTH_PLACE_TRANSIENT) && place->tmp_dir)
        dir = place->tmp_dir;
    if (!dir)
        dir = "";
    out = malloc(strlen(dir) + sizeof("/berth.lmdb"));
    if (out)
        sprintf(out, "%s/berth.lmdb", dir);
    return out;
}

/* ------------------------------------------------------------------ header */

#define MAGIC        0xBEEFC0DEu
#define DATA_VERSION 1u
#define META_TXNID   144 /* number of the transaction that wrote a first page */

static int foreign(struct berth_state *s, const unsigned char *head, struct berth_error *err)
{
    const struct berth_host *h = s->h;
    uint32_t magic = lm_get32(head + 16), version = lm_get32(head + 20);

    if (magic == __builtin_bswap32(MAGIC) || lm_get32(head + 12) == MAGIC ||
        lm_get32(head + 12) == __builtin_bswap32(MAGIC))
        return berth_fail(h, err, ENOTSUP, "%s was made by LMDB on another kind of machine",
                          s->path);
    if (magic == MAGIC && version != DATA_VERSION)
        return berth_fail(h, err, ENOTSUP, "%s is of LMDB's format version %u, this is for %u",
                          s->path, version, DATA_VERSION);
    if (magic == MAGIC)
        return berth_fail(h, err, EUCLEAN, "%s: its first pages are damaged", s->path);
    return berth_fail(h, err, EEXIST, "%s is no LMDB file", s->path);
}

/* Read up to len bytes at an offset; gives how many there are, or -errno. */
static ssize_t read_at(int fd, unsigned char *to, size_t len, off_t at)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = pread(fd, to + have, len - have, at + (off_t)have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

/* LMDB writes both of the first pages in one go.  Only the first, of no transaction yet:
 * whoever made the file was stopped (a full disk, a kill), and nothing was ever in it. */
static bool unfinished(int fd, const unsigned char *head, size_t page_size)
{
    struct stat st;

    return lm_get64(head + META_TXNID) == 0 && fstat(fd, &st) == 0 &&
           (uint64_t)st.st_size <= page_size;
}

/* LMDB divides by what these pages say before it checks anything, so look first. */
static int header_of(struct berth_state *s, int fd, struct berth_error *err)
{
    unsigned char head[2][256] = {{0}};
    size_t page_size = 0;
    uint64_t last;
    ssize_t n = read_at(fd, head[0], sizeof(head[0]), 0);

    if (n < 0)
        return berth_fail(s->h, err, (int)-n, "cannot read %s", s->path);
    if (n == 0)
        return 0;
    if (!lm_meta_ok(head[0], (size_t)n, &page_size, &last))
        return foreign(s, head[0], err);
    if (unfinished(fd, head[0], page_size))
        return 0;
    n = read_at(fd, head[1], sizeof(head[1]), (off_t)page_size);
    if (n < 0)
        return berth_fail(s->h, err, (int)-n, "cannot read %s", s->path);
    if (!lm_meta_ok(head[1], (size_t)n, &page_size, &last))
        return berth_fail(s->h, err, EUCLEAN, "%s: its second page is damaged or missing",
                          s->path);
    return 1;
}

int lm_header(struct berth_state *s, struct berth_error *err)
{
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;
    struct stat st;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : berth_fail(s->h, err, errno, "cannot open %s", s->path);
    if (fstat(fd, &st) < 0)
        r = berth_fail(s->h, err, errno, "cannot look at %s", s->path);
    else if (!S_ISREG(st.st_mode))
        r = berth_fail(s->h, err, EEXIST, "%s is not a regular file", s->path);
    else
        r = header_of(s, fd, err);
    close(fd);
    return r;
}

int lm_peek(struct berth_state *s, struct berth_error *err)
{
    unsigned char key[sizeof(LM_FORMAT_KEY)], value[4];
    size_t len = sizeof(key), value_len = sizeof(value);
    int fd = open(s->path, O_RDONLY | O_CLOEXEC), r;

    if (fd < 0)
        return berth_fail(s->h, err, errno, "cannot open %s", s->path);
    r = lm_first_entry(fd, key, &len, value, &value_len);
    close(fd);
    if (r == -EUCLEAN) /* a writer may be at it, or it is damaged: open() will say */
        return BERTH_PROBE_MINE;
    if (r < 0)
        return berth_fail(s->h, err, -r, "cannot read %s", s->path);
    if (r == 0)
        return BERTH_PROBE_NONE;
    if (len != sizeof(LM_FORMAT_KEY) || memcmp(key, LM_FORMAT_KEY, len) != 0)
        return BERTH_PROBE_FOREIGN;
    if (value_len == 4 && lm_get32(value) > LM_VERSION)
        return berth_fail(s->h, err, ENOTSUP, "%s has format version %u, this is for %d",
                          s->path, lm_get32(value), LM_VERSION);
    return BERTH_PROBE_MINE;
}

/* ----------------------------------------------------------------- opening */

/* One environment of a file per process: LMDB's locks belong to the process. */
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct berth_state *open_stores;

static int enter(struct berth_state *s)
{
    struct berth_state *other;

    pthread_mutex_lock(&open_mutex);
    for (other = open_stores; other; other = other->next_open)
        if (other->dev == s->dev && other->ino == s->ino)
            break;
    if (!other) {
        s->next_open = open_stores;
        open_stores = s;
    }
    pthread_mutex_unlock(&open_mutex);
    return other ? -EBUSY : 0;
}

void lm_leave(struct berth_state *s)
{
    struct berth_state **at;

    pthread_mutex_lock(&open_mutex);
    for (at = &open_stores; *at; at = &(*at)->next_open) {
        if (*at == s) {
            *at = s->next_open;
            break;
        }
    }
    pthread_mutex_unlock(&open_mutex);
}

/* Make the file, so that it has an identity before LMDB opens it; the directory is
 * synced, or the store could be lost with its name. */
static int make_file(struct berth_state *s, struct berth_error *err)
{
    int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), dir;
    char *parent, *slash;

    if (fd < 0)
        return berth_fail(s->h, err, errno, "cannot make %s", s->path);
    close(fd);
    parent = strdup(s->path);
    slash = parent ? strrchr(parent, '/') : NULL;
    if (slash)
        slash[slash == parent] = '\0';
    dir = slash ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    free(parent);
    return 0;
}

/* Empty a file that was never finished, or LMDB would refuse it.  Whoever is just making it
 * is given time to. */
static void clear_unfinished(struct berth_state *s)
{
    struct timespec pause = {0, 10000000};
    unsigned char head[256];
    size_t page_size = 0;
    uint64_t last = 0;
    int fd = open(s->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), tries;
    ssize_t n;

    if (fd < 0)
        return;
    for (tries = 0; tries < 20 && flock(fd, LOCK_EX) == 0; tries++) {
        n = read_at(fd, head, sizeof(head), 0);
        if (n <= 0 || !lm_meta_ok(head, (size_t)n, &page_size, &last) ||
            !unfinished(fd, head, page_size))
            break;
        nanosleep(&pause, NULL);
    }
    if (tries == 20 && ftruncate(fd, 0) < 0)
        berth_debug(s->h, "cannot empty %s", s->path);
    close(fd);
}

static int try_open(struct berth_state *s, unsigned flags, size_t map)
{
    int dead, rc = mdb_env_create(&s->env);

    if (rc) {
        s->env = NULL;
        return rc;
    }
    rc = mdb_env_set_mapsize(s->env, map);
    if (!rc)
        rc = mdb_env_set_maxreaders(s->env, MAX_READERS);
    if (!rc)
        rc = mdb_env_open(s->env, s->path, flags, 0600);
    if (rc) {
        mdb_env_close(s->env);
        s->env = NULL;
        return rc;
    }
    if (!s->readonly)
        mdb_reader_check(s->env, &dead); /* of processes that were killed */
    mdb_env_get_fd(s->env, &s->fd);
    fcntl(s->fd, F_SETFD, FD_CLOEXEC); /* LMDB leaves this one open on exec */
    return 0;
}

int lm_env_open(struct berth_state *s, struct berth_error *err)
{
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
    size_t map = s->map_size;
    struct stat st;
    int r, rc;

    if (s->readonly)
        flags |= MDB_RDONLY | MDB_NOLOCK;
    else if (s->transient)
        flags |= MDB_NOSYNC;
    if (stat(s->path, &st) < 0 && (r = make_file(s, err)) < 0)
        return r;
    if (stat(s->path, &st) < 0)
        return berth_fail(s->h, err, errno, "cannot look at %s", s->path);
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    if (enter(s) < 0)
        return berth_fail(s->h, err, EBUSY, "%s is open in this process already", s->path);
    if (!s->readonly)
        clear_unfinished(s);
    if (map < SMALLEST_MAP)
        map = SMALLEST_MAP;
    /* The map takes address space, not memory; where that is short, less has to do. */
    while ((rc = try_open(s, flags, map)) == ENOMEM && map > SMALLEST_MAP)
        map /= 2;
    if (!rc)
        return 0;
    lm_leave(s);
    return lm_fail(s, err, rc, "opening");
}

int lm_still_there(struct berth_state *s, struct berth_error *err)
{
    off_t least;
    struct stat st;
    int r;

    /* Looked at and remembered in one go: of two threads, the one with the older size
     * would else find the file shorter than the other did. */
    pthread_mutex_lock(&s->mutex);
    r = stat(s->path, &st);
    least = s->least_size;
    if (r == 0 && st.st_dev == s->dev && st.st_ino == s->ino && st.st_size > least)
        s->least_size = st.st_size;
    pthread_mutex_unlock(&s->mutex);
    if (r < 0 || st.st_dev != s->dev || st.st_ino != s->ino)
        return berth_fail(s->h, err, ESTALE, "%s was moved or replaced since it was opened",
                          s->path);
    if (st.st_size < least)
        return berth_fail(s->h, err, EUCLEAN, "%s was cut off: it has %lld bytes, not %lld",
                          s->path, (long long)st.st_size, (long long)least);
    return 0;
}

int lm_file_lock(struct berth_state *s, int type)
{
    struct flock lock = {
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = 1};
    int r;

    do
        r = fcntl(s->fd, F_OFD_SETLK, &lock);
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

/* ------------------------------------------------------------------- trust */

struct stamp {
    unsigned long long dev, ino, txn;
};

static int read_stamp(const char *path, struct stamp *out)
{
    FILE *f = fopen(path, "re");
    int n;

    if (!f)
        return 0;
    n = fscanf(f, "%llu %llu %llu", &out->dev, &out->ino, &out->txn);
    fclose(f);
    return n == 3;
}

/* Not being able to keep the note costs time at the next start and nothing else. */
static void write_stamp(struct berth_state *s, unsigned long long txn)
{
    char *next = malloc(strlen(s->stamp) + 16), text[96];
    int fd, n, ok;

    if (!next)
        return;
    sprintf(next, "%s.XXXXXX", s->stamp);
    fd = mkostemp(next, O_CLOEXEC);
    if (fd >= 0) {
        n = snprintf(text, sizeof(text), "%llu %llu %llu\n", (unsigned long long)s->dev,
                     (unsigned long long)s->ino, txn);
        ok = write(fd, text, (size_t)n) == n;
        close(fd);
        if (!ok || rename(next, s->stamp) < 0)
            unlink(next);
    }
    free(next);
}

struct first {
    struct berth_state *s;
    struct berth_error *err;
};

static int first_finding(void *arg, const char *line)
{
    struct first *f = arg;

    return berth_fail(f->s->h, f->err, EUCLEAN, "%s: %s", f->s->path, line);
}

int lm_trust(struct berth_state *s, MDB_txn *txn, struct berth_error *err)
{
    struct first f = {s, err};
    struct stamp stamp;
    int r;

    if (s->stamp && read_stamp(s->stamp, &stamp) && stamp.dev == s->dev &&
        stamp.ino == s->ino && stamp.txn <= mdb_txn_id(txn))
        return 0;
    r = lm_verify(s, txn, first_finding, &f);
    if (r < 0 && r != -EUCLEAN)
        return berth_fail(s->h, err, -r, "cannot check the pages of %s", s->path);
    if (r == 0 && s->stamp && !s->readonly)
        write_stamp(s, mdb_txn_id(txn));
    return r;
}
