/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - see format.h. */
#include "cmd/format.h"
#include "base/str.h"
#include "cmd/table.h"
#include <ctype.h>

static const char *skip_space(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

bool format_is_json(const char *text)
{
    const char *s = skip_space(text), *after;

    after = str_starts(s, "json");
    if (after)
        return !*skip_space(after);
    s = str_starts(s, "{{");
    s = s ? str_starts(skip_space(s), "json") : NULL;
    if (!s)
        return false;
    s = skip_space(s);
    if (*s == '.')
        s = skip_space(s + 1);
    s = str_starts(s, "}}");
    return s && !*skip_space(s);
}

/* The text as the template engine is to see it.  In tables, blanks part columns too, inside
 * of actions they do no harm. */
static void normalize(const char *text, bool table, struct berth_buf *out)
{
    while (*text) {
        const char *word = table ? str_starts(text, "table ") : NULL;

        if (word) {
            text = word;
        } else if (text[0] == '\\' && strchr("tnr", text[1]) && text[1]) {
            buf_putc(out, text[1] == 't' ? '\t' : text[1] == 'n' ? '\n' : '\r');
            text += 2;
        } else {
            buf_putc(out, table && *text == ' ' ? '\t' : *text);
            text++;
        }
    }
    if (!out->len || out->data[out->len - 1] != '\n')
        buf_putc(out, '\n');
}

/* Does it begin with {{range .}}? */
static bool ranges_itself(const char *text)
{
    const char *s = str_starts(text, "{{");

    s = s ? str_starts(skip_space(s), "range") : NULL;
    s = s ? str_starts(skip_space(s), ".") : NULL;
    return s && str_starts(skip_space(s), "}}");
}

int format_parse(const char *command, const char *text, bool rows, struct format *out,
                 struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf full = BUF_INIT;
    bool table = rows && str_starts(text, "table ");
    bool wrap = rows && (table || !ranges_itself(text));

    *out = (struct format){.kind = table ? FORMAT_TABLE : FORMAT_PLAIN};
    if (format_is_json(text)) {
        out->kind = FORMAT_JSON;
        return 0;
    }
    if (wrap)
        buf_puts(&full, "{{range .}}");
    normalize(text, table, &full);
    if (wrap)
        buf_puts(&full, "{{end -}}");
    if (buf_error(&full))
        return fail(err, ENOMEM, "out of memory");
    return template_parse(command, buf_str(&full), &out->t, err);
}

void format_free(struct format *f)
{
    template_free(f->t);
    f->t = NULL;
}

void format_json(const json *data, struct berth_buf *out)
{
    json_write_pretty(data, JSON_RAW, "", "  ", out);
    buf_putc(out, '\n');
}

int format_run(const struct format *f, json *data, json *headers, struct berth_buf *out,
               struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (f->kind == FORMAT_JSON) {
        format_json(data, out);
        return 0;
    }
    if (f->kind == FORMAT_PLAIN)
        return template_run(f->t, data, out, err);
    if (headers) {
        _cleanup_json_ json *list = json_new_array();

        json_add(list, json_ref(headers));
        r = template_run(f->t, list, &text, err);
    }
    if (r == 0)
        r = template_run(f->t, data, &text, err);
    if (r == 0 && table_align(buf_str(&text), text.len, out) < 0)
        r = fail(err, ENOMEM, "out of memory");
    return r;
}
