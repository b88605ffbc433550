/* SPDX-License-Identifier: Apache-2.0 */
/* net_common.h - addresses, JSON documents and definitions of networks, for the plugins that
 * keep podman's. */
#ifndef BERTH_NET_COMMON_H
#define BERTH_NET_COMMON_H

#include <berth/net.h>

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/types.h>

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
int js_append(json *list, json *item);

/* The names of an object's members in byte order, ended by NULL; they lend from it.  Freed
 * by the caller; NULL: no memory. */
const char **js_sorted(const json *o);

/* Text in Go's form: one line, or, with pretty, lines indented by five blanks and a newline
 * at the end. */
int js_write(const struct berth_host *h, const json *j, bool pretty, struct berth_buf *out);

/* The same with another indentation and no newline at the end. */
int js_write_indented(const struct berth_host *h, const json *j, const char *indent,
                      struct berth_buf *out);

/* Parse the whole of a text; NULL: not JSON, or no memory. */
json *js_parse(struct berth_blob text);

/* ----------------------------------------------------------------- instance */

struct pool {
    struct cidr base;
    unsigned size; /* prefix length of the subnets taken from it */
};

#define POOLS_MAX 32

struct net_flavor;

/* The instance of either plugin; what a member is for is told by the one that has a use for
 * it. */
struct berth_net {
    const struct berth_host *h;
    const struct net_flavor *flavor; /* making.h */
    char *conf_dir, *run_dir, *helper_dirs;
    const char *program, *dns_program; /* options; NULL: searched for */
    const char *default_name, *default_subnet;
    struct pool pools[POOLS_MAX];
    size_t n_pools;
    int64_t dns_port, timeout;
    bool rootless, readonly;
    int locks[2]; /* descriptors while locked, or -1 */
    json *nets;   /* name -> definition, while locked */
    json *files;  /* name -> path of its file, the same */
};

#define NO_MEMORY(n, err) berth_fail((n)->h, err, ENOMEM, "out of memory")

/* Fresh text; NULL: no memory. */
char *na_format(const char *fmt, ...) BERTH_PRINTF(1, 2);

/* Small files that are regular ones: the whole of one, and one put in place; 0 or -errno.  A
 * reader sees the whole file or none; the name of the new one begins with a dot. */
int file_read(const char *path, char **out, size_t *len);
int file_write(const char *path, const char *text, size_t len, mode_t mode);

/* Read "BASE:PREFIX ..." into the instance. */
int net_read_pools(struct berth_net *n, const char *text, struct berth_error *err);

/* -------------------------------------------------------------- definitions */

/* Add the network that is there without a file, if no file defines it. */
int defs_add_default(struct berth_net *n, struct berth_error *err);

/* By name, or the beginning of an ID that fits one network only.  -ENOENT, -ENOTUNIQ. */
int defs_find(struct berth_net *n, const char *name_or_id, json **out, struct berth_error *err);

/* Check and complete the subnets of a definition as podman does when it reads or makes one;
 * `used` (may be NULL) says whether a subnet is taken. */
typedef bool used_fn(void *arg, const struct cidr *subnet);
int defs_check_subnets(struct berth_net *n, json *net, used_fn *used, void *arg,
                       struct berth_error *err);

/* A copy with the members in podman's order, empty ones left out.  NULL: no memory. */
json *defs_ordered(const json *net);

/* Is it a name as podman wants them? */
bool defs_name_ok(const char *name);

/* Now, as Go writes it: RFC 3339 with nanoseconds. */
void defs_now(struct berth_net *n, char buf[48]);
void defs_time(berth_date when, char buf[48]);

/* Make a network from what the user gave; it is complete and written on return. */
int defs_create(struct berth_net *n, const json *wish, json **out, struct berth_error *err);

#endif
