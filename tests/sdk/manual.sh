#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual for authors of plugins has every operation, capability and service of the headers,
# and every section that the conformance kit refers to; it renders without warnings.
set -u
failed=0
say() {
    echo "FAIL: $*"
    failed=1
}
man=$top_srcdir/docs/plugins
headers=$top_srcdir/include/berth

# members HEADER STRUCT: the functions of a table.
members() {
    sed -n "/^struct $2 {/,/^};/p" "$headers/$1.h" | sed -n 's/.*(\*\([a-z_]*\))(.*/\1/p'
}
for kind in state lock oci net; do
    table=berth_${kind}_ops
    ops=$(members $kind "$table")
    [ "$(echo "$ops" | wc -l)" -ge 12 ] || say "$kind.h: no operations are found"
    for op in $ops; do
        grep -q "^\.It Fn $op\$" "$man/berth-plugin-$kind.3" || say "berth-plugin-$kind(3) lacks $op()"
    done
    for cap in $(grep -o "^#define BERTH_[A-Z]*_CAP_[A-Z0-9_]*" "$headers/$kind.h" | sed 's/#define //'); do
        grep -q "^\.It Dv $cap\$" "$man/berth-plugin-$kind.3" || say "berth-plugin-$kind(3) lacks $cap"
    done
done
for service in $(members plugin berth_host); do
    grep -q "Fn $service\( \|\$\)" "$man/berth-plugin.3" || say "berth-plugin(3) lacks $service()"
done

# Sections that the kit names.
grep -rhoE '"berth-plugin(-[a-z]+)?\(3\), [A-Z ]+( and [A-Z ]+)?"' "$top_srcdir/tests/kit" |
    sed 's/"//g; s/(3), /:/' >rules.$$
for kind in oci net; do
    grep -ho 'PAGE("[A-Z ]*")' "$top_srcdir/tests/kit/kit_$kind.c" |
        sed "s/PAGE(\"\(.*\)\")/berth-plugin-$kind:\1/" >>rules.$$
done
sort -u rules.$$ | sed 's/\(.*\):\(.*\) and \(.*\)/\1:\2\n\1:\3/' >rules2.$$
[ "$(wc -l <rules2.$$)" -ge 15 ] || say "the kit names too few rules"
while IFS=: read -r page section; do
    grep -qx "\.Sh $section" "$man/$page.3" || say "$page(3) has no section $section"
done <rules2.$$
rm -f rules.$$ rules2.$$

for page in "$man"/*.3; do
    warnings=$(mandoc -T lint -W warning "$page" 2>&1)
    [ -z "$warnings" ] || say "$warnings"
    [ -z "$(LC_ALL=C MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)" ] ||
        say "$page does not render cleanly"
done

# Documents name only files that are there.
for link in $(grep -ho ']([a-z-]*\.md)' "$man"/*.md | tr -d ']()'); do
    [ -f "$man/$link" ] || say "there is no $link"
done
exit $failed
