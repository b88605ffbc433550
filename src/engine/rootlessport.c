/* SPDX-License-Identifier: Apache-2.0 */
/* rootlessport.c - see rootlessport.h. */
#include "engine/rootlessport.h"
#include "base/str.h"
#include "engine/net_program.h"
#include "wrap/fault.h"

#define NAME "rootlessport"

char *rootlessport_find(const struct conf *conf)
{
    char *path = NULL;

    return conf_find_helper(conf, NAME, &path, NULL) < 0 ? NULL : path;
}

/* What it reads, members in podman's order. */
static int request(const struct conf *conf, const struct rootlessport *p, struct berth_buf *out,
                   struct berth_error *err)
{
    _cleanup_json_ json *o = json_new();

    json_set(o, "Mappings", json_copy(p->mappings));
    json_set_str(o, "NetNSPath", p->netns);
    json_set_i64(o, "ExitFD", 3);
    json_set_i64(o, "ReadyFD", 4);
    json_set_str(o, "TmpDir", conf->tmp_dir);
    json_set_str(o, "ChildIP", str_or(p->child_ip, ""));
    json_set_str(o, "ContainerID", p->id);
    json_set_bool(o, "RootlessCNI", p->bridge);
    return json_write(o, 0, out) < 0 ? fail(err, ENOMEM, "out of memory") : 0;
}

int rootlessport_start(const struct conf *conf, const char *path, const struct rootlessport *p,
                       pid_t *out, struct berth_error *err)
{
    const char *const argv[] = {NAME, NULL};
    struct net_program program = {
        .name = NAME, .argv = argv, .end_fd = p->end_fd, .tells = true};
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_free_ char *found = NULL;
    int r = path ? 0 : conf_find_helper(conf, NAME, &found, err);

    if (r == 0)
        r = request(conf, p, &text, err);
    if (r == 0)
        r = fault_point("rootlessport", "start", err);
    if (r < 0)
        return r;
    program.path = path ? path : found;
    program.input = buf_str(&text);
    return net_program_start(&program, out, err);
}
