#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The OCI plugins on the real conmon, crun and runc, on a private host.
set -eu
: "${top_srcdir:=.}" "${top_builddir:=.}"

skip() { echo "$*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "needs root"
command -v conmon >/dev/null || skip "needs conmon"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/oci-real.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Root of a user namespace must get at it.
chmod 755 "$work"
sh "$top_srcdir/tests/lib/mkrootfs" "$work/root" || exit $?

ran=0
for runtime in ${RUNTIMES:-crun runc}; do
	[ -e "$top_builddir/.libs/oci_$runtime.so" ] || continue
	command -v "$runtime" >/dev/null || { echo "$runtime is not installed"; continue; }
	echo "# $runtime"
	sh "$top_srcdir/tests/lib/private-host" \
		"${VALGRIND:-env}" "$top_builddir/oci_real" "oci_$runtime" "$work/root" || exit $?
	ran=1
done
[ $ran = 1 ] || skip "needs crun or runc"
