/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - a table of entries in one text file.
 *
 * A transaction reads the whole file into a sorted table.  A writer has the lock of a second
 * file meanwhile, and commits by writing a new file and renaming it over the old one, so
 * readers need no lock: what they opened stays as it was.  That is all there is to isolation,
 * durability and rollback here; the price is that every transaction costs as much as the store
 * is large.
 *
 * A line of the file is one entry: a letter, then fields, "3:abc" or "-" for one that is
 * absent.  Entries are sorted by letter and the first two fields:
 *
 *      A B C   container, pod, volume: ID, nothing, name, namespace, pod, netns, infra,
 *              storage_id, status, exit_code, config, state
 *      L M N O DEPENDS, VOLUME, NETWORK, EXEC: from, to, value
 *      X       exit code: ID, nothing, code, date
 *      Z       where the store was made: nothing, nothing, schema, seven members
 */
#include "store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --------------------------------------------------------------------- the table */

static int compare(const struct entry *e, char type, const char *first, const char *second)
{
    int c = (e->type > type) - (e->type < type);

    if (c == 0)
        c = strcmp(str(e, 0), first);
    return c ? c : strcmp(str(e, 1), second);
}

size_t find(const struct berth_txn *t, char type, const char *first, const char *second,
            int *found)
{
    size_t low = 0, high = t->n;

    *found = 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare(t->v[mid], type, first, second);

        *found |= c == 0;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct entry *lookup(const struct berth_txn *t, char type, const char *first,
                     const char *second)
{
    int found;
    size_t at = find(t, type, first, second, &found);

    return found ? t->v[at] : NULL;
}

void drop(struct berth_txn *t, size_t at)
{
    free(t->v[at]);
    memmove(t->v + at, t->v + at + 1, (--t->n - at) * sizeof(*t->v));
}

int put(struct berth_txn *t, char type, const struct berth_blob f[FIELDS])
{
    size_t size = sizeof(struct entry), at;
    struct entry *e, **grown;
    char *p;
    int found;

    for (int i = 0; i < FIELDS; i++)
        size += f[i].len + 1;
    e = calloc(1, size);
    if (!e)
        return -ENOMEM;
    e->type = type;
    p = (char *)(e + 1);
    for (int i = 0; i < FIELDS; i++) {
        if (!f[i].data && i > 1)
            continue;
        e->f[i] = (struct berth_blob){p, f[i].len};
        if (f[i].len)
            memcpy(p, f[i].data, f[i].len);
        p += f[i].len + 1; /* calloc() has put a NUL there */
    }
    at = find(t, type, str(e, 0), str(e, 1), &found);
    if (found)
        drop(t, at);
    if (t->n == t->room) {
        grown = realloc(t->v, (t->room * 2 + 64) * sizeof(*t->v));
        if (!grown) {
            free(e);
            return -ENOMEM;
        }
        t->v = grown;
        t->room = t->room * 2 + 64;
    }
    memmove(t->v + at + 1, t->v + at, (t->n++ - at) * sizeof(*t->v));
    t->v[at] = e;
    return 0;
}

/* ---------------------------------------------------------------------- the file */

/* One line into f; gives what follows it, or NULL. */
static char *parse_line(char *p, const char *end, struct berth_blob f[FIELDS])
{
    memset(f, 0, FIELDS * sizeof(*f));
    for (int i = 0; i < FIELDS && p < end && *p == ' '; i++) {
        char *after;
        unsigned long len;

        if (*++p == '-') {
            p++;
            continue;
        }
        len = strtoul(p, &after, 10);
        if (after == p || *after != ':' || len > (size_t)(end - after - 1))
            return NULL;
        f[i] = (struct berth_blob){after + 1, len};
        p = after + 1 + len;
    }
    return p < end && *p == '\n' && f[0].data && f[1].data ? p + 1 : NULL;
}

static int parse(struct berth_txn *t, char *p, const char *end, struct berth_error *err)
{
    struct berth_blob f[FIELDS];

    if ((size_t)(end - p) < strlen(MAGIC) || memcmp(p, MAGIC, strlen(MAGIC)) != 0)
        return berth_fail(t->s->h, err, EUCLEAN, "%s does not begin as it should", t->s->path);
    for (p += strlen(MAGIC); p < end;) {
        char type = *p;

        p = parse_line(p + 1, end, f);
        if (!p)
            return berth_fail(t->s->h, err, EUCLEAN, "%s is damaged behind entry %zu",
                              t->s->path, t->n);
        if (put(t, type, f) < 0)
            return no_memory(t->s, err);
    }
    return 0;
}

int load(struct berth_txn *t, struct berth_error *err)
{
    struct berth_state *s = t->s;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC), r;
    struct stat st;
    char *data;
    size_t n = 0;
    ssize_t got = -1;

    if (fd < 0 || fstat(fd, &st) < 0) {
        r = berth_fail(s->h, err, errno, "cannot open %s: %m", s->path);
        if (fd >= 0)
            close(fd);
        return r;
    }
    data = malloc((size_t)st.st_size + 1);
    while (data && n < (size_t)st.st_size &&
           (got = read(fd, data + n, (size_t)st.st_size - n)) > 0)
        n += (size_t)got;
    if (!data) {
        r = no_memory(s, err);
    } else if (got < 0) {
        r = berth_fail(s->h, err, errno, "cannot read %s: %m", s->path);
    } else {
        data[n] = '\0';
        r = parse(t, data, data + n, err);
    }
    free(data);
    close(fd);
    return r;
}

int print(FILE *out, const struct berth_txn *t)
{
    fputs(MAGIC, out);
    for (size_t i = 0; i < t->n; i++) {
        const struct entry *e = t->v[i];

        putc(e->type, out);
        for (int k = 0; k < FIELDS; k++) {
            if (!e->f[k].data) {
                fputs(" -", out);
                continue;
            }
            fprintf(out, " %zu:", e->f[k].len);
            fwrite(e->f[k].data, 1, e->f[k].len, out);
        }
        putc('\n', out);
    }
    return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}

/* A new file, on the disk before it takes the place of the old one. */
int save(const struct berth_txn *t, struct berth_error *err)
{
    const struct berth_state *s = t->s;
    int sync = !(s->flags & BERTH_PLACE_TRANSIENT), dir, r = 0;
    FILE *out = fopen(s->fresh, "we");

    if (!out)
        return berth_fail(s->h, err, errno, "cannot write %s: %m", s->fresh);
    fchmod(fileno(out), 0600);
    if (print(out, t) < 0 || (sync && fsync(fileno(out)) < 0))
        r = berth_fail(s->h, err, errno, "cannot write %s: %m", s->fresh);
    fclose(out);
    if (r == 0 && rename(s->fresh, s->path) < 0)
        r = berth_fail(s->h, err, errno, "cannot rename %s: %m", s->fresh);
    if (r < 0)
        unlink(s->fresh);
    dir = r == 0 && sync ? open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return r;
}

/* ---------------------------------------------------------------------- the lock */

static berth_deadline now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
}

int lock_store(struct berth_state *s, berth_deadline deadline, struct berth_error *err)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    int fd = open(s->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600), code;

    if (fd < 0)
        return berth_fail(s->h, err, errno, "cannot open %s: %m", s->lock);
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        code = errno != EWOULDBLOCK && errno != EINTR ? errno
               : deadline == BERTH_NO_WAIT            ? EBUSY
               : s->h->cancelled(s->h->core)          ? ECANCELED
               : now() >= deadline                    ? ETIMEDOUT
                                                      : 0;
        if (code) {
            close(fd);
            return berth_fail(s->h, err, code, "another process writes to %s", s->path);
        }
        nanosleep(&nap, NULL);
    }
    return fd;
}

/* Others may have the descriptor too (a child between fork and exec), so unlock, then close. */
void unlock_store(int fd)
{
    if (fd < 0)
        return;
    flock(fd, LOCK_UN);
    close(fd);
}
