/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - the process document of an exec session: the engine's, or else the one of
 * the container with another command in it.
 */
#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define CONFIG_MAX (16 * 1024 * 1024)

static int write_new(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static struct json_object *string_array(const char *const *strings)
{
    struct json_object *array = json_object_new_array();

    for (; array && strings && *strings; strings++)
        json_object_array_add(array, json_object_new_string(*strings));
    return array;
}

/* "uid" or "uid:gid"; 0 or -EINVAL. */
static int set_user(struct json_object *process, const char *text)
{
    struct json_object *user = json_object_new_object();
    char *end;
    unsigned long uid, gid = 0;

    uid = strtoul(text, &end, 10);
    if (end != text && *end == ':' && end[1] >= '0' && end[1] <= '9')
        gid = strtoul(end + 1, &end, 10);
    if (*text < '0' || *text > '9' || *end || uid > UINT32_MAX || gid > UINT32_MAX) {
        json_object_put(user);
        return -EINVAL;
    }
    json_object_object_add(user, "uid", json_object_new_int64((int64_t)uid));
    json_object_object_add(user, "gid", json_object_new_int64((int64_t)gid));
    json_object_object_add(process, "user", user);
    return 0;
}

static void add_env(struct json_object *process, const char *const *env)
{
    struct json_object *array;

    if (!env || !*env)
        return;
    if (!json_object_object_get_ex(process, "env", &array) ||
        !json_object_is_type(array, json_type_array)) {
        json_object_object_add(process, "env", string_array(env));
        return;
    }
    for (; *env; env++)
        json_object_array_add(array, json_object_new_string(*env));
}

/* The document made of the bundle's; a reference or NULL with the error described. */
static struct json_object *make_process(struct berth_oci *r, const struct berth_container *c,
                                        const struct berth_oci_exec *what,
                                        struct berth_error *err)
{
    RT_FREE char *path = rt_format("%s/config.json", c->bundle);
    RT_FREE char *text = NULL;
    RT_JSON struct json_object *config = NULL;
    struct json_object *process;
    ssize_t len = path ? rt_read_file(path, CONFIG_MAX, &text) : -ENOMEM;

    if (len < 0) {
        berth_fail(r->h, err, (int)-len, "cannot read %s: %s", path ? path : "config.json",
                   strerror((int)-len));
        return NULL;
    }
    config = rt_json_parse(text, (size_t)len);
    if (!json_object_is_type(config, json_type_object) ||
        !json_object_object_get_ex(config, "process", &process) ||
        !json_object_is_type(process, json_type_object)) {
        berth_fail(r->h, err, EPROTO, "%s has no process in it", path);
        return NULL;
    }
    json_object_object_add(process, "args", string_array(what->argv));
    json_object_object_add(
        process, "terminal",
        json_object_new_boolean((what->flags & BERTH_OCI_EXEC_TERMINAL) != 0));
    add_env(process, what->env);
    if (what->cwd)
        json_object_object_add(process, "cwd", json_object_new_string(what->cwd));
    if (what->user && set_user(process, what->user) < 0) {
        berth_fail(r->h, err, EINVAL, "user \"%s\" is no number", what->user);
        return NULL;
    }
    return json_object_get(process);
}

int rt_write_process(struct berth_oci *r, const struct berth_container *c,
                     const struct berth_oci_exec *what, const char *dir, char **out_path,
                     struct berth_error *err)
{
    RT_JSON struct json_object *process = NULL;
    RT_FREE char *path = NULL;
    RT_FD int fd = -1;
    struct berth_blob text = {0};
    uint32_t number = 0;
    int rc;

    if (BERTH_HAS(what, process.data)) {
        text = what->process;
    } else {
        if (!what->argv || !*what->argv)
            return berth_fail(r->h, err, EINVAL, "no command to execute");
        /* Which capabilities that means is for the engine to know. */
        if (what->flags & BERTH_OCI_EXEC_PRIVILEGED)
            return berth_fail(r->h, err, ENOTSUP,
                              "a privileged session needs its process document");
        process = make_process(r, c, what, err);
        if (!process)
            return -EINVAL;
        text.data = json_object_to_json_string_length(
            process, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &text.len);
    }
    if (!text.data)
        return rt_no_memory(r, err);
    do {
        free(path);
        if (getrandom(&number, sizeof(number), 0) < 0)
            number++;
        path = rt_format("%s/exec-process-%u", dir, number);
        if (!path)
            return rt_no_memory(r, err);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0)
        return berth_fail(r->h, err, errno, "cannot create %s: %m", path);
    rc = write_new(fd, text.data, text.len);
    if (rc < 0) {
        unlink(path);
        return berth_fail(r->h, err, -rc, "cannot write %s: %s", path, strerror(-rc));
    }
    *out_path = path;
    path = NULL;
    return 0;
}
