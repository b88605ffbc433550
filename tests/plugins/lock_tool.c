/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_tool.c - a lock plugin's operations for scripts.
 *
 *      lock_tool [-o OPTION=VALUE]... [-t TMP_DIR] PLUGIN COMMAND [ARG...]
 *
 *      create            make the locks, or open those that are there
 *      allocate N        take N numbers; prints them
 *      release ID
 *      count             prints how many are allocated
 *      held              prints the numbers of the locks that are held
 *      acquire ID MS     prints what comes of it: "got", "orphaned" or the error's name
 *      hold ID           prints "held" once it has the lock, and keeps it until its
 *                        standard input ends
 *      churn N TABLE BUSY
 *                        takes, locks, unlocks and gives back numbers, N times and then for
 *                        as long as there is the file BUSY.  In TABLE, a file that all who do
 *                        this share, each has a byte for each number that it took.
 */
#include <berth/lock.h>

#include "tests/lib/testhost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TABLE_SIZE 65536 /* numbers in a table */

static struct berth_lock_ops ops;
static struct berth_locks *l;
static struct berth_error *err;

static int done(const char *what, int r)
{
    if (r >= 0)
        return 0;
    fprintf(stderr, "lock_tool: %s: %s: %s\n", what, testhost_error_text(err), strerror(-r));
    return 1;
}

static int print_id(void *arg, uint32_t id)
{
    (void)arg;
    printf("%u\n", id);
    return 0;
}

static int allocate(long n)
{
    uint32_t id;

    while (n-- > 0) {
        int r = ops.allocate(l, &id, err);

        if (r < 0)
            return done("allocate", r);
        printf("%u\n", id);
    }
    return 0;
}

static int acquire(uint32_t id, long ms)
{
    struct timespec ts;
    berth_deadline deadline = BERTH_NO_WAIT;
    int r;

    if (ms > 0) {
        clock_gettime(CLOCK_MONOTONIC, &ts);
        deadline = (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec +
                   (berth_deadline)ms * 1000000u;
    }
    r = ops.acquire(l, id, deadline, err);
    printf("%s\n", r == 0                     ? "got"
                   : r == BERTH_LOCK_ORPHANED ? "orphaned"
                                              : strerrorname_np(-r));
    return r < 0 ? 0 : done("drop", ops.drop(l, id, err));
}

static int hold(uint32_t id)
{
    char c;
    int r = ops.acquire(l, id, BERTH_WAIT_FOREVER, err);

    if (r < 0)
        return done("acquire", r);
    printf("held\n");
    fflush(stdout);
    while (read(0, &c, 1) > 0)
        ;
    return done("drop", ops.drop(l, id, err));
}

/* The number is ours until it is given back: nobody else may have it. */
static int churn_once(char *table)
{
    uint32_t id;
    int r = ops.allocate(l, &id, err);

    if (r < 0)
        return done("allocate", r);
    if (id >= TABLE_SIZE || __atomic_exchange_n(&table[id], 1, __ATOMIC_SEQ_CST)) {
        fprintf(stderr, "lock_tool: number %u was handed out twice\n", id);
        return 1;
    }
    r = ops.acquire(l, id, BERTH_WAIT_FOREVER, err);
    if (r >= 0) {
        __atomic_store_n(&table[id], 0, __ATOMIC_SEQ_CST);
        r = ops.release(l, id, err);
    }
    if (r == 0)
        r = ops.drop(l, id, err);
    return done("churn", r);
}

static int churn(long n, const char *name, const char *busy)
{
    static const struct timespec pause = {0, 1000000};
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r = 0;
    char *table = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, TABLE_SIZE) == 0)
        table = mmap(NULL, TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (table == MAP_FAILED)
        return done(name, -errno);
    for (long i = 0; r == 0 && (i < n || access(busy, F_OK) == 0); i++) {
        if (i % 16 == 0) /* for others to get a turn */
            nanosleep(&pause, NULL);
        r = churn_once(table);
    }
    return r;
}

static int command(int argc, char **argv)
{
    struct berth_lock_count c = {.size = sizeof(c)};
    const char *what = argv[0];
    long a = argc > 1 ? atol(argv[1]) : 0, b = argc > 2 ? atol(argv[2]) : 0;

    if (strcmp(what, "create") == 0)
        return 0;
    if (strcmp(what, "allocate") == 0)
        return allocate(a);
    if (strcmp(what, "release") == 0)
        return done(what, ops.release(l, (uint32_t)a, err));
    if (strcmp(what, "held") == 0)
        return done(what, ops.held(l, print_id, NULL, err));
    if (strcmp(what, "acquire") == 0)
        return acquire((uint32_t)a, b);
    if (strcmp(what, "hold") == 0)
        return hold((uint32_t)a);
    if (strcmp(what, "churn") == 0 && argc > 3)
        return churn(a, argv[2], argv[3]);
    if (strcmp(what, "count") == 0) {
        int r = done(what, ops.count(l, &c, err));

        if (r == 0)
            printf("%u\n", c.allocated);
        return r;
    }
    return 2;
}

int main(int argc, char **argv)
{
    struct testhost *th = testhost_new();
    struct berth_place place = {.size = sizeof(place), .tmp_dir = "/run/libpod"};
    const struct berth_plugin *p;
    struct berth_config *cfg;
    char *options[8], *value;
    int n = 0, r, opt;

    while ((opt = getopt(argc, argv, "+o:t:")) != -1) {
        if (opt == 't')
            place.tmp_dir = optarg;
        else if (opt == 'o' && n < 8)
            options[n++] = optarg;
        else
            return 2;
    }
    if (argc - optind < 2 || !(p = testhost_load(NULL, argv[optind])))
        return 2;
    cfg = testhost_config_new(p);
    while (n--) {
        value = strchr(options[n], '=');
        if (!value)
            return 2;
        *value = '\0';
        if (testhost_config_set(cfg, options[n], value + 1) < 0)
            return 2;
    }
    err = testhost_error_new();
    testhost_ops(p, &ops, sizeof(ops));
    r = ops.open(testhost_host(th), &place, cfg, BERTH_LOCK_CREATE, &l, err);
    if (r < 0)
        return done("open", r);
    r = command(argc - optind - 1, argv + optind + 1);
    ops.close(l);
    testhost_error_free(err);
    testhost_config_free(cfg);
    testhost_free(th);
    return r;
}
