/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opts.h - options of a command line, with the rules and the error texts of the option
 * library that podman uses (pflag), so that scripts that work there work here.
 */
#ifndef BERTH_CMD_OPTS_H
#define BERTH_CMD_OPTS_H

#include "cmd/cmd.h"

/* A table of options and the struct that takes their values. */
struct opts_set {
    const struct opt *opts; /* NULL: none */
    void *values;
};

struct opts_result {
    struct berth_list given; /* long names of the options that were used */
    char **args;             /* what is no option; points into argv; ends with NULL */
    int n_args;
    bool help; /* --help, or -h where no option has that letter */
};

/* Set every value to what it is without a command line: presets, else zero, and -1 for
 * OPT_TRISTATE.  -EINVAL names a preset that is no value of its option. */
int opts_preset(const struct opts_set *set, struct berth_error *err);

/* Free the strings and lists of a struct. */
void opts_free(const struct opts_set *set);

/*
 * Read options from argv, which ends with NULL and has no program name in front.  Names
 * are looked up in the sets in their order.  With `interspersed`, options may follow
 * arguments; otherwise the first argument ends them.  "--" ends them always.  `out` begins
 * empty and is freed by opts_result_free(), even after an error; another call may go on
 * with the arguments of the one before.  -EINVAL: the text says what is wrong.
 */
int opts_parse(const struct opts_set *sets, size_t n_sets, bool interspersed, char **argv,
               struct opts_result *out, struct berth_error *err);
void opts_result_free(struct opts_result *r);

/* An option by its long name, or one that podman accepts for it; NULL: none. */
const struct opt *opts_find(const struct opt *opts, const char *name, size_t len);

/* The shown options of up to two tables, by name; NULL tables are empty.  Fills at most `max`,
 * and gives their number. */
size_t opts_sorted(const struct opt *first, const struct opt *second, const struct opt **out,
                   size_t max);

/* The word for an option's value in help texts; NULL: it takes none. */
const char *opts_value_word(const struct opt *o);

/* Split as podman splits lists: at commas, with double quotes around parts that have some.
 * -EINVAL, with the text of the error. */
int opts_split_csv(const char *text, struct berth_list *out, struct berth_error *err);

#endif
