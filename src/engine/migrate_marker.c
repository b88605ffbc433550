/* SPDX-License-Identifier: Apache-2.0 */
/* migrate_marker.c - see migrate_marker.h. */
#include "engine/migrate_marker.h"
#include "base/fs.h"
#include "base/str.h"
#include "wrap/fault.h"
#include <fcntl.h>
#include <signal.h>

#define MARKER_MAX (1u << 20)

void marker_free(struct marker *m)
{
    free(m->from);
    free(m->to);
    free(m->step);
    free(m->work);
    free(m->suffix);
    list_free(&m->source);
    list_free(&m->made);
    list_free(&m->target);
    *m = (struct marker){0};
}

static int take_member(const json *tree, const char *member, char **out)
{
    return str_set(out, json_str(tree, member));
}

static uint64_t take_sum(const json *tree, const char *member)
{
    const char *text = json_str(tree, member);

    return text ? strtoull(text, NULL, 16) : 0;
}

/* Only the names of files are believed that a move would have written. */
static bool is_absolute(const struct berth_list *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (files->items[i][0] != '/')
            return false;
    return true;
}

int marker_read(const char *static_dir, struct marker *m, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(static_dir, MARKER_NAME);
    _cleanup_json_ json *tree = NULL;
    int r;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    r = json_read_file(path, MARKER_MAX, &tree, err);
    if (r < 0)
        return r;
    if (take_member(tree, "from", &m->from) < 0 || take_member(tree, "to", &m->to) < 0 ||
        take_member(tree, "step", &m->step) < 0 || take_member(tree, "work", &m->work) < 0 ||
        take_member(tree, "suffix", &m->suffix) < 0 ||
        json_to_list(json_get(tree, "source"), &m->source) < 0 ||
        json_to_list(json_get(tree, "made"), &m->made) < 0 ||
        json_to_list(json_get(tree, "target"), &m->target) < 0)
        return fail(err, ENOMEM, "out of memory");
    m->source_sum = take_sum(tree, "source_sum");
    m->target_sum = take_sum(tree, "target_sum");
    if (!m->from || !m->to || !m->step || m->made.n != m->target.n ||
        (m->work && m->work[0] != '/') || !is_absolute(&m->source) || !is_absolute(&m->made) ||
        !is_absolute(&m->target) ||
        (str_eq(m->step, MARKER_SWITCH) &&
         (!m->suffix || strchr(m->suffix, '/') || m->source.n == 0 || m->target.n == 0)))
        return fail(err, EUCLEAN, "%s: it is not the note of a move of the state store", path);
    return 0;
}

static void put_sum(json *tree, const char *member, uint64_t sum)
{
    char text[24];

    snprintf(text, sizeof(text), "%016llx", (unsigned long long)sum);
    json_set_str(tree, member, text);
}

int marker_write(const char *static_dir, const struct marker *m, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(static_dir, MARKER_NAME);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_json_ json *tree = json_new();

    json_set_str(tree, "from", m->from);
    json_set_str(tree, "to", m->to);
    json_set_str(tree, "step", m->step);
    json_opt_str(tree, "work", m->work);
    json_opt_str(tree, "suffix", m->suffix);
    json_set_list(tree, "source", &m->source);
    json_set_list(tree, "made", &m->made);
    json_set_list(tree, "target", &m->target);
    put_sum(tree, "source_sum", m->source_sum);
    put_sum(tree, "target_sum", m->target_sum);
    json_write_pretty(tree, 0, "", "  ", &text);
    buf_putc(&text, '\n');
    if (!path || buf_error(&text))
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(path, text.data, text.len, 0600, true, err);
}

int fsync_parent(const char *path, struct berth_error *err)
{
    _cleanup_free_ char *parent = strdup(path);
    _cleanup_close_ int fd = -1;

    if (!parent)
        return fail(err, ENOMEM, "out of memory");
    *strrchr(parent, '/') = '\0';
    fd = open(*parent ? parent : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return fail_errno(err, errno, "syncing the folder of %s", path);
    return 0;
}

int marker_remove(const char *static_dir, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(static_dir, MARKER_NAME);

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    if (unlink(path) < 0 && errno != ENOENT)
        return fail_errno(err, errno, "removing %s", path);
    return fsync_parent(path, err);
}

/* Nothing is ever replaced: what is in the way may be a store that another program made. */
static int rename_free(const char *a, const char *b)
{
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* A file system without that flag. */
    if (fs_exists(b))
        return -EEXIST;
    return rename(a, b) < 0 ? -errno : 0;
}

int rename_all(const struct berth_list *from, const struct berth_list *to,
               struct berth_error *err)
{
    for (size_t i = 0; i < from->n; i++) {
        const char *a = from->items[i], *b = to->items[i];
        int r = 0;

        if (!fs_exists(a))
            continue;
        r = rename_free(a, b);
        if (r < 0)
            return fail_errno(err, -r, "renaming %s to %s", a, b);
        r = fsync_parent(b, err);
        if (r == 0)
            r = fsync_parent(a, err);
        if (r == 0)
            r = migrate_point("renamed", err);
        if (r < 0)
            return r;
    }
    return 0;
}

size_t count_there(const struct berth_list *files)
{
    size_t n = 0;

    for (size_t i = 0; i < files->n; i++)
        n += fs_exists(files->items[i]);
    return n;
}

int migrate_point(const char *step, struct berth_error *err)
{
    int code = fault_wanted("migrate", step);

    if (code == EOWNERDEAD)
        raise(SIGKILL);
    return code ? fail(err, code, "injected fault at %s", step) : 0;
}
