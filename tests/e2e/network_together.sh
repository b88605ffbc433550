#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network_together: processes of berth and as many of podman put containers on one network at
# the same time.  No address is given twice, the other program lists, connects and tears down
# what one set up, and nothing is left.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
net_begin
if [ "${BERTH_TEST_LONG:-}" ]; then each=4 in_all=200; else each=2 in_all=8; fi
per=$((in_all / each / 2))
podman() { command podman --cgroup-manager cgroupfs --events-backend file "$@"; }
run_image() { "$@" --network shared --rootfs "$R" sleep 100000; }

quiet podman network create --subnet 10.90.1.0/24 shared
quiet b network create --subnet 10.90.2.0/24 second
until_true sh -c '! pgrep conmon'
before=$(leftovers)
# The bridge is made once: that it is there is netavark's part.
quiet run_image b run -d --name first

# worker ENGINE NUMBER: containers one after the other, with what it was told of each.
worker() {
	for i in $(seq "$per"); do
		name=$1-$2-$i
		run_image "$1" run -d --name "$name" >"$W/said.$name" 2>&1 </dev/null ||
			echo "$name: $(cat "$W/said.$name")" >>"$W/failures"
	done
}
# all COMMAND...: COMMAND for every worker, at the same time; its complaints fail the test.
all() {
	what=$1
	shift
	: >"$W/failures"
	for n in $(seq $each); do
		"$@" b "$n" &
		"$@" podman "$n" &
	done
	wait
	is "$what: no command failed" "" "$(head -n 10 "$W/failures")"
}
addresses() { # ENGINE NAME...
	engine=$1
	shift
	"$engine" inspect --format '{{.Name}} {{.NetworkSettings.Networks.shared.IPAddress}}' "$@"
}
names() { b ps -a --format '{{.Names}}' | sort; }
# Those of the containers themselves, as they see them.
inside() {
	for name in $(names); do
		echo "$name $(b exec "$name" ip -4 -o addr show dev eth0 | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p')"
	done
}

all "run" worker
is "all of them run" $((2 * each * per + 1)) "$(b ps -q | wc -l)"
is "podman lists the same" "$(names)" "$(podman ps -a --format '{{.Names}}' | sort)"
# shellcheck disable=SC2046
addresses b $(names) >"$W/addresses"
is "no address is given twice" "" "$(cut -d ' ' -f 2 "$W/addresses" | sort | uniq -d)"
is "all have one" $((2 * each * per + 1)) "$(grep -c ' 10\.90\.1\.' "$W/addresses")"
is "it is the one inside" "$(cat "$W/addresses")" "$(inside)"
# shellcheck disable=SC2046
is "podman knows the same" "$(cat "$W/addresses")" "$(addresses podman $(names))"
rc "one reaches the last" 0 b exec first ping -c 1 -w 10 "$(tail -n 1 "$W/addresses" | cut -d ' ' -f 2)"

# Each connects, disconnects, stops and removes what the other program made.
steps() { # NUMBER NAME
	case $(($1 % 3)) in
	0) echo "network connect second $2" && echo "network disconnect shared $2" ;;
	1) echo "stop -t 0 $2" && echo "start $2" ;;
	esac
	echo "rm -f -t 0 $2"
}
others() { # ENGINE NUMBER
	if [ "$1" = b ]; then with=podman; else with=b; fi
	for i in $(seq "$per"); do
		name=$1-$2-$i
		steps $((i + $2)) "$name" | while read -r step; do
			# shellcheck disable=SC2086
			$with $step >"$W/said.$name" 2>&1 </dev/null ||
				echo "$with $step: $(cat "$W/said.$name")" >>"$W/failures"
		done
	done
}
all "removed by the other" others
is "only the first is left" first "$(names)"
quiet b rm -f -t 0 first
until_true sh -c '! pgrep conmon'
rc "nothing is found" 0 b network check
is "no address is left" "" "$(echo "$out" | grep '^address')"
until_true sh -c '! pgrep aardvark-dns'
is "nothing is left" "$before" "$(leftovers)"
finish
