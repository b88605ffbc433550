#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# life_kill: berth, the monitor, the runtime and the container's process are killed at every
# step of create, start, exec, stop and rm: the next commands put things right, and nothing is
# left.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
# Nobody can look for leaks in a process that is killed.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
storage=/var/lib/containers/storage
kills=0

# ------------------------------------------------------------- what may be left behind
# Processes (but the test's own), mounts, cgroups, files.
things() {
	ps -e -o comm= | grep -v -x -e ps -e sh -e grep -e sed -e sort -e cat -e find -e things -e 'timeout' | sed 's/^/process /'
	sed 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .*/mount \1/' /proc/self/mountinfo
	# Only real ones: crun makes folders in a tmpfs where it takes that for version 2.
	# shellcheck disable=SC2046
	find $(sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - cgroup2\{0,1\} .*/\1/p' /proc/self/mountinfo) \
		-type d -name '*libpod*' 2>/dev/null
	find $storage /run /dev/shm -mindepth 1 2>/dev/null | grep -v -e '/libpod_lock$' -e /berth-seccomp -e '\.l[oc]*k$' -e '-journal$' -e '-wal$' -e '-shm$' -e /run/runc$ -e /run/crun$
	grep -o '"id":"[0-9a-f]*"' $storage/overlay-*/*.json
}
# What the store and the locks say, too.
everything() {
	things | sort
	b ps -a --no-trunc --format '{{.ID}}'
	b system locks --format '{{.Lock}} {{.Problem}}'
}
# settled WHAT: exit commands are through, and no more is there than was expected.
settled() {
	for _ in $(seq 100); do
		now=$(things | sort)
		[ "$now" != "$expected_things" ] || break
		sleep 0.1
	done
	now=$(everything)
	[ "$now" = "$expected" ] || [ "$bad" -ge 12 ] ||
		wrong "$1: not as before" "$(diff "$W/expected" - <<-END
			$now
		END
		)" "$(cat "$W/first" "$W/said" 2>/dev/null)"
}
expect_this() {
	expected_things=$(things | sort)
	expected=$(everything)
	printf '%s\n' "$expected" >"$W/expected"
}

# ---------------------------------------------------------------------- the victims
# The configuration names stand-ins that kill somebody, when the file `kill` says so, around
# the work of the real ones.
#   monitor: WHEN VICTIM;   runtime: VERB WHEN VICTIM
mkdir "$W/bin"
cat >"$W/bin/kill-victim" <<END
#!/bin/sh
# kill-victim VICTIM SELF PARENT
case \$1 in
self) pid=\$2 ;;
parent) pid=\$3 ;;
container) pid=\$(cat "$W/pid") ;;
monitor) pid=\$(pgrep -x conmon | head -n 1) ;;
esac
[ -z "\$pid" ] || ! kill -KILL "\$pid" || echo "\$1" >>"$W/killed"
END
cat >"$W/bin/conmon" <<END
#!/bin/sh
what=
[ ! -f "$W/kill-monitor" ] || { read -r when victim <"$W/kill-monitor"; what=\$when; rm "$W/kill-monitor"; }
case \$what in
before) "$W/bin/kill-victim" \$victim \$\$ \$PPID ;;
[0-9]*)	(
		exec 3<&- 4<&- 5<&- </dev/null >/dev/null 2>&1
		sleep \$what
		"$W/bin/kill-victim" \$victim \$\$ \$PPID
	) & ;;
esac
exec $(command -v conmon) "\$@"
END
for runtime in crun runc; do
	cat >"$W/bin/$runtime" <<END
#!/bin/sh
verb= pidfile= last= what=
for word; do
	case \$word in create | start | kill | delete | exec | state) [ "\$verb" ] || verb=\$word ;; esac
	[ "\$last" != --pid-file ] || pidfile=\$word
	last=\$word
done
if [ -f "$W/kill-runtime" ]; then
	read -r at when victim <"$W/kill-runtime"
	[ "\$at" != "\$verb" ] || { what=\$when; rm "$W/kill-runtime"; }
fi
[ "\$what" != before ] || "$W/bin/kill-victim" \$victim \$\$ \$PPID
if [ ! "\$what" ] && [ "\$verb" != create ]; then
	exec $(command -v $runtime) "\$@"
fi
$(command -v $runtime) "\$@"
status=\$?
[ "\$verb" != create ] || [ ! -f "\$pidfile" ] || cat "\$pidfile" >"$W/pid"
[ "\$what" != after ] || "$W/bin/kill-victim" \$victim \$\$ \$PPID
exit \$status
END
done
chmod +x "$W"/bin/*

# ---------------------------------------------------------------------- the commands
say() { timeout 120 "$BERTH" "$@" >"$W/said" 2>&1 </dev/null; }
need() { say "$@" || wrong "$doing: $*" "$(cat "$W/said")"; }

# What has to be there before a command, and the command.
prepare() {
	case $1 in
	start | rm) need create --name c --network none --rootfs "$R" sleep 100000 ;;
	exec* | stop | rm-f) need run -d --name c --network none --rootfs "$R" sleep 100000 ;;
	esac
}
command_of() {
	case $1 in
	create) echo "create --name c --network none --rootfs $R sleep 100000" ;;
	run) echo "run --rm --name c --network none --rootfs $R true" ;;
	exec) echo "exec c true" ;;
	exec-d) echo "exec -d c sleep 100000" ;;
	start) echo "start c" ;;
	stop) echo "stop -t 0 c" ;;
	rm) echo "rm c" ;;
	rm-f) echo "rm -f -t 0 c" ;;
	esac
}
# The same once more, or what should be possible now.
again() {
	case $1 in
	create)
		say container exists c || need create --name c --network none --rootfs "$R" sleep 100000
		need start c
		;;
	start) need start c ;;
	exec*) [ "$(b inspect --format '{{.State.Status}}' c)" != running ] || need exec c true ;;
	stop)
		need stop -t 0 c
		need start c
		;;
	esac
}
# killed COMMAND WHAT VARIABLE=VALUE [WHICH]: and what follows.
rounds=0
killed() {
	rounds=$((rounds + 1))
	doing="$1, $2"
	prepare "$1"
	rm -f "$W/killed"
	[ $# -lt 4 ] || echo "${2#* }" >"$W/kill-$4"
	# shellcheck disable=SC2046
	env "$3" timeout 120 "$BERTH" $(command_of "$1") >"$W/said" 2>&1 </dev/null
	status=$?
	rm -f "$W"/kill-*
	case $status in
	124 | 134 | 139) wrong "$doing: exit status $status" "$(cat "$W/said")" ;;
	esac
	if [ $status = 137 ] || [ -s "$W/killed" ]; then kills=$((kills + 1)); fi
	cp "$W/said" "$W/first"
	need ps -a
	[ $((rounds % 2)) = 0 ] || again "$1"
	need rm -f -t 0 c
	settled "$doing"
}
at_point() { killed "$1" "$2" "BERTH_FAULT=$2"; }
at_standin() { # COMMAND monitor|runtime WHEN...
	command=$1 which=$2
	shift 2
	killed "$command" "$which $*" A= "$which"
}

# Every place that a command comes by: killed before it, and, where something is done, after it.
points() {
	doing="the places of $1"
	prepare "$1"
	rm -f "$W/log"
	# shellcheck disable=SC2046
	BERTH_FAULT_LOG=$W/log need $(command_of "$1")
	awk '{
		n[$1]++
		print $1 ":" n[$1] "=KILL"
		if ($1 ~ /^(state\.commit|oci\.[a-z]*|lock\.[a-z]*)$/)
			print $1 ":" n[$1] "=KILLED"
	}' "$W/log" | grep -v -e '\.open' >"$W/points-$1"
	need rm -f -t 0 c
	settled "$doing"
}
standins() {
	for when in before 0 0.01 0.02 0.04 0.08; do
		for victim in self parent monitor; do
			for command in start exec run; do echo "$command monitor $when $victim"; done
		done
	done
	for victim in self parent monitor container; do
		for when in before after; do
			echo "start runtime create $when $victim"
			echo "run runtime create $when $victim"
			echo "start runtime start $when $victim"
			echo "run runtime start $when $victim"
			echo "exec runtime exec $when $victim"
			echo "exec-d runtime exec $when $victim"
			echo "stop runtime kill $when $victim"
			echo "stop runtime delete $when $victim"
			echo "rm-f runtime kill $when $victim"
			echo "rm-f runtime delete $when $victim"
			echo "run runtime delete $when $victim"
		done
	done
}

# Of the lines of a file: all, or, in the short form, one of so many; with KILL_PART=i/n only
# the i-th of n parts, for several of this at once.
part=${KILL_PART:-1/1}
some() { # FILE EACH
	if [ "${BERTH_TEST_LONG:-}" ]; then
		awk -v i="${part%/*}" -v n="${part#*/}" 'NR % n == i % n' "$1"
	else
		awk -v n="$2" 'NR % n == int(n / 2)' "$1"
	fi
}

# The store, its files and its directories are no leak.
# The monitor goes on alone, and the container is removed while its runtime is at work.
removed_early() {
	for pause in 0 0.01 0.02 0.03 0.04 0.05 0.06 0.08; do
		doing="start, removed after $pause s"
		prepare start
		BERTH_FAULT=ctr.configured:1=KILL say start c
		sleep $pause
		need rm -f -t 0 c
		settled "$doing"
	done
}
plain=$(cat "$BERTH_CONF")
all() { # STORE RUNTIME
	printf 'StateType = "%s";\nOCIRuntime = "%s";\n%s\n' "$1" "$2" "$plain" >"$BERTH_CONF"
	doing=first
	need run --rm --network none --rootfs "$R" true
	need run -d --name c --network none --rootfs "$R" sleep 100000
	need rm -f -t 0 c
	until_true sh -c '! pgrep conmon'
	expect_this
	for command in create start exec exec-d stop rm rm-f run; do
		points $command
		some "$W/points-$command" 30 >"$W/chosen"
		while read -r point <&4; do at_point $command "$point"; done 4<"$W/chosen"
	done
	echo "# $1, $2: $kills of $rounds rounds killed berth"
	removed_early
	with_standins
	standins >"$W/standins"
	some "$W/standins" 24 >"$W/chosen"
	# shellcheck disable=SC2086
	while read -r line <&4; do at_standin $line; done 4<"$W/chosen"
	echo "# $1, $2: $kills kills in $rounds rounds, with those of the others"
}
with_standins() {
	cat >>"$BERTH_CONF" <<-END
		conmon_path = [ "$W/bin/conmon" ];
		oci_crun = { path = "$W/bin/crun"; };
		oci_runc = { path = "$W/bin/runc"; };
	END
}
all boltdb crun
if [ "${BERTH_TEST_LONG:-}" ]; then
	[ "${KILL_STORES:-}" = one ] || all sqlite runc
fi
if [ "${BERTH_TEST_LONG:-}" ] && [ "$part" = 1/1 ]; then least=500; else least=$((rounds / 2)); fi
[ $kills -ge $least ] && good "$kills kills in $rounds rounds" || wrong "only $kills kills in $rounds rounds"
rc "the store is whole" 0 b system check
finish
