/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_net_user.c - the programs that make the network of a container, or forward its ports;
 * see ctr_life.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/ctr_life.h"
#include "engine/net_program.h"
#include "engine/netns.h"
#include "engine/pasta.h"
#include "engine/rootlessport.h"
#include "engine/slirp.h"
#include "wrap/fault.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define FORWARDER_SECONDS 10

/* They end when nobody has the writing end of the pipe any more: first this process has it,
 * then the monitor. */
struct net_programs {
    int pipe[2];
    pid_t pids[2];
    size_t n;
};

static const char *mode_of(const struct ctr *c)
{
    return json_flag(c->config, "createNetNS", false)
               ? str_or(json_str(c->config, "networkMode"), "")
               : "";
}

static bool is_pasta(const struct ctr *c)
{
    return str_eq(mode_of(c), "pasta");
}

/* Are its ports forwarded, because nobody may redirect them? */
static bool is_forwarded(const struct ctr *c)
{
    return c->e->conf->rootless && str_eq(mode_of(c), "bridge") &&
           json_len(json_get(c->config, "newPortMappings"));
}

static bool has_programs(const struct ctr *c)
{
    return str_eq(mode_of(c), "slirp4netns") || is_forwarded(c);
}

static int need_pipe(struct ctr *c, struct berth_error *err)
{
    if (c->programs)
        return 0;
    c->programs = calloc(1, sizeof(*c->programs));
    if (!c->programs)
        return fail(err, ENOMEM, "out of memory");
    if (pipe2(c->programs->pipe, O_CLOEXEC) == 0)
        return 0;
    free(c->programs);
    c->programs = NULL;
    return fail_errno(err, errno, "failed to create rootless network sync pipe");
}

int ctr_net_hold(struct ctr *c, int *out_fd, struct berth_error *err)
{
    int r = has_programs(c) ? need_pipe(c, err) : 0;

    *out_fd = r == 0 && c->programs ? c->programs->pipe[1] : -1;
    return r;
}

void ctr_net_let_go(struct ctr *c)
{
    if (!c->programs)
        return;
    attr_closep(&c->programs->pipe[0]);
    attr_closep(&c->programs->pipe[1]);
    free(c->programs);
    c->programs = NULL;
}

static void note_program(struct ctr *c, pid_t pid)
{
    c->programs->pids[c->programs->n++] = pid;
}

/* The socket of its slirp4netns, as podman names it. */
static char *socket_path(const struct ctr *c)
{
    return str_printf("%s/%s.net", c->e->conf->tmp_dir, c->id);
}

int ctr_net_slirp(const struct ctr *c, struct slirp_options *out, struct berth_error *err)
{
    return slirp_options(c->e->conf, json_at(c->config, "network_options", "slirp4netns", NULL),
                         out, err);
}

/* As the programs are told it. */
static char *netns_name(const struct ctr *c, int64_t pid)
{
    return pid > 0 ? str_printf("/proc/%lld/ns/net", (long long)pid) : strdup(c->netns);
}

static int forward(struct ctr *c, int64_t pid, const char *helper, const char *ip,
                   struct berth_error *err)
{
    _cleanup_free_ char *netns = netns_name(c, pid);
    struct rootlessport p = {.mappings = json_get(c->config, "newPortMappings"),
                             .netns = netns,
                             .child_ip = ip,
                             .id = c->id,
                             .bridge = is_forwarded(c),
                             .end_fd = c->programs->pipe[0]};
    pid_t program;
    int r = netns ? rootlessport_start(c->e->conf, helper, &p, &program, err)
                  : fail(err, ENOMEM, "out of memory");

    if (r == 0)
        note_program(c, program);
    return r;
}

/* The helper is podman's; without it slirp4netns does it as well. */
static int start_slirp(struct ctr *c, int64_t pid, struct berth_error *err)
{
    const json *mappings = json_get(c->config, "newPortMappings");
    _cleanup_free_ char *helper = NULL, *socket = NULL;
    struct slirp_options o;
    struct slirp_place place = {.netns = c->netns, .pid = pid, .end_fd = c->programs->pipe[0]};
    char ip[INET_ADDRSTRLEN];
    pid_t program = 0;
    int r = ctr_net_slirp(c, &o, err);

    if (r == 0 && json_len(mappings) && !o.forwards)
        helper = rootlessport_find(c->e->conf);
    if (r == 0 && json_len(mappings) && !helper) {
        place.socket = socket = socket_path(c);
        if (!socket)
            return fail(err, ENOMEM, "out of memory");
    }
    if (r == 0)
        r = slirp_start(c->e->conf, &o, &place, &program, err);
    if (r < 0)
        return r;
    note_program(c, program);
    r = fault_point("slirp", "ready", err);
    if (r == 0 && helper)
        r = forward(c, pid, helper, slirp_address(&o, SLIRP_CONTAINER, ip), err);
    else if (r == 0 && socket)
        r = slirp_forward(socket, program, mappings, err);
    return r == 0 ? fault_point("slirp", "forwarded", err) : r;
}

/* The first address of the status, one of IPv4 before all others. */
static const char *first_address(const struct ctr *c, char *buf, size_t size)
{
    json *all = json_get(c->state, "networkStatus");
    const char *best = NULL;

    if (!json_object_is_type(all, json_type_object))
        return NULL;
    json_object_object_foreach (all, network, status) {
        json *interfaces = json_get(status, "interfaces");

        (void)network;
        if (!json_object_is_type(interfaces, json_type_object))
            continue;
        json_object_object_foreach (interfaces, name, interface) {
            const json *subnets = json_get(interface, "subnets");

            (void)name;
            for (size_t i = 0; i < json_len(subnets); i++) {
                const char *ip = json_str(json_item(subnets, i), "ipnet");

                if (ip && (!best || (strchr(best, ':') && !strchr(ip, ':'))))
                    best = ip;
            }
        }
    }
    if (best)
        snprintf(buf, size, "%.*s", (int)strcspn(best, "/"), best);
    return best ? buf : NULL;
}

/* rootlessport's own socket, through the directory: paths of sockets are short. */
static int dial_forwarder(const struct ctr *c, struct berth_error *err)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), dir = -1;
    const struct timeval patience = {.tv_sec = FORWARDER_SECONDS};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    _cleanup_free_ char *path = path_join(c->e->conf->tmp_dir, "rp");

    if (!path)
        return fail(err, ENOMEM, "out of memory");
    dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || dir < 0)
        return fail_errno(err, errno, "opening %s", path);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%.64s", dir, c->id);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        return fail_errno(err, errno, "connecting to %s/%s", path, c->id);
    return TAKE_FD(fd);
}

static int tell_forwarder(const struct ctr *c, struct berth_error *err)
{
    char ip[INET6_ADDRSTRLEN + 4], text[sizeof(ip) + 4], answer[512];
    _cleanup_close_ int fd = dial_forwarder(c, err);
    ssize_t n;

    if (fd < 0)
        return fd;
    snprintf(text, sizeof(text), "\"%s\"\n", str_or(first_address(c, ip, sizeof(ip)), ""));
    n = send(fd, text, strlen(text), MSG_NOSIGNAL);
    if (n >= 0)
        n = recv(fd, answer, sizeof(answer) - 1, 0);
    if (n < 0)
        return fail_errno(err, errno, "talking to rootlessport");
    answer[n] = '\0';
    return str_eq(answer, "OK") ? 0 : fail(err, EIO, "port reloading failed: %s", answer);
}

void ctr_net_moved(const struct ctr *c)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (is_forwarded(c) && tell_forwarder(c, &err) < 0)
        log_warning("could not reload rootless port mappings, port forwarding may no longer "
                    "work correctly: %s",
                    error_text(&err));
}

int ctr_net_start_programs(struct ctr *c, int64_t pid, bool is_new, struct berth_error *err)
{
    char ip[INET6_ADDRSTRLEN + 4];
    int r = has_programs(c) ? need_pipe(c, err) : 0;

    if (is_new && is_pasta(c))
        return pasta_start(c->e->conf, json_get(c->config, "newPortMappings"),
                           json_at(c->config, "network_options", "pasta", NULL), c->netns, err);
    /* The others die with the monitor, so each run has its own. */
    if (r < 0 || !c->programs)
        return r;
    r = is_forwarded(c) ? forward(c, pid, NULL, first_address(c, ip, sizeof(ip)), err)
                        : start_slirp(c, pid, err);
    if (r < 0)
        ctr_net_end_programs(c);
    return r;
}

void ctr_net_end_programs(struct ctr *c)
{
    _cleanup_free_ char *socket = NULL;

    if (c->programs) {
        attr_closep(&c->programs->pipe[0]);
        attr_closep(&c->programs->pipe[1]);
        for (size_t i = 0; i < c->programs->n; i++)
            net_program_end(c->programs->pids[i]);
        ctr_net_let_go(c);
    }
    if (!has_programs(c))
        return;
    socket = socket_path(c);
    if (c->netns)
        netns_end_programs(c->netns, socket);
    if (socket)
        unlink(socket);
}

void ctr_net_end_pasta(const struct ctr *c, const char *netns)
{
    if (is_pasta(c))
        netns_end_programs(netns, NULL);
}
