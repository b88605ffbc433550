/* SPDX-License-Identifier: Apache-2.0 */
/* The file itself: opening, locking, making a new one, choosing a meta page, mapping. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int bolt_fail_(struct bolt *db, int code, const char *fmt, ...)
{
    va_list ap;
    int n;

    n = snprintf(db->error, sizeof db->error, "%.*s: ", 600, db->path);
    va_start(ap, fmt);
    if (n > 0 && (size_t)n < sizeof db->error)
        vsnprintf(db->error + n, sizeof db->error - (size_t)n, fmt, ap);
    va_end(ap);
    return -code;
}

static int fail_errno(struct bolt *db, const char *what)
{
    int code = errno;

    return bolt_fail_(db, code, "%s: %s", what, strerror(code));
}

/* ------------------------------------------------------------------ metadata */

uint64_t meta_checksum(const uint8_t *record)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (unsigned i = 0; i < META_SIZE - 8; i++)
        h = (h ^ record[i]) * 0x100000001b3u;
    return h;
}

void meta_encode(const struct meta *m, uint64_t page, uint8_t *out)
{
    uint8_t *r = out + HEADER_SIZE;

    put64(out, page);
    put16(out + 8, PAGE_META);
    put16(out + 10, 0);
    put32(out + 12, 0);
    put32(r, MAGIC);
    put32(r + 4, FORMAT_VERSION);
    put32(r + 8, m->page_size);
    put32(r + 12, m->flags);
    put64(r + 16, m->root);
    put64(r + 24, m->sequence);
    put64(r + 32, m->freelist);
    put64(r + 40, m->hwm);
    put64(r + 48, m->txid);
    put64(r + 56, meta_checksum(r));
}

static const char wrong_version[] = "version mismatch";

/* NULL and *m filled in, or what is wrong with the page at `at`. */
static const char *meta_decode(const uint8_t *at, struct meta *m)
{
    const uint8_t *r = at + HEADER_SIZE;

    if (get32(r) != MAGIC)
        return "invalid database";
    if (get32(r + 4) != FORMAT_VERSION)
        return wrong_version;
    m->checksum = get64(r + 56);
    /* Files of very old writers have no checksum. */
    if (m->checksum != 0 && m->checksum != meta_checksum(r))
        return "checksum error";
    m->page_size = get32(r + 8);
    m->flags = get32(r + 12);
    m->root = get64(r + 16);
    m->sequence = get64(r + 24);
    m->freelist = get64(r + 32);
    m->hwm = get64(r + 40);
    m->txid = get64(r + 48);
    return NULL;
}

static bool page_size_ok(uint32_t ps)
{
    return ps >= PAGE_SIZE_MIN && ps <= PAGE_SIZE_MAX && (ps & (ps - 1)) == 0;
}

/* All of it, or fewer bytes at the end of the file; -errno. */
static ssize_t read_at(int fd, void *buf, size_t len, uint64_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/*
 * Read meta page `which` at `offset`.  NULL: it counts, that is, its checksum is right
 * and it lies where its own page size says; else what is wrong.
 */
static const char *read_meta(int fd, uint64_t offset, struct meta *m)
{
    uint8_t buf[HEADER_SIZE + META_SIZE];
    const char *wrong;

    if (read_at(fd, buf, sizeof buf, offset) != (ssize_t)sizeof buf)
        return "invalid database";
    wrong = meta_decode(buf, m);
    if (!wrong && offset && m->page_size != offset)
        return "meta page of another page size";
    return wrong;
}

/*
 * The newest valid meta.  1: *out and *which are set; 0: there is none, *why is what is
 * wrong with the first.
 */
static int choose_meta(int fd, struct meta *out, uint32_t *which, const char **why)
{
    struct meta m0, m1;
    const char *wrong0 = read_meta(fd, 0, &m0), *wrong1 = "";

    if (!wrong0) {
        /* Where its page size is absurd there is no second page to look for. */
        if (page_size_ok(m0.page_size))
            wrong1 = read_meta(fd, m0.page_size, &m1);
    } else {
        for (uint32_t ps = PAGE_SIZE_MIN; wrong1 && ps <= PAGE_SIZE_MAX; ps *= 2)
            wrong1 = read_meta(fd, ps, &m1);
    }
    if (wrong0 && wrong1) {
        *why = wrong0;
        return 0;
    }
    *which = wrong0 || (!wrong1 && m1.txid > m0.txid);
    *out = *which ? m1 : m0;
    return 1;
}

/* A right checksum says that the meta was written as it is, not that it makes sense. */
static int meta_plausible(struct bolt_tx *tx)
{
    const struct meta *m = &tx->meta;
    uint64_t bytes;

    if (!page_size_ok(m->page_size))
        return bolt_fail_(tx->db, EUCLEAN, "meta page %u: impossible page size %u",
                          tx->meta_page, m->page_size);
    if (m->hwm < 4 || __builtin_mul_overflow(m->hwm, (uint64_t)m->page_size, &bytes))
        return bolt_fail_(tx->db, EUCLEAN, "meta page %u: impossible number of pages %llu",
                          tx->meta_page, (unsigned long long)m->hwm);
    if (bytes > tx->file_size)
        return bolt_fail_(tx->db, EUCLEAN,
                          "the file is cut off: %llu bytes where %llu pages of %u are in use",
                          (unsigned long long)tx->file_size, (unsigned long long)m->hwm,
                          m->page_size);
    if (m->root < 2 || m->root >= m->hwm)
        return bolt_fail_(tx->db, EUCLEAN, "meta page %u: root page %llu of %llu",
                          tx->meta_page, (unsigned long long)m->root,
                          (unsigned long long)m->hwm);
    return 0;
}

int bolt_probe(const char *path)
{
    struct meta m;
    struct stat st;
    const char *why = "";
    uint32_t which;
    int fd, r;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        r = -errno;
    else if (!S_ISREG(st.st_mode))
        r = 0;
    else
        r = st.st_size == 0 ? 2 : choose_meta(fd, &m, &which, &why);
    if (r == 0 && S_ISREG(st.st_mode) && strcmp(why, wrong_version) == 0)
        r = 3;
    close(fd);
    return r;
}

/* ------------------------------------------------------------------- locking */

static uint64_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/*
 * Others that wait poll as well, podman with pauses of 50 ms.  A queue in the kernel would let
 * this process starve them, so it polls too.  Who has waited long tries more often than who
 * came later: among many that write all the time, a fixed or growing pause could go on
 * missing every gap.
 */
static uint64_t pause_after(uint64_t waited)
{
    static const uint64_t ms = 1000000;

    return waited < ms ? ms / 5 : waited < 20 * ms ? 2 * ms : waited < 100 * ms ? 5 * ms : ms;
}

/* Sleep as one that has waited since BEGUN; -ECANCELED, or -ETIMEDOUT at the deadline. */
static int wait_once(struct bolt *db, uint64_t begun, uint64_t deadline)
{
    struct timespec ts;
    uint64_t now, nap;

    if (db->wait_fn && db->wait_fn(db->wait_arg))
        return bolt_fail_(db, ECANCELED, "waiting for its lock was cancelled");
    now = clock_now();
    if (now >= deadline) /* BOLT_FOREVER is the largest number */
        return bolt_fail_(db, ETIMEDOUT, "timeout waiting for its lock");
    nap = pause_after(now - begun);
    if (nap > deadline - now)
        nap = deadline - now;
    ts.tv_sec = (time_t)(nap / 1000000000u);
    ts.tv_nsec = (long)(nap % 1000000000u);
    nanosleep(&ts, NULL);
    return 0;
}

/*
 * Readers come and go, and together they never leave the file to one that wants to write.  So a
 * writer that has to wait locks a byte, far behind the end of the file, with the other kind of
 * lock that files have; readers of ours see that and let it go first.  Only for a moment: the
 * writer may be waiting for another transaction of the very same reader.
 */
#define GATE_BYTE 0x4000000000000000
#define GATE_TIME 15000000u /* ns */

static struct flock gate(short type)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = GATE_BYTE, .l_len = 1};
}

static int pass_gate(struct bolt_tx *tx, uint64_t deadline)
{
    uint64_t begun = 0, until = 0;
    bool waited = false;
    int r = 0;

    while (r == 0) {
        struct flock l = gate(F_RDLCK);

        if (fcntl(tx->fd, F_OFD_GETLK, &l) < 0 || l.l_type == F_UNLCK)
            break; /* or a file system without such locks */
        if (!begun) {
            begun = clock_now();
            until = deadline - begun < GATE_TIME ? deadline : begun + GATE_TIME;
        }
        /* Once at least, however long it takes to get here. */
        if (clock_now() >= (waited ? until : deadline))
            break;
        r = wait_once(tx->db, begun, deadline);
        waited = true;
    }
    return r;
}

static int take_lock(struct bolt_tx *tx, uint64_t deadline)
{
    struct flock shut = gate(F_WRLCK), open = gate(F_UNLCK);
    struct bolt *db = tx->db;
    uint64_t begun = 0;
    int r = tx->write || deadline == BOLT_NO_WAIT ? 0 : pass_gate(tx, deadline);

    while (r == 0 && flock(tx->fd, (tx->write ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            r = fail_errno(db, "cannot lock it");
        else if (deadline == BOLT_NO_WAIT)
            r = bolt_fail_(db, EBUSY, "another process has it locked");
        begun = begun ? begun : clock_now();
        if (r == 0 && tx->write)
            fcntl(tx->fd, F_OFD_SETLK, &shut); /* another writer may have it already */
        if (r == 0)
            r = wait_once(db, begun, deadline);
    }
    if (tx->write && begun)
        fcntl(tx->fd, F_OFD_SETLK, &open);
    return r;
}

/* Whether the file that is locked is still the one that the path leads to. */
static int still_there(struct bolt_tx *tx, struct stat *st)
{
    struct stat by_path;

    if (fstat(tx->fd, st) < 0)
        return fail_errno(tx->db, "cannot look at it");
    if (!S_ISREG(st->st_mode))
        return bolt_fail_(tx->db, EUCLEAN, "not a regular file");
    return stat(tx->db->path, &by_path) == 0 && by_path.st_dev == st->st_dev &&
           by_path.st_ino == st->st_ino;
}

static int open_locked(struct bolt_tx *tx, uint64_t deadline, struct stat *st)
{
    struct bolt *db = tx->db;
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK, r;

    flags |= tx->write ? O_RDWR : O_RDONLY;
    /* A file that was there and is gone was moved away: one made anew would hide that. */
    if (tx->write && (db->flags & BOLT_CREATE) && !db->was_there)
        flags |= O_CREAT;
    for (;;) {
        tx->fd = open(db->path, flags, 0600);
        if (tx->fd < 0)
            return fail_errno(db, "cannot open it");
        r = take_lock(tx, deadline);
        if (r == 0)
            r = still_there(tx, st);
        if (r == 1) {
            db->was_there = true;
            return 0;
        }
        close(tx->fd);
        tx->fd = -1;
        if (r < 0)
            return r;
        /* Replaced while we waited: open the new one.  If it goes on and on, end. */
        if (deadline != BOLT_FOREVER && deadline != BOLT_NO_WAIT && clock_now() >= deadline)
            return bolt_fail_(db, ETIMEDOUT, "timeout: the file is being replaced");
    }
}

/* ---------------------------------------------------------------- a new file */

/* The four pages of a new file; to be freed. */
static uint8_t *first_pages(uint32_t ps)
{
    struct meta m = {.page_size = ps, .root = 3, .freelist = 2, .hwm = 4};
    uint8_t *buf = calloc(4, ps);

    if (!buf)
        return NULL;
    meta_encode(&m, 0, buf);
    m.txid = 1;
    meta_encode(&m, 1, buf + ps);
    put64(buf + 2u * ps, 2);
    put16(buf + 2u * ps + 8, PAGE_FREELIST);
    put64(buf + 3u * ps, 3);
    put16(buf + 3u * ps + 8, PAGE_LEAF);
    return buf;
}

static uint32_t new_page_size(void)
{
    uint32_t ps = (uint32_t)sysconf(_SC_PAGESIZE);

    return page_size_ok(ps) ? ps : 4096;
}

/* Fewer bytes than a new file has, and those are its own or zero: making it was
 * interrupted, and nothing was ever put into it. */
static bool half_made(struct bolt_tx *tx)
{
    uint32_t ps = new_page_size();
    uint8_t *want, *have;
    bool half = false;

    if (tx->file_size >= 4u * (uint64_t)ps)
        return false;
    want = first_pages(ps);
    have = malloc(4u * (size_t)ps);
    if (want && have &&
        read_at(tx->fd, have, (size_t)tx->file_size, 0) == (ssize_t)tx->file_size) {
        half = true;
        for (size_t i = 0; half && i < tx->file_size; i++)
            half = have[i] == 0 || have[i] == want[i];
    }
    free(want);
    free(have);
    return half;
}

/* A new directory entry is durable once its directory was synced. */
static void sync_directory(const char *path)
{
    char *dir = strdup(path), *slash = dir ? strrchr(dir, '/') : NULL;
    int fd;

    if (slash)
        slash[slash == dir] = '\0';
    fd = dir ? open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(dir);
}

static int make_file(struct bolt_tx *tx)
{
    struct bolt *db = tx->db;
    uint32_t ps = new_page_size();
    uint8_t *buf = first_pages(ps);
    ssize_t n;
    int r = 0;

    if (!buf)
        return bolt_fail_(db, ENOMEM, "out of memory");
    n = pwrite(tx->fd, buf, 4u * (size_t)ps, 0);
    if (n < 0 || (!(db->flags & BOLT_NOSYNC) && fdatasync(tx->fd) < 0))
        r = fail_errno(db, "cannot write it");
    else if (n != (ssize_t)(4u * ps))
        r = bolt_fail_(db, ENOSPC, "cannot write it: no space");
    free(buf);
    if (r < 0) {
        /* Leave no half a file: everybody would refuse it. */
        if (ftruncate(tx->fd, 0) < 0)
            return r;
        return r;
    }
    db->stats.pages_written += 4;
    db->stats.syncs++;
    if (!(db->flags & BOLT_NOSYNC))
        sync_directory(db->path);
    tx->file_size = 4u * (uint64_t)ps;
    return 0;
}

/* ------------------------------------------------------------------- mapping */

#define COPY_HUGE (16u << 20) /* files of this size get huge pages for a copy */
#define MAP_STEP  (2u << 20)  /* a map has room for a file that grows by this much */
#define MAP_WHOLE (1u << 20)  /* files up to this size are faulted in at once */

/* Room for the pages that are going to be read. */
static int map_copy(struct bolt_tx *tx, size_t len)
{
    void *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED)
        return fail_errno(tx->db, "cannot map it");
    tx->map = map;
    if (bitmap_grow(&tx->loaded, tx->meta.hwm) < 0)
        return bolt_fail_(tx->db, ENOMEM, "out of memory");
    /* Whoever copies much of a large file spends most of the time in getting memory. */
    if (len >= COPY_HUGE)
        madvise(map, len, MADV_HUGEPAGE);
    return 0;
}

void file_unmap(struct bolt *db)
{
    if (db->map)
        munmap(db->map, db->map_len);
    db->map = NULL;
}

/*
 * Does the map that an earlier transaction left show this file?  The number of an inode that
 * is mapped is not given to another file; but an overlay keeps the number of one that it
 * copies for its first writer, so the meta page has to be the same too.
 */
static bool map_is_of(const struct bolt_tx *tx, const struct stat *st, size_t len)
{
    const struct bolt *db = tx->db;
    struct meta m;

    return db->map && db->map_len >= len && db->map_dev == (uint64_t)st->st_dev &&
           db->map_ino == (uint64_t)st->st_ino &&
           !meta_decode(db->map + (size_t)tx->meta_page * tx->page_size, &m) &&
           memcmp(&m, &tx->meta, sizeof m) == 0;
}

/* The pages of a small file in one call, which takes less time than two or three page faults.
 * No kernel before 5.14 can do it, and none has to. */
static void fault_in(void *map, size_t len)
{
#ifdef MADV_POPULATE_READ
    if (len <= MAP_WHOLE)
        madvise(map, len, MADV_POPULATE_READ);
#else
    (void)map;
    (void)len;
#endif
}

static int map_file(struct bolt_tx *tx, const struct stat *st)
{
    struct bolt *db = tx->db;
    uint64_t bytes = tx->meta.hwm * tx->page_size; /* at most the file's length */
    size_t len = (size_t)bytes;
    void *map;

    if (bytes > SIZE_MAX / 2)
        return bolt_fail_(db, EFBIG, "too large to map");
    tx->map_len = len;
    if (db->flags & BOLT_COPY)
        return map_copy(tx, len);
    if (!map_is_of(tx, st, len)) {
        file_unmap(db);
        db->map_len = len + MAP_STEP;
        map = mmap(NULL, db->map_len, PROT_READ, MAP_SHARED, tx->fd, 0);
        if (map == MAP_FAILED)
            return fail_errno(db, "cannot map it");
        db->map = map;
        fault_in(map, len);
        db->map_dev = (uint64_t)st->st_dev;
        db->map_ino = (uint64_t)st->st_ino;
    }
    tx->map = db->map;
    return 0;
}

int file_open(struct bolt_tx *tx, uint64_t deadline)
{
    const char *why = NULL;
    struct stat st;
    int r;

    r = open_locked(tx, deadline, &st);
    if (r < 0)
        return r;
    tx->file_size = (uint64_t)st.st_size;
    if ((tx->db->flags & BOLT_CREATE) ? half_made(tx) : tx->file_size == 0 && !tx->write) {
        if (!tx->write) {
            tx->empty = true;
            tx->page_size = 4096;
            return 0;
        }
        r = make_file(tx);
        if (r < 0)
            return r;
    }
    if (!choose_meta(tx->fd, &tx->meta, &tx->meta_page, &why))
        return bolt_fail_(tx->db, EUCLEAN, "%s", why);
    r = meta_plausible(tx);
    if (r < 0)
        return r;
    tx->page_size = tx->meta.page_size;
    return map_file(tx, &st);
}

void file_close(struct bolt_tx *tx, bool unlock)
{
    if (tx->map && (tx->db->flags & BOLT_COPY))
        munmap(tx->map, tx->map_len);
    tx->map = NULL;
    bitmap_free(&tx->loaded);
    if (tx->fd >= 0) {
        if (unlock) /* closing does not: the map, which stays, is of this opening */
            flock(tx->fd, LOCK_UN);
        close(tx->fd);
    }
    tx->fd = -1;
}

/* BOLT_COPY: read pages that were not read yet. */
static bool copy_pages(struct bolt_tx *tx, uint64_t id, uint64_t pages)
{
    uint64_t offset = id * tx->page_size, len = pages * tx->page_size;
    ssize_t n = read_at(tx->fd, tx->map + (size_t)offset, (size_t)len, offset);

    if (n < 0) {
        bolt_fail_(tx->db, (int)-n, "page %llu: %s", (unsigned long long)id, strerror((int)-n));
        return false;
    }
    if ((uint64_t)n != len) {
        bolt_fail_(tx->db, EUCLEAN, "page %llu: the file was cut off while it was read",
                   (unsigned long long)(id + (uint64_t)n / tx->page_size));
        return false;
    }
    for (uint64_t i = 0; i < pages; i++)
        bitmap_set(&tx->loaded, id + i);
    return true;
}

const uint8_t *page_copied(struct bolt_tx *tx, uint64_t id, uint64_t pages)
{
    for (uint64_t i = 0, n; i < pages; i += n) {
        n = 1;
        if (bitmap_has(&tx->loaded, id + i))
            continue;
        while (i + n < pages && !bitmap_has(&tx->loaded, id + i + n))
            n++;
        if (!copy_pages(tx, id + i, n))
            return NULL;
    }
    return tx->map + (size_t)(id * tx->page_size);
}
