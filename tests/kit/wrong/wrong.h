/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong.h - state plugins that are wrong on purpose.
 *
 * Each of the .c files here is linked with the sources of state_memory and passes every call
 * on to it, but for one that it gets wrong.  The kit has to notice.
 */
#include <berth/state.h>

#include <stdlib.h>
#include <string.h>

extern const struct berth_plugin state_memory_LTX_berth_plugin;

#define RIGHT  ((const struct berth_state_ops *)state_memory_LTX_berth_plugin.ops)
#define UNUSED __attribute__((__unused__))
#define CAPS                                                                                   \
    (BERTH_STATE_CAP_TIMEOUT | BERTH_STATE_CAP_NAMESPACES | BERTH_STATE_CAP_SAME_NAMES |       \
     BERTH_STATE_CAP_NETWORKS)

/* clang-format off */
#define PASS(type, name, params, args)                                                         \
    UNUSED static type right_##name params { return RIGHT->name args; }

PASS(int, probe, (const struct berth_host *h, const struct berth_place *p,
                  const struct berth_config *c, struct berth_error *e), (h, p, c, e))
PASS(int, open, (const struct berth_host *h, const struct berth_place *p,
                 const struct berth_config *c, uint32_t f, struct berth_state **o,
                 struct berth_error *e), (h, p, c, f, o, e))
PASS(void, close, (struct berth_state *s), (s))
PASS(void, forked, (struct berth_state *s), (s))
PASS(int, begin, (struct berth_state *s, uint32_t f, berth_deadline d, struct berth_txn **o,
                  struct berth_error *e), (s, f, d, o, e))
PASS(int, commit, (struct berth_txn *t, struct berth_error *e), (t, e))
PASS(void, rollback, (struct berth_txn *t), (t))
PASS(int, get, (struct berth_txn *t, uint32_t k, const char *id, uint64_t w,
                struct berth_record *o, struct berth_error *e), (t, k, id, w, o, e))
PASS(int, resolve, (struct berth_txn *t, uint32_t k, const char *n, uint32_t *ok,
                    const char **oi, struct berth_error *e), (t, k, n, ok, oi, e))
PASS(int, scan, (struct berth_txn *t, const struct berth_scan *w, berth_record_fn *f, void *a,
                 struct berth_error *e), (t, w, f, a, e))
PASS(int, insert, (struct berth_txn *t, const struct berth_record *r, struct berth_error *e),
     (t, r, e))
PASS(int, update, (struct berth_txn *t, const struct berth_record *r, struct berth_error *e),
     (t, r, e))
PASS(int, remove, (struct berth_txn *t, uint32_t k, const char *id, struct berth_error *e),
     (t, k, id, e))
PASS(int, link, (struct berth_txn *t, const struct berth_link *l, struct berth_error *e),
     (t, l, e))
PASS(int, unlink, (struct berth_txn *t, uint32_t k, const char *f, const char *o,
                   struct berth_error *e), (t, k, f, o, e))
PASS(int64_t, unlink_all, (struct berth_txn *t, uint32_t k, uint32_t end, const char *key,
                           struct berth_error *e), (t, k, end, key, e))
PASS(int, linked, (struct berth_txn *t, uint32_t k, const char *f, const char *to,
                   struct berth_link *o, struct berth_error *e), (t, k, f, to, o, e))
PASS(int, links, (struct berth_txn *t, uint32_t k, uint32_t end, const char *key,
                  berth_link_fn *f, void *a, struct berth_error *e), (t, k, end, key, f, a, e))
PASS(int, exit_put, (struct berth_txn *t, const struct berth_exit *x, struct berth_error *e),
     (t, x, e))
PASS(int, exit_get, (struct berth_txn *t, const char *id, struct berth_exit *o,
                     struct berth_error *e), (t, id, o, e))
PASS(int, exit_scan, (struct berth_txn *t, berth_exit_fn *f, void *a, struct berth_error *e),
     (t, f, a, e))
PASS(int64_t, exit_prune, (struct berth_txn *t, berth_date b, int l, struct berth_error *e),
     (t, b, l, e))
PASS(int, config_get, (struct berth_txn *t, struct berth_store_config *o,
                       struct berth_error *e), (t, o, e))
PASS(int, config_put, (struct berth_txn *t, const struct berth_store_config *i,
                       struct berth_error *e), (t, i, e))

/* The plugin: all right but for the members that follow. */
#define WRONG(module, caps_, ...)                                                              \
    static const struct berth_state_ops ops = {                                                \
        .size = sizeof(struct berth_state_ops), .probe = right_probe, .open = right_open,      \
        .close = right_close, .forked = right_forked, .begin = right_begin,                    \
        .commit = right_commit, .rollback = right_rollback, .get = right_get,                  \
        .resolve = right_resolve, .scan = right_scan, .insert = right_insert,                  \
        .update = right_update, .remove = right_remove, .link = right_link,                    \
        .unlink = right_unlink, .unlink_all = right_unlink_all, .linked = right_linked,        \
        .links = right_links, .exit_put = right_exit_put, .exit_get = right_exit_get,          \
        .exit_scan = right_exit_scan, .exit_prune = right_exit_prune,                          \
        .config_get = right_config_get, .config_put = right_config_put, __VA_ARGS__};          \
    BERTH_STATE_PLUGIN(module, &ops, .name = #module, .version = "1", .summary = "wrong",      \
                       .license = "Apache-2.0", .contact = "none", .caps = (caps_),            \
                       .threads = BERTH_THREADS_ONE)
/* clang-format on */
