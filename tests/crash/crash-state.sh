#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Crashes at every call with which a state plugin changes its files, and what others say of the
# stores that were left.  CRASH_KILLS: how many in all (300; with BERTH_TEST_LONG 5100).
set -eu

kills=${CRASH_KILLS:-${BERTH_TEST_LONG:+5100}}
kills=${kills:-300}
status=0 n=0
CRASH_PRELOAD=$top_builddir/.libs/libcrash.so
# In a build with sanitizers their library comes second, behind ours.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CRASH_PRELOAD ASAN_OPTIONS
kept=$(mktemp -d "${TMPDIR:-/var/tmp}/crash-state.XXXXXX")
trap 'rm -rf "$kept"' EXIT
trap 'exit 1' HUP INT TERM

for name in boltdb sqlite lmdb; do
    [ -f "$top_builddir/.libs/state_$name.so" ] && n=$((n + 1))
done
for name in boltdb sqlite lmdb; do
    plugin=$top_builddir/.libs/state_$name.so
    [ -f "$plugin" ] || continue
    mkdir "$kept/$name"
    "$top_builddir/crash-state" "$plugin" $((kills / n)) "$kept/$name" || status=1
done

# What was left of the databases, as the original library sees it.
if [ -d "$kept/boltdb" ] && "$top_srcdir/tests/compat/bolt-check/build" "$kept/bolt-check" >"$kept/out"; then
    checked=0
    for db in "$kept"/boltdb/*/bolt_state.db; do
        [ -s "$db" ] || continue
        if "$kept/bolt-check" check "$db" >"$kept/out" 2>&1; then
            checked=$((checked + 1))
        else
            echo "FAIL: bbolt finds damage in what was left: $(head -1 "$kept/out")"
            status=1
        fi
    done
    echo "boltdb: the original library accepts $checked databases"
fi

# As podman sees it: podman 4 has bolt_state.db; podman 5, which has to be downloaded, db.sql.
podmans=
case $(podman --version 2>/dev/null) in
"podman version 4."*) podmans=boltdb ;;
esac
[ -z "${BERTH_TEST_LONG:-}" ] || { "$top_srcdir/tests/lib/podman5" --setup && podmans="$podmans sqlite"; }
for name in $podmans; do
    [ -d "$kept/$name" ] || continue
    "$top_srcdir/tests/lib/private-host" "$top_srcdir/tests/crash/crash-podman.sh" "$name" "$kept/$name" || {
        got=$?
        [ $got = 77 ] || status=1
    }
done
exit $status
