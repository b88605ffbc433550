#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# many: containers that are started, stopped and removed all at the same time, and a host with
# many of them.  Nothing fails and nothing is left.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"

if [ "${BERTH_TEST_LONG:-}" ]; then
	at_once=100 in_all=1000
else
	at_once=8 in_all=40
fi
quiet b run --rm --network none --rootfs "$R" true # the store, its files and its directories
left() {
	find /var/lib/containers/storage /run/containers /run/libpod -mindepth 1 2>/dev/null |
		grep -v -e events.log -e '\.lock$' -e '\.json$' -e '\.db$' | sort
	grep -e userdata -e /run/netns/ /proc/self/mountinfo
	b system locks --format '{{.Lock}}'
}
until_true sh -c '! pgrep conmon'
before=$(left)

began=$(date +%s)
took() {
	echo "# $1: $(($(date +%s) - began)) s"
	began=$(date +%s)
}
# each WHAT COMMAND...: the command for each name, a process each, all at the same time; @ is
# the name.
each() {
	what=$1
	shift
	for i in $(seq $at_once); do
		(
			for word; do
				shift
				[ "$word" != @ ] || word=m$i
				set -- "$@" "$word"
			done
			timeout 500 "$BERTH" "$@" >"$W/said-$i" 2>&1 </dev/null || echo "m$i: $?: $(cat "$W/said-$i")" >>"$W/failed"
		) &
	done
	wait
	took "$at_once $what"
	is "$at_once $what" "" "$(cat "$W/failed" 2>/dev/null)"
	rm -f "$W/failed"
}
count() { b ps -aq "$@" | wc -l; }

each created create --name @ --network none --rootfs "$R" sleep 100000
is "all are there" $at_once "$(count --filter status=created)"
each started start @
is "all run" $at_once "$(count --filter status=running)"
is "each with a monitor" $at_once "$(pgrep -x conmon | wc -l)"
each "commands run in them" exec @ true
each stopped stop -t 0 @
is "all have ended" $at_once "$(count --filter status=exited)"
each removed rm @
is "all are gone" 0 "$(count)"
each "run and removed" run --rm --name @ --network none --rootfs "$R" true
each "run detached" run -d --name @ --network none --rootfs "$R" sleep 100000
rc "stop --all" 0 b stop -a -t 0
is "stops all" 0 "$(count --filter status=running)"
rc "start --all" 0 b start --all
is "starts all" $at_once "$(count --filter status=running)"
each "removed while they run" rm -f -t 0 @
is "all are gone" 0 "$(count)"
# Two do everything to each of them.
each created create --name @ --network none --rootfs "$R" true
for i in $(seq $at_once); do
	timeout 500 "$BERTH" rm -f "m$i" >/dev/null 2>"$W/twice-$i" </dev/null &
done
each "removed twice at once" rm -f @
is "no complaints" "" "$(cat "$W"/twice-*)"

# ---------------------------------------------------------------- one after another
began=$(date +%s)
seq "$in_all" | xargs -P 4 -I '{}' "$BERTH" create --name 'n{}' --network none --rootfs "$R" true >"$W/ids" 2>"$W/errs"
took "$in_all created"
is "no complaints" "" "$(cat "$W/errs")"
is "$in_all IDs" "$in_all" "$(sort -u "$W/ids" | wc -l)"
is "listed" "$in_all" "$(count)"
took "listed"
is "by its name" "n$in_all" "$(b ps -a --filter "name=^n$in_all\$" --format '{{.Names}}')"
is "$in_all locks" "$in_all" "$(b system locks --format '{{.Lock}}' | wc -l)"
rc "the store is whole" 0 b state check
began=$(date +%s)
rc "rm --all" 0 b rm -a
took "$in_all removed"
is "all are gone" 0 "$(count)"
until_true sh -c '! pgrep conmon'
is "nothing is left" "$before" "$(left)"
finish
