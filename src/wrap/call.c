/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - see call.h. */
#include "wrap/call.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "wrap/fault.h"
#include "wrap/wrap.h"

/* A plugin broke the rules of the ABI.  In a build tree that ends the program, so that
 * nobody gets used to it; elsewhere the user gets on with what there is. */
#ifdef BERTH_UNINSTALLED
#define RULE_BROKEN(...)                                                                       \
    do {                                                                                       \
        log_error(__VA_ARGS__);                                                                \
        abort();                                                                               \
    } while (0)
#else
#define RULE_BROKEN(...) log_debug(__VA_ARGS__)
#endif

/* ------------------------------------------------------------------ instances */

int instance_init(struct instance *i, const struct conf *c, uint32_t kind, const char *name,
                  const char *section, const struct conf_override *overrides, size_t n,
                  struct berth_error *err)
{
    int r = plugin_load(c, kind, name, &i->plugin, err);

    if (r < 0)
        return r;
    r = conf_instance(c, section ? section : i->plugin->module, i->plugin->desc.options,
                      i->plugin->desc.n_options, i->plugin->desc.option_size, overrides, n,
                      &i->config, err);
    if (r < 0)
        return r;
    plugin_mutex_init(&i->own);
    switch (i->plugin->desc.threads) {
    case BERTH_THREADS_ONE:
        i->mutex = plugin_mutex(i->plugin);
        break;
    case BERTH_THREADS_INSTANCE:
        i->mutex = &i->own;
        break;
    default:
        i->mutex = NULL;
    }
    return 0;
}

void instance_free(struct instance *i)
{
    conf_instance_free(i->config);
    i->config = NULL;
    pthread_mutex_destroy(&i->own);
}

int wrap_prepare(const struct conf *c, uint32_t kind, const char *name, struct berth_error *err)
{
    struct instance i = {0};
    int r = instance_init(&i, c, kind, name, NULL, NULL, 0, err);

    if (r == 0)
        instance_free(&i);
    return r;
}

/* ---------------------------------------------------------------------- trace */

static unsigned traced_kinds(void)
{
    static const char *const words[] = {"state", "lock", "oci", "net"};
    const char *text = getenv("BERTH_TRACE");
    _cleanup_list_ struct berth_list parts = LIST_INIT;
    unsigned kinds = 0;

    if (str_empty(text))
        return 0;
    list_split(&parts, text, ',', false);
    if (list_has(&parts, "all"))
        return ~0u;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (list_has(&parts, words[i]))
            kinds |= 1u << plugin_kind_of(words[i]);
    return kinds;
}

static unsigned kinds_of_trace;
static pthread_once_t trace_once = PTHREAD_ONCE_INIT;

static void trace_init(void)
{
    kinds_of_trace = traced_kinds();
}

static bool traced(const struct instance *i)
{
    pthread_once(&trace_once, trace_init);
    return kinds_of_trace & (1u << i->plugin->desc.kind);
}

static void trace(const struct call *c, int64_t result, bool has_result)
{
    double ms = time_ms_since(c->began);
    _cleanup_buf_ struct berth_buf line = BUF_INIT;

    buf_printf(&line, "trace: %s %s %.3f ms", c->instance->plugin->module, c->op, ms);
    if (has_result)
        buf_printf(&line, " = %lld", (long long)result);
    if (has_result && result < 0)
        buf_printf(&line, " (%s)", c->err->code ? error_text(c->err) : strerror((int)-result));
    buf_putc(&line, '\n');
    fs_write_fd(STDERR_FILENO, buf_str(&line), line.len);
}

/* ---------------------------------------------------------------------- calls */

void call_void_begin(struct call *c, const struct instance *i, const char *op)
{
    *c = (struct call){.instance = i, .op = op, .err = &c->own};
    if (i->mutex)
        pthread_mutex_lock(i->mutex);
    if (traced(i))
        c->began = time_monotonic();
}

void call_void_end(struct call *c)
{
    if (c->began)
        trace(c, 0, false);
    if (c->instance->mutex)
        pthread_mutex_unlock(c->instance->mutex);
}

int call_begin(struct call *c, const struct instance *i, const char *op, bool present,
               struct berth_error *err)
{
    int code;

    if (!present)
        return fail(err, ENOTSUP, "%s plugin \"%s\" does not support %s",
                    plugin_kind_name(i->plugin->desc.kind), i->plugin->desc.name, op);
    code = fault_wanted(plugin_kind_name(i->plugin->desc.kind), op);
    if (code)
        return fail(err, code, "%s of %s: injected fault: %s", op, i->plugin->module,
                    strerror(code));
    call_void_begin(c, i, op);
    c->err = err ? err : &c->own;
    c->code_before = c->err->code;
    return 0;
}

static void check_failure(struct call *c, int64_t result)
{
    const char *module = c->instance->plugin->module;

    if (!c->err->code) {
        RULE_BROKEN("%s: %s failed with %lld and did not say why", module, c->op,
                    (long long)result);
        fail_errno(c->err, (int)-result, "%s of %s failed", c->op, module);
    } else if (c->code_before == 0 && -result != c->err->code) {
        RULE_BROKEN("%s: %s failed with %lld, but described error %d (%s)", module, c->op,
                    (long long)result, c->err->code, error_text(c->err));
    }
}

int64_t call_end(struct call *c, int64_t result, bool lent)
{
    fault_done();
    if (c->began)
        trace(c, result, true);
    if (c->instance->mutex)
        pthread_mutex_unlock(c->instance->mutex);
    if (result < 0 && !lent)
        check_failure(c, result);
    if (result >= 0 && c->code_before == 0 && c->err->code) {
        if (!lent)
            RULE_BROKEN("%s: %s succeeded, but described an error: %s",
                        c->instance->plugin->module, c->op, error_text(c->err));
        error_clear(c->err);
    }
    error_clear(&c->own);
    return result;
}
