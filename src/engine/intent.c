/* SPDX-License-Identifier: Apache-2.0 */
/* intent.c - see intent.h. */
#include "engine/intent.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/names.h"
#include "engine/store.h"
#include "engine/system_locks.h"
#include "engine/volume.h"
#include "storage/storage.h"
#include <fcntl.h>
#include <sys/file.h>

#define VOLUME_PREFIX "v." /* IDs of containers have no dot */

static char *folder(const struct conf *conf)
{
    return path_join(conf->tmp_dir, "intents");
}

/* One record of fixed length, so that it is never seen half written: the number or "-", a
 * "t" if the directory counts or "w" if all goes with the owner, a "?" if the number is
 * doubtful, the owner. */
#define LOCK_WIDTH 10
#define TEXT_LEN   (LOCK_WIDTH + 2 + ID_LEN)

static int write_text(struct intent *i, struct berth_error *err)
{
    char number[LOCK_WIDTH + 1] = "-", text[TEXT_LEN + 1];

    if (i->lock >= 0)
        snprintf(number, sizeof(number), "%u", (uint32_t)i->lock);
    snprintf(text, sizeof(text), "%-*s%c %-*s", LOCK_WIDTH, number, i->tree ? 't' : ' ', ID_LEN,
             i->owner);
    if (i->whole)
        text[LOCK_WIDTH] = 'w';
    if (i->doubtful)
        text[LOCK_WIDTH + 1] = '?';
    return pwrite(i->fd, text, TEXT_LEN, 0) == TEXT_LEN
               ? 0
               : fail_errno(err, errno, "writing %s", i->path);
}

static int read_text(struct intent *i)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char number[LOCK_WIDTH + 1] = "";
    uint64_t lock;
    int r = fs_read_fd(i->fd, i->path, TEXT_LEN, &text, NULL);

    if (r < 0 || text.len == 0)
        return r;
    snprintf(number, sizeof(number), "%.*s", (int)strcspn(buf_str(&text), " "), buf_str(&text));
    if (str_to_u64(number, &lock) == 0 && lock <= UINT32_MAX)
        i->lock = (int64_t)lock;
    if (text.len == TEXT_LEN) {
        i->whole = text.data[LOCK_WIDTH] == 'w';
        i->tree = i->whole || text.data[LOCK_WIDTH] == 't';
        i->doubtful = text.data[LOCK_WIDTH + 1] == '?';
        snprintf(i->owner, sizeof(i->owner), "%s", text.data + LOCK_WIDTH + 2);
        if (!id_is_full(i->owner))
            i->owner[0] = '\0';
    }
    return 0;
}

/* Somebody who waited for the file may get it when it is no longer what its name says. */
static bool is_current(int fd, const char *path)
{
    struct stat mine, there;

    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
           mine.st_dev == there.st_dev;
}

static int open_locked(const char *dir, const char *path, struct berth_error *err)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), code;

        if (fd < 0 && errno == ENOENT && fs_mkdir_p(dir, 0700, err) == 0)
            fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
            if (is_current(fd, path))
                return fd;
            close(fd);
            continue;
        }
        code = errno;
        if (fd >= 0)
            close(fd);
        if (code != EINTR || fd < 0)
            return fail_errno(err, code, "creating %s", path);
    }
}

static int begin(struct engine *e, const char *file, struct intent *out,
                 struct berth_error *err)
{
    _cleanup_free_ char *dir = folder(e->conf);
    _cleanup_free_ char *path = dir ? path_join(dir, file) : NULL;
    int fd;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    fd = open_locked(dir, path, err);
    if (fd < 0)
        return fd;
    *out = (struct intent){.fd = fd, .path = TAKE(path), .lock = -1};
    return 0;
}

int intent_begin(struct engine *e, const char *id, struct intent *out, struct berth_error *err)
{
    return begin(e, id, out, err);
}

int intent_begin_volume(struct engine *e, const char *name, const char *owner,
                        struct intent *out, struct berth_error *err)
{
    _cleanup_free_ char *file = str_printf(VOLUME_PREFIX "%s", name);
    int r = file ? begin(e, file, out, err) : fail(err, ENOMEM, "out of memory");

    if (r < 0 || !owner)
        return r;
    snprintf(out->owner, sizeof(out->owner), "%s", owner);
    return write_text(out, err);
}

int intent_lock_wanted(struct intent *i, struct berth_error *err)
{
    i->doubtful = true;
    return write_text(i, err);
}

int intent_lock_is(struct intent *i, uint32_t lock, struct berth_error *err)
{
    i->lock = lock;
    i->doubtful = false;
    return write_text(i, err);
}

int intent_tree_is(struct intent *i, struct berth_error *err)
{
    i->tree = true;
    return write_text(i, err);
}

int intent_whole(struct intent *i, struct berth_error *err)
{
    i->tree = i->whole = true;
    return write_text(i, err);
}

void intent_lock_gone(struct intent *i)
{
    i->doubtful = true;
    if (i->fd >= 0)
        write_text(i, NULL);
}

void intent_end(struct intent *i)
{
    if (i->fd < 0)
        return;
    unlink(i->path);
    close(i->fd);
    free(i->path);
    *i = INTENT_NONE;
}

static bool has_storage(const struct conf *conf, const char *id)
{
    struct storage *st;
    bool there = true;

    if (storage_open(conf->graph_root, conf->run_root, conf->storage_driver, &st, NULL) == 0) {
        there = storage_container_there(st, id);
        storage_close(st);
    }
    return there;
}

bool intent_saw_removal(const struct conf *conf, const char *id)
{
    _cleanup_free_ char *dir = folder(conf), *path = dir ? path_join(dir, id) : NULL;
    _cleanup_close_ int fd = path && id_is_full(id) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return false;
    while (flock(fd, LOCK_SH) < 0)
        if (errno != EINTR)
            return false;
    return !is_current(fd, path) && !has_storage(conf, id);
}

/* ----------------------------------------------------------------- recovery */

static bool in_store(struct engine *e, uint32_t kind, const char *id, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = txn_get(t, kind, id, 0, &rec, err);
    if (r == -ENOENT)
        error_clear(err);
    return r != -ENOENT; /* when in doubt, it is there */
}

static bool is_intent(const char *file)
{
    const char *volume = str_starts(file, VOLUME_PREFIX);

    return volume ? name_is_valid(volume) : id_is_full(file);
}

static void each_intent(struct engine *e, fs_entry_fn *fn, void *arg)
{
    _cleanup_free_ char *dir = folder(e->conf);
    _cleanup_close_ int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0)
        fs_list(fd, fn, arg);
}

struct number_use {
    const struct intent *except;
    int64_t lock;
    bool found;
};

static int names_number(void *arg, int dir, const char *name, unsigned char type _unused_)
{
    struct number_use *use = arg;
    struct intent i = {.fd = -1, .lock = -1};

    if (!is_intent(name) || str_eq(name, path_base(use->except->path)))
        return 0;
    i.fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (i.fd < 0)
        return 0;
    read_text(&i);
    close(i.fd);
    use->found = i.lock == use->lock;
    return use->found;
}

/* Does another of these files name the number?  Its object is being made or removed. */
static bool in_intents(struct engine *e, const struct intent *except, int64_t lock)
{
    struct number_use use = {except, lock, false};

    each_intent(e, names_number, &use);
    return use.found;
}

static bool is_nobodys(struct engine *e, const struct intent *i, const struct lock_row *row)
{
    return !row->owner && !row->elsewhere && row->allocated && !row->held &&
           (i->lock < 0 || i->lock == row->lock) && !in_intents(e, i, row->lock);
}

static bool still_nobodys(struct engine *e, const struct intent *i,
                          const struct lock_rows *rows, int64_t lock)
{
    for (size_t n = 0; n < rows->n; n++)
        if (rows->items[n].lock == lock)
            return is_nobodys(e, i, &rows->items[n]);
    return false;
}

/* Killed while it allocated or freed a number.  podman, too, has a number for a moment before
 * it records it, and leaves no note of that: hence the second look. */
static int free_doubtful(struct engine *e, const struct intent *i, struct berth_error *err)
{
    _cleanup_lock_rows_ struct lock_rows rows = {0}, again = {0};
    int r = system_locks(e, &rows, err);
    bool waited = false;

    for (size_t n = 0; r == 0 && n < rows.n; n++) {
        int64_t lock = rows.items[n].lock;

        if (!is_nobodys(e, i, &rows.items[n]))
            continue;
        if (!waited) {
            waited = true;
            sleep(1);
            r = system_locks(e, &again, err);
        }
        if (r == 0 && still_nobodys(e, i, &again, lock))
            r = lock_release(e->locks, (uint32_t)lock, err);
    }
    return r;
}

static void free_number(struct engine *e, struct intent *i, const char *what, const char *id)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    uint32_t lock = (uint32_t)i->lock;
    struct locks *locks;

    if (i->doubtful && free_doubtful(e, i, &err) < 0)
        log_warning("looking for the lock of %s %s: %s", what, id, error_text(&err));
    if (i->doubtful || i->lock < 0)
        return;
    intent_lock_gone(i);
    if (engine_locks(e, &locks, &err) < 0 || lock_release(locks, lock, &err) < 0)
        log_warning("freeing lock %u of %s %s: %s", lock, what, id, error_text(&err));
}

static void undo(struct engine *e, const char *id, struct intent *i)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct storage *storage;

    if (in_store(e, BERTH_CONTAINER, id, &err))
        return;
    log_info("undoing what a killed process left of container %s", id);
    if (engine_storage(e, &storage, &err) < 0 ||
        (storage_container_delete(storage, id, &err) < 0 && err.code != ENOENT))
        log_warning("removing the storage of container %s: %s", id, error_text(&err));
    free_number(e, i, "container", id);
}

static void undo_volume(struct engine *e, const char *name, struct intent *i)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (in_store(e, BERTH_VOLUME, name, &err)) {
        if (i->owner[0] && !in_store(e, BERTH_CONTAINER, i->owner, &err))
            volume_remove_unused(e, name, i);
        return;
    }
    log_info("undoing what a killed process left of volume %s", name);
    if (i->tree && volume_remove_tree(e, name, &err) < 0)
        log_warning("removing the directory of volume %s: %s", name, error_text(&err));
    free_number(e, i, "volume", name);
}

static void recover_one(struct engine *e, int dir, const char *file)
{
    _cleanup_free_ char *in = folder(e->conf);
    struct intent i = {.fd = openat(dir, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW), .lock = -1};
    const char *volume = str_starts(file, VOLUME_PREFIX);

    i.path = in ? path_join(in, file) : NULL;
    /* Held: its maker is alive.  Unlinked: somebody was faster. */
    if (i.fd < 0 || !i.path || flock(i.fd, LOCK_EX | LOCK_NB) < 0 ||
        !is_current(i.fd, i.path)) {
        if (i.fd >= 0)
            close(i.fd);
        free(i.path);
        return;
    }
    read_text(&i);
    if (volume)
        undo_volume(e, volume, &i);
    else
        undo(e, file, &i);
    intent_end(&i);
}

static int recover_entry(void *arg, int dir, const char *name, unsigned char type _unused_)
{
    if (is_intent(name))
        recover_one(arg, dir, name);
    return 0;
}

void intent_recover(struct engine *e)
{
    each_intent(e, recover_entry, e);
}
