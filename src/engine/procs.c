/* SPDX-License-Identifier: Apache-2.0 */
/* procs.c - see procs.h. */
#include "engine/procs.h"
#include "base/fs.h"
#include "base/str.h"
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

#define FILE_MAX (1u << 20)

static int read_file(int64_t pid, const char *name, struct berth_buf *out)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, name);
    return fs_read(path, FILE_MAX, out, NULL);
}

/* What stands behind "Name:" of a status file; NULL: no such line. */
static const char *field(const char *status, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = status; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (strncmp(at, name, len) == 0 && at[len] == ':')
            return at + len + 1;
    return NULL;
}

static int64_t number(const char *status, const char *name, int base, int64_t otherwise)
{
    const char *at = field(status, name);

    return at ? (int64_t)strtoull(at, NULL, base) : otherwise;
}

/* The second number of a line, where there is one: what the namespace calls it. */
static int64_t inner(const char *status, const char *name, bool *nested)
{
    const char *at = field(status, name);
    char *end = NULL;
    int64_t first = at ? strtoll(at, &end, 10) : 0;

    *nested = end && *end == '\t' && isdigit((unsigned char)end[1]);
    return *nested ? strtoll(end, NULL, 10) : first;
}

static void pair(const char *status, const char *name, uint32_t out[2])
{
    const char *at = field(status, name);
    char *end;

    if (!at)
        return;
    out[0] = (uint32_t)strtoul(at, &end, 10);
    out[1] = (uint32_t)strtoul(end, NULL, 10);
}

static void parse_status(const char *text, struct proc_info *p)
{
    static const char *const caps[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    const char *groups = field(text, "Groups"), *state = field(text, "State");
    bool unused;

    p->host_ppid = number(text, "PPid", 10, 0);
    p->pid = inner(text, "NSpid", &p->nested);
    p->pgid = inner(text, "NSpgid", &unused);
    pair(text, "Uid", p->uid);
    pair(text, "Gid", p->gid);
    for (size_t i = 0; i < ARRAY_LEN(caps); i++)
        p->caps[i] = (uint64_t)number(text, caps[i], 16, 0);
    p->seccomp = (int)number(text, "Seccomp", 10, -1);
    p->rss = number(text, "VmRSS", 10, 0);
    p->state = state ? state[strspn(state, " \t")] : '?';
    if (groups) {
        _cleanup_free_ char *line = strndup(groups + 1, strcspn(groups + 1, "\n"));

        if (line)
            list_split(&p->groups, line, ' ', false);
    }
}

static int64_t boot_time(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *at;

    if (fs_read("/proc/stat", FILE_MAX, &text, NULL) < 0)
        return 0;
    at = strstr(buf_str(&text), "\nbtime ");
    return at ? strtoll(at + 7, NULL, 10) : 0;
}

/* "PID (name) S ...": the name may have anything in it, and ends with the last ")". */
static int parse_stat(const char *text, int64_t boot, struct proc_info *p)
{
    const char *open = strchr(text, '('), *end = strrchr(text, ')');
    int64_t ticks = sysconf(_SC_CLK_TCK), value[24] = {0};
    const char *at;

    if (!open || !end || ticks <= 0 || strlen(end) < 4)
        return -EIO;
    p->comm = strndup(open + 1, (size_t)(end - open - 1));
    at = end + 3; /* behind the state, which is field 3 */
    for (size_t i = 4; i < ARRAY_LEN(value); i++) {
        char *next;

        value[i] = strtoll(at, &next, 10);
        at = next;
    }
    p->tty = value[7];
    p->cpu_seconds = (value[14] + value[15]) / ticks;
    p->nice = value[19];
    p->started = value[22] / ticks + boot;
    p->vsz = value[23] / 1024;
    return p->comm ? 0 : -ENOMEM;
}

static int read_texts(struct proc_info *p)
{
    _cleanup_buf_ struct berth_buf args = BUF_INIT, label = BUF_INIT;
    int r = read_file(p->host_pid, "cmdline", &args);

    if (r < 0)
        return r;
    while (args.len && !args.data[args.len - 1])
        args.data[--args.len] = '\0';
    for (size_t i = 0; i < args.len; i++)
        if (!args.data[i])
            args.data[i] = ' ';
    p->args = args.len ? strdup(args.data) : str_printf("[%s]", p->comm);
    if (read_file(p->host_pid, "attr/current", &label) == 0 && label.len)
        label.data[strcspn(label.data, "\n")] = '\0';
    p->label = strdup(label.len ? label.data : "?");
    return p->args && p->label ? 0 : -ENOMEM;
}

static int read_one(int64_t pid, int64_t boot, struct proc_info *p)
{
    _cleanup_buf_ struct berth_buf status = BUF_INIT, stat_text = BUF_INIT;
    int r = read_file(pid, "status", &status);

    p->host_pid = pid;
    if (r == 0)
        r = read_file(pid, "stat", &stat_text);
    if (r < 0)
        return r;
    parse_status(buf_str(&status), p);
    r = parse_stat(buf_str(&stat_text), boot, p);
    return r < 0 ? r : read_texts(p);
}

static void one_free(struct proc_info *p)
{
    list_free(&p->groups);
    free(p->comm);
    free(p->args);
    free(p->label);
}

void procs_free(struct procs *p)
{
    for (size_t i = 0; i < p->n; i++)
        one_free(&p->list[i]);
    free(p->list);
}

static ino_t namespace_of(int64_t pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/ns/pid", pid);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int by_pid(const void *a, const void *b)
{
    const struct proc_info *x = a, *y = b;

    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Parents that the container does not see are 0 for it. */
static void find_parents(struct procs *all)
{
    for (size_t i = 0; i < all->n; i++)
        for (size_t j = 0; j < all->n; j++)
            if (all->list[j].host_pid == all->list[i].host_ppid)
                all->list[i].ppid = all->list[j].pid;
}

static int add(struct procs *all, size_t *room, int64_t pid, int64_t boot)
{
    int r;

    if (all->n == *room) {
        size_t more = *room ? *room * 2 : 16;
        struct proc_info *grown = reallocarray(all->list, more, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        all->list = grown;
        *room = more;
    }
    all->list[all->n] = (struct proc_info){0};
    r = read_one(pid, boot, &all->list[all->n]);
    if (r == 0)
        all->n++;
    else
        one_free(&all->list[all->n]);
    return r == -ENOMEM ? r : 0;
}

int procs_read(int64_t first, struct procs *out, struct berth_error *err)
{
    ino_t ns = namespace_of(first);
    int64_t boot = boot_time(), pid;
    struct procs all = {0};
    struct dirent *entry;
    size_t room = 0;
    int r = 0;
    DIR *dir;

    if (!ns)
        return fail(err, ESRCH, "process %" PRId64 " of the container is gone", first);
    dir = opendir("/proc");
    if (!dir)
        return fail_errno(err, errno, "open /proc");
    while (r == 0 && (entry = readdir(dir)))
        if (str_to_i64(entry->d_name, &pid) == 0 && namespace_of(pid) == ns)
            r = add(&all, &room, pid, boot);
    closedir(dir);
    if (r < 0) {
        procs_free(&all);
        return fail(err, ENOMEM, "out of memory");
    }
    SORT(all.list, all.n, by_pid);
    find_parents(&all);
    *out = all;
    return 0;
}
