/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - libpod's State semantics on every state plugin: what podman's own tests of
 * its state assert, and the rules that they leave out.
 */
#include "tests/engine/store_env.h"

int main(void)
{
    Suite *s = suite_create("store");
    SRunner *r;
    int failed;

    suite_add_tcase(s, store_ctr_case());
    suite_add_tcase(s, store_pod_case());
    suite_add_tcase(s, store_vol_case());
    suite_add_tcase(s, store_net_case());
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
