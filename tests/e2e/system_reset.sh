#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reset leaves nothing behind and touches nothing else; prune, df; namespaces; signals.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

loop='trap "exit 5" TERM; while :; do sleep 0.1; done'
two() { b --root "$W/two" --runroot /run/two "$@"; }

# ---------------------------------------------------------------- prune and df
quiet b run -d --name up --network none --rootfs "$R" /bin/sh -c "$loop"
rc "one that ended" 0 b run --name ended --network none --rootfs "$R" true
ended=$(b inspect --format '{{.Id}}' ended)
quiet podman volume create used
quiet podman volume create unused
head -c 3000 /dev/zero >/var/lib/containers/storage/volumes/unused/_data/file
quiet podman create --name with --network none -v used:/data --rootfs "$R" true
is "df" "$(printf 'Images 0 0 0B 0B (0%%)\nContainers 3 1 0B 0B (0%%)\nLocal Volumes 2 1 3kB 3kB (100%%)')" \
	"$(b system df --format '{{.Type}} {{.Total}} {{.Active}} {{.Size}} {{.Reclaimable}}')"
is "its first line is podman's" "$(podman system df | head -n 1 | tr -s ' ')" "$(b system df | head -n 1 | tr -s ' ')"
rc "prune asks, and not without a terminal" 125 b system prune
has "names the flag" "--force" "$errs"
quiet podman rm with
rc "prune" 0 b system prune -f --volumes
has "the container that ended" "$ended" "$out"
has "the volumes" "$(printf 'unused\nused')" "$out"
has "their size" "Total reclaimed space: 3kB" "$out"
is "what runs is left" up "$(b ps -a --format '{{.Names}}')"
is "no volume is left" "" "$(podman volume ls -q)"
rc "all is well" 0 b system check

# ----------------------------------------------------------------- namespaces
quiet b --namespace red create --name red1 --network none --rootfs "$R" true
quiet b --namespace blue create --name blue1 --network none --rootfs "$R" true
is "a namespace shows its own" red1 "$(b --namespace red ps -a --format '{{.Names}}')"
is "without one all are shown" "blue1 red1 up" "$(b ps -a --format '{{.Names}}' | sort | paste -sd' ')"
is "podman agrees" red1 "$(podman --namespace red ps -a --format '{{.Names}}')"
rc "others cannot be removed" 1 b --namespace red rm blue1
rc "names are unique in all" 125 b --namespace red create --name blue1 --network none --rootfs "$R" true
rc "its own can" 0 b --namespace red rm red1
quiet podman --namespace blue rm blue1
rc "renumber means all" 0 b --namespace red system renumber
is "up too" 0 "$(b system locks --format '{{.Lock}} {{.Name}}' | sed -n 's/ up//p')"

# -------------------------------------------------------------------- signals
"$BERTH" run --name long --network none --sig-proxy=false --rootfs "$R" /bin/sh -c "$loop" &
until_true sh -c "[ \"\$(\"$BERTH\" inspect --format '{{.State.Status}}' long)\" = running ]"
kill -TERM $!
wait $!
is "SIGTERM ends it with podman's status" 0 $?
rc "a killed run leaves the container as it is" 0 b stop -t 1 long
rc "and nothing half done" 0 b system check
for sig in TERM INT; do
	for _ in 1 2 3 4 5 6 7 8; do
		timeout -s $sig 0.02 "$BERTH" create --network none --rootfs "$R" true >/dev/null 2>&1
	done
done
quiet b create --name last --network none --rootfs "$R" true
rc "killed while creating: nothing half done" 0 b system check
quiet b rm -f -t 0 -a

# ---------------------------------------------------------------------- reset
quiet b run -d --name up --network none --rootfs "$R" /bin/sh -c "$loop"
quiet podman pod create --name pod
quiet podman volume create vol
quiet podman create --pod pod --rootfs "$R" true
quiet b create --name joins --network container:up --rootfs "$R" true
rc "reset is refused without a terminal" 125 b system reset
has "names the flag" "--force" "$errs"
has "says what would go" 'the graphRoot directory: "/var/lib/containers/storage"' "$out"
is "and removes nothing" up "$(b ps --format '{{.Names}}' | grep up)"
echo mine >/var/lib/containers/storage/mine
quiet two run -d --name other --network none --rootfs "$R" /bin/sh -c "$loop"
rc "reset" 0 b system reset --force
is "what is not berth's is left alone" "left alone: /var/lib/containers/storage/mine" "$out"
is "and nothing else" /var/lib/containers/storage/mine "$(find /var/lib/containers/storage -mindepth 1)"
id=$(printf %064d 1)
rc "a monitor that comes late" 0 b container cleanup --rm "$id"
rc "without --rm" 125 b container cleanup "$id"
is "makes nothing new" /var/lib/containers/storage/mine "$(find /var/lib/containers/storage -mindepth 1)"
is "another root goes on" running "$(two inspect --format '{{.State.Status}}' other)"
rc "its numbers are right" 0 two system check
quiet two rm -f -t 0 other
rm /var/lib/containers/storage/mine
quiet two system reset -f
is "that root is gone" "" "$(ls -d "$W/two" /run/two 2>/dev/null)"
quiet b create --name new --network none --rootfs "$R" true
rc "a new start" 0 podman start -a new
rc "reset of one root" 0 b system reset -f
is "nothing is left" "" "$(find /var/lib/containers/storage /run/libpod /run/containers/storage 2>/dev/null)"
is "no mount is left" "" "$(grep -e /storage/ -e /run/netns/ /proc/self/mountinfo)"
until_true sh -c "! pgrep conmon"
is "no monitor is left" "" "$(pgrep -a conmon)"
is "no number is allocated" "0 0" "$(od -An -tu4 -j56 -N4 /dev/shm/libpod_lock | tr -d ' ') $(od -An -tu4 -j1344 -N4 /dev/shm/libpod_lock | tr -d ' ')"
rc "podman begins anew" 0 podman ps
finish
