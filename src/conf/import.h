/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - podman's configuration files as berth.conf. */
#ifndef BERTH_CONF_IMPORT_H
#define BERTH_CONF_IMPORT_H

#include "base/json.h"

/*
 * Translate a libpod.conf or containers.conf, read as JSON: a table at the top or one of
 * [containers], [engine], [network] holds keys; other tables are of no use to berth.
 *
 * out: text of a berth.conf that was checked to be right.  lost: a line per key that could
 * not be carried over, with the reason.
 */
int import_document(const json *doc, struct berth_buf *out, struct berth_list *lost,
                    struct berth_error *err);

/* Read a TOML file by the program berth-toml.  -EUCLEAN: it is no TOML; -ENOEXEC: berth was
 * built without it. */
int import_read(const char *path, json **out, struct berth_error *err);

#endif
