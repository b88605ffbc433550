/* SPDX-License-Identifier: Apache-2.0 */
/* net_common.h - addresses and JSON documents, for the network plugins that read podman's. */
#ifndef BERTH_NET_COMMON_H
#define BERTH_NET_COMMON_H

#include <berth/net.h>

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdbool.h>

typedef struct json_object json;

/* ---------------------------------------------------------------- addresses */

/* IPv4 (len 4) or IPv6 (len 16), most significant byte first. */
struct addr {
    unsigned len;
    uint8_t b[16];
};

struct cidr {
    struct addr at; /* as written: bits behind the prefix may be set */
    unsigned bits;
};

#define ADDR_TEXT INET6_ADDRSTRLEN
#define CIDR_TEXT (INET6_ADDRSTRLEN + 4)

bool addr_parse(const char *text, struct addr *out);
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT]);
/* Below, at or above 0; families differ: IPv4 first. */
int addr_cmp(const struct addr *a, const struct addr *b);
/* The address that follows or precedes; at the ends they wrap, and the result is false. */
bool addr_next(struct addr *a);
bool addr_prev(struct addr *a);

bool cidr_parse(const char *text, struct cidr *out);
const char *cidr_text(const struct cidr *c, char buf[CIDR_TEXT]);
void cidr_mask(struct cidr *c); /* clear the bits behind the prefix */
bool cidr_has(const struct cidr *c, const struct addr *a);
bool cidr_meets(const struct cidr *a, const struct cidr *b);
/* The one behind the address of the network (of a single address, itself), and the last. */
struct addr cidr_first(const struct cidr *c);
struct addr cidr_last(const struct cidr *c);
/* The next network of the same size; false: there is none. */
bool cidr_next(struct cidr *c);

/* --------------------------------------------------------------------- JSON */

/* Members; NULL, "" or the default where o is no object or the member is of another type. */
json *js_get(const json *o, const char *key);
const char *js_str(const json *o, const char *key);
bool js_bool(const json *o, const char *key, bool otherwise);
size_t js_len(const json *o, const char *key); /* of an array */
json *js_at(const json *o, const char *key, size_t i);

/* Setters; -ENOMEM is remembered by the tree's user as a missing member, so they give it. */
int js_set(json *o, const char *key, json *value);
int js_set_str(json *o, const char *key, const char *value);
int js_set_bool(json *o, const char *key, bool value);

/* The names of an object's members in byte order, ended by NULL; they lend from it.  Freed
 * by the caller; NULL: no memory. */
const char **js_sorted(const json *o);

/* Text in Go's form: one line, or, with pretty, lines indented by five blanks and a newline
 * at the end. */
int js_write(const struct berth_host *h, const json *j, bool pretty, struct berth_buf *out);

/* Parse the whole of a text; NULL: not JSON, or no memory. */
json *js_parse(struct berth_blob text);

#endif
