/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_doubles.h - what spec generation asks of the engine, played by a JSON array, so that
 * it can be tested without a store.  The functions are weak: where the real ones are linked
 * for another reason, those are used.
 */
#ifndef BERTH_TESTS_SPEC_DOUBLES_H
#define BERTH_TESTS_SPEC_DOUBLES_H

#include "base/json.h"

/* Containers that exist: {config, state} each. */
extern const json *spec_doubles_others;

#endif
