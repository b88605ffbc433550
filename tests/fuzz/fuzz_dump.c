/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dump.c - any bytes as a dump of a state store.
 *
 * What is accepted must come out again: the dump of the store that was filled is accepted,
 * and the dump of the store that is filled with that is the same text.
 */
#include "base/str.h"
#include "engine/dump.h"
#include "engine/load_dump.h"
#include "engine/store_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf *conf;

static void need(bool ok, const char *what, const struct berth_error *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, error_text(err));
    abort();
}

static void set_up(void)
{
    char *libs = str_printf("%s/.libs", str_or(getenv("top_builddir"), "."));
    char *absolute = libs ? realpath(libs, NULL) : NULL;
    const struct conf_override o[] = {{"plugin_dirs", absolute},
                                      {"graph_root", "/tmp/g"},
                                      {"run_root", "/tmp/r"},
                                      {"tmp_dir", "/tmp/t"}};
    struct berth_error err = ERROR_INIT;

    if (!absolute) {
        puts("there is no folder of plugins");
        exit(77);
    }
    need(conf_load("/dev/null", o, ARRAY_LEN(o), &conf, NULL, &err) == 0, "configuration",
         &err);
    free(absolute);
    free(libs);
}

static struct state *new_store(void)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct berth_place place;
    struct state *s = NULL;

    conf_place(conf, &place);
    need(state_open(conf, "memory", &place, NULL, 0, BERTH_STATE_CREATE, &s, &err) == 0,
         "opening", &err);
    return s;
}

static int add_line(void *arg, const char *line, size_t len, struct berth_error *err _unused_)
{
    buf_put(arg, line, len);
    return buf_putc(arg, '\n');
}

static void check(struct state *s)
{
    _cleanup_list_ struct berth_list report = LIST_INIT, deeds = LIST_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    need(store_check(s, true, &report, &deeds, &err) >= 0, "checking", &err);
}

static void again(struct state *s)
{
    _cleanup_buf_ struct berth_buf first = BUF_INIT, second = BUF_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct state *copy = new_store();
    struct load l = {0};

    need(dump_state(s, add_line, &first, &err) == 0, "dumping", &err);
    need(load_dump(copy, buf_blob(&first), false, &l, &err) == 0, "loading again", &err);
    need(dump_state(copy, add_line, &second, &err) == 0, "dumping again", &err);
    if (!str_eq(buf_str(&first), buf_str(&second))) {
        fprintf(stderr, "another dump:\n%s---\n%s", buf_str(&first), buf_str(&second));
        abort();
    }
    check(copy);
    state_close(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    struct berth_blob text = {data, size};
    struct state *s;
    struct load l = {0};

    if (!conf)
        set_up();
    s = new_store();
    if (load_dump(s, text, false, &l, &err) == 0)
        again(s);
    else
        need(err.code != 0, "an error without words", &err);
    state_close(s);
    return 0;
}
