/* SPDX-License-Identifier: Apache-2.0 */
/* spec_doubles.c - see spec_doubles.h. */
#include "unit/spec_doubles.h"
#include "base/str.h"
#include "engine/store.h"
#include "engine/volume.h"

const json *spec_doubles_others;

const char *engine_oci_default(const struct engine *e)
{
    return e->conf->oci_runtime;
}

/* Without a runtime no filter is compiled for it. */
const char *ctr_runtime(const struct ctr *c)
{
    return json_str(c->config, "ociRuntime");
}

int engine_oci(struct engine *e _unused_, const char *runtime, struct oci **out _unused_,
               struct berth_error *err)
{
    return fail(err, ENOENT, "no runtime %s", runtime);
}

const char *ctr_static_dir(const struct ctr *c)
{
    return json_str(c->config, "staticDir");
}

const char *ctr_run_dir(const struct ctr *c)
{
    return json_str(c->state, "runDir");
}

void ctr_free(struct ctr *c)
{
    if (!c)
        return;
    free(c->name);
    json_putp(&c->config);
    json_putp(&c->state);
    free(c);
}

int ctr_lookup(struct engine *e, const char *name, struct ctr **out, struct berth_error *err)
{
    for (size_t i = 0; i < json_len(spec_doubles_others); i++) {
        const json *config = json_get(json_item(spec_doubles_others, i), "config");
        struct ctr *c;

        if (!str_eq(json_str(config, "name"), name) && !str_eq(json_str(config, "id"), name))
            continue;
        c = calloc(1, sizeof(*c));
        if (!c)
            return -ENOMEM;
        c->e = e;
        snprintf(c->id, sizeof(c->id), "%s", json_str(config, "id"));
        c->name = strdup(json_str(config, "name"));
        c->config = json_copy(config);
        c->state = json_copy(json_get(json_item(spec_doubles_others, i), "state"));
        *out = c;
        return 0;
    }
    return fail(err, ENOENT, "no container with name or ID \"%s\" found: no such container",
                name);
}

int ctr_load(struct engine *e, const char *id, struct ctr **out, struct berth_error *err)
{
    return ctr_lookup(e, id, out, err);
}

/* Volumes are where they always are. */
int volume_load(struct engine *e, const char *name, struct volume **out,
                struct berth_error *err)
{
    _cleanup_free_ char *path = str_printf("%s/%s/_data", e->conf->volume_path, name);
    struct volume *v = calloc(1, sizeof(*v));

    if (!v || !path) {
        free(v);
        return fail(err, ENOMEM, "out of memory");
    }
    v->e = e;
    v->name = strdup(name);
    v->config = json_new();
    v->state = json_new();
    json_set_str(v->config, "mountPoint", path);
    *out = v;
    return 0;
}
