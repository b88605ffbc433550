/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - see stream.h. */
#include "engine/stream.h"
#include "base/fs.h"
#include "base/str.h"
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#define KEYS_MAX 16

struct copy {
    const struct stream_io *io;
    unsigned char keys[KEYS_MAX]; /* detach sequence */
    size_t n_keys, matched;
    bool input_open;
    int signals; /* signalfd or -1 */
    sigset_t old_mask;
    struct termios old_mode;
    bool raw;
};

int stream_detach_keys(const char *text, unsigned char *out, size_t n, struct berth_error *err)
{
    _cleanup_list_ struct berth_list parts = LIST_INIT;

    if (str_empty(text))
        return 0;
    list_split(&parts, text, ',', true);
    if (parts.n > n)
        return fail(err, EINVAL, "detach keys \"%s\": more than %zu keys", text, n);
    for (size_t i = 0; i < parts.n; i++) {
        const char *key = parts.items[i], *ctrl = str_starts(key, "ctrl-");

        if (ctrl && ctrl[0] && !ctrl[1] && ctrl[0] >= '@' && ctrl[0] <= 'z')
            out[i] = (unsigned char)(tolower((unsigned char)ctrl[0]) & 0x1f);
        else if (!ctrl && key[0] && !key[1])
            out[i] = (unsigned char)key[0];
        else
            return fail(err, EINVAL, "detach keys \"%s\": unknown key \"%s\"", text, key);
    }
    return (int)parts.n;
}

/* ----------------------------------------------------------------- terminal */

static void send_size(struct copy *cp)
{
    struct winsize ws;

    if (cp->io->on_resize && cp->io->terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == 0)
        cp->io->on_resize(cp->io->arg, (struct berth_tty_size){ws.ws_row, ws.ws_col});
}

static void enter_raw(struct copy *cp)
{
    struct termios raw;

    if (!cp->io->terminal || !cp->io->input || tcgetattr(STDIN_FILENO, &cp->old_mode) < 0)
        return;
    raw = cp->old_mode;
    cfmakeraw(&raw);
    cp->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

/* Signals that podman forwards: all that a program may catch, but those that tell about
 * ourselves. */
static void catch_signals(struct copy *cp)
{
    static const int left[] = {SIGCHLD, SIGPIPE, SIGURG,  SIGSEGV, SIGBUS,
                               SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;

    cp->signals = -1;
    if (!cp->io->on_signal && !cp->io->on_resize)
        return;
    sigemptyset(&set);
    if (cp->io->on_signal) {
        sigfillset(&set);
        for (size_t i = 0; i < ARRAY_LEN(left); i++)
            sigdelset(&set, left[i]);
    }
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, &cp->old_mask);
    cp->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void leave(struct copy *cp)
{
    if (cp->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cp->old_mode);
    if (cp->signals >= 0) {
        close(cp->signals);
        sigprocmask(SIG_SETMASK, &cp->old_mask, NULL);
    }
}

static void take_signals(struct copy *cp)
{
    struct signalfd_siginfo info;

    while (read(cp->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGWINCH && cp->io->terminal)
            send_size(cp);
        else if (cp->io->on_signal)
            cp->io->on_signal(cp->io->arg, (int)info.ssi_signo);
    }
}

/* -------------------------------------------------------------------- bytes */

/* Look for the detach keys.  Keys typed so far are held back until they turn out to be
 * something else.  How many bytes of `out` to send; *detach when the sequence is whole. */
static size_t filter_keys(struct copy *cp, const unsigned char *in, size_t n,
                          unsigned char *out, bool *detach)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (in[i] == cp->keys[cp->matched]) {
            if (++cp->matched == cp->n_keys) {
                *detach = true;
                return len;
            }
            continue;
        }
        memcpy(out + len, cp->keys, cp->matched);
        len += cp->matched;
        cp->matched = in[i] == cp->keys[0] ? 1 : 0;
        if (!cp->matched)
            out[len++] = in[i];
    }
    return len;
}

static int send_input(struct copy *cp, const unsigned char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(cp->io->fd, data, MIN(n, BERTH_STREAM_INPUT), MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -errno;
        data += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* 1: detach keys. */
static int take_input(struct copy *cp)
{
    unsigned char in[16384], out[sizeof(in) + KEYS_MAX];
    bool detach = false;
    ssize_t n = read(STDIN_FILENO, in, sizeof(in));
    int r = 0;

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        cp->input_open = false;
        shutdown(cp->io->fd, SHUT_WR);
        return 0;
    }
    if (cp->n_keys) {
        size_t len = filter_keys(cp, in, (size_t)n, out, &detach);

        r = send_input(cp, out, len);
    } else {
        r = send_input(cp, in, (size_t)n);
    }
    if (r < 0)
        cp->input_open = false; /* it reads no more; its output may still come */
    return detach;
}

/* 1: a packet was copied; 0: the streams are closed. */
static int take_output(struct copy *cp, struct berth_error *err)
{
    char packet[BERTH_STREAM_PACKET];
    ssize_t n = recv(cp->io->fd, packet, sizeof(packet), 0);
    int fd = -1, r;

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return 0;
    if (n < 0)
        return fail_errno(err, errno, "reading the output of the container");
    if (packet[0] == BERTH_STREAM_STDOUT && cp->io->output)
        fd = STDOUT_FILENO;
    else if (packet[0] == BERTH_STREAM_STDERR && cp->io->errors)
        fd = STDERR_FILENO;
    if (fd < 0)
        return 1;
    r = fs_write_fd(fd, packet + 1, (size_t)n - 1);
    return r < 0 ? fail_errno(err, -r, "writing the output of the container") : 1;
}

static int copy_loop(struct copy *cp, struct berth_error *err)
{
    for (;;) {
        struct pollfd fds[] = {{cp->io->fd, POLLIN, 0},
                               {cp->input_open ? STDIN_FILENO : -1, POLLIN, 0},
                               {cp->signals, POLLIN, 0}};
        int r;

        if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
            if (errno == EINTR)
                continue;
            return fail_errno(err, errno, "waiting for the container's streams");
        }
        if (fds[2].revents)
            take_signals(cp);
        if (fds[0].revents) {
            r = take_output(cp, err);
            if (r <= 0)
                return r;
        }
        if (fds[1].revents && take_input(cp) > 0)
            return STREAM_DETACHED;
    }
}

int stream_copy(const struct stream_io *io, struct berth_error *err)
{
    struct copy cp = {.io = io, .input_open = io->input};
    int r = 0;

    if (io->terminal) {
        r = stream_detach_keys(io->detach_keys, cp.keys, KEYS_MAX, err);
        if (r < 0)
            return r;
        cp.n_keys = (size_t)r;
    }
    catch_signals(&cp);
    enter_raw(&cp);
    send_size(&cp);
    r = copy_loop(&cp, err);
    leave(&cp);
    return r;
}
