#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Crashes at every call with which a state plugin changes its files.  CRASH_KILLS: how many
# in all (300).
set -eu

kills=${CRASH_KILLS:-300}
status=0 n=0
CRASH_PRELOAD=$top_builddir/.libs/libcrash.so
# In a build with sanitizers their library comes second, behind ours.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CRASH_PRELOAD ASAN_OPTIONS
kept=$(mktemp -d)
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
gopath=${BOLT_GOPATH:-/usr/share/gocode}
if [ -d "$kept/boltdb" ] && command -v go >/dev/null && [ -d "$gopath/src/go.etcd.io/bbolt" ]
then
    GO111MODULE=off GOPATH=$gopath GOCACHE=${GOCACHE:-$kept/cache} GOFLAGS=-p=2 HOME=$kept \
        go build -o "$kept/bolt-check" "$top_srcdir/tests/compat/bolt-check/main.go"
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
exit $status
