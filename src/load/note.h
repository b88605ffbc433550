/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - what a plugin's file says of itself in .note.berth (berth/plugin.h). */
#ifndef BERTH_LOAD_NOTE_H
#define BERTH_LOAD_NOTE_H

#include "load/elf.h"

#define NOTE_MODULE_MAX 64

struct note {
    char module[NOTE_MODULE_MAX]; /* "state_boltdb" */
    uint32_t kind;
    unsigned abi_major, abi_minor, ops_major, ops_minor;
};

/* Read the note of an opened file.  NULL, or one clause that says what is wrong. */
const char *note_read(const struct elf *e, struct note *out);

/* The same from the text of a note, of `len` bytes. */
const char *note_parse(const char *text, size_t len, struct note *out);

/* Kind and name of a module: "state_boltdb" is a state plugin, "boltdb".  The name points
 * into `module`; 0: it is not the name of a module. */
uint32_t note_module_kind(const char *module, const char **name);

#endif
