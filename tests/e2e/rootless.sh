#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An unprivileged user: namespaces of its own, shared with podman, and containers in them.
# shellcheck disable=SC2154,SC2046
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-user.sh"

# ----------------------------------------------------------------- what needs no namespace
for command in version "config show" "plugin list" "help" "run --help"; do
	# shellcheck disable=SC2086
	quiet ub $command
done
is "some commands make none" "" "$(user_processes)$(ls -A "$X")"

# ------------------------------------------------------------------------ made by the first
rc "the first command" 0 ub ps -q
is "leaves one process" "$(pause_pid)" "$(user_processes | tr -d ' ')"
is "with the user as root, and its ranges" "0 $UID_ 1 1 2000000 65536" "$(echo $(cat "/proc/$(pause_pid)/uid_map"))"
is "for groups too" "0 $UID_ 1 1 2000000 65536" "$(echo $(cat "/proc/$(pause_pid)/gid_map"))"
first=$(pause_pid)
own=$(readlink "/proc/$first/ns/mnt")
is "the next goes there" "$own" "$(ub unshare readlink /proc/self/ns/mnt)"
is "so does podman" "$own" "$(up unshare readlink /proc/self/ns/mnt)"
is "inside, nothing is done again" "$own" "$(up unshare "$BERTH" unshare readlink /proc/self/ns/mnt)"
is "the environment is podman's" "done $UID_ $UID_" \
	"$(ub unshare sh -c 'echo $_CONTAINERS_USERNS_CONFIGURED $_CONTAINERS_ROOTLESS_UID $_CONTAINERS_ROOTLESS_GID')"
is "the working directory stays" "$H" "$(ub unshare pwd)"
rc "the exit status passes through" 7 ub unshare sh -c 'exit 7'
rc "an unknown program" 127 ub unshare nosuch
rc "one that is none" 126 ub unshare /etc/passwd
rc "root has no need of it" 125 b unshare true
has "and is told" "please use unshare with rootless" "$errs"

# --------------------------------------------------------------------------- a container
is "it runs as root of the namespace" "0 $UID_" \
	"$(echo $(ub run --rm --network none --rootfs "$UR" sh -c 'id -u; cut -c11-23 /proc/self/uid_map | head -1'))"
rc "its exit status" 3 ub run --rm --network none --rootfs "$UR" sh -c 'exit 3'
is "the host's network" "$(readlink /proc/self/ns/net)" "$(ub run --rm --network host --rootfs "$UR" readlink /proc/self/ns/net)"
rc "limits are not for users of cgroups of version 1" 0 ub run --rm --network none --memory 100m --rootfs "$UR" true
[ -e /sys/fs/cgroup/cgroup.controllers ] || has "and that is said" "Resource limits are not supported and ignored on cgroups V1 rootless systems" "$errs"
is "the lock is the user's" "$U" "$(stat -c %U /dev/shm/libpod_rootless_lock_$UID_)"
is "another ID of it" "77 2000076" "$(ub run --rm --network none --user 77 --rootfs "$UR" sh -c 'touch /tmp/x; stat -c %u /tmp/x') $(stat -c %u "$UR/tmp/x")"
quiet ub unshare rm "$UR/tmp/x"
is "a bound device" "crw" "$(ub run --rm --network none --device /dev/full:/dev/x --rootfs "$UR" ls -l /dev/x | cut -c1-3)"

# ------------------------------------------------------------------- each other's containers
quiet ub run -d --name ours --network none --rootfs "$UR" sleep 1000
quiet up run -d --name theirs --network none --rootfs "$UR" sleep 1000
is "podman sees both" "ours theirs" "$(echo $(up ps --format '{{.Names}}' | sort))"
is "so does berth" "ours theirs" "$(echo $(ub ps --format '{{.Names}}' | sort))"
is "podman in ours" "0" "$(up exec ours id -u)"
is "berth in theirs" "0" "$(ub exec theirs id -u)"
has "top" "sleep 1000" "$(ub top theirs)"
quiet up stop -t 0 ours
quiet ub stop -t 0 theirs
is "each stopped the other's" "Exited Exited" "$(echo $(ub ps -a --format '{{.Status}}' | cut -d' ' -f1))"
quiet up start ours
quiet ub start theirs
is "and started" "running running" "$(ub inspect --format '{{.State.Status}}' ours) $(up inspect --format '{{.State.Status}}' theirs)"

# The pause process is killed while containers run: their namespace is found through them.
kill -KILL "$first"
is "the namespace of a container" "$own" "$(ub unshare readlink /proc/self/ns/mnt)"
is "has a new pause process" "$own" "$(readlink "/proc/$(pause_pid)/ns/mnt")"
is "which podman uses" "$own" "$(up unshare readlink /proc/self/ns/mnt)"
quiet up rm -f -t 0 ours
quiet ub rm -f -t 0 theirs
rc "the store is whole" 0 ub state check

# -------------------------------------------------------------------------- made by podman
fresh
quiet up ps
is "berth goes where podman is" "$(readlink "/proc/$(pause_pid)/ns/mnt")" "$(ub unshare readlink /proc/self/ns/mnt)"

# -------------------------------------------------------------------- pause files of no use
# Of a process that is gone, of another user's, and none at all.
texts="4194303 1 nonsense"
[ -z "${BERTH_TEST_LONG:-}" ] || texts="$texts 0 -1 $$ 99999999999 ''"
for text in $texts; do
	fresh
	as_user "mkdir -p $X/libpod/tmp && printf %s $text >$X/libpod/tmp/pause.pid"
	is "a pause file with '$text' is replaced" "0" "$(ub unshare id -u)"
	is "by a good one" "catatonit" "$(ps -o comm= -p "$(pause_pid)")"
done

# --------------------------------------------------------------------- two first at once
for program in ub up; do
	fresh
	for i in 1 2 3 4; do
		ub unshare readlink /proc/self/ns/mnt >"$W/race.$i" 2>"$W/race.err.$i" &
	done
	$program unshare readlink /proc/self/ns/mnt >"$W/race.0" 2>"$W/race.err.0" &
	wait
	is "five first commands ($program) share one namespace" "$(readlink "/proc/$(pause_pid)/ns/mnt")" "$(sort -u "$W"/race.[0-4])"
	is "and one pause process" "1" "$(user_processes | wc -l)"
done

# -------------------------------------------------------------------------------- refusals
fresh
ranges ''
rc "no ranges" 0 ub unshare cat /proc/self/uid_map
is "the user alone is mapped" "0 $UID_ 1" "$(echo $out)"
has "podman's error" "cannot find UID/GID for user $U: no subuid ranges found for user \\\"$U\\\" in /etc/subuid - check rootless mode in man pages." "$errs"
has "podman's warning" "Using rootless single mapping into the namespace." "$errs"
is "it runs containers" "0" "$(ub run --rm --network none --rootfs "$UR" id -u)"
fresh
ranges "$U:61000:65536"
rc "a range with the user in it" 1 ub ps
has "podman's words" "the specified mapping 61000:65536 in \"/etc/subuid\" includes the user UID" "$errs"
ranges
for name in newuidmap newgidmap; do
	cp "$(command -v $name)" "$W/plain"
	mount --bind "$W/plain" "$(command -v $name)"
	rc "a $name without its bit" 1 ub ps
	has "is named" "bin/$name\": should have setuid or have filecaps set" "$errs"
	is "it is one line" 1 "$(grep -c "" "$W/errs")"
	umount "$(command -v $name)"
done
rc "none at all" 1 as_user "PATH=/nowhere '$BERTH' ps"
has "podman's words for it" 'command required for rootless mode with multiple IDs: exec: "newuidmap": executable file not found in $PATH' "$errs"
is "nothing is left of that" "" "$(user_processes)$(find "$X" -name 'pause*')"
rc "no runtime directory at all" 125 as_user "unset HOME; XDG_RUNTIME_DIR=/run/lock '$BERTH' ps"
has "is told" "XDG_RUNTIME_DIR (/run/lock) and HOME (not set) lead to no directory that belongs to the current user" "$errs"
rc "the usual one is found without a variable" 0 as_user "unset XDG_RUNTIME_DIR; '$BERTH' unshare printenv XDG_RUNTIME_DIR"
is "and exported" "$X" "$out"
fresh
# Namespaces within one whose limit is 0.
rc "no user namespaces" 1 as_user "unshare -r sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-sys_admin --inh-caps=-all \"$BERTH\" ps'"
has "podman's words for that" "user namespaces are not enabled in /proc/sys/user/max_user_namespaces" "$errs"

finish
