/* SPDX-License-Identifier: Apache-2.0 */
/* net_lib.c - see net_lib.h. */
#include "tests/plugins/net_lib.h"

#include <check.h>
#include <ftw.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/common/bolt/bolt.h"

struct net_env env;

/* That a plugin looks for, whatever is in them. */
static const char *const programs[] = {"netavark", "aardvark-dns", "bridge",   "macvlan",
                                       "ipvlan",   "portmap",      "firewall", "tuning"};

const char *net_path(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", env.dir, name);
    return path;
}

void net_write(const char *name, const char *text)
{
    FILE *f = fopen(net_path(name), "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

struct berth_blob net_text(const char *text)
{
    return (struct berth_blob){text, strlen(text)};
}

void net_begin(void)
{
    net_begin_with(testhost_load(NULL, "net_netavark"));
}

void net_begin_with(const struct berth_plugin *p)
{
    struct berth_place place = {.size = sizeof(place)};

    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(p->kind, BERTH_KIND_NET);
    /* Bridges and rules of the host are left alone.  Who may not do this may not touch them. */
    if (unshare(CLONE_NEWNET) < 0)
        ck_assert_int_eq(errno, EPERM);
    strcpy(env.dir, "/tmp/berth-net.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(env.dir));
    ck_assert_int_eq(mkdir(net_path("conf"), 0755), 0);
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
        net_write(programs[i], "");
    env.th = testhost_new();
    env.cfg = testhost_config_new(p);
    env.err = testhost_error_new();
    env.out = testhost_buf_new();
    testhost_config_set(env.cfg, "network_config_dir", net_path("conf"));
    testhost_config_set(env.cfg, "run_dir", net_path("run"));
    testhost_config_set(env.cfg, "helper_binaries_dir", env.dir);
    testhost_config_set(env.cfg, "cache_dir", net_path("run"));
    testhost_config_set(env.cfg, "cni_plugin_dirs", env.dir);
    testhost_ops(p, &env.ops, sizeof(env.ops));
    ck_assert_int_eq(env.ops.open(testhost_host(env.th), &place, env.cfg, &env.n, env.err), 0);
}

char *net_read(const char *name)
{
    FILE *f = fopen(net_path(name), "re");
    char *text = calloc(1, 65536);

    ck_assert_ptr_nonnull(text);
    if (!f) {
        free(text);
        return NULL;
    }
    ck_assert_uint_lt(fread(text, 1, 65535, f), 65535);
    fclose(f);
    return text;
}

/* Several of them, as some programs' parents leave it, the first one without sbin. */
void net_many_paths(void)
{
    static char first[] = "PATH=/first", other[] = "PATH=/other", home[] = "HOME=/";
    static char *many[34];

    for (size_t i = 0; i < 32; i++)
        many[i] = i == 1 ? first : i % 2 ? other : home;
    environ = many;
}

void net_check_path(const char *const *vars)
{
    unsigned n = 0;

    for (; *vars; vars++) {
        if (strncmp(*vars, "PATH=", 5) != 0)
            continue;
        n++;
        ck_assert_str_eq(*vars, "PATH=/first:/usr/sbin");
    }
    ck_assert_uint_eq(n, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void net_end(void)
{
    env.ops.close(env.n);
    testhost_buf_free(env.out);
    testhost_error_free(env.err);
    testhost_config_free(env.cfg);
    testhost_free(env.th);
    nftw(env.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void hex(char *to, struct bolt_bytes from)
{
    to += sprintf(to, "hex:");
    for (size_t i = 0; i < from.len; i++)
        to += sprintf(to, "%02x", ((const uint8_t *)from.data)[i]);
}

static struct json_object *bucket(struct bolt_bucket *b)
{
    struct json_object *o = json_object_new_object();
    struct bolt_cursor c;
    int r;

    for (r = bolt_first(&c, b); r == 1; r = bolt_next(&c)) {
        bool last = c.key.len == 6 && memcmp(c.key.data, "lastIP", 6) == 0;
        char key[256], value[256];

        ck_assert_uint_lt(c.key.len, 128);
        if (!c.is_bucket && !last && (c.key.len == 4 || c.key.len == 16))
            hex(key, c.key);
        else
            snprintf(key, sizeof(key), "%.*s%s", (int)c.key.len, (const char *)c.key.data,
                     c.is_bucket ? "/" : "");
        if (c.is_bucket) {
            struct bolt_bucket *inner;

            ck_assert_int_eq(bolt_open(b, c.key.data, c.key.len, &inner), 0);
            json_object_object_add(o, key, bucket(inner));
            continue;
        }
        ck_assert_uint_lt(c.value.len, 128);
        if (last)
            hex(value, c.value);
        else
            snprintf(value, sizeof(value), "%.*s", (int)c.value.len,
                     (const char *)c.value.data);
        json_object_object_add(o, key, json_object_new_string(value));
    }
    ck_assert_int_eq(r, 0);
    return o;
}

struct json_object *net_ipam(void)
{
    struct bolt *db = bolt_new(net_path("run/ipam.db"), BOLT_READONLY);
    struct json_object *o = NULL;
    struct bolt_tx *tx;

    ck_assert_ptr_nonnull(db);
    if (bolt_begin(db, 0, BOLT_FOREVER, &tx) == 0) {
        o = bucket(bolt_root(tx));
        bolt_rollback(tx);
    }
    bolt_free(db);
    return o;
}
