/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_oci_bus.c - starting a scope of systemd's: against a bus that this test plays, in
 * good faith and in bad, and against the real bus daemon where there is one.
 */
#include "plugins/oci/common/bus.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum mode {
    DONE,
    FAILED,
    EXISTS,
    DENIED,
    NO_AUTH,
    RUBBISH,
    CUT,
    HANG,
    HUGE_BODY,
    BAD_FIELDS,
    LONG_STRING,
    NO_JOB,
};

static char dir[64], address[128], path[100];
static pid_t server;

/* ------------------------------------------------------------------ the bus */

static uint8_t msg[4096];
static size_t len;

static void raw(const void *data, size_t n)
{
    memcpy(msg + len, data, n);
    len += n;
}

static void pad(size_t n)
{
    while (len % n)
        msg[len++] = 0;
}

static void u32(uint32_t value)
{
    pad(4);
    raw(&value, 4); /* the tests run on little-endian machines, as berth does */
}

static void string(const char *text)
{
    u32((uint32_t)strlen(text));
    raw(text, strlen(text) + 1);
}

static void field(uint8_t code, const char *type, const char *text, uint32_t number)
{
    uint8_t n = 1;

    pad(8);
    raw(&code, 1);
    raw(&n, 1);
    raw(type, 2);
    if (*type == 'u')
        u32(number);
    else
        string(text);
}

/* A header with room for the lengths; body_at() and finish() fill them in. */
static size_t begin(uint8_t type, uint32_t reply, const char *member, const char *error)
{
    const uint8_t head[4] = {'l', type, 0, 1};

    len = 0;
    raw(head, 4);
    u32(0);
    u32(77);
    u32(0);
    if (reply)
        field(5, "u", NULL, reply);
    if (member)
        field(3, "s", member, 0);
    if (error)
        field(4, "s", error, 0);
    memcpy(msg + 12, &(uint32_t){(uint32_t)len - 16}, 4);
    pad(8);
    return len;
}

static void finish(int fd, size_t body)
{
    memcpy(msg + 4, &(uint32_t){(uint32_t)(len - body)}, 4);
    ck_assert_int_eq(send(fd, msg, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void read_all(int fd, void *data, size_t n)
{
    for (uint8_t *p = data; n > 0;) {
        ssize_t r = read(fd, p, n);

        if (r <= 0)
            _exit(0);
        p += r;
        n -= (size_t)r;
    }
}

/* One call; its serial number. */
static uint32_t get_call(int fd, uint8_t *call, size_t size)
{
    uint32_t body, fields, serial;

    read_all(fd, call, 16);
    memcpy(&body, call + 4, 4);
    memcpy(&serial, call + 8, 4);
    memcpy(&fields, call + 12, 4);
    fields = (fields + 7) & ~7u;
    if (16 + fields + body > size)
        _exit(3);
    read_all(fd, call + 16, fields + body);
    return serial;
}

static void greet(int fd, enum mode mode)
{
    char line[128] = "", wanted[64];
    size_t n = 0;

    while (n < sizeof(line) - 1 && !strchr(line + 1, '\n'))
        read_all(fd, line + n++, 1);
    snprintf(wanted, sizeof(wanted), "AUTH EXTERNAL ");
    for (const char *p = geteuid() ? "" : "0"; *p; p++)
        snprintf(wanted + strlen(wanted), 4, "%02x", (unsigned char)*p);
    if (line[0] || strncmp(line + 1, wanted, strlen(wanted)) != 0)
        _exit(4);
    if (mode == NO_AUTH) {
        dprintf(fd, "REJECTED EXTERNAL\r\n");
        return;
    }
    dprintf(fd, "OK 1234\r\n");
    for (n = 0; n < 7; n++)
        read_all(fd, line + n, 1);
    if (strncmp(line, "BEGIN\r\n", 7) != 0)
        _exit(5);
}

static void fail_call(int fd, uint32_t serial, const char *name, const char *text)
{
    size_t body = begin(3, serial, NULL, name);

    string(text);
    finish(fd, body);
}

static void job_signal(int fd, const char *job, const char *result)
{
    size_t body = begin(4, 0, "JobRemoved", NULL);

    u32(9);
    string(job);
    string("libpod-conmon-x.scope");
    string(result);
    finish(fd, body);
}

static void misbehave(int fd, uint32_t serial, enum mode mode)
{
    size_t body;

    switch (mode) {
    case RUBBISH:
        dprintf(fd, "this is no message of any kind, is it?");
        break;
    case CUT:
        begin(2, serial, NULL, NULL);
        send(fd, msg, len - 3, MSG_NOSIGNAL);
        _exit(0);
    case HUGE_BODY:
        begin(2, serial, NULL, NULL);
        memcpy(msg + 4, &(uint32_t){0xfffffff0u}, 4);
        send(fd, msg, len, MSG_NOSIGNAL);
        break;
    case BAD_FIELDS:
        body = begin(2, serial, NULL, NULL);
        msg[17] = 200; /* a signature longer than all there is */
        finish(fd, body);
        break;
    case LONG_STRING:
        body = begin(2, serial, NULL, NULL);
        u32(0xffffffffu);
        finish(fd, body);
        break;
    default:
        pause();
    }
}

static void serve(int listener, enum mode mode)
{
    int fd = accept(listener, NULL, NULL);
    uint8_t call[4096] = {0};
    uint32_t serial;
    size_t body;

    greet(fd, mode);
    for (int i = 0; i < 2; i++) {
        serial = get_call(fd, call, sizeof(call));
        body = begin(2, serial, NULL, NULL);
        string(":1.1");
        finish(fd, body);
        begin(4, 0, "NameAcquired", NULL);
        finish(fd, len);
    }
    serial = get_call(fd, call, sizeof(call));
    if (!memmem(call, sizeof(call), "libpod-conmon-x.scope", 22) ||
        !memmem(call, sizeof(call), "my.slice", 9))
        _exit(6);
    if (mode == EXISTS)
        fail_call(fd, serial, "org.freedesktop.systemd1.UnitExists", "it is there");
    else if (mode == DENIED)
        fail_call(fd, serial, "org.freedesktop.DBus.Error.AccessDenied", "may not");
    else if (mode == DONE || mode == FAILED || mode == NO_JOB) {
        body = begin(2, serial, NULL, NULL);
        string("/job/9");
        finish(fd, body);
        job_signal(fd, "/job/8", "failed");
        if (mode != NO_JOB)
            job_signal(fd, "/job/9", mode == DONE ? "done" : "failed");
    } else {
        misbehave(fd, serial, mode);
    }
    pause();
}

static void setup(void)
{
    strcpy(dir, "/tmp/oci-bus-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/bus", dir);
    snprintf(address, sizeof(address), "unix:path=%s,guid=00", path);
    server = 0;
}

static void teardown(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    unlink(path);
    rmdir(dir);
}

static int start(char **error)
{
    return rt_bus_start_scope(address, "libpod-conmon-x.scope", "my.slice", getpid(),
                              rt_now() + RT_SECOND / 2, error);
}

/* ------------------------------------------------------------------ the tests */

static const struct {
    enum mode mode;
    int result;
    const char *text; /* NULL: none */
} cases[] = {
    {DONE, 0, NULL},
    {FAILED, -EREMOTEIO, "the job for libpod-conmon-x.scope ended with \"failed\""},
    {EXISTS, -EEXIST, "it is there"},
    {DENIED, -EREMOTEIO, "may not"},
    {NO_AUTH, -EACCES, NULL},
    {RUBBISH, -EPROTO, NULL},
    {CUT, -ECONNRESET, NULL},
    {HANG, -ETIMEDOUT, NULL},
    {HUGE_BODY, -EPROTO, NULL},
    {BAD_FIELDS, -EPROTO, NULL},
    {LONG_STRING, -EPROTO, NULL},
    {NO_JOB, -ETIMEDOUT, NULL},
};

START_TEST(played_bus)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
    char *error = NULL;

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    server = fork();
    if (server == 0)
        serve(listener, cases[_i].mode);
    close(listener);
    r = start(&error);
    ck_assert_msg(r == cases[_i].result, "case %d: %d %s", _i, r, error ? error : "");
    if (cases[_i].text)
        ck_assert_str_eq(error, cases[_i].text);
    else
        ck_assert_ptr_null(error);
    free(error);
}
END_TEST

START_TEST(no_bus)
{
    char *error = NULL;

    ck_assert_int_eq(start(&error), -ENOENT);
    strcpy(address, "tcp:host=localhost");
    ck_assert_int_eq(start(&error), -EINVAL);
    memset(address, 'x', sizeof(address) - 1);
    memcpy(address, "unix:path=/", 11);
    ck_assert_int_eq(start(&error), -EINVAL);
    ck_assert_ptr_null(error);
}
END_TEST

/* The daemon throws out whoever sends a message with a mistake in it: that it answers
 * for a service that is not there means that ours are right. */
START_TEST(real_bus)
{
    char command[300], *error = NULL;
    FILE *f;
    int r;

    if (access("/usr/bin/dbus-daemon", X_OK) < 0)
        return;
    snprintf(command, sizeof(command), "%s/conf", dir);
    f = fopen(command, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "<busconfig><listen>unix:path=%s</listen><policy context=\"default\">"
            "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow "
            "own=\"*\"/></policy></busconfig>",
            path);
    fclose(f);
    server = fork();
    if (server == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execl("/usr/bin/dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--config-file",
              command, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && access(path, F_OK) < 0; i++)
        usleep(10000);
    for (int i = 0; i < 100 && (r = start(&error)) == -ECONNREFUSED; i++)
        usleep(10000);
    unlink(command);
    ck_assert_int_eq(r, -EREMOTEIO);
    ck_assert_msg(strstr(error, "org.freedesktop.systemd1") != NULL, "%s", error);
    free(error);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oci_bus");
    TCase *t = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, played_bus, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(t, no_bus);
    tcase_add_test(t, real_bus);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
