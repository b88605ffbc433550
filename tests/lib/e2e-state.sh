# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034
# Sourced behind e2e.sh by the tests that give podman a store that was moved.
#
#   need_stores TYPE...           skip without these plugins
#   give TYPE FIXTURE VIA TO FILE  podman's database, with its paths moved below $C, goes by a
#                                 store of type VIA into FILE (below $C) of type TO; its dump is
#                                 in $W/dump
#   words                         lines of input as one line
need_stores() {
	for type; do
		b plugin list | grep -q "^state *$type " || { echo "needs the plugin state_$type"; exit 77; }
	done
}
given=0
give() {
	given=$((given + 1))
	C=$W/$given
	rm -rf "$W/via"* /run/libpod /dev/shm/libpod_lock # as after a boot
	mkdir -p "$(dirname "$C/$5")" "$C/run"
	cp "$top_srcdir/tests/fixtures/$2" "$W/fixture"
	b state dump --from "$1:$W/fixture" | sed "s,/srv/ctr/run\(root\)*,$C/run,g; s,/srv/ctr,$C,g" >"$W/dump"
	quiet b state load --into "$3:$W/via" "$W/dump"
	b state dump --from "$3:$W/via" >"$W/dump2"
	quiet b state load --into "$4:$C/$5" "$W/dump2"
	b state dump --from "$4:$C/$5" | cmp "$W/dump" - >"$W/quiet" 2>&1
	is "$2 by $3: nothing is lost" 0 $?
}
words() { tr '\n' ' '; }
