#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit must see what is wrong with plugins that are wrong on purpose.
set -eu
: "${CC:=cc}"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
memory=$top_srcdir/plugins/state/memory

# shellcheck disable=SC2086 # CC may have arguments
for c in "$memory"/*.c; do
    $CC -c -fPIC -fvisibility=hidden -D_GNU_SOURCE -I"$top_srcdir/include" -I"$memory" \
        -o "$dir/$(basename "$c" .c).o" "$c"
done

# name, the case that has to fail
expected() {
    cat <<'END'
keeps_undone|rollback() of insert() of a container
wildcard|a prefix with _ is literal
backwards|scan() in order of IDs
reads_all|get() of no members
forgets|what was committed is there after reopening
miscounts|unlink_all() counts what went to, dependencies
readers_write|a reader may not insert() of a container
prunes_more|exit_prune() by date
folds_case|resolve() takes whole names only
leaks|descriptors are close-on-exec and closed
silent|get() of nothing
cuts|documents of 8 MiB
reuses|what was read stays through other reads
prints|nothing is printed
overwrites|update() of the state alone
END
}

build() {
    # shellcheck disable=SC2086
    $CC -shared -fPIC -fvisibility=hidden -D_GNU_SOURCE -Wno-override-init \
        -I"$top_srcdir/include" -o "$dir/state_$1.so" \
        "$top_srcdir/tests/kit/wrong/state_$1.c" "$dir"/*.o
}

failed=0
build right
if ! "$top_builddir/kit-state" "$dir/state_right.so" >"$dir/right.tap"; then
    echo "FAIL: the plugin with nothing wrong does not pass:"
    grep -A1 '^not ok' "$dir/right.tap"
    failed=1
fi
expected >"$dir/expected"
while IFS='|' read -r name case; do
    build "$name"
    "$top_builddir/kit-state" "$dir/state_$name.so" >"$dir/$name.tap" 2>/dev/null || true
    all=$(grep -c '^not ok' "$dir/$name.tap" || true)
    if ! grep -q "^not ok [0-9]* - state: $case\$" "$dir/$name.tap"; then
        echo "FAIL: $name passes \"$case\" ($all cases failed)"
        failed=1
    elif [ "$all" -gt 60 ]; then
        echo "FAIL: $name fails nearly everything ($all cases)"
        failed=1
    else
        echo "ok: $name fails \"$case\" ($all cases in all)"
    fi
done <"$dir/expected"
exit $failed
