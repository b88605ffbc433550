/* SPDX-License-Identifier: Apache-2.0 */
/* kit_lock.c - runs the lock cases of the conformance kit. */
#include "tests/kit/kit_lock.h"
#include "tests/kit/kit_tap.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int cancel;

/* ------------------------------------------------------------------- helpers */

static int host_cancelled(struct berth_core *core)
{
    (void)core;
    return cancel;
}

void kit_cancel(int on)
{
    cancel = on;
}

int kit_failed(struct kit_lock *k, const char *file, int line, const char *what)
{
    const char *name = strrchr(file, '/');

    if (k->shared->failure[0] == '\0')
        snprintf(k->shared->failure, sizeof(k->shared->failure), "%s:%d: %s (%s)",
                 name ? name + 1 : file, line, what, testhost_error_text(k->err));
    return -1;
}

int kit_is(struct kit_lock *k, int r, int want)
{
    int ok = r == want;

    if (ok && r < 0)
        ok = testhost_error_calls(k->err) == 1 && testhost_error_code(k->err) == -r &&
             testhost_error_text(k->err)[0] != '\0';
    else if (ok)
        ok = testhost_error_calls(k->err) == 0;
    if (ok)
        testhost_error_clear(k->err);
    return ok;
}

static struct berth_locks *open_locks(struct kit_lock *k, uint32_t flags)
{
    struct berth_locks *l = NULL;

    for (size_t i = 0; i < sizeof(k->open) / sizeof(k->open[0]); i++) {
        if (k->open[i])
            continue;
        if (k->ops.open(&k->host, &k->place, k->cfg, flags, &l, k->err) == 0)
            k->open[i] = l;
        break;
    }
    return l;
}

struct berth_locks *kit_fresh(struct kit_lock *k)
{
    return open_locks(k, BERTH_LOCK_CREATE | BERTH_LOCK_RECREATE);
}

struct berth_locks *kit_again(struct kit_lock *k)
{
    return open_locks(k, 0);
}

void kit_close(struct kit_lock *k, struct berth_locks *l)
{
    for (size_t i = 0; i < sizeof(k->open) / sizeof(k->open[0]); i++)
        if (k->open[i] == l)
            k->open[i] = NULL;
    k->ops.close(l);
}

void kit_forked(struct kit_lock *k)
{
    for (size_t i = 0; i < sizeof(k->open) / sizeof(k->open[0]); i++) {
        if (k->open[i])
            k->ops.forked(k->open[i]);
        k->open[i] = NULL;
    }
}

int kit_orphaned(const struct kit_lock *k)
{
    return k->plugin->caps & BERTH_LOCK_CAP_ORPHANS ? BERTH_LOCK_ORPHANED : 0;
}

berth_deadline kit_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * 1000000000u + (berth_deadline)ts.tv_nsec;
}

void kit_sleep(unsigned ms)
{
    struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&ts, NULL);
}

void kit_post(struct kit_lock *k, int n)
{
    sem_post(&k->shared->step[n]);
}

int kit_wait(struct kit_lock *k, int n)
{
    struct timespec ts;
    int r;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += 60;
    while ((r = sem_timedwait(&k->shared->step[n], &ts)) < 0 && errno == EINTR)
        ;
    return r;
}

pid_t kit_spawn(struct kit_lock *k, int (*fn)(struct kit_lock *k, int arg), int arg)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        kit_forked(k);
        _exit(fn(k, arg) == 0 ? 0 : 1);
    }
    return pid;
}

int kit_join(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct thread_call {
    struct kit_lock *k;
    int (*fn)(struct kit_lock *k, void *arg);
    void *arg;
    int result;
};

static void *thread_main(void *arg)
{
    struct thread_call *call = arg;

    call->result = call->fn(call->k, call->arg);
    return NULL;
}

int kit_on_thread(struct kit_lock *k, int (*fn)(struct kit_lock *k, void *arg), void *arg)
{
    struct thread_call call = {k, fn, arg, -1};
    pthread_t thread;

    if (pthread_create(&thread, NULL, thread_main, &call) != 0)
        return -1;
    pthread_join(thread, NULL);
    return call.result;
}

/* ------------------------------------------------------------------- running */

static int reset_shared(struct kit_shared *shared)
{
    memset(shared, 0, sizeof(*shared));
    for (size_t i = 0; i < sizeof(shared->step) / sizeof(shared->step[0]); i++)
        if (sem_init(&shared->step[i], 1, 0) < 0)
            return -1;
    return 0;
}

static int run(void *k, const void *c)
{
    return ((const struct kit_lock_case *)c)->run(k);
}

static enum kit_outcome run_one(struct kit_lock *k, const struct kit_lock_case *c)
{
    char why[KIT_WHY];

    if (c->caps & ~k->plugin->caps || (c->threads && !k->parallel))
        return KIT_SKIPPED;
    if (reset_shared(k->shared) < 0)
        kit_failed(k, __FILE__, __LINE__, "cannot make semaphores");
    else if (kit_process(run, k, c, why) == 0)
        return KIT_PASSED;
    else
        kit_failed(k, __FILE__, __LINE__, why);
    return KIT_FAILED;
}

static int run_cases(struct kit_lock *k, const struct kit_lock_case *c, const char *rule,
                     unsigned *number)
{
    int failures = 0;

    for (; c->name; c++)
        if (!k->only || strstr(c->name, k->only))
            failures +=
                kit_report(++*number, "lock", c->name, run_one(k, c), k->shared->failure, rule);
    return failures;
}

static const struct berth_plugin *load(const char *path)
{
    const struct berth_plugin *p = kit_load(path);

    if (p && (p->kind != BERTH_KIND_LOCK || p->ops_major != BERTH_LOCK_ABI_MAJOR)) {
        fprintf(stderr, "kit: %s is no lock plugin of this ABI\n", path);
        return NULL;
    }
    return p;
}

int kit_lock_run(const char *path, const char *const *options, const char *only,
                 unsigned *number)
{
    const char *tmp = getenv("TMPDIR");
    struct kit_lock k = {.plugin = load(path), .only = only};
    char dir[4096];
    int failures = -1;

    if (!k.plugin)
        return -1;
    snprintf(dir, sizeof(dir), "%s/berth-kit-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return -1;
    }
    testhost_ops(k.plugin, &k.ops, sizeof(k.ops));
    k.th = testhost_new();
    k.host = *testhost_host(k.th);
    k.host.cancelled = host_cancelled;
    k.cfg = testhost_config_new(k.plugin);
    k.err = testhost_error_new();
    k.place = (struct berth_place){.size = sizeof(k.place),
                                   .uid = (uint32_t)getuid(),
                                   .gid = (uint32_t)getgid(),
                                   .static_dir = dir,
                                   .tmp_dir = dir,
                                   .graph_root = dir,
                                   .run_root = dir,
                                   .volume_path = dir};
    k.limited = (k.plugin->caps & BERTH_LOCK_CAP_LIMITED) != 0;
    k.parallel = k.plugin->threads == BERTH_THREADS_PARALLEL;
    k.shared = mmap(NULL, sizeof(*k.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    if (k.shared != MAP_FAILED && kit_options(k.cfg, options) == 0)
        failures =
            run_cases(&k, kit_lock_single, "berth-plugin-lock(3), NUMBERS and LOCKING",
                      number) +
            run_cases(&k, kit_lock_procs, "berth-plugin-lock(3), SEVERAL PROCESSES", number);
    if (k.shared != MAP_FAILED)
        munmap(k.shared, sizeof(*k.shared));
    testhost_error_free(k.err);
    testhost_config_free(k.cfg);
    testhost_free(k.th);
    kit_remove(dir);
    return failures;
}
