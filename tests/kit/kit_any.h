/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit_any.h - what the parts of the conformance kit for files, OCI and network plugins share.
 *
 * Each case runs in a process of its own, so that one which crashes or hangs fails alone.  A
 * case that fails names the rule it is about: a section of a manual page.
 */
#ifndef BERTH_KIT_ANY_H
#define BERTH_KIT_ANY_H

#include <berth/net.h>
#include <berth/oci.h>

#include "tests/kit/kit_run.h"
#include "tests/lib/testhost.h"

/* How the programs that a plugin runs behave. */
enum kit_programs {
    KIT_MISSING, /* run() gives -ENOENT */
    KIT_FAIL,    /* exit status 1, and KIT_REASON on standard error */
    KIT_SILENT,  /* exit status 0, and nothing */
    KIT_NONSENSE /* exit status 0, and what is no JSON */
};

#define KIT_REASON "it failed for a reason of its own"

struct kit_any {
    const char *word; /* "oci" */
    const struct berth_plugin *plugin;
    union {
        struct berth_oci_ops oci;
        struct berth_net_ops net;
    } ops;
    struct testhost *th;
    struct berth_host host;
    struct berth_config *cfg;
    struct berth_place place;
    struct berth_error *err;
    char root[256], dir[300];
    char *failure; /* shared between processes */
    enum kit_programs programs;
    unsigned ran; /* programs, so far */
    /* One open instance of either kind. */
    struct berth_oci *oci;
    struct berth_net *net;
    uint64_t caps;
};

struct kit_any_case {
    const char *name;
    const char *rule; /* "berth-plugin-oci(3), STREAMS" */
    int (*run)(struct kit_any *k);
    uint64_t caps; /* without one of these the case is skipped */
};

#define KIT_FAILURE 512

/* Note why a case fails; gives -1.  Only the first reason is kept. */
int kit_any_failed(struct kit_any *k, const char *file, int line, const char *fmt, ...)
    BERTH_PRINTF(4, 5);

#define NEED(k, cond)                                                                          \
    do {                                                                                       \
        if (!(cond))                                                                           \
            return kit_any_failed(k, __FILE__, __LINE__, "%s", #cond);                         \
    } while (0)
#define TRY(call)                                                                              \
    do {                                                                                       \
        if ((call) < 0)                                                                        \
            return -1;                                                                         \
    } while (0)

/* Did a call give what it should: success without an error, or a failure that was described
 * once?  want 0: success; > 0: this errno; -1: any failure. */
int kit_any_is(struct kit_any *k, int64_t r, int want, const char *what, const char *file,
               int line);
#define GIVES(k, want, call) TRY(kit_any_is(k, (call), want, #call, __FILE__, __LINE__))
#define FAILS(k, call)       TRY(kit_any_is(k, (call), -1, #call, __FILE__, __LINE__))

/* Open an instance of either kind into k->oci or k->net; close it.  0 or -errno. */
int kit_any_open(struct kit_any *k);
void kit_any_close(struct kit_any *k);

/* Descriptors of this process: all, or with `inherited` those without close-on-exec. */
int kit_any_fds(int inherited);

/* Files below the case's directory, as a number that changes with them. */
uint64_t kit_any_files(struct kit_any *k);

/* Is a text one JSON value that begins as an object, and nothing else? */
int kit_json_object(const char *text, size_t len);

/* What holds for every kind. */
extern const struct kit_any_case kit_any_process[];

int kit_any_cases(struct kit_any *k, const struct kit_any_case *cases, unsigned *number);

/* Prepare for a plugin file; 0, or -1 with a line on standard error. */
int kit_any_init(struct kit_any *k, const char *path, uint32_t kind,
                 const char *const *options);
void kit_any_end(struct kit_any *k);

#endif
