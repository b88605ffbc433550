/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_vol.c - volumes, exec sessions, exit codes and names. */
#include "base/time.h"
#include "tests/engine/store_env.h"

static void use_volume(struct ctr *c, const char *name)
{
    json *entry = json_new();

    json_set_str(entry, "volumeName", name);
    json_set_str(entry, "dest", "/data");
    json_add(json_need_array(c->config, "namedVolumes"), entry);
}

/* ------------------------------------------------------------------- volumes */

STORE_TEST(vol_add_and_load)
{
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data"), *got = NULL;

    OK(volume_load(e, "data", &got, &err));
    ck_assert_str_eq(got->name, "data");
    ck_assert_str_eq(json_str(got->config, "mountPoint"), "/m");
    ck_assert(json_flag(got->state, "notYetMounted", false));
    ck_assert_uint_eq(env_count(e, BERTH_VOLUME), 1);
}

STORE_TEST(vol_missing)
{
    struct volume *v = NULL;

    FAILS(ENOENT, "volume with name data not found: no such volume",
          volume_load(e, "data", &v, &err));
    FAILS(EINVAL, "name or ID cannot be empty", volume_load(e, "", &v, &err));
    FAILS(EINVAL, "name or ID cannot be empty", volume_lookup(e, "", &v, &err));
    FAILS(ENOENT, "no volume with name \"data\" found: no such volume",
          volume_lookup(e, "data", &v, &err));
    FAILS(EINVAL, "cannot be empty", store_has(e, BERTH_VOLUME, "", &err));
    ck_assert_int_eq(store_has(e, BERTH_VOLUME, "data", NULL), 0);
}

STORE_TEST(vol_lookup)
{
    _cleanup_volume_ struct volume *a = env_add_vol(e, "data"), *b = env_add_vol(e, "data2"),
                                   *c = env_add_vol(e, "other"), *got = NULL;

    OK(volume_lookup(e, "data", &got, &err)); /* a whole name wins */
    ck_assert_str_eq(got->name, "data");
    volume_free(TAKE(got));
    OK(volume_lookup(e, "o", &got, &err));
    ck_assert_str_eq(got->name, "other");
    volume_free(TAKE(got));
    FAILS(EEXIST, "more than one result for volume name \"dat\": volume already exists",
          volume_lookup(e, "dat", &got, &err));
    FAILS(ENOENT, "no such volume", volume_lookup(e, "d_t", &got, &err));
    FAILS(ENOENT, "no such volume", volume_lookup(e, "Data", &got, &err));
    ck_assert_int_eq(store_has(e, BERTH_VOLUME, "data2", NULL), 1);
    ck_assert_int_eq(store_has(e, BERTH_VOLUME, "dat", NULL), 0);
}

STORE_TEST(vol_twice)
{
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data"), *again = env_vol(e, "data");

    FAILS(EEXIST, "name data is in use: volume already exists", store_vol_add(again, &err));
    ck_assert_uint_eq(env_count(e, BERTH_VOLUME), 1);
}

STORE_TEST(vol_save)
{
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data"), *other = NULL;

    OK(volume_load(e, "data", &other, &err));
    json_set_i64(v->state, "mountCount", 3);
    OK(store_vol_save(v, &err));
    ck_assert_int_eq(json_i64(other->state, "mountCount", -1), 0);
    OK(store_vol_reload(other, &err));
    ck_assert_int_eq(json_i64(other->state, "mountCount", -1), 3);
    ck_assert_str_eq(json_str(other->config, "mountPoint"), "/m");
}

STORE_TEST(vol_rewrite)
{
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data"), *got = NULL;

    json_set_i64(v->config, "uid", 1000);
    OK(store_vol_rewrite(v, &err));
    OK(volume_load(e, "data", &got, &err));
    ck_assert_int_eq(json_i64(got->config, "uid", 0), 1000);
    ck_assert(json_flag(got->state, "notYetMounted", false));
}

STORE_TEST(vol_invalid)
{
    _cleanup_volume_ struct volume *v = env_vol(e, "data");
    _cleanup_list_ struct berth_list users = LIST_INIT;

    FAILS(ENOENT, "no such volume", store_vol_save(v, &err));
    ck_assert(v->removed); /* and now it is known to be gone */
    FAILS(ENOENT, "volume has already been removed", store_vol_save(v, &err));
    FAILS(ENOENT, "volume has already been removed", store_vol_add(v, &err));
    FAILS(ENOENT, "volume has already been removed", store_vol_reload(v, &err));
    FAILS(ENOENT, "volume has already been removed", store_vol_rewrite(v, &err));
    FAILS(ENOENT, "volume has already been removed", store_vol_users(v, &users, &err));
    FAILS(ENOENT, "no such volume", store_vol_remove(v, &err));
    ck_assert_uint_eq(env_count(e, BERTH_VOLUME), 0);
}

STORE_TEST(vol_remove)
{
    _cleanup_volume_ struct volume *a = env_add_vol(e, "a"), *b = env_add_vol(e, "b");

    OK(store_vol_remove(a, &err));
    ck_assert(a->removed);
    ck_assert_int_eq(store_has(e, BERTH_VOLUME, "a", NULL), 0);
    ck_assert_int_eq(store_has(e, BERTH_VOLUME, "b", NULL), 1);
    ck_assert_uint_eq(env_count(e, BERTH_VOLUME), 1);
}

STORE_TEST(vol_in_use)
{
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data");
    _cleanup_ctr_ struct ctr *a = env_ctr(e, '1', "one"), *b = env_ctr(e, '2', "two");
    _cleanup_list_ struct berth_list users = LIST_INIT, none = LIST_INIT;
    _cleanup_free_ char *text = NULL, *ids = NULL;

    use_volume(a, "data");
    use_volume(a, "data"); /* twice in one container */
    use_volume(b, "data");
    OK(store_add(a, NULL, &err));
    OK(store_add(b, NULL, &err));
    OK(store_vol_users(v, &users, &err));
    ids = str_printf("%s,%s", a->id, b->id);
    env_list_is(&users, ids);
    text =
        str_printf("volume data is being used by container(s) %s: volume is being used", ids);
    FAILS(EBUSY, text, store_vol_remove(v, &err));
    ck_assert_int_eq(store_has(e, BERTH_VOLUME, "data", NULL), 1);
    OK(store_remove(a, &err));
    OK(store_remove(b, &err));
    OK(store_vol_users(v, &none, &err));
    env_list_is(&none, "");
    OK(store_vol_remove(v, &err));
}

STORE_TEST(vol_must_exist)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one");

    use_volume(c, "missing");
    FAILS(ENOENT, "no such volume", store_add(c, NULL, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
}

STORE_TEST(vol_of_storage)
{
    _cleanup_volume_ struct volume *v = env_vol(e, "img"), *got = NULL;

    json_set_str(v->config, "storageID", env_id('9'));
    OK(store_vol_add(v, &err));
    ck_assert_int_eq(store_is_volume_ctr(e, env_id('9'), NULL), 1);
    ck_assert_int_eq(store_is_volume_ctr(e, env_id('8'), NULL), 0);
    ck_assert_int_eq(store_is_volume_ctr(e, "", NULL), 0);
    OK(volume_load(e, "img", &got, &err));
    ck_assert_str_eq(json_str(got->config, "storageID"), env_id('9'));
    OK(store_vol_save(got, &err));
    ck_assert_int_eq(store_is_volume_ctr(e, env_id('9'), NULL), 1);
    OK(store_vol_remove(got, &err));
    ck_assert_int_eq(store_is_volume_ctr(e, env_id('9'), NULL), 0);
}

STORE_TEST(vol_names_are_apart)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "data");
    _cleanup_volume_ struct volume *v = env_add_vol(e, "data"), *w = env_add_vol(e, c->id);

    ck_assert_uint_eq(env_count(e, BERTH_VOLUME), 2);
    OK(store_remove(c, &err));
    ck_assert_uint_eq(env_count(e, BERTH_VOLUME), 2);
}

/* ------------------------------------------------------------- exec sessions */

STORE_TEST(exec_sessions)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "one"), *d = env_add(e, '2', "two");
    _cleanup_list_ struct berth_list list = LIST_INIT, other = LIST_INIT, none = LIST_INIT;
    char id[ID_LEN + 1];

    OK(store_exec_list(c, &none, &err));
    env_list_is(&none, "");
    OK(store_exec_add(c, "s2", &err));
    OK(store_exec_add(c, "s1", &err));
    OK(store_exec_add(d, "s3", &err));
    FAILS(EEXIST, "an exec session with ID s1 already exists: exec session already exists",
          store_exec_add(c, "s1", &err));
    FAILS(EEXIST, "exec session already exists", store_exec_add(d, "s1", &err));
    OK(store_exec_list(c, &list, &err));
    env_list_is(&list, "s1,s2");
    OK(store_exec_find(e, "s3", id, &err));
    ck_assert_str_eq(id, d->id);
    OK(store_exec_remove(c, "s1", &err));
    FAILS(ENOENT, "no exec session with ID s1 found: no such exec session",
          store_exec_find(e, "s1", id, &err));
    FAILS(ENOENT, "no such exec session", store_exec_remove(c, "s1", &err));
    FAILS(ENOENT, "no such exec session", store_exec_remove(c, "s3", &err));
    OK(store_exec_remove_all(c, &err));
    OK(store_exec_remove_all(c, &err));
    FAILS(ENOENT, "no such exec session", store_exec_find(e, "s2", id, &err));
    OK(store_exec_list(d, &other, &err));
    env_list_is(&other, "s3");
    FAILS(EINVAL, "name or ID cannot be empty", store_exec_find(e, "", id, &err));
}

STORE_TEST(exec_of_nobody)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one");
    _cleanup_list_ struct berth_list list = LIST_INIT;
    char id[ID_LEN + 1];

    FAILS(ENOENT, "no such container", store_exec_add(c, "s1", &err));
    ck_assert(c->removed);
    FAILS(ENOENT, "container has already been removed", store_exec_add(c, "s1", &err));
    FAILS(ENOENT, "container has already been removed", store_exec_list(c, &list, &err));
    FAILS(ENOENT, "container has already been removed", store_exec_remove_all(c, &err));
    FAILS(ENOENT, "no such exec session", store_exec_find(e, "s1", id, &err));
}

/* ---------------------------------------------------------------- exit codes */

STORE_TEST(exit_codes)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "one");
    int32_t code = 5;

    FAILS(ENOENT, "from DB: no such exit code", store_exit_code(e, c->id, &code, &err));
    FAILS(EINVAL, "cannot be empty", store_exit_code(e, "", &code, &err));
    ck_assert_int_eq(code, 5);
    OK(store_save(c, 137, &err));
    OK(store_exit_code(e, c->id, &code, &err));
    ck_assert_int_eq(code, 137);
    OK(store_save(c, -1, &err));
    OK(store_exit_code(e, c->id, &code, &err));
    ck_assert_int_eq(code, -1);
    OK(store_save(c, EXIT_NONE, &err));
    OK(store_exit_code(e, c->id, &code, &err));
    ck_assert_int_eq(code, -1);
    OK(store_remove(c, &err)); /* the code outlives it */
    OK(store_exit_code(e, c->id, &code, &err));
}

STORE_TEST(exit_code_with_removal)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "one");
    int32_t code = 5;

    c->defer = true;
    OK(store_save(c, 9, &err));
    FAILS(ENOENT, "no such exit code", store_exit_code(e, c->id, &code, &err));
    OK(store_remove(c, &err));
    OK(store_exit_code(e, c->id, &code, &err));
    ck_assert_int_eq(code, 9);
}

static void put_code(struct engine *e, const char *id, berth_date date)
{
    struct berth_exit code = {.size = sizeof(code), .code = 1, .date = date, .id = id};
    struct txn *t = NULL;

    ck_assert_int_eq(store_begin(e, true, &t, NULL), 0);
    ck_assert_int_eq(txn_exit_put(t, &code, NULL), 0);
    ck_assert_int_eq(txn_commit(&t, NULL), 0);
}

STORE_TEST(exit_prune)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "one");
    berth_date minute = 60ll * 1000000000;
    int32_t code;

    OK(store_exit_prune(e, &err));
    put_code(e, c->id, time_now() - 10 * minute);
    put_code(e, env_id('2'), time_now() - 10 * minute);
    put_code(e, env_id('3'), time_now() - 4 * minute);
    OK(store_exit_prune(e, &err));
    OK(store_exit_code(e, c->id, &code, &err)); /* its container is there */
    FAILS(ENOENT, "no such exit code", store_exit_code(e, env_id('2'), &code, &err));
    OK(store_exit_code(e, env_id('3'), &code, &err));
}

/* --------------------------------------------------------------------- names */

STORE_TEST(get_name)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one");
    _cleanup_pod_ struct pod *p = env_add_pod(e, '2', "pod");
    _cleanup_free_ char *name = NULL;

    env_ctr_ns(c, "test1");
    OK(store_add(c, NULL, &err));
    OK(store_name(e, c->id, &name, &err));
    ck_assert_str_eq(name, "one");
    OK(store_name(e, p->id, &name, &err));
    ck_assert_str_eq(name, "pod");
    FAILS(ENOENT, "no such container", store_name(e, env_id('3'), &name, &err));
    FAILS(EINVAL, "name or ID cannot be empty", store_name(e, "", &name, &err));
}

TCase *store_vol_case(void)
{
    static const TTest *const *const tests[] = {
        &vol_add_and_load, &vol_missing,    &vol_lookup,     &vol_twice,
        &vol_save,         &vol_rewrite,    &vol_invalid,    &vol_remove,
        &vol_in_use,       &vol_must_exist, &vol_of_storage, &vol_names_are_apart,
        &exec_sessions,    &exec_of_nobody, &exit_codes,     &exit_code_with_removal,
        &exit_prune,       &get_name};
    TCase *tc = tcase_create("volumes");

    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_loop_test(tc, *tests[i], 0, STORES);
    return tc;
}
