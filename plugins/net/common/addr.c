/* SPDX-License-Identifier: Apache-2.0 */
/* addr.c - arithmetic with addresses of a fixed width; see net_common.h. */
#include "net_common.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool addr_parse(const char *text, struct addr *out)
{
    struct addr a = {.len = 4};

    if (!text)
        return false;
    if (inet_pton(AF_INET, text, a.b) != 1) {
        a.len = 16;
        if (inet_pton(AF_INET6, text, a.b) != 1)
            return false;
    }
    *out = a;
    return true;
}

const char *addr_text(const struct addr *a, char buf[ADDR_TEXT])
{
    if (!inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->b, buf, ADDR_TEXT))
        buf[0] = '\0';
    return buf;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->b, b->b, a->len);
}

bool addr_next(struct addr *a)
{
    for (unsigned i = a->len; i-- > 0;)
        if (++a->b[i] != 0)
            return true;
    return false;
}

bool addr_prev(struct addr *a)
{
    for (unsigned i = a->len; i-- > 0;)
        if (a->b[i]-- != 0)
            return true;
    return false;
}

bool cidr_parse(const char *text, struct cidr *out)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    char address[ADDR_TEXT];
    struct cidr c = {.bits = 0};

    if (!slash || (size_t)(slash - text) >= sizeof(address) || !slash[1] || strlen(slash) > 4)
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    if (!addr_parse(address, &c.at))
        return false;
    for (const char *s = slash + 1; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        c.bits = c.bits * 10 + (unsigned)(*s - '0');
    }
    if (c.bits > c.at.len * 8)
        return false;
    *out = c;
    return true;
}

const char *cidr_text(const struct cidr *c, char buf[CIDR_TEXT])
{
    char address[ADDR_TEXT];

    snprintf(buf, CIDR_TEXT, "%s/%u", addr_text(&c->at, address), c->bits);
    return buf;
}

static uint8_t mask_byte(unsigned bits, unsigned i)
{
    return bits >= 8 * (i + 1) ? 0xff
           : bits <= 8 * i     ? 0
                               : (uint8_t)(0xff00u >> (bits - 8 * i));
}

void cidr_mask(struct cidr *c)
{
    for (unsigned i = 0; i < c->at.len; i++)
        c->at.b[i] &= mask_byte(c->bits, i);
}

bool cidr_has(const struct cidr *c, const struct addr *a)
{
    if (c->at.len != a->len)
        return false;
    for (unsigned i = 0; i < a->len; i++)
        if ((c->at.b[i] ^ a->b[i]) & mask_byte(c->bits, i))
            return false;
    return true;
}

bool cidr_meets(const struct cidr *a, const struct cidr *b)
{
    return cidr_has(a, &b->at) || cidr_has(b, &a->at);
}

struct addr cidr_first(const struct cidr *c)
{
    struct cidr network = *c;

    cidr_mask(&network);
    if (c->bits < c->at.len * 8)
        addr_next(&network.at);
    return network.at;
}

struct addr cidr_last(const struct cidr *c)
{
    struct addr last = c->at;

    for (unsigned i = 0; i < last.len; i++)
        last.b[i] |= (uint8_t)~mask_byte(c->bits, i);
    return last;
}

bool cidr_next(struct cidr *c)
{
    c->at = cidr_last(c);
    return addr_next(&c->at);
}
