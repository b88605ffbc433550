/* SPDX-License-Identifier: Apache-2.0 */
/* id.c - see id.h. */
#include "base/id.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void id_random(void *out, size_t n)
{
    char *at = out;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno != EINTR)
            abort(); /* no random numbers on this kernel: nothing made from them is safe */
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

void id_generate(char out[static ID_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[ID_LEN / 2];

    do {
        id_random(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++) {
            out[2 * i] = hex[bytes[i] >> 4];
            out[2 * i + 1] = hex[bytes[i] & 15];
        }
        out[ID_LEN] = '\0';
    } while (strspn(out, "0123456789") >= ID_SHORT_LEN);
}

void id_uuid(char out[static 37])
{
    uint8_t b[16];

    id_random(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
             b[13], b[14], b[15]);
}

bool id_is_full(const char *s)
{
    return strspn(s, "0123456789abcdef") == ID_LEN && s[ID_LEN] == '\0';
}
