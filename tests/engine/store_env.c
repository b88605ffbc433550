/* SPDX-License-Identifier: Apache-2.0 */
/* store_env.c - see store_env.h. */
#include "tests/engine/store_env.h"

const char *const store_names[STORES] = {"boltdb", "sqlite", "lmdb", "memory"};

static char dir[64];

/* -------------------------------------------------------------------- engine */

static bool is_built(const char *libs, const char *name)
{
    _cleanup_free_ char *file = str_printf("%s/state_%s.so", libs, name);

    return file && fs_exists(file);
}

struct engine *env_open(int i)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *top = path_absolute(str_or(getenv("top_builddir"), "."));
    _cleanup_free_ char *libs = path_join(top, ".libs"), *file = NULL;
    struct engine *e = NULL;
    struct conf *conf = NULL;

    if (!is_built(libs, store_names[i]))
        return NULL;
    snprintf(dir, sizeof(dir), "/tmp/test-store.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file = path_join(dir, "berth.conf");
    ck_assert_int_eq(fs_replace(file, "", 0, 0644, false, NULL), 0);
    const struct conf_override o[] = {{"plugin_dirs", libs},
                                      {"StateType", store_names[i]},
                                      {"graph_root", dir},
                                      {"run_root", dir},
                                      {"tmp_dir", dir}};
    ck_assert_msg(conf_load(file, o, ARRAY_LEN(o), &conf, NULL, &err) == 0, "%s",
                  error_text(&err));
    ck_assert_msg(engine_open(conf, ENGINE_NO_BOOT, &e, &err) == 0, "%s", error_text(&err));
    return e;
}

void env_close(struct engine *e)
{
    struct conf *conf = e ? e->conf : NULL;
    _cleanup_list_ struct berth_list report = LIST_INIT;
    int64_t found;

    if (!e)
        return;
    found = state_check(e->state, false, &report, NULL);
    ck_assert_msg(found == 0 || found == -ENOTSUP, "check: %s",
                  report.n ? report.items[0] : "failed");
    engine_close(e);
    conf_free(conf);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

void env_namespace(struct engine *e, const char *ns)
{
    ck_assert_int_eq(str_set(&e->conf->namespace_, ns), 0);
}

/* ------------------------------------------------------------------- objects */

const char *env_id(char digit)
{
    static char ids[16][ID_LEN + 1];
    static unsigned next;
    char *id = ids[next++ % 16];

    memset(id, digit, ID_LEN);
    id[ID_LEN] = '\0';
    return id;
}

static json *parse(const char *text)
{
    json *j = NULL;

    ck_assert_int_eq(json_parse((struct berth_blob){text, strlen(text)}, "test", &j, NULL), 0);
    return j;
}

struct ctr *env_ctr(struct engine *e, char digit, const char *name)
{
    struct ctr *c = calloc(1, sizeof(*c));

    ck_assert_ptr_nonnull(c);
    c->e = e;
    strcpy(c->id, env_id(digit));
    ck_assert_int_eq(str_set(&c->name, name), 0);
    c->config = parse("{\"spec\":{\"process\":{\"args\":[\"a\",\"\\u003cb\\u003e\"]}},"
                      "\"labels\":{\"a\":\"b\",\"c\":\"d\"},\"newPortMappings\":[{"
                      "\"host_ip\":\"192.168.3.3\",\"container_port\":100,\"host_port\":80,"
                      "\"range\":1,\"protocol\":\"tcp\"}],\"mounts\":[\"/does/not/exist\"],"
                      "\"dnsServer\":[\"192.168.1.1\"],\"shmSize\":18446744073709551615,"
                      "\"Dependencies\":null,\"unknownMember\":{\"z\":1,\"a\":[null]}}");
    json_set_str(c->config, "id", c->id);
    json_set_str(c->config, "name", name);
    c->state = parse("{\"state\":3,\"configPath\":\"/does/not/exist\",\"runDir\":\"/x\","
                     "\"pid\":1234,\"newExecSessions\":{\"one\":{},\"two\":{}},"
                     "\"bindMounts\":{\"/1/2/3\":\"/4/5/6\"},\"unknown\":7}");
    return c;
}

struct ctr *env_ctr_in(struct engine *e, char digit, const char *name, const struct pod *p)
{
    struct ctr *c = env_ctr(e, digit, name);

    json_set_str(c->config, "pod", p->id);
    return c;
}

struct pod *env_pod(struct engine *e, char digit, const char *name)
{
    struct pod *p = calloc(1, sizeof(*p));

    ck_assert_ptr_nonnull(p);
    p->e = e;
    strcpy(p->id, env_id(digit));
    ck_assert_int_eq(str_set(&p->name, name), 0);
    p->config = parse("{\"labels\":{\"x\":\"y\"},\"cgroupParent\":\"/hello/world\","
                      "\"unknownMember\":1}");
    json_set_str(p->config, "id", p->id);
    json_set_str(p->config, "name", name);
    p->state = parse("{\"cgroupPath\":\"/path/to/cgroups\",\"InfraContainerID\":\"\"}");
    return p;
}

struct volume *env_vol(struct engine *e, const char *name)
{
    struct volume *v = calloc(1, sizeof(*v));

    ck_assert_ptr_nonnull(v);
    v->e = e;
    ck_assert_int_eq(str_set(&v->name, name), 0);
    v->config = parse("{\"labels\":null,\"volumeDriver\":\"local\",\"mountPoint\":\"/m\"}");
    json_set_str(v->config, "name", name);
    v->state = parse("{\"mountCount\":0,\"notYetMounted\":true}");
    return v;
}

struct ctr *env_add(struct engine *e, char digit, const char *name)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct ctr *c = env_ctr(e, digit, name);

    ck_assert_msg(store_add(c, NULL, &err) == 0, "%s", error_text(&err));
    return c;
}

struct ctr *env_add_in(struct engine *e, char digit, const char *name, struct pod *p)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct ctr *c = env_ctr_in(e, digit, name, p);

    ck_assert_msg(store_pod_add_ctr(p, c, NULL, &err) == 0, "%s", error_text(&err));
    return c;
}

struct pod *env_add_pod(struct engine *e, char digit, const char *name)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct pod *p = env_pod(e, digit, name);

    ck_assert_msg(store_pod_add(p, &err) == 0, "%s", error_text(&err));
    return p;
}

struct volume *env_add_vol(struct engine *e, const char *name)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct volume *v = env_vol(e, name);

    ck_assert_msg(store_vol_add(v, &err) == 0, "%s", error_text(&err));
    return v;
}

void env_ctr_ns(struct ctr *c, const char *ns)
{
    ck_assert_int_eq(str_set(&c->ns, ns), 0);
    json_set_str(c->config, "namespace", ns);
}

void env_pod_ns(struct pod *p, const char *ns)
{
    ck_assert_int_eq(str_set(&p->ns, ns), 0);
    json_set_str(p->config, "namespace", ns);
}

/* ---------------------------------------------------------------- comparison */

size_t env_count(struct engine *e, uint32_t kind)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct volume **volumes;
    struct pod **pods;
    struct ctr **ctrs;
    size_t n = 0;
    int r;

    if (kind == BERTH_CONTAINER) {
        r = ctr_load_all(e, 0, &ctrs, &n, &err);
        if (r == 0)
            ctr_free_all(ctrs, n);
    } else if (kind == BERTH_POD) {
        r = pod_load_all(e, &pods, &n, &err);
        if (r == 0)
            pod_free_all(pods, n);
    } else {
        r = volume_load_all(e, &volumes, &n, &err);
        if (r == 0)
            volume_free_all(volumes, n);
    }
    ck_assert_msg(r == 0, "%s", error_text(&err));
    return n;
}

static void same_json(const json *a, const json *b)
{
    _cleanup_buf_ struct berth_buf one = BUF_INIT, two = BUF_INIT;

    json_write(a, 0, &one);
    json_write(b, 0, &two);
    ck_assert_str_eq(buf_str(&one), buf_str(&two));
}

void env_same_ctr(const struct ctr *a, const struct ctr *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(str_or(a->pod, ""), str_or(b->pod, ""));
    same_json(a->config, b->config);
    same_json(a->state, b->state);
}

void env_same_pod(const struct pod *a, const struct pod *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->name, b->name);
    same_json(a->config, b->config);
    same_json(a->state, b->state);
}

void env_list_is(const struct berth_list *l, const char *expected)
{
    _cleanup_free_ char *all = list_join(l, ",");

    ck_assert_str_eq(str_or(all, ""), expected);
}
