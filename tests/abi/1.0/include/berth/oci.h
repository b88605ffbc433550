/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth/oci.h - OCI runtimes.
 *
 * A thin layer over one runtime program and whatever watches its containers
 * (conmon, for the runtimes that come with berth).  It keeps no state of its own
 * beyond what is on disk, and makes no policy: whether a container may be paused
 * now is for the engine to know, and the engine holds the container's lock
 * during every call but attach() and wait().
 *
 * One instance serves one runtime program for all containers that use it.
 */
#ifndef BERTH_OCI_H
#define BERTH_OCI_H

#include <berth/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BERTH_OCI_ABI_MAJOR 1
#define BERTH_OCI_ABI_MINOR 0
#ifndef BERTH_OCI_NEEDS
#define BERTH_OCI_NEEDS BERTH_OCI_ABI_MINOR
#endif

struct berth_oci; /* defined by each plugin */

#define BERTH_OCI_CAP_CHECKPOINT  (1ull << 0) /* checkpoint(), create() from one */
#define BERTH_OCI_CAP_JSON_ERRORS (1ull << 1)
#define BERTH_OCI_CAP_NO_CGROUPS  (1ull << 2)
#define BERTH_OCI_CAP_VM          (1ull << 3) /* containers are virtual machines */
#define BERTH_OCI_CAP_MONITOR     (1ull << 4) /* a monitor process outlives the engine */
/* Installs a compiled filter from the annotation "run.oci.seccomp_bpf_data" of config.json
 * (base64 of an array of struct sock_filter) in place of compiling linux.seccomp. */
#define BERTH_OCI_CAP_SECCOMP_BPF (1ull << 5)

/* These depend on the program that is installed, so open() finds them out, as far as
 * that costs next to nothing: CAP_CHECKPOINT may be set for a program that then says
 * no, and checkpoint() gives -ENOTSUP. */

/* ------------------------------------------------------------ the container */

#define BERTH_CTR_TERMINAL   (1u << 0)
#define BERTH_CTR_STDIN      (1u << 1)
#define BERTH_CTR_NO_CGROUPS (1u << 2)
#define BERTH_CTR_SYSTEMD    (1u << 3) /* cgroups are made by systemd */
#define BERTH_CTR_MONITOR_STAYS                                                                \
    (1u << 4) /* in the caller's cgroup: the monitor is not moved below cgroup_parent */

/* A container, as a runtime sees it; lent for the call.  What is not here is in
 * the documents. */
struct berth_container {
    uint32_t size;
    uint32_t flags; /* BERTH_CTR_* */
    const char *id;
    const char *name;
    const char *bundle;        /* has config.json */
    const char *run_dir;       /* of this container, cleared at boot */
    const char *exit_dir;      /* where the monitor leaves exit codes */
    const char *log_driver;    /* "k8s-file", "journald", "none", ... */
    const char *log_path;      /* NULL where the driver needs none */
    const char *log_tag;       /* NULL: none */
    const char *cgroup_parent; /* NULL: the runtime's own choice */
    const char *pid_file;
    const char *monitor_pid_file;
    const char *sdnotify_socket;     /* NULL: none */
    const char *const *exit_command; /* to run when it ends; NULL: none */
    uint32_t timeout;                /* seconds it may run; 0: no limit */
    int32_t stop_signal;
    int32_t pid;         /* 0: not running */
    int32_t monitor_pid; /* 0: not known */
    struct berth_blob config;
    struct berth_blob state;
    uint64_t log_size_max; /* bytes, for drivers that write files; 0: no limit */
};

/* What came of it. */
struct berth_oci_status {
    uint32_t size;
    int32_t status; /* enum berth_oci_run_state */
    int32_t pid;
    int32_t monitor_pid;
    int32_t exit_code; /* when STOPPED */
    int32_t oom_killed;
    berth_date finished; /* when STOPPED; 0: not known */
};

enum berth_oci_run_state {
    BERTH_OCI_UNKNOWN = 0, /* the runtime knows no such container */
    BERTH_OCI_CREATED = 1,
    BERTH_OCI_RUNNING = 2,
    BERTH_OCI_PAUSED = 3,
    BERTH_OCI_STOPPED = 4,
};

/* ------------------------------------------------------------------- create */

struct berth_oci_create {
    uint32_t size;
    uint32_t flags; /* BERTH_OCI_CREATE_* */
    const int *fds; /* descriptors for the container, from 3 on */
    uint32_t n_fds;
    const int *keep_fds; /* descriptors that the monitor holds open: port reservations,
                            synchronisation with network helpers */
    uint32_t n_keep_fds;
    const char *checkpoint;  /* directory to restore from; NULL: a fresh container */
    const char *mount_label; /* when restoring into a pod */
    const char *process_label;
};

#define BERTH_OCI_CREATE_NO_KEYRING      (1u << 0)
#define BERTH_OCI_CREATE_NO_PIVOT        (1u << 1)
#define BERTH_OCI_CREATE_TCP_ESTABLISHED (1u << 2) /* restore */
#define BERTH_OCI_CREATE_FILE_LOCKS      (1u << 3) /* restore */

/* ------------------------------------------------------------------ streams */

/*
 * The streams of a container or of an exec session reach the engine as one
 * connected SOCK_SEQPACKET socket, which the engine owns and closes.  What the
 * engine sends goes to standard input; shutting down its writing side ends it.
 * Each packet that it receives begins with one byte that names the stream, and
 * the end of file means that the process has closed its streams.  Copying,
 * detach keys and every other framing are the engine's work.
 */
#define BERTH_STREAM_STDOUT 2
#define BERTH_STREAM_STDERR 3
#define BERTH_STREAM_PACKET 8193  /* none received is longer, the first byte included */
#define BERTH_STREAM_INPUT  32768 /* none sent may be longer, or its rest is lost */

struct berth_tty_size {
    uint16_t rows, cols;
};

struct berth_oci_exec {
    uint32_t size;
    uint32_t flags; /* BERTH_OCI_EXEC_* */
    const char *session;
    const char *session_dir; /* <bundle>/<session>, exists; NULL: the same, made here */
    const char *const *argv;
    const char *const *env; /* "NAME=value" */
    const char *cwd;        /* NULL: the container's */
    const char *user;       /* NULL: the container's */
    const int *fds;
    uint32_t n_fds;
    const char *const *exit_command; /* NULL: none */
    uint32_t exit_delay;             /* seconds before the exit command */

    /* The whole process document (OCI `process`), to be used as it is; argv, env, cwd
     * and user then do not count.  Absent: made of those and of the `process` of the
     * bundle's config.json, where `user` can be numbers only. */
    struct berth_blob process;
    struct berth_tty_size tty; /* of the terminal to begin with; 0 rows: not known */
};

#define BERTH_OCI_EXEC_TERMINAL   (1u << 0)
#define BERTH_OCI_EXEC_PRIVILEGED (1u << 1)
#define BERTH_OCI_EXEC_STDIN      (1u << 2) /* it has a standard input, else /dev/null */

struct berth_oci_checkpoint {
    uint32_t size;
    uint32_t flags;       /* BERTH_OCI_CHECKPOINT_* */
    const char *dir;      /* to write to */
    const char *previous; /* directory of the one before; NULL: none */
};

#define BERTH_OCI_CHECKPOINT_KEEP_RUNNING    (1u << 0)
#define BERTH_OCI_CHECKPOINT_TCP_ESTABLISHED (1u << 1)
#define BERTH_OCI_CHECKPOINT_FILE_LOCKS      (1u << 2)
#define BERTH_OCI_CHECKPOINT_PRE             (1u << 3)

/* path() */
enum berth_oci_path {
    BERTH_PATH_ATTACH_SOCKET = 1,
    BERTH_PATH_EXEC_SOCKET = 2, /* needs the session */
    BERTH_PATH_EXIT_FILE = 3,
    BERTH_PATH_OOM_FILE = 4,
    BERTH_PATH_PERSIST_DIR = 5,
};

#define BERTH_OCI_ALL (1u << 0) /* kill(), stop(): every process, not only the first */

/* -------------------------------------------------------------- operations */

/*
 * Errors, with what the runtime wrote in the message, behind the runtime's name
 * ("crun: open executable: Permission denied"):
 *
 *   all             -ENOEXEC     the runtime or the monitor is missing, or cannot be run
 *                   -EPROTO      one of them said what makes no sense, or nothing
 *                   -ETIMEDOUT   it did not come to an end in time
 *                   -ENOTSUP     the runtime cannot do this
 *                   -EREMOTEIO   the runtime failed for a reason of its own
 *   create, start,  -ENOENT      the command is not in the container (exit code 127)
 *   exec            -EACCES      it is, and may not be run (126); or the runtime itself
 *                                was not allowed to do something
 *                   -ESRCH       start, exec: the container is not there or has ended
 *                   -EEXIST      create: the runtime has a container of this ID, running
 *   kill, pause,    -ENOENT      the runtime knows no such container
 *   unpause, update -ESRCH       it has ended
 *                   -EPERM       the runtime was not allowed to
 *
 * Other values are those of system calls that failed on this side.
 */
struct berth_oci_ops {
    uint32_t size;

    /* Is the program there and does it run?  0 or -errno with the reason. */
    int (*probe)(const struct berth_host *h, const struct berth_place *place,
                 const struct berth_config *cfg, struct berth_error *err);
    int (*open)(const struct berth_host *h, const struct berth_place *place,
                const struct berth_config *cfg, struct berth_oci **out, uint64_t *out_caps,
                struct berth_error *err);
    void (*close)(struct berth_oci *r);

    /* Program and monitor, as a JSON object: name, path, version, package. */
    int (*info)(struct berth_oci *r, struct berth_buf *out, struct berth_error *err);

    /* Create or restore; the container is then CREATED or RUNNING.  *out_usec: how
     * long the program took, for a restore.  On failure nothing is left over. */
    int (*create)(struct berth_oci *r, const struct berth_container *c,
                  const struct berth_oci_create *how, struct berth_oci_status *out,
                  uint64_t *out_usec, struct berth_error *err);
    int (*start)(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);

    /* What is it doing?  Looks for the exit file, then asks the program. */
    int (*status)(struct berth_oci *r, const struct berth_container *c,
                  struct berth_oci_status *out, struct berth_error *err);

    /* -ESRCH: it has ended, which is often no error to the caller. */
    int (*kill)(struct berth_oci *r, const struct berth_container *c, int32_t signal,
                uint32_t flags, struct berth_error *err);

    /* The stop signal, then SIGKILL past the deadline; BERTH_NO_WAIT: at once. */
    int (*stop)(struct berth_oci *r, const struct berth_container *c, berth_deadline deadline,
                uint32_t flags, struct berth_error *err);

    /* Make runtime and monitor forget it: kills it if it runs, and deletes the exit file
     * and what else the monitor left, so ask for the exit code before.  That nobody
     * knows it is no failure. */
    int (*remove)(struct berth_oci *r, const struct berth_container *c,
                  struct berth_error *err);
    int (*pause)(struct berth_oci *r, const struct berth_container *c, struct berth_error *err);
    int (*unpause)(struct berth_oci *r, const struct berth_container *c,
                   struct berth_error *err);

    /* Change limits: a JSON LinuxResources. */
    int (*update)(struct berth_oci *r, const struct berth_container *c,
                  struct berth_blob resources, struct berth_error *err);

    /* Connect to the streams of a container, created or running, or of a running exec
     * session.  To miss nothing, attach to a created container, then start it. */
    int (*attach)(struct berth_oci *r, const struct berth_container *c, const char *session,
                  int *out_fd, struct berth_error *err);

    /* session NULL: the container's own terminal. */
    int (*resize)(struct berth_oci *r, const struct berth_container *c, const char *session,
                  struct berth_tty_size to, struct berth_error *err);

    /* Run a command; returns when it runs.  out_fd NULL: detached; else *out_fd is
     * joined to its streams from the first byte on. */
    int (*exec)(struct berth_oci *r, const struct berth_container *c,
                const struct berth_oci_exec *what, int *out_fd, int32_t *out_pid,
                struct berth_error *err);
    int (*exec_stop)(struct berth_oci *r, const struct berth_container *c, const char *session,
                     berth_deadline deadline, struct berth_error *err);

    /* 1: it runs; 0: it has ended, and *out_code says how. */
    int (*exec_status)(struct berth_oci *r, const struct berth_container *c,
                       const char *session, int32_t *out_code, struct berth_error *err);

    /* 1: its monitor runs; 0: it does not.  Without CAP_MONITOR, always 1. */
    int (*monitored)(struct berth_oci *r, const struct berth_container *c,
                     struct berth_error *err);

    int (*path)(struct berth_oci *r, const struct berth_container *c, uint32_t which,
                const char *session, struct berth_buf *out, struct berth_error *err);

    /* With CAP_CHECKPOINT. */
    int (*checkpoint)(struct berth_oci *r, const struct berth_container *c,
                      const struct berth_oci_checkpoint *how, uint64_t *out_usec,
                      struct berth_error *err);

    /* Wait for the end of a container, or of an exec session (NULL: none); runs no
     * program and needs no lock.  BERTH_NO_WAIT: look, do not wait.
     *      1   it has ended.  out->status is STOPPED and out->exit_code says how; or it is
     *          UNKNOWN: somebody else has taken the exit code away already
     *      0   the deadline came first
     *      -ENOTRECOVERABLE   the monitor is gone and left no exit code; out->status is
     *          RUNNING if the process out->pid goes on without it, else STOPPED
     *      -ECANCELED */
    int (*wait)(struct berth_oci *r, const struct berth_container *c, const char *session,
                berth_deadline deadline, struct berth_oci_status *out, struct berth_error *err);

    /* New members go here.  [1.0] */
};

/* clang-format off */
#define BERTH_OCI_PLUGIN(module, ops_, ...)                                           \
    BERTH_PLUGIN_(module, BERTH_KIND_OCI, "oci",                                      \
                  BERTH_OCI_ABI_MAJOR, BERTH_OCI_ABI_MINOR, BERTH_OCI_NEEDS,          \
                  (1 ? (ops_) : (const struct berth_oci_ops *)0), __VA_ARGS__)
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif /* BERTH_OCI_H */
