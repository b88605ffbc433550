/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_top.c - top: the processes of a container. */
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/each.h"
#include "cmd/table.h"
#include "engine/exec.h"
#include "engine/procs.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/socket.h>

struct top_opts {
    bool latest, list_descriptors;
};

#define DB_MAX (16u << 20)

/* What values are made of. */
struct view {
    struct berth_buf passwd, group;           /* the container's */
    struct berth_buf host_passwd, host_group; /* the host's */
    struct berth_buf uid_map, gid_map;        /* of its first process */
    berth_date now;
};

static void view_free(struct view *v)
{
    buf_free(&v->passwd);
    buf_free(&v->group);
    buf_free(&v->host_passwd);
    buf_free(&v->host_group);
    buf_free(&v->uid_map);
    buf_free(&v->gid_map);
}

/* What cannot be read is empty: numbers are shown then. */
static void read_in(int root, const char *path, struct berth_buf *out)
{
    _cleanup_close_ int fd = fs_open_in(root, path, O_RDONLY | O_NONBLOCK, 0);

    if (fd >= 0)
        fs_read_fd(fd, path, DB_MAX, out, NULL);
}

static void view_read(int64_t pid, struct view *v)
{
    _cleanup_close_ int root = -1;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/root", pid);
    root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) {
        read_in(root, "etc/passwd", &v->passwd);
        read_in(root, "etc/group", &v->group);
    }
    fs_read("/etc/passwd", DB_MAX, &v->host_passwd, NULL);
    fs_read("/etc/group", DB_MAX, &v->host_group, NULL);
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/uid_map", pid);
    fs_read(path, DB_MAX, &v->uid_map, NULL);
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/gid_map", pid);
    fs_read(path, DB_MAX, &v->gid_map, NULL);
    v->now = time_now();
}

/* ------------------------------------------------------------------ values */

/* The name of an ID in the text of /etc/passwd or /etc/group; else its number. */
static void put_name(const struct berth_buf *db, uint32_t id, struct berth_buf *out)
{
    for (const char *at = buf_str(db); *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t name = strcspn(at, ":\n"), skip = name;
        char *end;

        if (at[skip] != ':')
            continue;
        skip += 1 + strcspn(at + skip + 1, ":\n");
        if (at[skip] != ':' || at[skip + 1] < '0' || at[skip + 1] > '9')
            continue;
        if (strtoull(at + skip + 1, &end, 10) == id && *end == ':') {
            buf_put(out, at, name);
            return;
        }
    }
    buf_printf(out, "%u", id);
}

/* The container's ID of the host's. */
static uint32_t to_inner(const struct berth_buf *map, uint32_t id)
{
    const char *at = buf_str(map);

    while (*at) {
        char *end;
        uint64_t in = strtoull(at, &end, 10), out = strtoull(end, &end, 10);
        uint64_t size = strtoull(end, &end, 10);

        if (end == at)
            break;
        if (id >= out && id - out < size)
            return (uint32_t)(in + id - out);
        at = end + strcspn(end, "\n");
        at += *at == '\n';
    }
    return id;
}

static void put_caps(uint64_t mask, struct berth_buf *out)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    unsigned n = 0;

    for (const char *name; (name = spec_cap_name(n)); n++)
        if (mask & UINT64_C(1) << n)
            list_add(&names, name + strlen("CAP_"));
    if (names.n == n) {
        buf_puts(out, "full");
    } else if (!names.n) {
        buf_puts(out, "none");
    } else {
        _cleanup_free_ char *text = NULL;

        list_sort(&names);
        text = list_join(&names, ",");
        buf_puts(out, str_or(text, ""));
    }
}

static void put_groups(const struct view *v, const struct proc_info *p, struct berth_buf *out)
{
    for (size_t i = 0; i < p->groups.n; i++) {
        uint32_t id = (uint32_t)strtoul(p->groups.items[i], NULL, 10);

        if (i)
            buf_putc(out, ',');
        put_name(&v->group, to_inner(&v->gid_map, id), out);
    }
}

static void put_tty(int64_t device, struct berth_buf *out)
{
    unsigned major = (unsigned)(device >> 8 & 0xfff);
    unsigned minor = (unsigned)((device & 0xff) | (device >> 12 & 0xfff00));

    if (major >= 136 && major < 144)
        buf_printf(out, "pts/%u", (major - 136) * 256 + minor);
    else if (major == 4 && minor < 64)
        buf_printf(out, "tty%u", minor);
    else if (major == 4)
        buf_printf(out, "ttyS%u", minor - 64);
    else
        buf_putc(out, '?');
}

static void put_cpu(const struct proc_info *p, const struct view *v, struct berth_buf *out)
{
    double alive = (double)v->now / 1e9 - (double)p->started;

    buf_printf(out, "%.3f", alive > 0 ? 100 * (double)p->cpu_seconds / alive : 0.0);
}

enum what {
    W_ARGS,
    W_CAPS,
    W_COMM,
    W_ETIME,
    W_GROUP,
    W_GROUPS,
    W_HGROUP,
    W_HGROUPS,
    W_HPID,
    W_HUSER,
    W_LABEL,
    W_NICE,
    W_PCPU,
    W_PGID,
    W_PID,
    W_PPID,
    W_RGROUP,
    W_RSS,
    W_RUSER,
    W_SECCOMP,
    W_STATE,
    W_STIME,
    W_TIME,
    W_TTY,
    W_USER,
    W_VSZ,
};

struct column {
    const char *name, *code, *title;
    enum what what;
    int caps;
};

/* By name. */
static const struct column columns[] = {
    {"args", "%a", "COMMAND", W_ARGS, 0},
    {"capamb", NULL, "AMBIENT CAPS", W_CAPS, PROC_AMB},
    {"capbnd", NULL, "BOUNDING CAPS", W_CAPS, PROC_BND},
    {"capeff", NULL, "EFFECTIVE CAPS", W_CAPS, PROC_EFF},
    {"capinh", NULL, "INHERITED CAPS", W_CAPS, PROC_INH},
    {"capprm", NULL, "PERMITTED CAPS", W_CAPS, PROC_PRM},
    {"comm", "%c", "COMMAND", W_COMM, 0},
    {"etime", "%t", "ELAPSED", W_ETIME, 0},
    {"group", "%G", "GROUP", W_GROUP, 0},
    {"groups", NULL, "GROUPS", W_GROUPS, 0},
    {"hgroup", NULL, "HGROUP", W_HGROUP, 0},
    {"hgroups", NULL, "HGROUPS", W_HGROUPS, 0},
    {"hpid", NULL, "HPID", W_HPID, 0},
    {"huser", NULL, "HUSER", W_HUSER, 0},
    {"label", NULL, "LABEL", W_LABEL, 0},
    {"nice", "%n", "NI", W_NICE, 0},
    {"pcpu", "%C", "%CPU", W_PCPU, 0},
    {"pgid", "%r", "PGID", W_PGID, 0},
    {"pid", "%p", "PID", W_PID, 0},
    {"ppid", "%P", "PPID", W_PPID, 0},
    {"rgroup", "%g", "RGROUP", W_RGROUP, 0},
    {"rss", NULL, "RSS", W_RSS, 0},
    {"ruser", "%u", "RUSER", W_RUSER, 0},
    {"seccomp", NULL, "SECCOMP", W_SECCOMP, 0},
    {"state", NULL, "STATE", W_STATE, 0},
    {"stime", NULL, "STIME", W_STIME, 0},
    {"time", "%x", "TIME", W_TIME, 0},
    {"tty", "%y", "TTY", W_TTY, 0},
    {"user", "%U", "USER", W_USER, 0},
    {"vsz", "%z", "VSZ", W_VSZ, 0},
};

/* What only the host's side knows. */
static void put_host(const struct column *c, const struct proc_info *p, const struct view *v,
                     struct berth_buf *out)
{
    if (!p->nested)
        buf_putc(out, '?');
    else if (c->what == W_HPID)
        buf_printf(out, "%" PRId64, p->host_pid);
    else if (c->what == W_HUSER)
        put_name(&v->host_passwd, p->uid[1], out);
    else if (c->what == W_HGROUP)
        put_name(&v->host_group, p->gid[1], out);
    else /* podman has no names for these */
        for (size_t i = 0; i < p->groups.n; i++)
            buf_printf(out, "%s%s", i ? "," : "", p->groups.items[i]);
}

static void put_user(const struct column *c, const struct proc_info *p, const struct view *v,
                     struct berth_buf *out)
{
    if (c->what == W_USER || c->what == W_RUSER)
        put_name(&v->passwd, to_inner(&v->uid_map, p->uid[c->what == W_USER]), out);
    else
        put_name(&v->group, to_inner(&v->gid_map, p->gid[c->what == W_GROUP]), out);
}

static int64_t numeric(const struct column *c, const struct proc_info *p)
{
    switch ((unsigned)c->what) {
    case W_NICE:
        return p->nice;
    case W_PGID:
        return p->pgid;
    case W_PID:
        return p->pid;
    case W_PPID:
        return p->ppid;
    case W_RSS:
        return p->rss;
    default:
        return p->vsz;
    }
}

/* A process may call itself as it likes: not so that it looks like other columns or rows, nor
 * as orders to a terminal. */
static void put_plain(const char *text, struct berth_buf *out)
{
    for (; *text; text++)
        buf_putc(out, (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void put_value(const struct column *c, const struct proc_info *p, const struct view *v,
                      struct berth_buf *out)
{
    static const char *const filters[] = {"disabled", "strict", "filter"};
    char text[TIME_TEXT_MAX];

    switch ((unsigned)c->what) {
    case W_ARGS:
        put_plain(p->args, out);
        break;
    case W_COMM:
        put_plain(p->comm, out);
        break;
    case W_LABEL:
        put_plain(p->label, out);
        break;
    case W_CAPS:
        put_caps(p->caps[c->caps], out);
        break;
    case W_ETIME:
        buf_puts(out, time_format_span(v->now - p->started * 1000000000, text));
        break;
    case W_TIME:
        buf_puts(out, time_format_span(p->cpu_seconds * 1000000000, text));
        break;
    case W_STIME:
        buf_puts(out, time_format_go(p->started * 1000000000, text));
        break;
    case W_PCPU:
        put_cpu(p, v, out);
        break;
    case W_SECCOMP:
        buf_puts(out, p->seccomp >= 0 && p->seccomp < 3 ? filters[p->seccomp] : "?");
        break;
    case W_STATE:
        buf_putc(out, p->state);
        break;
    case W_TTY:
        put_tty(p->tty, out);
        break;
    case W_GROUPS:
        put_groups(v, p, out);
        break;
    case W_HGROUP:
    case W_HGROUPS:
    case W_HPID:
    case W_HUSER:
        put_host(c, p, v, out);
        break;
    case W_GROUP:
    case W_RGROUP:
    case W_RUSER:
    case W_USER:
        put_user(c, p, v, out);
        break;
    default:
        buf_printf(out, "%" PRId64, numeric(c, p));
    }
}

/* ------------------------------------------------------------------- tables */

static const struct column *find_column(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (str_eq(columns[i].name, name) || str_eq(columns[i].code, name))
            return &columns[i];
    return NULL;
}

/* The columns that are asked for; -ENOENT: one is not known. */
static int choose(int argc, char **argv, const struct column ***out, size_t *n)
{
    static const char standard[] = "user,pid,ppid,pcpu,etime,tty,time,args";
    _cleanup_list_ struct berth_list names = LIST_INIT;
    const struct column **list;

    for (int i = 0; i < argc; i++)
        list_split(&names, argv[i], ',', false);
    if (!names.n && !names.error)
        list_split(&names, standard, ',', false);
    list = calloc(names.n + 1, sizeof(*list));
    if (!list || names.error) {
        free(list);
        return -ENOMEM;
    }
    for (*n = 0; *n < names.n; ++*n) {
        list[*n] = find_column(names.items[*n]);
        if (!list[*n]) {
            free(list);
            return -ENOENT;
        }
    }
    *out = list;
    return 0;
}

static int print_aligned(struct berth_buf *text, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT;

    if (table_align(buf_str(text), text->len, &out) < 0)
        return fail(err, ENOMEM, "out of memory");
    fwrite(buf_str(&out), 1, out.len, stdout);
    return 0;
}

static int print_processes(const struct ctr *c, const struct column **list, size_t n,
                           struct berth_error *err)
{
    int64_t pid = json_i64(c->state, "pid", 0);
    _cleanup_procs_ struct procs all = {0};
    _cleanup_(view_free) struct view v = {0};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = procs_read(pid, &all, err);

    if (r < 0)
        return r;
    view_read(pid, &v);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%s", list[i]->title, i + 1 < n ? "\t" : "\n");
    for (size_t p = 0; p < all.n; p++)
        for (size_t i = 0; i < n; i++) {
            put_value(list[i], &all.list[p], &v, &text);
            buf_putc(&text, i + 1 < n ? '\t' : '\n');
        }
    return print_aligned(&text, err);
}

/* ------------------------------------------------------- ps in the container */

/* Words as a shell splits them, without its expansions.  -EINVAL: a quote is open. */
static int split_words(const char *text, struct berth_list *out)
{
    _cleanup_buf_ struct berth_buf word = BUF_INIT;
    char quote = '\0';
    bool any = false;

    for (; *text; text++) {
        if (quote ? *text == quote : *text == '\'' || *text == '"') {
            quote = quote ? '\0' : *text;
            any = true;
        } else if (*text == '\\' && quote != '\'' && text[1]) {
            buf_putc(&word, *++text);
            any = true;
        } else if (!quote && (*text == ' ' || *text == '\t' || *text == '\n')) {
            if (any && word.len)
                list_add(out, buf_str(&word));
            buf_reset(&word);
            any = false;
        } else {
            buf_putc(&word, *text);
            any = true;
        }
    }
    if (any && word.len)
        list_add(out, buf_str(&word));
    return quote ? -EINVAL : out->error;
}

/* Packets of a session: standard output and standard error apart. */
/* Until it ends, or has said more than a list of processes is. */
static void read_session(int fd, struct berth_buf *out, struct berth_buf *errors)
{
    char packet[BERTH_STREAM_PACKET];
    ssize_t n;

    while ((n = recv(fd, packet, sizeof(packet), 0)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        if (buf_put(packet[0] == BERTH_STREAM_STDERR ? errors : out, packet + 1,
                    (size_t)n - 1) < 0)
            return;
    }
}

static int run_ps(struct ctr *c, struct exec_options *what, struct berth_buf *out,
                  struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf errors = {.max = DB_MAX};
    _cleanup_close_ int fd = -1;
    char session[ID_LEN + 1];
    int32_t code = -1;
    int r = exec_create(c, what, session, err);

    if (r < 0)
        return r;
    r = exec_start(c, session, what, &fd, err);
    if (r < 0) {
        exec_cleanup(c, session, true, NULL);
        return r;
    }
    read_session(fd, out, &errors);
    if (out->error || errors.error) {
        exec_cleanup(c, session, true, NULL);
        return fail(err, EFBIG, "it says more than %u MiB", DB_MAX >> 20);
    }
    r = exec_finish(c, session, true, &code, err);
    if (r == 0 && code != 0)
        r = fail(err, EREMOTEIO, "ps(1) command failed with exit code %d: %s", (int)code,
                 buf_str(&errors));
    return r;
}

/* All lines but that of ps itself. */
static void print_others(const char *text, const char *own)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        _cleanup_free_ char *line = strndup(text, len);

        if (line && !strstr(line, own))
            puts(line);
        text += len + (text[len] == '\n');
    }
}

static int ps_inside(struct ctr *c, int argc, char **argv, struct berth_error *err)
{
    struct exec_options what = {0};
    _cleanup_buf_ struct berth_buf out = {.max = DB_MAX}, own = BUF_INIT;
    int r = list_add(&what.command, "ps");

    for (int i = 0; i < argc && r == 0; i++) {
        buf_printf(&own, "%s%s", i ? " " : "", argv[i]);
        r = split_words(argv[i], &what.command);
    }
    if (r == -EINVAL)
        fail(err, EINVAL, "parsing ps args: a quote is not closed");
    else if (r < 0)
        fail(err, ENOMEM, "out of memory");
    if (r == 0) {
        r = run_ps(c, &what, &out, err);
        if (r < 0)
            error_wrap(err, "executing ps(1) in the container");
    }
    if (r == 0)
        print_others(buf_str(&out), buf_str(&own));
    if (r < 0)
        err->exit_status = 0;
    list_free(&what.command);
    return r;
}

/* ------------------------------------------------------------------ command */

static int top(struct ctr *c, int argc, char **argv, struct berth_error *err)
{
    _cleanup_free_ const struct column **list = NULL;
    size_t n = 0;
    int status, r = ctr_lock(c, err);

    if (r < 0)
        return r;
    status = ctr_status(c);
    ctr_unlock(c);
    if (status != CTR_RUNNING)
        return fail(err, EINVAL, "top can only be used on running containers");
    r = choose(argc, argv, &list, &n);
    if (r == -ENOENT)
        return ps_inside(c, argc, argv, err);
    return r < 0 ? fail(err, ENOMEM, "out of memory") : print_processes(c, list, n, err);
}

static int top_run(struct cli *cli, void *opts, int argc, char **argv, struct berth_error *err)
{
    const struct top_opts *o = opts;
    _cleanup_ctr_ struct ctr *c = NULL;
    int skip = o->latest ? 0 : 1, r;
    struct engine *e;

    for (size_t i = 0; o->list_descriptors && i < ARRAY_LEN(columns); i++)
        puts(columns[i].name);
    if (o->list_descriptors)
        return 0;
    if (argc < skip)
        return fail(err, EINVAL, "you must provide the name or id of a running container");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = o->latest ? ctr_latest(e, &c, err) : ctr_lookup(e, argv[0], &c, err);
    return r < 0 ? r : top(c, argc - skip, argv + skip, err);
}

static const struct opt top_options[] = {
    {"latest", 'l', OPT_BOOL, offsetof(struct top_opts, latest), "", "",
     "Take the container that was created last"},
    {"list-descriptors", 0, OPT_BOOL, offsetof(struct top_opts, list_descriptors), "", "",
     "List the names of columns", .hidden = true},
    {""}};

const struct cmd cmd_top = {
    .name = "top",
    .args = "[options] CONTAINER [COLUMN...|ARG...]",
    .summary = "List the processes of a container",
    .text =
        "List the processes of a running container. Columns are args, capamb, capbnd, capeff, "
        "capinh, capprm, comm, etime, group, groups, hgroup, hgroups, hpid, huser, label, "
        "nice, "
        "pcpu, pgid, pid, ppid, rgroup, rss, ruser, seccomp, state, stime, time, tty, user and "
        "vsz, or the codes of ps(1) for them. Anything else makes all of it arguments of a "
        "ps(1) that is run in the container.",
    .opts = top_options,
    .size = sizeof(struct top_opts),
    .max_args = -1,
    .run = top_run,
};
