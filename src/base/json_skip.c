/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_skip.c - see json_skip.h.
 *
 * Listings skip most of every document: the OCI spec alone is ten kilobytes.  On x86-64,
 * which always has SSE2, 64 bytes are looked at together: a bit per byte says where quotes
 * and brackets are, a prefix sum over the quotes says what lies inside strings, and as long
 * as a block cannot close the value only the numbers of its brackets count.  Blocks with a
 * backslash, the last bytes, and other machines go byte by byte.
 */
#include "base/json_skip.h"
#include <stdbool.h>
#include <stdint.h>

struct skip {
    size_t depth;
    bool in_string;
    bool escaped; /* the byte before was a backslash that counts */
};

/* NULL: not closed within these bytes. */
static const char *skip_bytes(struct skip *s, const char *at, const char *end)
{
    for (; at < end; at++) {
        char c = *at;

        if (s->in_string) {
            if (s->escaped)
                s->escaped = false;
            else if (c == '\\')
                s->escaped = true;
            else if (c == '"')
                s->in_string = false;
        } else if (c == '"') {
            s->in_string = true;
        } else if (c == '{' || c == '[') {
            s->depth++;
        } else if ((c == '}' || c == ']') && --s->depth == 0) {
            return at + 1;
        }
    }
    return NULL;
}

static const char *skip_plain_bytes(const char *at, const char *end)
{
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&')
            break;
    }
    return at;
}

#ifdef __SSE2__
#include <emmintrin.h>

#define BLOCK 64

/* A bit for each of 64 bytes that equals c after `or_in` is set in it. */
static uint64_t find(const __m128i *block, char or_in, char c)
{
    __m128i mask = _mm_set1_epi8(or_in), want = _mm_set1_epi8(c);
    uint64_t bits = 0;

    for (int i = 3; i >= 0; i--)
        bits = bits << 16 |
               (uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(block[i], mask), want));
    return bits;
}

/* Bit n of the result: an odd number of bits is set among 0 to n. */
static uint64_t prefix_parity(uint64_t bits)
{
    for (int shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

const char *json_skip_nested(const char *at, const char *end)
{
    struct skip s = {.depth = 1};
    const char *closed;

    for (; end - at >= BLOCK; at += BLOCK) {
        __m128i block[4];
        uint64_t inside, opens, closes;

        for (int i = 0; i < 4; i++)
            block[i] = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
        if (s.escaped || find(block, 0, '\\')) {
            closed = skip_bytes(&s, at, at + BLOCK);
            if (closed)
                return closed;
            continue;
        }
        inside = prefix_parity(find(block, 0, '"')) ^ (s.in_string ? UINT64_MAX : 0);
        /* '[' and '{', ']' and '}' differ in one bit. */
        opens = find(block, 0x20, '{') & ~inside;
        closes = find(block, 0x20, '}') & ~inside;
        if ((size_t)__builtin_popcountll(closes) >= s.depth) {
            closed = skip_bytes(&s, at, at + BLOCK);
            if (closed)
                return closed;
            continue;
        }
        s.depth += (size_t)__builtin_popcountll(opens) - (size_t)__builtin_popcountll(closes);
        s.in_string = inside >> 63;
    }
    return skip_bytes(&s, at, end);
}

const char *json_skip_plain(const char *at, const char *end)
{
    const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'),
                  angle = _mm_set1_epi8('>'), slash = _mm_set1_epi8('\\');

    for (; end - at >= 16; at += 16) {
        __m128i text = _mm_loadu_si128((const __m128i *)(const void *)at), odd;
        int bits;

        /* The comparison is of signed bytes: those beyond ASCII are below a space, too. '"'
         * and '&' differ in one bit, and so do '<' and '>'. */
        odd = _mm_cmplt_epi8(text, space);
        odd =
            _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_andnot_si128(_mm_set1_epi8(4), text), quote));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(2)), angle));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(text, slash));
        bits = _mm_movemask_epi8(odd);
        if (bits)
            return at + __builtin_ctz((unsigned)bits);
    }
    return skip_plain_bytes(at, end);
}

#else

const char *json_skip_plain(const char *at, const char *end)
{
    return skip_plain_bytes(at, end);
}

const char *json_skip_nested(const char *at, const char *end)
{
    struct skip s = {.depth = 1};

    return skip_bytes(&s, at, end);
}

#endif
