#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sixteen processes on one store.  RACE_SECONDS: how long for each plugin (5; with
# BERTH_TEST_LONG two minutes).
status=0
seconds=${RACE_SECONDS:-${BERTH_TEST_LONG:+120}}
for name in boltdb sqlite lmdb; do
    plugin=$top_builddir/.libs/state_$name.so
    [ -f "$plugin" ] || continue
    "$top_builddir/race-state" "$plugin" "${seconds:-5}" || status=1
done
exit $status
