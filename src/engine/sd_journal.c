/* SPDX-License-Identifier: Apache-2.0 */
/* sd_journal.c - see sd_journal.h. */
#include "engine/sd_journal.h"
#include "base/library.h"

#define LOCAL_ONLY 1 /* SD_JOURNAL_LOCAL_ONLY */

LIBRARY(libsystemd, "libsystemd.so.0", "journald",
        "reading events and logs of containers from the journal");

static struct sd_journal_api sd;

static const struct library_symbol symbols[] = {
    {"sd_journal_open", &sd.open},
    {"sd_journal_close", &sd.close},
    {"sd_journal_add_match", &sd.add_match},
    {"sd_journal_seek_head", &sd.seek_head},
    {"sd_journal_seek_tail", &sd.seek_tail},
    {"sd_journal_seek_realtime_usec", &sd.seek_time},
    {"sd_journal_next", &sd.next},
    {"sd_journal_previous", &sd.previous},
    {"sd_journal_get_data", &sd.get_data},
    {"sd_journal_get_realtime_usec", &sd.get_time},
    {"sd_journal_set_data_threshold", &sd.set_threshold},
    {"sd_journal_get_fd", &sd.get_fd},
    {"sd_journal_process", &sd.process},
    {"sd_journal_wait", &sd.wait},
};

int sd_journal_open_local(const char *what, const struct sd_journal_api **api,
                          struct sd_journal **out, struct berth_error *err)
{
    int r = library_open(&libsystemd, symbols, ARRAY_LEN(symbols), err);

    if (r < 0)
        return error_wrap(err, "reading %s from the journal needs libsystemd", what);
    r = sd.open(out, LOCAL_ONLY);
    if (r < 0)
        return fail_errno(err, -r, "opening the journal");
    *api = &sd;
    return 0;
}
