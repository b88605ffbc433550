# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154,SC2016
# Sourced by bench.sh.  The life of containers, against podman and, where it is the runtime that
# works, against conmon and the runtime called by hand.
new="--network none --rootfs $R"

# Each takes what others made for it before: N containers in one state, used up one a run.
# PROGRAM NAME: a script that does OPERATION to the next container of its own.
next() {
	script "$1" "read -r n <$W/$1.n; echo \$((n + 1)) >$W/$1.n; exec $2 $1-\$n"
	echo 0 >"$W/$1.n"
}
# supply PREFIX COMMAND...: containers for all runs, and the one that does not count.
supply() {
	prefix=$1
	shift
	i=0
	while [ $i -le "$runs" ]; do
		quiet b "$@" --name "$prefix-$i" --network none --rootfs "$R" sleep 1000
		i=$((i + 1))
	done
}
# operation NAME HOW-TO-MAKE OPERATION...
operation() {
	what=$1 make=$2
	shift 2
	for engine in berth podman; do
		# shellcheck disable=SC2086
		supply "$engine-$what" $make
	done
	next "berth-$what" "$BERTH $*"
	next "podman-$what" "$podman $*"
	bench "$what" "$runs" berth "$W/berth-$what" podman "$W/podman-$what"
	quiet b rm -f -a -t 0
}

bench "create" "$runs" berth "$BERTH create $new true" podman "$podman create $new true"
quiet b rm -a
operation start create start
operation stop "run -d" stop -t 0
operation rm create rm
operation rm-f "run -d" rm -f -t 0
for engine in "$BERTH" "$podman"; do
	case $engine in "$BERTH") name=berth ;; *) name=podman ;; esac
	script "many-$name" "for i in \$(seq ${MANY:-100}); do $engine run -d $new true & done; wait; $engine rm -af"
done
bench "${MANY:-100} at once: run -d (podman at least x2)" "${MANY_RUNS:-1}" \
	berth "$W/many-berth" podman "$W/many-podman"

quiet b run -d --name talk --network none --rootfs "$R" \
	sh -c 'yes "a line of a log, of ordinary length, as programs write them" | head -c 100000000'
quiet b wait talk
bench "logs, 100 MB (podman at least x5)" 3 berth "$BERTH logs talk" podman "$podman logs talk"
quiet b rm talk

# What a runtime is given: the bundle of a container that berth has made.
quiet b create --name model --network none --rootfs "$R" true
quiet b init model
dir=$(dirname "$(find /var/lib/containers/storage/overlay-containers -name config.json | head -n 1)")
mkdir "$W/bundle-without" "$W/bundle-with" "$W/bundle-none"
jq 'del(.linux.cgroupsPath)' "$dir/config.json" >"$W/bundle-without/config.json"
given_filter "$dir" >"$W/filter"
jq --rawfile filter "$W/filter" '.annotations["run.oci.seccomp_bpf_data"] = $filter' \
	"$W/bundle-without/config.json" >"$W/bundle-with/config.json"
jq 'del(.linux.seccomp)' "$W/bundle-without/config.json" >"$W/bundle-none/config.json"
crun=$(command -v crun)
bench "run --rm ... true (floor: conmon and crun by hand; plain: with the profile as it is, at most x1.10; compiled: at most x0.80 of that)" \
	"$runs" \
	"floor, plain profile" "$top_builddir/bench_floor $crun $W/bundle-without $W" \
	"floor, compiled" "$top_builddir/bench_floor $crun $W/bundle-with $W" \
	"floor, no filter" "$top_builddir/bench_floor $crun $W/bundle-none $W" \
	"berth" "$BERTH run --rm $new true" \
	"berth, unconfined" "$BERTH run --rm --security-opt seccomp=unconfined $new true" \
	podman "$podman run --rm $new true"
quiet b rm -f -t 0 model # until here, for the bundle mounts files of its own

# exec: the floor is the same conmon with the same kind of process description.
quiet b run -d --name long --network none --rootfs "$R" sleep 1000
id=$(b inspect --format '{{.Id}}' long)
echo '{"cwd":"/","args":["true"],"env":["PATH=/bin"],"user":{"uid":0,"gid":0}}' >"$W/process.json"
bench "exec ... true (floor: conmon and crun by hand, at most x1.15)" "$runs" \
	floor "$top_builddir/bench_floor $crun $W $W $id $W/process.json" \
	berth "$BERTH exec long true" podman "$podman exec long true"
quiet b rm -f -t 0 long
