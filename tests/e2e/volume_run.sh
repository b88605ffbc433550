#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers with named and anonymous volumes: made with them, filled from what they cover,
# mounted and counted, removed with them, and nothing left where a process was killed.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"

V=/var/lib/containers/storage/volumes
volumes() { for v in "$V"/*/_data; do [ ! -d "$v" ] || basename "${v%/_data}"; done | tr '\n' ' '; }
# record VOLUME MEMBER: a member of its record; without one, nothing.
record() { b state dump | grep '"kind":"volume"' | grep "\"name\":\"$1\"" | grep -o "\"$2\":[^,}]*" | head -1 | cut -d: -f2; }
records() { b state dump | grep -c '"kind":"volume"'; }
mounts() { grep -c " $V/" /proc/self/mountinfo; }
run() { b run --rm --network none "$@"; }

# --- made, and filled
mkdir -p "$R/data/sub" "$R/empty" "$R/home/u"
echo x >"$R/data/f"
ln -s f "$R/data/l"
ln "$R/data/f" "$R/data/hard"
mkfifo "$R/data/p"
truncate -s 1000000 "$R/data/holes"
chown -hR 7:8 "$R/data"
chmod 1775 "$R/data"
chmod 4755 "$R/data/f"
touch -d '2001-01-01 00:00:01.5' "$R/data/f"
touch -d 2002-01-01 "$R/data"
quiet b create --name c --network none -v n:/data -v m:/empty -v k:/none -v /anon --rootfs "$R" \
	stat -c '%n %u:%g %a %F %Y' /data /data/f /data/l /data/p
is "four volumes" 4 "$(records)"
is "named ones are not anonymous" false "$(record n isAnon)"
is "nothing is in it before the start" "" "$(ls "$V/n/_data")"
is "what it covers is in the volume" "/data 7:8 1775 directory 1009843200
/data/f 7:8 4755 regular file 978307201
/data/l 7:8 777 symbolic link $(stat -c %Y "$R/data/l")
/data/p 7:8 644 fifo $(stat -c %Y "$R/data/p")" "$(b start -a c)"
is "hard links are hard links" "$(stat -c %i "$V/n/_data/f")" "$(stat -c %i "$V/n/_data/hard")"
is "holes are holes" 0 "$(stat -c %b "$V/n/_data/holes")"
is "times are exact" "$(stat -c %y "$R/data/f")" "$(stat -c %y "$V/n/_data/f")"
is "it is filled once" "" "$(record n notYetMounted)"
is "an empty place fills nothing" true "$(record m notYetMounted)"
echo more >"$V/n/_data/more"
rm "$V/n/_data/f"
is "and not again" "hard holes l more p sub " "$(b start -a c >/dev/null 2>&1; ls "$V/n/_data" | tr '\n' ' ')"
quiet b rm -v c
is "rm -v removes the anonymous one" "k m n " "$(volumes)"
is "and its record" 3 "$(records)"
has "events" "volume create k" "$(b events --stream=false --filter type=volume --format '{{.Type}} {{.Status}} {{.Name}}')"
is "--rm removes anonymous ones" "k m n " "$(run -v /x --rootfs "$R" true; volumes)"
is "nocopy copies nothing" "" "$(run -v o:/data:nocopy --rootfs "$R" ls /data)"
is "a volume that has something stays as it is" "mine" "$(echo mine >"$V/o/_data/mine"; run -v o:/data --rootfs "$R" ls /data)"
is "a fresh one is its user's" "5:6 755" "$(run -u 5:6 -v us:/nothere --rootfs "$R" stat -c '%u:%g %a' /nothere)"
is "or like what it covers" "0:0 755" "$(run -u 5:6 -v us2:/home --rootfs "$R" stat -c '%u:%g %a' /home)"
ln -s ../../../../../../../../etc "$R/out"
echo inside >"$R/etc/inside"
has "links lead nowhere but into the root" inside "$(run -v esc:/out --rootfs "$R" ls /out)"
is "an overlay over a volume is thrown away" "mine" "$(run -v o:/data:O --rootfs "$R" sh -c 'touch /data/new'; ls "$V/o/_data")"
rc "a bad name" 125 run -v 'b d:/x' --rootfs "$R" true
is "podman's words" 'Error: creating named volume "b d": running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument' "$errs"
rc "a bad name after a good one" 125 run -v aa:/a -v 'z d:/x' --rootfs "$R" true
is "leaves no volume" "esc k m n o us us2 " "$(volumes)"

# --- of others
quiet b create --name from --network none -v vf:/data -v /an --rootfs "$R" true
is "volumes of another container, read-only" "ro ro " \
	"$(run --volumes-from from:ro --rootfs "$R" grep -e ' /data ' -e ' /an ' /proc/mounts | cut -d' ' -f4 | cut -c1-2 | tr '\n' ' ')"
quiet b create --name second --network none --volumes-from from --rootfs "$R" true
n=$(records)
quiet b rm -v from
is "an anonymous volume stays while it is used" "$n" "$(records)"
quiet b rm -v second
is "and goes with the last" "$((n - 1))" "$(records)"

# --- mounted
fresh="--mount type=volume,src=tm,dst=/vo,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m"
# shellcheck disable=SC2086
has "a file system in a volume" "tmpfs /vo tmpfs rw,nosuid,nodev,relatime,size=1024k" "$(run $fresh --rootfs "$R" cat /proc/mounts)"
is "is mounted no more" 0 "$(mounts)"
is "and counts nobody" 0 "$(record tm mountCount)"
for name in one two; do
	quiet b run -d --name $name --network none -v tm:/vo --rootfs "$R" sleep 1000
done
is "two use it" 2 "$(record tm mountCount)"
is "in one mount" 1 "$(mounts)"
quiet b exec one touch /vo/x
is "and see the same" x "$(b exec two ls /vo)"
umount -l "$V/tm/_data"
quiet b rm -f -t 0 one
is "one is left" 1 "$(record tm mountCount)"
quiet b run -d --name one --network none -v tm:/vo --rootfs "$R" sleep 1000
is "a mount that vanished is made anew" "1 1" "$(mounts) $(record tm mountCount)"
quiet b rm -f -t 0 one two
is "nobody is left" "0 0" "$(mounts) $(record tm mountCount)"
rc "what cannot be mounted" 126 run --mount type=volume,src=bad,dst=/vo,volume-opt=type=ext4,volume-opt=device=/dev/none -v tm:/t --rootfs "$R" true
is "in podman's words" "mounting volume bad for container" "$(echo "$errs" | sed -n '1s/Error: \(.* container\) .*/\1/p')"
has "says mount's words" "special device /dev/none does not exist" "$errs"
is "and leaves the others as they were" "0 0" "$(mounts) $(record tm mountCount)"

# --- killed
before=$(volumes)
for point in volume.begun volume.begun:3 volume.made volume.made:2 volume.locked volume.locked:3 \
	volume.recorded volume.recorded:2 volume.recorded:3 state.commit state.commit:2 state.commit:4; do
	BERTH_FAULT=$point=KILL b create --name f -v f1:/a -v f2:/b -v /c --network none --rootfs "$R" true >/dev/null 2>&1
	is "killed at $point: it was" 137 $?
	rc "killed at $point: the next create works" 0 b create --name probe --network none --rootfs "$R" true
	is "killed at $point: no volume" "$before" "$(volumes)"
	quiet b rm probe
done
BERTH_FAULT=state.commit:4=KILLED b create --name f -v f1:/a -v f2:/b -v /c --network none --rootfs "$R" true >/dev/null 2>&1
is "killed after all was written: it was" 137 $?
is "killed after all was written: all is there" 3 "$(($(volumes | wc -w) - $(echo "$before" | wc -w)))"
quiet b rm -v f
before=$(volumes)
for point in volume.unmounted volume.unrecorded volume.emptied state.commit state.commit:2; do
	quiet b create --name f -v /a -v /b --network none --rootfs "$R" true
	echo full >"$V/$(volumes | tr ' ' '\n' | grep -E '^[0-9a-f]{64}$' | head -1)/_data/full"
	BERTH_FAULT=$point=KILL b rm -v f >/dev/null 2>&1
	is "rm -v killed at $point: it was" 137 $?
	b rm -v f >/dev/null 2>&1
	quiet b create --name probe --network none --rootfs "$R" true
	is "rm -v killed at $point: nothing is left" "$before" "$(volumes)"
	quiet b rm probe
done
for point in volume.mounted state.commit:1 state.commit:2 oci.create; do
	BERTH_FAULT=$point=KILL b run --rm --name f -v tm:/vo --network none --rootfs "$R" true >/dev/null 2>&1
	is "run killed at $point: it was" 137 $?
	b rm -f -t 0 f >/dev/null 2>&1
	rc "run killed at $point: the next run works" 0 run -v tm:/vo --rootfs "$R" true
	is "run killed at $point: nothing is mounted or counted" "0 0" "$(mounts) $(record tm mountCount)"
done
is "no intent is left" "" "$(ls /run/libpod/intents)"
rc "the store is whole" 0 b state check
is "no number is lost" "$(records)" "$(b system locks | grep -c true)"
finish
