#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What authors of plugins get by `make install`: headers, berth-plugin.pc, berth.m4, examples,
# and plugins of all kinds made by `berth plugin new`, built and checked outside of the tree.
set -eu
# The kit syncs a lot; on a disk that is slow and says nothing new.
if [ -w /dev/shm ]; then TMPDIR=/dev/shm; fi
export TMPDIR
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
say() {
    echo "FAIL: $*"
    failed=1
}

unset MAKEFLAGS MFLAGS MAKELEVEL
dest=$dir/dest
make -s -C "$top_builddir" install DESTDIR="$dest" >"$dir/install.log" 2>&1 || {
    tail -n 20 "$dir/install.log"
    exit 1
}
prefix=$(sed -n 's/^prefix=//p' "$top_builddir/sdk/berth-plugin.pc")
usr=$dest$prefix

# ------------------------------------------------------------------------ what is there
pc=$(find "$usr" -name berth-plugin.pc)
[ -n "$pc" ] || say "berth-plugin.pc is not installed"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
ask() { pkg-config --define-variable=prefix="$usr" "$@" berth-plugin; }
[ "$(ask --libs | tr -d ' ')" = "" ] || say "plugins are to link something: $(ask --libs)"
plugindir=$(ask --variable=plugindir)
for module in $(cd "$top_builddir/.libs" && ls | sed -n 's/^\(state\|lock\|oci\|net\)_\([a-z]*\)\.so$/&/p'); do
    [ -f "$plugindir/$module" ] || say "$module is not in $plugindir"
done
for kind in '' state lock oci net; do
    header=$usr/include/berth/${kind:-plugin}.h
    word=BERTH_$(echo "${kind:+${kind}_}" | tr a-z A-Z)ABI
    number=$(sed -n "s/^#define ${word}_MAJOR //p" "$header").$(sed -n "s/^#define ${word}_MINOR //p" "$header")
    [ "$(ask --variable="${kind:+${kind}_}abi")" = "$number" ] ||
        say "berth-plugin.pc and $header differ in ${kind:+${kind}_}abi"
done
[ -x "$usr/bin/berth-plugin-check" ] || say "berth-plugin-check is not installed"
[ -f "$usr/share/aclocal/berth.m4" ] || say "berth.m4 is not installed"
[ -z "$(find "$dest" -name '*.la')" ] || say "files of libtool's are installed"

# ------------------------------------------------------------------- a plugin of each kind
cat >"$dir/berth.conf" <<END
plugin_dirs = [ "$plugindir" ];
END
export BERTH_CONF="$dir/berth.conf"
BERTH=$usr/bin/berth
mkdir "$dir/src"
cd "$dir/src"
for kind in state lock oci net; do
    made=$("$BERTH" plugin new --examples "$usr/share/berth/examples" $kind demo) ||
        say "plugin new $kind demo"
    [ "$made" = ${kind}_demo ] || say "plugin new $kind demo prints $made"
    ! grep -rliE 'flatfile|bytewise|slim|solo' ${kind}_demo || say "$kind: a name is left"
    set -- PKG_CONFIG="pkg-config --define-variable=prefix=$usr" BERTH="$BERTH" \
        CFLAGS="-O1 -Wall -Wextra -Werror" mandir="$usr/share/man"
    if ! make -s -C ${kind}_demo "$@" all check install >"$dir/$kind.log" 2>&1; then
        say "$kind:"
        tail -n 20 "$dir/$kind.log"
    fi
    grep -q '^1\.\.[0-9][0-9]$\|^1\.\.[0-9][0-9][0-9]$' "$dir/$kind.log" || say "$kind: no plan"
    [ -f "$usr/share/man/man7/${kind}_demo.7" ] || say "$kind: no manual page"
    [ -z "$(LC_ALL=C MANWIDTH=80 man --warnings -l "$usr/share/man/man7/${kind}_demo.7" 2>&1 >/dev/null)" ] ||
        say "$kind: the manual page has mistakes"
done
"$BERTH" plugin list --format '{{.Module}} {{.Status}}' >"$dir/list"
for kind in state lock oci net; do
    grep -qx "${kind}_demo ok" "$dir/list" || say "plugin list: ${kind}_demo"
done

# ------------------------------------------------------------------------------- refusals
refused() {
    want=$1
    shift
    if "$BERTH" plugin new --examples "$usr/share/berth/examples" "$@" >"$dir/out" 2>"$dir/err"; then
        say "plugin new $*: is taken"
    fi
    grep -q -- "$want" "$dir/err" || say "plugin new $*: $(cat "$dir/err")"
}
refused 'is there already' state demo
refused 'choose state, lock, oci or net' disk demo
refused 'cannot be the name' state Demo
refused 'cannot be the name' state ../x
if "$BERTH" plugin new --examples "$dir/none" state other 2>"$dir/err"; then say "no examples"; fi
grep -q 'berth-dev' "$dir/err" || say "no examples: $(cat "$dir/err")"
[ -z "$(find . -name '*other*')" ] || say "something is left of a failure"
exit $failed
