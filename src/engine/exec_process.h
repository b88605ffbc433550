/* SPDX-License-Identifier: Apache-2.0 */
/* exec_process.h - the OCI process document of an exec session. */
#ifndef BERTH_ENGINE_EXEC_PROCESS_H
#define BERTH_ENGINE_EXEC_PROCESS_H

#include "base/buf.h"
#include "engine/exec.h"

/* Append the document: the process of the record's spec, with the session's command,
 * environment, directory, user and capabilities.  -EINVAL: no such user. */
int exec_process(struct ctr *c, const struct exec_options *o, struct berth_buf *out,
                 struct berth_error *err);

#endif
