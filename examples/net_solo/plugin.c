/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - a network backend with one network, called solo: a container on it has its
 * loopback device and nothing else.
 *
 * The program ip(8) is run by the host, in the network namespace of the container.
 */
#include <berth/net.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME "solo"
#define ID   "6f0d3f3b5cd8f52ee5a2a5e5b3a6a0a6d2c2b1f1a9e8d7c6b5a4f3e2d1c0b9a8"

static const char network[] =
    "{\"name\":\"" NAME "\",\"id\":\"" ID "\",\"driver\":\"loopback\","
    "\"created\":\"2000-01-01T00:00:00Z\",\"ipv6_enabled\":false,\"internal\":true,"
    "\"dns_enabled\":false,\"ipam_options\":{\"driver\":\"none\"}}";

struct berth_net {
    const struct berth_host *h;
    const char *ip; /* the program */
};

static int give(struct berth_net *n, struct berth_buf *out, const char *text,
                struct berth_error *err)
{
    return n->h->put(n->h->core, out, text, strlen(text)) < 0
               ? berth_fail(n->h, err, ENOMEM, "out of memory")
               : 0;
}

static int solo_probe(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_error *err)
{
    const char *ip = h->option_string(cfg, "ip");

    (void)place;
    return access(ip, X_OK) < 0 ? berth_fail(h, err, errno, "cannot run %s: %m", ip) : 0;
}

static int solo_open(const struct berth_host *h, const struct berth_place *place,
                     const struct berth_config *cfg, struct berth_net **out,
                     struct berth_error *err)
{
    struct berth_net *n = calloc(1, sizeof(*n));

    (void)place;
    if (!n)
        return berth_fail(h, err, ENOMEM, "out of memory");
    n->h = h;
    n->ip = h->option_string(cfg, "ip"); /* lives as long as the instance */
    *out = n;
    return 0;
}

static void solo_close(struct berth_net *n)
{
    free(n);
}

static int solo_info(struct berth_net *n, struct berth_buf *out, struct berth_error *err)
{
    return give(n, out, "{\"backend\":\"solo\"}", err);
}

static int solo_drivers(struct berth_net *n, struct berth_list *out, struct berth_error *err)
{
    return n->h->add(n->h->core, out, "loopback") < 0
               ? berth_fail(n->h, err, ENOMEM, "out of memory")
               : 0;
}

static const char *solo_default_name(struct berth_net *n)
{
    (void)n;
    return NAME;
}

/* Does a name, an ID or the beginning of an ID mean our network? */
static int check_name(struct berth_net *n, const char *name, struct berth_error *err)
{
    if (strcmp(name, NAME) == 0 || (*name && strncmp(ID, name, strlen(name)) == 0))
        return 0;
    return berth_fail(n->h, err, ENOENT, "there is no network %s", name);
}

static int solo_create(struct berth_net *n, struct berth_blob given, uint32_t flags,
                       struct berth_buf *out, struct berth_error *err)
{
    (void)given;
    (void)flags;
    (void)out;
    return berth_fail(n->h, err, ENOTSUP, "the network backend solo has one network only");
}

static int solo_remove(struct berth_net *n, const char *name_or_id, struct berth_error *err)
{
    int r = check_name(n, name_or_id, err);

    return r < 0 ? r : berth_fail(n->h, err, EBUSY, "the default network cannot be removed");
}

static int solo_inspect(struct berth_net *n, const char *name_or_id, struct berth_buf *out,
                        struct berth_error *err)
{
    int r = check_name(n, name_or_id, err);

    return r < 0 ? r : give(n, out, network, err);
}

static int solo_list(struct berth_net *n, berth_net_fn *fn, void *arg, struct berth_error *err)
{
    (void)n;
    (void)err;
    return fn(arg, NAME, ID, (struct berth_blob){network, strlen(network)});
}

/* ip link set lo up, in the namespace. */
static int solo_setup(struct berth_net *n, const char *netns, struct berth_blob options,
                      struct berth_buf *out, struct berth_error *err)
{
    const char *const argv[] = {n->ip, "link", "set", "lo", "up", NULL};
    struct timespec ts;
    struct berth_run what = {.size = sizeof(what), .flags = BERTH_RUN_STDERR_IS_ERROR};
    int fd = open(netns, O_RDONLY | O_CLOEXEC), r;

    (void)options;
    if (fd < 0)
        return berth_fail(n->h, err, errno, "cannot open %s: %m", netns);
    clock_gettime(CLOCK_MONOTONIC, &ts);
    what.argv = argv;
    what.netns_fd = fd;
    what.deadline = ((berth_deadline)ts.tv_sec + 30) * 1000000000u;
    r = n->h->run(n->h->core, &what, NULL);
    close(fd);
    if (r != 0)
        return berth_fail(n->h, err, r < 0 ? -r : EREMOTEIO, "%s cannot set the device lo up",
                          n->ip);
    return give(n, out, "{\"" NAME "\":{\"interfaces\":{}}}", err);
}

/* The device goes with its namespace. */
static int solo_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                         struct berth_error *err)
{
    (void)n;
    (void)netns;
    (void)options;
    (void)err;
    return 0;
}

static const struct berth_net_ops ops = {
    .size = sizeof(ops),
    .probe = solo_probe,
    .open = solo_open,
    .close = solo_close,
    .info = solo_info,
    .drivers = solo_drivers,
    .default_name = solo_default_name,
    .create = solo_create,
    .remove = solo_remove,
    .inspect = solo_inspect,
    .list = solo_list,
    .setup = solo_setup,
    .teardown = solo_teardown,
};

static const struct berth_option options[] = {
    {"ip", BERTH_OPTION_PATH, 0, "/sbin/ip", "the program ip(8)"},
};

BERTH_NET_PLUGIN(net_solo, &ops, .name = "solo", .version = "0.1",
                 .summary = "one network with nobody else on it", .license = "Apache-2.0",
                 .contact = "https://example.org/bugs", .threads = BERTH_THREADS_PARALLEL,
                 .n_options = sizeof(options) / sizeof(*options), .options = options);
