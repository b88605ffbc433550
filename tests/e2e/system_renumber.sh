#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lock numbers: renumber after num_locks changed, check and repair, migrate to another
# runtime; podman agrees each time.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

loop='trap "exit 5" TERM; while :; do sleep 0.1; done'
export CONTAINERS_CONF="$W/containers.conf"
num_locks() {
	grep -v num_locks "$BERTH_CONF" >"$W/new.conf"
	echo "num_locks = $1;" >>"$W/new.conf"
	cp "$W/new.conf" "$BERTH_CONF"
	printf '[engine]\nnum_locks = %s\n' "$1" >"$CONTAINERS_CONF"
}
header() { od -An -tu4 -j52 -N4 /dev/shm/libpod_lock | tr -d ' '; }
numbers() { b system locks --format '{{.Lock}}:{{.Kind}}:{{.ID}}' --no-trunc; }
problems() { b system locks -q | paste -sd' '; }

num_locks 2048
quiet b create --name one --network none --rootfs "$R" true
quiet podman pod create --name pod
quiet podman volume create vol
quiet b create --name two --network none --rootfs "$R" true
quiet podman create --name three --network none --rootfs "$R" true
quiet b rm one
is "one number became free" "" "$(numbers | grep '^0:')"

rc "renumber" 0 b system renumber
sorted=$(b ps -aq --no-trunc | sort)
n=$(echo "$sorted" | wc -l)
expect=$({ echo "$sorted" | sed 's/^/container:/'; echo "pod:$(podman pod ps -q --no-trunc)"; echo volume:vol; } | awk '{print NR-1 ":" $0}')
is "containers by ID, then pods, then volumes" "$expect" "$(numbers)"
rc "podman renumbers" 0 podman system renumber
is "to the same" "$expect" "$(numbers)"
has "the log tells" renumber "$(tail -n 1 /run/libpod/events/events.log)"

for locks in 1024 4096; do
	num_locks $locks
	rc "with $locks locks commands are refused" 125 b rm two
	has "says what helps" "renumber" "$errs"
	rc "so are podman's" 125 podman ps
	rc "renumber with $locks" 0 b system renumber
	is "the segment has them" $locks "$(header)"
	is "and numbers as before" "$expect" "$(numbers)"
	rc "podman is content" 0 podman start -a three
	rc "berth is" 0 b start -a two
done
num_locks 64
rc "renumber with 64" 0 b system renumber
before=$(numbers)
num_locks 2
rc "too few are refused" 125 b system renumber
has "with both numbers" "$((n + 2)) objects need a lock each, and num_locks is 2" "$errs"
num_locks 64
is "and nothing has changed" "$before" "$(numbers)"
rc "no problem anywhere" 0 b system check

# ------------------------------------------------------------ check and repair
rm -f /dev/shm/libpod_lock
quiet podman create --name four --network none --rootfs "$R" true # takes number 0 again
rc "check tells of a number used twice" 1 b system check
has "by number" "lock 0 of container" "$out"
has "of numbers that are not allocated" "not allocated" "$out"
has "locks shows them" 0 "$(problems)"
rc "check --repair mends" 1 b system check --repair
has "and says so" "repaired: lock" "$out"
rc "check is content" 0 b system check
is "locks too" "" "$(problems)"
is "no number twice" "" "$(numbers | cut -d: -f1 | sort | uniq -d)"
rc "podman starts it" 0 podman start -a four
quiet b rm -f four

quiet podman create --name lost --network none --rootfs "$R" true
lost=$(podman inspect --format '{{.Id}}' lost)
cp /var/lib/containers/storage/libpod/bolt_state.db "$W/with.db"
mkdir -p "/run/containers/storage/overlay-containers/$lost/userdata/shm"
quiet podman rm lost
quiet b create --name stand-in --network none --rootfs "$R" true
quiet b create --name dummy --network none --rootfs "$R" true
dummy=$(b inspect --format '{{.Id}}' dummy)
quiet mkdir -p "/run/containers/storage/overlay-containers/$lost/userdata/shm"
quiet mount -t tmpfs shm "/run/containers/storage/overlay-containers/$lost/userdata/shm"
mkdir -p /run/netns
: >/run/netns/netns-01234567-89ab-cdef-0123-456789abcdef
: >/run/netns/mine
quiet mount --bind /proc/self/ns/net /run/netns/mine
cp "$W/with.db" /var/lib/containers/storage/libpod/bolt_state.db # forgets the two, and has "lost"
quiet podman rm -f lost
rc "leftovers are found" 1 b system check
has "a storage record" "storage: $dummy" "$out"
has "a mount" "mount: /run/containers/storage/overlay-containers/$lost/userdata/shm" "$out"
has "a network namespace" "network namespace: /run/netns/netns-01234567-89ab-cdef-0123-456789abcdef" "$out"
has "a lock number" "nobody's" "$out"
rc "and removed" 1 b system check --repair
rc "then all is well" 0 b system check
is "what is not ours is left alone" mine "$(ls /run/netns)"
is "the record is gone" "" "$(grep -o "$dummy" /var/lib/containers/storage/overlay-containers/containers.json)"

# ------------------------------------------------------------------- migrate
quiet b run -d --name up --network none --rootfs "$R" /bin/sh -c "$loop"
id=$(b inspect --format '{{.Id}}' up)
rc "an unknown runtime is refused" 125 b system migrate --new-runtime nosuch
has "podman's words" 'default OCI runtime "nosuch" not found: invalid argument' "$errs"
is "and nothing was stopped" running "$(b inspect --format '{{.State.Status}}' up)"
rc "migrate" 0 b system migrate --new-runtime runc
is "says what it stopped" "stopped $id" "$out"
is "the runtime is recorded" "runc runc" "$(b inspect --format '{{.OCIRuntime}}' up two | paste -sd' ')"
is "podman knows" runc "$(podman inspect --format '{{.OCIRuntime}}' up)"
rc "it starts with it" 0 podman start up
is "and runs" running "$(b inspect --format '{{.State.Status}}' up)"
has "in runc" up "$(runc list -q | grep -q "$id" && echo up)"
rc "removed" 0 b rm -f -t 0 up
finish
