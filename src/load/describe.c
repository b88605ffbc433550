/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c - see describe.h. */
#include "load/describe.h"
#include "base/str.h"
#include <berth/lock.h>
#include <berth/net.h>
#include <berth/oci.h>
#include <berth/state.h>

/* The kinds of 1.0 had these sizes; nothing smaller has ever been. */
#define PLUGIN_SIZE_MIN (offsetof(struct berth_plugin, options) + sizeof(void *))
#define OPTION_SIZE_MIN (offsetof(struct berth_option, help) + sizeof(void *))
#define OPTIONS_MAX     1000

#define STATE(op)                                                                              \
    {                                                                                          \
#op, offsetof(struct berth_state_ops, op), false, 0                                    \
    }
#define LOCK(op)                                                                               \
    {                                                                                          \
#op, offsetof(struct berth_lock_ops, op), false, 0                                     \
    }
#define OCI(op)                                                                                \
    {                                                                                          \
#op, offsetof(struct berth_oci_ops, op), false, 0                                      \
    }
#define NET(op)                                                                                \
    {                                                                                          \
#op, offsetof(struct berth_net_ops, op), false, 0                                      \
    }

/* clang-format off */
static const struct describe_op state_ops[] = {
    STATE(probe), STATE(open), STATE(close), STATE(forked), STATE(begin), STATE(commit),
    STATE(rollback), STATE(get), STATE(resolve), STATE(scan), STATE(insert), STATE(update),
    STATE(remove), STATE(link), STATE(unlink), STATE(unlink_all), STATE(linked), STATE(links),
    STATE(exit_put), STATE(exit_get), STATE(exit_scan), STATE(exit_prune), STATE(config_get),
    STATE(config_put),
    {"check", offsetof(struct berth_state_ops, check), true, 0},
    {"backup", offsetof(struct berth_state_ops, backup), true, 0},
    {"files", offsetof(struct berth_state_ops, files), true, 0},
};

static const struct describe_op lock_ops[] = {
    LOCK(probe), LOCK(open), LOCK(close), LOCK(forked), LOCK(allocate), LOCK(claim),
    LOCK(release), LOCK(release_all), LOCK(count),
    {"held", offsetof(struct berth_lock_ops, held), true, BERTH_LOCK_CAP_HELD},
    LOCK(acquire), LOCK(drop),
};

static const struct describe_op oci_ops[] = {
    OCI(probe), OCI(open), OCI(close), OCI(info), OCI(create), OCI(start), OCI(status),
    OCI(kill), OCI(stop), OCI(remove), OCI(pause), OCI(unpause), OCI(update), OCI(attach),
    OCI(resize), OCI(exec), OCI(exec_stop), OCI(exec_status), OCI(monitored), OCI(path),
    {"checkpoint", offsetof(struct berth_oci_ops, checkpoint), true,
     BERTH_OCI_CAP_CHECKPOINT},
    OCI(wait),
};

static const struct describe_op net_ops[] = {
    NET(probe), NET(open), NET(close), NET(info), NET(drivers), NET(default_name), NET(create),
    NET(remove), NET(inspect), NET(list),
    {"update", offsetof(struct berth_net_ops, update), true, BERTH_NET_CAP_UPDATE},
    NET(setup), NET(teardown),
    {"rootless_netns", offsetof(struct berth_net_ops, rootless_netns), true, 0},
    {"check", offsetof(struct berth_net_ops, check), true, 0},
};

static const char *const state_caps[] = {"persistent", "shared", "timeout", "snapshot",
                                         "namespaces", "same_names", "networks", "foreign",
                                         NULL};
static const char *const lock_caps[] = {"timeout", "orphans", "held", "limited", "deadlock",
                                        NULL};
static const char *const oci_caps[] = {"checkpoint", "json_errors", "no_cgroups", "vm",
                                       "monitor", "seccomp_bpf", NULL};
static const char *const net_caps[] = {"dns", "ipv6", "connect", "update", NULL};

static const struct describe_kind kinds[] = {
    [BERTH_KIND_STATE] = {"state", "a state plugin", BERTH_STATE_ABI_MAJOR,
                          BERTH_STATE_ABI_MINOR, sizeof(struct berth_state_ops), state_ops,
                          ARRAY_LEN(state_ops), state_caps},
    [BERTH_KIND_LOCK] = {"lock", "a lock plugin", BERTH_LOCK_ABI_MAJOR, BERTH_LOCK_ABI_MINOR,
                         sizeof(struct berth_lock_ops), lock_ops, ARRAY_LEN(lock_ops), lock_caps},
    [BERTH_KIND_OCI] = {"oci", "an OCI plugin", BERTH_OCI_ABI_MAJOR, BERTH_OCI_ABI_MINOR,
                        sizeof(struct berth_oci_ops), oci_ops, ARRAY_LEN(oci_ops), oci_caps},
    [BERTH_KIND_NET] = {"net", "a network plugin", BERTH_NET_ABI_MAJOR, BERTH_NET_ABI_MINOR,
                        sizeof(struct berth_net_ops), net_ops, ARRAY_LEN(net_ops), net_caps},
};
/* clang-format on */

const struct describe_kind *describe_kind(uint32_t kind)
{
    return kind < ARRAY_LEN(kinds) && kinds[kind].word ? &kinds[kind] : NULL;
}

const char *plugin_kind_name(uint32_t kind)
{
    const struct describe_kind *k = describe_kind(kind);

    return k ? k->word : NULL;
}

uint32_t plugin_kind_of(const char *word)
{
    for (uint32_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].word && strcmp(kinds[i].word, word) == 0)
            return i;
    return 0;
}

static int check_majors(const struct describe_kind *k, unsigned abi_major, unsigned abi_minor,
                        unsigned ops_major, unsigned ops_minor, struct berth_error *err)
{
    if (abi_major != BERTH_ABI_MAJOR)
        return fail(err, ENOEXEC, "is made for plugin ABI %u.%u, and this program has %d.%d",
                    abi_major, abi_minor, BERTH_ABI_MAJOR, BERTH_ABI_MINOR);
    if (ops_major != k->major)
        return fail(err, ENOEXEC, "is made for %s ABI %u.%u, and this program has %u.%u",
                    k->word, ops_major, ops_minor, k->major, k->minor);
    return 0;
}

int describe_note(const struct note *n, const char *module, uint32_t wanted,
                  struct berth_error *err)
{
    const struct describe_kind *k = describe_kind(n->kind);

    if (wanted && n->kind != wanted)
        return fail(err, ENOEXEC, "is %s (%s), not %s", k->name, n->module,
                    describe_kind(wanted)->name);
    if (strcmp(n->module, module) != 0)
        return fail(err, ENOEXEC,
                    "is the module \"%s\" under the name of another: it belongs into %s.so",
                    n->module, n->module);
    return check_majors(k, n->abi_major, n->abi_minor, n->ops_major, n->ops_minor, err);
}

static int check_head(const struct berth_plugin *d, const char *module, struct berth_error *err)
{
    const char *name = NULL;
    uint32_t kind = note_module_kind(module, &name);
    const struct describe_kind *k = describe_kind(kind);
    int r;

    if (d->magic != BERTH_PLUGIN_MAGIC)
        return fail(err, ENOEXEC, "has a descriptor without the magic number of plugins");
    if (d->size < PLUGIN_SIZE_MIN || d->size > 65536)
        return fail(err, ENOEXEC, "has a descriptor of %u bytes, which cannot be", d->size);
    if (d->kind != kind)
        return fail(err, ENOEXEC, "is %s by its descriptor, not %s",
                    describe_kind(d->kind) ? describe_kind(d->kind)->name : "of no known kind",
                    k->name);
    r = check_majors(k, d->abi_major, d->abi_minor, d->ops_major, d->ops_minor, err);
    if (r < 0)
        return r;
    if (d->abi_needs > BERTH_ABI_MINOR)
        return fail(err, ENOEXEC,
                    "needs plugin ABI %d.%u, and this program has %d.%d: a later berth is "
                    "needed",
                    BERTH_ABI_MAJOR, d->abi_needs, BERTH_ABI_MAJOR, BERTH_ABI_MINOR);
    if (d->ops_needs > k->minor)
        return fail(err, ENOEXEC,
                    "needs %s ABI %u.%u, and this program has %u.%u: a later berth is needed",
                    k->word, k->major, d->ops_needs, k->major, k->minor);
    if (!d->name || strcmp(d->name, name) != 0)
        return fail(err, ENOEXEC, "calls itself \"%s\" in its descriptor, not \"%s\"",
                    str_or(d->name, ""), name);
    if (d->threads > BERTH_THREADS_PARALLEL)
        return fail(err, ENOEXEC, "declares a thread model (%u) that is not known", d->threads);
    return 0;
}

static int copy_options(const struct berth_plugin *d, struct plugin *p, struct berth_error *err)
{
    struct berth_option *options;

    p->desc.options = NULL;
    p->desc.option_size = sizeof(*options);
    if (d->n_options == 0)
        return 0;
    if (d->n_options > OPTIONS_MAX || !d->options || d->option_size < OPTION_SIZE_MIN)
        return fail(err, ENOEXEC, "has a table of options that makes no sense");
    options = calloc(d->n_options, sizeof(*options));
    if (!options)
        return fail(err, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < d->n_options; i++) {
        memcpy(&options[i], (const char *)d->options + (size_t)i * d->option_size,
               MIN(sizeof(*options), d->option_size));
        if (!options[i].name || options[i].type < BERTH_OPTION_STRING ||
            options[i].type > BERTH_OPTION_TIME) {
            free(options);
            return fail(err, ENOEXEC, "declares option %u without a name or a known type", i);
        }
    }
    p->desc.options = options;
    return 0;
}

/* A required operation is missing where it is NULL or behind the end of the file's table. */
static int check_ops(const struct describe_kind *k, const void *ops, uint64_t caps,
                     struct berth_error *err)
{
    _cleanup_list_ struct berth_list missing = LIST_INIT;
    _cleanup_free_ char *names = NULL;

    for (size_t i = 0; i < k->n_ops; i++) {
        const struct describe_op *op = &k->ops[i];
        void (*fn)(void);

        memcpy(&fn, (const char *)ops + op->offset, sizeof(fn));
        if (!fn && (!op->optional || (caps & op->needed_for)))
            list_add(&missing, op->name);
    }
    if (missing.n == 0)
        return 0;
    names = list_join(&missing, ", ");
    return fail(err, ENOEXEC, "lacks %zu function%s that %s must have: %s", missing.n,
                missing.n > 1 ? "s" : "", k->name, str_or(names, "?"));
}

static int copy_ops(const struct berth_plugin *d, const struct describe_kind *k,
                    struct plugin *p, struct berth_error *err)
{
    uint32_t size = 0;
    void *ops;
    int r;

    if (d->ops)
        memcpy(&size, d->ops, sizeof(size));
    if (size < sizeof(void *) || size > 65536)
        return fail(err, ENOEXEC, "has no table of functions, or one of %u bytes", size);
    ops = calloc(1, k->ops_size);
    if (!ops)
        return fail(err, ENOMEM, "out of memory");
    memcpy(ops, d->ops, MIN(k->ops_size, size));
    r = check_ops(k, ops, d->caps, err);
    if (r < 0) {
        free(ops);
        return r;
    }
    size = (uint32_t)MIN(k->ops_size, size);
    memcpy(ops, &size, sizeof(size));
    p->ops = ops;
    p->desc.ops = ops;
    return 0;
}

int describe_plugin(const struct berth_plugin *desc, const char *module, struct plugin *p,
                    struct berth_error *err)
{
    int r = check_head(desc, module, err);

    if (r < 0)
        return r;
    p->file_size = desc->size;
    memcpy(&p->file_ops_size, desc->ops ? desc->ops : &p->file_size, sizeof(uint32_t));
    memset(&p->desc, 0, sizeof(p->desc));
    memcpy(&p->desc, desc, MIN(sizeof(p->desc), desc->size));
    p->desc.version = str_or(p->desc.version, "");
    p->desc.summary = str_or(p->desc.summary, "");
    p->desc.license = str_or(p->desc.license, "");
    p->desc.contact = str_or(p->desc.contact, "");
    r = copy_options(desc, p, err);
    if (r < 0)
        return r;
    r = copy_ops(desc, describe_kind(desc->kind), p, err);
    if (r < 0) {
        free((void *)(uintptr_t)p->desc.options);
        return r;
    }
    return 0;
}
