#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on lock_file.
exec "${VALGRIND:-env}" "$top_builddir/kit-lock" "$top_builddir/.libs/lock_file.so"
