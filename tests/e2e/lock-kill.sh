#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A process that holds a container's lock is killed: the next one gets the lock, finds out what
# the container really does, and nothing hangs.
. "$top_srcdir/tests/lib/e2e.sh"

id=
real() { crun state "$id" | sed -n 's/^ *"status": *"\([a-z]*\)".*/\1/p'; }
recorded() { b inspect --format '{{.State.Status}}' c; }
# killed POINT COMMAND...: it dies there.
killed() {
	BERTH_FAULT=$1 timeout 120 "$BERTH" "$2" "$3" >/dev/null 2>&1 </dev/null
	[ $? = 137 ]
}

# ------------------------------------------------- done in the runtime, not recorded
quiet b create --name c --network none --rootfs "$R" sleep 100000
id=$(b inspect --format '{{.Id}}' c)
quiet b init c
killed oci.start=KILLED start c || wrong "start was not killed"
is "started, and nobody knows" "running initialized" "$(real) $(recorded)"
rc "the next one gets the lock" 0 timeout 60 "$BERTH" kill -s CONT c
has "and says what it found" "is running and was recorded as initialized by a process that died" "$errs"
is "it is recorded" "running running" "$(real) $(recorded)"
killed oci.pause=KILLED pause c || wrong "pause was not killed"
rc "frozen, and thawed by the next one" 0 timeout 60 "$BERTH" unpause c
is "it runs" "running running" "$(real) $(recorded)"
quiet b pause c
killed oci.unpause=KILLED unpause c || wrong "unpause was not killed"
rc "thawed, and frozen by the next one" 0 timeout 60 "$BERTH" pause c
is "it is frozen" "paused paused" "$(real) $(recorded)"
quiet b unpause c

# ---------------------------------------------------------------- again and again
if [ "${BERTH_TEST_LONG:-}" ]; then kills=1000; else kills=15; fi
i=0
for round in $(seq $kills); do
	case $(recorded) in
	paused) word=unpause ;;
	*) word=pause ;;
	esac
	set -- lock.acquire=KILLED "oci.$word=KILL" "oci.$word=KILLED" state.commit=KILL \
		state.commit=KILLED lock.drop=KILL
	shift $((round % 6))
	# podman takes a lock like this for any other, so nothing may be left for it to find out.
	[ $((round % 10)) != 0 ] || set -- lock.acquire=KILLED
	killed "$1" $word c && i=$((i + 1))
	case $((round % 10)) in
	0) rc "podman gets it after $1" 0 timeout 120 podman kill -s CONT c ;;
	*) timeout 120 "$BERTH" kill -s CONT c >"$W/out" 2>&1 || wrong "kill after $1" "$(cat "$W/out")" ;;
	esac
	[ "$(real)" = "$(recorded)" ] ||
		wrong "after $1: really $(real), recorded $(recorded)"
	timeout 60 "$BERTH" ps -a >/dev/null || wrong "ps after $1"
done
is "each of them was killed" $kills $i
case $(recorded) in paused) quiet b unpause c ;; esac
rc "it can be removed" 0 timeout 60 "$BERTH" rm -f -t 0 c
rc "all is well" 0 b system check
finish
