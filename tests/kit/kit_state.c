/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state.c - runs the state cases of the conformance kit; see kit_state.h. */
#include "tests/kit/kit_state.h"
#include "tests/kit/kit_tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int reset_shared(struct kit_shared *shared)
{
    memset(shared, 0, sizeof(*shared));
    for (size_t i = 0; i < sizeof(shared->step) / sizeof(shared->step[0]); i++)
        if (sem_init(&shared->step[i], 1, 0) < 0)
            return -1;
    return 0;
}

/* After a case: the plugin itself finds no damage. */
static int check_after(struct kit_state *k)
{
    struct berth_list *report;
    int64_t found;

    if (!k->s)
        return 0;
    if (k->ops.check) {
        report = testhost_list_new();
        found = k->ops.check(k->s, 0, report, k->err);
        if (found > 0)
            fprintf(stderr, "kit: check(): %s\n", testhost_list_get(report, 0));
        testhost_list_free(report);
        GIVES(k, 0, found);
    }
    kst_close(k);
    return 0;
}

static int run(void *arg, const void *c)
{
    struct kit_state *k = arg;

    return ((const struct kit_state_case *)c)->run(k) == 0 ? check_after(k) : -1;
}

static enum kit_outcome run_in_dir(struct kit_state *k, const struct kit_state_case *c)
{
    char why[KIT_WHY];
    int r;

    if (c->caps & ~k->caps)
        return KIT_SKIPPED;
    snprintf(k->dir, sizeof(k->dir), "%s/case", k->root);
    if (mkdir(k->dir, 0700) < 0 || reset_shared(k->shared) < 0) {
        kst_failed(k, __FILE__, __LINE__, "cannot make a directory", errno);
        return KIT_FAILED;
    }
    k->place.static_dir = k->place.tmp_dir = k->dir;
    k->place.graph_root = k->place.run_root = k->place.volume_path = k->dir;
    k->arg = c->arg;
    r = kit_process(run, k, c, why);
    if (r < 0)
        kst_failed(k, __FILE__, __LINE__, why, 0);
    kit_remove(k->dir);
    return r < 0 ? KIT_FAILED : KIT_PASSED;
}

static int run_cases(struct kit_state *k, const struct kit_state_case *c, const char *rule,
                     unsigned *number)
{
    int failures = 0;

    for (; c->name; c++)
        if (!k->only || strstr(c->name, k->only))
            failures += kit_report(++*number, "state", c->name, run_in_dir(k, c),
                                   k->shared->failure, rule);
    return failures;
}

static const struct berth_plugin *load(const char *path)
{
    const struct berth_plugin *p = kit_load(path);

    if (p && (p->kind != BERTH_KIND_STATE || p->ops_major != BERTH_STATE_ABI_MAJOR)) {
        fprintf(stderr, "kit: %s is no state plugin of this ABI\n", path);
        return NULL;
    }
    return p;
}

/* 64 hexadecimal digits that differ in their last ones only: the hardest to keep apart. */
static void make_keys(struct kit_state *k)
{
    for (int i = 0; i < KEY_IDS; i++) {
        k->ctr[i] = k->keys[i];
        k->pod[i] = k->keys[KEY_IDS + i];
        k->exec[i] = k->keys[2 * KEY_IDS + i];
        snprintf(k->keys[i], sizeof(k->keys[i]), "c%063x", (unsigned)i);
        snprintf(k->keys[KEY_IDS + i], sizeof(k->keys[i]), "b%063x", (unsigned)i);
        snprintf(k->keys[2 * KEY_IDS + i], sizeof(k->keys[i]), "e%063x", (unsigned)i);
    }
}

static int run_all(struct kit_state *k, unsigned *number)
{
    static const struct {
        const struct kit_state_case *cases;
        const char *rule;
    } all[] = {{kit_state_records, "berth-plugin-state(3), RECORDS"},
               {kit_state_scans, "berth-plugin-state(3), SCANNING"},
               {kit_state_links, "berth-plugin-state(3), LINKS"},
               {kit_state_sides, "berth-plugin-state(3), EXIT CODES AND IDENTITY"},
               {kit_state_txns, "berth-plugin-state(3), TRANSACTIONS"},
               {kit_state_hosts, "berth-plugin(3), LIFE CYCLE and THE PROCESS"},
               {kit_state_procs, "berth-plugin-state(3), SEVERAL PROCESSES"}};
    int failures = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        failures += run_cases(k, all[i].cases, all[i].rule, number);
    return failures;
}

int kit_state_run(const char *path, const char *const *options, const char *only,
                  unsigned *number)
{
    const char *tmp = getenv("TMPDIR");
    struct kit_state k = {.plugin = load(path), .only = only};
    int failures = -1;

    if (!k.plugin)
        return -1;
    snprintf(k.root, sizeof(k.root), "%s/berth-kit-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(k.root)) {
        perror(k.root);
        return -1;
    }
    testhost_ops(k.plugin, &k.ops, sizeof(k.ops));
    k.caps = k.plugin->caps;
    k.th = testhost_new();
    k.host = *testhost_host(k.th);
    k.cfg = testhost_config_new(k.plugin);
    k.err = testhost_error_new();
    k.place = (struct berth_place){
        .size = sizeof(k.place), .uid = (uint32_t)getuid(), .gid = (uint32_t)getgid()};
    make_keys(&k);
    k.shared = mmap(NULL, sizeof(*k.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    if (k.shared != MAP_FAILED && kit_options(k.cfg, options) == 0)
        failures = run_all(&k, number);
    if (k.shared != MAP_FAILED)
        munmap(k.shared, sizeof(*k.shared));
    testhost_error_free(k.err);
    testhost_config_free(k.cfg);
    testhost_free(k.th);
    kit_remove(k.root);
    return failures;
}
