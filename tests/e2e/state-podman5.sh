#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What podman 4.3 kept in bolt_state.db, and what podman 5.4 kept in db.sql, moved through other
# stores and given to podman 5.4, which reads db.sql: it lists, inspects and removes all of it.
# Then the same for containers that the podman of this host and berth made, moved with `berth state
# migrate` as on a host that was updated, and back again for those that podman 5.4 made.
# Needs a tree with Debian trixie (tests/lib/podman5), so this is a part of check-long.
[ "${IN_PRIVATE_HOST:-}" ] || "$top_srcdir/tests/lib/podman5" --setup || exit
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/e2e-state.sh"
need_stores boltdb sqlite lmdb
"$top_srcdir/tests/lib/podman5" --version >"$W/version" || { cat "$W/version"; exit 77; }
podman5() {
	"$top_srcdir/tests/lib/podman5" --run env PODMAN_IGNORE_CGROUPSV1_WARNING=1 podman --db-backend sqlite \
		--cgroup-manager cgroupfs --events-backend file "$@"
}
podman4() { podman --cgroup-manager cgroupfs --events-backend file "$@"; }
# podman 5 complains of images and layers that are not there, of which records can know nothing.
p() { podman5 --root "$C/root" --runroot "$C/run" --tmpdir "$C/tmp" "$@" 2>"$W/complaints"; }
sorted() { LC_ALL=C sort | words; }

# named KIND: the names of the records of that kind in the dump.
named() { jq -r "select(.kind == \"$1\") | .name" "$W/dump" | sorted; }

give_podman() { give "$@" sqlite root/db.sql; }
# Everything that is in $W/dump is listed and can be removed.  Containers can only be inspected
# where their layers are, below.
accepted() { # WHAT
	is "$1: containers" "$(named container)" "$(p ps -a --external=false --format '{{.Names}}' | sorted)"
	is "$1: pods" "$(named pod)" "$(p pod ps --format '{{.Name}}' | sorted)"
	is "$1: volumes" "$(named volume)" "$(p volume ls -q | sorted)"
	# shellcheck disable=SC2046
	is "$1: inspect pods" "$(named pod)" "$(for pod in $(named pod); do p pod inspect --format '{{.Name}}' "$pod"; done | sorted)"
	# shellcheck disable=SC2046
	is "$1: inspect volumes" "$(named volume)" "$(p volume inspect --format '{{.Name}}' $(named volume) | sorted)"
	rc "$1: remove pods" 0 p pod rm -f -a
	# It removes several at once, and passes in silence over one whose dependents are there still.
	quiet p rm -f -a
	rc "$1: remove containers" 0 p rm -f -a
	rc "$1: remove volumes" 0 p volume rm -f -a
	is "$1: nothing is left" "" "$(b state dump --from "sqlite:$C/root/db.sql" | jq -r 'select(.kind | IN("container", "pod", "volume")) | .name')"
	rc "$1: the store is whole" 0 b state check --from "sqlite:$C/root/db.sql"
}
for via in boltdb lmdb; do
	give_podman boltdb podman-4.3/bolt_state.db $via
	accepted "of podman 4.3 by $via"
	give_podman sqlite podman-5.4/db.sql $via
	accepted "of podman 5.4 by $via"
done

# ------------------------------------------------------------- containers that run
rm -rf /run/libpod /dev/shm/libpod_lock
# made ENGINE: what a user has by the time of an update.
made() {
	quiet "$1" create --name "$1-new" --network none --rootfs "$R" sh -c 'echo started; exit 7'
	rc "$1 runs a container" 3 "$1" run --name "$1-done" --network none -e A=b --label l=m -v "$1-data:/data" --rootfs "$R" sh -c 'echo "$A" >/data/file; exit 3'
}
inspected='{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.Config.Cmd}} {{.Config.Labels}} {{range .Mounts}}{{.Name}}{{end}} {{.Path}} {{.Args}} {{.Created}} {{.Rootfs}}'
# moved FROM TO: the second podman has what the first one had.
moved() {
	has=$("$1" ps -a --format '{{.ID}} {{.Names}} {{.Networks}}' --sort id)
	# shellcheck disable=SC2086
	was=$("$1" inspect --format "$inspected" $names)
	rc "move to $3" 0 b state migrate --to "$3"
	is "$2 lists what $1 listed" "$has" "$("$2" ps -a --format '{{.ID}} {{.Names}} {{.Networks}}' --sort id)"
	# shellcheck disable=SC2086
	is "$2 inspects it" "$was" "$("$2" inspect --format "$inspected" $names)"
	is "and its volumes" "$(for name in $names; do echo "${name%-*}-data"; done | sort -u)" "$("$2" volume ls -q | sort)"
	for name in $names; do
		case $name in
		podman5-new) ;; # the crun of podman 4 knows no specs of version 1.2
		*-new) rc "$2 starts $name" 7 "$2" start -a "$name" ;;
		esac
		is "the logs of $name" "$(b logs "$name")" "$("$2" logs "$name")"
		rc "$2 removes $name" 0 "$2" rm "$name"
	done
	rc "$2 removes the volumes" 0 "$2" volume rm -a
	is "berth sees nothing any more" "" "$(b ps -aq)$(b volume ls -q)"
}
made podman4
made b
names="b-done b-new podman4-done podman4-new"
moved podman4 podman5 sqlite
made podman5
made b
names="b-done b-new podman5-done podman5-new"
moved podman5 podman4 boltdb
finish
