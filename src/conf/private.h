/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of src/conf share. */
#ifndef BERTH_CONF_PRIVATE_H
#define BERTH_CONF_PRIVATE_H

#include "conf/conf.h"
#include "conf/keys.h"
#include <libconfig.h>

/* One entry of a plugin's section, as it was written. */
struct conf_entry {
    char *key;
    char *origin; /* "/etc/berth/berth.conf:12" */
    enum {
        ENTRY_STRING,
        ENTRY_INT,
        ENTRY_BOOL,
    } type;
    char *text; /* the value, whatever its type */
    int64_t number;
};

/* The section of one plugin instance, gathered from all files. */
struct conf_section {
    char *name; /* "state_sqlite" */
    char *origin;
    struct conf_entry *entries;
    size_t n;
};

enum conf_answer {
    ANSWER_UNKNOWN,
    ANSWER_YES,
    ANSWER_NO,
};

struct conf_private {
    enum conf_answer ids_unmapped, systemd, cgroup2; /* of the host, once they were asked */
    char *file;     /* the only file that was read; NULL: all layers */
    char **origins; /* by index in conf_keys; NULL: the default */
    size_t n_origins;
    struct conf_section *sections;
    size_t n_sections;
};

/* What is being read, and what was found wrong so far. */
struct loader {
    struct conf *c;
    struct berth_list *all;  /* every problem; NULL: not wanted */
    struct berth_error *err; /* takes the first */
    unsigned problems;
    bool no_memory;
};

/* Note a problem at a place ("file:line", "flag --x"). */
void loader_problem(struct loader *l, const char *origin, const char *fmt, ...) _printf_(3, 4);

/* Read one file into the configuration.  A file that is missing is fine unless `needed`. */
void loader_read(struct loader *l, const char *path, bool needed);

/* The same for text in memory; `path` is for messages and includes. */
void loader_read_text(struct loader *l, const char *path, const char *text, size_t len);

/* Set a key and where that came from (NULL: it is back at its default).  Values that are
 * wrong become problems. */
void loader_set_origin(struct loader *l, const struct conf_key *k, const char *origin);
void loader_set_string(struct loader *l, const struct conf_key *k, const char *v,
                       const char *origin);
void loader_set_bool(struct loader *l, const struct conf_key *k, bool v, const char *origin);
void loader_set_number(struct loader *l, const struct conf_key *k, int64_t v,
                       const char *origin);
/* Takes the strings out of v. */
void loader_set_list(struct loader *l, const struct conf_key *k, struct berth_list *v,
                     const char *origin);

/* Set a key from text, as command lines and presets have it.  Lists: `add` appends. */
void loader_set_text(struct loader *l, const struct conf_key *k, const char *text, bool add,
                     const char *origin);

/* Set a list of an OCI runtime's paths, in place of what was there; plugin may be NULL. */
int conf_set_runtime(struct conf *c, const char *name, const char *plugin,
                     const struct berth_list *paths);

struct conf_section *conf_section_find(const struct conf *c, const char *name);

void conf_private_free(struct conf_private *p);

/* derive.c: defaults of single keys; see struct conf_key. */
char *derive_oci_runtime(const struct conf *c);
char *derive_graph_root(const struct conf *c);
char *derive_run_root(const struct conf *c);
char *derive_static_dir(const struct conf *c);
char *derive_tmp_dir(const struct conf *c);
char *derive_volume_path(const struct conf *c);
char *derive_storage_driver(const struct conf *c);
char *derive_cgroup_manager(const struct conf *c);
char *derive_events_logger(const struct conf *c);
char *derive_log_driver(const struct conf *c);
char *derive_cgroupns(const struct conf *c);
char *derive_label(const struct conf *c);

/* derive.c: who runs this; sets rootless, uid, gid. */
void derive_user(struct conf *c);

#endif
