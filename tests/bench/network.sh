# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Sourced by bench.sh.  Containers on the default network, against podman and against conmon,
# the runtime and netavark called by hand.
netavark=/usr/lib/podman/netavark
[ -x "$netavark" ] || netavark=$(command -v netavark || echo /usr/libexec/podman/netavark)
sed 's/^NetworkBackend.*/NetworkBackend = "netavark";/' "$W/berth.conf" >"$W/netavark.conf"
netberth="env BERTH_CONF=$W/netavark.conf $BERTH"
netpodman="$podman --network-backend netavark"

# The document that netavark gets: one bridge, as podman's default network is.
cat >"$W/setup.json" <<END
{"container_id":"floor","container_name":"floor",
"networks":{"podman":{"static_ips":["10.88.255.1"],"interface_name":"eth0"}},
"network_info":{"podman":{"name":"podman","id":"2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9","driver":"bridge","network_interface":"podman0","created":"2026-01-01T00:00:00Z","subnets":[{"subnet":"10.88.0.0/16","gateway":"10.88.0.1"}],"ipv6_enabled":false,"internal":false,"dns_enabled":false,"ipam_options":{"driver":"host-local"}}}}
END
script setup "ip netns add floor && exec $netavark --config $W setup /run/netns/floor <$W/setup.json"
script teardown "$netavark --config $W teardown /run/netns/floor <$W/setup.json; exec ip netns delete floor"

# shellcheck disable=SC2086
quiet $netberth create --name model --rootfs "$R" true
# shellcheck disable=SC2086
quiet $netberth init model
dir=$(dirname "$(find /var/lib/containers/storage/overlay-containers -name config.json | head -n 1)")
mkdir "$W/net-bundle"
given_filter "$dir" >"$W/net-filter"
jq --rawfile filter "$W/net-filter" 'del(.linux.cgroupsPath) |
	.annotations["run.oci.seccomp_bpf_data"] = $filter |
	(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/floor"' \
	"$dir/config.json" >"$W/net-bundle/config.json"
export FLOOR_SETUP="$W/setup" FLOOR_TEARDOWN="$W/teardown"
bench "run --rm ... true, default network (floor: conmon, crun and netavark by hand, at most x1.10)" \
	"$runs" \
	floor "$top_builddir/bench_floor $(command -v crun) $W/net-bundle $W" \
	berth "$netberth run --rm --rootfs $R true" \
	podman "$netpodman run --rm --rootfs $R true"
unset FLOOR_SETUP FLOOR_TEARDOWN
# shellcheck disable=SC2086
quiet $netberth rm -f -t 0 model # until here, for the bundle mounts files of its own

for engine in "$netberth" "$netpodman"; do
	case $engine in "$netberth") name=berth ;; *) name=podman ;; esac
	script "net-$name" "$engine network create many-$name || exit 1
for i in \$(seq ${ON_ONE:-50}); do $engine run -d --network many-$name --rootfs $R sleep 1000 & done
wait
$engine rm -f -a -t 0
$engine network rm many-$name"
done
bench "${ON_ONE:-50} containers on one network, begun at once, then removed" "${MANY_RUNS:-1}" \
	berth "$W/net-berth" podman "$W/net-podman"
