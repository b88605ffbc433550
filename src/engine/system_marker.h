/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system_marker.h - which stores were put right since the machine was booted.
 *
 * podman has one file for this, `alive` in the tmp directory, also where several storage
 * roots share that directory; the second root is then never refreshed.  So beside podman's
 * file, berth keeps a marker per store: <tmp dir>/berth/<hash of the static directory>.
 * It names the boot it was made in and where the store is, so that stores which share lock
 * numbers can find one another.
 */
#ifndef BERTH_ENGINE_SYSTEM_MARKER_H
#define BERTH_ENGINE_SYSTEM_MARKER_H

#include "engine/engine.h"

enum boot_marker_status {
    MARKER_NONE,    /* there is none: nothing is known of this store */
    MARKER_STALE,   /* from an earlier boot */
    MARKER_CURRENT, /* from this one */
};

/* On a file system that lives in memory, one statfs(2). */
enum boot_marker_status boot_marker_status(const struct conf *c);

/* Make the marker of the engine's store.  `type`: its state plugin. */
int boot_marker_write(const struct conf *c, const char *type, struct berth_error *err);

/* Take it away; what is missing is fine. */
void boot_marker_remove(const struct conf *c);

/* A store as its marker has it. */
struct boot_marker {
    char *type, *static_dir, *graph_root, *run_root, *volume_path;
};

/* Visit the markers of all other stores of this tmp directory.  A return other than 0 ends
 * it and is returned. */
typedef int boot_marker_fn(void *arg, const struct boot_marker *m);
int boot_marker_each_other(const struct conf *c, boot_marker_fn *fn, void *arg);

/* Open the store of a marker.  flags: BERTH_PLACE_READONLY or 0.  *out is the caller's. */
int boot_marker_open(const struct conf *c, const struct boot_marker *m, uint32_t flags,
                     struct state **out, struct berth_error *err);

#endif
