/* SPDX-License-Identifier: Apache-2.0 */
/* volumes.h - what the commands on volumes share. */
#ifndef BERTH_CMD_VOLUMES_H
#define BERTH_CMD_VOLUMES_H

#include "engine/volume.h"

/* Conditions of --filter.  With `prune`, those that podman has there: label and until. */
struct volume_filter;
int volume_filter_parse(const struct berth_list *given, bool prune, struct volume_filter **out,
                        struct berth_error *err);
void volume_filter_free(struct volume_filter *f);
static inline void volume_filter_freep(struct volume_filter **f)
{
    volume_filter_free(*f);
}
#define _cleanup_volume_filter_ _cleanup_(volume_filter_freep)

/* 1: it fits one of the conditions (podman's rule), or there are none; 0: not.  unused: only
 * one that no container uses fits. */
int volume_filter_match(const struct volume_filter *f, struct volume *v, bool unused,
                        struct berth_error *err);

/* As podman shows it; for a template with members that JSON leaves out, too. */
json *volume_document(const struct volume *v, bool for_template);

/* "NAME=VALUE" or "NAME" into an object of strings. */
int pairs_add(json *o, const struct berth_list *given, const char *what,
              struct berth_error *err);

#endif
