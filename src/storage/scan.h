/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - walking over JSON text strictly, without building anything. */
#ifndef BERTH_STORAGE_SCAN_H
#define BERTH_STORAGE_SCAN_H

#include <berth/plugin.h>
#include <stdbool.h>

struct scan {
    const char *at, *end;
};

/* Skip white space, then the character, which must be there. */
bool scan_char(struct scan *s, char want);

/* Is this the next character behind white space? */
bool scan_peek(struct scan *s, char want);

/* Skip one string; *out becomes its text, quotes included. */
bool scan_string(struct scan *s, struct berth_blob *out);

/* Skip one value of any type that is valid JSON; *out becomes its text. */
bool scan_value(struct scan *s, struct berth_blob *out);

/* Only white space is left. */
bool scan_end(struct scan *s);

#endif
