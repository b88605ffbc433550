#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A container's life, one command at a time, and what is left of it.
. "$top_srcdir/tests/lib/e2e.sh"

state() { b inspect --format '{{.State.Status}}' "$1"; }
before=$(find /run /dev/shm -xdev -type f 2>/dev/null | grep -v -e /alive -e /libpod/berth/ -e /berth-seccomp/ -e events -e libpod_lock -e '\.lock$' -e '\.lck$' | sort)

rc create 0 b create --name c --network none --rootfs "$R" /bin/sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done'
id=$out
is "created" created "$(state c)"
rc init 0 b init c
is "initialized" initialized "$(state c)"
rc start 0 b start c
is "start prints the name" c "$out"
is "running" running "$(state c)"
until_true sh -c "b() { \"$BERTH\" \"\$@\"; }; [ \"\$(b logs c)\" = up ]"
is "logs" up "$(b logs c)"
has "ps shows it" sleep "$(b exec c ps)"
rc "exec's exit code" 9 b exec c /bin/sh -c 'exit 9'
is "exec's output" hello "$(b exec c echo hello)"
is "exec's environment" "1 2" "$(b exec -e A='1 2' c /bin/sh -c 'echo "$A"')"
is "exec's directory" /etc "$(b exec -w /etc c pwd)"
is "exec's user" 1000 "$(b exec -u user c id -u)"
is "exec's input" abc "$(echo abc | b exec -i c cat)"
rc "exec of a missing command" 127 b exec c /nowhere
rc "exec of a directory" 126 b exec c /etc
rc "rm refuses a running one" 2 b rm c
has "with podman's words" "running or paused containers cannot be removed without force" "$errs"
rc pause 0 b pause c
is "paused" paused "$(state c)"
rc unpause 0 b unpause c
rc stop 0 b stop -t 5 c
is "exited" exited "$(state c)"
is "its exit code" 5 "$(b inspect --format '{{.State.ExitCode}}' c)"
is "wait gives it" 5 "$(b wait c)"
rc "start again" 0 b start c
rc "kill" 0 b kill c
is "137" 137 "$(b wait c)"
rc "by a part of the ID" 0 b start "$(echo "$id" | cut -c 1-6)"
rc "rm -f" 0 b rm -f -t 0 c
rc "it is gone" 125 b inspect c
is "no container is left" "" "$(b ps -aq)"
is "no directory is left" "" "$(ls /var/lib/containers/storage/overlay-containers | grep -v -e '\.lock' -e '\.json')"
is "no mount is left" "" "$(grep -e userdata -e /run/netns/ /proc/self/mountinfo)"
until_true sh -c "! pgrep conmon" # which waits for its exit command
is "no process is left" "" "$(pgrep -a conmon)"
is "no file is left" "$before" "$(find /run /dev/shm -xdev -type f 2>/dev/null | grep -v -e /alive -e /libpod/berth/ -e /berth-seccomp/ -e events -e libpod_lock -e '\.lock$' -e '\.lck$' | sort)"

quiet b run -d --rm --name gone --network none --rootfs "$R" true
until_true sh -c "! \"$BERTH\" inspect gone"
is "--rm detached removes" "" "$(b ps -aq)"
rc "check of the store" 0 b state check
finish
