/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line to standard error, in one write.
 *
 * Lines look like podman's: time="..." level=warning msg="...".  On a terminal too, so
 * that scripts see one form.  The level is set once, by --log-level, at start-up.
 */
#ifndef BERTH_BASE_LOG_H
#define BERTH_BASE_LOG_H

#include "base/attr.h"
#include <berth/plugin.h>
#include <stdbool.h>

void log_set_level(int level);
int log_level(void);

/* Send every line to the system log as well. */
void log_set_syslog(bool on);

/* Parse podman's words (trace, debug, info, warn, warning, error, fatal, panic). -EINVAL. */
int log_parse_level(const char *word, int *out);
const char *log_level_name(int level);

static inline bool log_enabled(int level)
{
    return level <= log_level();
}

void log_write(int level, const char *file, int line, const char *fmt, ...) _printf_(4, 5);
void log_vwrite(int level, const char *file, int line, const char *fmt, va_list ap)
    _printf_(4, 0);

#define log_at(level, ...)                                                                     \
    do {                                                                                       \
        if (log_enabled(level))                                                                \
            log_write((level), __FILE__, __LINE__, __VA_ARGS__);                               \
    } while (0)
#define log_debug(...)   log_at(BERTH_LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_at(BERTH_LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_at(BERTH_LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_at(BERTH_LOG_ERROR, __VA_ARGS__)

#endif
