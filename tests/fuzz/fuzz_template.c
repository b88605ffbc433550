/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_template.c - bytes as a Go template, run on a document with all kinds of values. */
#include "cmd/format.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json *document(void)
{
    static const char text[] =
        "{\"ID\":\"6b405a76ed7b\",\"Names\":[\"web\",\"www\"],\"Pid\":43,\"Half\":1.5,"
        "\"On\":true,\"Nil\":null,\"Labels\":{\"a\":\"1\"},\"Created\":"
        "\"2026-11-21T20:20:22.955994932Z\",\"State\":{\"ExitCode\":0}}";
    json *j = NULL;

    if (json_parse((struct berth_blob){text, sizeof(text) - 1}, "document", &j, NULL) < 0)
        abort();
    template_type(j, "fuzz.Row");
    template_type(json_get(j, "Created"), "time.Time");
    template_type(json_get(j, "State"), "*fuzz.State");
    return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = strndup((const char *)data, size);
    _cleanup_json_ json *rows = json_new_array();
    _cleanup_buf_ struct berth_buf out = BUF_INIT;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_format_ struct format format = {0};
    int r;

    if (!text)
        abort();
    json_add(rows, document());
    r = format_parse("fuzz", text, true, &format, &err);
    if (r == 0)
        r = format_run(&format, rows, NULL, &out, &err);
    /* A failure is described, a success is not. */
    if (r > 0 || (r < 0) != (err.code != 0))
        abort();
    return 0;
}
