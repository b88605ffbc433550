/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_system_import.c - config import. */
#include "base/fs.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "conf/import.h"

struct import_opts {
    char *output;
    bool force;
};

static int put_result(const struct import_opts *o, const struct berth_buf *text,
                      struct berth_error *err)
{
    if (str_empty(o->output)) {
        fwrite(buf_str(text), 1, text->len, stdout);
        return 0;
    }
    if (!o->force && fs_exists(o->output))
        return fail(err, EEXIST, "%s is there already: give --force to replace it", o->output);
    return fs_replace(o->output, buf_str(text), text->len, 0644, true, err);
}

static int import_run(struct cli *cli _unused_, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    const struct import_opts *o = opts;
    _cleanup_list_ struct berth_list lost = LIST_INIT;
    _cleanup_buf_ struct berth_buf settings = BUF_INIT, text = BUF_INIT;
    _cleanup_json_ json *doc = NULL;
    int r = import_read(argv[0], &doc, err);

    if (r == 0)
        r = import_document(doc, &settings, &lost, err);
    if (r < 0)
        return r;
    buf_printf(&text, "# Made by `berth config import %s`.\n%s", argv[0], buf_str(&settings));
    r = put_result(o, &text, err);
    fflush(stdout);
    for (size_t i = 0; r == 0 && i < lost.n; i++)
        fprintf(stderr, "not carried over: %s\n", lost.items[i]);
    return r;
}

static const struct opt import_options[] = {
    {"force", 'f', OPT_BOOL, offsetof(struct import_opts, force), "", "",
     "Replace a file that is there"},
    {"output", 'o', OPT_STRING, offsetof(struct import_opts, output), "file", "",
     "Write to this file instead of standard output"},
    {""}};

const struct cmd cmd_config_import = {
    .name = "config import",
    .args = "[options] FILE",
    .summary = "Translate podman's configuration into berth.conf",
    .text = "Read FILE, a containers.conf or a libpod.conf of old, and write a berth.conf that "
            "means the same. What could not be carried over is listed on standard error. Only "
            "where berth was built with --enable-import.",
    .opts = import_options,
    .size = sizeof(struct import_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = import_run,
};
