/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - what the OCI plugins have in common: an instance, the table that tells
 * one runtime from another, and the operations, which are the same for all runtimes
 * whose containers conmon watches.
 *
 * All functions here may run in parallel on one instance: after open() it is constant.
 */
#ifndef OCI_RUNTIME_H
#define OCI_RUNTIME_H

#include <berth/oci.h>

#include "util.h"

/* A text of the runtime's own (not one about the container's command), told by how it
 * begins and ends, and what it means. */
struct rt_text {
    const char *head, *tail;
    int code; /* ENOENT: unknown container, ESRCH: not running, EEXIST, EBUSY, ENOTSUP */
};

/* What tells one runtime from another. */
struct rt_kind {
    const char *name;
    const char *const *dirs;     /* NULL-ended: where to look before PATH */
    uint64_t caps;               /* of a program with another name than those known */
    const struct rt_text *texts; /* ends with head NULL */
    /* The message in what the runtime wrote to standard error; fresh memory or NULL. */
    char *(*message)(const char *text);
};

struct berth_oci {
    const struct berth_host *h;
    const struct rt_kind *kind;
    char *name;   /* in messages: "crun" */
    char *path;   /* of the runtime */
    char *conmon; /* NULL: there is none */
    uint64_t caps;
    bool rootless, no_pivot, keyring;
    uid_t uid;
    const char *conmon_env;             /* words NAME=value; NULL: podman's default */
    const char *runtime_flags;          /* words, without "--" */
    const char *log_level;              /* NULL: the host's */
    uint64_t create_time, command_time; /* limits, nanoseconds */
};

#define RT_OPTIONS                                                                             \
    {"path", BERTH_OPTION_PATH, 0, NULL, "the runtime program (default: searched for)"},       \
        {"conmon_path", BERTH_OPTION_PATH, 0, NULL, "conmon (default: searched for)"},         \
        {"conmon_env", BERTH_OPTION_STRING, 0, NULL,                                           \
         "NAME=value words for conmon's environment (default: a PATH)"},                       \
        {"runtime_flags", BERTH_OPTION_STRING, 0, NULL,                                        \
         "global flags of the runtime, without their leading --, separated by blanks"},        \
        {"no_pivot", BERTH_OPTION_BOOL, 0, "false", "do not use pivot_root"},                  \
        {"keyring", BERTH_OPTION_BOOL, 0, "true", "give containers a session keyring"},        \
        {"supports_json", BERTH_OPTION_STRING, 0, "auto",                                      \
         "whether it has --log-format=json: yes, no, or auto to go by its name"},              \
        {"supports_nocgroup", BERTH_OPTION_STRING, 0, "auto",                                  \
         "whether it has --cgroup-manager disabled: yes, no, auto"},                           \
        {"supports_kvm", BERTH_OPTION_STRING, 0, "auto",                                       \
         "whether its containers are virtual machines: yes, no, auto"},                        \
        {"log_level", BERTH_OPTION_STRING, 0, NULL, "of conmon (default: berth's own)"},       \
        {"create_timeout", BERTH_OPTION_TIME, 0, "240s", "limit for create, restore, exec"},   \
        {"command_timeout", BERTH_OPTION_TIME, 0, "60s", "limit for other calls"},

/* --- open.c */
int rt_probe(const struct rt_kind *kind, const struct berth_host *h,
             const struct berth_config *cfg, struct berth_error *err);
int rt_open(const struct rt_kind *kind, const struct berth_host *h,
            const struct berth_place *place, const struct berth_config *cfg,
            struct berth_oci **out, uint64_t *out_caps, struct berth_error *err);
void rt_close(struct berth_oci *r);

/* --- the operations of berth/oci.h, in the same order */
int rt_info(struct berth_oci *r, struct berth_buf *out, struct berth_error *err);
int rt_create(struct berth_oci *r, const struct berth_container *c,
              const struct berth_oci_create *how, struct berth_oci_status *out,
              uint64_t *out_usec, struct berth_error *err);
int rt_start(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);
int rt_status(struct berth_oci *r, const struct berth_container *c,
              struct berth_oci_status *out, struct berth_error *err);
int rt_kill(struct berth_oci *r, const struct berth_container *c, int32_t signal,
            uint32_t flags, struct berth_error *err);
int rt_stop(struct berth_oci *r, const struct berth_container *c, berth_deadline deadline,
            uint32_t flags, struct berth_error *err);
int rt_remove(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);
int rt_pause(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);
int rt_unpause(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);
int rt_update(struct berth_oci *r, const struct berth_container *c, struct berth_blob resources,
              struct berth_error *err);
int rt_attach(struct berth_oci *r, const struct berth_container *c, const char *session,
              int *out_fd, struct berth_error *err);
int rt_resize(struct berth_oci *r, const struct berth_container *c, const char *session,
              struct berth_tty_size to, struct berth_error *err);
int rt_exec(struct berth_oci *r, const struct berth_container *c,
            const struct berth_oci_exec *what, int *out_fd, int32_t *out_pid,
            struct berth_error *err);
int rt_exec_stop(struct berth_oci *r, const struct berth_container *c, const char *session,
                 berth_deadline deadline, struct berth_error *err);
int rt_exec_status(struct berth_oci *r, const struct berth_container *c, const char *session,
                   int32_t *out_code, struct berth_error *err);
int rt_monitored(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);
int rt_path(struct berth_oci *r, const struct berth_container *c, uint32_t which,
            const char *session, struct berth_buf *out, struct berth_error *err);
int rt_checkpoint(struct berth_oci *r, const struct berth_container *c,
                  const struct berth_oci_checkpoint *how, uint64_t *out_usec,
                  struct berth_error *err);
int rt_wait(struct berth_oci *r, const struct berth_container *c, const char *session,
            berth_deadline deadline, struct berth_oci_status *out, struct berth_error *err);

/* All of them but probe and open, which need to know the kind. */
#define RT_OPS                                                                                 \
    .size = sizeof(struct berth_oci_ops), .close = rt_close, .info = rt_info,                  \
    .create = rt_create, .start = rt_start, .status = rt_status, .kill = rt_kill,              \
    .stop = rt_stop, .remove = rt_remove, .pause = rt_pause, .unpause = rt_unpause,            \
    .update = rt_update, .attach = rt_attach, .resize = rt_resize, .exec = rt_exec,            \
    .exec_stop = rt_exec_stop, .exec_status = rt_exec_status, .monitored = rt_monitored,       \
    .path = rt_path, .checkpoint = rt_checkpoint, .wait = rt_wait

#define rt_no_memory(r, err) berth_fail((r)->h, (err), ENOMEM, "out of memory")

#endif
