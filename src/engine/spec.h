/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - from what the user typed to the documents that podman would have made: the
 * ContainerConfig with its embedded OCI spec at creation, config.json and the files beside
 * it at init.
 */
#ifndef BERTH_ENGINE_SPEC_H
#define BERTH_ENGINE_SPEC_H

#include "engine/ctr.h"

struct ctr_options; /* every flag of create and run, as typed: engine/options.h */

/*
 * Make the ContainerConfig of a new container.  Its name is what the user gave, or empty.
 * What depends on ID, storage and lock is empty and filled in by spec_place().  Anonymous
 * volumes have an empty volumeName, which the caller replaces.  `networks` gets an object
 * of name -> PerNetworkOptions, names as typed (the default network by its name).
 *
 * Flags that contradict each other or cannot be parsed: -EINVAL with podman's text; a
 * container that is named and does not exist: what ctr_lookup() says.  *out_config and
 * *out_networks are the caller's.
 */
int spec_create(struct engine *e, const struct ctr_options *o, json **out_config,
                json **out_networks, struct berth_error *err);

/*
 * Limits for a container that exists, by the options of its cgroup alone: the LinuxResources
 * with the members that were asked for, checked against the kernel's.  *out is the caller's.
 */
int spec_update(const struct ctr *c, const struct ctr_options *o, json **out,
                struct berth_error *err);

/* Where a new container is; all lent for the call. */
struct spec_place {
    const char *id, *name;
    uint32_t lock;
    const char *static_dir, *run_dir;
    berth_date created;
};

/*
 * Fill in the members that were not known to spec_create(): id, name, lockID, staticDir,
 * secretsPath, createdTime; ShmDir with `mounts`, logPath, conmonPidFile and pid_file where
 * they are not the user's; the short ID as last alias on every network.
 */
void spec_place(json *config, json *networks, const struct spec_place *p);

/*
 * At init: make the files of the run directory (hosts, resolv.conf, hostname,
 * .containerenv, secrets mounts ...), put them into the state's bindMounts, and write the
 * final config.json into the static directory.  The container is locked, its root file
 * system is at state.mountPoint, its network namespace at c->netns.
 */
int spec_init(struct ctr *c, struct berth_error *err);

/* After the runtime has read config.json: take out again what was for it alone. */
void spec_settle(const struct ctr *c);

/* Copies of the secrets that its record names, with their owners and modes, into the
 * directory of a new container. */
int spec_secret_copies(struct ctr *c, struct berth_error *err);

#endif
