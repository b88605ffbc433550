/* SPDX-License-Identifier: Apache-2.0 */
/* volume_plugin.c - see volume_plugin.h. */
#include "engine/volume_plugin.h"
#include "base/fs.h"
#include "base/http.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/names.h"
#include "engine/spec_priv.h"

#define ANSWER_MAX (4u << 20)
#define TYPE       "application/vnd.docker.plugins.v1.1+json"

/* podman counts the uses itself, so one user is enough: its constant. */
#define MOUNT_ID "2f73349cfc4630255319c6c8dfc1b46a8996ace9d14d8e07563b165915918ec2"

/* ------------------------------------------------------------------ answers */

int volume_answer_implements(const json *answer, struct berth_list *out)
{
    return json_to_list(json_get(answer, "Implements"), out);
}

/* Only what can be a name here; the rest is no volume that could be used. */
int volume_answer_names(const json *answer, struct berth_list *out)
{
    const json *list = json_get(answer, "Volumes");

    for (size_t i = 0; i < json_len(list); i++) {
        const char *name = json_str(json_item(list, i), "Name");

        if (name && name_is_valid(name))
            list_add(out, name);
    }
    list_sort(out);
    list_unique(out);
    return out->error;
}

int volume_answer_mount_point(const json *answer, char **out)
{
    const char *path = json_str(answer, "Mountpoint");
    _cleanup_list_ struct berth_list parts = LIST_INIT;

    if (str_empty(path) || *path != '/')
        return -EUCLEAN;
    if (list_split(&parts, path, '/', false) < 0)
        return -ENOMEM;
    if (list_has(&parts, ".."))
        return -EUCLEAN;
    *out = path_clean(path);
    if (!*out)
        return -ENOMEM;
    if (!str_eq(*out, "/"))
        return 0;
    free(*out);
    *out = NULL;
    return -EUCLEAN;
}

/* -------------------------------------------------------------------- calls */

void volume_plugin_close(struct volume_plugin *p)
{
    free(p->name);
    free(p->socket);
    *p = (struct volume_plugin){0};
}

/* What one without success says: {"Err": "..."} or whatever came. */
static int refused(const struct volume_plugin *p, const char *call, const char *volume,
                   int status, struct berth_buf *body, struct berth_error *err)
{
    _cleanup_json_ json *answer = NULL;
    const char *why = NULL;

    if (body->len && json_parse_object(buf_blob(body), "answer", &answer, NULL) == 0)
        why = json_str(answer, "Err");
    if (str_empty(why))
        return fail(err, EIO, "on %s in volume plugin %s: it answered with status %d", call,
                    p->name, status);
    return volume ? fail(err, EIO, "on %s on volume %s in volume plugin %s: %s", call, volume,
                         p->name, why)
                  : fail(err, EIO, "on %s in volume plugin %s: %s", call, p->name, why);
}

/* *out may be NULL: what it answers does not matter. */
static int call(const struct volume_plugin *p, const char *path, const char *volume,
                const json *request, json **out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, body = BUF_INIT;
    _cleanup_free_ char *what = str_printf("answer of volume plugin %s", p->name);
    berth_deadline deadline =
        p->timeout > 0 ? time_deadline((uint64_t)p->timeout) : BERTH_WAIT_FOREVER;
    int status = 0, r;

    if (request)
        json_write(request, 0, &text);
    r = http_post(p->socket, path, TYPE, buf_blob(&text), ANSWER_MAX, deadline, &status, &body,
                  err);
    if (r < 0)
        return error_wrap(err, "sending request to volume plugin %s endpoint %s", p->name,
                          path);
    if (status != 200)
        return refused(p, path, volume, status, &body, err);
    if (!out) {
        _cleanup_json_ json *answer = NULL;

        /* Some say what is wrong with status 200. */
        if (body.len && json_parse_object(buf_blob(&body), "answer", &answer, NULL) == 0 &&
            !str_empty(json_str(answer, "Err")))
            return refused(p, path, volume, status, &body, err);
        return 0;
    }
    r = json_parse_object(buf_blob(&body), str_or(what, "answer"), out, err);
    if (r == 0 && !str_empty(json_str(*out, "Err"))) {
        json_putp(out);
        *out = NULL;
        return refused(p, path, volume, status, &body, err);
    }
    return r;
}

static json *about(const char *volume, bool with_id)
{
    json *request = json_new();

    json_set_str(request, "Name", volume);
    if (with_id)
        json_set_str(request, "ID", MOUNT_ID);
    return request;
}

/* Is it a plugin, and for volumes? */
static int activate(const struct volume_plugin *p, struct berth_error *err)
{
    _cleanup_list_ struct berth_list kinds = LIST_INIT;
    _cleanup_json_ json *answer = NULL;
    struct stat st;
    int r;

    if (stat(p->socket, &st) < 0)
        return spec_fail_errno(err, errno, "cannot access plugin %s socket \"%s\": stat %s",
                               p->name, p->socket, p->socket);
    if (!S_ISSOCK(st.st_mode))
        return fail(err, ENOTSOCK,
                    "volume %s plugin path %s is not a socket: target does not appear to be a "
                    "valid plugin",
                    p->name, p->socket);
    r = call(p, "/Plugin.Activate", NULL, NULL, &answer, err);
    if (r < 0)
        return r;
    if (volume_answer_implements(answer, &kinds) < 0)
        return fail(err, ENOMEM, "out of memory");
    if (!list_has(&kinds, "VolumeDriver")) {
        _cleanup_free_ char *all = list_join(&kinds, ", ");

        return fail(err, EINVAL,
                    "plugin %s does not implement volume plugin, instead provides %s: plugin "
                    "is not a volume plugin",
                    p->name, str_or(all, ""));
    }
    return 0;
}

int volume_plugin_open(struct engine *e, const char *name, int64_t timeout,
                       struct volume_plugin *out, struct berth_error *err)
{
    const char *socket = NULL;
    size_t len = strlen(name);
    int r;

    for (size_t i = 0; i < e->conf->volume_plugins.n && !socket; i++) {
        const char *entry = e->conf->volume_plugins.items[i];

        if (strncmp(entry, name, len) == 0 && entry[len] == '=')
            socket = entry + len + 1;
    }
    if (!socket)
        return fail(err, ENOENT,
                    "no volume plugin with name %s available: required plugin missing", name);
    *out = (struct volume_plugin){
        .name = strdup(name),
        .socket = strdup(socket),
        .timeout = timeout >= 0 ? timeout : (int64_t)e->conf->volume_plugin_timeout};
    r = out->name && out->socket ? activate(out, err) : fail(err, ENOMEM, "out of memory");
    if (r < 0)
        volume_plugin_close(out);
    return r;
}

int volume_plugin_get(struct volume_plugin *p, const char *volume, json **status,
                      struct berth_error *err)
{
    _cleanup_json_ json *request = about(volume, false), *answer = NULL;
    json *found;
    int r = call(p, "/VolumeDriver.Get", volume, request, &answer, err);

    if (r < 0)
        return r;
    found = json_get(answer, "Volume");
    if (!found)
        return fail(err, ENOENT, "volume plugin %s has no volume %s", p->name, volume);
    if (status)
        *status = json_ref(spec_object(json_get(found, "Status")));
    return 0;
}

int volume_plugin_create(struct volume_plugin *p, const char *volume, const json *options,
                         bool *made, struct berth_error *err)
{
    _cleanup_json_ json *request = about(volume, false);
    int r = volume_plugin_get(p, volume, NULL, NULL);

    *made = false;
    if (r == 0) {
        log_info("volume %s already exists in plugin %s, using existing volume", volume,
                 p->name);
        return 0;
    }
    json_set(request, "Opts", options ? json_copy(options) : json_new());
    r = call(p, "/VolumeDriver.Create", volume, request, NULL, err);
    if (r < 0)
        return error_wrap(err, "creating volume %s in plugin %s", volume, p->name);
    *made = true;
    return 0;
}

int volume_plugin_remove(struct volume_plugin *p, const char *volume, struct berth_error *err)
{
    _cleanup_json_ json *request = about(volume, false);

    return call(p, "/VolumeDriver.Remove", volume, request, NULL, err);
}

int volume_plugin_mount(struct volume_plugin *p, const char *volume, char **mount_point,
                        struct berth_error *err)
{
    _cleanup_json_ json *request = about(volume, true), *answer = NULL;
    int r = call(p, "/VolumeDriver.Mount", volume, request, &answer, err);

    if (r < 0)
        return r;
    r = volume_answer_mount_point(answer, mount_point);
    if (r == 0)
        return 0;
    volume_plugin_unmount(p, volume, NULL);
    if (r == -ENOMEM)
        return fail(err, ENOMEM, "out of memory");
    return fail(err, -r,
                "volume plugin %s mounted volume %s at \"%s\", which is not the absolute path "
                "of a directory below the root: see what the plugin says of it",
                p->name, volume, str_or(json_str(answer, "Mountpoint"), ""));
}

int volume_plugin_unmount(struct volume_plugin *p, const char *volume, struct berth_error *err)
{
    _cleanup_json_ json *request = about(volume, true);

    return call(p, "/VolumeDriver.Unmount", volume, request, NULL, err);
}

int volume_plugin_list(struct volume_plugin *p, struct berth_list *names,
                       struct berth_error *err)
{
    _cleanup_json_ json *request = json_new(), *answer = NULL;
    int r = call(p, "/VolumeDriver.List", NULL, request, &answer, err);

    if (r < 0)
        return r;
    return volume_answer_names(answer, names) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
}
