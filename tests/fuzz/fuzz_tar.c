/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an archive: read all of it, write it again and read that.  What was read must
 * come back the same.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/str.h"
#include "base/tar.h"
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONTENT_MAX (1 << 20)

/* All entries; `w` NULL: only count them. */
static int read_all(int fd, struct tar_writer *w, unsigned *entries, uint64_t *bytes)
{
    _cleanup_tar_reader_ struct tar_reader r;
    _cleanup_tar_entry_ struct tar_entry e = {0};
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    int more;

    lseek(fd, 0, SEEK_SET);
    tar_reader_init(&r, fd);
    while ((more = tar_next(&r, &e, &err)) > 0) {
        char chunk[700];
        ssize_t n;

        if (!e.name || !e.link)
            abort();
        ++*entries;
        if (e.size > CONTENT_MAX)
            return -EFBIG;
        if (w && !e.pieces && tar_put(w, &e, NULL) < 0)
            abort();
        while ((n = tar_read(&r, chunk, sizeof(chunk), &err)) > 0) {
            *bytes += (uint64_t)n;
            if (w && !e.pieces && tar_write(w, chunk, (size_t)n, NULL) < 0)
                abort();
        }
        if (n < 0)
            return (int)n;
        if (w && e.pieces)
            return -ENOTSUP;
    }
    if (more < 0 && (err.code == 0 || !err.text))
        abort();
    return more;
}

static void try(const uint8_t *data, size_t size)
{
    int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
    unsigned before = 0, after = 0;
    uint64_t bytes_before = 0, bytes_after = 0;
    struct tar_writer w;

    if (in < 0 || out < 0 || write(in, data, size) != (ssize_t)size)
        abort();
    tar_writer_init(&w, out);
    if (read_all(in, &w, &before, &bytes_before) == 0) {
        if (tar_end(&w, NULL) < 0 || read_all(out, NULL, &after, &bytes_after) != 0 ||
            before != after || bytes_before != bytes_after)
            abort();
    }
    tar_writer_free(&w);
    close(in);
    close(out);
}

/* Without right checksums hardly anything else would ever be looked at. */
static void mend(uint8_t *block)
{
    char text[8];
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += block[i];
    snprintf(text, sizeof(text), "%06o", sum);
    memcpy(block + 148, text, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ uint8_t *fixed = malloc(size + 1);

    if (size > 1 << 18)
        return 0;
    if (!fixed)
        abort();
    try(data, size);
    memcpy(fixed, data, size);
    for (size_t at = 0; at + 512 <= size; at += 512)
        if (memcmp(fixed + at + 257, "ustar", 5) == 0)
            mend(fixed + at);
    if (memcmp(fixed, data, size) != 0)
        try(fixed, size);
    return 0;
}
