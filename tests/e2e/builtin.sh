#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One program with plugins linked in, and no .so of ours anywhere: it lists them, runs a
# container, and moves a database from one store to another.
. "$top_srcdir/tests/lib/e2e.sh"

# The program alone, where nothing of the build tree is beside it.
mkdir "$W/alone" "$W/none"
cp "$BERTH" "$W/alone/berth"
BERTH=$W/alone/berth
unset BERTH_PLUGIN_PATH
cat >"$W/berth.conf" <<END
plugin_dirs = [ "$W/none" ];
NetworkBackend = "none";
StateType = "boltdb";
END
is 'nothing of ours is needed' '' "$(ldd "$BERTH" | grep -E 'berth|state_|lock_|oci_|net_')"

list=$(b plugin list --format '{{.Module}} {{.Path}} {{.Status}}')
for module in state_boltdb state_sqlite lock_shm oci_crun net_none; do
	has "plugin list: $module" "$module builtin ok" "$list"
done
has 'plugin info' 'path=builtin' "$(b plugin info state_sqlite)"

rc 'a container runs' 0 b run --name one --network none --rootfs "$R" echo from within
is 'what it says' 'from within' "$out"
rc 'one in the background' 0 b run -d --name two --network none --rootfs "$R" sleep 1000
is 'ps' two "$(b ps --format '{{.Names}}')"
quiet b stop -t 0 two

rc 'the store is moved' 0 b state migrate --to sqlite
sed -i 's/boltdb/sqlite/' "$W/berth.conf"
is 'containers after the move' 'one two' "$(b ps -a --format '{{.Names}}' | sort | tr '\n' ' ' | sed 's/ $//')"
rc 'one of them starts again' 0 b start -a one
is 'what it says then' 'from within' "$out"
quiet b rm -f one two
finish
