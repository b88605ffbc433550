/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c - what CNI plugins answered, in libcni's files: what leaving a network works from;
 * see cni.h. */
#include "cni.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIND "cniCacheV1"

/* --------------------------------------------------------------------- base64 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode(const char *text, size_t len)
{
    char *out = malloc(len / 3 * 4 + 5), *at = out;

    for (size_t i = 0; out && i < len; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)text[i] << 16;

        if (i + 1 < len)
            v |= (uint32_t)(unsigned char)text[i + 1] << 8;
        if (i + 2 < len)
            v |= (unsigned char)text[i + 2];
        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        *at++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
        *at++ = i + 2 < len ? digits[v & 63] : '=';
    }
    if (out)
        *at = '\0';
    return out;
}

/* NULL: it is none, or no memory. */
static char *decode(const char *text, size_t *len)
{
    size_t n = strlen(text);
    char *out = n % 4 == 0 ? malloc(n / 4 * 3 + 1) : NULL;

    *len = 0;
    for (size_t i = 0; out && i < n; i += 4) {
        uint32_t v = 0;
        unsigned pad = 0;

        for (size_t k = i; k < i + 4; k++) {
            const char *d = text[k] == '=' ? NULL : strchr(digits, text[k]);

            if (!d && !(text[k] == '=' && k >= n - 2)) {
                free(out);
                return NULL;
            }
            pad += !d;
            v = v << 6 | (d ? (uint32_t)(d - digits) : 0);
        }
        out[(*len)++] = (char)(v >> 16);
        if (pad < 2)
            out[(*len)++] = (char)(v >> 8);
        if (pad < 1)
            out[(*len)++] = (char)v;
    }
    if (out)
        out[*len] = '\0';
    return out;
}

/* ---------------------------------------------------------------------- files */

static char *cache_path(struct berth_net *n, const struct cni_run *run)
{
    return na_format("%s/%s-%s-%s", n->run_dir, run->network, run->container, run->interface);
}

static int make_dir(const char *path)
{
    char *parent = strdup(path), *slash = parent ? strrchr(parent, '/') : NULL;
    int r = 0;

    if (mkdir(path, 0700) < 0 && errno == ENOENT && slash && slash != parent) {
        *slash = '\0';
        r = make_dir(parent);
        if (r == 0)
            chmod(parent, 0755);
        if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
            r = -errno;
    } else if (access(path, F_OK) < 0) {
        r = -errno;
    }
    free(parent);
    return r;
}

int cache_write(struct berth_net *n, const struct cni_run *run, json *result,
                struct berth_error *err)
{
    struct berth_buf *text = n->h->buf_new(n->h->core);
    char *config = encode(run->text, run->text_len), *path = cache_path(n, run);
    json *doc = json_object_new_object();
    struct berth_blob bytes;
    int r = text && config && path && doc ? js_set_str(doc, "kind", KIND) : -ENOMEM;

    if (r == 0)
        r = js_set_str(doc, "containerId", run->container);
    if (r == 0)
        r = js_set_str(doc, "config", config);
    if (r == 0)
        r = js_set_str(doc, "ifName", run->interface);
    if (r == 0)
        r = js_set_str(doc, "networkName", run->network);
    if (r == 0)
        r = js_set(doc, "cniArgs", json_object_get(run->args));
    if (r == 0)
        r = js_set(doc, "capabilityArgs", json_object_get(run->capabilities));
    if (r == 0)
        r = js_set(doc, "result", json_object_get(result));
    if (r == 0)
        r = js_write(n->h, doc, false, text);
    if (r == 0)
        r = make_dir(n->run_dir);
    if (r == 0) {
        bytes = n->h->buf_data(n->h->core, text);
        r = file_write(path, bytes.data, bytes.len, 0600);
    }
    if (r < 0)
        r = berth_fail(n->h, err, -r, "failed to set network \"%s\" cached result: writing %s",
                       run->network, path ? path : n->run_dir);
    n->h->buf_free(n->h->core, text);
    json_object_put(doc);
    free(config);
    free(path);
    return r;
}

static bool pairs_ok(const json *args)
{
    size_t n =
        args && json_object_is_type(args, json_type_array) ? json_object_array_length(args) : 0;

    for (size_t i = 0; i < n; i++) {
        const json *pair = json_object_array_get_idx(args, i);

        if (!pair || !json_object_is_type(pair, json_type_array) ||
            json_object_array_length(pair) != 2)
            return false;
        for (size_t k = 0; k < 2; k++) {
            const json *word = json_object_array_get_idx(pair, k);

            if (!word || !json_object_is_type(word, json_type_string))
                return false;
        }
    }
    return true;
}

/* A file of today's libcni; of older ones only the result is left, as the whole of it. */
static int take(struct cni_run *run, const json *doc, json **result)
{
    json *args = js_get(doc, "cniArgs"), *can = js_get(doc, "capabilityArgs");
    char *text;
    json *list;
    size_t len;

    if (strcmp(js_str(doc, "kind"), KIND) != 0)
        return -EINVAL;
    text = decode(js_str(doc, "config"), &len);
    list = text ? js_parse((struct berth_blob){text, len}) : NULL;
    if (list_problem(list) || !pairs_ok(args)) {
        json_object_put(list);
        free(text);
        return -EINVAL;
    }
    free(run->text);
    run->text = text;
    run->text_len = len;
    json_object_put(run->list);
    run->list = list;
    if (args && json_object_is_type(args, json_type_array)) {
        json_object_put(run->args);
        run->args = json_object_get(args);
    }
    if (can && json_object_is_type(can, json_type_object)) {
        json_object_put(run->capabilities);
        run->capabilities = json_object_get(can);
    }
    *result = json_object_get(js_get(doc, "result"));
    return 0;
}

int cache_read(struct berth_net *n, struct cni_run *run, json **result)
{
    char *path = cache_path(n, run), *text = NULL;
    json *doc = NULL;
    size_t len;
    int r = path ? file_read(path, &text, &len) : -ENOMEM;

    *result = NULL;
    if (r == 0) {
        doc = js_parse((struct berth_blob){text, len});
        r = take(run, doc, result);
        if (r < 0 && js_get(doc, "ips") && list_problem(run->list) == NULL) {
            *result = json_object_get(doc);
            r = 0;
        }
        if (r < 0)
            berth_log(n->h, BERTH_LOG_WARNING,
                      "failed to unmarshal cached network \"%s\" config: %s is damaged",
                      run->network, path);
    }
    json_object_put(doc);
    free(path);
    free(text);
    return r < 0 ? -ENOENT : 0;
}

void cache_remove(struct berth_net *n, const struct cni_run *run)
{
    char *path = cache_path(n, run);

    if (path)
        unlink(path);
    free(path);
}
