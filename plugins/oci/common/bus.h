/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h - as much of D-Bus as starting a transient scope of systemd takes.
 *
 * A connection is used by one thread, for one purpose, and closed.
 */
#ifndef OCI_BUS_H
#define OCI_BUS_H

#include "util.h"

/* Put process `pid` into a new scope unit below a slice and wait until systemd has done
 * so.  `address` is a bus address ("unix:path=/run/dbus/system_bus_socket").
 *
 * 0, or -errno: -EEXIST: there is such a unit; -ECONNREFUSED and the like: no bus;
 * -EREMOTEIO: systemd said no; -EPROTO; -ETIMEDOUT.  *out_error (fresh memory, may stay
 * NULL): what the bus or systemd said. */
int rt_bus_start_scope(const char *address, const char *unit, const char *slice, pid_t pid,
                       berth_deadline deadline, char **out_error);

#endif
