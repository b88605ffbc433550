#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `berth plugin check`: the kit by way of the program.
set -u
failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

say() {
    echo "FAIL: $1"
    failed=1
}

plugin=$top_builddir/.libs/state_memory.so
if [ -f "$plugin" ]; then
    "$BERTH" plugin check "$plugin" >"$dir/out" 2>"$dir/err" || say "state_memory does not pass"
    grep -q '^1\.\.[0-9][0-9][0-9]$' "$dir/out" || say 'no plan'
    if grep '^not ok' "$dir/out"; then say 'a case fails'; fi
    "$BERTH" plugin check -o nonsense=1 "$plugin" >"$dir/out" 2>"$dir/err"
    [ $? -eq 2 ] || say 'an option that it does not have is taken'
fi
plugin=$top_builddir/.libs/lock_shm.so
if [ -f "$plugin" ]; then
    "$BERTH" plugin check "$plugin" >"$dir/out" 2>"$dir/err"
    [ $? -eq 2 ] || say 'locks that may be in use are tried'
    grep -q 'where they are in use' "$dir/err" || say 'no reason is given'
fi
: >"$dir/state_none.so"
"$BERTH" plugin check "$dir/state_none.so" >"$dir/out" 2>"$dir/err"
[ $? -eq 125 ] || say 'an empty file is tried'
exit $failed
