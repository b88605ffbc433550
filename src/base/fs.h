/* SPDX-License-Identifier: Apache-2.0 */
/* fs.h - files and paths.  Every descriptor is close-on-exec. */
#ifndef BERTH_BASE_FS_H
#define BERTH_BASE_FS_H

#include "base/buf.h"
#include "base/error.h"
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The shortest name of the same path by text alone: no "//", "." or "..", no slash at the
 * end (Go's filepath.Clean).  Allocated; NULL without memory. */
char *path_clean(const char *path);

/* dir + "/" + name; allocated; NULL without memory. */
char *path_join(const char *dir, const char *name);

/* Clean and absolute, against the working directory; allocated; NULL without memory. */
char *path_absolute(const char *path);

/* The part behind the last slash; points into path. */
const char *path_base(const char *path);

bool fs_exists(const char *path);

/*
 * What opendir(3) and readdir(3) do, for folders with little in them: those take 32 KiB of
 * memory, more than all else of a short command.  fd: an open directory, which is read to its
 * end.  fn is called for each entry but "." and ".." with its d_type; what it returns, if not
 * 0, ends the list and is returned.  -errno: the directory cannot be read.
 */
typedef int fs_entry_fn(void *arg, int fd, const char *name, unsigned char type);
int fs_list(int fd, fs_entry_fn *fn, void *arg);

/* Has a directory nothing in it?  1, 0 or -errno; path is seen from `dir`. */
int fs_is_empty_dir(int dir, const char *path);

/* Create a directory and its parents.  Directories that exist are left as they are.
 * -ENOTDIR where something else is in the way, or what mkdir(2) says. */
int fs_mkdir_p(const char *path, mode_t mode, struct berth_error *err);

/*
 * Open a path inside the directory `root`, which is "/" for it: neither "..", nor an absolute
 * path, nor a link leads out, and links that the kernel makes up (/proc/1/root) lead nowhere.
 * mode: for O_CREAT.  A descriptor or -errno.
 */
int fs_open_in(int root, const char *path, int flags, mode_t mode);

/* How it does that where the kernel cannot. */
int fs_resolve_in(int root, const char *path, int flags, mode_t mode);

/* Read a whole file into out, at most `max` bytes (-EFBIG).  -ENOENT and others as
 * open(2); the error names the file. */
int fs_read(const char *path, size_t max, struct berth_buf *out, struct berth_error *err);
int fs_read_fd(int fd, const char *what, size_t max, struct berth_buf *out,
               struct berth_error *err);

/* Write all bytes, whatever it takes.  0 or -errno. */
int fs_write_fd(int fd, const void *data, size_t len);

/* Put a file in place as a whole: new file beside it, written, with `mode`, renamed over
 * the old one.  With `durable`, file and directory are synced, so that after a crash there
 * is the old file or the new one. */
int fs_replace(const char *path, const void *data, size_t len, mode_t mode, bool durable,
               struct berth_error *err);

/* Remove a tree; what is missing is fine.  Does not cross mounts and follows no links. */
int fs_remove_tree(const char *path, struct berth_error *err);
int fs_remove_at(int dir, const char *name); /* 0 or -errno */

/* Open and lock (flock) a file, which is made when missing with `mode`; waits until it is
 * had.  The descriptor, or -errno. */
int fs_lock_file(const char *path, mode_t mode, struct berth_error *err);

#endif
