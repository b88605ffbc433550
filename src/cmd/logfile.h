/* SPDX-License-Identifier: Apache-2.0 */
/* logfile.h - reading the log that conmon writes (k8s-file), one record after another. */
#ifndef BERTH_CMD_LOGFILE_H
#define BERTH_CMD_LOGFILE_H

#include "base/buf.h"
#include "base/error.h"
#include <berth/plugin.h>
#include <stdbool.h>

struct logfile {
    char *path;
    int fd; /* -1: there is no file (yet) */
    dev_t dev;
    ino_t ino;
    off_t at;              /* of the next byte to read */
    struct berth_buf text; /* read, and not given out yet */
    size_t used;           /* bytes of it that were given out */
};

/* One record.  Strings live until the next call. */
struct log_record {
    const char *when; /* as written, not terminated: when_len bytes */
    size_t when_len;
    berth_date date;
    bool to_stderr;
    bool partial; /* the output went on in the same line */
    const char *data;
    size_t len;
};

/* Open a log.  A file that is missing is an empty log. */
int logfile_open(const char *path, struct logfile *l, struct berth_error *err);
void logfile_close(struct logfile *l);

/* Move to where the last n lines begin; pieces of a split line count as one line. */
int logfile_tail(struct logfile *l, uint64_t n, struct berth_error *err);

/* The next record: 1, or 0 at the end of what is there now.  A file that was put in the
 * place of the one that is open (rotation) is read from its beginning.  Lines that are no
 * records are skipped with a message. */
int logfile_next(struct logfile *l, struct log_record *out, struct berth_error *err);

#endif
