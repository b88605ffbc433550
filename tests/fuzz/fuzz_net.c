/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_net.c - bytes as what network plugins read: definitions, caches, files of the DNS
 * server, answers of programs.  The first byte says which; built once for each plugin. */
#include "tests/lib/testhost.h"
#include <berth/net.h>

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef FUZZ_CNI
#include "plugins/net/cni/cni.h"
#define PLUGIN     net_cni_LTX_berth_plugin
#define DEFINITION "conf/x.conflist"
#define NETWORK                                                                                \
    "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"plugins\":[{\"type\":\"program\",\"ipam\":{"   \
    "\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}]]}}]}"
#define NETWORK_FILE "conf/n.conflist"
#define OTHER_FILE   "run/n-" ID "-eth0"
#else
#define PLUGIN     net_netavark_LTX_berth_plugin
#define DEFINITION "conf/x.json"
#define NETWORK                                                                                \
    "{\"name\":\"n\",\"id\":"                                                                  \
    "\"1111111111111111111111111111111111111111111111111111111111111111\",\"driver\":"         \
    "\"bridge\",\"network_interface\":\"podman1\",\"subnets\":[{\"subnet\":\"10.1.0.0/24\"}"   \
    "],\"ipv6_enabled\":false,\"internal\":false,\"dns_enabled\":false}"
#define NETWORK_FILE "conf/n.json"
#define OTHER_FILE   "run/aardvark-dns/n"
#endif
#define ID "2222222222222222222222222222222222222222222222222222222222222222"
#define REQUEST                                                                                \
    "{\"container_id\":\"" ID "\",\"container_name\":\"c\",\"networks\":{\"n\":{"              \
    "\"static_ips\":[\"10.1.0.9\"],\"interface_name\":\"eth0\"}}}"

extern const struct berth_plugin PLUGIN;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];
static struct testhost *th;
static struct berth_config *cfg;
static struct berth_net_ops ops;
static struct berth_net *net;
static struct berth_error *err;
static struct berth_buf *out;
static struct berth_blob answer;
static int status;
static bool isolated; /* in a network namespace of its own */

static const char *path(const char *name)
{
    static char text[256];

    snprintf(text, sizeof(text), "%s/%s", dir, name);
    return text;
}

static void put(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(path(name), "we");

    if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0)
        abort();
}

/* In place of every program. */
static int answer_run(void *arg, const struct berth_host *h, const struct berth_run *what,
                      struct berth_error *e)
{
    (void)arg;
    (void)e;
    if (what->output && h->put(h->core, what->output, answer.data, answer.len) < 0)
        abort();
    return status;
}

static void clean(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        abort();
}

static void begin(void)
{
    struct berth_place place = {.size = sizeof(place)};
    const char *const dirs[] = {"conf", "run", "run/aardvark-dns"};

    /* What is removed as left over must not be the host's. */
    isolated = unshare(CLONE_NEWNET) == 0;
    strcpy(dir, "/tmp/fuzz-net.XXXXXX");
    if (!mkdtemp(dir))
        abort();
    atexit(clean);
    for (size_t i = 0; i < 3; i++)
        if (mkdir(path(dirs[i]), 0700) < 0)
            abort();
    put("program", "", 0);
    put(NETWORK_FILE, NETWORK, strlen(NETWORK));
    cfg = testhost_config_new(&PLUGIN);
    th = testhost_new();
    err = testhost_error_new();
    out = testhost_buf_new();
    testhost_on_run(th, answer_run, NULL);
    testhost_ops(&PLUGIN, &ops, sizeof(ops));
    testhost_config_set(cfg, "network_config_dir", path("conf"));
#ifdef FUZZ_CNI
    testhost_config_set(cfg, "cache_dir", path("run"));
    testhost_config_set(cfg, "cni_plugin_dirs", dir);
#else
    testhost_config_set(cfg, "run_dir", path("run"));
    testhost_config_set(cfg, "path", path("program"));
    testhost_config_set(cfg, "helper_binaries_dir", dir);
#endif
    if (ops.open(testhost_host(th), &place, cfg, &net, err) < 0)
        abort();
}

static int visit(void *arg, const char *name, const char *id, struct berth_blob network)
{
    (void)arg;
    if (!name || !id || !network.len)
        abort();
    return 0;
}

#ifndef FUZZ_CNI
/* Without a namespace of its own it finds and leaves. */
static int remove_it(void *arg, const char *container, const char *what)
{
    (void)arg;
    (void)container;
    if (!*what || strchr(what, '\n'))
        abort();
    return isolated;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct berth_blob request = {REQUEST, sizeof(REQUEST) - 1};

    if (size < 1)
        return 0;
    if (!net)
        begin();
    answer = (struct berth_blob){data + 1, 0};
    status = 0;
    testhost_error_clear(err);
    testhost_buf_clear(out);
    switch (data[0] & 3) {
    case 0:
        put(DEFINITION, data + 1, size - 1);
        if (ops.list(net, visit, NULL, err) < 0)
            abort(); /* a file that is damaged is passed over */
        unlink(path(DEFINITION));
        break;
    case 1:
        put(OTHER_FILE, data + 1, size - 1);
#ifdef FUZZ_CNI
        ops.teardown(net, "/proc/self/ns/net", request, err);
#else
        ops.check(net, (struct berth_blob){"[]", 2}, remove_it, NULL, err);
#endif
        unlink(path(OTHER_FILE));
        break;
    case 2:
        answer.len = size - 1;
#ifdef FUZZ_CNI
        {
            json *result = js_parse(answer);

            json_object_put(cni_status(net, result, err));
            json_object_put(result);
        }
#else
        ops.setup(net, "/proc/self/ns/net", request, out, err);
#endif
        break;
    case 3:
        answer.len = size - 1;
        status = 1;
        ops.teardown(net, "/proc/self/ns/net", request, err);
        break;
    }
    return 0;
}
