/* SPDX-License-Identifier: Apache-2.0 */
/* instance.c - options of one plugin instance, checked against what the plugin declares. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/private.h"

struct value {
    char *name;
    bool set;
    char *string; /* STRING and PATH; NULL: nobody set it */
    int64_t number;
};

/* What plugins know as struct berth_config. */
struct berth_config {
    size_t n;
    struct value values[];
};

/* Options lie `stride` bytes apart, which need not be our size of the struct. */
static const struct berth_option *option_at(const struct berth_option *options, size_t stride,
                                            size_t i)
{
    return (const struct berth_option *)((const char *)options + i * stride);
}

static const char *type_wanted(uint32_t type)
{
    switch (type) {
    case BERTH_OPTION_STRING:
        return "text";
    case BERTH_OPTION_PATH:
        return "a path";
    case BERTH_OPTION_INT:
        return "a number";
    case BERTH_OPTION_SIZE:
        return "a number of bytes or a size like \"64M\"";
    case BERTH_OPTION_BOOL:
        return "true or false";
    default:
        return "a number of seconds or a time like \"5min\"";
    }
}

/* Set from text: presets, command lines and strings of the file.  -EINVAL, -ENOMEM. */
static int set_text(struct value *v, uint32_t type, const char *text)
{
    int64_t number = 0;
    bool flag = false;
    char *copy = NULL;
    int r = 0;

    switch (type) {
    case BERTH_OPTION_STRING:
        copy = strdup(text);
        break;
    case BERTH_OPTION_PATH:
        if (!*text)
            return -EINVAL;
        copy = path_absolute(text);
        break;
    case BERTH_OPTION_INT:
        r = str_to_i64(text, &number);
        break;
    case BERTH_OPTION_SIZE:
        r = str_to_size(text, &number);
        break;
    case BERTH_OPTION_BOOL:
        r = check_bool(text, &flag);
        number = flag;
        break;
    case BERTH_OPTION_TIME:
        r = check_time(text, &number);
        break;
    default:
        r = -EINVAL;
    }
    if (r < 0)
        return -EINVAL;
    if ((type == BERTH_OPTION_STRING || type == BERTH_OPTION_PATH) && !copy)
        return -ENOMEM;
    free(v->string);
    v->string = copy;
    v->number = number;
    v->set = true;
    return 0;
}

/* Set from the file, where numbers and truth values have types of their own. */
static int set_entry(struct value *v, uint32_t type, const struct conf_entry *e)
{
    int64_t number = e->number;

    if (e->type == ENTRY_STRING)
        return type == BERTH_OPTION_INT || type == BERTH_OPTION_BOOL
                   ? -EINVAL
                   : set_text(v, type, e->text);
    if (e->type == ENTRY_BOOL && type != BERTH_OPTION_BOOL)
        return -EINVAL;
    if (e->type == ENTRY_INT) {
        if (type == BERTH_OPTION_TIME &&
            (number < 0 || __builtin_mul_overflow(number, 1000000000LL, &number)))
            return -EINVAL;
        if (type == BERTH_OPTION_SIZE && number < 0)
            return -EINVAL;
        if (type != BERTH_OPTION_INT && type != BERTH_OPTION_SIZE && type != BERTH_OPTION_TIME)
            return -EINVAL;
    }
    v->number = number;
    v->set = true;
    return 0;
}

static int find(const struct berth_option *options, size_t n, size_t stride, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(option_at(options, stride, i)->name, name) == 0)
            return (int)i;
    return -1;
}

/* "unknown option "x" in state_y (did you mean "z"?; known: a, z)" */
static void unknown(struct loader *l, const char *section, const struct berth_option *options,
                    size_t n, size_t stride, const char *name, const char *origin)
{
    _cleanup_list_ struct berth_list known = LIST_INIT;
    _cleanup_free_ char *joined = NULL;
    const char *near;

    for (size_t i = 0; i < n; i++)
        list_add(&known, option_at(options, stride, i)->name);
    joined = list_join(&known, ", ");
    near = str_nearest(name, (const char *const *)list_argv(&known));
    if (n == 0)
        loader_problem(l, origin, "unknown option \"%s\" in %s, which has none", name, section);
    else if (near)
        loader_problem(l, origin,
                       "unknown option \"%s\" in %s (did you mean \"%s\"? known: %s)", name,
                       section, near, str_or(joined, near));
    else
        loader_problem(l, origin, "unknown option \"%s\" in %s (known: %s)", name, section,
                       str_or(joined, "?"));
}

static void result(struct loader *l, int r, const char *section, const struct berth_option *o,
                   const char *text, const char *origin)
{
    if (r == -ENOMEM)
        l->no_memory = true;
    else if (r < 0)
        loader_problem(l, origin, "\"%s\" in %s must be %s, not \"%s\"", o->name, section,
                       type_wanted(o->type), text);
    else if (o->flags & BERTH_OPTION_DEPRECATED)
        log_warning("%s: option \"%s\" of %s is deprecated", origin, o->name, section);
}

/* Set what the command line says, or what the engine suggests (`hints`). */
static void override(struct loader *l, const char *section, const struct berth_option *options,
                     size_t n, size_t stride, const struct conf_override *overrides,
                     size_t n_overrides, bool hints, struct berth_config *cfg)
{
    static const char origin[] = "command line";

    for (size_t i = 0; i < n_overrides; i++) {
        const struct conf_override *with = &overrides[i];
        int at = find(options, n, stride, with->key);
        const struct berth_option *o = at < 0 ? NULL : option_at(options, stride, (size_t)at);

        if (with->hint != hints || (!o && hints))
            continue;
        if (o)
            result(l, set_text(&cfg->values[at], o->type, with->value), section, o, with->value,
                   origin);
        else
            unknown(l, section, options, n, stride, with->key, origin);
    }
}

static void gather(struct loader *l, const char *section, const struct berth_option *options,
                   size_t n, size_t stride, const struct conf_override *overrides,
                   size_t n_overrides, struct berth_config *cfg)
{
    const struct conf_section *s = l->c ? conf_section_find(l->c, section) : NULL;

    for (size_t i = 0; i < n; i++) {
        const struct berth_option *o = option_at(options, stride, i);

        if (o->preset && set_text(&cfg->values[i], o->type, o->preset) < 0)
            loader_problem(l, section, "the plugin's own default of \"%s\", \"%s\", is not %s",
                           o->name, o->preset, type_wanted(o->type));
        cfg->values[i].set = o->preset != NULL;
    }
    override(l, section, options, n, stride, overrides, n_overrides, true, cfg);
    for (size_t i = 0; s && i < s->n; i++) {
        const struct conf_entry *e = &s->entries[i];
        int at = find(options, n, stride, e->key);

        if (at < 0 && strcmp(e->key, "plugin") == 0)
            continue;
        if (at < 0)
            unknown(l, section, options, n, stride, e->key, e->origin);
        else
            result(l,
                   set_entry(&cfg->values[at], option_at(options, stride, (size_t)at)->type, e),
                   section, option_at(options, stride, (size_t)at), e->text, e->origin);
    }
    override(l, section, options, n, stride, overrides, n_overrides, false, cfg);
    for (size_t i = 0; i < n; i++)
        if (!cfg->values[i].set && option_at(options, stride, i)->flags & BERTH_OPTION_REQUIRED)
            loader_problem(l, s ? s->origin : section, "option \"%s\" of %s is required",
                           option_at(options, stride, i)->name, section);
}

static int make(struct loader *l, const char *section, const struct berth_option *options,
                size_t n, size_t stride, const struct conf_override *overrides,
                size_t n_overrides, struct berth_config **out)
{
    struct berth_config *cfg = calloc(1, sizeof(*cfg) + n * sizeof(cfg->values[0]));

    if (!cfg)
        return fail(l->err, ENOMEM, "out of memory");
    cfg->n = n;
    for (size_t i = 0; i < n; i++)
        if (!(cfg->values[i].name = strdup(option_at(options, stride, i)->name))) {
            conf_instance_free(cfg);
            return fail(l->err, ENOMEM, "out of memory");
        }
    gather(l, section, options, n, stride, overrides, n_overrides, cfg);
    if (l->problems || l->no_memory) {
        conf_instance_free(cfg);
        return l->problems ? -EINVAL : fail(l->err, ENOMEM, "out of memory");
    }
    *out = cfg;
    return 0;
}

int conf_instance(const struct conf *c, const char *section, const struct berth_option *options,
                  size_t n_options, size_t option_size, const struct conf_override *overrides,
                  size_t n_overrides, struct berth_config **out, struct berth_error *err)
{
    struct loader l = {.c = (struct conf *)(uintptr_t)c, .err = err};

    return make(&l, section, options, n_options, option_size, overrides, n_overrides, out);
}

int conf_instance_check(const struct conf *c, const char *section,
                        const struct berth_option *options, size_t n_options,
                        size_t option_size, struct berth_list *all, struct berth_error *err)
{
    struct loader l = {.c = (struct conf *)(uintptr_t)c, .err = err, .all = all};
    struct berth_config *cfg = NULL;
    int r = make(&l, section, options, n_options, option_size, NULL, 0, &cfg);

    conf_instance_free(cfg);
    return r;
}

void conf_instance_free(struct berth_config *cfg)
{
    if (!cfg)
        return;
    for (size_t i = 0; i < cfg->n; i++) {
        free(cfg->values[i].name);
        free(cfg->values[i].string);
    }
    free(cfg);
}

static const struct value *value_of(const struct berth_config *cfg, const char *name)
{
    for (size_t i = 0; cfg && i < cfg->n; i++)
        if (strcmp(cfg->values[i].name, name) == 0)
            return &cfg->values[i];
    return NULL;
}

const char *conf_instance_string(const struct berth_config *cfg, const char *name)
{
    const struct value *v = value_of(cfg, name);

    return v ? v->string : NULL;
}

int64_t conf_instance_int(const struct berth_config *cfg, const char *name)
{
    const struct value *v = value_of(cfg, name);

    return v ? v->number : 0;
}

int conf_instance_bool(const struct berth_config *cfg, const char *name)
{
    return conf_instance_int(cfg, name) != 0;
}
