/* SPDX-License-Identifier: Apache-2.0 */
/* net_shared.c - see net_shared.h. */
#include "engine/net_shared.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "conf/keys.h"
#include "engine/ctr_life.h"
#include "engine/netns.h"
#include "engine/slirp.h"
#include "engine/store.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define RESOLV     "/etc/resolv.conf"
#define NAME_BYTES 10

struct shared {
    const struct conf *conf;
    char *runtime; /* the user's runtime directory */
    char *dir;     /* what is in the places of directories of the host */
    char *netns;
    char *pid_file; /* of slirp4netns */
    int lock;
};

static void shared_close(struct shared *s)
{
    free(s->runtime);
    free(s->dir);
    free(s->netns);
    free(s->pid_file);
    attr_closep(&s->lock); /* and with it the lock goes */
}

/* podman's lock on the whole file, which goes with any descriptor of it: opened only here. */
static int take_lock(struct shared *s, struct berth_error *err)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _cleanup_free_ char *path = path_join(s->conf->tmp_dir, "rootless-netns.lock");

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->lock < 0)
        return fail_errno(err, errno, "opening %s", path);
    while (fcntl(s->lock, F_SETLKW, &all) < 0)
        if (errno != EINTR)
            return fail_errno(err, errno, "locking %s", path);
    return 0;
}

/* podman's name: the beginning of the hash of where its records are. */
static char *file_name(const struct conf *conf)
{
    _cleanup_free_ char *dir = netns_dir(conf);
    _cleanup_buf_ struct berth_buf name = BUF_INIT;
    uint8_t hash[SHA256_LEN];
    struct sha256 sum;

    sha256_begin(&sum);
    sha256_add(&sum, conf->static_dir, strlen(conf->static_dir));
    sha256_end(&sum, hash);
    buf_printf(&name, "%s/rootless-netns-", str_or(dir, ""));
    for (size_t i = 0; i < NAME_BYTES; i++)
        buf_printf(&name, "%02x", hash[i]);
    return dir && !buf_error(&name) ? buf_steal(&name) : NULL;
}

static int shared_open(const struct conf *conf, struct shared *s, struct berth_error *err)
{
    *s = (struct shared){.conf = conf, .lock = -1};
    s->runtime = conf_runtime_dir(conf->uid);
    s->dir = path_join(conf->tmp_dir, "rootless-netns");
    s->netns = file_name(conf);
    s->pid_file = s->dir ? path_join(s->dir, "rootless-netns-slirp4netns.pid") : NULL;
    if (!s->runtime || !s->netns || !s->pid_file)
        return fail(err, ENOMEM, "out of memory");
    return take_lock(s, err);
}

/* ---------------------------------------------------------------- its way out */

static pid_t slirp_pid(const struct shared *s)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, line = BUF_INIT;
    char path[64];
    uint64_t pid;

    if (fs_read(s->pid_file, 32, &text, NULL) < 0)
        return 0;
    buf_str(&text);
    if (text.len)
        text.data[strcspn(text.data, "\n")] = '\0';
    if (str_to_u64(buf_str(&text), &pid) < 0 || pid == 0 || pid > INT_MAX)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    if (fs_read(path, 1 << 16, &line, NULL) < 0)
        return 0;
    for (size_t i = 0; i < line.len; i += strlen(line.data + i) + 1)
        if (str_eq(line.data + i, s->netns))
            return (pid_t)pid;
    return 0;
}

static int start_slirp(const struct shared *s, const struct slirp_options *o,
                       struct berth_error *err)
{
    const struct slirp_place place = {.netns = s->netns, .end_fd = -1};
    char text[16];
    pid_t pid = 0;
    int r = slirp_start(s->conf, o, &place, &pid, err);

    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "%d", (int)pid);
    r = fs_replace(s->pid_file, text, strlen(text), 0700, false, err);
    if (r < 0)
        kill(pid, SIGTERM);
    return r;
}

/* Its own name server first: the host's may be where only the host gets to. */
static int write_resolv(const struct shared *s, const struct slirp_options *o,
                        struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(s->dir, "resolv.conf");
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    char ip[INET_ADDRSTRLEN];

    buf_printf(&text, "nameserver %s\n", slirp_address(o, SLIRP_DNS, ip));
    fs_read(RESOLV, 1 << 20, &text, NULL);
    return path ? fs_replace(path, buf_str(&text), text.len, 0644, false, err)
                : fail(err, ENOMEM, "out of memory");
}

static int make_dirs(const struct shared *s, struct berth_error *err)
{
    _cleanup_free_ char *runtime = str_printf("%s%s/netns", s->dir, s->runtime);
    _cleanup_free_ char *systemd = str_printf("%s/run/systemd", s->dir);
    _cleanup_free_ char *cni = str_printf("%s/var/lib/cni", s->dir);
    const char *all[] = {runtime, systemd, cni};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(all); i++)
        r = all[i] ? fs_mkdir_p(all[i], 0755, err) : fail(err, ENOMEM, "out of memory");
    return r;
}

static int make_namespace(const struct shared *s, struct berth_error *err)
{
    _cleanup_free_ char *dir = netns_dir(s->conf);
    int fd, r = dir ? netns_prepare(dir, err) : fail(err, ENOMEM, "out of memory");

    if (r < 0)
        return r;
    unlink(s->netns); /* of a boot ago */
    fd = open(s->netns, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0)
        return fail_errno(err, errno, "creating %s", s->netns);
    close(fd);
    return netns_bind_new(s->netns, err);
}

static void destroy(const struct shared *s)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    pid_t slirp = slirp_pid(s);

    if (slirp)
        kill(slirp, SIGTERM);
    if (netns_remove(s->netns, &why) < 0 || fs_remove_tree(s->dir, &why) < 0)
        log_warning("the network namespace of all containers is not taken down: %s",
                    error_text(&why));
}

/* Make what is missing of it. */
static int make(const struct shared *s, struct berth_error *err)
{
    struct slirp_options o;
    bool there = netns_is(s->netns);
    int r = slirp_options(s->conf, NULL, &o, err);

    if (r < 0 || (there && slirp_pid(s)))
        return r;
    r = fs_mkdir_p(s->dir, 0700, err);
    if (r == 0)
        r = make_dirs(s, err);
    if (r == 0)
        r = write_resolv(s, &o, err);
    if (r == 0 && !there)
        r = make_namespace(s, err);
    if (r == 0)
        r = start_slirp(s, &o, err);
    if (r < 0 && !there)
        destroy(s);
    return r < 0 ? error_wrap(err, "getting rootless network namespace") : 0;
}

/* -------------------------------------------------------------------- inside */

static int bind_dir(const char *from, const char *to, struct berth_error *err)
{
    return mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0
               ? fail_errno(err, errno, "binding %s to %s", from, to)
               : 0;
}

/* A file of our own where the host's name servers stand; links may lead into /run, which is
 * another one in here. */
static int bind_resolv(const struct shared *s, struct berth_error *err)
{
    _cleanup_free_ char *own = path_join(s->dir, "resolv.conf"), *copy = NULL;
    _cleanup_free_ char *target = realpath(RESOLV, NULL);

    if (!target)
        return 0;
    if (!str_starts(target, "/run/"))
        return own ? bind_dir(own, target, err) : fail(err, ENOMEM, "out of memory");
    copy = str_printf("%s%s", s->dir, target);
    if (!own || !copy)
        return fail(err, ENOMEM, "out of memory");
    if (!fs_exists(copy)) {
        _cleanup_free_ char *dir = strndup(copy, (size_t)(path_base(copy) - copy));
        int fd = dir && fs_mkdir_p(dir, 0755, NULL) == 0
                     ? open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)
                     : -1;

        if (fd < 0)
            return fail_errno(err, errno, "creating %s", copy);
        close(fd);
    }
    return bind_dir(own, copy, err);
}

/* netavark and aardvark-dns write below /run and /var/lib/cni, which users may not. */
static int mount_own(const struct shared *s, struct berth_error *err)
{
    _cleanup_free_ char *runtime = str_printf("%s%s", s->dir, s->runtime);
    _cleanup_free_ char *systemd = str_printf("%s/run/systemd", s->dir);
    _cleanup_free_ char *cni = str_printf("%s/var/lib/cni", s->dir);
    _cleanup_free_ char *run = str_printf("%s/run", s->dir);
    int r;

    if (!runtime || !systemd || !cni || !run)
        return fail(err, ENOMEM, "out of memory");
    if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return fail_errno(err, errno, "keeping mounts from others");
    r = bind_dir(s->runtime, runtime, err);
    if (r == 0 && fs_exists("/run/systemd"))
        r = bind_dir("/run/systemd", systemd, err);
    if (r == 0)
        r = bind_resolv(s, err);
    if (r == 0 && fs_exists("/var/lib/cni"))
        r = bind_dir(cni, "/var/lib/cni", err);
    return r < 0 ? r : bind_dir(run, "/run", err);
}

/* Without its namespace, which somebody removed, what is noted of networks can go all the same:
 * in an empty one. */
static int go_in(const struct shared *s, struct berth_error *err)
{
    _cleanup_close_ int fd = netns_is(s->netns) ? open(s->netns, O_RDONLY | O_CLOEXEC) : -1;
    int r = fd < 0 ? unshare(CLONE_NEWNET) : setns(fd, CLONE_NEWNET);

    if (r < 0)
        return fail_errno(err, errno, "joining %s", s->netns);
    if (unshare(CLONE_NEWNS) < 0)
        return fail_errno(err, errno, "making a mount namespace");
    r = fd < 0 ? make_dirs(s, err) : 0;
    return r < 0 ? r : mount_own(s, err);
}

/* ---------------------------------------------------------- a process in there */

struct answer {
    int result, code, exit_status;
    uint32_t text, out; /* bytes that follow */
};

static _noreturn_ void work(const struct shared *s, net_shared_fn *fn, void *arg, int to)
{
    struct berth_error err = ERROR_INIT;
    struct berth_buf out = BUF_INIT;
    struct answer a = {0};

    a.result = go_in(s, &err);
    if (a.result == 0)
        a.result = fn(arg, &out, &err);
    a.code = err.code;
    a.exit_status = err.exit_status;
    a.text = a.code ? (uint32_t)strlen(error_text(&err)) : 0;
    a.out = (uint32_t)out.len;
    if (fs_write_fd(to, &a, sizeof(a)) < 0 || fs_write_fd(to, error_text(&err), a.text) < 0 ||
        fs_write_fd(to, buf_str(&out), out.len) < 0)
        _exit(1);
    _exit(0);
}

static int take_answer(const struct berth_buf *got, struct berth_buf *out,
                       struct berth_error *err)
{
    struct answer a = {0};
    const char *text = got->data + sizeof(a);

    if (got->len >= sizeof(a))
        memcpy(&a, got->data, sizeof(a));
    if (got->len < sizeof(a) || got->len - sizeof(a) != (size_t)a.text + a.out)
        return fail(err, EIO, "the process in the network namespace of all containers died");
    if (a.code) {
        fail(err, a.code, "%.*s", (int)a.text, text);
        if (err)
            err->exit_status = a.exit_status;
    }
    if (a.out && buf_put(out, text + a.text, a.out) < 0)
        return fail(err, ENOMEM, "out of memory");
    return a.result;
}

static int run(const struct shared *s, net_shared_fn *fn, void *arg, struct berth_buf *out,
               struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf got = BUF_INIT;
    int ends[2], r;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno(err, errno, "making a pipe");
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        work(s, fn, arg, ends[1]);
    close(ends[1]);
    r = pid < 0 ? fail_errno(err, errno, "starting a process")
                : fs_read_fd(ends[0], "the answer", 64u << 20, &got, err);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return r < 0 ? r : take_answer(&got, out, err);
}

/* ----------------------------------------------------------------- who is left */

/* Is c on a network that is not among these? */
static bool stays(struct ctr *c, const json *leaving)
{
    json *status = json_get(c->state, "networkStatus");

    if (!json_object_is_type(status, json_type_object))
        return false;
    json_object_object_foreach (status, name, value) {
        (void)value;
        if (!json_get(leaving, name))
            return true;
    }
    return false;
}

/* One that is starting has only a note of its namespace yet. */
static bool has_bridges(struct ctr *c)
{
    _cleanup_free_ char *noted = ctr_net_noted(c);

    return str_eq(json_str(c->config, "networkMode"), "bridge") && (c->netns || noted);
}

static bool is_needed(struct ctr *c, const json *leaving)
{
    struct ctr **all = NULL;
    size_t n = 0;
    bool found = stays(c, leaving);

    if (ctr_load_all(c->e, 0, &all, &n, NULL) < 0)
        return true;
    for (size_t i = 0; i < n && !found; i++)
        found = !str_eq(all[i]->id, c->id) && has_bridges(all[i]);
    ctr_free_all(all, n);
    return found;
}

int net_shared_call(struct ctr *c, const json *leaving, net_shared_fn *fn, void *arg,
                    struct berth_buf *out, struct berth_error *err)
{
    _cleanup_(shared_close) struct shared s = {.lock = -1};
    int r = shared_open(c->e->conf, &s, err);

    if (r == 0 && !leaving)
        r = make(&s, err);
    if (r < 0)
        return r;
    r = run(&s, fn, arg, out, err);
    if ((leaving || r < 0) && !is_needed(c, leaving))
        destroy(&s);
    return r;
}

int net_shared_look(const struct conf *conf, net_shared_fn *fn, void *arg,
                    struct berth_buf *out, struct berth_error *err)
{
    _cleanup_(shared_close) struct shared s = {.lock = -1};
    int r = shared_open(conf, &s, err);

    return r == 0 && netns_is(s.netns) ? run(&s, fn, arg, out, err) : r;
}

int net_shared_enter(const struct conf *conf, struct berth_error *err)
{
    _cleanup_(shared_close) struct shared s = {.lock = -1};
    int r = shared_open(conf, &s, err);

    if (r == 0)
        r = make(&s, err);
    return r < 0 ? r : go_in(&s, err);
}
