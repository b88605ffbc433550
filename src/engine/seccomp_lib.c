/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_lib.c - libseccomp, opened only when a filter is to be made.
 *
 * Linked in the usual way it would be mapped and relocated by every `berth ps`.
 */
#include "base/library.h"
#include "base/str.h"
#include "engine/seccomp.h"
#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>

LIBRARY(libseccomp, "libseccomp.so.2", "seccomp", "Compile seccomp filters once");

static struct seccomp_lib lib;
static struct berth_error problem = ERROR_INIT;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    const struct library_symbol symbols[] = {
        {"seccomp_init", &lib.init},
        {"seccomp_release", &lib.release},
        {"seccomp_arch_resolve_name", &lib.arch_by_name},
        {"seccomp_arch_add", &lib.arch_add},
        {"seccomp_syscall_resolve_name", &lib.syscall_by_name},
        {"seccomp_rule_add_array", &lib.rule_add},
        {"seccomp_export_bpf", &lib.export_bpf},
        {"seccomp_version", &lib.version},
    };
    Dl_info info;
    void *function;

    if (library_open(&libseccomp, symbols, ARRAY_LEN(symbols), &problem) < 0)
        return;
    memcpy(&function, &lib.version, sizeof(function));
    if (dladdr(function, &info) && info.dli_fname)
        lib.path = info.dli_fname;
    else
        fail(&problem, ENOENT, "%s: its file cannot be found", libseccomp.soname);
}

int seccomp_lib(const struct seccomp_lib **out, struct berth_error *err)
{
    pthread_once(&once, load);
    if (!lib.path)
        return fail(err, ENOTSUP, "libseccomp cannot be used: %s", error_text(&problem));
    *out = &lib;
    return 0;
}

uint32_t seccomp_arch(const struct seccomp_lib *l, const char *name)
{
    char lower[32];

    snprintf(lower, sizeof(lower), "%s", str_or(str_starts(name, "SCMP_ARCH_"), name));
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return l->arch_by_name(lower);
}
