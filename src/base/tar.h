/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar.h - archives: a reader of what GNU tar, POSIX programs and Go write, and a writer of
 * what podman writes (POSIX pax).  Streams only: nothing here looks at a file system.
 *
 * What is read is foreign: names are as they stand in the archive, with "..", slashes and all,
 * and archive.h is who makes them safe.
 */
#ifndef BERTH_BASE_TAR_H
#define BERTH_BASE_TAR_H

#include "base/buf.h"
#include "base/error.h"
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define TAR_BLOCK 512

enum tar_type {
    TAR_FILE = '0',
    TAR_HARD_LINK = '1', /* link: name of an entry before it */
    TAR_SYMLINK = '2',   /* link: the text of the link */
    TAR_CHAR_DEVICE = '3',
    TAR_BLOCK_DEVICE = '4',
    TAR_DIRECTORY = '5',
    TAR_FIFO = '6',
};

struct tar_xattr {
    char *name;
    char *value; /* len bytes, and a NUL behind them */
    size_t len;
};

/* A part of a sparse file that has content. */
struct tar_piece {
    int64_t offset, len;
};

struct tar_entry {
    enum tar_type type;
    char *name;  /* never NULL once read; directories may end with a slash */
    char *link;  /* never NULL once read */
    mode_t mode; /* permissions only */
    uid_t uid;
    gid_t gid;
    int64_t size; /* of the file once it is there, in bytes */
    struct timespec mtime;
    dev_t device;
    struct tar_xattr *xattrs;
    size_t n_xattrs;
    struct tar_piece *pieces; /* reader only; NULL: the data is the file from start to end */
    size_t n_pieces;
};

void tar_entry_free(struct tar_entry *e);
#define _cleanup_tar_entry_ _cleanup_(tar_entry_free)

/* Add an extended attribute; name and value are copied.  0 or -ENOMEM. */
int tar_add_xattr(struct tar_entry *e, const char *name, const void *value, size_t len);

/* ------------------------------------------------------------------ reading */

struct tar_reader {
    int fd;           /* lent */
    int64_t data;     /* bytes of the current entry that were not read yet */
    unsigned padding; /* bytes behind them */
    size_t at, n;     /* what is buffered: buf[at..n) */
    char *buf;
};

/* Read from fd, from where it is.  Frees with tar_reader_free(). */
void tar_reader_init(struct tar_reader *r, int fd);
void tar_reader_free(struct tar_reader *r);
#define _cleanup_tar_reader_ _cleanup_(tar_reader_free)

/*
 * The next entry, after what is left of the data of the one before.  1: here it is, *out was
 * freed before and is the caller's; 0: the end.  -EUCLEAN: the stream is no archive or a
 * damaged one; -ENOTSUP: an entry of a kind that no file system object can be made of.
 */
int tar_next(struct tar_reader *r, struct tar_entry *out, struct berth_error *err);

/* Up to len bytes of the entry's data (its pieces, one behind the other).  The number of bytes;
 * 0: no more. -EUCLEAN: the stream ends before the data does. */
ssize_t tar_read(struct tar_reader *r, void *data, size_t len, struct berth_error *err);

/* ------------------------------------------------------------------ writing */

struct tar_writer {
    int fd;           /* lent */
    int64_t data;     /* bytes that the current entry is still owed */
    unsigned padding; /* zeros behind them */
    struct berth_buf buf;
};

void tar_writer_init(struct tar_writer *w, int fd);
void tar_writer_free(struct tar_writer *w);
#define _cleanup_tar_writer_ _cleanup_(tar_writer_free)

/* Begin an entry.  `mode` may have the bits of a file type, which podman writes too; the name
 * of a directory ends with a slash. */
int tar_put(struct tar_writer *w, const struct tar_entry *e, struct berth_error *err);

/* Data of the entry, which together is exactly its size. */
int tar_write(struct tar_writer *w, const void *data, size_t len, struct berth_error *err);

/* All data of the entry from a file, from its start.  A file that shrank meanwhile is filled up
 * with zeros: 1. */
int tar_write_file(struct tar_writer *w, int fd, struct berth_error *err);

/* The end of the archive; all is written when it returns. */
int tar_end(struct tar_writer *w, struct berth_error *err);

#endif
