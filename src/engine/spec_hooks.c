/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_hooks.c - programs that the host wants to have run at stages of every container's
 * life (oci-hooks(5), version 1.0.0).
 *
 * Stages of the runtime go into config.json.  "precreate" is run here and may change the
 * document; "poststop" is kept in the state for the cleanup.
 */
#include "base/proc.h"
#include "base/time.h"
#include "engine/spec_priv.h"
#include <dirent.h>
#include <regex.h>

#define HOOK_MAX     (1u << 20)
#define HOOK_SECONDS 3600

static const char *const runtime_stages[] = {
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart",
};

struct hook_file {
    char *name, *path;
};

struct hook_files {
    struct hook_file *files;
    size_t n;
};

static void files_free(struct hook_files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->files[i].name);
        free(f->files[i].path);
    }
    free(f->files);
}

/* Later directories replace files of the same name. */
static int files_add(struct hook_files *f, const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct hook_file *grown;

    if (!path)
        return -ENOMEM;
    for (size_t i = 0; i < f->n; i++) {
        if (str_eq(f->files[i].name, name)) {
            free(f->files[i].path);
            f->files[i].path = path;
            return 0;
        }
    }
    grown = reallocarray(f->files, f->n + 1, sizeof(*grown));
    if (!grown) {
        free(path);
        return -ENOMEM;
    }
    f->files = grown;
    f->files[f->n] = (struct hook_file){.name = strdup(name), .path = path};
    return f->files[f->n++].name ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
    const struct hook_file *x = a, *y = b;

    return strcasecmp(x->name, y->name);
}

static int files_find(const struct conf *conf, struct hook_files *f, struct berth_error *err)
{
    for (size_t i = 0; i < conf->hooks_dir.n; i++) {
        const char *dir = conf->hooks_dir.items[i];
        struct dirent *entry;
        DIR *d;
        int r = 0;

        d = opendir(dir);
        if (!d && (errno == ENOENT || errno == ENOTDIR))
            continue;
        if (!d)
            return spec_fail_errno(err, errno, "open %s", dir);
        while (r == 0 && (entry = readdir(d)))
            if (str_ends(entry->d_name, ".json"))
                r = files_add(f, dir, entry->d_name);
        closedir(d);
        if (r < 0)
            return fail(err, ENOMEM, "out of memory");
    }
    if (f->n)
        SORT(f->files, f->n, by_name);
    return 0;
}

/* 1: matches, 0: does not. */
static int matches(const char *pattern, const char *text, const char *file,
                   struct berth_error *err)
{
    regex_t compiled;
    int r;

    if (!pattern || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return fail(err, EINVAL, "hook %s: \"%s\" is no regular expression", file,
                    str_or(pattern, ""));
    r = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return r == 0;
}

static int annotation_holds(const struct spec_final *f, const char *key, const char *value,
                            const char *file, struct berth_error *err)
{
    json *all = spec_object(json_at(f->config, "spec", "annotations", NULL));

    if (!all)
        return 0;
    json_object_object_foreach (all, name, text) {
        int r = matches(key, name, file, err);

        if (r > 0)
            r = matches(value, str_or(json_object_get_string(text), ""), file, err);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Is the hook meant for this container? */
static int wanted(const struct spec_final *f, const json *when, const char *file,
                  struct berth_error *err)
{
    json *annotations = spec_object(json_get(when, "annotations"));
    const json *commands = json_get(when, "commands");
    const char *program = json_item_str(json_get(f->process, "args"), 0);
    bool binds = json_len(json_get(f->config, "userVolumes")) > 0;
    int held = 0;

    if (json_get(when, "always")) {
        if (!json_flag(when, "always", false))
            return 0;
        held++;
    }
    if (json_get(when, "hasBindMounts")) {
        if (json_flag(when, "hasBindMounts", false) != binds)
            return 0;
        held++;
    }
    if (annotations) {
        json_object_object_foreach (annotations, key, value) {
            int r = annotation_holds(f, key, json_object_get_string(value), file, err);

            if (r <= 0)
                return r;
            held++;
        }
    }
    for (size_t i = 0; i < json_len(commands); i++) {
        int r = matches(json_item_str(commands, i), str_or(program, ""), file, err);

        if (r != 0)
            return r;
    }
    return json_len(commands) ? 0 : held > 0;
}

/* One file: -EINVAL where it is not a hook. */
static int read_hook(const char *path, json **out, struct berth_error *err)
{
    _cleanup_json_ json *doc = NULL;
    const char *program, *version;
    int r = json_read_file(path, HOOK_MAX, &doc, err);

    if (r < 0)
        return error_wrap(err, "parsing hook \"%s\"", path);
    version = json_str(doc, "version");
    program = json_str(json_get(doc, "hook"), "path");
    if (!str_eq(version, "1.0.0"))
        return fail(err, EINVAL, "parsing hook \"%s\": unrecognized hook version: \"%s\"", path,
                    str_or(version, ""));
    if (str_empty(program) || *program != '/' || !fs_exists(program))
        return fail(err, EINVAL, "parsing hook \"%s\": stat %s: no such file or directory",
                    path, str_or(program, ""));
    if (json_len(json_get(doc, "stages")) == 0)
        return fail(err, EINVAL, "parsing hook \"%s\": missing required property: stages",
                    path);
    *out = TAKE(doc);
    return 0;
}

/* path, args, env, timeout: what an OCI hook has. */
static json *oci_hook(const json *hook)
{
    static const char *const members[] = {"path", "args", "env", "timeout"};
    json *out = json_new();

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_get(hook, members[i]))
            json_set(out, members[i], json_copy(json_get(hook, members[i])));
    return out;
}

/* Give config.json to a precreate hook and take what it prints. */
static int run_precreate(struct spec_final *f, const json *hook, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf in = BUF_INIT, out = BUF_INIT;
    _cleanup_list_ struct berth_list args = LIST_INIT, env = LIST_INIT;
    const char *path = json_str(hook, "path");
    int64_t seconds = json_i64(hook, "timeout", HOOK_SECONDS);
    struct berth_run run = {
        .size = sizeof(run),
        .flags = BERTH_RUN_STDERR_IS_ERROR,
        .output = &out,
        .netns_fd = -1,
    };
    json *changed = NULL;
    int r;

    json_to_list(json_get(hook, "args"), &args);
    if (args.n == 0)
        list_add(&args, path);
    else
        str_set(&args.items[0], path);
    json_to_list(json_get(hook, "env"), &env);
    json_write(f->spec, 0, &in);
    run.argv = (const char *const *)list_argv(&args);
    run.env = (const char *const *)list_argv(&env);
    run.input = buf_blob(&in);
    run.deadline = time_deadline((uint64_t)(seconds > 0 ? seconds : HOOK_SECONDS));
    r = proc_run(&run, err);
    if (r != 0)
        return r < 0 ? error_wrap(err, "executing precreate hook %s", path)
                     : fail(err, EIO, "executing precreate hook %s: exit status %d", path, r);
    r = json_parse_object(buf_blob(&out), path, &changed, err);
    if (r < 0)
        return error_wrap(err, "what precreate hook %s printed", path);
    json_object_put(f->spec);
    f->spec = changed;
    return 0;
}

static int apply(struct spec_final *f, const json *doc, struct berth_list *late, json *own,
                 struct berth_error *err)
{
    const json *stages = json_get(doc, "stages"), *hook = json_get(doc, "hook");

    json_need(f->spec, "hooks");
    for (size_t i = 0; i < ARRAY_LEN(runtime_stages); i++)
        if (json_has_str(stages, runtime_stages[i]))
            json_add(json_need_array(json_need(f->spec, "hooks"), runtime_stages[i]),
                     oci_hook(hook));
    if (json_has_str(stages, "poststop"))
        json_add(json_need_array(own, "poststop"), oci_hook(hook));
    if (json_has_str(stages, "precreate")) {
        _cleanup_buf_ struct berth_buf text = BUF_INIT;

        json_add(json_need_array(own, "precreate"), oci_hook(hook));
        json_write(hook, 0, &text);
        list_add(late, buf_str(&text));
    }
    return late->error ? fail(err, ENOMEM, "out of memory") : 0;
}

int spec_hooks(struct spec_final *f, struct berth_error *err)
{
    struct hook_files files = {0};
    _cleanup_list_ struct berth_list late = LIST_INIT;
    _cleanup_json_ json *own = json_new();
    int r = files_find(f->c->e->conf, &files, err);

    for (size_t i = 0; i < files.n && r >= 0; i++) {
        _cleanup_json_ json *doc = NULL;

        r = read_hook(files.files[i].path, &doc, err);
        if (r >= 0)
            r = wanted(f, json_get(doc, "when"), files.files[i].path, err);
        if (r > 0)
            r = apply(f, doc, &late, own, err);
    }
    files_free(&files);
    for (size_t i = 0; i < late.n && r >= 0; i++) {
        struct berth_blob text = {late.items[i], strlen(late.items[i])};
        _cleanup_json_ json *hook = NULL;

        r = json_parse_object(text, "hook", &hook, err);
        if (r >= 0)
            r = run_precreate(f, hook, err);
    }
    if (r < 0)
        return r;
    if (json_object_object_length(own))
        json_set(f->c->state, "extensionStageHooks", TAKE(own));
    else
        json_del(f->c->state, "extensionStageHooks");
    return 0;
}
