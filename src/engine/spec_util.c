/* SPDX-License-Identifier: Apache-2.0 */
/* spec_util.c - small things that several steps of spec generation need. */
#include "engine/spec_priv.h"
#include <ctype.h>
#include <inttypes.h>
#include <sys/vfs.h>

int spec_lower(struct berth_error *err, int code, int result)
{
    const char *system = strerror(code);
    size_t len = err && err->text ? strlen(err->text) : 0, n = strlen(system);

    if (len >= n && strcmp(err->text + len - n, system) == 0)
        err->text[len - n] = (char)tolower((unsigned char)err->text[len - n]);
    return result;
}

bool spec_cgroup2(void)
{
    struct statfs fs;

    return statfs("/sys/fs/cgroup", &fs) == 0 && (uint64_t)fs.f_type == 0x63677270u;
}

uint64_t spec_own_ids(const char *map)
{
    _cleanup_fclose_ FILE *f = fopen(map, "re");
    uint64_t all = 0, size;

    while (f && fscanf(f, "%*u %*u %" SCNu64, &size) == 1)
        all += size;
    return all;
}

json *spec_object(const json *j)
{
    return json_object_is_type(j, json_type_object) ? (json *)(uintptr_t)j : NULL;
}

json *spec_ordered(json *o, const char *const *names)
{
    json *out = json_new();

    for (; *names; names++) {
        json *value;

        if (!json_object_object_get_ex(o, *names, &value))
            continue;
        json_set(out, *names, json_ref(value));
        json_del(o, *names);
    }
    json_object_object_foreach (o, key, rest)
        json_set(out, key, json_ref(rest));
    json_object_put(o);
    return out;
}

json *spec_sorted(json *o)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;

    json_object_object_foreach (o, key, value) {
        (void)value;
        list_add(&names, key);
    }
    list_sort(&names);
    return spec_ordered(o, (const char *const *)list_argv(&names));
}

int spec_signal(const char *word)
{
    static const char *const names[] = {
        NULL,     "HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",
        "FPE",    "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM",
        "STKFLT", "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",
        "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS",
    };
    enum { RT_MIN = 34, RT_MAX = 64 };
    int64_t n;

    if (str_to_i64(word, &n) == 0)
        return n >= 1 && n <= RT_MAX ? (int)n : 0;
    if (strncasecmp(word, "SIG", 3) == 0)
        word += 3;
    for (int i = 1; i < (int)ARRAY_LEN(names); i++)
        if (strcasecmp(word, names[i]) == 0)
            return i;
    if (strcasecmp(word, "IOT") == 0)
        return 6;
    if (strcasecmp(word, "CLD") == 0)
        return 17;
    if (strcasecmp(word, "POLL") == 0)
        return 29;
    if (strncasecmp(word, "RTMIN", 5) == 0) {
        if (!word[5])
            return RT_MIN;
        if (word[5] == '+' && str_to_i64(word + 6, &n) == 0 && n >= 1 && n <= 15)
            return RT_MIN + (int)n;
    }
    if (strncasecmp(word, "RTMAX", 5) == 0) {
        if (!word[5])
            return RT_MAX;
        if (word[5] == '-' && str_to_i64(word + 6, &n) == 0 && n >= 1 && n <= 14)
            return RT_MAX - (int)n;
    }
    return 0;
}

/* Nanoseconds of a unit at s; *len is its length.  0: none of Go's units. */
static double duration_unit(const char *s, size_t *len)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {
        {"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
        {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9},
    };

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        *len = strlen(units[i].name);
        if (strncmp(s, units[i].name, *len) == 0)
            return units[i].ns;
    }
    return 0;
}

int spec_duration(const char *s, int64_t *out)
{
    bool negative = *s == '-';
    double sum = 0;

    if (*s == '-' || *s == '+')
        s++;
    if (str_eq(s, "0")) {
        *out = 0;
        return 0;
    }
    if (!*s)
        return -EINVAL;
    while (*s) {
        char *end;
        double number, unit;
        size_t len;

        if (!isdigit((unsigned char)*s) && *s != '.')
            return -EINVAL;
        if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
            return -EINVAL;
        number = strtod(s, &end);
        if (end == s || memchr(s, 'e', (size_t)(end - s)) || memchr(s, 'E', (size_t)(end - s)))
            return -EINVAL;
        unit = duration_unit(end, &len);
        if (unit <= 0)
            return -EINVAL;
        sum += number * unit;
        s = end + len;
    }
    if (!(sum < 9.2e18))
        return -EINVAL;
    *out = (int64_t)(sum + 0.5) * (negative ? -1 : 1);
    return 0;
}
