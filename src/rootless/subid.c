/* SPDX-License-Identifier: Apache-2.0 */
/* subid.c - see subid.h. */
#include "rootless/subid.h"
#include "base/str.h"
#include <stdlib.h>

void subids_free(struct subids *s)
{
    free(s->ranges);
    *s = (struct subids){0};
}

/* A field up to the next colon or the end; moves on behind it. */
static size_t field(const char **at, const char *end)
{
    const char *colon = memchr(*at, ':', (size_t)(end - *at));
    size_t len = (size_t)((colon ? colon : end) - *at);

    *at += len + (colon != NULL);
    return len;
}

static int number(const char *text, size_t len, uint64_t *out)
{
    char digits[24];

    if (len >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return str_to_u64(digits, out);
}

static bool is_owner(const char *text, size_t len, const char *user, uint32_t uid)
{
    uint64_t n;

    if (user && strlen(user) == len && memcmp(text, user, len) == 0)
        return len > 0;
    return number(text, len, &n) == 0 && n == uid;
}

static bool parse_line(const char *at, const char *end, const char *user, uint32_t uid,
                       struct subid_range *out)
{
    const char *text = at;
    uint64_t first, count;
    size_t len = field(&at, end);

    if (!is_owner(text, len, user, uid))
        return false;
    text = at;
    len = field(&at, end);
    if (number(text, len, &first) < 0)
        return false;
    text = at;
    len = field(&at, end);
    if (number(text, len, &count) < 0 || count == 0 || first >= UINT32_MAX ||
        count > UINT32_MAX - first)
        return false;
    *out = (struct subid_range){(uint32_t)first, (uint32_t)count};
    return true;
}

static int by_first(const void *a, const void *b)
{
    const struct subid_range *x = a, *y = b;

    if (x->first == y->first)
        return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
    return x->first < y->first ? -1 : 1;
}

/* Sorted already. */
static void cut_overlaps(struct subids *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++) {
        struct subid_range r = s->ranges[i];
        uint32_t end = kept ? s->ranges[kept - 1].first + s->ranges[kept - 1].count : 0;

        if (r.first + r.count <= end)
            continue;
        if (r.first < end) {
            r.count -= end - r.first;
            r.first = end;
        }
        s->ranges[kept++] = r;
    }
    s->n = kept;
}

int subids_parse(const char *text, size_t len, const char *user, uint32_t uid,
                 struct subids *out, struct berth_error *err)
{
    _cleanup_subids_ struct subids found = {0};
    const char *end = text + len;

    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        struct subid_range r, *more;

        if (parse_line(line, stop, user, uid, &r)) {
            more = realloc(found.ranges, (found.n + 1) * sizeof(*more));
            if (!more)
                return fail(err, ENOMEM, "out of memory");
            found.ranges = more;
            found.ranges[found.n++] = r;
        }
        line = stop + 1;
    }
    if (found.n) {
        qsort(found.ranges, found.n, sizeof(*found.ranges), by_first);
        cut_overlaps(&found);
    }
    *out = found;
    found = (struct subids){0};
    return 0;
}
