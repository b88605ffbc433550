/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - see base64.h. */
#include "base/base64.h"
#include <errno.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct berth_blob bytes, struct berth_buf *out)
{
    const uint8_t *data = bytes.data;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);

        buf_putc(out, digits[bits >> 18]);
        buf_putc(out, digits[bits >> 12 & 63]);
        buf_putc(out, left > 1 ? digits[bits >> 6 & 63] : '=');
        buf_putc(out, left > 2 ? digits[bits & 63] : '=');
    }
    return buf_error(out);
}

/* Four digits, the last `pad` of them padding. */
static int decode_group(const char *text, size_t pad, struct berth_buf *out)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        const char *digit = i >= 4 - pad ? digits : strchr(digits, text[i]);

        if (!digit || !*digit)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(digit - digits);
    }
    buf_putc(out, (char)(bits >> 16));
    if (pad < 2)
        buf_putc(out, (char)(bits >> 8));
    if (pad < 1)
        buf_putc(out, (char)bits);
    return 0;
}

int base64_decode(const char *text, struct berth_buf *out)
{
    size_t n = strlen(text), pad = 0, start = out->len;

    if (n % 4 != 0)
        return -EINVAL;
    while (pad < 2 && pad < n && text[n - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < n; i += 4) {
        if (decode_group(text + i, i + 4 == n ? pad : 0, out) == 0)
            continue;
        if (out->data) {
            out->len = start;
            out->data[start] = '\0';
        }
        return -EINVAL;
    }
    return buf_error(out);
}
