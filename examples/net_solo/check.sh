#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh PLUGIN.so - what the plugin says of itself, its manual page, the conformance kit.
set -eu
plugin=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# It loads, and is what its name says.
"$BERTH" plugin info "$plugin" >"$dir/info"
grep -qx 'module=net_solo' "$dir/info" || fail 'the plugin has another name'

# The manual page has every option.
sed -n 's/^option\.\([a-z0-9_]*\)=.*/\1/p' "$dir/info" >"$dir/options"
while read -r option; do
    grep -q "^\.B $option\$" net_solo.7 || fail "the manual page does not have $option"
done <"$dir/options"

# It keeps what the header promises.
if ! "$BERTH" plugin check -o ip=/sbin/ip "$plugin" >"$dir/tap"; then
    grep -A1 '^not ok' "$dir/tap" >&2
    fail 'the conformance kit finds mistakes'
fi
tail -n 1 "$dir/tap"
echo 'ok'
