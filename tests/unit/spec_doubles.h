/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_doubles.h - what spec generation asks of the engine, played by a JSON array, so that
 * it can be tested without a store.  Programs with them are linked with
 * $(spec_doubles_ldflags): where the real functions come in for another reason, these are used
 * all the same.
 */
#ifndef BERTH_TESTS_SPEC_DOUBLES_H
#define BERTH_TESTS_SPEC_DOUBLES_H

#include "base/json.h"

/* Containers that exist: {config, state} each. */
extern const json *spec_doubles_others;

#endif
