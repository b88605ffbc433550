/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.h - files from one tree into another: a container's and the host's, or two containers'.
 *
 * An end is a directory that is "/" for every path of it, so that no link leads out; paths
 * are resolved by the kernel whenever they are used.
 */
#ifndef BERTH_ENGINE_COPY_H
#define BERTH_ENGINE_COPY_H

#include "engine/ctr_files.h"

struct copy_end {
    struct ctr *c; /* NULL: the host */
    int root;      /* directory */
    struct ctr_files files;
};

#define COPY_END_NONE ((struct copy_end){.root = -1, .files = CTR_FILES_NONE})

/* c NULL: the host, whose "/" is ours.  c is lent until the end is closed. */
int copy_end_open(struct ctr *c, struct copy_end *out, struct berth_error *err);
void copy_end_close(struct copy_end *end);
#define _cleanup_end_ _cleanup_(copy_end_close)

/* What a path stands for. */
struct copy_place {
    char *path; /* absolute and clean; a link at its end is followed, as far as there is
                   something */
    bool exists;
    bool contents; /* ended with "/.", or is "/": what is in it, not itself */
    mode_t mode;   /* 0: nothing is there */
};

void copy_place_free(struct copy_place *p);
#define _cleanup_place_ _cleanup_(copy_place_free)

/*
 * Look at a path: relative ones of a container start at its working directory, those of the
 * host at ours.  What is missing is no failure.  keep_link: the name at the end stays what it
 * is, also if it is a link; where that leads to decides what it is.
 */
int copy_look(const struct copy_end *end, const char *path, bool keep_link,
              struct copy_place *out, struct berth_error *err);

/* Where files come from, and how. */
struct copy_from {
    struct copy_end *end;
    const char *path; /* absolute */
    const char *name; /* as it is called in the other tree; NULL: only what is in it */
};

struct copy_to {
    struct copy_end *end;
    const char *dir; /* absolute; is there */
    bool overwrite;  /* also a directory by a file, and the reverse */
    bool chown;      /* files become those of the container's user, or of ours */
};

/* Into another tree. */
int copy_across(const struct copy_from *from, const struct copy_to *to,
                struct berth_error *err);

/* As an archive; out of an archive that may be compressed (-EUCLEAN: it is none). */
int copy_out(const struct copy_from *from, int fd, struct berth_error *err);
int copy_in(int fd, const struct copy_to *to, struct berth_error *err);

#endif
