/* SPDX-License-Identifier: Apache-2.0 */
/* sd_journal.h - libsystemd's reader of the journal, which is opened when somebody reads. */
#ifndef BERTH_ENGINE_SD_JOURNAL_H
#define BERTH_ENGINE_SD_JOURNAL_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct sd_journal;

struct sd_journal_api {
    int (*open)(struct sd_journal **out, int flags);
    void (*close)(struct sd_journal *j);
    int (*add_match)(struct sd_journal *j, const void *data, size_t size);
    int (*seek_head)(struct sd_journal *j);
    int (*seek_tail)(struct sd_journal *j);
    int (*seek_time)(struct sd_journal *j, uint64_t us);
    int (*next)(struct sd_journal *j);
    int (*previous)(struct sd_journal *j);
    int (*get_data)(struct sd_journal *j, const char *field, const void **data, size_t *size);
    int (*get_time)(struct sd_journal *j, uint64_t *us);
    int (*set_threshold)(struct sd_journal *j, size_t size);
    int (*get_fd)(struct sd_journal *j);
    int (*process)(struct sd_journal *j);
    int (*wait)(struct sd_journal *j, uint64_t us);
};

/* Open this machine's journal to read `what` ("events") from it.  -ENOENT: there is no
 * libsystemd.  *out is for (*api)->close(). */
int sd_journal_open_local(const char *what, const struct sd_journal_api **api,
                          struct sd_journal **out, struct berth_error *err);

#endif
