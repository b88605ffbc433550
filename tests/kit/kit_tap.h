/* SPDX-License-Identifier: Apache-2.0 */
/* kit_tap.h - what all parts of the conformance kit do alike: load, run, report. */
#ifndef BERTH_KIT_TAP_H
#define BERTH_KIT_TAP_H

#include "tests/lib/testhost.h"

#include <stddef.h>

/* The folder of a plugin file, and what its module is called. */
void kit_split(const char *path, char dir[4096], char module[256]);

/* The plugin in a file; NULL: none, said on standard error. */
const struct berth_plugin *kit_load(const char *path);

/* Set "name=value" options, which end with NULL.  -1: one cannot be set, said so. */
int kit_options(struct berth_config *cfg, const char *const *options);

/* Remove a directory with all that is in it. */
void kit_remove(const char *dir);

/* Run fn(k, c) in a process of its own, which dies with this one and is killed where it hangs.
 * 0: it gave 0; -1: not, and *why says how it ended. */
#define KIT_WHY 64
int kit_process(int (*fn)(void *k, const void *c), void *k, const void *c, char why[KIT_WHY]);

enum kit_outcome { KIT_PASSED, KIT_SKIPPED, KIT_FAILED };

/* Print the lines of a case; gives how many failed. */
int kit_report(unsigned number, const char *kind, const char *name, enum kit_outcome outcome,
               const char *why, const char *rule);

/* main() of the part for one kind of plugins. */
typedef int kit_run_fn(const char *path, const char *const *options, const char *only,
                       unsigned *number);
int kit_program(int argc, char **argv, const char *name, kit_run_fn *run);

#endif
