/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - the services that plugins get, on top of src/base. */
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/time.h"
#include "load/private.h"

static void _printf_(5, 0) host_vlog(struct berth_core *core, int level, const char *file,
                                     int line, const char *fmt, va_list ap)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!log_enabled(level))
        return;
    buf_vprintf(&text, fmt, ap);
    log_write(level, file, line, "%s: %s", core->module, buf_str(&text));
}

static void _printf_(5, 6) host_log(struct berth_core *core, int level, const char *file,
                                    int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    host_vlog(core, level, file, line, fmt, ap);
    va_end(ap);
}

static int host_log_enabled(struct berth_core *core _unused_, int level)
{
    return log_enabled(level);
}

static int _printf_(6, 0)
    host_vfail(struct berth_core *core _unused_, struct berth_error *err, int code,
               const char *file, int line, const char *fmt, va_list ap)
{
    return error_vset(err, code, file, line, fmt, ap);
}

static int _printf_(6, 7) host_fail(struct berth_core *core _unused_, struct berth_error *err,
                                    int code, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = error_vset(err, code, file, line, fmt, ap);
    va_end(ap);
    return r;
}

static int _printf_(3, 4)
    host_wrap(struct berth_core *core _unused_, struct berth_error *err, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = error_vwrap(err, fmt, ap);
    va_end(ap);
    return r;
}

static int host_put(struct berth_core *core _unused_, struct berth_buf *buf, const void *data,
                    size_t len)
{
    return buf_put(buf, data, len);
}

static int host_add(struct berth_core *core _unused_, struct berth_list *list,
                    const char *string)
{
    return list_add(list, string);
}

static berth_date host_now(struct berth_core *core _unused_)
{
    return time_now();
}

static int host_cancelled(struct berth_core *core _unused_)
{
    return proc_cancelled;
}

static int host_run(struct berth_core *core _unused_, const struct berth_run *what,
                    struct berth_error *err)
{
    return proc_run(what, err);
}

static struct berth_buf *host_buf_new(struct berth_core *core _unused_)
{
    return calloc(1, sizeof(struct berth_buf));
}

static void host_buf_free(struct berth_core *core _unused_, struct berth_buf *buf)
{
    if (!buf)
        return;
    buf_free(buf);
    free(buf);
}

static struct berth_blob host_buf_data(struct berth_core *core _unused_,
                                       const struct berth_buf *buf)
{
    return (struct berth_blob){buf_str(buf), buf->len};
}

void host_init(struct loaded *l)
{
    l->core.module = l->pub.module;
    l->host = (struct berth_host){
        .size = sizeof(l->host),
        .abi_major = BERTH_ABI_MAJOR,
        .abi_minor = BERTH_ABI_MINOR,
        .version = PACKAGE_VERSION,
        .core = &l->core,
        .log = host_log,
        .vlog = host_vlog,
        .log_enabled = host_log_enabled,
        .fail = host_fail,
        .vfail = host_vfail,
        .wrap = host_wrap,
        .put = host_put,
        .add = host_add,
        .option_string = conf_instance_string,
        .option_int = conf_instance_int,
        .option_bool = conf_instance_bool,
        .now = host_now,
        .cancelled = host_cancelled,
        .run = host_run,
        .buf_new = host_buf_new,
        .buf_free = host_buf_free,
        .buf_data = host_buf_data,
    };
}
