/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_checkpoint.c - checkpoint and restore; see ctr.h.
 *
 * All of a checkpoint is in the static directory, under podman's names, so that either can
 * restore what the other wrote.
 */
#include "base/archive.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/criu_stats.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/health.h"
#include "engine/rootfs.h"
#include "engine/store.h"
#include <fcntl.h>

#define CHECKPOINT_DIR "checkpoint"
#define PREVIOUS_DIR   "pre-checkpoint"
#define DUMP_LOG       "dump.log"
#define RESTORE_LOG    "restore.log"
#define DUMP_STATS     "stats-dump"
#define RESTORE_STATS  "stats-restore"
#define NETWORK_STATUS "network.status"
#define SHM_ARCHIVE    "devshm-checkpoint.tar"

#define ZERO_TIME  "0001-01-01T00:00:00Z"
#define STATS_MAX  65536
#define STATUS_MAX (1u << 20)

/* ------------------------------------------------------------------- common */

static char *file_of(const struct ctr *c, const char *name)
{
    return path_join(ctr_static_dir(c), name);
}

static void remove_file(const struct ctr *c, const char *name)
{
    _cleanup_free_ char *path = file_of(c, name);

    if (path)
        unlink(path);
}

static void remove_dir(const struct ctr *c, const char *name)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *path = file_of(c, name);

    if (path && fs_remove_tree(path, &why) < 0)
        log_warning("container %s: %s", c->id, error_text(&why));
}

static void note_path(struct ctr *c, const char *member, const char *name)
{
    _cleanup_free_ char *path = file_of(c, name);

    json_set_str(c->state, member, path);
}

/* Its runtime, if that can do it. */
static int able_runtime(struct ctr *c, struct ctr_view *view, struct oci **out,
                        struct berth_error *err)
{
    const struct berth_oci_checkpoint ask = {.size = sizeof(ask)};
    int r = engine_oci(c->e, ctr_runtime(c), out, err);

    if (r == 0 && !(oci_caps(*out) & BERTH_OCI_CAP_CHECKPOINT))
        r = fail(err, ENOTSUP, "configured runtime does not support checkpoint/restore");
    if (r == 0)
        r = ctr_view_make(c, view, err);
    return r == 0 ? oci_checkpoint(*out, &view->c, &ask, NULL, err) : r;
}

/* The directory behind its /dev/shm, where that is its own.  The host's is not to be put back
 * to what it was: the locks of all containers are in it. */
static const char *own_shm(const struct ctr *c)
{
    const char *dir = json_str(c->config, "ShmDir");

    return rootfs_own_shm(c) &&
                   str_eq(json_str(json_get(c->state, "bindMounts"), "/dev/shm"), dir)
               ? dir
               : NULL;
}

/* A log that its files alone tell of is there from the beginning, as of podman. */
static int make_log(const struct ctr *c, const char *name, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, name);
    _cleanup_close_ int fd = -1;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? fail_errno(err, errno, "creating %s", path) : 0;
}

static int read_stats(const struct ctr *c, bool restored, json **out, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, restored ? RESTORE_STATS : DUMP_STATS);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = path ? fs_read(path, STATS_MAX, &text, err) : fail(err, ENOMEM, "out of memory");

    if (r == 0)
        r = criu_stats_parse(buf_blob(&text), restored, out, err);
    return r < 0 ? error_wrap(err, "displaying %s statistics not possible",
                              restored ? "restore" : "checkpointing")
                 : 0;
}

/* --------------------------------------------------------------- checkpoint */

static int save_shm(const struct ctr *c, struct berth_error *err)
{
    _cleanup_(tar_writer_free) struct tar_writer w = {0};
    _cleanup_free_ char *path = file_of(c, SHM_ARCHIVE);
    _cleanup_close_ int fd = -1, dir = -1;
    struct archive_pack what = {.path = "."};
    const char *shm = own_shm(c);
    int r;

    if (!shm)
        return 0;
    if (!path)
        return fail(err, ENOMEM, "out of memory");
    what.root = dir = open(shm, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail_errno(err, errno, "opening %s", shm);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(err, errno, "creating %s", path);
    tar_writer_init(&w, fd);
    r = archive_pack(&w, &what, err);
    if (r >= 0)
        r = tar_end(&w, err);
    return r < 0 ? error_wrap(err, "saving /dev/shm of container %s", c->id) : 0;
}

static int save_network(const struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, NETWORK_STATUS);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    json *status = json_get(c->state, "networkStatus");
    int r = status ? json_write_pretty(status, 0, "", "  ", &text) : buf_puts(&text, "null");

    if (!path || r < 0)
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(path, text.data, text.len, 0600, false, err);
}

static bool is_auto_removed(const struct ctr *c)
{
    return str_eq(json_str(json_at(c->config, "spec", "annotations", NULL),
                           "io.podman.annotations.autoremove"),
                  "TRUE");
}

/* The runtime's part. */
static int dump(struct ctr *c, struct oci *oci, const struct ctr_view *view, unsigned flags,
                uint64_t *usec, struct berth_error *err)
{
    static const struct {
        unsigned ours;
        uint32_t theirs;
    } names[] = {{CTR_CHECKPOINT_LEAVE_RUNNING, BERTH_OCI_CHECKPOINT_KEEP_RUNNING},
                 {CTR_CHECKPOINT_TCP_ESTABLISHED, BERTH_OCI_CHECKPOINT_TCP_ESTABLISHED},
                 {CTR_CHECKPOINT_FILE_LOCKS, BERTH_OCI_CHECKPOINT_FILE_LOCKS},
                 {CTR_CHECKPOINT_PRE, BERTH_OCI_CHECKPOINT_PRE}};
    struct berth_oci_checkpoint how = {.size = sizeof(how)};
    bool pre = flags & CTR_CHECKPOINT_PRE;
    _cleanup_free_ char *dir = file_of(c, pre ? PREVIOUS_DIR : CHECKPOINT_DIR);
    int r = make_log(c, DUMP_LOG, err);

    if (r < 0)
        return r;
    if (!dir)
        return fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (flags & names[i].ours)
            how.flags |= names[i].theirs;
    how.dir = dir;
    if ((flags & CTR_CHECKPOINT_WITH_PREVIOUS) && !pre)
        how.previous = "../" PREVIOUS_DIR;
    return ctr_classify(oci_checkpoint(oci, &view->c, &how, usec, err), err);
}

/* criu makes the link to what came before an absolute one; the directories may move. */
static int link_previous(const struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, CHECKPOINT_DIR "/parent");

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    unlink(path);
    return symlink("../" PREVIOUS_DIR, path) < 0 ? fail_errno(err, errno, "creating %s", path)
                                                 : 0;
}

static void note_checkpointed(struct ctr *c)
{
    char text[TIME_TEXT_MAX];

    json_set_i64(c->state, "state", CTR_STOPPED);
    json_set_bool(c->state, "checkpointed", true);
    json_set_str(c->state, "checkpointedTime", time_format(time_now(), text));
    json_del(c->state, "restored");
    json_set_str(c->state, "restoredTime", ZERO_TIME);
}

/* What of it is beside the processes; and, unless it goes on, its end. */
static int record(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                  struct berth_error *err)
{
    bool pre = flags & CTR_CHECKPOINT_PRE, kept = pre || (flags & CTR_CHECKPOINT_KEEP);
    char text[TIME_TEXT_MAX];
    int r = save_shm(c, err);

    if (r == 0)
        r = save_network(c, err);
    if (r == 0 && (flags & CTR_CHECKPOINT_WITH_PREVIOUS))
        r = link_previous(c, err);
    if (r < 0)
        return r;
    event_ctr(c, "checkpoint", NULL);
    note_path(c, "checkpointPath", CHECKPOINT_DIR);
    note_path(c, "checkpointLog", DUMP_LOG);
    if (!kept)
        json_del(c->state, "checkpointLog");
    json_set_str(c->state, "finishedTime", time_format(time_now(), text));
    if (!pre && !(flags & CTR_CHECKPOINT_LEAVE_RUNNING)) {
        note_checkpointed(c);
        r = ctr_cleanup_parts(c, err);
    } else {
        r = store_save(c, EXIT_NONE, err);
    }
    if (r == 0 && (flags & CTR_CHECKPOINT_STATS))
        r = read_stats(c, false, &out->stats, err);
    if (!kept) {
        remove_file(c, DUMP_LOG);
        remove_file(c, DUMP_STATS);
    }
    return r;
}

static int check_previous(const struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, PREVIOUS_DIR);
    struct stat st;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    return stat(path, &st) < 0 ? fail(err, EINVAL, "stat %s: no such file or directory", path)
                               : 0;
}

static int checkpoint_locked(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                             struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    struct oci *oci;
    int r = able_runtime(c, &view, &oci, err);

    if (r < 0)
        return r;
    if (ctr_status(c) != CTR_RUNNING)
        return fail(err, EINVAL,
                    "\"%s\" is not running, cannot checkpoint: container state improper",
                    ctr_status_name(ctr_status(c)));
    if (is_auto_removed(c))
        return fail(err, EINVAL,
                    "cannot checkpoint containers that have been started with '--rm' unless "
                    "'--export' is used");
    r = dump(c, oci, &view, flags, &out->usec, err);
    if (r == 0)
        r = record(c, flags, out, err);
    /* It may have ended all the same. */
    if (r < 0 && ctr_status(c) == CTR_RUNNING)
        ctr_sync_locked(c, NULL);
    return r;
}

int ctr_checkpoint(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                   struct berth_error *err)
{
    sigset_t old;
    int r = 0;

    *out = (struct ctr_checkpoint_report){0};
    if (flags & CTR_CHECKPOINT_WITH_PREVIOUS)
        r = check_previous(c, err);
    if (r == 0)
        r = ctr_lock(c, err);
    if (r < 0)
        return r;
    ctr_hold_signals(&old);
    r = checkpoint_locked(c, flags, out, err);
    sigprocmask(SIG_SETMASK, &old, NULL);
    ctr_unlock(c);
    return r;
}

/* ------------------------------------------------------------------ restore */

static int check_inventory(const struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, CHECKPOINT_DIR "/inventory.img");

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    return fs_exists(path)
               ? 0
               : fail(err, EINVAL,
                      "a complete checkpoint for this container cannot be found, cannot "
                      "restore: stat %s: no such file or directory",
                      path);
}

/* Addresses that the user chose are forgotten, if that is wanted, and not only this time. */
static int forget_addresses(struct ctr *c, unsigned flags, struct berth_error *err)
{
    const char *const members[] = {flags & CTR_RESTORE_ANY_IP ? "static_ips" : NULL,
                                   flags & CTR_RESTORE_ANY_MAC ? "static_mac" : NULL};
    _cleanup_json_ json *networks = NULL;
    int r;

    if (!(flags & (CTR_RESTORE_ANY_IP | CTR_RESTORE_ANY_MAC)))
        return 0;
    r = store_networks(c, &networks, err);
    if (r < 0)
        return r;
    json_object_object_foreach (networks, name, options) {
        bool changed = false;

        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
            if (members[i] && json_get(options, members[i])) {
                json_del(options, members[i]);
                changed = true;
            }
        }
        r = changed ? store_network_modify(c, name, options, err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Leave out of a network status what the container need not have again. */
static void trim_addresses(json *status, unsigned flags)
{
    json_object_object_foreach (status, name, one) {
        json *interfaces = json_get(one, "interfaces");

        (void)name;
        if (!json_object_is_type(interfaces, json_type_object))
            continue;
        json_object_object_foreach (interfaces, interface, value) {
            (void)interface;
            if (value && flags & CTR_RESTORE_ANY_IP)
                json_del(value, "subnets");
            if (value && flags & CTR_RESTORE_ANY_MAC)
                json_del(value, "mac_address");
        }
    }
}

/* Where it was on the networks; without that it gets other addresses. */
static void read_network(struct ctr *c, unsigned flags)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *path = file_of(c, NETWORK_STATUS);
    json *status = NULL;

    if (!path || json_read_file(path, STATUS_MAX, &status, &why) < 0) {
        log_info("container %s: cannot restore the same addresses: %s", c->id,
                 error_text(&why));
        return;
    }
    trim_addresses(status, flags);
    json_putp(&c->addresses);
    c->addresses = status;
}

/* What it had in /dev/shm. */
static int restore_shm(struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *path = file_of(c, SHM_ARCHIVE);
    _cleanup_close_ int fd = -1, dir = -1;
    _cleanup_tar_reader_ struct tar_reader reader = {0};
    struct archive_unpack how = {0};
    const char *shm = own_shm(c);
    int r;

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    if (!shm)
        return 0;
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fail_errno(err, errno, "opening %s", path);
    how.root = dir = open(shm, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail_errno(err, errno, "opening %s", shm);
    tar_reader_init(&reader, fd);
    r = archive_unpack(&reader, &how, err);
    return r < 0 ? error_wrap(err, "restoring /dev/shm of container %s from %s", c->id, path)
                 : 0;
}

/* It runs: its files are of no more use. */
static void remove_files(const struct ctr *c)
{
    static const char *const files[] = {RESTORE_LOG,   DUMP_LOG,    DUMP_STATS,
                                        RESTORE_STATS, SHM_ARCHIVE, NETWORK_STATUS};

    remove_dir(c, CHECKPOINT_DIR);
    remove_dir(c, PREVIOUS_DIR);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        remove_file(c, files[i]);
}

static int restore_files(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                         struct berth_error *err)
{
    static const char *const members[] = {"checkpointPath", "checkpointLog", "restoreLog"};
    _cleanup_free_ char *dir = file_of(c, CHECKPOINT_DIR);
    struct ctr_making m = {.checkpoint = dir, .prepare = restore_shm};
    int r = make_log(c, RESTORE_LOG, err);

    if (r < 0)
        return r;
    if (!dir)
        return fail(err, ENOMEM, "out of memory");
    note_path(c, "restoreLog", RESTORE_LOG);
    note_path(c, "checkpointPath", CHECKPOINT_DIR);
    r = forget_addresses(c, flags, err);
    if (r < 0)
        return r;
    read_network(c, flags);
    if (flags & CTR_CHECKPOINT_TCP_ESTABLISHED)
        m.flags |= BERTH_OCI_CREATE_TCP_ESTABLISHED;
    if (flags & CTR_CHECKPOINT_FILE_LOCKS)
        m.flags |= BERTH_OCI_CREATE_FILE_LOCKS;
    r = ctr_make_locked(c, &m, err);
    if (r < 0)
        return r;
    out->usec = m.usec;
    health_begin(c);
    if (flags & CTR_CHECKPOINT_STATS)
        r = read_stats(c, true, &out->stats, err);
    if (r < 0 || (flags & CTR_CHECKPOINT_KEEP))
        return r;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_del(c->state, members[i]);
    r = store_save(c, EXIT_NONE, err);
    if (r == 0)
        remove_files(c);
    return r;
}

static int restore_locked(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                          struct berth_error *err)
{
    _cleanup_view_ struct ctr_view view = {0};
    int status = ctr_status(c), r;
    struct oci *oci;

    r = able_runtime(c, &view, &oci, err);
    if (r == 0 && status != CTR_CONFIGURED && status != CTR_EXITED)
        r = fail(err, EINVAL,
                 "container %s is running or paused, cannot restore: container state improper",
                 c->id);
    if (r == 0)
        r = check_inventory(c, err);
    return r == 0 ? restore_files(c, flags, out, err) : r;
}

int ctr_restore(struct ctr *c, unsigned flags, struct ctr_checkpoint_report *out,
                struct berth_error *err)
{
    int r = ctr_lock(c, err);

    *out = (struct ctr_checkpoint_report){0};
    if (r < 0)
        return r;
    r = restore_locked(c, flags, out, err);
    /* podman writes the event whatever came of it. */
    event_ctr(c, "restore", NULL);
    ctr_unlock(c);
    return r;
}
