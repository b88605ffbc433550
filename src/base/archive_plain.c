/* SPDX-License-Identifier: Apache-2.0 */
/* archive_plain.c - compressed archives, with the programs that know them; see archive.h. */
#include "base/archive.h"
#include "base/str.h"
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LOOK 6 /* bytes that tell one format from another */

static struct {
    const char *magic;
    size_t len;
    char program[8];
} formats[] = {
    {"\x1f\x8b\x08", 3, "gzip"},
    {"BZh", 3, "bzip2"},
    {"\xfd" /* then text */
     "7zXZ",
     6, "xz"},
    {"\x28\xb5\x2f\xfd", 4, "zstd"},
};

/* Look into a pipe and leave it as it is: its first bytes are copied into another one. */
static ssize_t peek_pipe(int fd, char *out)
{
    int copy[2];
    ssize_t n;

    if (pipe2(copy, O_CLOEXEC) < 0)
        return -errno;
    do
        n = tee(fd, copy[1], LOOK, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        n = read(copy[0], out, LOOK);
    else if (n < 0)
        n = -errno;
    close(copy[0]);
    close(copy[1]);
    return n;
}

static ssize_t peek(int fd, char *out)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t n;

    if (at >= 0)
        return pread(fd, out, LOOK, at);
    n = peek_pipe(fd, out);
    return n == -EINVAL ? recv(fd, out, LOOK, MSG_PEEK) : n;
}

static char *program_for(int fd)
{
    char first[LOOK] = "";
    ssize_t n = peek(fd, first);

    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (n >= (ssize_t)formats[i].len &&
            memcmp(first, formats[i].magic, formats[i].len) == 0)
            return formats[i].program;
    return NULL;
}

static int start(char *program, int in, int out, pid_t *pid)
{
    char option[] = "-dc", *argv[] = {program, option, NULL};
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawnp(pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int archive_plain(int fd, int *out_fd, pid_t *out_pid, struct berth_error *err)
{
    char *program = program_for(fd);
    int ends[2], r;

    *out_fd = fd;
    *out_pid = 0;
    if (!program)
        return 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "creating a pipe");
    r = start(program, fd, ends[1], out_pid);
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return fail_errno(err, -r, "the archive is compressed, and \"%s\" cannot be run",
                          program);
    }
    *out_fd = ends[0];
    return 0;
}

int archive_plain_end(int fd, int plain_fd, pid_t pid, struct berth_error *err)
{
    int status;

    if (plain_fd == fd)
        return 0;
    close(plain_fd);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail_errno(err, errno, "waiting for the end of the decompression");
    /* A program that was still writing when nobody wanted more was not at fault. */
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
        (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE))
        return 0;
    return fail(err, EUCLEAN, "the archive cannot be decompressed");
}
