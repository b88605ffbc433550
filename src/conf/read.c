/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - one file of the configuration, by way of libconfig. */
#include "base/fs.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/private.h"

#define FILE_MAX (1u << 20)

static const char *const kinds[] = {"state_", "lock_", "oci_", "net_"};

static bool names_section(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *rest = str_starts(name, kinds[i]);

        if (rest)
            return *rest != '\0';
    }
    return false;
}

static char *origin_of(const config_setting_t *s, const char *path)
{
    const char *file = config_setting_source_file(s);

    return str_printf("%s:%u", file ? file : path, (unsigned)config_setting_source_line(s));
}

/* What a setting is, for messages. */
static const char *type_name(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST:
        return "a list";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_STRING:
        return "text";
    case CONFIG_TYPE_FLOAT:
        return "a fraction";
    default:
        return "a number";
    }
}

static bool whole_number(const config_setting_t *s)
{
    int type = config_setting_type(s);

    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static void wrong_type(struct loader *l, const char *origin, const char *name,
                       const char *wanted, const config_setting_t *s)
{
    loader_problem(l, origin, "\"%s\" must be %s, not %s", name, wanted, type_name(s));
}

/* The strings of a list or an array; says so and gives false where there is something
 * else. */
static bool read_list(struct loader *l, const char *name, config_setting_t *s,
                      const char *origin, struct berth_list *out)
{
    if (config_setting_type(s) != CONFIG_TYPE_ARRAY &&
        config_setting_type(s) != CONFIG_TYPE_LIST) {
        wrong_type(l, origin, name, "a list of texts", s);
        return false;
    }
    for (int i = 0; i < config_setting_length(s); i++) {
        config_setting_t *item = config_setting_get_elem(s, (unsigned)i);

        if (config_setting_type(item) != CONFIG_TYPE_STRING) {
            loader_problem(l, origin, "\"%s\" must be a list of texts, item %d is %s", name,
                           i + 1, type_name(item));
            return false;
        }
        list_add(out, config_setting_get_string(item));
    }
    return true;
}

static void read_runtimes(struct loader *l, config_setting_t *group, const char *path,
                          const char *origin)
{
    if (!config_setting_is_group(group)) {
        wrong_type(l, origin, "runtimes", "a group", group);
        return;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        _cleanup_free_ char *where = origin_of(s, path);
        _cleanup_list_ struct berth_list paths = LIST_INIT;

        if (config_setting_type(s) == CONFIG_TYPE_STRING)
            list_add(&paths, config_setting_get_string(s));
        else if (!read_list(l, config_setting_name(s), s, str_or(where, path), &paths))
            continue;
        if (conf_set_runtime(l->c, config_setting_name(s), NULL, &paths) < 0)
            l->no_memory = true;
    }
    loader_set_origin(l, &conf_keys[conf_key_index("runtimes")], origin);
}

static void read_table(struct loader *l, const struct conf_key *k, config_setting_t *group,
                       const char *path, const char *origin)
{
    struct berth_list *list = conf_member(l->c, k);

    if (!config_setting_is_group(group)) {
        wrong_type(l, origin, k->name, "a group", group);
        return;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(s);
        _cleanup_free_ char *where = origin_of(s, path);

        if (config_setting_type(s) != CONFIG_TYPE_STRING) {
            wrong_type(l, str_or(where, path), name, "text", s);
            continue;
        }
        /* A later file replaces what an earlier one said of the same name. */
        for (size_t j = 0; j < list->n; j++)
            if (strncmp(list->items[j], name, strlen(name)) == 0 &&
                list->items[j][strlen(name)] == '=')
                list_drop(list, j--);
        if (list_addf(list, "%s=%s", name, config_setting_get_string(s)) < 0)
            l->no_memory = true;
    }
    loader_set_origin(l, k, origin);
}

static void read_key(struct loader *l, const struct conf_key *k, config_setting_t *s,
                     const char *path, const char *origin)
{
    _cleanup_list_ struct berth_list items = LIST_INIT;
    int type = config_setting_type(s);

    switch (k->type) {
    case CONF_STRING:
    case CONF_PATH:
        if (type == CONFIG_TYPE_STRING)
            loader_set_string(l, k, config_setting_get_string(s), origin);
        else
            wrong_type(l, origin, k->name, "text", s);
        break;
    case CONF_BOOL:
        if (type == CONFIG_TYPE_BOOL)
            loader_set_bool(l, k, config_setting_get_bool(s), origin);
        else
            wrong_type(l, origin, k->name, "true or false", s);
        break;
    case CONF_SIZE:
        if (type == CONFIG_TYPE_STRING)
            loader_set_text(l, k, config_setting_get_string(s), false, origin);
        else if (whole_number(s))
            loader_set_number(l, k, config_setting_get_int64(s), origin);
        else
            wrong_type(l, origin, k->name, "a number or a size like \"64k\"", s);
        break;
    case CONF_INT:
    case CONF_UINT:
        if (whole_number(s))
            loader_set_number(l, k, config_setting_get_int64(s), origin);
        else
            wrong_type(l, origin, k->name, "a number", s);
        break;
    case CONF_LIST:
        if (read_list(l, k->name, s, origin, &items))
            loader_set_list(l, k, &items, origin);
        break;
    case CONF_TABLE:
        read_table(l, k, s, path, origin);
        return;
    case CONF_RUNTIMES:
        read_runtimes(l, s, path, origin);
        break;
    }
}

static void unknown_key(struct loader *l, const char *name, const char *origin)
{
    const char *words[160], *near;
    size_t n = 0;

    while (conf_keys[n].name && n + 1 < ARRAY_LEN(words)) {
        words[n] = conf_keys[n].name;
        n++;
    }
    words[n] = NULL;
    near = str_nearest(name, words);
    if (near)
        loader_problem(l, origin, "unknown key \"%s\" (did you mean \"%s\"?)", name, near);
    else
        loader_problem(l, origin, "unknown key \"%s\"", name);
}

static struct conf_section *section_of(struct loader *l, const char *name, const char *origin)
{
    struct conf_section *found = conf_section_find(l->c, name);
    struct conf_private *p = l->c->private_;

    if (found)
        return found;
    found = reallocarray(p->sections, p->n_sections + 1, sizeof(*found));
    if (!found)
        return NULL;
    p->sections = found;
    found += p->n_sections;
    *found = (struct conf_section){.name = strdup(name), .origin = strdup(origin)};
    if (!found->name || !found->origin) {
        free(found->name);
        free(found->origin);
        return NULL;
    }
    p->n_sections++;
    return found;
}

static struct conf_entry *entry_of(struct conf_section *section, const char *key)
{
    struct conf_entry *e;

    for (size_t i = 0; i < section->n; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return &section->entries[i];
    e = reallocarray(section->entries, section->n + 1, sizeof(*e));
    if (!e)
        return NULL;
    section->entries = e;
    e += section->n;
    *e = (struct conf_entry){.key = strdup(key)};
    if (!e->key)
        return NULL;
    section->n++;
    return e;
}

static void read_entry(struct loader *l, struct conf_section *section, config_setting_t *s,
                       const char *origin)
{
    struct conf_entry *e = entry_of(section, config_setting_name(s));
    char number[24];
    const char *text;

    if (!e) {
        l->no_memory = true;
        return;
    }
    if (config_setting_type(s) == CONFIG_TYPE_STRING) {
        e->type = ENTRY_STRING;
        text = config_setting_get_string(s);
    } else if (config_setting_type(s) == CONFIG_TYPE_BOOL) {
        e->type = ENTRY_BOOL;
        e->number = config_setting_get_bool(s) != 0;
        text = e->number ? "true" : "false";
    } else {
        e->type = ENTRY_INT;
        e->number = config_setting_get_int64(s);
        snprintf(number, sizeof(number), "%lld", (long long)e->number);
        text = number;
    }
    if (str_set(&e->text, text) < 0 || str_set(&e->origin, origin) < 0)
        l->no_memory = true;
}

static void read_section(struct loader *l, config_setting_t *group, const char *path,
                         const char *origin)
{
    const char *name = config_setting_name(group);

    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        _cleanup_free_ char *where = origin_of(s, path);
        int type = config_setting_type(s);
        struct conf_section *section;

        if (type != CONFIG_TYPE_STRING && type != CONFIG_TYPE_BOOL && !whole_number(s)) {
            loader_problem(l, str_or(where, path),
                           "\"%s\" in %s must be text, a number, or true or false; not %s",
                           config_setting_name(s), name, type_name(s));
            continue;
        }
        section = section_of(l, name, origin);
        if (section)
            read_entry(l, section, s, str_or(where, path));
        else
            l->no_memory = true;
    }
}

static void read_setting(struct loader *l, config_setting_t *s, const char *path)
{
    _cleanup_free_ char *where = origin_of(s, path);
    const char *name = config_setting_name(s), *origin = str_or(where, path);
    int index = conf_key_index(name);

    if (index >= 0)
        read_key(l, &conf_keys[index], s, path, origin);
    else if (!config_setting_is_group(s))
        unknown_key(l, name, origin);
    else if (names_section(name))
        read_section(l, s, path, origin);
    else
        loader_problem(l, origin,
                       "unknown section \"%s\" (options of a plugin go into a section named "
                       "after it, like state_%s)",
                       name, BERTH_DEFAULT_STATE);
}

/* Includes are relative to the file that has them. */
static void set_include_dir(config_t *config, const char *path)
{
    _cleanup_free_ char *dir = strdup(path);
    char *slash = dir ? strrchr(dir, '/') : NULL;

    if (slash) {
        slash[slash == dir] = '\0';
        config_set_include_dir(config, dir);
    }
}

void loader_read_text(struct loader *l, const char *path, const char *text, size_t len)
{
    config_t config;

    if (strlen(text) != len) {
        loader_problem(l, path, "is no text: it has NUL bytes");
        return;
    }
    config_init(&config);
    set_include_dir(&config, path);
    if (config_read_string(&config, text) == CONFIG_TRUE) {
        config_setting_t *root = config_root_setting(&config);

        for (int i = 0; i < config_setting_length(root); i++)
            read_setting(l, config_setting_get_elem(root, (unsigned)i), path);
    } else {
        const char *file = config_error_file(&config);
        _cleanup_free_ char *where =
            str_printf("%s:%d", file ? file : path, config_error_line(&config));

        loader_problem(l, str_or(where, path), "%s", config_error_text(&config));
    }
    config_destroy(&config);
}

void loader_read(struct loader *l, const char *path, bool needed)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    int r;

    r = fs_read(path, FILE_MAX, &text, &why);
    if (r == -ENOENT && !needed)
        return;
    if (r < 0) {
        loader_problem(l, path, "cannot be read: %s",
                       r == -EFBIG ? "it is too large" : strerror(-r));
        return;
    }
    loader_read_text(l, path, buf_str(&text), text.len);
}
