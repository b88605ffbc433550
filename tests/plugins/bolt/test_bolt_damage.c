/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bolt library on damaged files.  Whatever is wrong with a file, reading and writing
 * end with an error or with the other meta page: never with a crash, and a file that was
 * found damaged is never written to.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/common/bolt/internal.h"
#include "tests/plugins/bolt/model.h"

static char dir[64], path[96];
static uint8_t *image; /* a sound file */
static size_t image_len;

static void set_up(void)
{
    make_directory(dir);
    snprintf(path, sizeof path, "%s/test.db", dir);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
    free(image);
    image = NULL;
}

static void load_image(const char *file)
{
    struct stat st;
    int fd = open(file, O_RDONLY);

    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s", file);
    free(image);
    image_len = (size_t)st.st_size;
    image = malloc(image_len + 1);
    ck_assert_ptr_nonnull(image);
    ck_assert_int_eq(read(fd, image, image_len), (ssize_t)image_len);
    close(fd);
}

static void fixture(const char *name)
{
    const char *base = getenv("top_srcdir");
    char file[4096];

    snprintf(file, sizeof file, "%s/tests/fixtures/podman-4.3/%s", base ? base : ".", name);
    load_image(file);
}

static void store(const uint8_t *data, size_t len)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
    ck_assert_int_eq(ftruncate(fd, (off_t)len), 0);
    close(fd);
}

/* -------------------------------------------------------- all that can be done */

/* Look at every key; the number of them is bounded by the size of the file. */
static int read_all(struct bolt_bucket *b, long *budget)
{
    struct bolt_cursor c;
    int r;

    for (r = bolt_first(&c, b); r > 0 && --*budget > 0; r = bolt_next(&c)) {
        struct bolt_bytes v;

        if (c.is_bucket) {
            struct bolt_bucket *inner;

            r = bolt_open(b, c.key.data, c.key.len, &inner);
            if (r == 0)
                r = read_all(inner, budget);
        } else {
            volatile uint8_t sum = 0;

            for (size_t i = 0; i < c.value.len; i++)
                sum = (uint8_t)(sum + ((const uint8_t *)c.value.data)[i]);
            r = bolt_get(b, c.key.data, c.key.len, &v);
        }
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return r < 0 ? r : 0;
}

static int read_file(unsigned flags)
{
    struct bolt *db = bolt_new(path, BOLT_READONLY | flags);
    struct bolt_tx *tx;
    long budget = 100000;
    int64_t found;
    int r;

    r = bolt_begin(db, 0, BOLT_NO_WAIT, &tx);
    if (r == 0) {
        r = read_all(bolt_root(tx), &budget);
        found = bolt_check(tx, NULL, NULL);
        if (r < 0)
            ck_assert_int_ne(found, 0);
        bolt_rollback(tx);
    }
    if (r < 0) {
        ck_assert_int_eq(r, -EUCLEAN);
        ck_assert_ptr_nonnull(strstr(bolt_error(db), path));
    }
    bolt_free(db);
    return r;
}

/* Change some of every bucket near the root. */
static int change(struct bolt_bucket *b, unsigned depth)
{
    struct bolt_cursor c;
    struct bolt_bucket *inner;
    uint8_t key[BOLT_KEY_MAX];
    size_t len;
    int n = 0, r;

    for (r = bolt_first(&c, b); r > 0 && n < 12; n++) {
        len = c.key.len;
        memcpy(key, c.key.data, len);
        if (!c.is_bucket) {
            r = n % 2 ? bolt_delete(b, key, len) : bolt_put(b, key, len, "changed", 7);
        } else if (n % 4 == 3) {
            r = bolt_drop(b, key, len);
        } else {
            r = bolt_open(b, key, len, &inner);
            if (r == 0 && depth < 3)
                r = change(inner, depth + 1);
        }
        if (r < 0)
            return r;
        r = bolt_seek(&c, b, key, len);
        if (r > 0 && c.key.len == len && memcmp(c.key.data, key, len) == 0)
            r = bolt_next(&c);
    }
    return r < 0 ? r : bolt_put(b, "new key", 7, "value", 5);
}

static int write_file(void)
{
    struct bolt *db = bolt_new(path, BOLT_NOSYNC);
    struct bolt_bucket *b;
    struct bolt_tx *tx;
    int r;

    r = bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx);
    if (r == 0) {
        r = bolt_make(bolt_root(tx), "new bucket", 10, &b);
        if (r == -EEXIST)
            r = 0;
        if (r == 0)
            r = change(bolt_root(tx), 0);
        if (r < 0)
            bolt_rollback(tx);
        else
            r = bolt_commit(tx);
    }
    bolt_free(db);
    return r;
}

static void expect_file(const uint8_t *data, size_t len)
{
    static uint8_t *now; /* kept: memory that is new each time costs more than the rest */
    static size_t room;
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (len > room) {
        room = len;
        now = realloc(now, room);
    }
    ck_assert_ptr_nonnull(now);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq((size_t)st.st_size, len);
    ck_assert_int_eq(read(fd, now, len), (ssize_t)len);
    ck_assert_mem_eq(now, data, len);
    close(fd);
}

/* Everything on one file: damage must not be written to, and what was written sound. */
static int try_file(const uint8_t *data, size_t len)
{
    int r;

    store(data, len);
    r = read_file(0);
    ck_assert_int_eq(read_file(BOLT_COPY), r);
    expect_file(data, len);
    if (write_file() < 0)
        expect_file(data, len);
    else
        ck_assert_int_eq(read_file(0), 0);
    return r;
}

static void set_checksum(uint8_t *page)
{
    put64(page + 72, meta_checksum(page + 16));
}

/* -------------------------------------------------------------------- variants */

static const char *const variants[] = {"checksum-zero.db", "fresh.db", "one-bucket.db",
                                       "torn-newest-meta.db"};

START_TEST(test_variants)
{
    struct bolt *db = bolt_new(path, BOLT_READONLY);
    struct bolt_bucket *b;
    struct bolt_bytes v;
    struct bolt_tx *tx;
    char name[64];
    int r;

    snprintf(name, sizeof name, "variants/%s", variants[_i]);
    fixture(name);
    store(image, image_len);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_check(tx, NULL, NULL), 0);
    r = bolt_open(bolt_root(tx), "exit-code", 9, &b);
    ck_assert_int_eq(r, _i == 1 ? -ENOENT : 0);
    if (r == 0) {
        ck_assert_int_eq(bolt_get(b, "abc", 3, &v), 0);
        ck_assert_uint_eq(v.len, 3);
        ck_assert_mem_eq(v.data, _i == 3 ? "137" : "138", 3);
    }
    bolt_rollback(tx);
    bolt_free(db);
    ck_assert_int_eq(try_file(image, image_len), 0);
}
END_TEST

START_TEST(test_not_a_database)
{
    uint8_t *data = calloc(1, 40000);
    uint64_t state = 3;

    ck_assert_ptr_nonnull(data);
    ck_assert_int_eq(try_file(data, 40000), -EUCLEAN);
    ck_assert_int_eq(try_file(data, 100), -EUCLEAN);
    ck_assert_int_eq(bolt_probe(path), 0);
    for (size_t i = 0; i < 40000; i++)
        data[i] = (uint8_t)random_next(&state);
    ck_assert_int_eq(try_file(data, 40000), -EUCLEAN);
    ck_assert_int_eq(try_file(data, 1), -EUCLEAN);
    /* Of length 0: an empty database to readers, who leave it alone. */
    store(data, 0);
    ck_assert_int_eq(bolt_probe(path), 2);
    ck_assert_int_eq(read_file(0), 0);
    expect_file(data, 0);
    free(data);
}
END_TEST

/* Every byte of the newest meta torn off: the other one is taken. */
START_TEST(test_torn_meta)
{
    struct bolt_info info;
    struct bolt *db;
    struct bolt_tx *tx;
    uint8_t *data;

    fixture("variants/one-bucket.db");
    data = malloc(image_len);
    ck_assert_ptr_nonnull(data);
    for (unsigned from = 16; from < 80; from++) {
        memcpy(data, image, image_len);
        for (unsigned i = from; i < 80; i++)
            data[4096 + i] ^= 0x55;
        ck_assert_int_eq(try_file(data, image_len), 0);
        store(data, image_len);
        db = bolt_new(path, BOLT_READONLY);
        ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
        bolt_info(tx, &info);
        ck_assert_uint_eq(info.txid, 6);
        bolt_rollback(tx);
        bolt_free(db);
    }
    /* Both: refused. */
    data[20] ^= 1;
    ck_assert_int_eq(try_file(data, image_len), -EUCLEAN);
    free(data);
}
END_TEST

/* A meta page that nobody can read but whose checksum is right. */
START_TEST(test_impossible_meta)
{
    static const struct {
        unsigned at, len;
        uint64_t value;
        int harmless; /* another meta, or no meta's tree is concerned */
    } bad[] = {
        /* Not where its page size says: the other one is taken. */
        {24, 4, 0, 1},
        {24, 4, 4097, 1},
        {24, 4, 256, 1},
        {24, 4, 1u << 31, 1},
        {32, 8, 0, 0},
        {32, 8, 1, 0},
        {32, 8, 1000, 0},
        {32, 8, UINT64_MAX, 0},
        {56, 8, 0, 0},
        {56, 8, 3, 0},
        {56, 8, 1000, 0},
        {56, 8, UINT64_MAX / 4096, 0},
        /* The freelist is of no use to readers, and made anew by writers. */
        {48, 8, 0, 1},
        {48, 8, 1, 1},
        {48, 8, 100000, 1},
        {48, 8, UINT64_MAX - 1, 1},
        {48, 8, 2, 1},
    };
    uint8_t *data;

    fixture("variants/one-bucket.db");
    data = malloc(image_len);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(data, image, image_len);
        memcpy(data + 4096 + bad[i].at, &bad[i].value, bad[i].len);
        set_checksum(data + 4096);
        ck_assert_int_eq(try_file(data, image_len), bad[i].harmless ? 0 : -EUCLEAN);
    }
    /* The first meta says where the other one is. */
    for (uint32_t i = 0; i < 4; i++) {
        static const uint32_t sizes[] = {0, 4097, 8192, 1u << 31};

        memcpy(data, image, image_len);
        put32(data + 24, sizes[i]);
        set_checksum(data);
        ck_assert_int_eq(try_file(data, image_len), -EUCLEAN);
    }
    free(data);
}
END_TEST

/* ------------------------------------------------------------ generated damage */

static void podman_file(void)
{
    fixture("bolt_state.db");
}

/* Cut off before, within and after each page. */
START_TEST(test_truncated)
{
    podman_file();
    for (size_t len = 4096; len <= image_len; len += 4096) {
        ck_assert_int_eq(try_file(image, len), len >= 102 * 4096 ? 0 : -EUCLEAN);
        ck_assert_int_eq(try_file(image, len - 1), len > 102 * 4096 ? 0 : -EUCLEAN);
    }
}
END_TEST

/* Each bit of each page's header; of the pages behind the first ones, in the short form, every
 * sixteenth, so that together they have them all. */
START_TEST(test_header_bits)
{
    bool all = getenv("BERTH_TEST_LONG");
    unsigned slices = 4;
    int damaged = 0;

    podman_file();
    for (size_t page = (size_t)_i; page < 102; page += slices) {
        for (unsigned at = 0; at < 16; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                if (!all && page >= 12 && (page / slices + at * 8 + bit) % 16 != 0)
                    continue;
                image[page * 4096 + at] ^= (uint8_t)(1u << bit);
                damaged += try_file(image, image_len) < 0;
                image[page * 4096 + at] ^= (uint8_t)(1u << bit);
            }
        }
    }
    ck_assert_int_gt(damaged, 100);
}
END_TEST

/* Page numbers in branches and bucket headers that lead to where they must not. */
START_TEST(test_wrong_pages)
{
    uint64_t hwm = 102;
    int damaged = 0, tried = 0;

    podman_file();
    for (size_t page = 2; page < hwm; page++) {
        uint8_t *at = image + page * 4096;
        unsigned count = get16(at + 10);

        if (get16(at + 8) != PAGE_BRANCH && get16(at + 8) != PAGE_LEAF)
            continue;
        for (unsigned i = 0; i < count && i < 250; i += 1 + count / 4) {
            static const uint64_t to[] = {0, 1, 2, 0, 101, 102, 1000, UINT64_MAX};
            uint8_t *e = at + 16 + 16 * i, *number = e + 8;
            uint64_t was;

            if (get16(at + 8) == PAGE_LEAF) {
                if (!(get32(e) & 1) || get32(e + 12) != 16 || get32(e + 4) > 4000)
                    continue;
                number = e + get32(e + 4) + get32(e + 8);
            }
            was = get64(number);
            for (unsigned k = 0; k < 8; k++) {
                /* One of them leads back to the page itself. */
                put64(number, k == 3 ? page : to[k]);
                damaged += try_file(image, image_len) < 0;
                tried++;
            }
            put64(number, was);
        }
    }
    ck_assert_int_gt(tried, 100);
    ck_assert_int_gt(damaged, 50);
}
END_TEST

/* Random bytes anywhere, several at a time. */
START_TEST(test_random_bytes)
{
    uint64_t state = 77u + (unsigned)_i;
    uint8_t *data;

    if (_i)
        fixture("variants/one-bucket.db");
    else
        podman_file();
    data = malloc(image_len);
    ck_assert_ptr_nonnull(data);
    for (int round = 0; round < (getenv("BERTH_TEST_LONG") ? 1500 : 500); round++) {
        unsigned n = 1 + (unsigned)(random_next(&state) % 6);

        memcpy(data, image, image_len);
        while (n--)
            data[random_next(&state) % image_len] = (uint8_t)random_next(&state);
        if (round % 2) {
            set_checksum(data);
            set_checksum(data + 4096);
        }
        try_file(data, image_len);
    }
    free(data);
}
END_TEST

static int note(void *arg, const char *text)
{
    strncat(arg, text, 4095 - strlen(arg));
    return 0;
}

/* What check has to find that a lookup may overlook. */
START_TEST(test_check_finds)
{
    static const struct {
        const char *what;
        size_t page, at;
        uint8_t value;
    } cases[] = {
        {"its header calls it page", 2, 0, 9},     /* the root leaf's own number */
        {"unknown flags", 2, 17, 1},               /* of its element */
        {"lists page 3 twice", 4, 24, 3},          /* freelist 3, 3 */
        {"lists page 4 of", 4, 24, 4},             /* itself */
        {"entries and room for", 4, 11, 0x80},     /* more than fit */
        {"page 3: unreachable unfreed", 4, 10, 0}, /* nothing free at all */
        {"reachable freed", 4, 16, 2},             /* the root is free */
    };
    char text[4096];

    fixture("variants/one-bucket.db");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = cases[i].page * 4096 + cases[i].at;
        uint8_t was = image[at];
        struct bolt *db = bolt_new(path, BOLT_READONLY);
        struct bolt_tx *tx;

        image[at] = cases[i].value;
        store(image, image_len);
        image[at] = was;
        ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
        text[0] = '\0';
        ck_assert_int_ge(bolt_check(tx, note, text), 1);
        ck_assert_msg(strstr(text, cases[i].what) != NULL, "%s: %s", cases[i].what, text);
        bolt_rollback(tx);
        bolt_free(db);
    }
}
END_TEST

/* A wrong freelist is made anew by whoever writes first, and nothing is lost. */
START_TEST(test_freelist_rebuilt)
{
    struct bolt *db;
    struct bolt_tx *tx;

    podman_file();
    /* The list that the newest meta has: page number at offset 48. */
    {
        uint8_t *meta = image + (get64(image + 64) > get64(image + 4096 + 64) ? 0 : 4096);
        uint8_t *list = image + get64(meta + 48) * 4096;

        put16(list + 10, 0); /* all of them lost */
    }
    store(image, image_len);
    db = bolt_new(path, BOLT_NOSYNC);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_gt(bolt_check(tx, NULL, NULL), 0);
    bolt_rollback(tx);
    ck_assert_int_eq(bolt_begin(db, BOLT_WRITE, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_rebuild_freelist(tx), 0);
    ck_assert_int_eq(bolt_commit(tx), 0);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(bolt_check(tx, NULL, NULL), 0);
    bolt_rollback(tx);
    bolt_free(db);
}
END_TEST

/* Someone cuts the file off while we read it: BOLT_COPY survives that. */
START_TEST(test_cut_while_reading)
{
    struct bolt *db = bolt_new(path, BOLT_READONLY | BOLT_COPY);
    struct bolt_tx *tx;
    long budget = 100000;

    podman_file();
    store(image, image_len);
    ck_assert_int_eq(bolt_begin(db, 0, BOLT_NO_WAIT, &tx), 0);
    ck_assert_int_eq(truncate(path, 8192), 0);
    ck_assert_int_eq(read_all(bolt_root(tx), &budget), -EUCLEAN);
    bolt_rollback(tx);
    bolt_free(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bolt, damaged files");
    TCase *tc = tcase_create("damage");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, test_variants, 0, 4);
    tcase_add_test(tc, test_not_a_database);
    tcase_add_test(tc, test_torn_meta);
    tcase_add_test(tc, test_impossible_meta);
    tcase_add_test(tc, test_truncated);
    tcase_add_loop_test(tc, test_header_bits, 0, 4);
    tcase_add_test(tc, test_wrong_pages);
    tcase_add_loop_test(tc, test_random_bytes, 0, 2);
    tcase_add_test(tc, test_check_finds);
    tcase_add_test(tc, test_freelist_rebuilt);
    tcase_add_test(tc, test_cut_while_reading);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
