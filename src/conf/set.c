/* SPDX-License-Identifier: Apache-2.0 */
/* set.c - putting checked values into struct conf. */
#include "base/fs.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/private.h"

void loader_problem(struct loader *l, const char *origin, const char *fmt, ...)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    va_list ap;

    buf_printf(&text, "%s: ", origin);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (l->problems++ == 0)
        fail(l->err, EINVAL, "%s", buf_str(&text));
    if (l->all && list_add(l->all, buf_str(&text)) < 0)
        l->no_memory = true;
}

void loader_set_origin(struct loader *l, const struct conf_key *k, const char *origin)
{
    struct conf_private *p = l->c->private_;

    if (str_set(&p->origins[k - conf_keys], origin) < 0)
        l->no_memory = true;
}

static bool among(const char *words, const char *v)
{
    size_t n = strlen(v);

    for (const char *at = words; (at = strstr(at, v)); at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || !at[n]) && n > 0)
            return true;
    return false;
}

/* Is the text one that this key takes?  Says so if not. */
static bool accepted(struct loader *l, const struct conf_key *k, const char *v,
                     const char *origin)
{
    const char *wanted;

    if (k->choices && !among(k->choices, v)) {
        loader_problem(l, origin, "\"%s\" must be one of: %s; not \"%s\"", k->name, k->choices,
                       v);
        return false;
    }
    wanted = k->check ? k->check(v) : NULL;
    if (wanted)
        loader_problem(l, origin, "\"%s\" %s, not \"%s\"", k->name, wanted, v);
    return !wanted;
}

void loader_set_string(struct loader *l, const struct conf_key *k, const char *v,
                       const char *origin)
{
    char **member = conf_member(l->c, k), *copy;

    if (!*v && !k->keep_empty) {
        str_set(member, NULL);
        loader_set_origin(l, k, NULL);
        return;
    }
    if (!accepted(l, k, v, origin))
        return;
    if (k->type == CONF_PATH && *v != '/') {
        loader_problem(l, origin, "\"%s\" must be an absolute path, not \"%s\"", k->name, v);
        return;
    }
    copy = k->type == CONF_PATH ? path_clean(v) : strdup(v);
    if (!copy)
        l->no_memory = true;
    free(*member);
    *member = copy;
    loader_set_origin(l, k, origin);
}

void loader_set_bool(struct loader *l, const struct conf_key *k, bool v, const char *origin)
{
    *(bool *)conf_member(l->c, k) = v;
    loader_set_origin(l, k, origin);
}

void loader_set_number(struct loader *l, const struct conf_key *k, int64_t v,
                       const char *origin)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)v);
    if (k->check && !accepted(l, k, text, origin))
        return;
    if (v < k->min || v > k->max) {
        if (k->max == INT64_MAX)
            loader_problem(l, origin, "\"%s\" must be %lld or more, not %lld", k->name,
                           (long long)k->min, (long long)v);
        else
            loader_problem(l, origin, "\"%s\" must be a number from %lld to %lld, not %lld",
                           k->name, (long long)k->min, (long long)k->max, (long long)v);
        return;
    }
    if (k->type == CONF_UINT)
        *(uint32_t *)conf_member(l->c, k) = (uint32_t)v;
    else
        *(int64_t *)conf_member(l->c, k) = v;
    loader_set_origin(l, k, origin);
}

void loader_set_list(struct loader *l, const struct conf_key *k, struct berth_list *v,
                     const char *origin)
{
    struct berth_list *member = conf_member(l->c, k);
    bool ok = true;

    for (size_t i = 0; i < v->n; i++)
        ok = accepted(l, k, v->items[i], origin) && ok;
    if (!ok)
        return;
    if (v->error)
        l->no_memory = true;
    list_free(member);
    *member = *v;
    *v = LIST_INIT;
    loader_set_origin(l, k, origin);
}

static void add_item(struct loader *l, const struct conf_key *k, const char *text, bool add,
                     const char *origin)
{
    _cleanup_list_ struct berth_list items = LIST_INIT;

    if (add)
        list_addv(&items, (const char *const *)list_argv(conf_member(l->c, k)));
    if (*text)
        list_add(&items, text);
    loader_set_list(l, k, &items, origin);
}

void loader_set_text(struct loader *l, const struct conf_key *k, const char *text, bool add,
                     const char *origin)
{
    _cleanup_free_ char *path = NULL;
    int64_t number;
    bool flag;

    switch (k->type) {
    case CONF_PATH:
        /* Relative to where the user is; files have no such place. */
        if (*text && !(path = path_absolute(text)))
            l->no_memory = true;
        loader_set_string(l, k, path ? path : text, origin);
        return;
    case CONF_STRING:
        loader_set_string(l, k, text, origin);
        return;
    case CONF_LIST:
        add_item(l, k, text, add, origin);
        return;
    case CONF_BOOL:
        if (check_bool(text, &flag) == 0)
            loader_set_bool(l, k, flag, origin);
        else
            loader_problem(l, origin, "\"%s\" must be true or false, not \"%s\"", k->name,
                           text);
        return;
    case CONF_SIZE:
        if (check_size(text, &number) == 0)
            loader_set_number(l, k, number, origin);
        else
            loader_problem(l, origin, "\"%s\" must be a size like \"64k\", not \"%s\"", k->name,
                           text);
        return;
    case CONF_INT:
    case CONF_UINT:
        if (str_to_i64(text, &number) == 0)
            loader_set_number(l, k, number, origin);
        else
            loader_problem(l, origin, "\"%s\" must be a number, not \"%s\"", k->name, text);
        return;
    case CONF_RUNTIMES:
    case CONF_TABLE:
        break;
    }
    loader_problem(l, origin, "\"%s\" can be set in files only", k->name);
}

int conf_set_runtime(struct conf *c, const char *name, const char *plugin,
                     const struct berth_list *paths)
{
    struct conf_runtime *r = NULL;

    for (size_t i = 0; i < c->n_runtimes; i++)
        if (strcmp(c->runtimes[i].name, name) == 0)
            r = &c->runtimes[i];
    if (!r) {
        struct conf_runtime *all = reallocarray(c->runtimes, c->n_runtimes + 1, sizeof(*all));

        if (!all)
            return -ENOMEM;
        c->runtimes = all;
        r = &all[c->n_runtimes];
        *r = (struct conf_runtime){.name = strdup(name)};
        if (!r->name)
            return -ENOMEM;
        c->n_runtimes++;
    }
    if (plugin && str_set(&r->plugin, plugin) < 0)
        return -ENOMEM;
    if (!paths)
        return 0;
    list_free(&r->paths);
    return list_addv(&r->paths, (const char *const *)list_argv(paths));
}
