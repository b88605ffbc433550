/* SPDX-License-Identifier: Apache-2.0 */
/* A host for plugins under test: see testhost.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/lib/testhost.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct berth_error {
    int code;
    unsigned calls;
    char text[4096];
};

struct berth_buf {
    char *data;
    size_t len, cap;
};

struct berth_list {
    char **strings;
    size_t n, cap;
};

struct berth_config {
    const struct berth_plugin *plugin;
    char **values; /* one per declared option; NULL: not set */
};

/* The host's services get this back as their first argument. */
struct berth_core {
    berth_date now;
    int cancelled;
    unsigned fail_in; /* put() and add() calls until one fails; 0: never */
    struct berth_buf log;
    testhost_run_fn *run;
    void *run_arg;
    struct testhost *th;
};

struct testhost {
    struct berth_core core;
    struct berth_host host;
};

static void *need(void *p)
{
    if (!p) {
        fputs("testhost: out of memory\n", stderr);
        abort();
    }
    return p;
}

static void append(struct berth_buf *buf, const void *data, size_t len)
{
    if (buf->len + len + 1 > buf->cap) {
        buf->cap = (buf->len + len + 1) * 2;
        buf->data = need(realloc(buf->data, buf->cap));
    }
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

/* ------------------------------------------------------------------ services */

static void host_vlog(struct berth_core *core, int level, const char *file, int line,
                      const char *fmt, va_list ap) BERTH_PRINTF(5, 0);
static void host_log(struct berth_core *core, int level, const char *file, int line,
                     const char *fmt, ...) BERTH_PRINTF(5, 6);
static int host_fail(struct berth_core *core, struct berth_error *err, int code,
                     const char *file, int line, const char *fmt, ...) BERTH_PRINTF(6, 7);
static int host_vfail(struct berth_core *core, struct berth_error *err, int code,
                      const char *file, int line, const char *fmt, va_list ap)
    BERTH_PRINTF(6, 0);
static int host_wrap(struct berth_core *core, struct berth_error *err, const char *fmt, ...)
    BERTH_PRINTF(3, 4);

static void host_vlog(struct berth_core *core, int level, const char *file, int line,
                      const char *fmt, va_list ap)
{
    char text[2048], head[32];

    (void)file;
    (void)line;
    snprintf(head, sizeof head, "%d ", level);
    vsnprintf(text, sizeof text, fmt, ap);
    append(&core->log, head, strlen(head));
    append(&core->log, text, strlen(text));
    append(&core->log, "\n", 1);
}

static void host_log(struct berth_core *core, int level, const char *file, int line,
                     const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    host_vlog(core, level, file, line, fmt, ap);
    va_end(ap);
}

static int host_log_enabled(struct berth_core *core, int level)
{
    (void)core;
    (void)level;
    return 1;
}

static int host_vfail(struct berth_core *core, struct berth_error *err, int code,
                      const char *file, int line, const char *fmt, va_list ap)
{
    (void)core;
    (void)file;
    (void)line;
    if (err) {
        err->code = code;
        err->calls++;
        vsnprintf(err->text, sizeof err->text, fmt, ap);
    }
    return -code;
}

static int host_fail(struct berth_core *core, struct berth_error *err, int code,
                     const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = host_vfail(core, err, code, file, line, fmt, ap);
    va_end(ap);
    return r;
}

static int host_wrap(struct berth_core *core, struct berth_error *err, const char *fmt, ...)
{
    struct berth_buf text = {0};
    char head[1024];
    va_list ap;

    (void)core;
    if (!err)
        return -EIO;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    append(&text, head, strlen(head));
    append(&text, ": ", 2);
    append(&text, err->text, strlen(err->text) + 1);
    if (text.len > sizeof err->text)
        text.len = sizeof err->text;
    memcpy(err->text, text.data, text.len);
    err->text[sizeof err->text - 1] = '\0';
    free(text.data);
    return -err->code;
}

static int must_fail(struct berth_core *core)
{
    return core->fail_in && --core->fail_in == 0;
}

static int host_put(struct berth_core *core, struct berth_buf *buf, const void *data,
                    size_t len)
{
    if (must_fail(core))
        return -ENOMEM;
    append(buf, data, len);
    return 0;
}

static int host_add(struct berth_core *core, struct berth_list *list, const char *string)
{
    if (must_fail(core))
        return -ENOMEM;
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->strings = need(realloc(list->strings, list->cap * sizeof *list->strings));
    }
    list->strings[list->n++] = need(strdup(string));
    return 0;
}

static const struct berth_option *find_option(const struct berth_plugin *p, const char *name,
                                              uint32_t *index)
{
    for (uint32_t i = 0; i < p->n_options; i++) {
        const struct berth_option *o =
            (const void *)((const char *)p->options + (size_t)i * p->option_size);
        if (strcmp(o->name, name) == 0) {
            *index = i;
            return o;
        }
    }
    return NULL;
}

static const char *option_text(const struct berth_config *cfg, const char *name)
{
    uint32_t i;

    if (!find_option(cfg->plugin, name, &i)) {
        fprintf(stderr,
                "testhost: plugin %s asks for option \"%s\", which it did not declare\n",
                cfg->plugin->name, name);
        abort();
    }
    return cfg->values[i];
}

static const struct unit {
    const char *name;
    int64_t factor;
} size_units[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}},
  time_units[] = {{"ns", 1},         {"us", 1000},         {"ms", 1000000},
                  {"s", 1000000000}, {"min", 60000000000}, {"h", 3600000000000},
                  {NULL, 0}},
  no_units[] = {{"", 1}, {NULL, 0}};

static int parse_int(const char *text, const struct unit *units, int64_t *out)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 0);
    if (end == text || errno)
        return -EINVAL;
    for (; units->name; units++) {
        if (strcmp(end, units->name) == 0)
            return __builtin_mul_overflow(v, units->factor, out) ? -EINVAL : 0;
    }
    return -EINVAL;
}

static int parse_bool(const char *text, int *out)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "1") == 0)
        *out = 1;
    else if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "0") == 0)
        *out = 0;
    else
        return -EINVAL;
    return 0;
}

static const struct unit *units_of(uint32_t type)
{
    if (type == BERTH_OPTION_SIZE)
        return size_units;
    return type == BERTH_OPTION_TIME ? time_units : no_units;
}

static const char *host_option_string(const struct berth_config *cfg, const char *name)
{
    return option_text(cfg, name);
}

static int64_t host_option_int(const struct berth_config *cfg, const char *name)
{
    const char *text = option_text(cfg, name);
    int64_t v = 0;
    uint32_t i;

    if (text)
        parse_int(text, units_of(find_option(cfg->plugin, name, &i)->type), &v);
    return v;
}

static int host_option_bool(const struct berth_config *cfg, const char *name)
{
    const char *text = option_text(cfg, name);
    int v = 0;

    if (text)
        parse_bool(text, &v);
    return v;
}

static berth_date host_now(struct berth_core *core)
{
    struct timespec ts;

    if (core->now)
        return core->now;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (berth_date)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int host_cancelled(struct berth_core *core)
{
    return core->cancelled;
}

static int host_run(struct berth_core *core, const struct berth_run *what,
                    struct berth_error *err)
{
    if (!core->run)
        return host_fail(core, err, ENOENT, __FILE__, __LINE__, "no program \"%s\" here",
                         what->argv[0]);
    return core->run(core->run_arg, &core->th->host, what, err);
}

static struct berth_buf *host_buf_new(struct berth_core *core)
{
    (void)core;
    return testhost_buf_new();
}

static void host_buf_free(struct berth_core *core, struct berth_buf *buf)
{
    (void)core;
    testhost_buf_free(buf);
}

static struct berth_blob host_buf_data(struct berth_core *core, const struct berth_buf *buf)
{
    (void)core;
    return (struct berth_blob){testhost_buf_data(buf), testhost_buf_len(buf)};
}

/* ------------------------------------------------------------------ the host */

struct testhost *testhost_new(void)
{
    struct testhost *th = need(calloc(1, sizeof *th));

    th->core.th = th;
    append(&th->core.log, "", 0);
    th->host = (struct berth_host){
        .size = (uint32_t)sizeof th->host,
        .abi_major = BERTH_ABI_MAJOR,
        .abi_minor = BERTH_ABI_MINOR,
        .version = "test",
        .core = &th->core,
        .log = host_log,
        .vlog = host_vlog,
        .log_enabled = host_log_enabled,
        .fail = host_fail,
        .vfail = host_vfail,
        .wrap = host_wrap,
        .put = host_put,
        .add = host_add,
        .option_string = host_option_string,
        .option_int = host_option_int,
        .option_bool = host_option_bool,
        .now = host_now,
        .cancelled = host_cancelled,
        .run = host_run,
        .buf_new = host_buf_new,
        .buf_free = host_buf_free,
        .buf_data = host_buf_data,
    };
    return th;
}

void testhost_free(struct testhost *th)
{
    if (!th)
        return;
    free(th->core.log.data);
    free(th);
}

const struct berth_host *testhost_host(struct testhost *th)
{
    return &th->host;
}

void testhost_set_now(struct testhost *th, berth_date now)
{
    th->core.now = now;
}

void testhost_set_cancelled(struct testhost *th, int on)
{
    th->core.cancelled = on;
}

void testhost_fail_result(struct testhost *th, unsigned n)
{
    th->core.fail_in = n;
}

const char *testhost_log(struct testhost *th)
{
    return th->core.log.data;
}

void testhost_on_run(struct testhost *th, testhost_run_fn *fn, void *arg)
{
    th->core.run = fn;
    th->core.run_arg = arg;
}

/* ------------------------------------------------------------------- plugins */

const struct berth_plugin *testhost_load(const char *dir, const char *module)
{
    const char *build = getenv("top_builddir");
    const struct berth_plugin *p;
    char path[4096], symbol[256];
    void *dl;

    if (dir)
        snprintf(path, sizeof path, "%s/%s.so", dir, module);
    else
        snprintf(path, sizeof path, "%s/.libs/%s.so", build ? build : ".", module);
    snprintf(symbol, sizeof symbol, "%s_LTX_berth_plugin", module);

    dl = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    p = dl ? dlsym(dl, symbol) : NULL;
    if (!p) {
        fprintf(stderr, "testhost: %s\n", dlerror());
        return NULL;
    }
    if (p->magic != BERTH_PLUGIN_MAGIC || p->abi_major != BERTH_ABI_MAJOR) {
        fprintf(stderr, "testhost: %s: not a plugin of this ABI\n", path);
        return NULL;
    }
    return p;
}

void testhost_ops(const struct berth_plugin *p, void *ops, size_t size)
{
    uint32_t theirs;

    memset(ops, 0, size);
    memcpy(&theirs, p->ops, sizeof theirs);
    memcpy(ops, p->ops, theirs < size ? theirs : size);
}

struct berth_config *testhost_config_new(const struct berth_plugin *p)
{
    struct berth_config *cfg = need(calloc(1, sizeof *cfg));

    cfg->plugin = p;
    cfg->values = need(calloc(p->n_options + 1u, sizeof *cfg->values));
    for (uint32_t i = 0; i < p->n_options; i++) {
        const struct berth_option *o =
            (const void *)((const char *)p->options + (size_t)i * p->option_size);
        if (o->preset)
            cfg->values[i] = need(strdup(o->preset));
    }
    return cfg;
}

void testhost_config_free(struct berth_config *cfg)
{
    if (!cfg)
        return;
    for (uint32_t i = 0; i < cfg->plugin->n_options; i++)
        free(cfg->values[i]);
    free(cfg->values);
    free(cfg);
}

int testhost_config_set(struct berth_config *cfg, const char *name, const char *text)
{
    const struct berth_option *o;
    int64_t number;
    uint32_t i;
    int flag, r = 0;

    o = find_option(cfg->plugin, name, &i);
    if (!o)
        return -ENOENT;
    switch (o->type) {
    case BERTH_OPTION_INT:
    case BERTH_OPTION_SIZE:
    case BERTH_OPTION_TIME:
        r = parse_int(text, units_of(o->type), &number);
        break;
    case BERTH_OPTION_BOOL:
        r = parse_bool(text, &flag);
        break;
    case BERTH_OPTION_PATH:
        r = text[0] == '/' ? 0 : -EINVAL;
        break;
    default:
        break;
    }
    if (r < 0)
        return r;
    free(cfg->values[i]);
    cfg->values[i] = need(strdup(text));
    return 0;
}

/* -------------------------------------------------------------------- errors */

struct berth_error *testhost_error_new(void)
{
    return need(calloc(1, sizeof(struct berth_error)));
}

void testhost_error_free(struct berth_error *err)
{
    free(err);
}

void testhost_error_clear(struct berth_error *err)
{
    memset(err, 0, sizeof *err);
}

int testhost_error_code(const struct berth_error *err)
{
    return err->code;
}

const char *testhost_error_text(const struct berth_error *err)
{
    return err->text;
}

unsigned testhost_error_calls(const struct berth_error *err)
{
    return err->calls;
}

/* ------------------------------------------------------------------- results */

struct berth_buf *testhost_buf_new(void)
{
    struct berth_buf *buf = need(calloc(1, sizeof *buf));

    append(buf, "", 0);
    return buf;
}

void testhost_buf_free(struct berth_buf *buf)
{
    if (buf)
        free(buf->data);
    free(buf);
}

void testhost_buf_clear(struct berth_buf *buf)
{
    buf->len = 0;
    buf->data[0] = '\0';
}

size_t testhost_buf_len(const struct berth_buf *buf)
{
    return buf->len;
}

const char *testhost_buf_data(const struct berth_buf *buf)
{
    return buf->data;
}

struct berth_list *testhost_list_new(void)
{
    return need(calloc(1, sizeof(struct berth_list)));
}

void testhost_list_clear(struct berth_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->strings[i]);
    list->n = 0;
}

void testhost_list_free(struct berth_list *list)
{
    if (!list)
        return;
    testhost_list_clear(list);
    free(list->strings);
    free(list);
}

size_t testhost_list_len(const struct berth_list *list)
{
    return list->n;
}

const char *testhost_list_get(const struct berth_list *list, size_t i)
{
    return i < list->n ? list->strings[i] : NULL;
}
