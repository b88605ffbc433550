#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Libraries that are opened where they are installed: the program's notes name each of them,
# the sources open no other, and none is loaded without need.
set -u
failed=0
ok() { echo "ok: $1"; }
not_ok() {
	failed=1
	echo "FAIL: $*"
}

noted=$(LC_ALL=C readelf -p .note.dlopen "$BERTH" | grep -o '"soname":\["[^"]*' | sed 's/.*"//' | sort)
declared=$(grep -rh 'LIBRARY(' "$top_srcdir/src" --include='*.c' |
	sed -n 's/^LIBRARY([a-z_0-9]*, "\([^"]*\)".*/\1/p' | sort)
[ -n "$declared" ] || not_ok "no library is declared"
if [ "$noted" = "$declared" ]; then
	ok "the notes name $declared"
else
	not_ok "declared: $declared; noted: $noted"
fi

# One record after the other, each of them FDO's, with a document in it.
python3 - "$BERTH" <<'END' || not_ok "the notes cannot be read"
import json, struct, subprocess, sys, tempfile
with tempfile.NamedTemporaryFile() as f:
    subprocess.check_call(["objcopy", "-O", "binary", "--only-section=.note.dlopen", sys.argv[1], f.name])
    notes = f.read()
while notes:
    namesz, descsz, kind = struct.unpack_from("<III", notes)
    assert notes[12:12 + namesz] == b"FDO\0" and kind == 0x407c0c0a
    for one in json.loads(notes[16:16 + descsz].rstrip(b"\0")):
        assert one["soname"] and one["feature"] and one["description"]
        assert one["priority"] in ("required", "recommended", "suggested")
    notes = notes[16 + (descsz + 3) // 4 * 4:]
END

# Plugins and the libraries they need are opened by src/load, everything else by base/library.c.
others=$(cd "$top_srcdir/src" && grep -rlw -e dlopen -e dlmopen --include='*.c' . |
	grep -v -e '^\./load/' -e '^\./base/library\.c$')
[ -z "$others" ] || not_ok "others open libraries: $others"

# Without it events in the journal cannot be read, and everything else goes on.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf 'plugin_dirs = [ "%s/.libs" ];\nLockType = "file";\n' "$top_builddir" >"$dir/berth.conf"
export BERTH_CONF="$dir/berth.conf"
run() {
	LD_DEBUG=libs LD_DEBUG_OUTPUT="$dir/ld" "$BERTH" --root "$dir/root" --runroot "$dir/run" \
		--tmpdir "$dir/tmp" --events-backend journald "$@" >"$dir/out" 2>&1
	status=$?
	loaded=$(cat "$dir"/ld.* | grep -o 'calling init: .*libsystemd\.so\.0')
	rm -f "$dir"/ld.*
}
if [ "$(id -u)" = 0 ]; then
	run ps
	[ -z "$loaded" ] || not_ok "ps loads libsystemd"
	run events --stream=false
	if [ -n "$loaded" ]; then
		[ $status = 0 ] || not_ok "events: $(cat "$dir/out")"
		ok "events in the journal are read"
	else
		[ $status = 125 ] || not_ok "events: status $status"
		grep -q 'needs libsystemd: libsystemd\.so\.0' "$dir/out" || not_ok "events: $(cat "$dir/out")"
	fi
fi
exit $failed
