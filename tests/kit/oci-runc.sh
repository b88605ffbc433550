#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on oci_runc; what it starts stays on a private host.
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
command -v runc >/dev/null || { echo "needs runc"; exit 77; }
command -v conmon >/dev/null || { echo "needs conmon"; exit 77; }
exec sh "$top_srcdir/tests/lib/private-host" \
    "${VALGRIND:-env}" "$top_builddir/berth-plugin-check" "$top_builddir/.libs/oci_runc.so"
