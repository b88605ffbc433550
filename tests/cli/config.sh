#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# berth config show and check.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
unset BERTH_CONF BERTH_PLUGIN_PATH
failed=0

is() {
    [ "$2" = "$3" ] && return
    failed=1
    printf 'not ok: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
}

has() {
    case $3 in *"$2"*) return ;; esac
    failed=1
    printf 'not ok: %s\n  expected: ...%s...\n  got:      %s\n' "$1" "$2" "$3"
}

mkdir -m 755 "$dir/plugins" || exit 1
$CC -shared -fPIC -w -I"$top_srcdir/include" -DMODULE=lock_good -DNAME='"good"' \
    "$top_srcdir/tests/plugins/samples/lock_sample.c" -o "$dir/plugins/lock_good.so" || exit 1

# ---------------------------------------------------------------------- show
cat > "$dir/a.conf" <<END
num_locks = 64;
plugin_dirs = [ "$dir/plugins" ];
env = [ "A=\"x\"" ];
lock_good = { speed = 9; };
END
show=$("$BERTH" --config "$dir/a.conf" --root /srv/ctr config show)
is 'exit status of show' 0 $?
for line in "num_locks = 64;  # $dir/a.conf:1" "env = [ \"A=\\\"x\\\"\" ];  # $dir/a.conf:3" \
    'graph_root = "/srv/ctr";  # flag --root' 'static_dir = "/srv/ctr/libpod";  # default' \
    'stop_timeout = 10;  # default' 'lock_good = {' "    speed = 9;  # $dir/a.conf:4" '};'; do
    is "show, $line" "$line" "$(echo "$show" | grep -Fx -- "$line")"
done
echo "$show" > "$dir/b.conf"
is 'what is shown can be read' "$(echo "$show" | sed 's/  # .*//')" \
    "$("$BERTH" --config "$dir/b.conf" config show | sed 's/  # .*//')"

# --------------------------------------------------------------------- check
cat > "$dir/good.conf" <<END
plugin_dirs = [ "$dir/plugins" ];
LockType = "good";
lock_good = { speed = 9; };
END
# Only what this test is about: a selector that is at its default may have no plugin here.
check() {
    "$BERTH" config check "$1" | grep -v '^default: '
}
is 'nothing wrong' '' "$(check "$dir/good.conf")"
cat > "$dir/bad.conf" <<END
plugin_dirs = [ "$dir/plugins" ];
StateTyp = "x";
StateType = "nonesuch";
num_locks = "7";
lock_good = { sped = 3; };
lock_gone = { a = 1; };
oci_x = 5;
umask = "9";
END
problems=$(check "$dir/bad.conf")
is 'all problems' 7 "$(echo "$problems" | wc -l)"
for line in "2: unknown key \"StateTyp\" (did you mean \"StateType\"?)" \
    '4: "num_locks" must be a number, not text' \
    '5: unknown option "sped" in lock_good (did you mean "speed"? known: speed)' \
    '7: unknown key "oci_x"' \
    '8: "umask" must be one to four octal digits, not "9"'; do
    is "check, $line" "$dir/bad.conf:$line" "$(echo "$problems" | grep -F -- ":$line")"
done
has 'check, selector' "$dir/bad.conf:3: \"StateType\": there is no usable state plugin" \
    "$problems"
has 'check, section' "$dir/bad.conf:6: \"lock_gone\": there is no usable lock plugin" "$problems"
"$BERTH" config check "$dir/bad.conf" > "$dir/out"
is 'exit status of check' 1 $?

# Every other command stops at the first, and says where.
is 'a wrong file' "Error: $dir/bad.conf:2: unknown key \"StateTyp\" (did you mean \"StateType\"?)" \
    "$(BERTH_CONF="$dir/bad.conf" "$BERTH" config show 2>&1)"
echo 'num_locks = ' > "$dir/syntax.conf"
has 'syntax' "Error: $dir/syntax.conf:" "$("$BERTH" --config "$dir/syntax.conf" config show 2>&1)"
is 'no such file' "Error: $dir/none: cannot be read: No such file or directory" \
    "$("$BERTH" --config "$dir/none" config show 2>&1)"
"$BERTH" --config "$dir/none" version > "$dir/out"
is 'version reads none' 0 $?

# The manual page has what the table of keys has.
sed -n '/^\.\\" What follows is printed/,/^\.\\" End of what is printed/p' \
    "$top_srcdir/src/conf/berth.conf.5" | sed '1d;$d' > "$dir/page"
"$BERTH" --dump-man berth.conf > "$dir/table"
diff "$dir/table" "$dir/page" || failed=1
[ -s "$dir/page" ] || failed=1
exit $failed
