/* SPDX-License-Identifier: Apache-2.0 */
/* kit_run.h - the state part of the conformance kit as its programs call it. */
#ifndef BERTH_KIT_RUN_H
#define BERTH_KIT_RUN_H

/*
 * Run all cases on the plugin file PATH and print TAP lines, numbered from *NUMBER + 1 on
 * (no plan line).  OPTIONS are "name=value" strings for the plugin's options, ending with
 * NULL; they must not lead to a store that anybody uses.  ONLY: run only the cases whose
 * names contain this text; NULL: all.  *NUMBER becomes the number of the
 * last case.  Gives how many cases failed, or -1 with a line on standard error if the file
 * cannot be used.
 */
int kit_state_run(const char *path, const char *const *options, const char *only,
                  unsigned *number);

#endif
