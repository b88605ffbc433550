/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - see import.h. */
#include "conf/import.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "conf/keys.h"
#include <fcntl.h>

/* Keys that have another name here.  Those that are not listed keep theirs. */
static const struct {
    const char *theirs, *ours;
} renamed[] = {
    {"runtime", "OCIRuntime"},
    {"lock_type", "LockType"},
    {"database_backend", "StateType"},
    {"network_backend", "NetworkBackend"},
    {"cni_config_dir", "network_config_dir"},
    {"cni_default_network", "default_network"},
    {"max_log_size", "log_size_max"},
    {"seccomp_profile", "seccomp_profile"},
    {"remove", NULL},
};

/* Values that are called otherwise here. */
static const struct {
    const char *key, *theirs, *ours;
} values[] = {
    {"StateType", "bolt", "boltdb"},
};

struct import {
    struct berth_list lines; /* one setting each, "key = value;" */
    struct berth_list *lost;
    const char *table; /* that is being read; "": the top */
};

static const char *our_name(const char *key)
{
    for (size_t i = 0; renamed[i].ours; i++)
        if (str_eq(renamed[i].theirs, key))
            return renamed[i].ours;
    return key;
}

static void put_string(struct berth_buf *b, const char *s)
{
    buf_putc(b, '"');
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;

        if (ch == '"' || ch == '\\')
            buf_printf(b, "\\%c", ch);
        else if (ch < 0x20 || ch == 0x7f)
            buf_printf(b, "\\x%02x", ch);
        else
            buf_putc(b, (char)ch);
    }
    buf_putc(b, '"');
}

/* What kind of value it is is left to the reader of berth.conf, which says what it wants. */
static bool put_value(struct berth_buf *b, const char *key, json *v)
{
    int64_t n;

    switch (json_object_get_type(v)) {
    case json_type_string: {
        const char *s = json_object_get_string(v);

        for (size_t i = 0; i < ARRAY_LEN(values); i++)
            if (str_eq(values[i].key, key) && str_eq(values[i].theirs, s))
                s = values[i].ours;
        put_string(b, s);
        return true;
    }
    case json_type_boolean:
        buf_puts(b, json_object_get_boolean(v) ? "true" : "false");
        return true;
    case json_type_int:
        n = json_object_get_int64(v);
        buf_printf(b, n < INT32_MIN || n > INT32_MAX ? "%lldL" : "%lld", (long long)n);
        return true;
    case json_type_array:
        buf_putc(b, '[');
        for (size_t i = 0; i < json_len(v); i++) {
            if (!json_item_str(v, i))
                return false;
            buf_puts(b, i ? ", " : " ");
            put_string(b, json_item_str(v, i));
        }
        buf_puts(b, " ]");
        return true;
    default:
        return false;
    }
}

static void lose(struct import *im, const char *key, const char *why)
{
    if (*im->table)
        list_addf(im->lost, "[%s] %s: %s", im->table, key, why);
    else
        list_addf(im->lost, "%s: %s", key, why);
}

/* A name that libconfig takes as one. */
static bool is_plain(const char *s)
{
    return *s &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               strlen(s) &&
           !(*s >= '0' && *s <= '9') && *s != '-' && *s != '_';
}

static void add_names(struct import *im, const char *key, json *table)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    size_t n = 0;

    buf_printf(&text, "%s = {", key);
    json_object_object_foreach (table, name, paths) {
        _cleanup_buf_ struct berth_buf value = BUF_INIT;

        if (!is_plain(name) || !put_value(&value, key, paths)) {
            lose(im, name, "no name or value that berth.conf can have");
            continue;
        }
        buf_printf(&text, " %s = %s;", name, buf_str(&value));
        n++;
    }
    buf_puts(&text, " };");
    if (n)
        list_add(&im->lines, buf_str(&text));
}

static void add_key(struct import *im, const char *key, json *value)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *name = our_name(key);

    if ((str_eq(name, "runtimes") || str_eq(name, "volume_plugins")) &&
        json_object_is_type(value, json_type_object)) {
        add_names(im, name, value);
        return;
    }
    if (conf_key_index(name) < 0) {
        lose(im, key, "berth has no such setting");
        return;
    }
    if (!put_value(&text, name, value)) {
        lose(im, key, "a value of this kind has no place in berth.conf");
        return;
    }
    list_addf(&im->lines, "%s = %s;", name, buf_str(&text));
}

static void add_table(struct import *im, const char *name, json *table)
{
    static const char *const known[] = {"", "containers", "engine", "network", "libpod"};
    bool useful = false;

    im->table = name;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        useful |= str_eq(known[i], name);
    json_object_object_foreach (table, key, value) {
        if (!*name && json_object_is_type(value, json_type_object) &&
            !str_eq(key, "runtimes")) {
            add_table(im, key, value);
            im->table = name;
        } else if (useful) {
            add_key(im, key, value);
        } else {
            lose(im, key, "berth has no such table");
        }
    }
}

/* ------------------------------------------------------------------ checking */

static int write_lines(int fd, const struct import *im, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r;

    for (size_t i = 0; i < im->lines.n; i++)
        buf_printf(&text, "%s\n", im->lines.items[i]);
    if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return fail_errno(err, errno, "writing the draft of berth.conf");
    r = fs_write_fd(fd, buf_str(&text), text.len);
    return r < 0 ? fail_errno(err, -r, "writing the draft of berth.conf") : 0;
}

/* Take out the lines that the reader of berth.conf refuses: problems are "path:line: why".
 * How many those were. */
static size_t drop_wrong(struct import *im, const char *path, const struct berth_list *problems)
{
    size_t n = 0;

    for (size_t i = problems->n; i-- > 0;) {
        const char *rest = str_starts(problems->items[i], path), *why;
        size_t line = rest && *rest == ':' ? strtoul(rest + 1, NULL, 10) : 0;

        if (line == 0 || line > im->lines.n || !*im->lines.items[line - 1])
            continue;
        why = strstr(rest + 1, ": ");
        list_addf(im->lost, "%s: %s", im->lines.items[line - 1], why ? why + 2 : rest);
        *im->lines.items[line - 1] = '\0';
        n++;
    }
    return n;
}

/* Let the reader have a look at the lines that are left.  1: it was content; 0: some were
 * taken out, and others may come to light behind them. */
static int check_once(struct import *im, int fd, const char *path, struct berth_error *err)
{
    _cleanup_list_ struct berth_list problems = LIST_INIT;
    _cleanup_error_ struct berth_error first = ERROR_INIT;
    _cleanup_conf_ struct conf *c = NULL;
    int r = write_lines(fd, im, err);

    if (r < 0)
        return r;
    r = conf_examine(path, NULL, 0, &c, &problems, &first);
    if (drop_wrong(im, path, &problems) > 0)
        return 0;
    if (r < 0 && !c) {
        error_move(err, &first);
        return r;
    }
    return 1;
}

static int check_lines(struct import *im, struct berth_error *err)
{
    char path[] = "/tmp/berth-import.XXXXXX";
    _cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
    int r = 0;

    if (fd < 0)
        return fail_errno(err, errno, "creating %s", path);
    while (r == 0)
        r = check_once(im, fd, path, err);
    unlink(path);
    return r < 0 ? r : 0;
}

int import_document(const json *doc, struct berth_buf *out, struct berth_list *lost,
                    struct berth_error *err)
{
    struct import im = {.lost = lost, .table = ""};
    int r;

    add_table(&im, "", (json *)(uintptr_t)doc);
    r = check_lines(&im, err);
    for (size_t i = 0; r == 0 && i < im.lines.n; i++)
        if (*im.lines.items[i])
            buf_printf(out, "%s\n", im.lines.items[i]);
    if (r == 0 && (im.lines.error || lost->error || buf_error(out)))
        r = fail(err, ENOMEM, "out of memory");
    list_free(&im.lines);
    return r;
}

/* ------------------------------------------------------------------- reading */

static char *helper(void)
{
#ifdef BERTH_UNINSTALLED
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *path = NULL, *slash;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (slash) {
        *slash = '\0';
        path = path_join(self, "berth-toml");
    }
    if (path && access(path, X_OK) == 0)
        return path;
    free(path);
#endif
    return strdup(PKGLIBEXECDIR "/berth-toml");
}

int import_read(const char *path, json **out, struct berth_error *err)
{
    _cleanup_free_ char *program = helper(), *file = path_absolute(path);
    const char *argv[] = {program, file, NULL};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct berth_run run = {.size = sizeof(run),
                            .flags = BERTH_RUN_STDERR_IS_ERROR,
                            .argv = argv,
                            .output = &text,
                            .netns_fd = -1,
                            .deadline = BERTH_WAIT_FOREVER};
    int r;

    if (!program || !file)
        return fail(err, ENOMEM, "out of memory");
    if (access(program, X_OK) < 0)
        return fail(err, ENOEXEC, "%s is not there: berth was built without --enable-import",
                    program);
    r = proc_run(&run, err);
    if (r > 0)
        return err && err->code ? -EUCLEAN : fail(err, EUCLEAN, "%s cannot be read", file);
    return r < 0 ? r : json_parse_object(buf_blob(&text), file, out, err);
}
