/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - the files of conmon: exit codes, fifos, sockets, and where they are. */
#ifndef OCI_FILES_H
#define OCI_FILES_H

#include "runtime.h"

/* Paths, fresh memory or NULL; session NULL: the container's own. */
char *rt_session_dir(const struct berth_container *c, const char *session);
char *rt_socket_path(const struct berth_container *c, const char *session);
char *rt_fifo_path(const struct berth_container *c, const char *session);
char *rt_exit_path(const struct berth_container *c, const char *session);

/* Is it a name that may be part of a path? */
bool rt_session_ok(const char *session);

/* Read an exit file.  1 and the three results; 0: there is none; -EPROTO: it is no exit
 * code (*out_finished is set then); -errno. */
int rt_read_exit(const char *path, int32_t *out_code, berth_date *out_finished);

/* Delete what conmon leaves of a container, the exit file included. */
void rt_remove_files(const struct berth_container *c);

/* Delete the pid files, so that no pid of a former run is taken for one of this. */
void rt_remove_pids(const struct berth_container *c);

/* A descriptor of conmon's control fifo: it shows POLLERR when the monitor is gone.
 * -ESRCH: it is gone now; -ENOENT: no fifo; -errno. */
int rt_open_fifo(const char *path);

#endif
