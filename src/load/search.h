/* SPDX-License-Identifier: Apache-2.0 */
/* search.h - where plugins may be. */
#ifndef BERTH_LOAD_SEARCH_H
#define BERTH_LOAD_SEARCH_H

#include "base/error.h"
#include "base/list.h"
#include "conf/conf.h"

/* Directories with plugins, the first to be searched first. */
int search_dirs(const struct conf *c, struct berth_list *out, struct berth_error *err);

/* Path of a module's file in the first directory that has one; allocated.  -ENOENT: none;
 * the error names the directories and what is wrong with those that cannot be read. */
int search_module(const struct conf *c, const char *module, char **out,
                  struct berth_error *err);

/* Paths of all files named *.so, in the order of the directories; directories that are
 * missing have none. */
int search_all(const struct conf *c, struct berth_list *out, struct berth_error *err);

#endif
