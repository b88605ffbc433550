/* SPDX-License-Identifier: Apache-2.0 */
/* kit_file.c - see kit_file.h. */
#include "tests/kit/kit_file.h"

#include "tests/kit/kit_tap.h"

#include <ctype.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    char dir[4096], module[256], symbol[300];
    const char *base; /* mapped */
    size_t size;
    const ElfW(Shdr) * sections;
    unsigned n_sections;
    const struct berth_plugin *plugin;
    char why[700];
};

/* ----------------------------------------------------------------------- reading */

/* Bytes of the file, or NULL where it has none. */
static const void *at(const struct file *f, uint64_t offset, uint64_t len)
{
    return offset <= f->size && len <= f->size - offset ? f->base + offset : NULL;
}

static int map_file(struct file *f, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ElfW(Ehdr) * head;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*head)) {
        fprintf(stderr, "kit: %s cannot be read\n", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    f->size = (size_t)st.st_size;
    f->base = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    head = (const void *)f->base;
    if (f->base == MAP_FAILED || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return -1;
    if (head->e_shentsize == sizeof(*f->sections))
        f->sections = at(f, head->e_shoff, (uint64_t)head->e_shnum * sizeof(*f->sections));
    f->n_sections = f->sections ? head->e_shnum : 0;
    return 0;
}

static const ElfW(Shdr) * section_of(const struct file *f, unsigned type)
{
    for (unsigned i = 0; i < f->n_sections; i++)
        if (f->sections[i].sh_type == type)
            return &f->sections[i];
    return NULL;
}

static const ElfW(Shdr) * linked(const struct file *f, const ElfW(Shdr) * s)
{
    return s && s->sh_link < f->n_sections ? &f->sections[s->sh_link] : NULL;
}

static const char *string_at(const struct file *f, const ElfW(Shdr) * s, uint64_t offset)
{
    const char *text = s ? at(f, s->sh_offset, s->sh_size) : NULL;

    return text && offset < s->sh_size && memchr(text + offset, '\0', s->sh_size - offset)
               ? text + offset
               : "";
}

/* Value of an entry of the dynamic section: 1, or 0 if there is none. */
static int dynamic(const struct file *f, int64_t tag, uint64_t *out)
{
    const ElfW(Shdr) *s = section_of(f, SHT_DYNAMIC);
    const ElfW(Dyn) *d = s ? at(f, s->sh_offset, s->sh_size) : NULL;

    for (size_t i = 0; d && i < s->sh_size / sizeof(*d) && d[i].d_tag != DT_NULL; i++)
        if (d[i].d_tag == tag) {
            *out = d[i].d_un.d_val;
            return 1;
        }
    return 0;
}

/* Visit the dynamic symbols: those defined here, or those that are not. */
static void symbols(struct file *f, int defined, void (*fn)(struct file *f, const char *name))
{
    const ElfW(Shdr) *s = section_of(f, SHT_DYNSYM), *names = linked(f, s);
    const ElfW(Sym) *sym = s ? at(f, s->sh_offset, s->sh_size) : NULL;

    for (size_t i = 1; sym && i < s->sh_size / sizeof(*sym); i++)
        if ((sym[i].st_shndx != SHN_UNDEF) == defined)
            fn(f, string_at(f, names, sym[i].st_name));
}

/* Note what is wrong; gives -1. */
static int wrong(struct file *f, const char *fmt, ...) BERTH_PRINTF(2, 3);

static int wrong(struct file *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->why, sizeof(f->why), fmt, ap);
    va_end(ap);
    return -1;
}

/* ----------------------------------------------------------------------- the file */

/* The note's text, NUL-terminated in `out`. */
static int read_note(const struct file *f, char out[512])
{
    for (unsigned i = 0; i < f->n_sections; i++) {
        const ElfW(Shdr) *s = &f->sections[i];
        const uint32_t *head;
        size_t len;

        if (s->sh_type != SHT_NOTE)
            continue;
        head = at(f, s->sh_offset, s->sh_size);
        if (!head || s->sh_size < 20 || head[0] != 6 || memcmp(head + 3, "BERTH", 6) != 0)
            continue;
        len = head[1] < 511 && 20 + head[1] <= s->sh_size ? head[1] : 0;
        memcpy(out, head + 5, len);
        out[len] = '\0';
        return 0;
    }
    return -1;
}

static int has_note(struct file *f)
{
    static const char *const kinds[] = {"?", "state", "lock", "oci", "net"};
    const struct berth_plugin *p = f->plugin;
    char note[512], want[512];

    if (read_note(f, note) < 0)
        return wrong(f, "the file has no .note.berth: end it with BERTH_<KIND>_PLUGIN()");
    snprintf(want, sizeof(want), "module=%s\nkind=%s\nabi=%u.%u\nops=%u.%u\n", f->module,
             p->kind < 5 ? kinds[p->kind] : "?", p->abi_major, p->abi_minor, p->ops_major,
             p->ops_minor);
    if (strcmp(note, want) == 0)
        return 0;
    for (char *c = note; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    return wrong(f, "the note says \"%s\", the descriptor and the file's name otherwise", note);
}

static void see_export(struct file *f, const char *name)
{
    if (strcmp(name, f->symbol) != 0 && !f->why[0])
        wrong(f, "the file exports %s too: compile with -fvisibility=hidden", name);
}

static int one_symbol(struct file *f)
{
    symbols(f, 1, see_export);
    return f->why[0] ? -1 : 0;
}

static void see_import(struct file *f, const char *name)
{
    if (strncmp(name, "berth_", 6) == 0)
        wrong(f, "the file needs %s of somebody else's: berth exports nothing", name);
}

static int no_imports(struct file *f)
{
    symbols(f, 0, see_import);
    return f->why[0] ? -1 : 0;
}

static int bound_now(struct file *f)
{
    uint64_t flags = 0, flags_1 = 0, old;

    dynamic(f, DT_FLAGS, &flags);
    dynamic(f, DT_FLAGS_1, &flags_1);
    if ((flags & DF_BIND_NOW) || (flags_1 & DF_1_NOW) || dynamic(f, DT_BIND_NOW, &old))
        return 0;
    return wrong(f, "symbols are bound when they are called: link with -Wl,-z,now");
}

static int no_rpath(struct file *f)
{
    uint64_t offset;
    int rpath = dynamic(f, DT_RPATH, &offset);

    if (!rpath && !dynamic(f, DT_RUNPATH, &offset))
        return 0;
    return wrong(f, "the file has %s %s: libraries are found where the system has them",
                 rpath ? "RPATH" : "RUNPATH",
                 string_at(f, linked(f, section_of(f, SHT_DYNAMIC)), offset));
}

static int stack(struct file *f)
{
    const ElfW(Ehdr) *head = (const void *)f->base;
    const ElfW(Phdr) *p = at(f, head->e_phoff, (uint64_t)head->e_phnum * sizeof(*p));

    for (unsigned i = 0; p && i < head->e_phnum; i++)
        if (p[i].p_type == PT_GNU_STACK && !(p[i].p_flags & PF_X))
            return 0;
    return wrong(f, "the file wants an executable stack: link with -Wl,-z,noexecstack");
}

static int no_textrel(struct file *f)
{
    uint64_t flags = 0, value;

    dynamic(f, DT_FLAGS, &flags);
    if (!(flags & DF_TEXTREL) && !dynamic(f, DT_TEXTREL, &value))
        return 0;
    return wrong(f, "the file changes its code when it is loaded: compile with -fPIC");
}

/* ----------------------------------------------------------------- the descriptor */

static int is_name(const char *name)
{
    if (!name || !islower((unsigned char)*name))
        return 0;
    for (; *name; name++)
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && *name != '_')
            return 0;
    return 1;
}

static int describes(struct file *f)
{
    const struct berth_plugin *p = f->plugin;
    const char *line = strchr(f->module, '_');
    const struct {
        const char *member, *value;
    } texts[] = {{"version", p->version},
                 {"summary", p->summary},
                 {"license", p->license},
                 {"contact", p->contact}};

    if (!is_name(p->name) || !line || strcmp(line + 1, p->name) != 0)
        return wrong(f, "its name is \"%s\", and that of the file is %s.so",
                     p->name ? p->name : "", f->module);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (!texts[i].value || !*texts[i].value || strchr(texts[i].value, '\n'))
            return wrong(f, ".%s is to be one line of text", texts[i].member);
    if (p->threads > BERTH_THREADS_PARALLEL)
        return wrong(f, ".threads is %u", p->threads);
    return 0;
}

static int options(struct file *f)
{
    const struct berth_plugin *p = f->plugin;
    struct berth_config *cfg = testhost_config_new(p);
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < p->n_options; i++) {
        const struct berth_option *o =
            (const void *)((const char *)p->options + (size_t)i * p->option_size);

        if (!is_name(o->name))
            r = wrong(f, "option %u has no proper name", i);
        else if (o->type < BERTH_OPTION_STRING || o->type > BERTH_OPTION_TIME)
            r = wrong(f, "option %s has type %u", o->name, o->type);
        else if (!o->help || !*o->help || strchr(o->help, '\n') ||
                 o->help[strlen(o->help) - 1] == '.')
            r = wrong(f, "option %s has no help of one line without a full stop", o->name);
        else if (o->preset && testhost_config_set(cfg, o->name, o->preset) < 0)
            r = wrong(f, "option %s has a default that it does not take: %s", o->name,
                      o->preset);
        else if (o->preset && (o->flags & BERTH_OPTION_REQUIRED))
            r = wrong(f, "option %s is required and has a default", o->name);
    }
    testhost_config_free(cfg);
    return r;
}

static int sizes(struct file *f)
{
    const struct berth_plugin *p = f->plugin;
    uint32_t ops_size = 0;

    if (p->ops)
        memcpy(&ops_size, p->ops, sizeof(ops_size));
    if (p->size < sizeof(struct berth_plugin))
        return wrong(f, "the descriptor has %u bytes", p->size);
    if (!p->ops || ops_size < 2 * sizeof(void *) || ops_size % sizeof(void *))
        return wrong(f, "the table of operations says that it has %u bytes", ops_size);
    if (p->abi_needs > p->abi_minor || p->ops_needs > p->ops_minor)
        return wrong(f, "it needs a later minor number than it is made for");
    return 0;
}

/* ----------------------------------------------------------------------- running */

#define PAGE "berth-plugin(3), "

static const struct {
    const char *name, *rule;
    int (*run)(struct file *f);
} cases[] = {
    {"the note says what the descriptor says", PAGE "THE FILE", has_note},
    {"one symbol is exported", PAGE "THE FILE", one_symbol},
    {"nothing of berth is imported", PAGE "THE FILE", no_imports},
    {"symbols are bound at once", PAGE "THE FILE", bound_now},
    {"libraries are looked for in no path of its own", PAGE "THE FILE", no_rpath},
    {"the stack is not executable", PAGE "THE FILE", stack},
    {"the code is not changed at loading", PAGE "THE FILE", no_textrel},
    {"sizes and numbers are set", PAGE "SIZES", sizes},
    {"the descriptor describes", PAGE "THE DESCRIPTOR", describes},
    {"options are declared whole", PAGE "OPTIONS", options},
};

int kit_file_run(const char *path, unsigned *number)
{
    struct file f = {.base = NULL};
    int failures = 0;

    kit_split(path, f.dir, f.module);
    snprintf(f.symbol, sizeof(f.symbol), "%s_LTX_berth_plugin", f.module);
    if (map_file(&f, path) < 0)
        return -1;
    f.plugin = testhost_load(f.dir, f.module);
    if (!f.plugin)
        return -1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        f.why[0] = '\0';
        failures +=
            kit_report(++*number, "file", cases[i].name,
                       cases[i].run(&f) == 0 ? KIT_PASSED : KIT_FAILED, f.why, cases[i].rule);
    }
    munmap((void *)(uintptr_t)f.base, f.size);
    return failures;
}
