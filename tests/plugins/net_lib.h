/* SPDX-License-Identifier: Apache-2.0 */
/* net_lib.h - what the tests of network plugins share: an instance with
 * directories of its own, and a stand-in for the program. */
#ifndef BERTH_TESTS_NET_LIB_H
#define BERTH_TESTS_NET_LIB_H

#include <berth/net.h>

#include <json-c/json.h>

#include "tests/lib/testhost.h"

struct net_env {
    char dir[64];
    struct testhost *th;
    struct berth_config *cfg;
    struct berth_error *err;
    struct berth_net_ops ops;
    struct berth_net *n;
    struct berth_buf *out;
};

extern struct net_env env;

/* Make an instance (of netavark) in a new directory, which has definitions in conf/ and ipam.db
 * in run/; close and remove it. */
void net_begin(void);
void net_begin_with(const struct berth_plugin *p);
void net_end(void);

/* A file in the directory, made with this text; its path, valid until the next call. */
const char *net_path(const char *name);
void net_write(const char *name, const char *text);

/* Its text, the caller's; NULL: there is none. */
char *net_read(const char *name);

/* PATH is many times in the environment of this process; and is it once in that of a program?
 */
void net_many_paths(void);
void net_check_path(const char *const *vars);

/* ipam.db as a document: names of buckets end with "/", addresses begin with "hex:".  NULL:
 * there is no such file.  The caller's. */
struct json_object *net_ipam(void);

struct berth_blob net_text(const char *text);

#endif
