/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - see table.h.  The rules are those of Go's text/tabwriter. */
#include "cmd/table.h"
#include <string.h>

#define WIDTH_MIN 12
#define PADDING   2

struct cell {
    const char *text;
    size_t len;
    size_t width; /* characters */
};

struct line {
    size_t first, n; /* its cells; the last one was ended by the newline */
};

struct table {
    struct cell *cells;
    struct line *lines;
    size_t *widths; /* of the columns open so far */
    size_t n_cells, n_lines, n_widths;
    struct berth_buf *out;
};

static size_t count_characters(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80; /* not in the middle of one */
    return n;
}

static void split(struct table *t, const char *text, size_t len)
{
    const char *end = text + len, *at = text;

    t->lines[t->n_lines] = (struct line){0};
    for (const char *s = text;; s++) {
        if (s < end && *s != '\t' && *s != '\n')
            continue;
        t->cells[t->n_cells++] =
            (struct cell){at, (size_t)(s - at), count_characters(at, (size_t)(s - at))};
        t->lines[t->n_lines].n++;
        if (s == end)
            break;
        if (*s == '\n')
            t->lines[++t->n_lines] = (struct line){.first = t->n_cells};
        at = s + 1;
    }
    t->n_lines++;
}

static void write_lines(struct table *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        for (size_t j = 0; j < t->lines[i].n; j++) {
            const struct cell *c = &t->cells[t->lines[i].first + j];

            buf_put(t->out, c->text, c->len);
            for (size_t w = c->width; j < t->n_widths && w < t->widths[j]; w++)
                buf_putc(t->out, ' ');
        }
        if (i + 1 < t->n_lines)
            buf_putc(t->out, '\n');
    }
}

/* Does line i have a cell in this column that a tab ended? */
static bool has_cell(const struct table *t, size_t i, size_t column)
{
    return column + 1 < t->lines[i].n;
}

/* Lay out lines whose first n_widths columns are known. */
static void layout(struct table *t, size_t from, size_t to)
{
    size_t column = t->n_widths;

    for (size_t i = from; i < to; i++) {
        size_t width = WIDTH_MIN;

        if (!has_cell(t, i, column))
            continue;
        write_lines(t, from, i);
        from = i;
        for (; i < to && has_cell(t, i, column); i++)
            width = MAX(width, t->cells[t->lines[i].first + column].width + PADDING);
        t->widths[t->n_widths++] = width;
        layout(t, from, i);
        t->n_widths--;
        from = i;
    }
    write_lines(t, from, to);
}

int table_align(const char *text, size_t len, struct berth_buf *out)
{
    _cleanup_free_ struct cell *cells = NULL;
    _cleanup_free_ struct line *lines = NULL;
    _cleanup_free_ size_t *widths = NULL;
    size_t n_cells = 1, n_lines = 1;
    struct table t;

    for (size_t i = 0; i < len; i++) {
        n_cells += text[i] == '\t' || text[i] == '\n';
        n_lines += text[i] == '\n';
    }
    cells = calloc(n_cells, sizeof(*cells));
    lines = calloc(n_lines, sizeof(*lines));
    widths = calloc(n_cells, sizeof(*widths));
    if (!cells || !lines || !widths)
        return -ENOMEM;
    t = (struct table){.cells = cells, .lines = lines, .widths = widths, .out = out};
    split(&t, text, len);
    layout(&t, 0, t.n_lines);
    return buf_error(out);
}
