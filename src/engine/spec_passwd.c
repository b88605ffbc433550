/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_passwd.c - lines for users and groups that the container's files lack: of the user that
 * it runs as, and of users of the host that it is to know.
 *
 * A writable root has the line appended to its own files, as one write under a lock; a
 * read-only one gets copies in the static directory, bound over them.
 */
#include "engine/spec_priv.h"
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
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

/* Field n, from 0, of the line at `text`; false: it has none. */
static bool field(const char *text, unsigned n, struct berth_blob *out)
{
    const char *end = strchrnul(text, '\n'), *at = text;

    for (; n; n--) {
        at = memchr(at, ':', (size_t)(end - at));
        if (!at)
            return false;
        at++;
    }
    *out = (struct berth_blob){at, MIN(strcspn(at, ":"), (size_t)(end - at))};
    return true;
}

/* Has some line `value` in field n? */
static bool has_field(const char *text, unsigned n, const char *value, size_t len)
{
    while (*text) {
        const char *end = strchrnul(text, '\n');
        struct berth_blob found;

        if (field(text, n, &found) && found.len == len && memcmp(found.data, value, len) == 0)
            return true;
        text = *end ? end + 1 : end;
    }
    return false;
}

static bool has_id(const char *text, const char *id)
{
    return has_field(text, 2, id, strlen(id));
}

/* Those of the lines whose IDs `text` does not have. */
static void missing_lines(const char *text, const char *lines, struct berth_buf *out)
{
    while (*lines) {
        const char *end = strchrnul(lines, '\n');
        struct berth_blob id;

        if (field(lines, 2, &id) && !has_field(text, 2, id.data, id.len))
            buf_printf(out, "%.*s\n", (int)(end - lines), lines);
        lines = *end ? end + 1 : end;
    }
}

/* What is to be put behind `text`, a line break first where it lacks one. */
static int additions(const struct berth_buf *text, const char *lines, struct berth_buf *out,
                     struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf add = BUF_INIT;

    missing_lines(buf_str(text), lines, &add);
    if (add.len && text->len && text->data[text->len - 1] != '\n')
        buf_putc(out, '\n');
    buf_puts(out, buf_str(&add));
    return buf_error(&add) || buf_error(out) ? fail(err, ENOMEM, "out of memory") : 0;
}

static int append_in_root(const struct spec_final *f, const char *file, const char *lines,
                          struct berth_error *err)
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
    if (r >= 0)
        r = additions(&text, lines, &add, err);
    if (r < 0)
        return r;
    r = fs_write_fd(fd, buf_str(&add), add.len);
    return r < 0 ? spec_fail_errno(err, -r, "writing %s of container %s", file, f->c->id) : 0;
}

/* The copy of an earlier start, or the container's own file; neither: nothing. */
static int read_source(const struct spec_final *f, const char *file, const char *copy,
                       struct berth_buf *text, struct berth_error *err)
{
    _cleanup_close_ int fd = -1;

    if (fs_exists(copy)) {
        fd = open(copy, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return spec_fail_errno(err, errno, "open %s", copy);
    } else {
        fd = spec_open_in_root(f->root, file, O_RDONLY);
        if (fd == -ENOENT || fd == -ENOTDIR)
            return 0;
        if (fd < 0)
            return spec_fail_errno(err, -fd, "open %s of container %s", file, f->c->id);
    }
    return fs_read_fd(fd, file, DB_MAX, text, err);
}

static int copy_with(const struct spec_final *f, const char *file, const char *copy,
                     const char *lines, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, add = BUF_INIT;
    int r = read_source(f, file, copy, &text, err);

    if (r >= 0)
        r = additions(&text, lines, &add, err);
    if (r < 0)
        return r;
    if (add.len) {
        if (buf_put(&text, add.data, add.len) < 0)
            return fail(err, ENOMEM, "out of memory");
        r = fs_replace(copy, buf_str(&text), text.len, 0644, false, err);
    }
    if (r >= 0 && fs_exists(copy))
        json_set_str(f->binds, file, copy);
    return r;
}

/* Add lines to /etc/<name> of the container, if it may and needs to. */
static int add_lines(struct spec_final *f, const char *file, const char *lines,
                     struct berth_error *err)
{
    _cleanup_free_ char *copy = path_join(ctr_static_dir(f->c), path_base(file));
    bool there;

    if (!copy)
        return fail(err, ENOMEM, "out of memory");
    there = fs_exists(copy);
    if (mounted_at(f, file) || mounted_at(f, "/etc") || (str_empty(lines) && !there))
        return 0;
    if (there || json_flag(json_at(f->config, "spec", "root", NULL), "readonly", false))
        return copy_with(f, file, copy, lines, err);
    return append_in_root(f, file, lines, err);
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

/* A line of passwd, in the form that the container wants. */
static void put_user(const struct spec_final *f, const char *user, const char *uid,
                     const char *gid, const char *name, const char *home, struct berth_buf *out)
{
    const char *form = json_str(f->config, "passwd_entry");

    if (str_empty(form)) {
        buf_printf(out, "%s:*:%s:%s:%s:%s:/bin/sh\n", user, uid, gid, name, home);
    } else {
        const char *const pairs[] = {"$USERNAME", user, "$UID",  uid,  "$GID", gid,
                                     "$NAME",     name, "$HOME", home, NULL};

        replace_all(out, form, pairs);
        buf_putc(out, '\n');
    }
}

static const char *work_dir(const struct spec_final *f)
{
    return str_or(json_str(json_at(f->config, "spec", "process", NULL), "cwd"), "/");
}

/* The passwd line of the number `uid`. */
static void passwd_line(const struct spec_final *f, const char *uid, struct berth_buf *out)
{
    char gid[16];

    snprintf(gid, sizeof(gid), "%u", f->user.gid);
    put_user(f, uid, uid, gid, "container user", work_dir(f), out);
}

/* Is this directory, or one above it, of the host or a volume? */
static bool is_brought(const struct spec_final *f, const char *home)
{
    const json *volumes = json_get(f->config, "namedVolumes");
    _cleanup_free_ char *path = path_clean(home);

    for (size_t i = 0; i < json_len(volumes); i++)
        if (str_eq(json_str(json_item(volumes, i), "dest"), home))
            return true;
    while (path && *path == '/' && path[1]) {
        if (mounted_at(f, path))
            return true;
        *strrchr(path, '/') = '\0';
    }
    return false;
}

static bool has_user(const char *text, const char *name, const char *uid)
{
    return has_field(text, 0, name, strlen(name)) || has_id(text, uid);
}

/* Add the line of a user of the host, unless the container's passwd or the lines so far have it
 * by name or by ID. */
static int host_line(const struct spec_final *f, const char *who, const char *passwd,
                     struct berth_buf *lines, struct berth_error *err)
{
    struct passwd *user = NULL;
    char uid[16], gid[16];
    _cleanup_free_ char *name = NULL;
    uint64_t number;

    errno = 0;
    if (str_to_u64(who, &number) == 0 && number < UINT32_MAX)
        user = getpwuid((uid_t)number);
    if (!user)
        user = getpwnam(who);
    if (!user)
        return fail(err, ENOENT,
                    "creating temporary passwd file for container %s: user: unknown user %s",
                    f->c->id, who);
    snprintf(uid, sizeof(uid), "%u", user->pw_uid);
    snprintf(gid, sizeof(gid), "%u", user->pw_gid);
    if (has_user(passwd, user->pw_name, uid) || has_user(buf_str(lines), user->pw_name, uid))
        return 0;
    name = strdup(str_or(user->pw_gecos, ""));
    if (!name)
        return fail(err, ENOMEM, "out of memory");
    name[strcspn(name, ",")] = '\0';
    put_user(f, user->pw_name, uid, gid, name,
             is_brought(f, user->pw_dir) ? user->pw_dir : work_dir(f), lines);
    return 0;
}

/* With keep-id, whoever types the command. */
static int caller_line(const struct spec_final *f, const char *passwd, struct berth_buf *lines,
                       struct berth_error *err)
{
    uint32_t uid = f->c->e->conf->uid;
    char number[16];

    snprintf(number, sizeof(number), "%u", uid);
    return uid && getpwuid(uid) ? host_line(f, number, passwd, lines, err) : 0;
}

int spec_host_users(struct spec_final *f, struct berth_error *err)
{
    const json *users = json_get(f->config, "HostUsers");
    bool caller = json_flag(f->config, "addCurrentUserPasswdEntry", false);
    _cleanup_free_ char *copy = path_join(ctr_static_dir(f->c), "passwd");
    _cleanup_buf_ struct berth_buf passwd = BUF_INIT, lines = BUF_INIT;
    int r;

    if ((json_len(users) == 0 && !caller) || !json_flag(f->config, "passwd", true))
        return 0;
    if (!copy)
        return fail(err, ENOMEM, "out of memory");
    r = read_source(f, "/etc/passwd", copy, &passwd, err);
    for (size_t i = 0; r >= 0 && i < json_len(users); i++)
        if (!str_empty(json_item_str(users, i)))
            r = host_line(f, json_item_str(users, i), buf_str(&passwd), &lines, err);
    if (r >= 0 && caller)
        r = caller_line(f, buf_str(&passwd), &lines, err);
    if (r >= 0 && buf_error(&lines))
        r = fail(err, ENOMEM, "out of memory");
    return r < 0 ? r : add_lines(f, "/etc/passwd", buf_str(&lines), err);
}

/* The group of a number; by the host's names where it is the caller's. */
static void group_line(const struct spec_final *f, const char *gid, const char *uid,
                       struct berth_buf *out)
{
    const struct conf *c = f->c->e->conf;
    bool caller = json_flag(f->config, "addCurrentUserPasswdEntry", false);
    struct group *g = caller && f->user.gid == c->gid ? getgrgid(c->gid) : NULL;
    struct passwd *u = g ? getpwuid(c->uid) : NULL;

    buf_printf(out, "%s:x:%s:%s\n", g ? g->gr_name : gid, gid, u ? u->pw_name : uid);
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
        group_line(f, gid, uid, &group);
    r = add_lines(f, "/etc/passwd", buf_str(&passwd), err);
    if (r >= 0)
        r = add_lines(f, "/etc/group", buf_str(&group), err);
    return r;
}
