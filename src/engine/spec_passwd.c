/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_passwd.c - lines for users and groups that the container's files lack.
 *
 * A writable root has the line appended to its own files, as one write under a lock; a
 * read-only one gets copies in the static directory, bound over them.
 */
#include "engine/spec_priv.h"
#include <fcntl.h>
#include <sys/file.h>

#define DB_MAX (4u << 20)

static bool mounted_at(const struct spec_final *f, const char *path)
{
    const json *mounts = json_at(f->config, "spec", "mounts", NULL);

    for (size_t i = 0; i < json_len(mounts); i++)
        if (str_eq(json_str(json_item(mounts, i), "destination"), path))
            return true;
    return false;
}

/* Has some line `value` in the third field? */
static bool has_id(const char *text, const char *value)
{
    size_t len = strlen(value);

    while (*text) {
        const char *end = strchrnul(text, '\n');
        const char *a = memchr(text, ':', (size_t)(end - text));
        const char *b = a ? memchr(a + 1, ':', (size_t)(end - a - 1)) : NULL;

        if (b && (size_t)(end - b - 1) >= len && strncmp(b + 1, value, len) == 0 &&
            (b[1 + len] == ':' || b + 1 + len == end))
            return true;
        text = *end ? end + 1 : end;
    }
    return false;
}

static int append_in_root(const struct spec_final *f, const char *file, const char *id,
                          const char *line, struct berth_error *err)
{
    _cleanup_close_ int fd = spec_open_in_root(f->root, file, O_RDWR | O_APPEND | O_CREAT);
    _cleanup_buf_ struct berth_buf text = BUF_INIT, add = BUF_INIT;
    int r;

    if (fd < 0)
        return spec_fail_errno(err, -fd, "creating temporary %s file for container %s: open",
                               path_base(file), f->c->id);
    if (flock(fd, LOCK_EX) < 0)
        return spec_fail_errno(err, errno, "locking %s of container %s", file, f->c->id);
    r = fs_read_fd(fd, file, DB_MAX, &text, err);
    if (r < 0 || has_id(buf_str(&text), id))
        return r < 0 ? r : 0;
    if (text.len && text.data[text.len - 1] != '\n')
        buf_putc(&add, '\n');
    buf_puts(&add, line);
    r = fs_write_fd(fd, buf_str(&add), add.len);
    return r < 0 ? spec_fail_errno(err, -r, "writing %s of container %s", file, f->c->id) : 0;
}

static int copy_with(const struct spec_final *f, const char *file, const char *name,
                     const char *line, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(ctr_static_dir(f->c), name);
    _cleanup_close_ int fd = spec_open_in_root(f->root, file, O_RDONLY);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR)
        return spec_fail_errno(err, -fd, "open %s of container %s", file, f->c->id);
    if (fd >= 0 && (r = fs_read_fd(fd, file, DB_MAX, &text, err)) < 0)
        return r;
    if (text.len && text.data[text.len - 1] != '\n')
        buf_putc(&text, '\n');
    buf_puts(&text, line);
    r = fs_replace(path, buf_str(&text), text.len, 0644, false, err);
    if (r >= 0)
        json_set_str(f->binds, file, path);
    return r;
}

/* Add a line to /etc/<name> of the container, if it may and needs to. */
static int add_line(struct spec_final *f, const char *file, const char *id, const char *line,
                    struct berth_error *err)
{
    const char *name = path_base(file);
    _cleanup_free_ char *copy = path_join(ctr_static_dir(f->c), name);

    if (mounted_at(f, file) || mounted_at(f, "/etc"))
        return 0;
    if (copy && fs_exists(copy)) {
        json_set_str(f->binds, file, copy);
        return 0;
    }
    if (str_empty(line))
        return 0;
    if (json_flag(json_at(f->config, "spec", "root", NULL), "readonly", false))
        return copy_with(f, file, name, line, err);
    return append_in_root(f, file, id, line, err);
}

static void replace_all(struct berth_buf *out, const char *text, const char *const *pairs)
{
    while (*text) {
        const char *const *p;

        for (p = pairs; *p; p += 2) {
            if (str_starts(text, p[0])) {
                buf_puts(out, p[1]);
                text += strlen(p[0]);
                break;
            }
        }
        if (!*p)
            buf_putc(out, *text++);
    }
}

/* The passwd line of the number `uid`. */
static void passwd_line(const struct spec_final *f, const char *uid, struct berth_buf *out)
{
    const char *form = json_str(f->config, "passwd_entry");
    const char *cwd = str_or(json_str(json_at(f->config, "spec", "process", NULL), "cwd"), "/");
    char gid[16];

    snprintf(gid, sizeof(gid), "%u", f->user.gid);
    if (str_empty(form)) {
        buf_printf(out, "%s:*:%s:%s:container user:%s:/bin/sh\n", uid, uid, gid, cwd);
    } else {
        const char *const pairs[] = {"$USERNAME", uid, "$UID",  uid,
                                     "$GID",      gid, "$NAME", "container user",
                                     "$HOME",     cwd, NULL};

        replace_all(out, form, pairs);
        buf_putc(out, '\n');
    }
}

int spec_passwd(struct spec_final *f, struct berth_error *err)
{
    const char *user = str_or(json_str(f->config, "user"), "");
    _cleanup_buf_ struct berth_buf passwd = BUF_INIT, group = BUF_INIT, groups = BUF_INIT;
    _cleanup_free_ char *uid = strndup(user, strcspn(user, ":"));
    const char *gid = strchr(user, ':') ? strchr(user, ':') + 1 : uid;
    _cleanup_close_ int fd = -1;
    uint64_t number;
    int r;

    if (!uid)
        return fail(err, ENOMEM, "out of memory");
    if (!json_flag(f->config, "passwd", true) || !*user)
        return 0;
    if (!f->user.known && str_to_u64(uid, &number) == 0)
        passwd_line(f, uid, &passwd);
    fd = spec_open_in_root(f->root, "/etc/group", O_RDONLY);
    if (fd >= 0 && (r = fs_read_fd(fd, "/etc/group", DB_MAX, &groups, err)) < 0)
        return r;
    if (str_to_u64(gid, &number) == 0 && !has_id(buf_str(&groups), gid))
        buf_printf(&group, "%s:x:%s:%s\n", gid, gid, uid);
    r = add_line(f, "/etc/passwd", uid, buf_str(&passwd), err);
    if (r >= 0)
        r = add_line(f, "/etc/group", gid, buf_str(&group), err);
    return r;
}
