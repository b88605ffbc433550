/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate_doc.h - records on their way from one store to another.
 *
 * Formats differ in where they keep a fact: the networks of a container are links, or stand
 * in its configuration; its network namespace is an attribute, or stands in its state; a
 * libpod namespace is an attribute, or only in the configuration.  The capabilities of both
 * stores say what has to be moved.  Everything else is left as it is, to the byte.
 */
#ifndef BERTH_ENGINE_MIGRATE_DOC_H
#define BERTH_ENGINE_MIGRATE_DOC_H

#include "engine/engine.h"

/* ------------------------------------------------------------ network links */

struct net_link {
    char *from;  /* ID of a container */
    char *to;    /* name of a network */
    char *value; /* its options, JSON text */
};

/* Network links, sorted by both ends. */
struct net_links {
    struct net_link *v;
    size_t n, cap;
};

void net_links_free(struct net_links *l);
#define _cleanup_nets_ _cleanup_(net_links_free)

/* Add one; the caller sorts at the end.  0 or -ENOMEM. */
int net_links_add(struct net_links *l, const char *from, const char *to,
                  struct berth_blob value);
void net_links_sort(struct net_links *l);

/* The first of a container, or NULL; *n is how many follow each other from there. */
const struct net_link *net_links_of(const struct net_links *l, const char *from, size_t *n);

/* All network links of a store that has such links; none where they are in documents.
 * Values that podman before 4.0 wrote (the container's ID) become options. */
int net_links_read(struct txn *t, uint64_t caps, struct net_links *out,
                   struct berth_error *err);

/* Are both ends of a link there, and not the same container?  1 or 0.  Stores of podman
 * keep links whose end is gone; they mean nothing. */
int link_is_live(struct txn *t, const struct berth_link *link, struct berth_error *err);

/* ------------------------------------------------------------------ records */

/* A record as another store is to have it. */
struct moving {
    struct berth_record rec; /* lends from the source's record and the members below */
    struct berth_buf config, state;
    char *ns, *netns, *infra, *storage_id;
    json *networks;   /* object to be linked; NULL: none, or they are in the configuration */
    bool on_networks; /* it is on networks of its own, though perhaps on none now */
};

void moving_free(struct moving *m);
#define _cleanup_moving_ _cleanup_(moving_free)

/*
 * Make it from a whole record of a store with the capabilities `from`; `nets` are its
 * network links.  m begins empty and lends from rec.  -EUCLEAN: a document is no JSON object;
 * with `raw`, such a document is taken as it is.
 */
int moving_make(struct moving *m, const struct berth_record *rec, uint64_t from, uint64_t to,
                const struct net_links *nets, bool raw, struct berth_error *err);

/* Insert it, with its network links where the store has some. */
int moving_insert(struct moving *m, struct txn *t, uint64_t caps, struct berth_error *err);

/* Link the networks of m alone. */
int moving_link_networks(struct moving *m, struct txn *t, uint64_t caps,
                         struct berth_error *err);

/* Do two documents say the same, whatever the order of their members?  An absent one is
 * one without members. */
bool documents_equal(struct berth_blob a, struct berth_blob b);

/* "container", "pod", "volume"; "depends", "volume", "network", "exec". */
const char *record_word(uint32_t kind);
const char *link_word(uint32_t kind);
uint32_t record_kind_of(const char *word);
uint32_t link_kind_of(const char *word);

#endif
