#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A boot is noticed, by one and by two storage roots on one tmp directory, and podman works
# on the same store afterwards.  A lost lock segment leads to no double numbers.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

loop='trap "exit 5" TERM; while :; do sleep 0.1; done'
two() { b --root "$W/two" --runroot /run/two "$@"; }
pod_two() { podman --root "$W/two" --runroot /run/two "$@"; }
state() { "$1" inspect --format '{{.State.Status}}' "$2"; }
numbers() { # that containers of the roots have, each once
	for root; do "$root" system locks --format '{{.Lock}} {{.Kind}}'; done |
		sed -n 's/ container//p' | sort -nu | paste -sd' '
}
# All processes but this test's own end, and what lives in memory is gone.
boot() {
	until_true sh -c '
		for p in /proc/[0-9]*; do
			read -r name <"$p/comm" || continue
			case $name in conmon | crun | sleep | busybox) kill -KILL "${p#/proc/}" ;; esac
		done
		! pgrep conmon'
	grep -o ' /[^ ]*\(/userdata/shm\|/merged\|/run/netns/[^ ]*\|/volumes/[^ ]*/_data\) ' /proc/self/mountinfo | sort -ru |
		while read -r point; do umount -l "$point"; done
	umount -l /run
	mount -t tmpfs -o mode=0755 tmpfs /run
	mkdir -p /run/lock /run/user
	umount -l /dev/shm
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
}

# ------------------------------------------------------------------- one root
quiet b run -d --name up --network none --rootfs "$R" /bin/sh -c "$loop"
quiet b create --name idle --network none --rootfs "$R" true
rc "one that ended" 3 b run --name ended --network none --rootfs "$R" /bin/sh -c 'exit 3'
# Without HELD: an exit command that is still at work may have one.
table() { b system locks | awk '{ print $1, $2, $4, $5, $6 }'; }
locks=$(table)
has "whose number is which" "container idle" "$locks"
boot
is "after a boot nothing runs" "created created exited" \
	"$(b inspect --format '{{.State.Status}}' up idle ended | paste -sd' ')"
is "the pid is forgotten" 0 "$(b inspect --format '{{.State.Pid}}' up)"
is "the exit code is kept" 3 "$(b inspect --format '{{.State.ExitCode}}' ended)"
is "numbers are claimed" "$locks" "$(table)"
has "podman thinks so too" "up Created" "$(podman ps -a --format '{{.Names}} {{.Status}}')"
is "one event" 1 "$(b events --stream=false --filter event=refresh | wc -l)"
rc "podman starts it" 0 podman start up
is "and it runs" running "$(state b up)"
rc "podman makes one more" 0 podman create --name more --network none --rootfs "$R" true
rc "no number is used twice" 0 b system check
rc "ours starts too" 0 b start -a idle
quiet b rm -f -t 0 up idle ended more

# A store that podman refreshed is not refreshed again.
quiet b create --name one --network none --rootfs "$R" /bin/sh -c "$loop"
boot
quiet podman start one
is "podman was first: it runs" running "$(state b one)"
is "no second refresh" 1 "$(b events --stream=false --filter event=refresh | wc -l)"
rc "stop" 0 b stop -t 1 one
quiet b rm one

# ------------------------------------------------------- pods and volumes, podman's
cgroup_of() { b state dump | grep '"kind":"pod"' | grep "\"name\":\"$1\"" | grep -o '"cgroupPath":"[^"]*"'; }
mounts_of() { b state dump | grep '"kind":"volume"' | grep "\"name\":\"$1\"" | grep -o '"mountCount":[0-9]*'; }
quiet podman pod create --name pod --network none
quiet podman volume create --opt type=tmpfs --opt device=tmpfs vol
quiet podman run -d --pod pod --name member -v vol:/v --rootfs "$R" /bin/sh -c "$loop"
cgroup=$(cgroup_of pod)
has "the pod has a cgroup" /libpod_parent/ "$cgroup"
is "the volume is mounted" '"mountCount":1' "$(mounts_of vol)"
locks=$(b system locks)
boot
is "after a boot the pod's member does not run" created "$(state b member)"
is "numbers of pods and volumes are claimed" "$locks" "$(b system locks)"
is "the volume is not mounted" '"mountCount":0' "$(mounts_of vol | sed 's/^$/"mountCount":0/')"
is "the pod's cgroup is known" "$cgroup" "$(cgroup_of pod)"
rc "podman starts the pod" 0 podman pod start pod
is "its member runs" running "$(state b member)"
is "the volume is mounted again" '"mountCount":1' "$(mounts_of vol)"
rc "podman removes the pod" 0 podman pod rm -f -t 0 pod
rc "and the volume" 0 podman volume rm vol
# (podman does not look into the hierarchies without controllers.)
is "no cgroup of it is left" "" "$(find /sys/fs/cgroup -type d ! -path '*/unified/*' ! -path '*/systemd/*' -name "*$(echo "$cgroup" | grep -o '[0-9a-f]\{64\}')*")"
rc "nothing is left" 0 b system check

# A pod's slice is made again, where systemd makes the cgroups.
quiet podman pod create --name slice --infra=false
b state dump | sed 's|"cgroupPath":""|"cgroupPath":"machine.slice/machine-libpod_pod_x.slice"|' >"$W/dump"
rm /var/lib/containers/storage/libpod/bolt_state.db
quiet b state load "$W/dump"
if [ -x /usr/bin/systemctl ]; then
	printf '#!/bin/sh\necho "$@" >>%s/systemctl.log\n' "$W" >"$W/systemctl"
	chmod +x "$W/systemctl"
	quiet mount --bind "$W/systemctl" /usr/bin/systemctl
	boot
	rc "boot" 0 b ps
	is "systemd is asked for the slice" "start machine-libpod_pod_x.slice" "$(cat "$W/systemctl.log")"
	quiet umount /usr/bin/systemctl
fi
quiet podman pod rm slice

# ------------------------------------------------------------------ two roots
quiet b run -d --name first --network none --rootfs "$R" /bin/sh -c "$loop"
quiet two run -d --name second --network none --rootfs "$R" /bin/sh -c "$loop"
is "two roots share the numbers" "0 1" "$(numbers b two)"
boot
is "the first root is put right" created "$(state b first)"
quiet b create --name third --network none --rootfs "$R" true
is "so is the second" created "$(state two second)"
rc "no double number in the first" 0 b system check
rc "none in the second" 0 two system check
is "all are different" "0 1 2" "$(numbers b two)"
rc "podman works on the first" 0 podman start first
rc "podman works on the second" 0 pod_two start second
is "berth sees them run" "running running" "$(state b first) $(state two second)"
quiet podman stop -t 1 first
quiet pod_two stop -t 1 second

# ---------------------------------------------------------- what gets lost alone
quiet b start first
rm -f /run/libpod/alive
is "without the alive file a running one goes on" running "$(state b first)"
rc "and can be stopped" 0 b stop -t 1 first
has "the alive file is back" alive "$(ls /run/libpod)"
quiet b start first
rm -f /dev/shm/libpod_lock
quiet b create --name fourth --network none --rootfs "$R" true
rc "a lost segment makes no double numbers" 0 b system check
is "neither with the other root" "0 1 2 3" "$(numbers b two)"
is "what runs goes on" running "$(state b first)"
rc "podman agrees" 0 podman rm -f -t 0 first third fourth
rm -f /run/libpod/alive
mkdir /run/libpod/alive
rc "an alive file that is a directory is refused" 125 b ps
has "by name" /run/libpod/alive "$errs"
rmdir /run/libpod/alive

# ------------------------------------------------------------------ on demand
quiet b create --name one --network none --rootfs "$R" true
rc "refresh on demand" 0 b system refresh
rc "start after it" 0 b start -a one
rc "podman removes it" 0 podman rm one
quiet two rm -f -t 0 second
rc "check of the store" 0 b state check
finish
