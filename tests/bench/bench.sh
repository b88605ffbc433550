#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# berth against podman, against the bare floor of conmon and a runtime, and against the libraries
# that it uses, in one run on one machine: wall time and peak memory, as ratios.  Whoever reads
# the table judges; nothing here passes or fails.
#
#   bench.sh [PART...]     start, state, containers, network, locks; all without a name
#
# RUNS says how often each command is run (15), TURNS how often a loop (9).
# shellcheck disable=SC2154,SC2034,SC1090
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }
runs=${RUNS:-15}
podman="podman --cgroup-manager cgroupfs --events-backend file"
part() { echo "$1"; }
bench() { part "$1"; shift; "$top_builddir/bench_run" "$@" || exit 1; }

# The compiled filter that crun was given for the container of this bundle; berth has taken it
# out again.
given_filter() { base64 -w 0 "/run/crun/$(basename "$(dirname "$1")")/seccomp.bpf"; }

# Rows of which a shell is a part: a script, executed by name.
script() {
	printf '#!/bin/sh\n%s\n' "$2" >"$W/$1"
	chmod +x "$W/$1"
}

[ $# -gt 0 ] || set -- start state containers network locks
for name; do
	[ -e "$top_srcdir/tests/bench/$name.sh" ] || { echo "no part is called $name"; exit 2; }
done
for name; do
	echo "== $name, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
	. "$top_srcdir/tests/bench/$name.sh"
done
