/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_lib.c - libseccomp, opened only when a filter is to be made.
 *
 * Linked in the usual way it would be mapped and relocated by every `berth ps`.  The note says
 * to packaging tools that the program opens the library if it is there; see
 * https://uapi-group.org/specifications/specs/elf_dlopen_metadata/
 */
#include "base/str.h"
#include "engine/seccomp.h"
#include <dlfcn.h>
#include <pthread.h>

#define SONAME "libseccomp.so.2"
#define METADATA                                                                               \
    "[{\"feature\":\"seccomp\",\"description\":\"Compile seccomp filters once\","              \
    "\"priority\":\"recommended\",\"soname\":[\"" SONAME "\"]}]"

__attribute__((__used__, __section__(".note.dlopen"), __aligned__(4))) static const struct {
    uint32_t namesz, descsz, type;
    char name[4];
    char desc[(sizeof(METADATA) + 3) & ~(size_t)3];
} note = {4, sizeof(METADATA), 0x407c0c0a, "FDO", METADATA};

static struct seccomp_lib lib;
static void *handle;
static char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    const struct {
        const char *name;
        void *to;
    } symbols[] = {
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
    void *found = NULL;

    handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    for (size_t i = 0; handle && i < ARRAY_LEN(symbols); i++) {
        found = dlsym(handle, symbols[i].name);
        if (!found)
            break;
        memcpy(symbols[i].to, &found, sizeof(found));
    }
    if (found && dladdr(found, &info) && info.dli_fname)
        lib.path = info.dli_fname;
    else
        problem = strdup(str_or(dlerror(), "its file cannot be found"));
}

int seccomp_lib(const struct seccomp_lib **out, struct berth_error *err)
{
    pthread_once(&once, load);
    if (!lib.path)
        return fail(err, ENOTSUP, "libseccomp cannot be used: %s", str_or(problem, SONAME));
    *out = &lib;
    return 0;
}
