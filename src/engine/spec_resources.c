/* SPDX-License-Identifier: Apache-2.0 */
/* spec_resources.c - limits of the container's cgroup, checked against the kernel's. */
#include "engine/spec_priv.h"
#include <math.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define CGROUP "/sys/fs/cgroup/"

/* Does this kernel have the control file?  Of v2 only the controller is asked for. */
static bool kernel_has(const struct spec_build *b, const char *v1, const char *controller)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list names = LIST_INIT;

    if (!b->cgroup2) {
        _cleanup_free_ char *path = str_printf(CGROUP "%s", v1);

        return path && fs_exists(path);
    }
    if (!controller || fs_read(CGROUP "cgroup.controllers", 4096, &text, NULL) < 0)
        return false;
    while (text.len && text.data[text.len - 1] == '\n')
        text.data[--text.len] = '\0';
    list_split(&names, buf_str(&text), ' ', false);
    return list_has(&names, controller);
}

static void discard(json *from, const char *member, const char *what, const char *result)
{
    json_del(from, member);
    log_warning("Your kernel does not support %s or the cgroup is not mounted. %s", what,
                result);
}

static int size(const char *text, const char *flag, int64_t *out, struct berth_error *err)
{
    if (str_to_size(text, out) < 0)
        return fail(err, EINVAL, "invalid value for %s: invalid size: '%s'", flag, text);
    return 0;
}

static int memory_values(struct spec_build *b, json *m, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    int64_t v;

    if (!str_empty(o->memory)) {
        if (size(o->memory, "memory", &v, err) < 0)
            return -EINVAL;
        if (v)
            json_set_i64(m, "limit", v);
    }
    if (!str_empty(o->memory_reservation)) {
        if (size(o->memory_reservation, "memory", &v, err) < 0)
            return -EINVAL;
        json_set_i64(m, "reservation", v);
    }
    if (!str_empty(o->memory_swap)) {
        if (!str_eq(o->memory_swap, "-1")) {
            if (size(o->memory_swap, "memory", &v, err) < 0)
                return -EINVAL;
            json_set_i64(m, "swap", v);
        }
    } else if (json_get(m, "limit")) {
        json_set_i64(m, "swap", 2 * json_i64(m, "limit", 0));
    }
    if (o->memory_swappiness >= 0)
        json_set_i64(m, "swappiness", o->memory_swappiness);
    if (o->oom_kill_disable)
        json_set_bool(m, "disableOOMKiller", true);
    return 0;
}

static int memory(struct spec_build *b, json *resources, struct berth_error *err)
{
    _cleanup_json_ json *m = json_new();
    bool swap_limit = b->cgroup2 || kernel_has(b, "memory/memory.memsw.limit_in_bytes", NULL);
    int64_t limit, swap, reservation;

    if (memory_values(b, m, err) < 0)
        return -EINVAL;
    if (json_object_object_length(m) == 0) {
        if (!str_empty(b->o->memory)) /* "0": podman leaves an empty object */
            json_set(resources, "memory", TAKE(m));
        return 0;
    }
    limit = json_i64(m, "limit", -1);
    swap = json_i64(m, "swap", -1);
    reservation = json_i64(m, "reservation", -1);
    if (limit >= 0 && !kernel_has(b, "memory/memory.limit_in_bytes", "memory")) {
        discard(m, "limit", "memory limit capabilities", "Limitation discarded.");
        json_del(m, "swap");
        limit = swap = -1;
    }
    if (limit >= 0 && swap >= 0 && !swap_limit) {
        discard(m, "swap", "swap limit capabilities", "Memory limited without swap.");
        swap = -1;
    }
    if (limit >= 0 && swap >= 0 && swap < limit)
        return fail(err, EINVAL,
                    "minimum memoryswap limit should be larger than memory limit, see usage");
    if (limit < 0 && swap >= 0)
        return fail(err, EINVAL,
                    "you should always set a memory limit when using a memoryswap "
                    "limit, see usage");
    if (json_get(m, "swappiness") &&
        (b->cgroup2 || !kernel_has(b, "memory/memory.swappiness", NULL)))
        discard(m, "swappiness", "memory swappiness capabilities",
                "Memory swappiness discarded.");
    else if (json_i64(m, "swappiness", 0) > 100)
        return fail(err, EINVAL, "invalid value: %lld, valid memory swappiness range is 0-100",
                    (long long)json_i64(m, "swappiness", 0));
    if (limit >= 0 && reservation >= 0 && limit < reservation)
        return fail(err, EINVAL,
                    "minimum memory limit cannot be less than memory reservation "
                    "limit, see usage");
    if (json_get(m, "disableOOMKiller") &&
        (b->cgroup2 || !kernel_has(b, "memory/memory.oom_control", NULL))) {
        json_del(m, "disableOOMKiller");
        log_warning("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    }
    if (json_object_object_length(m))
        json_set(resources, "memory", TAKE(m));
    return 0;
}

/* "0-3,5" as a set of bits.  -EINVAL. */
static int cpu_set(const char *text, unsigned char set[static 1024])
{
    memset(set, 0, 1024);
    while (*text) {
        char *end;
        unsigned long from, to;

        if (*text < '0' || *text > '9')
            return -EINVAL;
        from = to = strtoul(text, &end, 10);
        if (*end == '-') {
            if (end[1] < '0' || end[1] > '9')
                return -EINVAL;
            to = strtoul(end + 1, &end, 10);
        }
        if (to < from || to >= 8192)
            return -EINVAL;
        for (; from <= to; from++)
            set[from / 8] |= (unsigned char)(1u << (from % 8));
        if (*end == ',')
            end++;
        else if (*end)
            return -EINVAL;
        text = end;
    }
    return 0;
}

static int cpu_available(const struct spec_build *b, const char *wanted, bool mems,
                         struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf have = BUF_INIT;
    unsigned char want_set[1024], have_set[1024];
    const char *file =
        b->cgroup2 ? mems ? CGROUP "cpuset.mems.effective" : CGROUP "cpuset.cpus.effective"
        : mems     ? CGROUP "cpuset/cpuset.mems"
                   : CGROUP "cpuset/cpuset.cpus";

    if (fs_read(file, 4096, &have, NULL) < 0)
        return 0;
    while (have.len && have.data[have.len - 1] == '\n')
        have.data[--have.len] = '\0';
    if (cpu_set(wanted, want_set) < 0)
        return fail(err, EINVAL, "invalid value %s for cpuset %s", wanted,
                    mems ? "mems" : "cpus");
    if (cpu_set(buf_str(&have), have_set) < 0)
        return 0;
    for (size_t i = 0; i < sizeof(want_set); i++)
        if (want_set[i] & ~have_set[i])
            return fail(err, EINVAL,
                        "requested %s are not available - requested %s, "
                        "available: %s",
                        mems ? "memory nodes" : "CPUs", wanted, buf_str(&have));
    return 0;
}

static int cpu_values(const struct ctr_options *o, json *c, struct berth_error *err)
{
    double cpus = 0;

    if (!str_empty(o->cpus)) {
        char *end;

        cpus = strtod(o->cpus, &end);
        if (*end || end == o->cpus || !isfinite(cpus))
            return fail(err, EINVAL,
                        "invalid argument \"%s\" for \"--cpus\" flag: "
                        "strconv.ParseFloat: parsing \"%s\": invalid syntax",
                        o->cpus, o->cpus);
        if (cpus != 0 && o->cpu_period)
            return fail(err, EINVAL, "--cpu-period and --cpus cannot be set together");
        if (cpus != 0 && o->cpu_quota)
            return fail(err, EINVAL, "--cpu-quota and --cpus cannot be set together");
    }
    if (o->cpu_shares)
        json_set_u64(c, "shares", o->cpu_shares);
    if (cpus > 0 || o->cpu_quota > 0)
        json_set_i64(c, "quota", cpus > 0 ? (int64_t)(cpus * 100000) : o->cpu_quota);
    if (cpus > 0 || o->cpu_period)
        json_set_u64(c, "period", cpus > 0 ? 100000 : o->cpu_period);
    if (o->cpu_rt_runtime > 0)
        json_set_i64(c, "realtimeRuntime", o->cpu_rt_runtime);
    if (o->cpu_rt_period)
        json_set_u64(c, "realtimePeriod", o->cpu_rt_period);
    json_opt_str(c, "cpus", o->cpuset_cpus);
    json_opt_str(c, "mems", o->cpuset_mems);
    return 0;
}

static int cpu(struct spec_build *b, json *resources, struct berth_error *err)
{
    _cleanup_json_ json *c = json_new();
    uint64_t period;
    int64_t quota;

    if (cpu_values(b->o, c, err) < 0)
        return -EINVAL;
    if (json_object_object_length(c) == 0)
        return 0;
    if (json_get(c, "shares") && !kernel_has(b, "cpu/cpu.shares", "cpu"))
        discard(c, "shares", "CPU shares", "Shares discarded.");
    if (json_get(c, "period") && !kernel_has(b, "cpu/cpu.cfs_period_us", "cpu"))
        discard(c, "period", "CPU cfs period", "Period discarded.");
    if (json_get(c, "quota") && !kernel_has(b, "cpu/cpu.cfs_quota_us", "cpu"))
        discard(c, "quota", "CPU cfs quota", "Quota discarded.");
    period = json_u64(c, "period", 100000);
    quota = json_i64(c, "quota", 1000);
    if (period < 1000 || period > 1000000)
        return fail(err, EINVAL,
                    "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger "
                    "than 1s (i.e. 1000000)");
    if (quota < 1000)
        return fail(err, EINVAL, "CPU cfs quota cannot be less than 1ms (i.e. 1000)");
    if (json_str(c, "cpus") && cpu_available(b, json_str(c, "cpus"), false, err) < 0)
        return -EINVAL;
    if (json_str(c, "mems") && cpu_available(b, json_str(c, "mems"), true, err) < 0)
        return -EINVAL;
    if (json_object_object_length(c))
        json_set(resources, "cpu", TAKE(c));
    return 0;
}

/* --------------------------------------------------------------------- block I/O */

/* "DEVICE:VALUE": {major, minor} of the device; *value behind the last colon. */
static int device_value(const char *word, json **out, const char **value,
                        struct berth_error *err)
{
    const char *colon = strrchr(word, ':');
    _cleanup_free_ char *path = NULL;
    struct stat st;

    if (!colon || !colon[1])
        return fail(err, EINVAL, "bad format: %s", word);
    path = strndup(word, (size_t)(colon - word));
    if (!path)
        return fail(err, ENOMEM, "out of memory");
    if (!str_starts(path, "/dev/"))
        return fail(err, EINVAL, "bad format for device path: %s", word);
    if (stat(path, &st) < 0)
        return spec_fail_errno(err, errno, "could not parse throttle device at %s", path);
    *out = json_new();
    json_set_i64(*out, "major", major(st.st_rdev));
    json_set_i64(*out, "minor", minor(st.st_rdev));
    *value = colon + 1;
    return 0;
}

static int throttle(const struct berth_list *words, json *io, const char *member, bool bytes,
                    struct berth_error *err)
{
    for (size_t i = 0; i < words->n; i++) {
        _cleanup_json_ json *entry = NULL;
        const char *value = NULL;
        int64_t rate = 0;
        uint64_t number = 0;
        int r = device_value(words->items[i], &entry, &value, err);

        if (r < 0)
            return r;
        r = bytes ? str_to_size(value, &rate) : str_to_u64(value, &number);
        if (r < 0 && bytes)
            return fail(err, EINVAL,
                        "invalid rate for device: %s. The correct format is "
                        "<device-path>:<number>[<unit>]. Number must be a positive integer. "
                        "Unit is optional and can be kb, mb, or gb",
                        words->items[i]);
        if (r < 0)
            return fail(err, EINVAL,
                        "invalid rate for device: %s. The correct format is "
                        "<device-path>:<number>. Number must be a positive integer",
                        words->items[i]);
        json_set_u64(entry, "rate", bytes ? (uint64_t)rate : number);
        json_add(json_need_array(io, member), TAKE(entry));
    }
    return 0;
}

static int weight_number(const char *text, uint64_t *out, struct berth_error *err)
{
    if (str_to_u64(text, out) < 0 || *out > UINT16_MAX)
        return fail(err, EINVAL,
                    "invalid value for blkio-weight: strconv.ParseUint: parsing "
                    "\"%s\": invalid syntax",
                    text);
    return 0;
}

static int block_io(struct spec_build *b, json *resources, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    _cleanup_json_ json *io = json_new();
    bool asked = !str_empty(o->blkio_weight) || o->blkio_weight_device.n;
    uint64_t v = 0;
    int r = 0;

    if (!str_empty(o->blkio_weight)) {
        r = weight_number(o->blkio_weight, &v, err);
        if (r < 0)
            return r;
        json_set_u64(io, "weight", v);
        if (!kernel_has(b, "blkio/blkio.weight", "io"))
            discard(io, "weight", "Block I/O weight", "Weight discarded.");
        else if (v > 0 && (v < 10 || v > 1000))
            return fail(err, EINVAL, "range of blkio weight is from 10 to 1000");
    }
    for (size_t i = 0; i < o->blkio_weight_device.n; i++) {
        _cleanup_json_ json *entry = NULL;
        const char *value = NULL;

        r = device_value(o->blkio_weight_device.items[i], &entry, &value, err);
        if (r < 0)
            return r;
        if (str_to_u64(value, &v) < 0 || v > 1000 || (v > 0 && v < 10))
            return fail(err, EINVAL, "invalid weight for device: %s",
                        o->blkio_weight_device.items[i]);
        json_set_u64(entry, "weight", v);
        json_add(json_need_array(io, "weightDevice"), TAKE(entry));
    }
    r = throttle(&o->device_read_bps, io, "throttleReadBpsDevice", true, err);
    if (r >= 0)
        r = throttle(&o->device_write_bps, io, "throttleWriteBpsDevice", true, err);
    if (r >= 0)
        r = throttle(&o->device_read_iops, io, "throttleReadIOPSDevice", false, err);
    if (r >= 0)
        r = throttle(&o->device_write_iops, io, "throttleWriteIOPSDevice", false, err);
    if (r < 0)
        return r;
    if (asked || json_object_object_length(io))
        json_set(resources, "blockIO", TAKE(io));
    return 0;
}

static int pids(struct spec_build *b, json *resources, struct berth_error *err)
{
    int64_t limit = b->conf->pids_limit;
    json *p;

    /* Those of users are limited where their systemd lets them be. */
    if (b->conf->rootless && !(b->cgroup2 && str_eq(b->conf->cgroup_manager, "systemd")))
        limit = 0;
    if (str_eq(b->o->cgroups, "disabled") && !b->o->pids_limit)
        return 0;
    if (b->o->pids_limit) {
        if (str_to_i64(b->o->pids_limit, &limit) < 0)
            return fail(err, EINVAL,
                        "invalid argument \"%s\" for \"--pids-limit\" flag: "
                        "strconv.ParseInt: parsing \"%s\": invalid syntax",
                        b->o->pids_limit, b->o->pids_limit);
    } else if (limit == 0) {
        return 0;
    }
    p = json_new();
    json_set_i64(p, "limit", MAX(limit, 0));
    json_set(resources, "pids", p);
    return 0;
}

static int unified(struct spec_build *b, json *resources, struct berth_error *err)
{
    const struct berth_list *words = &b->o->cgroup_conf;
    _cleanup_json_ json *all = json_new();

    for (size_t i = 0; i < words->n; i++) {
        size_t len = strcspn(words->items[i], "=");
        _cleanup_free_ char *key = strndup(words->items[i], len);

        if (!key)
            return fail(err, ENOMEM, "out of memory");
        if (!words->items[i][len])
            return fail(err, EINVAL, "--cgroup-conf must be formatted KEY=VALUE");
        json_set_str(all, key, words->items[i] + len + 1);
    }
    if (json_object_object_length(all) == 0)
        return 0;
    if (!b->cgroup2)
        return fail(err, EINVAL, "cannot use --cgroup-conf without cgroup v2");
    json_set(resources, "unified", spec_sorted(TAKE(all)));
    return 0;
}

/* Did the user ask for any limit? */
static bool is_limited(const struct ctr_options *o)
{
    const char *const texts[] = {o->cpus,         o->cpuset_cpus,        o->cpuset_mems,
                                 o->memory,       o->memory_reservation, o->memory_swap,
                                 o->blkio_weight, o->pids_limit};
    const struct berth_list *const lists[] = {&o->blkio_weight_device, &o->device_read_bps,
                                              &o->device_write_bps,    &o->device_read_iops,
                                              &o->device_write_iops,   &o->cgroup_conf};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!str_empty(texts[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (lists[i]->n)
            return true;
    return o->cpu_period || o->cpu_shares || o->cpu_rt_period || o->cpu_quota ||
           o->cpu_rt_runtime || o->memory_swappiness >= 0 || o->oom_kill_disable;
}

int spec_resources(struct spec_build *b, struct berth_error *err)
{
    json *resources = json_need(b->linux_, "resources");
    int r;

    /* The trees of version 1 are not for users to make groups in. */
    if (conf_without_cgroups(b->conf)) {
        if (is_limited(b->o))
            log_warning("Resource limits are not supported and ignored on cgroups V1 rootless "
                        "systems");
        return 0;
    }
    r = cpu(b, resources, err);

    if (r >= 0)
        r = block_io(b, resources, err);
    if (r >= 0)
        r = memory(b, resources, err);
    if (r >= 0)
        r = pids(b, resources, err);
    if (r >= 0)
        r = unified(b, resources, err);
    return r;
}

int spec_update(const struct ctr *c, const struct ctr_options *o, json **out,
                struct berth_error *err)
{
    struct spec_build b = {.e = c->e, .conf = c->e->conf, .o = o, .cgroup2 = spec_cgroup2()};
    json *old = json_at(c->config, "spec", "linux", "resources", "memory", NULL);
    _cleanup_free_ char *limit = NULL;
    _cleanup_json_ json *resources = json_new();
    struct ctr_options with_limit = *o;
    int r;

    /* The one limit is checked against the other, also if it is not changed. */
    if (str_empty(o->memory) && !str_empty(o->memory_swap) && json_get(old, "limit")) {
        limit = str_printf("%lld", (long long)json_i64(old, "limit", 0));
        with_limit.memory = limit;
        b.o = &with_limit;
    }
    r = cpu(&b, resources, err);
    if (r >= 0)
        r = block_io(&b, resources, err);
    if (r >= 0)
        r = memory(&b, resources, err);
    if (r < 0)
        return r;
    *out = TAKE(resources);
    return 0;
}
