/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - what single values of berth.conf must look like. */
#ifndef BERTH_CONF_CHECK_H
#define BERTH_CONF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Each gives one clause that says what is wanted, or NULL when the value is in order. */
const char *check_ulimit(const char *v);      /* "nofile=1024:4096" */
const char *check_device(const char *v);      /* "/dev/fuse[:/dev/fuse[:rwm]]" */
const char *check_timezone(const char *v);    /* "local" or a zone of this host */
const char *check_umask(const char *v);       /* 1 to 4 octal digits */
const char *check_assignment(const char *v);  /* "name=value" */
const char *check_absolute(const char *v);    /* a path, without ".." */
const char *check_plugin_name(const char *v); /* [a-z][a-z0-9_]* */
const char *check_log_size(const char *v);    /* negative, or 8192 and more */

/* "true", "yes", "on", "1" and their opposites, any case.  0 or -EINVAL. */
int check_bool(const char *v, bool *out);

/* Sizes with decimal units, as podman's configuration has them: "64k" is 64000; "KiB" and
 * the like are multiples of 1024.  0, -EINVAL or -ERANGE. */
int check_size(const char *v, int64_t *out);

/* Spans of time: "500ms", "1h30min"; a bare number counts seconds.  In nanoseconds. */
int check_time(const char *v, int64_t *out);

#endif
