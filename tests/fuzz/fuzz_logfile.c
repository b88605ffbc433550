/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_logfile.c - bytes as the log of a container: read from its beginning, and from where
 * its last lines begin, which must give an end of what the first reading gave. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/logfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/dev/shm/fuzz-logfile.XXXXXX";

static void remove_file(void)
{
    unlink(path);
}

static void set_up(void)
{
    int fd = mkstemp(path);

    if (fd < 0)
        abort();
    close(fd);
    atexit(remove_file);
    log_set_level(BERTH_LOG_ERROR - 1); /* each line that is no record is an error */
}

/* The records as text. */
struct all {
    struct berth_buf text;
    size_t n;
};

static void read_all(int64_t tail, struct all *out)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct log_record rec;
    struct logfile l;
    int r;

    if (logfile_open(path, &l, &err) < 0 ||
        (tail >= 0 && logfile_tail(&l, (uint64_t)tail, &err) < 0))
        abort();
    while ((r = logfile_next(&l, &rec, &err)) > 0) {
        buf_printf(&out->text, "%.*s %d %d ", (int)rec.when_len, rec.when, rec.to_stderr,
                   rec.partial);
        buf_put(&out->text, rec.data, rec.len);
        buf_putc(&out->text, '\n');
        out->n++;
    }
    if (r < 0 && err.code != EUCLEAN)
        abort(); /* only a line without end is a reason to stop */
    logfile_close(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct all whole = {.text = BUF_INIT};
    static bool ready;

    if (!ready)
        set_up();
    ready = true;
    if (fs_replace(path, data, size, 0600, false, NULL) < 0)
        abort();
    read_all(-1, &whole);
    for (int64_t n = 0; n < 5; n++) {
        struct all end = {.text = BUF_INIT};

        read_all(n, &end);
        if (end.n > whole.n || end.text.len > whole.text.len || (n == 0 && end.n) ||
            (end.text.len &&
             memcmp(end.text.data, whole.text.data + whole.text.len - end.text.len,
                    end.text.len) != 0)) {
            fprintf(stderr, "--tail %d: %zu of %zu records\n", (int)n, end.n, whole.n);
            abort();
        }
        buf_free(&end.text);
    }
    buf_free(&whole.text);
    return 0;
}
