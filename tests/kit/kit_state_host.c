/* SPDX-License-Identifier: Apache-2.0 */
/* kit_state_host.c - state cases of the kit: what a plugin may do to its process and host. */
#include "tests/kit/kit_state.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERSISTENT BERTH_STATE_CAP_PERSISTENT

#define WRITE(k, t)                                                                            \
    struct berth_txn *t = kit_write(k);                                                        \
    NEED(k, t)

static int commit_one(struct kit_state *k, const char *name)
{
    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_VOLUME, name, name, NULL));
    return kit_commit(k, t);
}

static int has_one(struct kit_state *k, const char *name)
{
    struct berth_scan scan = kit_scan(BERTH_VOLUME, NULL);
    struct berth_txn *t = kit_read(k);

    NEED(k, t);
    TRY(kit_scanned(k, t, &scan, name));
    k->ops.rollback(t);
    return 0;
}

/* ------------------------------------------------------------------- opening */

static int no_store(struct kit_state *k)
{
    struct berth_state *s = NULL;
    uint64_t before = kit_files(k);

    FAILS(k, ENOENT, k->ops.open(&k->host, &k->place, k->cfg, 0, &s, k->err));
    NEED(k, kit_files(k) == before);
    return 0;
}

static int probing(struct kit_state *k)
{
    uint64_t files = kit_files(k);

    GIVES(k, BERTH_PROBE_NONE, k->ops.probe(&k->host, &k->place, k->cfg, k->err));
    NEED(k, kit_files(k) == files);
    TRY(commit_one(k, "v"));
    kst_close(k);
    if (!(k->caps & PERSISTENT)) {
        GIVES(k, BERTH_PROBE_NONE, k->ops.probe(&k->host, &k->place, k->cfg, k->err));
        return 0;
    }
    files = kit_files(k);
    GIVES(k, BERTH_PROBE_MINE, k->ops.probe(&k->host, &k->place, k->cfg, k->err));
    NEED(k, kit_files(k) == files);
    return has_one(k, "v");
}

static int create_keeps(struct kit_state *k)
{
    TRY(commit_one(k, "v"));
    for (int i = 0; i < 3; i++) {
        kst_close(k);
        TRY(kit_open(k, BERTH_STATE_CREATE));
        TRY(has_one(k, "v"));
    }
    return 0;
}

static int places_apart(struct kit_state *k)
{
    struct berth_place first = k->place;
    struct berth_scan scan = kit_scan(0, NULL);
    char other[300];
    struct berth_state *s;
    struct berth_txn *t = NULL;

    snprintf(other, sizeof(other), "%s/other", k->dir);
    NEED(k, mkdir(other, 0700) == 0);
    TRY(commit_one(k, "v"));
    k->place.static_dir = k->place.tmp_dir = k->place.graph_root = other;
    k->place.run_root = k->place.volume_path = other;
    s = k->s;
    OK(k, k->ops.open(&k->host, &k->place, k->cfg, BERTH_STATE_CREATE, &k->s, k->err));
    OK(k, k->ops.begin(k->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, k->err));
    TRY(kit_scanned(k, t, &scan, ""));
    TRY(kit_commit(k, t));
    kst_close(k);
    k->s = s;
    k->place = first;
    return has_one(k, "v");
}

static int only_reading(struct kit_state *k)
{
    struct berth_txn *t = NULL;
    struct berth_list *report;
    uint64_t files;

    TRY(commit_one(k, "v"));
    kst_close(k);
    files = kit_files(k);
    k->place.flags |= BERTH_PLACE_READONLY;
    TRY(kit_open(k, 0));
    TRY(has_one(k, "v"));
    FAILS(k, EROFS, k->ops.begin(k->s, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &t, k->err));
    if (k->ops.check) {
        report = testhost_list_new();
        OK(k, k->ops.check(k->s, 0, report, k->err));
        testhost_list_free(report);
    }
    kst_close(k);
    NEED(k, kit_files(k) == files);
    return 0;
}

static int only_reading_nothing(struct kit_state *k)
{
    struct berth_state *s = NULL;
    uint64_t files = kit_files(k);

    k->place.flags |= BERTH_PLACE_READONLY;
    FAILS(k, ENOENT, k->ops.open(&k->host, &k->place, k->cfg, 0, &s, k->err));
    NEED(k, k->ops.open(&k->host, &k->place, k->cfg, BERTH_STATE_CREATE, &s, k->err) < 0);
    testhost_error_clear(k->err);
    NEED(k, kit_files(k) == files);
    return 0;
}

static int transient(struct kit_state *k)
{
    k->place.flags |= BERTH_PLACE_TRANSIENT;
    TRY(commit_one(k, "v"));
    return has_one(k, "v");
}

static int open_and_close(struct kit_state *k)
{
    int fds;

    TRY(commit_one(k, "v"));
    kst_close(k);
    fds = kit_fds(0);
    for (int i = 0; i < 200; i++) {
        TRY(kit_open(k, BERTH_STATE_CREATE));
        if (i % 50 == 0)
            TRY(k->caps & PERSISTENT ? has_one(k, "v") : 0);
        kst_close(k);
    }
    NEED(k, kit_fds(0) == fds);
    k->ops.close(NULL);
    return 0;
}

/* -------------------------------------------------------------- the process */

static int fds_are_ours(struct kit_state *k)
{
    int before = kit_fds(0), inherited = kit_fds(1);

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_VOLUME, "v", "v", NULL));
    NEED(k, kit_fds(1) == inherited); /* all that were opened are close-on-exec */
    TRY(kit_commit(k, t));
    NEED(k, kit_fds(1) == inherited);
    t = kit_read(k);
    NEED(k, t);
    NEED(k, kit_fds(1) == inherited);
    k->ops.rollback(t);
    k->ops.probe(&k->host, &k->place, k->cfg, k->err);
    kst_close(k);
    NEED(k, kit_fds(0) == before);
    return 0;
}

static int fds_after_failures(struct kit_state *k)
{
    struct berth_state *s = NULL;
    int before = kit_fds(0);

    for (int i = 0; i < 20; i++) {
        NEED(k, k->ops.open(&k->host, &k->place, k->cfg, 0, &s, k->err) == -ENOENT);
        testhost_error_clear(k->err);
    }
    NEED(k, kit_fds(0) == before);
    return 0;
}

/* Work with both standard streams going to a file, which stays empty. */
static int silent(struct kit_state *k)
{
    char path[300];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/../output", k->dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    NEED(k, fd >= 0);
    unlink(path);
    NEED(k, dup2(fd, 1) == 1 && dup2(fd, 2) == 2);
    {
        struct berth_record rec = {.size = sizeof(rec)};

        WRITE(k, t);
        TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "one", NULL));
        FAILS(k, ENOENT, k->ops.get(t, BERTH_POD, "c1", 0, &rec, k->err));
        TRY(kit_commit(k, t));
    }
    kst_close(k);
    TRY(kit_open(k, BERTH_STATE_CREATE));
    kst_close(k);
    fflush(stdout);
    NEED(k, fstat(fd, &st) == 0 && st.st_size == 0);
    close(fd);
    return 0;
}

static int polite(struct kit_state *k)
{
    struct sigaction before[32], after;
    char cwd[4096], now[4096];
    sigset_t mask, mask_now;
    mode_t umask_before = umask(027);
    char *locale;

    NEED(k, getcwd(cwd, sizeof(cwd)));
    memset(&mask, 0, sizeof(mask)); /* not all of it is filled in */
    memset(&mask_now, 0, sizeof(mask_now));
    NEED(k, sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    locale = strdup(setlocale(LC_ALL, NULL));
    for (int i = 1; i < 32; i++)
        sigaction(i, NULL, &before[i]);
    TRY(commit_one(k, "v"));
    kst_close(k);
    TRY(kit_open(k, BERTH_STATE_CREATE));
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        NEED(k, after.sa_handler == before[i].sa_handler);
    }
    NEED(k, getcwd(now, sizeof(now)) && strcmp(cwd, now) == 0);
    NEED(k, sigprocmask(SIG_SETMASK, NULL, &mask_now) == 0);
    NEED(k, memcmp(&mask, &mask_now, sizeof(mask)) == 0);
    NEED(k, locale && strcmp(locale, setlocale(LC_ALL, NULL)) == 0);
    NEED(k, umask(umask_before) == 027);
    free(locale);
    return 0;
}

/* The host's table is lent for good, the place for the call only. */
static int place_is_lent(struct kit_state *k)
{
    struct berth_place kept = k->place;
    char copy[300];

    snprintf(copy, sizeof(copy), "%s", k->dir);
    k->place.static_dir = k->place.tmp_dir = k->place.graph_root = copy;
    k->place.run_root = k->place.volume_path = copy;
    TRY(kit_open(k, BERTH_STATE_CREATE));
    memset(copy, 'x', sizeof(copy) - 1);
    copy[sizeof(copy) - 1] = '\0';
    memset(&k->place, 0, sizeof(k->place));
    TRY(commit_one(k, "v"));
    TRY(has_one(k, "v"));
    k->place = kept;
    return 0;
}

/* What a shorter struct has no room for is not written. */
static int short_structs(struct kit_state *k)
{
    struct {
        struct berth_record rec;
        unsigned char guard[64];
    } room;
    size_t size = offsetof(struct berth_record, state);
    const unsigned char *p = (const unsigned char *)&room;

    WRITE(k, t);
    TRY(kit_add(k, t, BERTH_CONTAINER, "c1", "one", NULL));
    memset(&room, 0xa5, sizeof(room));
    room.rec.size = (uint32_t)size;
    OK(k, k->ops.get(t, BERTH_CONTAINER, "c1", BERTH_REC_ALL, &room.rec, k->err));
    NEED(k, strcmp(room.rec.id, "c1") == 0);
    NEED(k, room.rec.size == size);
    for (size_t i = size; i < sizeof(room); i++)
        /* cppcheck-suppress uninitvar ; memset() did */
        NEED(k, p[i] == 0xa5);
    TRY(kit_commit(k, t));
    return 0;
}

/* -------------------------------------------------------------------- upkeep */

static int checked(struct kit_state *k)
{
    struct berth_list *report = testhost_list_new();

    TRY(commit_one(k, "v"));
    if (k->ops.check) {
        OK(k, k->ops.check(k->s, 0, report, k->err));
        OK(k, k->ops.check(k->s, 1, report, k->err));
        NEED(k, testhost_list_len(report) == 0);
    }
    testhost_list_free(report);
    return has_one(k, "v");
}

static int files_exist(struct kit_state *k)
{
    struct berth_list *paths = testhost_list_new();

    TRY(commit_one(k, "v"));
    if (k->ops.files) {
        OK(k, k->ops.files(k->s, paths, k->err));
        NEED(k, testhost_list_len(paths) > 0);
        for (size_t i = 0; i < testhost_list_len(paths); i++)
            NEED(k, testhost_list_get(paths, i)[0] == '/');
        NEED(k, access(testhost_list_get(paths, 0), F_OK) == 0);
    }
    testhost_list_free(paths);
    return 0;
}

static int backed_up(struct kit_state *k)
{
    char path[300];
    struct stat st;
    int fd, to_reader;

    if (!k->ops.backup)
        return 0;
    TRY(commit_one(k, "v"));
    snprintf(path, sizeof(path), "%s/../copy", k->dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    NEED(k, fd >= 0);
    OK(k, k->ops.backup(k->s, fd, k->err));
    NEED(k, fstat(fd, &st) == 0 && st.st_size > 0);
    to_reader = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    NEED(k, k->ops.backup(k->s, to_reader, k->err) < 0);
    NEED(k, testhost_error_calls(k->err) == 1);
    testhost_error_clear(k->err);
    close(to_reader);
    close(fd);
    return has_one(k, "v");
}

const struct kit_state_case kit_state_hosts[] = {
    {"open() of nothing", 0, no_store, 0},
    {"probe() finds what there is and leaves it", 0, probing, 0},
    {"open() does not replace a store", PERSISTENT, create_keeps, 0},
    {"places are apart", 0, places_apart, 0},
    {"a place for reading only", PERSISTENT, only_reading, 0},
    {"an empty place for reading only", 0, only_reading_nothing, 0},
    {"a transient place", 0, transient, 0},
    {"open() and close() 200 times", 0, open_and_close, 0},
    {"descriptors are close-on-exec and closed", 0, fds_are_ours, 0},
    {"descriptors after failures", 0, fds_after_failures, 0},
    {"nothing is printed", 0, silent, 0},
    {"signals, mask, directory and locale stay", 0, polite, 0},
    {"what was lent to open() may change", 0, place_is_lent, 0},
    {"shorter structs are respected", 0, short_structs, 0},
    {"check() of a sound store", 0, checked, 0},
    {"files() names what is there", PERSISTENT, files_exist, 0},
    {"backup()", PERSISTENT, backed_up, 0},
    {NULL, 0, NULL, 0},
};
