/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a bolt file: read all of it, check it, change it.  What a change leaves
 * behind must be sound, and a file that is refused must stay as it was.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugins/common/bolt/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BUDGET 3000 /* keys looked at: small trees can be made to look endless */

static void must(int ok, const char *what, const struct bolt *db)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, bolt_error(db));
    abort();
}

static int read_all(struct bolt_bucket *b, int *budget)
{
    struct bolt_cursor c;
    int r;

    for (r = bolt_first(&c, b); r > 0 && --*budget > 0; r = bolt_next(&c)) {
        struct bolt_bucket *inner;
        struct bolt_bytes v;

        if (c.is_bucket) {
            r = bolt_open(b, c.key.data, c.key.len, &inner);
            if (r == 0)
                r = read_all(inner, budget);
        } else {
            r = bolt_get(b, c.key.data, c.key.len, &v);
        }
        if (r < 0 && r != -ENOENT && r != -EISDIR)
            return r;
    }
    for (r = bolt_last(&c, b); r > 0 && --*budget > 0; r = bolt_prev(&c))
        ;
    return r;
}

/* Change, remove, add and drop, here and there. */
static int change(struct bolt_bucket *b, int *budget)
{
    static const char text[3000] = "new";
    struct bolt_cursor c;
    uint8_t *key;
    size_t len;
    int n = 0, r;

    for (r = bolt_first(&c, b); r > 0 && n < 20 && --*budget > 0; n++) {
        struct bolt_bucket *inner;

        len = c.key.len;
        key = malloc(len);
        if (!key)
            abort();
        memcpy(key, c.key.data, len);
        if (!c.is_bucket) {
            r = n % 3 ? bolt_delete(b, key, len) : bolt_put(b, key, len, text, sizeof text);
        } else if (n % 4 == 3) {
            r = bolt_drop(b, key, len);
        } else {
            r = bolt_open(b, key, len, &inner);
            if (r == 0)
                r = change(inner, budget);
        }
        if (r == 0)
            r = bolt_seek(&c, b, key, len);
        if (r > 0 && compare(c.key.data, c.key.len, key, len) == 0)
            r = bolt_next(&c);
        free(key);
    }
    return r < 0 ? r : bolt_put(b, "zz", 2, text, 40);
}

static void read_file(const char *path, unsigned flags, int64_t *found)
{
    struct bolt *db = bolt_new(path, BOLT_READONLY | flags);
    struct bolt_tx *tx;
    int budget = BUDGET, r;

    *found = -1;
    r = bolt_begin(db, 0, BOLT_NO_WAIT, &tx);
    if (r == 0) {
        r = read_all(bolt_root(tx), &budget);
        *found = bolt_check(tx, NULL, NULL);
        must(r >= 0 || *found, "a file that cannot be read passes the check", db);
        bolt_rollback(tx);
    }
    bolt_free(db);
}

static void write_file(const char *path)
{
    struct bolt *db = bolt_new(path, BOLT_NOSYNC);
    struct bolt_bucket *b;
    struct bolt_bytes v;
    struct bolt_tx *tx;
    int budget = 200, r;
    int64_t found;

    r = bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx);
    if (r < 0)
        goto out;
    r = change(bolt_root(tx), &budget);
    if (r == 0)
        r = bolt_drop(bolt_root(tx), "fuzz bucket", 11);
    if (r == 0 || r == -ENOENT)
        r = bolt_make(bolt_root(tx), "fuzz bucket", 11, &b);
    if (r == 0)
        r = bolt_put(b, "key", 3, "value", 5);
    if (r < 0) {
        bolt_rollback(tx);
        goto out;
    }
    r = bolt_commit(tx);
    if (r < 0)
        goto out;
    read_file(path, 0, &found);
    must(found == 0, "a change left damage behind", db);
    r = bolt_begin(db, 0, BOLT_NO_WAIT, &tx);
    must(r == 0, "a changed file cannot be opened", db);
    must(bolt_open(bolt_root(tx), "fuzz bucket", 11, &b) == 0 &&
             bolt_get(b, "key", 3, &v) == 0 && v.len == 5 && memcmp(v.data, "value", 5) == 0,
         "the change is not there", db);
    bolt_rollback(tx);
out:
    bolt_free(db);
}

static void try_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("bolt", MFD_CLOEXEC);
    int64_t mapped, copied;
    char path[64];

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_file(path, 0, &mapped);
    read_file(path, BOLT_COPY, &copied);
    if (mapped != copied)
        abort();
    write_file(path);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *fixed;

    if (size > 1 << 18)
        return 0;
    try_file(data, size);
    /* Without right checksums hardly anything else would ever be looked at. */
    fixed = malloc(size + 1);
    if (!fixed)
        abort();
    memcpy(fixed, data, size);
    for (size_t at = 0; at + 80 <= size && at <= 65536; at = at ? at * 2 : 512) {
        if (get32(fixed + at + 16) == MAGIC)
            put64(fixed + at + 72, meta_checksum(fixed + at + 16));
    }
    if (memcmp(fixed, data, size) != 0)
        try_file(fixed, size);
    free(fixed);
    return 0;
}
