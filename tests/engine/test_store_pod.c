/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_pod.c - pods: what podman's tests of its state assert. */
#include "tests/engine/store_env.h"

/* --------------------------------------------------------------- load and look up */

STORE_TEST(pod_missing)
{
    _cleanup_pod_ struct pod *a = env_add_pod(e, '1', "test1"),
                             *b = env_add_pod(e, '2', "test2");
    struct pod *p = NULL;

    FAILS(ENOENT, "no such pod", pod_load(e, "nothing", &p, &err));
    FAILS(ENOENT, "no such pod", pod_load(e, env_id('3'), &p, &err));
    FAILS(EINVAL, "name or ID cannot be empty", pod_load(e, "", &p, &err));
    FAILS(EINVAL, "name or ID cannot be empty", pod_lookup(e, "", &p, &err));
    FAILS(ENOENT, "no pod with name or ID x found: no such pod", pod_lookup(e, "x", &p, &err));
}

STORE_TEST(pod_of_two)
{
    _cleanup_pod_ struct pod *a = env_add_pod(e, '1', "test1"),
                             *b = env_add_pod(e, '2', "test2"), *got = NULL, *other = NULL;

    OK(pod_load(e, a->id, &got, &err));
    env_same_pod(got, a);
    OK(pod_load(e, b->id, &other, &err));
    env_same_pod(other, b);
}

static void finds(struct engine *e, int _i, const char *what, const char *expected)
{
    _cleanup_pod_ struct pod *p = NULL;

    OK(pod_lookup(e, what, &p, &err));
    ck_assert_str_eq(p->id, expected);
}

STORE_TEST(pod_lookup_ways)
{
    _cleanup_pod_ struct pod *a = env_add_pod(e, '1', "test1"),
                             *b = env_add_pod(e, '2', "test2");
    _cleanup_ctr_ struct ctr *c = env_add(e, '3', "ctr");
    struct pod *p = NULL;

    finds(e, _i, a->id, a->id);
    finds(e, _i, "11111111", a->id);
    finds(e, _i, "test2", b->id);
    FAILS(ENOENT, "ctr is a container, not a pod: no such pod", pod_lookup(e, "ctr", &p, &err));
    FAILS(ENOENT, "no such pod", pod_lookup(e, c->id, &p, &err));
    FAILS(ENOENT, "no such pod", pod_lookup(e, "test", &p, &err));
}

STORE_TEST(pod_lookup_ambiguous)
{
    _cleanup_pod_ struct pod *a = env_pod(e, '0', "test1"), *b = env_pod(e, '0', "test2");
    struct pod *p = NULL;

    b->id[ID_LEN - 1] = '1';
    json_set_str(b->config, "id", b->id);
    OK(store_pod_add(a, &err));
    OK(store_pod_add(b, &err));
    FAILS(EEXIST, "more than one result for ID or name 00000000: pod already exists",
          pod_lookup(e, "00000000", &p, &err));
    finds(e, _i, b->id, b->id);
}

STORE_TEST(pod_has)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "test1");

    FAILS(EINVAL, "cannot be empty", store_has(e, BERTH_POD, "", &err));
    ck_assert_int_eq(store_has(e, BERTH_POD, env_id('2'), NULL), 0);
    ck_assert_int_eq(store_has(e, BERTH_POD, "test1", NULL), 0);
    ck_assert_int_eq(store_has(e, BERTH_POD, p->id, NULL), 1);
}

/* ------------------------------------------------------------------------ add */

STORE_TEST(pod_add)
{
    _cleanup_pod_ struct pod *p = env_pod(e, '1', "test1"), *sameid = env_pod(e, '1', "test2"),
                             *samename = env_pod(e, '2', "test1"), *gone = env_pod(e, '3', "x");
    struct pod **pods = NULL;
    size_t n = 9;

    ck_assert_uint_eq(env_count(e, BERTH_POD), 0);
    gone->removed = true;
    FAILS(ENOENT, "pod has already been removed", store_pod_add(gone, &err));
    OK(store_pod_add(p, &err));
    FAILS(EEXIST, "is in use: pod already exists", store_pod_add(sameid, &err));
    FAILS(EEXIST, "name \"test1\" is in use: pod already exists",
          store_pod_add(samename, &err));
    OK(pod_load_all(e, &pods, &n, &err));
    ck_assert_uint_eq(n, 1);
    env_same_pod(pods[0], p);
    pod_free_all(pods, n);
}

STORE_TEST(pod_beside_ctr)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "ctr");
    _cleanup_pod_ struct pod *sameid = env_pod(e, '1', "pod"),
                             *samename = env_pod(e, '2', "ctr");

    FAILS(EEXIST, "is in use: container already exists", store_pod_add(sameid, &err));
    FAILS(EEXIST, "name \"ctr\" is in use: container already exists",
          store_pod_add(samename, &err));
    ck_assert_uint_eq(env_count(e, BERTH_POD), 0);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(pods_one_by_one)
{
    for (int i = 0; i < 4; i++) {
        _cleanup_pod_ struct pod *p = NULL;
        char name[16];

        ck_assert_uint_eq(env_count(e, BERTH_POD), i);
        snprintf(name, sizeof(name), "pod%d", i);
        p = env_add_pod(e, (char)('1' + i), name);
    }
}

/* --------------------------------------------------------------------- remove */

STORE_TEST(pod_remove)
{
    _cleanup_pod_ struct pod *a = env_add_pod(e, '1', "test1"),
                             *b = env_add_pod(e, '2', "test2"), *c = env_pod(e, '3', "test3"),
                             *got = NULL;

    OK(store_pod_remove(a, &err));
    ck_assert(a->removed);
    FAILS(ENOENT, "pod has already been removed", store_pod_remove(a, &err));
    FAILS(ENOENT, "no such pod", store_pod_remove(c, &err));
    ck_assert(c->removed);
    ck_assert_uint_eq(env_count(e, BERTH_POD), 1);
    OK(pod_load(e, b->id, &got, &err));
}

STORE_TEST(pod_remove_full)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *c = env_add_in(e, '2', "test2", p);

    FAILS(ENOTEMPTY, "is not empty: container already exists", store_pod_remove(p, &err));
    ck_assert_uint_eq(env_count(e, BERTH_POD), 1);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
    OK(store_pod_remove_ctr(p, c, &err));
    OK(store_pod_remove(p, &err));
}

/* --------------------------------------------------------------------- members */

STORE_TEST(member_has)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod"),
                             *other = env_add_pod(e, '4', "p2");
    _cleanup_ctr_ struct ctr *c = env_add_in(e, '2', "test2", p), *d = env_add(e, '3', "test3");

    FAILS(EINVAL, "cannot be empty", store_pod_has(p, "", &err));
    ck_assert_int_eq(store_pod_has(p, env_id('9'), NULL), 0);
    ck_assert_int_eq(store_pod_has(p, d->id, NULL), 0);
    ck_assert_int_eq(store_pod_has(p, c->id, NULL), 1);
    ck_assert_int_eq(store_pod_has(other, c->id, NULL), 0);
    p->removed = true;
    FAILS(ENOENT, "pod has already been removed", store_pod_has(p, c->id, &err));
}

STORE_TEST(members_one_by_one)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_list_ struct berth_list expected = LIST_INIT;
    struct ctr **ctrs;
    size_t n;

    for (int i = 0; i < 4; i++) {
        _cleanup_list_ struct berth_list ids = LIST_INIT;
        _cleanup_ctr_ struct ctr *c = NULL;
        _cleanup_free_ char *all = list_join(&expected, ",");
        char name[16];

        OK(store_pod_ids(p, &ids, &err));
        env_list_is(&ids, str_or(all, ""));
        OK(store_pod_ctrs(p, &ctrs, &n, &err));
        ck_assert_uint_eq(n, i);
        if (i)
            ck_assert_str_eq(ctrs[i - 1]->pod, p->id);
        ctr_free_all(ctrs, n);
        snprintf(name, sizeof(name), "c%d", i);
        c = env_add_in(e, (char)('2' + i), name, p);
        list_add(&expected, c->id);
    }
}

STORE_TEST(member_is_equal)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *c = env_add_in(e, '2', "test2", p), *out = env_add(e, '3', "out");
    struct ctr **ctrs;
    size_t n;

    OK(store_pod_ctrs(p, &ctrs, &n, &err));
    ck_assert_uint_eq(n, 1);
    env_same_ctr(ctrs[0], c);
    ctr_free_all(ctrs, n);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 2);
}

STORE_TEST(members_of_invalid)
{
    _cleanup_pod_ struct pod *p = env_pod(e, '1', "pod"), *q = env_pod(e, '2', "pod2");
    _cleanup_ctr_ struct ctr *c = env_ctr_in(e, '3', "test3", p);
    _cleanup_list_ struct berth_list ids = LIST_INIT;
    struct ctr **ctrs;
    size_t n;

    FAILS(ENOENT, "no such pod", store_pod_ids(p, &ids, &err));
    ck_assert(p->removed);
    FAILS(ENOENT, "pod has already been removed", store_pod_ids(p, &ids, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_ctrs(p, &ctrs, &n, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_remove_ctrs(p, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_add_ctr(p, c, NULL, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_remove_ctr(p, c, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_save(p, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_reload(p, &err));
    FAILS(ENOENT, "pod has already been removed", store_pod_rewrite(p, &err));
    FAILS(ENOENT, "no such pod", store_pod_remove_ctrs(q, &err));
    ck_assert(q->removed);
}

STORE_TEST(member_refused)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *out = env_add(e, '2', "out"),
                             *sameid = env_ctr_in(e, '2', "x", p),
                             *samename = env_ctr_in(e, '3', "out", p),
                             *gone = env_ctr_in(e, '4', "y", p), *plain = env_ctr(e, '5', "z"),
                             *needs = env_ctr_in(e, '6', "n", p),
                             *outside = env_ctr_in(e, '7', "o", p);
    _cleanup_list_ struct berth_list ids = LIST_INIT;

    gone->removed = true;
    FAILS(EEXIST, "is in use: container already exists",
          store_pod_add_ctr(p, sameid, NULL, &err));
    FAILS(EEXIST, "name \"out\" is in use", store_pod_add_ctr(p, samename, NULL, &err));
    FAILS(ENOENT, "container has already been removed", store_pod_add_ctr(p, gone, NULL, &err));
    FAILS(ENOENT, "no such container", store_pod_add_ctr(p, plain, NULL, &err));
    json_set_str(needs->config, "ipcNsCtr", env_id('9'));
    FAILS(ENOENT, "but it does not exist in the DB", store_pod_add_ctr(p, needs, NULL, &err));
    json_set_str(outside->config, "ipcNsCtr", out->id);
    FAILS(EINVAL, "which is not in pod", store_pod_add_ctr(p, outside, NULL, &err));
    OK(store_pod_ids(p, &ids, &err));
    env_list_is(&ids, "");
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(member_of_missing_pod)
{
    _cleanup_pod_ struct pod *p = env_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *c = env_ctr_in(e, '2', "test2", p);

    FAILS(ENOENT, "no such pod", store_pod_add_ctr(p, c, NULL, &err));
    ck_assert(p->removed);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(member_of_other_pod)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod"), *q = env_add_pod(e, '2', "pod2");
    _cleanup_ctr_ struct ctr *a = env_add_in(e, '3', "a", p), *b = env_ctr_in(e, '4', "b", q),
                             *plain = env_add(e, '5', "plain");

    json_set_str(b->config, "netNsCtr", a->id);
    FAILS(EINVAL, "which is in a different pod", store_pod_add_ctr(q, b, NULL, &err));
    FAILS(EINVAL, "invalid argument", store_pod_remove_ctr(q, a, &err));
    FAILS(ENOENT, "no such pod", store_pod_remove_ctr(p, plain, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 2);
}

STORE_TEST(member_dependency)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *a = env_add_in(e, '2', "a", p), *b = env_ctr_in(e, '3', "b", p);
    _cleanup_list_ struct berth_list users = LIST_INIT, ids = LIST_INIT;

    json_set_str(b->config, "ipcNsCtr", a->id);
    OK(store_pod_add_ctr(p, b, NULL, &err));
    OK(store_dependents(a, &users, &err));
    env_list_is(&users, b->id);
    FAILS(ENOTEMPTY, "is a dependency of the following containers",
          store_pod_remove_ctr(p, a, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 2);
    OK(store_pod_remove_ctr(p, b, &err));
    OK(store_pod_ids(p, &ids, &err));
    env_list_is(&ids, a->id);
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
}

STORE_TEST(remove_ctr_of_missing)
{
    _cleanup_pod_ struct pod *p = env_pod(e, '1', "pod");
    _cleanup_ctr_ struct ctr *c = env_ctr_in(e, '2', "test2", p);

    ck_assert_int_eq(str_set(&c->pod, p->id), 0);
    FAILS(ENOENT, "no such pod", store_pod_remove_ctr(p, c, &err));
    ck_assert(p->removed);
}

STORE_TEST(remove_members)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod");
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data");
    _cleanup_ctr_ struct ctr *out = env_add(e, '8', "out"), *a = NULL, *b = NULL, *c = NULL;
    _cleanup_list_ struct berth_list ids = LIST_INIT, users = LIST_INIT;
    json *entry = json_new();
    char id[ID_LEN + 1];

    OK(store_pod_remove_ctrs(p, &err)); /* an empty pod */
    a = env_add_in(e, '4', "a", p);
    b = env_ctr_in(e, '3', "b", p); /* needs one with a later ID, and is needed by one more */
    c = env_ctr_in(e, '5', "c", p);
    json_set_str(b->config, "ipcNsCtr", a->id);
    json_set_str(entry, "volumeName", "data");
    json_add(json_need_array(b->config, "namedVolumes"), entry);
    OK(store_pod_add_ctr(p, b, NULL, &err));
    json_set_str(c->config, "netNsCtr", b->id);
    OK(store_pod_add_ctr(p, c, NULL, &err));
    OK(store_exec_add(a, "s1", &err));
    OK(store_pod_remove_ctrs(p, &err));
    OK(store_pod_ids(p, &ids, &err));
    env_list_is(&ids, "");
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 1);
    ck_assert_uint_eq(env_count(e, BERTH_POD), 1);
    OK(store_vol_users(v, &users, &err));
    env_list_is(&users, "");
    FAILS(ENOENT, "no such exec session", store_exec_find(e, "s1", id, &err));
    OK(store_pod_remove(p, &err));
}

/* An infra container that the pod's own record names. */
STORE_TEST(remove_infra)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod"), *got = NULL;
    _cleanup_ctr_ struct ctr *infra = env_add_in(e, '2', "infra", p);

    json_set_str(p->state, "InfraContainerID", infra->id);
    OK(store_pod_save(p, &err));
    OK(pod_load(e, p->id, &got, &err));
    ck_assert_str_eq(json_str(got->state, "InfraContainerID"), infra->id);
    OK(store_pod_remove_ctrs(p, &err));
    OK(store_pod_remove(p, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

/* ------------------------------------------------------------------ namespaces */

STORE_TEST(pod_ns)
{
    _cleanup_pod_ struct pod *p = env_pod(e, '1', "pod"), *got = NULL,
                             *bad = env_pod(e, '9', "b");
    _cleanup_ctr_ struct ctr *a = env_ctr_in(e, '2', "a", p), *b = env_ctr_in(e, '3', "b", p),
                             *c = env_ctr_in(e, '4', "c", p), *read = NULL;
    _cleanup_list_ struct berth_list users = LIST_INIT, ids = LIST_INIT;
    struct ctr **ctrs;
    size_t n;

    if (!(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES))
        return;
    env_pod_ns(p, "test1");
    env_ctr_ns(a, "test1");
    env_ctr_ns(b, "test1");
    env_ctr_ns(c, "test2");
    json_set_str(b->config, "ipcNsCtr", a->id);
    env_namespace(e, "test1");
    env_pod_ns(bad, "test2");
    FAILS(ENOENT, "target is in a different namespace", store_pod_add(bad, &err));
    OK(store_pod_add(p, &err));
    OK(store_pod_add_ctr(p, a, NULL, &err));
    env_namespace(e, "");
    OK(store_pod_add_ctr(p, b, NULL, &err));
    FAILS(EINVAL, "target is in a different namespace", store_pod_add_ctr(p, c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 2);
    OK(store_dependents(a, &users, &err));
    env_list_is(&users, b->id);
    env_namespace(e, "test1");
    finds(e, _i, p->id, p->id);
    ck_assert_int_eq(store_has(e, BERTH_POD, p->id, NULL), 1);
    OK(pod_load(e, p->id, &got, &err));
    env_same_pod(got, p);
    OK(ctr_load(e, a->id, &read, &err));
    OK(store_pod_save(p, &err));
    OK(store_pod_reload(got, &err));
    OK(store_pod_remove_ctr(p, b, &err));
    env_namespace(e, "test2");
    pod_free(TAKE(got));
    FAILS(ENOENT, "target is in a different namespace", pod_load(e, p->id, &got, &err));
    FAILS(ENOENT, "target is in a different namespace", pod_lookup(e, p->id, &got, &err));
    ck_assert_int_eq(store_has(e, BERTH_POD, p->id, NULL), 0);
    ck_assert_uint_eq(env_count(e, BERTH_POD), 0);
    FAILS(ENOENT, "target is in a different namespace", store_pod_ids(p, &ids, &err));
    FAILS(ENOENT, "target is in a different namespace", store_pod_ctrs(p, &ctrs, &n, &err));
    FAILS(ENOENT, "target is in a different namespace", store_pod_remove_ctrs(p, &err));
    FAILS(ENOENT, "target is in a different namespace", store_pod_remove(p, &err));
    FAILS(ENOENT, "target is in a different namespace", store_pod_save(p, &err));
    FAILS(ENOENT, "target is in a different namespace", store_pod_reload(p, &err));
    FAILS(ENOENT, "target is in a different namespace", store_pod_has(p, a->id, &err));
    env_namespace(e, "");
    ck_assert_uint_eq(env_count(e, BERTH_POD), 1);
}

/* ------------------------------------------------------------ save and rewrite */

STORE_TEST(pod_save)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod"), *other = NULL,
                             *none = env_pod(e, '2', "none");

    OK(pod_load(e, p->id, &other, &err));
    json_set_str(p->state, "cgroupPath", "/new/path/for/test");
    OK(store_pod_save(p, &err));
    ck_assert_str_eq(json_str(other->state, "cgroupPath"), "/path/to/cgroups");
    OK(store_pod_reload(other, &err));
    env_same_pod(other, p);
    FAILS(ENOENT, "no such pod", store_pod_save(none, &err));
    ck_assert(none->removed);
    ck_assert_uint_eq(env_count(e, BERTH_POD), 1);
}

STORE_TEST(pod_reload_missing)
{
    _cleanup_pod_ struct pod *p = env_pod(e, '1', "pod");

    FAILS(ENOENT, "no such pod", store_pod_reload(p, &err));
    ck_assert(p->removed);
}

STORE_TEST(pod_rewrite)
{
    _cleanup_pod_ struct pod *p = env_add_pod(e, '1', "pod"), *got = NULL,
                             *none = env_pod(e, '2', "none");

    json_set_str(p->config, "cgroupParent", "/another_cgroup_parent");
    OK(store_pod_rewrite(p, &err));
    OK(pod_load(e, p->id, &got, &err));
    env_same_pod(got, p);
    FAILS(ENOENT, "no such pod", store_pod_rewrite(none, &err));
}

TCase *store_pod_case(void)
{
    static const TTest *const *const tests[] = {&pod_missing,
                                                &pod_of_two,
                                                &pod_lookup_ways,
                                                &pod_lookup_ambiguous,
                                                &pod_has,
                                                &pod_add,
                                                &pod_beside_ctr,
                                                &pods_one_by_one,
                                                &pod_remove,
                                                &pod_remove_full,
                                                &member_has,
                                                &members_one_by_one,
                                                &member_is_equal,
                                                &members_of_invalid,
                                                &member_refused,
                                                &member_of_missing_pod,
                                                &member_of_other_pod,
                                                &member_dependency,
                                                &remove_ctr_of_missing,
                                                &remove_members,
                                                &remove_infra,
                                                &pod_ns,
                                                &pod_save,
                                                &pod_reload_missing,
                                                &pod_rewrite};
    TCase *tc = tcase_create("pods");

    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_loop_test(tc, *tests[i], 0, STORES);
    return tc;
}
