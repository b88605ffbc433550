/* SPDX-License-Identifier: Apache-2.0 */
/* show.c - the effective configuration as text that berth.conf could have. */
#include "base/buf.h"
#include "base/str.h"
#include "conf/private.h"

static void put_string(struct berth_buf *b, const char *s)
{
    buf_putc(b, '"');
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;

        if (ch == '"' || ch == '\\')
            buf_printf(b, "\\%c", ch);
        else if (ch == '\n')
            buf_puts(b, "\\n");
        else if (ch == '\t')
            buf_puts(b, "\\t");
        else if (ch < 0x20 || ch == 0x7f)
            buf_printf(b, "\\x%02x", ch);
        else
            buf_putc(b, (char)ch);
    }
    buf_putc(b, '"');
}

static void put_list(struct berth_buf *b, const struct berth_list *l)
{
    buf_putc(b, '[');
    for (size_t i = 0; i < l->n; i++) {
        buf_puts(b, i ? ", " : " ");
        put_string(b, l->items[i]);
    }
    buf_puts(b, l->n ? " ]" : "]");
}

static void put_number(struct berth_buf *b, int64_t v)
{
    /* libconfig takes what is wider than an int with an L behind it. */
    buf_printf(b, v < INT32_MIN || v > INT32_MAX ? "%lldL" : "%lld", (long long)v);
}

static void put_table(struct berth_buf *b, const struct berth_list *l)
{
    buf_puts(b, "{ ");
    for (size_t i = 0; i < l->n; i++) {
        size_t len = strcspn(l->items[i], "=");

        buf_printf(b, "%.*s = ", (int)len, l->items[i]);
        put_string(b, l->items[i] + len + (l->items[i][len] == '='));
        buf_puts(b, "; ");
    }
    buf_putc(b, '}');
}

static void put_value(struct berth_buf *b, const struct conf *c, const struct conf_key *k)
{
    void *member = conf_member(c, k);

    switch (k->type) {
    case CONF_STRING:
    case CONF_PATH:
        put_string(b, str_or(*(char **)member, ""));
        break;
    case CONF_BOOL:
        buf_puts(b, *(bool *)member ? "true" : "false");
        break;
    case CONF_UINT:
        put_number(b, *(uint32_t *)member);
        break;
    case CONF_INT:
    case CONF_SIZE:
        put_number(b, *(int64_t *)member);
        break;
    case CONF_LIST:
        put_list(b, member);
        break;
    case CONF_TABLE:
        put_table(b, member);
        break;
    case CONF_RUNTIMES:
        buf_puts(b, "{ ");
        for (size_t i = 0; i < c->n_runtimes; i++) {
            buf_printf(b, "%s = ", c->runtimes[i].name);
            put_list(b, &c->runtimes[i].paths);
            buf_puts(b, "; ");
        }
        buf_putc(b, '}');
        break;
    }
}

void conf_visit(const struct conf *c, conf_visit_fn *fn, void *arg)
{
    _cleanup_buf_ struct berth_buf b = BUF_INIT;
    const struct conf_private *p = c->private_;

    for (const struct conf_key *k = conf_keys; k->name; k++) {
        buf_reset(&b);
        put_value(&b, c, k);
        fn(arg, NULL, k->name, buf_str(&b), str_or(p->origins[k - conf_keys], "default"));
    }
    for (size_t i = 0; i < p->n_sections; i++)
        for (size_t j = 0; j < p->sections[i].n; j++) {
            const struct conf_entry *e = &p->sections[i].entries[j];

            buf_reset(&b);
            if (e->type == ENTRY_STRING)
                put_string(&b, e->text);
            else if (e->type == ENTRY_INT)
                put_number(&b, e->number);
            else
                buf_puts(&b, e->text);
            fn(arg, p->sections[i].name, e->key, buf_str(&b), e->origin);
        }
}
