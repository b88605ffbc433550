/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lockfile.h - lock files as containers/storage has them: POSIX record locks on whole
 * files, and 64 bytes in them that say who wrote last.
 *
 * A lock belongs to the process, and closing any descriptor of the file drops it: take a
 * file once at a time and open it in no other way.
 */
#ifndef BERTH_STORAGE_LOCKFILE_H
#define BERTH_STORAGE_LOCKFILE_H

#include "base/error.h"
#include <stdbool.h>

/* Wait for the lock; the file (0644) and its folders (0700) are made when missing.
 * Returns a descriptor, close() releases the lock; or -errno. */
int lockfile_take(const char *path, bool write, struct berth_error *err);

/* Tell other processes that what the lock protects changes: call it with the write lock
 * held, before the change, so that a crash in between costs them only a reload. */
int lockfile_touch(int fd, const char *path, struct berth_error *err);

#endif
