#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build bolt-check on the bbolt library of the distribution (Debian:
# golang-github-coreos-bbolt-dev), and run what compares with it.
set -eu

: "${top_srcdir:=.}" "${top_builddir:=.}"

here=$top_srcdir/tests/compat/bolt-check
BOLT_CHECK=$top_builddir/tests/compat/bolt-check/bolt-check
"$here/build" "$BOLT_CHECK" || exit $?
export BOLT_CHECK top_srcdir top_builddir

status=0
for t in tests/plugins/bolt/test_bolt_go tests/plugins/boltdb/test_fixtures; do
    if [ -x "$top_builddir/$t" ]; then
        "$top_builddir/$t" || status=1
    fi
done
exit $status
