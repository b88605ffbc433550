/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate.c - see migrate.h.
 *
 * The order of the steps is what makes it safe.  The old store is locked against writers of
 * any program from the survey to the end.  The new one is made in a folder of its own, in one
 * transaction, and compared record by record before anything is renamed.  Only then come the
 * renames: the new store into its place, the old one out of it.
 */
#include "engine/migrate.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/boot.h"
#include "engine/migrate_priv.h"
#include "engine/store.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#define WORK_PREFIX ".migrate-"

void move_say(const struct migrate *m, const char *fmt, ...)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    va_list ap;

    if (!m->say)
        return;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    m->say(m->say_arg, buf_str(&text));
}

static void say_all(const struct migrate *m, const struct berth_list *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        move_say(m, "%s", lines->items[i]);
}

void move_end(struct move *v)
{
    txn_rollback(v->from);
    engine_close(v->e);
    if (v->alive_fd >= 0)
        close(v->alive_fd);
    if (v->lock_fd >= 0)
        close(v->lock_fd);
    free(v->static_dir);
    free(v->root);
    free(v->path);
    marker_free(&v->marker);
}
/* ------------------------------------------------------------ locks and refusals */

int migrate_lock(const struct conf *conf, struct berth_error *err)
{
    int fd = open(conf->static_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail_errno(err, errno, "opening %s", conf->static_dir);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return fail(err, EBUSY, "another process is rearranging the state stores of %s",
                conf->static_dir);
}

int migrate_check(const struct conf *conf, struct berth_error *err)
{
    _cleanup_marker_ struct marker marker = {0};
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_close_ int fd = -1;
    int r = marker_read(conf->static_dir, &marker, &why);

    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0 && r != -EUCLEAN)
        return error_move(err, &why), r;
    fd = open(conf->static_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return fail(err, EBUSY, "the state store of %s is being moved from %s to %s",
                    conf->static_dir, str_or(marker.from, "?"), str_or(marker.to, "?"));
    return fail(err, EBUSY,
                "moving the state store of %s from %s to %s was interrupted: `berth state "
                "migrate --resume` goes on with it, `berth state migrate --abort` goes back",
                conf->static_dir, str_or(marker.from, "?"), str_or(marker.to, "?"));
}

int migrate_running(struct engine *e, bool stop, struct berth_list *names,
                    struct berth_error *err)
{
    struct ctr **ctrs = NULL;
    size_t n = 0;
    int r = ctr_load_all(e, 1u << CTR_RUNNING | 1u << CTR_PAUSED | 1u << CTR_STOPPING, &ctrs,
                         &n, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        _cleanup_error_ struct berth_error why = ERROR_INIT;
        struct ctr *c = ctrs[i];
        bool alive = true;

        if (ctr_lock(c, &why) == 0) {
            alive = ctr_alive(c);
            ctr_unlock(c);
        }
        if (why.code == ENOENT)
            continue;
        if (why.code)
            log_error("container %s: %s", c->name, error_text(&why));
        if (alive && stop && !why.code) {
            r = ctr_stop(c, ctr_stop_timeout(c), err);
            alive = false;
            if (r == -ESRCH) {
                error_clear(err);
                r = 0;
            }
        }
        if (alive && list_add(names, c->name) < 0)
            r = fail(err, ENOMEM, "out of memory");
    }
    ctr_free_all(ctrs, n);
    return r;
}

static int refuse_running(const struct berth_list *names, struct berth_error *err)
{
    _cleanup_free_ char *all = list_join(names, ", ");

    return fail(err, EBUSY, "containers are running: %s; stop them, or use --stop",
                str_or(all, ""));
}

/* Locks, and the old store open and quiet. */
static int move_begin(struct move *v, bool stop)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    struct conf *conf = v->m->conf;
    int r;

    v->static_dir = v->static_dir ? v->static_dir : strdup(conf->static_dir);
    if (!v->static_dir)
        return fail(v->err, ENOMEM, "out of memory");
    if (v->lock_fd < 0)
        v->lock_fd = migrate_lock(conf, v->err);
    if (v->lock_fd < 0)
        return v->lock_fd;
    r = engine_open(conf, 0, &v->e, v->err);
    if (r == 0)
        r = migrate_running(v->e, stop, &names, v->err);
    if (r == 0 && names.n && !v->m->dry_run)
        r = refuse_running(&names, v->err);
    if (r < 0)
        return r;
    if (v->alive_fd < 0)
        v->alive_fd = boot_lock_alive(conf, v->err);
    if (v->alive_fd < 0)
        return v->alive_fd;
    return state_begin(v->e->state, BERTH_TXN_WRITE, BERTH_WAIT_FOREVER, &v->from, v->err);
}

/* ------------------------------------------------------------- the new store's place */

struct find_path {
    char *section;
    char *path;
};

static void see_option(void *arg, const char *section, const char *key, const char *value,
                       const char *origin _unused_)
{
    struct find_path *f = arg;
    size_t len = strlen(value);

    if (str_eq(section, f->section) && str_eq(key, "path") && len > 2 && value[0] == '"') {
        free(f->path);
        f->path = strndup(value + 1, len - 2);
    }
}

/* Folders that stand for the real ones, so that a plugin shows where it puts its files. */
static const char *const stand_ins[] = {"static", "graph", "run", "tmp", "volumes"};

static const char *real_dir(const struct berth_place *p, size_t i)
{
    const char *const dirs[] = {p->static_dir, p->graph_root, p->run_root, p->tmp_dir,
                                p->volume_path};

    return dirs[i];
}

/* Which of the real folders a file below `temp` is for. */
static int map_file(struct move *v, const char *file, const char *temp)
{
    const char *rest = str_starts(file, temp);

    for (size_t i = 0; rest && *rest == '/' && i < ARRAY_LEN(stand_ins); i++) {
        const char *inside = str_starts(rest + 1, stand_ins[i]);
        const char *real = real_dir(&v->e->place, i);

        if (inside && *inside == '/' && real)
            return str_set(&v->root, real);
    }
    return fail(v->err, ENOTSUP, "cannot tell where %s puts the store", v->m->to);
}

static int try_place(struct move *v, const char *temp)
{
    _cleanup_list_ struct berth_list dirs = LIST_INIT, files = LIST_INIT;
    struct berth_place place = v->e->place;
    struct state *s = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(stand_ins); i++) {
        list_addf(&dirs, "%s/%s", temp, stand_ins[i]);
        r = dirs.error ? fail(v->err, ENOMEM, "out of memory")
                       : fs_mkdir_p(dirs.items[i], 0700, v->err);
    }
    if (r < 0)
        return r;
    place.static_dir = dirs.items[0];
    place.graph_root = dirs.items[1];
    place.run_root = dirs.items[2];
    place.tmp_dir = dirs.items[3];
    place.volume_path = dirs.items[4];
    r = state_open(v->m->conf, v->m->to, &place, NULL, 0, BERTH_STATE_CREATE, &s, v->err);
    if (r < 0)
        return r;
    if (!(state_caps(s) & BERTH_STATE_CAP_PERSISTENT))
        r = fail(v->err, EINVAL, "a store of type %s does not outlive the process", v->m->to);
    if (r == 0)
        r = state_files(s, &files, v->err);
    state_close(s);
    if (r == 0 && files.n == 0)
        r = fail(v->err, ENOTSUP, "a store of type %s has no files", v->m->to);
    for (size_t i = 0; r == 0 && i < files.n; i++)
        r = map_file(v, files.items[i], temp);
    return r;
}

/* v->root, and v->path where the configuration names the file. */
static int find_place(struct move *v)
{
    struct find_path find = {str_printf("state_%s", v->m->to), NULL};
    _cleanup_free_ char *section = find.section, *temp = NULL;
    int r;

    if (!section)
        return fail(v->err, ENOMEM, "out of memory");
    conf_visit(v->m->conf, see_option, &find);
    if (find.path) {
        v->path = find.path;
        v->root = strdup(v->path);
        if (!v->root)
            return fail(v->err, ENOMEM, "out of memory");
        if (v->path[0] != '/' || !strchr(v->path + 1, '/'))
            return fail(v->err, EINVAL, "%s: the store cannot be there", v->path);
        *strrchr(v->root + 1, '/') = '\0';
        return fs_mkdir_p(v->root, 0700, v->err);
    }
    move_remove_left(v->static_dir);
    temp = str_printf("%s/" WORK_PREFIX "XXXXXX", v->static_dir);
    if (!temp || !mkdtemp(temp))
        return fail_errno(v->err, errno, "making a folder in %s", v->static_dir);
    r = try_place(v, temp);
    fs_remove_tree(temp, NULL);
    return r;
}

/* The store in the work folder. */
static int open_work(struct move *v, bool create, struct state **out)
{
    _cleanup_free_ char *path = NULL;
    struct conf_override override = {"path", NULL};
    struct berth_place place = v->e->place;
    const char *work = v->marker.work;

    place.static_dir = place.graph_root = place.run_root = work;
    if (!create)
        place.flags |= BERTH_PLACE_READONLY;
    if (v->path) {
        path = path_join(work, path_base(v->path));
        override.value = path;
        if (!path)
            return fail(v->err, ENOMEM, "out of memory");
    }
    return state_open(v->m->conf, v->m->to, &place, &override, v->path ? 1 : 0,
                      create ? BERTH_STATE_CREATE : 0, out, v->err);
}

void move_remove_left(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        _cleanup_free_ char *path = NULL;

        if (!str_starts(e->d_name, WORK_PREFIX) && !str_starts(e->d_name, MARKER_NAME "."))
            continue;
        path = path_join(dir, e->d_name);
        if (path)
            fs_remove_tree(path, NULL);
    }
    if (d)
        closedir(d);
}

/* ------------------------------------------------------------------ the steps */

static void copy_init(const struct move *v, struct copy *c, uint64_t to_caps)
{
    *c = (struct copy){.from = v->from,
                       .from_caps = state_caps(v->e->state),
                       .to_caps = to_caps,
                       .force = v->m->force,
                       .progress = v->m->progress,
                       .progress_arg = v->m->progress_arg};
}

static int survey(struct move *v, uint64_t to_caps)
{
    _cleanup_survey_ struct survey found = {0};
    struct migrate *m = v->m;
    struct copy c;
    int r;

    copy_init(v, &c, to_caps);
    r = copy_survey(&c, &found, v->err);
    if (r < 0)
        return r;
    say_all(m, &found.notes);
    say_all(m, &found.problems);
    say_all(m, &found.blockers);
    if (found.running.n && !m->dry_run)
        return refuse_running(&found.running, v->err);
    if (found.blockers.n)
        return fail(
            v->err, EUCLEAN,
            "%zu findings make it impossible to move the store; see `berth state check`",
            found.blockers.n);
    if (found.problems.n && !m->force)
        return fail(v->err, EUCLEAN,
                    "%zu findings cannot be moved as they are: put them right, or use --force",
                    found.problems.n);
    move_say(m, "%zu records, %zu links and %zu exit codes in %s", found.records, found.links,
             found.exits, state_plugin(v->e->state));
    return 0;
}

static int make_copy(struct move *v, struct state *s)
{
    struct copy c;
    int r;

    copy_init(v, &c, state_caps(s));
    r = state_begin(s, BERTH_TXN_WRITE | BERTH_TXN_BULK, BERTH_WAIT_FOREVER, &c.to, v->err);
    if (r < 0)
        return r;
    r = copy_all(&c, v->err);
    if (r == 0)
        r = migrate_point("copying", v->err);
    if (r == 0)
        return txn_commit(&c.to, v->err);
    txn_rollback(c.to);
    return r;
}

static int verify_copy(struct move *v, struct state *s)
{
    _cleanup_list_ struct berth_list report = LIST_INIT;
    struct copy c;
    int64_t n;
    int r;

    copy_init(v, &c, state_caps(s));
    r = state_begin(s, 0, BERTH_WAIT_FOREVER, &c.to, v->err);
    if (r < 0)
        return r;
    r = copy_verify(&c, v->err);
    if (r == 0)
        r = copy_sum(c.to, c.to_caps, &v->marker.target_sum, v->err);
    txn_rollback(c.to);
    if (r == 0)
        r = copy_sum(v->from, c.from_caps, &v->marker.source_sum, v->err);
    if (r < 0)
        return error_wrap(v->err, "comparing the new store with the old one");
    n = state_check(s, 0, &report, v->err);
    if (n > 0)
        return fail(v->err, EUCLEAN, "the new store is damaged: %s", report.items[0]);
    return (int)n;
}

/* Files of a store that are there, and where those of the work folder go. */
static int note_files(struct move *v, struct state *s)
{
    _cleanup_list_ struct berth_list ours = LIST_INIT;
    int r = state_files(v->e->state, &ours, v->err);

    for (size_t i = 0; i < ours.n; i++)
        if (fs_exists(ours.items[i]))
            list_add(&v->marker.source, ours.items[i]);
    list_free(&ours);
    if (r == 0)
        r = state_files(s, &ours, v->err);
    for (size_t i = 0; r == 0 && i < ours.n; i++) {
        const char *rest = str_starts(ours.items[i], v->marker.work);

        if (!rest || *rest != '/')
            return fail(v->err, ENOTSUP, "%s has a file outside its folder: %s", v->m->to,
                        ours.items[i]);
        if (!fs_exists(ours.items[i]))
            continue;
        list_add(&v->marker.made, ours.items[i]);
        list_addf(&v->marker.target, "%s%s", v->root, rest);
    }
    if (r == 0 && (v->marker.source.error || v->marker.target.error))
        r = fail(v->err, ENOMEM, "out of memory");
    if (r == 0 && v->marker.source.n == 0)
        r = fail(v->err, ENOTSUP, "the old store has no files");
    return r;
}

/* The work folder, made and filled. */
static int make_store(struct move *v)
{
    struct state *s = NULL;
    int r = open_work(v, true, &s);

    if (r == 0)
        r = make_copy(v, s);
    if (r == 0)
        r = migrate_point("copied", v->err);
    state_close(s);
    s = NULL;
    if (r == 0)
        r = open_work(v, false, &s);
    if (r == 0)
        r = verify_copy(v, s);
    if (r == 0)
        r = note_files(v, s);
    state_close(s);
    return r < 0 ? r : migrate_point("verified", v->err);
}

static int new_work(struct move *v)
{
    char *work;

    move_remove_left(v->root);
    work = str_printf("%s/" WORK_PREFIX "XXXXXX", v->root);
    if (!work || !mkdtemp(work)) {
        free(work);
        return fail_errno(v->err, errno, "making a folder in %s", v->root);
    }
    v->marker.work = work;
    return 0;
}

/* Sub-folders of the new store, where it has some. */
static int make_target_dirs(const struct marker *k, struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < k->target.n; i++) {
        _cleanup_free_ char *dir = strdup(k->target.items[i]);

        if (!dir)
            return fail(err, ENOMEM, "out of memory");
        *strrchr(dir, '/') = '\0';
        r = fs_mkdir_p(dir, 0700, err);
    }
    return r;
}

int move_suffixed(const struct berth_list *files, const char *suffix, struct berth_list *out,
                  struct berth_error *err)
{
    for (size_t i = 0; i < files->n; i++)
        list_addf(out, "%s%s", files->items[i], suffix);
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

/* A suffix that none of the files has yet. */
static char *free_suffix(const struct berth_list *files, const char *what)
{
    char date[16];
    time_t now = time(NULL);
    struct tm tm;

    strftime(date, sizeof(date), "%Y-%m-%d", localtime_r(&now, &tm));
    for (unsigned n = 1; n < 1000; n++) {
        char *suffix =
            n == 1 ? str_printf(".%s-%s", what, date) : str_printf(".%s-%s.%u", what, date, n);
        _cleanup_list_ struct berth_list names = LIST_INIT;

        if (!suffix || move_suffixed(files, suffix, &names, NULL) < 0 ||
            count_there(&names) == 0)
            return suffix;
        free(suffix);
    }
    return NULL;
}

int migrate_retire(const struct berth_list *files, const char *what, char **suffix,
                   struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    int r;

    *suffix = free_suffix(files, what);
    if (!*suffix)
        return fail(err, EEXIST, "there is no free name for %s",
                    files->n ? files->items[0] : "the store");
    r = move_suffixed(files, *suffix, &names, err);
    return r < 0 ? r : rename_all(files, &names, err);
}

/* Out with the old store's files. */
int move_retire_source(const struct marker *k, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    int r = move_suffixed(&k->source, k->suffix, &names, err);

    return r < 0 ? r : rename_all(&k->source, &names, err);
}

void move_finished(struct migrate *m, const struct marker *k)
{
    if (k->work)
        fs_remove_tree(k->work, NULL);
    m->done = str_set(&m->moved_to, k->to) == 0;
    move_say(m, "the state store is now %s (%s)", k->to, k->target.items[0]);
    move_say(m, "the old one is kept as %s%s", k->source.items[0], k->suffix);
}

static int switch_stores(struct move *v)
{
    struct marker *k = &v->marker;
    int r;

    k->suffix = free_suffix(&k->source, "migrated");
    if (!k->suffix || str_set(&k->step, MARKER_SWITCH) < 0)
        return fail(v->err, ENOMEM, "out of memory");
    if (count_there(&k->target))
        return fail(v->err, EEXIST, "%s is in the way", k->target.items[0]);
    r = make_target_dirs(k, v->err);
    if (r == 0)
        r = marker_write(v->static_dir, k, v->err);
    if (r < 0)
        return r;
    v->switching = true;
    r = migrate_point("switch", v->err);
    if (r == 0)
        r = rename_all(&k->made, &k->target, v->err);
    if (r == 0)
        r = migrate_point("placed", v->err);
    if (r == 0)
        r = move_retire_source(k, v->err);
    if (r == 0)
        r = migrate_point("retired", v->err);
    if (r == 0)
        r = marker_remove(v->static_dir, v->err);
    if (r == 0)
        move_finished(v->m, k);
    return r;
}

static int check_target(struct move *v)
{
    const char *now = state_plugin(v->e->state);
    int r;

    if (str_eq(now, v->m->to))
        return fail(v->err, EEXIST, "the state store is of type %s already", now);
    r = state_probe(v->m->conf, v->m->to, &v->e->place, v->err);
    if (r == BERTH_PROBE_MINE)
        return fail(
            v->err, EEXIST,
            "there is a store of type %s already: look at both with `berth state diff`, "
            "and bring them together with `berth state merge`",
            v->m->to);
    if (r == BERTH_PROBE_FOREIGN)
        return fail(v->err, EEXIST, "something else is where the store of type %s would be",
                    v->m->to);
    return r;
}

static void forget_work(struct move *v)
{
    if (v->marker.work && !(v->m->dry_run && v->m->keep))
        fs_remove_tree(v->marker.work, NULL);
}

/* From the survey to the end, in a move that has begun. */
static int move_store(struct move *v)
{
    struct migrate *m = v->m;
    struct state *probe = NULL;
    bool marked = false;
    uint64_t caps;
    int r = check_target(v);

    if (r == 0)
        r = find_place(v);
    if (r == 0)
        r = new_work(v);
    if (r < 0)
        return r;
    if (str_set(&v->marker.from, state_plugin(v->e->state)) < 0 ||
        str_set(&v->marker.to, m->to) < 0 || str_set(&v->marker.step, MARKER_COPY) < 0)
        r = fail(v->err, ENOMEM, "out of memory");
    if (r == 0)
        r = open_work(v, true, &probe);
    caps = r == 0 ? state_caps(probe) : 0;
    state_close(probe);
    if (r == 0)
        r = survey(v, caps);
    if (r == 0 && !m->dry_run) {
        r = marker_write(v->static_dir, &v->marker, v->err);
        marked = r == 0;
    }
    if (r == 0)
        r = migrate_point("marker", v->err);
    if (r == 0)
        r = make_store(v);
    if (r == 0 && !m->dry_run)
        r = switch_stores(v);
    else if (r == 0 && m->keep)
        move_say(m, "dry run: the new store was made and is the same as the old one: %s",
                 v->marker.made.items[0]);
    else if (r == 0)
        move_say(
            m, "dry run: the new store was made, is the same as the old one, and was removed");
    if (r < 0 && v->switching)
        return error_wrap(v->err, "the move stopped half-way (`berth state migrate --resume` "
                                  "goes on, --abort goes back)");
    forget_work(v);
    if (marked && !m->done)
        marker_remove(v->static_dir, NULL);
    return r;
}

int migrate_run(struct migrate *m, struct berth_error *err)
{
    _cleanup_move_ struct move v = {.m = m, .lock_fd = -1, .alive_fd = -1, .err = err};
    int r = move_begin(&v, m->stop);

    return r < 0 ? r : move_store(&v);
}

/* ------------------------------------------------------------------ compact */

static uint64_t size_of(const struct berth_list *files)
{
    uint64_t sum = 0;
    struct stat st;

    for (size_t i = 0; i < files->n; i++)
        if (stat(files->items[i], &st) == 0)
            sum += (uint64_t)st.st_size;
    return sum;
}

static int compact(struct move *v, uint64_t *before, uint64_t *after)
{
    struct marker *k = &v->marker;
    _cleanup_list_ struct berth_list files = LIST_INIT;
    int r = state_files(v->e->state, &files, v->err);

    if (r == 0)
        r = find_place(v);
    if (r == 0)
        r = new_work(v);
    if (r < 0)
        return r;
    *before = size_of(&files);
    r = make_store(v);
    *after = size_of(&k->made);
    for (size_t i = 0; r == 0 && i < k->made.n; i++) {
        if (rename(k->made.items[i], k->target.items[i]) < 0)
            r = fail_errno(v->err, errno, "replacing %s", k->target.items[i]);
        else
            r = fsync_parent(k->target.items[i], v->err);
    }
    forget_work(v);
    return r;
}

int migrate_compact(struct migrate *m, uint64_t *before, uint64_t *after,
                    struct berth_error *err)
{
    _cleanup_move_ struct move v = {.m = m, .lock_fd = -1, .alive_fd = -1, .err = err};
    _cleanup_free_ char *type = NULL;
    int r = move_begin(&v, m->stop);

    if (r == 0 && !(type = strdup(state_plugin(v.e->state))))
        r = fail(err, ENOMEM, "out of memory");
    m->to = type;
    if (r == 0)
        r = compact(&v, before, after);
    m->to = NULL;
    return r;
}
