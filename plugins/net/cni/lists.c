/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - conflists in their directory, and the networks that they mean; see cni.h. */
#include "cni.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char *list_path(struct berth_net *n, const char *name)
{
    return na_format("%s/%s.conflist", n->conf_dir, name);
}

const char *list_problem(const json *list)
{
    if (!list || !json_object_is_type(list, json_type_object))
        return "error parsing configuration list: not a JSON object";
    if (!*js_str(list, "name"))
        return "error parsing configuration list: no name";
    if (!js_get(list, "plugins"))
        return "error parsing configuration list: no 'plugins' key";
    if (js_len(list, "plugins") == 0)
        return "error parsing configuration list: no plugins in list";
    for (size_t i = 0; i < js_len(list, "plugins"); i++) {
        const char *type = js_str(js_at(list, "plugins", i), "type");

        if (!*type || strchr(type, '/'))
            return "error parsing configuration list: a plugin has no type";
    }
    return NULL;
}

/* ------------------------------------------------------------ list -> network */

static int copy_strings(json *net, const char *key, const json *from)
{
    json *to = json_object_new_object();
    int r = to ? 0 : -ENOMEM;

    if (from && json_object_is_type(from, json_type_object)) {
        json_object_object_foreach (from, name, value) {
            if (r == 0 && value && json_object_is_type(value, json_type_string))
                r = js_set_str(to, name, json_object_get_string(value));
        }
    }
    if (r == 0 && json_object_object_length(to))
        r = js_set(net, key, json_object_get(to));
    json_object_put(to);
    return r;
}

static int set_option(json *net, const char *key, const char *value)
{
    json *options = js_get(net, "options");

    if (!options) {
        options = json_object_new_object();
        if (js_set(net, "options", options) < 0)
            return -ENOMEM;
    }
    return js_set_str(options, key, value);
}

static int number_option(json *net, const json *plugin, const char *key)
{
    json *value = js_get(plugin, key);
    char text[32];

    if (!value || !json_object_is_type(value, json_type_int) || json_object_get_int(value) == 0)
        return 0;
    snprintf(text, sizeof(text), "%d", json_object_get_int(value));
    return set_option(net, key, text);
}

static int add_range(json *subnets, const json *range)
{
    json *s = json_object_new_object(), *lease = json_object_new_object();
    int r = s && lease ? 0 : -ENOMEM;

    if (r == 0)
        r = js_set_str(s, "subnet", js_str(range, "subnet"));
    if (r == 0 && *js_str(range, "gateway"))
        r = js_set_str(s, "gateway", js_str(range, "gateway"));
    if (r == 0 && *js_str(range, "rangeStart"))
        r = js_set_str(lease, "start_ip", js_str(range, "rangeStart"));
    if (r == 0 && *js_str(range, "rangeEnd"))
        r = js_set_str(lease, "end_ip", js_str(range, "rangeEnd"));
    if (r == 0 && json_object_object_length(lease))
        r = js_set(s, "lease_range", json_object_get(lease));
    if (r == 0)
        r = js_append(subnets, json_object_get(s));
    json_object_put(s);
    json_object_put(lease);
    return r;
}

static int read_ipam(json *net, const json *ipam)
{
    const char *type = js_str(ipam, "type");
    json *options = json_object_new_object(), *subnets = json_object_new_array();
    int r = options && subnets ? js_set_str(options, "driver", *type ? type : "none") : -ENOMEM;

    for (size_t i = 0; i < js_len(ipam, "ranges"); i++) {
        json *set = js_at(ipam, "ranges", i);
        size_t len = set && json_object_is_type(set, json_type_array)
                         ? json_object_array_length(set)
                         : 0;

        for (size_t k = 0; r == 0 && k < len; k++)
            r = add_range(subnets, json_object_array_get_idx(set, k));
    }
    if (r == 0)
        r = js_set(net, "ipam_options", json_object_get(options));
    if (r == 0 && json_object_array_length(subnets))
        r = js_set(net, "subnets", json_object_get(subnets));
    json_object_put(options);
    json_object_put(subnets);
    return r;
}

static int read_plugin(json *net, const json *first)
{
    const char *driver = js_str(first, "type");
    bool bridge = strcmp(driver, "bridge") == 0;
    int r;

    if (!bridge && strcmp(driver, "macvlan") != 0 && strcmp(driver, "ipvlan") != 0)
        return 0;
    r = js_set_str(net, "network_interface", js_str(first, bridge ? "bridge" : "master"));
    if (r == 0 && bridge)
        r = js_set_bool(net, "internal", !js_bool(first, "isGateway", false));
    if (r == 0)
        r = number_option(net, first, "mtu");
    if (r == 0 && bridge)
        r = number_option(net, first, "vlan");
    if (r == 0 && !bridge && *js_str(first, "mode"))
        r = set_option(net, "mode", js_str(first, "mode"));
    return r < 0 ? r : read_ipam(net, js_get(first, "ipam"));
}

/* NULL: no memory. */
static json *to_network(const json *list, berth_date created)
{
    const json *args = js_get(list, "args");
    json *net = json_object_new_object();
    char id[65], when[48];
    int r = net ? js_set_str(net, "name", js_str(list, "name")) : -ENOMEM;

    list_id(js_str(list, "name"), id);
    defs_time(created, when);
    if (r == 0)
        r = js_set_str(net, "id", id);
    if (r == 0)
        r = js_set_str(net, "driver", js_str(js_at(list, "plugins", 0), "type"));
    if (r == 0)
        r = js_set_str(net, "created", when);
    if (r == 0)
        r = copy_strings(net, "labels", js_get(args, "podman_labels"));
    if (r == 0)
        r = copy_strings(net, "options", js_get(args, "podman_options"));
    if (r == 0)
        r = read_plugin(net, js_at(list, "plugins", 0));
    for (size_t i = 0; r == 0 && i < js_len(list, "plugins"); i++) {
        const json *plugin = js_at(list, "plugins", i);

        if (strcmp(js_str(plugin, "type"), "dnsname") == 0)
            r = js_set_bool(net, "dns_enabled", true);
        else if (strcmp(js_str(plugin, "type"), "firewall") == 0 &&
                 strcmp(js_str(plugin, "ingressPolicy"), "same-bridge") == 0)
            r = set_option(net, "isolate", "true");
    }
    if (r < 0) {
        json_object_put(net);
        return NULL;
    }
    return net;
}

/* ------------------------------------------------------------------- loading */

/* Its CNI plugins that are not there, in podman's words; NULL: none. */
static char *missing_plugins(struct berth_net *n, const json *list)
{
    char *text = NULL;

    for (size_t i = 0; i < js_len(list, "plugins"); i++) {
        const char *type = js_str(js_at(list, "plugins", i), "type");
        char *path = cni_find(n, type), *more;

        if (!path) {
            more = na_format("%s%sfailed to find plugin \"%s\" in path [%s]", text ? text : "",
                             text ? " " : "", type, n->helper_dirs);
            free(text);
            text = more;
        }
        free(path);
    }
    return text;
}

/* One list that was parsed; what is wrong with it is logged, and it is passed over. */
static int take_list(struct berth_net *n, const char *path, const json *list,
                     berth_date created, struct berth_error *err)
{
    const char *problem = list_problem(list), *name = js_str(list, "name");
    char *missing = problem ? NULL : missing_plugins(n, list);
    json *net = NULL, *ordered;
    int r = 0;

    if (problem)
        berth_log(n->h, BERTH_LOG_WARNING, "Error loading CNI config file %s: %s", path,
                  problem);
    else if (!defs_name_ok(name))
        berth_log(n->h, BERTH_LOG_WARNING,
                  "CNI config list %s has invalid name, skipping: names must match "
                  "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
                  path);
    else if (missing)
        berth_log(n->h, BERTH_LOG_WARNING, "Error validating CNI config file %s: [%s]", path,
                  missing);
    else if (js_get(n->nets, name))
        berth_log(n->h, BERTH_LOG_WARNING,
                  "CNI config list %s has the same network name as another one, skipping",
                  path);
    else if (!(net = to_network(list, created)))
        r = NO_MEMORY(n, err);
    else if (defs_check_subnets(n, net, NULL, NULL, NULL) < 0)
        berth_log(n->h, BERTH_LOG_WARNING,
                  "CNI config list %s could not be converted to a network, skipping: a subnet "
                  "is invalid",
                  path);
    else if (!(ordered = defs_ordered(net)) || js_set(n->nets, name, ordered) < 0 ||
             js_set_str(n->files, name, path) < 0)
        r = NO_MEMORY(n, err);
    free(missing);
    json_object_put(net);
    return r;
}

static int load_file(struct berth_net *n, const char *file, struct berth_error *err)
{
    char *path = na_format("%s/%s", n->conf_dir, file), *text = NULL;
    struct stat st = {0};
    json *list;
    size_t len;
    int r = path ? file_read(path, &text, &len) : -ENOMEM;

    if (r == -ENOMEM)
        r = NO_MEMORY(n, err);
    else if (r < 0) {
        if (r != -ENOENT)
            berth_log(n->h, BERTH_LOG_WARNING, "Error loading CNI config file %s: %s", path,
                      strerror(-r));
        r = 0;
    } else {
        list = js_parse((struct berth_blob){text, len});
        stat(path, &st);
        r = take_list(n, path, list,
                      (berth_date)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec, err);
        json_object_put(list);
        free(text);
    }
    free(path);
    return r;
}

static int is_list(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_type != DT_DIR && len > 9 &&
           strcmp(entry->d_name + len - 9, ".conflist") == 0 && entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int lists_load(struct berth_net *n, struct berth_error *err)
{
    struct dirent **files = NULL;
    int count = scandir(n->conf_dir, &files, is_list, by_name), r = 0;
    char id[65];
    json *net;

    if (count < 0 && errno != ENOENT)
        return berth_fail(n->h, err, errno, "reading directory %s", n->conf_dir);
    json_object_put(n->nets);
    json_object_put(n->files);
    n->nets = json_object_new_object();
    n->files = json_object_new_object();
    if (!n->nets || !n->files)
        r = NO_MEMORY(n, err);
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = load_file(n, files[i]->d_name, err);
        free(files[i]);
    }
    free(files);
    if (r < 0 || js_get(n->nets, n->default_name))
        return r;
    r = defs_add_default(n, err);
    net = js_get(n->nets, n->default_name);
    list_id(n->default_name, id);
    if (r == 0 && js_set_str(net, "id", id) < 0)
        r = NO_MEMORY(n, err);
    return r;
}

int list_read(struct berth_net *n, const char *name, char **text, size_t *len)
{
    struct dirent **files = NULL;
    int count = scandir(n->conf_dir, &files, is_list, by_name), r = -ENOENT;

    for (int i = 0; i < count; i++) {
        char *path = na_format("%s/%s", n->conf_dir, files[i]->d_name);

        if (r == -ENOENT && path && file_read(path, text, len) == 0) {
            json *list = js_parse((struct berth_blob){*text, *len});

            if (!list_problem(list) && strcmp(js_str(list, "name"), name) == 0) {
                r = 0;
            } else {
                free(*text);
                *text = NULL;
            }
            json_object_put(list);
        }
        free(path);
        free(files[i]);
    }
    free(files);
    if (r == -ENOENT && js_get(n->nets, name)) { /* the default one, without a file */
        *text = list_text(n, js_get(n->nets, name));
        *len = *text ? strlen(*text) : 0;
        r = *text ? 0 : -ENOMEM;
    }
    return r;
}
