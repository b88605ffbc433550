#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# berth against podman and against the bare floor of conmon and crun, in one run on one
# machine: wall time and peak memory.  RUNS says how often each is run (15).
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }
runs=${RUNS:-15}
podman="podman --cgroup-manager cgroupfs --events-backend file"
bench() { echo "$1"; shift; "$top_builddir/bench_run" "$@" || exit 1; }

bench "version" "$runs" berth "exec $BERTH version" podman "exec $podman version"
quiet podman ps
for n in 0 100 1000; do
	while [ "$(b ps -aq | wc -l)" -lt "$n" ]; do
		quiet b create --name "c$(b ps -aq | wc -l)" --network none --rootfs "$R" sleep 1000
	done
	bench "ps -a, $n containers" "$runs" berth "exec $BERTH ps -a" podman "exec $podman ps -a"
	bench "ps, none of $n running" "$runs" berth "exec $BERTH ps" podman "exec $podman ps"
done
bench "inspect NAME, 1000 containers" "$runs" berth "exec $BERTH inspect c500" \
	podman "exec $podman inspect c500"
bench "create" "$runs" berth "exec $BERTH create --network none --rootfs $R true" \
	podman "exec $podman create --network none --rootfs $R true"
quiet b rm -a

quiet b create --name model --network none --rootfs "$R" true
quiet b init model
bundle=$W/bundle
mkdir "$bundle"
dir=$(dirname "$(find /var/lib/containers/storage/overlay-containers -name config.json | head -n 1)")
jq 'del(.linux.cgroupsPath)' "$dir/config.json" >"$bundle/config.json"
bench "run --rm ... true (floor: conmon and crun by hand)" "$runs" \
	floor "exec $top_builddir/bench_floor $(command -v crun) $bundle $W" \
	berth "exec $BERTH run --rm --network none --rootfs $R true" \
	podman "exec $podman run --rm --network none --rootfs $R true"
quiet b rm model
