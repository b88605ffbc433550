#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plugins and hosts of several versions: what is promised in docs/plugins/abi.md.
#
#   old      the headers of 1.0, frozen in tests/abi/1.0
#   now      those of this tree
#   later    those of this tree with members added to every struct, and minor numbers raised
set -eu
: "${CC:=cc}"
if [ -w /dev/shm ]; then TMPDIR=/dev/shm; fi
TMPDIR=${TMPDIR:-/tmp}
export TMPDIR
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
say() {
    echo "FAIL: $*"
    failed=1
}
old=$top_srcdir/tests/abi/1.0/include
now=$top_srcdir/include
later=$dir/later
offsets=$top_srcdir/tests/abi/offsets

# --------------------------------------------------------------------- every member's place
for bits in 64 32; do
    python3 "$offsets" table "$now" -m$bits >"$dir/now-$bits"
    # Every line of 1.0 is there still, but for sizes, which only grow.
    grep -v '(size)' "$top_srcdir/tests/abi/1.0/offsets-$bits" |
        grep -vxFf "$dir/now-$bits" >"$dir/moved-$bits" || true
    [ ! -s "$dir/moved-$bits" ] || say "moved, of $bits bits: $(cat "$dir/moved-$bits")"
    python3 "$offsets" table "$old" -m$bits | cmp -s - "$top_srcdir/tests/abi/1.0/offsets-$bits" ||
        say "the frozen headers and their table of $bits bits differ"
done
(cd "$top_srcdir/tests/abi/1.0" && sha256sum -c --quiet sums) || say "the frozen headers were changed"

# ------------------------------------------------------------------------ plugins and hosts
python3 "$offsets" grow "$now" "$later"
grep -q later_call "$later/berth/state.h" || say "nothing has grown"

# plugin HEADERS WHERE [FLAG...]: all examples.
plugins() {
    headers=$1 where=$dir/$2
    shift 2
    mkdir -p "$where"
    for example in state_flatfile lock_bytewise oci_slim net_solo; do
        # shellcheck disable=SC2086 # CC may have arguments
        $CC -shared -fPIC -fvisibility=hidden -w -D_GNU_SOURCE -Wl,-z,now -I"$headers" "$@" \
            -o "$where/$example.so" "$top_srcdir/examples/$example"/*.c
    done
}
lowest='-DBERTH_ABI_NEEDS=0 -DBERTH_STATE_NEEDS=0 -DBERTH_LOCK_NEEDS=0 -DBERTH_OCI_NEEDS=0 -DBERTH_NET_NEEDS=0'
plugins "$old" old -g # for abidiff
plugins "$later" later
# shellcheck disable=SC2086
plugins "$later" modest $lowest

# host HEADERS NAME: the kit and its host.
parts=
for c in "$top_srcdir"/tests/kit/kit_*.c; do
    case $c in *_main.c) continue ;; esac
    parts="$parts $c"
done
host() {
    # shellcheck disable=SC2086
    $CC -w -O0 -D_GNU_SOURCE -I"$1" -I"$top_srcdir" -o "$dir/$2" $parts \
        "$top_srcdir"/tests/kit/kit_main.c "$top_srcdir"/tests/lib/testhost.c -lpthread -ldl
}
host "$later" host-later
host "$old" host-old

# runs KIT DIRECTORY: the kit passes on all of them, but for what it says of sizes, which are
# those of its own headers.
runs() {
    for p in "$dir/$2"/*.so; do
        # The longest of all says nothing more in this pairing.
        case $1,$p in "$top_builddir"/*,*/modest/state_*) continue ;; esac
        case $p in
        */lock_*) set -- "$1" "$2" -o "path=$dir/locks" ;;
        */net_*) set -- "$1" "$2" -o ip=/sbin/ip ;;
        *) set -- "$1" "$2" ;;
        esac
        kit=$1 from=$2
        shift 2
        "$kit" "$@" "$p" >"$dir/tap" 2>"$dir/err" || true
        rm -f "$dir/locks"
        wrong=$(grep '^not ok' "$dir/tap" | grep -v 'file: sizes and numbers are set' || true)
        grep -q '^1\.\.' "$dir/tap" || wrong="no end: $(cat "$dir/err")"
        [ -z "$wrong" ] || say "$(basename "$p") of $from on $(basename "$kit"): $wrong"
        set -- "$kit" "$from"
    done
}
runs "$top_builddir/berth-plugin-check" old
runs "$dir/host-later" old
runs "$top_builddir/berth-plugin-check" modest
runs "$dir/host-old" modest

# The program itself: old ones and modest ones are served, those that need more refused.
: >"$dir/berth.conf"
export BERTH_CONF="$dir/berth.conf"
for module in state_flatfile lock_bytewise oci_slim net_solo; do
    for from in old modest; do
        "$BERTH" plugin info "$dir/$from/$module.so" >"$dir/info" 2>&1 ||
            say "$module of $from: $(cat "$dir/info")"
        grep -qx "module=$module" "$dir/info" || say "$module of $from: no info"
    done
    if "$BERTH" plugin info "$dir/later/$module.so" >"$dir/info" 2>&1; then
        say "$module, which needs a later host, is taken"
    fi
    grep -q 'needs plugin ABI 1\.[0-9]*, and this program has 1\.[0-9]*: a later berth is needed' \
        "$dir/info" || say "$module: $(cat "$dir/info")"
done

# ----------------------------------------------------------------------- a second opinion
if command -v abidiff >/dev/null; then
    plugins "$now" debug-now -g
    for module in state_flatfile lock_bytewise oci_slim net_solo; do
        status=0
        abidiff "$dir/old/$module.so" "$dir/debug-now/$module.so" >"$dir/abidiff" || status=$?
        # 8: what is there is incompatible; 4: something changed, as additions do.
        [ $((status & 8)) -eq 0 ] || say "abidiff: $(cat "$dir/abidiff")"
    done
fi
exit $failed
