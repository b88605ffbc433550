/* SPDX-License-Identifier: Apache-2.0 */
/* defs.c - definitions of networks: podman's files; see netavark.h. */
#include "netavark.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ loading */

/* One file; what is wrong with it is logged and the file passed over, as podman does. */
static int load_file(struct berth_net *n, const char *file, struct berth_error *err)
{
    size_t len = 0, stem = strlen(file) - 5;
    char *path = na_format("%s/%s", n->conf_dir, file), *text = NULL;
    json *net, *ordered;
    const char *name;
    int r = path ? file_read(path, &text, &len) : -ENOMEM;

    free(path);
    if (r == -ENOMEM)
        return NO_MEMORY(n, err);
    if (r < 0) {
        if (r != -ENOENT)
            berth_log(n->h, BERTH_LOG_WARNING,
                      "Error loading network config file \"%s/%s\": %s", n->conf_dir, file,
                      strerror(-r));
        return 0;
    }
    net = js_parse((struct berth_blob){text, len});
    free(text);
    name = js_str(net, "name");
    if (!net || !json_object_is_type(net, json_type_object))
        berth_log(n->h, BERTH_LOG_WARNING,
                  "Error reading network config file \"%s/%s\": not a JSON object", n->conf_dir,
                  file);
    else if (strlen(name) != stem || strncmp(name, file, stem) != 0)
        berth_log(n->h, BERTH_LOG_WARNING,
                  "Network config name \"%s\" does not match file name \"%s\", skipping", name,
                  file);
    else if (!defs_name_ok(name))
        berth_log(
            n->h, BERTH_LOG_WARNING,
            "Network config \"%s/%s\" has invalid name: \"%s\", skipping: names must match "
            "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
            n->conf_dir, file, name);
    else if (strlen(js_str(net, "id")) != 64)
        berth_log(n->h, BERTH_LOG_WARNING,
                  "Network config \"%s/%s\" could not be parsed, skipping: invalid network ID "
                  "\"%s\"",
                  n->conf_dir, file, js_str(net, "id"));
    else if (defs_check_subnets(n, net, NULL, NULL, NULL) < 0)
        berth_log(n->h, BERTH_LOG_WARNING,
                  "Network config \"%s/%s\" could not be parsed, skipping: a subnet is invalid",
                  n->conf_dir, file);
    else if (!(ordered = defs_ordered(net)) || js_set(n->nets, name, ordered) < 0)
        r = NO_MEMORY(n, err);
    json_object_put(net);
    return r;
}

int defs_load(struct berth_net *n, struct berth_error *err)
{
    DIR *d = opendir(n->conf_dir);
    struct dirent *entry;
    int r = 0;

    json_object_put(n->nets);
    n->nets = json_object_new_object();
    if (!n->nets)
        r = NO_MEMORY(n, err);
    if (!d && errno != ENOENT && r == 0)
        r = berth_fail(n->h, err, errno, "reading directory %s", n->conf_dir);
    while (d && r == 0 && (entry = readdir(d))) {
        size_t len = strlen(entry->d_name);

        if (entry->d_type != DT_DIR && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0)
            r = load_file(n, entry->d_name, err);
    }
    if (d)
        closedir(d);
    return r < 0 ? r : defs_add_default(n, err);
}

/* ------------------------------------------------------------------ writing */

int defs_save(struct berth_net *n, json *net, struct berth_error *err)
{
    char *path = na_format("%s/%s.json", n->conf_dir, js_str(net, "name"));
    struct berth_buf *text = n->h->buf_new(n->h->core);
    int r;

    if (!path || !text || js_write(n->h, net, true, text) < 0) {
        r = NO_MEMORY(n, err);
    } else {
        struct berth_blob bytes = n->h->buf_data(n->h->core, text);

        r = file_write(path, bytes.data, bytes.len, 0666);
        if (r < 0)
            r = berth_fail(n->h, err, -r, "writing %s", path);
    }
    n->h->buf_free(n->h->core, text);
    free(path);
    return r;
}

int defs_unlink(struct berth_net *n, const char *name, struct berth_error *err)
{
    char *path = na_format("%s/%s.json", n->conf_dir, name);
    int r = 0;

    if (!path)
        return NO_MEMORY(n, err);
    if (unlink(path) < 0 && errno != ENOENT)
        r = berth_fail(n->h, err, errno, "removing %s", path);
    free(path);
    return r;
}
