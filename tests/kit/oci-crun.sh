#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on oci_crun; what it starts stays on a private host.
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
command -v crun >/dev/null || { echo "needs crun"; exit 77; }
command -v conmon >/dev/null || { echo "needs conmon"; exit 77; }
exec sh "$top_srcdir/tests/lib/private-host" \
    "${VALGRIND:-env}" "$top_builddir/berth-plugin-check" "$top_builddir/.libs/oci_crun.so"
