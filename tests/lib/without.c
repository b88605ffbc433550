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

static int add(struct sock_filter *at, const char *name, size_t len)
{
    for (size_t i = 0; i < N_CALLS; i++) {
        if (strlen(calls[i].name) != len || memcmp(calls[i].name, name, len) != 0)
            continue;
        at[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
        at[1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
        return 0;
    }
    errno = EINVAL;
    return -1;
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
        size_t len = strcspn(names, ",");

        if (program.len > 2 * N_CALLS || add(code + program.len, names, len) < 0) {
            errno = EINVAL;
            return -1;
        }
        program.len += 2;
        names += len + (names[len] == ',');
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (install(&program) < 0)
        return -1;
    /* A test of what is there would say nothing. */
    for (unsigned i = 1; i + 1u < program.len; i += 2)
        if (syscall((long)code[i].k, -1, NULL, NULL, NULL) >= 0 || errno != ENOSYS) {
            errno = EEXIST;
            return -1;
        }
    return 0;
}
