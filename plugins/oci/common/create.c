/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - create or restore a container through conmon, and forget it. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "args.h"
#include "call.h"
#include "files.h"
#include "launch.h"
#include "message.h"
#include "monitor.h"
#include "wait.h"

#define ORPHAN_TIME (10 * RT_SECOND) /* for a runtime whose conmon died */

static const struct berth_oci_create no_options = {.size = sizeof(no_options)};

/* crun gives the streams of a container in a user namespace to its root user, and
 * conmon's standard input is the host's /dev/null. */
static void mend_null(void)
{
    struct stat st;

    if (geteuid() == 0 && stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) &&
        (st.st_uid != 0 || st.st_gid != 0) && chown("/dev/null", 0, 0) == 0)
        chmod("/dev/null", 0666);
}

static int32_t read_pid(const char *path)
{
    int64_t pid;

    return path && rt_read_number(path, 1, INT_MAX, &pid) == 0 ? (int32_t)pid : 0;
}

static void write_pid(const char *path, int32_t pid)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

    if (fd < 0)
        return;
    dprintf(fd, "%d", (int)pid);
    close(fd);
}

/* What a former run left must not be taken for this one's; and the runtime appends to
 * its log.  From here on the file of conmon's pid tells that there may be something of ours:
 * whoever finds it without a pid knows that a creation was interrupted. */
static void clear_former(const struct berth_container *c, const char *oci_log)
{
    rt_remove_files(c);
    rt_remove_pids(c);
    unlink(oci_log);
    write_pid(c->monitor_pid_file, 0);
}

/* FIRST: there is another try if the runtime has the container already, so -EEXIST comes
 * without a description.  *out_failed: what the engine did meanwhile is what failed. */
static int launch(struct berth_oci *r, const struct berth_container *c,
                  const struct berth_oci_create *how, const char *oci_log, bool first,
                  int32_t *out_pid, bool *out_told, bool *out_failed, struct berth_error *err)
{
    RT_STRV struct rt_strv argv = {0};
    struct rt_launch l = RT_LAUNCH;
    int rc;

    rt_args_create(r, c, how, oci_log, &argv);
    if (!rt_strv_ok(&argv))
        return rt_no_memory(r, err);
    l.argv = argv.v;
    /* conmon leaves the file `oom` in its working directory. */
    l.cwd = c->bundle;
    l.oci_log = oci_log;
    l.fds = how->fds;
    l.n_fds = how->n_fds;
    l.keep_fds = how->keep_fds;
    l.n_keep_fds = how->n_keep_fds;
    l.passthrough = c->log_driver && strcmp(c->log_driver, "passthrough") == 0;
    l.container = c;
    l.may_exist = first;
    rc = rt_launch_begin(r, &l, err);
    if (rc == 0 && first && BERTH_HAS(how, meanwhile)) {
        rc = how->meanwhile(how->arg);
        *out_failed = rc < 0;
    }
    if (rc == 0)
        rc = rt_launch_go(r, &l, err);
    if (rc == 0)
        rc = rt_launch_pid(r, &l, out_pid, err);
    /* conmon's first process was killed before it wrote the file. */
    if (rc == 0 && l.monitor > 0 && !read_pid(c->monitor_pid_file))
        write_pid(c->monitor_pid_file, l.monitor);
    *out_told = l.told;
    rt_launch_end(&l);
    return rc;
}

/* After a failure: nothing of it is left over. */
static void undo(struct berth_oci *r, const struct berth_container *c, bool told, bool hangs)
{
    static const char *const words[] = {"delete", "--force", NULL};
    const struct rt_call what = {.words = words, .id = c->id};

    if (hangs)
        rt_kill_monitor(c->id, read_pid(c->monitor_pid_file));
    else if (told)
        rt_end_creation(r, c->id, rt_now() + ORPHAN_TIME);
    if (told)
        rt_call(r, &what, NULL, NULL);
    rt_remove_files(c);
    rt_remove_pids(c);
}

/* The runtime has a container of this ID.  If it never ran, or has ended, an engine was
 * killed before it noted so: take it away.  0: gone. */
static int remove_stale(struct berth_oci *r, const struct berth_container *c, int32_t monitor)
{
    static const char *const words[] = {"delete", "--force", NULL};
    const struct rt_call what = {.words = words, .id = c->id};
    int32_t pid;
    int state = rt_state(r, c, &pid, NULL);

    if (state != BERTH_OCI_CREATED && state != BERTH_OCI_STOPPED)
        return -EEXIST;
    berth_log(r->h, BERTH_LOG_WARNING,
              "container %s: removing what is left of a start that "
              "was interrupted",
              c->id);
    rt_kill_monitor(c->id, monitor);
    return rt_call(r, &what, NULL, NULL);
}

int rt_create(struct berth_oci *r, const struct berth_container *c,
              const struct berth_oci_create *how, struct berth_oci_status *out,
              uint64_t *out_usec, struct berth_error *err)
{
    struct berth_oci_status s = {.size = sizeof(s)};
    RT_FREE char *oci_log = NULL;
    int32_t pid = 0, monitor, old;
    berth_deadline begun = rt_now();
    bool told = false, failed = false;
    int rc = rt_args_check(r, c, err);

    if (rc < 0)
        return rc;
    if (!how)
        how = &no_options;
    oci_log = rt_format("%s/oci-log", c->run_dir);
    if (!oci_log)
        return rt_no_memory(r, err);
    if (mkdir(c->exit_dir, 0750) < 0 && errno != EEXIST)
        return berth_fail(r->h, err, errno, "cannot make %s: %m", c->exit_dir);
    old = read_pid(c->monitor_pid_file);
    /* What belongs to one that runs must not be cleared away. */
    if (rt_monitored(r, c, NULL) == 1 && remove_stale(r, c, old) < 0)
        return berth_fail(r->h, err, EEXIST, "container %s is there already, and runs", c->id);
    clear_former(c, oci_log);
    rc = launch(r, c, how, oci_log, true, &pid, &told, &failed, err);
    if (rc == -EEXIST && !failed) {
        /* It may not be ours to remove, and neither is then what belongs to it. */
        if (remove_stale(r, c, old) < 0)
            return berth_fail(r->h, err, EEXIST, "%s has a container %s already", r->name,
                              c->id);
        clear_former(c, oci_log);
        rc = launch(r, c, how, oci_log, false, &pid, &told, &failed, err);
    }
    mend_null();
    if (rc < 0) {
        undo(r, c, told, rc == -ETIMEDOUT);
        unlink(oci_log);
        return rc;
    }
    monitor = read_pid(c->monitor_pid_file);
    if (!monitor)
        berth_log(r->h, BERTH_LOG_WARNING, "conmon left no pid in %s", c->monitor_pid_file);
    s.status = how->checkpoint ? BERTH_OCI_RUNNING : BERTH_OCI_CREATED;
    s.pid = pid;
    s.monitor_pid = monitor;
    rt_give_status(out, &s);
    if (out_usec)
        *out_usec = (rt_now() - begun) / 1000;
    return 0;
}

/* Removing a running container ends it, and conmon then leaves word of that: wait for
 * it, so that it does not come after we have tidied up. */
static void await_exit_file(struct berth_oci *r, const struct berth_container *c)
{
    struct berth_oci_status s = {.size = sizeof(s)};

    rt_wait(r, c, NULL, rt_now() + 2 * RT_SECOND, &s, NULL);
}

int rt_remove(struct berth_oci *r, const struct berth_container *c, struct berth_error *err)
{
    static const char *const words[] = {"delete", "--force", NULL};
    const struct rt_call what = {.words = words, .id = c->id};
    RT_FREE char *file = rt_exit_path(c, NULL);
    bool ended = !file || access(file, F_OK) == 0;
    int rc;

    /* Without a pid it was never recorded: who created it died meanwhile, and conmon may just
     * be at it. */
    if (c->pid <= 0 && !ended) {
        rt_end_creation(r, c->id, rt_now() + ORPHAN_TIME);
        ended = true;
    }
    rc = rt_call(r, &what, NULL, NULL);

    /* Whoever removes a container forgets it whatever fails here: a runtime that was killed at
     * its work gets a second chance. */
    if (rc < 0)
        rc = rt_call(r, &what, NULL, err);
    if (rc < 0)
        return rc;
    if (!ended)
        await_exit_file(r, c);
    rt_remove_files(c);
    rt_remove_pids(c);
    return 0;
}
