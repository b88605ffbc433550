/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.h - the little of ELF that can be read without loading a file: is it a shared object
 * for this machine, which notes does it have, which libraries does it need?
 *
 * The file is not trusted: every offset and length is checked before it is used.
 */
#ifndef BERTH_LOAD_ELF_H
#define BERTH_LOAD_ELF_H

#include "base/list.h"
#include <link.h>
#include <stdint.h>

/* A file, or bytes in memory where fd is -1. */
struct elf {
    int fd;
    const uint8_t *data;
    uint64_t size;
    uint8_t head[1024]; /* the first bytes of a file: mostly all that is asked for */
    size_t head_len;
    ElfW(Ehdr) header;
    ElfW(Phdr) * segments;
    unsigned n_segments;
};

#define ELF_OF_FD(fd_)             ((struct elf){.fd = (fd_)})
#define ELF_OF_MEMORY(data_, len_) ((struct elf){.fd = -1, .data = (data_), .size = (len_)})
#define _cleanup_elf_              _cleanup_(elf_close)

/* Look at the header and the table of segments.  NULL, or one clause that says why the
 * file cannot be a plugin ("is no ELF file"); static text. */
const char *elf_open(struct elf *e);

/* Let go of memory; the descriptor stays the caller's. */
void elf_close(struct elf *e);

/* Find the note of an owner and a type, and copy what it says: at most `cap` bytes into
 * `out`, its whole length into *len.  NULL, or a clause. */
const char *elf_note(const struct elf *e, const char *owner, uint32_t type, void *out,
                     size_t cap, size_t *len);

/* Append the names of the libraries that the file needs (DT_NEEDED).  NULL, or a clause. */
const char *elf_needed(const struct elf *e, struct berth_list *out);

#endif
