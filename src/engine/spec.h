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
 * Make the ContainerConfig of a new container: all members but id, name, lockID,
 * staticDir, logPath, secretsPath, ShmDir, conmonPidFile, pid_file and createdTime, which the
 * caller (ctr_create()) fills in once storage and lock are there.  Networks are put into
 * `networks` (object: name -> PerNetworkOptions).  Flags that contradict each other or
 * cannot be parsed: -EINVAL with podman's text.  *out is the caller's.
 */
int spec_create(struct engine *e, const struct ctr_options *o, json **out_config,
                json **out_networks, struct berth_error *err);

/*
 * At init: make the files of the run directory (hosts, resolv.conf, hostname,
 * .containerenv, secrets mounts ...), put them into the state's bindMounts, and write the
 * final config.json into the static directory.  The container is locked, its root file
 * system is at state.mountPoint, its network namespace at c->netns.
 */
int spec_init(struct ctr *c, struct berth_error *err);

#endif
