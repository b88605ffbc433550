/* SPDX-License-Identifier: Apache-2.0 */
/* attached.c - see attached.h. */
#include "cmd/attached.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/stream.h"

static void forward_signal(void *arg, int number)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct ctr *c = arg;

    if (ctr_kill(c, number, &why) < 0)
        log_info("forwarding signal %d to container %s: %s", number, c->id, error_text(&why));
}

static void forward_size(void *arg, struct berth_tty_size size)
{
    ctr_resize(arg, size, NULL);
}

int attached_copy(struct ctr *c, int fd, const struct attached *how, struct berth_error *err)
{
    bool terminal = json_flag(json_at(c->config, "spec", "process", NULL), "terminal", false);
    struct stream_io io = {
        .fd = fd,
        .input = how->input,
        .output = how->output,
        .errors = how->errors,
        .terminal = terminal,
        .detach_keys = how->detach_keys ? how->detach_keys : c->e->conf->detach_keys,
        .on_signal = how->sig_proxy ? forward_signal : NULL,
        .on_resize = terminal ? forward_size : NULL,
        .arg = c,
    };

    return stream_copy(&io, err);
}

/* The exit code of a process is one byte; -1 (a container that ran too long) becomes 255. */
static int status_of(int32_t code)
{
    return code & 0xff;
}

int attached_finish(struct ctr *c, bool remove, int *status, struct berth_error *err)
{
    int32_t code = INT32_MIN;
    int r = remove ? ctr_end_remove(c, &code, err) : ctr_end(c, &code, err);

    if (r < 0 && code == INT32_MIN)
        return r;
    *status = status_of(code);
    if (!remove)
        r = ctr_cleanup(c, err);
    /* Its own exit command does the same at this moment; whoever comes second finds nothing
     * left to do. */
    if (r < 0 && r != -ENOENT && (remove || r != -EINVAL))
        log_error("%s container %s: %s", remove ? "removing" : "cleaning up", c->id,
                  error_text(err));
    error_clear(err);
    return 0;
}
