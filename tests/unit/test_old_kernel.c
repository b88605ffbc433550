/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_old_kernel.c - paths inside a root and descriptors of processes, with the kernel's help
 * and without it: the same inode, the same error.
 *
 * What a kernel without these calls gives is tried last, as it cannot be undone.
 */
#include <check.h>
#undef fail /* an old name of Check's; ours describes a failure */

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "lib/without.h"
#include "plugins/common/pidfd/pidfd.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char dir[64];
static int root;

/* ------------------------------------------------------------------ a tree */

static void make_file(const char *name, const char *text)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_write_fd(fd, text, strlen(text)), 0);
    close(fd);
}

static void make_tree(void)
{
    static const char *const dirs[] = {"a", "a/b", "a/b/c", "new", "dark"};
    static const struct {
        const char *name, *target;
    } links[] = {
        {"to-file", "file"},
        {"to-dir", "a"},
        {"a/up", ".."},
        {"a/b/up2", "../.."},
        {"out", "../../../../../../.."},
        {"rooted", "/a/b"},
        {"a/rooted-file", "/file"},
        {"a/out-file", "../../../etc/passwd"},
        {"passwd", "/etc/passwd"},
        {"dangling", "new/made"},
        {"dangling-out", "/../../new/made2"},
        {"dangling-slash", "new/made3/"},
        {"to-file-slash", "file/"},
        {"to-dir-slash", "a/"},
        {"to-dot", "."},
        {"to-dots", "a/b/.."},
        {"loop", "loop"},
        {"ping", "a/pong"},
        {"a/pong", "../ping"},
        {"top", "/"},
        {"slashes", "//a///b//"},
        {"a/b/c/long", "../../b/c/../../../a/b/./c/../../../file"},
    };

    strcpy(dir, "/tmp/berth-old.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        ck_assert_int_eq(mkdirat(root, dirs[i], 0755), 0);
    make_file("file", "file");
    make_file("a/file", "a/file");
    make_file("a/b/c/deep", "deep");
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        ck_assert_int_eq(symlinkat(links[i].target, root, links[i].name), 0);
    /* Forty links in a row are allowed, one more is not.  The kernel counts those of a walk
     * that it begins anew, as something was renamed meanwhile, twice: hence 20 where it takes
     * part. */
    for (int i = 0; i <= 41; i++) {
        char name[16], target[16];

        snprintf(name, sizeof(name), "n%d", i);
        snprintf(target, sizeof(target), "n%d", i - 1);
        ck_assert_int_eq(symlinkat(i ? target : "file", root, name), 0);
    }
}

static void remove_tree(void)
{
    close(root);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static int by_kernel(int at, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                           .mode = flags & O_CREAT ? mode : 0,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    long fd;

    do
        fd = syscall(SYS_openat2, at, path, &how, sizeof(how));
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return fd < 0 ? -errno : (int)fd;
}

static bool kernel_can(void)
{
    return syscall(SYS_openat2, -1, ".", NULL, 0) < 0 && errno != ENOSYS;
}

/* ------------------------------------------------------------- paths, one by one */

static const struct {
    const char *path;
    int flags, code;  /* 0: it opens */
    const char *same; /* as what, by plain openat(2) without links; NULL: not looked at */
} cases[] = {
    {"file", O_RDONLY, 0, "file"},
    {"/file", O_RDONLY, 0, "file"},
    {"//a//b/./c/deep", O_RDONLY, 0, "a/b/c/deep"},
    {"", O_RDONLY, ENOENT, NULL},
    {"/", O_RDONLY, 0, "."},
    {".", O_PATH, 0, "."},
    {"..", O_PATH, 0, "."},
    {"/..", O_RDONLY | O_DIRECTORY, 0, "."},
    {"../../..", O_PATH, 0, "."},
    {"a/../..", O_PATH, 0, "."},
    {"a/../../file", O_RDONLY, 0, "file"},
    {"a/b/c/../../file", O_RDONLY, 0, "a/file"},
    {"a/..", O_RDONLY, 0, "."},
    {"a/.", O_RDONLY, 0, "a"},
    {"missing", O_RDONLY, ENOENT, NULL},
    {"missing/..", O_RDONLY, ENOENT, NULL},
    {"missing/x", O_PATH, ENOENT, NULL},
    {"file/x", O_RDONLY, ENOTDIR, NULL},
    {"file/..", O_RDONLY, ENOTDIR, NULL},
    {"file/.", O_RDONLY, ENOTDIR, NULL},
    {"file/", O_RDONLY, ENOTDIR, NULL},
    {"file/", O_PATH, ENOTDIR, NULL},
    {"file", O_PATH | O_DIRECTORY, ENOTDIR, NULL},
    {"missing/", O_RDONLY, ENOENT, NULL},
    {"a/", O_RDONLY, 0, "a"},
    {"a/", O_WRONLY, EISDIR, NULL},
    {"a", O_RDWR, EISDIR, NULL},
    /* links */
    {"to-file", O_RDONLY, 0, "file"},
    {"to-file", O_PATH, 0, "file"},
    {"to-file", O_RDONLY | O_NOFOLLOW, ELOOP, NULL},
    {"to-file", O_PATH | O_NOFOLLOW, 0, "to-file"},
    {"to-file", O_PATH | O_NOFOLLOW | O_DIRECTORY, ENOTDIR, NULL},
    {"to-file", O_PATH | O_DIRECTORY, ENOTDIR, NULL},
    {"to-file", O_RDONLY | O_DIRECTORY, ENOTDIR, NULL},
    {"to-file/", O_RDONLY, ENOTDIR, NULL},
    {"to-file/", O_PATH | O_NOFOLLOW, ENOTDIR, NULL},
    {"to-file-slash", O_RDONLY, ENOTDIR, NULL},
    {"to-file-slash", O_PATH | O_NOFOLLOW, 0, "to-file-slash"},
    {"to-dir", O_RDONLY, 0, "a"},
    {"to-dir", O_RDONLY | O_DIRECTORY, 0, "a"},
    {"to-dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, ENOTDIR, NULL},
    {"to-dir", O_PATH | O_DIRECTORY, 0, "a"},
    {"to-dir/", O_RDONLY | O_NOFOLLOW, 0, "a"},
    {"to-dir/", O_PATH | O_NOFOLLOW, 0, "a"},
    {"to-dir/.", O_PATH | O_NOFOLLOW, 0, "a"},
    {"to-dir/file", O_RDONLY, 0, "a/file"},
    {"to-dir/..", O_RDONLY, 0, "."},
    {"to-dir-slash", O_RDONLY, 0, "a"},
    {"to-dir-slash", O_RDONLY | O_NOFOLLOW, ELOOP, NULL},
    {"to-dir-slash/file", O_RDONLY, 0, "a/file"},
    {"to-dot", O_RDONLY, 0, "."},
    {"to-dots", O_RDONLY, 0, "a"},
    {"to-dots/../file", O_RDONLY, 0, "file"},
    {"slashes", O_RDONLY, 0, "a/b"},
    {"slashes/c", O_PATH, 0, "a/b/c"},
    {"a/b/c/long", O_RDONLY, 0, "file"},
    {"top", O_PATH, 0, "."},
    {"top/a/up/top/file", O_RDONLY, 0, "file"},
    {"a/up", O_RDONLY, 0, "."},
    {"a/up/a/b/up2/file", O_RDONLY, 0, "file"},
    {"rooted", O_RDONLY, 0, "a/b"},
    {"rooted/c/deep", O_RDONLY, 0, "a/b/c/deep"},
    {"rooted/../file", O_RDONLY, 0, "a/file"},
    {"a/rooted-file", O_RDONLY, 0, "file"},
    /* out of it */
    {"out", O_PATH, 0, "."},
    {"out/file", O_RDONLY, 0, "file"},
    {"out/etc/passwd", O_RDONLY, ENOENT, NULL},
    {"a/out-file", O_RDONLY, ENOENT, NULL},
    {"passwd", O_RDONLY, ENOENT, NULL},
    {"../../../../../../../../etc/passwd", O_RDONLY, ENOENT, NULL},
    /* loops */
    {"loop", O_RDONLY, ELOOP, NULL},
    {"loop", O_PATH, ELOOP, NULL},
    {"loop", O_PATH | O_NOFOLLOW, 0, "loop"},
    {"loop/x", O_RDONLY, ELOOP, NULL},
    {"loop/", O_PATH | O_NOFOLLOW, ELOOP, NULL},
    {"ping", O_RDONLY, ELOOP, NULL},
    {"n19", O_RDONLY, 0, "file"},
    {"n40", O_RDONLY, ELOOP, NULL},
    {"n41", O_PATH, ELOOP, NULL},
    /* making */
    {"new/x", O_WRONLY | O_CREAT, 0, "new/x"},
    {"new/x", O_WRONLY | O_CREAT | O_EXCL, EEXIST, NULL},
    {"new/x/", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"new/y/", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"new/y/", O_WRONLY | O_CREAT | O_EXCL, EISDIR, NULL},
    {"new/", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"new", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"new", O_WRONLY | O_CREAT | O_EXCL, EEXIST, NULL},
    {"new/.", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"new/..", O_WRONLY | O_CREAT | O_EXCL, EEXIST, NULL},
    {"/", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"to-file", O_RDWR | O_CREAT, 0, "file"},
    {"to-file", O_RDWR | O_CREAT | O_EXCL, EEXIST, NULL},
    {"to-file", O_RDWR | O_CREAT | O_NOFOLLOW, ELOOP, NULL},
    {"to-file/", O_RDWR | O_CREAT, EISDIR, NULL},
    {"to-dir", O_RDWR | O_CREAT, EISDIR, NULL},
    {"dangling", O_RDONLY, ENOENT, NULL},
    {"dangling", O_WRONLY | O_CREAT | O_EXCL, EEXIST, NULL},
    {"dangling", O_WRONLY | O_CREAT | O_NOFOLLOW, ELOOP, NULL},
    {"dangling", O_WRONLY | O_CREAT, 0, "new/made"},
    {"dangling-out", O_WRONLY | O_CREAT, 0, "new/made2"},
    {"dangling-slash", O_WRONLY | O_CREAT, EISDIR, NULL},
    {"loop", O_WRONLY | O_CREAT, ELOOP, NULL},
    {"missing/x", O_WRONLY | O_CREAT, ENOENT, NULL},
    {"file/x", O_WRONLY | O_CREAT, ENOTDIR, NULL},
};

typedef int opener(int at, const char *path, int flags, mode_t mode);

static void remove_made(void)
{
    static const char *const made[] = {"new/x", "new/made", "new/made2"};

    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        unlinkat(root, made[i], 0);
}

static void all_cases(opener *way, const char *who)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = way(root, cases[i].path, cases[i].flags, 0600);
        struct stat got, want;

        ck_assert_msg(cases[i].code ? fd == -cases[i].code : fd >= 0,
                      "%s: \"%s\" with 0%o gave %s", who, cases[i].path,
                      (unsigned)cases[i].flags, fd < 0 ? strerror(-fd) : "a descriptor");
        if (fd < 0)
            continue;
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fstat(fd, &got), 0);
        ck_assert_int_eq(fstatat(root, cases[i].same, &want, AT_SYMLINK_NOFOLLOW), 0);
        ck_assert_msg(got.st_ino == want.st_ino && got.st_dev == want.st_dev,
                      "%s: \"%s\" is not %s", who, cases[i].path, cases[i].same);
        close(fd);
    }
    remove_made();
}

START_TEST(every_path)
{
    char name[PATH_MAX + 2];
    int fd;

    if (kernel_can())
        all_cases(by_kernel, "kernel");
    all_cases(fs_resolve_in, "resolver");
    all_cases(fs_open_in, "fs_open_in");
    fd = fs_resolve_in(root, "n39", O_RDONLY, 0);
    ck_assert_int_ge(fd, 0);
    close(fd);
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    ck_assert_int_eq(fs_resolve_in(root, name, O_RDONLY, 0), -ENAMETOOLONG);
    memset(name, '/', sizeof(name));
    name[PATH_MAX] = '\0';
    ck_assert_int_eq(fs_resolve_in(root, name, O_RDONLY, 0), -ENAMETOOLONG);
    name[PATH_MAX - 1] = '\0';
    close(fs_resolve_in(root, name, O_RDONLY, 0));
}
END_TEST

/* The links of processes are refused; those that are text are followed. */
START_TEST(links_of_the_kernel)
{
    static const struct {
        const char *path;
        int flags, code;
    } some[] = {
        {"self/root", O_PATH, ELOOP},      {"self/cwd/", O_PATH, ELOOP},
        {"self/exe", O_RDONLY, ELOOP},     {"self/fd/0", O_RDONLY, ELOOP},
        {"self/ns/mnt", O_RDONLY, ELOOP},  {"self/root/etc", O_PATH, ELOOP},
        {"self/stat", O_RDONLY, 0},        {"thread-self/stat", O_RDONLY, 0},
        {"mounts", O_RDONLY, 0},           {"net/dev", O_RDONLY, 0},
        {"self", O_PATH | O_DIRECTORY, 0}, {"self/exe", O_PATH | O_NOFOLLOW, 0},
    };
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), null;

    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, 0);
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        int ours = fs_resolve_in(proc, some[i].path, some[i].flags, 0);

        ck_assert_msg(some[i].code ? ours == -some[i].code : ours >= 0, "%s gave %d",
                      some[i].path, ours);
        if (kernel_can()) {
            int fd = by_kernel(proc, some[i].path, some[i].flags, 0);

            ck_assert_msg((fd < 0 ? fd : 0) == (ours < 0 ? ours : 0), "%s: %d and %d",
                          some[i].path, fd, ours);
            attr_closep(&fd);
        }
        attr_closep(&ours);
    }
    close(null);
    close(proc);
}
END_TEST

/* ---------------------------------------------------------- paths at random */

static unsigned draw(unsigned *seed, unsigned n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % n;
}

START_TEST(random_paths)
{
    static const char *const words[] = {"a",  "b",    "c",       "up",     "up2",  "..",
                                        ".",  "file", "to-file", "to-dir", "top",  "out",
                                        "n0", "n1",   "deep",    "rooted", "ping", "slashes"};
    static const int flags[] = {O_PATH, O_RDONLY, O_PATH | O_NOFOLLOW, O_RDONLY | O_NOFOLLOW,
                                O_RDONLY | O_DIRECTORY};
    unsigned seed = 20261129;

    for (int i = 0; kernel_can() && i < 20000; i++) {
        unsigned n = 1 + draw(&seed, 7), how = draw(&seed, ARRAY_LEN(flags));
        char path[256] = "";
        struct stat one, two;
        int ours, kernels;

        for (unsigned k = 0; k < n; k++) {
            strcat(path, draw(&seed, 8) ? "" : "/");
            strcat(path, words[draw(&seed, ARRAY_LEN(words))]);
            strcat(path, k + 1 < n || !draw(&seed, 6) ? "/" : "");
        }
        ours = fs_resolve_in(root, path, flags[how], 0);
        kernels = by_kernel(root, path, flags[how], 0);
        ck_assert_msg((ours < 0 ? ours : 0) == (kernels < 0 ? kernels : 0),
                      "%s with 0%o: %d, the kernel %d", path, (unsigned)flags[how], ours,
                      kernels);
        if (ours >= 0) {
            ck_assert_int_eq(fstat(ours, &one) | fstat(kernels, &two), 0);
            ck_assert_msg(one.st_ino == two.st_ino, "%s", path);
        }
        attr_closep(&ours);
        attr_closep(&kernels);
    }
}
END_TEST

/* Directories change places with links that lead out, all the time: nobody sees the outside. */
START_TEST(races)
{
    char secret[80];
    pid_t pid;
    int fd;

    snprintf(secret, sizeof(secret), "%s.out", dir);
    ck_assert_int_eq(mkdir(secret, 0755), 0);
    ck_assert_int_eq(mkdirat(root, "in", 0755), 0);
    ck_assert_int_eq(mkdirat(root, "in/d", 0755), 0);
    make_file("in/d/f", "f");
    ck_assert_int_eq(symlinkat("/..", root, "in/l"), 0);
    pid = fork();
    if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        for (;;)
            syscall(SYS_renameat2, root, "in/d", root, "in/l", 2u /* RENAME_EXCHANGE */);
    for (int i = 0; i < 20000; i++) {
        static const char *const paths[] = {"in/d/../../../x", "in/d/f", "in/l/f", "in/d/.."};
        char where[256], name[40];
        ssize_t n;

        fd = fs_resolve_in(root, paths[i % 4], O_PATH, 0);
        ck_assert(fd >= 0 || fd == -ENOENT);
        if (fd < 0)
            continue;
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        n = readlink(name, where, sizeof(where) - 1);
        ck_assert_int_gt(n, 0);
        where[n] = '\0';
        ck_assert_msg(str_starts(where, dir) &&
                          (where[strlen(dir)] == '/' || !where[strlen(dir)]),
                      "%s", where);
        close(fd);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    rmdir(secret);
}
END_TEST

/* Who may not search a directory may not walk through it either, by whatever name. */
START_TEST(rights)
{
    static const char *const paths[] = {"dark/x", "dark/..", "dark/.", "dark/../file", "dark"};
    int status;
    pid_t pid;

    ck_assert_int_eq(fchmodat(root, "dark", 0600, 0), 0);
    ck_assert_int_eq(fchmodat(root, ".", 0755, 0), 0);
    pid = fork();
    if (pid == 0) {
        if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(1);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
            int want = i == 4 ? 0 : -EACCES, ours = fs_resolve_in(root, paths[i], O_PATH, 0);
            int kernels = kernel_can() ? by_kernel(root, paths[i], O_PATH, 0) : ours;

            if ((ours < 0 ? ours : 0) != want || (kernels < 0 ? kernels : 0) != want)
                _exit(10 + (int)i);
        }
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(fchmodat(root, "dark", 0755, 0), 0);
}
END_TEST

/* --------------------------------------------------------------- processes */

static int engine_get(pid_t pid)
{
    int fd = proc_pidfd(pid);

    if (fd < 0)
        errno = -fd;
    return fd < 0 ? -1 : fd;
}

static int engine_signal(int fd, int number)
{
    int r = proc_signal(fd, number);

    if (r < 0)
        errno = -r;
    return r < 0 ? -1 : 0;
}

static const struct {
    int (*get)(pid_t);
    int (*poll)(struct pollfd *, size_t, int);
    int (*signal)(int, int);
} ways[] = {{engine_get, proc_poll, engine_signal}, {pidfd_get, pidfd_poll, pidfd_signal}};

static void *second_thread(void *end)
{
    char byte;

    if (read(*(int *)end, &byte, 1) < 0)
        _exit(2);
    kill(getpid(), SIGKILL); /* no look at what the others of us have left */
    return NULL;
}

/* A child whose first thread ends before the other. */
static pid_t start_headless(int end)
{
    static int kept; /* the first thread's stack goes */
    pid_t pid = fork();
    pthread_t other;

    if (pid != 0)
        return pid;
    kept = end;
    if (pthread_create(&other, NULL, second_thread, &kept) != 0)
        _exit(1);
    pthread_exit(NULL);
}

static void processes(size_t way)
{
    berth_deadline began;
    struct pollfd fds[2];
    int ends[2];
    pid_t pid;

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    /* alive, and it waits as long as it was told */
    pid = fork();
    if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        for (;;)
            pause();
    fds[0] = (struct pollfd){ways[way].get(pid), POLLIN, 0};
    fds[1] = (struct pollfd){ends[0], POLLIN, 0};
    ck_assert_int_ge(fds[0].fd, 0);
    ck_assert_int_eq(fcntl(fds[0].fd, F_GETFD), FD_CLOEXEC);
    began = time_monotonic();
    ck_assert_int_eq(ways[way].poll(fds, 1, 50), 0);
    ck_assert(time_monotonic() - began >= 49000000);
    ck_assert_int_eq(ways[way].poll(fds, 2, 0), 0);
    /* others beside it are seen */
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(ways[way].poll(fds, 2, -1), 1);
    ck_assert_int_eq(fds[0].revents, 0);
    ck_assert_int_eq(fds[1].revents, POLLIN);
    /* signals arrive; a zombie has ended, and takes signals */
    ck_assert_int_eq(ways[way].signal(fds[0].fd, 0), 0);
    ck_assert_int_eq(ways[way].signal(fds[0].fd, SIGKILL), 0);
    ck_assert_int_eq(ways[way].poll(fds, 1, -1), 1);
    ck_assert_int_eq(fds[0].revents & POLLIN, POLLIN);
    ck_assert_int_eq(ways[way].poll(fds, 2, -1), 2);
    /* once reaped, nobody has the number */
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(ways[way].poll(fds, 1, -1), 1);
    ck_assert_int_eq(ways[way].signal(fds[0].fd, SIGKILL), -1);
    ck_assert_int_eq(errno, ESRCH);
    close(fds[0].fd);
    ck_assert_int_eq(ways[way].get(pid), -1);
    ck_assert_int_eq(errno, ESRCH);
    ck_assert_int_eq(ways[way].get(0), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(ways[way].get(-1), -1);
    ck_assert_int_eq(errno, EINVAL);
    close(ends[0]);
    close(ends[1]);
}

static void headless(size_t way)
{
    char path[40], text[512];
    struct pollfd p = {.events = POLLIN};
    int ends[2], fd;
    ssize_t n = 0;
    pid_t pid;

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid = start_headless(ends[0]);
    p.fd = ways[way].get(pid);
    ck_assert_int_ge(p.fd, 0);
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = read(fd, text, sizeof(text) - 1);
        text[MAX(n, 0)] = '\0';
        close(fd);
    } while (n > 0 && !strstr(text, ") Z "));
    ck_assert_int_eq(ways[way].poll(&p, 1, 30), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(ways[way].poll(&p, 1, -1), 1);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(p.fd);
    close(ends[0]);
    close(ends[1]);
}

static void closes_from(void)
{
    int status, one = open("/dev/null", O_RDONLY), two = fcntl(one, F_DUPFD, 200);
    pid_t pid;

    proc_close_from(two, true);
    ck_assert_int_eq(fcntl(one, F_GETFD), 0);
    ck_assert_int_eq(fcntl(two, F_GETFD), FD_CLOEXEC);
    pid = fork();
    if (pid == 0) {
        proc_close_from(one, false);
        _exit(fcntl(one, F_GETFD) >= 0 || fcntl(two, F_GETFD) >= 0 || fcntl(2, F_GETFD) < 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(one);
    close(two);
}

START_TEST(with_pidfds)
{
    processes((size_t)_i);
    headless((size_t)_i);
    closes_from();
}
END_TEST

/* Linux 5.2: signals are sent to directories in /proc, too; below, that of before 5.1. */
START_TEST(without_pidfd_open)
{
    ck_assert_int_eq(without_syscalls("openat2,pidfd_open"), 0);
    ck_assert_int_eq(by_kernel(root, "file", O_RDONLY, 0), -ENOSYS);
    all_cases(fs_open_in, "without openat2");
    processes((size_t)_i);
    headless((size_t)_i);
}
END_TEST

START_TEST(without_signals)
{
    ck_assert_int_eq(without_syscalls("pidfd_open,pidfd_send_signal,close_range"), 0);
    processes((size_t)_i);
    headless((size_t)_i);
    closes_from();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("old_kernel");
    TCase *c = tcase_create("all");
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, c);
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, make_tree, remove_tree);
    tcase_add_test(c, every_path);
    tcase_add_test(c, links_of_the_kernel);
    tcase_add_test(c, random_paths);
    tcase_add_test(c, races);
    tcase_add_test(c, rights);
    tcase_add_loop_test(c, with_pidfds, 0, ARRAY_LEN(ways));
    tcase_add_loop_test(c, without_pidfd_open, 0, ARRAY_LEN(ways));
    tcase_add_loop_test(c, without_signals, 0, ARRAY_LEN(ways));
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
