/* SPDX-License-Identifier: Apache-2.0 */
/* net_files.c - see net_files.h. */
#include "engine/net_files.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/spec_priv.h"
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define FILE_LIMIT   (16u << 20)
#define LOCK_SECONDS 3

/* ------------------------------------------------------------------ editing */

/* Make the new text of a file from the old one. */
typedef int edit_fn(void *arg, const char *old, struct berth_buf *new);

static int write_in_place(int fd, const struct berth_buf *text)
{
    int r;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    r = fs_write_fd(fd, buf_str(text), text->len);
    if (r < 0)
        return r;
    return ftruncate(fd, (off_t)text->len) < 0 ? -errno : 0;
}

/* podman locks the file itself while it changes it.  The container can open it, and lock it
 * for ever, while we have the lock of the container. */
static int lock_file(int fd, const char *path, struct berth_error *err)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    berth_deadline end = time_deadline(LOCK_SECONDS);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    while (fcntl(fd, F_SETLK, &lock) < 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return spec_fail_errno(err, errno, "locking %s", path);
        if (time_monotonic() >= end)
            return fail(err, EBUSY,
                        "%s was locked for %d seconds, perhaps by a program in the container, "
                        "and is left as it is",
                        path, LOCK_SECONDS);
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int edit(const char *path, edit_fn *fn, void *arg, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf old = BUF_INIT, new = BUF_INIT;
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int r;

    if (fd < 0)
        return spec_fail_errno(err, errno, "open %s", path);
    r = lock_file(fd, path, err);
    if (r == 0)
        r = fs_read_fd(fd, path, FILE_LIMIT, &old, err);
    if (r < 0)
        return r;
    fn(arg, buf_str(&old), &new);
    if (buf_error(&new))
        return fail(err, ENOMEM, "out of memory");
    if (str_eq(buf_str(&old), buf_str(&new)))
        return 0;
    r = write_in_place(fd, &new);
    return r < 0 ? spec_fail_errno(err, -r, "writing %s", path) : 0;
}

static const char *bound_file(const struct ctr *c, const char *name)
{
    return json_str(json_get(c->state, "bindMounts"), name);
}

/* ------------------------------------------------------------------- status */

/* Addresses of a network's status, without their prefixes. */
static void addresses(const json *status, struct berth_list *out)
{
    json *interfaces = spec_object(json_get(status, "interfaces"));

    if (!interfaces)
        return;
    json_object_object_foreach (interfaces, name, value) {
        const json *subnets = json_get(value, "subnets");

        (void)name;
        for (size_t i = 0; i < json_len(subnets); i++) {
            const char *ip = str_or(json_str(json_item(subnets, i), "ipnet"), "");

            if (*ip)
                list_addf(out, "%.*s", (int)strcspn(ip, "/"), ip);
        }
    }
}

static void all_addresses(const json *networks, struct berth_list *out)
{
    json *all = spec_object(networks);

    if (!all)
        return;
    json_object_object_foreach (all, name, status) {
        (void)name;
        addresses(status, out);
    }
}

static bool has_ipv6(const struct berth_list *ips)
{
    for (size_t i = 0; i < ips->n; i++)
        if (strchr(ips->items[i], ':'))
            return true;
    return false;
}

/* -------------------------------------------------------------------- hosts */

struct hosts_edit {
    const char *names[2];       /* of the container */
    struct berth_list old, new; /* addresses whose lines are there, and that are to come */
    bool remove;                /* the old ones go */
};

static void hosts_free(struct hosts_edit *e)
{
    list_free(&e->old);
    list_free(&e->new);
}

/* The fields of a line; false: it has no address and name. */
static bool fields(const char *line, size_t len, struct berth_list *out)
{
    _cleanup_free_ char *text = strndup(line, len);

    if (!text)
        return false;
    text[strcspn(text, "#")] = '\0';
    for (char *c = text; *c; c++)
        if (strchr("\t\r\v\f", *c))
            *c = ' ';
    list_split(out, text, ' ', false);
    return out->n >= 2;
}

/* Is it a line of this container: one of the old addresses with one of its names? */
static bool is_own(const struct hosts_edit *e, const struct berth_list *field)
{
    if (!list_has(&e->old, field->items[0]))
        return false;
    for (size_t i = 1; i < field->n; i++)
        if (str_eq(field->items[i], e->names[0]) || str_eq(field->items[i], e->names[1]))
            return true;
    return false;
}

static void put_fields(const struct berth_list *field, struct berth_buf *out)
{
    for (size_t i = 0; i < field->n; i++)
        buf_printf(out, "%s%s", i > 1 ? " " : i ? "\t" : "", field->items[i]);
    buf_putc(out, '\n');
}

static void put_new(const struct hosts_edit *e, bool first, bool second, struct berth_buf *out)
{
    if (!first && !second)
        return;
    if (out->len && out->data[out->len - 1] != '\n')
        buf_putc(out, '\n');
    for (size_t i = 0; i < e->new.n; i++)
        buf_printf(out, "%s\t%s%s%s\n", e->new.items[i], first ? e->names[0] : "",
                   first && second ? " " : "", second ? e->names[1] : "");
}

/* Lines that the user has changed or removed are not brought back: the new ones come only
 * where there are old ones, if there could be any. */
static int edit_hosts(void *arg, const char *old, struct berth_buf *out)
{
    const struct hosts_edit *e = arg;
    bool own = false, first = true, second = !str_eq(e->names[0], e->names[1]);

    if (!e->remove)
        buf_puts(out, old);
    for (const char *line = old; *line;) {
        _cleanup_list_ struct berth_list field = LIST_INIT;
        size_t len = strcspn(line, "\n");

        if (fields(line, len, &field)) {
            bool mine = is_own(e, &field);

            own = own || mine;
            if (e->remove && !mine)
                put_fields(&field, out);
            for (size_t i = 1; e->old.n == 0 && i < field.n; i++) {
                first = first && !str_eq(field.items[i], e->names[0]);
                second = second && !str_eq(field.items[i], e->names[1]);
            }
        }
        line += len + (line[len] == '\n');
    }
    if (!e->remove && (own || e->old.n == 0))
        put_new(e, first, second, out);
    return 0;
}

/* -------------------------------------------------------------- resolv.conf */

static int edit_resolv(void *arg, const char *old, struct berth_buf *out)
{
    const struct spec_resolv_edit *e = arg;

    spec_resolv_edit(e, old, out);
    return 0;
}

/* DNS servers of a network that the container can reach. */
static void servers_of(const json *status, bool v6, struct berth_list *out)
{
    const json *servers = json_get(status, "dns_server_ips");

    for (size_t i = 0; i < json_len(servers); i++) {
        const char *ip = json_item_str(servers, i);

        if (ip && (v6 || !strchr(ip, ':')))
            list_add(out, ip);
    }
}

/* ------------------------------------------------------------------ for both */

static int change(struct ctr *c, struct hosts_edit *hosts, struct spec_resolv_edit *resolv,
                  struct berth_error *err)
{
    const char *path = bound_file(c, "/etc/resolv.conf");
    char short_id[ID_SHORT_LEN + 1];
    int r = 0;

    if (path && (resolv->add.n || resolv->drop.n))
        r = edit(path, edit_resolv, resolv, err);
    hosts->names[0] = spec_hostname(c, short_id);
    hosts->names[1] = c->name;
    path = bound_file(c, "/etc/hosts");
    if (r == 0 && path)
        r = edit(path, edit_hosts, hosts, err);
    return r;
}

int net_files_joined(struct ctr *c, const json *status, const json *others,
                     struct berth_error *err)
{
    struct hosts_edit hosts = {.remove = false};
    struct spec_resolv_edit resolv = {0};
    int r;

    all_addresses(others, &hosts.old);
    addresses(status, &hosts.new);
    servers_of(status, has_ipv6(&hosts.old) || has_ipv6(&hosts.new), &resolv.add);
    r = change(c, &hosts, &resolv, err);
    list_free(&resolv.add);
    hosts_free(&hosts);
    return r;
}

int net_files_left(struct ctr *c, const json *status, struct berth_error *err)
{
    struct hosts_edit hosts = {.remove = true};
    struct spec_resolv_edit resolv = {0};
    int r;

    addresses(status, &hosts.old);
    servers_of(status, true, &resolv.drop);
    r = change(c, &hosts, &resolv, err);
    list_free(&resolv.drop);
    hosts_free(&hosts);
    return r;
}
