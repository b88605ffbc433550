#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Killed at the wrong moment: the monitor, the container, the engine.  The next command puts
# it right, and nothing is left.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"

# "Up" or "Exited", as ps sees it.
status() { b ps -a --filter "name=^$1\$" --format '{{.Status}}' | sed 's/ .*//'; }
pid_of() { b inspect --format '{{.State.Pid}}' "$1"; }
conmon_of() { b inspect --format '{{.State.ConmonPid}}' "$1"; }

for victim in first last; do
	quiet b run -d --name c --network none --rootfs "$R" sleep 1000
	pid=$(pid_of c) conmon=$(conmon_of c)
	if [ $victim = first ]; then
		kill -KILL "$conmon"
		is "without its monitor it still runs" Up "$(status c)"
		kill -KILL "$pid"
	else
		kill -KILL "$pid" "$conmon"
	fi
	until_true sh -c "! kill -0 $pid"
	is "monitor killed $victim: ps knows" Exited "$(status c)"
	rc "start works" 0 b start c
	is "it runs" Up "$(status c)"
	rc "stop works" 0 b stop -t 0 c
	rc "rm works" 0 b rm c
done

quiet b run -d --name c --network none --rootfs "$R" sleep 1000
kill -KILL "$(pid_of c)"
until_true sh -c "$BERTH ps -a --format '{{.Status}}' | grep -q ^Exited"
is "a killed container's exit code" 137 "$(b wait c)"
quiet b rm c

# The engine is killed at its calls to the runtime and to the store.  (Killed right before it
# frees a lock number, it leaks the number: freeing it later could hit another container.)
for point in state.commit:1=KILL state.commit:1=KILLED oci.create=KILL \
	oci.create=KILLED oci.attach=KILLED oci.start=KILLED state.commit:2=KILLED oci.wait=KILL \
	oci.wait=KILLED oci.remove=KILLED state.commit:3=KILL state.commit:3=KILLED \
	lock.release=KILLED; do
	BERTH_FAULT=$point b run --rm --name c --network none --rootfs "$R" true >/dev/null 2>&1 </dev/null
	if b ps -a --format '{{.Names}}' | grep -q .; then
		rc "killed at $point: rm -f works" 0 b rm -f -t 0 c
	fi
	is "killed at $point: no container" "" "$(b ps -aq)"
	rc "killed at $point: the next run works" 0 b run --rm --name c --network none --rootfs "$R" true
	until_true sh -c '! pgrep conmon'
	is "killed at $point: no runtime state" "" "$(crun list -q)"
	quiet b create --name probe --network none --rootfs "$R" true
	is "killed at $point: no lock number" '"lockID":0' "$(b state dump | grep '"name":"probe"' | grep -o '"lockID":[0-9]*')"
	quiet b rm probe
	is "killed at $point: no mount" "" "$(grep -e userdata -e /run/netns/ /proc/self/mountinfo)"
done
# What fails while a run is made ready, its monitor started already or not: nothing of it stays.
BERTH_FAULT_LOG=$W/points b run --rm --name c --network none --rootfs "$R" true
points=$(grep -e '^ctr\.' -e '^storage\.' "$W/points" | sed '/^ctr\.configured$/q' | sort -u)
has "the places of a run" ctr.stored "$points"
for point in $points state.insert state.commit; do
	for why in EIO EEXIST; do
		BERTH_FAULT=$point=$why b run --rm --name c --network none --rootfs "$R" true >/dev/null 2>"$W/errs" </dev/null
		case $? in 125 | 126 | 127) good "run fails at $point, $why" ;; *) wrong "run at $point, $why" "$(cat "$W/errs")" ;; esac
		is "$point, $why: no word of the runtime's" "" "$(grep 'crun has\|OCI runtime' "$W/errs")"
		is "$point, $why: no container" "" "$(b ps -aq)"
		until_true sh -c '! pgrep conmon'
		is "$point, $why: nothing in the runtime" "" "$(crun list -q)"
		is "$point, $why: no folder, no mount" "" "$(ls /run/containers/storage/overlay-containers; grep userdata /proc/self/mountinfo)"
	done
done
rc "the store is whole" 0 b state check
quiet b create --name last --network none --rootfs "$R" true
is "no lock number is leaked" '"lockID":0' "$(b state dump | grep '"name":"last"' | grep -o '"lockID":[0-9]*')"
finish
