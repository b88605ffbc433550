#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bridge networks of an unprivileged user: one namespace that all containers share, podman's
# among them.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
for tool in slirp4netns podman ip; do
	command -v $tool >/dev/null || { echo "needs the program $tool"; exit 77; }
done
[ -c /dev/net/tun ] || { echo "needs /dev/net/tun"; exit 77; }
. "$top_srcdir/tests/lib/e2e-user.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
net_begin
# Names with a search domain would be asked of a server that is not there.
echo "nameserver 192.0.2.53" >"$W/resolv.conf"
chmod 644 "$W/hosts" "$W/resolv.conf"

shared() { find "$X/netns" -name 'rootless-netns-*' 2>/dev/null; }
programs() { ps -o comm= -u $UID_ | grep -E '^(slirp4netns|aardvark-dns|rootlessport)$' | sort | tr '\n' ' '; }
no_programs() { [ -z "$(programs)" ]; }
left() { shared; find "$X" -name 'netns-*' -o -path '*/libpod/tmp/rootless-netns' 2>/dev/null; }
nothing_left() { [ -z "$(left)" ]; }
nothing() { # WHAT
	until_true no_programs
	until_true nothing_left
	is "$1: nothing is left" "" "$(left)"
}
serve='while :; do nc -l -p 80 -e echo served; done'
served() { [ "$(timeout 3 busybox nc -w 2 127.0.0.1 8080 </dev/null 2>/dev/null)" = served ]; }
same() { sed -E 's/[0-9a-f]{12}/SHORT/g; s/10\.88\.0\.[0-9]+/10.88.0.N/g'; }

# ------------------------------------------------------------------------ as podman has it
show='cat /etc/hosts /etc/resolv.conf; ip -4 -o address show eth0 | sed "s/.*inet //; s/ .*//"; ip route'
is "files, address, route" "$(up run --rm --name c --network podman --rootfs "$UR" sh -c "$show" | same)" \
	"$(ub run --rm --name c --network podman --rootfs "$UR" sh -c "$show" | same)"
nothing "after runs"

# -------------------------------------------------------------------- each other's networks
quiet ub network create own
quiet ub run -d --name a --network own -p 8080:80 --rootfs "$UR" sh -c "$serve"
until_true served
is "one way out, one name server, one for ports" "aardvark-dns rootlessport slirp4netns " "$(programs)"
one=$(shared)
is "podman's container finds it by name" "served" "$(up run --rm --network own --rootfs "$UR" nc -w 10 a 80)"
is "and leaves what is in use" "$one" "$(shared)"
quiet up run -d --name b --network podman --rootfs "$UR" sleep 1000
is "in one namespace" "$one" "$(shared)"
quiet ub network connect own b
is "podman's, connected by berth" "served" "$(up exec b nc -w 10 a 80)"
quiet ub network disconnect own b
is "of two, one is left" "$one" "$(shared)"
# Ports follow to another address.
quiet ub network connect podman a
quiet ub network disconnect own a
until_true served
is "its only network is gone" "10.88" "$(ub exec a ip -4 -o address | sed -n 's/.*inet \(10\.[0-9]*\).*/\1/p')"
quiet up network reload a
quiet ub network reload -a
until_true served
rc "all is in order" 0 ub network check
is "the shared one can be looked at" "10.0.2.100/24" \
	"$(ub unshare --rootless-netns ip -4 -o address show tap0 | sed 's/.*inet //; s/ .*//')"
quiet up stop -t 0 a
quiet ub start a
until_true served
quiet ub rm -f -t 0 a
is "one container has it still" "$one" "$(shared)"
quiet ub rm -f -t 0 b
nothing "the last one"

# ------------------------------------------------------------------------------- accidents
quiet ub run -d --name a --network own -p 8080:80 --rootfs "$UR" sh -c "$serve"
kill -KILL "$(cat "$X/libpod/tmp/rootless-netns/rootless-netns-slirp4netns.pid")"
quiet ub run --rm --network own --rootfs "$UR" true
is "a way out that died is made anew" "aardvark-dns rootlessport slirp4netns " "$(programs)"
ub unshare umount "$(shared)"
rc "without the namespace it can be removed" 0 ub rm -f -t 0 a
nothing "after that"
rc "a network that does not exist" 125 ub run --rm --network nosuch --rootfs "$UR" true
quiet ub create --name f --network own -p 8080:80 --rootfs "$UR" sh -c "$serve"
for point in slirp.start=EIO netns.made=KILL oci.create=EIO; do
	as_user "ASAN_OPTIONS=\$ASAN_OPTIONS:detect_leaks=0 BERTH_FAULT=$point '$BERTH' --cgroup-manager cgroupfs start f" >"$W/out" 2>&1 </dev/null &&
		wrong "start, $point"
	ub container cleanup f >/dev/null 2>&1
	ub stop -t 0 f >/dev/null 2>&1
	nothing "start, $point"
done
quiet ub start f
until_true served
quiet up rm -f -t 0 f
quiet up network rm own
nothing "the end"

# ------------------------------------------------------------------------------------- CNI
if [ -x /usr/lib/cni/bridge ] && [ -d /var/lib/cni ]; then
	quiet ub --network-backend cni network create old
	is "definitions are the user's" "$H/.config/cni/net.d/old.conflist" "$(find "$H/.config" -name 'old.*')"
	quiet ub --network-backend cni run -d --name o --network old -p 8080:80 --rootfs "$UR" sh -c "$serve"
	until_true served
	quiet up --network-backend cni rm -f -t 0 o
	quiet up --network-backend cni network rm old
	nothing "CNI"
fi
finish
