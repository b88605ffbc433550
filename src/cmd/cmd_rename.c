/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rename.c - rename, update, exists: small things about one container. */
#include "base/str.h"
#include "cmd/cmd.h"
#include "engine/options.h"
#include "engine/store.h"
#include "storage/storage.h"

/* ------------------------------------------------------------------- rename */

static int rename_run(struct cli *cli, void *opts _unused_, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = ctr_lookup(e, argv[0], &c, err);
    return r == 0 ? ctr_rename(c, argv[1], err) : r;
}

const struct cmd cmd_rename = {
    .name = "rename",
    .args = "CONTAINER NAME",
    .summary = "Give a container another name",
    .interspersed = true,
    .min_args = 2,
    .max_args = 2,
    .run = rename_run,
};

/* ------------------------------------------------------------------- exists */

struct exists_opts {
    bool external;
};

static int exists_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    const struct exists_opts *o = opts;
    char id[ID_LEN + 1];
    struct storage *storage;
    struct engine *e;
    int r = cli_engine(cli, ENGINE_READONLY, &e, err);

    if (r == 0)
        r = engine_lookup_ctr(e, argv[0], id, err);
    if (r == -ENOENT && o->external) {
        error_clear(err);
        r = engine_storage(e, &storage, err);
        if (r == 0)
            r = storage_container_lookup(storage, argv[0], NULL, err);
    }
    return cli_exists(r, err);
}

static const struct opt exists_options[] = {
    {"external", 0, OPT_BOOL, offsetof(struct exists_opts, external), "", "",
     "Containers of other programs in the same storage count too"},
    {""}};

const struct cmd cmd_container_exists = {
    .name = "container exists",
    .args = "[options] CONTAINER",
    .summary = "Is there such a container?",
    .text = "The exit status is 0 if there is a container of this name or ID, and 1 if not.",
    .opts = exists_options,
    .size = sizeof(struct exists_opts),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = exists_run,
};

/* ------------------------------------------------------------------- update */

static int update_run(struct cli *cli, void *opts, int argc _unused_, char **argv,
                      struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    struct engine *e;
    int r = cli_engine(cli, 0, &e, err);

    if (r == 0)
        r = ctr_lookup(e, argv[0], &c, err);
    if (r == 0)
        r = ctr_update(c, opts, err);
    if (r == 0)
        puts(c->id);
    return r;
}

#define AT(member) offsetof(struct ctr_options, member)
static const struct opt update_options[] = {
    {"blkio-weight", 0, OPT_STRING, AT(blkio_weight), "weight", "",
     "Block IO relative weight, between 10 and 1000"},
    {"blkio-weight-device", 0, OPT_CSV, AT(blkio_weight_device), "device:weight", "",
     "Block IO relative weight of a device"},
    {"cpu-period", 0, OPT_UINT, AT(cpu_period), "", "",
     "Limit the CPU CFS (Completely Fair Scheduler) period, in microseconds"},
    {"cpu-quota", 0, OPT_INT, AT(cpu_quota), "", "",
     "Limit the CPU CFS (Completely Fair Scheduler) quota, in microseconds"},
    {"cpu-rt-period", 0, OPT_UINT, AT(cpu_rt_period), "", "",
     "Limit the CPU real-time period, in microseconds"},
    {"cpu-rt-runtime", 0, OPT_INT, AT(cpu_rt_runtime), "", "",
     "Limit the CPU real-time runtime, in microseconds"},
    {"cpu-shares", 'c', OPT_UINT, AT(cpu_shares), "", "", "CPU shares (relative weight)"},
    {"cpus", 0, OPT_STRING, AT(cpus), "number", "", "Number of CPUs; 0: no limit"},
    {"cpuset-cpus", 0, OPT_STRING, AT(cpuset_cpus), "list", "",
     "CPUs in which to allow execution (0-3, 0,1)"},
    {"cpuset-mems", 0, OPT_STRING, AT(cpuset_mems), "list", "",
     "Memory nodes in which to allow execution (0-3, 0,1)"},
    {"device-read-bps", 0, OPT_CSV, AT(device_read_bps), "device:rate", "",
     "Limit read rate (bytes per second) from a device"},
    {"device-read-iops", 0, OPT_CSV, AT(device_read_iops), "device:rate", "",
     "Limit read rate (IO per second) from a device"},
    {"device-write-bps", 0, OPT_CSV, AT(device_write_bps), "device:rate", "",
     "Limit write rate (bytes per second) to a device"},
    {"device-write-iops", 0, OPT_CSV, AT(device_write_iops), "device:rate", "",
     "Limit write rate (IO per second) to a device"},
    {"memory", 'm', OPT_STRING, AT(memory), "number[unit]", "", "Memory limit"},
    {"memory-reservation", 0, OPT_STRING, AT(memory_reservation), "number[unit]", "",
     "Memory soft limit"},
    {"memory-swap", 0, OPT_STRING, AT(memory_swap), "number[unit]", "",
     "Memory plus swap limit; -1: unlimited swap"},
    {"memory-swappiness", 0, OPT_INT, AT(memory_swappiness), "", "-1",
     "Container memory swappiness, 0 to 100; -1: the system's"},
    {""}};
#undef AT

const struct cmd cmd_update = {
    .name = "update",
    .args = "[options] CONTAINER",
    .summary = "Change the limits of a container",
    .text = "Change the limits of a container's cgroup, at once if it runs.  They are kept for "
            "its next start.",
    .opts = update_options,
    .size = sizeof(struct ctr_options),
    .interspersed = true,
    .min_args = 1,
    .max_args = 1,
    .run = update_run,
};
