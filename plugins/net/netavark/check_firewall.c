/* SPDX-License-Identifier: Apache-2.0 */
/* check_firewall.c - rules of netavark's that are for no container; see check.h. */
#include "check.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 56

struct rule {
    char *text; /* "-A CHAIN ..." as iptables-save has it */
    bool gone;  /* it was removed */
};

/* One table of one family. */
struct table {
    struct check *k;
    const char *program, *save, *name;
    struct rule *rules;
    size_t n;
};

/* ------------------------------------------------------------------ reading */

/* Split a rule into its words; those in double quotes may have blanks in them.  The words lie
 * in `buf`.  0: too many, or too long. */
static size_t split(const char *text, char *buf, size_t size, const char *words[WORDS_MAX])
{
    size_t n = 0, at = 0;

    while (*text) {
        bool quoted = false;

        text += strspn(text, " ");
        if (!*text)
            break;
        if (n == WORDS_MAX - 1)
            return 0;
        words[n++] = buf + at;
        for (; *text && (quoted || *text != ' '); text++) {
            if (*text == '"') {
                quoted = !quoted;
                continue;
            }
            if (*text == '\\' && text[1])
                text++;
            if (at + 2 > size)
                return 0;
            buf[at++] = *text;
        }
        if (at + 1 > size)
            return 0;
        buf[at++] = '\0';
    }
    words[n] = NULL;
    return n;
}

struct words {
    char buf[2048];
    const char *w[WORDS_MAX];
    size_t n;
};

static bool words_of(const struct rule *r, struct words *out)
{
    out->n = split(r->text, out->buf, sizeof(out->buf), out->w);
    return out->n >= 2 && strcmp(out->w[0], "-A") == 0;
}

/* The word behind an option that is not negated; "". */
static const char *value_of(const struct words *w, const char *option)
{
    for (size_t i = 2; i + 1 < w->n; i++)
        if (strcmp(w->w[i], option) == 0 && strcmp(w->w[i - 1], "!") != 0)
            return w->w[i + 1];
    return "";
}

static int read_rules(struct table *t, char *text)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct rule *more;

        if (strncmp(line, "-A ", 3) != 0)
            continue;
        more = realloc(t->rules, (t->n + 1) * sizeof(*more));
        if (!more)
            return NO_MEMORY(t->k->n, t->k->err);
        t->rules = more;
        t->rules[t->n++] = (struct rule){.text = line};
    }
    return 0;
}

/* ----------------------------------------------------------------- removing */

static int run(struct table *t, const char *verb, const char *const *words)
{
    const char *argv[WORDS_MAX + 8] = {t->program, "-w", "-t", t->name, verb};
    size_t n = 5;
    int r;

    while (*words && n < WORDS_MAX + 7)
        argv[n++] = *words++;
    r = prog_other(t->k->n, argv, NULL, t->k->err);
    if (r > 0)
        r = berth_fail(t->k->n->h, t->k->err, EREMOTEIO, "%s -t %s %s %s ended with status %d",
                       t->program, t->name, verb, argv[5] ? argv[5] : "", r);
    return r;
}

static int left(struct table *t, struct rule *rule, const char *container)
{
    struct words w;
    int r = check_left(t->k, container, "rule: %s -t %s %s", t->program, t->name, rule->text);

    if (r <= 0)
        return r;
    r = words_of(rule, &w) ? run(t, "-D", w.w + 1) : 0;
    rule->gone = r == 0;
    return r;
}

/* ------------------------------------------------------------------ judging */

/* "dnat name: NET id: ID" */
static bool read_comment(const char *text, char *network, char *id, size_t size)
{
    const char *at = strncmp(text, "dnat name: ", 11) == 0 ? text + 11 : NULL;
    const char *middle = at ? strstr(at, " id: ") : NULL;

    if (!middle || (size_t)(middle - at) >= size || strlen(middle + 5) >= size)
        return false;
    snprintf(network, size, "%.*s", (int)(middle - at), at);
    snprintf(id, size, "%s", middle + 5);
    return true;
}

/* Where a port goes to: "10.88.0.2:80", "[fd00::2]:80". */
static bool has_owner(const struct check *k, const char *destination)
{
    char text[ADDR_TEXT];
    struct addr a;
    size_t len;

    if (*destination == '[') {
        destination++;
        len = strcspn(destination, "]");
    } else {
        len = strcspn(destination, ":");
    }
    snprintf(text, sizeof(text), "%.*s", (int)len, destination);
    return !addr_parse(text, &a) ||
           json_object_object_get_ex(k->addresses, addr_text(&a, text), NULL);
}

/* Does a subnet that a rule names have a container?  True where it names none. */
static bool subnet_used(const struct check *k, const char *text)
{
    struct cidr c;

    return !cidr_parse(text, &c) || check_subnet_used(k, &c);
}

/* A mark for a port that the chain sends nowhere any more. */
static bool mark_is_used(const struct table *t, const struct words *mark)
{
    for (size_t i = 0; i < t->n; i++) {
        struct words w;

        if (t->rules[i].gone || !words_of(&t->rules[i], &w) ||
            strcmp(w.w[1], mark->w[1]) != 0 || strcmp(value_of(&w, "-j"), "DNAT") != 0)
            continue;
        if (strcmp(value_of(&w, "--dport"), value_of(mark, "--dport")) == 0 &&
            strcmp(value_of(&w, "-p"), value_of(mark, "-p")) == 0 &&
            has_owner(t->k, value_of(&w, "--to-destination")))
            return true;
    }
    return false;
}

/* A network's chain: NETAVARK- and 13 digits; with DN- in between, that of its ports. */
static const char *chain_digits(const char *chain)
{
    if (strncmp(chain, "NETAVARK-", 9) != 0)
        return NULL;
    chain += strncmp(chain + 9, "DN-", 3) == 0 ? 12 : 9;
    return strlen(chain) == 13 && strspn(chain, "0123456789ABCDEF") == 13 ? chain : NULL;
}

/* The subnet in a network's chain tells whose it is. */
static bool chain_used(const struct table *t, const char *digits)
{
    for (size_t i = 0; i < t->n; i++) {
        struct words w;
        const char *d = words_of(&t->rules[i], &w) ? chain_digits(w.w[1]) : NULL;

        if (!d || strcmp(d, digits) != 0 || strcmp(value_of(&w, "-j"), "ACCEPT") != 0)
            continue;
        if (*value_of(&w, "-d") && subnet_used(t->k, value_of(&w, "-d")))
            return true;
    }
    return false;
}

static int check_nat_rule(struct table *t, struct rule *rule, const struct words *w)
{
    const char *chain = w->w[1], *target = value_of(w, "-j");
    const char *digits = chain_digits(strcmp(chain, "POSTROUTING") == 0 ? target : chain);
    char network[256], id[256];

    if (strcmp(chain, "NETAVARK-HOSTPORT-DNAT") == 0) {
        if (!read_comment(value_of(w, "--comment"), network, id, sizeof(id)) ||
            check_is_on(t->k, id, network))
            return 0;
        return left(t, rule, id);
    }
    if (!digits)
        return 0;
    if (strncmp(chain, "NETAVARK-DN-", 12) == 0) {
        if (strcmp(target, "DNAT") == 0
                ? has_owner(t->k, value_of(w, "--to-destination"))
                : strcmp(target, "NETAVARK-HOSTPORT-SETMARK") != 0 || mark_is_used(t, w))
            return 0;
        return left(t, rule, NULL);
    }
    return chain_used(t, digits) ? 0 : left(t, rule, NULL);
}

static int check_filter_rule(struct table *t, struct rule *rule, const struct words *w)
{
    const char *chain = w->w[1], *interface = value_of(w, "-i");

    if (strncmp(chain, "NETAVARK_ISOLATION_", 19) == 0) {
        interface = *interface ? interface : value_of(w, "-o");
        return !*interface || if_nametoindex(interface) ? 0 : left(t, rule, NULL);
    }
    if (strcmp(chain, "NETAVARK_FORWARD") != 0)
        return 0;
    return subnet_used(t->k, value_of(w, "-s")) && subnet_used(t->k, value_of(w, "-d"))
               ? 0
               : left(t, rule, NULL);
}

/* -------------------------------------------------------------------- chains */

static bool is_mentioned(const struct table *t, const char *chain)
{
    for (size_t i = 0; i < t->n; i++) {
        struct words w;

        if (!t->rules[i].gone && words_of(&t->rules[i], &w) &&
            (strcmp(w.w[1], chain) == 0 || strcmp(value_of(&w, "-j"), chain) == 0))
            return true;
    }
    return false;
}

/* Was the last rule of this chain taken out of it here? */
static bool was_emptied(const struct table *t, const char *chain)
{
    bool emptied = false;

    for (size_t i = 0; i < t->n; i++) {
        struct words w;

        if (t->rules[i].gone && words_of(&t->rules[i], &w) && strcmp(w.w[1], chain) == 0)
            emptied = true;
    }
    return emptied && !is_mentioned(t, chain);
}

/* Chains go with their last rule.  Others that are empty are netavark's matter. */
static int remove_chains(struct table *t)
{
    int r = 0;

    for (size_t i = 0; i < t->n && r == 0; i++) {
        struct words w;
        const char *words[] = {NULL, NULL};

        if (!t->rules[i].gone || !words_of(&t->rules[i], &w) || !chain_digits(w.w[1]) ||
            chain_used(t, chain_digits(w.w[1])) || !was_emptied(t, w.w[1]))
            continue;
        words[0] = w.w[1];
        r = run(t, "-X", words);
        for (size_t j = i + 1; j < t->n; j++) { /* once is enough */
            struct words other;

            if (words_of(&t->rules[j], &other) && strcmp(other.w[1], w.w[1]) == 0)
                t->rules[j].gone = false;
        }
    }
    return r;
}

static int check_table(struct check *k, const char *program, const char *save, const char *name)
{
    struct table t = {.k = k, .program = program, .save = save, .name = name};
    const char *const argv[] = {save, "-t", name, NULL};
    struct berth_buf *out = k->n->h->buf_new(k->n->h->core);
    int r = out ? prog_other(k->n, argv, out, k->err) : NO_MEMORY(k->n, k->err);
    char *text = NULL;

    if (r == -ENOENT) {
        r = 0; /* no such program: no such rules */
    } else if (r > 0) {
        r = berth_fail(k->n->h, k->err, EREMOTEIO, "%s ended with status %d", save, r);
    } else if (r == 0) {
        text = strdup(k->n->h->buf_data(k->n->h->core, out).data);
        r = text ? read_rules(&t, text) : NO_MEMORY(k->n, k->err);
    }
    for (size_t i = 0; r == 0 && i < t.n; i++) {
        struct words w;

        if (words_of(&t.rules[i], &w))
            r = strcmp(name, "nat") == 0 ? check_nat_rule(&t, &t.rules[i], &w)
                                         : check_filter_rule(&t, &t.rules[i], &w);
    }
    if (r == 0)
        r = remove_chains(&t);
    k->n->h->buf_free(k->n->h->core, out);
    free(text);
    free(t.rules);
    return r;
}

int check_firewall(struct check *k)
{
    static const char *const programs[][2] = {{"iptables", "iptables-save"},
                                              {"ip6tables", "ip6tables-save"}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < 2; i++) {
        r = check_table(k, programs[i][0], programs[i][1], "nat");
        if (r == 0)
            r = check_table(k, programs[i][0], programs[i][1], "filter");
    }
    return r;
}
