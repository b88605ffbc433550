/* SPDX-License-Identifier: Apache-2.0 */
/* opts.c - see opts.h. */
#include "cmd/opts.h"
#include "base/str.h"

/* Other names that podman takes for some options. */
static const struct {
    const char *other, *name;
} synonyms[] = {
    {"dns-opt", "dns-option"},
    {"healthcheck-command", "health-cmd"},
    {"healthcheck-interval", "health-interval"},
    {"healthcheck-retries", "health-retries"},
    {"healthcheck-start-period", "health-start-period"},
    {"healthcheck-timeout", "health-timeout"},
    {"namespace", "ns"},
    {"net", "network"},
    {"notruncate", "no-trunc"},
    {"purge", "rm"},
    {"storage", "external"},
    {"timeout", "time"},
};

static const struct opt *find_exact(const struct opt *opts, const char *name, size_t len)
{
    for (const struct opt *o = opts; o && *o->name; o++)
        if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0')
            return o;
    return NULL;
}

const struct opt *opts_find(const struct opt *opts, const char *name, size_t len)
{
    const struct opt *found = find_exact(opts, name, len);

    for (size_t i = 0; !found && i < ARRAY_LEN(synonyms); i++)
        if (strlen(synonyms[i].other) == len && memcmp(synonyms[i].other, name, len) == 0)
            found = find_exact(opts, synonyms[i].name, strlen(synonyms[i].name));
    return found;
}

const char *opts_value_word(const struct opt *o)
{
    if (o->type == OPT_BOOL || o->type == OPT_TRISTATE)
        return NULL;
    if (*o->arg)
        return o->arg;
    switch (o->type) {
    case OPT_LIST:
        return "stringArray";
    case OPT_CSV:
        return "strings";
    case OPT_INT:
        return "int";
    case OPT_UINT:
        return "uint";
    case OPT_STRING:
    case OPT_BOOL:
    case OPT_TRISTATE:
        break;
    }
    return "string";
}

/* ------------------------------------------------------------------- values */

static void *member(const struct opts_set *set, const struct opt *o)
{
    return (char *)set->values + o->offset;
}

/* Digits of an unsigned number as Go writes them: 0x, 0o, 0b and 0 prefixes, and single
 * underscores between digits. */
static int parse_digits(const char *s, uint64_t *out)
{
    static const char letters[] = "xXoObB";
    static const unsigned bases[] = {16, 8, 2};
    unsigned base = 10, digit;
    bool separable = false; /* an underscore may stand here */

    if (s[0] == '0' && s[1]) {
        const char *letter = strchr(letters, s[1]);

        base = letter ? bases[(letter - letters) / 2] : 8;
        s += letter ? 2 : 1;
        separable = true;
    }
    if (!*s)
        return -EINVAL;
    for (*out = 0; *s; s++) {
        if (*s == '_' && separable) {
            separable = false;
            continue;
        }
        separable = true;
        digit = *s >= '0' && *s <= '9'   ? (unsigned)(*s - '0')
                : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10
                : *s >= 'A' && *s <= 'F' ? (unsigned)(*s - 'A') + 10
                                         : 16;
        if (digit >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(*out, base, out) || __builtin_add_overflow(*out, digit, out))
            return -ERANGE;
    }
    return separable ? 0 : -EINVAL;
}

static int parse_int(const char *s, int64_t *out)
{
    bool minus = *s == '-';
    uint64_t value;
    int r = parse_digits(s + (minus || *s == '+'), &value);

    if (r < 0)
        return r;
    if (value > (uint64_t)INT64_MAX + minus)
        return -ERANGE;
    *out = minus ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

/* One part inside quotes; *s is behind the opening one and moves behind the closing one. */
static int quoted_part(const char **s, const char *text, struct berth_buf *part,
                       struct berth_error *err)
{
    for (; **s; (*s)++) {
        if (**s != '"') {
            buf_putc(part, **s);
        } else if ((*s)[1] == '"') {
            buf_putc(part, *++*s);
        } else {
            (*s)++;
            if (**s && **s != ',')
                return fail(err, EINVAL,
                            "parse error on line 1, column %zu: extraneous or missing \" in "
                            "quoted-field",
                            (size_t)(*s - text));
            return 0;
        }
    }
    return fail(err, EINVAL,
                "parse error on line 1, column %zu: extraneous or missing \" in quoted-field",
                (size_t)(*s - text) + 1);
}

int opts_split_csv(const char *text, struct berth_list *out, struct berth_error *err)
{
    const char *s = text;
    int r;

    if (!*s)
        return 0;
    for (;;) {
        _cleanup_buf_ struct berth_buf part = BUF_INIT;

        if (*s == '"') {
            s++;
            r = quoted_part(&s, text, &part, err);
            if (r < 0)
                return r;
        } else {
            for (; *s && *s != ','; s++) {
                if (*s == '"')
                    return fail(err, EINVAL,
                                "parse error on line 1, column %zu: bare \" in "
                                "non-quoted-field",
                                (size_t)(s - text) + 1);
                buf_putc(&part, *s);
            }
        }
        list_add(out, buf_str(&part));
        if (!*s)
            return out->error;
        s++;
    }
}

static int number_error(struct berth_error *err, const char *function, const char *text, int r)
{
    return fail(err, EINVAL, "strconv.%s: parsing \"%s\": %s", function, text,
                r == -ERANGE ? "value out of range" : "invalid syntax");
}

/* Put one value into its member.  `first`: it replaces what the preset put there. */
static int set_value(const struct opts_set *set, const struct opt *o, const char *text,
                     bool first, struct berth_error *err)
{
    void *at = member(set, o);
    bool flag;
    int r = 0;

    switch (o->type) {
    case OPT_BOOL:
        r = str_to_bool(text, at);
        return r < 0 ? number_error(err, "ParseBool", text, r) : 0;
    case OPT_TRISTATE:
        r = str_to_bool(text, &flag);
        if (r < 0)
            return number_error(err, "ParseBool", text, r);
        *(int *)at = flag;
        return 0;
    case OPT_STRING:
        r = str_set(at, text);
        return r < 0 ? fail(err, ENOMEM, "out of memory") : 0;
    case OPT_LIST:
    case OPT_CSV:
        if (first)
            list_free(at);
        return o->type == OPT_LIST ? list_add(at, text) : opts_split_csv(text, at, err);
    case OPT_INT:
        r = parse_int(text, at);
        return r < 0 ? number_error(err, "ParseInt", text, r) : 0;
    case OPT_UINT:
        r = parse_digits(text, at);
        return r < 0 ? number_error(err, "ParseUint", text, r) : 0;
    }
    return fail(err, EINVAL, "option of an unknown type");
}

int opts_preset(const struct opts_set *set, struct berth_error *err)
{
    for (const struct opt *o = set->opts; o && *o->name; o++) {
        if (o->type == OPT_TRISTATE)
            *(int *)member(set, o) = -1;
        if (*o->preset && set_value(set, o, o->preset, true, err) < 0)
            return error_wrap(err, "preset of --%s", o->name);
    }
    return 0;
}

void opts_free(const struct opts_set *set)
{
    for (const struct opt *o = set->opts; o && *o->name; o++) {
        if (o->type == OPT_STRING)
            str_set(member(set, o), NULL);
        else if (o->type == OPT_LIST || o->type == OPT_CSV)
            list_free(member(set, o));
    }
}

/* ------------------------------------------------------------------ parsing */

struct parser {
    const struct opts_set *sets;
    size_t n_sets;
    char **at; /* the next word */
    struct opts_result *out;
    bool stop; /* -h was seen: nothing behind it counts */
};

/* Text as Go quotes it, for messages. */
static void put_quoted(struct berth_buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_printf(out, "\\%c", *s);
        else if (*s == '\n')
            buf_puts(out, "\\n");
        else if (*s == '\t')
            buf_puts(out, "\\t");
        else if ((unsigned char)*s < ' ' || *s == 127)
            buf_printf(out, "\\x%02x", (unsigned)*s);
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

static int apply(struct parser *p, const struct opts_set *set, const struct opt *o,
                 const char *text, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_buf_ struct berth_buf quoted = BUF_INIT;
    bool first = !list_has(&p->out->given, o->name);
    char letter[8] = "";

    if (set_value(set, o, text, first, &why) < 0) {
        put_quoted(&quoted, text);
        if (o->letter)
            snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        return fail(err, EINVAL, "invalid argument %s for \"%s--%s\" flag: %s",
                    buf_str(&quoted), letter, o->name, error_text(&why));
    }
    return first ? list_add(&p->out->given, o->name) : 0;
}

/* What a use without a value means; NULL: a value must follow. */
static const char *bare_value(const struct opt *o)
{
    return o->type == OPT_BOOL || o->type == OPT_TRISTATE ? "true" : *o->bare ? o->bare : NULL;
}

static int parse_long(struct parser *p, const char *word, struct berth_error *err)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct opts_set *set = p->sets;
    const struct opt *o = NULL;

    if (len == 0 || name[0] == '-')
        return fail(err, EINVAL, "bad flag syntax: %s", word);
    for (size_t i = 0; i < p->n_sets && !o; i++) {
        set = &p->sets[i];
        o = opts_find(set->opts, name, len);
    }
    if (!o && len == 4 && strncmp(name, "help", 4) == 0) {
        if (equals && str_to_bool(equals + 1, &p->out->help) < 0)
            return fail(err, EINVAL,
                        "invalid argument \"%s\" for \"--help\" flag: strconv.ParseBool: "
                        "parsing \"%s\": invalid syntax",
                        equals + 1, equals + 1);
        if (!equals)
            p->out->help = true;
        return 0;
    }
    if (!o)
        return fail(err, EINVAL, "unknown flag: --%.*s", (int)len, name);
    if (equals)
        return apply(p, set, o, equals + 1, err);
    if (bare_value(o))
        return apply(p, set, o, bare_value(o), err);
    if (!*p->at)
        return fail(err, EINVAL, "flag needs an argument: %s", word);
    return apply(p, set, o, *p->at++, err);
}

static const struct opt *find_letter(struct parser *p, char letter, const struct opts_set **set)
{
    for (size_t i = 0; i < p->n_sets; i++) {
        *set = &p->sets[i];
        for (const struct opt *o = p->sets[i].opts; o && *o->name; o++)
            if (o->letter == letter)
                return o;
    }
    return NULL;
}

static int parse_letters(struct parser *p, const char *word, struct berth_error *err)
{
    const struct opts_set *set;
    const struct opt *o;
    int r;

    for (const char *s = word + 1; *s; s++) {
        o = find_letter(p, *s, &set);
        if (!o && *s == 'h') {
            p->out->help = p->stop = true;
            return 0;
        }
        if (!o)
            return fail(err, EINVAL, "unknown shorthand flag: '%c' in -%s", *s, s);
        if (s[1] == '=')
            return apply(p, set, o, s + 2, err);
        if (bare_value(o)) {
            r = apply(p, set, o, bare_value(o), err);
            if (r < 0)
                return r;
            continue;
        }
        if (s[1])
            return apply(p, set, o, s + 1, err);
        if (!*p->at)
            return fail(err, EINVAL, "flag needs an argument: '%c' in -%s", *s, s);
        return apply(p, set, o, *p->at++, err);
    }
    return 0;
}

/* Everything that is left in argv, into OUT->args and the given options. */
static int parse_words(struct parser *p, bool interspersed, struct berth_error *err)
{
    struct opts_result *out = p->out;
    int r = 0;

    while (*p->at && r >= 0 && !p->stop) {
        char *word = *p->at++;

        if (word[0] != '-' || !word[1]) {
            out->args[out->n_args++] = word;
            if (interspersed)
                continue;
            break;
        }
        if (str_eq(word, "--"))
            break;
        r = word[1] == '-' ? parse_long(p, word, err) : parse_letters(p, word, err);
    }
    while (r >= 0 && *p->at)
        out->args[out->n_args++] = *p->at++;
    return r < 0 ? r : 0;
}

int opts_parse(const struct opts_set *sets, size_t n_sets, bool interspersed, char **argv,
               struct opts_result *out, struct berth_error *err)
{
    struct parser p = {sets, n_sets, argv, out, false};
    char **before = out->args; /* argv may lie in it */
    size_t n = 0;
    int r;

    while (argv[n])
        n++;
    out->n_args = 0;
    out->args = calloc(n + 1, sizeof(*out->args));
    r = out->args ? parse_words(&p, interspersed, err) : fail(err, ENOMEM, "out of memory");
    free(before);
    return r;
}

void opts_result_free(struct opts_result *r)
{
    list_free(&r->given);
    free(r->args);
    *r = (struct opts_result){0};
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct opt *const *)a)->name, (*(const struct opt *const *)b)->name);
}

size_t opts_sorted(const struct opt *first, const struct opt *second, const struct opt **out,
                   size_t max)
{
    size_t n = 0;

    for (int pass = 0; pass < 2; pass++)
        for (const struct opt *o = pass ? second : first; o && *o->name; o++)
            if (!o->hidden && n < max)
                out[n++] = o;
    if (n)
        SORT(out, n, by_name);
    return n;
}
