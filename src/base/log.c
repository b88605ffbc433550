/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "base/log.h"
#include "base/buf.h"
#include "base/str.h"
#include <syslog.h>
#include <time.h>

static int threshold = BERTH_LOG_WARNING;
static bool to_syslog;

static const struct {
    const char *word;
    int level;
} words[] = {
    {"panic", BERTH_LOG_ERROR},     {"fatal", BERTH_LOG_ERROR},  {"error", BERTH_LOG_ERROR},
    {"warning", BERTH_LOG_WARNING}, {"warn", BERTH_LOG_WARNING}, {"info", BERTH_LOG_INFO},
    {"debug", BERTH_LOG_DEBUG},     {"trace", BERTH_LOG_DEBUG},
};

void log_set_level(int level)
{
    threshold = level;
}

void log_set_syslog(bool on)
{
    if (on && !to_syslog)
        openlog("berth", LOG_PID, LOG_USER);
    to_syslog = on;
}

int log_level(void)
{
    return threshold;
}

int log_parse_level(const char *word, int *out)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(word, words[i].word) == 0) {
            *out = words[i].level;
            return 0;
        }
    return -EINVAL;
}

const char *log_level_name(int level)
{
    if (level <= BERTH_LOG_ERROR)
        return "error";
    if (level == BERTH_LOG_WARNING)
        return "warning";
    return level >= BERTH_LOG_DEBUG ? "debug" : "info";
}

void log_vwrite(int level, const char *file, int line, const char *fmt, va_list ap)
{
    _cleanup_buf_ struct berth_buf out = BUF_INIT, msg = BUF_INIT;
    char when[64] = "";
    struct tm tm;
    time_t now;

    if (!log_enabled(level))
        return;
    now = time(NULL);
    if (localtime_r(&now, &tm))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", &tm);
    buf_vprintf(&msg, fmt, ap);
    if (to_syslog)
        syslog(level, "%s", buf_str(&msg));
    buf_printf(&out, "time=\"%s\" level=%s msg=\"", when, log_level_name(level));
    for (const char *s = buf_str(&msg); *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_putc(&out, '\\');
        if (*s == '\n')
            buf_puts(&out, "\\n");
        else
            buf_putc(&out, *s);
    }
    buf_putc(&out, '"');
    if (file && threshold >= BERTH_LOG_DEBUG)
        buf_printf(&out, " at=%s:%d", file, line);
    buf_putc(&out, '\n');
    if (!buf_error(&out) && write(STDERR_FILENO, out.data, out.len) < 0)
        return; /* nobody left to tell */
}

void log_write(int level, const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_vwrite(level, file, line, fmt, ap);
    va_end(ap);
}
