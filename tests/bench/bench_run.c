/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_run.c - whole commands against each other, in one run.
 *
 *      bench_run RUNS NAME COMMAND [NAME COMMAND]...
 *
 * Each COMMAND is one string for /bin/sh -c "exec ...".  They are run in turn, A B C A B C,
 * after one round that does not count, so that a machine whose speed drifts is fair to all.
 * Prints a line per command: name, median and minimum of the wall time in milliseconds,
 * median of processor time, largest resident set in KiB (of the largest process), and the
 * ratio of the first command's median wall time to this one's.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8

struct command {
    const char *name, *text;
    double *wall, *cpu; /* milliseconds, one per run */
    long rss;           /* KiB */
};

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double ms(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static void run_once(struct command *c, int index)
{
    double start = now_ms();
    struct rusage usage;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "r", stdin))
            _exit(126);
        execl("/bin/sh", "sh", "-c", c->text, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
        perror("bench_run");
        exit(1);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "bench_run: %s: %s: status %d\n", c->name, c->text, status);
        exit(1);
    }
    if (index < 0)
        return;
    c->wall[index] = now_ms() - start;
    c->cpu[index] = ms(usage.ru_utime) + ms(usage.ru_stime);
    if (usage.ru_maxrss > c->rss)
        c->rss = usage.ru_maxrss;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct command all[COMMANDS_MAX] = {{0}};
    int runs = argc > 1 ? atoi(argv[1]) : 0, n = (argc - 2) / 2;

    if (runs < 1 || n < 1 || n > COMMANDS_MAX || argc % 2) {
        fprintf(stderr, "usage: bench_run RUNS NAME COMMAND [NAME COMMAND]...\n");
        return 2;
    }
    for (int i = 0; i < n; i++) {
        all[i].name = argv[2 + 2 * i];
        all[i].text = argv[3 + 2 * i];
        all[i].wall = calloc((size_t)runs, sizeof(double));
        all[i].cpu = calloc((size_t)runs, sizeof(double));
        if (!all[i].wall || !all[i].cpu)
            return 1;
    }
    for (int r = -1; r < runs; r++)
        for (int i = 0; i < n; i++)
            run_once(&all[i], r);
    for (int i = 0; i < n; i++) {
        qsort(all[i].wall, (size_t)runs, sizeof(double), compare);
        qsort(all[i].cpu, (size_t)runs, sizeof(double), compare);
        printf("  %-22s %9.2f ms  min %9.2f  cpu %9.2f  rss %7ld KiB  x%.2f\n", all[i].name,
               all[i].wall[runs / 2], all[i].wall[0], all[i].cpu[runs / 2], all[i].rss,
               all[i].wall[runs / 2] / all[0].wall[runs / 2]);
        free(all[i].wall);
        free(all[i].cpu);
    }
    return 0;
}
