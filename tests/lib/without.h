/* SPDX-License-Identifier: Apache-2.0 */
/* without.h - taking system calls from a process, as on a kernel that does not know them. */
#ifndef TESTS_LIB_WITHOUT_H
#define TESTS_LIB_WITHOUT_H

/* From now on these (names, separated by commas) give ENOSYS, here and in whatever is started
 * from here.  0, or -1 with errno; EINVAL: a name is not in the table. */
int without_syscalls(const char *names);

/* 0, or -1 with EEXIST: one of them is still there.  Not on valgrind, which has its own view.
 */
int syscalls_gone(const char *names);

#endif
