#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on state_lmdb.
exec "${VALGRIND:-env}" "$top_builddir/kit-state" "$top_builddir/.libs/state_lmdb.so"
