/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_segment.c - bytes as a lock segment: opened, every lock tried, numbers taken and given
 * back, thrown away.  It is refused or it works, and nobody waits for what is not held. */
#include "tests/lib/testhost.h"

#include <berth/lock.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct berth_plugin *plugin;
static struct berth_lock_ops ops;
static struct berth_host host;
static struct berth_config *cfg;
static struct berth_error *err;
static char name[64];

#define NEED(ok)                                                                               \
    do {                                                                                       \
        if (!(ok)) {                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #ok);                           \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

static void remove_segment(void)
{
    shm_unlink(name);
}

/* A segment that is being made is waited for, and so is its lock: not here. */
static int cancelled(struct berth_core *core)
{
    (void)core;
    return 1;
}

static void set_up(void)
{
    struct testhost *th = testhost_new();

    plugin = testhost_load(NULL, "lock_shm");
    if (!plugin) {
        puts("lock_shm is not built as a module");
        exit(77);
    }
    testhost_ops(plugin, &ops, sizeof(ops));
    host = *testhost_host(th);
    host.cancelled = cancelled;
    snprintf(name, sizeof(name), "/berth-fuzz-%ld", (long)getpid());
    atexit(remove_segment);
    cfg = testhost_config_new(plugin);
    NEED(testhost_config_set(cfg, "name", name) == 0 &&
         testhost_config_set(cfg, "count", "32") == 0);
    err = testhost_error_new();
}

/* A failure has been described, once. */
static int is(int r)
{
    NEED((r < 0) == (testhost_error_calls(err) == 1));
    NEED(r >= 0 || testhost_error_code(err) == -r);
    testhost_error_clear(err);
    return r;
}

static int see(void *arg, uint32_t id)
{
    (void)arg;
    NEED(id < 32);
    return 0;
}

static void use(struct berth_locks *l)
{
    struct berth_lock_count count = {.size = sizeof(count)};
    uint32_t id;

    for (id = 0; id < 33; id++)
        if (is(ops.acquire(l, id, BERTH_NO_WAIT, err)) >= 0)
            NEED(is(ops.drop(l, id, err)) == 0);
    if (is(ops.count(l, &count, err)) == 0)
        NEED(count.allocated + count.available == 32);
    is(ops.held(l, see, NULL, err));
    if (is(ops.allocate(l, &id, err)) == 0) {
        NEED(id < 32 && is(ops.claim(l, id, err)) == -EEXIST);
        NEED(is(ops.release(l, id, err)) == 0);
    }
    is(ops.release_all(l, err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct berth_place place = {.size = sizeof(place)};
    struct berth_locks *l = NULL;
    int fd, r;

    if (!plugin)
        set_up();
    remove_segment();
    fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    NEED(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    r = is(ops.open(&host, &place, cfg, 0, &l, err));
    if (r == 0) {
        use(l);
        ops.close(l);
    }
    if (r == -ECANCELED)
        return 0; /* it looks as if it were being made */
    /* Whatever it is, it can be thrown away. */
    NEED(is(ops.open(&host, &place, cfg, BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE, &l, err)) ==
         0);
    use(l);
    ops.close(l);
    return 0;
}
