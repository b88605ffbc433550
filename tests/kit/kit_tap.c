/* SPDX-License-Identifier: Apache-2.0 */
/* kit_tap.c - see kit_tap.h. */
#include "tests/kit/kit_tap.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASE_SECONDS 300 /* when a case counts as hanging */

void kit_split(const char *path, char dir[4096], char module[256])
{
    const char *slash = strrchr(path, '/');
    size_t len;

    snprintf(dir, 4096, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    snprintf(module, 256, "%s", slash ? slash + 1 : path);
    len = strlen(module);
    if (len > 3 && strcmp(module + len - 3, ".so") == 0)
        module[len - 3] = '\0';
}

const struct berth_plugin *kit_load(const char *path)
{
    char dir[4096], module[256];

    kit_split(path, dir, module);
    return testhost_load(dir, module);
}

int kit_options(struct berth_config *cfg, const char *const *options)
{
    for (; *options; options++) {
        char name[64];
        const char *eq = strchr(*options, '=');

        if (!eq || (size_t)(eq - *options) >= sizeof(name)) {
            fprintf(stderr, "kit: \"%s\" is not name=value\n", *options);
            return -1;
        }
        snprintf(name, sizeof(name), "%.*s", (int)(eq - *options), *options);
        if (testhost_config_set(cfg, name, eq + 1) < 0) {
            fprintf(stderr, "kit: the plugin takes no %s\n", *options);
            return -1;
        }
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void kit_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int kit_process(int (*fn)(void *k, const void *c), void *k, const void *c, char why[KIT_WHY])
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(CASE_SECONDS);
        _exit(fn(k, c) == 0 ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        snprintf(why, KIT_WHY, "cannot start a process");
    else if (WIFSIGNALED(status))
        snprintf(why, KIT_WHY, "killed by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(why, KIT_WHY, "failed without a word");
    else
        return 0;
    return -1;
}

int kit_report(unsigned number, const char *kind, const char *name, enum kit_outcome outcome,
               const char *why, const char *rule)
{
    printf("%sok %u - %s: %s%s\n", outcome == KIT_FAILED ? "not " : "", number, kind, name,
           outcome == KIT_SKIPPED ? " # SKIP the plugin does not offer it" : "");
    if (outcome == KIT_FAILED)
        printf("# %s\n# the rule: %s\n", why, rule);
    fflush(stdout);
    return outcome == KIT_FAILED;
}

int kit_program(int argc, char **argv, const char *name, kit_run_fn *run)
{
    const char *options[64];
    const char *only = NULL;
    unsigned n = 0, number = 0;
    int failures, i = 1;

    for (; i + 1 < argc && strcmp(argv[i], "-o") == 0 && n < 63; i += 2)
        options[n++] = argv[i + 1];
    options[n] = NULL;
    if (i + 1 < argc && strcmp(argv[i], "-r") == 0) {
        only = argv[i + 1];
        i += 2;
    }
    if (i + 1 != argc) {
        fprintf(stderr, "usage: %s [-o OPTION=VALUE]... [-r PART-OF-NAME] PLUGIN.so\n", name);
        return 2;
    }
    failures = run(argv[i], options, only, &number);
    if (failures < 0)
        return 2;
    printf("1..%u\n", number);
    return failures ? 1 : 0;
}
