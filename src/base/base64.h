/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - bytes as text of 64 digits, with padding. */
#ifndef BERTH_BASE_BASE64_H
#define BERTH_BASE_BASE64_H

#include "base/buf.h"

/* Append the text.  0 or the buffer's error. */
int base64_encode(struct berth_blob bytes, struct berth_buf *out);

/* Append the bytes.  -EINVAL, and nothing appended: it is not base64, strictly, with padding
 * and without white space; or the buffer's error. */
int base64_decode(const char *text, struct berth_buf *out);

#endif
