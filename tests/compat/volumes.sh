#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Volumes of berth and of podman are the same volumes: each sees, uses and removes the other's.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }
export TZ=UTC

V=/var/lib/containers/storage/volumes
p() { podman --cgroup-manager cgroupfs --events-backend file "$@"; }
mounts() { grep -c " $V/" /proc/self/mountinfo; }
count() { b volume inspect -f '{{.MountCount}}' "$1"; }
# What both print for the same arguments.
both() {
	what=$1
	shift
	b "$@" >"$W/ours" 2>&1
	p "$@" >"$W/theirs" 2>&1
	if cmp -s "$W/ours" "$W/theirs"; then
		good "$what"
	else
		wrong "$what" "podman: $(cat "$W/theirs")" "berth:  $(cat "$W/ours")"
	fi
}

mkdir "$W/src"
for who in b p; do
	quiet $who volume create --label who=$who --label l -o o=uid=5,gid=6 own-$who
	quiet $who volume create -o type=tmpfs -o device=tmpfs -o o=mode=700,nodev tm-$who
	quiet $who volume create -o type=none -o device="$W/src" -o o=bind bind-$who
	quiet $who volume create -o nocopy nc-$who
	quiet $who volume create plain-$who
done
both "ls" volume ls
both "ls -q" volume ls -q
both "conditions" volume ls --filter label=l --filter opt=o
both "a table" volume ls --format 'table {{.Name}}\t{{.Mountpoint}}\t{{.Anonymous}}\t{{.Options}}\t{{.CreatedAt}}\t{{.UID}}\t{{.GID}}\t{{.Labels}}'
both "inspect" volume inspect --all
both "a template" volume inspect --format '{{.Name}} {{.Driver}} {{.Mountpoint}} {{.CreatedAt}} {{.Labels}} {{.Scope}} {{.Options}} {{.UID}} {{.GID}} {{.Anonymous}} {{.MountCount}} {{.NeedsCopyUp}} {{.NeedsChown}} {{.Timeout}} {{.StorageID}} {{.Status}}' own-b own-p tm-b nc-p
# Two records of the same, but for what must differ.
record() { b state dump | grep '"kind":"volume"' | grep "\"name\":\"$1\"" | jq -S -c 'del(.config.lockID, .config.createdAt)' | sed "s/$1/NAME/g; s/\"who\":\"[bp]\"/WHO/"; }
for kind in own tm bind nc plain; do
	is "records of $kind" "$(record $kind-p)" "$(record $kind-b)"
done

# --- mounted by one, unmounted by the other
for kind in tm bind; do
	quiet p volume mount $kind-b
	quiet b volume mount $kind-b
	is "$kind: one mount, counted twice" "1 2" "$(mounts) $(count $kind-b)"
	quiet p volume unmount $kind-b
	quiet b volume unmount $kind-b
	is "$kind: gone" "0 0" "$(mounts) $(count $kind-b)"
done

# --- containers of both
mkdir -p "$R/data"
echo x >"$R/data/f"
chown 7:8 "$R/data"
quiet p create --name theirs --network none -v plain-b:/data -v /an -v tm-p:/t --rootfs "$R" sleep 1000
quiet b create --name ours --network none -v plain-p:/data -v /an -v tm-b:/t --rootfs "$R" sleep 1000
both "in use" volume ls -q --filter dangling=false
quiet b start theirs
quiet p start ours
is "podman's is filled by berth" "f 7:8" "$(ls "$V/plain-b/_data") $(stat -c %u:%g "$V/plain-b/_data")"
is "and berth's by podman" "f 7:8" "$(ls "$V/plain-p/_data") $(stat -c %u:%g "$V/plain-p/_data")"
is "both are mounted" "2 1 1" "$(mounts) $(count tm-b) $(count tm-p)"
both "inspect now" volume inspect --all
is "podman runs in it" ok "$(p exec theirs sh -c 'echo ok >/t/x; cat /t/x')"
b volume rm plain-b >"$W/ours" 2>&1
p volume rm plain-b >"$W/theirs" 2>&1
is "rm of one in use" "$(cat "$W/theirs")" "$(cat "$W/ours")"
quiet p stop -t 0 theirs
quiet b stop -t 0 ours
quiet b rm -v theirs
quiet p rm -v ours
is "no anonymous volume is left" 10 "$(b volume ls -q | wc -l)"
both "the same is left" volume ls

# --- removed by the other
quiet p volume rm own-b tm-b bind-b nc-b plain-b
quiet b volume rm own-p tm-p bind-p nc-p plain-p
both "nothing is left" volume ls -q
is "no directory either" "" "$(ls "$V" | grep -v backingFsBlockDev)"
is "nor a mount" 0 "$(mounts)"
for who in b p; do quiet $who volume create prune-$who; done
quiet p volume prune -f
is "podman prunes both" "" "$(b volume ls -q)"
for who in b p; do quiet $who volume create prune-$who; done
quiet b volume prune -f
is "berth prunes both" "" "$(p volume ls -q)"

# --- archives
quiet b volume create a
mkdir "$V/a/_data/sub"
echo data >"$V/a/_data/sub/f"
ln -s sub/f "$V/a/_data/l"
mkfifo "$V/a/_data/fifo"
chown 3:4 "$V/a/_data/sub/f"
touch -d 2001-01-01 "$V/a/_data/sub/f"
quiet b volume export -o "$W/b.tar" a
quiet p volume export -o "$W/p.tar" a
is "archives have the same" "$(tar tvf "$W/p.tar" | sort)" "$(tar tvf "$W/b.tar" | sort)"
for who in b p; do quiet b volume create to-$who; done
quiet p volume import to-p "$W/b.tar"
quiet b volume import to-b "$W/p.tar"
list() { (cd "$V/$1/_data" && find . -mindepth 1 -printf '%p %y %m %U:%G %T@ %l\n' | sort); }
is "each unpacks the other's" "$(list to-p)" "$(list to-b)"
rc "the store is whole" 0 b state check
finish
