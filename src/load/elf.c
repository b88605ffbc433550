/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - see elf.h. */
#include "load/elf.h"
#include "base/str.h"
#include <elf.h>
#include <errno.h>
#include <sys/stat.h>

#define SEGMENTS_MAX 256
#define NOTES_MAX    (1u << 16) /* bytes of one segment of notes that are looked at */
#define DYNAMIC_MAX  4096       /* entries of the dynamic section that are looked at */
#define NEEDED_MAX   256        /* libraries, and bytes of a library's name */

static const char cut_off[] = "is cut off: parts that its header names are missing";
static const char damaged[] = "is damaged: its tables make no sense";

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__i386__)
#define MACHINE EM_386
#elif defined(__arm__)
#define MACHINE EM_ARM
#endif

/* Exactly len bytes from an offset; false if the file does not have them. */
static bool get(const struct elf *e, uint64_t offset, void *out, size_t len)
{
    char *at = out;

    if (offset > e->size || len > e->size - offset)
        return false;
    if (e->fd < 0) {
        memcpy(out, e->data + offset, len);
        return true;
    }
    if (offset <= e->head_len && len <= e->head_len - offset) {
        memcpy(out, e->head + offset, len);
        return true;
    }
    while (len > 0) {
        ssize_t n = pread(e->fd, at, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

static const char *check_ident(const struct elf *e)
{
    unsigned char id[EI_NIDENT];

    if (e->size == 0)
        return "is empty";
    if (!get(e, 0, id, SELFMAG) || memcmp(id, ELFMAG, SELFMAG) != 0)
        return "is no ELF file";
    if (!get(e, 0, id, sizeof(id)))
        return cut_off;
    if (id[EI_CLASS] == ELFCLASS32 && sizeof(void *) == 8)
        return "is a 32-bit file, and this program has 64 bits";
    if (id[EI_CLASS] == ELFCLASS64 && sizeof(void *) == 4)
        return "is a 64-bit file, and this program has 32 bits";
    if (id[EI_DATA] == ELFDATA2MSB)
        return "is for big-endian machines";
    if (id[EI_CLASS] != ELFCLASS32 && id[EI_CLASS] != ELFCLASS64)
        return damaged;
    if (id[EI_DATA] != ELFDATA2LSB || id[EI_VERSION] != EV_CURRENT)
        return damaged;
    return NULL;
}

static const char *check_header(const struct elf *e)
{
    const ElfW(Ehdr) *h = &e->header;

#ifdef MACHINE
    if (h->e_machine != MACHINE)
        return "is for another kind of machine";
#endif
    if (h->e_type != ET_DYN)
        return "is no shared object";
    if (h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX || h->e_phentsize != sizeof(ElfW(Phdr)))
        return damaged;
    /* The table of sections is the last part of a file, so it tells when the end is
     * missing, though nothing else in it is of use here. */
    if (h->e_shoff &&
        (h->e_shoff > e->size || (uint64_t)h->e_shnum * h->e_shentsize > e->size - h->e_shoff))
        return cut_off;
    return NULL;
}

const char *elf_open(struct elf *e)
{
    const char *problem;
    struct stat st;
    ssize_t n;

    if (e->fd >= 0) {
        if (fstat(e->fd, &st) < 0 || !S_ISREG(st.st_mode))
            return "is no regular file";
        e->size = (uint64_t)st.st_size;
        n = pread(e->fd, e->head, sizeof(e->head), 0);
        e->head_len = n > 0 ? (size_t)n : 0;
    }
    problem = check_ident(e);
    if (problem)
        return problem;
    if (!get(e, 0, &e->header, sizeof(e->header)))
        return cut_off;
    problem = check_header(e);
    if (problem)
        return problem;
    e->n_segments = e->header.e_phnum;
    e->segments = calloc(e->n_segments, sizeof(*e->segments));
    if (!e->segments)
        return "cannot be looked at: out of memory";
    if (!get(e, e->header.e_phoff, e->segments, e->n_segments * sizeof(*e->segments)))
        return cut_off;
    for (unsigned i = 0; i < e->n_segments; i++) {
        const ElfW(Phdr) *s = &e->segments[i];

        if (s->p_type == PT_LOAD &&
            (s->p_offset > e->size || s->p_filesz > e->size - s->p_offset))
            return cut_off;
    }
    return NULL;
}

void elf_close(struct elf *e)
{
    free(e->segments);
    e->segments = NULL;
    e->n_segments = 0;
}

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* The note in one segment's bytes; false: it is not there. */
static bool note_in(const uint8_t *data, size_t size, size_t align, const char *owner,
                    uint32_t type, const uint8_t **out, size_t *len)
{
    size_t owner_len = strlen(owner) + 1, at = 0;

    while (size - at >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) n;
        size_t left;

        memcpy(&n, data + at, sizeof(n));
        at += sizeof(n);
        left = size - at;
        if (n.n_namesz > left || round_up(n.n_namesz, align) > left)
            return false;
        const uint8_t *name = data + at;
        at += round_up(n.n_namesz, align);
        left = size - at;
        if (n.n_descsz > left)
            return false;
        if (n.n_type == type && n.n_namesz == owner_len &&
            memcmp(name, owner, owner_len) == 0) {
            *out = data + at;
            *len = n.n_descsz;
            return true;
        }
        at += MIN(round_up(n.n_descsz, align), left);
    }
    return false;
}

const char *elf_note(const struct elf *e, const char *owner, uint32_t type, void *out,
                     size_t cap, size_t *len)
{
    for (unsigned i = 0; i < e->n_segments; i++) {
        const ElfW(Phdr) *s = &e->segments[i];
        _cleanup_free_ uint8_t *data = NULL;
        const uint8_t *found;
        size_t size, n;

        if (s->p_type != PT_NOTE || s->p_filesz == 0)
            continue;
        size = (size_t)MIN(s->p_filesz, NOTES_MAX);
        data = malloc(size);
        if (!data)
            return "cannot be looked at: out of memory";
        if (!get(e, s->p_offset, data, size))
            return cut_off;
        if (!note_in(data, size, s->p_align == 8 ? 8 : 4, owner, type, &found, &n))
            continue;
        memcpy(out, found, MIN(n, cap));
        *len = n;
        return NULL;
    }
    return "is no plugin of berth: it has no note that says so";
}

/* Where in the file what is loaded at an address lies; false: nowhere. */
static bool offset_of(const struct elf *e, uint64_t address, uint64_t *out)
{
    for (unsigned i = 0; i < e->n_segments; i++) {
        const ElfW(Phdr) *s = &e->segments[i];

        if (s->p_type == PT_LOAD && address >= s->p_vaddr &&
            address - s->p_vaddr < s->p_filesz) {
            *out = s->p_offset + (address - s->p_vaddr);
            return true;
        }
    }
    return false;
}

static bool add_name(const struct elf *e, uint64_t strings, uint64_t at, struct berth_list *out)
{
    char name[NEEDED_MAX];
    uint64_t offset;

    if (__builtin_add_overflow(strings, at, &offset) || offset >= e->size)
        return false;
    size_t n = (size_t)MIN(sizeof(name), e->size - offset);
    if (!get(e, offset, name, n) || !memchr(name, '\0', n))
        return false;
    list_add(out, name);
    return true;
}

const char *elf_needed(const struct elf *e, struct berth_list *out)
{
    uint64_t names[NEEDED_MAX], strings = 0, at = 0;
    size_t n = 0, entries = 0;
    ElfW(Dyn) d;

    for (unsigned i = 0; i < e->n_segments; i++)
        if (e->segments[i].p_type == PT_DYNAMIC) {
            at = e->segments[i].p_offset;
            entries = (size_t)MIN(e->segments[i].p_filesz / sizeof(d), DYNAMIC_MAX);
        }
    for (size_t i = 0; i < entries; i++) {
        if (at > UINT64_MAX - i * sizeof(d) || !get(e, at + i * sizeof(d), &d, sizeof(d)))
            return damaged;
        if (d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_STRTAB && !offset_of(e, d.d_un.d_ptr, &strings))
            return damaged;
        if (d.d_tag == DT_NEEDED && n < NEEDED_MAX)
            names[n++] = d.d_un.d_val;
    }
    for (size_t i = 0; i < n; i++)
        if (!strings || !add_name(e, strings, names[i], out))
            return damaged;
    return NULL;
}
