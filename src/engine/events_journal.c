/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_journal.c - the journal as event log: podman's fields, written to the journal's
 * socket and read through journalctl, so that no library of systemd is needed.
 */
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* ------------------------------------------------------------------ writing */

/* A field in the journal's own protocol; values with line ends carry their length. */
static void put_field(const char *key, const char *value, struct berth_buf *out)
{
    uint64_t len = strlen(value);

    if (!strchr(value, '\n')) {
        buf_printf(out, "%s=%s\n", key, value);
        return;
    }
    buf_printf(out, "%s\n", key);
    buf_put(out, &len, sizeof(len)); /* little endian, as configure makes sure */
    buf_printf(out, "%s\n", value);
}

static void put_if(const char *key, const char *value, struct berth_buf *out)
{
    if (!str_empty(value))
        put_field(key, value, out);
}

static void put_journal(const struct event *ev, struct berth_buf *out)
{
    bool container = str_eq(ev->type, "container"), pod = str_eq(ev->type, "pod");
    _cleanup_buf_ struct berth_buf human = BUF_INIT, labels = BUF_INIT;
    char text[TIME_TEXT_MAX];

    event_put_human(ev, true, &human);
    put_field("MESSAGE", buf_str(&human), out);
    put_field("PRIORITY", "6", out);
    put_field("SYSLOG_IDENTIFIER", "podman", out); /* what podman's reader looks for */
    put_field("PODMAN_EVENT", ev->status, out);
    put_field("PODMAN_TYPE", ev->type, out);
    put_field("PODMAN_TIME", time_format(ev->time, text), out);
    put_if("PODMAN_NAME", ev->name, out);
    put_if("PODMAN_ID", ev->id, out);
    put_if("PODMAN_NETWORK_NAME", ev->network, out);
    if (!container && !pod)
        return;
    put_field("PODMAN_IMAGE", str_or(ev->image, ""), out);
    put_field("PODMAN_HEALTH_STATUS", str_or(ev->health, ""), out);
    put_if("PODMAN_POD_ID", ev->pod, out);
    if (ev->exit_code) {
        snprintf(text, sizeof(text), "%d", ev->exit_code);
        put_field("PODMAN_EXIT_CODE", text, out);
    }
    if (json_object_is_type(ev->attributes, json_type_object) &&
        json_object_object_length(ev->attributes) > 0) {
        json_write(ev->attributes, JSON_SORTED, &labels);
        put_field("PODMAN_LABELS", buf_str(&labels), out);
    }
}

int event_write_journal(const struct event *ev, struct berth_error *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    put_journal(ev, &text);
    if (buf_error(&text))
        return fail(err, ENOMEM, "out of memory");
    if (fd < 0 ||
        sendto(fd, text.data, text.len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) < 0)
        return fail_errno(err, errno, "sending to %s", JOURNAL_SOCKET);
    return 0;
}

/* ------------------------------------------------------------------ reading */

/* Members of a line of the file backend, in its order, and their fields. */
static const struct {
    const char *key, *field;
    bool number;
} fields[] = {
    {"ContainerExitCode", "PODMAN_EXIT_CODE", true},
    {"ID", "PODMAN_ID", false},
    {"Image", "PODMAN_IMAGE", false},
    {"Name", "PODMAN_NAME", false},
    {"network", "PODMAN_NETWORK_NAME", false},
    {"Status", "PODMAN_EVENT", false},
    {"Time", "PODMAN_TIME", false},
    {"Type", "PODMAN_TYPE", false},
    {"health_status", "PODMAN_HEALTH_STATUS", false},
    {"PodID", "PODMAN_POD_ID", false},
};

json *journal_event(const json *entry)
{
    const char *labels = json_str(entry, "PODMAN_LABELS");
    json *line = json_new(), *attributes = NULL;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = json_str(entry, fields[i].field);
        int64_t number;

        if (fields[i].number && value && str_to_i64(value, &number) == 0)
            json_opt_i64(line, fields[i].key, number);
        else if (!fields[i].number)
            json_opt_str(line, fields[i].key, value);
    }
    if (labels)
        json_parse_object((struct berth_blob){labels, strlen(labels)}, "labels", &attributes,
                          NULL);
    json_set(line, "Attributes", attributes);
    return line;
}

static void run_journalctl(int out, bool follow, bool only_new)
{
    static const char shown[] =
        "--output-fields=PODMAN_EXIT_CODE,PODMAN_ID,PODMAN_IMAGE,PODMAN_NAME,"
        "PODMAN_NETWORK_NAME,PODMAN_EVENT,PODMAN_TIME,PODMAN_TYPE,PODMAN_HEALTH_STATUS,"
        "PODMAN_POD_ID,PODMAN_LABELS";
    const char *argv[] = {"journalctl", "--quiet",
                          "--no-pager", "--output=json",
                          shown,        "SYSLOG_IDENTIFIER=podman",
                          NULL,         NULL,
                          NULL};

    if (follow) {
        argv[6] = "--follow";
        argv[7] = only_new ? "--lines=0" : "--no-tail";
    } else if (only_new) {
        argv[6] = "--lines=0";
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int journal_start(bool follow, bool only_new, pid_t *pid, struct berth_error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making a pipe");
    *pid = fork();
    if (*pid == 0)
        run_journalctl(ends[1], follow, only_new);
    close(ends[1]);
    if (*pid < 0) {
        int code = errno;

        close(ends[0]);
        return fail_errno(err, code, "starting journalctl");
    }
    return ends[0];
}
