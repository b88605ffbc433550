/* SPDX-License-Identifier: Apache-2.0 */
/* subid.h - /etc/subuid and /etc/subgid: the further IDs that a user has. */
#ifndef BERTH_ROOTLESS_SUBID_H
#define BERTH_ROOTLESS_SUBID_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct subid_range {
    uint32_t first, count;
};

struct subids {
    struct subid_range *ranges; /* by their first ID; none touches another */
    size_t n;
};

void subids_free(struct subids *s);
#define _cleanup_subids_ _cleanup_(subids_free)

/*
 * The ranges of a user in the text of such a file, by name or by number.  What is no line of
 * the form OWNER:FIRST:COUNT is nobody's, as for podman; of ranges that overlap, which the
 * kernel would refuse, the later begins behind the former.
 */
int subids_parse(const char *text, size_t len, const char *user, uint32_t uid,
                 struct subids *out, struct berth_error *err);

#endif
