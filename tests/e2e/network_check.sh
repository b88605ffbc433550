#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network_check: what containers left behind is found and removed, and nothing else.
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
net_begin
before=$(leftovers)
run=/run/containers/networks

rc "nothing on a fresh host" 0 b network check
quiet b network create --subnet 10.90.1.0/24 one
quiet b network create --subnet 10.90.2.0/24 --subnet fd00:90::/64 two
quiet b run -d --name live -p 8080:80 -p 9000-9002:9000-9002/udp --network one --network two --rootfs "$R" sleep 1000
quiet podman run -d --name theirs -p 127.0.0.1:8081:80 --network one --rootfs "$R" sleep 1000
quiet podman --root "$W/root" --runroot "$W/runroot" run -d --name far -p 8082:80 --network two --rootfs "$R" sleep 1000
quiet b run -d --name host --network host --rootfs "$R" sleep 1000
rc "nothing of what runs" 0 b network check
is "nothing of what runs: no line" "" "$out"
rc "nothing to repair" 0 b network check --repair
state() { iptables-save | grep -v '^[#:]'; ip6tables-save | grep -v '^[#:]'; ip -o link | cut -d: -f2; cat $run/aardvark-dns/*; }
kept=$(state)

# A container that is gone, and whose things are put back as if nobody had taken them away.
quiet b network create --subnet 10.90.3.0/24 three
quiet b network create --subnet 10.90.4.0/24 --subnet fd00:91::/64 -o isolate=true four
quiet b run -d --name dead -p 8083:80 --network one --network three --network four --rootfs "$R" sleep 1000
id=$(b inspect --format '{{.Id}}' dead)
iptables-save >"$W/rules"
ip6tables-save >"$W/rules6"
cp $run/ipam.db "$W/ipam.db"
cp -a $run/aardvark-dns "$W/dns"
quiet b rm -f -t 0 dead
# As long as its monitor waits for the last command, the container is there.
unwatched() { ! pgrep -xa conmon | grep -q "$id"; }
until_true unwatched
is "all of it is gone" "$kept" "$(state)"
iptables-restore "$W/rules"
ip6tables-restore "$W/rules6"
cp "$W/ipam.db" $run/ipam.db
cp "$W/dns/one" "$W/dns/three" $run/aardvark-dns/
ip link add podman3 type bridge
ip netns add netns-01234567-89ab-cdef-0123-456789abcdef
ip netns add mine
rc "all is found" 1 b network check
has "address" "address: [\"10.90.1.4\"] of network one is of no container ($id)" "$out"
has "address on the other network" "of network three is of no container ($id)" "$out"
has "DNS entry" "DNS entry: on network one for no container ($id)" "$out"
has "DNS entry on the other network" "DNS entry: on network three for no container ($id)" "$out"
has "rule of a port" "rule: iptables -t nat -A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8083 -m comment --comment \"dnat name: one id: $id\"" "$out"
has "rule with the address" "--dport 8083 -j DNAT --to-destination 10.90.1.4:80" "$out"
has "rule of a network without containers" "rule: iptables -t nat -A POSTROUTING -s 10.90.3.0/24" "$out"
has "rule of a filter" "rule: iptables -t filter -A NETAVARK_FORWARD -s 10.90.3.0/24 -j ACCEPT" "$out"
has "rule of IPv6" "rule: ip6tables -t nat -A POSTROUTING -s fd00:91::/64" "$out"
has "rule of IPv6 with the address" "--dport 8083 -j DNAT --to-destination [fd00:91::2]:80" "$out"
has "rule of isolation" "rule: iptables -t filter -A NETAVARK_ISOLATION_2 -o podman4 -j DROP" "$out"
has "rule of isolation, IPv6" "rule: ip6tables -t filter -A NETAVARK_ISOLATION_2 -o podman4 -j DROP" "$out"
has "bridge" "bridge: podman3 has no containers" "$out"
has "namespace" "namespace: /run/netns/netns-01234567-89ab-cdef-0123-456789abcdef is of no container" "$out"
is "nothing of other ports" "" "$(echo "$out" | grep -E 'dport (8080|8081|8082|9000)' || :)"
is "nothing of other namespaces" "" "$(echo "$out" | grep mine || :)"
found=$out
rc "a look changes nothing" 1 b network check
is "a look changes nothing: the same" "$found" "$out"
mkdir "$W/bin"
printf '#!/bin/sh\ncase $* in *" -D NETAVARK_FORWARD"*) exit 4 ;; esac\nexec %s "$@"\n' "$(command -v iptables)" >"$W/bin/iptables"
chmod +x "$W/bin/iptables"
rc "repair that fails" 125 env PATH="$W/bin:$PATH" "$BERTH" network check --repair
has "repair that fails: text" "iptables -t filter -D NETAVARK_FORWARD" "$errs"
has "repair that fails tells what it removed" "namespace: /run/netns/netns-01234567-89ab-cdef-0123-456789abcdef is of no container: removed" "$out"
part=$out
rc "repair" 1 b network check --repair
is "repair removes what was found" "$(echo "$found" | sort)" "$(echo "$part
$out" | sed 's/: removed$//' | sort)"
rc "nothing is left" 0 b network check
# The jump to netavark's chains of isolation belongs to no network, and stays: they are empty.
for iptables in iptables ip6tables; do
	rc "$iptables: the jump is there" 0 $iptables -D FORWARD -j NETAVARK_ISOLATION_1
	is "$iptables: and leads to nothing" "" "$($iptables-save | grep -e '-A NETAVARK_ISOLATION')"
done
is "and nothing else is gone" "$kept" "$(state)"
rc "the user's namespace is there" 0 test -e /run/netns/mine
ip netns del mine
rc "the address is free" 0 b run --rm --network one --ip 10.90.1.4 --rootfs "$R" true
until_true b exec live ping -c 1 -W 2 theirs

# One that exists and does not run has nothing either.
quiet b run -d --name idle --network one --ip 10.90.1.60 --rootfs "$R" sleep 1000
cp $run/ipam.db "$W/ipam.db"
quiet b stop -t 0 idle
cp "$W/ipam.db" $run/ipam.db
rc "address of one that is stopped" 1 b network check --repair
has "address of one that is stopped: line" '"10.90.1.60"' "$out"
rc "it starts" 0 b start idle

# One that is starting, or whose start was killed, has what it has; its next command takes it.
kept=$(state)
quiet b create --name half --network one --network four --rootfs "$R" sleep 1000
BERTH_FAULT=net.setup=KILLED "$BERTH" start half >"$W/out" 2>&1
is "a start is killed" 137 $?
rc "what a starting container has" 0 b network check
is "what a starting container has: no line" "" "$out"
quiet b container cleanup half
rc "it is gone with it" 0 b network check
is "and all else is there" "$kept" "$(state)"

# The server died; its number is left.
quiet b rm -a -f -t 0
quiet podman --root "$W/root" --runroot "$W/runroot" rm -a -f -t 0
mkdir -p $run/aardvark-dns
echo 4000000 >$run/aardvark-dns/aardvark.pid
rc "a server that is gone" 1 b network check --repair
is "a server that is gone: line" "DNS server: $run/aardvark-dns/aardvark.pid names no running server: removed" "$out"
rc "damaged ipam.db" 125 sh -c 'echo rubbish >"$1" && "$BERTH" network check' sh $run/ipam.db
rm $run/ipam.db
is "nothing is left in the end" "$before" "$(leftovers)"
finish
