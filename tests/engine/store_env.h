/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_env.h - an engine on a new directory, once per state plugin, for the tests of the
 * store layer.  Each test runs with _i = 0 .. STORES - 1.
 */
#ifndef BERTH_TESTS_STORE_ENV_H
#define BERTH_TESTS_STORE_ENV_H

#include "base/fs.h"
#include "base/str.h"
#include "engine/store.h"
#include <check.h>

#define STORES 4
extern const char *const store_names[STORES];

/* The engine of the test, with its store of plugin number i, empty.  A plugin that was not
 * built is not tested: then this gives NULL. */
struct engine *env_open(int i);
void env_close(struct engine *e);

/* See only this libpod namespace from now on; "": all. */
void env_namespace(struct engine *e, const char *ns);

/* 64 times the digit, in turns; of both kinds. */
const char *env_id(char digit);

/* New objects, not in the store: the caller's.  Their configurations have what podman's
 * tests put there. */
struct ctr *env_ctr(struct engine *e, char digit, const char *name);
struct ctr *env_ctr_in(struct engine *e, char digit, const char *name, const struct pod *p);
struct pod *env_pod(struct engine *e, char digit, const char *name);
struct volume *env_vol(struct engine *e, const char *name);

/* The same, added to the store. */
struct ctr *env_add(struct engine *e, char digit, const char *name);
struct ctr *env_add_in(struct engine *e, char digit, const char *name, struct pod *p);
struct pod *env_add_pod(struct engine *e, char digit, const char *name);
struct volume *env_add_vol(struct engine *e, const char *name);

/* Put the object into a namespace, before it is added. */
void env_ctr_ns(struct ctr *c, const char *ns);
void env_pod_ns(struct pod *p, const char *ns);

/* How many objects AllContainers and the like would give. */
size_t env_count(struct engine *e, uint32_t kind);

/* Name, namespace, pod, configuration and state are the same. */
void env_same_ctr(const struct ctr *a, const struct ctr *b);
void env_same_pod(const struct pod *a, const struct pod *b);

/* Strings of a list, "a,b". */
void env_list_is(const struct berth_list *l, const char *expected);

/* CALL succeeds; CALL fails with -CODE and a text that contains PART. */
#define OK(call)                                                                               \
    do {                                                                                       \
        _cleanup_error_ struct berth_error err = ERROR_INIT;                                   \
        int r_ = (call);                                                                       \
        ck_assert_msg(r_ == 0, "%s: %s: %d %s", store_names[_i], #call, r_, error_text(&err)); \
    } while (0)
#define FAILS(code, part, call)                                                                \
    do {                                                                                       \
        _cleanup_error_ struct berth_error err = ERROR_INIT;                                   \
        int r_ = (call);                                                                       \
        ck_assert_msg(r_ == -(code), "%s: %s: %d %s", store_names[_i], #call, r_,              \
                      error_text(&err));                                                       \
        ck_assert_msg(strstr(error_text(&err), (part)), "%s: %s: %s", store_names[_i], #call,  \
                      error_text(&err));                                                       \
    } while (0)

/* A test with an open engine e. */
#define STORE_TEST(name)                                                                       \
    static void name##_in(struct engine *e, int _i);                                           \
    START_TEST(name)                                                                           \
    {                                                                                          \
        struct engine *e = env_open(_i);                                                       \
        if (e)                                                                                 \
            name##_in(e, _i);                                                                  \
        env_close(e);                                                                          \
    }                                                                                          \
    END_TEST                                                                                   \
    static void name##_in(struct engine *e, int _i _unused_)

TCase *store_ctr_case(void);
TCase *store_pod_case(void);
TCase *store_vol_case(void);
TCase *store_net_case(void);

#endif
