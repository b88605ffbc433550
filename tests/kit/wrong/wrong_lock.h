/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_lock.h - lock plugins that are wrong on purpose.
 *
 * Each of the lock_*.c files here is linked with the sources of lock_shm and passes every call
 * on to it, but for one or two that it gets wrong.  The kit has to notice.
 */
#include <berth/lock.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern const struct berth_plugin lock_shm_LTX_berth_plugin;

#define RIGHT  ((const struct berth_lock_ops *)lock_shm_LTX_berth_plugin.ops)
#define UNUSED __attribute__((__unused__))
#define COUNT  96 /* numbers there are; see wrong.sh */

/* clang-format off */
#define PASS(type, name, params, args)                                                         \
    UNUSED static type right_##name params { return RIGHT->name args; }

PASS(int, probe, (const struct berth_host *h, const struct berth_place *p,
                  const struct berth_config *c, struct berth_error *e), (h, p, c, e))
PASS(int, open, (const struct berth_host *h, const struct berth_place *p,
                 const struct berth_config *c, uint32_t f, struct berth_locks **o,
                 struct berth_error *e), (h, p, c, f, o, e))
PASS(void, close, (struct berth_locks *l), (l))
PASS(void, forked, (struct berth_locks *l), (l))
PASS(int, allocate, (struct berth_locks *l, uint32_t *o, struct berth_error *e), (l, o, e))
PASS(int, claim, (struct berth_locks *l, uint32_t i, struct berth_error *e), (l, i, e))
PASS(int, release, (struct berth_locks *l, uint32_t i, struct berth_error *e), (l, i, e))
PASS(int, release_all, (struct berth_locks *l, struct berth_error *e), (l, e))
PASS(int, count, (struct berth_locks *l, struct berth_lock_count *o, struct berth_error *e),
     (l, o, e))
PASS(int, held, (struct berth_locks *l, berth_lock_fn *f, void *a, struct berth_error *e),
     (l, f, a, e))
PASS(int, acquire, (struct berth_locks *l, uint32_t i, berth_deadline d,
                    struct berth_error *e), (l, i, d, e))
PASS(int, drop, (struct berth_locks *l, uint32_t i, struct berth_error *e), (l, i, e))

/* The plugin: all right but for the members that follow. */
#define WRONG(module, ...)                                                                     \
    static const struct berth_lock_ops ops = {                                                 \
        .size = sizeof(struct berth_lock_ops), .probe = right_probe, .open = right_open,       \
        .close = right_close, .forked = right_forked, .allocate = right_allocate,              \
        .claim = right_claim, .release = right_release, .release_all = right_release_all,      \
        .count = right_count, .held = right_held, .acquire = right_acquire,                    \
        .drop = right_drop, __VA_ARGS__};                                                      \
    static const struct berth_option options[] = {                                             \
        {"name", BERTH_OPTION_STRING, 0, NULL, "name of the segment"},                         \
        {"count", BERTH_OPTION_INT, 0, "96", "number of locks"}};                              \
    BERTH_LOCK_PLUGIN(module, &ops, .name = #module, .version = "1", .summary = "wrong",       \
                      .license = "Apache-2.0", .contact = "none",                              \
                      .caps = BERTH_LOCK_CAP_TIMEOUT | BERTH_LOCK_CAP_ORPHANS |                \
                              BERTH_LOCK_CAP_HELD | BERTH_LOCK_CAP_LIMITED |                   \
                              BERTH_LOCK_CAP_DEADLOCK,                                         \
                      .threads = BERTH_THREADS_PARALLEL,                                       \
                      .n_options = 2, .options = options)
/* clang-format on */
