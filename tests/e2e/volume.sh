#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands on volumes, with podman's texts.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
export TZ=UTC

V=/var/lib/containers/storage/volumes
mounts() { grep -c " $V/" /proc/self/mountinfo; }
# refused WHAT TEXT ARG...: the command fails with this text.
refused() {
	what=$1 text=$2
	shift 2
	rc "$what" 125 b volume "$@"
	is "$what: the words" "Error: $text" "$errs"
}

# --- create
is "create prints the name" a "$(b volume create a)"
refused "a name that is taken" "volume with name a already exists: volume already exists" create a
refused "a bad name" "running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument" create b/d
refused "an unknown option" "invalid mount option foo for driver 'local': invalid argument" create -o foo=bar bad
refused "a bad UID" 'cannot convert UID xx to integer: strconv.Atoi: parsing "xx": invalid syntax' create -o o=uid=xx bad
refused "a missing source" "invalid volume option device for driver 'local': stat /nonexist: no such file or directory" create -o type=bind -o device=/nonexist bad
refused "a size without quota" "volume options size and inodes not supported. Filesystem does not support Project Quota" create -o o=size=10M bad
refused "a timeout" "running volume create option: Volume driver timeout can only be used with non-local volume drivers: invalid argument" create -o o=timeout=5 bad
is "nothing is left of them" a "$(ls "$V")"
refused "two names" "accepts at most 1 arg(s), received 2" create x y
quiet b volume create --label x=1 --label y b
quiet b volume create -o o=uid=5,gid=6,noquota own
is "its directory is its own" "5:6 755 5:6 700" "$(stat -c '%u:%g %a' "$V/own/_data" "$V/own" | tr '\n' ' ' | sed 's/ $//')"
mkdir "$W/src"
echo hi >"$W/src/f"
quiet b volume create -o type=none -o device="$W/src" -o o=bind bnd
quiet b volume create -o type=tmpfs -o device=tmpfs -o o=size=2M,mode=700 tm
quiet b volume create -o nocopy nc

# --- ls, inspect
is "ls" "DRIVER      VOLUME NAME
local       a
local       b
local       bnd
local       nc
local       own
local       tm" "$(b volume ls)"
is "ls -q" "a b bnd nc own tm " "$(b volume ls -q | tr '\n' ' ')"
filtered() { b volume ls -q --filter "$1" | tr '\n' ' '; }
is "by name" "b bnd " "$(filtered name=b)"
is "by label" "b " "$(filtered label=x=1)"
is "by another value of a label" "" "$(filtered label=x=2)"
is "by option" "bnd tm " "$(filtered opt=type)"
is "by its value" "bnd " "$(filtered opt=o=bind)"
is "by driver" "" "$(filtered driver=other)"
is "by use" "a b bnd nc own tm " "$(filtered dangling=true)"
is "by age" "" "$(filtered until=2h)"
is "one condition or the other" "b bnd tm " "$(b volume ls -q --filter name=b --filter opt=type | tr '\n' ' ')"
refused "an unknown condition" '"bogus" is an invalid volume filter' ls --filter bogus=x
refused "a bad value" '"x" is not a valid value for the "dangling" filter - must be true or false' ls --filter dangling=x
refused "no value" "filter input must be in the form of filter=value: bogus is invalid" ls --filter bogus
is "a template" "b map[x:1 y:] local false" "$(b volume ls --format '{{.Name}} {{.Labels}} {{.Scope}} {{.Anonymous}}' --filter name='^b$')"
is "JSON" '"a"' "$(b volume ls --format json --filter name='^a$' | jq -c .[0].Name)"
created=$(b volume inspect own | jq -r '.[0].CreatedAt')
is "inspect" "[
     {
          \"Name\": \"own\",
          \"Driver\": \"local\",
          \"Mountpoint\": \"$V/own/_data\",
          \"CreatedAt\": \"$created\",
          \"Labels\": {},
          \"Scope\": \"local\",
          \"Options\": {
               \"GID\": \"6\",
               \"NOQUOTA\": \"true\",
               \"UID\": \"5\",
               \"o\": \"uid=5,gid=6\"
          },
          \"UID\": 5,
          \"GID\": 6,
          \"MountCount\": 0,
          \"NeedsCopyUp\": true
     }
]" "$(b volume inspect own)"
is "by the beginning of a name" own "$(b volume inspect --format '{{.Name}}' ow)"
rc "inspect of some that are missing" 125 b volume inspect --format '{{.Name}}' a nope b none
is "shows the others" "a
b" "$out"
is "and names them" "error inspecting object: no such volume none
Error: inspecting object: no such volume nope" "$errs"
refused "inspect of nothing" "provide one or more volume names or use --all" inspect
rc "exists" 0 b volume exists a
rc "exists not" 1 b volume exists n

# --- mount, unmount
is "mount of a directory" "$V/a/_data" "$(b volume mount a)"
is "mounts nothing" "0 0" "$(mounts) $(b volume inspect -f '{{.MountCount}}' a)"
is "mount of another" "$V/bnd/_data" "$(b volume mount bnd)"
is "shows its files" hi "$(cat "$V/bnd/_data/f")"
quiet b volume mount bnd
is "is counted" "1 2" "$(mounts) $(b volume inspect -f '{{.MountCount}}' bnd)"
quiet b volume unmount bnd
is "and taken back" "1 1" "$(mounts) $(b volume inspect -f '{{.MountCount}}' bnd)"
is "unmount" bnd "$(b volume umount bnd)"
is "the last" "0 0" "$(mounts) $(b volume inspect -f '{{.MountCount}}' bnd)"
rc "once more does nothing" 0 b volume unmount bnd
refused "mount of a missing one" 'no volume with name "nope" found: no such volume' mount nope
b volume mount tm >/dev/null
has "size and mode" "size=2048k,mode=700" "$(grep " $V/tm/" /proc/self/mountinfo)"
quiet b volume unmount tm

# --- export, import
mkdir "$V/a/_data/sub"
echo data >"$V/a/_data/sub/f"
ln -s sub/f "$V/a/_data/l"
ln "$V/a/_data/sub/f" "$V/a/_data/hard"
chown 3:4 "$V/a/_data/sub/f"
rc "export" 0 b volume export -o "$W/a.tar" a
is "has what is in it" "hard l sub/ sub/f " "$(tar tf "$W/a.tar" | sort | tr '\n' ' ')"
b volume export a >"$W/a2.tar"
cmp "$W/a.tar" "$W/a2.tar" && good "the same on standard output" || wrong "the same on standard output"
gzip -k "$W/a.tar"
for source in a.tar a.tar.gz; do
	quiet b volume create "to-$source"
	rc "import $source" 0 b volume import "to-$source" "$W/$source"
	is "all is there" "data 3:4 sub/f" "$(cat "$V/to-$source/_data/l") $(stat -c %u:%g "$V/to-$source/_data/hard") $(readlink "$V/to-$source/_data/l")"
done
b volume import b - <"$W/a.tar" && is "from standard input" data "$(cat "$V/b/_data/hard")"
quiet b volume import bnd "$W/a.tar"
is "into what is mounted" data "$(cat "$W/src/hard")"
is "and unmounted again" 0 "$(mounts)"
refused "import into a missing one" "no such volume nope" import nope "$W/a.tar"
refused "import of nothing" "open $W/none.tar: no such file or directory" import b "$W/none.tar"
refused "import without a source" "accepts 2 arg(s), received 1" import b
refused "export of a missing one" "no such volume nope" export nope -o "$W/nope.tar"
[ ! -e "$W/nope.tar" ] && good "makes no file" || wrong "makes no file"
quiet b volume create -o type=ext4 -o device=/dev/none cannot
echo old >"$W/old.tar"
chmod 640 "$W/old.tar"
rc "export that fails" 125 b volume export cannot -o "$W/old.tar"
is "leaves what was there" "old 640" "$(cat "$W/old.tar") $(stat -c %a "$W/old.tar")"
rc "export that fails into a new file" 125 b volume export cannot -o "$W/new.tar"
is "leaves nothing" "old.tar" "$(cd "$W" && echo old.tar* new.tar* | sed 's/ new.tar\*//')"
quiet b volume rm cannot
ln -s old.tar "$W/link.tar"
quiet b volume export a -o "$W/link.tar"
is "export over a link" "link.tar -> old.tar 640 same" "$(cd "$W" && echo "link.tar -> $(readlink link.tar) $(stat -c %a old.tar) $(cmp old.tar a.tar && echo same)")"
mkfifo "$W/fifo"
cat "$W/fifo" >"$W/through" &
quiet b volume export a -o "$W/fifo"
wait $!
cmp "$W/a.tar" "$W/through" && good "export into a pipe" || wrong "export into a pipe"
rc "export into what is full" 125 b volume export a -o /dev/full
echo junk >"$W/junk"
rc "import of something else" 125 b volume import b "$W/junk"
mkdir "$W/evil" "$W/outside"
ln -s "$W/outside" "$W/evil/l"
tar -C "$W/evil" -cf "$W/evil.tar" l
rm "$W/evil/l"
mkdir "$W/evil/l"
echo evil >"$W/evil/l/f"
tar -C "$W/evil" -rf "$W/evil.tar" l/f
tar -C "$W/evil" -P --transform 's,^l,../../../../..'"$W"'/outside,' -cf "$W/dots.tar" l/f
for archive in evil dots; do
	b volume import nc "$W/$archive.tar" >/dev/null 2>&1
	is "$archive: nothing outside of the volume" "" "$(ls "$W/outside")"
done

# --- rm, prune
quiet b create --name c --network none -v a:/a -v /anon --rootfs "$R" true
rc "rm of one in use" 2 b volume rm a
is "podman's words" "Error: volume a is being used by the following container(s): $(b inspect -f '{{.Id}}' c): volume is being used" "$errs"
rc "rm of a missing one" 1 b volume rm nope
is "podman's words, too" 'Error: no volume with name "nope" found: no such volume' "$errs"
rc "rm of a missing one, by force" 0 b volume rm -f nope
rc "several" 2 b volume rm a nope b
is "those that can be" b "$out"
refused "rm of nothing" "choose either one or more volumes or all" rm
refused "rm --all of one" "choose either one or more volumes or all" rm -a b
refused "rm --time alone" "--force option must be specified to use the --time option" rm -t 1 a
quiet b volume mount bnd
rc "rm of a mounted one" 0 b volume rm bnd
is "leaves what was mounted" hi "$(cat "$W/src/f")"
is "and no mount" 0 "$(mounts)"
quiet b run -d --name run --network none -v a:/a --rootfs "$R" sleep 1000
rc "by force" 0 b volume rm -f -t 0 a
is "with its containers" "" "$(b ps -aq)"
[ ! -e "$V/a" ] && good "and its files" || wrong "and its files"
quiet b create --name c --network none -v used:/a --rootfs "$R" true
refused "prune with another condition" '"xx" is an invalid volume filter' prune -f --filter xx=1
is "prune asks" "WARNING! This will remove all volumes not used by at least one container. The following volumes will be removed:
$(b volume ls -q --filter dangling=true)
Are you sure you want to continue? [y/N] " "$(echo n | b volume prune; echo)"
refused "prune without an answer" "EOF" prune
is "and removes nothing" 6 "$(b volume ls -q --filter dangling=true | wc -l)"
quiet b volume create --label gone l
is "by label" l "$(b volume prune -f --filter label=gone)"
has "events" "volume prune l" "$(b events --stream=false --format '{{.Type}} {{.Status}} {{.Name}}')"
quiet b volume prune -f
is "what is used stays" used "$(b volume ls -q)"
is "prune of nothing" "WARNING! This will remove all volumes not used by at least one container. The following volumes will be removed:
No dangling volumes found" "$(echo y | b volume prune)"
quiet b volume rm -f used
rc "rm --all of none" 0 b volume rm --all

# --- killed, and out of numbers
for point in volume.begun volume.made volume.locked state.commit; do
	BERTH_FAULT=$point=KILL b volume create v >/dev/null 2>&1
	is "create killed at $point: it was" 137 $?
	rc "create killed at $point: the next one works" 0 b volume create v
	BERTH_FAULT=$point=EIO b volume create w >/dev/null 2>&1
	is "create failed at $point: nothing is left" v "$(ls "$V")"
	quiet b volume rm v
done
for point in volume.unmounted volume.unrecorded volume.emptied state.commit lock.release; do
	quiet b volume create v
	echo full >"$V/v/_data/full"
	BERTH_FAULT=$point=KILL b volume rm v >/dev/null 2>&1
	is "rm killed at $point: it was" 137 $?
	b volume rm v >/dev/null 2>&1
	rc "rm killed at $point: create works" 0 b volume create v
	is "rm killed at $point: and it is empty" "" "$(ls "$V/v/_data")"
	quiet b volume rm v
done
is "no directory is left" "" "$(ls "$V")"
quiet b volume create v
mkdir -p "$W/else/_data"
echo mine >"$W/else/_data/f"
mount -t tmpfs tmpfs "$W/else/_data"
rm -r "${V:?}/v"
ln -s "$W/else" "$V/v"
rc "rm of one whose directory is a link" 0 b volume rm v
is "leaves what it leads to, mounts too" "1 mine" "$(grep -c " $W/else/_data " /proc/self/mountinfo) $(umount "$W/else/_data"; cat "$W/else/_data/f")"
is "and takes the link" "" "$(ls "$V")"
is "no intent is left" "" "$(ls /run/libpod/intents)"
rc "the store is whole" 0 b state check
(
	for i in 1 2 3 4 5 6 7 8; do b volume create same >/dev/null 2>&1 && echo "$i" & done
	wait
) >"$W/winners"
is "of eight who create one, one wins" 1 "$(wc -l <"$W/winners")"
[ -d "$V/same/_data" ] && good "and has it" || wrong "and has it"
quiet b volume rm same

# --- a damaged record
quiet b volume create --label x=y d
b state dump | jq -c 'if .kind == "volume" then .config |= (.labels = ["x"] | .volumeOptions = "y") else . end' >"$W/damaged"
quiet b volume rm d
quiet b state load "$W/damaged"
is "labels and options of another type" "map[] map[]" "$(b volume inspect -f '{{.Labels}} {{.Options}}' d)"
is "can be looked for" "" "$(b volume ls -q --filter label=x)"
quiet b volume rm d
finish
