/* SPDX-License-Identifier: Apache-2.0 */
/* args.h - conmon's command lines and environment. */
#ifndef OCI_ARGS_H
#define OCI_ARGS_H

#include "runtime.h"

/* The command line to create a container, or to restore it.  A builder's failure is
 * remembered in the vector. */
void rt_args_create(struct berth_oci *r, const struct berth_container *c,
                    const struct berth_oci_create *how, const char *oci_log,
                    struct rt_strv *out);

/* The command line for an exec session; `spec` is the file of its process document. */
void rt_args_exec(struct berth_oci *r, const struct berth_container *c,
                  const struct berth_oci_exec *what, const char *dir, const char *spec,
                  struct rt_strv *out);

/* conmon's environment; its pipes follow `n_fds` preserved descriptors. */
void rt_env_conmon(struct berth_oci *r, size_t n_fds, bool exec, struct rt_strv *out);

/* The environment of a runtime that is called directly. */
void rt_env_runtime(struct berth_oci *r, bool with_path, struct rt_strv *out);

/* Does conmon tell so much that the user wants to see it? */
bool rt_verbose(struct berth_oci *r);

/* 0, or -EINVAL for what conmon would misread: a log path with a colon, a driver that
 * cannot be. */
int rt_args_check(struct berth_oci *r, const struct berth_container *c,
                  struct berth_error *err);

#endif
