#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on lock_shm, in a segment of its own.
name=berth-kit-$$
trap 'rm -f /dev/shm/$name' EXIT
trap 'exit 1' HUP INT TERM
"${VALGRIND:-env}" "$top_builddir/kit-lock" -o name=$name -o count=100 "$top_builddir/.libs/lock_shm.so"
