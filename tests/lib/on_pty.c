/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_pty.c - runs a command on a terminal of its own and types into it.
 *
 *   on_pty COMMAND [ARG...] <STEPS
 *
 * Steps, one a line; in TEXT, \r \n \\ and \xHH are what they are in C:
 *
 *   expect TEXT    wait until the command has printed it
 *   send TEXT      type it
 *   size ROWS COLS change the size of the terminal
 *   signal NUMBER  send the command a signal
 *   hangup         close the terminal
 *   sleep MS       do nothing; BERTH_TEST_PATIENCE times as long where all is slow
 *   end STATUS     wait for its end; 128 and more: by a signal, -1: any.  The mode of the
 *                  terminal must be what it was at the beginning.
 *
 * Exit status: 0, or 1 with what went wrong and all that the command had printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 30

static int master = -1, slave = -1;
static struct termios before;
static pid_t child;
static char seen[1 << 20];
static size_t n_seen, taken;

static int complain(const char *step, const char *why)
{
    printf("on_pty: %s: %s\n--- printed:\n%.*s\n---\n", step, why, (int)n_seen, seen);
    if (child > 0)
        kill(child, SIGKILL);
    return 1;
}

static size_t unescape(char *text)
{
    char *out = text;

    for (char *in = text; *in; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        in++;
        if (*in == 'x') {
            char digits[3] = {in[1], in[1] ? in[2] : '\0', '\0'};

            *out++ = (char)strtol(digits, NULL, 16);
            in += 2;
        } else {
            *out++ = *in == 'r' ? '\r' : *in == 'n' ? '\n' : *in;
        }
    }
    return (size_t)(out - text);
}

static int patience(void)
{
    const char *times = getenv("BERTH_TEST_PATIENCE");

    return times && atoi(times) > 0 ? atoi(times) : 1;
}

/* 1: more text is there; 0: none came in time, or there is no terminal any more. */
static int look(int timeout)
{
    struct pollfd p = {master, POLLIN, 0};
    ssize_t n;

    if (master < 0 || n_seen >= sizeof(seen) - 1 || poll(&p, 1, timeout) <= 0)
        return 0;
    n = read(master, seen + n_seen, sizeof(seen) - 1 - n_seen);
    if (n <= 0)
        return 0;
    n_seen += (size_t)n;
    seen[n_seen] = '\0';
    return 1;
}

static int expect(char *text)
{
    size_t len = unescape(text);
    time_t end = time(NULL) + SECONDS * patience();

    for (;;) {
        char *at = memmem(seen + taken, n_seen - taken, text, len);

        if (at) {
            taken = (size_t)(at - seen) + len;
            return 0;
        }
        if (time(NULL) > end)
            return complain("expect", text);
        look(100);
    }
}

static int await_end(int want)
{
    time_t end = time(NULL) + SECONDS * patience();
    struct termios after;
    char why[80];
    int status;

    while (waitpid(child, &status, WNOHANG) == 0) {
        if (time(NULL) > end)
            return complain("end", "it goes on running");
        if (!look(50) && master < 0)
            usleep(20000);
    }
    child = 0;
    while (look(0))
        ;
    status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    snprintf(why, sizeof(why), "status %d instead of %d", status, want);
    if (want >= 0 && status != want)
        return complain("end", why);
    if (slave >= 0 && (tcgetattr(slave, &after) < 0 || after.c_lflag != before.c_lflag ||
                       after.c_iflag != before.c_iflag || after.c_oflag != before.c_oflag))
        return complain("end", "the mode of the terminal has changed");
    return 0;
}

static int step(char *line)
{
    char *word = strtok(line, " "), *rest = strtok(NULL, "");
    struct winsize size = {0};

    if (!word)
        return 0;
    if (strcmp(word, "expect") == 0 && rest)
        return expect(rest);
    if (strcmp(word, "send") == 0 && rest) {
        size_t len = unescape(rest);

        return write(master, rest, len) == (ssize_t)len ? 0 : complain("send", "write failed");
    }
    if (strcmp(word, "size") == 0 && rest &&
        sscanf(rest, "%hu %hu", &size.ws_row, &size.ws_col) == 2)
        return ioctl(master, TIOCSWINSZ, &size) < 0 ? complain("size", "ioctl failed") : 0;
    if (strcmp(word, "signal") == 0 && rest)
        return kill(child, atoi(rest)) < 0 ? complain("signal", "kill failed") : 0;
    if (strcmp(word, "hangup") == 0) {
        close(slave);
        close(master);
        master = slave = -1;
        return 0;
    }
    if (strcmp(word, "sleep") == 0 && rest)
        return usleep((useconds_t)(atoi(rest) * patience()) * 1000);
    if (strcmp(word, "end") == 0 && rest)
        return await_end(atoi(rest));
    return complain(word, "no such step");
}

int main(int argc, char **argv)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    char line[4096];

    if (argc < 2 || (master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
        grantpt(master) < 0 || unlockpt(master) < 0 ||
        (slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
        perror("on_pty");
        return 1;
    }
    ioctl(master, TIOCSWINSZ, &size);
    tcgetattr(slave, &before);
    child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL); /* ignored, where the test runs in the background */
        signal(SIGQUIT, SIG_DFL);
        setsid();
        ioctl(slave, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++)
            dup2(slave, fd);
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (step(line) != 0)
            return 1;
    }
    if (child > 0)
        kill(child, SIGKILL);
    return 0;
}
