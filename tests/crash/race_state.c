/* SPDX-License-Identifier: Apache-2.0 */
/*
 * race_state.c - many processes on one store.
 *
 *      race-state PLUGIN.so SECONDS [PROCESSES]
 *
 * Twelve of sixteen count up: two volumes together and a container of their own, in one
 * transaction.  The others read, and must never see half of that nor go back in time.  In
 * the end the sums are right: no update was lost.
 */
#include "tests/lib/testhost.h"

#include <berth/state.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 64

struct store {
    const struct berth_plugin *plugin;
    struct berth_state_ops ops;
    struct testhost *th;
    const struct berth_host *h;
    struct berth_config *cfg;
    struct berth_error *err;
    struct berth_place place;
    struct berth_state *s;
};

/* What all processes see. */
struct shared {
    volatile long done[MOST];
    volatile long reads[MOST];
};

static int failed(struct store *st, const char *what)
{
    fprintf(stderr, "race-state: %s: %s: %s\n", st->plugin->name, what,
            testhost_error_text(st->err));
    return -1;
}

static const char *id_of(int i)
{
    static char id[65];

    snprintf(id, sizeof(id), "%064x", (unsigned)i + 0xc000);
    return id;
}

static int put(struct store *st, struct berth_txn *t, uint32_t kind, const char *id, long n,
               int new)
{
    struct berth_record rec = {.size = sizeof(rec),
                               .kind = kind,
                               .has = new ? BERTH_REC_ALL : BERTH_REC_STATE,
                               .id = id,
                               .name = id};
    char text[64];

    rec.config = (struct berth_blob){"{}", 2};
    rec.state = (struct berth_blob){
        text, (size_t)snprintf(text, sizeof(text), "{\"restartCount\":%ld}", n)};
    return new ? st->ops.insert(t, &rec, st->err) : st->ops.update(t, &rec, st->err);
}

static int get(struct store *st, struct berth_txn *t, uint32_t kind, const char *id, long *out)
{
    struct berth_record rec = {.size = sizeof(rec)};
    int r = st->ops.get(t, kind, id, BERTH_REC_STATE, &rec, st->err);
    char text[64];

    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "%.*s", (int)rec.state.len, (const char *)rec.state.data);
    return sscanf(text, "{\"restartCount\":%ld}", out) == 1 ? 0 : -EUCLEAN;
}

static int count_up(struct store *st, int me)
{
    struct berth_txn *t = NULL;
    long a = 0, b = 0, own = 0;
    int r = st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, st->err);

    if (r < 0)
        return failed(st, "begin");
    if (get(st, t, BERTH_VOLUME, "a", &a) < 0 || get(st, t, BERTH_VOLUME, "b", &b) < 0 ||
        get(st, t, BERTH_CONTAINER, id_of(me), &own) < 0)
        r = failed(st, "reading");
    else if (a != b)
        r = failed(st, "a writer sees half a change");
    if (r == 0)
        r = put(st, t, BERTH_VOLUME, "a", a + 1, 0);
    if (r == 0)
        r = put(st, t, BERTH_CONTAINER, id_of(me), own + 1, 0);
    if (r == 0)
        r = put(st, t, BERTH_VOLUME, "b", b + 1, 0);
    if (r < 0) {
        st->ops.rollback(t);
        return failed(st, "writing");
    }
    return st->ops.commit(t, st->err) < 0 ? failed(st, "commit") : 0;
}

static int look(struct store *st, long *last)
{
    struct berth_txn *t = NULL;
    long a = 0, b = 0;
    int r = st->ops.begin(st->s, 0, BERTH_WAIT_FOREVER, &t, st->err);

    if (r < 0)
        return failed(st, "begin to read");
    if (get(st, t, BERTH_VOLUME, "a", &a) < 0 || get(st, t, BERTH_VOLUME, "b", &b) < 0)
        r = failed(st, "reading");
    else if (a != b || a < *last)
        r = failed(st, a != b ? "a reader sees half a change" : "a reader goes back in time");
    *last = a;
    st->ops.rollback(t);
    return r;
}

static int worker(struct store *st, struct shared *shared, int me, time_t end)
{
    long last = 0;
    int r = st->ops.open(st->h, &st->place, st->cfg, 0, &st->s, st->err);

    if (r < 0)
        return failed(st, "open");
    while (r == 0 && time(NULL) < end) {
        if (me % 4 == 3) {
            r = look(st, &last);
            shared->reads[me]++;
        } else {
            r = count_up(st, me);
            shared->done[me] += r == 0;
        }
    }
    st->ops.close(st->s);
    return r;
}

static int prepare(struct store *st, int n)
{
    struct berth_txn *t = NULL;
    int r = st->ops.open(st->h, &st->place, st->cfg, BERTH_STATE_CREATE, &st->s, st->err);

    if (r == 0)
        r = st->ops.begin(st->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, st->err);
    if (r == 0)
        r = put(st, t, BERTH_VOLUME, "a", 0, 1);
    if (r == 0)
        r = put(st, t, BERTH_VOLUME, "b", 0, 1);
    for (int i = 0; r == 0 && i < n; i++)
        r = put(st, t, BERTH_CONTAINER, id_of(i), 0, 1);
    if (r == 0)
        r = st->ops.commit(t, st->err);
    if (r < 0)
        return failed(st, "making the store");
    st->ops.close(st->s);
    return 0;
}

static int add_up(struct store *st, const struct shared *shared, int n)
{
    struct berth_list *report = testhost_list_new();
    struct berth_txn *t = NULL;
    long a = 0, own, sum = 0, reads = 0;
    int r = st->ops.open(st->h, &st->place, st->cfg, 0, &st->s, st->err);

    if (r == 0 && st->ops.check && st->ops.check(st->s, 0, report, st->err) != 0)
        r = failed(st, testhost_list_len(report) ? testhost_list_get(report, 0) : "check()");
    if (r == 0)
        r = st->ops.begin(st->s, 0, BERTH_WAIT_FOREVER, &t, st->err);
    if (r == 0)
        r = get(st, t, BERTH_VOLUME, "a", &a);
    for (int i = 0; r == 0 && i < n; i++) {
        r = get(st, t, BERTH_CONTAINER, id_of(i), &own);
        if (r == 0 && own != shared->done[i])
            r = failed(st, "a process's own updates were lost");
        sum += shared->done[i];
        reads += shared->reads[i];
    }
    if (r == 0 && a != sum)
        r = failed(st, "updates were lost");
    printf("%s: %d processes, %ld updates, %ld reads, counter %ld\n", st->plugin->name, n, sum,
           reads, a);
    if (t)
        st->ops.rollback(t);
    st->ops.close(st->s);
    testhost_list_free(report);
    return r < 0 || sum == 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct store st = {.s = NULL};
    char where[4096], module[256], dir[4096], command[4200];
    const char *tmp = getenv("TMPDIR"), *slash = argc > 2 ? strrchr(argv[1], '/') : NULL;
    int n = argc > 3 ? atoi(argv[3]) : 16, r = 0, status;
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    time_t end;

    if (!slash || n < 1 || n > MOST || shared == MAP_FAILED) {
        fprintf(stderr, "usage: race-state DIR/PLUGIN.so SECONDS [PROCESSES]\n");
        return 2;
    }
    snprintf(where, sizeof(where), "%.*s", (int)(slash - argv[1]), argv[1]);
    snprintf(module, sizeof(module), "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
    snprintf(dir, sizeof(dir), "%s/berth-race-XXXXXX", tmp ? tmp : "/tmp");
    st.plugin = testhost_load(where, module);
    if (!st.plugin || !mkdtemp(dir))
        return 2;
    testhost_ops(st.plugin, &st.ops, sizeof(st.ops));
    st.th = testhost_new();
    st.h = testhost_host(st.th);
    st.cfg = testhost_config_new(st.plugin);
    st.err = testhost_error_new();
    st.place = (struct berth_place){.size = sizeof(st.place),
                                    .uid = (uint32_t)getuid(),
                                    .gid = (uint32_t)getgid(),
                                    .static_dir = dir,
                                    .tmp_dir = dir,
                                    .graph_root = dir,
                                    .run_root = dir,
                                    .volume_path = dir};
    r = prepare(&st, n);
    end = time(NULL) + atoi(argv[2]);
    for (int i = 0; r == 0 && i < n; i++)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(worker(&st, shared, i, end) < 0 ? 1 : 0);
        }
    while (wait(&status) > 0)
        if (status != 0)
            r = -1;
    if (add_up(&st, shared, n) < 0)
        r = -1;
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        r = -1;
    testhost_error_free(st.err);
    testhost_config_free(st.cfg);
    testhost_free(st.th);
    return r < 0 ? 1 : 0;
}
