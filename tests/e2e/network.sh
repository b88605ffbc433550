#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network: networks by netavark: addresses, names, ports, teardown, podman on the same network.
. "$top_srcdir/tests/lib/e2e.sh"
sed -i 's/^NetworkBackend = .*/NetworkBackend = "netavark";/' "$BERTH_CONF"

for tool in ip iptables-save podman; do
	command -v $tool >/dev/null || { echo "network: needs the program $tool"; exit 77; }
done
[ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] ||
	{ echo "network: needs the program netavark"; exit 77; }
# The host's own files are not this test's matter.
printf '127.0.0.1 localhost\n' >"$W/hosts"
printf 'search example.test\nnameserver 192.0.2.53\n' >"$W/resolv.conf"
mount --bind "$W/hosts" /etc/hosts
mount --bind "$W/resolv.conf" "$(readlink -f /etc/resolv.conf)"

address() { b inspect --format "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}" "$1"; }
# Everything that a container may leave behind on this host.
leftovers() {
	ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/link \1/'
	iptables-save | grep -E 'dport|-s 10\.' || :
	ls /run/netns 2>/dev/null || :
	ls /run/containers/networks/aardvark-dns 2>/dev/null || :
}
before=$(leftovers)

# ------------------------------------------------------------ the default network
has "an address of the default network" "inet 10.88.0.2/16" "$(b run --rm --rootfs "$R" ip addr)"
is "the next one gets the next" "10.88.0.3" "$(b run --rm --rootfs "$R" sh -c "ip -4 addr show eth0 | sed -n 's/.*inet \(.*\)\/16.*/\1/p'")"
is "default route" "default via 10.88.0.1 dev eth0" "$(b run --rm --rootfs "$R" sh -c "ip route | sed -n 's/ *metric.*//; /^default/s/ *\$//p'")"
is "nothing is left" "$before" "$(leftovers)"
is "podman chooses the same backend" netavark "$(cat /var/lib/containers/storage/defaultNetworkBackend)"
is "hosts" "127.0.0.1	localhost
10.88.0.1	host.containers.internal
10.88.0.5	boat c1" "$(b run --rm --name c1 --hostname boat --rootfs "$R" cat /etc/hosts)"
is "resolv.conf" "search example.test
nameserver 192.0.2.53" "$(b run --rm --rootfs "$R" cat /etc/resolv.conf)"
is "no file for the default network" "" "$(ls /etc/containers/networks | grep -v lock)"
is "podman sees the same" "$(podman network inspect podman | grep -v created)" "$(b network inspect podman | grep -v created)"

# --------------------------------------------------------------- networks of users
is "create" net1 "$(b network create --subnet 10.90.1.0/24 --label a=b net1)"
is "podman reads the file" "$(podman network inspect net1)" "$(b network inspect net1)"
quiet podman network create --subnet 10.90.2.0/24 net2
is "podman's are there" "net1
net2
podman" "$(b network ls -q)"
rc "exists" 0 b network exists net2
rc "exists not" 1 b network exists nosuch
rc "created twice" 125 b network create net1
is "created twice: text" "Error: network name net1 already used: network already exists" "$errs"
rc "inspect what is not there" 125 b network inspect nosuch
rc "remove what is not there" 1 b network rm nosuch
rc "a container on what is not there" 125 b create --network nosuch --rootfs "$R" true
is "a container on what is not there: text" "Error: unable to find network with name or ID nosuch: network not found" "$errs"

quiet b run -d --name a --network net1 --ip 10.90.1.77 --mac-address 92:d0:c6:0a:29:33 --rootfs "$R" sleep 1000
quiet b run -d --name b --network net1 --network-alias other --rootfs "$R" sleep 1000
quiet podman run -d --name p --network net1 --rootfs "$R" sleep 1000
is "address that was asked for" 10.90.1.77 "$(address a net1)"
is "MAC that was asked for" 92:d0:c6:0a:29:33 "$(b exec a cat /sys/class/net/eth0/address)"
is "automatic address" 10.90.1.2 "$(address b net1)"
is "podman's container gets another" 10.90.1.3 "$(podman inspect --format '{{.NetworkSettings.Networks.net1.IPAddress}}' p)"
rc "container to container" 0 b exec b ping -c 1 -W 2 10.90.1.77
rc "container to podman's container" 0 b exec b ping -c 1 -W 2 10.90.1.3
rc "podman's container to container" 0 podman exec --privileged p ping -c 1 -W 2 10.90.1.2
until_true b exec a ping -c 1 -W 2 b # by name: the DNS server drops what comes while it reloads
until_true b exec a ping -c 1 -W 2 other # by name: the DNS server drops what comes while it reloads
until_true b exec a ping -c 1 -W 2 p # by name: the DNS server drops what comes while it reloads
has "search domain" "search dns.podman example.test" "$(b exec a cat /etc/resolv.conf)"
rc "an address that is taken" 126 b run --rm --network net1 --ip 10.90.1.77 --rootfs "$R" true
has "an address that is taken: text" "IPAM error: requested ip address 10.90.1.77 is already allocated to container ID" "$errs"
rc "an address of another network" 126 b run --rm --network net1 --ip 10.90.9.1 --rootfs "$R" true
is "an address of another network: text" "Error: requested static ip 10.90.9.1 not in any subnet on network net1" "$errs"

rc "a network in use is kept" 2 b network rm net1
has "a network in use is kept: text" '"net1" has associated containers with it' "$errs"
rc "prune" 0 b network prune -f
is "prune removes what is not in use" net2 "$out"

# ------------------------------------------------------------------ two networks
quiet b network create --subnet 10.90.3.0/24 net3
quiet b run -d --name two --network net1 --network net3 --rootfs "$R" sleep 1000
is "first of two networks" 10.90.1.4 "$(address two net1)"
is "second of two networks" 10.90.3.2 "$(address two net3)"
has "interfaces in the order that was given" "inet 10.90.3.2/24" "$(b exec two ip addr show eth1)"
quiet b rm -f -t 0 two

# --------------------------------------------------------------- published ports
quiet b run -d --name web -p 8080:80 -p 9000-9002:9000-9002 --rootfs "$R" sh -c 'while :; do echo "it is web" | nc -l -p 80; done'
until_true sh -c 'b() { "$BERTH" "$@"; }; b exec web sh -c "grep -q :0050 /proc/net/tcp /proc/net/tcp6"'
# From another container, by way of the host's address: from there the port is redirected.
is "published port" "it is web" "$(b run --rm --network net1 --rootfs "$R" nc -w 2 10.90.1.1 8080)"
has "range of ports" "--dport 9000:9002" "$(iptables-save)"
has "podman lists the ports" "0.0.0.0:8080->80/tcp" "$(podman ps --filter name=web --format '{{.Ports}}')"
rc "a port that is taken" 126 b run --rm -p 9001:80 --rootfs "$R" true
is "a port that is taken: text" "Error: cannot listen on the TCP port: listen tcp4 :9001: bind: address already in use" "$errs"
rc "a port that podman's container wants" 126 podman run --rm -p 8080:80 --rootfs "$R" true
rc "an address that is not here" 126 b run --rm -p 192.0.2.99:81:80 --rootfs "$R" true
is "an address that is not here: text" "Error: cannot listen on the TCP port: listen tcp4 192.0.2.99:81: bind: cannot assign requested address" "$errs"
quiet b rm -f -t 0 web
quiet b run -d --name web -p 10000-10199:10000-10199 -p 5353:53/udp --rootfs "$R" sleep 1000
is "every port is kept" 201 "$(find "/proc/$(b inspect --format '{{.State.ConmonPid}}' web)/fd" -lname 'socket:*' | wc -l | awk '{ print ($1 >= 201) ? 201 : $1 }')"
quiet b rm -f -t 0 web
is "no rule of the port is left" "" "$(iptables-save | grep -E -- '--dport (8080|9000)' || :)"

# ---------------------------------------------------------------- user namespaces
chmod 711 "$W"
rc "user namespace" 0 b run -d --name u --uidmap 0:100000:65536 --gidmap 0:100000:65536 --network net1 --rootfs "$R" sleep 1000
if [ -z "$errs" ]; then
	has "its address" "inet $(address u net1)/24" "$(b exec u ip addr show eth0)"
	until_true b exec a ping -c 1 -W 2 u # by name: the DNS server drops what comes while it reloads
fi
quiet b rm -f -t 0 u

# ------------------------------------------------------------- ends of containers
old=$(address b net1)
quiet b stop -t 0 b
is "stopped: no address" "" "$(address b net1)"
quiet b start b
[ "$(address b net1)" != "$old" ] && good "started again: a new address" || wrong "started again: a new address" "$old"
b exec b sh -c 'kill -9 -1; kill 1' >/dev/null 2>&1
b kill b >/dev/null 2>&1
until_true sh -c '"$BERTH" inspect --format "{{.State.Status}}" b | grep -q exited'
until_true sh -c '[ -z "$("$BERTH" inspect --format "{{.NetworkSettings.SandboxKey}}" b)" ]'
rc "a start that fails" 127 b run --rm --network net1 --rootfs "$R" /nosuch
quiet b rm -f -t 0 a b
quiet podman rm -f -t 0 p
is "nothing is left in the end" "$before" "$(leftovers)"
rc "podman takes down what berth set up" 0 b run -d --name x --network net1 --rootfs "$R" sleep 1000
quiet podman rm -f -t 0 x
is "nothing is left by podman" "$before" "$(leftovers)"
rc "remove" 0 b network rm net1 net3
is "only the default is left" podman "$(podman network ls -q)"

# -------------------------------------------- both engines at once: no address twice
quiet b network create --subnet 10.90.4.0/24 net4
for i in 1 2 3 4; do
	(
		for k in 1 2 3; do
			b run -d --name b$i$k --network net4 --rootfs "$R" sleep 1000
			podman run -d --name p$i$k --network net4 --rootfs "$R" sleep 1000
		done
	) >"$W/many.$i" 2>&1 &
done
wait
is "all run" 24 "$(b ps -q | wc -l)"
all=$(for c in $(b ps -q); do address "$c" net4; done | sort)
is "addresses" 24 "$(echo "$all" | grep -c '^10\.90\.4\.')"
is "no address twice" "" "$(echo "$all" | uniq -d)"
quiet b rm -a -f -t 0
is "nothing is left by all of them" "$before" "$(leftovers)"
quiet b network rm net4
finish
