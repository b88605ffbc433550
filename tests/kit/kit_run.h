/* SPDX-License-Identifier: Apache-2.0 */
/* kit_run.h - the parts of the conformance kit as its programs call them. */
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

/* The same for OCI and network plugins, with all cases. */
int kit_oci_run(const char *path, const char *const *options, unsigned *number);
int kit_net_run(const char *path, const char *const *options, unsigned *number);

#endif
