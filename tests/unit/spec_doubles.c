/* SPDX-License-Identifier: Apache-2.0 */
/* spec_doubles.c - see spec_doubles.h. */
#include "unit/spec_doubles.h"
#include "base/str.h"
#include "engine/store.h"

const json *spec_doubles_others;

__attribute__((weak)) const char *engine_oci_default(const struct engine *e)
{
    return e->conf->oci_runtime;
}

/* Without a runtime no filter is compiled for it. */
__attribute__((weak)) const char *ctr_runtime(const struct ctr *c)
{
    return json_str(c->config, "ociRuntime");
}

__attribute__((weak)) int engine_oci(struct engine *e _unused_, const char *runtime,
                                     struct oci **out _unused_, struct berth_error *err)
{
    return fail(err, ENOENT, "no runtime %s", runtime);
}

__attribute__((weak)) const char *ctr_static_dir(const struct ctr *c)
{
    return json_str(c->config, "staticDir");
}

__attribute__((weak)) const char *ctr_run_dir(const struct ctr *c)
{
    return json_str(c->state, "runDir");
}

__attribute__((weak)) void ctr_free(struct ctr *c)
{
    if (!c)
        return;
    free(c->name);
    json_putp(&c->config);
    json_putp(&c->state);
    free(c);
}

__attribute__((weak)) int ctr_lookup(struct engine *e, const char *name, struct ctr **out,
                                     struct berth_error *err)
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

__attribute__((weak)) int ctr_load(struct engine *e, const char *id, struct ctr **out,
                                   struct berth_error *err)
{
    return ctr_lookup(e, id, out, err);
}
