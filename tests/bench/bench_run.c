/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_run.c - whole commands against each other, in one run.
 *
 *      bench_run RUNS NAME COMMAND [NAME COMMAND]...
 *
 * Each COMMAND is one string that is cut at blanks and executed as it stands: no shell's
 * start is counted.  (A row that needs one says "sh -c" itself, by way of a script.)  They are
 * run in turn, A B C A B C, after one round that does not count, so that a machine whose speed
 * drifts is fair to all.  Prints a line per command: name, median and minimum of the wall time
 * in milliseconds, median and minimum of processor time, largest resident set in KiB (of the
 * largest process that was waited for), and this one's median and minimum wall time as
 * multiples of the first command's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8
#define WORDS_MAX    64

struct command {
    const char *name, *text;
    char *words[WORDS_MAX + 1];
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
    pid_t pid = vfork();

    if (pid == 0) {
        execvp(c->words[0], c->words);
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

static int cut_words(struct command *c)
{
    char *rest = strdup(c->text), *word;
    int n = 0;

    for (word = rest ? strtok(rest, " ") : NULL; word && n < WORDS_MAX;
         word = strtok(NULL, " "))
        c->words[n++] = word;
    return n && !word ? 0 : -1;
}

/* What the commands print goes nowhere; what this program prints goes where it did. */
static FILE *part_output(void)
{
    int out = fcntl(1, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (out < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        return NULL;
    close(null);
    return fdopen(out, "w");
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
    FILE *out;

    if (runs < 1 || n < 1 || n > COMMANDS_MAX || argc % 2) {
        fprintf(stderr, "usage: bench_run RUNS NAME COMMAND [NAME COMMAND]...\n");
        return 2;
    }
    for (int i = 0; i < n; i++) {
        all[i].name = argv[2 + 2 * i];
        all[i].text = argv[3 + 2 * i];
        all[i].wall = calloc((size_t)runs, sizeof(double));
        all[i].cpu = calloc((size_t)runs, sizeof(double));
        if (!all[i].wall || !all[i].cpu || cut_words(&all[i]) < 0)
            return 1;
    }
    out = part_output();
    if (!out)
        return 1;
    for (int r = -1; r < runs; r++)
        for (int i = 0; i < n; i++)
            run_once(&all[i], r);
    for (int i = 0; i < n; i++) {
        qsort(all[i].wall, (size_t)runs, sizeof(double), compare);
        qsort(all[i].cpu, (size_t)runs, sizeof(double), compare);
        fprintf(out,
                "  %-22s %9.2f ms  min %9.2f  cpu %9.2f  min %9.2f  rss %7ld KiB  x%.2f  min "
                "x%.2f\n",
                all[i].name, all[i].wall[runs / 2], all[i].wall[0], all[i].cpu[runs / 2],
                all[i].cpu[0], all[i].rss, all[i].wall[runs / 2] / all[0].wall[runs / 2],
                all[i].wall[0] / all[0].wall[0]);
    }
    for (int i = 0; i < n; i++) {
        free(all[i].wall);
        free(all[i].cpu);
        free(all[i].words[0]);
    }
    return fclose(out) == 0 ? 0 : 1;
}
