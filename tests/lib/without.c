/* SPDX-License-Identifier: Apache-2.0 */
/* without.c - see without.h. */
#include "lib/without.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
    {"openat2", SYS_openat2},
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"close_range", SYS_close_range},
    {"open_tree", SYS_open_tree},
    {"move_mount", SYS_move_mount},
    {"mount_setattr", SYS_mount_setattr},
};
#define N_CALLS (sizeof(calls) / sizeof(*calls))

/* The place in the table, or N_CALLS; the name ends with a comma, too. */
static size_t find(const char *name)
{
    size_t i = 0, len = strcspn(name, ",");

    while (i < N_CALLS &&
           (strlen(calls[i].name) != len || memcmp(calls[i].name, name, len) != 0))
        i++;
    return i;
}

/* Root needs no promise, which would take setuid programs' rights. */
static int install(const struct sock_fprog *program)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program);
}

int without_syscalls(const char *names)
{
    struct sock_filter code[2 * N_CALLS + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    struct sock_fprog program = {.len = 1, .filter = code};

    while (*names) {
        size_t i = find(names);

        if (program.len > 2 * N_CALLS || i == N_CALLS) {
            errno = EINVAL;
            return -1;
        }
        code[program.len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
        code[program.len++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
        names += strcspn(names, ",");
        names += *names == ',';
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return install(&program);
}

int syscalls_gone(const char *names)
{
    while (*names) {
        size_t i = find(names);

        if (i == N_CALLS || syscall((long)calls[i].number, -1, NULL, NULL, NULL) >= 0 ||
            errno != ENOSYS) {
            errno = EEXIST;
            return -1;
        }
        names += strcspn(names, ",");
        names += *names == ',';
    }
    return 0;
}
