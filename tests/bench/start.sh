# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Sourced by bench.sh.  Commands that start no container.
bench "start (empty: a C program linked to the same libraries; ps under x3)" "$runs" \
	empty "$top_builddir/bench_empty" version "$BERTH version" \
	"ps, empty store" "$BERTH ps -a"
part "ps on an empty store, part by part"
b --log-level=debug ps -a 2>&1 >"$W/quiet" | sed -n 's/.*msg="\(.* in [0-9.]* ms.*\)" at=.*/  \1/p'
bench "version" "$runs" berth "$BERTH version" podman "$podman version"
quiet podman ps
for n in 0 100 1000; do
	while [ "$(b ps -aq | wc -l)" -lt "$n" ]; do
		quiet b create --name "c$(b ps -aq | wc -l)" --network none --rootfs "$R" sleep 1000
	done
	bench "ps -a, $n containers (podman at least x20, memory x6)" "$runs" \
		berth "$BERTH ps -a" podman "$podman ps -a"
	bench "ps, none of $n running" "$runs" berth "$BERTH ps" podman "$podman ps"
done
bench "inspect NAME, 1000 containers" "$runs" berth "$BERTH inspect c500" \
	podman "$podman inspect c500"
quiet b rm -a
