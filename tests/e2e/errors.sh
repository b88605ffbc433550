#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What goes wrong gets podman's text and exit code, and leaves nothing behind.
. "$top_srcdir/tests/lib/e2e.sh"

run() { b run --network none "$@"; }
quiet b run --rm --network none --rootfs "$R" true # the store, its files and its directories
left() {
	find /var/lib/containers/storage /run/containers /run/libpod -mindepth 1 2>/dev/null |
		grep -v -e events.log -e '\.lock$' -e '\.json$' -e '\.db$' | sort
}
until_true sh -c '! pgrep conmon' # their exit commands are through
before=$(left)

rc "command not found" 127 run --rm --rootfs "$R" /nowhere
has "says so" "not found" "$errs"
rc "command not executable" 126 run --rm --rootfs "$R" /etc/passwd
has "says so" "denied" "$errs"
rc "a directory as command" 126 run --rm --rootfs "$R" /etc
rc "a working directory that is not there" 126 run --rm -w /nowhere --rootfs "$R" true
quiet b create --name no --network none --rootfs "$R" /nowhere
for how in "start" "start -a" "restart" "init"; do
	# shellcheck disable=SC2086
	rc "$how of what is not found: podman's status" 125 b $how no
done
quiet b rm no
rc "root missing" 125 run --rm --rootfs "$W/nowhere" true
has "names it" "$W/nowhere" "$errs"
rc "root is a file" 126 run --rm --rootfs "$R/etc/passwd" true
rc "bad name" 125 run --rm --name 'a/b' --rootfs "$R" true
has "podman's words" "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*" "$errs"
rc "unknown runtime" 125 b --runtime nosuch run --rm --network none --rootfs "$R" true
rc "missing runtime by path" 125 b --runtime /nowhere/crun run --rm --network none --rootfs "$R" true
rc "unknown user" 126 run --rm -u nobodyknows --rootfs "$R" true
rc "bad memory size" 125 run --rm -m 12x --rootfs "$R" true
rc "unknown capability" 125 run --rm --cap-add NOSUCH --rootfs "$R" true
rc "missing source of a bind mount" 125 run --rm -v "$W/nowhere:/x" --rootfs "$R" true
rc "unknown flag" 125 b run --nosuchflag
has "podman's words" "unknown flag: --nosuchflag" "$errs"
rc "no such container" 125 b start nosuch
has "podman's words" 'no container with name or ID "nosuch" found: no such container' "$errs"
rc "rm of nothing" 1 b rm nosuch
rc "rm -f of nothing" 0 b rm -f nosuch
rc "network of nobody" 125 b run --rm --network container:nosuch --rootfs "$R" true
until_true sh -c '! pgrep conmon'
is "nothing is left" "$before" "$(left)"

quiet b create --name one --network none --rootfs "$R" true
rc "name in use" 125 b create --name one --network none --rootfs "$R" true
has "podman's words" 'the container name "one" is already in use by' "$errs"
rc "exec needs it to run" 255 b exec one true
rc "kill needs it to run" 125 b kill one
rc "pause needs it to run" 125 b pause one
has "podman's words" "container state improper" "$errs"
quiet b rm one
is "nothing is left after all" "$before" "$(left)"
rc "check of the store" 0 b state check
finish
