/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_seccomp_builtin.c - the seccomp profile of hosts that have none installed.
 *
 * What it lets pass is what the profile of containers-common of Debian 12 lets pass, so
 * that a container behaves the same with and without that package.  It is kept as a table
 * and turned into a profile only when it is asked for.
 */
#include "engine/spec_priv.h"

/* Calls that nobody needs, or that only the host should make: EPERM, not ENOSYS, so that
 * programs do not fall back to something worse. */
static const char refused[] =
    "bdflush io_pgetevents kexec_file_load kexec_load migrate_pages move_pages nfsservctl "
    "nice oldfstat oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read "
    "pciconfig_write sgetmask ssetmask swapcontext swapoff swapon sysfs uselib "
    "userfaultfd ustat vm86 vm86old vmsplice";

static const char allowed[] =
    "_llseek _newselect accept accept4 access adjtimex alarm bind brk capget capset chdir "
    "chmod chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 "
    "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 clone clone3 "
    "close close_range connect copy_file_range creat dup dup2 dup3 epoll_create "
    "epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
    "epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 "
    "fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchown "
    "fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork "
    "fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat fstat64 fstatat64 "
    "fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 futimesat "
    "get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 "
    "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer "
    "getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid "
    "getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt "
    "gettid gettimeofday getuid getuid32 getxattr inotify_add_watch inotify_init "
    "inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit "
    "ioctl ioprio_get ioprio_set ipc keyctl kill landlock_add_rule "
    "landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat "
    "listen listxattr llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise mbind "
    "membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock "
    "mlock2 mlockall mmap mmap2 mount mount_setattr move_mount mprotect mq_getsetattr "
    "mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock "
    "munlockall munmap name_to_handle_at nanosleep newfstatat open open_tree openat "
    "openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pivot_root "
    "pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv "
    "preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 "
    "pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readdir readlink "
    "readlinkat readv reboot recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
    "remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq "
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
    "rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max "
    "sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
    "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
    "seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile "
    "sendfile64 sendmmsg sendmsg sendto set_mempolicy set_robust_list set_thread_area "
    "set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups "
    "setgroups32 setitimer setns setpgid setpriority setregid setregid32 setresgid "
    "setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt "
    "setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaction sigaltstack "
    "signal signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend socketcall "
    "socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync "
    "sync_file_range syncfs syscall sysinfo syslog tee tgkill time timer_create "
    "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
    "timer_settime64 timerfd timerfd_create timerfd_gettime timerfd_gettime64 "
    "timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask "
    "umount umount2 uname unlink unlinkat unshare utime utimensat utimensat_time64 utimes "
    "vfork wait4 waitid waitpid write writev";

/* personality(2): Linux, 32 bits, and with UNAME26, and asking. */
static const uint64_t personalities[] = {0, 8, 0x20000, 0x20008, 0xffffffff};

/* Only some architectures have these. */
static const struct {
    const char *arches, *names;
} by_arch[] = {
    {"ppc64le", "sync_file_range2"},
    {"arm arm64",
     "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"},
    {"amd64 x32", "arch_prctl"},
    {"amd64 x32 x86", "modify_ldt"},
    {"s390 s390x", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"},
};

/* Allowed with the capability, EPERM without. */
static const struct {
    const char *cap, *names;
} by_cap[] = {
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN", "bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname "
                      "sethostname setns"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module finit_module init_module query_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp process_madvise"},
    {"CAP_SYS_RAWIO", "ioperm iopl"},
    {"CAP_SYS_TIME", "clock_settime clock_settime64 settimeofday stime"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
};

static const struct {
    const char *arch, *with;
} arches[] = {
    {"X86_64", "X86 X32"},
    {"AARCH64", "ARM"},
    {"MIPS64", "MIPS MIPS64N32"},
    {"MIPS64N32", "MIPS MIPS64"},
    {"MIPSEL64", "MIPSEL MIPSEL64N32"},
    {"MIPSEL64N32", "MIPSEL MIPSEL64"},
    {"S390X", "S390"},
};

/* Words as members of a JSON array. */
static void put_words(struct berth_buf *out, const char *words, const char *prefix)
{
    const char *comma = "";

    buf_putc(out, '[');
    while (*words) {
        size_t n = strcspn(words, " ");

        buf_printf(out, "%s\"%s%.*s\"", comma, prefix, (int)n, words);
        comma = ",";
        words += n + (words[n] == ' ');
    }
    buf_putc(out, ']');
}

/* One rule; error 0: allow.  `more` is the text of further members. */
static void put_rule(struct berth_buf *out, const char *names, int error, const char *more)
{
    if (out->data[out->len - 1] == '}')
        buf_putc(out, ',');
    buf_puts(out, "{\"names\":");
    put_words(out, names, "");
    if (error)
        buf_printf(out, ",\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":%d%s}", error, more);
    else
        buf_printf(out, ",\"action\":\"SCMP_ACT_ALLOW\"%s}", more);
}

/* Without CAP_AUDIT_WRITE, sockets of the audit subsystem do not exist. */
static void put_sockets(struct berth_buf *out)
{
#define WITHOUT "\"excludes\":{\"caps\":[\"CAP_AUDIT_WRITE\"]}"
#define ARG(index, value, op)                                                                  \
    "{\"index\":" #index ",\"value\":" #value ",\"op\":\"SCMP_CMP_" op "\"}"

    put_rule(out, "socket", EINVAL,
             ",\"args\":[" ARG(0, 16, "EQ") "," ARG(2, 9, "EQ") "]," WITHOUT);
    put_rule(out, "socket", 0, ",\"args\":[" ARG(2, 9, "NE") "]," WITHOUT);
    put_rule(out, "socket", 0, ",\"args\":[" ARG(0, 16, "NE") "]," WITHOUT);
    put_rule(out, "socket", 0, ",\"args\":[" ARG(2, 9, "NE") "]," WITHOUT);
    put_rule(out, "socket", 0, ",\"includes\":{\"caps\":[\"CAP_AUDIT_WRITE\"]}");
#undef ARG
#undef WITHOUT
}

int spec_seccomp_builtin(struct berth_buf *out)
{
    _cleanup_buf_ struct berth_buf more = BUF_INIT;

    buf_puts(out, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"archMap\":[");
    for (size_t i = 0; i < ARRAY_LEN(arches); i++) {
        buf_printf(out,
                   "%s{\"architecture\":\"SCMP_ARCH_%s\",\"subArchitectures\":", i ? "," : "",
                   arches[i].arch);
        put_words(out, arches[i].with, "SCMP_ARCH_");
        buf_putc(out, '}');
    }
    if (buf_puts(out, "],\"syscalls\":[") < 0)
        return buf_error(out);
    put_rule(out, refused, EPERM, "");
    put_rule(out, allowed, 0, "");
    for (size_t i = 0; i < ARRAY_LEN(personalities); i++) {
        buf_reset(&more);
        buf_printf(&more, ",\"args\":[{\"index\":0,\"value\":%llu,\"op\":\"SCMP_CMP_EQ\"}]",
                   (unsigned long long)personalities[i]);
        put_rule(out, "personality", 0, buf_str(&more));
    }
    for (size_t i = 0; i < ARRAY_LEN(by_arch); i++) {
        buf_reset(&more);
        buf_puts(&more, ",\"includes\":{\"arches\":");
        put_words(&more, by_arch[i].arches, "");
        buf_putc(&more, '}');
        put_rule(out, by_arch[i].names, 0, buf_str(&more));
    }
    for (size_t i = 0; i < ARRAY_LEN(by_cap); i++) {
        for (int without = 0; without <= 1; without++) {
            buf_reset(&more);
            buf_printf(&more, ",\"%s\":{\"caps\":[\"%s\"]}", without ? "excludes" : "includes",
                       by_cap[i].cap);
            put_rule(out, by_cap[i].names, without ? EPERM : 0, buf_str(&more));
        }
    }
    put_sockets(out);
    buf_puts(out, "]}");
    return buf_error(&more) ? buf_error(&more) : buf_error(out);
}
