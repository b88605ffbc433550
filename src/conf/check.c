/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - see check.h. */
#include "conf/check.h"
#include "base/fs.h"
#include "base/str.h"
#include <ctype.h>
#include <errno.h>

static const char *limit_end(const char *v)
{
    if (strncmp(v, "unlimited", 9) == 0)
        return v + 9;
    if (v[0] == '-' && v[1] == '1')
        return v + 2;
    if (!isdigit((unsigned char)*v))
        return NULL;
    while (isdigit((unsigned char)*v))
        v++;
    return v;
}

const char *check_ulimit(const char *v)
{
    static const char *const names[] = {
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    static const char wrong[] = "must be a limit like \"nofile=1024:4096\"";
    const char *eq = strchr(v, '='), *end;
    bool known = false;

    if (!eq)
        return wrong;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        known = known || (strlen(names[i]) == (size_t)(eq - v) &&
                          strncasecmp(names[i], v, (size_t)(eq - v)) == 0);
    if (!known)
        return "must name a resource limit (nofile, nproc, core, ...)";
    end = limit_end(eq + 1);
    if (end && *end == ':')
        end = limit_end(end + 1);
    return end && !*end ? NULL : wrong;
}

static bool permissions(const char *v)
{
    unsigned seen = 0;

    for (; *v; v++) {
        unsigned bit = *v == 'r' ? 1 : *v == 'w' ? 2 : *v == 'm' ? 4 : 0;

        if (!bit || (seen & bit))
            return false;
        seen |= bit;
    }
    return seen != 0;
}

const char *check_device(const char *v)
{
    static const char wrong[] = "must be a device like \"/dev/fuse:/dev/fuse:rwm\"";
    const char *second, *third;

    if (!str_starts(v, "/dev/"))
        return wrong;
    second = strchr(v, ':');
    if (!second)
        return NULL;
    third = strchr(++second, ':');
    if (third)
        return *second == '/' && permissions(third + 1) ? NULL : wrong;
    return *second == '/' || permissions(second) ? NULL : wrong;
}

const char *check_timezone(const char *v)
{
    static const char *const dirs[] = {"/usr/share/zoneinfo", "/etc/zoneinfo"};

    if (str_eq(v, "local"))
        return NULL;
    if (v[0] == '/' || strstr(v, ".."))
        return "must be \"local\" or a time zone";
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        _cleanup_free_ char *path = path_join(dirs[i], v);

        if (path && fs_exists(path))
            return NULL;
    }
    return "must be \"local\" or a time zone below /usr/share/zoneinfo or /etc/zoneinfo";
}

const char *check_umask(const char *v)
{
    size_t n = strlen(v);

    return n >= 1 && n <= 4 && strspn(v, "01234567") == n ? NULL
                                                          : "must be one to four octal digits";
}

const char *check_assignment(const char *v)
{
    const char *eq = strchr(v, '=');

    return eq && eq > v ? NULL : "must have the form name=value";
}

const char *check_absolute(const char *v)
{
    if (v[0] != '/')
        return "must be an absolute path";
    for (const char *at = v; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || !at[3])
            return "must be a path without \"..\"";
    return NULL;
}

const char *check_plugin_name(const char *v)
{
    if (!islower((unsigned char)*v))
        return "must be the name of a plugin";
    for (; *v; v++)
        if (!islower((unsigned char)*v) && !isdigit((unsigned char)*v) && *v != '_')
            return "must be the name of a plugin";
    return NULL;
}

const char *check_log_size(const char *v)
{
    int64_t n;

    if (check_size(v[0] == '-' ? v + 1 : v, &n) < 0 || (v[0] != '-' && n < 8192))
        return "must be negative (no limit) or 8192 and more";
    return NULL;
}

int check_bool(const char *v, bool *out)
{
    static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(v, words[i]) == 0) {
            *out = i < ARRAY_LEN(words) / 2;
            return 0;
        }
    return -EINVAL;
}

/* A decimal number with an optional fraction; gives what follows it, or NULL. */
static const char *number(const char *v, double *out)
{
    double scale = 1;
    bool digits = false;

    *out = 0;
    for (; isdigit((unsigned char)*v); v++, digits = true)
        *out = *out * 10 + (*v - '0');
    if (*v == '.')
        for (v++; isdigit((unsigned char)*v); v++, digits = true) {
            scale /= 10;
            *out += (*v - '0') * scale;
        }
    return digits ? v : NULL;
}

int check_size(const char *v, int64_t *out)
{
    static const char units[] = "kmgtp";
    const char *unit;
    double n;

    v = number(v, &n);
    if (!v)
        return -EINVAL;
    if (*v == ' ')
        v++;
    if (*v && (unit = strchr(units, tolower((unsigned char)*v)))) {
        double step = tolower((unsigned char)v[1]) == 'i' ? 1024 : 1000;

        for (const char *u = units; u <= unit; u++)
            n *= step;
        v += step > 1000 ? 2 : 1;
    }
    if (tolower((unsigned char)*v) == 'b')
        v++;
    if (*v)
        return -EINVAL;
    if (n >= 9223372036854775808.0)
        return -ERANGE;
    *out = (int64_t)n;
    return 0;
}

int check_time(const char *v, int64_t *out)
{
    static const struct {
        const char *word;
        double ns;
    } units[] = {{"ns", 1},   {"us", 1e3},   {"ms", 1e6},   {"s", 1e9},    {"sec", 1e9},
                 {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    double total = 0, n;

    do {
        size_t len, i;

        v = number(v, &n);
        if (!v)
            return -EINVAL;
        v += strspn(v, " ");
        len = strspn(v, "abcdefghijklmnopqrstuvwxyz");
        for (i = 0; i < ARRAY_LEN(units); i++)
            if (strlen(units[i].word) == len && strncmp(units[i].word, v, len) == 0)
                break;
        if (len == 0)
            n *= 1e9;
        else if (i < ARRAY_LEN(units))
            n *= units[i].ns;
        else
            return -EINVAL;
        total += n;
        v += len;
        if (len == 0 && *v)
            return -EINVAL;
        v += strspn(v, " ");
    } while (*v);
    if (total >= 9223372036854775808.0)
        return -ERANGE;
    *out = (int64_t)total;
    return 0;
}
