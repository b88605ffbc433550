#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The lock plugins and a real podman on the same locks, on a private host.
set -u

# shellcheck disable=SC2154
lib=$top_srcdir/tests/lib
if [ $# -eq 0 ]; then
	for tool in podman conmon crun; do
		command -v $tool >/dev/null || { echo "needs the program $tool"; exit 77; }
	done
	for part in shm file; do
		"$lib/private-host" "$0" $part || exit
	done
	exit 0
fi

failures=0
# shellcheck disable=SC2154
tool=$top_builddir/lock_tool

fail() {
	echo "not ok: $*"
	failures=$((failures + 1))
}

# is WHAT WANTED HAVE
is() {
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
	else
		fail "$1: wanted \"$2\", got \"$3\""
	fi
}

locks() { "$tool" "lock_$plugin" "$@"; }

new_ctr() { podman create --name "$@" --network none --rootfs /run/root sleep 1 >/dev/null; }

# hold ID: a process that has the lock; let_go ends it, its number is $holder.
hold() {
	mkfifo /run/keep
	"$tool" "lock_$plugin" hold "$1" </run/keep >/run/held &
	holder=$!
	exec 9>/run/keep
	rm /run/keep
	wait_for grep -q held /run/held
}
let_go() {
	exec 9>&-
	wait "$holder"
}

# wait_for COMMAND...: until it succeeds, for a minute.
wait_for() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { fail "never happened: $*"; return 1; }
		sleep 0.1
	done
}

# blocks ID HELD COMMAND...: podman waits for the lock ID that we hold; its number is
# $blocked.  HELD are all locks that are held then.
blocks() {
	id=$1
	held=$2
	shift 2
	hold "$id"
	"$@" >/run/out 2>&1 9>&- &
	blocked=$!
	sleep 1
	# It takes what it can have first, on a busy machine after a while.
	for _ in $(seq 100); do
		[ "$(locks held | sort -n | xargs)" != "$held" ] || break
		sleep 0.1
	done
	if kill -0 $blocked 2>/dev/null; then
		echo "ok: podman waits for lock $id"
	else
		fail "podman did not wait for lock $id: $(cat /run/out)"
	fi
	is "held() shows it" "$held" "$(locks held | sort -n | xargs)"
}

# What each plugin has to do with podman.  The containers c0 and c1 have the locks 0 and 1.
common() {
	new_ctr c0 || fail "podman create"
	new_ctr c1 || fail "podman create"
	is "podman's numbers are allocated" 2 "$(locks count)"
	is "ours come next" "2 3" "$(locks allocate 2 | xargs)"
	new_ctr c2 || fail "podman create"
	is "podman's come next" 5 "$(locks count)"
	is "and ours again" 5 "$(locks allocate 1)"
	podman rm c1 >/dev/null || fail "podman rm"
	is "podman gave one back" 1 "$(locks allocate 1)"
	locks release 1 || fail "release"
	new_ctr c1 || fail "podman create"
	is "we gave one back" 6 "$(locks count)"

	blocks 0 0 podman container inspect c0
	let_go
	wait $blocked || fail "podman container inspect: $(cat /run/out)"
	blocks 0 0 podman container inspect c0
	kill -9 $holder
	wait $blocked || fail "podman after our death: $(cat /run/out)"
	exec 9>&-
	is "podman took over what a dead process had" got "$(locks acquire 0 0)"

	# A container that starts has its own lock, and waits for that of its volume.
	podman volume create v >/dev/null || fail "podman volume create"
	is "the volume has a number" 7 "$(locks count)"
	new_ctr c3 -v v:/mnt || fail "podman create -v"
	blocks 6 "6 7" podman start c3
	is "podman has the container's lock" EBUSY "$(locks acquire 7 0)"
	is "until the deadline" ETIMEDOUT "$(locks acquire 7 50)"
	kill -9 $blocked
	wait $blocked 2>/dev/null
	is "podman died" "$1" "$(locks acquire 7 1000)"
	is "which is told once" got "$(locks acquire 7 0)"
	let_go

	busy
}

# Eight processes of ours take, lock and give back numbers while podman creates containers,
# removing every other one at once and the rest later.
if [ "${BERTH_TEST_LONG:-}" ]; then
	rounds=25000 ctrs=200
else
	rounds=2000 ctrs=6
fi
busy() {
	before=$(locks count)
	: >/run/busy
	jobs=
	for i in 1 2 3 4 5 6 7 8; do
		locks churn $rounds /run/table /run/busy &
		jobs="$jobs $!"
	done
	i=0
	while [ $i -lt $ctrs ]; do
		i=$((i + 1))
		new_ctr "d$i" 2>>/run/busy.err || fail "podman create while we are busy"
		[ $((i % 2)) = 0 ] || podman rm "d$i" >/dev/null 2>>/run/busy.err ||
			fail "podman rm while we are busy"
	done
	i=0
	while [ $i -lt $ctrs ]; do
		i=$((i + 2))
		podman rm "d$i" >/dev/null 2>>/run/busy.err || fail "podman rm of what was left"
	done
	rm /run/busy
	for job in $jobs; do wait "$job" || fail "churn"; done
	is "podman gave back what it had" "" "$(cat /run/busy.err)"
	is "$((rounds * 8)) locks and more, $ctrs containers: no number was lost" \
		"$before" "$(locks count)"
	for id in 2 3 5; do locks release $id; done # those are nobody's
	is "no number was given twice" "" "$(berth system check 2>&1)"
}

# shellcheck disable=SC2154
berth() { "$BERTH" "$@"; }
export BERTH_CONF=/run/berth.conf

"$lib/mkrootfs" /run/root || exit
plugin=$1
printf 'plugin_dirs = [ "%s/.libs" ];\nNetworkBackend = "none";\nLockType = "%s";\n' \
	"$top_builddir" "$plugin" >$BERTH_CONF
case $plugin in
shm)
	seg=/dev/shm/libpod_lock
	podman ps >/dev/null || fail "podman ps"
	[ -f $seg ] || fail "podman made no segment"
	mv $seg /run/theirs
	locks create || fail "create"
	mv $seg /run/ours
	# Since 4.6 podman asks for the default type of mutex by name, which shows in one bit.
	case $(podman --version) in
	*" 4."[0-5].*) cmp -l /run/ours /run/theirs ;;
	*) cmp -l /run/ours /run/theirs | awk '$2 != "0" || $3 != "2"' ;;
	esac >/run/diff 2>&1
	is "both make the same segment" "" "$(head -n 3 /run/diff)"
	is "of the same mode" "$(stat -c %a,%u,%s /run/theirs)" "$(stat -c %a,%u,%s /run/ours)"

	# Without /proc a segment cannot get its name when it is complete.
	mount -t tmpfs tmpfs /proc
	locks create 2>/run/out # a leak checker dies of it: the segment counts
	umount /proc
	cmp $seg /run/ours || fail "without /proc: $(cat /run/out)"

	common orphaned

	# Neither touches the other's segment of another size.
	printf '[engine]\nnum_locks = 4096\n' >/run/conf
	CONTAINERS_CONF=/run/conf podman ps >/run/out 2>&1 && fail "podman took any size"
	"$tool" -o count=4096 lock_shm count 2>/run/out && fail "we took any size"
	grep -q 'has 2048 locks, the configuration wants 4096' /run/out || fail "no word about it"
	;;
file)
	printf '[engine]\nlock_type = "file"\n' >/run/conf
	export CONTAINERS_CONF=/run/conf
	podman ps >/dev/null || fail "podman ps"
	rmdir /run/libpod/locks || fail "podman made no directory"
	locks create || fail "create"
	is "the directory" 711 "$(stat -c %a /run/libpod/locks)"
	common got
	[ ! -e /dev/shm/libpod_lock ] || fail "podman used a segment"
	is "podman's files and ours look alike" 644 \
		"$(stat -c %a /run/libpod/locks/* | sort -u | xargs)"
	;;
esac
echo "$plugin: $failures failures"
[ $failures -eq 0 ]
