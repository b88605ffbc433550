/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - what conmon and runtimes report, and what it means. */
#ifndef OCI_MESSAGE_H
#define OCI_MESSAGE_H

#include "runtime.h"

/* The longest line conmon writes: 8191 bytes of text, each escaped to six, and a frame. */
#define RT_LINE_MAX (64 * 1024)

/* One line from a pipe of conmon's. */
struct rt_line {
    bool valid;    /* it is an object with an integer `data` */
    int64_t data;  /* pid, 0 for ready, negative for a failure */
    char *message; /* text of the runtime's, or NULL; free() it */
};

/* Read one line until its newline or the end of file.  0, also when nothing came (then
 * valid is false); -ETIMEDOUT; -errno. */
int rt_read_line(int fd, berth_deadline deadline, struct rt_line *out);

/* Parse such a line; exported for tests. */
void rt_parse_line(const char *text, size_t len, struct rt_line *out);

/* The last error in a runtime's JSON log; fresh memory, or NULL if there is none. */
char *rt_log_message(const char *path);

/* What a failed create, start or exec means: ENOENT, EACCES, EEXIST, ESRCH, ENOTSUP,
 * EBUSY or EREMOTEIO.  *out: the line that says it, and its length; lent by `text`.
 * *out_more: text to append, constant, "" for none. */
int rt_classify(const struct rt_kind *kind, const char *text, const char **out, size_t *out_len,
                const char **out_more);

/* What a text of the runtime's own says: a code of rt_text, or 0 for none. */
int rt_own_text(const struct rt_kind *kind, const char *text, size_t len);

/* Describe a failed create, start or exec by what the runtime wrote; returns -code. */
int rt_fail_text(struct berth_oci *r, struct berth_error *err, const char *text);

#endif
