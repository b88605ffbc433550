/* SPDX-License-Identifier: Apache-2.0 */
/* attached.c - see attached.h. */
#include "cmd/attached.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/stream.h"
#include <fcntl.h>

static int forward_signal(void *arg, int number)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    struct ctr *c = arg;
    int r = ctr_kill(c, number, &why);

    if (r < 0)
        log_info("forwarding signal %d to container %s: %s", number, c->id, error_text(&why));
    return r;
}

static void forward_size(void *arg, struct berth_tty_size size)
{
    ctr_resize(arg, size, NULL);
}

/* podman's: from here on it does not know better what it is given. */
static void warn_no_terminal(const struct attached *how, bool terminal)
{
    if (terminal && how->input && !isatty(STDIN_FILENO))
        log_warning("The input device is not a TTY. The --tty and --interactive flags might "
                    "not work properly");
}

static const char *keys_of(const struct engine *e, const struct attached *how)
{
    return how->detach_keys ? how->detach_keys : e->conf->detach_keys;
}

int attached_check(const struct engine *e, const struct attached *how, bool terminal,
                   struct berth_error *err)
{
    int r = stream_check_keys(keys_of(e, how), err);

    if (r == 0)
        warn_no_terminal(how, terminal);
    return r;
}

int check_preserved(uint64_t n, struct berth_error *err)
{
    for (uint64_t fd = 3; fd < n + 3; fd++) {
        int flags = fd <= INT32_MAX ? fcntl((int)fd, F_GETFD) : -1;

        /* Ours are closed at an exec, so one that survived an exec is not ours. */
        if (flags < 0 || (flags & FD_CLOEXEC))
            return fail(err, EBADF,
                        "file descriptor %llu is not available - the preserve-fds option "
                        "requires that file descriptors must be passed",
                        (unsigned long long)fd);
    }
    return 0;
}

bool attached_terminal(const struct ctr *c)
{
    return json_flag(json_at(c->config, "spec", "process", NULL), "terminal", false);
}

int attached_copy(struct ctr *c, int fd, const struct attached *how, struct berth_error *err)
{
    bool terminal = attached_terminal(c);
    struct stream_io io = {
        .fd = fd,
        .input = how->input,
        .output = how->output,
        .errors = how->errors,
        .terminal = terminal,
        .detach_keys = keys_of(c->e, how),
        .on_signal = how->sig_proxy ? forward_signal : NULL,
        .on_resize = terminal ? forward_size : NULL,
        .arg = c,
    };

    return fd < 0 ? 0 : stream_copy(&io, err); /* none: the streams are ours already */
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
