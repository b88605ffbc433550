/* SPDX-License-Identifier: Apache-2.0 */
/* kit_net.c - the network part of the conformance kit. */
#include "tests/kit/kit_any.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPS (&k->ops.net)

#define WITH_OPEN(k)                                                                           \
    do {                                                                                       \
        k->programs = KIT_SILENT;                                                              \
        GIVES(k, 0, kit_any_open(k));                                                          \
    } while (0)

static int drivers(struct kit_any *k)
{
    struct berth_list *out = testhost_list_new();

    WITH_OPEN(k);
    GIVES(k, 0, OPS->drivers(k->net, out, k->err));
    for (size_t i = 0; i < testhost_list_len(out); i++) {
        NEED(k, testhost_list_get(out, i)[0] != '\0');
        for (size_t j = 0; j < i; j++)
            NEED(k, strcmp(testhost_list_get(out, i), testhost_list_get(out, j)) != 0);
    }
    if (testhost_list_len(out)) {
        testhost_fail_result(k->th, 1);
        NEED(k, OPS->drivers(k->net, out, k->err) < 0);
        testhost_fail_result(k->th, 0);
    }
    testhost_list_free(out);
    kit_any_close(k);
    return 0;
}

static int default_name(struct kit_any *k)
{
    const char *name;
    char copy[256];

    WITH_OPEN(k);
    name = OPS->default_name(k->net);
    NEED(k, name && *name);
    snprintf(copy, sizeof(copy), "%s", name);
    NEED(k, OPS->default_name(k->net) == name);
    NEED(k, strcmp(name, copy) == 0);
    kit_any_close(k);
    return 0;
}

/* --------------------------------------------------------------------- networks */

struct seen {
    int n, stop_at, give, bad;
    char name[8][128], id[8][128];
};

static int see(void *arg, const char *name, const char *id, struct berth_blob network)
{
    struct seen *s = arg;

    if (!name || !*name || !id || !*id || !kit_json_object(network.data, network.len))
        s->bad++;
    if (s->n < 8) {
        snprintf(s->name[s->n], sizeof(s->name[0]), "%s", name ? name : "");
        snprintf(s->id[s->n], sizeof(s->id[0]), "%s", id ? id : "");
    }
    return ++s->n == s->stop_at ? s->give : 0;
}

static int listing(struct kit_any *k)
{
    struct seen s = {.n = 0}, again = {.n = 0};

    WITH_OPEN(k);
    GIVES(k, 0, OPS->list(k->net, see, &s, k->err));
    NEED(k, s.bad == 0);
    GIVES(k, 0, OPS->list(k->net, see, &again, k->err));
    NEED(k, s.n == again.n);
    kit_any_close(k);
    return 0;
}

static int listing_stops(struct kit_any *k)
{
    struct seen s = {.stop_at = 1, .give = 5};

    WITH_OPEN(k);
    if (OPS->list(k->net, see, &s, k->err) == 0) {
        NEED(k, s.n == 0);
        return 0;
    }
    NEED(k, s.n == 1);
    s = (struct seen){.stop_at = 1, .give = 5};
    NEED(k, OPS->list(k->net, see, &s, k->err) == 5 && s.n == 1);
    s = (struct seen){.stop_at = 1, .give = -ECANCELED};
    NEED(k, OPS->list(k->net, see, &s, k->err) == -ECANCELED && s.n == 1);
    NEED(k, testhost_error_calls(k->err) == 0);
    kit_any_close(k);
    return 0;
}

static int inspecting(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    struct seen s = {.n = 0};

    WITH_OPEN(k);
    GIVES(k, 0, OPS->list(k->net, see, &s, k->err));
    for (int i = 0; i < s.n && i < 8; i++) {
        const char *const keys[] = {s.name[i], s.id[i]};

        for (int j = 0; j < 2; j++) {
            testhost_buf_clear(out);
            GIVES(k, 0, OPS->inspect(k->net, keys[j], out, k->err));
            NEED(k, kit_json_object(testhost_buf_data(out), testhost_buf_len(out)));
            NEED(k, strstr(testhost_buf_data(out), s.name[i]));
        }
    }
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

static int nothing_there(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    uint64_t files;

    WITH_OPEN(k);
    files = kit_any_files(k);
    GIVES(k, ENOENT, OPS->inspect(k->net, "kit-nonesuch", out, k->err));
    NEED(k, testhost_buf_len(out) == 0);
    GIVES(k, ENOENT, OPS->remove(k->net, "kit-nonesuch", k->err));
    NEED(k, kit_any_files(k) == files);
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

static int default_stays(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    const char *name;

    WITH_OPEN(k);
    name = OPS->default_name(k->net);
    if (OPS->inspect(k->net, name, out, k->err) == 0)
        GIVES(k, EBUSY, OPS->remove(k->net, name, k->err));
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

static struct berth_blob text(const char *s)
{
    return (struct berth_blob){s, strlen(s)};
}

/* Make a network; 1: done, 0: the backend makes none. */
static int make(struct kit_any *k, const char *name, uint32_t flags, struct berth_buf *out,
                int want)
{
    struct berth_list *list = testhost_list_new();
    char json[256];
    int r;

    GIVES(k, 0, OPS->drivers(k->net, list, k->err));
    snprintf(json, sizeof(json), "{\"name\":\"%s\",\"driver\":\"%s\"}", name,
             testhost_list_len(list) ? testhost_list_get(list, 0) : "bridge");
    testhost_list_free(list);
    r = OPS->create(k->net, text(json), flags, out, k->err);
    if (r == -ENOTSUP) {
        GIVES(k, ENOTSUP, r);
        return 0;
    }
    GIVES(k, want, r);
    return 1;
}

static int life(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new(), *again = testhost_buf_new();
    struct seen s = {.n = 0};
    int before, r;

    WITH_OPEN(k);
    GIVES(k, 0, OPS->list(k->net, see, &s, k->err));
    before = s.n;
    r = make(k, "kit1", 0, out, 0);
    if (r <= 0)
        return r;
    NEED(k, kit_json_object(testhost_buf_data(out), testhost_buf_len(out)));
    NEED(k, strstr(testhost_buf_data(out), "\"kit1\""));
    kit_any_close(k);
    GIVES(k, 0, kit_any_open(k)); /* it outlives the instance */
    GIVES(k, 0, OPS->inspect(k->net, "kit1", again, k->err));
    NEED(k, testhost_buf_len(again) > 0);
    s = (struct seen){.n = 0};
    GIVES(k, 0, OPS->list(k->net, see, &s, k->err));
    NEED(k, s.n == before + 1);
    GIVES(k, 0, OPS->remove(k->net, "kit1", k->err));
    GIVES(k, ENOENT, OPS->inspect(k->net, "kit1", again, k->err));
    GIVES(k, ENOENT, OPS->remove(k->net, "kit1", k->err));
    kit_any_close(k);
    testhost_buf_free(out);
    testhost_buf_free(again);
    return 0;
}

static int taken(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    struct seen s = {.n = 0}, later = {.n = 0};
    int r;

    WITH_OPEN(k);
    r = make(k, "kit1", 0, out, 0);
    if (r <= 0)
        return r;
    GIVES(k, 0, OPS->list(k->net, see, &s, k->err));
    TRY(make(k, "kit1", 0, out, EEXIST));
    testhost_buf_clear(out);
    TRY(make(k, "kit1", BERTH_NET_IGNORE_EXISTING, out, 0));
    NEED(k, kit_json_object(testhost_buf_data(out), testhost_buf_len(out)));
    GIVES(k, 0, OPS->list(k->net, see, &later, k->err));
    NEED(k, s.n == later.n);
    kit_any_close(k);
    testhost_buf_free(out);
    return 0;
}

static int nonsense(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    uint64_t files;

    WITH_OPEN(k);
    files = kit_any_files(k);
    FAILS(k, OPS->create(k->net, text("}{"), 0, out, k->err));
    FAILS(k, OPS->create(k->net, text("[]"), 0, out, k->err));
    NEED(k, testhost_buf_len(out) == 0);
    NEED(k, kit_any_files(k) == files);
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

/* ------------------------------------------------------------ setup and teardown */

#define ID64 "c0ffee0000000000000000000000000000000000000000000000000000000001"

static void options_for(struct kit_any *k, char json[1024])
{
    snprintf(json, 1024,
             "{\"container_id\":\"" ID64 "\",\"container_name\":\"kit\",\"networks\":{\"%s\":"
             "{\"interface_name\":\"eth0\"}}}",
             OPS->default_name(k->net));
}

/* A program that fails: said once, nothing given out, no descriptor left. */
static int setup_fails(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    char json[1024];
    int fds, r;

    WITH_OPEN(k);
    options_for(k, json);
    fds = kit_any_fds(0);
    for (int mode = KIT_MISSING; mode <= KIT_FAIL; mode++) {
        unsigned ran = k->ran;

        k->programs = (enum kit_programs)mode;
        r = OPS->setup(k->net, "/proc/self/ns/net", text(json), out, k->err);
        if (r == 0) {
            NEED(k, k->ran == ran); /* it needs no program */
            NEED(k, kit_json_object(testhost_buf_data(out), testhost_buf_len(out)));
            testhost_buf_clear(out);
        } else {
            FAILS(k, r);
            NEED(k, testhost_buf_len(out) == 0);
        }
        NEED(k, kit_any_fds(0) == fds);
    }
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

static int setup_nowhere(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    char json[1024];
    int fds, r;

    WITH_OPEN(k);
    options_for(k, json);
    fds = kit_any_fds(0);
    r = OPS->setup(k->net, "/nonexistent/netns", text(json), out, k->err);
    if (r < 0)
        FAILS(k, r);
    NEED(k, kit_any_fds(0) == fds);
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

static int teardown_twice(struct kit_any *k)
{
    char json[1024];
    int fds;

    WITH_OPEN(k);
    options_for(k, json);
    fds = kit_any_fds(0);
    GIVES(k, 0, OPS->teardown(k->net, "/proc/self/ns/net", text(json), k->err));
    GIVES(k, 0, OPS->teardown(k->net, "/proc/self/ns/net", text(json), k->err));
    GIVES(k, 0, OPS->teardown(k->net, NULL, text(json), k->err));
    NEED(k, kit_any_fds(0) == fds);
    kit_any_close(k);
    return 0;
}

static int calls_without_errors(struct kit_any *k)
{
    struct berth_buf *out = testhost_buf_new();
    char json[1024];

    WITH_OPEN(k);
    k->programs = KIT_MISSING;
    options_for(k, json);
    NEED(k, OPS->inspect(k->net, "kit-nonesuch", out, NULL) < 0);
    NEED(k, OPS->remove(k->net, "kit-nonesuch", NULL) < 0);
    NEED(k, OPS->create(k->net, text("}{"), 0, out, NULL) < 0);
    OPS->setup(k->net, "/nonexistent/netns", text(json), out, NULL);
    OPS->teardown(k->net, NULL, text(json), NULL);
    testhost_buf_free(out);
    kit_any_close(k);
    return 0;
}

#define PAGE(section) "berth-plugin-net(3), " section

static const struct kit_any_case cases[] = {
    {"drivers() are distinct", PAGE("NETWORKS"), drivers, 0},
    {"default_name() stays", PAGE("NETWORKS"), default_name, 0},
    {"list() gives documents", PAGE("NETWORKS"), listing, 0},
    {"list() stops when told", PAGE("NETWORKS"), listing_stops, 0},
    {"inspect() by name and by ID", PAGE("NETWORKS"), inspecting, 0},
    {"inspect() and remove() of nothing", PAGE("NETWORKS"), nothing_there, 0},
    {"the default network is not removed", PAGE("NETWORKS"), default_stays, 0},
    {"a network is made, kept and removed", PAGE("NETWORKS"), life, 0},
    {"a name that is taken", PAGE("NETWORKS"), taken, 0},
    {"create() from nonsense", PAGE("NETWORKS"), nonsense, 0},
    {"setup() when programs fail", PAGE("CONTAINERS"), setup_fails, 0},
    {"setup() of a namespace that is not there", PAGE("CONTAINERS"), setup_nowhere, 0},
    {"teardown() twice, and without a namespace", PAGE("CONTAINERS"), teardown_twice, 0},
    {"nobody wants errors of calls", "berth-plugin(3), ERRORS", calls_without_errors, 0},
    {NULL, NULL, NULL, 0},
};

int kit_net_run(const char *path, const char *const *options, unsigned *number)
{
    struct kit_any k = {.word = "net"};
    int failures = -1;

    if (kit_any_init(&k, path, BERTH_KIND_NET, options) == 0)
        failures =
            kit_any_cases(&k, kit_any_process, number) + kit_any_cases(&k, cases, number);
    if (k.plugin)
        kit_any_end(&k);
    return failures;
}
