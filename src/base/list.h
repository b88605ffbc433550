/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - a growing list of strings that owns them: the one list, and what plugins know
 * as the opaque struct berth_list.  items[n] is always NULL, so items is an argv.
 */
#ifndef BERTH_BASE_LIST_H
#define BERTH_BASE_LIST_H

#include "base/attr.h"
#include <stdbool.h>

struct berth_list {
    char **items; /* NULL while empty and untouched */
    size_t n;
    size_t cap;
    int error; /* 0 or -ENOMEM; remembered as in berth_buf */
};

#define LIST_INIT      ((struct berth_list){0})
#define _cleanup_list_ _cleanup_(list_free)

void list_free(struct berth_list *l);

/* Append a copy.  0 or -ENOMEM. */
int list_add(struct berth_list *l, const char *s);
int list_addf(struct berth_list *l, const char *fmt, ...) _printf_(2, 3);

/* Append every string of a NULL-terminated array; v may be NULL. */
int list_addv(struct berth_list *l, const char *const *v);

/* Append and own s, which was allocated; NULL counts as -ENOMEM. */
int list_take(struct berth_list *l, char *s);

/* Drop the item at index i, keeping the order. */
void list_drop(struct berth_list *l, size_t i);

bool list_has(const struct berth_list *l, const char *s);

/* Sort bytewise. */
void list_sort(struct berth_list *l);

/* As list_has(), of a sorted list. */
bool list_has_sorted(const struct berth_list *l, const char *s);

/* Drop what is there more than once, of a sorted list. */
void list_unique(struct berth_list *l);

/* The strings with sep between them; allocated; NULL without memory. */
char *list_join(const struct berth_list *l, const char *sep);

/* Append the parts of s between the separator characters; empty parts are kept when
 * `keep_empty`. */
int list_split(struct berth_list *l, const char *s, char sep, bool keep_empty);

/* As an argv that ends with NULL; never NULL itself. */
char *const *list_argv(const struct berth_list *l);

#endif
