/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate_copy.h - all of one state store into another: looking before, copying, comparing
 * afterwards.  Both stores are in transactions of the caller's.
 */
#ifndef BERTH_ENGINE_MIGRATE_COPY_H
#define BERTH_ENGINE_MIGRATE_COPY_H

#include "engine/engine.h"

/* Told how far the work is; NULL where nobody wants to know. */
typedef void copy_progress_fn(void *arg, const char *what, size_t done, size_t total);

struct copy {
    struct txn *from, *to;
    uint64_t from_caps, to_caps;
    bool force; /* documents that are none go as they are, impossible exit codes stay behind */
    copy_progress_fn *progress;
    void *progress_arg;
};

/* What a survey found. */
struct survey {
    struct berth_list problems; /* they stop the move unless it is forced */
    struct berth_list blockers; /* they stop it in any case */
    struct berth_list notes;    /* what will be different, without loss */
    struct berth_list running;  /* names of containers whose record says that they run */
    size_t records, links, exits;
};

void survey_free(struct survey *s);
#define _cleanup_survey_ _cleanup_(survey_free)

/* Look at `from` without writing anything; to_caps tells what the target can hold. */
int copy_survey(const struct copy *c, struct survey *out, struct berth_error *err);

/* Copy everything into an empty store; `to` is a writing BULK transaction, which the caller
 * commits. */
int copy_all(const struct copy *c, struct berth_error *err);

/* Does `to` hold exactly what a copy of `from` holds?  0; or -EUCLEAN: the error names the
 * first difference. */
int copy_verify(const struct copy *c, struct berth_error *err);

/* Is the store without any record and link?  1 or 0.  Exit codes do not count: they are of
 * containers that are gone, and go themselves after five minutes. */
int copy_is_empty(struct txn *t, uint64_t caps, struct berth_error *err);

/* A number that changes when anything in the store does. */
int copy_sum(struct txn *t, uint64_t caps, uint64_t *out, struct berth_error *err);

/* -ECANCELED once the user asked to stop. */
int copy_cancelled(struct berth_error *err);

#endif
