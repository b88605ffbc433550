/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_lock.c - what an uncontended lock costs: acquire() and drop() of a plugin against
 * the bare calls that somebody would write by hand, taken in turns in one run.
 *
 *      make bench-lock && ./bench-lock
 */
#include <berth/lock.h>

#include "tests/lib/testhost.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TURNS 15

struct subject {
    struct berth_lock_ops ops;
    struct berth_locks *l;
    pthread_mutex_t *mutex;
    const char *path;
};

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void by_plugin(struct subject *s, int n)
{
    while (n--) {
        must(s->ops.acquire(s->l, 7, BERTH_WAIT_FOREVER, NULL) == 0, "acquire");
        must(s->ops.drop(s->l, 7, NULL) == 0, "drop");
    }
}

static void by_mutex(struct subject *s, int n)
{
    while (n--) {
        int r = pthread_mutex_lock(s->mutex);

        if (r == EOWNERDEAD)
            r = pthread_mutex_consistent(s->mutex);
        must(r == 0, "pthread_mutex_lock");
        must(pthread_mutex_unlock(s->mutex) == 0, "pthread_mutex_unlock");
    }
}

static void by_fcntl(struct subject *s, int n)
{
    while (n--) {
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

        must(fd >= 0 && fcntl(fd, F_SETLKW, &range) == 0, s->path);
        close(fd);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void compare(const char *name, struct subject *s, void (*bare)(struct subject *s, int n),
                    int n)
{
    double plugin[TURNS], hand[TURNS], ratio[TURNS];

    for (int i = 0; i < TURNS; i++) {
        double t = seconds();

        by_plugin(s, n);
        plugin[i] = seconds() - t;
        t = seconds();
        bare(s, n);
        hand[i] = seconds() - t;
        ratio[i] = plugin[i] / hand[i];
    }
    qsort(plugin, TURNS, sizeof(plugin[0]), ascending);
    qsort(hand, TURNS, sizeof(hand[0]), ascending);
    qsort(ratio, TURNS, sizeof(ratio[0]), ascending);
    printf("%-10s plugin %8.1f ns  by hand %8.1f ns  ratio %.2f (median of %d)\n", name,
           plugin[TURNS / 2] / n * 1e9, hand[TURNS / 2] / n * 1e9, ratio[TURNS / 2], TURNS);
}

static void open_plugin(struct subject *s, const char *module, struct testhost *th,
                        const char *dir)
{
    const struct berth_plugin *p = testhost_load(NULL, module);
    struct berth_place place = {.size = sizeof(place), .tmp_dir = dir};
    struct berth_config *cfg;
    uint32_t id;

    must(p != NULL, module);
    cfg = testhost_config_new(p);
    if (p->n_options) {
        char name[64];

        snprintf(name, sizeof(name), "berth-bench-%d", (int)getpid());
        testhost_config_set(cfg, "name", name);
    }
    testhost_ops(p, &s->ops, sizeof(s->ops));
    must(s->ops.open(testhost_host(th), &place, cfg, BERTH_LOCK_CREATE, &s->l, NULL) == 0,
         module);
    for (int i = 0; i < 10; i++)
        must(s->ops.allocate(s->l, &id, NULL) == 0, "allocate");
}

int main(void)
{
    struct testhost *th = testhost_new();
    struct subject shm = {.l = NULL}, file = {.l = NULL};
    pthread_mutexattr_t attr;
    char dir[] = "/dev/shm/berth-bench-XXXXXX", path[64], command[80];

    must(mkdtemp(dir) != NULL, dir);
    open_plugin(&shm, "lock_shm", th, dir);
    shm.mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shm.mutex != MAP_FAILED, "mmap");
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(shm.mutex, &attr);
    compare("lock_shm", &shm, by_mutex, 200000);

    open_plugin(&file, "lock_file", th, dir);
    snprintf(path, sizeof(path), "%s/by-hand", dir);
    file.path = path;
    compare("lock_file", &file, by_fcntl, 2000);

    shm.ops.close(shm.l);
    file.ops.close(file.l);
    snprintf(path, sizeof(path), "/berth-bench-%d", (int)getpid());
    shm_unlink(path);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command) == 0 ? 0 : 1;
}
