/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_floor.c - the least that running a container can cost: conmon and the runtime, called
 * one after the other by a program that does nothing else.
 *
 *      bench_floor RUNTIME BUNDLE WORK
 *      bench_floor RUNTIME BUNDLE WORK ID PROCESS
 *
 * BUNDLE has a config.json that berth made.  Creates, starts, waits for the exit file,
 * deletes.  With ID, a running container, the process described in the file PROCESS is executed
 * in it; BUNDLE is any directory.  The programs that FLOOR_SETUP and FLOOR_TEARDOWN name, if
 * any, are called before and after: for networks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void die(const char *what)
{
    fprintf(stderr, "bench_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void run(const char *const *argv)
{
    int status;
    pid_t pid;

    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        die(argv[0]);
    if (waitpid(pid, &status, 0) < 0 || status != 0)
        die(argv[0]);
}

/* conmon reports the container's process on its sync pipe, descriptor 3. */
static void start_conmon(const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    char line[512];
    int sync[2], status;
    ssize_t n;
    pid_t pid;

    if (pipe2(sync, O_CLOEXEC) < 0)
        die("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sync[1], 3);
    setenv("_OCI_SYNCPIPE", "3", 1);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) !=
        0)
        die("conmon");
    close(sync[1]);
    n = read(sync[0], line, sizeof(line) - 1);
    if (n <= 0 || !memmem(line, (size_t)n, "\"data\"", 6) || memmem(line, (size_t)n, "-1", 2))
        die("conmon did not create the container");
    if (waitpid(pid, &status, 0) < 0)
        die("conmon");
    close(sync[0]);
}

static void await_file(int watch, const char *path)
{
    struct pollfd p = {watch, POLLIN, 0};
    char events[4096];

    while (access(path, F_OK) != 0) {
        if (poll(&p, 1, 10000) <= 0)
            die("no exit file");
        if (read(watch, events, sizeof(events)) < 0)
            die("inotify");
    }
}

static void call_out(const char *name)
{
    const char *program = getenv(name);

    if (program)
        run((const char *[]){program, NULL});
}

struct files {
    char exits[512], log[1024], pid[1024], monitor[1024];
};

/* Of a container, or, with SPEC, of a session in it. */
static void monitor(const struct files *f, const char *runtime, const char *bundle,
                    const char *container, const char *id, const char *spec)
{
    start_conmon((const char *[]){"conmon",
                                  "--api-version",
                                  "1",
                                  "-c",
                                  container,
                                  "-u",
                                  id,
                                  "-r",
                                  runtime,
                                  "-b",
                                  bundle,
                                  "-p",
                                  f->pid,
                                  "-n",
                                  id,
                                  "--exit-dir",
                                  f->exits,
                                  "--full-attach",
                                  "-l",
                                  spec ? "none" : f->log,
                                  "--log-level",
                                  "warning",
                                  "--conmon-pidfile",
                                  f->monitor,
                                  spec ? "-e" : NULL,
                                  "--exec-process-spec",
                                  spec,
                                  NULL});
}

int main(int argc, char **argv)
{
    struct files f;
    char id[64], exit_file[1024];
    const char *container;
    int watch;

    if (argc != 4 && argc != 6)
        return 2;
    snprintf(id, sizeof(id), "floor%d", getpid());
    container = argc == 6 ? argv[4] : id;
    snprintf(f.exits, sizeof(f.exits), "%s/exits", argv[3]);
    snprintf(exit_file, sizeof(exit_file), "%s/%s", f.exits, container);
    snprintf(f.log, sizeof(f.log), "k8s-file:%s/%s.log", argv[3], id);
    snprintf(f.pid, sizeof(f.pid), "%s/%s.pid", argv[3], id);
    snprintf(f.monitor, sizeof(f.monitor), "%s/%s.conmon", argv[3], id);
    mkdir(f.exits, 0755);
    watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, f.exits, IN_MOVED_TO | IN_CREATE) < 0)
        die("inotify");
    if (argc == 4)
        call_out("FLOOR_SETUP");
    monitor(&f, argv[1], argv[2], container, id, argc == 6 ? argv[5] : NULL);
    if (argc == 4)
        run((const char *[]){argv[1], "start", id, NULL});
    await_file(watch, exit_file);
    if (argc == 4) {
        run((const char *[]){argv[1], "delete", "--force", id, NULL});
        call_out("FLOOR_TEARDOWN");
        unlink(f.log + strlen("k8s-file:"));
    }
    unlink(exit_file);
    unlink(f.pid);
    unlink(f.monitor);
    return 0;
}
