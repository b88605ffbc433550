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

# Rows of which a shell is a part: a script, executed by name.
script() {
	printf '#!/bin/sh\n%s\n' "$2" >"$W/$1"
	chmod +x "$W/$1"
}

bench "start (empty: a C program linked to the same libraries)" "$runs" \
	empty "$top_builddir/bench_empty" version "$BERTH version" \
	"ps, empty store" "$BERTH ps -a"
echo "ps on an empty store, part by part"
b --log-level=debug ps -a 2>&1 >"$W/quiet" | sed -n 's/.*msg="\(.* in [0-9.]* ms.*\)" at=.*/  \1/p'
bench "version" "$runs" berth "$BERTH version" podman "$podman version"
quiet podman ps
for n in 0 100 1000; do
	while [ "$(b ps -aq | wc -l)" -lt "$n" ]; do
		quiet b create --name "c$(b ps -aq | wc -l)" --network none --rootfs "$R" sleep 1000
	done
	bench "ps -a, $n containers" "$runs" berth "$BERTH ps -a" podman "$podman ps -a"
	bench "ps, none of $n running" "$runs" berth "$BERTH ps" podman "$podman ps"
done
bench "inspect NAME, 1000 containers" "$runs" berth "$BERTH inspect c500" \
	podman "$podman inspect c500"
bench "create" "$runs" berth "$BERTH create --network none --rootfs $R true" \
	podman "$podman create --network none --rootfs $R true"
quiet b rm -a

for engine in "$BERTH" "$podman"; do
	case $engine in "$BERTH") name=berth ;; *) name=podman ;; esac
	new="--network none --rootfs $R"
	script "start-$name" "id=\$($engine create $new true); $engine start -a \$id; $engine rm \$id"
	script "stop-$name" "id=\$($engine run -d $new sleep 100); $engine stop -t 0 \$id; $engine rm \$id"
	script "many-$name" "for i in \$(seq ${MANY:-100}); do $engine run -d $new true & done; wait; $engine rm -af"
done
bench "create, start -a, rm" "$runs" berth "$W/start-berth" podman "$W/start-podman"
bench "run -d, stop -t 0, rm" "$runs" berth "$W/stop-berth" podman "$W/stop-podman"
bench "${MANY:-100} at once: run -d" 1 berth "$W/many-berth" podman "$W/many-podman"

quiet b run -d --name long --network none --rootfs "$R" sleep 1000
bench "exec ... true" "$runs" berth "$BERTH exec long true" podman "$podman exec long true"
quiet b rm -f -t 0 long
quiet b run --name talk --network none --rootfs "$R" \
	sh -c 'yes "a line of a log, of ordinary length, as programs write them" | head -c 100000000'
bench "logs, 100 MB" 3 berth "$BERTH logs talk" podman "$podman logs talk"
quiet b rm talk

quiet b create --name model --network none --rootfs "$R" true
quiet b init model
bundle=$W/bundle
mkdir "$bundle"
dir=$(dirname "$(find /var/lib/containers/storage/overlay-containers -name config.json | head -n 1)")
jq 'del(.linux.cgroupsPath)' "$dir/config.json" >"$bundle/config.json"
bench "run --rm ... true (floor: conmon and crun by hand)" "$runs" \
	floor "$top_builddir/bench_floor $(command -v crun) $bundle $W" \
	berth "$BERTH run --rm --network none --rootfs $R true" \
	podman "$podman run --rm --network none --rootfs $R true"
quiet b rm model
