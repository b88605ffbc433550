/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - a whole state store as text: JSON Lines, the same for the same content whatever
 * the backend.
 *
 * One record a line: the store's own, then containers, pods and volumes by ID, links by kind
 * and ends, exit codes by ID; member names in byte order.  A fact that a format keeps inside
 * a document stands in its canonical place only: networks are links, a network namespace is
 * the attribute `netns`.  Exit codes are dated by the second, as some formats do.  Links whose
 * end is gone, which podman leaves behind in some formats and cannot have in others, are no
 * content and are left out; `berth state check` tells of them.
 */
#ifndef BERTH_ENGINE_DUMP_H
#define BERTH_ENGINE_DUMP_H

#include "engine/engine.h"

/* Called with each line, without its newline.  A return other than 0 ends the dump. */
typedef int dump_line_fn(void *arg, const char *line, size_t len, struct berth_error *err);

int dump_state(struct state *s, dump_line_fn *fn, void *arg, struct berth_error *err);

/* The whole second that a date is in. */
berth_date dump_second(berth_date date);

/*
 * Open a store that is named TYPE:PATH ("boltdb:/srv/copy/bolt_state.db"), for reading only:
 * nothing is written, created or repaired.  *out is the
 * caller's, closed by state_close().
 */
int dump_open(struct conf *conf, const char *from, struct state **out, struct berth_error *err);

#endif
