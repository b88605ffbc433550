/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_connect.c - networks of a container that exists: connect, disconnect, reload; see
 * ctr.h. */
#include "base/log.h"
#include "base/str.h"
#include "engine/ctr_life.h"
#include "engine/events.h"
#include "engine/net_files.h"
#include "engine/network.h"
#include "engine/spec_priv.h"
#include "engine/store.h"

static int must_be_bridge(const struct ctr *c, struct berth_error *err)
{
    const char *mode = str_or(json_str(c->config, "networkMode"), "");

    return str_eq(mode, "bridge")
               ? 0
               : fail(err, EINVAL, "\"%s\" is not supported: invalid network mode", mode);
}

/* Is there a namespace with somebody in it? */
static bool is_set_up(const struct ctr *c)
{
    return ctr_alive(c) || ctr_status(c) == CTR_CREATED;
}

static void note_event(const struct ctr *c, const char *status, const char *network)
{
    event_write(c->e, &(struct event){.type = "network",
                                      .status = status,
                                      .id = c->id,
                                      .name = c->name,
                                      .network = network});
}

/* One network of several, as an object of its own. */
static json *only(const char *name, json *options)
{
    json *one = json_new();

    json_set(one, name, json_ref(options));
    return one;
}

/* The status of the container without that of one network. */
static void forget_status(struct ctr *c, const char *name)
{
    json *status = json_get(c->state, "networkStatus");

    if (!status)
        return;
    json_del(status, name);
    if (json_object_object_length(status) == 0)
        json_del(c->state, "networkStatus");
}

/* The files are for programs that look names up: without them it is connected all the same. */
static void warn_of_files(const struct ctr *c, int r, struct berth_error *why)
{
    if (r < 0)
        log_warning("container %s: its files for looking up names are not up to date: %s",
                    c->id, error_text(why));
    error_clear(why);
}

/* ------------------------------------------------------------------ connect */

static bool interface_used(json *networks, const char *interface)
{
    json_object_object_foreach (networks, name, options) {
        (void)name;
        if (str_eq(json_str(options, "interface_name"), interface))
            return true;
    }
    return false;
}

/* Members in podman's order. */
static int make_options(struct ctr *c, json *networks, const struct ctr_connection *how,
                        json **out, struct berth_error *err)
{
    _cleanup_json_ json *options = json_new();
    const char *const ips[] = {how->ip, how->ip6};
    _cleanup_free_ char *alias = str_printf("%.*s", ID_SHORT_LEN, c->id);
    char interface[16], mac[18];
    unsigned i = 0;
    json *aliases;

    for (size_t k = 0; k < ARRAY_LEN(ips); k++)
        if (!str_empty(ips[k]))
            json_add_str(json_need_array(options, "static_ips"), ips[k]);
    aliases = json_need_array(options, "aliases");
    for (size_t k = 0; how->aliases && k < how->aliases->n; k++)
        json_add_str(aliases, how->aliases->items[k]);
    json_add_str(aliases, str_or(alias, ""));
    if (!str_empty(how->mac)) {
        if (!spec_is_mac(how->mac))
            return fail(err, EINVAL, "address %s: invalid MAC address", how->mac);
        json_set_str(options, "static_mac", spec_mac_lower(how->mac, mac));
    }
    do
        snprintf(interface, sizeof(interface), "eth%u", i++);
    while (interface_used(networks, interface));
    json_set_str(options, "interface_name", interface);
    *out = TAKE(options);
    return 0;
}

/* It is recorded as connected: make it true.  The record follows. */
static int join_now(struct ctr *c, const char *name, json *options, struct berth_error *err)
{
    _cleanup_json_ json *one = only(name, options), *answer = NULL, *before = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    json *status;
    int r = ctr_net_join(c, one, &answer, err);

    if (r < 0)
        return r;
    status = json_get(answer, name);
    before = json_copy(json_get(c->state, "networkStatus"));
    json_set(json_need(c->state, "networkStatus"), name, json_ref(status));
    r = store_save(c, EXIT_NONE, err);
    if (r < 0) {
        forget_status(c, name);
        if (ctr_net_leave(c, one, &why) < 0)
            log_error("container %s stays on network %s: %s", c->id, name, error_text(&why));
        return r;
    }
    ctr_net_moved(c);
    warn_of_files(c, net_files_joined(c, status, before, &why), &why);
    return 0;
}

static int connect_locked(struct ctr *c, const char *typed, const char *name,
                          const struct ctr_connection *how, struct berth_error *err)
{
    _cleanup_json_ json *networks = NULL, *options = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = store_networks(c, &networks, err);

    if (r == 0)
        r = make_options(c, networks, how, &options, err);
    if (r < 0)
        return r;
    if (json_get(networks, name) && ctr_status(c) == CTR_CONFIGURED)
        return 0;
    if (is_set_up(c) && !c->netns)
        return fail(err, ENOENT,
                    "unable to connect %s to %s: container has no network namespace", typed,
                    name);
    r = store_network_connect(c, name, options, err);
    if (r == 0 && is_set_up(c)) {
        r = join_now(c, name, options, err);
        if (r < 0 && store_network_disconnect(c, name, &why) < 0)
            log_error("container %s is recorded as connected to network %s: %s", c->id, name,
                      error_text(&why));
    }
    if (r == 0)
        note_event(c, "connect", name);
    return r;
}

int ctr_network_connect(struct ctr *c, const char *typed, const char *network,
                        const struct ctr_connection *how, struct berth_error *err)
{
    _cleanup_json_ json *net = NULL;
    int r = must_be_bridge(c, err);

    if (r == 0)
        r = network_get(c->e, network, &net, err);
    if (r == 0)
        r = ctr_lock(c, err);
    if (r < 0)
        return r;
    r = connect_locked(c, typed, str_or(json_str(net, "name"), network), how, err);
    ctr_unlock(c);
    return r;
}

/* --------------------------------------------------------------- disconnect */

/* The record says already that it is not connected. */
static int leave_now(struct ctr *c, const char *name, json *options, bool force,
                     struct berth_error *err)
{
    _cleanup_json_ json *one = only(name, options), *status = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = ctr_net_leave(c, one, err);

    if (r < 0 && force) {
        log_warning("container %s: leaving network %s: %s", c->id, name, error_text(err));
        error_clear(err);
        r = 0;
    }
    if (r < 0)
        return r;
    status = json_ref(json_get(json_get(c->state, "networkStatus"), name));
    forget_status(c, name);
    r = store_save(c, EXIT_NONE, err);
    if (r == 0)
        ctr_net_moved(c);
    if (r == 0 && status)
        warn_of_files(c, net_files_left(c, status, &why), &why);
    return r;
}

static int disconnect_locked(struct ctr *c, const char *typed, const char *name, bool force,
                             struct berth_error *err)
{
    _cleanup_json_ json *wanted = NULL, *joined = NULL;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r = store_networks(c, &wanted, err);

    if (r == 0)
        r = ctr_net_joined(c, &joined, err);
    if (r < 0)
        return r;
    if (!json_get(wanted, name))
        return fail(err, ENOENT, "container %s is not connected to network %s", typed, name);
    r = store_network_disconnect(c, name, err);
    if (r == 0 && is_set_up(c) && c->netns) {
        r = leave_now(c, name, json_get(joined, name), force, err);
        /* Still on it: the record says so, and it can be tried again. */
        if (r < 0 && store_network_connect(c, name, json_get(wanted, name), &why) < 0)
            log_error("container %s is not recorded as connected to network %s any more: %s",
                      c->id, name, error_text(&why));
    }
    if (r == 0)
        note_event(c, "disconnect", name);
    return r;
}

int ctr_network_disconnect(struct ctr *c, const char *typed, const char *network, bool force,
                           struct berth_error *err)
{
    _cleanup_json_ json *net = NULL;
    int r = must_be_bridge(c, err);

    if (r == 0)
        r = network_get(c->e, network, &net, err);
    if (r == -ENOENT && force) { /* its definition may be gone */
        error_clear(err);
        r = 0;
    }
    if (r == 0)
        r = ctr_lock(c, err);
    if (r < 0)
        return r;
    r = disconnect_locked(c, typed, str_or(json_str(net, "name"), network), force, err);
    ctr_unlock(c);
    return r;
}

/* ------------------------------------------------------------------- reload */

/* What it wants, with the addresses and the MAC that it has. */
static int same_again(struct ctr *c, json *joined, json **out, struct berth_error *err)
{
    json *all = json_get(c->state, "networkStatus");
    int r = store_networks(c, out, err);

    if (r < 0)
        return r;
    json_object_object_foreach (*out, name, options) {
        json *interfaces = json_get(json_get(all, name), "interfaces");

        if (json_get(json_get(joined, name), "static_ips"))
            json_set(options, "static_ips",
                     json_ref(json_get(json_get(joined, name), "static_ips")));
        if (!json_object_is_type(interfaces, json_type_object))
            continue;
        json_object_object_foreach (interfaces, interface, value) {
            json_set_str(options, "interface_name", interface);
            json_opt_str(options, "static_mac", json_str(value, "mac_address"));
            break; /* podman takes the first one of several */
        }
    }
    return 0;
}

static int reload_locked(struct ctr *c, struct berth_error *err)
{
    _cleanup_json_ json *joined = NULL, *again = NULL;
    json *status = NULL;
    int r, saved;

    if (ctr_status(c) != CTR_RUNNING && ctr_status(c) != CTR_CREATED)
        return fail(err, EINVAL,
                    "cannot reload network unless container network has been configured: "
                    "container state improper");
    if (!c->netns)
        return fail(err, EINVAL,
                    "container %s network is not configured, refusing to reload: container "
                    "state improper",
                    c->id);
    r = must_be_bridge(c, err);
    if (r == 0)
        r = ctr_net_joined(c, &joined, err);
    if (r == 0)
        r = same_again(c, joined, &again, err);
    if (r < 0 || json_object_object_length(again) == 0)
        return r;
    /* What is not there any more is what it is for. */
    r = ctr_net_leave(c, joined, err);
    if (r < 0) {
        log_error("container %s: leaving its networks: %s", c->id, error_text(err));
        error_clear(err);
    }
    r = ctr_net_join(c, again, &status, err);
    if (r == 0)
        json_set(c->state, "networkStatus", status);
    else
        json_del(c->state, "networkStatus"); /* another reload finds new addresses for it */
    saved = store_save(c, EXIT_NONE, r < 0 ? NULL : err);
    return r < 0 ? r : saved;
}

int ctr_network_reload(struct ctr *c, struct berth_error *err)
{
    int r = ctr_lock(c, err);

    if (r < 0)
        return r;
    r = reload_locked(c, err);
    ctr_unlock(c);
    return r;
}
