#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on net_netavark, with directories of its own.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
"${VALGRIND:-env}" "$top_builddir/berth-plugin-check" -o network_config_dir="$dir/networks" -o run_dir="$dir/run" \
    "$top_builddir/.libs/net_netavark.so"
