/* SPDX-License-Identifier: Apache-2.0 */
/* system_numbers.h - the lock numbers that the objects of a store have in their
 * configurations, all namespaces together. */
#ifndef BERTH_ENGINE_SYSTEM_NUMBERS_H
#define BERTH_ENGINE_SYSTEM_NUMBERS_H

#include "engine/engine.h"

/* One container, pod or volume. */
struct numbered {
    uint32_t kind; /* enum berth_record_kind */
    char *id;
    char *name;
    int64_t lock; /* -1: its configuration has no number that can be used */
};

/* Containers, then pods, then volumes, each by ID: the order of renumbering. */
struct numbers {
    struct numbered *items;
    size_t n, cap;
};

void numbers_free(struct numbers *all);
#define _cleanup_numbers_ _cleanup_(numbers_free)

/* Word for a kind: "container", "pod", "volume". */
const char *numbered_kind(uint32_t kind);

/* Read them all, in one transaction.  `out` is empty before. */
int numbers_scan(struct state *s, struct numbers *out, struct berth_error *err);

/*
 * Write new numbers into the configurations of objects, in one transaction: locks[i] for
 * picked[i], whose `lock` is changed with it.  Objects that are gone meanwhile are left out.
 */
int numbers_write(struct state *s, struct numbered *const *picked, const uint32_t *locks,
                  size_t n, struct berth_error *err);

/* Indices of `all` sorted by number; those without one are left out.  Allocated (NULL
 * without memory), *n of them. */
size_t *numbers_sorted(const struct numbers *all, size_t *n);

#endif
