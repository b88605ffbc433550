/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_volume_archive.c - volume export and import. */
#include "base/archive.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/volumes.h"
#include "engine/spec_priv.h"
#include "engine/store.h"
#include <fcntl.h>

/* Work on the files of a volume, mounted as long as it takes. */
typedef int files_fn(int root, void *arg, struct berth_error *err);

static int with_files(struct volume *v, files_fn *fn, void *arg, struct berth_error *err)
{
    _cleanup_error_ struct berth_error why = ERROR_INIT;
    _cleanup_close_ int root = -1;
    int r = volume_mount(v, err), end;

    if (r < 0)
        return r;
    root = open(volume_where(v), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    r = root < 0 ? spec_fail_errno(err, errno, "open %s", volume_where(v)) : fn(root, arg, err);
    attr_closep(&root);
    end = volume_unmount(v, false, &why);
    if (r == 0 && end < 0) {
        error_move(err, &why);
        r = end;
    }
    return r;
}

static int find(struct engine *e, const char *name, struct volume **out,
                struct berth_error *err)
{
    int r = volume_lookup(e, name, out, err);

    return r == -ENOENT ? fail(err, ENOENT, "no such volume %s", name) : r;
}

/* ------------------------------------------------------------------- export */

struct export_opts {
    char *output;
};

static const struct opt export_options[] = {{"output", 'o', OPT_STRING,
                                             offsetof(struct export_opts, output), "file",
                                             "/dev/stdout", "Write to a file"},
                                            {""}};

static int pack(int root, void *arg, struct berth_error *err)
{
    const struct archive_pack what = {.root = root, .path = "."};
    _cleanup_(tar_writer_free) struct tar_writer w = {0};
    int r;

    tar_writer_init(&w, *(int *)arg);
    r = archive_pack(&w, &what, err);
    return r < 0 ? r : tar_end(&w, err);
}

static int export_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    const struct export_opts *o = opts;
    bool to_stdout = str_eq(o->output, "/dev/stdout");
    _cleanup_output_ struct output out = OUTPUT_NONE;
    _cleanup_volume_ struct volume *v = NULL;
    int fd = STDOUT_FILENO, r;
    struct engine *e;

    if (str_empty(o->output))
        return fail(err, EINVAL, "expects output path, use --output=[path]");
    if (to_stdout && isatty(STDOUT_FILENO))
        return fail(
            err, EINVAL,
            "refusing to export to terminal. Use -o flag or redirect: invalid argument");
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = find(e, argv[0], &v, err);
    if (r == 0 && !to_stdout) {
        r = output_open(o->output, 0644, &out, err);
        fd = out.fd;
    }
    if (r == 0)
        r = with_files(v, pack, &fd, err);
    return r < 0 || to_stdout ? r : output_done(&out, err);
}

const struct cmd cmd_volume_export = {
    .name = "volume export",
    .args = "[options] VOLUME",
    .summary = "Write what is in a volume into a tar archive",
    .opts = export_options,
    .size = sizeof(struct export_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = export_run,
};

/* ------------------------------------------------------------------- import */

static int unpack(int root, void *arg, struct berth_error *err)
{
    const struct archive_unpack how = {.root = root};
    int fd = *(int *)arg, plain = -1, r, end;
    struct tar_reader reader;
    pid_t pid = 0;

    r = archive_plain(fd, &plain, &pid, err);
    if (r < 0)
        return r;
    tar_reader_init(&reader, plain);
    r = archive_unpack(&reader, &how, err);
    tar_reader_free(&reader);
    end = archive_plain_end(fd, plain, pid, r < 0 ? NULL : err);
    return r < 0 ? r : end;
}

static int import_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    bool from_stdin = str_eq(argv[1], "-");
    _cleanup_volume_ struct volume *v = NULL;
    _cleanup_close_ int fd = -1;
    struct engine *e;
    int r;

    if (from_stdin && isatty(STDIN_FILENO))
        return fail(err, EINVAL, "cannot read from terminal, use command-line redirection");
    fd = from_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                    : open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return spec_fail_errno(err, errno, "open %s", argv[1]);
    r = cli_engine(cli, 0, &e, err);
    if (r == 0)
        r = find(e, argv[0], &v, err);
    return r < 0 ? r : with_files(v, unpack, &fd, err);
}

const struct cmd cmd_volume_import = {
    .name = "volume import",
    .args = "VOLUME SOURCE",
    .summary = "Fill a volume from a tar archive",
    .text =
        "Put what a tar archive has into a volume, over what is there. The archive may be "
        "compressed by gzip, bzip2, xz or zstd; \"-\" is standard input. Whatever names and "
        "links the archive has, nothing is written outside of the volume.",
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = import_run,
};
