#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Networks of an unprivileged user: slirp4netns, which is what containers get, and pasta.
# shellcheck disable=SC2154,SC2046
. "$top_srcdir/tests/lib/e2e.sh"
for tool in slirp4netns pasta podman ip; do
	command -v $tool >/dev/null || { echo "needs the program $tool"; exit 77; }
done
[ -c /dev/net/tun ] || { echo "needs /dev/net/tun"; exit 77; }
. "$top_srcdir/tests/lib/e2e-user.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
net_files
chmod 644 "$W/hosts" "$W/resolv.conf"
# pasta takes its addresses from the interface of the default route.
ip link add up0 type veth peer name up1
ip link set up1 up
ip address add 192.0.2.10/24 dev up0
ip link set up0 up
ip route add default via 192.0.2.1

programs() { find /proc -maxdepth 2 -name exe -printf '%l %p\n' 2>/dev/null | grep -E '^[^ ]*/(slirp4netns|rootlessport|pass?ta?[^ /]*) '; }
no_programs() { [ -z "$(programs)" ]; }
left() { find "$X" -name 'netns-*' -o -name '*.net' 2>/dev/null; }
nothing_left() { [ -z "$(left)" ]; }
ended() { # WHAT
	until_true no_programs
	until_true nothing_left
	is "$1: no namespace, no socket" "" "$(left)"
}
serve='while :; do nc -l -p 80 -e echo served; done'
reached() { [ "$(timeout 3 busybox nc -w 2 "${1:-127.0.0.1}" 8080 </dev/null 2>/dev/null)" = served ]; }
same() { sed -E 's/[0-9a-f]{12}/SHORT/g'; }
document() {
	ub state dump | jq -c "select(.kind == \"container\" and .name == \"$1\") | .config |
		[.createNetNS, .networkMode, .network_options, .newPortMappings, .postConfigureNetNS]"
}

# ------------------------------------------------------------------ what there is by default
show='cat /etc/hosts /etc/resolv.conf; ip -4 -o address show tap0 | sed "s/.*inet //; s/ .*//"'
is "as podman has it" "$(up run --rm --name c --rootfs "$UR" sh -c "$show" | same)" "$(ub run --rm --name c --rootfs "$UR" sh -c "$show" | same)"
rc "an address without a network" 125 ub create --ip 10.0.2.9 --rootfs "$UR" true
is "is podman's failure" "Error: invalid config provided: networks and static ip/mac address can only be used with Bridge mode networking" "$errs"
quiet ub run -d --name ours -p 8080:80 --rootfs "$UR" sh -c "$serve"
until_true reached
quiet up create --name theirs -p 8080:80 --rootfs "$UR" sh -c "$serve"
is "the document" "$(document theirs)" "$(document ours)"
is "where its namespace is" "$X/netns" "$(dirname "$(ub inspect --format '{{.NetworkSettings.SandboxKey}}' ours)")"
quiet ub restart -t 0 ours
until_true reached
quiet up stop -t 0 ours
ended "stopped by podman"
quiet ub start theirs
until_true reached
quiet up rm -f -t 0 theirs
ended "removed by podman"
rc "a port for root" 126 ub run --rm -p 80:80 --rootfs "$UR" true
has "a port for root: text" "Error: rootlessport cannot expose privileged port 80, you can add" "$errs"
ended "a port for root"
quiet ub rm -f ours

# ------------------------------------------------------------------------------ pasta
rc "pasta is not for root" 125 b create --network pasta --rootfs "$R" true
is "pasta is not for root: text" "Error: pasta networking is only supported for rootless mode" "$errs"
quiet ub run -d --name p --network pasta:--mtu,1400 -p 8080:80 --rootfs "$UR" sh -c "$serve"
until_true reached 192.0.2.10
is "the host's address, and the option" "192.0.2.10/24 1400" "$(echo $(ub exec p sh -c 'ip -4 -o address show up0 | sed "s/.*inet //; s/ .*//"; cat /sys/class/net/up0/mtu'))"
is "hosts" "127.0.0.1	localhost
192.0.2.10	host.containers.internal" "$(ub exec p cat /etc/hosts | grep -v ::1)"
is "mode" pasta "$(ub inspect --format '{{.HostConfig.NetworkMode}}' p)"
has "podman, which has no such mode, shows it" "running pasta" "$(up inspect --format '{{.State.Status}} {{.HostConfig.NetworkMode}}' p)"
quiet ub restart -t 0 p
until_true reached 192.0.2.10
rc "connect" 125 ub network connect podman p
is "connect: text" 'Error: "pasta" is not supported: invalid network mode' "$errs"
quiet up stop -t 0 p
ended "stopped by podman"
quiet ub start p
until_true reached 192.0.2.10
quiet ub rm -f -t 0 p
ended "removed"
rc "a word that it does not know" 126 ub run --rm --network pasta:--nosuch --rootfs "$UR" true
has "a word that it does not know: text" "Error: failed to start pasta: " "$errs"
has "a word that it does not know: its own" "unrecognized option '--nosuch'" "$errs"
rc "a protocol that it does not know" 126 ub run --rm --network pasta -p 8081:81/sctp --rootfs "$UR" true
is "a protocol that it does not know: text" "Error: can't forward protocol: sctp" "$errs"
ended "failures"
quiet ub create --name p --network pasta -p 8080:80 --rootfs "$UR" sh -c "$serve"
for point in pasta.start=EIO oci.create=KILL oci.start=EIO; do
	as_user "ASAN_OPTIONS=\$ASAN_OPTIONS:detect_leaks=0 BERTH_FAULT=$point '$BERTH' --cgroup-manager cgroupfs start p" >"$W/out" 2>&1 </dev/null &&
		wrong "start, $point"
	ub container cleanup p >/dev/null 2>&1
	ub stop -t 0 p >/dev/null 2>&1
	ended "start, $point"
done
quiet ub start p
until_true reached 192.0.2.10
quiet ub rm -f -t 0 p
ended "the end"
finish
