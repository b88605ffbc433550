# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by *-wrong.sh: plugins that are wrong on purpose, each of which must fail the case
# that its mistake is about.
#
#   wrong KIND FOLDER KIT [ARG...]    KIND: state, lock; FOLDER: sources of the right plugin;
#                                     standard input: "name|case" lines
#
# $many: cases that may fail besides; $left: a file that each one leaves, if any.  In it and in
# ARG, @ is the plugin's name: they run at the same time, as most of them wait.
# A plugin runs through the case that it must fail; with BERTH_TEST_LONG through all of them.
set -eu
: "${CC:=cc}"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# build NAME
build() {
    # shellcheck disable=SC2086 # CC may have arguments
    $CC -shared -fPIC -fvisibility=hidden -D_GNU_SOURCE -Wno-override-init \
        -I"$top_srcdir/include" -o "$dir/${kind}_$1.so" \
        "$top_srcdir/tests/kit/wrong/${kind}_$1.c" "$dir"/*.o
}

# try NAME CASE: its line, and whether it is as it should be.
try() {
    build "$1"
    only=
    [ "$1" = right ] || [ -n "${BERTH_TEST_LONG:-}" ] || only=$2
    # shellcheck disable=SC2046
    "$kit" $(echo "$args" | sed "s/@/$1/") ${only:+-r "$only"} "$dir/${kind}_$1.so" \
        >"$dir/$1.tap" 2>/dev/null || true
    rm -f "$(echo "${left:-$dir/none}" | sed "s/@/$1/")"
    all=$(grep -c '^not ok' "$dir/$1.tap" || true)
    if [ "$1" = right ]; then
        [ "$all" -eq 0 ] && grep -q '^1\.\.' "$dir/$1.tap" &&
            echo "ok: the plugin with nothing wrong passes" >"$dir/$1.ok" && return
        echo "FAIL: the plugin with nothing wrong does not pass:"
        grep -A1 '^not ok' "$dir/$1.tap"
    elif ! grep -q "^not ok [0-9]* - $kind: $2\$" "$dir/$1.tap"; then
        echo "FAIL: $1 passes \"$2\" ($all cases failed)"
    elif ! grep -A2 "^not ok [0-9]* - $kind: $2\$" "$dir/$1.tap" | grep -q '^# the rule: berth-plugin'; then
        echo "FAIL: $1: no rule is named"
    elif [ "$all" -gt "$many" ]; then
        echo "FAIL: $1 fails nearly everything ($all cases)"
    else
        echo "ok: $1 fails \"$2\" ($all cases in all)" >"$dir/$1.ok"
    fi
}

wrong() {
    kind=$1 sources=$2 kit=$3
    shift 3
    args=$*
    # shellcheck disable=SC2086
    for c in "$sources"/*.c; do
        $CC -c -fPIC -fvisibility=hidden -D_GNU_SOURCE -I"$top_srcdir/include" \
            -I"$sources" -o "$dir/$(basename "$c" .c).o" "$c"
    done
    cat >"$dir/expected"
    while IFS='|' read -r name case; do
        try "$name" "$case" &
        if [ "$name" = right ]; then wait; fi
    done <"$dir/expected"
    wait
    cat "$dir"/*.ok
    [ "$(cat "$dir"/*.ok | wc -l)" -eq "$(wc -l <"$dir/expected")" ]
}
