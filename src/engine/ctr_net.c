/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_net.c - the network namespace of a container; see ctr_life.h. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/ctr_life.h"
#include "engine/net_shared.h"
#include "engine/netns.h"
#include "engine/store.h"
#include "wrap/fault.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Does c have a network namespace of its own to be made by us?  With mode none the runtime
 * makes it; host and joined ones are not ours. */
static bool makes_netns(const struct ctr *c)
{
    return json_flag(c->config, "createNetNS", false) &&
           str_empty(json_str(c->config, "netNsCtr"));
}

/* A namespace that a process has already. */
static int bind_netns_of(int64_t pid, const char *path, struct berth_error *err)
{
    char proc[64];

    snprintf(proc, sizeof(proc), "/proc/%lld/ns/net", (long long)pid);
    return mount(proc, path, "none", MS_BIND, NULL) < 0
               ? fail_errno(err, errno, "binding a network namespace to %s", path)
               : 0;
}

/* --------------------------------------------------------------- the note */

/* A namespace is recorded when the container is created in the runtime, long after it was made
 * and joined to networks.  Until then a file in the run directory tells of it, so that the next
 * command can take down what one that was killed left. */
static char *note_path(const struct ctr *c)
{
    return path_join(ctr_run_dir(c), "netns");
}

static int write_note(const struct ctr *c, const char *netns, struct berth_error *err)
{
    _cleanup_free_ char *path = note_path(c);
    int r = path ? fs_mkdir_p(ctr_run_dir(c), 0700, err) : fail(err, ENOMEM, "out of memory");

    return r < 0 ? r : fs_replace(path, netns, strlen(netns), 0600, false, err);
}

static void drop_note(const struct ctr *c)
{
    _cleanup_free_ char *path = note_path(c);

    if (path)
        unlink(path);
}

char *ctr_net_noted(const struct ctr *c)
{
    _cleanup_free_ char *path = note_path(c);
    _cleanup_free_ char *dir = netns_dir(c->e->conf);
    _cleanup_free_ char *start = dir ? path_join(dir, "netns-") : NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *name;

    if (!path || !start || fs_read(path, 4096, &text, NULL) < 0)
        return NULL;
    name = str_starts(buf_str(&text), start);
    return name && *name && !strchr(name, '/') ? buf_steal(&text) : NULL;
}

/* pid: whose namespace it is to be; 0: a new one. */
static int make_netns(struct ctr *c, int64_t pid, struct berth_error *err)
{
    _cleanup_free_ char *path = NULL, *dir = netns_dir(c->e->conf);
    char uuid[37];
    int fd, r = dir ? netns_prepare(dir, err)
                    : fail(err, ENOENT,
                           "there is no directory for network namespaces: set XDG_RUNTIME_DIR");

    if (r < 0)
        return r;
    id_uuid(uuid);
    path = str_printf("%s/netns-%s", dir, uuid);
    r = path ? write_note(c, path, err) : fail(err, ENOMEM, "out of memory");
    if (r == 0)
        r = fault_point("netns", "noted", err);
    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0) {
        r = fail_errno(err, errno, "creating %s", path);
        drop_note(c);
        return r;
    }
    close(fd);
    r = fault_point("netns", "made", err);
    if (r == 0)
        r = pid ? bind_netns_of(pid, path, err) : netns_bind_new(path, err);
    if (r < 0) {
        unlink(path);
        drop_note(c);
    } else {
        c->netns = TAKE(path);
    }
    return r;
}

static int remove_netns(struct ctr *c, struct berth_error *err)
{
    int r = netns_remove(c->netns, err);

    if (r == 0)
        r = fault_point("netns", "removed", err);
    if (r == 0) {
        drop_note(c);
        free(c->netns);
        c->netns = NULL;
    }
    return r;
}

/* podman's NetworkOptions. */
int ctr_net_request(struct ctr *c, json *networks, struct berth_buf *out,
                    struct berth_error *err)
{
    _cleanup_json_ json *request = json_new();

    json_set_str(request, "container_id", c->id);
    json_set_str(request, "container_name", c->name);
    if (json_len(json_get(c->config, "newPortMappings")))
        json_set(request, "port_mappings", json_copy(json_get(c->config, "newPortMappings")));
    json_set(request, "networks", json_ref(networks));
    return json_write(request, 0, out) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
}

/* One call of the network plugin; networks of users are behind a namespace of their own. */
struct net_call {
    struct net *net;
    struct ctr *c;
    struct berth_buf request;
};

static int call_setup(void *arg, struct berth_buf *out, struct berth_error *err)
{
    struct net_call *call = arg;

    return net_setup(call->net, call->c->netns, buf_blob(&call->request), out, err);
}

static int call_teardown(void *arg, struct berth_buf *out _unused_, struct berth_error *err)
{
    struct net_call *call = arg;
    const char *netns = netns_is(call->c->netns) ? call->c->netns : NULL;

    return net_teardown(call->net, netns, buf_blob(&call->request), err);
}

/* leaving: of `networks`, or joining them. */
static int call_net(struct ctr *c, json *networks, bool leaving, struct berth_buf *answer,
                    struct berth_error *err)
{
    struct net_call call = {.c = c, .request = BUF_INIT};
    net_shared_fn *fn = leaving ? call_teardown : call_setup;
    int r = ctr_net_request(c, networks, &call.request, err);

    if (r == 0)
        r = engine_net(c->e, &call.net, err);
    if (r == 0)
        r = c->e->conf->rootless
                ? net_shared_call(c, leaving ? networks : NULL, fn, &call, answer, err)
                : fn(&call, answer, err);
    buf_free(&call.request);
    return r;
}

int ctr_net_join(struct ctr *c, json *networks, json **out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf answer = BUF_INIT;
    int r = call_net(c, networks, false, &answer, err);

    return r < 0
               ? r
               : json_parse_object(buf_blob(&answer), "answer of the network plugin", out, err);
}

int ctr_net_leave(struct ctr *c, json *networks, struct berth_error *err)
{
    return call_net(c, networks, true, NULL, err);
}

/* Interface and addresses of a status, as the options of a network. */
static void note_status(json *options, const json *status)
{
    json *interfaces = json_get(status, "interfaces"), *ips = json_new_array();

    if (json_object_is_type(interfaces, json_type_object)) {
        json_object_object_foreach (interfaces, name, interface) {
            const json *subnets = json_get(interface, "subnets");

            for (size_t i = 0; i < json_len(subnets); i++) {
                const char *ip = str_or(json_str(json_item(subnets, i), "ipnet"), "");
                _cleanup_free_ char *address = strndup(ip, strcspn(ip, "/"));

                json_add_str(ips, str_or(address, ""));
            }
            if (!json_str(options, "interface_name"))
                json_set_str(options, "interface_name", name);
        }
    }
    if (json_len(ips))
        json_set(options, "static_ips", json_ref(ips));
    json_object_put(ips);
}

int ctr_net_joined(struct ctr *c, json **out, struct berth_error *err)
{
    json *status = json_get(c->state, "networkStatus");
    int r = store_networks(c, out, err);

    if (r < 0 || !json_object_is_type(status, json_type_object))
        return r;
    json_object_object_foreach (status, name, value) {
        json *options = json_copy(json_get(*out, name));

        if (!options)
            options = json_new();
        json_set(*out, name, options);
        note_status(options, value);
    }
    return 0;
}

/* The addresses of a former run, wherever it was on the same networks. */
static void take_addresses(json *networks, const json *status)
{
    json_object_object_foreach (networks, name, options) {
        const json *one = json_get(status, name), *interfaces = json_get(one, "interfaces");
        json *wanted;

        if (!json_object_is_type(interfaces, json_type_object))
            continue;
        wanted = options ? json_copy(options) : json_new();
        json_del(wanted, "interface_name");
        json_del(wanted, "static_ips");
        json_del(wanted, "static_mac");
        note_status(wanted, one);
        json_object_object_foreach (interfaces, interface, value) {
            (void)interface;
            json_opt_str(wanted, "static_mac", json_str(value, "mac_address"));
            break;
        }
        json_set(networks, name, wanted);
    }
}

static int join_networks(struct ctr *c, struct berth_error *err)
{
    _cleanup_json_ json *networks = NULL;
    json *status = NULL;
    int r = store_networks(c, &networks, err);

    if (r < 0 || json_object_object_length(networks) == 0)
        return r;
    if (c->addresses)
        take_addresses(networks, c->addresses);
    r = ctr_net_join(c, networks, &status, err);
    if (r == 0)
        json_set(c->state, "networkStatus", status);
    return r;
}

/* Leave all networks that it may be on; what cannot be left is logged. */
static void leave_networks(struct ctr *c)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_json_ json *networks = NULL;
    int r = ctr_net_joined(c, &networks, &why);

    if (r == 0 && json_object_object_length(networks))
        r = ctr_net_leave(c, networks, &why);
    if (r < 0)
        log_error("container %s: tearing down its network: %s", c->id, error_text(&why));
}

/* From all networks, and without a namespace. */
static int leave(struct ctr *c, struct berth_error *err)
{
    _cleanup_free_ char *path = strdup(c->netns);
    int r;

    if (json_get(c->state, "networkStatus"))
        leave_networks(c);
    json_del(c->state, "networkStatus");
    r = remove_netns(c, err);
    if (r == 0 && path)
        ctr_net_end_pasta(c, path);
    return r;
}

static int setup(struct ctr *c, int64_t pid, struct berth_error *err)
{
    bool is_new;
    int r = 0;

    if (!makes_netns(c))
        return 0;
    if (c->netns && !netns_is(c->netns)) {
        log_warning("container %s: its network namespace is gone, it gets a new one", c->id);
        ctr_net_teardown(c, NULL);
    }
    is_new = !c->netns;
    if (is_new)
        r = make_netns(c, pid, err);
    if (r == 0 && is_new)
        r = join_networks(c, err);
    if (r == 0)
        r = ctr_net_start_programs(c, pid, is_new, err);
    if (r < 0 && is_new && c->netns)
        leave(c, NULL);
    return r;
}

int ctr_net_setup(struct ctr *c, struct berth_error *err)
{
    return json_flag(c->config, "postConfigureNetNS", false) ? 0 : setup(c, 0, err);
}

int ctr_net_setup_late(struct ctr *c, struct berth_error *err)
{
    int64_t pid = json_i64(c->state, "pid", 0);

    return json_flag(c->config, "postConfigureNetNS", false) && pid > 0 ? setup(c, pid, err)
                                                                        : 0;
}

int ctr_net_teardown(struct ctr *c, struct berth_error *err)
{
    if (!makes_netns(c))
        return 0;
    ctr_net_end_programs(c);
    return c->netns ? leave(c, err) : 0;
}

void ctr_net_recover(struct ctr *c)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_free_ char *left = NULL;
    char *recorded = c->netns;

    if (!makes_netns(c) || !(left = ctr_net_noted(c)) || str_eq(left, recorded))
        return;
    log_warning("container %s: taking down the network that a killed process left", c->id);
    c->netns = left;
    ctr_net_end_programs(c);
    ctr_net_end_pasta(c, left);
    netns_await(left);
    if (!recorded && netns_is(left))
        leave_networks(c);
    if (remove_netns(c, &why) < 0)
        log_error("container %s: %s", c->id, error_text(&why));
    else
        left = NULL; /* freed with it */
    c->netns = recorded;
    if (recorded)
        write_note(c, recorded, NULL);
}
