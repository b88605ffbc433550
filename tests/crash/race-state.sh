#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sixteen processes on one store.  RACE_SECONDS: how long for each plugin (5).
status=0
for name in boltdb sqlite lmdb; do
    plugin=$top_builddir/.libs/state_$name.so
    [ -f "$plugin" ] || continue
    "$top_builddir/race-state" "$plugin" "${RACE_SECONDS:-5}" || status=1
done
exit $status
