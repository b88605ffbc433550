/* SPDX-License-Identifier: Apache-2.0 */
/* system_marker.c - see system_marker.h. */
#include "engine/system_marker.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include <dirent.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#define FOLDER     "berth"
#define MARKER_MAX (64 << 10)

/* FNV-1a: names of files only; the static directory stands in the file too. */
static uint64_t hash(const char *s)
{
    uint64_t h = 14695981039346656037u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

static char *marker_path(const struct conf *c)
{
    return str_printf("%s/" FOLDER "/%016llx", c->tmp_dir,
                      (unsigned long long)hash(c->static_dir));
}

static int boot_id(struct berth_buf *out, struct berth_error *err)
{
    int r = fs_read("/proc/sys/kernel/random/boot_id", 256, out, err);

    if (r == 0 && out->len && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    return r;
}

static int marker_read(const char *path, json **out)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    int r = json_read_file(path, MARKER_MAX, out, &err);

    if (r < 0 && r != -ENOENT)
        log_debug("%s is passed over: %s", path, error_text(&err));
    return r;
}

enum boot_marker_status boot_marker_status(const struct conf *c)
{
    _cleanup_free_ char *path = marker_path(c);
    _cleanup_buf_ struct berth_buf now = BUF_INIT;
    _cleanup_json_ json *m = NULL;
    struct statfs st;

    if (!path || statfs(path, &st) < 0)
        return MARKER_NONE;
    /* What lives in memory was made in this boot. */
    if (st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC)
        return MARKER_CURRENT;
    if (marker_read(path, &m) < 0 || boot_id(&now, NULL) < 0)
        return MARKER_STALE;
    return str_eq(json_str(m, "bootID"), buf_str(&now)) ? MARKER_CURRENT : MARKER_STALE;
}

int boot_marker_write(const struct conf *c, const char *type, struct berth_error *err)
{
    _cleanup_free_ char *path = marker_path(c), *dir = path_join(c->tmp_dir, FOLDER);
    _cleanup_buf_ struct berth_buf now = BUF_INIT, text = BUF_INIT;
    _cleanup_json_ json *m = json_new();
    int r;

    if (!path || !dir)
        return fail(err, ENOMEM, "out of memory");
    r = boot_id(&now, err);
    if (r == 0)
        r = fs_mkdir_p(dir, 0700, err);
    if (r < 0)
        return r;
    json_set_str(m, "bootID", buf_str(&now));
    json_set_str(m, "stateType", type);
    json_set_str(m, "staticDir", c->static_dir);
    json_set_str(m, "graphRoot", c->graph_root);
    json_set_str(m, "runRoot", c->run_root);
    json_set_str(m, "volumePath", c->volume_path);
    json_write(m, 0, &text);
    return fs_replace(path, text.data, text.len, 0600, false, err);
}

void boot_marker_remove(const struct conf *c)
{
    _cleanup_free_ char *path = marker_path(c);

    if (path)
        unlink(path);
}

static char *member(const json *m, const char *key)
{
    const char *s = json_str(m, key);

    return s ? strdup(s) : NULL;
}

static int visit_marker(const struct conf *c, const char *path, boot_marker_fn *fn, void *arg)
{
    _cleanup_json_ json *m = NULL;
    struct boot_marker one;
    int r = 0;

    if (marker_read(path, &m) < 0)
        return 0;
    one = (struct boot_marker){member(m, "stateType"), member(m, "staticDir"),
                               member(m, "graphRoot"), member(m, "runRoot"),
                               member(m, "volumePath")};
    /* A store that was deleted since leaves its marker. */
    if (one.type && one.static_dir && !str_eq(one.static_dir, c->static_dir) &&
        fs_exists(one.static_dir))
        r = fn(arg, &one);
    free(one.type);
    free(one.static_dir);
    free(one.graph_root);
    free(one.run_root);
    free(one.volume_path);
    return r;
}

int boot_marker_each_other(const struct conf *c, boot_marker_fn *fn, void *arg)
{
    _cleanup_free_ char *dir = path_join(c->tmp_dir, FOLDER);
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *entry;
    int r = 0;

    while (d && r == 0 && (entry = readdir(d))) {
        _cleanup_free_ char *path = path_join(dir, entry->d_name);

        if (entry->d_name[0] != '.' && path)
            r = visit_marker(c, path, fn, arg);
    }
    if (d)
        closedir(d);
    return r;
}

int boot_marker_open(const struct conf *c, const struct boot_marker *m, uint32_t flags,
                     struct state **out, struct berth_error *err)
{
    struct berth_place place;

    conf_place(c, &place);
    place.static_dir = m->static_dir;
    place.graph_root = str_or(m->graph_root, "");
    place.run_root = str_or(m->run_root, "");
    place.volume_path = str_or(m->volume_path, "");
    place.flags |= flags;
    return state_open(c, m->type, &place, NULL, 0, 0, out, err);
}
