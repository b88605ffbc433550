/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_plugin.h - volumes that a plugin keeps: the volume plugin protocol of Docker over
 * a local socket, as podman speaks it.
 *
 * What a plugin answers is foreign: it is bounded in size and time, and checked.
 */
#ifndef BERTH_ENGINE_VOLUME_PLUGIN_H
#define BERTH_ENGINE_VOLUME_PLUGIN_H

#include "engine/engine.h"

struct volume_plugin {
    char *name, *socket;
    int64_t timeout; /* seconds; 0: no limit */
};

/* The plugin of this name from the configuration, asked whether it is one.  timeout: of the
 * volume in seconds; -1: the configured one.  -ENOENT: none such. */
int volume_plugin_open(struct engine *e, const char *name, int64_t timeout,
                       struct volume_plugin *out, struct berth_error *err);
void volume_plugin_close(struct volume_plugin *p);
#define _cleanup_volume_plugin_ _cleanup_(volume_plugin_close)

/* Make the volume, unless the plugin has it: *made. */
int volume_plugin_create(struct volume_plugin *p, const char *volume, const json *options,
                         bool *made, struct berth_error *err);
int volume_plugin_remove(struct volume_plugin *p, const char *volume, struct berth_error *err);

/* *mount_point: absolute, without "..", not the root; allocated. */
int volume_plugin_mount(struct volume_plugin *p, const char *volume, char **mount_point,
                        struct berth_error *err);
int volume_plugin_unmount(struct volume_plugin *p, const char *volume, struct berth_error *err);

/* Does it have the volume?  *status: what it tells of it, an object of strings, or NULL. */
int volume_plugin_get(struct volume_plugin *p, const char *volume, json **status,
                      struct berth_error *err);
int volume_plugin_list(struct volume_plugin *p, struct berth_list *names,
                       struct berth_error *err);

/* Answers of the calls, taken apart: for tests. */
int volume_answer_implements(const json *answer, struct berth_list *out);
int volume_answer_names(const json *answer, struct berth_list *out);
int volume_answer_mount_point(const json *answer, char **out);

#endif
