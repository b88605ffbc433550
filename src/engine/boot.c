/* SPDX-License-Identifier: Apache-2.0 */
/* boot.c - see boot.h. */
#include "engine/boot.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/events.h"
#include "engine/store.h"
#include "storage/storage.h"
#include <fcntl.h>
#include <sys/stat.h>

/* podman's lock files are classic record locks on the whole file; they exclude only between
 * processes and go with any descriptor of the file that is closed, so this one is opened
 * here and nowhere else. */
static int lock_alive(const char *path, struct berth_error *err)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0)
        return fail_errno(err, errno, "opening alive lock %s", path);
    while (fcntl(fd, F_SETLKW, &all) < 0)
        if (errno != EINTR) {
            int code = errno;

            close(fd);
            return fail_errno(err, code, "locking %s", path);
        }
    return fd;
}

int boot_lock_alive(const struct conf *c, struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(c->tmp_dir, "alive.lck");

    return path ? lock_alive(path, err) : fail(err, ENOMEM, "out of memory");
}

static void claim_lock(struct engine *e, const char *what, const char *id, uint32_t lock)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct locks *locks;
    int r = engine_locks(e, &locks, &err);

    if (r == 0)
        r = lock_claim(locks, lock, &err);
    /* A segment that survived has the number already: it is this object's. */
    if (r < 0 && r != -EEXIST)
        log_error("refreshing %s %s: %s", what, id, error_text(&err));
}

static void refresh_ctr(struct engine *e, struct ctr *c)
{
    static const char *const left[] = {"attach", "ctl", "winsz", "oom"};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *exit_file = NULL, *run_dir = NULL;
    struct storage *storage;
    int r;

    claim_lock(e, "container", c->id, ctr_lock_id(c));
    json_del(c->state, "networkStatus");
    r = engine_storage(e, &storage, &err);
    if (r == 0)
        r = storage_container_dirs(storage, c->id, NULL, &run_dir, &err);
    if (r == 0) {
        json_set_str(c->state, "runDir", run_dir);
        r = store_save(c, EXIT_NONE, &err);
    }
    if (r < 0)
        log_error("refreshing container %s: %s", c->id, error_text(&err));
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        _cleanup_free_ char *path = path_join(ctr_static_dir(c), left[i]);

        if (path)
            unlink(path);
    }
    exit_file = str_printf("%s/exits/%s", e->conf->tmp_dir, c->id);
    if (exit_file)
        unlink(exit_file);
}

struct claim {
    struct engine *e;
    struct berth_list ids;
    uint32_t *locks;
    size_t n;
};

static int note_claim(void *arg, const struct berth_record *rec)
{
    static const char *const names[] = {"lockID"};
    struct claim *claims = arg;
    struct berth_blob value;
    int64_t lock = -1;
    uint32_t *more;

    if (json_project(rec->config, names, 1, &value, NULL) < 0 ||
        json_text_i64(value, &lock) < 0 || lock < 0 || lock > UINT32_MAX) {
        log_error("refreshing %s: its configuration has no usable lock number", rec->id);
        return 0;
    }
    more = realloc(claims->locks, (claims->n + 1) * sizeof(*more));
    if (!more || list_add(&claims->ids, rec->id) < 0)
        return -ENOMEM;
    claims->locks = more;
    claims->locks[claims->n++] = (uint32_t)lock;
    return 0;
}

/* Pods and volumes have nothing but their lock to be put right. */
static int claim_all(struct engine *e, uint32_t kind, const char *what, struct berth_error *err)
{
    struct claim claims = {.e = e};
    struct txn *t = NULL;
    struct berth_scan scan = {.size = sizeof(scan), .kind = kind, .want = BERTH_REC_CONFIG};
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = txn_scan(t, &scan, note_claim, &claims, err);
    txn_rollback(t);
    for (size_t i = 0; r == 0 && i < claims.n; i++)
        claim_lock(e, what, claims.ids.items[i], claims.locks[i]);
    list_free(&claims.ids);
    free(claims.locks);
    return r;
}

static int refresh(struct engine *e, struct berth_error *err)
{
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = store_refresh(e, err);

    if (r == 0)
        r = ctr_load_all(e, 0, &ctrs, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        refresh_ctr(e, ctrs[i]);
    ctr_free_all(ctrs, n);
    if (r == 0)
        r = claim_all(e, BERTH_POD, "pod", err);
    if (r == 0)
        r = claim_all(e, BERTH_VOLUME, "volume", err);
    return r;
}

/* Inside a container that was given the host's storage, a missing alive file says nothing
 * about a boot of the host. */
static bool storage_is_borrowed(void)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    return fs_read("/run/.containerenv", 1 << 16, &text, NULL) == 0 &&
           strstr(buf_str(&text), "graphRootMounted=1") != NULL;
}

int boot_check(struct engine *e, struct berth_error *err)
{
    _cleanup_free_ char *alive = path_join(e->conf->tmp_dir, "alive");
    _cleanup_free_ char *lock = path_join(e->conf->tmp_dir, "alive.lck");
    _cleanup_free_ char *exits = path_join(e->conf->tmp_dir, "exits");
    _cleanup_close_ int lock_fd = -1, fd = -1;
    int r;

    if (!alive || !lock || !exits)
        return fail(err, ENOMEM, "out of memory");
    if (fs_exists(alive))
        return 0;
    r = fs_mkdir_p(e->conf->tmp_dir, 0751, err);
    if (r == 0)
        r = fs_mkdir_p(exits, 0750, err);
    if (r < 0)
        return error_wrap(err, "creating tmpdir");
    lock_fd = lock_alive(lock, err);
    if (lock_fd < 0)
        return lock_fd;
    if (fs_exists(alive))
        return 0; /* somebody else was first */
    log_debug("no alive file in %s: refreshing the store", e->conf->tmp_dir);
    if (!storage_is_borrowed())
        r = refresh(e, err);
    if (r < 0)
        return r;
    fd = open(alive, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail_errno(err, errno, "creating %s", alive);
    e->refreshed = true;
    event_system(e, "refresh");
    return 0;
}
