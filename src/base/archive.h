/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.h - trees of files into archives and out of them (tar.h).
 *
 * Every path is resolved inside a directory that the caller opened (fs_open_in()): neither
 * "..", nor an absolute name, nor a link in the archive or in the tree leads out of it.
 */
#ifndef BERTH_BASE_ARCHIVE_H
#define BERTH_BASE_ARCHIVE_H

#include "base/tar.h"
#include <stdbool.h>

/* fs_open_in(), where an empty path is `root` itself.  A descriptor or -errno. */
int archive_open(int root, const char *path, int flags);

/* Called for every entry before it is written or made; may change it.  0: go on; 1: leave it
 * out; negative: stop with this error. */
typedef int archive_fn(void *arg, struct tar_entry *e, struct berth_error *err);

struct archive_pack {
    int root;         /* directory, lent */
    const char *path; /* what goes in, resolved inside root; links in its end are followed */
    const char *name; /* how the archive calls it; NULL: only its contents, by their names */
    archive_fn *each; /* NULL: all as it is */
    void *arg;
};

/*
 * Append a file or a whole tree, names in the order of their bytes, several names of a file as
 * hard links, owners, times and extended attributes as podman keeps them; sockets and what
 * vanishes meanwhile are left out.  The caller ends the archive.
 */
int archive_pack(struct tar_writer *w, const struct archive_pack *what,
                 struct berth_error *err);

struct archive_unpack {
    int root;         /* directory, lent: "/" for every name and link in the archive */
    const char *path; /* directory inside root that takes the entries; NULL: root */
    bool keep_kind; /* refuse to put a file over a directory or the reverse (-EISDIR, -ENOTDIR)
                     */
    uid_t uid;      /* of parents that are missing */
    gid_t gid;
    archive_fn *each; /* NULL: all as it is */
    void *arg;
};

/*
 * Make what an archive has.  Missing parents are made (0755); what is there is replaced, only
 * directories are merged.  -EUCLEAN: no archive, or a name leads out with "..", which no honest
 * archive has; what came before it is there then.
 */
int archive_unpack(struct tar_reader *r, const struct archive_unpack *how,
                   struct berth_error *err);

/*
 * The plain bytes of a file or pipe that may be compressed (gzip, bzip2, xz, zstd): *out_fd is
 * either `fd` itself, or a pipe from a program (gzip -dc ...) whose process *out_pid is, else
 * 0.  fd is where it was.  -ENOENT: the program is not installed.
 */
int archive_plain(int fd, int *out_fd, pid_t *out_pid, struct berth_error *err);

/* After the reading: close and wait.  -EUCLEAN: the program failed. */
int archive_plain_end(int fd, int plain_fd, pid_t pid, struct berth_error *err);

#endif
