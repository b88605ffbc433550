/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - writing events; see events.h. */
#include "engine/events.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events_priv.h"
#include "storage/lockfile.h"
#include <fcntl.h>

/* ---------------------------------------------------------------- the line */

static void put_member(const char *key, const char *value, struct berth_buf *out)
{
    if (str_empty(value))
        return;
    buf_printf(out, "\"%s\":", key);
    json_write_str(value, strlen(value), 0, out);
    buf_putc(out, ',');
}

void event_put_line(const struct event *ev, struct berth_buf *out)
{
    char text[TIME_TEXT_MAX];

    buf_putc(out, '{');
    if (ev->exit_code)
        buf_printf(out, "\"ContainerExitCode\":%d,", ev->exit_code);
    put_member("ID", ev->id, out);
    put_member("Image", ev->image, out);
    put_member("Name", ev->name, out);
    put_member("network", ev->network, out);
    put_member("Status", ev->status, out);
    put_member("Time", time_format(ev->time, text), out);
    put_member("Type", ev->type, out);
    put_member("health_status", ev->health, out);
    put_member("PodID", ev->pod, out);
    buf_puts(out, "\"Attributes\":");
    if (ev->attributes)
        json_write(ev->attributes, JSON_SORTED, out);
    else
        buf_puts(out, "null");
    buf_puts(out, "}\n");
}

/* ---------------------------------------------------------------- the file */

/* Keep the half of the log that is newer: what is behind the first line end beyond the
 * middle.  Done with a new file, so that readers of the old one are not disturbed. */
static int rotate(const char *path, off_t size, struct berth_error *err)
{
    struct event mark = {
        .type = "system", .status = "log-rotation", .name = path, .time = time_now()};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *keep = NULL;
    size_t half, left;
    int r = fs_read(path, (size_t)size, &text, err);

    if (r < 0)
        return r;
    half = text.len / 2;
    if (text.len)
        keep = memchr(text.data + half, '\n', text.len - half);
    left = keep ? text.len - (size_t)(keep + 1 - text.data) : 0;
    if (left)
        memmove(text.data, keep + 1, left);
    text.len = left;
    if (left && text.data[left - 1] != '\n')
        buf_putc(&text, '\n');
    event_put_line(&mark, &text);
    if (buf_error(&text))
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(path, text.data, text.len, 0600, false, err);
}

static int open_log(const char *path, struct berth_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0700);

    return fd < 0 ? fail_errno(err, errno, "open %s", path) : fd;
}

/* A writer that died may have left half a line: end it, or the next one would be lost. */
static int end_torn_line(int fd, off_t size)
{
    char last;

    return size == 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n'
               ? 0
               : fs_write_fd(fd, "\n", 1);
}

int events_append(const char *path, int64_t max, const struct berth_buf *line,
                  struct berth_error *err)
{
    _cleanup_free_ char *lock_path = str_printf("%s.lock", path);
    _cleanup_close_ int lock = -1, fd = -1;
    struct stat st;
    int r;

    if (!lock_path)
        return fail(err, ENOMEM, "out of memory");
    lock = lockfile_take(lock_path, true, err);
    if (lock < 0)
        return lock;
    fd = open_log(path, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return fail_errno(err, errno, "looking at %s", path);
    if (max > 0 && st.st_size + (off_t)line->len >= max && st.st_size > 0) {
        r = rotate(path, st.st_size, err);
        if (r < 0)
            return r;
        attr_closep(&fd);
        fd = open_log(path, err);
        if (fd < 0)
            return fd;
        st.st_size = 0; /* what it has now is whole */
    }
    r = end_torn_line(fd, st.st_size);
    if (r == 0)
        r = fs_write_fd(fd, line->data, line->len);
    return r < 0 ? fail_errno(err, -r, "writing %s", path) : 0;
}

const char *events_path(const struct conf *conf, struct berth_buf *out)
{
    if (!str_empty(conf->events_logfile_path))
        buf_puts(out, conf->events_logfile_path);
    else
        buf_printf(out, "%s/events/events.log", str_or(conf->tmp_dir, "/run/libpod"));
    return buf_str(out);
}

/* ------------------------------------------------------------------ writing */

static int write_event(struct engine *e, const struct event *ev, struct berth_error *err)
{
    const char *backend = e->conf->events_logger;
    _cleanup_buf_ struct berth_buf line = BUF_INIT, path = BUF_INIT;

    if (str_eq(backend, "none"))
        return 0;
    if (str_eq(backend, "journald"))
        return event_write_journal(ev, err);
    event_put_line(ev, &line);
    events_path(e->conf, &path);
    if (buf_error(&line) || buf_error(&path))
        return fail(err, ENOMEM, "out of memory");
    return events_append(path.data, e->conf->events_logfile_max_size, &line, err);
}

void event_write(struct engine *e, const struct event *ev)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct event stamped = *ev;

    if (stamped.time == 0)
        stamped.time = time_now();
    if (write_event(e, &stamped, &err) < 0)
        log_warning("unable to write %s %s event: %s", ev->type, ev->status, error_text(&err));
}

void event_ctr(const struct ctr *c, const char *status, const struct event_extra *extra)
{
    _cleanup_json_ json *labels = json_copy(json_get(c->config, "labels"));
    struct event ev = {.type = "container",
                       .status = status,
                       .id = c->id,
                       .name = c->name,
                       .image = json_str(c->config, "rootfsImageName"),
                       .pod = c->pod};

    if (!labels)
        labels = json_new(); /* podman: {} for containers, null for everything else */
    if (extra && extra->has_exit_code)
        ev.exit_code = extra->exit_code;
    if (extra)
        ev.health = extra->health;
    if (extra && extra->exec_id)
        json_set_str(labels, "execID", extra->exec_id);
    ev.attributes = labels;
    event_write(c->e, &ev);
}

void event_system(struct engine *e, const char *status)
{
    event_write(e, &(struct event){.type = "system", .status = status});
}

void event_object(struct engine *e, const char *type, const char *status, const char *id,
                  const char *name)
{
    event_write(e, &(struct event){.type = type, .status = status, .id = id, .name = name});
}
