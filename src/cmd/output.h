/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - a file that a command writes: whole and on the disk, or as it was before. */
#ifndef BERTH_CMD_OUTPUT_H
#define BERTH_CMD_OUTPUT_H

#include "base/error.h"

struct output {
    int fd;     /* to write to */
    char *path; /* what the file will be called, links followed */
    char *temp; /* what it is called until then; NULL: it is written in its place */
};
#define OUTPUT_NONE ((struct output){.fd = -1})

/* mode: of a new one, less the umask.  What is no regular file, and one in a directory where
 * no other can be made, is written in its place. */
int output_open(const char *path, mode_t mode, struct output *o, struct berth_error *err);

/* All is written: put it in its place. */
int output_done(struct output *o, struct berth_error *err);

/* What is not done is undone. */
void output_end(struct output *o);
#define _cleanup_output_ _cleanup_(output_end)

#endif
