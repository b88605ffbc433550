#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Health checks: run by hand, by a process of ours and by systemd's timers (a stand-in), and
# shared with podman both ways.
. "$top_srcdir/tests/lib/e2e.sh"

log() { cat /run/containers/storage/overlay-containers/"$(b inspect --format '{{.Id}}' "$1")"/healthcheck.log; }
health() { b inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' "$1"; }
# The watching process of a container, and how many there are.
watcher() { pgrep -f "healthcheck watch [0-9]* $(b inspect --format '{{.Id}}' "$1")"; }
watchers() { pgrep -fc 'healthcheck watch'; }
manual() { # NAME FLAG...: a container whose checks run by hand only
	name=$1
	shift
	quiet b run -d --name "$name" --network none --health-interval disable "$@" --rootfs "$R" sleep 1000
}

# --- by hand
manual a --health-cmd 'cat /ok' --health-retries 2
is "it starts as starting" '{"Status":"starting","FailingStreak":0,"Log":null}' "$(log a)"
has "ps says so" "(starting)" "$(b ps --format '{{.Status}}')"
rc "a failure" 1 b healthcheck run a
is "is told" unhealthy "$out"
is "below the retries" "starting 1" "$(health a)"
rc "another failure" 1 b healthcheck run a
is "is too many" "unhealthy 2" "$(health a)"
has "the output is kept" '"ExitCode":1,"Output":"cat: can'"'"'t open '"'"'/ok'"'"': No such file or directory"}' "$(log a)"
touch "$R/ok"
rc "a success" 0 b healthcheck run a
is "says nothing" "" "$out"
is "heals it" "healthy 0" "$(health a)"
is "the filter finds it" a "$(b ps --filter health=healthy --format '{{.Names}}')"
is "and not others" "" "$(b ps --filter health=unhealthy --format '{{.Names}}')"
is "each run's event tells the status before it" "starting starting unhealthy" \
	"$(b events --stream=false --filter event=health_status --format '{{.HealthStatus}}' | tr '\n' ' ' | sed 's/ $//')"
is "no session is left" 0 "$(b inspect --format '{{len .ExecIDs}}' a)"
for _ in 1 2 3 4; do quiet b healthcheck run a; done
is "five results are kept" 5 "$(log a | grep -o '"Start"' | wc -l)"
rc "pause it" 0 b pause a
rc "no check of a frozen one" 125 b healthcheck run a
has "with podman's words" "is not running" "$errs"
quiet b unpause a
quiet b stop -t 0 a
rc "no check of a stopped one" 125 b healthcheck run a
has "with podman's words, again" "is not running" "$errs"
has "what it was is shown" "(healthy)" "$(b ps -a --format '{{.Status}}')"
quiet b start a
is "started again" "starting 0" "$(health a)"
quiet b rm -f -t 0 a

rc "an unknown one" 125 b healthcheck run nonesuch
is "in podman's words" 'Error: unable to look up nonesuch to perform a health check: no container with name or ID "nonesuch" found: no such container' "$errs"
quiet b run -d --name n --network none --rootfs "$R" sleep 1000
rc "one without a check" 125 b healthcheck run n
has "says so" "has no defined healthcheck" "$errs"
quiet b rm -f -t 0 n
manual n --no-healthcheck
rc "one with no check" 125 b healthcheck run n
has "says the same" "has no defined healthcheck" "$errs"
quiet b rm -f -t 0 n
rc "no name" 125 b healthcheck run
is "is refused" "Error: accepts 1 arg(s), received 0" "$errs"

# --- what a command may do
manual c --health-cmd '["/nonesuch","x"]'
rc "a command that is not there" 1 b healthcheck run c
has "counts as a failure" '"ExitCode":1,"Output":""' "$(log c)"
quiet b rm -f -t 0 c
manual c --health-cmd 'i=0; while [ $i -lt 300 ]; do echo abcdefghij$i; i=$((i+1)); done; exit 7'
rc "much output" 1 b healthcheck run c
is "is cut at 500 bytes" 500 "$(b inspect --format '{{(index .State.Health.Log 0).Output}}' c | head -c 500 | wc -c)"
is "and no more" 501 "$(b inspect --format '{{(index .State.Health.Log 0).Output}}' c | wc -c)"
quiet b rm -f -t 0 c
manual c --health-timeout 1s --health-cmd 'echo hi; sleep 1234'
rc "too long" 125 b healthcheck run c
is "podman's words" "Error: healthcheck command exceeded timeout of 1s" "$errs"
has "it is recorded" '"ExitCode":-1,"Output":"hi"' "$(log c)"
is "and the command is gone" "" "$(b exec c ps | grep 1234 | grep -v grep)"
quiet b rm -f -t 0 c
manual c --health-start-period 1h --health-retries 1 --health-cmd 'exit 3'
rc "in the start period" 1 b healthcheck run c
is "failures do not count" "starting 0" "$(health c)"
quiet b rm -f -t 0 c

# --- what comes of it
manual k --health-retries 1 --health-cmd false --health-on-failure kill
rc "kill" 1 b healthcheck run k
is "it was killed" 137 "$(b wait k)"
manual s --health-retries 1 --health-cmd false --health-on-failure stop --stop-timeout 0
rc "stop" 1 b healthcheck run s
until_true sh -c "[ \"\$(\"$BERTH\" inspect --format '{{.State.Status}}' s)\" = exited ]"
manual r --health-retries 1 --health-cmd false --health-on-failure restart --stop-timeout 0
first=$(b inspect --format '{{.State.Pid}}' r)
rc "restart" 1 b healthcheck run r
is "it runs" running "$(b inspect --format '{{.State.Status}}' r)"
[ "$first" != "$(b inspect --format '{{.State.Pid}}' r)" ] && good "anew" || wrong "anew" "$first"
is "as starting" "starting 1" "$(health r)"
quiet b rm -f -t 0 k s r

# --- a process of ours, where there is no systemd
quiet b run -d --name w --network none --health-interval 1s --health-retries 2 --health-cmd 'test ! -e /bad' --rootfs "$R" sleep 1000
is "one process watches" 1 "$(watchers)"
until_true sh -c "\"$BERTH\" ps --filter health=healthy --format '{{.Names}}' | grep -q w"
good "it finds it healthy"
touch "$R/bad"
until_true sh -c "\"$BERTH\" ps --filter health=unhealthy --format '{{.Names}}' | grep -q w"
good "and then unhealthy"
rm "$R/bad"
until_true sh -c "\"$BERTH\" ps --filter health=healthy --format '{{.Names}}' | grep -q w"
good "and healthy again"
# A pidfd, or what stands for one where there are none.
is "it holds no file open but the process's" "/dev/null /dev/null /dev/null anon_inode:[pidfd]" \
	"$(for fd in 0 1 2 3 4 5 6 7 8 9; do readlink "/proc/$(watcher w)/fd/$fd"; done | tr '\n' ' ' |
		sed 's/ $//; s,/proc/[0-9]*$,anon_inode:[pidfd],')"
old=$(watcher w)
quiet b restart -t 0 w
until_true sh -c "! kill -0 $old"
is "a restart has one of its own" 1 "$(watchers)"
quiet b stop -t 0 w
until_true sh -c '! pgrep -f "healthchec[k] watch"'
good "it ends with the container"
quiet b start w
is "and comes back" 1 "$(watchers)"
kill -9 "$(b inspect --format '{{.State.Pid}}' w)"
until_true sh -c '! pgrep -f "healthchec[k] watch"'
good "it ends with a killed process"
quiet b start w
kill -9 "$(cat /run/containers/storage/overlay-containers/"$(b inspect --format '{{.Id}}' w)"/userdata/conmon.pid)"
is "a killed monitor leaves it" 1 "$(watchers)"
quiet b rm -f -t 0 w
until_true sh -c '! pgrep -f "healthchec[k] watch"'
good "rm -f ends it"
quiet env DISABLE_HC_SYSTEMD=true "$BERTH" run -d --name w --network none --health-interval 1s --health-cmd true --rootfs "$R" sleep 1000
is "it can be switched off" 0 "$(watchers)"
quiet b rm -f -t 0 w
quiet b run --rm --network none --health-interval 1s --health-cmd true --rootfs "$R" true
until_true sh -c '! pgrep -f "healthchec[k]"'
good "nothing is left of a short one"

# --- systemd's timers: a stand-in that writes down what it was asked
mkdir -p /run/systemd/system "$W/bin"
for program in systemd-run systemctl; do
	printf '#!/bin/sh\necho "%s $*" >>"%s"\n' "$program" "$W/asked" >"$W/bin/$program"
	chmod +x "$W/bin/$program"
done
real_path=$PATH
PATH=$W/bin:$PATH
quiet b run -d --name t --network none --health-interval 90s --health-cmd true --rootfs "$R" sleep 1000
id=$(b inspect --format '{{.Id}}' t)
asked=$(cat "$W/asked")
has "a timer is made" "--unit $id --on-unit-inactive=90000000us --timer-property=AccuracySec=1s /" "$asked"
has "that runs the check" " healthcheck run $id
" "$asked
"
has "and started" "systemctl --no-block restart $id.service" "$asked"
is "no process of ours" 0 "$(watchers)"
: >"$W/asked"
quiet b stop -t 0 t
asked=$(cat "$W/asked")
has "stopping ends the timer" "systemctl stop $id.timer" "$asked"
has "and the service" "systemctl stop $id.service" "$asked"
quiet b rm -f t
: >"$W/asked"
quiet b run -d --name t --network none --health-interval 90s --health-retries 1 --health-on-failure restart --health-cmd false --rootfs "$R" sleep 1000
: >"$W/asked"
rc "a failed check in its own service" 1 env INVOCATION_ID=x "$BERTH" healthcheck run t
has "has another one restart it" "systemd-run --collect --no-block /" "$(cat "$W/asked")"
has "by name" " restart $(b inspect --format '{{.Id}}' t)" "$(cat "$W/asked")"
quiet b rm -f -t 0 t
PATH=$real_path
rm -rf /run/systemd/system

# --- with podman
if command -v podman >/dev/null; then
	p() { podman --cgroup-manager cgroupfs "$@"; }
	quiet p run -d --name p --network none --health-interval disable --health-retries 2 --health-cmd 'test -e /ok2' --rootfs "$R" sleep 1000
	rc "berth checks podman's" 1 b healthcheck run p
	is "podman reads the result" "starting 1" "$(p inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' p)"
	rc "podman checks next" 1 p healthcheck run p
	is "berth reads that" "unhealthy 2" "$(health p)"
	touch "$R/ok2"
	rc "and heals it" 0 b healthcheck run p
	has "podman lists it" "(healthy)" "$(p ps --format '{{.Status}}')"
	quiet p rm -f -t 0 p
	manual o --health-cmd 'echo out; echo err >&2; exit 4'
	rc "podman checks ours" 1 p healthcheck run o
	rc "and so do we" 1 b healthcheck run o
	is "both write the same" 1 "$(p inspect --format '{{range .State.Health.Log}}{{.ExitCode}} {{println}}{{end}}' o | sort -u | grep -c .)"
	is "inspect agrees" "$(p inspect --format '{{json .State.Health}} {{json .Config.Healthcheck}}' o)" "$(b inspect --format '{{json .State.Health}} {{json .Config.Healthcheck}}' o)"
	quiet b rm -f -t 0 o
	quiet b run -d --name o --network none --health-interval 1s --health-cmd true --rootfs "$R" sleep 1000
	quiet p stop -t 0 o
	until_true sh -c '! pgrep -f "healthchec[k] watch"'
	good "podman's stop ends our process"
	quiet p rm o
fi
until_true sh -c '! pgrep -f "healthchec[k]"'
is "no process is left" "" "$(pgrep -af 'healthcheck')"
finish
