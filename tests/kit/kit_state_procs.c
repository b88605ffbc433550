/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_procs.c - state cases of the kit: several processes, deadlines, fork(), threads. */
#include "tests/kit/kit_state.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARED   (BERTH_STATE_CAP_SHARED | BERTH_STATE_CAP_PERSISTENT)
#define TIMEOUT  BERTH_STATE_CAP_TIMEOUT
#define SNAPSHOT BERTH_STATE_CAP_SNAPSHOT

#define MS ((berth_deadline)1000000)

#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

/* The volume's state is a number. */
static int put_number(struct kit_state *k, struct berth_txn *t, const char *name, int n)
{
    struct kit_made m;
    char text[32];

    snprintf(text, sizeof(text), "%d", n);
    kit_make(&m, BERTH_VOLUME, name, name, NULL);
    m.rec.has = BERTH_REC_STATE;
    m.rec.state = (struct berth_blob){text, strlen(text)};
    OK(k, k->ops.update(t, &m.rec, k->err));
    return 0;
}

static int get_number(struct kit_state *k, struct berth_txn *t, const char *name, int *out)
{
    struct berth_record rec = {.size = sizeof(rec)};
    char text[32];

    OK(k, k->ops.get(t, BERTH_VOLUME, name, BERTH_REC_STATE, &rec, k->err));
    snprintf(text, sizeof(text), "%.*s", (int)rec.state.len, (const char *)rec.state.data);
    *out = atoi(text);
    return 0;
}

static int fill(struct kit_state *k)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_VOLUME, "a", "a", NULL));
    TRY(kit_add(k, t, BERTH_VOLUME, "b", "b", NULL));
    TRY(put_number(k, t, "a", 0));
    TRY(put_number(k, t, "b", 0));
    return kit_commit(k, t);
}

/* Done with the store; one that would be lost stays open. */
static int leave(struct kit_state *k, int result)
{
    if (k->caps & BERTH_STATE_CAP_PERSISTENT)
        kst_close(k);
    return result;
}

/* Another process reads `a`: the number it must find. */
static int finds(struct kit_state *k, int arg)
{
    struct berth_txn *t = kit_read(k);
    int n = -1;

    NEED(k, t);
    TRY(get_number(k, t, "a", &n));
    k->ops.rollback(t);
    NEED(k, n == arg);
    return leave(k, 0);
}

static int sets(struct kit_state *k, int arg)
{
    WRITE(k, t);
    TRY(put_number(k, t, "a", arg));
    TRY(kit_commit(k, t));
    return leave(k, 0);
}

/* Processes begin while no transaction is open (some libraries are confused for good by a
 * fork() in one), and those that a case gates wait until it lets them pass. */
#define GATE 7

struct gated {
    int (*fn)(struct kit_state *k, int arg);
    int arg;
};
static struct gated gated;

static int run_gated(struct kit_state *k, int arg)
{
    (void)arg;
    NEED(k, kst_wait(k, GATE) == 0);
    return gated.fn(k, gated.arg);
}

static pid_t spawn_gated(struct kit_state *k, int (*fn)(struct kit_state *k, int arg), int arg)
{
    gated = (struct gated){fn, arg};
    return kst_spawn(k, run_gated, 0);
}

static int pass_and_join(struct kit_state *k, pid_t pid)
{
    kst_post(k, GATE);
    return kst_join(pid);
}

/* ----------------------------------------------------------------- visibility */

static int visible(struct kit_state *k)
{
    TRY(fill(k));
    TRY(kst_join(kst_spawn(k, finds, 0)));
    TRY(sets(k, 5));
    TRY(kst_join(kst_spawn(k, finds, 5)));
    TRY(kst_join(kst_spawn(k, sets, 6)));
    return finds(k, 6);
}

/* A second instance sees each change, in turns with the first and without reopening. */
static int answers(struct kit_state *k, int arg)
{
    for (int i = 0; i < 10; i++) {
        struct berth_txn *t;
        int n;

        NEED(k, kst_wait(k, 0) == 0);
        t = kit_write(k);
        NEED(k, t);
        TRY(get_number(k, t, "a", &n));
        NEED(k, n == 2 * i + 1);
        TRY(put_number(k, t, "a", n + 1));
        TRY(kit_commit(k, t));
        kst_post(k, 1);
    }
    (void)arg;
    return leave(k, 0);
}

static int in_turns(struct kit_state *k)
{
    pid_t pid;

    TRY(fill(k));
    pid = kst_spawn(k, answers, 0);
    for (int i = 0; i < 10; i++) {
        int n;

        WRITE(k, t);
        TRY(get_number(k, t, "a", &n));
        NEED(k, n == 2 * i);
        TRY(put_number(k, t, "a", n + 1));
        TRY(kit_commit(k, t));
        kst_post(k, 0);
        NEED(k, kst_wait(k, 1) == 0);
    }
    return kst_join(pid);
}

/* While a writer is at work, a reader elsewhere sees nothing of it, or has to wait. */
static int sees_old(struct kit_state *k, int arg)
{
    struct berth_txn *t = NULL;
    int n = -1, r;

    TRY(kit_open(k, 0));
    r = k->ops.begin(k->s, 0, kst_now() + 100 * MS, &t, k->err);
    if (r == -ETIMEDOUT && !(k->caps & SNAPSHOT)) {
        FAILS(k, ETIMEDOUT, r);
        return leave(k, 0);
    }
    OK(k, r);
    TRY(get_number(k, t, "a", &n));
    k->ops.rollback(t);
    NEED(k, n == arg);
    return leave(k, 0);
}

static int invisible(struct kit_state *k)
{
    pid_t pid;

    TRY(fill(k));
    pid = spawn_gated(k, sees_old, 0);
    {
        WRITE(k, t);
        TRY(put_number(k, t, "a", 9));
        TRY(pass_and_join(k, pid));
        TRY(kit_commit(k, t));
    }
    return kst_join(kst_spawn(k, finds, 9));
}

/* A reader keeps its view although a writer has committed since. */
static int write_and_tell(struct kit_state *k, int arg)
{
    NEED(k, kst_wait(k, 0) == 0);
    TRY(sets(k, arg));
    kst_post(k, 1);
    return 0;
}

static int snapshot(struct kit_state *k)
{
    struct berth_txn *t;
    pid_t pid;
    int n;

    TRY(fill(k));
    pid = kst_spawn(k, write_and_tell, 7);
    t = kit_read(k);
    NEED(k, t);
    TRY(get_number(k, t, "a", &n));
    NEED(k, n == 0);
    kst_post(k, 0);
    NEED(k, kst_wait(k, 1) == 0);
    TRY(get_number(k, t, "a", &n));
    NEED(k, n == 0);
    k->ops.rollback(t);
    TRY(kst_join(pid));
    return finds(k, 7);
}

static int hold_read(struct kit_state *k, int arg)
{
    struct berth_txn *t = kit_read(k);

    (void)arg;
    NEED(k, t);
    kst_post(k, 0);
    NEED(k, kst_wait(k, 1) == 0);
    k->ops.rollback(t);
    return leave(k, 0);
}

static int readers_together(struct kit_state *k)
{
    pid_t pid;

    TRY(fill(k));
    pid = kst_spawn(k, hold_read, 0);
    NEED(k, kst_wait(k, 0) == 0);
    TRY(finds(k, 0));
    kst_post(k, 1);
    return kst_join(pid);
}

/* ----------------------------------------------------------------- exclusion */

static int no_wait(struct kit_state *k, int arg)
{
    struct berth_txn *t = NULL;

    (void)arg;
    TRY(kit_open(k, 0));
    FAILS(k, EBUSY, k->ops.begin(k->s, BERTH_TXN_WRITE, BERTH_NO_WAIT, &t, k->err));
    return leave(k, 0);
}

static int until_deadline(struct kit_state *k, int arg)
{
    berth_deadline deadline;
    struct berth_txn *t = NULL;

    (void)arg;
    TRY(kit_open(k, 0));
    deadline = kst_now() + 150 * MS;
    FAILS(k, ETIMEDOUT, k->ops.begin(k->s, BERTH_TXN_WRITE, deadline, &t, k->err));
    NEED(k, kst_now() >= deadline);
    return leave(k, 0);
}

static int while_writing(struct kit_state *k, int (*fn)(struct kit_state *, int))
{
    pid_t pid;

    TRY(fill(k));
    pid = spawn_gated(k, fn, 0);
    {
        WRITE(k, t);
        TRY(pass_and_join(k, pid));
        TRY(put_number(k, t, "a", 1));
        TRY(kit_commit(k, t));
    }
    return finds(k, 1);
}

static int busy(struct kit_state *k)
{
    return while_writing(k, no_wait);
}

static int deadline_passes(struct kit_state *k)
{
    return while_writing(k, until_deadline);
}

static int free_no_wait(struct kit_state *k)
{
    struct berth_txn *t = NULL;

    TRY(fill(k));
    for (uint32_t flags = 0; flags <= BERTH_TXN_WRITE; flags++) {
        OK(k, k->ops.begin(k->s, flags, BERTH_NO_WAIT, &t, k->err));
        TRY(kit_commit(k, t));
        OK(k, k->ops.begin(k->s, flags, kst_now() + 1000 * MS, &t, k->err));
        k->ops.rollback(t);
    }
    return 0;
}

static int announce_and_set(struct kit_state *k, int arg)
{
    TRY(kit_open(k, 0));
    kst_post(k, 0);
    return sets(k, arg);
}

static int waits(struct kit_state *k)
{
    struct timespec moment = {0, 50000000};
    pid_t pid;

    TRY(fill(k));
    pid = spawn_gated(k, announce_and_set, 2);
    {
        WRITE(k, t);
        kst_post(k, GATE);
        NEED(k, kst_wait(k, 0) == 0);
        nanosleep(&moment, NULL); /* it has probably begun to wait: either way is right */
        TRY(put_number(k, t, "a", 1));
        TRY(kit_commit(k, t));
    }
    TRY(kst_join(pid));
    return finds(k, 2);
}

static int idle(struct kit_state *k)
{
    TRY(fill(k));
    TRY(kst_join(kst_spawn(k, sets, 3))); /* while we have it open */
    return finds(k, 3);
}

/* -------------------------------------------------------------------- counting */

#define COUNTERS 4
#define ROUNDS   50

static int count_up(struct kit_state *k, int arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        int a, b;

        WRITE(k, t);
        TRY(get_number(k, t, "a", &a));
        TRY(get_number(k, t, "b", &b));
        NEED(k, a == b);
        TRY(put_number(k, t, "a", a + 1));
        TRY(put_number(k, t, "b", b + 1));
        TRY(kit_commit(k, t));
    }
    return leave(k, 0);
}

/* Readers never see one half of a change. */
static int compare(struct kit_state *k, int arg)
{
    int last = 0;

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct berth_txn *t = kit_read(k);
        int a, b;

        NEED(k, t);
        TRY(get_number(k, t, "a", &a));
        TRY(get_number(k, t, "b", &b));
        k->ops.rollback(t);
        NEED(k, a == b && a >= last);
        last = a;
    }
    return leave(k, 0);
}

static int counters(struct kit_state *k)
{
    pid_t pids[2 * COUNTERS];
    int failed = 0;

    TRY(fill(k));
    for (int i = 0; i < 2 * COUNTERS; i++)
        pids[i] = kst_spawn(k, i % 2 ? compare : count_up, 0);
    for (int i = 0; i < 2 * COUNTERS; i++)
        failed |= kst_join(pids[i]);
    TRY(failed);
    return finds(k, COUNTERS * ROUNDS);
}

static int create_and_add(struct kit_state *k, int arg)
{
    NEED(k, kst_wait(k, 0) == 0);
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_VOLUME, k->ctr[arg], k->ctr[arg], NULL));
    TRY(kit_commit(k, t));
    return leave(k, 0);
}

static int made_at_once(struct kit_state *k)
{
    struct berth_scan scan = kit_scan(BERTH_VOLUME, NULL);
    char expected[600] = "";
    pid_t pids[8];
    int failed = 0;

    for (int i = 0; i < 8; i++)
        pids[i] = kst_spawn(k, create_and_add, i);
    for (int i = 0; i < 8; i++)
        kst_post(k, 0);
    for (int i = 0; i < 8; i++) {
        failed |= kst_join(pids[i]);
        strcat(strcat(expected, i ? " " : ""), k->ctr[i]);
    }
    TRY(failed);
    WRITE(k, t);
    TRY(kit_scanned(k, t, &scan, expected));
    return kit_commit(k, t);
}

/* ------------------------------------------------------------- death and fork */

static int die_writing(struct kit_state *k, int arg)
{
    WRITE(k, t);
    TRY(put_number(k, t, "a", 66));
    for (int i = 0; i < 200; i++) { /* enough that some of it may have reached the disk */
        char name[16];

        snprintf(name, sizeof(name), "x%d", i);
        TRY(kit_add(k, t, BERTH_VOLUME, name, name, NULL));
    }
    if (arg)
        TRY(kit_commit(k, t));
    raise(SIGKILL);
    return -1;
}

static int killed(struct kit_state *k)
{
    int status = 0, committed = k->arg;
    pid_t pid;

    TRY(fill(k));
    kst_close(k); /* it finds what the other left behind when it opens it */
    pid = kst_spawn(k, die_writing, committed);
    NEED(k, waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    TRY(finds(k, committed ? 66 : 0));
    TRY(sets(k, 1));
    return finds(k, 1);
}

static int killed_beside(struct kit_state *k)
{
    int status = 0;
    pid_t pid;

    TRY(fill(k));
    pid = kst_spawn(k, die_writing, 0);
    NEED(k, waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    {
        WRITE(k, t); /* the lock went with its owner */
        TRY(put_number(k, t, "a", 1));
        TRY(kit_commit(k, t));
    }
    return kst_join(kst_spawn(k, finds, 1));
}

static int nothing(struct kit_state *k, int arg)
{
    (void)arg;
    NEED(k, k->s == NULL);
    return 0;
}

static int forked_idle(struct kit_state *k)
{
    TRY(fill(k));
    for (int i = 0; i < 5; i++) {
        TRY(kst_join(kst_spawn(k, nothing, 0)));
        TRY(sets(k, i));
        TRY(finds(k, i));
    }
    return 0;
}

static int forked_in_txn(struct kit_state *k)
{
    int n;

    TRY(fill(k));
    WRITE(k, t);
    TRY(put_number(k, t, "a", 4));
    TRY(kst_join(kst_spawn(k, nothing, 0)));
    TRY(get_number(k, t, "a", &n));
    NEED(k, n == 4);
    TRY(put_number(k, t, "b", 4));
    TRY(kit_next(k, &t));
    TRY(get_number(k, t, "b", &n));
    NEED(k, n == 4);
    k->ops.rollback(t);
    return 0;
}

/* The lock of a transaction is still the parent's after the child has let go. */
static int forked_keeps_lock(struct kit_state *k)
{
    pid_t pid;

    TRY(fill(k));
    pid = spawn_gated(k, no_wait, 0);
    WRITE(k, t);
    TRY(put_number(k, t, "a", 4));
    TRY(kst_join(kst_spawn(k, nothing, 0)));
    TRY(pass_and_join(k, pid));
    TRY(kit_commit(k, t));
    return finds(k, 4);
}

/* -------------------------------------------------------------------- threads */

struct thread {
    struct kit_state *k;
    int failed;
};

static void *read_on_thread(void *arg)
{
    struct thread *th = arg;
    struct berth_txn *t = NULL;
    struct berth_record rec;

    for (int i = 0; i < 200 && !th->failed; i++) {
        rec = (struct berth_record){.size = sizeof(rec)};
        th->failed = th->k->ops.begin(th->k->s, 0, BERTH_WAIT_FOREVER, &t, NULL) != 0 ||
                     th->k->ops.get(t, BERTH_VOLUME, "a", BERTH_REC_ALL, &rec, NULL) != 0 ||
                     rec.state.len != 1 || memcmp(rec.state.data, "0", 1) != 0;
        if (t)
            th->k->ops.rollback(t);
        t = NULL;
    }
    return NULL;
}

static int threads(struct kit_state *k)
{
    struct thread th[4];
    pthread_t ids[4];
    int failed = 0;

    if (k->plugin->threads != BERTH_THREADS_PARALLEL)
        return 0;
    TRY(fill(k));
    WRITE(k, t); /* readers beside the writer */
    TRY(put_number(k, t, "a", 1));
    for (int i = 0; i < 4; i++) {
        th[i] = (struct thread){k, 0};
        NEED(k, pthread_create(&ids[i], NULL, read_on_thread, &th[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(ids[i], NULL);
        failed |= th[i].failed;
    }
    NEED(k, !failed);
    TRY(kit_commit(k, t));
    return finds(k, 1);
}

const struct kit_state_case kit_state_procs[] = {
    {"a commit is seen by other processes", SHARED, visible, 0},
    {"instances in turns", SHARED, in_turns, 0},
    {"changes are unseen before their commit", SHARED | TIMEOUT, invisible, 0},
    {"a reader keeps its view", SHARED | SNAPSHOT, snapshot, 0},
    {"readers do not exclude each other", SHARED, readers_together, 0},
    {"one writer: no wait", SHARED | TIMEOUT, busy, 0},
    {"one writer: a deadline", SHARED | TIMEOUT, deadline_passes, 0},
    {"one writer: the next one waits", SHARED, waits, 0},
    {"a store that is free is had without waiting", 0, free_no_wait, 0},
    {"an idle instance keeps nobody waiting", SHARED, idle, 0},
    {"no update is lost and none is seen half", SHARED, counters, 0},
    {"several processes make the store", SHARED, made_at_once, 0},
    {"killed before the commit", SHARED, killed, 0},
    {"killed after the commit", SHARED, killed, 1},
    {"killed beside an open instance", SHARED, killed_beside, 0},
    {"forked() of an idle instance", 0, forked_idle, 0},
    {"forked() during a transaction", 0, forked_in_txn, 0},
    {"forked() leaves the lock to the parent", SHARED | TIMEOUT, forked_keeps_lock, 0},
    {"readers on threads beside the writer", SNAPSHOT, threads, 0},
    {NULL, 0, NULL, 0},
};
