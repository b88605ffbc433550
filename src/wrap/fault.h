/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - failures on demand, for tests.
 *
 * BERTH_FAULT=state.commit:3=EIO[,...] lets the third commit fail; ":3+" that and all
 * later ones; no number: the first.  In the place of an errno, KILL ends the process before
 * the call, and KILLED after it; INT sends SIGINT and goes on.  Only in a build tree
 * (--enable-uninstalled).
 *
 * BERTH_FAULT_LOG=FILE appends a line "kind.operation" for each place that was come by, so that
 * a test can visit all of them.
 */
#ifndef BERTH_WRAP_FAULT_H
#define BERTH_WRAP_FAULT_H

struct berth_error;

/* The errno with which this call is to fail; 0: let it through. */
int fault_wanted(const char *kind, const char *op);

/* The call has been made. */
void fault_done(void);

/* A place between calls: 0, or a negative errno that is described. */
int fault_point(const char *kind, const char *step, struct berth_error *err);

#endif
