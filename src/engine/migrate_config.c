/* SPDX-License-Identifier: Apache-2.0 */
/* migrate_config.c - the line of the configuration that names the state store's type. */
#include "base/fs.h"
#include "base/str.h"
#include "engine/migrate.h"

static void see_type(void *arg, const char *section, const char *key,
                     const char *value _unused_, const char *origin)
{
    struct migrate_origin *out = arg;
    const char *colon = strrchr(origin, ':');

    if (section || !str_eq(key, "StateType"))
        return;
    out->flag = str_starts(origin, "flag ") != NULL;
    if (origin[0] == '/' && colon) {
        out->file = strndup(origin, (size_t)(colon - origin));
        out->line = (unsigned)strtoul(colon + 1, NULL, 10);
    }
}

void migrate_find_type(const struct conf *conf, struct migrate_origin *out)
{
    *out = (struct migrate_origin){0};
    conf_visit(conf, see_type, out);
}

/* Copy a file's text with another value on one line; false: the line does not set it. */
static bool change_line(const char *text, unsigned line, const char *type,
                        struct berth_buf *out)
{
    const char *at = text, *equals, *semicolon, *stop;

    for (unsigned i = 1; i < line && at; i++) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    at = at ? strstr(at, "StateType") : NULL;
    equals = at ? at + strcspn(at, "=:\n") : NULL;
    if (!equals || !strchr("=:", *equals) || !*equals)
        return false;
    stop = equals + strcspn(equals, "\n");
    semicolon = equals + strcspn(equals, ";,\n");
    if (semicolon > stop || memchr(equals, '#', (size_t)(semicolon - equals)))
        return false;
    buf_put(out, text, (size_t)(equals + 1 - text));
    buf_printf(out, " \"%s\"", type);
    buf_puts(out, semicolon);
    return true;
}

int migrate_set_type(const char *file, unsigned line, const char *type, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT, out = BUF_INIT;
    _cleanup_free_ char *real = realpath(file, NULL);
    struct stat st = {.st_mode = 0644};
    int r = 0;

    if (real) {
        r = fs_read(real, 1 << 20, &text, err);
        if (r == 0 && stat(real, &st) < 0)
            r = fail_errno(err, errno, "looking at %s", real);
    } else if (errno != ENOENT) {
        r = fail_errno(err, errno, "looking at %s", file);
    }
    if (r < 0)
        return r;
    if (line && !change_line(buf_str(&text), line, type, &out))
        return fail(err, EINVAL, "%s:%u: cannot change this line: set StateType = \"%s\";",
                    file, line, type);
    if (!line) {
        buf_put(&out, text.data, text.len);
        if (text.len && text.data[text.len - 1] != '\n')
            buf_putc(&out, '\n');
        buf_printf(&out, "StateType = \"%s\";\n", type);
    }
    if (buf_error(&out))
        return fail(err, ENOMEM, "out of memory");
    return fs_replace(real ? real : file, out.data, out.len, st.st_mode & 07777, true, err);
}
