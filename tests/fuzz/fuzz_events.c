/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_events.c - bytes as an event log: read, shown, cut, read again. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz-events.XXXXXX", path[64];

static void remove_all(void)
{
    fs_remove_tree(dir, NULL);
}

static void set_up(void)
{
    if (!mkdtemp(dir))
        abort();
    atexit(remove_all);
    snprintf(path, sizeof(path), "%s/log", dir);
    log_set_level(BERTH_LOG_ERROR); /* of each broken line there is a warning */
}

/* How many events there are; what they say is rendered in each way. */
static size_t read_all(void)
{
    struct conf conf = {.events_logger = (char *)(uintptr_t) "file",
                        .events_logfile_path = path};
    _cleanup_events_ struct events_reader *reader = NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    size_t n = 0;

    if (events_open(&conf, &reader, NULL) < 0)
        abort();
    for (;; n++) {
        _cleanup_json_ json *line = NULL;
        struct event ev;
        berth_date time;
        int r = events_next(reader, false, DATE_NEVER, &line, &time, NULL);

        if (r <= 0) {
            if (r < 0)
                abort(); /* broken lines are no reason to stop */
            return n;
        }
        if (event_from_json(line, &ev) < 0 || ev.time != time)
            abort();
        buf_reset(&text);
        event_put_human(&ev, n % 2, &text);
        event_put_line(&ev, &text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct event mark = {
        .type = "system", .status = "renumber", .time = 1795291870954378850};
    _cleanup_buf_ struct berth_buf line = BUF_INIT;
    size_t before, after;

    if (!*path)
        set_up();
    if (fs_replace(path, data, size, 0600, false, NULL) < 0)
        abort();
    before = read_all();
    event_put_line(&mark, &line);
    /* The log is larger than that: it is cut, and begins with a line that says so. */
    if (events_append(path, size ? 1 : 0, &line, NULL) < 0)
        abort();
    after = read_all();
    if (after < 1 + (size > 0) || after > before + 2) {
        fprintf(stderr, "%zu bytes: %zu events, then %zu\n", size, before, after);
        abort();
    }
    return 0;
}
