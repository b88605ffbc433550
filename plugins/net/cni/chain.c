/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - running the CNI plugins of a conflist; see cni.h. */
#include "cni.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char *cni_find(struct berth_net *n, const char *type)
{
    const char *at = n->helper_dirs;
    struct stat st;

    while (*at && !strchr(type, '/')) {
        size_t len = strcspn(at, " ");
        char *path = len ? na_format("%.*s/%s", (int)len, at, type) : NULL;

        if (path && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
            return path;
        free(path);
        at += len + (at[len] == ' ');
    }
    return NULL;
}

void cni_run_free(struct cni_run *run)
{
    json_object_put(run->list);
    json_object_put(run->args);
    json_object_put(run->capabilities);
    free(run->text);
}

/* -------------------------------------------------------------- environment */

/* "K=V;K=V" */
static char *join_args(const json *args)
{
    char *text = strdup("");

    for (size_t i = 0; text && i < json_object_array_length(args); i++) {
        const json *pair = json_object_array_get_idx(args, i);
        char *more = na_format("%s%s%s=%s", text, i ? ";" : "",
                               json_object_get_string(json_object_array_get_idx(pair, 0)),
                               json_object_get_string(json_object_array_get_idx(pair, 1)));

        free(text);
        text = more;
    }
    return text;
}

/* What CNI plugins are told by variables. */
static void env_fill(struct berth_net *n, const struct cni_run *run, const char *command,
                     struct env *e)
{
    /* The process that cleans up has no XDG_RUNTIME_DIR either. */
    static const char *const without[] = {"CNI_", "XDG_RUNTIME_DIR=", NULL};
    char *args = join_args(run->args), *dirs = strdup(n->helper_dirs);

    env_make(e, without);
    for (char *c = dirs; c && *c; c++)
        if (*c == ' ')
            *c = ':';
    env_add(e, "CNI_COMMAND", command);
    env_add(e, "CNI_CONTAINERID", run->container);
    env_add(e, "CNI_NETNS", run->netns);
    env_add(e, "CNI_IFNAME", run->interface);
    env_add(e, "CNI_ARGS", args ? args : "");
    env_add(e, "CNI_PATH", dirs ? dirs : "");
    env_add(e, "XDG_RUNTIME_DIR", "");
    e->failed = e->failed || !args || !dirs;
    free(args);
    free(dirs);
}

/* ------------------------------------------------------------------- document */

/* Of all that there is, what the CNI plugin is capable of. */
static json *runtime_config(const struct cni_run *run, const json *plugin)
{
    json *config = json_object_new_object(), *can = js_get(plugin, "capabilities");

    if (!config || !can || !json_object_is_type(can, json_type_object))
        return config;
    json_object_object_foreach (run->capabilities, name, value) {
        if (js_bool(can, name, false))
            js_set(config, name, json_object_get(value));
    }
    return config;
}

/* NULL: no memory. */
static json *document(const struct cni_run *run, const json *plugin, const json *previous)
{
    json *doc = NULL, *config = runtime_config(run, plugin);
    const char *version = js_str(run->list, "cniVersion");
    int r = config ? json_object_deep_copy((json *)(uintptr_t)plugin, &doc, NULL) : -ENOMEM;

    if (r == 0)
        r = js_set_str(doc, "name", run->network);
    if (r == 0)
        r = js_set_str(doc, "cniVersion", *version ? version : "0.1.0");
    if (r == 0 && previous)
        r = js_set(doc, "prevResult", json_object_get((json *)(uintptr_t)previous));
    if (r == 0 && json_object_object_length(config))
        r = js_set(doc, "runtimeConfig", json_object_get(config));
    json_object_put(config);
    if (r < 0) {
        json_object_put(doc);
        return NULL;
    }
    return doc;
}

/* -------------------------------------------------------------------- running */

/* What a CNI plugin that failed says of it, in podman's words. */
static int failed(struct berth_net *n, const char *type, const char *verb, int status,
                  struct berth_blob output, const char *errors, struct berth_error *err)
{
    json *answer = js_parse(output), *code = js_get(answer, "code");
    const char *text = js_str(answer, "msg"), *details = js_str(answer, "details");
    char what[160];
    int r;

    snprintf(what, sizeof(what), "plugin type=\"%.50s\" failed (%s): cni plugin %.50s failed",
             type, verb, type);
    if (output.len && (!answer || !json_object_is_type(answer, json_type_object)))
        r = berth_fail(n->h, err, EREMOTEIO,
                       "%s: failed to unmarshal error message: not a JSON object", what);
    else if (*text || code)
        r = *text ? berth_fail(n->h, err, EREMOTEIO, "%s: %s%s%s", what, text,
                               *details ? ": " : "", details)
                  : berth_fail(n->h, err, EREMOTEIO, "%s: with error code %d%s%s", what,
                               json_object_get_int(code), *details ? ": " : "", details);
    else if (*errors)
        r = berth_fail(n->h, err, EREMOTEIO, "%s: %.*s", what, (int)strcspn(errors, "\n"),
                       errors);
    else
        r = berth_fail(n->h, err, EREMOTEIO, "%s: exit status %d", what, status);
    json_object_put(answer);
    return r;
}

static int run_one(struct berth_net *n, const char *path, const struct env *env,
                   const char *type, const char *verb, const json *doc,
                   struct berth_buf *output, struct berth_error *err)
{
    const char *argv[] = {path, NULL};
    struct berth_buf *input = n->h->buf_new(n->h->core), *errors = n->h->buf_new(n->h->core);
    struct berth_run what = {.size = sizeof(what),
                             .argv = argv,
                             .env = (const char *const *)env->v,
                             .netns_fd = -1,
                             .output = output,
                             .errors = errors};
    int r = input && errors ? js_write(n->h, doc, false, input) : -ENOMEM;

    if (r < 0) {
        r = NO_MEMORY(n, err);
    } else {
        what.input = n->h->buf_data(n->h->core, input);
        what.deadline = run_deadline(n);
        berth_debug(n->h, "%s (%s): %s", path, verb, (const char *)what.input.data);
        r = n->h->run(n->h->core, &what, err);
        if (r == -ETIMEDOUT)
            r = berth_fail(n->h, err, ETIMEDOUT,
                           "plugin type=\"%s\" failed (%s): it did not end in time and was "
                           "killed",
                           type, verb);
        else if (r < 0)
            r = berth_wrap(n->h, err, "plugin type=\"%s\" failed (%s)", type, verb);
        else if (r > 0)
            r = failed(n, type, verb, r, n->h->buf_data(n->h->core, output),
                       n->h->buf_data(n->h->core, errors).data, err);
    }
    n->h->buf_free(n->h->core, input);
    n->h->buf_free(n->h->core, errors);
    return r;
}

int cni_exec(struct berth_net *n, const struct cni_run *run, const char *command,
             const json *plugin, const json *previous, json **out, struct berth_error *err)
{
    const char *type = js_str(plugin, "type"),
               *verb = strcmp(command, "ADD") == 0 ? "add" : "delete";
    struct berth_buf *output = n->h->buf_new(n->h->core);
    json *doc = document(run, plugin, previous);
    char *path = cni_find(n, type);
    struct env env;
    int r;

    env_fill(n, run, command, &env);
    if (!path)
        r = berth_fail(
            n->h, err, ENOENT,
            "plugin type=\"%s\" failed (%s): failed to find plugin \"%s\" in path [%s]", type,
            verb, type, n->helper_dirs);
    else if (!doc || !output || env.failed)
        r = NO_MEMORY(n, err);
    else
        r = run_one(n, path, &env, type, verb, doc, output, err);
    if (r == 0 && out) {
        *out = js_parse(n->h->buf_data(n->h->core, output));
        if (!*out || !json_object_is_type(*out, json_type_object)) {
            json_object_put(*out);
            *out = NULL;
            r = berth_fail(n->h, err, EREMOTEIO,
                           "plugin type=\"%s\" failed (%s): its answer is not a JSON object",
                           type, verb);
        }
    }
    env_free(&env);
    json_object_put(doc);
    free(path);
    n->h->buf_free(n->h->core, output);
    return r;
}

/* --------------------------------------------------------------------- chains */

/* Before version 0.4.0 what is deleted is not told what was added. */
static bool wants_previous(const json *list)
{
    return strverscmp(js_str(list, "cniVersion"), "0.4.0") >= 0;
}

int cni_add(struct berth_net *n, const struct cni_run *run, json **out, struct berth_error *err)
{
    json *result = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(run->list, "plugins"); i++) {
        json *next = NULL;

        r = cni_exec(n, run, "ADD", js_at(run->list, "plugins", i), result, &next, err);
        if (r == 0) {
            json_object_put(result);
            result = next;
        }
    }
    if (r == 0) {
        *out = result;
        return 0;
    }
    /* Those that had done their work undo it, and the one that failed what it had begun. */
    cni_del(n, run, result, NULL);
    json_object_put(result);
    return r;
}

/* In reverse order, and to the end whatever fails: the first failure is given. */
int cni_del(struct berth_net *n, const struct cni_run *run, const json *previous,
            struct berth_error *err)
{
    int first = 0;

    if (previous && !wants_previous(run->list))
        previous = NULL;
    for (size_t i = js_len(run->list, "plugins"); i-- > 0;) {
        int r = cni_exec(n, run, "DEL", js_at(run->list, "plugins", i), previous, NULL,
                         first < 0 ? NULL : err);

        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}
