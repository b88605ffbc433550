/* SPDX-License-Identifier: Apache-2.0 */
/* intent.c - see intent.h. */
#include "engine/intent.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/store.h"
#include "storage/storage.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

static char *folder(const struct engine *e)
{
    return path_join(e->conf->tmp_dir, "intents");
}

int intent_begin(struct engine *e, const char *id, struct intent *out, struct berth_error *err)
{
    _cleanup_free_ char *dir = folder(e);
    char *path = dir ? path_join(dir, id) : NULL;
    int fd;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT && fs_mkdir_p(dir, 0700, err) == 0)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        int code = errno;

        if (fd >= 0)
            close(fd);
        fail_errno(err, code, "creating %s", path);
        free(path);
        return -code;
    }
    *out = (struct intent){fd, path};
    return 0;
}

int intent_lock_is(struct intent *i, uint32_t lock, struct berth_error *err)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%u", lock);

    return pwrite(i->fd, text, (size_t)n, 0) == n
               ? 0
               : fail_errno(err, errno, "writing %s", i->path);
}

void intent_lock_gone(struct intent *i)
{
    if (i->fd >= 0 && ftruncate(i->fd, 0) < 0)
        log_warning("truncating %s failed", i->path);
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

/* ----------------------------------------------------------------- recovery */

static bool in_store(struct engine *e, const char *id, struct berth_error *err)
{
    _cleanup_txn_ struct txn *t = NULL;
    struct berth_record rec = {.size = sizeof(rec)};
    int r = store_begin(e, false, &t, err);

    if (r == 0)
        r = txn_get(t, BERTH_CONTAINER, id, 0, &rec, err);
    if (r == -ENOENT)
        error_clear(err);
    return r != -ENOENT; /* when in doubt, it is there */
}

static void undo(struct engine *e, const char *id, struct intent *i)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct storage *storage;
    struct locks *locks;
    uint64_t lock;

    if (in_store(e, id, &err))
        return;
    log_info("undoing what a killed process left of container %s", id);
    if (engine_storage(e, &storage, &err) < 0 ||
        (storage_container_delete(storage, id, &err) < 0 && err.code != ENOENT))
        log_warning("removing the storage of container %s: %s", id, error_text(&err));
    error_clear(&err);
    if (fs_read_fd(i->fd, i->path, 64, &text, &err) < 0 ||
        str_to_u64(buf_str(&text), &lock) < 0 || lock > UINT32_MAX)
        return;
    intent_lock_gone(i);
    if (engine_locks(e, &locks, &err) < 0 || lock_release(locks, (uint32_t)lock, &err) < 0)
        log_warning("freeing lock %u of container %s: %s", (uint32_t)lock, id,
                    error_text(&err));
}

static void recover_one(struct engine *e, const char *dir, const char *id)
{
    struct intent i = {.fd = -1, .path = path_join(dir, id)};
    struct stat st;

    if (i.path)
        i.fd = open(i.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    /* Held: its maker is alive.  Unlinked: somebody was faster. */
    if (i.fd < 0 || flock(i.fd, LOCK_EX | LOCK_NB) < 0 || fstat(i.fd, &st) < 0 ||
        st.st_nlink == 0) {
        if (i.fd >= 0)
            close(i.fd);
        free(i.path);
        return;
    }
    undo(e, id, &i);
    intent_end(&i);
}

void intent_recover(struct engine *e)
{
    _cleanup_free_ char *dir = folder(e);
    struct dirent *entry;
    DIR *d = dir ? opendir(dir) : NULL;

    while (d && (entry = readdir(d)))
        if (id_is_full(entry->d_name))
            recover_one(e, dir, entry->d_name);
    if (d)
        closedir(d);
}
