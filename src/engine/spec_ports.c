/* SPDX-License-Identifier: Apache-2.0 */
/* spec_ports.c - published and exposed ports. */
#include "engine/spec_priv.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct port_range {
    uint16_t first, count;
};

/* "80" or "80-90". */
static int range_parse(const char *text, struct port_range *out, struct berth_error *err)
{
    _cleanup_list_ struct berth_list part = LIST_INIT;
    int64_t n[2] = {0, 0};

    list_split(&part, text, '-', true);
    if (part.n < 1 || part.n > 2)
        return fail(err, EINVAL, "invalid port range \"%s\"", text);
    for (size_t i = 0; i < part.n; i++) {
        if (str_to_i64(part.items[i], &n[i]) < 0)
            return fail(err, EINVAL,
                        "invalid port number: strconv.Atoi: parsing \"%s\": "
                        "invalid syntax",
                        part.items[i]);
        if (n[i] < 1 || n[i] > 65535)
            return fail(err, EINVAL,
                        "port numbers must be between 1 and 65535 (inclusive), got %lld",
                        (long long)n[i]);
    }
    if (part.n == 1)
        n[1] = n[0];
    if (n[1] < n[0])
        return fail(err, EINVAL,
                    "the end port of a range must be higher than the start port - "
                    "%lld is not higher than %lld",
                    (long long)n[1], (long long)n[0]);
    out->first = (uint16_t)n[0];
    out->count = (uint16_t)(n[1] - n[0] + 1);
    return 0;
}

/* A port that nobody uses at this moment. */
static int free_port(const char *protocol, uint16_t *out, struct berth_error *err)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    _cleanup_close_ int fd =
        socket(AF_INET, (str_eq(protocol, "udp") ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return spec_fail_errno(err, errno, "unable to get a free port");
    *out = ntohs(addr.sin_port);
    return 0;
}

static int port_add(json *list, const char *ip, struct port_range host, struct port_range ctr,
                    const char *protocols, struct berth_error *err)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;

    list_split(&names, protocols, ',', false);
    for (size_t i = 0; i < names.n; i++) {
        const char *protocol = names.items[i];
        json *m;

        if (!str_eq(protocol, "tcp") && !str_eq(protocol, "udp") && !str_eq(protocol, "sctp"))
            return fail(err, EINVAL, "unrecognized protocol \"%s\" in port mapping", protocol);
        if (host.first == 0 && free_port(protocol, &host.first, err) < 0)
            return -EINVAL;
        json_add(list, m = json_new());
        json_set_str(m, "host_ip", ip);
        json_set_u64(m, "container_port", ctr.first);
        json_set_u64(m, "host_port", host.first);
        json_set_u64(m, "range", ctr.count);
        json_set_str(m, "protocol", protocol);
    }
    return 0;
}

/* [[IP:][HOST]:]CTR[/PROTO] */
static int publish(json *list, const char *word, struct berth_error *err)
{
    _cleanup_free_ char *text = strdup(word), *ip = NULL;
    const char *protocol = "tcp", *host_text = NULL, *ctr_text;
    struct port_range host = {0, 0}, ctr;
    unsigned char addr[16];
    char *slash, *colon;
    int r;

    if (!text)
        return fail(err, ENOMEM, "out of memory");
    slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
        protocol = slash + 1;
        if (!*protocol)
            return fail(err, EINVAL, "protocol cannot be empty");
    }
    colon = strrchr(text, ':');
    ctr_text = colon ? colon + 1 : text;
    if (colon) {
        char *second;

        *colon = '\0';
        second = strrchr(text, ':');
        host_text = second ? second + 1 : text;
        if (second) {
            size_t len;

            *second = '\0';
            len = strlen(text);
            ip = len > 1 && text[0] == '[' && text[len - 1] == ']' ? strndup(text + 1, len - 2)
                                                                   : strdup(text);
            if (!ip)
                return fail(err, ENOMEM, "out of memory");
            if (!*ip)
                return fail(err, EINVAL,
                            "must provide a non-empty container host IP to publish");
            if (inet_pton(AF_INET, ip, addr) != 1 && inet_pton(AF_INET6, ip, addr) != 1)
                return fail(err, EINVAL, "cannot parse \"%s\" as an IP address", ip);
        }
    }
    if (!*ctr_text)
        return fail(err, EINVAL, "must provide a non-empty container port to publish");
    r = range_parse(ctr_text, &ctr, err);
    if (r < 0)
        return error_wrap(err, "parsing container port");
    if (!str_empty(host_text)) {
        r = range_parse(host_text, &host, err);
        if (r < 0)
            return error_wrap(err, "parsing host port");
        if (host.count != ctr.count)
            return fail(err, EINVAL,
                        "host and container port ranges have different lengths: %u vs %u",
                        (unsigned)host.count, (unsigned)ctr.count);
    }
    return port_add(list, str_or(ip, ""), host, ctr, protocol, err);
}

static int expose(json *exposed, const char *word, struct berth_error *err)
{
    _cleanup_free_ char *text = strdup(word);
    const char *protocol = "tcp";
    struct port_range range;
    char *slash;

    if (!text)
        return fail(err, ENOMEM, "out of memory");
    slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
        protocol = slash + 1;
    }
    if (range_parse(text, &range, NULL) < 0)
        return fail(err, EINVAL,
                    "invalid range format for --expose: %s: strconv.ParseUint: parsing \"%s\": "
                    "invalid syntax",
                    word, text);
    for (unsigned i = 0; i < range.count; i++) {
        char key[16];
        json *list;

        snprintf(key, sizeof(key), "%u", range.first + i);
        list = json_need_array(exposed, key);
        if (!json_has_str(list, protocol))
            json_add_str(list, protocol);
    }
    return 0;
}

static int by_host_port(const void *a, const void *b)
{
    static const char *const texts[] = {"protocol", "host_ip"};
    static const char *const numbers[] = {"host_port", "container_port"};
    const json *const *x = a, *const *y = b;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int order = strcmp(json_str(*x, texts[i]), json_str(*y, texts[i]));

        if (order)
            return order;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t m = json_u64(*x, numbers[i], 0), n = json_u64(*y, numbers[i], 0);

        if (m != n)
            return m < n ? -1 : 1;
    }
    return 0;
}

/* Ports that follow each other on both sides become one range; equal ones become one. */
static json *merge(json *list)
{
    json *out = json_new_array(), *last = NULL;

    json_object_array_sort(list, by_host_port);
    for (size_t i = 0; i < json_len(list); i++) {
        json *m = json_item(list, i);
        uint64_t host = json_u64(m, "host_port", 0), ctr = json_u64(m, "container_port", 0);
        uint64_t h = json_u64(last, "host_port", 0), c = json_u64(last, "container_port", 0);
        uint64_t n = json_u64(last, "range", 0);
        bool same = last && str_eq(json_str(last, "protocol"), json_str(m, "protocol")) &&
                    str_eq(json_str(last, "host_ip"), json_str(m, "host_ip"));

        if (same && host - h == ctr - c && host <= h + n) {
            uint64_t end = MAX(h + n, host + json_u64(m, "range", 1));

            json_set_u64(last, "range", end - h);
            continue;
        }
        json_add(out, last = json_ref(m));
    }
    return out;
}

int spec_ports(struct spec_build *b, struct berth_error *err)
{
    const struct ctr_options *o = b->o;
    _cleanup_json_ json *list = json_new_array(), *exposed = json_new();
    int r = 0;

    for (size_t i = 0; i < o->publish.n && r >= 0; i++)
        r = publish(list, o->publish.items[i], err);
    for (size_t i = 0; i < o->expose.n && r >= 0; i++)
        r = expose(exposed, o->expose.items[i], err);
    if (r < 0)
        return r;
    if (!spec_net_own(b)) {
        if (o->publish.n || o->publish_all)
            log_warning("Port mappings have been discarded as one of the Host, Container, Pod, "
                        "and None network modes are in use");
        return 0;
    }
    if (o->publish_all) {
        json_object_object_foreach (exposed, port, protocols) {
            struct port_range ctr = {(uint16_t)strtoul(port, NULL, 10), 1}, any = {0, 0};

            for (size_t i = 0; i < json_len(protocols); i++)
                if (port_add(list, "", any, ctr, json_item_str(protocols, i), err) < 0)
                    return -EINVAL;
        }
    }
    if (json_len(list))
        json_set(b->config, "newPortMappings", merge(list));
    if (json_object_object_length(exposed))
        json_set(b->config, "exposedPorts", spec_sorted(TAKE(exposed)));
    return 0;
}
