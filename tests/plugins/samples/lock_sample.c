/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_sample.c - a lock plugin that does nothing, and can be wrong in many ways.
 *
 * tests/unit/test_load.c builds it once per way:
 *      MODULE, NAME    of this variant
 *      EXTRA           members of the descriptor in place of the right ones
 *      OPS_EXTRA       the same for the table of functions
 *      NOTE            text in place of the right note; NO_NOTE: none at all
 *      HIDDEN          do not export the descriptor
 *      CALL, LIBRARY   call this function when opened; it is nowhere, or in a library
 *      LARGER          descriptor, functions and options of a later minor version
 */
#ifdef NO_NOTE
#define BERTH_NO_NOTE
#endif
#ifdef NOTE
#define BERTH_NO_NOTE
#endif
#include <berth/lock.h>

#ifdef NOTE
__attribute__((__used__, __section__(".note.berth"), __aligned__(4))) static const struct {
    uint32_t namesz, descsz, type;
    char name[8];
    char desc[(sizeof(NOTE) + 3u) & ~(size_t)3u];
} note = {6u, (uint32_t)sizeof(NOTE), 1u, "BERTH", NOTE};
#endif

#ifndef EXTRA
#define EXTRA .threads = BERTH_THREADS_ONE
#endif
#ifndef OPS_EXTRA
#define OPS_EXTRA .held = 0
#endif

struct berth_locks {
    const struct berth_host *host;
};

#ifdef CALL
extern int CALL(void);
#endif

static int s_probe(const struct berth_host *h, const struct berth_place *place,
                   const struct berth_config *cfg, struct berth_error *err)
{
    return berth_fail(h, err, EIO, "a sample has nothing");
}

static int s_open(const struct berth_host *h, const struct berth_place *place,
                  const struct berth_config *cfg, uint32_t flags, struct berth_locks **out,
                  struct berth_error *err)
{
    static struct berth_locks locks;

#ifdef CALL
    CALL();
#endif
    locks.host = h;
    *out = &locks;
    return 0;
}

static void s_close(struct berth_locks *l)
{
}

static int s_allocate(struct berth_locks *l, uint32_t *out_id, struct berth_error *err)
{
    *out_id = 7;
    return 0;
}

static int s_claim(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    return berth_fail(l->host, err, EEXIST, "lock %u is taken", (unsigned)id);
}

/* Breaks the rule that a failure is described. */
static int s_release(struct berth_locks *l, uint32_t id, struct berth_error *err)
{
    return -EIO;
}

static int s_release_all(struct berth_locks *l, struct berth_error *err)
{
    return 0;
}

static int s_count(struct berth_locks *l, struct berth_lock_count *out, struct berth_error *err)
{
    out->allocated = 1;
    out->available = 2;
    return 0;
}

static int s_acquire(struct berth_locks *l, uint32_t id, berth_deadline deadline,
                     struct berth_error *err)
{
    return BERTH_LOCK_ORPHANED;
}

#ifdef LARGER
struct larger_ops {
    struct berth_lock_ops known;
    void (*later[4])(void);
};
struct larger_option {
    struct berth_option known;
    const char *later[2];
};
struct larger_plugin {
    struct berth_plugin known;
    const char *later[3];
};
#define OPS_HEAD static const struct larger_ops ops = {{
#define OPS_TAIL                                                                               \
    }                                                                                          \
    }
#else
#define OPS_HEAD static const struct berth_lock_ops ops = {
#define OPS_TAIL }
#endif

/* clang-format off */
OPS_HEAD
    .size = sizeof(ops), .probe = s_probe, .open = s_open, .close = s_close, .forked = s_close,
    .allocate = s_allocate, .claim = s_claim, .release = s_release,
    .release_all = s_release_all, .count = s_count, .acquire = s_acquire, .drop = s_claim,
    OPS_EXTRA
OPS_TAIL;
/* clang-format on */

#ifdef LARGER
static const struct larger_option options[] = {
    {{"first", BERTH_OPTION_INT, 0, "1", "one"}, {"x", "y"}},
    {{"second", BERTH_OPTION_STRING, 0, "two", "the other"}, {"x", "y"}},
};

BERTH_EXPORT const struct larger_plugin BERTH_SYMBOL(MODULE) = {
    {BERTH_PLUGIN_HEAD_(BERTH_KIND_LOCK, BERTH_LOCK_ABI_MAJOR, 9, 0, &ops), .name = NAME,
     .version = "1", .n_options = 2, .options = &options[0].known,
     .size = sizeof(struct larger_plugin), .option_size = sizeof(options[0])},
    {"later", "later", "later"}};
BERTH_NOTE_(MODULE, "module=" BERTH_STR(MODULE) "\nkind=lock\nabi=1.7\nops=1.9\nlater=x\n")
#elif defined(HIDDEN)
static const struct berth_plugin hidden = {BERTH_PLUGIN_HEAD_(BERTH_KIND_LOCK, 1, 0, 0, &ops),
                                           .name = NAME};
__attribute__((__used__)) static const void *keep = &hidden;
BERTH_NOTE_(MODULE, "module=" BERTH_STR(MODULE) "\nkind=lock\nabi=1.0\nops=1.0\n")
#else
static const struct berth_option options[] = {
    {"speed", BERTH_OPTION_INT, 0, "5", "how fast"},
    {NULL, BERTH_OPTION_INT, 0, NULL, NULL},
};

BERTH_PLUGIN_(MODULE, BERTH_KIND_LOCK, "lock", BERTH_LOCK_ABI_MAJOR, BERTH_LOCK_ABI_MINOR,
              BERTH_LOCK_NEEDS, &ops, .name = NAME, .version = "1.2", .summary = "a sample",
              .license = "Apache-2.0", .contact = "nobody", .n_options = 1, .options = options,
              EXTRA);
#endif
