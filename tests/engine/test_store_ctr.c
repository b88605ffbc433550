/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_ctr.c - containers: what podman's tests of its state assert. */
#include "tests/engine/store_env.h"

/* --------------------------------------------------------------- add and load */

STORE_TEST(ctr_add_and_load)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *got = NULL;

    OK(ctr_load(e, c->id, &got, &err));
    env_same_ctr(got, c);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(ctr_of_two)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "test1"), *b = env_add(e, '2', "test2"),
                             *got = NULL;

    OK(ctr_load(e, a->id, &got, &err));
    env_same_ctr(got, a);
    ck_assert_str_ne(got->name, b->name);
}

STORE_TEST(ctr_is_no_pod)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "test1");
    struct ctr *c = NULL;

    FAILS(ENOENT, "no such container", ctr_load(e, p->id, &c, &err));
    FAILS(ENOENT, "is a pod, not a container: no such container",
          ctr_lookup(e, "test1", &c, &err));
}

STORE_TEST(ctr_add_invalid)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");

    c->removed = true;
    FAILS(ENOENT, "container has already been removed", store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(ctr_same_id)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "test1"), *b = env_ctr(e, '1', "test2"),
                             *got = NULL;

    FAILS(EEXIST, "is in use: container already exists", store_add(b, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
    OK(ctr_load(e, a->id, &got, &err));
    env_same_ctr(got, a);
}

STORE_TEST(ctr_same_name)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "test1"), *b = env_ctr(e, '2', "test1");

    FAILS(EEXIST, "name \"test1\" is in use: container already exists",
          store_add(b, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(ctr_id_of_pod)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1"), *d = env_ctr(e, '2', "pod");

    FAILS(EEXIST, "is in use: pod already exists", store_add(c, NULL, &err));
    FAILS(EEXIST, "name \"pod\" is in use: pod already exists", store_add(d, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(ctr_that_names_a_pod)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "test1");
    _cleanup_ctr_ struct ctr *c = env_ctr_in(e, '2', "test2", p);

    FAILS(EINVAL, "invalid argument", store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(ctr_without_name)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "");

    FAILS(EINVAL, "cannot be empty", store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(ctr_missing)
{
    struct ctr *c = NULL;

    FAILS(ENOENT, "no such container", ctr_load(e, "does not exist", &c, &err));
    FAILS(EINVAL, "name or ID cannot be empty", ctr_load(e, "", &c, &err));
}

/* ---------------------------------------------------------------- namespaces */

STORE_TEST(ns_dependency)
{
    _cleanup_ctr_ struct ctr *a = env_ctr(e, '1', "test1"), *b = env_ctr(e, '2', "test2");

    env_ctr_ns(a, "test1");
    env_ctr_ns(b, "test1");
    json_set_str(b->config, "userNsCtr", a->id);
    OK(store_add(a, NULL, &err));
    OK(store_add(b, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 2);
}

STORE_TEST(ns_dependency_outside)
{
    _cleanup_ctr_ struct ctr *a = env_ctr(e, '1', "test1"), *b = env_ctr(e, '2', "test2");

    if (!(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES))
        return;
    env_ctr_ns(a, "test1");
    env_ctr_ns(b, "test2");
    json_set_str(b->config, "userNsCtr", a->id);
    OK(store_add(a, NULL, &err));
    FAILS(EINVAL, "target is in a different namespace", store_add(b, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(ns_same)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1"), *got = NULL, *byname = NULL;

    if (!(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES))
        return;
    env_namespace(e, "test1");
    env_ctr_ns(c, "test1");
    OK(store_add(c, NULL, &err));
    OK(ctr_load(e, c->id, &got, &err));
    env_same_ctr(got, c);
    ck_assert_str_eq(got->ns, "test1");
    OK(ctr_lookup(e, c->id, &byname, &err));
    ck_assert_int_eq(store_has(e, BERTH_CONTAINER, c->id, NULL), 1);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
    OK(store_save(c, EXIT_NONE, &err));
    OK(store_remove(c, &err));
}

STORE_TEST(ns_other)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");
    _cleanup_free_ char *name = NULL;
    _cleanup_list_ struct berth_list list = LIST_INIT;
    struct ctr *got = NULL;
    char id[ID_LEN + 1];

    if (!(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES))
        return;
    env_ctr_ns(c, "test2");
    OK(store_add(c, NULL, &err));
    env_namespace(e, "test1");
    FAILS(ENOENT, "target is in a different namespace", ctr_load(e, c->id, &got, &err));
    FAILS(ENOENT, "target is in a different namespace", ctr_lookup(e, c->id, &got, &err));
    FAILS(ENOENT, "no such container", ctr_lookup(e, "11111111", &got, &err));
    FAILS(ENOENT, "no such container", engine_lookup_ctr(e, "1111", id, &err));
    FAILS(ENOENT, "no such container", store_name(e, c->id, &name, &err));
    ck_assert_int_eq(store_has(e, BERTH_CONTAINER, c->id, NULL), 0);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
    FAILS(ENOENT, "target is in a different namespace", store_reload(c, &err));
    FAILS(ENOENT, "target is in a different namespace", store_save(c, EXIT_NONE, &err));
    FAILS(ENOENT, "target is in a different namespace", store_dependents(c, &list, &err));
    FAILS(ENOENT, "target is in a different namespace", store_remove(c, &err));
    env_namespace(e, "");
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(ns_add_other)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");

    if (!(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES))
        return;
    env_namespace(e, "test1");
    env_ctr_ns(c, "test2");
    FAILS(ENOENT, "target is in a different namespace", store_add(c, NULL, &err));
    env_namespace(e, "");
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

/* --------------------------------------------------------------------- lookup */

STORE_TEST(lookup_nothing)
{
    char id[ID_LEN + 1];
    struct ctr *c = NULL;

    FAILS(EINVAL, "name or ID cannot be empty", ctr_lookup(e, "", &c, &err));
    FAILS(EINVAL, "name or ID cannot be empty", engine_lookup_ctr(e, "", id, &err));
    FAILS(ENOENT, "no container with name or ID \"x\" found: no such container",
          ctr_lookup(e, "x", &c, &err));
    FAILS(ENOENT, "no such container", engine_lookup_ctr(e, "x", id, &err));
}

static void finds(struct engine *e, int _i, const char *what, const char *expected)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    char id[ID_LEN + 1];

    OK(ctr_lookup(e, what, &c, &err));
    ck_assert_str_eq(c->id, expected);
    OK(engine_lookup_ctr(e, what, id, &err));
    ck_assert_str_eq(id, expected);
}

STORE_TEST(lookup_ways)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "test1"), *b = env_add(e, '2', "test2");

    finds(e, _i, a->id, a->id);
    finds(e, _i, "11111111", a->id);
    finds(e, _i, "2", b->id);
    finds(e, _i, "test1", a->id);
    finds(e, _i, "test2", b->id);
}

STORE_TEST(lookup_ambiguous)
{
    _cleanup_ctr_ struct ctr *a = env_ctr(e, '0', "test1"), *b = env_ctr(e, '0', "test2");
    struct ctr *got = NULL;
    char id[ID_LEN + 1];

    b->id[ID_LEN - 1] = '1';
    json_set_str(b->config, "id", b->id);
    OK(store_add(a, NULL, &err));
    OK(store_add(b, NULL, &err));
    FAILS(EEXIST, "more than one result for container ID 00000000",
          ctr_lookup(e, "00000000", &got, &err));
    FAILS(EEXIST, "more than one result", engine_lookup_ctr(e, "00000000", id, &err));
    finds(e, _i, b->id, b->id);
}

/* A full ID before a name, a name before the beginning of an ID, and no part of a name. */
STORE_TEST(lookup_order)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "222"), *b = env_add(e, '2', "name"),
                             *c = env_add(e, '3', env_id('1'));
    struct ctr *got = NULL;

    finds(e, _i, env_id('1'), a->id);
    finds(e, _i, "222", a->id);
    finds(e, _i, "2222", b->id);
    finds(e, _i, "33", c->id);
    FAILS(ENOENT, "no such container", ctr_lookup(e, "nam", &got, &err));
    FAILS(ENOENT, "no such container", ctr_lookup(e, "NAME", &got, &err));
    FAILS(ENOENT, "no such container", ctr_lookup(e, "%", &got, &err));
    FAILS(ENOENT, "no such container", ctr_lookup(e, "2_", &got, &err));
}

/* A name of a pod may still be the beginning of a container's ID. */
STORE_TEST(lookup_past_pod)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '9', "44");
    _cleanup_ctr_ struct ctr *c = env_add(e, '4', "test");

    finds(e, _i, "44", c->id);
}

STORE_TEST(has)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1");

    FAILS(EINVAL, "cannot be empty", store_has(e, BERTH_CONTAINER, "", &err));
    ck_assert_int_eq(store_has(e, BERTH_CONTAINER, "unknown", NULL), 0);
    ck_assert_int_eq(store_has(e, BERTH_CONTAINER, "1111", NULL), 0);
    ck_assert_int_eq(store_has(e, BERTH_CONTAINER, "test1", NULL), 0);
    ck_assert_int_eq(store_has(e, BERTH_CONTAINER, c->id, NULL), 1);
    ck_assert_int_eq(store_has(e, BERTH_POD, c->id, NULL), 0);
}

/* ------------------------------------------------------------ save and update */

STORE_TEST(save_and_reload)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *other = NULL;

    OK(ctr_load(e, c->id, &other, &err));
    json_set_i64(c->state, "state", CTR_STOPPED);
    json_set_i64(c->state, "exitCode", 127);
    json_set_str(c->state, "finishedTime", "2026-11-21T18:05:30.1Z");
    OK(str_set(&c->netns, "/run/netns/x"));
    OK(store_save(c, EXIT_NONE, &err));
    ck_assert_int_eq(ctr_status(other), CTR_RUNNING);
    OK(store_reload(other, &err));
    env_same_ctr(other, c);
    ck_assert_str_eq(other->netns, "/run/netns/x");
    ck_assert_int_eq(json_i64(other->state, "unknown", 0), 7);
    OK(str_set(&c->netns, NULL));
    OK(store_save(c, EXIT_NONE, &err));
    OK(store_reload(other, &err));
    ck_assert(str_empty(other->netns));
}

STORE_TEST(save_invalid)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1");

    c->removed = true;
    FAILS(ENOENT, "container has already been removed", store_reload(c, &err));
    FAILS(ENOENT, "container has already been removed", store_save(c, EXIT_NONE, &err));
}

STORE_TEST(save_missing)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1"), *d = env_ctr(e, '2', "test2");

    FAILS(ENOENT, "no such container", store_save(c, EXIT_NONE, &err));
    ck_assert(c->removed);
    FAILS(ENOENT, "no such container", store_reload(d, &err));
    ck_assert(d->removed);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(save_deferred)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *other = NULL;

    c->defer = true;
    json_set_i64(c->state, "state", CTR_EXITED);
    OK(store_save(c, EXIT_NONE, &err));
    OK(ctr_load(e, c->id, &other, &err));
    ck_assert_int_eq(ctr_status(other), CTR_RUNNING);
    OK(store_flush(c, &err));
    OK(store_reload(other, &err));
    ck_assert_int_eq(ctr_status(other), CTR_EXITED);
    OK(store_flush(c, &err)); /* nothing left to do */
}

/* -------------------------------------------------------------------- removing */

STORE_TEST(remove_one)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *again = NULL;

    OK(store_remove(c, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
    again = env_add(e, '1', "test1"); /* ID and name are free */
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(remove_missing)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");

    FAILS(ENOENT, "no such container", store_remove(c, &err));
    ck_assert(c->removed);
}

STORE_TEST(remove_with_sessions)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1");
    char id[ID_LEN + 1];

    OK(store_exec_add(c, "s1", &err));
    OK(store_remove(c, &err));
    FAILS(ENOENT, "no such exec session", store_exec_find(e, "s1", id, &err));
}

STORE_TEST(list_all)
{
    struct ctr **ctrs = NULL;
    size_t n = 9;

    OK(ctr_load_all(e, 0, &ctrs, &n, &err));
    ck_assert_uint_eq(n, 0);
    ctr_free_all(ctrs, n);
    _cleanup_ctr_ struct ctr *b = env_add(e, '2', "test2"), *a = env_add(e, '1', "test1");
    OK(ctr_load_all(e, 0, &ctrs, &n, &err));
    ck_assert_uint_eq(n, 2);
    env_same_ctr(ctrs[0], a);
    env_same_ctr(ctrs[1], b);
    ctr_free_all(ctrs, n);
    json_set_i64(b->state, "state", CTR_EXITED);
    OK(store_save(b, EXIT_NONE, &err));
    OK(ctr_load_all(e, 1u << CTR_EXITED, &ctrs, &n, &err));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(ctrs[0]->id, b->id);
    ctr_free_all(ctrs, n);
}

/* ---------------------------------------------------------------- dependencies */

STORE_TEST(in_use_invalid)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1"), *d = env_ctr(e, '2', "test2");
    _cleanup_list_ struct berth_list list = LIST_INIT;

    c->removed = true;
    FAILS(ENOENT, "container has already been removed", store_dependents(c, &list, &err));
    FAILS(ENOENT, "no such container", store_dependents(d, &list, &err));
    ck_assert(d->removed);
}

STORE_TEST(in_use_each_way)
{
    static const char *const members[] = {"ipcNsCtr",  "mountNsCtr", "netNsCtr",   "pidNsCtr",
                                          "userNsCtr", "utsNsCtr",   "cgroupNsCtr"};
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1");
    _cleanup_free_ char *all = NULL;
    _cleanup_list_ struct berth_list list = LIST_INIT, expected = LIST_INIT;

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        _cleanup_ctr_ struct ctr *d = env_ctr(e, (char)('2' + (int)i), members[i]);

        json_set_str(d->config, members[i], c->id);
        OK(store_add(d, NULL, &err));
        list_add(&expected, d->id);
    }
    OK(store_dependents(c, &list, &err));
    all = list_join(&expected, ",");
    env_list_is(&list, all);
}

STORE_TEST(in_use_generic)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *d = env_ctr(e, '2', "test2");
    _cleanup_list_ struct berth_list list = LIST_INIT, needs = LIST_INIT;

    json_add_str(json_need_array(d->config, "Dependencies"), c->id);
    json_set_str(d->config, "ipcNsCtr", c->id); /* the same once more */
    OK(store_add(d, NULL, &err));
    OK(store_dependents(c, &list, &err));
    env_list_is(&list, d->id);
    OK(ctr_dependencies(d, &needs));
    env_list_is(&needs, c->id);
}

STORE_TEST(depend_and_remove)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *d = env_ctr(e, '2', "test2");
    _cleanup_free_ char *text = NULL;

    json_set_str(d->config, "userNsCtr", c->id);
    OK(store_add(d, NULL, &err));
    text =
        str_printf("container %s is a dependency of the following containers: %s: dependency "
                   "exists",
                   c->id, d->id);
    FAILS(ENOTEMPTY, text, store_remove(c, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 2);
    OK(store_remove(d, &err));
    OK(store_remove(c, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(depend_on_nothing)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");

    json_set_str(c->config, "userNsCtr", env_id('9'));
    FAILS(ENOENT, "but it does not exist in the DB: no such container",
          store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(depend_on_itself)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");

    json_set_str(c->config, "userNsCtr", c->id);
    FAILS(EINVAL, "invalid argument", store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(depend_on_member)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '9', "pod");
    _cleanup_ctr_ struct ctr *m = env_add_in(e, '1', "member", p), *c = env_ctr(e, '2', "out");

    json_set_str(c->config, "ipcNsCtr", m->id);
    FAILS(EINVAL, "containers not in pods cannot depend on containers in pods",
          store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

/* ------------------------------------------------------------------- rewriting */

STORE_TEST(rewrite)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "test1"), *got = NULL;

    json_set_str(c->config, "logPath", "/another/path/");
    OK(store_rewrite(c, c->name, &err));
    OK(ctr_load(e, c->id, &got, &err));
    env_same_ctr(got, c);
    c->removed = true;
    FAILS(ENOENT, "container has already been removed", store_rewrite(c, c->name, &err));
}

STORE_TEST(rewrite_missing)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "test1");

    FAILS(ENOENT, "no such container", store_rewrite(c, c->name, &err));
    ck_assert(c->removed);
}

static int new_name(struct ctr *c, const char *name, struct berth_error *err)
{
    _cleanup_free_ char *old = strdup(c->name);
    int r;

    ck_assert_int_eq(str_set(&c->name, name), 0);
    json_set_str(c->config, "name", name);
    r = store_rewrite(c, old, err);
    if (r < 0) {
        ck_assert_int_eq(str_set(&c->name, old), 0);
        json_set_str(c->config, "name", old);
    }
    return r;
}

STORE_TEST(rename_one)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '9', "pod");
    _cleanup_ctr_ struct ctr *c = env_add_in(e, '1', "old", p),
                             *d = env_ctr_in(e, '2', "dep", p), *got = NULL, *again = NULL;
    _cleanup_list_ struct berth_list users = LIST_INIT;

    json_set_str(d->config, "ipcNsCtr", c->id);
    OK(store_pod_add_ctr(p, d, NULL, &err));
    OK(new_name(c, "new", &err));
    finds(e, _i, "new", c->id);
    FAILS(ENOENT, "no such container", ctr_lookup(e, "old", &got, &err));
    OK(ctr_load(e, c->id, &got, &err));
    env_same_ctr(got, c);
    OK(store_dependents(c, &users, &err));
    env_list_is(&users, d->id);
    again = env_add(e, '3', "old");
    OK(store_remove(d, &err)); /* links do not go by names */
    OK(store_remove(c, &err));
}

STORE_TEST(rename_to_taken)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "one"), *b = env_add(e, '2', "two");
    _cleanup_pod_ struct pod *p = env_add_pod(e, '3', "pod");

    FAILS(EEXIST, "name two already in use, cannot rename container", new_name(a, "two", &err));
    FAILS(EEXIST, "already exists", new_name(a, "pod", &err));
    OK(new_name(a, "one", &err));
    finds(e, _i, "one", a->id);
    finds(e, _i, "two", b->id);
}

/* ------------------------------------------------------------------- after boot */

STORE_TEST(refresh)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '9', "pod"), *pod = NULL;
    _cleanup_ctr_ struct ctr *a = env_ctr(e, '1', "one"), *b = env_add_in(e, '2', "two", p),
                             *got = NULL, *other = NULL;
    _cleanup_volume_ struct volume *v = env_vol(e, "data"), *vol = NULL;
    int32_t code;
    char id[ID_LEN + 1];

    json_set_i64(a->state, "restartCount", 3);
    json_set_bool(a->state, "mounted", true);
    json_set_str(a->state, "finishedTime", "2026-11-21T18:05:30.1Z");
    OK(str_set(&a->netns, "/run/netns/x"));
    OK(store_add(a, NULL, &err));
    json_set_i64(b->state, "state", CTR_EXITED);
    json_set_i64(b->state, "exitCode", 5);
    OK(store_save(b, 5, &err));
    json_set_i64(v->state, "mountCount", 2);
    OK(store_vol_add(v, &err));
    OK(store_exec_add(a, "s1", &err));
    for (int i = 0; i < 2; i++) {
        OK(store_refresh(e, &(struct berth_list){0}, NULL, NULL,
                         &err)); /* the second time changes nothing more */
        OK(ctr_load(e, a->id, &got, &err));
        ck_assert_int_eq(ctr_status(got), CTR_CONFIGURED);
        ck_assert_int_eq(json_i64(got->state, "pid", 0), 0);
        ck_assert_int_eq(json_i64(got->state, "restartCount", 0), 0);
        ck_assert_ptr_null(json_get(got->state, "newExecSessions"));
        ck_assert_ptr_null(json_get(got->state, "bindMounts"));
        ck_assert(!json_flag(got->state, "mounted", false));
        ck_assert_str_eq(json_str(got->state, "finishedTime"), "2026-11-21T18:05:30.1Z");
        ck_assert_str_eq(json_str(got->state, "runDir"), "/x");
        ck_assert_int_eq(json_i64(got->state, "unknown", 0), 7);
        ck_assert(str_empty(got->netns));
        OK(ctr_load(e, b->id, &other, &err));
        ck_assert_int_eq(ctr_status(other), CTR_EXITED);
        ck_assert_int_eq(json_i64(other->state, "exitCode", 0), 5);
        ck_assert_str_eq(other->pod, p->id);
        OK(pod_load(e, p->id, &pod, &err));
        ck_assert_str_eq(json_str(pod->state, "cgroupPath"), "/path/to/cgroups");
        OK(volume_load(e, "data", &vol, &err));
        ck_assert_int_eq(json_i64(vol->state, "mountCount", -1), 0);
        ck_assert(json_flag(vol->state, "notYetMounted", false));
        FAILS(ENOENT, "no such exec session", store_exec_find(e, "s1", id, &err));
        FAILS(ENOENT, "no such exit code", store_exit_code(e, b->id, &code, &err));
        ctr_free(TAKE(got));
        ctr_free(TAKE(other));
        pod_free(TAKE(pod));
        volume_free(TAKE(vol));
    }
}

/* One damaged record stays as it is, and all others are refreshed. */
STORE_TEST(refresh_past_damage)
{
    _cleanup_ctr_ struct ctr *a = env_add(e, '1', "one"), *b = env_add(e, '2', "two"),
                             *got = NULL;
    struct berth_record rec = {.size = sizeof(rec),
                               .kind = BERTH_CONTAINER,
                               .has = BERTH_REC_STATE,
                               .id = a->id,
                               .state = {"{\"state\":3,", 11}};
    struct txn *t = NULL;

    OK(store_begin(e, true, &t, &err));
    OK(txn_update(t, &rec, &err));
    OK(txn_commit(&t, &err));
    OK(store_refresh(e, &(struct berth_list){0}, NULL, NULL, &err));
    FAILS(EUCLEAN, "state of container 111111111111 is not valid JSON",
          ctr_load(e, a->id, &got, &err));
    OK(ctr_load(e, b->id, &got, &err));
    ck_assert_int_eq(ctr_status(got), CTR_CONFIGURED);
}

TCase *store_ctr_case(void)
{
    static const TTest *const *const tests[] = {&ctr_add_and_load,
                                                &ctr_of_two,
                                                &ctr_is_no_pod,
                                                &ctr_add_invalid,
                                                &ctr_same_id,
                                                &ctr_same_name,
                                                &ctr_id_of_pod,
                                                &ctr_that_names_a_pod,
                                                &ctr_without_name,
                                                &ctr_missing,
                                                &ns_dependency,
                                                &ns_dependency_outside,
                                                &ns_same,
                                                &ns_other,
                                                &ns_add_other,
                                                &lookup_nothing,
                                                &lookup_ways,
                                                &lookup_ambiguous,
                                                &lookup_order,
                                                &lookup_past_pod,
                                                &has,
                                                &save_and_reload,
                                                &save_invalid,
                                                &save_missing,
                                                &save_deferred,
                                                &remove_one,
                                                &remove_missing,
                                                &remove_with_sessions,
                                                &list_all,
                                                &in_use_invalid,
                                                &in_use_each_way,
                                                &in_use_generic,
                                                &depend_and_remove,
                                                &depend_on_nothing,
                                                &depend_on_itself,
                                                &depend_on_member,
                                                &rewrite,
                                                &rewrite_missing,
                                                &rename_one,
                                                &rename_to_taken,
                                                &refresh,
                                                &refresh_past_damage};
    TCase *tc = tcase_create("containers");

    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_loop_test(tc, *tests[i], 0, STORES);
    return tc;
}
