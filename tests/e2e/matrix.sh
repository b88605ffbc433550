#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every operation on a container in every state, and commands for several containers, by
# berth and by podman, each on containers of its own: exit status, output, error text and
# the states that come out are the same.  (What podman does is recorded: tests/lib/recorded.sh.)
# shellcheck disable=SC2154,SC2046,SC2086
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/recorded.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

states="created initialized running paused exited stopped"

# What it is called, and the command for the container NAME.
cat >"$W/operations" <<END
start start NAME
attached start -a NAME
init init NAME
stop stop -t 0 NAME
kill kill NAME
signal kill -s URG NAME
pause pause NAME
unpause unpause NAME
exec exec NAME true
detached exec -d NAME true
wait wait NAME
cleanup container cleanup NAME
autorm container cleanup --rm NAME
rm rm NAME
force rm -f -t 0 NAME
END

# Commands for several containers; podman's rule is that a name which is not there stops
# the command before it does anything.  X- stands for the prefix of the program's names.
cat >"$W/commands" <<END
create --name X-a --network none --rootfs $R sleep 1000
create --name X-b --network none --rootfs $R sleep 1000
create --name X-c --network none --rootfs $R sleep 1000
create --name X-a --network none --rootfs $R sleep 1000
start X-a nosuch X-b
stop -t 0 X-a nosuch X-b
start X-a X-b
kill X-a nosuch X-b
pause X-a X-c X-b
unpause X-a X-c X-b
stop -t 0 --ignore X-a nosuch
wait X-a nosuch
init X-c nosuch
rm X-c nosuch
rm X-b X-c
rm --ignore nosuch
rm -t 3 X-b
exec nosuch true
exec -d nosuch true
exec -u nobody9 X-b true
exec -w /nowhere X-b true
exec X-b /nowhere
exec -d X-b /nowhere
exec X-b sh -c 'exit 9'
kill -s 99 X-b
kill -s NOSUCH X-b
start
start nosuch
start -a nosuch
start -a X-a X-b
start --sig-proxy=false X-b
wait nosuch
rm -f -t 0 X-a X-b
run --rm --restart always --network none --rootfs $R true
run --restart on-failure:2 --name X-r --network none --rootfs $R sh -c 'echo hi; exit 3'
inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' X-r
run -d --restart on-failure:2 --name X-d --network none --rootfs $R sh -c 'echo hi; exit 3'
wait X-d
inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' X-d
logs X-d
create --name X-base --network none --rootfs $R sleep 1000
create --name X-top --requires X-base --network none --rootfs $R sleep 1000
start X-top
inspect --format '{{.Name}} {{.State.Status}}' X-base
rm X-base
rm -f -t 0 X-base
stop -t 0 X-base X-top
init X-top
start X-base
pause X-base
start X-top
inspect --format '{{.Name}} {{.State.Status}}' X-base
inspect --format '{{.Name}} {{.State.Status}}' X-top
rm -f -t 0 --depend X-base
run --rm --network none --rootfs $R sh -c 'exec >&- 2>&-; sleep 0.5; exit 4'
run --rm --timeout 1 --network none --rootfs $R sleep 100
END

# PREFIX STATE: the containers that are brought to a state.
names() { while read -r op _; do echo "$1-$2-$op"; done <"$W/operations"; }

# PROGRAM NAME: its process is dead and its exit file written, but nobody has looked at it.
die_uncleaned() {
	set -- $("$1" inspect --format '{{.Id}} {{.State.Pid}} {{.State.ConmonPid}}' "$2")
	kill -KILL "$3" # first, for it would have it cleaned up
	kill -KILL "$2"
	until_true sh -c "! kill -0 $2"
	printf 137 >"/run/libpod/exits/$1"
}

# PROGRAM PREFIX: its containers, brought to their states by itself.
set_up() {
	for state in $states; do
		for name in $(names "$2" "$state"); do
			quiet "$1" create --name "$name" --network none --rootfs "$R" sleep 1000
		done
	done
	quiet "$1" init $(names "$2" initialized)
	quiet "$1" start $(names "$2" running) $(names "$2" paused) $(names "$2" exited) \
		$(names "$2" stopped)
	quiet "$1" pause $(names "$2" paused)
	quiet "$1" stop -t 0 $(names "$2" exited)
	for name in $(names "$2" stopped); do
		die_uncleaned "$1" "$name"
	done
}

# STATE-OPERATION: does it wait for an end that somebody has to bring about?
endless() {
	case $1 in
	paused-attached) false ;;
	*-attached | initialized-wait | running-wait | paused-wait) true ;;
	*) false ;;
	esac
}

# PROGRAM NAME STATE-OPERATION PID: end the container as often as it takes to end PID.
bring_to_end() {
	case $3 in
	initialized-wait) quiet "$1" start "$2" ;;
	paused-wait) quiet "$1" unpause "$2" ;;
	esac
	while kill -0 "$4" 2>/dev/null; do
		pid=$("$1" inspect --format '{{.State.Status}} {{.State.Pid}}' "$2")
		[ "${pid% *}" != running ] || kill -KILL "${pid#* }"
		sleep 0.1
	done
}

# PREFIX FILE: without what differs from run to run, and podman's log lines.  podman works
# on several containers at once, so their order is nobody's.
plain() {
	sed -e '/^time=/d' -e "s/^$1-/X-/" -e "s/\\([ /\"]\\)$1-/\\1X-/g" \
		-e 's/\<[0-9a-f]\{64\}\>/ID/g' "$2" | sort | tr '\n' '|'
}

# PREFIX WHAT STATUS: a line of a table.
line() { echo "$2: status $3 output $(plain "$1" "$W/out") errors $(plain "$1" "$W/errs")"; }

# PROGRAM PREFIX STATE OPERATION COMMAND...
operate() {
	prog=$1 prefix=$2 what=$3-$4
	shift 4
	name=$prefix-$what
	set -- $(echo "$*" | sed "s/NAME/$name/")
	case $what in
	stopped-wait) return ;; # podman takes 20 seconds to find that the monitor is gone
	running-attached) return ;; # podman loses the exit code
	paused-kill) return ;; # podman cannot, with version 1 of cgroups
	esac
	if endless "$what"; then
		timeout -k 1 20 "$prog" "$@" >"$W/out" 2>"$W/errs" </dev/null &
		bring_to_end "$prog" "$name" "$what" $!
		wait $!
	else
		timeout -k 1 20 "$prog" "$@" >"$W/out" 2>"$W/errs" </dev/null
	fi
	line "$prefix" "$what" $?
}

# PROGRAM PREFIX: everything, into tables.
all() {
	set_up "$1" "$2"
	for state in $states; do
		while read -r op words; do
			operate "$1" "$2" "$state" "$op" "$words"
		done <"$W/operations"
	done >"$W/table-$2"
	podman ps -a --format '{{.Names}} {{.Status}} {{.ExitCode}}' | grep "^$2-" |
		sed -e "s/^$2-/after /" -e 's/ /: /2' -e 's/ Less than a second \(ago \)\?/ /' \
			-e 's/ About a minute \(ago \)\?/ /' \
			-e 's/ [^ ]* \(seconds\|minutes\|second\|minute\) \(ago \)\?/ /' |
		grep -v -e running-attached -e paused-kill | sort >>"$W/table-$2"
	while read -r words; do
		eval "set -- $1 $2 $(echo "$words" | sed "s/\\([ ]\\)X-/\\1$2-/g")"
		prog=$1 prefix=$2
		shift 2
		timeout -k 1 20 "$prog" "$@" >"$W/out" 2>"$W/errs" </dev/null
		line "$prefix" "$words" $? | sed "s,$R,ROOT,g"
		set -- "$prog" "$prefix"
	done <"$W/commands" >>"$W/table-$2"
}

recorded "$top_srcdir/tests/e2e/matrix.table" all podman p
all "$BERTH" b
is "as many lines" "$(wc -l <"$W/table-p")" "$(wc -l <"$W/table-b")"
while IFS= read -r want && IFS= read -r got <&4; do
	is "${want%%: *}" "$want" "$got"
done <"$W/table-p" 4<"$W/table-b"

quiet b start b-running-attached
b start -a b-running-attached >"$W/out" 2>"$W/errs" </dev/null &
until_true sh -c "\"$BERTH\" events --stream=false --filter container=b-running-attached | grep -q attach"
kill -KILL "$(b inspect --format '{{.State.Pid}}' b-running-attached)"
wait $!
is "start -a of a running one gives its exit code" 137 $?
rc "kill ends a paused one" 0 b kill b-paused-kill
is "and knows how" 137 "$(b wait b-paused-kill)"

# One that depends on another goes in any order.
rc "rm -a" 0 b rm -f -a -t 0
rc "the store is whole" 0 b state check
finish
