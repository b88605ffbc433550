/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - one request over a local socket, and its answer (HTTP/1.1). */
#ifndef BERTH_BASE_HTTP_H
#define BERTH_BASE_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include <berth/plugin.h>
#include <stdbool.h>

/*
 * Read an answer in the bytes that came so far; at_end: no more will come.  1: it is whole,
 * *status and the body, appended to `body`, are given; 0: more is needed; -EUCLEAN: these are
 * not the bytes of an answer.
 */
int http_parse(struct berth_blob bytes, bool at_end, int *status, struct berth_buf *body);

/*
 * POST a body to a path of the server behind a socket.  The answer, whatever its status, may
 * have `max` bytes.  -ETIMEDOUT past the deadline; -EUCLEAN; -EFBIG.
 */
int http_post(const char *socket_path, const char *path, const char *type,
              struct berth_blob data, size_t max, berth_deadline deadline, int *status,
              struct berth_buf *body, struct berth_error *err);

#endif
