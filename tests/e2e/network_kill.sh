#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network_kill: a start or a stop is killed at every step of its network: after the next
# command nothing of it is left, and the container starts.
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
net_begin
# Nobody can look for leaks in a process that is killed.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
before=$(leftovers)
real=/usr/lib/podman/netavark
[ -x $real ] || real=/usr/libexec/podman/netavark

quiet b network create --subnet 10.90.1.0/24 one
quiet b network create --subnet 10.90.2.0/24 two
quiet b create --name c -p 8080-8082:80-82 --network one --network two --rootfs "$R" sleep 100000
addresses() { b network check | grep -c '^address' || :; }
run_quietly() { timeout 120 "$BERTH" "$@" >"$W/out" 2>&1 </dev/null; }

# Nothing is left, and it can be started.
settle() { # WHAT
	run_quietly container cleanup c
	[ ! -e "$W/goes-on" ] || wrong "after $1: a netavark goes on beside the next command"
	for _ in $(seq 50); do # the DNS server ends by itself
		now=$(leftovers)
		[ "$now" != "$before" ] || break
		sleep 0.1
	done
	[ "$now" = "$before" ] || wrong "after $1: left over" "$now" "$(cat "$W/out")"
	[ "$(addresses)" = 0 ] || wrong "after $1: addresses" "$(b network check)"
}
works() { # WHAT
	[ "${BERTH_TEST_LONG:-}" ] || return 0
	run_quietly start c || wrong "after $1: start" "$(cat "$W/out")"
	run_quietly stop -t 0 c || wrong "after $1: stop" "$(cat "$W/out")"
	settle "$1, start and stop"
}
kills=0
# killed POINT COMMAND...
killed() {
	point=$1
	shift
	BERTH_FAULT=$point timeout 120 "$BERTH" "$@" >"$W/out" 2>&1 </dev/null
	[ $? = 137 ] && kills=$((kills + 1))
}
# The process that the monitor starts may have done the work before stop comes to it.
stop_killed() { # POINT
	for _ in 1 2 3 4 5; do
		run_quietly start c
		killed "$1" stop -t 0 c && return
	done
	return 1
}

# ------------------------------------------------- between the steps of this program
points() { if [ "${BERTH_TEST_LONG:-}" ]; then echo "$1 $2"; else echo "$1"; fi; }
for point in $(points "netns.made=KILL net.setup=KILL net.setup=KILLED oci.start=KILLED" \
	"netns.noted=KILL oci.create=KILL oci.create=KILLED state.commit=KILL"); do
	killed $point start c || wrong "start was not killed at $point" "$(cat "$W/out")"
	settle "start, $point"
	works "start, $point"
done
for point in $(points "net.teardown=KILL net.teardown=KILLED" "netns.removed=KILL oci.remove=KILL state.commit:2=KILL"); do
	stop_killed $point || wrong "stop was not killed at $point" "$(cat "$W/out")"
	settle "stop, $point"
done
for point in $(points "net.setup=KILLED" "net.setup=KILL state.commit:1=KILL state.commit:2=KILL"); do
	quiet b network disconnect two c
	run_quietly start c
	killed $point network connect two c || wrong "connect was not killed at $point" "$(cat "$W/out")"
	run_quietly stop -t 0 c
	settle "connect, $point"
	run_quietly network connect two c # where it was not recorded
	run_quietly start c
	killed ${point%=*}=KILL,net.teardown=KILLED network disconnect two c ||
		wrong "disconnect was not killed at $point" "$(cat "$W/out")"
	run_quietly stop -t 0 c
	settle "disconnect, $point"
	run_quietly network connect two c
done
works "all of these"

# ------------------------------------------------------- while the backend is at work
# A netavark that kills who started it before or after its work, or is killed with it.  The
# next command has to wait for the one that goes on.
cat >"$W/netavark" <<END
#!/bin/sh
when=\$(cat "$W/when")
[ \$when = never ] || echo \$PPID >>"$W/did"
case \$when in
before)
	: >"$W/goes-on"
	kill -9 \$PPID
	sleep 1
	$real "\$@"
	exec rm "$W/goes-on" ;;
instead) kill -9 \$PPID; exit 1 ;;
hangs) # with the monitor, which would call somebody who waits
	pkill -KILL -x conmon
	kill -9 \$PPID
	while :; do sleep 1; done ;;
halfway) # between a container's interface and the bridge
	for netns; do :; done
	nsenter --net="\$netns" ip link delete eth0
	kill -9 \$PPID
	exit 1 ;;
after) $real "\$@"; s=\$?; kill -9 \$PPID; exit \$s ;;
esac
exec $real "\$@"
END
chmod +x "$W/netavark"
cp "$BERTH_CONF" "$W/plain.conf"
cat >>"$BERTH_CONF" <<END
net_netavark = { path = "$W/netavark"; };
END
echo never >"$W/when"
if run_quietly network ls; then
	for when in $(points "before after" instead); do
		echo $when >"$W/when"
		rm -f "$W/did"
		run_quietly start c
		[ $? = 137 ] && kills=$((kills + 1)) || wrong "start was not killed $when the work" "$(cat "$W/out")"
		echo never >"$W/when"
		settle "start killed $when the work"
	done
	for when in $(points "before after halfway" instead); do
		run_quietly start c
		echo $when >"$W/when"
		rm -f "$W/did"
		run_quietly stop -t 0 c # it, or the process that the monitor starts
		for _ in $(seq 50); do
			[ ! -e "$W/did" ] || break
			sleep 0.1
		done
		[ -e "$W/did" ] && kills=$((kills + 1)) || wrong "nobody was killed $when the work of a stop" "$(cat "$W/out")"
		echo never >"$W/when"
		settle "stop killed $when the work"
	done
	# One that never ends is killed, as its own command would have done.
	echo hangs >"$W/when"
	run_quietly start c
	[ $? = 137 ] && kills=$((kills + 1)) || wrong "start was not killed before a netavark that hangs" "$(cat "$W/out")"
	echo never >"$W/when"
	sed 's/net_netavark = { /&timeout = "5s"; /' "$BERTH_CONF" >"$W/short.conf"
	BERTH_CONF=$W/short.conf run_quietly container cleanup c
	has "who waits kills what hangs" "of a command that was killed did not end in time and is killed" "$(cat "$W/out")"
	settle "a netavark that hangs"
	# One in a container has nothing to do with us.
	: >/run/containers/networks/.netavark-runs
	unshare --pid --fork sh -c 'exec sh -c "sleep 60; :" x --config /run/containers/networks' &
	foreign=$!
	sleep 1
	rc "nobody waits for one in a container" 0 timeout 30 "$BERTH" network create --subnet 10.90.3.0/24 three
	kill $foreign
	quiet b network rm three
else
	wrong "the configuration of the stand-in" "$(cat "$W/out")"
fi
cp "$W/plain.conf" "$BERTH_CONF"
works "killed backends"

# ------------------------------------------------------------------ at any moment
if [ "${BERTH_TEST_LONG:-}" ]; then rounds=${KILL_ROUNDS:-320}; else rounds=2; fi
before_rounds=$kills
for round in $(seq $rounds); do
	case $((round % 4)) in
	0) run_quietly start c; set -- stop -t 0 c ;;
	*) set -- start c ;;
	esac
	# Of the short form all fall in the time that a start takes anywhere.
	setsid timeout -s KILL "0.$(printf %03d $((round * 37 % 400)))" "$BERTH" "$@" >"$W/out" 2>&1 </dev/null
	[ $? = 137 ] && kills=$((kills + 1))
	run_quietly stop -t 0 c
	settle "round $round, $*"
	[ $((round % 5)) != 0 ] || works "round $round"
done
echo "# $kills kills, $((kills - before_rounds)) in $rounds rounds"
[ $((kills - before_rounds)) -ge $((rounds / 4 + 1)) ] || wrong "most of $rounds rounds killed nobody"
rc "it starts after all" 0 b start c
quiet b rm -f -t 0 c
rc "nothing is found" 0 b network check
is "nothing is left in the end" "$before" "$(leftovers)"
finish
