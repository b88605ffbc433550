/* SPDX-License-Identifier: Apache-2.0 */
/* boot.c - see boot.h. */
#include "engine/boot.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/events.h"
#include "engine/store.h"
#include "engine/system_claim.h"
#include "engine/system_marker.h"
#include "storage/storage.h"
#include <fcntl.h>
#include <sys/stat.h>

/* --------------------------------------------------------------- alive lock */

/* podman's lock files are classic record locks on the whole file; they exclude only between
 * processes and go with any descriptor of the file that is closed, so this one is opened
 * here and nowhere else. */
int boot_lock_alive(const struct conf *c, struct berth_error *err)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _cleanup_free_ char *path = path_join(c->tmp_dir, "alive.lck");
    _cleanup_close_ int fd = -1;
    int r;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    r = fs_mkdir_p(c->tmp_dir, 0751, err);
    if (r < 0)
        return error_wrap(err, "creating tmpdir");
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail_errno(err, errno, "opening alive lock %s", path);
    while (fcntl(fd, F_SETLKW, &all) < 0)
        if (errno != EINTR)
            return fail_errno(err, errno, "locking %s", path);
    return TAKE_FD(fd);
}

int alive_lock(struct engine *e, struct berth_error *err)
{
    int fd = e->alive_fd >= 0 ? e->alive_fd : boot_lock_alive(e->conf, err);

    if (fd < 0)
        return fd;
    e->alive_fd = fd;
    return 0;
}

void alive_unlock(struct engine *e)
{
    if (e->alive_fd >= 0)
        close(e->alive_fd);
    e->alive_fd = -1;
}

/* -------------------------------------------------------------------- locks */

int boot_open_locks(struct engine *e, uint32_t flags, struct berth_error *err)
{
    char count[16];
    struct conf_override number = {"count", count, .hint = true};
    int r;

    snprintf(count, sizeof(count), "%u", e->conf->num_locks);
    r = lock_open(e->conf, str_or(e->conf->lock_type, BERTH_DEFAULT_LOCK), &e->place, &number,
                  1, flags, &e->locks, err);
    if (r == -ERANGE)
        error_append(err, "run `berth system renumber` if num_locks was changed on purpose");
    return r;
}

/* Nobody else makes or claims locks while the alive lock is held. */
static int make_locks(struct engine *e, struct berth_error *err)
{
    int r = boot_open_locks(e, 0, err);

    if (r != -ENOENT)
        return r;
    error_clear(err);
    r = boot_open_locks(e, BERTH_LOCK_CREATE, err);
    if (r < 0)
        return r;
    r = claim_store(e, e->state, e->conf->static_dir, err);
    return r < 0 ? r : claim_others(e, err);
}

int boot_locks(struct engine *e, struct berth_error *err)
{
    bool ours = e->alive_fd < 0;
    int r = boot_open_locks(e, 0, err);

    if (r != -ENOENT)
        return r;
    error_clear(err);
    r = alive_lock(e, err);
    if (r == 0)
        r = make_locks(e, err);
    if (ours)
        alive_unlock(e);
    return r;
}

/* ------------------------------------------------------------------ refresh */

/* Is it a live process whose command line has this word?  Process numbers are used again,
 * soon after a boot above all. */
static bool has_process(int64_t pid, const char *word)
{
    _cleanup_free_ char *path = str_printf("/proc/%lld/cmdline", (long long)pid);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (pid <= 0 || !path || fs_read(path, 1 << 20, &text, NULL) < 0)
        return false;
    for (size_t i = 0; i < text.len; i += strlen(text.data + i) + 1)
        if (str_eq(text.data + i, word))
            return true;
    return false;
}

/* What keeps a container from being put right. */
struct kept {
    bool booted;
    struct berth_list *keep; /* IDs of those to be left alone */
    size_t n;                /* how many there are in all */
    struct berth_error *err;
};

static bool is_of_this_boot(const struct kept *k, const struct berth_record *rec)
{
    static const char *const names[] = {"conmonPid", "runDir"};
    struct berth_blob values[ARRAY_LEN(names)];
    _cleanup_buf_ struct berth_buf run_dir = BUF_INIT;
    int64_t pid = 0;

    /* A damaged record is none of this boot's; who writes it anew tells of it. */
    if (json_project(rec->state, names, ARRAY_LEN(names), values, NULL) < 0)
        return false;
    if (values[0].data && json_text_i64(values[0], &pid) == 0 && has_process(pid, rec->id))
        return true;
    return !k->booted && values[1].data && json_text_str(values[1], &run_dir) == 0 &&
           run_dir.len > 0 && fs_exists(buf_str(&run_dir));
}

static int keep_one(void *arg, const struct berth_record *rec)
{
    struct kept *k = arg;

    k->n++;
    return is_of_this_boot(k, rec) && list_add(k->keep, rec->id) < 0
               ? fail(k->err, ENOMEM, "out of memory")
               : 0;
}

static int find_kept(struct engine *e, struct kept *k)
{
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_begin(e, false, &t, k->err);

    return r < 0 ? r : store_scan(e, t, BERTH_CONTAINER, BERTH_REC_STATE, keep_one, k, k->err);
}

/* The part of the run directory, and what a boot left in the container's folder.  One that
 * cannot be put right is told of, and does not keep the others from it. */
static void refresh_ctr(void *arg, const char *id, json *state)
{
    static const char *const left[] = {"attach", "ctl", "winsz", "oom"};
    struct engine *e = arg;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *exit_file = str_printf("%s/exits/%s", e->conf->tmp_dir, id);
    _cleanup_free_ char *run_dir = NULL, *static_dir = NULL;
    struct storage *storage;
    int r = engine_storage(e, &storage, &err);

    if (r == 0)
        r = storage_container_dirs(storage, id, &static_dir, &run_dir, &err);
    if (r < 0)
        log_error("refreshing container %s: %s", id, error_text(&err));
    else
        json_set_str(state, "runDir", run_dir);
    for (size_t i = 0; static_dir && i < ARRAY_LEN(left); i++) {
        _cleanup_free_ char *path = path_join(static_dir, left[i]);

        if (path)
            unlink(path);
    }
    if (exit_file)
        unlink(exit_file);
}

#define SYSTEMCTL "/usr/bin/systemctl"

static int add_slice(void *arg, const struct berth_record *rec)
{
    _cleanup_json_ json *state = NULL;
    const char *path;

    if (json_parse_object(rec->state, rec->id, &state, NULL) < 0)
        return 0;
    path = json_str(state, "cgroupPath");
    return str_ends(str_or(path, ""), ".slice") ? list_add(arg, path_base(path)) : 0;
}

/* Where systemd makes the cgroups, a pod's is a slice, and has to be there for podman to remove
 * it with the pod.  It is made by starting it. */
static int refresh_pods(struct engine *e, struct berth_error *err)
{
    _cleanup_list_ struct berth_list slices = LIST_INIT;
    _cleanup_txn_ struct txn *t = NULL;
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = store_scan(e, t, BERTH_POD, BERTH_REC_STATE, add_slice, &slices, err);
    if (r < 0)
        return r;
    txn_rollback(TAKE(t));
    for (size_t i = 0; i < slices.n; i++) {
        const char *argv[] = {SYSTEMCTL, "start", slices.items[i],
                              e->conf->rootless ? "--user" : NULL, NULL};
        struct berth_run run = {
            .size = sizeof(run), .argv = argv, .netns_fd = -1, .deadline = time_deadline(10)};
        _cleanup_error_ struct berth_error why = ERROR_INIT;

        if (proc_run(&run, &why) != 0)
            log_warning("systemctl cannot start the slice %s of a pod: %s", slices.items[i],
                        str_or(error_text(&why), "it failed"));
    }
    return 0;
}

/* *changed: there was something to put right. */
static int refresh(struct engine *e, bool booted, bool *changed, struct berth_error *err)
{
    _cleanup_list_ struct berth_list keep = LIST_INIT;
    struct kept kept = {.booted = booted, .keep = &keep, .err = err};
    char *ns = TAKE(e->conf->namespace_); /* objects of all namespaces */
    int r = find_kept(e, &kept);

    *changed = booted || keep.n < kept.n;
    if (r == 0 && *changed)
        r = store_refresh(e, &keep, refresh_ctr, e, err);
    if (r == 0 && *changed)
        r = refresh_pods(e, err);
    e->conf->namespace_ = ns;
    if (r == 0 && !e->locks)
        r = boot_open_locks(e, BERTH_LOCK_CREATE, err);
    return r < 0 ? r : claim_store(e, e->state, e->conf->static_dir, err);
}

/* Inside a container that was given the host's storage, a missing alive file says nothing
 * about a boot of the host. */
static bool storage_is_borrowed(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    return fs_read("/run/.containerenv", 1 << 16, &text, NULL) == 0 &&
           strstr(buf_str(&text), "graphRootMounted=1") != NULL;
}

/* ------------------------------------------------------------------- marker */

/* 1: the alive file is there, 0: it is not. */
static int look_for_alive(const char *path, struct berth_error *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : fail_errno(err, errno, "looking for %s", path);
    if (!S_ISREG(st.st_mode))
        return fail(err, EUCLEAN, "%s is no regular file: move it away", path);
    return 1;
}

static int mark_alive(struct engine *e, const char *path, struct berth_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0)
        return fail_errno(err, errno, "creating %s", path);
    close(fd);
    return boot_marker_write(e->conf, state_plugin(e->state), err);
}

/* The alive lock is held. */
static int put_right(struct engine *e, const char *alive, bool force, struct berth_error *err)
{
    _cleanup_free_ char *exits = path_join(e->conf->tmp_dir, "exits");
    enum boot_marker_status marker = boot_marker_status(e->conf);
    int there = look_for_alive(alive, err), r;
    bool booted = force || there == 0 || marker == MARKER_STALE, changed = false;

    if (there < 0)
        return there;
    if (there && marker == MARKER_CURRENT && !force)
        return 0; /* somebody else was first */
    if (!exits)
        return fail(err, ENOMEM, "out of memory");
    r = fs_mkdir_p(exits, 0750, err);
    if (r < 0)
        return error_wrap(err, "creating tmpdir");
    log_debug("%s: putting the store in %s right after a boot",
              there ? "no marker" : "no alive file", e->conf->static_dir);
    if (!storage_is_borrowed())
        r = refresh(e, booted, &changed, err);
    if (r == 0)
        r = mark_alive(e, alive, err);
    if (r < 0)
        return r;
    e->refreshed = changed;
    if (changed)
        event_system(e, "refresh");
    return 0;
}

static int check(struct engine *e, bool force, struct berth_error *err)
{
    _cleanup_free_ char *alive = path_join(e->conf->tmp_dir, "alive");
    bool ours = e->alive_fd < 0;
    int r;

    if (!alive)
        return fail(err, ENOMEM, "out of memory");
    r = look_for_alive(alive, err);
    if (r < 0 || (r == 1 && !force && boot_marker_status(e->conf) == MARKER_CURRENT))
        return r < 0 ? r : 0;
    r = alive_lock(e, err);
    if (r == 0)
        r = put_right(e, alive, force, err);
    if (ours)
        alive_unlock(e);
    return r;
}

int boot_check(struct engine *e, struct berth_error *err)
{
    return check(e, false, err);
}

int boot_refresh(struct engine *e, struct berth_error *err)
{
    return check(e, true, err);
}
