/* SPDX-License-Identifier: Apache-2.0 */
/* generated.c - see generated.h. */
#include "tests/engine/generated.h"
#include "base/json.h"
#include "base/list.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

#define PER_POD 20 /* of so many containers, the first two are a pod's: infra and a member */
#define VOLUMES 50

/* The IDs of containers are spread over the key space, and none begins like a pod's. */
static void ctr_id(size_t i, char out[static 65])
{
    snprintf(out, 65, "%08x%056zx", (unsigned)(i * 2654435761u), i);
}

static void pod_id(size_t i, char out[static 65])
{
    snprintf(out, 65, "%04x%060zx", (unsigned)(i * 40503u & 0xffff), i | (size_t)1 << 40);
}

static bool in_pod(size_t i)
{
    return i % PER_POD < 2;
}

/* The members share the network of the infra container. */
static bool has_network(size_t i)
{
    return i % 2 && i % PER_POD != 1;
}

static void put_ctr(size_t i, const char *spec, struct berth_list *lines)
{
    _cleanup_buf_ struct berth_buf config = BUF_INIT;
    char id[65], first[65], pod[65] = "", text[64] = "";
    bool runs = i % 7 == 3;

    ctr_id(i, id);
    ctr_id(i - i % PER_POD, first);
    if (in_pod(i))
        pod_id(i / PER_POD, pod);
    buf_printf(
        &config,
        "\"config\":{\"CreateCommand\":[\"podman\",\"create\",\"--name\",\"ctr-%zu\"],"
        "\"createNetNS\":%s,"
        "\"createdTime\":\"2026-11-21T18:05:32.%09zuZ\",\"id\":\"%s\","
        "\"labels\":{\"app\":\"shop\",\"n\":\"%zu\"},\"lockID\":%zu,\"name\":\"ctr-%zu\"",
        i, has_network(i) ? "true" : "false", i, id, i, i + 64, i);
    if (i % 3 == 2)
        buf_printf(&config,
                   ",\"namedVolumes\":[{\"dest\":\"/data\",\"volumeName\":\"vol-%zu\"}]",
                   i % VOLUMES);
    if (i % PER_POD == 1)
        buf_printf(&config, ",\"netNsCtr\":\"%s\"", first);
    if (has_network(i))
        buf_puts(&config, ",\"networkMode\":\"bridge\"");
    if (pod[0])
        buf_printf(&config, ",\"pod\":\"%s\"", pod);
    buf_printf(&config,
               ",\"rootfs\":\"/srv/gen/rootfs\",\"shmSize\":65536000,\"spec\":%s,"
               "\"staticDir\":\"/srv/gen/overlay-containers/%s/userdata\","
               "\"stopSignal\":15,\"stopTimeout\":10}",
               spec, id);
    if (i % 5 == 4)
        snprintf(text, sizeof(text), "\"exitCode\":%zu,", i % 256);
    list_addf(lines,
              "%s {%s,\"id\":\"%s\",\"kind\":\"container\",\"name\":\"ctr-%zu\","
              "\"namespace\":\"\",\"netns\":\"%s\",\"pod\":\"%s\",\"state\":{"
              "%s\"finishedTime\":\"2026-11-21T19:00:00Z\",\"runDir\":\"/srv/gen/run/%s\","
              "\"startedTime\":\"2026-11-21T18:06:00.5Z\",\"state\":%d}}",
              id, buf_str(&config), id, i, runs ? "/run/netns/netns-1" : "", pod, text, id,
              i % 5 == 4 ? 6 : 1);
}

static void put_pod(size_t i, struct berth_list *lines)
{
    char id[65], infra[65];

    pod_id(i, id);
    ctr_id(i * PER_POD, infra);
    list_addf(lines,
              "%s {\"config\":{\"cgroupParent\":\"/libpod_parent\",\"created\":"
              "\"2026-11-21T18:05:32.7Z\",\"hasInfra\":true,\"id\":\"%s\",\"labels\":{},"
              "\"lockID\":%zu,\"name\":\"pod-%zu\",\"sharesNet\":true},\"id\":\"%s\","
              "\"kind\":\"pod\",\"name\":\"pod-%zu\",\"namespace\":\"\",\"state\":{"
              "\"InfraContainerID\":\"%s\",\"cgroupPath\":\"/libpod_parent/%s\"}}",
              id, id, i + 100000, i, id, i, infra, id);
}

static void put_volume(size_t i, struct berth_list *lines)
{
    list_addf(lines,
              "vol-%zu {\"config\":{\"createdAt\":\"2026-11-21T18:05:30.4Z\",\"labels\":{},"
              "\"lockID\":%zu,\"mountPoint\":\"/srv/gen/volumes/vol-%zu/_data\",\"name\":"
              "\"vol-%zu\",\"volumeDriver\":\"local\"},\"kind\":\"volume\",\"name\":"
              "\"vol-%zu\",\"namespace\":\"\",\"state\":{\"mountCount\":0}}",
              i, i + 200000, i, i, i);
}

static void put_links(size_t i, struct berth_list *lines)
{
    char id[65], first[65];

    ctr_id(i, id);
    ctr_id(i - i % PER_POD, first);
    if (i % PER_POD == 1)
        list_addf(lines,
                  "{\"from\":\"%s\",\"kind\":\"link\",\"link\":\"depends\",\"to\":\"%s\","
                  "\"value\":null}",
                  id, first);
    if (i % 3 == 2)
        list_addf(lines,
                  "{\"from\":\"%s\",\"kind\":\"link\",\"link\":\"volume\",\"to\":\"vol-%zu\","
                  "\"value\":null}",
                  id, i % VOLUMES);
    if (has_network(i))
        list_addf(lines,
                  "{\"from\":\"%s\",\"kind\":\"link\",\"link\":\"network\",\"to\":\"podman\","
                  "\"value\":{\"aliases\":[\"%.12s\"],\"interface_name\":\"eth0\"}}",
                  id, id);
    if (i % 11 == 5)
        list_addf(lines,
                  "{\"from\":\"e%063zx\",\"kind\":\"link\",\"link\":\"exec\",\"to\":\"%s\","
                  "\"value\":null}",
                  i, id);
}

/* The lines in order, without the key that they were sorted by. */
static void put_sorted(struct berth_list *lines, bool keyed, struct berth_buf *out)
{
    list_sort(lines);
    for (size_t i = 0; i < lines->n; i++) {
        buf_puts(out, keyed ? strchr(lines->items[i], ' ') + 1 : lines->items[i]);
        buf_putc(out, '\n');
    }
    list_free(lines);
    *lines = (struct berth_list)LIST_INIT;
}

int generated_spec(const char *fixtures, bool seccomp, struct berth_buf *out)
{
    _cleanup_free_ char *plain = str_printf("%s/oci-spec/01-plain.json", fixtures);
    _cleanup_free_ char *filter = str_printf("%s/oci-spec/seccomp.json", fixtures);
    _cleanup_json_ json *file = NULL, *rules = NULL;
    json *spec, *linux_;
    const char *name;

    if (json_read_file(plain, 1 << 20, &file, NULL) < 0 ||
        json_read_file(filter, 1 << 20, &rules, NULL) < 0)
        return -1;
    spec = json_at(file, "record", "spec", NULL);
    linux_ = json_get(spec, "linux");
    name = json_str(linux_, "seccomp"); /* the filters are in a file of their own */
    if (!name || !json_get(rules, name))
        return -1;
    if (seccomp)
        json_set(linux_, "seccomp", json_copy(json_get(rules, name)));
    else
        json_del(linux_, "seccomp");
    return json_write(spec, JSON_SORTED, out);
}

void generate_dump(size_t containers, const char *spec, struct berth_buf *out)
{
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    size_t pods = (containers + PER_POD - 1) / PER_POD;

    buf_puts(out, "{\"graph_driver\":\"overlay\",\"graph_root\":\"/srv/gen\",\"kind\":"
                  "\"store\",\"os\":\"linux\",\"run_root\":\"/srv/gen/run\",\"static_dir\":"
                  "\"/srv/gen/libpod\",\"tmp_dir\":\"/srv/gen/tmp\",\"volume_path\":"
                  "\"/srv/gen/volumes\"}\n");
    for (size_t i = 0; i < containers; i++)
        put_ctr(i, spec, &lines);
    put_sorted(&lines, true, out);
    for (size_t i = 0; i < pods; i++)
        put_pod(i, &lines);
    put_sorted(&lines, true, out);
    for (size_t i = 0; i < VOLUMES; i++)
        put_volume(i, &lines);
    put_sorted(&lines, true, out);
    for (size_t i = 0; i < containers; i++)
        put_links(i, &lines);
    put_sorted(&lines, false, out);
    for (size_t i = 4; i < containers; i += 5) {
        char id[65];

        ctr_id(i, id);
        list_addf(&lines,
                  "%s {\"code\":%zu,\"id\":\"%s\",\"kind\":\"exit\",\"time\":"
                  "\"2026-11-21T19:00:00Z\"}",
                  id, i % 256, id);
    }
    put_sorted(&lines, true, out);
}
