/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec-tool.c - make the documents of one container as create and init would, without a
 * store, a network or a runtime.
 *
 *   spec-tool CONF OUT CASE -- FLAGS ROOTFS [COMMAND...]
 *
 * CONF is a berth.conf; OUT a directory that gets record.json, networks.json, state.json
 * and, in static/ and run/, what init writes.  CASE is a JSON file whose members netns and
 * networkStatus play the network's part ("-": none); its name is the container's.  With
 * OUT "-" only the flags are checked.  A failure is printed as the program would print it,
 * with exit status 125.
 */
#include "base/log.h"
#include "base/time.h"
#include "cmd/flags_ctr.h"
#include "cmd/opts.h"
#include "engine/spec_priv.h"
#include "unit/spec_doubles.h"
#include <sys/mount.h>

static int write_json(const char *dir, const char *name, const json *value,
                      struct berth_error *err)
{
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    json_write(value, 0, &text);
    buf_putc(&text, '\n');
    return fs_replace(path, buf_str(&text), text.len, 0644, false, err);
}

/* Anonymous volumes get their names at creation. */
static void name_volumes(json *config)
{
    const json *list = json_get(config, "namedVolumes");

    for (size_t i = 0; i < json_len(list); i++) {
        char id[ID_LEN + 1];

        id_generate(id);
        if (str_empty(json_str(json_item(list, i), "volumeName")))
            json_set_str(json_item(list, i), "volumeName", id);
    }
}

static char *make_dir(const char *base, const char *id, const char *sub,
                      struct berth_error *err)
{
    char *dir = str_printf("%s/overlay-containers/%s/%s", base, id, sub);

    return dir && fs_mkdir_p(dir, 0700, err) >= 0 ? dir : NULL;
}

static int make(struct engine *e, const struct ctr_options *o, const char *out,
                const json *given, struct berth_error *err)
{
    _cleanup_json_ json *config = NULL, *networks = NULL, *state = json_new();
    _cleanup_free_ char *static_dir = NULL, *run_dir = NULL, *merge = NULL;
    char id[ID_LEN + 1];
    struct ctr c = {.e = e};
    int r = spec_create(e, o, &config, &networks, err);

    if (r < 0 || !out)
        return r;
    id_generate(id);
    static_dir = make_dir(e->conf->graph_root, id, "userdata", err);
    run_dir = make_dir(e->conf->run_root, id, "userdata", err);
    if (!static_dir || !run_dir)
        return -EIO;
    name_volumes(config);
    spec_place(config, networks,
               &(struct spec_place){.id = id,
                                    .name = str_or(json_str(given, "name"), "some_name"),
                                    .static_dir = static_dir,
                                    .run_dir = run_dir,
                                    .created = time_now()});
    r = write_json(out, "record.json", config, err);
    if (r >= 0)
        r = write_json(out, "networks.json", networks, err);
    if (r < 0)
        return r;

    memcpy(c.id, id, sizeof(id));
    c.name = (char *)(uintptr_t)json_str(config, "name");
    c.config = config;
    c.state = state;
    c.netns = (char *)(uintptr_t)json_str(given, "netns");
    json_set_str(state, "runDir", run_dir);
    json_set_str(state, "mountPoint", json_str(config, "rootfs"));
    if (json_flag(config, "rootfs_overlay", false)) {
        _cleanup_free_ char *base = make_dir(e->conf->run_root, id, "rootfs", err);
        _cleanup_buf_ struct berth_buf line = BUF_INIT;

        merge = str_printf("%s/merge", base);
        buf_printf(&line, "lowerdir=%s:%s", json_str(config, "rootfs"), run_dir);
        if (fs_mkdir_p(merge, 0755, err) < 0 ||
            mount("overlay", merge, "overlay", MS_NODEV, buf_str(&line)) < 0)
            return fail_errno(err, errno, "mounting %s", merge);
        json_set_str(state, "mountPoint", merge);
    }
    if (json_get(given, "networkStatus"))
        json_set(state, "networkStatus", json_copy(json_get(given, "networkStatus")));
    r = spec_init(&c, err);
    if (merge)
        umount2(merge, MNT_DETACH);
    if (r >= 0)
        r = write_json(out, "state.json", state, err);
    return r;
}

int main(int argc, char **argv)
{
    _cleanup_conf_ struct conf *conf = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_json_ json *given = NULL;
    struct ctr_options o = {0};
    struct opts_set set = {run_opts, &o};
    struct opts_result result = {0};
    struct engine e = {0};
    int r;

    if (argc < 6 || !str_eq(argv[4], "--")) {
        fprintf(stderr, "usage: spec-tool CONF OUT CASE -- FLAGS ROOTFS [COMMAND...]\n");
        return 2;
    }
    r = conf_load(argv[1], NULL, 0, &conf, NULL, &err);
    if (r >= 0 && !str_eq(argv[3], "-"))
        r = json_read_file(argv[3], 1 << 20, &given, &err);
    spec_doubles_others = json_get(given, "others");
    if (r >= 0)
        r = opts_preset(&set, &err);
    if (r >= 0)
        r = opts_parse(&set, 1, false, argv + 5, &result, &err);
    o.args = result.args;
    o.n_args = result.n_args;
    e.conf = conf;
    if (r >= 0)
        r = make(&e, &o, str_eq(argv[2], "-") ? NULL : argv[2], given, &err);
    opts_result_free(&result);
    opts_free(&set);
    if (r >= 0)
        return 0;
    fprintf(stderr, "Error: %s\n", error_text(&err));
    return err.exit_status ? err.exit_status : 125;
}
