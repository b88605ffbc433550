/* SPDX-License-Identifier: Apache-2.0 */
/*
 * running.c - netavark goes on when the command that began it is killed, and podman's lock is
 * free then.  A note beside the addresses says that one runs; who finds it waits for the end.
 *
 * A lock that netavark inherits would need no search, but aardvark-dns would inherit it too.
 */
#include "netavark.h"
#include "plugins/common/pidfd/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOTE     ".netavark-runs"
#define PAUSE_NS 10000000 /* between two looks; longer than a program takes to begin */
#define WORDS    4096     /* of a command line: netavark's begins with what is looked for */

void running_note(struct berth_net *n)
{
    char *path = na_format("%s/" NOTE, n->run_dir);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

    if (fd < 0)
        berth_log(n->h, BERTH_LOG_INFO, "%s/" NOTE ": %s", n->run_dir, strerror(errno));
    else
        close(fd);
    free(path);
}

void running_forget(struct berth_net *n)
{
    char *path = na_format("%s/" NOTE, n->run_dir);

    if (path)
        unlink(path);
    free(path);
}

/* In a container there may be another netavark, whose directory has the same name. */
static bool is_of_this_host(const char *pid)
{
    struct stat own, other;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%.20s/ns/pid", pid);
    return stat("/proc/self/ns/pid", &own) == 0 && stat(path, &other) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* Does this process have "--config" and our directory on its command line?  aardvark-dns has a
 * directory of its own. */
static bool is_ours(const struct berth_net *n, const char *pid)
{
    char path[64], words[WORDS + 1];
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = read(fd, words, WORDS);
    close(fd);
    if (len <= 0)
        return false;
    words[len] = '\0';
    for (const char *word = words; word < words + len; word += strlen(word) + 1) {
        const char *next = word + strlen(word) + 1;

        if (strcmp(word, "--config") == 0 && next < words + len)
            return strcmp(next, n->run_dir) == 0 && is_of_this_host(pid);
    }
    return false;
}

/* A netavark that works with our directory, or 0. */
static pid_t find(const struct berth_net *n)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    pid_t pid = 0;

    while (d && !pid && (entry = readdir(d)))
        if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
            is_ours(n, entry->d_name))
            pid = (pid_t)strtol(entry->d_name, NULL, 10);
    if (d)
        closedir(d);
    return pid;
}

/* As who began it would have done.  The descriptor first: then what is looked at is killed. */
static void end(struct berth_net *n, pid_t pid)
{
    int fd = pidfd_get(pid);
    char digits[24];

    snprintf(digits, sizeof(digits), "%ld", (long)pid);
    if (fd >= 0 && is_ours(n, digits)) {
        berth_log(n->h, BERTH_LOG_WARNING,
                  "netavark (process %s) of a command that was killed did not end in time and "
                  "is killed",
                  digits);
        pidfd_signal(fd, SIGKILL);
    }
    if (fd >= 0)
        close(fd);
}

int running_wait(struct berth_net *n, struct berth_error *err)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    char *path = na_format("%s/" NOTE, n->run_dir);
    int64_t looks = 0, most = n->timeout > 0 ? n->timeout / PAUSE_NS + 1 : INT64_MAX;
    bool noted = path && access(path, F_OK) == 0;
    pid_t pid;

    free(path);
    if (!noted)
        return 0;
    /* One that is about to begin does not have its name yet: never without a pause. */
    do {
        if (n->h->cancelled(n->h->core))
            return berth_fail(n->h, err, ECANCELED,
                              "waiting for the netavark of a command that was killed");
        nanosleep(&pause, NULL);
        pid = find(n);
        if (pid && ++looks % most == 0) /* again later, should the kernel hold it */
            end(n, pid);
    } while (pid);
    running_forget(n);
    return 0;
}
