/* SPDX-License-Identifier: Apache-2.0 */
/* describe.h - what each kind of plugin must have, and whether one has it. */
#ifndef BERTH_LOAD_DESCRIBE_H
#define BERTH_LOAD_DESCRIBE_H

#include "base/error.h"
#include "load/load.h"
#include "load/note.h"

struct describe_op {
    const char *name;
    uint16_t offset; /* in the kind's table */
    bool optional;
    uint64_t needed_for; /* capability that makes an optional one required */
};

struct describe_kind {
    const char *word; /* "state" */
    const char *name; /* "a state plugin" */
    uint16_t major, minor;
    size_t ops_size;
    const struct describe_op *ops;
    size_t n_ops;
    const char *const *caps; /* names of the capabilities, from bit 0 on; ends with NULL */
};

/* By enum berth_kind; NULL: no such. */
const struct describe_kind *describe_kind(uint32_t kind);

/* Are the numbers of a note such that this program can use the file?  `wanted`: the kind
 * asked for, 0: any.  NULL or one clause, allocated (or lost with the memory). */
int describe_note(const struct note *n, const char *module, uint32_t wanted,
                  struct berth_error *err);

/* Check a descriptor in memory, and copy it, its options and its operations into p at
 * their full sizes.  What is copied lives as long as the process. */
int describe_plugin(const struct berth_plugin *desc, const char *module, struct plugin *p,
                    struct berth_error *err);

#endif
