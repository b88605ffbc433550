#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build bolt-check on the bbolt library of the distribution (Debian:
# golang-github-coreos-bbolt-dev), and run what compares with it.
set -eu

: "${top_srcdir:=.}" "${top_builddir:=.}" "${BOLT_GOPATH:=/usr/share/gocode}"

if ! command -v go >/dev/null; then
    echo "no Go compiler"
    exit 77
fi
if ! [ -d "$BOLT_GOPATH/src/go.etcd.io/bbolt" ]; then
    echo "no bbolt library below $BOLT_GOPATH"
    exit 77
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM

GO111MODULE=off GOPATH=$BOLT_GOPATH GOCACHE=${GOCACHE:-$dir/cache} GOFLAGS=-p=2 HOME=$dir \
    go build -o "$dir/bolt-check" "$top_srcdir/tests/compat/bolt-check/main.go"
BOLT_CHECK=$dir/bolt-check
export BOLT_CHECK top_srcdir top_builddir

status=0
for t in tests/plugins/bolt/test_bolt_go tests/plugins/boltdb/test_fixtures; do
    if [ -x "$top_builddir/$t" ]; then
        "$top_builddir/$t" || status=1
    fi
done
exit $status
