/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_priv.h - what the files of spec generation share.
 *
 * Stage A (spec_create) fills one struct spec_build step by step, in podman's order of
 * validation; stage B (spec_init) works on a copy of the stored spec.
 */
#ifndef BERTH_ENGINE_SPEC_PRIV_H
#define BERTH_ENGINE_SPEC_PRIV_H

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/options.h"
#include "engine/spec.h"

/* In front of what libpod says of an option of a new container. */
#define CREATE_OPTION "running container create option: "

enum ns_mode {
    NS_DEFAULT,
    NS_PRIVATE,
    NS_HOST,
    NS_CONTAINER,
    NS_PATH,
    NS_NONE,
    NS_SHAREABLE,
    NS_BRIDGE,
    NS_SLIRP,
    NS_PASTA,
    NS_AUTO,
};

enum ns_kind { NS_PID, NS_NET, NS_IPC, NS_UTS, NS_CGROUP, NS_USER, NS_KINDS };

struct ns_choice {
    enum ns_mode mode;
    char *value; /* path for NS_PATH; full container ID for NS_CONTAINER */
};

/* One new container while its documents are made. */
struct spec_build {
    struct engine *e;
    const struct conf *conf;
    const struct ctr_options *o;
    json *config;   /* ContainerConfig, members in any order until the end */
    json *spec;     /* config.spec, borrowed */
    json *process;  /* spec.process, borrowed */
    json *linux_;   /* spec.linux, borrowed */
    json *networks; /* name -> PerNetworkOptions */
    struct ns_choice ns[NS_KINDS];
    struct berth_list bounding; /* capabilities, sorted */
    struct berth_list masked, unmasked;
    char *seccomp; /* --security-opt seccomp=, NULL: not given */
    char *proc_opts;
    char *as_user;   /* user of a container that keeps the caller's IDs; NULL: any */
    bool add_caller; /* its passwd gets the caller's line */
    bool no_map;     /* a user namespace without the caller, which records call the host's */
    bool new_userns; /* user namespace other than the host's */
    bool unmask_all; /* the first unmask asks for everything */
    bool no_new_privileges;
    bool cgroup2;
    bool systemd;
    bool init;
};

static inline bool spec_net_is(const struct spec_build *b, enum ns_mode mode)
{
    return b->ns[NS_NET].mode == mode;
}

/* A network of its own, which the engine makes. */
static inline bool spec_net_own(const struct spec_build *b)
{
    return spec_net_is(b, NS_BRIDGE) || spec_net_is(b, NS_SLIRP) || spec_net_is(b, NS_PASTA);
}

/* As fail_errno(), with the system's text as podman has it: "no such file or directory". */
#define spec_fail_errno(err, code, ...)                                                        \
    spec_lower((err), (code), fail_errno((err), (code), __VA_ARGS__))
int spec_lower(struct berth_error *err, int code, int result);

/* True where the kernel shows one unified cgroup tree. */
bool spec_cgroup2(void);

/* j where it is an object, else NULL: what is stored may be damaged. */
json *spec_object(const json *j);

/* Members of o in the order of `names` (NULL-terminated), others behind them in their own
 * order; a new object that shares the values. */
json *spec_ordered(json *o, const char *const *names);
/* Members sorted by name, as Go writes maps. */
json *spec_sorted(json *o);

/* Number or name of a signal ("9", "KILL", "SIGRTMIN+3", any case); 0: none such. */
int spec_signal(const char *word);

/* Go's time.ParseDuration: nanoseconds. -EINVAL. */
int spec_duration(const char *s, int64_t *out);

/* ---------------------------------------------------------- stage A, in call order */

/* spec_env.c: process.args, process.env, labels. */
int spec_env(struct spec_build *b, struct berth_error *err);
int spec_labels(struct spec_build *b, struct berth_error *err);

/* spec_ns.c */
int spec_namespaces_parse(struct spec_build *b, struct berth_error *err);
int spec_namespaces(struct spec_build *b, struct berth_error *err);
/* The modes that all kinds share (host, private, ns:, container:).  1: it was one. */
int spec_ns_word(struct spec_build *b, enum ns_kind kind, const char *text,
                 struct berth_error *err);
/* How many IDs does our own user namespace have?  Of /proc/self/uid_map or gid_map. */
uint64_t spec_own_ids(const char *map);
/* The kernel takes a range of IDs only from within one range of our own: cut those that are
 * not.
 */
void spec_split_mappings(json *linux_);
/* Runtimes want some mapping even where a user namespace is only joined. */
void spec_dummy_mappings(json *linux_);

/* spec_net.c: choice of networks, ports, names. */
int spec_network_parse(struct spec_build *b, struct berth_error *err);
int spec_network(struct spec_build *b, struct berth_error *err);
/* "aa:bb:cc:dd:ee:ff", or with hyphens; and as networks are told it. */
bool spec_is_mac(const char *s);
const char *spec_mac_lower(const char *s, char buf[static 18]);

/* spec_ports.c: --publish, --expose. */
int spec_ports(struct spec_build *b, struct berth_error *err);

/* spec_caps.c */
int spec_caps(struct spec_build *b, struct berth_error *err);
/* What a container may have that is not privileged, with --cap-add and --cap-drop. */
int spec_caps_bounding(const struct conf *conf, const struct berth_list *add,
                       const struct berth_list *drop, struct berth_list *out,
                       struct berth_error *err);
const char *spec_cap_name(unsigned number); /* "CAP_CHOWN"; NULL: there is none with it */
/* All capabilities that this process may hand on. */
int spec_own_caps(struct berth_list *out, struct berth_error *err);

/* spec_mounts.c, spec_volume.c */
int spec_base_mounts(struct spec_build *b, struct berth_error *err);
int spec_mounts(struct spec_build *b, struct berth_error *err);

/* One mount from --mount; *out is {destination, type, source, options}. */
int spec_mount_flag(const char *text, json **out, struct berth_error *err);
/* Check the options of -v and leave out those that mean nothing here. */
int spec_volume_options(const struct berth_list *given, json *out, struct berth_error *err);
/* Complete options of a mount (podman's defaults); `source` NULL for named volumes.  The
 * array is changed in place. */
int spec_mount_options(json **options, bool tmpfs, const char *source, struct berth_error *err);

/* spec_resources.c, spec_devices.c, spec_ulimit.c */
int spec_resources(struct spec_build *b, struct berth_error *err);
int spec_devices(struct spec_build *b, struct berth_error *err);
int spec_ulimits(struct spec_build *b, struct berth_error *err);

/* A mount that stands for a device node where none can be made. */
json *spec_device_mount(const char *from, const char *to, bool writable);

/* All device nodes of the host for a privileged container: entries are appended. */
int spec_host_devices(json *devices, bool systemd, struct berth_error *err);

/* spec_security.c: --security-opt, sysctls, masked paths; seccomp in spec_seccomp.c. */
int spec_security_parse(struct spec_build *b, struct berth_error *err);
int spec_security(struct spec_build *b, struct berth_error *err);
int spec_sysctls(struct spec_build *b, struct berth_error *err);

/* linux.seccomp from a profile's text for the given bounding set; *out NULL: no filter.
 * `what` names the profile in errors. */
int spec_seccomp(struct berth_blob text, const char *what, const struct berth_list *bounding,
                 json **out, struct berth_error *err);
/* Append the text of the profile that is built in, for hosts that have none. */
int spec_seccomp_builtin(struct berth_buf *out);
const char *spec_seccomp_installed(void); /* the machine's profile; NULL: there is none */

/* spec_filter.c: hand everything to the runtime in one file, config.json in the bundle, with
 * the compiled filter for a runtime that takes one. */
int spec_write(struct ctr *c, json *spec, struct berth_error *err);

/* spec_members.c */
int spec_restart(struct spec_build *b, struct berth_error *err);
int spec_systemd_mode(struct spec_build *b, struct berth_error *err);
int spec_stopping(struct spec_build *b, struct berth_error *err);
int spec_process(struct spec_build *b, struct berth_error *err);
int spec_notifying(struct spec_build *b, struct berth_error *err);
int spec_zone(struct spec_build *b, struct berth_error *err);
int spec_logging(struct spec_build *b, struct berth_error *err);
int spec_cgroup(struct spec_build *b, struct berth_error *err);

/* spec_secrets.c: --secret. */
int spec_secrets(struct spec_build *b, struct berth_error *err);

/* spec_health.c */
int spec_health(struct spec_build *b, struct berth_error *err);

/* ------------------------------------------------------------------------- stage B */

/* What `user` of a record means in the container's files. */
struct spec_user {
    uint32_t uid, gid;
    char *home;       /* NULL: the user is unknown */
    uint32_t *groups; /* supplementary */
    size_t n_groups;
    bool known; /* in passwd */
};

void spec_user_free(struct spec_user *u);

/* Look a user text up.  `root` is the mount point; `passwd` and `group` replace the
 * container's files where not NULL. */
int spec_user_lookup(const char *root, const char *passwd, const char *group, const char *user,
                     struct spec_user *out, struct berth_error *err);
/* gid of a group, by name or number.  -ENOENT. */
int spec_group_lookup(const char *root, const char *group_file, const char *name, uint32_t *out,
                      struct berth_error *err);

/* Open a path below root, symlinks resolved inside it.  A descriptor or -errno. */
int spec_open_in_root(const char *root, const char *path, int flags);

/* A stage B in the making. */
struct spec_final {
    struct ctr *c;
    json *config;                    /* borrowed from c */
    json *spec;                      /* owned */
    json *process, *linux_, *mounts; /* borrowed from spec */
    json *binds;                     /* state.bindMounts, borrowed */
    const char *root;                /* state.mountPoint */
    const char *run_dir;
    struct spec_user user;
};

/* spec_files.c: generated files and their entries in bindMounts. */
int spec_files(struct spec_final *f, struct berth_error *err);
/* spec_passwd.c: users and groups that the container's files lack; users of the host, which
 * come before anybody is looked up. */
int spec_host_users(struct spec_final *f, struct berth_error *err);
int spec_passwd(struct spec_final *f, struct berth_error *err);
/* spec_final_mounts.c: volumes, overlays, generated files; systemd's; order and propagation. */
int spec_final_mounts(struct spec_final *f, struct berth_error *err);
int spec_systemd(struct spec_final *f, struct berth_error *err);
void spec_mounts_sort(struct spec_final *f);
/* spec_hooks.c: programs that the host wants run; may replace f->spec, so it comes last. */
int spec_hooks(struct spec_final *f, struct berth_error *err);
/* spec_secrets.c */
int spec_secret_mounts(struct spec_final *f, struct berth_error *err);
int spec_secret_env(struct spec_final *f, struct berth_error *err);
/* Name that the container has: spec.hostname or the short ID. */
const char *spec_hostname(const struct ctr *c, char buf[static ID_SHORT_LEN + 1]);
/* resolv.conf's text, hosts' text. */
int spec_resolv_conf(struct spec_final *f, struct berth_buf *out, struct berth_error *err);
int spec_hosts(struct spec_final *f, struct berth_buf *out, struct berth_error *err);

/* The text of a resolv.conf with these name servers in front and without those. */
struct spec_resolv_edit {
    struct berth_list add, drop;
};
void spec_resolv_edit(const struct spec_resolv_edit *e, const char *old, struct berth_buf *out);

#endif
