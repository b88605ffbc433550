/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - which berth this is.  Loads no plugin and reads no configuration. */
#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/info.h"

/* The podman whose commands, documents and formats this program speaks. */
#define PODMAN_LEVEL "4.3.1"

#if defined(__x86_64__)
#define ARCH "amd64"
#elif defined(__aarch64__)
#define ARCH "arm64"
#elif defined(__i386__)
#define ARCH "386"
#elif defined(__arm__)
#define ARCH "arm"
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH "riscv64"
#elif defined(__powerpc64__)
#define ARCH "ppc64le"
#else
#define ARCH "unknown"
#endif

struct version_opts {
    char *format;
};

static const struct opt version_options[] = {{"format", 'f', OPT_STRING,
                                              offsetof(struct version_opts, format), "", "",
                                              "Print as JSON (\"json\") or by a Go template"},
                                             {""}};

json *version_client(void)
{
    json *client = json_new();

    json_set_str(client, "APIVersion", PODMAN_LEVEL);
    json_set_str(client, "Version", PACKAGE_VERSION);
    json_set_str(client, "Compiler", __VERSION__);
    json_set_str(client, "PluginABI",
                 BERTH_STR(BERTH_ABI_MAJOR) "." BERTH_STR(BERTH_ABI_MINOR));
    json_set_str(client, "OsArch", "linux/" ARCH);
    json_set_str(client, "Os", "linux");
    return client;
}

static json *version_document(void)
{
    json *all = json_new();

    json_set(all, "Client", template_type(version_client(), "*define.Version"));
    return template_type(all, "*define.SystemVersionReport");
}

static int version_run(struct cli *cli _unused_, void *opts, int argc _unused_,
                       char **argv _unused_, struct berth_error *err)
{
    const struct version_opts *o = opts;
    _cleanup_format_ struct format format = {0};
    _cleanup_json_ json *all = version_document();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r = 0;

    if (!o->format) {
        printf("Client:       Berth Engine\n"
               "Version:      " PACKAGE_VERSION "\n"
               "API Version:  " PODMAN_LEVEL "\n"
               "Plugin ABI:   " BERTH_STR(BERTH_ABI_MAJOR) "." BERTH_STR(
                   BERTH_ABI_MINOR) "\n"
                                    "Compiler:     " __VERSION__ "\n"
                                    "OS/Arch:      linux/" ARCH "\n");
        return 0;
    }
    if (format_is_json(o->format)) {
        json_write(all, JSON_RAW, &text);
        buf_putc(&text, '\n');
    } else {
        r = format_parse("version", o->format, false, &format, err);
        if (r == 0)
            r = format_run(&format, all, NULL, &text, err);
    }
    fputs(buf_str(&text), stdout);
    return r;
}

const struct cmd cmd_version = {
    .name = "version",
    .args = "[options]",
    .summary = "Show which berth this is",
    .opts = version_options,
    .size = sizeof(struct version_opts),
    .interspersed = true,
    .run = version_run,
};
