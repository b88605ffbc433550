/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - what surrounds every call into a plugin: mutex, trace, checks, faults.
 */
#ifndef BERTH_WRAP_CALL_H
#define BERTH_WRAP_CALL_H

#include "base/error.h"
#include "conf/conf.h"
#include "load/load.h"
#include <pthread.h>
#include <string.h>

/* The part that instances of all kinds have. */
struct instance {
    const struct plugin *plugin;
    struct berth_config *config; /* its options; live as long as it does */
    pthread_mutex_t own;
    pthread_mutex_t *mutex; /* what calls hold; NULL: none */
};

/* Load the plugin and read its options; `section` NULL: the module's name. */
int instance_init(struct instance *i, const struct conf *c, uint32_t kind, const char *name,
                  const char *section, const struct conf_override *overrides, size_t n,
                  struct berth_error *err);
void instance_free(struct instance *i);

/* One call on its way. */
struct call {
    const struct instance *instance;
    const char *op;
    struct berth_error *err; /* what the plugin is lent; never NULL */
    struct berth_error own;  /* where the caller lent none */
    int code_before;
    uint64_t began; /* 0: not traced */
};

/* 0; -ENOTSUP: the operation is missing; or the fault that was asked for.  After 0,
 * call_end() follows, whatever happens. */
int call_begin(struct call *c, const struct instance *i, const char *op, bool present,
               struct berth_error *err);

/* Takes and gives the operation's result.  `lent`: it may be that of a function that was
 * lent to the plugin, which need not have described it. */
int64_t call_end(struct call *c, int64_t result, bool lent);

/* The same for operations without a result. */
void call_void_begin(struct call *c, const struct instance *i, const char *op);
void call_void_end(struct call *c);

/* Call an operation whose last argument is the error. */
#define INVOKE_(lent, i, ops, op, err, ...)                                                    \
    ({                                                                                         \
        struct call call_;                                                                     \
        int64_t result_ = call_begin(&call_, (i), #op, (ops)->op != NULL, (err));              \
        if (result_ == 0)                                                                      \
            result_ = call_end(&call_, (ops)->op(__VA_ARGS__, call_.err), (lent));             \
        result_;                                                                               \
    })
#define INVOKE(i, ops, op, err, ...)      ((int)INVOKE_(false, i, ops, op, err, __VA_ARGS__))
#define INVOKE_LENT(i, ops, op, err, ...) ((int)INVOKE_(true, i, ops, op, err, __VA_ARGS__))
#define INVOKE_VOID(i, ops, op, ...)                                                           \
    do {                                                                                       \
        struct call call_;                                                                     \
        call_void_begin(&call_, (i), #op);                                                     \
        (ops)->op(__VA_ARGS__);                                                                \
        call_void_end(&call_);                                                                 \
    } while (0)

/* Prepare a struct that the plugin fills in. */
#define FOR_PLUGIN(p)                                                                          \
    do {                                                                                       \
        memset((p), 0, sizeof(*(p)));                                                          \
        (p)->size = sizeof(*(p));                                                              \
    } while (0)

#endif
