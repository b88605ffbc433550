/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c - network plugins, and files, that are wrong on purpose: -DWRONG_<what> each.
 *
 * The example net_solo, with one operation that is wrong, or with a descriptor or a file that
 * is.  The kit has to notice.
 */
#include <berth/net.h>

#undef BERTH_NET_PLUGIN
#define BERTH_NET_PLUGIN(module, ops_, ...) enum { example_is_included }
#include "plugin.c"

#include <stdio.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------ operations */

static int wrong_open(const struct berth_host *h, const struct berth_place *place,
                      const struct berth_config *cfg, struct berth_net **out,
                      struct berth_error *err)
{
#ifdef WRONG_inherits
    int fd = open("/dev/null", O_RDONLY);

    if (fd < 0)
        return berth_fail(h, err, errno, "no null device");
#endif
#ifdef WRONG_umask
    umask(0);
#endif
#ifdef WRONG_prints
    puts("opening");
#endif
    return solo_open(h, place, cfg, out, err);
}

static int wrong_probe(const struct berth_host *h, const struct berth_place *place,
                       const struct berth_config *cfg, struct berth_error *err)
{
#ifdef WRONG_creates
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/seen", place->static_dir);
    f = fopen(path, "we");
    if (f)
        fclose(f);
#endif
    return solo_probe(h, place, cfg, err);
}

static void wrong_close(struct berth_net *n)
{
#ifdef WRONG_close_null
    if (!n->h)
        return;
#endif
    solo_close(n);
}

static int wrong_info(struct berth_net *n, struct berth_buf *out, struct berth_error *err)
{
#ifdef WRONG_json
    return give(n, out, "{\"backend\":solo}", err);
#endif
#ifdef WRONG_ignores_full
    n->h->put(n->h->core, out, "{}", 2);
    return 0;
#endif
    return solo_info(n, out, err);
}

static int wrong_inspect(struct berth_net *n, const char *name, struct berth_buf *out,
                         struct berth_error *err)
{
#ifdef WRONG_badcode
    if (check_name(n, name, NULL) < 0)
        return berth_fail(n->h, err, EINVAL, "there is no network %s", name);
#endif
#ifdef WRONG_mute
    return check_name(n, name, NULL) < 0 ? -ENOENT : give(n, out, network, err);
#endif
#ifdef WRONG_twice
    if (check_name(n, name, err) < 0)
        return berth_fail(n->h, err, ENOENT, "there is no network %s", name);
#endif
#ifdef WRONG_needs_error
    if (check_name(n, name, err) < 0)
        return *(volatile int *)err ? -ENOENT : -ENOENT;
#endif
#ifdef WRONG_by_name
    if (strcmp(name, NAME) != 0)
        return berth_fail(n->h, err, ENOENT, "there is no network %s", name);
#endif
    return solo_inspect(n, name, out, err);
}

static int wrong_remove(struct berth_net *n, const char *name, struct berth_error *err)
{
#ifdef WRONG_default
    if (check_name(n, name, NULL) == 0)
        return 0;
#endif
    return solo_remove(n, name, err);
}

static int wrong_list(struct berth_net *n, berth_net_fn *fn, void *arg, struct berth_error *err)
{
    int r = solo_list(n, fn, arg, err);

#ifdef WRONG_goes_on
    return 0 * r;
#endif
    return r;
}

static int wrong_create(struct berth_net *n, struct berth_blob given, uint32_t flags,
                        struct berth_buf *out, struct berth_error *err)
{
#ifdef WRONG_believes
    return give(n, out, "{\"name\":\"kit1\"}", err);
#endif
    return solo_create(n, given, flags, out, err);
}

static int wrong_setup(struct berth_net *n, const char *netns, struct berth_blob options,
                       struct berth_buf *out, struct berth_error *err)
{
    int r = solo_setup(n, netns, options, out, err);

#ifdef WRONG_setup
    return r < 0 ? give(n, out, "{}", err) * 0 - EREMOTEIO : r;
#endif
    return r;
}

static int wrong_teardown(struct berth_net *n, const char *netns, struct berth_blob options,
                          struct berth_error *err)
{
#ifdef WRONG_netns
    if (!netns)
        return berth_fail(n->h, err, EINVAL, "no network namespace");
#endif
    return solo_teardown(n, netns, options, err);
}

static const struct berth_net_ops wrong_ops = {
    .size = sizeof(wrong_ops),
    .probe = wrong_probe,
    .open = wrong_open,
    .close = wrong_close,
    .info = wrong_info,
    .drivers = solo_drivers,
    .default_name = solo_default_name,
    .create = wrong_create,
    .remove = wrong_remove,
    .inspect = wrong_inspect,
    .list = wrong_list,
    .setup = wrong_setup,
    .teardown = wrong_teardown,
};

/* ------------------------------------------------------------------------ the file */

#ifdef WRONG_exports
BERTH_EXPORT int helper(void);
int helper(void)
{
    return 1;
}
#endif
#ifdef WRONG_imports
extern int berth_version_number(void) __attribute__((__weak__));
int uses(void);
int uses(void)
{
    return berth_version_number ? berth_version_number() : 0;
}
#endif
#ifdef WRONG_textrel
__asm__(".text\n.globl in_text\n.hidden in_text\nin_text:\n.quad stdout\n");
#endif
#ifdef WRONG_name
#define OWN_NAME "other"
#else
#define OWN_NAME BERTH_STR(NAMED)
#endif
#ifdef WRONG_contact
#define CONTACT ""
#else
#define CONTACT "nobody"
#endif
#ifdef WRONG_needs
#define NEEDS 7
#else
#define NEEDS 0
#endif

static const struct berth_option wrong_options[] = {
    {"ip", BERTH_OPTION_PATH, 0, "/bin/sh", "the program ip(8)"},
#ifdef WRONG_help
    {"more", BERTH_OPTION_INT, 0, "1", "More of it."},
#endif
#ifdef WRONG_preset
    {"more", BERTH_OPTION_INT, 0, "many", "more of it"},
#endif
};

BERTH_PLUGIN_(BERTH_PASTE(net_, NAMED), BERTH_KIND_NET, "net", 1, 0, NEEDS, &wrong_ops,
              .name = OWN_NAME, .version = "1", .summary = "wrong", .license = "Apache-2.0",
              .contact = CONTACT, .threads = BERTH_THREADS_PARALLEL,
              .n_options = sizeof(wrong_options) / sizeof(*wrong_options),
              .options = wrong_options);
