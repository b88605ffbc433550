/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c - src/base: buffers, lists, strings, errors, identifiers, paths and files. */
#include <check.h>
#undef fail /* an old name of Check's; ours describes a failure */

#include "base/base64.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include <dirent.h>
#include <fcntl.h>

static char dir[64];

static void make_dir(void)
{
    strcpy(dir, "/tmp/berth-base.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
    ck_assert(!fs_exists(dir));
}

/* -------------------------------------------------------------- buf and list */

START_TEST(buffers)
{
    _cleanup_buf_ struct berth_buf b = BUF_INIT, limited = {.max = 8};
    char *stolen;

    ck_assert_str_eq(buf_str(&b), "");
    ck_assert_int_eq(buf_puts(&b, "ab"), 0);
    ck_assert_int_eq(buf_putc(&b, 'c'), 0);
    ck_assert_int_eq(buf_printf(&b, "%05d", 42), 0);
    ck_assert_int_eq(buf_put(&b, "\0x", 2), 0);
    ck_assert_uint_eq(b.len, 10);
    ck_assert_int_eq(memcmp(b.data, "abc00042\0x", 11), 0); /* with the NUL behind it */
    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%d,", i);
    ck_assert_int_eq(buf_error(&b), 0);
    ck_assert_int_eq(b.data[b.len], '\0');
    buf_reset(&b);
    ck_assert_str_eq(buf_str(&b), "");
    stolen = buf_steal(&b);
    ck_assert_str_eq(stolen, "");
    free(stolen);
    /* The limit is remembered, and so is what was there before. */
    ck_assert_int_eq(buf_puts(&limited, "12345678"), 0);
    ck_assert_int_eq(buf_putc(&limited, '9'), -E2BIG);
    ck_assert_int_eq(buf_put(&limited, "", 0), -E2BIG);
    ck_assert_int_eq(buf_error(&limited), -E2BIG);
    ck_assert_str_eq(buf_str(&limited), "12345678");
    ck_assert_ptr_null(buf_steal(&limited));
    buf_reset(&limited);
    ck_assert_int_eq(buf_puts(&limited, "x"), 0);
    ck_assert_int_eq(buf_reserve(&limited, SIZE_MAX), -E2BIG);
}
END_TEST

/* Examples of RFC 4648, and bytes that are no text. */
static const char *const encoded[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"f\x6f", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"},
                                         {"\xff\xfe\xfb", "//77"}};

START_TEST(base64)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT, back = BUF_INIT;
    struct berth_blob bytes = {encoded[_i][0], strlen(encoded[_i][0])};

    ck_assert_int_eq(base64_encode(bytes, &out), 0);
    ck_assert_str_eq(buf_str(&out), encoded[_i][1]);
    ck_assert_int_eq(base64_decode(encoded[_i][1], &back), 0);
    ck_assert_uint_eq(back.len, bytes.len);
    ck_assert_str_eq(buf_str(&back), encoded[_i][0]);
}
END_TEST

START_TEST(no_base64)
{
    static const char *const texts[] = {
        "Z",      "Zg",   "Zg=",  "Zm9vZ===", "====",     "Zg==Zm9v",
        "Zm9v\n", "Zm9 ", "Zm-_", "Zm=v",     "Zm9vZm8!", "Zm9vZ=8="};
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    buf_puts(&out, "before");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(base64_decode(texts[i], &out) == -EINVAL, "%s", texts[i]);
        ck_assert_str_eq(buf_str(&out), "before");
    }
}
END_TEST

START_TEST(lists)
{
    _cleanup_list_ struct berth_list l = LIST_INIT, parts = LIST_INIT, all = LIST_INIT;
    _cleanup_free_ char *joined = NULL, *empty = NULL;
    const char *const more[] = {"y", "z", NULL};

    ck_assert_ptr_nonnull(list_argv(&l));
    ck_assert_ptr_null(list_argv(&l)[0]);
    empty = list_join(&l, ",");
    ck_assert_str_eq(empty, "");
    ck_assert_int_eq(list_add(&l, "b"), 0);
    ck_assert_int_eq(list_addf(&l, "%s%d", "a", 1), 0);
    ck_assert_int_eq(list_addv(&l, more), 0);
    ck_assert_int_eq(list_addv(&l, NULL), 0);
    ck_assert_int_eq(list_take(&l, strdup("own")), 0);
    ck_assert_uint_eq(l.n, 5);
    ck_assert_ptr_null(l.items[5]);
    ck_assert(list_has(&l, "z") && !list_has(&l, "zz"));
    list_sort(&l);
    joined = list_join(&l, ", ");
    ck_assert_str_eq(joined, "a1, b, own, y, z");
    ck_assert(list_has_sorted(&l, "a1") && list_has_sorted(&l, "z"));
    ck_assert(!list_has_sorted(&l, "a") && !list_has_sorted(&parts, "a"));
    list_unique(&l);
    ck_assert_uint_eq(l.n, 5);
    list_drop(&l, 1);
    list_drop(&l, 3);
    ck_assert_uint_eq(l.n, 3);
    ck_assert_str_eq(l.items[1], "own");
    ck_assert_ptr_null(l.items[3]);
    ck_assert_int_eq(list_split(&parts, "a,,b,", ',', false), 0);
    ck_assert_uint_eq(parts.n, 2);
    ck_assert_int_eq(list_split(&all, "a,,b,", ',', true), 0);
    ck_assert_uint_eq(all.n, 4);
    ck_assert_str_eq(all.items[3], "");
    ck_assert_int_eq(list_take(&l, NULL), -ENOMEM);
    ck_assert_int_eq(l.error, -ENOMEM);
    for (int i = 0; i < 1000; i++)
        list_add(&all, "x");
    ck_assert_uint_eq(all.n, 1004);
    list_sort(&all);
    list_unique(&all);
    ck_assert_uint_eq(all.n, 4);
    ck_assert_str_eq(all.items[3], "x");
    ck_assert_ptr_null(all.items[4]);
}
END_TEST

/* ------------------------------------------------------------------- strings */

START_TEST(numbers)
{
    uint64_t u = 7;
    int64_t i = 7;

    ck_assert_int_eq(str_to_u64("18446744073709551615", &u), 0);
    ck_assert(u == UINT64_MAX);
    ck_assert_int_eq(str_to_u64("18446744073709551616", &u), -ERANGE);
    ck_assert_int_eq(str_to_u64("", &u), -EINVAL);
    ck_assert_int_eq(str_to_u64("-1", &u), -EINVAL);
    ck_assert_int_eq(str_to_u64("+1", &u), -EINVAL);
    ck_assert_int_eq(str_to_u64(" 1", &u), -EINVAL);
    ck_assert_int_eq(str_to_u64("1x", &u), -EINVAL);
    ck_assert_int_eq(str_to_i64("-9223372036854775808", &i), 0);
    ck_assert(i == INT64_MIN);
    ck_assert_int_eq(str_to_i64("9223372036854775807", &i), 0);
    ck_assert(i == INT64_MAX);
    ck_assert_int_eq(str_to_i64("9223372036854775808", &i), -ERANGE);
    ck_assert_int_eq(str_to_i64("-9223372036854775809", &i), -ERANGE);
    ck_assert_int_eq(str_to_i64("-", &i), -EINVAL);
    ck_assert_int_eq(str_to_i64("--1", &i), -EINVAL);
}
END_TEST

static const struct {
    const char *text;
    int64_t bytes; /* negative: the error */
} sizes[] = {
    {"0", 0},          {"1024", 1024},    {"1k", 1024},      {"1K", 1024},
    {"1kb", 1024},     {"1KiB", 1024},    {"1.5m", 1572864}, {"2g", 2147483648},
    {"1t", 1ll << 40}, {"1p", 1ll << 50}, {"10b", 10},       {".5k", 512},
    {"1 k", 1024},     {"", -EINVAL},     {"k", -EINVAL},    {"1x", -EINVAL},
    {"1kk", -EINVAL},  {"-1", -EINVAL},   {"1kbx", -EINVAL}, {"9999p", -ERANGE},
    {".", -EINVAL},    {"1.k", 1024},
};

START_TEST(size_texts)
{
    int64_t bytes = -1;
    int r = str_to_size(sizes[_i].text, &bytes);

    ck_assert_msg(r == (sizes[_i].bytes < 0 ? sizes[_i].bytes : 0), "\"%s\": %d",
                  sizes[_i].text, r);
    if (r == 0)
        ck_assert_msg(bytes == sizes[_i].bytes, "\"%s\": %lld", sizes[_i].text,
                      (long long)bytes);
}
END_TEST

START_TEST(decimal_sizes)
{
    int64_t bytes = -1;

    ck_assert_int_eq(str_to_decimal_size("1.5kB", &bytes), 0);
    ck_assert_int_eq(bytes, 1500);
    ck_assert_int_eq(str_to_decimal_size("2 MiB", &bytes), 0);
    ck_assert_int_eq(bytes, 2000000);
    ck_assert_int_eq(str_to_decimal_size("7", &bytes), 0);
    ck_assert_int_eq(bytes, 7);
    ck_assert_int_eq(str_to_decimal_size("1x", &bytes), -EINVAL);
    ck_assert_int_eq(str_to_decimal_size("9999p", &bytes), -ERANGE);
    ck_assert_int_eq(bytes, 7);
}
END_TEST

START_TEST(bools)
{
    bool on = false;

    ck_assert(str_to_bool("True", &on) == 0 && on);
    ck_assert(str_to_bool("F", &on) == 0 && !on);
    ck_assert(str_to_bool("1", &on) == 0 && on);
    ck_assert_int_eq(str_to_bool("yes", &on), -EINVAL);
    ck_assert_int_eq(str_to_bool("", &on), -EINVAL);
    ck_assert(on);
}
END_TEST

START_TEST(human_sizes)
{
    static const struct {
        double bytes;
        const char *text;
    } samples[] = {{0, "0B"},         {999, "999B"},         {1000, "1kB"},
                   {1536, "1.536kB"}, {65536000, "65.54MB"}, {32e6, "32MB"}};

    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        _cleanup_free_ char *text = str_human_size(samples[i].bytes);

        ck_assert_str_eq(text, samples[i].text);
    }
}
END_TEST

START_TEST(words)
{
    static const char *const keys[] = {"StateType", "LockType", "graph_root", NULL};
    char *s = NULL;

    ck_assert_str_eq(str_nearest("StateTyp", keys), "StateType");
    ck_assert_str_eq(str_nearest("locktype", keys), "LockType");
    ck_assert_str_eq(str_nearest("graphroot", keys), "graph_root");
    ck_assert_ptr_null(str_nearest("completely_other", keys));
    ck_assert_ptr_null(str_nearest("x", keys));
    ck_assert(str_eq(NULL, NULL) && !str_eq("a", NULL) && str_eq("a", "a"));
    ck_assert(str_empty(NULL) && str_empty("") && !str_empty("x"));
    ck_assert_str_eq(str_starts("overlay2", "overlay"), "2");
    ck_assert_ptr_null(str_starts("over", "overlay"));
    ck_assert(str_ends("a.sh", ".sh") && !str_ends("sh", ".sh"));
    ck_assert_int_eq(str_set(&s, "a"), 0);
    ck_assert_int_eq(str_set(&s, "b"), 0);
    ck_assert_str_eq(s, "b");
    ck_assert_int_eq(str_set(&s, NULL), 0);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(errors)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT, other = ERROR_INIT;

    ck_assert_int_eq(fail(&err, ENOENT, "no %s", "such thing"), -ENOENT);
    ck_assert_str_eq(error_text(&err), "no such thing");
    ck_assert_int_eq(error_wrap(&err, "opening %d", 3), -ENOENT);
    ck_assert_int_eq(error_append(&err, "sorry"), -ENOENT);
    ck_assert_str_eq(error_text(&err), "opening 3: no such thing: sorry");
    err.exit_status = 3;
    error_move(&other, &err);
    ck_assert_int_eq(err.code, 0);
    ck_assert_int_eq(other.exit_status, 3);
    ck_assert_int_eq(fail_errno(&other, EACCES, "open %s", "x"), -EACCES);
    ck_assert_str_eq(error_text(&other), "open x: Permission denied");
    ck_assert_int_eq(other.exit_status, 0); /* a new failure */
    ck_assert_int_eq(fail(NULL, EINVAL, "nobody"), -EINVAL);
    ck_assert_int_lt(error_wrap(NULL, "nobody"), 0);
    /* Whoever returned -ENOMEM and said nothing. */
    error_clear(&err);
    ck_assert_int_eq(error_wrap(&err, "adding"), -ENOMEM);
    ck_assert_str_eq(error_text(&err), "adding: Cannot allocate memory");
    error_clear(NULL);
    error_move(NULL, &other);
    ck_assert_int_eq(other.code, 0);
}
END_TEST

START_TEST(identifiers)
{
    char a[ID_LEN + 1], b[ID_LEN + 1], uuid[37];

    id_generate(a);
    id_generate(b);
    ck_assert(id_is_full(a) && id_is_full(b) && strcmp(a, b) != 0);
    ck_assert_uint_lt(strspn(a, "0123456789"), ID_SHORT_LEN);
    a[5] = 'G';
    ck_assert(!id_is_full(a));
    b[ID_LEN - 1] = '\0';
    ck_assert(!id_is_full(b));
    id_uuid(uuid);
    ck_assert_uint_eq(strlen(uuid), 36);
    ck_assert_int_eq(uuid[14], '4');
    ck_assert_ptr_nonnull(strchr("89ab", uuid[19]));
}
END_TEST

/* --------------------------------------------------------------------- paths */

static const struct {
    const char *path, *clean;
} paths[] = {
    {"", "."},
    {".", "."},
    {"/", "/"},
    {"//", "/"},
    {"/..", "/"},
    {"/../a", "/a"},
    {"a", "a"},
    {"./a/.", "a"},
    {"a//b/", "a/b"},
    {"a/..", "."},
    {"a/../..", ".."},
    {"../a/..", ".."},
    {"../../a", "../../a"},
    {"/a/b/../../../c", "/c"},
    {"a/b/../c", "a/c"},
    {"/a/./b//c/..", "/a/b"},
    {"a/...", "a/..."},
    {"/.../x", "/.../x"},
};

START_TEST(clean_paths)
{
    _cleanup_free_ char *clean = path_clean(paths[_i].path);

    ck_assert_str_eq(clean, paths[_i].clean);
}
END_TEST

START_TEST(joined_paths)
{
    _cleanup_free_ char *a = path_join("/", "x"), *b = path_join("/a", "x"), *c = NULL;

    ck_assert_str_eq(a, "/x");
    ck_assert_str_eq(b, "/a/x");
    c = path_absolute("/a/../b");
    ck_assert_str_eq(c, "/b");
    ck_assert_str_eq(path_base("/a/b"), "b");
    ck_assert_str_eq(path_base("b"), "b");
}
END_TEST

/* --------------------------------------------------------------------- files */

static char *at(const char *name)
{
    static char path[4][128];
    static unsigned turn;

    snprintf(path[++turn % 4], 128, "%s/%s", dir, name);
    return path[turn % 4];
}

START_TEST(directories)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct stat st;

    ck_assert_int_eq(fs_mkdir_p(at("a/b/c"), 0700, &err), 0);
    ck_assert_int_eq(stat(at("a/b/c"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(fs_mkdir_p(at("a/b/c"), 0700, &err), 0);
    ck_assert_int_eq(fs_mkdir_p(at("a//d/../e/"), 0755, &err), 0);
    ck_assert(fs_exists(at("a/e")) && !fs_exists(at("a/d")));
    ck_assert_int_eq(fs_replace(at("file"), "x", 1, 0600, false, &err), 0);
    ck_assert_int_eq(fs_mkdir_p(at("file"), 0755, &err), -ENOTDIR);
    ck_assert_int_eq(fs_mkdir_p(at("file/x"), 0755, &err), -ENOTDIR);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "file"));
}
END_TEST

START_TEST(files)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf b = BUF_INIT;
    struct stat st;

    ck_assert_int_eq(fs_read(at("none"), 10, &b, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "none"));
    error_clear(&err);
    ck_assert_int_eq(fs_replace(at("f"), "12345", 5, 0640, true, &err), 0);
    ck_assert_int_eq(stat(at("f"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(fs_read(at("f"), 5, &b, &err), 0);
    ck_assert_str_eq(buf_str(&b), "12345");
    buf_reset(&b);
    ck_assert_int_eq(fs_read(at("f"), 4, &b, &err), -EFBIG);
    ck_assert_int_eq(fs_replace(at("f"), "", 0, 0600, false, &err), 0);
    buf_reset(&b);
    ck_assert_int_eq(fs_read(at("f"), 4, &b, &err), 0);
    ck_assert_uint_eq(b.len, 0);
    /* A directory is in the way: nothing is left behind. */
    ck_assert_int_eq(fs_mkdir_p(at("d/x"), 0755, &err), 0);
    ck_assert_int_lt(fs_replace(at("d"), "x", 1, 0600, false, &err), 0);
    ck_assert_int_eq(fs_remove_tree(at("d"), &err), 0);
    ck_assert(!fs_exists(at("d")));
    ck_assert_int_eq(fs_remove_tree(at("d"), &err), 0);
}
END_TEST

START_TEST(removal_follows_no_links)
{
    ck_assert_int_eq(fs_mkdir_p(at("keep/in"), 0755, NULL), 0);
    ck_assert_int_eq(fs_mkdir_p(at("tree/sub"), 0755, NULL), 0);
    ck_assert_int_eq(symlink(at("keep"), at("tree/sub/link")), 0);
    ck_assert_int_eq(symlink("nowhere", at("tree/dangling")), 0);
    ck_assert_int_eq(fs_remove_tree(at("tree"), NULL), 0);
    ck_assert(fs_exists(at("keep/in")) && !fs_exists(at("tree")));
    ck_assert_int_eq(symlink(at("keep"), at("top")), 0);
    ck_assert_int_eq(fs_remove_tree(at("top"), NULL), 0);
    ck_assert(fs_exists(at("keep/in")));
}
END_TEST

START_TEST(file_locks)
{
    int fd = fs_lock_file(at("lock"), 0600, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
    ck_assert_int_lt(fs_lock_file(at("no/such/lock"), 0600, NULL), 0);
}
END_TEST

/* ------------------------------------------------------------------ programs */

static int run_shell(const char *script, struct berth_buf *out, berth_deadline deadline,
                     struct berth_error *err)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct berth_run run = {.size = sizeof(run),
                            .flags = BERTH_RUN_STDERR_IS_ERROR,
                            .argv = argv,
                            .input = {"in\n", 3},
                            .output = out,
                            .netns_fd = -1,
                            .deadline = deadline};

    return proc_run(&run, err);
}

START_TEST(programs)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    const char *missing[] = {"/no/such/program", NULL};
    struct berth_run none = {
        .size = sizeof(none), .argv = missing, .netns_fd = -1, .deadline = BERTH_WAIT_FOREVER};

    ck_assert_int_eq(run_shell("cat; pwd", &out, BERTH_WAIT_FOREVER, &err), 0);
    ck_assert_str_eq(buf_str(&out), "in\n/\n");
    ck_assert_int_eq(run_shell("echo broken >&2; exit 3", NULL, BERTH_WAIT_FOREVER, &err), 3);
    ck_assert_str_eq(error_text(&err), "broken");
    ck_assert_int_eq(run_shell("kill -TERM $$", NULL, BERTH_WAIT_FOREVER, &err), 128 + 15);
    ck_assert_int_eq(run_shell("sleep 100", NULL, time_monotonic() + 50000000, &err),
                     -ETIMEDOUT);
    ck_assert_int_eq(proc_run(&none, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "/no/such/program"));
}
END_TEST

static int worked;

static void work(void *arg)
{
    worked++;
    if (arg)
        ck_assert_int_eq(run_shell("echo inner", arg, BERTH_WAIT_FOREVER, NULL), 0);
}

/* Once, beside the next program; by no program that does not begin. */
START_TEST(meanwhile_works_once)
{
    _cleanup_buf_ struct berth_buf inner = BUF_INIT, outer = BUF_INIT;

    worked = 0;
    proc_meanwhile(work, &inner);
    ck_assert_int_eq(run_shell("cat; echo outer", &outer, BERTH_WAIT_FOREVER, NULL), 0);
    ck_assert_int_eq(run_shell("true", &outer, BERTH_WAIT_FOREVER, NULL), 0);
    ck_assert_int_eq(worked, 1);
    ck_assert_str_eq(buf_str(&inner), "inner\n");
    proc_meanwhile(work, NULL);
    proc_meanwhile(NULL, NULL);
    ck_assert_int_eq(run_shell("true", &outer, BERTH_WAIT_FOREVER, NULL), 0);
    ck_assert_int_eq(worked, 1);
}
END_TEST

static void ignore(int sig)
{
    (void)sig;
}

/* Whatever is blocked or handled here: a program begins without it, and here it stays. */
START_TEST(program_signals)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    struct sigaction handled = {.sa_handler = ignore}, now;
    sigset_t blocked, before, after;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    ck_assert_int_eq(sigaction(SIGUSR1, &handled, NULL), 0);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
    ck_assert_int_eq(
        run_shell("grep -c 'SigBlk:.0*$' /proc/self/status", &out, BERTH_WAIT_FOREVER, &err),
        0);
    ck_assert_str_eq(buf_str(&out), "1\n");
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, &after), 0);
    ck_assert(sigismember(&after, SIGINT) && !sigismember(&after, SIGTERM));
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    ck_assert(now.sa_handler == ignore);
    signal(SIGUSR1, SIG_DFL);
}
END_TEST

START_TEST(log_levels)
{
    int level;

    ck_assert_int_eq(log_parse_level("WARN", &level), 0);
    ck_assert_int_eq(level, BERTH_LOG_WARNING);
    ck_assert_int_eq(log_parse_level("panic", &level), 0);
    ck_assert_int_eq(level, BERTH_LOG_ERROR);
    ck_assert_int_eq(log_parse_level("frob", &level), -EINVAL);
    ck_assert_str_eq(log_level_name(BERTH_LOG_DEBUG), "debug");
    log_set_level(BERTH_LOG_ERROR);
    ck_assert(!log_enabled(BERTH_LOG_WARNING) && log_enabled(BERTH_LOG_ERROR));
}
END_TEST

/* ---------------------------------------------------------------------- time */

static const struct {
    const char *text;
    int64_t date; /* -1: refused */
} dates[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:01.5Z", 1500000000},
    {"1970-01-01T01:00:00+01:00", 0},
    {"1969-12-31T19:00:00-05:00", 0},
    {"2000-02-29T00:00:00Z", 951782400000000000},
    {"1970-01-01T00:00:00.123456789Z", 123456789},
    {"1970-01-01T00:00:00.1234567899Z", 123456789},
    {"2001-02-29T00:00:00Z", -1},
    {"1900-02-29T00:00:00Z", -1},
    {"1970-13-01T00:00:00Z", -1},
    {"1970-01-01T24:00:00Z", -1},
    {"1970-01-01T00:00:00", -1},
    {"1970-01-01 00:00:00Z", -1},
    {"1970-01-01T00:00:00.Z", -1},
    {"1970-01-01T00:00:00Zx", -1},
    {"1970-01-01T00:00:00+1:00", -1},
    {"", -1},
};

START_TEST(parse_dates)
{
    berth_date date = 77;
    int r = time_parse(dates[_i].text, &date);

    ck_assert_msg(r == (dates[_i].date == -1 ? -EINVAL : 0), "%s: %d", dates[_i].text, r);
    if (r == 0)
        ck_assert_msg(date == dates[_i].date, "%s: %lld", dates[_i].text, (long long)date);
}
END_TEST

START_TEST(format_dates)
{
    char text[TIME_TEXT_MAX];
    berth_date date;

    setenv("TZ", "UTC", 1);
    ck_assert_str_eq(time_format(0, text), "1970-01-01T00:00:00Z");
    ck_assert_str_eq(time_format(1500000000, text), "1970-01-01T00:00:01.5Z");
    ck_assert_str_eq(time_format(-1, text), "1969-12-31T23:59:59.999999999Z");
    ck_assert_str_eq(time_format(DATE_NEVER, text), "0001-01-01T00:00:00Z");
    ck_assert_int_eq(time_parse("0001-01-01T00:00:00Z", &date), 0);
    ck_assert(date == DATE_NEVER);
    ck_assert_str_eq(time_format_go(1500000000, text), "1970-01-01 00:00:01.5 +0000 UTC");
    ck_assert_str_eq(time_format_go(DATE_NEVER, text), "0001-01-01 00:00:00 +0000 UTC");
    date = time_now();
    ck_assert_int_eq(time_parse(time_format(date, text), &date), 0);
    ck_assert(time_deadline(UINT64_MAX) == BERTH_WAIT_FOREVER);
    ck_assert(time_deadline(1) > time_monotonic());
}
END_TEST

#define SECOND 1000000000ll
static const struct {
    int64_t ns;
    const char *text;
} humans[] = {
    {0, "Less than a second"},
    {999999999, "Less than a second"},
    {SECOND, "1 second"},
    {59 * SECOND, "59 seconds"},
    {60 * SECOND, "About a minute"},
    {119 * SECOND, "About a minute"},
    {120 * SECOND, "2 minutes"},
    {3599 * SECOND, "59 minutes"},
    {3600 * SECOND, "About an hour"},
    {5400 * SECOND, "2 hours"},
    {47 * 3600 * SECOND, "47 hours"},
    {48 * 3600 * SECOND, "2 days"},
    {13 * 86400 * SECOND, "13 days"},
    {14 * 86400 * SECOND, "2 weeks"},
    {59 * 86400 * SECOND, "8 weeks"},
    {60 * 86400 * SECOND, "2 months"},
    {729 * 86400 * SECOND, "24 months"},
    {730 * 86400 * SECOND, "2 years"},
};

START_TEST(human_times)
{
    char text[TIME_TEXT_MAX];

    ck_assert_str_eq(time_human(humans[_i].ns, text), humans[_i].text);
}
END_TEST

static const struct {
    int64_t ns;
    const char *text;
} spans[] = {{0, "0s"},
             {17, "17ns"},
             {1500, "1.5µs"},
             {250000000, "250ms"},
             {1000000000, "1s"},
             {90000000000, "1m30s"},
             {3600500000000, "1h0m0.5s"},
             {-2000000000, "-2s"},
             {INT64_MIN, "-2562047h47m16.854775808s"}};

START_TEST(durations)
{
    char text[TIME_TEXT_MAX];

    ck_assert_str_eq(time_format_span(spans[_i].ns, text), spans[_i].text);
}
END_TEST

/* More names than one look at the directory gives, and an end that somebody asks for. */
struct listing {
    bool seen[300];
    int n, most;
};

static int see(void *arg, int fd, const char *name, unsigned char type)
{
    struct listing *l = arg;
    int64_t number;
    struct stat st;

    ck_assert_int_eq(str_to_i64(name + strlen("a-rather-long-name-"), &number), 0);
    ck_assert(number >= 0 && number < 300 && !l->seen[number]);
    ck_assert_int_eq(fstatat(fd, name, &st, 0), 0);
    ck_assert(type == DT_REG || type == DT_UNKNOWN);
    l->seen[number] = true;
    return ++l->n == l->most ? 7 : 0;
}

START_TEST(listings)
{
    struct listing all = {.most = -1}, some = {.most = 5};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file = -1;

    ck_assert_int_eq(fs_is_empty_dir(AT_FDCWD, dir), 1);
    ck_assert_int_eq(fs_list(fd, see, &all), 0);
    ck_assert_int_eq(all.n, 0);
    for (int i = 0; i < 300; i++) {
        char name[40];

        snprintf(name, sizeof(name), "a-rather-long-name-%d", i);
        file = openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(file, 0);
        ck_assert_int_eq(close(file), 0);
    }
    ck_assert_int_eq(fs_is_empty_dir(AT_FDCWD, dir), 0);
    ck_assert_int_eq(fs_is_empty_dir(fd, "."), 0);
    ck_assert_int_eq(fs_is_empty_dir(fd, "a-rather-long-name-0"), -ENOTDIR);
    ck_assert_int_eq(fs_is_empty_dir(fd, "nothing"), -ENOENT);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(fs_list(fd, see, &all), 0);
    ck_assert_int_eq(all.n, 300);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(fs_list(fd, see, &some), 7);
    ck_assert_int_eq(some.n, 5);
    close(fd);
    file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(fs_list(file, see, &some), -ENOTDIR);
    close(file);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base");
    TCase *c = tcase_create("base"), *f = tcase_create("files");
    SRunner *runner = srunner_create(s);
    int failed;

    suite_add_tcase(s, c);
    suite_add_tcase(s, f);
    tcase_add_test(c, buffers);
    tcase_add_loop_test(c, base64, 0, sizeof(encoded) / sizeof(encoded[0]));
    tcase_add_test(c, no_base64);
    tcase_add_test(c, lists);
    tcase_add_test(c, numbers);
    tcase_add_loop_test(c, size_texts, 0, ARRAY_LEN(sizes));
    tcase_add_test(c, decimal_sizes);
    tcase_add_test(c, bools);
    tcase_add_test(c, human_sizes);
    tcase_add_test(c, words);
    tcase_add_test(c, errors);
    tcase_add_test(c, identifiers);
    tcase_add_loop_test(c, clean_paths, 0, ARRAY_LEN(paths));
    tcase_add_test(c, joined_paths);
    tcase_add_test(c, programs);
    tcase_add_test(c, meanwhile_works_once);
    tcase_add_test(c, program_signals);
    tcase_add_test(c, log_levels);
    tcase_add_loop_test(c, parse_dates, 0, ARRAY_LEN(dates));
    tcase_add_test(c, format_dates);
    tcase_add_loop_test(c, human_times, 0, ARRAY_LEN(humans));
    tcase_add_loop_test(c, durations, 0, ARRAY_LEN(spans));
    tcase_add_checked_fixture(f, make_dir, remove_dir);
    tcase_add_test(f, listings);
    tcase_add_test(f, directories);
    tcase_add_test(f, files);
    tcase_add_test(f, removal_follows_no_links);
    tcase_add_test(f, file_locks);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
