/* SPDX-License-Identifier: Apache-2.0 */
/* berth-plugin-check: the conformance kit, on a plugin of any kind. */
#include "tests/kit/kit_file.h"
#include "tests/kit/kit_lock.h"
#include "tests/kit/kit_run.h"
#include "tests/kit/kit_tap.h"

#include <stdio.h>
#include <string.h>

/* Kind of the plugin in a file; 0: none, said on standard error. */
static int kind_of(const char *path, uint32_t *n_options)
{
    const struct berth_plugin *p = kit_load(path);

    *n_options = p ? p->n_options : 0;
    return p ? p->kind : 0;
}

/* The part for a kind of plugin: how many cases failed, or -1. */
static int run_kind(uint32_t kind, const char *path, const char *const *options, int placed,
                    unsigned *number)
{
    if ((kind == BERTH_KIND_LOCK || kind == BERTH_KIND_NET) && !placed) {
        fprintf(
            stderr,
            "berth-plugin-check: %s may have its %s where they are in use: give options that "
            "put them elsewhere (-o NAME=VALUE)\n",
            path, kind == BERTH_KIND_LOCK ? "locks" : "networks");
        return -1;
    }
    switch (kind) {
    case BERTH_KIND_STATE:
        return kit_state_run(path, options, NULL, number);
    case BERTH_KIND_LOCK:
        return kit_lock_run(path, options, NULL, number);
    case BERTH_KIND_OCI:
        return kit_oci_run(path, options, number);
    case BERTH_KIND_NET:
        return kit_net_run(path, options, number);
    default:
        fprintf(stderr, "berth-plugin-check: there is no kind %u of plugins\n", kind);
        return -1;
    }
}

int main(int argc, char **argv)
{
    const char *options[64];
    unsigned n = 0, number = 0;
    uint32_t declared;
    int failures = -1, wrong = 0, lint = 0, i = 1, kind;

    if (argc > 1 && strcmp(argv[1], "--file") == 0)
        lint = i++;
    for (; i + 1 < argc && strcmp(argv[i], "-o") == 0 && n < 63; i += 2)
        options[n++] = argv[i + 1];
    options[n] = NULL;
    if (i + 1 != argc) {
        fprintf(stderr, "usage: berth-plugin-check [--file] [-o OPTION=VALUE]... PLUGIN.so\n");
        return 2;
    }
    kind = kind_of(argv[i], &declared);
    if (!kind)
        return 2;
    wrong = kit_file_run(argv[i], &number);
    if (wrong >= 0)
        failures =
            lint ? 0 : run_kind((uint32_t)kind, argv[i], options, !declared || n > 0, &number);
    if (failures < 0)
        return 2;
    printf("1..%u\n", number);
    return failures + wrong ? 1 : 0;
}
