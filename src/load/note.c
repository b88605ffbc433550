/* SPDX-License-Identifier: Apache-2.0 */
/* note.c - see note.h. */
#include "load/note.h"
#include "base/str.h"
#include "load/load.h"
#include <ctype.h>

#define NOTE_MAX 1024

static const char nonsense[] = "has a note that makes no sense";

uint32_t note_module_kind(const char *module, const char **name)
{
    const char *line = strchr(module, '_');
    char word[8];
    uint32_t kind;

    if (!line || (size_t)(line - module) >= sizeof(word))
        return 0;
    memcpy(word, module, (size_t)(line - module));
    word[line - module] = '\0';
    kind = plugin_kind_of(word);
    if (!kind || !islower((unsigned char)line[1]) || strlen(module) >= NOTE_MODULE_MAX)
        return 0;
    for (const char *at = line + 1; *at; at++)
        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && *at != '_')
            return 0;
    *name = line + 1;
    return kind;
}

/* "1.0" */
static bool version(const char *v, unsigned *major, unsigned *minor)
{
    unsigned *out[] = {major, minor};

    for (int i = 0; i < 2; i++) {
        unsigned n = 0, digits = 0;

        for (; isdigit((unsigned char)*v) && digits < 5; v++, digits++)
            n = n * 10 + (unsigned)(*v - '0');
        if (digits == 0 || *v != (i == 0 ? '.' : '\0'))
            return false;
        *out[i] = n;
        v++;
    }
    return true;
}

static bool field(const char *line, struct note *out, unsigned *seen)
{
    const char *v, *name;

    if ((v = str_starts(line, "module="))) {
        if (strlen(v) >= sizeof(out->module) || !note_module_kind(v, &name))
            return false;
        memcpy(out->module, v, strlen(v) + 1);
        *seen |= 1;
    } else if ((v = str_starts(line, "kind="))) {
        out->kind = plugin_kind_of(v);
        *seen |= 2;
        return out->kind != 0;
    } else if ((v = str_starts(line, "abi="))) {
        *seen |= 4;
        return version(v, &out->abi_major, &out->abi_minor);
    } else if ((v = str_starts(line, "ops="))) {
        *seen |= 8;
        return version(v, &out->ops_major, &out->ops_minor);
    }
    return true; /* a later version may say more */
}

const char *note_parse(const char *text, size_t len, struct note *out)
{
    char copy[NOTE_MAX + 1], *at = copy, *save = NULL;
    struct note n = {.kind = 0};
    const char *name;
    unsigned seen = 0;

    len = strnlen(text, len);
    if (len > NOTE_MAX)
        return nonsense;
    memcpy(copy, text, len);
    copy[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (copy[i] != '\n' && !isprint((unsigned char)copy[i]))
            return nonsense;
    for (char *line; (line = strtok_r(at, "\n", &save)); at = NULL)
        if (!field(line, &n, &seen))
            return nonsense;
    if (seen != 15 || note_module_kind(n.module, &name) != n.kind)
        return nonsense;
    *out = n;
    return NULL;
}

const char *note_read(const struct elf *e, struct note *out)
{
    char text[NOTE_MAX];
    const char *problem;
    size_t len = 0;

    problem = elf_note(e, "BERTH", 1, text, sizeof(text), &len);
    if (problem)
        return problem;
    return len > sizeof(text) ? nonsense : note_parse(text, len, out);
}
