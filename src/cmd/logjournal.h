/* SPDX-License-Identifier: Apache-2.0 */
/* logjournal.h - reading the log of a container whose monitor writes to the journal. */
#ifndef BERTH_CMD_LOGJOURNAL_H
#define BERTH_CMD_LOGJOURNAL_H

#include "cmd/logfile.h"

struct sd_journal;

struct logjournal {
    struct sd_journal *j; /* NULL: not open */
    char when[64];        /* of the record that was given out last */
};

/* Open the log of a container, before its first record. */
int logjournal_open(const char *id, struct logjournal *l, struct berth_error *err);
void logjournal_close(struct logjournal *l);

/* A descriptor that becomes readable when there may be more. */
int logjournal_fd(struct logjournal *l, struct berth_error *err);

/* It has become readable. */
void logjournal_changed(struct logjournal *l);

/* Move to where the last n lines begin, of those before a time (INT64_MAX: of all). */
int logjournal_tail(struct logjournal *l, uint64_t n, berth_date until,
                    struct berth_error *err);

/* Move to the first record after a time. */
int logjournal_since(struct logjournal *l, berth_date since, struct berth_error *err);

/* The next record: 1, or 0 at the end of what is there now.  Strings live until the next
 * call. */
int logjournal_next(struct logjournal *l, struct log_record *out, struct berth_error *err);

/* Let journald take in what was sent to it up to now: a monitor that has gone may have sent
 * its last lines a moment ago. */
void logjournal_settle(void);

#endif
