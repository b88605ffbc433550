/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_go.c - Go's bbolt on the same file, in a process of its own ($BENCH_BOLT, see bolt.go)
 * that times itself.  peer_go opens the file once for all that is timed, and so does the
 * plugin; peer_go_each opens it for every transaction, as podman does, and then the plugin is
 * opened anew too.
 */
#include "tests/bench/bench_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *to, *from;
static pid_t pid;
static const char *mode;

static int start(const char *how, const char *dir)
{
    const char *program = getenv("BENCH_BOLT");
    int in[2], out[2];
    char path[4096];

    mode = how;
    snprintf(path, sizeof(path), "%s/bolt_state.db", dir);
    if (!program || pipe(in) < 0 || pipe(out) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int i = 0; i < 2; i++) {
            close(in[i]);
            close(out[i]);
        }
        execl(program, program, path, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to = fdopen(in[1], "w");
    from = fdopen(out[0], "r");
    return pid > 0 && to && from ? 0 : -1;
}

static int open_once(const char *dir, const struct documents *all, size_t n)
{
    (void)all;
    (void)n;
    return start("once", dir);
}

static int open_each(const char *dir, const struct documents *all, size_t n)
{
    (void)all;
    (void)n;
    return start("each", dir);
}

static double ask(const char *what, size_t n)
{
    double took;

    fprintf(to, "%s %s %zu\n", what, mode, n);
    fflush(to);
    return fscanf(from, "%lf", &took) == 1 ? took : -1;
}

static double go_get(size_t n)
{
    return ask("get", n);
}

static double go_get_again(size_t n)
{
    return ask("again", n);
}

static double go_scan(void)
{
    return ask("scan", 0);
}

static double go_put(size_t n)
{
    return ask("put", n);
}

static void go_close(void)
{
    fclose(to);
    fclose(from);
    waitpid(pid, NULL, 0);
}

const struct peer peer_go = {
    .name = "Go bbolt, held open",
    .open = open_once,
    .get = go_get,
    .get_again = go_get_again,
    .scan = go_scan,
    .put = go_put,
    .close = go_close,
};
const struct peer peer_go_each = {
    .name = "Go bbolt, opened each time",
    .each = 1,
    .open = open_each,
    .get = go_get,
    .get_again = go_get_again,
    .scan = go_scan,
    .put = go_put,
    .close = go_close,
};
