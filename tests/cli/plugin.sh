#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# berth plugin list and info; plugins that cannot be used; what is loaded when.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
unset BERTH_CONF BERTH_PLUGIN_PATH
failed=0
: > "$dir/berth.conf"

# is NAME EXPECTED GOT
is() {
    [ "$2" = "$3" ] && return
    failed=1
    printf 'not ok: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
}

# has NAME PART TEXT
has() {
    case $3 in *"$2"*) return ;; esac
    failed=1
    printf 'not ok: %s\n  expected: ...%s...\n  got:      %s\n' "$1" "$2" "$3"
}

# The program with plugins of this test only, its files in a place of their own.
berth() {
    "$BERTH" --config "$dir/berth.conf" --plugin-path "$dir/plugins" --root "$dir/root" \
        --runroot "$dir/run" --tmpdir "$dir/tmp" "$@"
}

sample() {
    name=$1
    shift
    $CC -shared -fPIC -w -I"$top_srcdir/include" -DMODULE="lock_$name" -DNAME="\"$name\"" \
        "$top_srcdir/tests/plugins/samples/lock_sample.c" -o "$dir/plugins/lock_$name.so" "$@" ||
        exit 1
}

mkdir -m 755 "$dir/plugins" "$dir/lib" || exit 1
builtin=$("$BERTH" --config "$dir/berth.conf" --plugin-path "$dir/plugins" \
    plugin list --format '{{.Module}}' | wc -l)
sample good
sample abi '-DNOTE="module=lock_abi\nkind=lock\nabi=2.3\nops=1.0\n"'
echo 'int gone(void) { return 0; }' > "$dir/gone.c"
$CC -shared -fPIC -Wl,-soname,libberthgone.so.1 -o "$dir/lib/libberthgone.so" "$dir/gone.c" ||
    exit 1
sample lib -DCALL=gone -L"$dir/lib" -lberthgone
echo text > "$dir/plugins/net_text.so"

# ---------------------------------------------------------------------- list
list=$(berth plugin list --format '{{.Module}} {{.ABI}} {{.Status}}')
is 'exit status of list' 0 $?
is 'lines of list' $((builtin + 4)) "$(echo "$list" | wc -l)"
has 'list, good' 'lock_good 1.0/1.0 ok' "$list"
has 'list, other ABI' \
    'lock_abi 2.3/1.0 is made for plugin ABI 2.3, and this program has 1.0' "$list"
has 'list, library' \
    'lock_lib 1.0/1.0 libberthgone.so.1: cannot open shared object file' "$list"
has 'list, no ELF' 'net_text - is no ELF file' "$list"
has 'table' 'KIND        NAME        ABI         PATH' "$(berth plugin list)"
has 'JSON' '"Module": "lock_good"' "$(berth plugin ls --format json)"

# ---------------------------------------------------------------------- info
info=$(berth plugin info lock_good)
is 'exit status of info' 0 $?
for line in "path=$dir/plugins/lock_good.so" module=lock_good kind=lock name=good version=1.2 \
    'summary=a sample' license=Apache-2.0 contact=nobody abi=1.0 ops_abi=1.0 needs=1.0 \
    threads=one caps= has_held=0 option.speed=int option.speed.default=5 \
    'option.speed.help=how fast'; do
    is "info, $line" "$line" "$(echo "$info" | grep -Fx -- "$line")"
done
is 'info by file' "$info" "$(berth plugin info "$dir/plugins/lock_good.so")"
refusal=$(berth plugin info lock_lib 2>&1)
is 'exit status of a refusal' 125 $?
is 'refusal' "Error: cannot use lock plugin \"lib\"
  $dir/plugins/lock_lib.so: libberthgone.so.1: cannot open shared object file: No such file or directory
  installed lock plugins: $(berth plugin list --format '{{.Kind}} {{.Name}} {{.Problem}}' |
    sed -n 's/^lock \([a-z]*\) $/\1/p; s/^lock \(lib\) .*/\1/p' | paste -sd, |
    sed 's/,/, /g') (see \`berth plugin list\`)" "$refusal"

# ------------------------------------------------- nothing else changes, or is loaded
ls -lR "$dir" > "$dir.before"
berth --lock-type=abi --state-type=nonesuch ps > /dev/null 2>&1
is 'a refused plugin' 125 $?
ls -lR "$dir" > "$dir.after"
diff "$dir.before" "$dir.after" || failed=1
rm -f "$dir.before" "$dir.after"
is 'version loads nothing' '' \
    "$(berth --log-level=debug version 2>&1 | grep 'loaded plugin')"
is 'list loads nothing' '' \
    "$(berth --log-level=debug plugin list 2>&1 | grep 'loaded plugin')"
is 'info loads one' 1 \
    "$(berth --log-level=debug plugin info lock_good 2>&1 | grep -c 'loaded plugin lock_good')"

# ------------------------------------------------------------ who needs which library
needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}
if [ "$builtin" -eq 0 ]; then
    for library in $(needed "$BERTH"); do
        case $library in
        libltdl.* | libconfig.* | libjson-c.* | libseccomp.* | libc.* | libpthread.* | libdl.* | \
            ld-linux* | libasan.* | libubsan.* | libm.*) ;;
        *)
            failed=1
            echo "not ok: the program needs $library"
            ;;
        esac
    done
fi
exit $failed
