/* SPDX-License-Identifier: Apache-2.0 */
/* criu_stats.c - see criu_stats.h. */
#include "engine/criu_stats.h"
#include "base/attr.h"
#include <string.h>

#define MAGIC_SERVICE 0x55105940u /* an image that no restoration needs */
#define MAGIC_STATS   0x57093306u

struct cursor {
    const uint8_t *at, *end;
};

/* 0, or -EUCLEAN. */
static int read_varint(struct cursor *c, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return 0;
        }
    }
    return -EUCLEAN;
}

static int take(struct cursor *c, uint64_t n, struct cursor *out)
{
    if (n > (uint64_t)(c->end - c->at))
        return -EUCLEAN;
    out->at = c->at;
    out->end = c->at += n;
    return 0;
}

/* One member of a message: its number, and its value or its bytes.  1; 0: no more. */
static int next_field(struct cursor *c, uint64_t *number, uint64_t *value, struct cursor *bytes)
{
    uint64_t key;

    if (c->at == c->end)
        return 0;
    bytes->at = bytes->end = NULL;
    *value = 0;
    if (read_varint(c, &key) < 0)
        return -EUCLEAN;
    *number = key >> 3;
    switch (key & 7) {
    case 0:
        return read_varint(c, value) < 0 ? -EUCLEAN : 1;
    case 1:
        return take(c, 8, bytes) < 0 ? -EUCLEAN : 1;
    case 2:
        return read_varint(c, value) < 0 || take(c, *value, bytes) < 0 ? -EUCLEAN : 1;
    case 5:
        return take(c, 4, bytes) < 0 ? -EUCLEAN : 1;
    default:
        return -EUCLEAN;
    }
}

/* By the numbers of criu's messages; what podman does not show has no name. */
static const char *const dump_names[] = {NULL,           "freezing_time", "frozen_time",
                                         "memdump_time", "memwrite_time", "pages_scanned",
                                         NULL,           "pages_written"};
static const char *const restore_names[] = {
    NULL,           "pages_compared", "pages_skipped_cow",
    "forking_time", "restore_time",   "pages_restored"};

static int read_numbers(struct cursor c, bool restored, json *out)
{
    const char *const *names = restored ? restore_names : dump_names;
    size_t n = restored ? ARRAY_LEN(restore_names) : ARRAY_LEN(dump_names);
    uint64_t number, value;
    struct cursor bytes;
    int r;

    while ((r = next_field(&c, &number, &value, &bytes)) > 0) {
        if (number < n && names[number] && value && !bytes.at)
            json_set_u64(out, names[number], value);
    }
    return r;
}

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int read_file(struct berth_blob file, bool restored, json *out)
{
    const uint8_t *p = file.data;
    struct cursor c, bytes;
    uint64_t number, value;
    bool found = false;
    int r;

    if (file.len < 12 || word(p) != MAGIC_SERVICE || word(p + 4) != MAGIC_STATS ||
        word(p + 8) > file.len - 12)
        return -EUCLEAN;
    c.at = p + 12;
    c.end = c.at + word(p + 8);
    while ((r = next_field(&c, &number, &value, &bytes)) > 0) {
        if (number != (restored ? 2u : 1u) || !bytes.at)
            continue;
        found = true;
        r = read_numbers(bytes, restored, out);
        if (r < 0)
            return r;
    }
    return r == 0 && !found ? -EUCLEAN : r;
}

int criu_stats_parse(struct berth_blob file, bool restored, json **out, struct berth_error *err)
{
    json *numbers = json_new();
    int r = read_file(file, restored, numbers);

    if (r < 0) {
        json_object_put(numbers);
        return fail(err, EUCLEAN, "criu's statistics are damaged");
    }
    *out = numbers;
    return 0;
}
