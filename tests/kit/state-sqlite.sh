#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on state_sqlite.
exec "${VALGRIND:-env}" "$top_builddir/kit-state" "$top_builddir/.libs/state_sqlite.so"
