/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_export.c - export: a container's files as an archive. */
#include "base/archive.h"
#include "base/str.h"
#include "cmd/each.h"
#include "cmd/output.h"
#include "engine/ctr_files.h"
#include "engine/events.h"
#include "engine/store.h"

struct export_opts {
    char *output;
};

static int export_to(struct ctr *c, int fd, struct berth_error *err)
{
    _cleanup_files_ struct ctr_files files = CTR_FILES_NONE;
    _cleanup_tar_writer_ struct tar_writer w;
    int r = ctr_files_open_root(c, &files, err);

    tar_writer_init(&w, fd);
    if (r == 0) {
        const struct archive_pack what = {.root = files.root};

        event_ctr(c, "mount", NULL);
        r = archive_pack(&w, &what, err);
    }
    return r < 0 ? r : tar_end(&w, err);
}

static int export_file(struct ctr *c, const char *path, struct berth_error *err)
{
    _cleanup_output_ struct output out = OUTPUT_NONE;
    int r = strchr(path, ':')
                ? fail(err, EINVAL, "invalid filename (should not contain ':') \"%s\"", path)
                : output_open(path, 0666, &out, err);

    if (r == 0)
        r = export_to(c, out.fd, err);
    return r < 0 ? r : output_done(&out, err);
}

static int export_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    const struct export_opts *o = opts;
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r;

    if (str_empty(o->output) && isatty(STDOUT_FILENO))
        return fail(err, EINVAL, "refusing to export to terminal. Use -o flag or redirect");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = ctr_lookup(e, argv[0][0] == '/' ? argv[0] + 1 : argv[0], &c, err);
    if (r < 0)
        return r;
    return str_empty(o->output) ? export_to(c, STDOUT_FILENO, err)
                                : export_file(c, o->output, err);
}

static const struct opt export_options[] = {{"output", 'o', OPT_STRING,
                                             offsetof(struct export_opts, output), "file", "",
                                             "Write to a file instead of standard output"},
                                            {""}};

const struct cmd cmd_export = {
    .name = "export",
    .args = "[options] CONTAINER",
    .summary = "Write the files of a container as a tar archive",
    .text = "Write the root file system of a container as a tar archive, without its volumes "
            "and other mounts, to a file or to standard output, which must not be a terminal.",
    .opts = export_options,
    .size = sizeof(struct export_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = export_run,
};
