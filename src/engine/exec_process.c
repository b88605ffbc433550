/* SPDX-License-Identifier: Apache-2.0 */
/* exec_process.c - see exec_process.h. */
#include "engine/exec_process.h"
#include "base/str.h"
#include "engine/spec_priv.h"

/* Value of NAME in a list of NAME=value, or NULL. */
static const char *env_value(const json *env, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < json_len(env); i++) {
        const char *item = json_item_str(env, i);

        if (item && strncmp(item, name, n) == 0 && item[n] == '=')
            return item + n + 1;
    }
    return NULL;
}

/* Put NAME=value in the place of what NAME had. */
static void env_put(json *env, const char *pair)
{
    size_t n = strcspn(pair, "=") + 1;

    for (size_t i = 0; i < json_len(env); i++) {
        const char *item = json_item_str(env, i);

        if (item && strncmp(item, pair, n) == 0) {
            json_object_array_put_idx(env, i, json_new_str(pair));
            return;
        }
    }
    json_add_str(env, pair);
}

static int set_user(struct ctr *c, const struct exec_options *o, json *process,
                    struct spec_user *user, struct berth_error *err)
{
    const char *own = json_str(c->config, "user");
    const char *text = str_empty(o->user) ? own : o->user;
    const char *root = json_str(c->state, "mountPoint");
    json *member, *groups;
    int r;

    r = spec_user_lookup(
        str_or(root, "/"), json_str(json_get(c->state, "bindMounts"), "/etc/passwd"),
        json_str(json_get(c->state, "bindMounts"), "/etc/group"), str_or(text, ""), user, err);
    if (r < 0 || str_empty(text))
        return r;
    member = json_new();
    groups = json_new_array();
    json_set_i64(member, "uid", user->uid);
    json_set_i64(member, "gid", user->gid);
    for (size_t i = 0; i < user->n_groups; i++)
        json_add(groups, json_new_i64(user->groups[i]));
    if (json_len(groups))
        json_set(member, "additionalGids", groups);
    else
        json_object_put(groups);
    json_set(process, "user", member);
    return 0;
}

static void set_env(json *process, const struct exec_options *o, const struct spec_user *user)
{
    json *env = json_need_array(process, "env");

    for (size_t i = 0; i < o->env.n; i++)
        env_put(env, o->env.items[i]);
    if (!env_value(env, "HOME")) {
        _cleanup_free_ char *home = str_printf("HOME=%s", str_or(user->home, "/"));

        env_put(env, home);
    }
}

/* The capabilities that podman gives: spec conmon §15. */
static int set_caps(struct ctr *c, const struct exec_options *o, json *process, uint32_t uid,
                    struct berth_error *err)
{
    static const char *const all[] = {"effective", "permitted", "inheritable", "ambient"};
    json *caps = json_need(process, "capabilities");
    json *bounding = json_get(caps, "bounding");
    const char *own = json_str(c->config, "user");
    int r = 0;

    if (o->privileged) {
        _cleanup_list_ struct berth_list ours = LIST_INIT;

        r = spec_own_caps(&ours, err);
        if (r < 0)
            return r;
        json_set_list(caps, "bounding", &ours);
        bounding = json_get(caps, "bounding");
    }
    json_del(caps, "inheritable");
    if (uid == 0) {
        json_set(caps, "effective", json_copy(bounding));
        json_set(caps, "permitted", json_copy(bounding));
    } else if (str_eq(str_or(o->user, own), own)) {
        json *effective = json_copy(json_get(caps, "effective"));

        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            json_set(caps, all[i], json_copy(effective));
        json_putp(&effective);
    }
    return 0;
}

int exec_process(struct ctr *c, const struct exec_options *o, struct berth_buf *out,
                 struct berth_error *err)
{
    _cleanup_(spec_user_free) struct spec_user user = {0};
    _cleanup_json_ json *process = json_copy(json_at(c->config, "spec", "process", NULL));
    int r;

    if (!process)
        return fail(err, EUCLEAN, "the record of container %s has no process", c->id);
    r = set_user(c, o, process, &user, err);
    if (r < 0)
        return r;
    json_set_list(process, "args", &o->command);
    json_opt_bool(process, "terminal", o->terminal);
    set_env(process, o, &user);
    if (!str_empty(o->cwd))
        json_set_str(process, "cwd", o->cwd);
    json_opt_str(process, "selinuxLabel", json_str(c->config, "ProcessLabel"));
    r = set_caps(c, o, process, user.uid, err);
    if (r < 0)
        return r;
    return json_write(process, 0, out) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
}
