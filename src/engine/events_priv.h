/* SPDX-License-Identifier: Apache-2.0 */
/* events_priv.h - what the files of the event log share. */
#ifndef BERTH_ENGINE_EVENTS_PRIV_H
#define BERTH_ENGINE_EVENTS_PRIV_H

#include "engine/events.h"

/* Append the line of the file backend, its end included.  ev->time is set. */
void event_put_line(const struct event *ev, struct berth_buf *out);

/* Append a line to a log under its lock; a log that would reach `max` bytes (0: no limit)
 * is cut to its newer half first. */
int events_append(const char *path, int64_t max, const struct berth_buf *line,
                  struct berth_error *err);

/* Where the log is; appended to out, whose text is returned. */
const char *events_path(const struct conf *conf, struct berth_buf *out);

/* Send an event to the journal, in podman's fields. */
int event_write_journal(const struct event *ev, struct berth_error *err);

/*
 * The journal as podman's readers see it, from its oldest entry.  -ENOENT: there is no
 * libsystemd.  *out is for journal_close().
 */
struct sd_journal;
int journal_open(struct sd_journal **out, struct berth_error *err);
void journal_close(struct sd_journal *j);

/* Go behind the last entry. */
int journal_skip(struct sd_journal *j, struct berth_error *err);

/* The next event as a line of the file backend, the caller's: 1, or 0 at the end. */
int journal_next(struct sd_journal *j, json **out, berth_date *time, struct berth_error *err);

/* Wait for more, until that moment (DATE_NEVER: for ever). */
int journal_wait(struct sd_journal *j, berth_date until, struct berth_error *err);

/* The parts of a line of the file backend; they are lent by it.  -EINVAL: no event. */
int event_from_json(const json *line, struct event *out);

/* One line as people read it: "<time> container start <id> (image=..., name=...)".
 * `full`: the object's ID is not cut. */
void event_put_human(const struct event *ev, bool full, struct berth_buf *out);

#endif
