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

/* Start journalctl on podman's entries: the old ones unless `only_new`, then with `follow`
 * those to come.  The descriptor of its output, or -errno; *pid is the caller's to reap. */
int journal_start(bool follow, bool only_new, pid_t *pid, struct berth_error *err);

/* An entry of the journal as a line of the file backend.  The caller's. */
json *journal_event(const json *entry);

/* The parts of a line of the file backend; they are lent by it.  -EINVAL: no event. */
int event_from_json(const json *line, struct event *out);

/* One line as people read it: "<time> container start <id> (image=..., name=...)".
 * `full`: the object's ID is not cut. */
void event_put_human(const struct event *ev, bool full, struct berth_buf *out);

#endif
