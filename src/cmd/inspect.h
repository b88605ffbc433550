/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.h - the document of `berth inspect`, member for member podman's. */
#ifndef BERTH_CMD_INSPECT_H
#define BERTH_CMD_INSPECT_H

#include "base/json.h"
#include "cmd/template.h"
#include "engine/store.h"

/* A container while its document is made. */
struct inspection {
    struct ctr *c;
    json *spec;    /* the bundle's config.json once there is one, else the stored one */
    json *created; /* the stored spec, as at creation */
    bool marked;   /* for a template: types are marked and no member is left out */
};

/* The document of a container, whose record is up to date.  size: with SizeRw and
 * SizeRootFs.  *out is the caller's. */
int inspect_ctr(struct ctr *c, bool size, bool marked, json **out, struct berth_error *err);

/* What a template makes of such a document; an engine_expand_fn. */
int inspect_expand(struct ctr *c, const char *text, char **out, struct berth_error *err);

/* Parts; each is the caller's. */
json *inspect_config(struct inspection *i);
json *inspect_host_config(struct inspection *i, json *mounts);
int inspect_network(struct inspection *i, json **out, struct berth_error *err);
json *inspect_ports(const struct ctr *c);

/* The same members in the order of their names, as Go writes maps.  Takes the object. */
json *inspect_sorted(json *object);

/* An annotation of the stored spec; NULL: none. */
const char *inspect_annotation(const struct inspection *i, const char *name);

/* A namespace of the stored spec by its OCI word: NULL where it is the host's. */
json *inspect_namespace(const struct inspection *i, const char *type);

/* Set a member that is left out when it is empty, unless a template wants it. */
void inspect_opt_str(const struct inspection *i, json *o, const char *key, const char *value);
void inspect_opt_bool(const struct inspection *i, json *o, const char *key, bool value);

#endif
