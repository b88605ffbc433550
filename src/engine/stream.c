/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - see stream.h. */
#include "engine/stream.h"
#include "base/fs.h"
#include "base/str.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#define KEYS_MAX  16
#define INPUT_MAX 16384
#define HANGUP_MS 100 /* from the end of a terminal to the signal about it */

struct copy {
    const struct stream_io *io;
    unsigned char keys[KEYS_MAX]; /* detach sequence */
    size_t n_keys, matched;
    unsigned char input[INPUT_MAX + KEYS_MAX]; /* read, and not sent yet */
    size_t input_at, input_len;
    bool input_open; /* our standard input is read */
    bool ending;     /* it has ended, which is to be told behind what was not sent yet */
    bool hung_up;    /* our terminal is gone */
    int signals;     /* signalfd or -1 */
    int dies_of;     /* signal that ends this process; 0: none */
    bool forward;    /* signals go to the container */
    sigset_t old_mask;
    struct sigaction old_pipe;
    struct termios old_mode;
    bool raw;
};

/* One key as moby's library names it. */
static int parse_key(const char *key)
{
    const char *ctrl = str_starts(key, "ctrl-");

    if (key[0] && !key[1])
        return (unsigned char)key[0];
    if (str_eq(key, "DEL"))
        return 127;
    if (!ctrl || !ctrl[0] || ctrl[1])
        return -1;
    if ((ctrl[0] >= 'a' && ctrl[0] <= 'z') || strchr("@[\\]^_", ctrl[0]))
        return ctrl[0] & 0x1f;
    return -1;
}

int stream_detach_keys(const char *text, unsigned char *out, size_t n, struct berth_error *err)
{
    _cleanup_list_ struct berth_list parts = LIST_INIT;

    if (str_empty(text))
        return 0;
    list_split(&parts, text, ',', true);
    if (parts.n > n)
        return fail(err, EINVAL, "invalid detach keys: more than %zu keys", n);
    for (size_t i = 0; i < parts.n; i++) {
        int key = parse_key(parts.items[i]);

        if (key < 0)
            return fail(err, EINVAL, "invalid detach keys: Unknown character: '%s'",
                        parts.items[i]);
        out[i] = (unsigned char)key;
    }
    return (int)parts.n;
}

int stream_check_keys(const char *text, struct berth_error *err)
{
    unsigned char keys[KEYS_MAX];
    int r = stream_detach_keys(text, keys, KEYS_MAX, err);

    return r < 0 ? r : 0;
}

/* ----------------------------------------------------------------- terminal */

bool stream_own_size(struct berth_tty_size *out)
{
    struct winsize ws;

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0)
        return false;
    *out = (struct berth_tty_size){ws.ws_row, ws.ws_col};
    return true;
}

static void send_size(struct copy *cp)
{
    struct berth_tty_size size;

    if (cp->io->on_resize && cp->io->terminal && stream_own_size(&size))
        cp->io->on_resize(cp->io->arg, size);
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

static void leave_raw(struct copy *cp)
{
    if (cp->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cp->old_mode);
    cp->raw = false;
}

/* ------------------------------------------------------------------ signals */

/* Signals that podman forwards are all that a program may catch, but those that tell about
 * ourselves.  Without forwarding, those that would end or stop us come here only so that
 * the terminal is put right first. */
static void choose_signals(const struct copy *cp, sigset_t *out)
{
    static const int left[] = {SIGCHLD, SIGPIPE, SIGURG,  SIGSEGV, SIGBUS,
                               SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS};
    static const int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN};

    sigemptyset(out);
    if (cp->forward) {
        sigfillset(out);
        for (size_t i = 0; i < ARRAY_LEN(left); i++)
            sigdelset(out, left[i]);
    } else if (cp->io->terminal && cp->io->input) {
        for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
            sigaddset(out, fatal[i]);
    }
    sigaddset(out, SIGWINCH);
    sigaddset(out, SIGTTOU); /* a change of mode from the background is no reason to stop */
}

static void catch_signals(struct copy *cp)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    cp->forward = cp->io->on_signal != NULL;
    choose_signals(cp, &set);
    sigprocmask(SIG_BLOCK, &set, &cp->old_mask);
    sigaction(SIGPIPE, &ignore, &cp->old_pipe);
    cp->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Everything is as it was found; and if a signal was to end us, it does so now. */
static void leave(struct copy *cp)
{
    leave_raw(cp);
    if (cp->signals >= 0)
        close(cp->signals);
    sigaction(SIGPIPE, &cp->old_pipe, NULL);
    if (cp->dies_of) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, cp->dies_of);
        raise(cp->dies_of);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
    sigprocmask(SIG_SETMASK, &cp->old_mask, NULL);
}

/* What a signal would have done to us, had it not been caught. */
static void obey(struct copy *cp, int number)
{
    switch (number) {
    case SIGTSTP:
    case SIGTTIN:
        leave_raw(cp);
        raise(SIGSTOP);
        enter_raw(cp);
        send_size(cp);
        break;
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGTERM:
        cp->dies_of = number;
        break;
    default:
        break;
    }
}

static void take_signals(struct copy *cp)
{
    struct signalfd_siginfo info;

    while (read(cp->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        int number = (int)info.ssi_signo;

        if (number == SIGWINCH && cp->io->terminal)
            send_size(cp);
        else if (!cp->forward)
            obey(cp, number);
        else if (cp->io->on_signal(cp->io->arg, number) < 0) {
            cp->forward = false; /* there is nobody left to get it */
            obey(cp, number);
        }
    }
}

/* -------------------------------------------------------------------- input */

static void keep_input(struct copy *cp, const unsigned char *data, size_t n)
{
    memcpy(cp->input + cp->input_len, data, n);
    cp->input_len += n;
}

/* The longest end of the first n keys that is a beginning of them too, but not all. */
static size_t overlap(const unsigned char *keys, size_t n)
{
    size_t k = n ? n - 1 : 0;

    while (k > 0 && memcmp(keys, keys + n - k, k) != 0)
        k--;
    return k;
}

/* Look for the detach keys, which may come in several reads.  Keys typed so far are held
 * back until they turn out to be something else.  True when the sequence is whole. */
static bool filter_keys(struct copy *cp, const unsigned char *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (cp->matched && in[i] != cp->keys[cp->matched]) {
            size_t still = overlap(cp->keys, cp->matched);

            keep_input(cp, cp->keys, cp->matched - still);
            cp->matched = still;
        }
        if (in[i] != cp->keys[cp->matched])
            keep_input(cp, in + i, 1);
        else if (++cp->matched == cp->n_keys)
            return true;
    }
    return false;
}

/* Send what was read, as far as the monitor takes it: it may be busy with output that is
 * for us, so this must not wait. */
static void send_input(struct copy *cp)
{
    while (cp->input_at < cp->input_len) {
        ssize_t n = send(cp->io->fd, cp->input + cp->input_at,
                         MIN(cp->input_len - cp->input_at, (size_t)BERTH_STREAM_INPUT),
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
            return;
        if (n < 0) {
            cp->input_open = cp->ending = false; /* it reads no more; output may still come */
            break;
        }
        cp->input_at += (size_t)n;
    }
    cp->input_at = cp->input_len = 0;
    if (cp->ending) {
        shutdown(cp->io->fd, SHUT_WR);
        cp->ending = false;
    }
}

/* A terminal that was closed is no terminal any more, and a signal tells so too. */
static void end_input(struct copy *cp)
{
    struct termios mode;

    cp->input_open = false;
    if (cp->raw && tcgetattr(STDIN_FILENO, &mode) < 0) {
        struct pollfd p = {cp->signals, POLLIN, 0};

        if (poll(&p, 1, HANGUP_MS) > 0)
            take_signals(cp);
        cp->hung_up = true;
        return;
    }
    keep_input(cp, cp->keys, cp->matched);
    cp->matched = 0;
    cp->ending = true;
}

/* 1: detach keys. */
static int take_input(struct copy *cp)
{
    unsigned char in[INPUT_MAX - KEYS_MAX];
    ssize_t n = read(STDIN_FILENO, in, sizeof(in));
    bool detach = false;

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0)
        end_input(cp);
    else if (cp->n_keys)
        detach = filter_keys(cp, in, (size_t)n);
    else
        keep_input(cp, in, (size_t)n);
    send_input(cp);
    return detach;
}

/* ------------------------------------------------------------------- output */

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
    if (r == -EIO && cp->raw) {
        cp->hung_up = true;
        return 1;
    }
    if (r == -EPIPE && cp->old_pipe.sa_handler == SIG_DFL)
        cp->dies_of = SIGPIPE;
    return r < 0 ? fail_errno(err, -r, "writing the output of the container") : 1;
}

/* ---------------------------------------------------------------------- all */

static int copy_loop(struct copy *cp, struct berth_error *err)
{
    while (!cp->dies_of && !cp->hung_up) {
        bool unsent = cp->input_at < cp->input_len;
        struct pollfd fds[] = {{cp->io->fd, (short)(POLLIN | (unsent ? POLLOUT : 0)), 0},
                               {cp->input_open && !unsent ? STDIN_FILENO : -1, POLLIN, 0},
                               {cp->signals, POLLIN, 0}};
        int r;

        if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
            if (errno == EINTR)
                continue;
            return fail_errno(err, errno, "waiting for the container's streams");
        }
        if (fds[2].revents)
            take_signals(cp);
        if (fds[0].revents & ~POLLOUT) {
            r = take_output(cp, err);
            if (r <= 0)
                return r;
        }
        if (fds[0].revents & POLLOUT)
            send_input(cp);
        if (fds[1].revents && take_input(cp) > 0)
            return STREAM_DETACHED;
    }
    return STREAM_DETACHED;
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
