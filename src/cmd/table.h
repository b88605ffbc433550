/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - columns of text. */
#ifndef BERTH_CMD_TABLE_H
#define BERTH_CMD_TABLE_H

#include "base/buf.h"

/*
 * Align text whose cells end with a tab and whose lines end with a newline, as podman's
 * tables: a column is as wide as its widest cell and two spaces, and at least 12.  Lines
 * that follow one another share a column while they have a cell in it; what follows the
 * last tab of a line is in no column.  The result is appended.  0 or -ENOMEM.
 */
int table_align(const char *text, size_t len, struct berth_buf *out);

#endif
