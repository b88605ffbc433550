/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - one request over a local socket, and its answer (HTTP/1.1). */
#ifndef BERTH_BASE_HTTP_H
#define BERTH_BASE_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include <berth/plugin.h>
#include <stdbool.h>

/* An answer as it comes; all zero before its first bytes. */
struct http_answer {
    int status;
    struct berth_buf body;
    /* what was read of the bytes */
    size_t at;
    bool has_head, chunked, sized;
    uint64_t size;
};

/*
 * Read on in the bytes that came so far, which begin with the first one and are as they were;
 * at_end: no more will come.  1: it is whole, with status and body, which is the caller's to
 * free; 0: more is needed; -EUCLEAN: these are not the bytes of an answer.
 */
int http_parse(struct http_answer *a, struct berth_blob bytes, bool at_end);

/*
 * POST a body to a path of the server behind a socket.  The answer, whatever its status, may
 * have `max` bytes.  -ETIMEDOUT past the deadline; -EUCLEAN; -EFBIG.
 */
int http_post(const char *socket_path, const char *path, const char *type,
              struct berth_blob data, size_t max, berth_deadline deadline, int *status,
              struct berth_buf *body, struct berth_error *err);

#endif
