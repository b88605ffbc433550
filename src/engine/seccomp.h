/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h - filters as the kernel takes them, made from an OCI "linux.seccomp" by libseccomp,
 * and kept so that the next container need not wait for it (docs/design/seccomp.md).
 */
#ifndef BERTH_ENGINE_SECCOMP_H
#define BERTH_ENGINE_SECCOMP_H

#include "base/json.h"
#include "conf/conf.h"
#include <seccomp.h>

/* The few functions of libseccomp that are called. */
struct seccomp_lib {
    __typeof__(seccomp_init) *init;
    __typeof__(seccomp_release) *release;
    __typeof__(seccomp_arch_resolve_name) *arch_by_name;
    __typeof__(seccomp_arch_add) *arch_add;
    __typeof__(seccomp_syscall_resolve_name) *syscall_by_name;
    __typeof__(seccomp_rule_add_array) *rule_add;
    __typeof__(seccomp_export_bpf) *export_bpf;
    __typeof__(seccomp_version) *version;
    const char *path; /* of the file that was loaded */
};

/* The library, loaded at first use: most commands never need it.  -ENOTSUP: it is not
 * installed. */
int seccomp_lib(const struct seccomp_lib **out, struct berth_error *err);

/* libseccomp's number of an architecture, which profiles call "SCMP_ARCH_X86_64"; 0: it knows
 * none of this name. */
uint32_t seccomp_arch(const struct seccomp_lib *lib, const char *name);

/* Action and operator by their OCI names; false: no such. */
bool seccomp_action(const char *name, uint32_t error, uint32_t *out);
bool seccomp_operator(const char *name, enum scmp_compare *out);

/*
 * Compile a "linux.seccomp".  The result is what crun makes of it, byte for byte: an array of
 * struct sock_filter, appended to `bpf`.  Names of system calls that libseccomp does not know
 * are left out, and listed in `unknown` (NULL: not wanted).  -ENOTSUP: no libseccomp;
 * -EINVAL: the error says which part of the document is wrong.
 */
int seccomp_compile(const json *filter, struct berth_buf *bpf, struct berth_list *unknown,
                    struct berth_error *err);

/*
 * The same out of the cache below the tmp directory, or compiled and put there.  A file that
 * is damaged, belongs to somebody else, can be written to by others or was made by another
 * libseccomp or for another kernel is passed over and replaced.  Whether the cache can be
 * written does not matter to the result.
 */
int seccomp_cached(const struct conf *c, const json *filter, struct berth_buf *bpf,
                   struct berth_error *err);

#endif
