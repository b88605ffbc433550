#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mount, unmount and diff, on containers of directories, of overlays over them and of an image
# that podman made.
. "$top_srcdir/tests/lib/e2e.sh"

mounted() { grep -c " $1 " /proc/self/mountinfo; }

# --- a directory is what it is
quiet b create --name d --network none --rootfs "$R" sleep 1000
rc "mount a directory" 0 b mount d
is "prints it" "$R" "$out"
rc "it is not listed" 0 b mount
is "as nothing is mounted" "" "$out"
rc "unmount it" 0 b unmount d
is "prints the name" d "$out"
quiet b start d
is "no difference" "" "$(b diff d)"
quiet b rm -f -t 0 d

# --- an overlay over it
quiet b create --name o --network none --rootfs "$R:O" sleep 1000
is "a fresh one has no differences" "" "$(b diff o)"
rc "mount an overlay" 0 b mount o
point=$out
is "it is mounted" 1 "$(mounted "$point")"
echo before >"$point/before"
rc "it is listed" 0 b mount
is "with its short ID" "$(b inspect --format '{{.Id}}' o | cut -c 1-12)  $point" "$out"
rc "as JSON" 0 b mount --format json
is "like podman's" "[
 {
  \"id\": \"$(b inspect --format '{{.Id}}' o)\",
  \"Names\": [
   \"o\"
  ],
  \"mountpoint\": \"$point\"
 }
]" "$out"
rc "another format" 125 b mount --format x
is "is refused" 'Error: unknown --format argument: "x"' "$errs"
quiet b start o
is "the container sees what was written" before "$(b exec o cat /before)"
rc "unmount of a running one" 0 b unmount o
is "leaves it mounted" 1 "$(mounted "$point")"
quiet b exec o sh -c 'rm /etc/passwd; echo x >>/etc/group; mkdir -p /new/sub; touch /new/sub/f; ln -s a /tmp/l; rm -r /srv; chmod 700 /mnt'
is "diff" "A /before
C /etc
C /etc/group
D /etc/passwd
C /mnt
A /new
A /new/sub
A /new/sub/f
D /srv
C /tmp
A /tmp/l" "$(b diff o)"
is "diff as JSON" '{"changed":["/etc","/etc/group","/mnt","/tmp"],"added":["/before","/new","/new/sub","/new/sub/f","/tmp/l"],"deleted":["/etc/passwd","/srv"]}' \
	"$(b diff --format json o | tr -d ' \n')"
rc "diff in another format" 125 b diff --format x o
is "is refused, too" "Error: only supported value for '--format' is 'json'" "$errs"
rc "diff of the latest" 0 b diff --latest
has "is the same" "A /before" "$out"
quiet b stop -t 0 o
is "stopped, nothing is mounted" 0 "$(mounted "$point")"
rc "all" 0 b mount --all
is "mount" "$point" "$out"
rc "and all" 0 b unmount --all
is "unmount" "$(b inspect --format '{{.Id}}' o)" "$out"
is "nothing is mounted" 0 "$(mounted "$point")"
is "events" "mount unmount mount unmount" \
	"$(b events --stream=false --filter container=o --format '{{.Status}}' | grep mount | tr '\n' ' ' | sed 's/ $//')"
quiet b rm o
[ -f "$R/etc/passwd" ] && good "the directory is untouched" || wrong "the directory is untouched"

rc "an unknown one" 125 b mount nonesuch
is "podman's words" 'Error: no container with name or ID "nonesuch" found: no such container' "$errs"
rc "unmount without a name" 125 b unmount
is "podman's words, too" "Error: you must provide at least one name or id" "$errs"
rc "mount --all with a name" 125 b mount --all x
is "podman's words again" "Error: no arguments are needed with --all" "$errs"
rc "diff without a name" 125 b diff
is "as podman" 'Error: "berth diff" requires a name, id, or the "--latest" flag' "$errs"

# --- an image, with podman
p() { podman --cgroup-manager cgroupfs "$@"; }
image() {
	tar -C "$R" -cf "$W/image.tar" . && podman import -q "$W/image.tar" img >/dev/null 2>&1 &&
		p create --name i --network none img sleep 1000 >/dev/null 2>&1 &&
		[ "$(podman info --format '{{.Store.GraphDriverName}}')" = overlay ]
}
if command -v podman >/dev/null && image; then
	rc "mount podman's" 0 b mount i
	point=$out
	is "both say where" "$(p mount i)" "$point"
	[ -x "$point/bin/busybox" ] && good "its files are there" || wrong "its files are there"
	is "both list it" "$(p mount)" "$(b mount)"
	is "in the same form" "$(p mount --format json)" "$(b mount --format json)"
	rc "twice mounted" 0 b unmount i
	is "is mounted still" 1 "$(mounted "$point")"
	quiet p unmount i
	is "and now no more" 0 "$(mounted "$point")"
	quiet b start i
	rc "the container's own mount" 125 b unmount i
	has "stays" "last mount, it is still in use" "$errs"
	rc "even with force" 125 b unmount -f i
	quiet b unmount --all
	is "and with --all" 1 "$(mounted "$point")"
	is "and the container works" 0 "$(b exec i sh -c 'exit 0' >/dev/null; echo $?)"
	quiet b exec i sh -c 'rm /etc/passwd; echo x >>/etc/group; mkdir -p /new/sub /run/x /dev/shm/y; touch /new/sub/f; ln -s a /tmp/l; rm -r /srv; chmod 700 /mnt; rm -r /home; mkdir /home; mkdir -p /home/user; rm -r /usr/lib; touch /usr/lib; mv /var/tmp /var/tmp2'
	is "diff is podman's" "$(p diff i)" "$(b diff i)"
	is "as JSON" "$(p diff --format json i)" "$(b diff --format json i)"
	quiet b stop -t 0 i
	is "stopped, too" "$(p diff i)" "$(b diff i)"
	quiet p rm i
fi
finish
