/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - the one table of what berth.conf may say.
 *
 * It drives reading, `berth config show`, the messages about unknown keys and the manual
 * page.  Adding a key is adding a line here and a member to struct conf.
 */
#ifndef BERTH_CONF_KEYS_H
#define BERTH_CONF_KEYS_H

#include "conf/conf.h"

enum conf_type {
    CONF_STRING,   /* char *; "" stands for the default */
    CONF_PATH,     /* char *, absolute and clean */
    CONF_BOOL,     /* bool */
    CONF_INT,      /* int64_t, from min to max */
    CONF_UINT,     /* uint32_t, from min to max */
    CONF_SIZE,     /* int64_t; a number of bytes or text like "64k", in multiples of 1000 */
    CONF_LIST,     /* struct berth_list */
    CONF_RUNTIMES, /* the table of OCI runtimes */
    CONF_TABLE,    /* struct berth_list of "name=text" */
};

struct conf_key {
    const char *name;
    const char *section; /* heading in the manual and in `config show` */
    enum conf_type type;
    size_t offset;       /* of the member in struct conf */
    size_t set_offset;   /* of the mark that the user chose it by a flag; 0: none */
    const char *flag;    /* command-line option that sets it; NULL: none */
    const char *preset;  /* default, as text; items of lists apart by spaces; NULL: none */
    const char *rule;    /* what derive() does, in words */
    const char *choices; /* words allowed, apart by spaces; NULL: any */
    int64_t min, max;
    bool keep_empty; /* "" is a value of its own */

    /* Default that depends on this host or on keys further up; allocated text, NULL: none
     * (or no memory, which the caller cannot tell and need not). */
    char *(*derive)(const struct conf *c);

    /* What is wrong with a value or an item of a list; NULL: nothing. */
    const char *(*check)(const char *value);
    const char *help; /* one line, no full stop */
};

extern const struct conf_key conf_keys[]; /* ends with a NULL name */

/* Index of a key, or -1. */
int conf_key_index(const char *name);

static inline void *conf_member(const struct conf *c, const struct conf_key *k)
{
    return (char *)(uintptr_t)c + k->offset;
}

/* Runtime directory of a rootless user ("/run/user/1000"); allocated; NULL: there is
 * none. */
char *conf_runtime_dir(uint32_t uid);

/* Home directory: $HOME, else that of the account; allocated; NULL: unknown. */
char *conf_home(uint32_t uid);

/* Whether storage sits where a user's own does (not that of the system). */
bool conf_storage_rootless(const struct conf *c);

/* Where programs of the usual runtimes are, as text for CONF_RUNTIMES: "name path path". */
extern const char *const conf_runtime_presets[];

#endif
