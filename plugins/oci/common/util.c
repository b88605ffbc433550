/* SPDX-License-Identifier: Apache-2.0 */
/* util.c - small tools of the OCI plugins, see util.h. */
#include "util.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static void strv_take(struct rt_strv *s, char *string)
{
    if (!string) {
        s->failed = true;
        return;
    }
    if (s->n + 2 > s->room) {
        size_t room = s->room ? s->room * 2 : 32;
        char **v = reallocarray(s->v, room, sizeof(*v));

        if (!v) {
            s->failed = true;
            free(string);
            return;
        }
        s->v = v;
        s->room = room;
    }
    s->v[s->n++] = string;
    s->v[s->n] = NULL;
}

void rt_strv_add(struct rt_strv *s, ...)
{
    const char *string;
    va_list ap;

    va_start(ap, s);
    while ((string = va_arg(ap, const char *)))
        strv_take(s, strdup(string));
    va_end(ap);
}

void rt_strv_addf(struct rt_strv *s, const char *fmt, ...)
{
    char *string = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&string, fmt, ap) < 0)
        string = NULL;
    va_end(ap);
    strv_take(s, string);
}

void rt_strv_env(struct rt_strv *s, const char *name, const char *value)
{
    size_t len = strlen(name);

    if (!value)
        return;
    for (size_t i = 0; i < s->n; i++) {
        if (strncmp(s->v[i], name, len) == 0 && s->v[i][len] == '=') {
            char *string = rt_format("%s=%s", name, value);

            if (!string) {
                s->failed = true;
                return;
            }
            free(s->v[i]);
            s->v[i] = string;
            return;
        }
    }
    rt_strv_addf(s, "%s=%s", name, value);
}

void rt_strv_words(struct rt_strv *s, const char *head, const char *text)
{
    static const char blanks[] = " \t\n";

    if (!text)
        return;
    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        size_t len = strcspn(text, blanks);

        rt_strv_addf(s, "%s%.*s", head, (int)len, text);
        text += len;
    }
}

bool rt_strv_ok(const struct rt_strv *s)
{
    return !s->failed;
}

void rt_strv_clear(struct rt_strv *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    memset(s, 0, sizeof(*s));
}

char *rt_format(const char *fmt, ...)
{
    char *string = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&string, fmt, ap) < 0)
        string = NULL;
    va_end(ap);
    return string;
}

ssize_t rt_read_file(const char *path, size_t max, char **out)
{
    /* Not blocking: whoever put a fifo in the file's place must not hang us. */
    RT_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    RT_FREE char *text = NULL;
    struct stat st;
    size_t len = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EPROTO;
    if ((uint64_t)st.st_size > max && lseek(fd, st.st_size - (off_t)max, SEEK_SET) < 0)
        return -errno;
    text = malloc(max + 1);
    if (!text)
        return -ENOMEM;
    while (len < max) {
        ssize_t n = read(fd, text + len, max - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    *out = text;
    text = NULL;
    return (ssize_t)len;
}

int rt_read_number(const char *path, int64_t min, int64_t max, int64_t *out)
{
    RT_FREE char *text = NULL;
    ssize_t len = rt_read_file(path, 24, &text);
    const char *digits;
    char *end;
    long long value;

    if (len < 0)
        return (int)len;
    if (len == 24) /* no number that we read is so long */
        return -EPROTO;
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    digits = text + (text[0] == '-');
    if (*digits < '0' || *digits > '9' || (size_t)len != strlen(text))
        return -EPROTO;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || *end || value < min || value > max)
        return -EPROTO;
    *out = value;
    return 0;
}

struct json_object *rt_json_parse(const char *text, size_t len)
{
    struct json_tokener *tok;
    struct json_object *o = NULL;
    size_t end;

    if (len > INT_MAX)
        return NULL;
    tok = json_tokener_new();
    if (!tok)
        return NULL;
    o = json_tokener_parse_ex(tok, text, (int)len);
    if (json_tokener_get_error(tok) != json_tokener_success) {
        json_object_put(o);
        o = NULL;
    }
    for (end = json_tokener_get_parse_end(tok); o && end < len; end++) {
        if (!strchr(" \t\r\n", text[end]) || !text[end]) {
            json_object_put(o);
            o = NULL;
        }
    }
    json_tokener_free(tok);
    return o;
}

const char *rt_json_string(struct json_object *o, const char *name)
{
    struct json_object *member;

    if (!json_object_is_type(o, json_type_object) ||
        !json_object_object_get_ex(o, name, &member) ||
        !json_object_is_type(member, json_type_string))
        return NULL;
    return json_object_get_string(member);
}

berth_deadline rt_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (berth_deadline)ts.tv_sec * RT_SECOND + (berth_deadline)ts.tv_nsec;
}

int rt_poll_time(berth_deadline deadline)
{
    berth_deadline now, ms;

    if (deadline == BERTH_WAIT_FOREVER)
        return -1;
    now = rt_now();
    if (deadline <= now)
        return 0;
    ms = (deadline - now + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
