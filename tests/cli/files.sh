#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the files that were built need and show: a backend's library is needed by its own
# plugin alone, and a plugin shows its descriptor alone.
set -u
failed=0
found=0

needed() {
    LC_ALL=C readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

wrong() {
    failed=1
    echo "not ok: $*"
}

for file in "$top_builddir"/.libs/state_*.so "$top_builddir"/.libs/lock_*.so \
    "$top_builddir"/.libs/oci_*.so "$top_builddir"/.libs/net_*.so; do
    [ -f "$file" ] || continue
    found=$((found + 1))
    module=$(basename "$file" .so)
    shown=$(LC_ALL=C nm -D --defined-only "$file" | sed 's/.* //' |
        grep -v -e '^__asan' -e '^__odr_asan')
    [ "$shown" = "${module}_LTX_berth_plugin" ] || wrong "$module shows: $shown"
    asked=$(LC_ALL=C nm -D --undefined-only "$file" | sed 's/.* //' | grep '^berth_')
    [ -z "$asked" ] || wrong "$module asks the program for: $asked"
    for library in $(needed "$file"); do
        case $module:$library in
        *:libc.so* | *:ld-linux* | *:libpthread.so* | *:libdl.so* | *:libm.so* | \
            *:libasan.so* | *:libubsan.so*) ;;
        state_sqlite:libsqlite3.so* | state_lmdb:liblmdb.so*) ;;
        oci_*:libjson-c.so* | net_*:libjson-c.so*) ;;
        *) wrong "$module needs $library" ;;
        esac
    done
    LC_ALL=C readelf -d "$file" | grep -E '\((RPATH|RUNPATH|TEXTREL)\)' &&
        wrong "$module has one of these"
    LC_ALL=C readelf -d "$file" | grep -q 'BIND_NOW' || wrong "$module binds lazily"
done
echo "$found plugins"
exit $failed
