/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - runtime and monitor, for people: versions and packages. */
#include <stdio.h>
#include <string.h>

#include "call.h"

#define LOOKUP_TIME (10 * RT_SECOND)

/* Standard output of a program without its last newline, fresh; NULL if it failed. */
static char *ask(struct berth_oci *r, const char *const *argv)
{
    const struct berth_host *h = r->h;
    struct berth_run run = {
        .size = sizeof(run),
        .argv = argv,
        .netns_fd = -1,
        .deadline = rt_now() + LOOKUP_TIME,
    };
    struct berth_blob text;
    char *out = NULL;

    run.output = h->buf_new(h->core);
    run.errors = h->buf_new(h->core);
    if (run.output && run.errors && h->run(h->core, &run, NULL) == 0) {
        text = h->buf_data(h->core, run.output);
        while (text.len > 0 && ((const char *)text.data)[text.len - 1] == '\n')
            text.len--;
        out = strndup(text.data, text.len);
    }
    h->buf_free(h->core, run.output);
    h->buf_free(h->core, run.errors);
    return out;
}

/* dpkg says which package a file is from as "name: path", and its version elsewhere. */
static char *debian_package(struct berth_oci *r, char *owner)
{
    const char *argv[] = {
        "/usr/bin/dpkg-query", "-f", "${Package}_${Version}_${Architecture}", "-W", NULL, NULL};
    char *colon = strchr(owner, ':');

    if (!colon)
        return NULL;
    *colon = '\0';
    argv[4] = owner;
    return ask(r, argv);
}

/* The package that a file is from, fresh. */
static char *find_package(struct berth_oci *r, const char *file)
{
    const char *const ways[][5] = {
        {"/usr/bin/rpm", "-q", "-f", file, NULL}, {"/usr/bin/dpkg", "-S", file, NULL},
        {"/usr/bin/pacman", "-Qo", file, NULL},   {"/usr/bin/qfile", "-qv", file, NULL},
        {"/usr/bin/equery", "b", file, NULL},     {"/sbin/apk", "info", "-W", file, NULL},
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        RT_FREE char *text = access(ways[i][0], X_OK) == 0 ? ask(r, ways[i]) : NULL;
        char *package;

        if (!text || !*text)
            continue;
        package = strstr(ways[i][0], "dpkg") ? debian_package(r, text) : strdup(text);
        if (package && *package)
            return package;
        free(package);
    }
    return strdup("Unknown");
}

static void add_text(struct json_object *o, const char *name, const char *value)
{
    json_object_object_add(o, name, json_object_new_string(value ? value : ""));
}

static struct json_object *describe(struct berth_oci *r, const char *path, const char *name,
                                    bool one_line)
{
    const char *const argv[] = {path, "--version", NULL};
    RT_FREE char *version = ask(r, argv);
    RT_FREE char *package = find_package(r, path);
    struct json_object *o = json_object_new_object();
    char *newline = one_line && version ? strchr(version, '\n') : NULL;

    if (!o)
        return NULL;
    if (name)
        add_text(o, "name", name);
    add_text(o, "package", package);
    add_text(o, "path", path);
    if (newline) {
        RT_FREE char *joined =
            rt_format("%.*s, %s", (int)(newline - version), version, newline + 1);

        add_text(o, "version", joined);
    } else {
        add_text(o, "version", version);
    }
    return o;
}

int rt_info(struct berth_oci *r, struct berth_buf *out, struct berth_error *err)
{
    RT_JSON struct json_object *all = json_object_new_object();
    struct json_object *runtime = all ? describe(r, r->path, r->name, false) : NULL;
    struct json_object *conmon = NULL;
    const char *text;
    size_t len;

    if (!runtime)
        return rt_no_memory(r, err);
    json_object_object_add(all, "ociRuntime", runtime);
    if (r->conmon) {
        conmon = describe(r, r->conmon, NULL, true);
        if (!conmon)
            return rt_no_memory(r, err);
        json_object_object_add(all, "conmon", conmon);
    }
    text = json_object_to_json_string_length(
        all, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    if (!text)
        return rt_no_memory(r, err);
    return r->h->put(r->h->core, out, text, len);
}
