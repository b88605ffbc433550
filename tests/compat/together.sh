#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Processes of berth and as many of podman create, start, stop and remove containers at once.
# No command may fail, no record may be lost or doubled, no lock number leaked, and the database
# must be whole.  Then they contend for a name, and what is read at any time has to be one of
# the states that somebody wrote.  TOGETHER_SECONDS says for how long each part goes on, and
# TOGETHER_EACH with how many processes of each program (10 s and 4; with BERTH_TEST_LONG two
# minutes and 8).
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

each=${TOGETHER_EACH:-${BERTH_TEST_LONG:+8}}
each=${each:-4}
seconds=${TOGETHER_SECONDS:-${BERTH_TEST_LONG:+120}}
seconds=${seconds:-10}
numbers=$(seq "$each")
podman() { command podman --cgroup-manager cgroupfs --events-backend file "$@"; }
quiet b run --rm --network none --rootfs "$R" true
quiet podman run --rm --network none --rootfs "$R" true
locks_before=$(b state dump | grep -c '"kind":"container"')

# Is the file that podman gave up waiting for there by now?  One that somebody took is not.
comes_late() { # ERRORS
	file=$(sed -n 's|.*timed out waiting for file \(/[^:]*\):.*|\1|p' "$1")
	[ "$file" ] || return 1
	for _ in $(seq 200); do
		[ ! -e "$file" ] || return 0
		sleep 0.05
	done
	return 1
}
# step ENGINE COMMAND...: podman waits five seconds for the exit code of what it stopped and then
# gives up: where conmon came later, on a busy machine, it may try again.
step() {
	"$@" >/dev/null 2>"$W/err.$engine.$n" </dev/null && return
	status=$?
	[ "$1" = podman ] && comes_late "$W/err.$engine.$n" || return $status
	"$@" >/dev/null 2>"$W/err.$engine.$n" </dev/null
}
# worker ENGINE NUMBER: errors go to its log; every round leaves nothing.
worker() {
	engine=$1 n=$2 round=0
	end=$(($(date +%s) + seconds))
	while [ "$(date +%s)" -lt "$end" ]; do
		round=$((round + 1))
		name=$engine-$n-$round
		for step in "create --name $name --network none --rootfs $R sleep 1000" \
			"start $name" "stop -t 0 $name" "start $name" "rm -f -t 0 $name" \
			"run --rm --network none --rootfs $R true"; do
			# shellcheck disable=SC2086
			step $engine $step || {
				echo "$engine $step: status $?: $(cat "$W/err.$engine.$n")" >>"$W/failures"
			}
		done
	done
	echo "$round" >"$W/rounds.$engine.$n"
}
: >"$W/failures"
for n in $numbers; do
	worker b "$n" &
	worker podman "$n" &
done
wait
is "no command failed" "" "$(head -n 20 "$W/failures")"
for engine in b podman; do
	total=0
	for n in $numbers; do total=$((total + $(cat "$W/rounds.$engine.$n"))); done
	[ "$total" -ge "$each" ] && good "$engine did $total rounds" || wrong "$engine did $total rounds"
done

# ------------------------------------------------------- one name, wanted by all of them
# Every process tries to create a container "token"; who succeeds adds one to a file and removes
# it.  A name belongs to one at a time: two that had it at once would overwrite each other's sum.
# Each reader sees the other containers, each once, and "token" at most once.
for n in $numbers; do
	quiet b create --name "b-$n" --network none --rootfs "$R" true
	quiet podman create --name "podman-$n" --network none --rootfs "$R" true
done
echo 0 >"$W/sum"
contend() { # ENGINE NUMBER
	me=$1-$2 won=0
	end=$(($(date +%s) + seconds))
	while [ "$(date +%s)" -lt "$end" ]; do
		"$1" create --name token --network none --rootfs "$R" true >/dev/null 2>&1 </dev/null || continue
		read -r sum <"$W/sum"
		echo $((sum + 1)) >"$W/sum"
		won=$((won + 1))
		"$1" rm token >/dev/null 2>"$W/err.$me" </dev/null ||
			echo "$me cannot remove what it made: $(cat "$W/err.$me")" >>"$W/failures"
	done
	echo $won >"$W/won.$me"
}
look() { # ENGINE: names as they are at one moment
	end=$(($(date +%s) + seconds)) looks=0
	last=$((end + 60)) # on a busy machine a look can take long
	while [ "$(date +%s)" -lt "$end" ] || { [ $looks -lt 2 ] && [ "$(date +%s)" -lt "$last" ]; }; do
		"$1" ps -a --no-trunc --format '{{.ID}} {{.Names}}' >"$W/seen.$1" 2>"$W/err.$1" </dev/null || {
			echo "$1 ps: $(cat "$W/err.$1")" >>"$W/failures"
			continue
		}
		looks=$((looks + 1))
		ids=$(cut -d ' ' -f 1 "$W/seen.$1" | sort -u | wc -l)
		tokens=$(grep -c ' token$' "$W/seen.$1")
		others=$(sed -n 's/.* \(b-.*\|podman-.*\)/\1/p' "$W/seen.$1" | sort -u | wc -l)
		[ "$others" = $((2 * each)) ] && [ "$tokens" -le 1 ] && [ "$ids" = $((others + tokens)) ] ||
			echo "$1 sees $(tr '\n' ' ' <"$W/seen.$1")" >>"$W/failures"
	done
	echo $looks >"$W/looks.$1"
}
: >"$W/failures"
look b &
look podman &
for n in $(seq $((each - 1))); do
	contend b "$n" &
	contend podman "$n" &
done
wait
is "nothing unexpected was seen" "" "$(head -n 20 "$W/failures")"
won=0
for n in $(seq $((each - 1))); do
	won=$((won + $(cat "$W/won.b-$n") + $(cat "$W/won.podman-$n")))
done
is "nobody had the name beside another" "$won" "$(cat "$W/sum")"
[ "$won" -ge 2 ] && good "the name was had $won times" || wrong "the name was had $won times"
for engine in b podman; do
	looks=$(cat "$W/looks.$engine")
	[ "$looks" -ge 2 ] && good "$engine looked $looks times" || wrong "$engine looked $looks times"
done
for n in $numbers; do
	quiet b rm "podman-$n"
	quiet podman rm "b-$n"
done

# -------------------------------------------------------------------- what is left
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
until_true sh -c "! pgrep conmon"
is "no process is left" "" "$(pgrep -a conmon)"
is "no mount is left" "" "$(grep -e userdata -e /run/netns/ /proc/self/mountinfo)"
finish
