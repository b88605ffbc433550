/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - finding, checking and loading plugins (docs/plugins/lifecycle.md).
 *
 * A plugin is loaded when it is first needed and stays until the process ends.
 */
#ifndef BERTH_LOAD_LOAD_H
#define BERTH_LOAD_LOAD_H

#include "base/error.h"
#include "base/list.h"
#include "conf/conf.h"
#include <berth/plugin.h>
#include <pthread.h>

/* A loaded plugin.  Constant; lives as long as the process. */
struct plugin {
    const char *module;       /* "state_boltdb" */
    const char *path;         /* resolved file, or "builtin" */
    struct berth_plugin desc; /* full size, what the file lacks is zero */
    const void *ops;          /* full-size copy of the kind's table, what it lacks is NULL */
    uint32_t file_size;       /* `size` as the file has it */
    uint32_t file_ops_size;
};

/* What the note in a file says, without loading it. */
struct plugin_note {
    char *path; /* "builtin" for those linked in */
    char *module;
    uint32_t kind;
    char *name;
    unsigned abi_major, abi_minor, ops_major, ops_minor;
    char *problem; /* NULL: usable as far as can be told; else one clause why not */
};

/* "state", "lock", "oci", "net" and the way back (0: no such). */
const char *plugin_kind_name(uint32_t kind);
uint32_t plugin_kind_of(const char *word);

/* Load by kind and name.  -ENOENT: no such file (the error lists what is installed);
 * -EPERM: file or directory may be changed by others; -ENOEXEC: not a usable plugin. */
int plugin_load(const struct conf *c, uint32_t kind, const char *name,
                const struct plugin **out, struct berth_error *err);

/* Load one file, by its path (`berth plugin info|check FILE`). */
int plugin_load_file(const struct conf *c, const char *path, const struct plugin **out,
                     struct berth_error *err);

/* Read notes of all installed and linked-in plugins, sorted by module; nothing is loaded.
 * *out is an array of *n, freed by plugin_notes_free(). */
int plugin_notes(const struct conf *c, struct plugin_note **out, size_t *n,
                 struct berth_error *err);
void plugin_notes_free(struct plugin_note *notes, size_t n);

/* Names of the plugins of a kind whose notes are in order. */
int plugin_names(const struct conf *c, uint32_t kind, struct berth_list *out,
                 struct berth_error *err);

/* Is there a plugin of that kind and name?  Nothing of it is read. */
bool plugin_is_there(const struct conf *c, uint32_t kind, const char *name);

/* The services that a plugin gets; its log lines carry the module's name. */
const struct berth_host *plugin_host(const struct plugin *p);

/* What the calls into a plugin are kept apart with where it bears one at a time. */
pthread_mutex_t *plugin_mutex(const struct plugin *p);

/* Make a mutex of that kind: recursive, for functions that were lent to a plugin call it
 * again. */
void plugin_mutex_init(pthread_mutex_t *mutex);

/* Which of the libraries that a file needs cannot be had: appends the dynamic loader's
 * message for each.  Those that can be had are loaded and let go; the plugin is not. */
int plugin_missing_libraries(const char *path, struct berth_list *out, struct berth_error *err);

/* Modules loaded so far, in order: what `--log-level=debug` and the tests look at. */
const struct berth_list *plugins_loaded(void);

#endif
