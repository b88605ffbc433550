/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the bolt library finds a key in a page, against looking at one key after the other; and
 * that what it fetches before it is wanted is inside the file and changes nothing.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/common/bolt/internal.h"
#include "tests/plugins/bolt/model.h"

#define KEYS_MAX 400u
#define KEY_SIZE 72u /* of the longest, and its end */

static uint64_t state;
static struct bolt *db;
static struct bolt_tx tx;
static struct bolt_bucket bucket = {.tx = &tx};

static char keys[KEYS_MAX][KEY_SIZE];
static uint32_t n_keys;
static uint8_t page[KEYS_MAX * (ELEMENT_SIZE + KEY_SIZE) + HEADER_SIZE];

static void set_up(void)
{
    state = 1;
    db = bolt_new("/nowhere", 0);
    tx = (struct bolt_tx){.db = db, .meta = {.hwm = 1000}};
}

static void tear_down(void)
{
    bolt_free(db);
}

/* ----------------------------------------------------------------- pages to search */

static void id(char *out, uint32_t i)
{
    (void)i;
    for (int k = 0; k < 64; k++)
        out[k] = "0123456789abcdef"[random_next(&state) % 16];
}

static void name(char *out, uint32_t i)
{
    static const char *const words[] = {"web", "db", "Cache_", "a", "zzzzzzzz", "container-"};

    snprintf(out, KEY_SIZE, "%s%u", words[random_next(&state) % 6], i);
}

static void same_beginning(char *out, uint32_t i)
{
    snprintf(out, KEY_SIZE, "00000000%u", i);
}

static void short_key(char *out, uint32_t i)
{
    snprintf(out, 1 + random_next(&state) % 7 + 1, "%07u", i * 7919);
}

static void one_byte(char *out, uint32_t i)
{
    out[0] = (char)(1 + i % 255);
}

static void any_bytes(char *out, uint32_t i)
{
    size_t len = 1 + random_next(&state) % 20;

    (void)i;
    for (size_t k = 0; k < len; k++)
        out[k] = (char)(1 + random_next(&state) % 255);
}

/* All in the first hundredth, and one at the end. */
static void crowd(char *out, uint32_t i)
{
    snprintf(out, KEY_SIZE, "%08x", i ? i * 1000 : UINT32_MAX);
}

static void (*const kinds[])(char *, uint32_t) = {
    id, name, same_beginning, short_key, one_byte, any_bytes, crowd};

static int order(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void make_keys(void (*kind)(char *, uint32_t), uint32_t n)
{
    uint32_t kept = 0;

    memset(keys, 0, sizeof keys);
    for (uint32_t i = 0; i < n; i++)
        kind(keys[i], i);
    qsort(keys, n, KEY_SIZE, order);
    for (uint32_t i = 0; i < n; i++) {
        if (kept == 0 || strcmp(keys[kept - 1], keys[i]) != 0)
            memmove(keys[kept++], keys[i], KEY_SIZE);
    }
    n_keys = kept;
}

/* A page that holds them, in the order in which they are. */
static struct bolt_page make_page(bool leaf)
{
    uint32_t at = HEADER_SIZE + n_keys * ELEMENT_SIZE;

    memset(page, 0, sizeof page);
    for (uint32_t i = 0; i < n_keys; i++) {
        uint8_t *e = page + HEADER_SIZE + i * ELEMENT_SIZE + (leaf ? 4 : 0);
        uint32_t len = (uint32_t)strlen(keys[i]);

        put32(e, at - (HEADER_SIZE + i * ELEMENT_SIZE));
        put32(e + 4, len);
        if (!leaf)
            put64(e + 8, 7);
        memcpy(page + at, keys[i], len);
        at += len;
    }
    return (struct bolt_page){
        .at = page, .id = 5, .room = at, .pages = 1, .count = n_keys, .leaf = leaf};
}

/* ------------------------------------------------------------------------ searching */

static void look_for(const struct bolt_page *p, const char *key, size_t len)
{
    uint32_t want = 0, index = n_keys + 1;
    bool exact = false, there;
    int r;

    while (want < n_keys && compare(keys[want], strlen(keys[want]), key, len) < 0)
        want++;
    there = want < n_keys && strlen(keys[want]) == len && memcmp(keys[want], key, len) == 0;
    r = page_search(&bucket, p, key, len, &index, &exact);
    if (r < 0 || index != want || exact != there) /* ck_assert() is slow */
        ck_abort_msg("%.*s of %u: %d, element %u, not %u", (int)len, key, n_keys, r, index,
                     want);
}

/* The keys, what is beside them, their beginnings, and others. */
static void look_for_all(const struct bolt_page *p)
{
    char key[KEY_SIZE + 1];

    for (uint32_t i = 0; i < n_keys; i++) {
        size_t len = strlen(keys[i]);

        look_for(p, keys[i], len);
        memcpy(key, keys[i], len + 1);
        key[len] = (char)random_next(&state);
        look_for(p, key, len + 1);
        look_for(p, key, 1 + random_next(&state) % len);
        key[random_next(&state) % len] = (char)random_next(&state);
        look_for(p, key, len);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        memset(key, 0, sizeof key);
        kinds[k](key, (uint32_t)(random_next(&state) % KEYS_MAX));
        look_for(p, key, strlen(key));
    }
}

START_TEST(test_search)
{
    for (uint32_t n = 0; n <= KEYS_MAX; n += n < 20 ? 1 : 95) {
        struct bolt_page p;

        make_keys(kinds[_i], n);
        for (int leaf = 0; leaf < 2; leaf++) {
            p = make_page(leaf);
            look_for_all(&p);
        }
    }
}
END_TEST

/* A key outside the page is noticed once it is looked at, and only then. */
START_TEST(test_outside)
{
    uint32_t index;
    bool exact;

    make_keys(id, KEYS_MAX);
    for (int leaf = 0; leaf < 2; leaf++) {
        for (uint32_t i = 0; i < n_keys; i++) {
            struct bolt_page p = make_page(leaf);
            uint8_t *e = page + HEADER_SIZE + i * ELEMENT_SIZE + (leaf ? 4 : 0);
            const uint32_t bad[][2] = {{get32(e), 0},          {get32(e), BOLT_KEY_MAX + 1},
                                       {get32(e), UINT32_MAX}, {UINT32_MAX, 64},
                                       {(uint32_t)p.room, 64}, {0, 64}};

            for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
                put32(e, bad[k][0]);
                put32(e + 4, bad[k][1]);
                if (page_search(&bucket, &p, keys[i], 64, &index, &exact) != -EUCLEAN)
                    ck_abort_msg("element %u, damage %zu", i, k);
            }
            /* The first look is at the middle. */
            if (i != n_keys / 2)
                look_for(&p, keys[n_keys / 2], 64);
        }
    }
}
END_TEST

/* Keys in no order: what is found is what was looked for, or nothing. */
START_TEST(test_disorder)
{
    for (int turn = 0; turn < 100; turn++) {
        struct bolt_page p;
        char key[KEY_SIZE];
        uint32_t index;
        bool exact;

        make_keys(kinds[_i], 1 + (uint32_t)(random_next(&state) % KEYS_MAX));
        for (uint32_t i = 0; i < n_keys; i++) {
            uint32_t k = (uint32_t)(random_next(&state) % n_keys);

            memcpy(key, keys[i], KEY_SIZE);
            memcpy(keys[i], keys[k], KEY_SIZE);
            memcpy(keys[k], key, KEY_SIZE);
        }
        p = make_page(turn % 2);
        for (uint32_t i = 0; i < n_keys; i++) {
            size_t len = strlen(keys[i]);

            if (page_search(&bucket, &p, keys[i], len, &index, &exact) < 0 || index > n_keys ||
                (exact && strcmp(keys[index], keys[i]) != 0))
                ck_abort_msg("%s: element %u", keys[i], index);
        }
    }
}
END_TEST

/* --------------------------------------------------------------------- looking ahead */

#define BUCKETS 100

static void make_buckets(const char *path)
{
    static const char value[3000];
    struct bolt_bucket *all, *b;
    struct bolt_tx *t;
    char key[16];

    db = bolt_new(path, BOLT_CREATE | BOLT_NOSYNC);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &t), 0);
    ck_assert_int_eq(bolt_make(bolt_root(t), "all", 3, &all), 0);
    for (int i = 0; i < BUCKETS; i++) {
        snprintf(key, sizeof key, "bucket-%03d", i);
        ck_assert_int_eq(bolt_make(all, key, strlen(key), &b), 0);
        ck_assert_int_eq(bolt_put(b, "key", 3, value, sizeof value), 0);
        ck_assert_int_eq(bolt_put(b, "other", 5, value, sizeof value), 0);
    }
    ck_assert_int_eq(bolt_commit(t), 0);
}

/* Write `number` where the root page of a bucket stands, in all copies of its element. */
static void lead_to(const char *path, const char *key, uint64_t number)
{
    int fd = open(path, O_RDWR);
    struct stat st;
    uint8_t *data, *at;

    ck_assert(fd >= 0 && fstat(fd, &st) == 0);
    data = malloc((size_t)st.st_size);
    ck_assert(data && read(fd, data, (size_t)st.st_size) == st.st_size);
    for (at = data; (at = memmem(at, (size_t)(data + st.st_size - at), key, strlen(key)));) {
        at += strlen(key);
        ck_assert_int_eq(pwrite(fd, &number, sizeof number, at - data), sizeof number);
    }
    free(data);
    close(fd);
}

/* Walk over the buckets without opening one: how many pages are read for it.  If it writes,
 * some of them are in memory. */
static uint64_t walk(unsigned flags, struct bolt_info *info)
{
    struct bolt_stats before, after;
    struct bolt_bucket *all;
    struct bolt_cursor c;
    struct bolt_tx *t;
    int n = 0, r;

    ck_assert_int_eq(bolt_begin(db, flags, BOLT_NO_WAIT, &t), 0);
    bolt_info(t, info);
    ck_assert_int_eq(bolt_open(bolt_root(t), "all", 3, &all), 0);
    if (flags & BOLT_WRITE)
        ck_assert_int_eq(bolt_put(all, "bucket-042.", 11, "", 0), 0);
    bolt_stats(db, &before);
    for (r = bolt_first(&c, all); r > 0; r = bolt_next(&c))
        n++;
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(n, flags & BOLT_WRITE ? BUCKETS + 1 : BUCKETS);
    bolt_stats(db, &after);
    bolt_rollback(t);
    return after.pages_read - before.pages_read;
}

START_TEST(test_ahead)
{
    struct bolt_bucket *all, *b;
    char dir[64], path[96];
    struct bolt_info info;
    struct bolt_cursor c;
    struct bolt_tx *t;
    uint64_t pages;

    bolt_free(db);
    make_directory(dir);
    snprintf(path, sizeof path, "%s/test.db", dir);
    make_buckets(path);
    pages = walk(0, &info);
    ck_assert_uint_le(pages, 5);
    ck_assert_uint_lt(walk(BOLT_WRITE, &info), pages);

    /* The file ends with the last page that is in use: one behind it cannot be touched. */
    ck_assert_int_eq(truncate(path, (off_t)(info.pages * info.page_size)), 0);
    for (int i = 0; i < 6; i++) {
        const uint64_t numbers[] = {info.pages, info.pages + 1, UINT64_MAX, 0, 1, 1u << 20};

        lead_to(path, "bucket-042", numbers[i]);
        bolt_free(db);
        db = bolt_new(path, BOLT_READONLY);
        ck_assert_uint_eq(walk(0, &info), pages);
        ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &t), 0);
        ck_assert_int_eq(bolt_open(bolt_root(t), "all", 3, &all), 0);
        ck_assert_int_eq(bolt_seek(&c, all, "bucket-042", 10), 1);
        ck_assert_int_eq(bolt_open_at(&c, &b), -EUCLEAN);
        bolt_rollback(t);
    }
    unlink(path);
    rmdir(dir);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bolt_search");
    TCase *tc = tcase_create("bolt_search");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, test_search, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_add_test(tc, test_outside);
    tcase_add_loop_test(tc, test_disorder, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_add_test(tc, test_ahead);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
