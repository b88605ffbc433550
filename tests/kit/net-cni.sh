#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on net_cni, with directories of its own.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
[ -x /usr/lib/cni/bridge ] || { echo "needs the CNI plugins"; exit 77; }
"${VALGRIND:-env}" "$top_builddir/berth-plugin-check" -o network_config_dir="$dir/networks" -o cache_dir="$dir/cache" \
    "$top_builddir/.libs/net_cni.so"
