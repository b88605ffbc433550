#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network_slirp: the network mode slirp4netns: how the program is called, what goes through it,
# how it ends, and podman on the same containers.
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-net.sh"
for tool in slirp4netns podman python3 jq nsenter ip; do
	command -v $tool >/dev/null || { echo "needs the program $tool"; exit 77; }
done
net_files
printf 'nameserver fd00:1::1\n' >>"$W/resolv.conf"
chmod 0755 "$W" # for containers with a user namespace
ip address add 192.0.2.10/24 dev lo

# The programs, with notes of how they are called.
cat >"$W/slirp4netns" <<END
#!/bin/sh
[ "\$1" = --help ] || echo "\$*" >>"$W/called"
exec $(command -v slirp4netns) "\$@"
END
mkdir "$W/helpers"
for dir in /usr/libexec/podman /usr/lib/podman; do
	[ ! -x $dir/rootlessport ] || rootlessport=$dir/rootlessport
done
cat >"$W/helpers/rootlessport" <<END
#!/bin/sh
cat >"$W/stdin"
exec ${rootlessport:-false} "\$@" <"$W/stdin"
END
chmod +x "$W/slirp4netns" "$W/helpers/rootlessport"
cp "$BERTH_CONF" "$W/plain.conf"
cat >>"$BERTH_CONF" <<END
network_cmd_path = "$W/slirp4netns";
helper_binaries_dir = [ "$W/helpers" ];
END
cat >"$W/containers.conf" <<END
[engine]
network_cmd_path = "$W/slirp4netns"
helper_binaries_dir = [ "$W/helpers" ]
END
export CONTAINERS_CONF="$W/containers.conf"

# What differs from run to run.
same() { sed -E 's/netns-[-0-9a-f]{36}/NETNS/g; s/[0-9a-f]{64}/ID/g; s/[0-9a-f]{12}/SHORT/g'; }
called() { same <"$W/called"; rm -f "$W/called"; }
programs() { find /proc -maxdepth 2 -name exe -printf '%l %p\n' 2>/dev/null | grep -E '^[^ ]*/(slirp4netns|rootlessport) '; }
no_programs() { [ -z "$(programs)" ]; }
left() { find /run/netns /run/libpod -name 'netns-*' -o -name '*.net' -o -name 'slirp4netns*' 2>/dev/null; }
nothing_left() { [ -z "$(left)" ]; }
ended() { # WHAT
	until_true no_programs
	until_true nothing_left
	is "$1: no namespace, no socket" "" "$(left)"
}
netns() { b inspect --format '{{.NetworkSettings.SandboxKey}}' "$1"; }

# --------------------------------------------------------------- as podman does it
show='cat /etc/hosts /etc/resolv.conf; ip -4 -o address show tap0 | sed "s/.*inet //; s/ .*//"; cat /sys/class/net/tap0/mtu /proc/sys/net/ipv6/conf/default/accept_dad'
for options in "" :cidr=10.7.0.0/24,mtu=1400,allow_host_loopback=true,enable_ipv6=false,outbound_addr=lo; do
	theirs=$(podman run --rm --name c --network "slirp4netns$options" --rootfs "$R" sh -c "$show" | same; called)
	is "'$options': files, addresses, call" "$theirs" "$(b run --rm --name c --network "slirp4netns$options" --rootfs "$R" sh -c "$show" | same; called)"
done
is "dns of the user" "nameserver 192.0.2.99" "$(b run --rm --network slirp4netns --dns 192.0.2.99 --dns-search . --rootfs "$R" cat /etc/resolv.conf)"
ended "after runs"

fails() { # TEXT OPTION ARG...
	text=$1 option=$2
	shift 2
	rc "$option" 126 b run --rm --network "slirp4netns:$option" "$@" --rootfs "$R" true
	is "$option: text" "Error: $text" "$errs"
}
# All texts of options are in tests/unit/test_slirp.c.
fails 'invalid cidr "abc"' cidr=abc
fails 'unknown option for slirp4netns: ""' ""
fails "$W/slirp4netns failed: \"prefix length needs to be 1-25\\nWARNING: Support for seccomp is experimental\\nWARNING: Support for IPv6 is experimental\\n\"" cidr=10.7.0.0/29
fails 'from slirp4netns while setting up port redirection: map[desc:bad request: add_hostfwd: bad arguments.proto]' port_handler=slirp4netns -p 8081:80/sctp
ended "after failures"
rc "with a network" 125 b create --network slirp4netns --network podman --rootfs "$R" true
is "with a network: text" "Error: cannot set multiple networks without bridge network mode, selected mode slirp4netns: invalid argument" "$errs"
rc "with an address" 125 b create --network slirp4netns --ip 10.0.2.50 --rootfs "$R" true
rc "a program that is not there" 127 b --network-cmd-path "$W/nosuch" run --network slirp4netns --rootfs "$R" true
has "a program that is not there: text" "checking slirp4netns binary $W/nosuch" "$errs"
printf '#!/bin/sh\n[ "$1" = --help ] || exit 3' >"$W/old"
chmod +x "$W/old"
rc "a program that can do little" 126 b --network-cmd-path "$W/old" run --network slirp4netns --rootfs "$R" true
is "a program that can do little: text" "Error: enable_ipv6 not supported" "$errs"
printf '#!/bin/sh\nif [ "$1" = --help ]; then echo --enable-ipv6; else kill -9 $$; fi' >"$W/old"
rc "a program that is killed" 126 b --network-cmd-path "$W/old" run --network slirp4netns --rootfs "$R" true
is "a program that is killed: text" "Error: $W/old killed by signal" "$errs"
quiet b rm -af
cp "$BERTH_CONF" "$W/with.conf"
echo 'network_cmd_options = [ "mtu=1300", "cidr=10.9.0.0/24" ];' >>"$BERTH_CONF"
is "options of the configuration come first" "10.9.0.100/24 1350" "$(b run --rm --network slirp4netns:mtu=1350 --rootfs "$R" sh -c "$show" | tail -n 3 | head -n 2 | xargs)"
cp "$W/with.conf" "$BERTH_CONF"

# ----------------------------------------------------------------- what goes through
serve='while :; do nc -l -p 80 -e echo served; done'
echo_udp='import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 53))
while True:
    data, peer = s.recvfrom(100)
    s.sendto(b"echo " + data, peer)'
ask_udp='import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.3)
s.sendto(b"hello", ("127.0.0.1", int(sys.argv[1])))
print(s.recv(100).decode())'
busybox nc -ll -p 8000 -e echo of the host &
server=$!
loopback() { b run --rm --network "slirp4netns:allow_host_loopback=$1" --rootfs "$R" timeout 5 nc -w 5 10.0.2.2 8000 </dev/null 2>/dev/null; }
is "the host's loopback, when it may" "of the host" "$(loopback true)"
is "and when it may not" "" "$(loopback false)"
tcp() { timeout 3 busybox nc -w 2 127.0.0.1 8080 </dev/null 2>/dev/null; }
reached() { [ "$(tcp)" = served ]; }
published() { # WHAT
	until_true reached
	nsenter --net="$(netns c)" python3 -c "$echo_udp" &
	udp=$!
	until_true python3 -c "$ask_udp" 5353
	is "$1: udp" "echo hello" "$(python3 -c "$ask_udp" 5353)"
	kill $udp
	wait $udp 2>/dev/null
}
for handler in rootlesskit slirp4netns; do
	rm -f "$W/stdin"
	quiet b run -d --name c --network slirp4netns:port_handler=$handler,cidr=10.7.0.0/24,allow_host_loopback=true -p 8080:80 -p 127.0.0.1:5353:53/udp --rootfs "$R" sh -c "$serve"
	published "$handler"
	[ $handler = rootlesskit ] && [ "${rootlessport:-}" ] &&
		is "what rootlessport is told" '{"Mappings":[{"host_ip":"","container_port":80,"host_port":8080,"range":1,"protocol":"tcp"},{"host_ip":"127.0.0.1","container_port":53,"host_port":5353,"range":1,"protocol":"udp"}],"NetNSPath":"/run/netns/NETNS","ExitFD":3,"ReadyFD":4,"TmpDir":"/run/libpod","ChildIP":"10.7.0.100","ContainerID":"ID","RootlessCNI":false}' "$(same <"$W/stdin")"
	rc "a port that is taken" 126 b run --rm --network slirp4netns:port_handler=$handler -p 8080:80 --rootfs "$R" true
	quiet b restart -t 0 c
	until_true reached
	is "port" "80/tcp -> 0.0.0.0:8080
53/udp -> 127.0.0.1:5353" "$(b port c)"
	quiet b rm -f -t 0 c
	ended "$handler, removed"
done
kill $server

# Without podman's helper slirp4netns forwards; and who looks into the namespace is left alone.
cp "$BERTH_CONF" "$W/with.conf"
sed -i "s|^helper_binaries_dir.*|helper_binaries_dir = [ \"$W/none\" ];|" "$BERTH_CONF"
rm -f "$W/stdin"
quiet b run -d --name c --network slirp4netns -p 8080:80 --rootfs "$R" sh -c "$serve"
until_true reached
rc "no helper: it was not asked" 1 test -e "$W/stdin"
rc "no helper: slirp4netns was" 0 test -S "/run/libpod/$(b inspect --format '{{.Id}}' c).net"
sh -c 'sleep 1000; :' "$(netns c)" &
looks=$!
quiet b rm -f -t 0 c
ended "no helper"
kill $looks
wait $looks 2>/dev/null
is "no program of the namespace: it ended by our signal" 143 $?
cp "$W/with.conf" "$BERTH_CONF"

# -------------------------------------------------------- the document, and podman
quiet b create --name ours --network slirp4netns:mtu=1400,enable_ipv6=false -p 8080:80 --rootfs "$R" sh -c "$serve"
quiet podman create --name theirs --network slirp4netns:mtu=1400,enable_ipv6=false -p 8080:80 --rootfs "$R" sh -c "$serve"
document() {
	b state dump | jq -c "select(.kind == \"container\" and .name == \"$1\") | .config |
		[.createNetNS, .networkMode, .network_options, .newPortMappings, .postConfigureNetNS]"
}
is "the document" "$(document theirs)" "$(document ours)"
is "the options in it" '{"slirp4netns":["mtu=1400","enable_ipv6=false"]}' "$(b state dump | jq -c 'select(.name == "ours") | .config.network_options')"
settings() { "$@" | same; }
format='{{json .NetworkSettings}} {{json .HostConfig.NetworkMode}} {{json .HostConfig.PortBindings}}'
for pair in "b podman ours" "podman $BERTH theirs"; do
	set -- $pair
	quiet "$2" start "$3"
	until_true reached
	is "$3: inspect" "$(settings podman inspect --format "$format" "$3")" "$(settings b inspect --format "$format" "$3")"
	quiet "$1" stop -t 0 "$3"
	ended "$3, stopped by the other"
	[ "$1" = b ] || continue
	quiet "$1" start "$3"
	until_true reached
	quiet "$2" rm -f -t 0 "$3"
	ended "$3, removed by the other"
done
quiet b run -d --name c --network slirp4netns --rootfs "$R" sleep 1000
for does in "connect podman c" "disconnect podman c" "reload c"; do
	rc "network $does" 125 b network $does
	is "network $does: text" 'Error: "slirp4netns" is not supported: invalid network mode' "$errs"
done
is "shared" "10.0.2.100/24" "$(b run --rm --network container:c --rootfs "$R" sh -c "$show" | grep /24)"

# -------------------------------------------------------------------------- ends
quiet b kill c
ended "killed"
quiet b start c
kill -9 "$(b inspect --format '{{.State.ConmonPid}}' c)"
until_true no_programs
quiet b rm -f -t 0 c
ended "without a monitor"
rc "no command" 127 b run --network slirp4netns -p 8080:80 --rootfs "$R" nosuch
ended "no command"
quiet podman rm -af
quiet b run -d --name c --restart always --network slirp4netns -p 8080:80 --rootfs "$R" sh -c 'nc -l -p 80 -e echo served'
until_true reached
until_true reached # of its next run
quiet b rm -f -t 0 c
ended "restarts"
quiet b run -d --name c --uidmap 0:1000:1000 --network slirp4netns -p 8080:80 --rootfs "$R" sh -c "$serve"
until_true reached
has "with a user namespace: a process is told" "tap0" "$(called | tail -n 1 | grep -E -- '-r 4 [0-9]+ tap0')"
is "with a user namespace: hosts" "10.0.2.100	SHORT c" "$(b exec c cat /etc/hosts | same | tail -n 1)"
quiet b rm -f -t 0 c
ended "with a user namespace"

# ------------------------------------------------------------ failures, and kills
quiet b create --name c --network slirp4netns -p 8080:80 --rootfs "$R" sh -c "$serve"
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
points="slirp.ready=KILL oci.create=KILL oci.start=EIO"
[ -z "${BERTH_TEST_LONG:-}" ] ||
	points="$points slirp.ready=EIO slirp.start=EIO slirp.start=KILL slirp.forwarded=EIO slirp.forwarded=KILL
		ctr.networked=EIO ctr.networked=KILL oci.create=EIO oci.start=KILL"
for point in $points; do
	BERTH_FAULT=$point "$BERTH" start c >"$W/out" 2>&1 </dev/null && wrong "start, $point"
	b container cleanup c >/dev/null 2>&1
	b stop -t 0 c >/dev/null 2>&1
	ended "start, $point"
done
quiet b start c
until_true reached
quiet b rm -f -t 0 c
ended "the end"
finish
