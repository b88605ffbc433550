#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network_cni: networks by CNI plugins: files, addresses, ports, failures, podman on the same.

# What the private host mounts on must be there; it goes again where it was not.
if [ -z "${IN_PRIVATE_HOST:-}" ]; then
	export IN_PRIVATE_HOST=1
	made=
	for dir in /etc/cni /var/lib/cni; do
		[ -d $dir ] || { mkdir $dir 2>/dev/null && made="$made $dir"; }
	done
	# shellcheck disable=SC2086
	trap '[ -z "$made" ] || rmdir $made' EXIT
	trap 'exit 1' HUP INT TERM
	"$top_srcdir/tests/lib/private-host" sh "$0" "$@"
	exit
fi
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
b plugin list | grep -q '^net *cni ' || { echo "needs the plugin net_cni"; exit 77; }
for tool in ip iptables-save podman; do
	command -v $tool >/dev/null || { echo "needs the program $tool"; exit 77; }
done
for plugin in bridge portmap firewall tuning host-local; do
	[ -x /usr/lib/cni/$plugin ] || { echo "needs the CNI plugin $plugin"; exit 77; }
done
for dir in /etc/cni /var/lib/cni; do
	mount -t tmpfs tmpfs $dir
done
net_files
sed -i 's/^NetworkBackend = .*/NetworkBackend = "cni";/' "$BERTH_CONF"
# CNI plugins leave chains and bridges; what is a container's goes.
left() {
	ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/link \1/' | grep -v cni-podman
	iptables-save | grep -E 'dport|-[sd] 10\.' || :
	find /run/netns /var/lib/cni/results /var/lib/cni/networks -type f -name '*[0-9]*' ! -name 'last_*' 2>/dev/null
}
p() { podman --network-backend cni "$@"; }
address() { b inspect --format "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}" "$1"; }
before=$(left)

# ------------------------------------------------------------------------ networks
is "the default network" podman "$(b network ls -q)"
is "podman has the same" "$(p network inspect podman | grep -v created)" "$(b network inspect podman | grep -v created)"
is "create" one "$(b network create --subnet 10.90.1.0/24 one)"
is "its file" '{
   "cniVersion": "0.4.0",
   "name": "one",
   "plugins": [
      {
         "type": "bridge",
         "bridge": "cni-podman1",
         "isGateway": true,
         "ipMasq": true,
         "hairpinMode": true,
         "ipam": {
            "type": "host-local",
            "routes": [
               {
                  "dst": "0.0.0.0/0"
               }
            ],
            "ranges": [
               [
                  {
                     "subnet": "10.90.1.0/24",
                     "gateway": "10.90.1.1"
                  }
               ]
            ]
         },
         "capabilities": {
            "ips": true
         }
      },
      {
         "type": "portmap",
         "capabilities": {
            "portMappings": true
         }
      },
      {
         "type": "firewall",
         "backend": ""
      },
      {
         "type": "tuning"
      }
   ]
}' "$(cat /etc/cni/net.d/one.conflist)"
quiet b network create --subnet 10.90.2.0/24 --subnet fd00:90::/64 --ip-range 10.90.2.128/26 --label a=b -o isolate=true -o mtu=1400 two
quiet p network create --subnet 10.90.3.0/24 theirs
for net in one two theirs; do
	is "podman reads $net" "$(p network inspect $net)" "$(b network inspect $net)"
	cp /etc/cni/net.d/$net.conflist "$W/$net"
done
for args in "--subnet 10.90.1.0/24 one" "--subnet 10.90.2.0/24 --subnet fd00:90::/64 --ip-range 10.90.2.128/26 --label a=b -o isolate=true -o mtu=1400 two"; do
	quiet b network rm "${args##* }"
	# shellcheck disable=SC2086
	quiet p network create $args
	is "podman writes the same" "$(cat "/etc/cni/net.d/${args##* }.conflist")" "$(cat "$W/${args##* }")"
done
is "all of them" "one
podman
theirs
two" "$(b network ls -q)"
rc "created twice" 125 b network create one
is "created twice: text" "Error: network name one already used: network already exists" "$errs"
rc "exists not" 1 b network exists nosuch
rc "driver" 125 b network create -d foo
is "driver: text" "Error: unsupported driver foo: invalid argument" "$errs"
rc "no servers to change" 125 b network update --dns-add 192.0.2.1 one
is "no servers to change: text" 'Error: networks of the backend "cni" cannot be changed: remove this one and create it anew' "$errs"

# -------------------------------------------------------------------------- traffic
loop='while :; do echo "it is web" | nc -l -p 80; done'
quiet b run -d --name web -p 8080:80 -p 9000-9002:9000-9002/udp --network one --ip 10.90.1.44 --mac-address 92:d0:c6:0a:29:33 --rootfs "$R" sh -c "$loop"
quiet b run -d --name peer --network one --network two --rootfs "$R" sleep 1000
is "address that was asked for" 10.90.1.44 "$(address web one)"
is "MAC that was asked for" 92:d0:c6:0a:29:33 "$(b exec web cat /sys/class/net/eth0/address)"
is "automatic addresses" "10.90.1.45 10.90.2.129" "$(address peer one) $(address peer two)"
is "podman sees the same" "$(p inspect --format '{{json .NetworkSettings.Networks}}' peer)" "$(b inspect --format '{{json .NetworkSettings.Networks}}' peer)"
until_true b exec web sh -c 'grep -q :0050 /proc/net/tcp /proc/net/tcp6'
is "container to container" "it is web" "$(b exec peer nc -w 2 10.90.1.44 80)"
until_true b exec web sh -c 'grep -q :0050 /proc/net/tcp /proc/net/tcp6'
ip link add out0 type veth peer name out1
ip netns add outside
ip link set out1 netns outside
ip addr add 192.0.2.1/24 dev out0 && ip link set out0 up
ip -n outside addr add 192.0.2.2/24 dev out1 && ip -n outside link set out1 up
is "host's port from outside" "it is web" "$(ip netns exec outside "$R/bin/busybox" nc -w 2 192.0.2.1 8080)"
has "IPv6" "inet6 fd00:90::2/64" "$(b exec peer ip addr show eth1)"
has "range of ports" "--dports 9000,9001,9002" "$(iptables-save)"
is "cached result" "cniCacheV1 one eth0" "$(sed 's/.*"kind":"\([^"]*\)".*"ifName":"\([^"]*\)","networkName":"\([^"]*\)".*/\1 \3 \2/' /var/lib/cni/results/one-"$(b inspect --format '{{.Id}}' web)"-eth0)"

# ------------------------------------------------------- connect and disconnect
rc "connect" 0 b network connect two web
rc "traffic after connect" 0 b exec peer ping -c 1 -W 2 "$(address web two)"
rc "disconnect" 0 b network disconnect two web
is "its interface is gone" "eth0 lo" "$(b exec web ls /sys/class/net | grep -v tunl | xargs)"
rc "reload" 0 b network reload web
is "the same address" 10.90.1.44 "$(address web one)"

# --------------------------------------------------------------- what goes wrong
now=$(left)
rc "an address that is taken" 126 b run --rm --network one --ip 10.90.1.44 --rootfs "$R" true
has "an address that is taken: text" 'plugin type="bridge" failed (add): cni plugin bridge failed: failed to allocate for range 0: requested IP address 10.90.1.44 is not available' "$errs"
is "it is undone" "$now" "$(left)"
rc "an address of elsewhere" 126 b run --rm --network one --ip 10.99.0.1 --rootfs "$R" true
is "an address of elsewhere: text" "Error: requested static ip 10.99.0.1 not in any subnet on network one" "$errs"
mkdir "$W/cni"
cat >"$W/cni/broken" <<'END'
#!/bin/sh
cat >/dev/null
[ "$CNI_COMMAND" = ADD ] || exit 0
case $HOW in
json) echo '{"cniVersion":"0.4.0","code":7,"msg":"no such luck","details":"really"}' ;;
rubbish) echo 'oh {' ;;
words) echo 'a word' >&2 ;;
big) head -c 1000000 /dev/zero | tr '\0' x >&2 ;;
esac
exit 3
END
chmod +x "$W/cni/broken"
sed 's/"name": "one"/"name": "bad"/; s/cni-podman1/cni-podman9/; s/10\.90\.1\./10.90.9./; s/"type": "tuning"/"type": "broken"/' "$W/one" >/etc/cni/net.d/bad.conflist
is "a conflist without its program is passed over" "one podman theirs two" "$(b network ls -q 2>/dev/null | xargs)"
cat >>"$BERTH_CONF" <<END
net_cni = { cni_plugin_dirs = "/usr/lib/cni $W/cni"; };
END
for how in json rubbish words big; do
	export HOW=$how
	rc "the last of a chain fails: $how" 126 b run --rm -p 8081:80 --network two --network bad --rootfs "$R" true
	has "its text: $how" 'plugin type="broken" failed (add): cni plugin broken failed' "$errs"
	is "all of it is undone: $how" "$now" "$(left)"
done
echo '{' >/etc/cni/net.d/damaged.conflist
rc "a damaged conflist" 0 b network ls
has "a damaged conflist: text" "Error loading CNI config file /etc/cni/net.d/damaged.conflist" "$errs"
rm /etc/cni/net.d/damaged.conflist
quiet b network rm bad

# ------------------------------------------------------------------ both engines
quiet p run -d --name far --network one --rootfs "$R" sleep 1000
far=$(address far one)
has "podman's container gets an address of the network" " 10.90.1." " $far"
is "and nobody has it" "" "$(for c in web peer; do address $c one; done | grep -Fx "$far")"
rc "traffic to podman's container" 0 b exec peer ping -c 1 -W 2 "$(address far one)"
rc "berth takes down what podman set up" 0 b rm -f -t 0 far
rc "podman takes down what berth set up" 0 p rm -f -t 0 web
quiet b run -d --name ours --network theirs --rootfs "$R" sleep 1000
rc "podman disconnects what berth runs" 0 p network disconnect theirs ours
rc "podman connects what berth runs" 0 p network connect one ours
rc "traffic" 0 b exec peer ping -c 1 -W 2 "$(address ours one)"
rc "berth disconnects it" 0 b network disconnect one ours

# ----------------------------------------------- definition changed or cache lost
quiet b run -d --name old -p 8082:80 --network theirs --rootfs "$R" sleep 1000
mv /etc/cni/net.d/theirs.conflist "$W/theirs"
rc "its conflist is gone" 0 b rm -f -t 0 old
mv "$W/theirs" /etc/cni/net.d/theirs.conflist
quiet b run -d --name old -p 8082:80 --network theirs --rootfs "$R" sleep 1000
echo rubbish >"$(ls /var/lib/cni/results/theirs-*)"
rc "its cache is damaged" 0 b rm -f -t 0 old
quiet b run --rm --rootfs "$R" true
quiet b rm -f -t 0 peer ours
ip link del out0
ip netns del outside
is "nothing is left in the end" "$before" "$(left)"
rc "remove" 0 b network rm one two theirs
is "the bridges are gone with them" cni-podman0 "$(ip -o link | sed -n 's/.*: \(cni-podman[0-9]*\):.*/\1/p' | xargs)"
finish
