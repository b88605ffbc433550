/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - see list.h. */
#include "base/list.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>

void list_free(struct berth_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
    *l = LIST_INIT;
}

int list_take(struct berth_list *l, char *s)
{
    if (!s || l->error) {
        free(s);
        return l->error = -ENOMEM;
    }
    if (l->n + 2 > l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        char **items = realloc(l->items, cap * sizeof(*items));

        if (!items) {
            free(s);
            return l->error = -ENOMEM;
        }
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = s;
    l->items[l->n] = NULL;
    return 0;
}

int list_add(struct berth_list *l, const char *s)
{
    return list_take(l, strdup(s));
}

int list_addf(struct berth_list *l, const char *fmt, ...)
{
    va_list ap;
    char *s;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return list_take(l, n < 0 ? NULL : s);
}

int list_addv(struct berth_list *l, const char *const *v)
{
    for (; v && *v; v++)
        list_add(l, *v);
    return l->error;
}

void list_drop(struct berth_list *l, size_t i)
{
    free(l->items[i]);
    memmove(l->items + i, l->items + i + 1, (l->n - i) * sizeof(*l->items));
    l->n--;
}

bool list_has(const struct berth_list *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->items[i], s) == 0)
            return true;
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void list_sort(struct berth_list *l)
{
    if (l->n > 1)
        SORT(l->items, l->n, compare);
}

bool list_has_sorted(const struct berth_list *l, const char *s)
{
    return l->n && bsearch(&s, l->items, l->n, sizeof(*l->items), compare);
}

void list_unique(struct berth_list *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (kept && strcmp(l->items[kept - 1], l->items[i]) == 0)
            free(l->items[i]);
        else
            l->items[kept++] = l->items[i];
    }
    if (kept < l->n)
        l->items[kept] = NULL;
    l->n = kept;
}

char *list_join(const struct berth_list *l, const char *sep)
{
    size_t len = 1, gap = strlen(sep);
    char *out, *at;

    for (size_t i = 0; i < l->n; i++)
        len += strlen(l->items[i]) + gap;
    out = at = malloc(len);
    if (!out)
        return NULL;
    *at = '\0';
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            at = stpcpy(at, sep);
        at = stpcpy(at, l->items[i]);
    }
    return out;
}

int list_split(struct berth_list *l, const char *s, char sep, bool keep_empty)
{
    for (;;) {
        const char *end = strchrnul(s, sep);

        if (end > s || keep_empty)
            list_take(l, strndup(s, (size_t)(end - s)));
        if (!*end)
            return l->error;
        s = end + 1;
    }
}

char *const *list_argv(const struct berth_list *l)
{
    static char *const none[] = {NULL};

    return l->items ? l->items : none;
}
