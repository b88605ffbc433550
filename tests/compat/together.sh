#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Four processes of berth and four of podman create, start, stop and remove containers at
# once; TOGETHER_SECONDS says for how long (30).  No command may fail, no record may be lost
# or doubled, no lock number leaked, and the database must be whole.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

podman() { command podman --cgroup-manager cgroupfs --events-backend file "$@"; }
quiet b run --rm --network none --rootfs "$R" true
quiet podman run --rm --network none --rootfs "$R" true
locks_before=$(b state dump | grep -c '"kind":"container"')

# worker ENGINE NUMBER: errors go to its log; every round leaves nothing.
worker() {
	engine=$1 n=$2 round=0
	end=$(($(date +%s) + ${TOGETHER_SECONDS:-30}))
	while [ "$(date +%s)" -lt "$end" ]; do
		round=$((round + 1))
		name=$engine-$n-$round
		for step in "create --name $name --network none --rootfs $R sleep 1000" \
			"start $name" "stop -t 0 $name" "start $name" "rm -f -t 0 $name" \
			"run --rm --network none --rootfs $R true"; do
			# shellcheck disable=SC2086
			$engine $step >/dev/null 2>"$W/err.$engine.$n" </dev/null || {
				echo "$engine $step: status $?: $(cat "$W/err.$engine.$n")" >>"$W/failures"
			}
		done
	done
	echo "$round" >"$W/rounds.$engine.$n"
}
: >"$W/failures"
for n in 1 2 3 4; do
	worker b $n &
	worker podman $n &
done
wait
is "no command failed" "" "$(head -n 20 "$W/failures")"
for engine in b podman; do
	total=0
	for n in 1 2 3 4; do total=$((total + $(cat "$W/rounds.$engine.$n"))); done
	[ "$total" -ge 4 ] && good "$engine did $total rounds" || wrong "$engine did $total rounds"
done
is "no container is left" "" "$(b ps -aq)"
is "podman sees none either" "" "$(podman ps -aq --external)"
is "no record is left" "$locks_before" "$(b state dump | grep -c '"kind":"container"')"
rc "the database is whole" 0 b state check
checker=$top_builddir/tests/compat/bolt-check/bolt-check
rc "the checker of the original library builds" 0 "$top_srcdir/tests/compat/bolt-check/build" "$checker"
rc "and finds no fault" 0 "$checker" check /var/lib/containers/storage/libpod/bolt_state.db
# The bitmap of a segment without objects is all zero: a new container gets number 0.
quiet b create --name last --network none --rootfs "$R" true
has "no lock number is leaked" '"lockID":0,' "$(b state dump | grep '"name":"last"')"
quiet b rm last
is "no process is left" "" "$(pgrep -a conmon)"
is "no mount is left" "" "$(grep -e userdata -e /run/netns/ /proc/self/mountinfo)"
finish
