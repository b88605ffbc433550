/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_dump.h - the reverse of dump.h: from JSON Lines to a whole state store.
 *
 * The text is foreign: it is checked line by line before anything of a line is used, and one
 * bad line leaves the store as it was.
 */
#ifndef BERTH_ENGINE_LOAD_DUMP_H
#define BERTH_ENGINE_LOAD_DUMP_H

#include "engine/engine.h"
#include "engine/migrate_copy.h"

#define LOAD_LINE_MAX (256u << 20) /* bytes of one line */

struct load {
    copy_progress_fn *progress;
    void *progress_arg;
    size_t containers, pods, volumes, links, exits; /* out: how many there were */
};

/*
 * Fill an empty store (left-over exit codes do not count) from text, in one transaction.  With
 * `own_paths` the store keeps its record of the paths it was made for, which those of the text
 * must equal (-EINVAL); else it takes that of the text.  -ENOTEMPTY: it is not empty; -EUCLEAN:
 * the text is no dump, "line N: ..." says why.
 */
int load_dump(struct state *s, struct berth_blob text, bool own_paths, struct load *l,
              struct berth_error *err);

/* Check the text alone: as load_dump() up to the store. */
int load_dump_check(struct berth_blob text, struct load *l, struct berth_error *err);

#endif
