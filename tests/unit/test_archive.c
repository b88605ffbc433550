/* SPDX-License-Identifier: Apache-2.0 */
/* test_archive.c - trees of files into archives and out of them, tricks of archives, copies. */
#include <check.h>
#undef fail /* an old name of Check's; ours describes a failure */

#include "base/archive.h"
#include "base/fs.h"
#include "base/fs_copy.h"
#include "base/str.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static char dir[64];
static char top[4096]; /* of the source tree; tests leave the directory they start in */
static int root;       /* directory that archives are unpacked into, one level down */

static void make_dir(void)
{
    strcpy(dir, "/tmp/berth-tar.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(mkdir("root", 0755), 0);
    root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root, 0);
}

static void remove_dir(void)
{
    close(root);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static int corpus(const char *name)
{
    char path[4200];
    int fd;

    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/tar/%s", top, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s", path);
    return fd;
}

static int unpack_fd(int fd, const struct archive_unpack *how, struct berth_error *err)
{
    _cleanup_tar_reader_ struct tar_reader r;

    tar_reader_init(&r, fd);
    return archive_unpack(&r, how, err);
}

static int unpack(const char *name, struct berth_error *err)
{
    _cleanup_close_ int fd = corpus(name);

    return unpack_fd(fd, &(struct archive_unpack){.root = root}, err);
}

static void has_content(const char *path, const char *text)
{
    _cleanup_buf_ struct berth_buf b = BUF_INIT;

    ck_assert_int_eq(fs_read(path, 1 << 20, &b, NULL), 0);
    ck_assert_str_eq(buf_str(&b), text);
}

/* ----------------------------------------------------------------- formats */

static const char *const formats[] = {"v7", "oldgnu", "gnu", "ustar", "posix"};

START_TEST(reads_format)
{
    struct stat a, hard, fifo;
    char target[8] = "";

    ck_assert_int_eq(unpack(formats[_i], NULL), 0);
    has_content("root/d/a", "hi\n");
    ck_assert_int_eq(stat("root/d/a", &a), 0);
    ck_assert_int_eq(stat("root/d/hard", &hard), 0);
    ck_assert_int_eq(a.st_ino, hard.st_ino);
    ck_assert_int_eq(readlink("root/d/sym", target, 7), 1);
    ck_assert_str_eq(target, "a");
    if (!str_eq(formats[_i], "v7")) { /* has none */
        ck_assert_int_eq(lstat("root/d/p", &fifo), 0);
        ck_assert(S_ISFIFO(fifo.st_mode));
    }
}
END_TEST

static const char *const sparse[] = {"gnu-sparse", "pax-sparse-0.0", "pax-sparse-0.1",
                                     "pax-sparse-1.0"};

START_TEST(reads_sparse_file)
{
    _cleanup_buf_ struct berth_buf b = BUF_INIT;
    struct stat st;

    ck_assert_int_eq(unpack(sparse[_i], NULL), 0);
    ck_assert_int_eq(fs_read("root/d/sparse", 1 << 20, &b, NULL), 0);
    ck_assert_uint_eq(b.len, 300003);
    ck_assert_int_eq(memcmp(b.data + 100000, "mid", 3), 0);
    ck_assert_int_eq(memcmp(b.data + 300000, "end", 3), 0);
    ck_assert_int_eq(b.data[0], 0);
    ck_assert_int_eq(stat("root/d/sparse", &st), 0);
    ck_assert_int_lt(st.st_blocks * 512, 100000);
}
END_TEST

START_TEST(reads_long_names_and_attributes)
{
    char name[200] = "root/d/sub/", value[8];

    ck_assert_int_eq(unpack("gnu-long", NULL), 0);
    memset(name + 11, 'x', 120);
    has_content(name, "z\n");
    ck_assert_int_eq(unpack("pax-xattr", NULL), 0);
    if (getxattr("root/d/a", "user.foo", value, sizeof(value)) < 0)
        ck_assert_int_eq(errno, ENOTSUP);
    else
        ck_assert_int_eq(memcmp(value, "\0bar", 4), 0);
}
END_TEST

/* ------------------------------------------------------------------ tricks */

START_TEST(refuses_what_leads_out)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    ck_assert_int_eq(unpack("dotdot", &err), -EUCLEAN);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "\"../evil\" is outside of"));
    error_clear(&err);
    ck_assert_int_eq(unpack("hard", &err), -EUCLEAN);
    ck_assert_int_eq(faccessat(root, "../evil", F_OK, 0), -1);
}
END_TEST

/* Through a link to "..", and an absolute one: both stay inside.  /tmp of the root is not
 * there, and is not made by a link to it. */
START_TEST(links_stay_inside)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    ck_assert_int_lt(unpack("links", &err), 0);
    has_content("root/abs", "x");
    has_content("root/evil", "x");
    ck_assert(!fs_exists("evil"));
    ck_assert(!fs_exists("/tmp/evil2"));
    error_clear(&err);
    ck_assert_int_eq(mkdirat(root, "tmp", 0755), 0);
    ck_assert_int_lt(unpack("links", &err), 0); /* etc/passwd is not there to be linked */
    has_content("root/tmp/evil2", "x");
}
END_TEST

START_TEST(replaces_but_merges_directories)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct archive_unpack strict = {.root = root, .keep_kind = true};
    _cleanup_close_ int fd = corpus("replaced");
    struct stat st;

    ck_assert_int_eq(mkdirat(root, "p", 0755), 0);
    ck_assert_int_eq(mkdirat(root, "p/other", 0755), 0);
    ck_assert_int_eq(unpack_fd(fd, &strict, &err), -EISDIR);
    ck_assert(fs_exists("root/p/other") && fs_exists("root/p/q/r"));
    ck_assert_int_eq(unpack("replaced", NULL), 0);
    ck_assert(!fs_exists("root/p/other") && !fs_exists("root/p/q"));
    ck_assert_int_eq(stat("root/p/z", &st), 0);
    ck_assert(S_ISFIFO(st.st_mode));
}
END_TEST

START_TEST(says_what_is_no_archive)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_close_ int fd = open("rubbish", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char rubbish[2048];
    struct archive_unpack how = {.root = root};

    ck_assert_int_eq(unpack_fd(fd, &how, &err), 0); /* empty: podman takes it, too */
    memset(rubbish, 'g', sizeof(rubbish));
    ck_assert_int_eq(fs_write_fd(fd, rubbish, sizeof(rubbish)), 0);
    lseek(fd, 0, SEEK_SET);
    ck_assert_int_eq(unpack_fd(fd, &how, &err), -EUCLEAN);
    ck_assert_str_eq(error_text(&err), "archive/tar: invalid tar header");
    error_clear(&err);
    ck_assert_int_eq(ftruncate(fd, 700), 0);
    lseek(fd, 600, SEEK_SET);
    ck_assert_int_eq(unpack_fd(fd, &how, &err), -EUCLEAN);
}
END_TEST

/* --------------------------------------------------------------- both ways */

static int pack(const char *path, const char *name)
{
    _cleanup_tar_writer_ struct tar_writer w;
    int fd = open("out.tar", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    tar_writer_init(&w, fd);
    ck_assert_int_eq(
        archive_pack(&w, &(struct archive_pack){.root = root, .path = path, .name = name},
                     NULL),
        0);
    ck_assert_int_eq(tar_end(&w, NULL), 0);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int rename_first(void *arg, struct tar_entry *e, struct berth_error *err)
{
    (void)err;
    ++*(int *)arg;
    if (str_ends(e->name, "skipped"))
        return 1;
    e->uid = 12;
    return 0;
}

START_TEST(packs_and_unpacks)
{
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1000000000, .tv_nsec = 5}};
    int n = 0;
    struct archive_unpack how = {.root = root, .path = "back", .each = rename_first, .arg = &n};
    _cleanup_close_ int fd = -1;
    struct stat st;

    ck_assert_int_eq(mkdir("root/in", 0755), 0);
    ck_assert_int_eq(mkdir("root/back", 0755), 0);
    ck_assert_int_eq(mkdir("root/in/closed", 0555), 0);
    ck_assert_int_eq(fs_replace("root/in/a", "hi\n", 3, 0640, false, NULL), 0);
    ck_assert_int_eq(fs_replace("root/in/skipped", "", 0, 0640, false, NULL), 0);
    ck_assert_int_eq(link("root/in/a", "root/in/closed/b"), 0);
    ck_assert_int_eq(symlink("/etc", "root/in/l"), 0);
    ck_assert_int_eq(truncate("root/in/a", 200000), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, "root/in/closed", times, 0), 0);
    fd = pack("in", "top");
    ck_assert_int_eq(unpack_fd(fd, &how, NULL), 0);
    ck_assert_int_eq(n, 6);
    ck_assert_int_eq(stat("root/back/top/closed", &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0555);
    ck_assert_int_eq(st.st_mtim.tv_sec, 1000000000);
    ck_assert_uint_eq(st.st_uid, 12);
    ck_assert_int_eq(stat("root/back/top/closed/b", &st), 0);
    ck_assert_int_eq(st.st_nlink, 2);
    ck_assert_int_eq(st.st_size, 200000);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
    ck_assert(!fs_exists("root/back/top/skipped"));
}
END_TEST

/* What podman 4.3 wrote of the same files, byte for byte. */
START_TEST(writes_what_podman_writes)
{
    _cleanup_buf_ struct berth_buf ours = BUF_INIT, theirs = BUF_INIT;
    _cleanup_close_ int fd = corpus("podman"), out = -1;

    ck_assert_int_eq(unpack_fd(fd, &(struct archive_unpack){.root = root}, NULL), 0);
    out = pack(NULL, NULL);
    lseek(fd, 0, SEEK_SET);
    ck_assert_int_eq(fs_read_fd(out, "ours", 1 << 20, &ours, NULL), 0);
    ck_assert_int_eq(fs_read_fd(fd, "podman's", 1 << 20, &theirs, NULL), 0);
    ck_assert_uint_eq(ours.len, theirs.len);
    ck_assert_int_eq(memcmp(ours.data, theirs.data, ours.len), 0);
}
END_TEST

static const char *const programs[] = {"gzip", "bzip2", "xz", "zstd"};

START_TEST(reads_compressed)
{
    char command[4300];
    int plain, ends[2], file;
    pid_t pid;

    snprintf(command, sizeof(command), "%s -c <%s/tests/fuzz/corpus/tar/ustar >packed",
             programs[_i], top);
    if (system(command) != 0)
        return; /* the program is not here */
    for (int piped = 0; piped < 2; piped++) {
        file = open("packed", O_RDONLY | O_CLOEXEC);
        if (piped) {
            char bytes[8192];
            ssize_t n = read(file, bytes, sizeof(bytes));

            close(file);
            ck_assert_int_eq(pipe(ends), 0);
            ck_assert_int_eq(write(ends[1], bytes, (size_t)n), n);
            close(ends[1]);
            file = ends[0];
        }
        ck_assert_int_eq(archive_plain(file, &plain, &pid, NULL), 0);
        ck_assert_int_ne(plain, file);
        ck_assert_int_eq(unpack_fd(plain, &(struct archive_unpack){.root = root}, NULL), 0);
        ck_assert_int_eq(archive_plain_end(file, plain, pid, NULL), 0);
        close(file);
        has_content("root/d/a", "hi\n");
        ck_assert_int_eq(fs_remove_tree("root/d", NULL), 0);
    }
}
END_TEST

/* In the copy, too, names of one file are names of one file. */
START_TEST(copies_names)
{
    static const char *const names[] = {"from/a/f", "from/b/c/f", "from/f"};
    struct stat st[3];
    int from, to;

    ck_assert_int_eq(fs_mkdir_p("from/a", 0755, NULL), 0);
    ck_assert_int_eq(fs_mkdir_p("from/b/c", 0755, NULL), 0);
    ck_assert_int_eq(fs_mkdir_p("to", 0755, NULL), 0);
    ck_assert_int_eq(fs_replace(names[0], "x", 1, 0640, false, NULL), 0);
    for (size_t i = 1; i < 3; i++)
        ck_assert_int_eq(link(names[0], names[i]), 0);
    from = open("from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    to = open("to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(fs_copy_tree(from, to, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(fstatat(to, names[i] + 5, &st[i], AT_SYMLINK_NOFOLLOW), 0);
        ck_assert_uint_eq(st[i].st_ino, st[0].st_ino);
        ck_assert_uint_eq(st[i].st_nlink, 3);
    }
    close(from);
    close(to);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("archive");
    TCase *c = tcase_create("all");
    SRunner *runner = srunner_create(s);
    int failed;

    if (!realpath(str_or(getenv("top_srcdir"), "."), top))
        return 1;
    suite_add_tcase(s, c);
    tcase_add_checked_fixture(c, make_dir, remove_dir);
    tcase_add_loop_test(c, reads_format, 0, ARRAY_LEN(formats));
    tcase_add_loop_test(c, reads_sparse_file, 0, ARRAY_LEN(sparse));
    tcase_add_test(c, reads_long_names_and_attributes);
    tcase_add_test(c, refuses_what_leads_out);
    tcase_add_test(c, links_stay_inside);
    tcase_add_test(c, replaces_but_merges_directories);
    tcase_add_test(c, says_what_is_no_archive);
    tcase_add_test(c, packs_and_unpacks);
    tcase_add_test(c, copies_names);
    tcase_add_test(c, writes_what_podman_writes);
    tcase_add_loop_test(c, reads_compressed, 0, ARRAY_LEN(programs));
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
