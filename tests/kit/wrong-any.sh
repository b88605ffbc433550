# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by net-wrong.sh and oci-wrong.sh: plugins made of an example, one mistake each, which
# must fail the case that the mistake is about and no more than $many besides.
#
#   wrong_any KIND EXAMPLE     standard input: "name|case|flags" lines; the name is that of
#                              -DWRONG_name, the flags are the compiler's, in place of the usual
set -eu
: "${CC:=cc}" "${many:=3}"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# try NAME CASE FLAGS: whether it fails what it should.
try() {
    plugin=$dir/${kind}_$1.so
    # shellcheck disable=SC2086 # CC, flags and args may have several words
    $CC -shared -fPIC -fvisibility=hidden -O1 -w -D_GNU_SOURCE -DNAMED="$1" -DWRONG_"$1" \
        -I"$top_srcdir/include" -I"$example" ${3:-$usual} \
        -o "$plugin" "$top_srcdir/tests/kit/wrong/$kind.c" $others
    "$top_builddir/berth-plugin-check" ${args:-} "$plugin" >"$dir/$1.tap" 2>/dev/null || true
    all=$(grep -c '^not ok' "$dir/$1.tap" || true)
    if ! grep -q '^1\.\.' "$dir/$1.tap"; then
        echo "FAIL: $1: the kit came to no end"
    elif [ "$1" = right ]; then
        [ "$all" -eq 0 ] && echo "ok: the plugin with nothing wrong passes" && return
        echo "FAIL: the plugin with nothing wrong does not pass:"
        grep -A2 '^not ok' "$dir/$1.tap"
    elif ! grep -q "^not ok [0-9]* - $2\$" "$dir/$1.tap"; then
        echo "FAIL: $1 passes \"$2\""
        grep '^not ok' "$dir/$1.tap" || true
    elif [ "$all" -gt "$many" ]; then
        echo "FAIL: $1 fails $all cases"
        grep '^not ok' "$dir/$1.tap"
    elif ! grep -A2 "^not ok [0-9]* - $2\$" "$dir/$1.tap" | grep -q '^# the rule: berth-plugin'; then
        echo "FAIL: $1: no rule is named"
    else
        echo "ok: $1 fails \"$2\" ($all in all)"
        return
    fi
    failed=1
}

wrong_any() {
    kind=$1 example=$top_srcdir/examples/$2
    usual='-Wl,-z,now -Wl,-z,noexecstack'
    others=
    failed=0
    for c in "$example"/*.c; do
        [ "$c" = "$example/plugin.c" ] && continue
        $CC -c -fPIC -fvisibility=hidden -O1 -w -D_GNU_SOURCE -I"$top_srcdir/include" \
            -o "$dir/$(basename "$c" .c).o" "$c"
        others="$others $dir/$(basename "$c" .c).o"
    done
    cat >"$dir/expected"
    while IFS='|' read -r name case flags; do
        try "$name" "$case" "$flags"
    done <"$dir/expected"
    exit $failed
}
