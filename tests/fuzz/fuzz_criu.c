/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_criu.c - bytes as criu's statistics of a checkpoint, and of a restoration. */
#include "engine/criu_stats.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* In memory of just this size, so that a byte too many is noticed. */
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    for (int restored = 0; restored < 2; restored++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        json *numbers = NULL;
        int r = criu_stats_parse((struct berth_blob){copy, size}, restored, &numbers, &err);

        if (r < 0 ? err.code != EUCLEAN || numbers
                  : !json_object_is_type(numbers, json_type_object))
            abort();
        json_putp(&numbers);
    }
    free(copy);
    return 0;
}
