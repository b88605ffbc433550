#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an unprivileged user does with containers, and what podman makes of it.
# shellcheck disable=SC2154,SC2046
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-user.sh"

# ------------------------------------------------------------------ the same documents
# What both write for the runtime, and into the record, but for IDs, times and what podman's own
# configuration adds on this machine.
plain() {
	jq -S 'del(.linux.seccomp, .linux.sysctl, .process.capabilities, .annotations)
		| .process.env |= sort | .mounts |= sort_by(.destination)' |
		sed 's/[0-9a-f]\{64\}/ID/g; s/[0-9a-f]\{12\}/SHORT/g'
}
plain_record() {
	jq -S '.config | del(.spec.linux.seccomp, .spec.linux.sysctl, .spec.process.capabilities, .exitCommand,
			.CreateCommand, .createdTime, .lockID, .name, .spec.annotations)
		| .spec.process.env |= sort | .userVolumes |= (if . then sort else . end)
		| .spec.mounts |= (if . then sort_by(.destination) else . end)' |
		sed 's/[0-9a-f]\{64\}/ID/g; s/[0-9a-f]\{12\}/SHORT/g'
}
n=0
cp "$UR/etc/passwd" "$W/passwd.0"
cp "$UR/etc/group" "$W/group.0"
same() {
	n=$((n + 1))
	# shellcheck disable=SC2086
	quiet up create --name "p$n" "$@" --rootfs "$UR" sleep 1
	# shellcheck disable=SC2086
	quiet ub create --name "b$n" "$@" --rootfs "$UR" sleep 1
	for command in "up init p$n" "ub init b$n"; do
		# Users are added to these.
		cp "$W/passwd.0" "$UR/etc/passwd"
		cp "$W/group.0" "$UR/etc/group"
		# shellcheck disable=SC2086
		quiet $command
	done
}
same --network host
same --network none --userns keep-id
same --network none --device /dev/full:/dev/x:r --memory 100m --pids-limit 5 --ulimit nofile=100:100 --ulimit nproc=50:60
same --network none --uidmap 0:0:100 --gidmap 0:0:4 -v /tmp:/t:ro --read-only
if [ -n "${BERTH_TEST_LONG:-}" ]; then
	same --network none
	same --network host --privileged
	same --network none --userns keep-id:uid=5,gid=7 --user 5:7
	same --network none --userns nomap
fi
ub state dump >"$W/dump"
for i in $(seq $n); do
	for who in p b; do
		jq -c "select(.kind == \"container\" and .config.name == \"$who$i\")" "$W/dump" >"$W/record"
		plain_record <"$W/record" >"$W/record.$who"
		plain <"$(jq -r .config.staticDir "$W/record")/config.json" >"$W/config.$who"
	done
	is "record $i" "" "$(diff "$W/record.p" "$W/record.b")"
	is "configuration $i" "" "$(diff "$W/config.p" "$W/config.b")"
done
is "podman removes them" 0 "$(up rm -f -t 0 -a >"$W/quiet" 2>&1; echo $?)"

# ---------------------------------------------------------------------- the caller's IDs
is "keep-id" "$UID_ $UID_ $U" "$(echo $(ub run --rm --network none --userns keep-id --rootfs "$UR" sh -c 'id -u; id -g; id -un'))"
is "its files are the caller's" "$U" \
	"$(ub run --rm --network none --userns keep-id -v "$H:/h" --rootfs "$UR" touch /h/mine; stat -c %U "$H/mine")"
is "nomap has no caller" "65534" \
	"$(ub run --rm --network none --userns nomap -v "$H:/h" --rootfs "$UR" stat -c %u /h/mine)"
rc "an unknown option of it" 125 ub run --rm --network none --userns keep-id:x=1 --rootfs "$UR" true
has "podman's words" 'unknown option specified: "x"' "$errs"

# ------------------------------------------------------------------------- the exit command
ended() { [ "$(ub inspect --format '{{.State.Status}}' "$1")" = exited ]; }
quiet ub run -d --name short --network none --rootfs "$UR" sh -c 'echo hello; exit 5'
until_true ended short
is "conmon's word of the end" "5" "$(up wait short)"
is "logs" "hello" "$(ub logs short)"
is "start -a" "hello" "$(ub start -a short)"
quiet ub rm short
quiet ub run -d --rm --name gone --network none --rootfs "$UR" true
no_such() { ! ub container exists "$1"; }
until_true no_such gone
is "--rm at the end" "1" "$(ub container exists gone; echo $?)"

# ------------------------------------------------------------------------------- signals
# There is no process in between: what the terminal sends arrives.
ub run --name sig --network none --rootfs "$UR" \
	sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done' >"$W/sig" &
job=$!
until_true grep -q up "$W/sig"
for pid in $(user_processes); do
	! { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q "berth .* run --name sig" || kill -TERM "$pid"
done
wait $job
is "a signal goes to the container, its status comes back" 9 $?
quiet ub rm sig

# --------------------------------------------------------------------------- files, volumes
quiet ub run -d --name run --network none -v vol:/v --rootfs "$UR" sleep 1000
quiet ub exec run sh -c 'echo 1 >/v/a; chown 5:6 /v/a'
is "a volume has the container's IDs" "2000004" "$(stat -c %u "$H/.local/share/containers/storage/volumes/vol/_data/a")"
has "and is exported with them" "5/6" "$(ub volume export vol | tar tvn)"
rc "it is not mounted where nobody sees it" 125 ub volume mount vol
has "podman's advice" 'in rootless mode, must execute `berth unshare` first' "$errs"
as_user "echo data >f"
quiet ub cp f run:/tmp/f
is "cp in" "data" "$(up exec run cat /tmp/f)"
quiet ub cp run:/v/a back
is "cp out" "$U" "$(stat -c %U "$H/back")"
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
	rc "no stats without groups" 125 ub stats --no-stream
	has "podman's words for it" "stats is not supported in rootless mode without cgroups v2" "$errs"
	rc "nor a pause" 125 ub pause run
	has "podman's words for that" "can not pause containers on rootless containers with cgroup V1" "$errs"
fi
is "info" "true $UID_" "$(ub info --format json | jq -r '"\(.host.security.rootless) \(.host.idMappings.uidmap[0].host_id)"')"
quiet up rm -f -t 0 run
quiet up volume rm vol

# ------------------------------------------------------------------------------ a boot
quiet ub run -d --name old --network none --rootfs "$UR" sleep 1000
quiet ub volume create kept
for pid in $(user_processes); do
	kill -KILL "$pid" 2>/dev/null || :
done
until_true nobody_left
rm -rf "${X:?}"/* "/dev/shm/libpod_rootless_lock_$UID_"
is "after a boot" "old Created" "$(ub ps -a --format '{{.Names}} {{.State}}')"
is "podman agrees" "old Created" "$(up ps -a --format '{{.Names}} {{.State}}')"
quiet ub start old
rc "all is well" 0 ub system check
quiet ub restart -t 0 old

# ---------------------------------------------------------------- migrate and reset
was=$(pause_pid)
rc "migrate" 0 ub system migrate
is "stops what runs" "stopped $(ub inspect --format '{{.Id}}' old)" "$out"
is "and ends the pause process" "gone" "$(kill -0 "$was" 2>/dev/null || echo gone)"
rc "reset" 0 ub system reset -f
is "leaves no process" "" "$(user_processes)"
is "and nothing of the store" "" "$(find "$H/.local" "$X" -type f)"
rc "podman starts anew" 0 up ps -aq
is "with nothing" "" "$out"

finish
