/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of a volume plugin.  Whether they come at once or one by one, what
 * is read is the same; and what is taken out of it can be used as what it stands for.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/http.h"
#include "base/str.h"
#include "engine/names.h"
#include "engine/volume_plugin.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_apart(const struct berth_buf *body)
{
    _cleanup_list_ struct berth_list names = LIST_INIT, kinds = LIST_INIT;
    _cleanup_free_ char *path = NULL;
    _cleanup_json_ json *answer = NULL;

    if (json_parse_object(buf_blob(body), "answer", &answer, NULL) < 0)
        return;
    volume_answer_implements(answer, &kinds);
    volume_answer_names(answer, &names);
    for (size_t i = 0; i < names.n; i++)
        if (!name_is_valid(names.items[i]))
            abort();
    if (volume_answer_mount_point(answer, &path) == 0 &&
        (*path != '/' || !path[1] || strstr(path, "/../")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_answer whole = {0}, part = {0};
    int r;

    if (size > 4096)
        return 0;
    r = http_parse(&whole, (struct berth_blob){(const char *)data, size}, true);
    if (r == 0)
        abort();
    if (r == 1)
        take_apart(&whole.body);
    /* An answer that is whole early stays what it is. */
    for (size_t n = 0; n < size; n++) {
        int one = http_parse(&part, (struct berth_blob){(const char *)data, n}, false);

        if (one == 0)
            continue;
        if (one == 1 &&
            (r != 1 || whole.status != part.status || whole.body.len != part.body.len ||
             memcmp(buf_str(&whole.body), buf_str(&part.body), part.body.len) != 0))
            abort();
        if (one < 0 && r == 1)
            abort();
        break;
    }
    buf_free(&whole.body);
    buf_free(&part.body);
    return 0;
}
