/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_env.c - command, environment and labels of a new container.
 *
 * podman's own order of variables is that of a hash map; here it is the order in which
 * sources are merged, the first mention of a name deciding its place.
 */
#include "engine/spec_priv.h"
#include <ctype.h>

#define BLANKS " \t"

extern char **environ;

static ssize_t env_find(const struct berth_list *env, const char *name, size_t len)
{
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
            return (ssize_t)i;
    return -1;
}

/* Set "NAME=VALUE" given as one text. */
static void env_put(struct berth_list *env, const char *text)
{
    size_t len = strcspn(text, "=");
    ssize_t at = env_find(env, text, len);

    if (at < 0) {
        list_add(env, text);
        return;
    }
    if (str_set(&env->items[at], text) < 0)
        env->error = -ENOMEM;
}

static void env_unset(struct berth_list *env, const char *name)
{
    ssize_t at = env_find(env, name, strlen(name));

    if (at >= 0)
        list_drop(env, (size_t)at);
}

/* One word of -e or line of --env-file: K=V, K (the engine's value), PRE*. */
static int env_word(struct berth_list *env, const char *word, struct berth_error *err)
{
    size_t len = strcspn(word, "=");
    const char *name, *value;

    if (len == 0)
        return fail(err, EINVAL, "invalid environment variable: \"%s\"", word);
    name = word + strspn(word, BLANKS);
    len = strcspn(name, "=");
    if (name[len] == '=') {
        env_put(env, name);
        return 0;
    }
    if (len && name[len - 1] == '*') {
        for (char **e = environ; e && *e; e++)
            if (strncmp(*e, name, len - 1) == 0)
                env_put(env, *e);
        return 0;
    }
    value = getenv(name);
    if (value) {
        _cleanup_free_ char *pair = str_printf("%s=%s", name, value);

        if (pair)
            env_put(env, pair);
    }
    return 0;
}

static int env_file(struct berth_list *env, const char *path, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    int r = fs_read(path, 16 << 20, &text, NULL);

    if (r < 0)
        return spec_fail_errno(err, -r, "parsing env file \"%s\": open %s", path, path);
    list_split(&lines, buf_str(&text), '\n', false);
    for (size_t i = 0; i < lines.n; i++) {
        char *line = lines.items[i] + strspn(lines.items[i], BLANKS);
        size_t len = strlen(line);

        if (len && line[len - 1] == '\r')
            line[len - 1] = '\0';
        if (!*line || *line == '#')
            continue;
        r = env_word(env, line, err);
        if (r < 0)
            return error_wrap(err, "parsing env file \"%s\"", path);
    }
    return 0;
}

static void env_proxies(struct berth_list *env)
{
    static const char *const names[] = {
        "http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (getenv(names[i]))
            env_word(env, names[i], NULL);
}

static void env_all(struct berth_list *env)
{
    for (char **e = environ; e && *e; e++)
        if (**e != '=' && strchr(*e, '='))
            env_put(env, *e);
}

/* Expand $NAME and ${NAME} over what is there; unknown names become empty. */
static void env_expand(const struct berth_list *env, const char *text, struct berth_buf *out)
{
    while (*text) {
        const char *name;
        size_t len;
        ssize_t at;

        if (*text != '$') {
            buf_putc(out, *text++);
            continue;
        }
        if (text[1] == '{') {
            name = text + 2;
            len = strcspn(name, "}");
            text = name + len + (name[len] == '}');
        } else {
            name = text + 1;
            for (len = 0; isalnum((unsigned char)name[len]) || name[len] == '_'; len++)
                ;
            if (len == 0) {
                buf_putc(out, *text++);
                continue;
            }
            text = name + len;
        }
        at = env_find(env, name, len);
        if (at >= 0)
            buf_puts(out, env->items[at] + len + 1);
    }
}

static int env_merge(struct berth_list *env, const char *text, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf value = BUF_INIT;
    _cleanup_free_ char *source = NULL;
    size_t len = strcspn(text, "=");
    const char *end;

    if (text[len] != '=' || len == 0)
        return fail(err, EINVAL, "invalid environment variable: \"%s\"", text);
    if (env_find(env, text, len) < 0)
        return 0;
    end = strchrnul(text + len + 1, '=');
    source = strndup(text + len + 1, (size_t)(end - (text + len + 1)));
    buf_printf(&value, "%.*s=", (int)len, text);
    if (source)
        env_expand(env, source, &value);
    env_put(env, buf_str(&value));
    return 0;
}

/* Command and entrypoint; the words of process.args. */
static int spec_command(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    json *args = json_new_array();

    json_set(b->process, "args", args);
    if (b->init) {
        json_add_str(args, "/run/podman-init");
        json_add_str(args, "--");
    }
    if (o->entrypoint) {
        _cleanup_json_ json *list = NULL;
        struct berth_blob text = {o->entrypoint, strlen(o->entrypoint)};

        if (json_parse(text, "entrypoint", &list, NULL) < 0 ||
            !json_object_is_type(list, json_type_array)) {
            json_putp(&list);
            list = json_new_array();
            json_add_str(list, o->entrypoint);
        }
        if (!(json_len(list) == 1 && str_eq(json_item_str(list, 0), "")))
            for (size_t i = 0; i < json_len(list); i++)
                json_add(args, json_ref(json_item(list, i)));
        json_set(b->config, "entrypoint", TAKE(list));
    }
    if (o->n_args > 1) {
        json *command = json_new_array();

        for (int i = 1; i < o->n_args; i++) {
            json_add_str(command, o->args[i]);
            json_add_str(args, o->args[i]);
        }
        json_set(b->config, "command", command);
    }
    if (json_len(args) == (b->init ? 2u : 0u))
        return fail(err, EINVAL,
                    "no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
    return 0;
}

int spec_env(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    const struct conf *conf = b->conf;
    _cleanup_list_ struct berth_list env = LIST_INIT;
    bool proxies = o->http_proxy >= 0 ? o->http_proxy : conf->http_proxy;
    bool everything = o->env_host >= 0 ? o->env_host : conf->env_host;
    int r = spec_command(b, err);

    if (r < 0)
        return r;
    if (everything)
        env_all(&env);
    else if (conf->http_proxy)
        env_proxies(&env);
    for (size_t i = 0; i < conf->env.n; i++)
        env_put(&env, conf->env.items[i]);
    for (size_t i = 0; i < o->env_merge.n && r >= 0; i++)
        r = env_merge(&env, o->env_merge.items[i], err);
    for (size_t i = 0; i < o->unsetenv.n; i++)
        env_unset(&env, o->unsetenv.items[i]);
    if (o->unsetenv_all)
        list_free(&env);
    if (everything)
        env_all(&env);
    else if (proxies)
        env_proxies(&env);
    for (size_t i = 0; i < o->env_file.n && r >= 0; i++)
        r = env_file(&env, o->env_file.items[i], err);
    for (size_t i = 0; i < o->env.n && r >= 0; i++)
        r = env_word(&env, o->env.items[i], err);
    if (r < 0)
        return r;
    if (o->hostname && env_find(&env, "HOSTNAME", 8) < 0)
        list_addf(&env, "HOSTNAME=%s", o->hostname);
    if (env.error)
        return fail(err, ENOMEM, "out of memory");
    json_opt_list(b->process, "env", &env);
    return 0;
}

static int label_word(json *labels, const char *word, struct berth_error *err)
{
    _cleanup_free_ char *name = NULL;
    size_t len = strcspn(word, "=");

    if (len == 0)
        return fail(err, EINVAL, "unable to process labels: invalid label format: \"%s\"",
                    word);
    name = strndup(word, len);
    if (!name)
        return fail(err, ENOMEM, "out of memory");
    json_set_str(labels, name, word[len] ? word + len + 1 : "");
    return 0;
}

int spec_labels(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    _cleanup_json_ json *labels = json_new();
    int r = 0;

    for (size_t i = 0; i < o->label_file.n; i++) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;
        _cleanup_list_ struct berth_list lines = LIST_INIT;

        r = fs_read(o->label_file.items[i], 16 << 20, &text, NULL);
        if (r < 0)
            return spec_fail_errno(err, -r, "unable to process labels: open %s",
                                   o->label_file.items[i]);
        list_split(&lines, buf_str(&text), '\n', false);
        for (size_t j = 0; j < lines.n && r >= 0; j++) {
            char *line = lines.items[j] + strspn(lines.items[j], BLANKS);

            if (*line && *line != '#')
                r = label_word(labels, line, err);
        }
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < o->label.n && r >= 0; i++)
        r = label_word(labels, o->label.items[i], err);
    if (r < 0)
        return r;
    if (json_object_object_length(labels))
        json_set(b->config, "labels", spec_sorted(TAKE(labels)));
    return 0;
}
