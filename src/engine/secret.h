/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - secrets, in podman's files and shared with it.
 *
 * <graph root>/secrets has secrets.json, what is known of each, and secrets.lock, held in every
 * operation.  The values are with a driver: `file` keeps them, base64, in secretsdata.json of
 * a directory; `shell` runs commands.
 */
#ifndef BERTH_ENGINE_SECRET_H
#define BERTH_ENGINE_SECRET_H

#include "engine/engine.h"

#define SECRET_ID_LEN 25     /* hex digits */
#define SECRET_MAX    512000 /* bytes of a value: fewer than these */

/* Can a secret have this name?  Copies in containers' directories are files of that name. */
bool secret_name_is_valid(const char *name);

/* A new secret; everything is lent. */
struct secret_new {
    const char *name;
    const char *driver; /* NULL: the file driver */
    json *options;      /* of the driver: object of strings, or NULL */
    json *labels;       /* object of strings, or NULL */
    struct berth_blob data;
};
int secret_create(struct engine *e, const struct secret_new *what,
                  char id[static SECRET_ID_LEN + 1], struct berth_error *err);

/* By name, ID or the beginning of an ID: object with name, id, labels, createdAt, driver,
 * driverOptions; the caller's.  -ENOENT; -EEXIST: several fit. */
int secret_lookup(struct engine *e, const char *name_or_id, json **out,
                  struct berth_error *err);

/* All of them, by name: an array of such objects, the caller's. */
int secret_all(struct engine *e, json **out, struct berth_error *err);

/* Remove it, and its value. */
int secret_remove(struct engine *e, const char *name_or_id, char id[static SECRET_ID_LEN + 1],
                  struct berth_error *err);

/* Append the value.  `secret` is from secret_lookup(), or what a container's record has of it:
 * -EUCLEAN if that is damaged. */
int secret_value(struct engine *e, const json *secret, struct berth_buf *out,
                 struct berth_error *err);

#endif
