/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_net.c - the networks of a container, as links and inside its configuration. */
#include "tests/engine/store_env.h"

static bool has_links(struct engine *e)
{
    return state_caps(e->state) & BERTH_STATE_CAP_NETWORKS;
}

static json *options(const char *interface)
{
    json *o = json_new();

    json_set_str(o, "interface_name", interface);
    return o;
}

/* A container in the store, connected to `web` by eth0 and to `db` by eth1. */
static struct ctr *add_connected(struct engine *e, int _i)
{
    struct ctr *c = env_ctr(e, '1', "one");
    _cleanup_json_ json *networks = json_new();

    json_set_str(c->config, "networkMode", "bridge");
    json_set(networks, "web", options("eth0"));
    json_set(networks, "db", options("eth1"));
    OK(store_add(c, networks, &err));
    return c;
}

/* What a fresh look at the container says of its networks, sorted: "db=eth1 web=eth0". */
static void networks_are(struct engine *e, int _i, const char *id, const char *expected)
{
    _cleanup_ctr_ struct ctr *c = NULL;
    _cleanup_json_ json *networks = NULL;
    _cleanup_list_ struct berth_list words = LIST_INIT;
    _cleanup_free_ char *all = NULL;

    OK(ctr_load(e, id, &c, &err));
    OK(store_networks(c, &networks, &err));
    json_object_object_foreach (networks, name, o) {
        _cleanup_free_ char *word = str_printf("%s=%s", name, json_str(o, "interface_name"));

        list_add(&words, word);
    }
    list_sort(&words);
    all = list_join(&words, " ");
    ck_assert_msg(str_eq(str_or(all, ""), expected), "%s: \"%s\", not \"%s\"", store_names[_i],
                  str_or(all, ""), expected);
}

STORE_TEST(net_of_new_container)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i), *plain = env_add(e, '2', "two");

    networks_are(e, _i, c->id, "db=eth1 web=eth0");
    networks_are(e, _i, plain->id, "");
    OK(store_remove(c, &err));
}

STORE_TEST(net_names_needed)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one");
    _cleanup_json_ json *networks = json_new(), *nameless = json_new(), *eth0 = options("eth0"),
                        *none = json_new();

    json_set(nameless, "", options("eth0"));
    FAILS(EINVAL, "network names cannot be an empty string: invalid argument",
          store_add(c, nameless, &err));
    json_need(networks, "web");
    FAILS(EINVAL, "network interface name cannot be an empty string: invalid argument",
          store_add(c, networks, &err));
    ck_assert_uint_eq(env_count(e, BERTH_CONTAINER), 0);
    ctr_free(TAKE(c));

    c = add_connected(e, _i);
    FAILS(EINVAL, "network names must not be empty: invalid argument",
          store_network_connect(c, "", eth0, &err));
    FAILS(EINVAL, "network names must not be empty: invalid argument",
          store_network_modify(c, "", eth0, &err));
    FAILS(EINVAL, "network names must not be empty: invalid argument",
          store_network_disconnect(c, "", &err));
    FAILS(EINVAL, "network interface name cannot be an empty string: invalid argument",
          store_network_connect(c, "more", none, &err));
    networks_are(e, _i, c->id, "db=eth1 web=eth0");
}

STORE_TEST(net_connect)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i);
    _cleanup_json_ json *eth2 = options("eth2"), *now = NULL;

    OK(store_network_connect(c, "more", eth2, &err));
    networks_are(e, _i, c->id, "db=eth1 more=eth2 web=eth0");
    OK(store_networks(c, &now, &err)); /* the object at hand knows as well */
    ck_assert_ptr_nonnull(json_get(now, "more"));
    FAILS(EEXIST, "is already connected to network \"web\": network is already connected",
          store_network_connect(c, "web", eth2, &err));
    networks_are(e, _i, c->id, "db=eth1 more=eth2 web=eth0");
}

STORE_TEST(net_modify)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i);
    _cleanup_json_ json *eth7 = options("eth7");

    OK(store_network_modify(c, "web", eth7, &err));
    OK(store_network_modify(c, "web", eth7, &err)); /* the same once more */
    networks_are(e, _i, c->id, "db=eth1 web=eth7");
    FAILS(ENOENT, "is not connected to CNI network \"x\": network not found",
          store_network_modify(c, "x", eth7, &err));
}

STORE_TEST(net_disconnect)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i);
    _cleanup_json_ json *eth0 = options("eth0");

    OK(store_network_disconnect(c, "web", &err));
    networks_are(e, _i, c->id, "db=eth1");
    FAILS(ENOENT, "is not connected to CNI network \"web\": network not found",
          store_network_disconnect(c, "web", &err));
    OK(store_network_disconnect(c, "db", &err));
    networks_are(e, _i, c->id, "");
    OK(store_network_connect(c, "web", eth0, &err));
    networks_are(e, _i, c->id, "web=eth0");
}

/* Only the networks of what is stored change, and it is what is stored that decides. */
STORE_TEST(net_change_is_narrow)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i), *same = NULL, *after = NULL;
    _cleanup_json_ json *eth2 = options("eth2");

    OK(ctr_load(e, c->id, &same, &err));
    OK(store_network_connect(c, "more", eth2, &err));
    json_set_str(same->config, "mountNsCtr", "not stored");
    OK(store_network_disconnect(same, "web", &err));
    FAILS(EEXIST, "already connected", store_network_connect(same, "more", eth2, &err));
    networks_are(e, _i, c->id, "db=eth1 more=eth2");
    OK(ctr_load(e, c->id, &after, &err));
    ck_assert_ptr_null(json_get(after->config, "mountNsCtr"));
    ck_assert_ptr_nonnull(json_get(after->config, "unknownMember"));
}

STORE_TEST(net_other_modes)
{
    _cleanup_ctr_ struct ctr *c = env_add(e, '1', "one");
    _cleanup_json_ json *eth0 = options("eth0");

    FAILS(ENOENT, "does not have a network bucket: network not found",
          store_network_connect(c, "web", eth0, &err));
    FAILS(ENOENT, "network not found", store_network_disconnect(c, "web", &err));
    networks_are(e, _i, c->id, "");
}

STORE_TEST(net_of_nobody)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i), *other = NULL;
    _cleanup_json_ json *eth2 = options("eth2"), *now = NULL;

    OK(ctr_load(e, c->id, &other, &err));
    OK(store_remove(c, &err));
    FAILS(ENOENT, "no such container", store_network_connect(other, "more", eth2, &err));
    FAILS(ENOENT, "container has already been removed", store_networks(other, &now, &err));
    FAILS(ENOENT, "container has already been removed",
          store_network_disconnect(other, "web", &err));
}

STORE_TEST(net_in_namespace)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one");
    _cleanup_json_ json *eth0 = options("eth0");

    if (!(state_caps(e->state) & BERTH_STATE_CAP_NAMESPACES))
        return;
    env_ctr_ns(c, "test1");
    json_set_str(c->config, "networkMode", "bridge");
    OK(store_add(c, NULL, &err));
    env_namespace(e, "test2");
    FAILS(ENOENT, "target is in a different namespace",
          store_network_connect(c, "web", eth0, &err));
    FAILS(ENOENT, "target is in a different namespace",
          store_network_disconnect(c, "web", &err));
    env_namespace(e, "");
    networks_are(e, _i, c->id, "");
}

/* podman before 4.0 wrote the container's ID where its options are today. */
static void put_old_link(struct engine *e, const struct ctr *c, const char *name)
{
    struct berth_link link = {.size = sizeof(link),
                              .kind = BERTH_LINK_NETWORK,
                              .from = c->id,
                              .to = name,
                              .value = {c->id, strlen(c->id)}};
    struct txn *t = NULL;

    ck_assert_int_eq(store_begin(e, true, &t, NULL), 0);
    ck_assert_int_eq(txn_link(t, &link, NULL), 0);
    ck_assert_int_eq(txn_commit(&t, NULL), 0);
}

STORE_TEST(net_of_podman_3)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one");
    _cleanup_json_ json *eth2 = options("eth2"), *networks = NULL;
    struct berth_link link = {.size = sizeof(link)};
    struct txn *t = NULL;
    const json *a;

    if (!has_links(e))
        return;
    json_set_str(c->config, "networkMode", "bridge");
    json_set_str(c->config, "staticIP", "10.1.1.7");
    json_set_i64(json_need(c->state, "networkDescriptions"), "b", 5);
    OK(store_add(c, NULL, &err));
    put_old_link(e, c, "a");
    put_old_link(e, c, "b");
    networks_are(e, _i, c->id, "a=eth0 b=eth5");
    OK(store_networks(c, &networks, &err));
    a = json_get(networks, "a");
    ck_assert_str_eq(json_item_str(json_get(a, "static_ips"), 0), "10.1.1.7");
    ck_assert_str_eq(json_item_str(json_get(a, "aliases"), 0), "111111111111");
    ck_assert_ptr_null(json_get(json_get(networks, "b"), "static_ips"));

    /* A change gives the others their options too. */
    OK(store_network_disconnect(c, "b", &err));
    OK(store_network_connect(c, "more", eth2, &err));
    networks_are(e, _i, c->id, "a=eth0 more=eth2");
    OK(store_begin(e, false, &t, &err));
    OK(txn_linked(t, BERTH_LINK_NETWORK, c->id, "a", &link, &err));
    ck_assert_int_eq(((const char *)link.value.data)[0], '{');
    txn_rollback(t);
}

/* podman 6 keeps a list; who changes it leaves a map that all of them read. */
STORE_TEST(net_of_podman_6)
{
    _cleanup_ctr_ struct ctr *c = env_ctr(e, '1', "one"), *got = NULL;
    _cleanup_json_ json *eth2 = options("eth2");
    json *list, *one, *nameless;

    if (has_links(e))
        return;
    one = options("eth0");
    nameless = options("eth9");
    json_set_str(c->config, "networkMode", "bridge");
    list = json_need_array(c->config, "orderedNetworks");
    json_set_str(one, "name", "web");
    json_add(list, one);
    json_add(list, nameless);
    OK(store_add(c, NULL, &err));
    networks_are(e, _i, c->id, "web=eth0");
    OK(store_network_connect(c, "more", eth2, &err));
    networks_are(e, _i, c->id, "more=eth2 web=eth0");
    OK(ctr_load(e, c->id, &got, &err));
    ck_assert_ptr_null(json_get(got->config, "orderedNetworks"));
    OK(store_network_disconnect(got, "web", &err));
    OK(store_network_disconnect(got, "more", &err));
    networks_are(e, _i, c->id, "");
}

/* Options that are not JSON are an error with a place, not fewer networks. */
STORE_TEST(net_damaged)
{
    _cleanup_ctr_ struct ctr *c = add_connected(e, _i);
    _cleanup_json_ json *eth2 = options("eth2"), *now = NULL;
    struct berth_link link = {.size = sizeof(link),
                              .kind = BERTH_LINK_NETWORK,
                              .from = c->id,
                              .to = "bad",
                              .value = {"{\"a\":", 5}};
    struct txn *t = NULL;

    if (!has_links(e))
        return;
    OK(store_begin(e, true, &t, &err));
    OK(txn_link(t, &link, &err));
    OK(txn_commit(&t, &err));
    FAILS(EUCLEAN, "options of a network of container 111111111111",
          store_networks(c, &now, &err));
    FAILS(EUCLEAN, "options of a network", store_network_connect(c, "more", eth2, &err));
}

TCase *store_net_case(void)
{
    static const TTest *const *const tests[] = {
        &net_of_new_container, &net_names_needed,     &net_connect,     &net_modify,
        &net_disconnect,       &net_change_is_narrow, &net_other_modes, &net_of_nobody,
        &net_in_namespace,     &net_of_podman_3,      &net_of_podman_6, &net_damaged};
    TCase *tc = tcase_create("networks");

    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_loop_test(tc, *tests[i], 0, STORES);
    return tc;
}
