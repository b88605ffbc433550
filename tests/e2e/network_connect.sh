#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network_connect: containers that exist join and leave networks, alone and with podman.
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
net_begin

address() { b inspect --format "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}" "$1"; }
networks() { b inspect --format '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' "$1"; }
before=$(leftovers)
quiet b network create --subnet 10.90.1.0/24 one
quiet b network create --subnet 10.90.2.0/24 two
quiet b network create --subnet 10.90.6.0/24 three
quiet b network create --subnet 10.90.3.0/24 --subnet fd00:90::/64 six
loop='while :; do echo "it is web" | nc -l -p 80; done'

# ---------------------------------------------------------------- while running
quiet b run -d --name web -p 8080:80 --network one --ip 10.90.1.9 --rootfs "$R" sh -c "$loop"
quiet b run -d --name peer --network two --rootfs "$R" sleep 1000
rc "connect" 0 b network connect --ip 10.90.2.77 --mac-address 92-d0-c6-0A-29-33 --alias shop,kiosk two web
is "connect prints nothing" "" "$out$errs"
is "networks" "one two " "$(networks web)"
is "address that was asked for" 10.90.2.77 "$(address web two)"
is "MAC that was asked for" 92:d0:c6:0a:29:33 "$(b exec web cat /sys/class/net/eth1/address)"
rc "traffic after connect" 0 b exec peer ping -c 1 -W 2 10.90.2.77
until_true b exec peer ping -c 1 -W 2 kiosk
is "traffic to a port" "it is web" "$(b exec peer nc -w 2 10.90.2.77 80)"
is "hosts" "127.0.0.1	localhost
10.90.1.1	host.containers.internal
10.90.1.9	$(b inspect --format '{{.Config.Hostname}}' web) web
10.90.2.77	$(b inspect --format '{{.Config.Hostname}}' web) web" "$(b exec web cat /etc/hosts)"
is "resolv.conf" "search dns.podman example.test
nameserver 10.90.2.1
nameserver 10.90.1.1
nameserver 192.0.2.53" "$(b exec web cat /etc/resolv.conf)"
has "rules of the port on the new network" "10.90.2.77:80" "$(iptables-save)"
is "podman sees the same" "$(podman inspect --format '{{json .NetworkSettings.Networks}}' web)" \
	"$(b inspect --format '{{json .NetworkSettings.Networks}}' web)"
rc "connected already" 125 b network connect two web
is "connected already: text" "Error: container $(b inspect --format '{{.Id}}' web) is already connected to network \"two\": network is already connected" "$errs"

# A program that has locked one of its files does not stop the engine.
mkfifo "$W/locked"
python3 -c 'import fcntl, sys
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
print("yes", flush=True)
sys.stdin.read()' "$(b inspect --format '{{.HostsPath}}' web)" <"$W/locked" >"$W/is-locked" &
exec 9>"$W/locked"
until_true grep -q yes "$W/is-locked"
rc "a file that is locked" 0 timeout 100 "$BERTH" network connect three web
has "a file that is locked: text" "hosts was locked for 3 seconds, perhaps by a program in the container, and is left as it is" "$errs"
exec 9>&-
wait $!
quiet b network disconnect three web

rc "disconnect" 0 b network disconnect one web
is "networks" "two " "$(networks web)"
is "its interface is gone" "eth1 lo" "$(b exec web ls /sys/class/net | grep -v tunl | xargs)"
is "hosts without it" "127.0.0.1	localhost
10.90.1.1	host.containers.internal
10.90.2.77	$(b inspect --format '{{.Config.Hostname}}' web) web" "$(b exec web cat /etc/hosts)"
is "resolv.conf without it" "search dns.podman example.test
nameserver 10.90.2.1
nameserver 192.0.2.53" "$(b exec web cat /etc/resolv.conf)"
rc "traffic goes on" 0 b exec peer ping -c 1 -W 2 10.90.2.77
is "no rule of the old address" "" "$(iptables-save | grep -F 10.90.1.9 || :)"
quiet b run --rm --network one --ip 10.90.1.9 --rootfs "$R" true # the address is free again
rc "not connected" 125 b network disconnect one web
is "not connected: text" "Error: container web is not connected to network one" "$errs"
rc "disconnect from the last" 0 b network disconnect two web
is "no networks" "" "$(networks web)"
is "only the loopback is left" lo "$(b exec web ls /sys/class/net | grep -v tunl | xargs)"
rc "connect to a dual stack" 0 b network connect --ip6 fd00:90::77 six web
is "the first interface name is free" "10.90.3.2 fd00:90::77" \
	"$(b inspect --format '{{with index .NetworkSettings.Networks "six"}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}' web)"
has "its interface" "inet6 fd00:90::77/64" "$(b exec web ip addr show eth0)"
has "hosts again" "fd00:90::77	" "$(b exec web cat /etc/hosts)"
quiet b network connect two web
is "after a restart on the same networks" "six two " "$(quiet b restart -t 0 web; networks web)"
has "with both interfaces" "inet 10.90.2." "$(b exec web ip addr show eth1)"

# ------------------------------------------------------------------ what is wrong
rc "no such network" 125 b network connect nosuch web
is "no such network: text" "Error: unable to find network with name or ID nosuch: network not found" "$errs"
rc "no such container" 125 b network connect one nosuch
is "no such container: text" 'Error: no container with name or ID "nosuch" found: no such container' "$errs"
rc "an address of elsewhere" 125 b network connect --ip 1.2.3.4 one web
is "an address of elsewhere: text" "Error: requested static ip 1.2.3.4 not in any subnet on network one" "$errs"
is "is undone" "six two " "$(networks web)"
rc "no address" 125 b network connect --ip 10.90.1.999 one web
has "no address: text" 'Error: invalid argument "10.90.1.999" for "--ip" flag: failed to parse IP: "10.90.1.999"' "$errs"
rc "no MAC" 125 b network connect --mac-address zz one web
is "no MAC: text" "Error: address zz: invalid MAC address" "$errs"
quiet b create --name host --network host --rootfs "$R" true
rc "not in this mode" 125 b network connect one host
is "not in this mode: text" 'Error: "" is not supported: invalid network mode' "$errs"
rc "disconnect: not in this mode" 125 b network disconnect one host
quiet b rm -f -t 0 web host

# ------------------------------------------------------------------- not running
quiet b create --name still --network one --rootfs "$R" sleep 1000
rc "connect what never ran" 0 b network connect two still
rc "a second time is no failure" 0 b network connect two still
rc "disconnect what never ran" 0 b network disconnect one still
quiet b start still
is "it starts on what is left" "eth1 lo" "$(b exec still ls /sys/class/net | grep -v tunl | xargs)"
quiet b stop -t 0 still
rc "connect what is stopped" 0 b network connect --ip 10.90.1.50 one still
rc "connected already, and it ran" 125 b network connect one still
quiet b start still
is "it starts with the address" 10.90.1.50 "$(address still one)"
is "disconnect while paused" 0 "$(quiet b pause still; b network disconnect two still; echo $?; quiet b unpause still)"
is "and it is gone" "eth0 lo" "$(b exec still ls /sys/class/net | grep -v tunl | xargs)"

# ------------------------------------------------------------------------ force
quiet b network create --subnet 10.90.4.0/24 lost
quiet b network connect lost still
rm /etc/containers/networks/lost.json
rc "its definition is gone" 125 b network disconnect lost still
is "its definition is gone: text" "Error: unable to find network with name or ID lost: network not found" "$errs"
rc "forced" 0 b network disconnect -f lost still
is "forced: it is off" "one " "$(networks still)"
is "forced: its interface is gone" "eth0 lo" "$(b exec still ls /sys/class/net | grep -v tunl | xargs)"
# Nothing but a definition tells netavark what else there is.
ip link del "$(ip -o -4 addr | sed -n 's/^[0-9]*: \([^ ]*\).*10\.90\.4\.1.*/\1/p')"
rm /run/containers/networks/aardvark-dns/lost
quiet b network connect two still
nsenter --net="$(b inspect --format '{{.NetworkSettings.SandboxKey}}' still)" ip link del eth1
rc "an interface that is gone already" 0 b network disconnect two still

# ----------------------------------------------------------------------- reload
quiet b run -d --name second --network one --network two -p 8081:80 --rootfs "$R" sh -c "$loop"
rules() { iptables-save | sed -n '/^\*nat/,/^COMMIT/p' | grep -E '^-A NETAVARK-(DN|HOSTPORT-DNAT)' | sort; }
was=$(rules)
held="$(address second one) $(address second two) $(b exec second cat /sys/class/net/eth0/address /sys/class/net/eth1/address)"
iptables -t nat -F
iptables -F
[ "$was" != "$(rules)" ] || wrong "the rules are flushed" "$was"
rc "reload one" 0 b network reload second
is "reload prints the ID" "$(b inspect --format '{{.Id}}' second)" "$out"
is "the rules are back" "$was" "$(rules)"
is "addresses stay" "$held" "$(address second one) $(address second two) $(b exec second cat /sys/class/net/eth0/address /sys/class/net/eth1/address)"
rc "traffic after reload" 0 b exec peer ping -c 1 -W 2 "$(address second two)"
iptables -t nat -F
quiet b create --name idle --network one --rootfs "$R" true
rc "reload all" 0 b network reload --all
is "reload all: those that run" "$(b ps -q --no-trunc | sort)" "$(echo "$out" | sort)"
is "the rules are back" "$was" "$(rules)"
rc "reload one that does not run" 125 b network reload idle
is "reload one that does not run: text" "Error: cannot reload network unless container network has been configured: container state improper" "$errs"
rc "reload nothing" 125 b network reload
is "reload nothing: text" "Error: you must provide at least one name or id" "$errs"
rc "reload what podman runs" 0 sh -c 'podman run -d --name theirs --network two --rootfs "$1" sleep 1000 >/dev/null && "$BERTH" network reload theirs' sh "$R"
rc "podman reloads what berth runs" 0 podman network reload second
is "and podman's reload leaves the same" "$held" "$(address second one) $(address second two) $(b exec second cat /sys/class/net/eth0/address /sys/class/net/eth1/address)"

# ------------------------------------------------------------------ with podman
quiet podman network connect one theirs
is "podman connects its own" "one two " "$(networks theirs)"
quiet b network disconnect two theirs
is "podman sees that berth disconnected it" one "$(podman inspect --format '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}' theirs)"
quiet b network connect --alias other two theirs
until_true b exec peer ping -c 1 -W 2 other
is "podman sees the address" "$(address theirs two)" "$(podman inspect --format '{{.NetworkSettings.Networks.two.IPAddress}}' theirs)"
rc "podman disconnects what berth connected" 0 podman network disconnect two theirs
rc "podman disconnects what berth runs" 0 podman network disconnect two second
is "berth sees it" "one " "$(networks second)"
rc "podman connects what berth runs" 0 podman network connect --ip 10.90.2.200 two second
is "berth sees the address" "one two 10.90.2.200" "$(networks second)$(address second two)"
rc "berth disconnects what podman connected" 0 b network disconnect two second
rc "events" 0 b events --stream=false --filter type=network
has "event of connect" " network connect " "$out"
has "event of disconnect" "name=two)" "$out"

# ----------------------------------------------------------------------- update
served() { sed -n 1p "/run/containers/networks/aardvark-dns/$1"; }
rc "update" 0 b network update --dns-add 192.0.2.1,192.0.2.2 one
is "update prints the name" one "$out"
is "the DNS server is told" "10.90.1.1 192.0.2.1,192.0.2.2" "$(served one)"
has "it is in the file" '"network_dns_servers"' "$(cat /etc/containers/networks/one.json)"
quiet b network update --dns-add 192.0.2.3 --dns-drop 192.0.2.1 one
is "one more, one less" "10.90.1.1 192.0.2.2,192.0.2.3" "$(served one)"
quiet b network update --dns-drop 192.0.2.2,192.0.2.3 one
is "none" "10.90.1.1" "$(served one)"
until_true b exec second ping -c 1 -W 2 theirs # the server lives and answers
rc "no address" 125 b network update --dns-add nowhere one
is "no address: text" "Error: unable to parse ip nowhere specified in AddDNSServer" "$errs"
rc "nothing to change" 125 b network update one
quiet b network create --disable-dns --subnet 10.90.5.0/24 mute
rc "without DNS" 125 b network update --dns-add 192.0.2.1 mute
is "without DNS: text" "Error: cannot set NetworkDNSServers if DNS is not enabled for the network: invalid argument" "$errs"

quiet b rm -a -f -t 0
is "nothing is left in the end" "$before" "$(leftovers)"
finish
