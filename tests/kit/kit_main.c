/* SPDX-License-Identifier: Apache-2.0 */
/* berth-plugin-check: the conformance kit, on a state or lock plugin. */
#include "tests/kit/kit_lock.h"
#include "tests/kit/kit_run.h"

#include <stdio.h>
#include <string.h>

/* Kind of the plugin in a file; 0: none, said on standard error. */
static int kind_of(const char *path, uint32_t *n_options)
{
    char dir[4096], module[256];
    const char *slash = strrchr(path, '/');
    const struct berth_plugin *p;

    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    snprintf(module, sizeof(module), "%s", slash ? slash + 1 : path);
    if (strlen(module) > 3 && strcmp(module + strlen(module) - 3, ".so") == 0)
        module[strlen(module) - 3] = '\0';
    p = testhost_load(dir, module);
    *n_options = p ? p->n_options : 0;
    return p ? p->kind : 0;
}

int main(int argc, char **argv)
{
    const char *options[64];
    unsigned n = 0, number = 0;
    uint32_t declared;
    int failures = -1, i = 1, kind;

    for (; i + 1 < argc && strcmp(argv[i], "-o") == 0 && n < 63; i += 2)
        options[n++] = argv[i + 1];
    options[n] = NULL;
    if (i + 1 != argc) {
        fprintf(stderr, "usage: berth-plugin-check [-o OPTION=VALUE]... PLUGIN.so\n");
        return 2;
    }
    kind = kind_of(argv[i], &declared);
    if (kind == BERTH_KIND_STATE)
        failures = kit_state_run(argv[i], options, NULL, &number);
    else if (kind == BERTH_KIND_LOCK && declared && !n)
        fprintf(stderr,
                "berth-plugin-check: %s may have its locks where they are in use: give options "
                "that put them elsewhere (-o NAME=VALUE)\n",
                argv[i]);
    else if (kind == BERTH_KIND_LOCK)
        failures = kit_lock_run(argv[i], options, &number);
    else if (kind)
        fprintf(stderr, "berth-plugin-check: no cases for this kind of plugin\n");
    if (failures < 0)
        return 2;
    printf("1..%u\n", number);
    return failures ? 1 : 0;
}
