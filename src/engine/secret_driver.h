/* SPDX-License-Identifier: Apache-2.0 */
/* secret_driver.h - who keeps the values of secrets. */
#ifndef BERTH_ENGINE_SECRET_DRIVER_H
#define BERTH_ENGINE_SECRET_DRIVER_H

#include "engine/secret.h"

struct secret_driver;

struct secret_driver_ops {
    const char *name;
    int (*check)(struct secret_driver *d, struct berth_error *err);
    /* others: object whose members are the IDs of all secrets that have a record */
    int (*store)(struct secret_driver *d, const char *id, struct berth_blob data,
                 const json *others, struct berth_error *err);
    int (*lookup)(struct secret_driver *d, const char *id, struct berth_buf *out,
                  struct berth_error *err);
    int (*remove)(struct secret_driver *d, const char *id, struct berth_error *err);
};

struct secret_driver {
    const struct secret_driver_ops *ops;
    const char *name;
    json *options; /* as they are recorded */
    char *own_dir; /* where the file driver keeps this store's values */
};

/* The driver of this name, with its options (lent, or NULL).  -EINVAL: none such. */
int secret_driver(struct engine *e, const char *name, json *options, struct secret_driver *out,
                  struct berth_error *err);
void secret_driver_end(struct secret_driver *d);

/* Put a document in place as podman writes it, for nobody else to read. */
int secret_write_json(const char *path, const json *doc, struct berth_error *err);

#endif
