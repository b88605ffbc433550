/* SPDX-License-Identifier: Apache-2.0 */
/* system_check.c - see system_check.h. */
#include "engine/system_check.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/boot.h"
#include "engine/intent.h"
#include "engine/netns.h"
#include "engine/store_check.h"
#include "engine/system_locks.h"
#include "engine/system_marker.h"
#include "storage/storage.h"
#include <dirent.h>
#include <sys/mount.h>

struct check {
    struct engine *e;
    struct berth_list *report, *deeds;
    struct berth_list ids;    /* containers of this and the other stores */
    struct berth_list netnss; /* network namespaces they have */
    struct berth_error *err;
};

/* One leftover: what is said of it, and what names it. */
struct leftovers {
    struct berth_list texts, keys;
};

static void leftovers_free(struct leftovers *l)
{
    list_free(&l->texts);
    list_free(&l->keys);
}

static int found(struct leftovers *l, const char *key, char *text)
{
    int r = list_take(&l->texts, text);

    return r < 0 ? r : list_add(&l->keys, key);
}

static bool is_known(const struct check *k, const char *id)
{
    return list_has(&k->ids, id);
}

/* -------------------------------------------------------------- containers */

static int add_ctr(void *arg, const struct berth_record *rec)
{
    struct check *k = arg;
    int r = list_add(&k->ids, rec->id);

    return r < 0 || str_empty(rec->netns) ? r : list_add(&k->netnss, rec->netns);
}

static int add_store(struct check *k, struct state *s, struct berth_error *err)
{
    struct berth_scan scan = {
        .size = sizeof(scan), .kind = BERTH_CONTAINER, .want = BERTH_REC_ATTRS};
    _cleanup_txn_ struct txn *t = NULL;
    int r = state_begin(s, 0, BERTH_WAIT_FOREVER, &t, err);

    return r < 0 ? r : txn_scan(t, &scan, add_ctr, k, err);
}

static int add_other(void *arg, const struct boot_marker *m)
{
    struct check *k = arg;
    struct state *s = NULL;
    int r = boot_marker_open(k->e->conf, m, BERTH_PLACE_READONLY, &s, k->err);

    if (r == 0)
        r = add_store(k, s, k->err);
    state_close(s);
    /* Not knowing what it has, nothing may be called left over. */
    return r < 0 ? error_wrap(k->err, "reading the store in %s", m->static_dir) : 0;
}

static int know_containers(struct check *k)
{
    int r;

    list_free(&k->ids);
    list_free(&k->netnss);
    k->ids = k->netnss = LIST_INIT;
    r = add_store(k, k->e->state, k->err);
    return r < 0 ? r : boot_marker_each_other(k->e->conf, add_other, k);
}

/* ---------------------------------------------------------- storage records */

struct record_search {
    struct check *k;
    struct leftovers *out;
};

/* Records of libpod have this text; those of buildah and CRI-O have none or another. */
static bool is_libpod(const char *metadata)
{
    struct berth_blob text = {metadata, strlen(metadata)};
    _cleanup_json_ json *m = NULL;

    return json_parse_object(text, "metadata", &m, NULL) == 0 && json_get(m, "created-at") &&
           !json_get(m, "pod-id") && !json_get(m, "pod-name");
}

static int check_record(void *arg, const struct storage_container *c)
{
    struct record_search *s = arg;

    if (is_known(s->k, c->id) || !is_libpod(str_or(c->metadata, "")))
        return 0;
    return found(s->out, c->id, str_printf("storage: %s belongs to no container", c->id));
}

static int find_records(struct check *k, struct leftovers *out)
{
    struct record_search s = {k, out};
    struct storage *storage;
    int r = engine_storage(k->e, &storage, k->err);

    return r < 0 ? r : storage_container_each(storage, check_record, &s, k->err);
}

static int mend_record(struct check *k, const char *id)
{
    struct storage *storage;
    int r = engine_storage(k->e, &storage, k->err);

    if (r == 0)
        r = storage_container_delete(storage, id, k->err);
    return r;
}

/* ------------------------------------------------------------------- mounts */

/* The container whose folder below `root` a path is in; NULL: none. */
static const char *owner_of(const struct check *k, const char *root, const char *path,
                            char id[static ID_LEN + 1])
{
    const char *driver = k->e->conf->storage_driver;
    _cleanup_free_ char *dir =
        str_printf("%s/%s-containers/", root, str_empty(driver) ? "overlay" : driver);
    const char *rest = dir ? str_starts(path, dir) : NULL;

    if (!rest || strcspn(rest, "/") != ID_LEN)
        return NULL;
    snprintf(id, ID_LEN + 1, "%s", rest);
    return id_is_full(id) ? id : NULL;
}

static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++)
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    *to = '\0';
}

static int find_mounts(struct check *k, struct leftovers *out)
{
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    _cleanup_free_ char *line = NULL;
    char id[ID_LEN + 1];
    size_t cap = 0;
    int r = 0;

    if (!f)
        return fail_errno(k->err, errno, "reading /proc/self/mountinfo");
    while (r == 0 && getline(&line, &cap, f) > 0) {
        char *at = line, *point = NULL;

        for (int i = 0; i < 5 && at; i++)
            point = strsep(&at, " ");
        if (!point)
            continue;
        unescape(point);
        if ((owner_of(k, k->e->conf->run_root, point, id) ||
             owner_of(k, k->e->conf->graph_root, point, id)) &&
            !is_known(k, id))
            r = found(out, point, str_printf("mount: %s belongs to no container", point));
    }
    return r;
}

static int mend_mount(struct check *k, const char *point)
{
    if (umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL)
        return fail_errno(k->err, errno, "unmounting %s", point);
    return 0;
}

/* -------------------------------------------------------- network namespaces */

static int find_netnss(struct check *k, struct leftovers *out)
{
    _cleanup_list_ struct berth_list paths = LIST_INIT;
    int r = netns_left(k->e->conf, &k->netnss, &paths);

    for (size_t i = 0; r == 0 && i < paths.n; i++)
        r = found(out, paths.items[i],
                  str_printf("network namespace: %s belongs to no container", paths.items[i]));
    return r;
}

static int mend_netns(struct check *k, const char *path)
{
    return netns_remove(path, k->err);
}

/* --------------------------------------------------------------- exit files */

#define EXIT_SECONDS 300 /* somebody may be about to read a newer one */

static int find_exits(struct check *k, struct leftovers *out)
{
    _cleanup_free_ char *dir = path_join(k->e->conf->tmp_dir, "exits");
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *entry;
    int r = 0;

    while (d && r == 0 && (entry = readdir(d))) {
        struct stat st;

        if (!id_is_full(entry->d_name) || is_known(k, entry->d_name) ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            time_now() / 1000000000 - st.st_mtime < EXIT_SECONDS)
            continue;
        r = found(out, entry->d_name,
                  str_printf("exit file: %s/%s belongs to no container", dir, entry->d_name));
    }
    if (d)
        closedir(d);
    return r;
}

static int mend_exit(struct check *k, const char *id)
{
    _cleanup_free_ char *path = str_printf("%s/exits/%s", k->e->conf->tmp_dir, id);

    if (path && unlink(path) < 0 && errno != ENOENT)
        return fail_errno(k->err, errno, "removing %s", path);
    return 0;
}

/* ----------------------------------------------------------------- together */

static const struct {
    int (*find)(struct check *k, struct leftovers *out);
    int (*mend)(struct check *k, const char *key);
} kinds[] = {
    {find_mounts, mend_mount}, /* before the folders that they lie in */
    {find_records, mend_record},
    {find_netnss, mend_netns},
    {find_exits, mend_exit},
};

static int64_t check_leftovers(struct check *k, bool repair)
{
    struct leftovers all[ARRAY_LEN(kinds)] = {0};
    size_t n = 0;
    int64_t sum = 0;
    int r = know_containers(k);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
        r = kinds[i].find(k, &all[i]);
        n += all[i].keys.n;
    }
    if (r == 0 && n > 0) {
        sleep(1);
        r = know_containers(k);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
        _cleanup_(leftovers_free) struct leftovers again = {0};

        if (all[i].keys.n > 0)
            r = kinds[i].find(k, &again);
        for (size_t j = 0; r == 0 && j < again.keys.n; j++) {
            if (!list_has(&all[i].keys, again.keys.items[j]))
                continue;
            sum++;
            r = list_add(k->report, again.texts.items[j]);
            if (r == 0 && repair)
                r = kinds[i].mend(k, again.keys.items[j]);
            if (r == 0 && repair)
                r = list_addf(k->deeds, "repaired: %s: removed", again.texts.items[j]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        leftovers_free(&all[i]);
    return r < 0 ? r : sum;
}

/* -------------------------------------------------------------------- locks */

static char *row_name(const struct lock_row *row)
{
    if (!row->owner)
        return str_printf("lock %lld", (long long)row->lock);
    return str_printf("lock %lld of %s %s", (long long)row->lock,
                      numbered_kind(row->owner->kind), row->owner->id);
}

static int give_number(struct check *k, const struct lock_row *row, uint32_t *lock)
{
    struct numbered *one = (struct numbered *)(uintptr_t)row->owner;
    int r = lock_allocate(k->e->locks, lock, k->err);

    return r < 0 ? r : numbers_write(k->e->state, &one, lock, 1, k->err);
}

/* The first of the objects of one number keeps it. */
static int mend_row(struct check *k, const struct lock_row *row, bool first, const char *name)
{
    uint32_t lock = 0;
    int r;

    if (!row->owner) {
        if (row->held)
            return 0;
        r = lock_release(k->e->locks, (uint32_t)row->lock, k->err);
        if (r == -ENOENT) {
            error_clear(k->err);
            return 0;
        }
        return r < 0 ? r : list_addf(k->deeds, "repaired: %s: freed", name);
    }
    if (row->lock >= 0 && !row->elsewhere && (!row->twice || first)) {
        if (row->allocated)
            return 0;
        r = lock_claim(k->e->locks, (uint32_t)row->lock, k->err);
        if (r == 0)
            return list_addf(k->deeds, "repaired: %s: allocated", name);
        if (r != -EEXIST && r != -ERANGE)
            return r;
        error_clear(k->err);
    }
    r = give_number(k, row, &lock);
    return r < 0 ? r : list_addf(k->deeds, "repaired: %s: it has lock %u now", name, lock);
}

static bool still_nobodys(const struct lock_rows *rows, int64_t lock)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->items[i].lock == lock)
            return !rows->items[i].owner && !rows->items[i].elsewhere;
    return false;
}

/* A number whose object is being made is nobody's for a moment. */
static int second_look(struct check *k, const struct lock_rows *rows, struct lock_rows *again)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!rows->items[i].owner && lock_row_problem(&rows->items[i])) {
            sleep(1);
            return system_locks(k->e, again, k->err);
        }
    return 0;
}

static int64_t check_locks(struct check *k, bool repair)
{
    _cleanup_lock_rows_ struct lock_rows rows = {0}, again = {0};
    int64_t n = 0;
    int r = system_locks(k->e, &rows, k->err);

    if (r == 0)
        r = second_look(k, &rows, &again);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        const struct lock_row *row = &rows.items[i];
        const char *problem = lock_row_problem(row);
        _cleanup_free_ char *name = row_name(row);
        bool first = i == 0 || rows.items[i - 1].lock != row->lock;

        if (!problem || (!row->owner && !still_nobodys(&again, row->lock)))
            continue;
        n++;
        r = name ? list_addf(k->report, "%s: %s", name, problem)
                 : fail(k->err, ENOMEM, "out of memory");
        if (r == 0 && repair)
            r = mend_row(k, row, first, name);
    }
    return r < 0 ? r : n;
}

int64_t system_check(struct engine *e, bool repair, struct berth_list *report,
                     struct berth_list *deeds, struct berth_error *err)
{
    struct check k = {.e = e, .report = report, .deeds = deeds, .err = err};
    bool ours = e->alive_fd < 0;
    int64_t sum = 0, n = 0;
    int r = alive_lock(e, err);

    if (r < 0)
        return r;
    if (repair)
        intent_recover(e);
    sum = store_check(e->state, repair, report, deeds, err);
    if (sum >= 0)
        n = check_locks(&k, repair);
    if (sum >= 0 && n >= 0) {
        sum += n;
        n = check_leftovers(&k, repair);
    }
    if (ours)
        alive_unlock(e);
    list_free(&k.ids);
    list_free(&k.netnss);
    return sum < 0 ? sum : n < 0 ? n : sum + n;
}
