/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records.h - one of containers/storage's files: a JSON array of records, edited as text,
 * so that what other programs and later versions write is kept to the byte.
 *
 * The lock that protects the file must be held during every call.
 */
#ifndef BERTH_STORAGE_RECORDS_H
#define BERTH_STORAGE_RECORDS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include <stdbool.h>
#include <sys/stat.h>

/* Members that are found while a file is read. */
enum record_field {
    RECORD_ID,
    RECORD_NAMES,
    RECORD_IMAGE,
    RECORD_LAYER,
    RECORD_PARENT,
    RECORD_METADATA,
    RECORD_CREATED,
    RECORD_FLAGS,
    RECORD_FIELDS,
};

struct record {
    struct berth_blob text;                 /* the object */
    struct berth_blob field[RECORD_FIELDS]; /* texts of values in it; absent: NULL */
    char *own;                              /* the text, if it is not the file's */
};

struct records {
    char *path;
    struct berth_buf file; /* the file as it was read */
    struct record *items;
    size_t n, cap;
    struct stat seen; /* the file that was read or written last */
    bool loaded;
};

int records_init(struct records *r, const char *path);
void records_clear(struct records *r);

/* Read the file, unless it is the one that is known.  A missing or empty file has no
 * records.  -EUCLEAN: it is not an array of records in valid JSON; nothing is known then. */
int records_load(struct records *r, struct berth_error *err);

/* Replace the file by what is known: beside it, synced, renamed, as containers/storage
 * does it.  After a failure the next records_load() reads again. */
int records_save(struct records *r, struct berth_error *err);

/* Index, or -1. */
ssize_t records_find(const struct records *r, enum record_field field, const char *value);
ssize_t records_find_name(const struct records *r, const char *name);

/* Index of the only record whose ID begins so; -1: none; -2: several. */
ssize_t records_find_prefix(const struct records *r, const char *prefix);

/* Is there a value other than null? */
bool record_has(const struct record *rec, enum record_field field);

/* Decoded value of a string member, appended; absent: nothing.  -EUCLEAN: another type. */
int record_str(const struct record *rec, enum record_field field, struct berth_buf *out);
int record_names(const struct record *rec, struct berth_list *out);
bool record_has_name(const struct record *rec, const char *name);
/* Is a boolean member of "flags" true? */
bool record_flag(const struct record *rec, const char *flag);

/* Changes in memory. */
int records_append(struct records *r, const char *text, size_t len, struct berth_error *err);
void records_remove(struct records *r, size_t i);
int records_set_names(struct records *r, size_t i, const struct berth_list *names,
                      struct berth_error *err);
int records_set_incomplete(struct records *r, size_t i, struct berth_error *err);

#endif
