/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - see usage.h. */
#include "engine/usage.h"
#include "base/fs.h"
#include "base/str.h"
#include <inttypes.h>

#define CGROUPS  "/sys/fs/cgroup"
#define FILE_MAX (1u << 20)

/* The container's group, which has its ID in its name: its processes may have gone, or been put
 * by a runtime, into groups below that. */
static void cut_behind(char *path, const char *id)
{
    char *at = strstr(path, id);

    if (at)
        at[strcspn(at, "/")] = '\0';
}

/* The directory of a container for one controller of version 1, or of version 2 for all. */
static char *directory(const char *groups, const char *controller, const char *id)
{
    _cleanup_list_ struct berth_list lines = LIST_INIT;

    list_split(&lines, groups, '\n', false);
    for (size_t i = 0; i < lines.n; i++) {
        char *names = strchr(lines.items[i], ':'),
             *path = names ? strchr(names + 1, ':') : NULL;
        _cleanup_list_ struct berth_list words = LIST_INIT;

        if (!path)
            continue;
        *path++ = '\0';
        cut_behind(path, id);
        list_split(&words, names + 1, ',', false);
        if (controller ? list_has(&words, controller) : !names[1])
            return controller ? str_printf(CGROUPS "/%s%s", controller, path)
                              : str_printf(CGROUPS "%s", path);
    }
    return NULL;
}

static int read_in(const char *dir, const char *name, struct berth_buf *out)
{
    _cleanup_free_ char *path = dir ? path_join(dir, name) : NULL;

    return path ? fs_read(path, FILE_MAX, out, NULL) : -ENOENT;
}

/* The first number of a file. */
static uint64_t number_in(const char *dir, const char *name)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    return read_in(dir, name, &text) == 0 ? strtoull(buf_str(&text), NULL, 10) : 0;
}

/* All numbers that stand behind a word, added up. */
static uint64_t sum_behind(const char *text, const char *word)
{
    size_t len = strlen(word);
    uint64_t sum = 0;

    for (const char *at = text; (at = strstr(at, word)); at += len)
        if (at > text && (at[-1] == ' ' || at[-1] == '\n'))
            sum += strtoull(at + len, NULL, 10);
    return sum;
}

static uint64_t machine_memory(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *at;

    if (fs_read("/proc/meminfo", FILE_MAX, &text, NULL) < 0)
        return 0;
    at = strstr(buf_str(&text), "MemTotal:");
    return at ? strtoull(at + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
}

static void read_version1(const char *groups, const char *id, struct usage *u)
{
    _cleanup_free_ char *cpu = directory(groups, "cpuacct", id);
    _cleanup_free_ char *memory = directory(groups, "memory", id);
    _cleanup_free_ char *pids = directory(groups, "pids", id);
    _cleanup_free_ char *blkio = directory(groups, "blkio", id);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    u->cpu = (int64_t)number_in(cpu, "cpuacct.usage");
    u->memory = number_in(memory, "memory.usage_in_bytes");
    u->limit = number_in(memory, "memory.limit_in_bytes");
    u->pids = number_in(pids, "pids.current");
    if (read_in(blkio, "blkio.throttle.io_service_bytes_recursive", &text) < 0)
        read_in(blkio, "blkio.io_service_bytes_recursive", &text);
    u->read = sum_behind(buf_str(&text), "Read ");
    u->written = sum_behind(buf_str(&text), "Write ");
}

static void read_version2(const char *groups, const char *id, struct usage *u)
{
    _cleanup_free_ char *dir = directory(groups, NULL, id);
    _cleanup_buf_ struct berth_buf cpu = BUF_INIT, io = BUF_INIT;
    const char *at;

    if (read_in(dir, "cpu.stat", &cpu) == 0 && (at = str_starts(buf_str(&cpu), "usage_usec ")))
        u->cpu = (int64_t)strtoull(at, NULL, 10) * 1000;
    u->memory = number_in(dir, "memory.current");
    u->limit = number_in(dir, "memory.max"); /* "max" is no number */
    u->pids = number_in(dir, "pids.current");
    if (read_in(dir, "io.stat", &io) == 0) {
        u->read = sum_behind(buf_str(&io), "rbytes=");
        u->written = sum_behind(buf_str(&io), "wbytes=");
    }
}

/* "  eth0: BYTES (seven other numbers) BYTES ..." */
static void read_network(int64_t pid, struct usage *u)
{
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/net/dev", pid);
    if (fs_read(path, FILE_MAX, &text, NULL) < 0)
        return;
    list_split(&lines, buf_str(&text), '\n', false);
    for (size_t i = 0; i < lines.n; i++) {
        const char *name = lines.items[i] + strspn(lines.items[i], " ");
        char *at = strchr(lines.items[i], ':');
        uint64_t value[9] = {0};

        if (!at || str_starts(name, "lo:"))
            continue;
        at++;
        for (size_t n = 0; n < ARRAY_LEN(value); n++)
            value[n] = strtoull(at, &at, 10);
        u->received += value[0];
        u->sent += value[8];
    }
}

int usage_read(const char *id, int64_t pid, bool own_network, struct usage *out,
               struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf groups = BUF_INIT;
    uint64_t machine = machine_memory();
    char path[64];

    *out = (struct usage){0};
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/cgroup", pid);
    if (pid <= 0 || fs_read(path, FILE_MAX, &groups, NULL) < 0)
        return fail(err, ESRCH, "the container has ended");
    if (access(CGROUPS "/cgroup.controllers", F_OK) == 0)
        read_version2(buf_str(&groups), id, out);
    else
        read_version1(buf_str(&groups), id, out);
    if (!out->limit || (machine && out->limit > machine))
        out->limit = machine;
    if (own_network)
        read_network(pid, out);
    return 0;
}
