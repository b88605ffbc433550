/* SPDX-License-Identifier: Apache-2.0 */
/* pasta.c - see pasta.h. */
#include "engine/pasta.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/ports.h"
#include "wrap/fault.h"
#include <unistd.h>

#define NAME          "pasta"
#define READY_SECONDS 60
#define LOG_MAX       (64u << 10)

/* -t [IP/]FIRST-LAST:FIRST-LAST, and -u. */
static int add_ports(void *arg, const json *mapping, const char *protocol,
                     struct berth_error *err)
{
    struct berth_list *out = arg;
    const char *ip = str_or(json_str(mapping, "host_ip"), "");
    uint64_t host = json_u64(mapping, "host_port", 0),
             ctr = json_u64(mapping, "container_port", 0);
    uint64_t n = json_u64(mapping, "range", 1);

    n = n ? n : 1;
    if (!str_eq(protocol, "tcp") && !str_eq(protocol, "udp"))
        return fail(err, EINVAL, "can't forward protocol: %s", protocol);
    list_add(out, str_eq(protocol, "tcp") ? "-t" : "-u");
    list_addf(out, "%s%s%llu-%llu:%llu-%llu", ip, *ip ? "/" : "", (unsigned long long)host,
              (unsigned long long)(host + n - 1), (unsigned long long)ctr,
              (unsigned long long)(ctr + n - 1));
    return 0;
}

/* What nobody asked for is not forwarded, in neither direction. */
static void add_none(struct berth_list *out)
{
    static const char *const kinds[][2] = {
        {"-t", "--tcp-ports"}, {"-u", "--udp-ports"}, {"-T", "--tcp-ns"}, {"-U", "--udp-ns"}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (!list_has(out, kinds[i][0]) && !list_has(out, kinds[i][1]))
            list_addv(out, (const char *const[]){kinds[i][0], "none", NULL});
}

int pasta_argv(const char *path, const json *mappings, const json *given, const char *netns,
               struct berth_list *out, struct berth_error *err)
{
    bool map_gateway = false;
    int r;

    list_addv(out, (const char *const[]){path, "--config-net", NULL});
    r = ports_each(mappings, add_ports, out, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_len(given); i++) {
        const char *word = str_or(json_item_str(given, i), "");

        if (str_eq(word, "--map-gw")) /* podman's own */
            map_gateway = true;
        else
            list_add(out, word);
    }
    add_none(out);
    if (!map_gateway)
        list_add(out, "--no-map-gw");
    list_addv(out, (const char *const[]){"--netns", netns, NULL});
    return out->error ? fail(err, ENOMEM, "out of memory") : 0;
}

/* Its lines as one, without how to use it, and without its trouble with the system's log. */
static void summarise(char *text, struct berth_buf *out)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (str_starts(line, "Usage:"))
            break;
        if (str_starts(line, "Failed to send ") && str_ends(line, " to syslog"))
            continue;
        buf_printf(out, "%s%s", out->len ? "; " : "", line);
    }
}

int pasta_start(const struct conf *conf, const json *mappings, const json *given,
                const char *netns, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf errors = BUF_INIT, text = BUF_INIT;
    _cleanup_list_ struct berth_list argv = LIST_INIT;
    _cleanup_free_ char *path = NULL;
    struct berth_run run = {.size = sizeof(run),
                            .env = (const char *const *)(uintptr_t)environ,
                            .errors = &errors,
                            .netns_fd = -1,
                            .deadline = time_deadline(READY_SECONDS)};
    int r = conf_find_helper(conf, NAME, &path, err);

    if (r < 0)
        return error_wrap(err,
                          "could not find pasta, the network namespace can't be configured");
    r = pasta_argv(path, mappings, given, netns, &argv, err);
    if (r == 0)
        r = fault_point("pasta", "start", err);
    if (r < 0)
        return r;
    errors.max = LOG_MAX;
    run.argv = (const char *const *)list_argv(&argv);
    r = proc_run(&run, err);
    if (r <= 0)
        return r;
    if (errors.len)
        summarise(errors.data, &text);
    return fail(err, EIO, "failed to start pasta: %s",
                text.len ? buf_str(&text) : "it said nothing");
}
