#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a private host:  crash-podman.sh TYPE DIR
# Stores of that type that a kill left below DIR, one in each folder, as real podman sees them:
# it opens each, and has as many containers as berth.  With sqlite that is podman 5.
set -eu
type=$1 kept=$2
case $type in
boltdb)
	podman() { command podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend file "$@"; }
	place() { mkdir -p "$C/root/libpod"; cp "$1"/bolt_state.db* "$C/root/libpod/"; file=$C/root/libpod/bolt_state.db; }
	;;
sqlite)
	podman() { "$top_srcdir/tests/lib/podman5" --db-backend sqlite --storage-driver vfs --cgroup-manager cgroupfs --events-backend file "$@"; }
	place() { mkdir -p "$C/root"; cp "$1"/db.sql* "$C/root/"; file=$C/root/db.sql; }
	;;
esac
W=$(mktemp -d /var/lib/containers/crash.XXXXXX)
printf 'plugin_dirs = [ "%s/.libs" ];\n' "$top_builddir" >"$W/berth.conf"
export BERTH_CONF="$W/berth.conf"

n=0 opened=0 status=0
for dir in "$kept"/*/; do
	n=$((n + 1))
	C=$W/$n
	place "$dir" 2>/dev/null || continue # killed before there was a file
	[ -s "$file" ] || continue
	# podman first: berth would bring the file in order.
	if ! seen=$(podman --root "$C/root" --runroot "$C/run" --tmpdir "$C/tmp" ps -aq 2>"$W/errs"); then
		echo "FAIL: podman does not open $dir: $(cat "$W/errs")"
		status=1
		continue
	fi
	seen=$(echo "$seen" | grep -c . || :)
	has=$("$BERTH" state dump --from "$type:$file" | grep -c '"kind":"container"' || :)
	[ "$seen" = "$has" ] || { echo "FAIL: $dir: podman sees $seen containers, berth $has"; status=1; }
	"$BERTH" state check --from "$type:$file" >"$W/out" 2>&1 || { echo "FAIL: $dir: check after podman: $(cat "$W/out")"; status=1; }
	opened=$((opened + 1))
	rm -rf "$C"
done
echo "$type: podman opens $opened of the stores"
[ "$opened" -gt 0 ] || status=1
exit $status
