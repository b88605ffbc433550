/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_dump.c - print the dump of a made-up store, for scripts:
 *
 *      generate-dump CONTAINERS FIXTURES
 */
#include "tests/engine/generated.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    _cleanup_buf_ struct berth_buf spec = BUF_INIT, text = BUF_INIT;

    if (argc != 3) {
        fprintf(stderr, "usage: generate-dump CONTAINERS FIXTURES\n");
        return 2;
    }
    if (generated_spec(argv[2], true, &spec) < 0) {
        fprintf(stderr, "generate-dump: no fixtures in %s\n", argv[2]);
        return 1;
    }
    generate_dump((size_t)atol(argv[1]), buf_str(&spec), &text);
    return fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout) != 0;
}
