/* SPDX-License-Identifier: Apache-2.0 */
/* slirp.c - see slirp.h. */
#include "engine/slirp.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/net_program.h"
#include "engine/ports.h"
#include "engine/spec_priv.h"
#include "wrap/fault.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define NAME         "slirp4netns"
#define MTU          65520
#define NETWORK      0x0a000200u /* 10.0.2.0 */
#define HELP_SECONDS 30
#define HELP_MAX     (256u << 10)
#define ACCEPT_DAD   "/proc/sys/net/ipv6/conf/default/accept_dad"

/* ------------------------------------------------------------------ options */

/* "10.7.0.0/24": the address of the network, without the bits behind the prefix. */
static bool parse_cidr(const char *text, uint32_t *out)
{
    char address[INET_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    struct in_addr in;
    uint64_t bits;

    if (!text[len] || len >= sizeof(address) || str_to_u64(text + len + 1, &bits) < 0 ||
        bits > 32)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, &in) != 1)
        return false;
    *out = bits ? ntohl(in.s_addr) & ~0u << (32 - bits) : 0;
    return true;
}

static bool parse_flag(const char *value, bool *out)
{
    *out = str_eq(value, "true");
    return *out || str_eq(value, "false");
}

/* An address of the family, or an interface of the host. */
static bool is_source(const char *value, int family)
{
    struct in6_addr addr;

    return (inet_pton(family, value, &addr) == 1 &&
            (family == AF_INET || !IN6_IS_ADDR_V4MAPPED(&addr))) ||
           if_nametoindex(value) > 0;
}

static int set_option(struct slirp_options *o, const char *text, struct berth_error *err)
{
    const char *value;
    int64_t number;

    if ((value = str_starts(text, "cidr="))) {
        o->cidr = value;
        return parse_cidr(value, &o->network) ? 0
                                              : fail(err, EINVAL, "invalid cidr \"%s\"", value);
    }
    if ((value = str_starts(text, "port_handler="))) {
        o->forwards = str_eq(value, NAME);
        return o->forwards || str_eq(value, "rootlesskit")
                   ? 0
                   : fail(err, EINVAL, "unknown port_handler for slirp4netns: \"%s\"", value);
    }
    if ((value = str_starts(text, "allow_host_loopback=")))
        return parse_flag(value, &o->host_loopback)
                   ? 0
                   : fail(err, EINVAL,
                          "invalid value of allow_host_loopback for slirp4netns: \"%s\"",
                          value);
    if ((value = str_starts(text, "enable_ipv6=")))
        return parse_flag(value, &o->ipv6)
                   ? 0
                   : fail(err, EINVAL, "invalid value of enable_ipv6 for slirp4netns: \"%s\"",
                          value);
    if ((value = str_starts(text, "outbound_addr="))) {
        o->outbound = value;
        return is_source(value, AF_INET)
                   ? 0
                   : fail(err, EINVAL, "invalid outbound_addr \"%s\"", value);
    }
    if ((value = str_starts(text, "outbound_addr6="))) {
        o->outbound6 = value;
        return is_source(value, AF_INET6)
                   ? 0
                   : fail(err, EINVAL, "invalid outbound_addr6: \"%s\"", value);
    }
    if ((value = str_starts(text, "mtu="))) {
        if (str_to_i64(value, &number) < 0 || number < 68 || number > INT32_MAX)
            return fail(err, EINVAL, "invalid mtu \"%s\"", value);
        o->mtu = (uint32_t)number;
        return 0;
    }
    return fail(err, EINVAL, "unknown option for slirp4netns: \"%s\"", text);
}

int slirp_options(const struct conf *conf, const json *given, struct slirp_options *out,
                  struct berth_error *err)
{
    int r = 0;

    *out = (struct slirp_options){
        .network = NETWORK, .mtu = MTU, .ipv6 = true, .sandbox = !conf->no_pivot_root};
    for (size_t i = 0; r == 0 && i < conf->network_cmd_options.n; i++)
        r = set_option(out, conf->network_cmd_options.items[i], err);
    for (size_t i = 0; r == 0 && i < json_len(given); i++)
        r = set_option(out, str_or(json_item_str(given, i), ""), err);
    return r;
}

const char *slirp_address(const struct slirp_options *o, uint32_t number,
                          char buf[static INET_ADDRSTRLEN])
{
    struct in_addr in = {.s_addr = htonl(o->network + number)};

    return inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
}

/* -------------------------------------------------------------- the program */

static int find_program(const struct conf *conf, char **out, struct berth_error *err)
{
    const char *given = conf->network_cmd_path;

    *out = str_empty(given) ? proc_find(NAME) : path_absolute(given);
    if (*out)
        return 0;
    return str_empty(given)
               ? fail(err, ENOENT,
                      "could not find slirp4netns, the network namespace can't be configured: "
                      "exec: \"slirp4netns\": executable file not found in $PATH")
               : fail(err, ENOMEM, "out of memory");
}

/* What it can do is in its help, which is asked each time: it may be another one today. */
static int ask_help(const char *path, struct berth_buf *out, struct berth_error *err)
{
    const char *const argv[] = {path, "--help", NULL};
    struct berth_run run = {.size = sizeof(run),
                            .argv = argv,
                            .env = (const char *const *)(uintptr_t)environ,
                            .output = out,
                            .errors = out,
                            .netns_fd = -1,
                            .deadline = time_deadline(HELP_SECONDS)};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r;

    out->max = HELP_MAX;
    r = proc_run(&run, err);
    if (r < 0)
        return error_wrap(err, "checking slirp4netns binary %s", path);
    if (r == 0)
        return 0;
    json_write_str(buf_str(out), out->len, JSON_RAW, &text);
    return fail(err, EIO, "checking slirp4netns binary %s: slirp4netns %s: exit status %d",
                path, buf_str(&text), r);
}

/* Append an option that is wanted; one that the program lacks is left out, or a failure. */
static int add(struct berth_list *argv, const char *help, const char *needs,
               const char *missing, const char *fmt, const char *value, struct berth_error *err)
{
    if (strstr(help, needs)) {
        list_addf(argv, "%s%s", fmt, str_or(value, ""));
        return 0;
    }
    return missing ? fail(err, ENOTSUP, "%s not supported", missing) : 0;
}

/* In podman's order. */
static int add_options(const struct slirp_options *o, const char *help, struct berth_list *argv,
                       struct berth_error *err)
{
    char mtu[16];
    const struct {
        bool wanted;
        const char *needs, *missing, *option, *value;
    } all[] = {
        {!o->host_loopback, "--disable-host-loopback", NULL, "--disable-host-loopback", NULL},
        {true, "--mtu", NULL, "--mtu=", mtu},
        {o->sandbox, "--enable-sandbox", NULL, "--enable-sandbox", NULL},
        {true, "--enable-seccomp", NULL, "--enable-seccomp", NULL},
        {o->cidr, "--cidr", "cidr", "--cidr=", o->cidr},
        {o->ipv6, "--enable-ipv6", "enable_ipv6", "--enable-ipv6", NULL},
        {o->outbound, "--outbound-addr", "outbound_addr", "--outbound-addr=", o->outbound},
        {o->outbound6, "--outbound-addr6", "outbound_addr6", "--outbound-addr6=", o->outbound6},
    };
    int r = 0;

    snprintf(mtu, sizeof(mtu), "%u", (unsigned)o->mtu);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(all); i++)
        if (all[i].wanted)
            r = add(argv, help, all[i].needs, all[i].missing, all[i].option, all[i].value, err);
    return r;
}

/* ---------------------------------------------- duplicate address detection */

struct dad {
    const char *netns;
    int fd;
};

/* The file is that of the namespace in which it is opened, wherever it is written. */
static void *open_dad(void *arg)
{
    struct dad *d = arg;
    _cleanup_close_ int ns = open(d->netns, O_RDONLY | O_CLOEXEC);

    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
        d->fd = -errno;
    else
        d->fd = open(ACCEPT_DAD, O_RDWR | O_CLOEXEC);
    if (d->fd == -1)
        d->fd = -errno;
    return NULL;
}

/* Until the interface is up nobody is asked whether an address is taken, which would take
 * seconds; only the program is on that wire.  -1: there is no IPv6, or it takes its time. */
static int dad_off(const char *netns, char *old)
{
    struct dad d = {.netns = netns, .fd = -1};
    pthread_t thread; /* it ends, and its namespace with it */
    ssize_t n;

    if (pthread_create(&thread, NULL, open_dad, &d) != 0)
        return -1;
    pthread_join(thread, NULL);
    if (d.fd < 0) {
        if (d.fd != -ENOENT)
            log_warning("failed to set net.ipv6.conf.default.accept_dad sysctl: %s",
                        strerror(-d.fd));
        return -1;
    }
    n = pread(d.fd, old, 1, 0);
    if (n != 1 || pwrite(d.fd, "0", 1, 0) != 1)
        attr_closep(&d.fd);
    return d.fd;
}

static void dad_on(int fd, char old)
{
    if (fd < 0)
        return;
    if (pwrite(fd, &old, 1, 0) != 1)
        log_warning("failed to set net.ipv6.conf.default.accept_dad sysctl: %s",
                    strerror(errno));
    close(fd);
}

/* -------------------------------------------------------------------- start */

static int make_argv(const char *path, const struct slirp_options *o,
                     const struct slirp_place *place, struct berth_list *argv,
                     struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf help = BUF_INIT;
    int r = ask_help(path, &help, err);

    list_add(argv, path);
    if (r == 0)
        r = add_options(o, buf_str(&help), argv, err);
    if (r < 0)
        return r;
    if (place->end_fd >= 0)
        list_addv(argv, (const char *const[]){"-c", "-e", "3", "-r", "4", NULL});
    else
        list_addv(argv, (const char *const[]){"-c", "-r", "3", NULL});
    if (place->socket)
        list_addv(argv, (const char *const[]){"--api-socket", place->socket, NULL});
    if (place->pid > 0)
        list_addf(argv, "%lld", (long long)place->pid);
    else
        list_addv(argv, (const char *const[]){"--netns-type=path", place->netns, NULL});
    list_add(argv, "tap0");
    return argv->error ? fail(err, ENOMEM, "out of memory") : 0;
}

int slirp_start(const struct conf *conf, const struct slirp_options *o,
                const struct slirp_place *place, pid_t *out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list argv = LIST_INIT;
    _cleanup_free_ char *path = NULL;
    struct net_program p = {.name = NAME, .end_fd = place->end_fd};
    char old = '1';
    int dad = -1, r = find_program(conf, &path, err);

    if (r == 0)
        r = make_argv(path, o, place, &argv, err);
    if (r == 0)
        r = fault_point("slirp", "start", err);
    if (r < 0)
        return r;
    if (place->socket)
        unlink(place->socket); /* of its last run */
    p.path = path;
    p.argv = (const char *const *)list_argv(&argv);
    p.own_mounts = list_has(&argv, "--enable-sandbox");
    if (o->ipv6)
        dad = dad_off(place->netns, &old);
    r = net_program_start(&p, out, err);
    dad_on(dad, old);
    return r;
}

/* -------------------------------------------------------------------- ports */

#define SOCKET_SECONDS 60
#define ANSWER_MAX     (64u << 10)

static bool has_ended(pid_t pid, int *code)
{
    siginfo_t how = {0};

    if (waitid(P_PID, (id_t)pid, &how, WEXITED | WNOHANG | WNOWAIT) < 0 || how.si_pid == 0)
        return false;
    *code = how.si_code == CLD_EXITED ? how.si_status : -1;
    return true;
}

/* The socket may come a little after it says that it is ready. */
static int dial(const char *path, pid_t pid, int *out, struct berth_error *err)
{
    const struct timeval patience = {.tv_sec = SOCKET_SECONDS};
    const struct timespec pause = {.tv_nsec = 10000000};
    berth_deadline end = time_deadline(SOCKET_SECONDS);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code;

    if (fd < 0)
        return fail_errno(err, errno, "making a socket");
    if (strlen(path) >= sizeof(addr.sun_path))
        return fail(err, ENAMETOOLONG,
                    "the api socket file %s of slirp4netns has too long a path", path);
    strcpy(addr.sun_path, path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        if (errno != ENOENT && errno != ECONNREFUSED && errno != EINTR)
            return fail_errno(err, errno, "cannot open connection to %s", path);
        if (has_ended(pid, &code))
            return fail(err, EIO,
                        "waiting for slirp4netns to create the api socket file %s: "
                        "slirp4netns exited with status %d",
                        path, code);
        if (proc_cancelled)
            return fail(err, ECANCELED, "waiting for slirp4netns was stopped on request");
        if (time_monotonic() >= end)
            return fail(err, ETIMEDOUT,
                        "waiting for slirp4netns to create the api socket file %s: it is not "
                        "there after a minute",
                        path);
        nanosleep(&pause, NULL);
    }
    *out = TAKE_FD(fd);
    return 0;
}

/* As Go prints a map: what podman says of an error. */
static void put_value(const json *value, struct berth_buf *out)
{
    const char *sep = "";

    if (!json_object_is_type(value, json_type_object)) {
        buf_puts(out, json_object_get_string((json *)(uintptr_t)value));
        return;
    }
    buf_puts(out, "map[");
    json_object_object_foreach ((json *)(uintptr_t)value, key, member) {
        buf_printf(out, "%s%s:%s", sep, key, str_or(json_object_get_string(member), "<nil>"));
        sep = " ";
    }
    buf_puts(out, "]");
}

static int check_answer(const struct berth_buf *text, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf why = BUF_INIT;
    _cleanup_json_ json *answer = NULL;
    int r = json_parse_object(buf_blob(text), "answer", &answer, err);

    if (r < 0)
        return error_wrap(err, "parsing error status from slirp4netns");
    if (!json_object_object_get_ex(answer, "error", NULL))
        return 0;
    put_value(json_get(answer, "error"), &why);
    return fail(err, EADDRINUSE, "from slirp4netns while setting up port redirection: %s",
                buf_str(&why));
}

static int forward_one(const char *socket, pid_t pid, const json *mapping, uint64_t offset,
                       const char *protocol, struct berth_error *err)
{
    _cleanup_json_ json *request = json_new();
    _cleanup_buf_ struct berth_buf text = BUF_INIT, answer = BUF_INIT;
    _cleanup_close_ int fd = -1;
    const char *ip = json_str(mapping, "host_ip");
    json *arguments;
    int r = dial(socket, pid, &fd, err);

    if (r < 0)
        return r;
    json_set_str(request, "execute", "add_hostfwd");
    arguments = json_need(request, "arguments");
    json_set_str(arguments, "proto", protocol);
    json_set_str(arguments, "host_addr", str_empty(ip) ? "0.0.0.0" : ip);
    json_set_u64(arguments, "host_port", json_u64(mapping, "host_port", 0) + offset);
    json_set_str(arguments, "guest_addr", "");
    json_set_u64(arguments, "guest_port", json_u64(mapping, "container_port", 0) + offset);
    json_write(request, 0, &text);
    if (buf_putc(&text, '\n') < 0)
        return fail(err, ENOMEM, "out of memory");
    if (send(fd, text.data, text.len, MSG_NOSIGNAL) != (ssize_t)text.len)
        return fail_errno(err, errno, "cannot write to control socket %s", socket);
    if (shutdown(fd, SHUT_WR) < 0)
        return fail_errno(err, errno, "cannot shutdown the socket %s", socket);
    r = fs_read_fd(fd, socket, ANSWER_MAX, &answer, err);
    return r < 0 ? r : check_answer(&answer, err);
}

struct forwarding {
    const char *socket;
    pid_t pid;
};

static int forward_range(void *arg, const json *mapping, const char *protocol,
                         struct berth_error *err)
{
    const struct forwarding *f = arg;
    uint64_t n = MIN(json_u64(mapping, "range", 1), 65535u);
    int r = 0;

    for (uint64_t port = 0; r == 0 && port < MAX(n, 1u); port++)
        r = forward_one(f->socket, f->pid, mapping, port, protocol, err);
    return r;
}

int slirp_forward(const char *socket, pid_t pid, const json *mappings, struct berth_error *err)
{
    struct forwarding f = {socket, pid};

    return ports_each(mappings, forward_range, &f, err);
}
