/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - the log of what happened, in podman's format, shared with podman.
 *
 * Writing an event never fails the operation that it is about: a log that cannot be
 * written gives a warning.  The backend is the configuration's events_logger: "file",
 * "journald" or "none".
 */
#ifndef BERTH_ENGINE_EVENTS_H
#define BERTH_ENGINE_EVENTS_H

#include "engine/ctr.h"

/* One event.  Strings are lent; NULL and empty are the same: not in the line. */
struct event {
    const char *type;       /* container, image, network, pod, system, volume */
    const char *status;     /* podman's word: create, init, start, died, ... */
    const char *id;         /* of the object */
    const char *name;       /* of the object; of volumes the only one */
    const char *image;      /* of a container */
    const char *pod;        /* ID of a container's pod */
    const char *network;    /* connect, disconnect */
    const char *health;     /* health_status */
    int32_t exit_code;      /* died, exec_died */
    const json *attributes; /* object of strings; NULL: null */
    berth_date time;        /* 0: now */
};

/* Append an event to the log. */
void event_write(struct engine *e, const struct event *ev);

/* What some events carry besides the container's ID, name, image, pod and labels. */
struct event_extra {
    int32_t exit_code; /* died, exec_died */
    bool has_exit_code;
    const char *exec_id; /* exec, exec_died: session; NULL: none */
    const char *health;  /* health_status: the status; NULL: none */
};

/* status: podman's word ("create", "init", "start", "died", "cleanup", "remove", ...).
 * extra may be NULL. */
void event_ctr(const struct ctr *c, const char *status, const struct event_extra *extra);

/* "refresh", "renumber". */
void event_system(struct engine *e, const char *status);

/* Pods and volumes: id is NULL for volumes. */
void event_object(struct engine *e, const char *type, const char *status, const char *id,
                  const char *name);

/* ------------------------------------------------------------------ reading */

/*
 * A reader from the oldest event that is still there.  -ENOTSUP: the configured backend
 * ("none") keeps nothing.
 */
struct events_reader;
int events_open(const struct conf *conf, struct events_reader **out, struct berth_error *err);
void events_close(struct events_reader *r);

static inline void events_closep(struct events_reader **r)
{
    events_close(*r);
}
#define _cleanup_events_ _cleanup_(events_closep)

/* Leave out what has happened until now.  Before the first events_next(). */
int events_skip(struct events_reader *r, struct berth_error *err);

/*
 * The next event: 1 and the whole line as a document (keys as in podman's file) and its
 * time.  At the end of the log 0, unless `follow`: then it waits for more until the moment
 * `until` (DATE_NEVER: for ever).  Rotation of the log is followed.  Lines that are no
 * events are skipped, with one warning for all of them.
 */
int events_next(struct events_reader *r, bool follow, berth_date until, json **out,
                berth_date *time, struct berth_error *err);

#endif
