/* SPDX-License-Identifier: Apache-2.0 */
/* test_events.c - src/engine/events*.c: lines, rotation, readers, many writers. */
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"
#include <check.h>
#include <sys/wait.h>
#include <time.h>

static char dir[64];
static struct conf conf;
static struct engine engine = {.conf = &conf};
static char log_file[96];

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test-events.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(log_file, sizeof(log_file), "%s/events/events.log", dir);
    conf = (struct conf){.tmp_dir = dir, .events_logger = (char *)(uintptr_t) "file"};
    setenv("TZ", "UTC", 1);
    tzset();
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

static char *content(void)
{
    struct berth_buf text = BUF_INIT;

    ck_assert_int_eq(fs_read(log_file, 1 << 24, &text, NULL), 0);
    return buf_steal(&text);
}

static void append(const char *text)
{
    FILE *f = fopen(log_file, "ae");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(lines)
{
    _cleanup_json_ json *labels = json_new(), *config = json_new();
    _cleanup_free_ char *text = NULL;
    struct stat st;
    struct ctr c = {.e = &engine,
                    .id = "c0ffee",
                    .name = (char *)(uintptr_t) "box",
                    .pod = (char *)(uintptr_t) "p0d",
                    .config = config};
    struct event all = {.type = "container",
                        .status = "died",
                        .id = "i",
                        .name = "n<",
                        .image = "img",
                        .pod = "p",
                        .network = "net",
                        .health = "healthy",
                        .exit_code = -1,
                        .attributes = labels,
                        .time = 1795291870954378850};

    json_set_str(labels, "z", "1");
    json_set_str(labels, "a", "b");
    event_write(&engine, &all);
    event_write(&engine, &(struct event){.type = "volume",
                                         .status = "create",
                                         .name = "v",
                                         .time = 1795291870000000000});
    text = content();
    ck_assert_str_eq(
        text, "{\"ContainerExitCode\":-1,\"ID\":\"i\",\"Image\":\"img\",\"Name\":\"n\\u003c\","
              "\"network\":\"net\",\"Status\":\"died\","
              "\"Time\":\"2026-11-21T20:11:10.95437885Z\",\"Type\":\"container\","
              "\"health_status\":\"healthy\",\"PodID\":\"p\","
              "\"Attributes\":{\"a\":\"b\",\"z\":\"1\"}}\n"
              "{\"Name\":\"v\",\"Status\":\"create\",\"Time\":\"2026-11-21T20:11:10Z\","
              "\"Type\":\"volume\",\"Attributes\":null}\n");
    ck_assert_int_eq(stat(log_file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700 & ~022);
    ck_assert_int_eq(unlink(log_file), 0);
    free(text);

    json_set(config, "labels", json_ref(labels));
    json_set_str(config, "rootfsImageName", "image:tag");
    event_ctr(&c, "exec_died",
              &(struct event_extra){.exit_code = 3, .has_exit_code = true, .exec_id = "s"});
    json_del(config, "labels");
    event_ctr(&c, "start", NULL);
    event_system(&engine, "refresh");
    text = content();
    ck_assert_ptr_nonnull(str_starts(text, "{\"ContainerExitCode\":3,\"ID\":\"c0ffee\","
                                           "\"Image\":\"image:tag\",\"Name\":\"box\","
                                           "\"Status\":\"exec_died\",\"Time\":\""));
    ck_assert_ptr_nonnull(strstr(text, "\"PodID\":\"p0d\",\"Attributes\":{\"a\":\"b\","
                                       "\"execID\":\"s\",\"z\":\"1\"}}\n"));
    ck_assert_ptr_nonnull(strstr(text, "\"PodID\":\"p0d\",\"Attributes\":{}}\n"));
    ck_assert_ptr_nonnull(strstr(text, "{\"Status\":\"refresh\",\"Time\":\""));
    /* The labels themselves did not get the session. */
    ck_assert_ptr_null(json_get(labels, "execID"));
}
END_TEST

static void no_log_is_made(const char *backend)
{
    conf.events_logger = (char *)(uintptr_t)backend;
    event_system(&engine, "refresh");
    ck_assert(!fs_exists(log_file));
    ck_assert_int_eq(events_open(&conf, &(struct events_reader *){0}, NULL), -ENOTSUP);
}

START_TEST(backend_none)
{
    no_log_is_made("none");
}
END_TEST

/* ------------------------------------------------------------------ reading */

/* The names of the next events, as far as there are any. */
static char *names(struct events_reader *r, bool follow, berth_date until)
{
    struct berth_buf out = BUF_INIT;

    for (;;) {
        _cleanup_json_ json *line = NULL;
        berth_date time = 0;
        int n = events_next(r, follow, until, &line, &time, NULL);

        ck_assert_int_ge(n, 0);
        if (n == 0)
            return out.data ? buf_steal(&out) : strdup("");
        ck_assert(time > 0);
        buf_printf(&out, "%s ", str_or(json_str(line, "Name"), "-"));
    }
}

static void expect(struct events_reader *r, const char *expected)
{
    _cleanup_free_ char *got = names(r, false, DATE_NEVER);

    ck_assert_str_eq(got, expected);
}

static void write_named(const char *name)
{
    event_object(&engine, "volume", "create", NULL, name);
}

START_TEST(reader)
{
    _cleanup_events_ struct events_reader *r = NULL;

    ck_assert_int_eq(events_open(&conf, &r, NULL), 0);
    expect(r, ""); /* no log yet */
    write_named("a");
    write_named("b");
    expect(r, "a b ");
    expect(r, "");
    write_named("c");
    expect(r, "c ");
    append("{\"Name\":\"half\",\"Status\":\"x\",");
    expect(r, "");
    append("\"Time\":\"2026-11-21T20:11:10Z\",\"Type\":\"volume\"}\n");
    expect(r, "half ");
    append("\nnot JSON\n{}\n[1]\n{\"Type\":\"volume\",\"Status\":\"x\",\"Time\":\"now\"}\n");
    write_named("d");
    expect(r, "d ");
}
END_TEST

START_TEST(rotation)
{
    _cleanup_events_ struct events_reader *r = NULL, *late = NULL;
    _cleanup_free_ char *text = NULL, *all = NULL;
    struct berth_buf want = BUF_INIT;
    char name[16];
    struct stat st;

    conf.events_logfile_max_size = 1000;
    ck_assert_int_eq(events_open(&conf, &r, NULL), 0);
    for (int i = 0; i < 100; i++) {
        _cleanup_free_ char *got = NULL;

        snprintf(name, sizeof(name), "n%d", i);
        write_named(name);
        ck_assert_int_eq(stat(log_file, &st), 0);
        ck_assert_int_lt(st.st_size, 1000);
        if (i % 3)
            continue; /* fall behind a little, but never by half a log */
        got = names(r, false, DATE_NEVER);
        buf_puts(&want, got);
    }
    text = content();
    ck_assert_ptr_nonnull(strstr(text, "\"Status\":\"log-rotation\""));
    ck_assert_ptr_nonnull(strstr(text, log_file));
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    /* Nothing twice, nothing lost. */
    all = buf_steal(&want);
    for (int i = 0, at = 0; i < 100; i++) {
        char *found;

        snprintf(name, sizeof(name), "n%d ", i);
        found = strstr(all + at, name);
        ck_assert_msg(found, "%s is missing in %s", name, all);
        at = (int)(found - all) + 1;
        ck_assert_msg(!strstr(all + at, name), "%s is there twice", name);
    }
    /* One that was away longer sees what there is, from its start. */
    ck_assert_int_eq(events_open(&conf, &late, NULL), 0);
    {
        _cleanup_free_ char *got = names(late, false, DATE_NEVER);

        ck_assert_ptr_null(strstr(got, "n1 "));
        ck_assert(str_ends(got, "n99 "));
    }
}
END_TEST

START_TEST(following)
{
    _cleanup_events_ struct events_reader *r = NULL;
    _cleanup_free_ char *got = NULL;
    _cleanup_json_ json *line = NULL;
    berth_date time;
    int status;

    ck_assert_int_eq(events_open(&conf, &r, NULL), 0);
    if (fork() == 0) {
        usleep(100000);
        write_named("later"); /* makes folder and log */
        usleep(100000);
        write_named("last");
        _exit(0);
    }
    /* Without a limit: comes back because of the event. */
    ck_assert_int_eq(events_next(r, true, DATE_NEVER, &line, &time, NULL), 1);
    ck_assert_str_eq(json_str(line, "Name"), "later");
    json_object_put(TAKE(line));
    ck_assert_int_eq(events_next(r, true, DATE_NEVER, &line, &time, NULL), 1);
    ck_assert_str_eq(json_str(line, "Name"), "last");
    wait(&status);
    got = names(r, true, time_now() + 50000000);
    ck_assert_str_eq(got, "");
}
END_TEST

START_TEST(many_writers)
{
    _cleanup_events_ struct events_reader *r = NULL;
    _cleanup_free_ char *got = NULL;
    int status, n = 0;

    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int k = 0; k < 50; k++)
                write_named("x");
            _exit(0);
        }
    for (int i = 0; i < 4; i++)
        ck_assert_int_gt(wait(&status), 0);
    ck_assert_int_eq(events_open(&conf, &r, NULL), 0);
    got = names(r, false, DATE_NEVER);
    for (const char *at = got; *at; at++)
        n += *at == ' ';
    ck_assert_int_eq(n, 200);
}
END_TEST

/* ------------------------------------------------------------------- people */

static const struct {
    const char *line, *human;
} texts[] = {
    {"{\"ID\":\"0123456789abcdef\",\"Image\":\"i\",\"Name\":\"n\",\"Status\":\"start\","
     "\"Time\":"
     "\"2026-11-21T20:11:10.5Z\",\"Type\":\"container\",\"PodID\":\"fedcba9876543210\","
     "\"Attributes\":{\"a\":\"b\"}}",
     "container start 0123456789ab (image=i, name=n, pod_id=fedcba9876543210, a=b)"},
    {"{\"ID\":\"12\",\"Name\":\"n\",\"Status\":\"health_status\",\"Time\":"
     "\"2026-11-21T20:11:10.5Z\",\"Type\":\"container\",\"health_status\":\"healthy\"}",
     "container health_status 12 (image=, name=n, health_status=healthy)"},
    {"{\"ID\":\"12\",\"network\":\"net\",\"Status\":\"connect\",\"Time\":"
     "\"2026-11-21T20:11:10.5Z\",\"Type\":\"network\"}",
     "network connect 12 (container=12, name=net)"},
    {"{\"ID\":\"12\",\"Name\":\"img\",\"Status\":\"pull\",\"Time\":"
     "\"2026-11-21T20:11:10.5Z\",\"Type\":\"image\"}",
     "image pull 12 img"},
    {"{\"Status\":\"refresh\",\"Time\":\"2026-11-21T20:11:10.5Z\",\"Type\":\"system\"}",
     "system refresh"},
    {"{\"Name\":\"v\",\"Status\":\"create\",\"Time\":\"2026-11-21T20:11:10.5Z\","
     "\"Type\":\"volume\"}",
     "volume create v"},
};

START_TEST(human)
{
    _cleanup_json_ json *line = NULL;
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    struct berth_blob text = {texts[_i].line, strlen(texts[_i].line)};
    const char *rest;
    struct event ev;

    ck_assert_int_eq(json_parse_object(text, "line", &line, NULL), 0);
    ck_assert_int_eq(event_from_json(line, &ev), 0);
    event_put_human(&ev, false, &out);
    rest = str_starts(buf_str(&out), "2026-11-21 20:11:10.5 +0000 UTC ");
    ck_assert_ptr_nonnull(rest);
    ck_assert_str_eq(rest, texts[_i].human);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *tc = tcase_create("events");
    SRunner *runner;
    int failed;

    umask(022);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, lines);
    tcase_add_test(tc, backend_none);
    tcase_add_test(tc, reader);
    tcase_add_test(tc, rotation);
    tcase_add_test(tc, following);
    tcase_add_test(tc, many_writers);
    tcase_add_loop_test(tc, human, 0, (int)ARRAY_LEN(texts));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
