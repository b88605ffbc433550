/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the file is and how it is opened.  The file is never read but through SQLite:
 * closing any other descriptor of it would drop the locks that this process has on it.
 */
#include "sqlite.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 1;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s", dir, name);
    return path;
}

char *sq_path(const struct berth_host *h, const struct berth_place *place,
              const struct berth_config *cfg)
{
    const char *path = h->option_string(cfg, "path");
    const char *dir = place->graph_root;

    if (path && *path)
        return join(path, "");
    if ((place->flags & BERTH_PLACE_TRANSIENT) && place->run_root)
        dir = place->run_root;
    else if (((place->flags & BERTH_PLACE_STATIC_SET) || !dir) && place->static_dir)
        dir = place->static_dir;
    return join(dir ? dir : "", "/db.sql");
}

/* A file name as a URI; to be freed. */
static char *uri_of(const char *path, const char *query)
{
    static const char hex[] = "0123456789abcdef";
    char *uri = malloc(strlen("file://") + strlen(path) * 3 + strlen(query) + 1), *to = uri;

    if (!uri)
        return NULL;
    to = stpcpy(to, "file://");
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if (strchr("%?#", c) || c < ' ' || c > '~') {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        } else {
            *to++ = (char)c;
        }
    }
    strcpy(to, query);
    return uri;
}

static int open_as(struct berth_state *s, const char *query, int flags, struct berth_error *err)
{
    char *uri = uri_of(s->path, query);
    int rc;

    if (!uri)
        return berth_fail(s->h, err, ENOMEM, "out of memory");
    rc = sqlite3_open_v2(uri, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    if (rc != SQLITE_OK)
        return sq_fail(s, err, rc, "opening");
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_handler(s->db, sq_busy, s);
    return 0;
}

/* ------------------------------------------------------------- reading only */

static int64_t size_beside(const struct berth_state *s, const char *suffix)
{
    char *path = join(s->path, suffix);
    struct stat st;
    int64_t size = path && stat(path, &st) == 0 ? (int64_t)st.st_size : -1;

    free(path);
    return size;
}

/* Is the file kept in WAL mode?  (podman 4.5 did that.)  Its header says so; read it
 * through the connection's own descriptor. */
static int is_wal(sqlite3 *db)
{
    unsigned char header[20];
    sqlite3_file *file = NULL;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file && file->pMethods &&
           file->pMethods->xRead(file, header, sizeof(header), 0) == SQLITE_OK &&
           header[18] == 2;
}

/*
 * Open such that nothing is written.  SQLite makes a -wal and a -shm file even for a
 * reader, so a file in WAL mode is opened as one that nobody changes, unless there is
 * a log with something in it: that needs the -shm file of whoever is writing.
 */
static int open_readonly(struct berth_state *s, struct berth_error *err)
{
    int r = open_as(s, "?immutable=1", SQLITE_OPEN_READONLY, err);

    if (r < 0)
        return r;
    if (is_wal(s->db)) {
        if (size_beside(s, "-wal") <= 0)
            return 0;
        if (size_beside(s, "-shm") < 0)
            return berth_fail(s->h, err, EROFS,
                              "%s-wal holds changes that only a writer can bring in", s->path);
    }
    sqlite3_close(s->db);
    s->db = NULL;
    return open_as(s, "?mode=ro&readonly_shm=1", SQLITE_OPEN_READONLY, err);
}

/* ---------------------------------------------------------------------- opening */

static int make_dirs(const char *path)
{
    char *copy = join(path, ""), *slash;

    if (!copy)
        return -ENOMEM;
    for (slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
            int r = -errno;

            free(copy);
            return r;
        }
        *slash = '/';
    }
    free(copy);
    return 0;
}

static int set_up(struct berth_state *s, const struct stat *st, struct berth_error *err)
{
    int on = 0;

    /* Nothing that a file may bring along runs. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, &on);
    if (!on)
        return berth_fail(s->h, err, ENOTSUP, "this SQLite library has no foreign keys");
    s->dev = st->st_dev;
    s->ino = st->st_ino;
    return 0;
}

int sq_open_file(struct berth_state *s, int create, struct berth_error *err)
{
    struct stat st;
    int r, there = stat(s->path, &st) == 0;

    if (!there && errno != ENOENT && errno != ENOTDIR)
        return berth_fail(s->h, err, errno, "cannot look at %s", s->path);
    if (!there && (!create || s->readonly))
        return berth_fail(s->h, err, ENOENT, "there is no %s", s->path);
    if (there && !S_ISREG(st.st_mode))
        return berth_fail(s->h, err, EEXIST, "%s is not a regular file", s->path);
    if (!there && (r = make_dirs(s->path)) < 0)
        return berth_fail(s->h, err, -r, "cannot make the directory of %s", s->path);
    r = s->readonly
            ? open_readonly(s, err)
            : open_as(s, "", SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), err);
    if (r < 0)
        return r;
    if (stat(s->path, &st) < 0)
        memset(&st, 0, sizeof(st));
    return set_up(s, &st, err);
}

int sq_probe(const struct berth_host *h, const struct berth_place *place,
             const struct berth_config *cfg, struct berth_error *err)
{
    struct berth_state s = {.h = h, .readonly = 1};
    struct stat st;
    int r;

    s.path = sq_path(h, place, cfg);
    if (!s.path)
        return berth_fail(h, err, ENOMEM, "out of memory");
    if (stat(s.path, &st) < 0) {
        r = errno == ENOENT || errno == ENOTDIR
                ? BERTH_PROBE_NONE
                : berth_fail(h, err, errno, "cannot look at %s", s.path);
    } else if (!S_ISREG(st.st_mode)) {
        r = BERTH_PROBE_FOREIGN;
    } else if (st.st_size == 0) {
        r = BERTH_PROBE_NONE;
    } else {
        /* No locks: so a writer may be in the middle of a page.  What then looks damaged
         * is ours all the same. */
        r = open_as(&s, "?immutable=1", SQLITE_OPEN_READONLY, err);
        if (r == 0) {
            r = sq_schema(&s, 0, NULL);
            if (r == 0 || r == -EUCLEAN || r == -EIO)
                r = BERTH_PROBE_MINE;
            else if (r == -EEXIST)
                r = BERTH_PROBE_FOREIGN;
            else if (r == -ENOENT)
                r = BERTH_PROBE_NONE;
            else
                r = sq_schema(&s, 0, err);
        }
    }
    sqlite3_close(s.db);
    free(s.path);
    return r;
}

/* The file itself, or its log beside it in WAL mode. */
static int is_ours(struct berth_state *s, int dir, const char *fd)
{
    size_t len = strlen(s->path);
    char target[PATH_MAX];
    struct stat st;
    ssize_t n;

    if (fstat(atoi(fd), &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        return 1;
    n = readlinkat(dir, fd, target, sizeof(target));
    return n > (ssize_t)len && memcmp(target, s->path, len) == 0 && target[len] == '-';
}

void sq_abandon(struct berth_state *s)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;

    while (d && (e = readdir(d)))
        if (atoi(e->d_name) > 2 && atoi(e->d_name) != dirfd(d) &&
            is_ours(s, dirfd(d), e->d_name))
            close(atoi(e->d_name));
    if (d)
        closedir(d);
}
