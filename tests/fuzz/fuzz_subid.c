/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_subid.c - bytes as /etc/subuid: the ranges are in order, and apart from each other. */
#include "rootless/subid.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const users[] = {NULL, "ru", ""};

    for (size_t u = 0; u < ARRAY_LEN(users); u++) {
        _cleanup_subids_ struct subids s = {0};
        uint64_t end = 0;

        if (subids_parse((const char *)data, size, users[u], 1700, &s, NULL) < 0)
            abort();
        for (size_t i = 0; i < s.n; i++) {
            if (s.ranges[i].first < end || s.ranges[i].count == 0)
                abort();
            end = (uint64_t)s.ranges[i].first + s.ranges[i].count;
        }
        if (end > UINT32_MAX)
            abort();
    }
    return 0;
}
