#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One event log, two programs: what podman writes, `berth events` must show as podman does,
# and the reverse; and nobody may lose a line when several write at once.
# Needs root, podman 4, a static busybox, and berth with the plugin for podman's database.
set -eu

here=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}/tests
build=${top_builddir:-.}
tool=$build/tests/compat/storage_tool

if [ "${1:-}" != inside ]; then
	command -v podman >/dev/null || { echo "storage_events: podman is not there"; exit 77; }
	case $(podman --version) in
	*' 4.'*) ;;
	*) echo "storage_events: needs podman 4, has $(podman --version)"; exit 77 ;;
	esac
	if [ ! -e "$build/.libs/state_boltdb.so" ]; then
		echo "storage_events: needs the state plugin boltdb"
		exit 77
	fi
	exec sh "$here/lib/private-host" sh "$0" inside
fi

export BERTH_PLUGIN_PATH="$build/.libs"
printf '[engine]\nevents_logger="file"\n' >/etc/containers/containers.conf
rootfs=/run/rootfs
log=/run/libpod/events/events.log

fail() { echo "FAIL: $*"; exit 1; }
backend="file"
ours() { "${BERTH:-$build/berth}" --events-backend $backend events "$@"; }
theirs() { podman events "$@"; }
# Both programs, same arguments, same output.
same() {
	theirs --stream=false "$@" >/run/theirs 2>/run/theirs.err || fail "podman events $*: $(cat /run/theirs.err)"
	ours --stream=false "$@" >/run/ours || fail "berth events $* failed"
	diff /run/theirs /run/ours || fail "events $*: podman (<) and berth (>) differ"
	[ "${empty:-no}" = yes ] || [ -s /run/ours ] || fail "events $*: there are none"
}
both() {
	same
	same --format json
	same --no-trunc=false
	same --format '{{.Time}}|{{.Type}}|{{.Status}}|{{.ID}}|{{.Name}}|{{.Image}}|{{.ContainerExitCode}}|{{.Attributes}}|{{.PodID}}|{{.Network}}|{{.HealthStatus}}'
	same --filter event=died
	same --filter status=died --filter type=container
	same --filter type=pod
	# podman 4 looks for the name in the ID, which volumes do not have.
	[ "$(ours --stream=false --filter "volume=$1" --format '{{.Name}}' | sort -u)" = "$1" ] ||
		fail "--filter volume=$1"
	same --filter container="$1" --filter container=other
	same --filter pod="$1"
	same --since 1h --filter type=volume
	empty=yes
	same --filter label=nothing
	same --filter type=image
	same --since 2030-01-01
	empty=no
}

sh "$here/lib/mkrootfs" "$rootfs"

# --- podman's events.  One label: podman's order of several is random.
podman create --name one --label l=v --rootfs "$rootfs" sh -c 'exit 9' >/dev/null
podman start -a one || :
podman create --name other --rootfs "$rootfs" true >/dev/null
podman pod create --name one-pod --infra=false >/dev/null
podman volume create one >/dev/null
podman pod rm one-pod >/dev/null
podman pod create --name one --infra=false 2>/dev/null && fail "podman gave a name twice"
podman rm one other >/dev/null
podman pod create --name one --infra=false >/dev/null
both one
same --filter label=l=v

# --- ours
podman pod rm one >/dev/null
rm "$log"
"$tool" /run/libpod file events mine 3
theirs --stream=false --format '{{.Name}} {{.Status}} {{.ContainerExitCode}}' >/run/out
printf 'mine%s\n' '0 died 7' '0 create 0' '0 remove 0' '1 died 7' '1 create 0' '1 remove 0' \
	'2 died 7' '2 create 0' '2 remove 0' >/run/want
printf ' renumber 0\n' >>/run/want
diff /run/want /run/out || fail "podman does not read our events"
both mine1
same --filter 'label=from=berth <&>'

# --- both at once
rm "$log"
jobs=
for i in 1 2 3 4; do
	"$tool" /run/libpod file events "b$i-" 50 &
	jobs="$jobs $!"
	(for k in 1 2 3 4 5; do podman volume create "p$i-$k" || exit 1; done >/dev/null) &
	jobs="$jobs $!"
done
for job in $jobs; do wait "$job" || fail "a writer failed"; done
[ "$(wc -l <"$log")" = $((4 * (3 * 50 + 1) + 20)) ] || fail "$(wc -l <"$log") lines"
same --filter type=volume
[ "$(ours --stream=false --filter event=create --filter type=volume | wc -l)" = 20 ] ||
	fail "podman's events are lost"

# --- a log that we cut is podman's still
"$tool" /run/libpod file events "cut" 100 20000
[ "$(stat -c %s "$log")" -lt 20000 ] || fail "the log was not cut"
same --filter type=system
ours --stream=false --format '{{.Name}} {{.Status}}' | grep -q "^$log log-rotation$" || fail "no mark of the cut"
both cut99

# --- waiting for more
ours --format '{{.Name}}' >/run/stream &
reader=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	podman volume create "new$_" >/dev/null
	[ ! -s /run/stream ] || break
	sleep 0.2
done
kill $reader
grep -q '^new' /run/stream || fail "nothing was shown while waiting"
ours --until 1s >/run/out # comes back
grep -q 'volume create new' /run/out || fail "--until shows nothing"

# --- the same in the journal, where there is one
backend=none
ours --stream=false >/run/out 2>&1 && fail "reads the backend none"
journald=/lib/systemd/systemd-journald
if [ -x $journald ] && command -v journalctl >/dev/null; then
	backend=journald
	printf '[engine]\nevents_logger="journald"\n' >/etc/containers/containers.conf
	mkdir -p /run/systemd/journal /run/log/journal
	$journald >/dev/null 2>&1 &
	journal=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -S /run/systemd/journal/socket ] || break
		sleep 0.2
	done
	podman create --name jay --label l=v --rootfs "$rootfs" sh -c 'exit 9' >/dev/null
	podman start -a jay || :
	"$tool" /run/libpod journald events ours 2
	# What was sent is not there at once.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		! journalctl -q SYSLOG_IDENTIFIER=podman | grep -q renumber || break
		sleep 0.2
	done
	same
	same --format json
	same --filter container=ours1
	same --filter label=l=v --filter event=died --format '{{.ContainerExitCode}}'
	grep -qx 9 /run/ours || fail "the exit code is lost in the journal"
	ours --format '{{.Name}}' >/run/stream &
	reader=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		podman volume create "next$_" >/dev/null
		[ ! -s /run/stream ] || break
		sleep 0.5
	done
	kill $reader
	grep -q '^next' /run/stream || fail "nothing was shown while waiting for the journal"
	! grep -q ours1 /run/stream || fail "showed what was over"
	ours --until 1s >/run/out
	grep -q 'container died .*name=jay' /run/out || fail "--until shows nothing of the journal"
	kill $journal
else
	echo "storage_events: no journal here, so that part is left out"
fi
echo ok
