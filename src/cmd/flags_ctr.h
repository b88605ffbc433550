/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags_ctr.h - the options of `create` and `run`.
 *
 * Options of `run` alone come behind those that `create` has too.  Their offsets are into
 * struct ctr_options, so a command's struct begins with one.
 */
#ifndef BERTH_CMD_FLAGS_CTR_H
#define BERTH_CMD_FLAGS_CTR_H

#include "cmd/cmd.h"
#include "engine/options.h"

extern const struct opt run_opts[];
/* The rows that are not run's alone. */
#define create_opts (run_opts + 5)

#endif
