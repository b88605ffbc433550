/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - what conmon and runtimes report, and what it means. */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

#define LOG_TAIL (64 * 1024) /* of the runtime's log that is looked at */

int rt_read_line(int fd, berth_deadline deadline, struct rt_line *out)
{
    RT_FREE char *text = malloc(RT_LINE_MAX);
    size_t len = 0;

    memset(out, 0, sizeof(*out));
    if (!text)
        return -ENOMEM;
    while (len < RT_LINE_MAX && !memchr(text, '\n', len)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int r = poll(&p, 1, rt_poll_time(deadline));
        ssize_t n;

        if (r < 0 && errno != EINTR)
            return -errno;
        if (r < 0)
            continue;
        if (r == 0)
            return -ETIMEDOUT;
        n = read(fd, text + len, RT_LINE_MAX - len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0 && errno != ECONNRESET)
            return -errno;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    rt_parse_line(text, len, out);
    return 0;
}

void rt_parse_line(const char *text, size_t len, struct rt_line *out)
{
    RT_JSON struct json_object *o = NULL;
    const char *newline = memchr(text, '\n', len);
    struct json_object *data;
    const char *message;

    memset(out, 0, sizeof(*out));
    o = rt_json_parse(text, newline ? (size_t)(newline - text) : len);
    if (!json_object_is_type(o, json_type_object))
        return;
    message = rt_json_string(o, "message");
    if (message && *message)
        out->message = strdup(message);
    if (json_object_object_get_ex(o, "data", &data) &&
        json_object_is_type(data, json_type_int)) {
        out->data = json_object_get_int64(data);
        out->valid = true;
    }
}

char *rt_log_message(const char *path)
{
    RT_FREE char *text = NULL;
    ssize_t len = rt_read_file(path, LOG_TAIL, &text);
    char *found = NULL;

    for (char *line = text; len > 0;) {
        char *newline = memchr(line, '\n', (size_t)len);
        size_t n = newline ? (size_t)(newline - line) : (size_t)len;
        RT_JSON struct json_object *o = rt_json_parse(line, n);
        const char *level = rt_json_string(o, "level");
        const char *message = rt_json_string(o, "msg");

        if (level && message && *message &&
            (strcmp(level, "error") == 0 || strcmp(level, "fatal") == 0)) {
            free(found);
            found = strdup(message);
        }
        n += newline != NULL;
        line += n;
        len -= (ssize_t)n;
    }
    return found;
}

/* Does the line hold the words, in any case? */
static bool has_words(const char *line, size_t len, const char *words)
{
    size_t n = strlen(words);

    for (size_t i = 0; i + n <= len; i++) {
        if (strncasecmp(line + i, words, n) == 0)
            return true;
    }
    return false;
}

/* The first line with one of the two texts. */
static bool find_line(const char *text, const char *first, const char *second, const char **out,
                      size_t *out_len)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        if (has_words(text, len, first) || has_words(text, len, second)) {
            *out = text;
            *out_len = len;
            return true;
        }
        text += len + (text[len] == '\n');
    }
    return false;
}

/* A file of a security module's in the text: `/proc/.../attr.../exec`. */
static const char *security_failure(const char *text)
{
    for (const char *quote = strstr(text, "`/proc/"); quote;
         quote = strstr(quote + 1, "`/proc/")) {
        const char *end = strchr(quote + 1, '`');
        const char *attr = strstr(quote, "attr");

        if (!end)
            return NULL;
        if (!attr || attr > end)
            continue;
        if (end - quote > 5 && strncmp(end - 5, "/exec", 5) == 0)
            return ": OCI runtime error: unable to assign security attribute";
        if (end - quote > 8 && strncmp(end - 8, "/current", 8) == 0)
            return ": OCI runtime error: unable to get security attribute";
        return ": OCI runtime error: unable to process security attribute";
    }
    return NULL;
}

int rt_own_text(const struct rt_kind *kind, const char *text, size_t len)
{
    for (const struct rt_text *t = kind->texts; t->head; t++) {
        size_t head = strlen(t->head);
        size_t tail = strlen(t->tail);

        if (len >= head + tail && strncmp(text, t->head, head) == 0 &&
            strncmp(text + len - tail, t->tail, tail) == 0)
            return t->code;
    }
    return 0;
}

int rt_classify(const struct rt_kind *kind, const char *text, const char **out, size_t *out_len,
                const char **out_more)
{
    const char *more;
    int code;

    text += strspn(text, "\n");
    *out = text;
    *out_len = strlen(text);
    while (*out_len > 0 && text[*out_len - 1] == '\n')
        (*out_len)--;
    *out_more = "";
    code = rt_own_text(kind, text, *out_len);
    if (code)
        return code == ENOENT ? ESRCH : code;
    if (find_line(text, "permission denied", "operation not permitted", out, out_len))
        return EACCES;
    if (find_line(text, "executable file not found in", "no such file or directory", out,
                  out_len))
        return ENOENT;
    more = security_failure(text);
    if (more)
        *out_more = more;
    return EREMOTEIO;
}

int rt_fail_text(struct berth_oci *r, struct berth_error *err, const char *text)
{
    const char *line, *more;
    size_t len;
    int code = rt_classify(r->kind, text, &line, &len, &more);

    return berth_fail(r->h, err, code, "%s: %.*s%s", r->name, (int)len, line, more);
}
