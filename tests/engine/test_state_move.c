/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole stores from one backend to another: databases that podman wrote go through every
 * ordered pair of the backends that are built, and their dumps stay equal to the byte.
 */
#include "base/fs.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/dump.h"
#include "engine/load_dump.h"
#include "engine/migrate_copy.h"
#include "engine/migrate_doc.h"
#include "load/load.h"
#include "tests/engine/generated.h"
#include <check.h>
#include <sys/stat.h>

static char dir[64];
static struct conf *conf;
static struct berth_list backends = LIST_INIT;

#define OK(r, err) ck_assert_msg((r) >= 0, "%s:%d: %s", __FILE__, __LINE__, error_text(err))

static const char *source_dir(void)
{
    return str_or(getenv("top_srcdir"), ".");
}

static void setup(void)
{
    _cleanup_free_ char *libs = str_printf("%s/.libs", str_or(getenv("top_builddir"), "."));
    _cleanup_free_ char *absolute = path_absolute(libs);
    const struct conf_override o[] = {{"plugin_dirs", absolute},
                                      {"graph_root", "/tmp/g"},
                                      {"run_root", "/tmp/r"},
                                      {"tmp_dir", "/tmp/t"}};
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    strcpy(dir, "/tmp/berth-move.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    OK(conf_load("/dev/null", o, ARRAY_LEN(o), &conf, NULL, &err), &err);
    OK(plugin_names(conf, BERTH_KIND_STATE, &backends, &err), &err);
    ck_assert_uint_ge(backends.n, 2);
}

static void teardown(void)
{
    fs_remove_tree(dir, NULL);
    conf_free(conf);
    list_free(&backends);
}

/* ------------------------------------------------------------------- stores */

/* A fixture, copied: nothing of a test may touch the tree. */
static struct state *open_fixture(const char *type, const char *path)
{
    static unsigned n;
    _cleanup_free_ char *from = str_printf("%s/tests/fixtures/%s", source_dir(), path);
    _cleanup_free_ char *name = NULL, *command = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct state *s;

    name = str_printf("%s:%s/fixture%u", type, dir, n++);
    command = str_ends(path, ".xz")
                  ? str_printf("xz -dc '%s' >'%s'", from, strchr(name, ':') + 1)
                  : str_printf("cp '%s' '%s'", from, strchr(name, ':') + 1);
    ck_assert_int_eq(system(command), 0);
    OK(dump_open(conf, name, &s, &err), &err);
    return s;
}

static struct state *new_store(const char *type)
{
    static unsigned n;
    _cleanup_free_ char *base = str_printf("%s/store%u", dir, n++);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct berth_place place = {.size = sizeof(place),
                                .static_dir = base,
                                .tmp_dir = base,
                                .graph_root = base,
                                .run_root = base,
                                .volume_path = base};
    struct state *s;

    ck_assert_int_eq(mkdir(base, 0700), 0);
    OK(state_open(conf, type, &place, NULL, 0, BERTH_STATE_CREATE, &s, &err), &err);
    return s;
}

static int add_line(void *arg, const char *line, size_t len, struct berth_error *err _unused_)
{
    buf_put(arg, line, len);
    return buf_putc(arg, '\n');
}

static void dump(struct state *s, struct berth_buf *out)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    buf_reset(out);
    OK(dump_state(s, add_line, out, &err), &err);
}

/* Copy a store, and let the copy be compared record by record. */
static void copy_store(struct state *from, struct state *to)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct copy c = {.from_caps = state_caps(from), .to_caps = state_caps(to)};

    OK(state_begin(from, 0, BERTH_WAIT_FOREVER, &c.from, &err), &err);
    OK(state_begin(to, BERTH_TXN_WRITE | BERTH_TXN_BULK, BERTH_WAIT_FOREVER, &c.to, &err),
       &err);
    OK(copy_all(&c, &err), &err);
    OK(txn_commit(&c.to, &err), &err);
    OK(state_begin(to, 0, BERTH_WAIT_FOREVER, &c.to, &err), &err);
    OK(copy_verify(&c, &err), &err);
    txn_rollback(c.to);
    txn_rollback(c.from);
}

static void is_whole(struct state *s)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list report = LIST_INIT;

    OK(state_check(s, 0, &report, &err), &err);
    ck_assert_msg(report.n == 0, "%s: %s", state_plugin(s),
                  report.items ? report.items[0] : "");
}

static void same_dump(struct state *s, const struct berth_buf *want)
{
    _cleanup_buf_ struct berth_buf got = BUF_INIT;
    size_t at = 0;

    dump(s, &got);
    while (at < got.len && at < want->len && got.data[at] == want->data[at])
        at++;
    ck_assert_msg(got.len == want->len && at == got.len,
                  "%s: dumps differ at byte %zu: %.80s instead of %.80s", state_plugin(s), at,
                  got.data + (at > 40 ? at - 40 : 0), want->data + (at > 40 ? at - 40 : 0));
}

/* From a store by every ordered pair of backends, and back to a store of its type. */
static void round_trips_of(struct state *fixture, const char *type)
{
    _cleanup_buf_ struct berth_buf want = BUF_INIT;

    dump(fixture, &want);
    for (size_t i = 0; i < backends.n; i++) {
        struct state *a = new_store(backends.items[i]);

        copy_store(fixture, a);
        same_dump(a, &want);
        is_whole(a);
        for (size_t j = 0; j < backends.n; j++) {
            struct state *b = new_store(backends.items[j]), *back = new_store(type);

            copy_store(a, b);
            same_dump(b, &want);
            is_whole(b);
            copy_store(b, back);
            same_dump(back, &want);
            is_whole(back);
            state_close(back);
            state_close(b);
        }
        state_close(a);
    }
}

static void round_trips(const char *type, const char *path)
{
    struct state *fixture = open_fixture(type, path);

    round_trips_of(fixture, type);
    state_close(fixture);
}

START_TEST(test_pairs_of_podman_4)
{
    round_trips("boltdb", "podman-4.3/bolt_state.db");
}
END_TEST

START_TEST(test_pairs_of_podman_5)
{
    round_trips("sqlite", "podman-5.4/db.sql");
    round_trips("sqlite", "podman-5.4/refreshed.db.sql");
    round_trips("sqlite", "podman-5.4/fresh.db.sql");
}
END_TEST

START_TEST(test_large_one)
{
    struct state *fixture = open_fixture("boltdb", "podman-4.3/large/bolt_state.db.xz");
    _cleanup_buf_ struct berth_buf want = BUF_INIT;

    dump(fixture, &want);
    for (size_t i = 0; i < backends.n; i++) {
        struct state *a = new_store(backends.items[i]);

        copy_store(fixture, a);
        same_dump(a, &want);
        is_whole(a);
        state_close(a);
    }
    state_close(fixture);
}
END_TEST

/* A store that nobody has, of a size that hardly anybody has. */
START_TEST(test_generated)
{
    size_t containers = getenv("BERTH_TEST_LONG") ? 10000 : 200;
    _cleanup_free_ char *fixtures = str_printf("%s/tests/fixtures", source_dir());
    _cleanup_buf_ struct berth_buf spec = BUF_INIT, want = BUF_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct state *s = new_store("memory");
    struct load l = {0};

    ck_assert_int_eq(generated_spec(fixtures, false, &spec), 0);
    generate_dump(containers, buf_str(&spec), &want);
    OK(load_dump(s, buf_blob(&want), false, &l, &err), &err);
    ck_assert_uint_eq(l.containers, containers);
    ck_assert_uint_eq(l.pods, containers / 20);
    same_dump(s, &want);
    round_trips_of(s, "memory");
    state_close(s);
}
END_TEST

START_TEST(test_load)
{
    struct state *fixture = open_fixture("boltdb", "podman-4.3/bolt_state.db");
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf want = BUF_INIT;

    dump(fixture, &want);
    state_close(fixture);
    for (size_t i = 0; i < backends.n; i++) {
        struct state *s = new_store(backends.items[i]);
        struct load l = {0};

        OK(load_dump(s, buf_blob(&want), false, &l, &err), &err);
        ck_assert_uint_eq(l.containers, 15);
        ck_assert_uint_eq(l.pods, 2);
        ck_assert_uint_eq(l.volumes, 5);
        ck_assert_uint_eq(l.exits, 3);
        same_dump(s, &want);
        is_whole(s);
        ck_assert_int_eq(load_dump(s, buf_blob(&want), false, &l, &err), -ENOTEMPTY);
        error_clear(&err);
        state_close(s);
    }
}
END_TEST

/* ----------------------------------------------------- what podman wrote is there */

/* The dump as trees: every line under a key of its kind and ends. */
static json *index_dump(struct state *s)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    _cleanup_list_ struct berth_list lines = LIST_INIT;
    json *all = json_new();

    dump(s, &text);
    list_split(&lines, buf_str(&text), '\n', false);
    for (size_t i = 0; i < lines.n; i++) {
        struct berth_blob line = {lines.items[i], strlen(lines.items[i])};
        _cleanup_free_ char *key = NULL;
        json *tree = NULL;

        ck_assert_int_eq(json_parse(line, "line", &tree, NULL), 0);
        key = str_printf(
            "%s %s %s %s", json_str(tree, "kind"), str_or(json_str(tree, "link"), ""),
            str_or(json_str(tree, "id"),
                   str_or(json_str(tree, "from"), str_or(json_str(tree, "name"), ""))),
            str_or(json_str(tree, "to"), ""));
        json_set(all, key, tree);
    }
    return all;
}

static json *line_of(const json *all, const char *kind, const char *link, const char *a,
                     const char *b)
{
    _cleanup_free_ char *key = str_printf("%s %s %s %s", kind, link, a, b);
    json *line = json_get(all, key);

    ck_assert_msg(line != NULL, "the dump lacks %s", key);
    return line;
}

static json *parsed(const char *text)
{
    json *tree = NULL;

    ck_assert_int_eq(
        json_parse((struct berth_blob){text, strlen(text)}, "fixture", &tree, NULL), 0);
    return tree;
}

static void same_tree(const char *what, const json *a, const json *b)
{
    _cleanup_buf_ struct berth_buf x = BUF_INIT, y = BUF_INIT;

    json_write(a, JSON_SORTED, &x);
    json_write(b, JSON_SORTED, &y);
    ck_assert_msg(str_eq(buf_str(&x), buf_str(&y)), "%s: %s instead of %s", what, buf_str(&x),
                  buf_str(&y));
}

static void has_documents(const json *line, const char *what, const char *config,
                          const char *state)
{
    _cleanup_json_ json *c = parsed(config), *s = state ? parsed(state) : json_new();

    same_tree(what, json_get(line, "config"), c);
    same_tree(what, json_get(line, "state"), s);
}

/* Every string member of a bucket is a link to or from the bucket's owner. */
static size_t has_links(const json *all, json *bucket, const char *link, const char *owner,
                        const json *alive, bool owner_first)
{
    size_t n = 0;

    if (!bucket)
        return 0;
    json_object_object_foreach (bucket, key, value) {
        json *line;

        if (!owner_first && alive && !json_get(alive, key))
            continue; /* a container that is gone: podman forgot to take it out */
        line = line_of(all, "link", link, owner_first ? owner : key, owner_first ? key : owner);
        n++;
        if (str_eq(link, "network")) {
            _cleanup_json_ json *options = parsed(json_object_get_string(value));

            same_tree(key, json_get(line, "value"), options);
        }
    }
    return n;
}

START_TEST(test_everything_of_podman_4)
{
    struct state *s = open_fixture("boltdb", "podman-4.3/bolt_state.db");
    _cleanup_free_ char *path =
        str_printf("%s/tests/fixtures/podman-4.3/expected.json", source_dir());
    _cleanup_json_ json *all = index_dump(s), *expected = NULL;
    json *buckets, *ctrs, *pods, *vols, *identity = NULL;
    size_t n = 1; /* the store's own line */

    ck_assert_int_eq(json_read_file(path, 1 << 24, &expected, NULL), 0);
    buckets = json_get(expected, "buckets");
    ctrs = json_get(buckets, "ctr");
    pods = json_get(buckets, "pod");
    vols = json_get(buckets, "vol");
    json_object_object_foreach (ctrs, id, c) {
        json *line = line_of(all, "container", "", id, "");

        ck_assert_str_eq(json_str(line, "name"), json_str(json_get(buckets, "all-ctrs"), id));
        ck_assert_str_eq(json_str(line, "pod"), str_or(json_str(c, "pod-id"), ""));
        ck_assert_str_eq(json_str(line, "netns"), str_or(json_str(c, "netns"), ""));
        ck_assert_str_eq(json_str(line, "namespace"), str_or(json_str(c, "namespace"), ""));
        has_documents(line, id, json_str(c, "config"), json_str(c, "state"));
        n++;
        n += has_links(all, json_get(c, "dependencies"), "depends", id, ctrs, false);
        n += has_links(all, json_get(c, "networks"), "network", id, NULL, true);
        n += has_links(all, json_get(c, "exec"), "exec", id, NULL, false);
    }
    json_object_object_foreach (pods, pod_id, p) {
        json *line = line_of(all, "pod", "", pod_id, "");

        ck_assert_str_eq(json_str(line, "name"),
                         json_str(json_get(buckets, "allPods"), pod_id));
        has_documents(line, pod_id, json_str(p, "config"), json_str(p, "state"));
        n++;
    }
    json_object_object_foreach (vols, name, v) {
        has_documents(line_of(all, "volume", "", name, ""), name, json_str(v, "config"),
                      json_str(v, "state"));
        n++;
        n += has_links(all, json_get(v, "vol-dependencies"), "volume", name, ctrs, false);
    }
    json_object_object_foreach (json_get(buckets, "exit-code"), gone, code) {
        json *line = line_of(all, "exit", "", gone, "");
        const char *when = json_str(json_get(buckets, "exit-code-time-stamp"), gone);
        berth_date there, here;

        ck_assert_int_eq(json_i64(line, "code", -99), atoi(json_object_get_string(code)));
        ck_assert_int_eq(time_parse(when, &there), 0);
        ck_assert_int_eq(time_parse(json_str(line, "time"), &here), 0);
        ck_assert(here == dump_second(there));
        n++;
    }
    identity = line_of(all, "store", "", "", "");
    ck_assert_str_eq(json_str(identity, "static_dir"),
                     json_str(json_get(buckets, "runtime-config"), "static-dir"));
    ck_assert_str_eq(json_str(identity, "volume_path"),
                     json_str(json_get(buckets, "runtime-config"), "volume-path"));
    /* And nothing else. */
    ck_assert_uint_eq(json_object_object_length(all), n);
    state_close(s);
}
END_TEST

static json *row_with(const json *table, const char *column, const char *value)
{
    for (size_t i = 0; i < json_len(table); i++)
        if (str_eq(json_str(json_item(table, i), column), value))
            return json_item(table, i);
    ck_abort_msg("no row with %s %s", column, value);
    return NULL;
}

static size_t rows_are_links(const json *all, const json *table, const char *link,
                             const char *from, const char *to)
{
    for (size_t i = 0; i < json_len(table); i++)
        line_of(all, "link", link, json_str(json_item(table, i), from),
                json_str(json_item(table, i), to));
    return json_len(table);
}

static size_t rows_are_records(const json *all, const json *tables, const char *kind,
                               const char *config_table, const char *state_table,
                               const char *key)
{
    const json *configs = json_get(tables, config_table),
               *states = json_get(tables, state_table);
    size_t n = 0;

    for (size_t i = 0; i < json_len(configs); i++, n++) {
        const json *row = json_item(configs, i);
        const char *id = json_str(row, key);
        json *line = line_of(all, kind, "", id, "");
        _cleanup_json_ json *config = json_copy(json_get(row, "JSON"));
        _cleanup_json_ json *state = json_copy(json_get(row_with(states, key, id), "JSON"));
        json *networks = json_get(config, "newNetworks");

        ck_assert_str_eq(json_str(line, "name"), json_str(row, "Name"));
        if (str_eq(kind, "container")) {
            ck_assert_str_eq(json_str(line, "pod"), str_or(json_str(row, "PodID"), ""));
            ck_assert_str_eq(json_str(line, "netns"), str_or(json_str(state, "netns"), ""));
            json_del(state, "netns");
        }
        if (networks) {
            json_object_object_foreach (networks, name, options) {
                same_tree(name, json_get(line_of(all, "link", "network", id, name), "value"),
                          options);
                n++;
            }
            json_del(config, "newNetworks");
        }
        same_tree(id, json_get(line, "config"), config);
        same_tree(id, json_get(line, "state"), state);
    }
    return n;
}

START_TEST(test_everything_of_podman_5)
{
    struct state *s = open_fixture("sqlite", "podman-5.4/db.sql");
    _cleanup_free_ char *path =
        str_printf("%s/tests/fixtures/podman-5.4/expected.json", source_dir());
    _cleanup_json_ json *all = index_dump(s), *expected = NULL;
    json *tables, *codes;
    size_t n = 1;

    ck_assert_int_eq(json_read_file(path, 1 << 24, &expected, NULL), 0);
    tables = json_get(expected, "tables");
    n += rows_are_records(all, tables, "container", "ContainerConfig", "ContainerState", "ID");
    n += rows_are_records(all, tables, "pod", "PodConfig", "PodState", "ID");
    n += rows_are_records(all, tables, "volume", "VolumeConfig", "VolumeState", "Name");
    n += rows_are_links(all, json_get(tables, "ContainerDependency"), "depends", "ID",
                        "DependencyID");
    n += rows_are_links(all, json_get(tables, "ContainerVolume"), "volume", "ContainerID",
                        "VolumeName");
    n += rows_are_links(all, json_get(tables, "ContainerExecSession"), "exec", "ID",
                        "ContainerID");
    codes = json_get(tables, "ContainerExitCode");
    for (size_t i = 0; i < json_len(codes); i++, n++) {
        const json *row = json_item(codes, i);
        json *line = line_of(all, "exit", "", json_str(row, "ID"), "");
        berth_date here;

        ck_assert_int_eq(json_i64(line, "code", -99), json_i64(row, "ExitCode", -98));
        ck_assert_int_eq(time_parse(json_str(line, "time"), &here), 0);
        ck_assert_int_eq(here / 1000000000, json_i64(row, "Timestamp", 0));
    }
    ck_assert_uint_eq(json_object_object_length(all), n);
    state_close(s);
}
END_TEST

/* -------------------------------------------------------------- hostile dumps */

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define CTR(id, name)                                                                          \
    "{\"kind\":\"container\",\"id\":\"" id "\",\"name\":\"" name                               \
    "\",\"config\":{},\"state\":{}}\n"
#define POD(id, name)                                                                          \
    "{\"kind\":\"pod\",\"id\":\"" id "\",\"name\":\"" name "\",\"config\":{},\"state\":{}}\n"

static const struct {
    const char *text, *error;
} refused[] = {
    {"", "the dump is empty"},
    {"\n", "line 1: it is empty"},
    {"hello\n", "line 1: "},
    {CTR("1", "\xff"), "line 1: it is not UTF-8"},
    {CTR("1", "\xed\xa0\x80"), "line 1: it is not UTF-8"},
    {"[]\n", "line 1: "},
    {"{}\n", "line 1: it has no \"kind\""},
    {"{\"kind\":\"thing\"}\n", "line 1: there are no records of kind \"thing\""},
    {"{\"kind\":\"pod\"}\n", "line 1: it has no \"name\""},
    {CTR(ID1, "a") "{\"kind\":\"pod\",\"name\":\"x\"}\n", "line 2: it has no \"id\""},
    {CTR(ID1, "a") CTR(ID1, "b"), "line 2: container " ID1 " comes twice"},
    {CTR(ID1, "a") CTR(ID2, "a"), "line 2: name a comes twice"},
    {CTR(ID1, "a") POD(ID1, "b"), "line 2: ID " ID1 " is that of a container and of a pod"},
    {CTR(ID1 "1", "a"), "line 1: \"id\" has 65 bytes, more than 64"},
    {CTR(ID1, ""), "line 1: \"name\" is empty"},
    {CTR("", "a"), "line 1: \"id\" is empty"},
    {CTR("1\\u00002", "a"), "line 1: \"id\" holds a zero byte"},
    {"{\"kind\":\"container\",\"id\":1,\"name\":\"a\",\"config\":{},\"state\":{}}\n",
     "line 1: \"id\" is no string"},
    {"{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"config\":[],\"state\":{}}\n",
     "line 1: \"config\" is no object"},
    {"{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"config\":{},\"state\":1}\n",
     "line 1: \"state\" is no object"},
    {"{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"config\":{}}\n",
     "line 1: it has no \"state\""},
    {"{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"config\":{\"id\":\"2\"},"
     "\"state\":{}}\n",
     "line 1: container 1: its configuration is that of 2"},
    {"{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"config\":{},\"state\":{},"
     "\"more\":1}\n",
     "line 1: unknown member \"more\""},
    {"{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"pod\":\"9\",\"config\":{},"
     "\"state\":{}}\n",
     "line 1: container 1 is in pod 9, which does not come"},
    {CTR(ID1, "a") "{\"kind\":\"link\",\"link\":\"needs\",\"from\":\"1\",\"to\":\"2\"}\n",
     "line 2: there are no links of kind \"needs\""},
    {CTR(ID1, "a") "{\"kind\":\"link\",\"link\":\"depends\",\"from\":\"" ID1 "\",\"to\":\"" ID2
                   "\"}\n",
     "line 2: it links to container " ID2 ", which does not come"},
    {CTR(ID1, "a") "{\"kind\":\"link\",\"link\":\"depends\",\"from\":\"" ID1 "\",\"to\":\"" ID1
                   "\"}\n",
     "line 2: container " ID1 " depends on itself"},
    {"{\"kind\":\"link\",\"link\":\"network\",\"from\":\"1\",\"to\":\"n\",\"value\":{}}\n",
     "line 1: it links container 1, which does not come"},
    {CTR("1", "a") "{\"kind\":\"link\",\"link\":\"network\",\"from\":\"1\",\"to\":\"n\"}\n",
     "line 2: the options of network n are no object"},
    {CTR("1", "a") "{\"kind\":\"link\",\"link\":\"volume\",\"from\":\"1\",\"to\":\"v\","
                   "\"value\":{}}\n",
     "line 2: a link of kind \"volume\" has no value"},
    {"{\"kind\":\"exit\",\"id\":\"1\",\"code\":256,\"time\":\"2026-01-01T00:00:00Z\"}\n",
     "line 1: \"code\" is no number from -1 to 255"},
    {"{\"kind\":\"exit\",\"id\":\"1\",\"code\":1.5,\"time\":\"2026-01-01T00:00:00Z\"}\n",
     "line 1: \"code\" is no number from -1 to 255"},
    {"{\"kind\":\"exit\",\"id\":\"1\",\"code\":1,\"time\":\"yesterday\"}\n",
     "line 1: \"yesterday\" is no time"},
    {"{\"kind\":\"exit\",\"id\":\"1\",\"code\":1,\"time\":\"2026-01-01T00:00:00Z\"}\n"
     "{\"kind\":\"exit\",\"id\":\"1\",\"code\":2,\"time\":\"2026-01-01T00:00:00Z\"}\n",
     "line 2: exit code of 1 comes twice"},
    {"{\"kind\":\"store\"}\n{\"kind\":\"store\"}\n", "line 2: a second record"},
    {"{\"kind\":\"store\"} {\"kind\":\"store\"}\n", "line 1: "},
};

START_TEST(test_bad_dumps)
{
    for (size_t b = 0; b < backends.n; b++) {
        struct state *s = new_store(backends.items[b]);
        _cleanup_buf_ struct berth_buf before = BUF_INIT;

        dump(s, &before);
        for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
            struct berth_blob text = {refused[i].text, strlen(refused[i].text)};
            _cleanup_error_ struct berth_error err = ERROR_INIT;
            struct load l = {0};

            ck_assert_msg(load_dump(s, text, false, &l, &err) == -EUCLEAN, "%s accepted",
                          refused[i].text);
            ck_assert_msg(str_starts(error_text(&err), refused[i].error), "%s: %s",
                          refused[i].text, error_text(&err));
            same_dump(s, &before);
        }
        is_whole(s);
        state_close(s);
    }
}
END_TEST

/* ------------------------------------------------------- what has to be converted */

static struct state *loaded(const char *type, const char *text)
{
    struct state *s = new_store(type);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct load l = {0};

    OK(load_dump(s, (struct berth_blob){text, strlen(text)}, false, &l, &err), &err);
    return s;
}

/* A document as the store has it. */
static char *stored(struct state *s, uint32_t kind, const char *id, bool config)
{
    struct berth_record rec = {.size = sizeof(rec)};
    struct txn *t = NULL;
    char *text;

    ck_assert_int_eq(state_begin(s, 0, BERTH_WAIT_FOREVER, &t, NULL), 0);
    ck_assert_int_eq(txn_get(t, kind, id, BERTH_REC_ALL, &rec, NULL), 0);
    text = config ? strndup(rec.config.data, rec.config.len)
                  : strndup(rec.state.data, rec.state.len);
    txn_rollback(t);
    return text;
}

START_TEST(test_places_of_facts)
{
    static const char text[] =
        "{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"netns\":\"/run/netns/x\","
        "\"config\":{\"networkMode\":\"bridge\"},\"state\":{\"state\":3}}\n"
        "{\"kind\":\"link\",\"link\":\"network\",\"from\":\"1\",\"to\":\"n\","
        "\"value\":{\"interface_name\":\"eth0\"}}\n";
    struct state *links = loaded("boltdb", text), *inside = loaded("sqlite", text);
    _cleanup_free_ char *config = stored(inside, BERTH_CONTAINER, "1", true);
    _cleanup_free_ char *state = stored(inside, BERTH_CONTAINER, "1", false);
    _cleanup_free_ char *config2 = stored(links, BERTH_CONTAINER, "1", true);
    _cleanup_free_ char *state2 = stored(links, BERTH_CONTAINER, "1", false);

    ck_assert_str_eq(config, "{\"networkMode\":\"bridge\",\"newNetworks\":{\"n\":"
                             "{\"interface_name\":\"eth0\"}}}");
    ck_assert_str_eq(state, "{\"state\":3,\"netns\":\"/run/netns/x\"}");
    ck_assert_str_eq(config2, "{\"networkMode\":\"bridge\"}");
    ck_assert_str_eq(state2, "{\"state\":3}");
    state_close(links);
    state_close(inside);
}
END_TEST

/* A configuration in db.sql, as it looks with links; "": as it was. */
static const struct {
    const char *inside, *outside;
    unsigned networks;
} cuts[] = {
    {"{\"a\":1}", "{\"a\":1}", 0},
    {"{\"newNetworks\":{}}", "{}", 0},
    {"{\"newNetworks\":{\"n\":{}}}", "{}", 1},
    {"{\"a\":1,\"newNetworks\":{\"n\":{}}}", "{\"a\":1}", 1},
    {"{\"newNetworks\":{\"n\":{},\"m\":{\"x\":[1]}},\"a\":1}", "{\"a\":1}", 2},
    {"{ \"b\" : \"newNetworks\" , \"newNetworks\" : {\"n\":{}} , \"a\" : 1 }",
     "{ \"b\" : \"newNetworks\" ,  \"a\" : 1 }", 1},
    {"{\"a\":1 , \"newNetworks\" : {\"n\":{}}\n}", "{\"a\":1 }", 1},
    {"{\"newNetworks\":{\"gone\":{}},\"a\":1,\"newNetworks\":{\"n\":{}}}", "{\"a\":1}", 1},
    {"{\"x\":{\"newNetworks\":1},\"newNetworks\":{\"n\":{}}}", "{\"x\":{\"newNetworks\":1}}",
     1},
};

START_TEST(test_networks_out_of_documents)
{
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        struct berth_record rec = {.size = sizeof(rec),
                                   .kind = BERTH_CONTAINER,
                                   .has = BERTH_REC_ALL,
                                   .id = "1",
                                   .name = "a",
                                   .config = {cuts[i].inside, strlen(cuts[i].inside)},
                                   .state = {"{}", 2}};
        _cleanup_moving_ struct moving m = {0};
        _cleanup_error_ struct berth_error err = ERROR_INIT;

        OK(moving_make(&m, &rec, 0, BERTH_STATE_CAP_NETWORKS, NULL, false, &err), &err);
        ck_assert_uint_eq(m.rec.config.len, strlen(cuts[i].outside));
        ck_assert_mem_eq(m.rec.config.data, cuts[i].outside, m.rec.config.len);
        ck_assert_int_eq(m.networks ? json_object_object_length(m.networks) : 0,
                         cuts[i].networks);
    }
}
END_TEST

START_TEST(test_ports_of_old_podman)
{
    static const char text[] =
        "{\"kind\":\"container\",\"id\":\"1\",\"name\":\"a\",\"config\":{\"portMappings\":["
        "{\"hostPort\":8081,\"containerPort\":81,\"protocol\":\"tcp\",\"hostIP\":\"\"},"
        "{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\",\"hostIP\":\"\"},"
        "{\"hostPort\":53,\"containerPort\":53,\"protocol\":\"udp\",\"hostIP\":\"\"}]},"
        "\"state\":{}}\n";
    struct state *from = loaded("boltdb", text), *to = new_store("sqlite");
    _cleanup_free_ char *config = NULL;
    _cleanup_json_ json *tree = NULL, *want = NULL;

    copy_store(from, to);
    config = stored(to, BERTH_CONTAINER, "1", true);
    tree = parsed(config);
    want = parsed("[{\"host_ip\":\"\",\"container_port\":80,\"host_port\":8080,\"range\":2,"
                  "\"protocol\":\"tcp\"},{\"host_ip\":\"\",\"container_port\":53,"
                  "\"host_port\":53,\"range\":1,\"protocol\":\"udp\"}]");
    same_tree("ports", json_get(tree, "newPortMappings"), want);
    ck_assert_uint_eq(json_len(json_get(tree, "portMappings")), 3);
    state_close(from);
    state_close(to);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("state move");
    TCase *c = tcase_create("move");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 600);
    tcase_add_test(c, test_pairs_of_podman_4);
    tcase_add_test(c, test_pairs_of_podman_5);
    tcase_add_test(c, test_large_one);
    tcase_add_test(c, test_generated);
    tcase_add_test(c, test_load);
    tcase_add_test(c, test_everything_of_podman_4);
    tcase_add_test(c, test_everything_of_podman_5);
    tcase_add_test(c, test_bad_dumps);
    tcase_add_test(c, test_places_of_facts);
    tcase_add_test(c, test_networks_out_of_documents);
    tcase_add_test(c, test_ports_of_old_podman);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
