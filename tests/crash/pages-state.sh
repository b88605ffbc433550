#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How many pages the state plugins touch.
status=0
for name in boltdb sqlite lmdb; do
    plugin=$top_builddir/.libs/state_$name.so
    [ -f "$plugin" ] || continue
    "$top_builddir/pages-state" "$plugin"
    case $? in
    0) ;;
    77) exit 77 ;;
    *) status=1 ;;
    esac
done
exit $status
