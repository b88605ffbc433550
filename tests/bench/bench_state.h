/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_state.h - somebody else who does what a state plugin does: the original library, or the
 * plugin's own library called by hand.  Each gives the seconds that it took, or less than 0.
 */
#ifndef BERTH_BENCH_STATE_H
#define BERTH_BENCH_STATE_H

#include <stddef.h>

#define AGAIN 20

struct documents { /* of one container */
    char *id, *config, *state;
    size_t config_len, state_len;
};

struct peer {
    const char *name;
    int each; /* the store is opened for every transaction, on both sides */
    /* `all` lives longer.  0, or -1 with a line on standard error. */
    int (*open)(const char *dir, const struct documents *all, size_t n);
    double (*get)(size_t n);       /* n configurations, in the order of order_of() */
    double (*get_again)(size_t n); /* AGAIN times the same, which was got before */
    double (*scan)(void);          /* all configurations and states */
    /* n times: another state of a container, committed; before all reading, which may keep the
     * file locked */
    double (*put)(size_t n);
    void (*close)(void);
};

/* Which of `all` containers comes i-th: not in the order of their IDs. */
static inline size_t order_of(size_t i, size_t all)
{
    return i * 7919 % all;
}

double seconds(void);
void change(const struct documents *d); /* its state, to something else of the same length */
extern const struct peer peer_go, peer_go_each, peer_sqlite, peer_lmdb, peer_lmdb_two;

#endif
