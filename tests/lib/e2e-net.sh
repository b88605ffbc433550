# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced behind e2e.sh by the end-to-end tests of networks.
#
#   net_begin     networks by netavark; hosts and resolv.conf of the host are the test's
#   leftovers     everything that a container may leave behind on this host
net_begin() {
	sed -i 's/^NetworkBackend = .*/NetworkBackend = "netavark";/' "$BERTH_CONF"
	for tool in ip iptables-save podman; do
		command -v $tool >/dev/null || { echo "needs the program $tool"; exit 77; }
	done
	[ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] ||
		{ echo "needs the program netavark"; exit 77; }
	net_files
}
net_files() {
	printf '127.0.0.1 localhost\n' >"$W/hosts"
	printf 'search example.test\nnameserver 192.0.2.53\n' >"$W/resolv.conf"
	mount --bind "$W/hosts" /etc/hosts
	mount --bind "$W/resolv.conf" "$(readlink -f /etc/resolv.conf)"
}
leftovers() {
	ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/link \1/'
	iptables-save | grep -E 'dport|-[sd] 10\.' || :
	ls /run/netns 2>/dev/null || :
	ls /run/containers/networks/aardvark-dns 2>/dev/null || :
}
