/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_open.c - the configuration and the engine, at the first command that asks.
 *
 * Apart from cli.c so that a program without either (a test of the parser) links.
 */
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/cli.h"
#include "cmd/inspect.h"
#include "engine/system_signals.h"
#include "rootless/rootless.h"
#include <sys/resource.h>

/* Global options that are keys of the configuration.  Empty values count as not given:
 * exit commands have `--network-config-dir ""`. */
static const struct {
    size_t offset;
    bool list;
    const char *key;
} keys[] = {
    {offsetof(struct cli_globals, root), false, "graph_root"},
    {offsetof(struct cli_globals, runroot), false, "run_root"},
    {offsetof(struct cli_globals, tmpdir), false, "tmp_dir"},
    {offsetof(struct cli_globals, volumepath), false, "volume_path"},
    {offsetof(struct cli_globals, storage_driver), false, "storage_driver"},
    {offsetof(struct cli_globals, state_type), false, "StateType"},
    {offsetof(struct cli_globals, lock_type), false, "LockType"},
    {offsetof(struct cli_globals, runtime), false, "OCIRuntime"},
    {offsetof(struct cli_globals, network_backend), false, "NetworkBackend"},
    {offsetof(struct cli_globals, namespace_), false, "namespace"},
    {offsetof(struct cli_globals, cgroup_manager), false, "cgroup_manager"},
    {offsetof(struct cli_globals, conmon), false, "conmon_path"},
    {offsetof(struct cli_globals, events_backend), false, "events_logger"},
    {offsetof(struct cli_globals, network_config_dir), false, "network_config_dir"},
    {offsetof(struct cli_globals, network_cmd_path), false, "network_cmd_path"},
    {offsetof(struct cli_globals, plugin_path), true, "plugin_dirs"},
    {offsetof(struct cli_globals, runtime_flag), true, "runtime_flags"},
    {offsetof(struct cli_globals, hooks_dir), true, "hooks_dir"},
};

static void close_all(struct cli *cli)
{
    if (cli->engine)
        engine_close(cli->engine);
    conf_free(cli->conf);
    cli->engine = NULL;
    cli->conf = NULL;
}

size_t cli_overrides(const struct cli *cli, struct conf_override *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const void *at = (const char *)&cli->globals + keys[i].offset;
        char *const one[] = {keys[i].list ? NULL : *(char *const *)at, NULL};
        char *const *values = keys[i].list ? list_argv(at) : one;

        for (; *values && n < max; values++)
            if (**values)
                out[n++] = (struct conf_override){keys[i].key, *values};
    }
    return n;
}

int cli_conf(struct cli *cli, struct conf **out, struct berth_error *err)
{
    struct conf_override overrides[CLI_OVERRIDES];
    berth_deadline began = log_enabled(BERTH_LOG_DEBUG) ? time_monotonic() : 0;
    size_t n;
    int r;

    if (!cli->conf) {
        n = cli_overrides(cli, overrides, ARRAY_LEN(overrides));
        r = conf_load(cli->globals.config, overrides, n, &cli->conf, NULL, err);
        if (r < 0)
            return r;
        cli->close = close_all;
        log_debug("read the configuration in %.3f ms", time_ms_since(began));
    }
    *out = cli->conf;
    return 0;
}

/* Containers inherit what conmon inherits from us: as many files as podman gives them. */
static void raise_file_limit(void)
{
    struct rlimit limit = {1048576, 1048576};

    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int cli_inside(struct cli *cli, struct conf **out, struct berth_error *err)
{
    int r = cli_conf(cli, out, err);

    return r < 0 ? r : rootless_enter(*out, err);
}

int cli_engine(struct cli *cli, unsigned flags, struct engine **out, struct berth_error *err)
{
    struct conf *conf;
    berth_deadline began;
    int r;

    if (!cli->engine) {
        r = cli_inside(cli, &conf, err);
        if (r < 0)
            return r;
        raise_file_limit();
        signals_handle();
        began = log_enabled(BERTH_LOG_DEBUG) ? time_monotonic() : 0;
        r = engine_open(conf, flags, &cli->engine, err);
        if (r < 0)
            return r;
        cli->engine->expand = inspect_expand;
        log_debug("opened the engine in %.3f ms", time_ms_since(began));
    }
    *out = cli->engine;
    return 0;
}
