#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A build without boltdb, shm, crun and netavark: it holds what was asked for and nothing else,
# works with the defaults that it was given, and says what it lacks.
. "$top_srcdir/tests/lib/e2e.sh"

cat >"$W/berth.conf" <<END
plugin_dirs = [ "$(cd "$top_builddir/.libs" && pwd)" ];
graph_root = "$W/storage";
run_root = "$W/run";
tmp_dir = "$W/tmp";
END

for module in state_boltdb lock_shm oci_crun net_netavark; do
	is "$module is not there" '' "$(b plugin list --format '{{.Module}}' | grep -x $module)"
done
has 'others are' state_sqlite "$(b plugin list --format '{{.Module}} {{.Status}}' | grep ' ok$')"
rc 'a container runs on the defaults' 7 b run --name one --network none --rootfs "$R" \
	sh -c 'echo hi; exit 7'
is 'what it says' hi "$out"
is 'its runtime' runc "$(b inspect --format '{{.OCIRuntime}}' one)"
has 'the store' sqlite "$(b info --format json)"
rc 'a store that is not built' 125 b --state-type boltdb ps
has 'what to do about it' berth-state-boltdb "$errs"
rc 'a lock manager that is not built' 125 b --lock-type shm create \
	--network none --rootfs "$R" true
has 'what to do about that' lock_shm "$errs"
quiet b rm one
finish
