/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_stats.c - stats: what containers use. */
#include "base/str.h"
#include "base/time.h"
#include "cmd/each.h"
#include "cmd/format.h"
#include "engine/store.h"
#include "engine/usage.h"

struct stats_opts {
    bool all, latest, no_reset, no_stream, no_trunc;
    char *format;
    int64_t interval;
};

#define STATS_TABLE                                                                            \
    "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"        \
    "{{.BlockIO}}\t{{.PIDS}}\t{{.UpTime}}\t{{.AVGCPU}}"

/* What was measured before, to tell what changed since. */
struct before {
    char id[ID_LEN + 1];
    int64_t cpu;
    berth_date when;
    bool seen; /* in this round */
};

struct watch {
    struct engine *e;
    const struct stats_opts *o;
    char **names;
    int n_names;
    struct before *before;
    size_t n;
};

static struct before *remembered(struct watch *w, const char *id)
{
    struct before *grown;

    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->before[i].id, id)) {
            w->before[i].seen = true;
            return &w->before[i];
        }
    grown = reallocarray(w->before, w->n + 1, sizeof(*grown));
    if (!grown)
        return NULL;
    w->before = grown;
    grown = &w->before[w->n++];
    *grown = (struct before){.seen = true};
    snprintf(grown->id, sizeof(grown->id), "%s", id);
    return grown;
}

/* After a round: what was not seen is gone. */
static void forget_others(struct watch *w)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->n; i++)
        if (w->before[i].seen) {
            w->before[kept] = w->before[i];
            w->before[kept++].seen = false;
        }
    w->n = kept;
}

/* -------------------------------------------------------------------- rows */

/* "213kB / 25.28GB"; binary: "208KiB / 23.54GiB". */
static void set_sizes(json *row, const char *name, uint64_t a, uint64_t b)
{
    _cleanup_free_ char *x = str_human_size((double)a), *y = str_human_size((double)b);
    _cleanup_free_ char *text = str_printf("%s / %s", str_or(x, ""), str_or(y, ""));

    json_set_str(row, name, str_or(text, ""));
}

static void put_binary(double bytes, struct berth_buf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;

    for (; bytes >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
        bytes /= 1024;
    buf_printf(out, "%.4g%s", bytes, units[unit]);
}

static void set_percent(json *row, const char *name, double value)
{
    _cleanup_free_ char *text = str_printf("%.2f%%", value);

    json_set_str(row, name, str_or(text, ""));
}

static double percent(int64_t part, int64_t whole)
{
    return part > 0 && whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static json *make_row(const struct ctr *c, const struct usage *u, double cpu, double average,
                      bool whole_id)
{
    _cleanup_buf_ struct berth_buf memory = BUF_INIT;
    char id[ID_LEN + 1], text[TIME_TEXT_MAX], pids[24];
    json *row = json_new();

    snprintf(id, sizeof(id), "%.*s", whole_id ? ID_LEN : 12, c->id);
    json_set_str(row, "ID", id);
    json_set_str(row, "Name", c->name);
    json_set_str(row, "UpTime", time_format_span(u->cpu, text));
    set_percent(row, "CPUPerc", cpu);
    set_percent(row, "AVGCPU", average);
    set_sizes(row, "MemUsage", u->memory, u->limit);
    put_binary((double)u->memory, &memory);
    buf_puts(&memory, " / ");
    put_binary((double)u->limit, &memory);
    json_set_str(row, "MemUsageBytes", buf_str(&memory));
    set_percent(row, "MemPerc", u->limit ? 100 * (double)u->memory / (double)u->limit : 0);
    set_sizes(row, "NetIO", u->received, u->sent);
    set_sizes(row, "BlockIO", u->read, u->written);
    snprintf(pids, sizeof(pids), "%llu", (unsigned long long)u->pids);
    json_set_str(row, "PIDS", pids);
    json_set_str(row, "ContainerID", c->id);
    json_set_i64(row, "CPUNano", u->cpu);
    json_set_u64(row, "MemLimit", u->limit);
    json_set_u64(row, "NetInput", u->received);
    json_set_u64(row, "NetOutput", u->sent);
    json_set_u64(row, "BlockInput", u->read);
    json_set_u64(row, "BlockOutput", u->written);
    return row;
}

/* One that does not run uses nothing, and is shown so. */
static int measure(struct watch *w, struct ctr *c, json *rows, struct berth_error *err)
{
    struct before *last = remembered(w, c->id);
    berth_date now = time_now(), started = 0;
    double cpu = 0, average = 0;
    struct usage u = {0};
    int r;

    if (!last)
        return fail(err, ENOMEM, "out of memory");
    if (json_flag(c->config, "noCgroups", false))
        return fail(err, EINVAL,
                    "cannot run top on container %s as it did not create a cgroup: this "
                    "container does not have a cgroup",
                    c->id);
    if (ctr_alive(c)) {
        r = usage_read(c->id, json_i64(c->state, "pid", 0), c->netns != NULL, &u, err);
        if (r < 0)
            error_clear(err);
        time_parse(str_or(json_str(c->state, "startedTime"), ""), &started);
        average = percent(u.cpu, now - started);
        cpu = last->when ? percent(u.cpu - last->cpu, now - last->when) : average;
        last->cpu = u.cpu;
        last->when = now;
    }
    json_add(rows, make_row(c, &u, cpu, average, w->o->no_trunc));
    return 0;
}

static int measure_named(struct watch *w, const char *name, json *rows, struct berth_error *err)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    int r = name ? ctr_lookup(w->e, name, &c, err) : ctr_latest(w->e, &c, err);

    if (r < 0) {
        if (name)
            error_wrap(err, "unable to look up container %s", name);
        return error_wrap(err, "unable to get list of containers");
    }
    return measure(w, c, rows, err);
}

static int measure_all(struct watch *w, json *rows, struct berth_error *err)
{
    struct ctr **all = NULL;
    size_t n = 0;
    int r = 0;

    if (w->o->latest)
        return measure_named(w, NULL, rows, err);
    for (int i = 0; i < w->n_names && r == 0; i++)
        r = measure_named(w, w->names[i], rows, err);
    if (w->n_names)
        return r;
    r = ctr_load_all(w->e, w->o->all ? 0 : 1u << CTR_RUNNING, &all, &n, err);
    for (size_t i = 0; i < n && r == 0; i++)
        r = measure(w, all[i], rows, err);
    ctr_free_all(all, n);
    return r;
}

/* ------------------------------------------------------------------- output */

/* podman's names in JSON, from those in templates. */
static json *json_row(const json *row)
{
    static const char *const names[][2] = {{"id", "ID"},
                                           {"name", "Name"},
                                           {"cpu_time", "UpTime"},
                                           {"cpu_percent", "CPUPerc"},
                                           {"avg_cpu", "AVGCPU"},
                                           {"mem_usage", "MemUsage"},
                                           {"mem_percent", "MemPerc"},
                                           {"net_io", "NetIO"},
                                           {"block_io", "BlockIO"},
                                           {"pids", "PIDS"}};
    json *out = json_new();

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_set_str(out, names[i][0], json_str(row, names[i][1]));
    return out;
}

static void print_json(const json *rows)
{
    _cleanup_json_ json *list = json_new_array();
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    for (size_t i = 0; i < json_len(rows); i++)
        json_add(list, json_row(json_item(rows, i)));
    json_write_pretty(list, 0, "", " ", &text);
    puts(buf_str(&text));
}

static json *stats_headers(void)
{
    static const char *const titles[][2] = {{"ID", "ID"},
                                            {"Name", "NAME"},
                                            {"UpTime", "CPU TIME"},
                                            {"CPUPerc", "CPU %"},
                                            {"AVGCPU", "AVG CPU %"},
                                            {"MemUsage", "MEM USAGE / LIMIT"},
                                            {"MemUsageBytes", "MEM USAGE / LIMIT"},
                                            {"MemPerc", "MEM %"},
                                            {"NetIO", "NET IO"},
                                            {"BlockIO", "BLOCK IO"},
                                            {"PIDS", "PIDS"}};
    json *headers = json_new();

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        json_set_str(headers, titles[i][0], titles[i][1]);
    return headers;
}

static int print_rows(const struct format *format, json *rows, struct berth_error *err)
{
    _cleanup_json_ json *headers = NULL;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    int r;

    if (!format) {
        print_json(rows);
        return 0;
    }
    headers = stats_headers();
    r = format_run(format, rows, headers, &text, err);
    fwrite(buf_str(&text), 1, text.len, stdout);
    return r;
}

static int watch_loop(struct watch *w, const struct format *format, struct berth_error *err)
{
    for (bool first = true;; first = false) {
        _cleanup_json_ json *rows = json_new_array();
        int r;

        if (!first)
            sleep((unsigned)MIN(w->o->interval, INT32_MAX));
        r = measure_all(w, rows, err);
        if (r < 0)
            return r;
        forget_others(w);
        if (format && !w->o->no_stream && !w->o->no_reset)
            fputs("\033[2J\033[1;1H", stdout);
        r = print_rows(format, rows, err);
        if (r < 0 || w->o->no_stream || fflush(stdout) < 0)
            return r;
    }
}

/* ------------------------------------------------------------------ command */

static int stats_run(struct cli *cli, void *opts, int argc, char **argv,
                     struct berth_error *err)
{
    const struct stats_opts *o = opts;
    const char *how = str_empty(o->format) ? STATS_TABLE : o->format;
    struct watch w = {.o = o, .names = argv, .n_names = argc};
    _cleanup_format_ struct format format = {0};
    bool as_json = format_is_json(how);
    int r;

    if ((argc > 0) + o->all + o->latest > 1)
        return fail(err, EINVAL, "--all, --latest and containers cannot be used together");
    if (o->interval < 1)
        return fail(err, EINVAL, "invalid interval, must be a positive number greater zero");
    r = as_json ? 0 : format_parse("stats", how, true, &format, err);
    if (r == 0)
        r = cli_engine(cli, 0, &w.e, err);
    if (r == 0 && conf_without_cgroups(w.e->conf))
        r = fail(err, ENOTSUP, "stats is not supported in rootless mode without cgroups v2");
    if (r == 0)
        r = watch_loop(&w, as_json ? NULL : &format, err);
    free(w.before);
    return r;
}

#define AT(member) offsetof(struct stats_opts, member)
static const struct opt stats_options[] = {
    {"all", 'a', OPT_BOOL, AT(all), "", "", "Those that do not run, too"},
    {"format", 0, OPT_STRING, AT(format), "format", "",
     "Print in another form: json, or a template"},
    {"interval", 'i', OPT_INT, AT(interval), "seconds", "5", "Time between two looks"},
    {"latest", 'l', OPT_BOOL, AT(latest), "", "", "Take the container that was created last"},
    {"no-reset", 0, OPT_BOOL, AT(no_reset), "", "", "Do not clear the screen in between"},
    {"no-stream", 0, OPT_BOOL, AT(no_stream), "", "", "Look once"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), "", "", "Print whole IDs"},
    {""}};
#undef AT

const struct cmd cmd_stats = {
    .name = "stats",
    .args = "[options] [CONTAINER...]",
    .summary = "Show what containers use",
    .text = "Show how much processor time, memory, network and disk traffic containers use, "
            "again and again. Without a container, all that run.",
    .opts = stats_options,
    .size = sizeof(struct stats_opts),
    .interspersed = true,
    .max_args = -1,
    .run = stats_run,
};
