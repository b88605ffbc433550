/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util.h - small tools of the OCI plugins: clean-up on leaving a scope, string
 * vectors with one check at the end, files of a directory, the monotonic clock.
 */
#ifndef OCI_UTIL_H
#define OCI_UTIL_H

#include <berth/plugin.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define RT_SECOND ((berth_deadline)1000000000)

static inline void rt_clean_free(void *p)
{
    free(*(void **)p);
}

static inline void rt_clean_fd(const int *fd)
{
    if (*fd >= 0) {
        int saved = errno;

        close(*fd);
        errno = saved;
    }
}

static inline void rt_clean_json(struct json_object **o)
{
    json_object_put(*o);
}

#define RT_FREE __attribute__((__cleanup__(rt_clean_free)))
#define RT_FD   __attribute__((__cleanup__(rt_clean_fd)))
#define RT_JSON __attribute__((__cleanup__(rt_clean_json)))

/* A NULL-ended vector of strings of its own.  A failed addition is remembered, so that
 * a builder tests once, at its end, with rt_strv_ok(). */
struct rt_strv {
    char **v;
    size_t n, room;
    bool failed;
};

#define RT_STRV __attribute__((__cleanup__(rt_strv_clear)))

/* Append a copy of each argument; the list ends with NULL. */
void rt_strv_add(struct rt_strv *s, ...) __attribute__((__sentinel__));
/* Append one formatted string. */
void rt_strv_addf(struct rt_strv *s, const char *fmt, ...) BERTH_PRINTF(2, 3);
/* Append name=value, or replace what is there under the name.  NULL value: nothing. */
void rt_strv_env(struct rt_strv *s, const char *name, const char *value);
/* Append the words of a text, cut at blanks, each with `head` in front. */
void rt_strv_words(struct rt_strv *s, const char *head, const char *text);
bool rt_strv_ok(const struct rt_strv *s);
void rt_strv_clear(struct rt_strv *s);

/* A fresh string, or NULL without memory. */
char *rt_format(const char *fmt, ...) BERTH_PRINTF(1, 2);

/* Read a small regular file: at most `max` bytes from its end, NUL-terminated, into
 * fresh memory.  Returns its length there or -errno; symbolic links are not followed. */
ssize_t rt_read_file(const char *path, size_t max, char **out);

/* The value of a file that holds one decimal number and at most a newline after it.
 * 0 or -errno; -EPROTO for any other content. */
int rt_read_number(const char *path, int64_t min, int64_t max, int64_t *out);

/* Parse the one JSON value that the text consists of; NULL if it is none. */
struct json_object *rt_json_parse(const char *text, size_t len);

/* The member's string, or NULL when it is absent or no string; lent by the object. */
const char *rt_json_string(struct json_object *o, const char *name);

berth_deadline rt_now(void);
/* What poll() takes for the time to the deadline: milliseconds, rounded up, or -1. */
int rt_poll_time(berth_deadline deadline);

#endif
