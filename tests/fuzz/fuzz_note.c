/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_note.c - bytes as a plugin's file, and as the text of its note. */
#include "load/elf.h"
#include "load/note.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_elf_ struct elf e = ELF_OF_MEMORY(data, size);
    _cleanup_list_ struct berth_list needed = LIST_INIT;
    struct note n = {.kind = 0};

    if (!elf_open(&e)) {
        /* What is read must be a name that the loader can use. */
        if (!note_read(&e, &n) && (!n.kind || !memchr(n.module, '\0', sizeof(n.module))))
            abort();
        elf_needed(&e, &needed);
    }
    note_parse((const char *)data, size, &n);
    return 0;
}
