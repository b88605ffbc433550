/* SPDX-License-Identifier: Apache-2.0 */
/* ports.c - see ports.h. */
#include "engine/ports.h"
#include "base/str.h"
#include "engine/engine.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

void ports_free(struct ports *p)
{
    for (size_t i = 0; i < p->n; i++)
        close(p->fds[i]);
    free(p->fds);
    *p = (struct ports){0};
}

static int bind_one(const char *ip, uint16_t port, bool udp)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v6 = strchr(ip, ':') != NULL;
    int on = 1, code, r,
        fd = socket(is_v6 ? AF_INET6 : AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC,
                    0);

    if (fd < 0)
        return -errno;
    if (is_v6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        r = inet_pton(AF_INET6, ip, &v6.sin6_addr) != 1
                ? (errno = EINVAL, -1)
                : bind(fd, (struct sockaddr *)&v6, sizeof(v6));
    } else {
        r = *ip && inet_pton(AF_INET, ip, &v4.sin_addr) != 1
                ? (errno = EINVAL, -1)
                : bind(fd, (struct sockaddr *)&v4, sizeof(v4));
    }
    if (r == 0)
        return fd;
    code = errno;
    close(fd);
    return -code;
}

/* The words that podman's library has for them. */
static const char *reason(int code)
{
    return code == EADDRINUSE      ? "address already in use"
           : code == EADDRNOTAVAIL ? "cannot assign requested address"
           : code == EACCES        ? "permission denied"
                                   : strerror(code);
}

static int append(struct ports *p, int fd, struct berth_error *err)
{
    int *more = realloc(p->fds, (p->n + 1) * sizeof(*more));

    if (!more) {
        close(fd);
        return fail(err, ENOMEM, "out of memory");
    }
    p->fds = more;
    p->fds[p->n++] = fd;
    return 0;
}

int ports_add(struct ports *p, int fd, struct berth_error *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return copy < 0 ? fail_errno(err, errno, "copying a descriptor") : append(p, copy, err);
}

static int reserve(struct ports *p, const json *mapping, struct berth_error *err)
{
    const char *protocol = str_or(json_str(mapping, "protocol"), "");
    const char *ip = str_or(json_str(mapping, "host_ip"), "");
    uint64_t first = json_u64(mapping, "host_port", 0), n = json_u64(mapping, "range", 1);
    bool udp = str_eq(protocol, "udp"), v6 = strchr(ip, ':') != NULL;

    if (!udp && !str_eq(protocol, "tcp"))
        return 0;
    for (uint64_t port = first; port < first + n && port <= 65535; port++) {
        int r, fd = bind_one(ip, (uint16_t)port, udp);

        if (fd < 0)
            return fail(err, -fd,
                        "cannot listen on the %s port: listen %s%c %s%s%s:%u: bind: %s",
                        udp ? "UDP" : "TCP", udp ? "udp" : "tcp", v6 ? '6' : '4', v6 ? "[" : "",
                        ip, v6 ? "]" : "", (unsigned)port, reason(-fd));
        r = append(p, fd, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int ports_reserve(const struct ctr *c, struct ports *out, struct berth_error *err)
{
    const json *mappings = json_get(c->config, "newPortMappings");
    int r = 0;

    if (!c->e->conf->enable_port_reservation || c->e->conf->rootless ||
        !json_flag(c->config, "createNetNS", false) ||
        str_eq(json_str(c->config, "networkMode"), "slirp4netns"))
        return 0;
    for (size_t i = 0; i < json_len(mappings) && r == 0; i++)
        r = reserve(out, json_item(mappings, i), err);
    if (r < 0)
        ports_free(out);
    return r;
}

int ports_each(const json *mappings, ports_fn *fn, void *arg, struct berth_error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_len(mappings); i++) {
        _cleanup_list_ struct berth_list protocols = LIST_INIT;
        const json *m = json_item(mappings, i);

        if (list_split(&protocols, str_or(json_str(m, "protocol"), "tcp"), ',', false) < 0)
            return fail(err, ENOMEM, "out of memory");
        for (size_t p = 0; r == 0 && p < protocols.n; p++)
            r = fn(arg, m, protocols.items[p], err);
    }
    return r;
}
