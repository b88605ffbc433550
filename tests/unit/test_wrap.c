/* SPDX-License-Identifier: Apache-2.0 */
/* test_wrap.c - src/wrap: calls into plugins, with trace, faults and the runtime that is
 * gone. */
#include "base/fs.h"
#include "base/str.h"
#include "load/load.h"
#include "wrap/wrap.h"
#include <check.h>
#include <fcntl.h>
#include <signal.h>

static struct conf *conf;
static struct berth_place place;
static char dir[64], id[] = "3f2a000000000000000000000000000000000000000000000000000000000000";

static void setup(void)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *top = path_absolute(str_or(getenv("top_builddir"), "."));
    _cleanup_free_ char *libs = path_join(top, ".libs"), *file = NULL;

    snprintf(dir, sizeof(dir), "/tmp/test-wrap.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file = path_join(dir, "berth.conf");
    ck_assert_int_eq(fs_replace(file, "", 0, 0644, false, NULL), 0);
    const struct conf_override o[] = {
        {"plugin_dirs", libs}, {"graph_root", dir}, {"run_root", dir}, {"tmp_dir", dir}};
    ck_assert_msg(conf_load(file, o, ARRAY_LEN(o), &conf, NULL, &err) == 0, "%s",
                  error_text(&err));
    conf_place(conf, &place);
}

static void teardown(void)
{
    conf_free(conf);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static struct state *open_store(void)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct state *s = NULL;
    int r = state_open(conf, "memory", &place, NULL, 0, BERTH_STATE_CREATE, &s, &err);

    ck_assert_msg(r == 0, "%s", error_text(&err));
    return s;
}

static struct txn *begin(struct state *s, uint32_t flags)
{
    struct txn *t = NULL;

    ck_assert_int_eq(state_begin(s, flags, BERTH_WAIT_FOREVER, &t, NULL), 0);
    return t;
}

static void insert(struct txn *t, const char *name)
{
    const struct berth_record rec = {
        .size = sizeof(rec),
        .kind = BERTH_VOLUME,
        .has = BERTH_REC_ALL,
        .id = name,
        .name = name,
        .config = {"{}", 2},
        .state = {"{}", 2},
    };

    ck_assert_int_eq(txn_insert(t, &rec, NULL), 0);
}

static int count_and_read(void *arg, const struct berth_record *rec)
{
    struct txn *t = arg;
    struct berth_record again;

    /* From within a call: the mutex has to bear that. */
    ck_assert_int_eq(txn_get(t, rec->kind, rec->id, BERTH_REC_CONFIG, &again, NULL), 0);
    ck_assert_uint_eq(again.config.len, 2);
    return 0;
}

static int stop_at_once(void *arg _unused_, const struct berth_record *rec _unused_)
{
    return -ECANCELED;
}

START_TEST(records)
{
    const struct berth_scan all = {.size = sizeof(all), .want = BERTH_REC_ALL};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct state *s = open_store();
    struct berth_record rec;
    struct txn *t;

    ck_assert_str_eq(state_plugin(s), "memory");
    ck_assert_uint_eq(state_caps(s) & BERTH_STATE_CAP_PERSISTENT, 0);
    t = begin(s, BERTH_TXN_WRITE);
    insert(t, "v1");
    ck_assert_int_eq(txn_commit(&t, &err), 0);
    ck_assert_ptr_null(t);
    t = begin(s, BERTH_TXN_WRITE);
    insert(t, "v2");
    txn_rollback(t);
    t = begin(s, 0);
    ck_assert_int_eq(txn_get(t, BERTH_VOLUME, "v1", BERTH_REC_ALL, &rec, &err), 0);
    ck_assert_str_eq(rec.id, "v1");
    ck_assert_int_eq(txn_get(t, BERTH_VOLUME, "v2", BERTH_REC_ALL, &rec, &err), -ENOENT);
    ck_assert_int_eq(err.code, ENOENT);
    ck_assert_uint_gt(strlen(error_text(&err)), 5);
    error_clear(&err);
    ck_assert_int_eq(txn_get(t, BERTH_VOLUME, "v2", BERTH_REC_ALL, &rec, NULL), -ENOENT);
    ck_assert_int_eq(txn_scan(t, &all, count_and_read, t, &err), 0);
    ck_assert_int_eq(txn_scan(t, &all, stop_at_once, NULL, &err), -ECANCELED);
    txn_rollback(t);
    state_close(s);
}
END_TEST

START_TEST(one_load_for_two_instances)
{
    struct state *a = open_store(), *b = open_store();

    ck_assert_uint_eq(plugins_loaded()->n, 1);
    ck_assert_str_eq(plugins_loaded()->items[0], "state_memory");
    state_close(a);
    state_close(b);
    state_close(NULL);
}
END_TEST

START_TEST(no_such_plugin)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct state *s = NULL;

    ck_assert_int_eq(state_open(conf, "nonesuch", &place, NULL, 0, 0, &s, &err), -ENOENT);
    ck_assert(str_starts(error_text(&err), "cannot use state plugin \"nonesuch\"\n"));
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(unknown_option)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o = {"nonsense", "1"};
    struct state *s = NULL;

    ck_assert_int_eq(state_open(conf, "memory", &place, &o, 1, 0, &s, &err), -EINVAL);
    ck_assert(str_starts(error_text(&err), "command line: unknown option \"nonsense\" in "
                                           "state_memory"));
}
END_TEST

#ifdef BERTH_UNINSTALLED
START_TEST(faults)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct berth_record rec;
    struct state *s;
    struct txn *t;

    setenv("BERTH_FAULT", "state.commit:2=ENOSPC,state.get=5,lock.open:1+=EACCES", 1);
    s = open_store();
    t = begin(s, BERTH_TXN_WRITE);
    insert(t, "v1");
    ck_assert_int_eq(txn_commit(&t, &err), 0);
    t = begin(s, BERTH_TXN_WRITE);
    insert(t, "v2");
    ck_assert_int_eq(txn_commit(&t, &err), -ENOSPC);
    ck_assert_str_eq(error_text(&err),
                     "commit of state_memory: injected fault: No space left on device");
    error_clear(&err);
    t = begin(s, 0);
    ck_assert_int_eq(txn_get(t, BERTH_VOLUME, "v1", BERTH_REC_ALL, &rec, &err), -EIO);
    error_clear(&err);
    ck_assert_int_eq(txn_get(t, BERTH_VOLUME, "v1", BERTH_REC_ALL, &rec, &err), 0);
    ck_assert_int_eq(txn_get(t, BERTH_VOLUME, "v2", BERTH_REC_ALL, &rec, &err), -ENOENT);
    txn_rollback(t);
    state_close(s);
}
END_TEST
#endif

/* The sample plugin: what it lacks, and what it does wrong. */
static struct locks *open_sample(void)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *command = str_printf(
        "${CC:-cc} -shared -fPIC -w -I\"${top_srcdir:-.}/include\" -DMODULE=lock_sample "
        "-DNAME='\"sample\"' -o %s/lock_sample.so "
        "\"${top_srcdir:-.}/tests/plugins/samples/lock_sample.c\"",
        dir);
    struct locks *l = NULL;
    int r;

    ck_assert_int_eq(system(command), 0);
    list_free(&conf->plugin_dirs);
    ck_assert_int_eq(list_add(&conf->plugin_dirs, dir), 0);
    r = lock_open(conf, "sample", &place, NULL, 0, 0, &l, &err);
    ck_assert_msg(r == 0, "%s", error_text(&err));
    return l;
}

static int never(void *arg _unused_, uint32_t lock _unused_)
{
    ck_abort_msg("called");
    return 0;
}

START_TEST(missing_operation)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct berth_lock_count count = {.allocated = 77};
    struct locks *l = open_sample();

    ck_assert_int_eq(lock_held(l, never, NULL, &err), -ENOTSUP);
    ck_assert_str_eq(error_text(&err), "lock plugin \"sample\" does not support held");
    error_clear(&err);
    ck_assert_int_eq(lock_count(l, &count, &err), 0);
    ck_assert_uint_eq(count.allocated, 1);
    ck_assert_uint_eq(count.size, sizeof(count));
    ck_assert_int_eq(lock_acquire(l, 3, BERTH_NO_WAIT, &err), BERTH_LOCK_ORPHANED);
    ck_assert_int_eq(lock_claim(l, 3, &err), -EEXIST);
    ck_assert_str_eq(error_text(&err), "lock 3 is taken");
    lock_close(l);
}
END_TEST

/* In a build tree it ends the program; elsewhere the failure gets a description. */
START_TEST(undescribed_failure)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct locks *l = open_sample();

    ck_assert_int_eq(lock_release(l, 3, &err), -EIO);
    ck_assert_str_eq(error_text(&err), "release of lock_sample failed: Input/output error");
    lock_close(l);
}
END_TEST

START_TEST(trace)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, "trace");
    int saved = dup(2), fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct berth_record rec;
    struct state *s;
    struct txn *t;

    setenv("BERTH_TRACE", "lock,state", 1);
    dup2(fd, 2);
    s = open_store();
    t = begin(s, 0);
    txn_get(t, BERTH_VOLUME, "v1", BERTH_REC_ALL, &rec, NULL);
    txn_rollback(t);
    state_close(s);
    dup2(saved, 2);
    ck_assert_int_eq(fs_read(path, 4096, &text, NULL), 0);
    ck_assert(strstr(buf_str(&text), "trace: state_memory open "));
    ck_assert(strstr(buf_str(&text), "trace: state_memory get "));
    ck_assert(strstr(buf_str(&text), " ms = -2 ("));
    ck_assert(strstr(buf_str(&text), "trace: state_memory close "));
}
END_TEST

START_TEST(missing_runtime)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    _cleanup_free_ char *exit_file = path_join(dir, id);
    const struct berth_container c = {.size = sizeof(c), .id = id, .exit_dir = dir};
    struct berth_oci_status status;
    struct oci *r = NULL;

    ck_assert_int_eq(oci_open_missing("kata", &r, &err), 0);
    ck_assert(oci_is_missing(r));
    ck_assert_int_eq(oci_start(r, &c, &err), -ENOEXEC);
    ck_assert_str_eq(error_text(&err), "runtime kata is missing: OCI runtime attempted to "
                                       "invoke a command that was not found");
    error_clear(&err);
    ck_assert_int_eq(oci_status(r, &c, &status, &err), -ENOEXEC);
    error_clear(&err);
    ck_assert_int_eq(fs_replace(exit_file, "42", 2, 0600, false, NULL), 0);
    ck_assert_int_eq(oci_status(r, &c, &status, &err), 0);
    ck_assert_int_eq(status.status, BERTH_OCI_STOPPED);
    ck_assert_int_eq(status.exit_code, 42);
    ck_assert_int_eq(oci_wait(r, &c, NULL, BERTH_NO_WAIT, &status, &err), 1);
    ck_assert_int_eq(oci_path(r, &c, BERTH_PATH_EXIT_FILE, NULL, &out, &err), 0);
    ck_assert_str_eq(buf_str(&out), exit_file);
    buf_reset(&out);
    ck_assert_int_eq(oci_info(r, &out, &err), 0);
    ck_assert(strstr(buf_str(&out), "\"kata\""));
    oci_close(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wrap");
    TCase *tc = tcase_create("wrap");
    SRunner *runner;
    int failed;

    unsetenv("BERTH_CONF");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, records);
    tcase_add_test(tc, one_load_for_two_instances);
    tcase_add_test(tc, no_such_plugin);
    tcase_add_test(tc, unknown_option);
#ifdef BERTH_UNINSTALLED
    tcase_add_test(tc, faults);
#endif
    tcase_add_test(tc, missing_operation);
#ifdef BERTH_UNINSTALLED
    tcase_add_test_raise_signal(tc, undescribed_failure, SIGABRT);
#else
    tcase_add_test(tc, undescribed_failure);
#endif
    tcase_add_test(tc, trace);
    tcase_add_test(tc, missing_runtime);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK); /* some end by a signal */
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
