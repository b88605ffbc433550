/* SPDX-License-Identifier: Apache-2.0 */
/*
 * criu_stats.h - the numbers that criu leaves of a checkpoint or a restoration.
 *
 * Its files stats-dump and stats-restore are images: two words of 32 bits that say so, the
 * length of a protobuf message, and the message.
 */
#ifndef BERTH_ENGINE_CRIU_STATS_H
#define BERTH_ENGINE_CRIU_STATS_H

#include "base/json.h"

/* Of such a file: an object with podman's names, without what is zero.  -EUCLEAN: it is
 * none, it is damaged, or it is of the other kind. */
int criu_stats_parse(struct berth_blob file, bool restored, json **out,
                     struct berth_error *err);

#endif
