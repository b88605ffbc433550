#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stores that move: dump and load, migrate with a kill at every step, compact, check.
. "$top_srcdir/tests/lib/e2e.sh"
for type in boltdb sqlite lmdb; do
	b plugin list | grep -q "^state *$type " || { echo "needs the plugin state_$type"; exit 77; }
done

store=/var/lib/containers/storage
static=$store/libpod
type_now() { b state info | sed -n 's/^type: *//p'; }
same_as() { b state dump | cmp -s - "$1"; }
leftovers() { find "$store" -name '.migrate-*' -o -name state-migration; }
active() { find "$store" -maxdepth 2 -name db.sql -o -maxdepth 2 -name bolt_state.db -o -maxdepth 2 -name berth.lmdb | wc -l; }

for i in 1 2 3; do
	quiet b create --name "c$i" --network none --rootfs "$R" /bin/sh -c 'exit 6'
done
quiet b start c1
quiet b wait c1
b state dump >"$W/dump"

# ------------------------------------------------------------------ dump and load
rc "a dump is loaded into a new store" 0 b state load --into "sqlite:$W/x.sql" "$W/dump"
has "and counted" "3 containers" "$out"
b state dump --from "sqlite:$W/x.sql" >"$W/again"
is "the dump of that is the same" "" "$(cmp "$W/dump" "$W/again" 2>&1)"
rc "a store with records in it is left alone" 125 b state load --into "sqlite:$W/x.sql" "$W/dump"
has "as it says" "the store is not empty" "$errs"
sed '3s/"kind"/"kinds"/' "$W/dump" >"$W/bad"
rc "a bad line is refused" 125 b state load --into "boltdb:$W/y.db" "$W/bad"
has "by its number" "line 3: it has no \"kind\"" "$errs"
is "and nothing is left" "" "$(ls "$W"/y.db* 2>/dev/null)"
out=$(b state load --into "lmdb:$W/z.lmdb" <"$W/dump" 2>&1)
has "a dump comes from standard input too" "3 containers" "$out"
rc "a dump can be checked alone" 0 b state load --check "$W/dump"
sed '1s,/libpod",/elsewhere",' "$W/dump" >"$W/foreign"
quiet b rm -f c1 c2 c3
rc "a dump of another place is not for this engine" 125 b state load "$W/foreign"
has "as it says" "the dump was made of a store for static_dir $store/elsewhere" "$errs"
rc "that of this place is" 0 b state load "$W/dump"
if same_as "$W/dump"; then good "and everything is back"; else wrong "after loading"; fi
quiet podman ps -a

# ----------------------------------------------------------------------- migrate
rc "a trial" 0 b state migrate --to sqlite --dry-run
is "changes nothing" "boltdb" "$(type_now)"
rc "a type that is none" 125 b state migrate --to nonsense
rc "a type that dies with the process" 125 b state migrate --to memory
has "is refused" "does not outlive the process" "$errs"
rc "the type in use" 125 b state migrate --to boltdb
has "is refused too" "is of type boltdb already" "$errs"
for to in sqlite lmdb boltdb lmdb sqlite boltdb; do
	rc "to $to" 0 b state migrate --to "$to"
	is "it is $to" "$to" "$(type_now)"
	if same_as "$W/dump"; then good "with everything in it"; else wrong "moved to $to"; fi
	is "and one store is active" 1 "$(active)"
done
rc "the store is whole" 0 b state check
has "podman has the containers" c3 "$(podman ps -a --format '{{.Names}}')"
is "podman lists it" Created "$(podman ps -a --filter name=c3 --format '{{.Status}}')"

# -------------------------------------------------------------- killed at each step
for step in marker copying copied verified switch renamed placed retired; do
	for way in resume abort; do
		from=$(type_now)
		to=sqlite
		[ "$from" = boltdb ] || to=boltdb
		export BERTH_FAULT=migrate.$step=EOWNERDEAD
		b state migrate --to $to >"$W/out" 2>&1
		is "killed at $step" 137 $?
		unset BERTH_FAULT
		rc "everything is refused" 125 b ps
		has "with the way on and back" "--resume" "$errs"
		rc "$way" 0 b state migrate --$way
		case $way in resume) want=$to ;; *) want=$from ;; esac
		is "it is $want" $want "$(type_now)"
		if same_as "$W/dump"; then good "with everything in it"; else wrong "$way after $step"; fi
		is "nothing else is left" "" "$(leftovers)"
		is "and one store is active" 1 "$(active)"
	done
done

# Killed while it goes back or on, and then again.
for step in undone returned; do
	from=$(type_now)
	to=sqlite
	[ "$from" = boltdb ] || to=boltdb
	BERTH_FAULT=migrate.placed=EOWNERDEAD b state migrate --to $to >/dev/null 2>&1
	BERTH_FAULT=migrate.$step=EOWNERDEAD b state migrate --abort >/dev/null 2>&1
	rc "going back, killed at $step, then back" 0 b state migrate --abort
	is "it is $from" "$from" "$(type_now)"
	if same_as "$W/dump"; then good "with everything in it"; else wrong "abort after $step"; fi
	BERTH_FAULT=migrate.placed=EOWNERDEAD b state migrate --to $to >/dev/null 2>&1
	BERTH_FAULT=migrate.$step=EOWNERDEAD b state migrate --abort >/dev/null 2>&1
	rc "going back, killed at $step, then on" 0 b state migrate --resume
	is "it is $to" "$to" "$(type_now)"
	if same_as "$W/dump"; then good "with everything in it"; else wrong "resume after $step"; fi
done
[ "$(type_now)" = boltdb ] || quiet b state migrate --to boltdb

# podman, which knows nothing of the note, uses the old store in between.
BERTH_FAULT=migrate.placed=EOWNERDEAD b state migrate --to sqlite >/dev/null 2>&1
quiet podman create --name late --network none --rootfs "$R" /bin/sh
rc "going on after podman used the old store" 0 b state migrate --resume
has "begins again" "starts again" "$out"
has "and has what podman made" late "$(b ps -a --format '{{.Names}}')"
quiet b state migrate --to boltdb
quiet podman rm late
if same_as "$W/dump"; then good "and back"; else wrong "after podman's work"; fi

# Failures at a step, not death, leave everything as it was.
for step in marker copying copied verified; do
	BERTH_FAULT=migrate.$step=EIO b state migrate --to sqlite >/dev/null 2>&1
	is "failed at $step" 125 $?
	is "nothing is left" "" "$(leftovers)"
	is "it is as before" boltdb "$(type_now)"
done
BERTH_FAULT=state.commit=ENOSPC b state migrate --to sqlite >/dev/null 2>&1
is "no room for the new store" 125 $?
is "nothing is left" "" "$(leftovers)"
if same_as "$W/dump"; then good "it is as before"; else wrong "after a full disk"; fi

# A container that runs.
quiet b create --name runs --network none --rootfs "$R" /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
quiet b start runs
rc "not while a container runs" 125 b state migrate --to sqlite
has "which is named" "containers are running: runs" "$errs"
rc "compact neither" 125 b state compact
rc "unless it may be stopped" 0 b state migrate --to sqlite --stop
has "it is stopped" Exited "$(b ps -a --filter name=runs --format '{{.Status}}')"
quiet b rm runs
quiet b state migrate --to boltdb

# The configuration names the type.
echo 'StateType = "boltdb"; # by hand' >>"$BERTH_CONF"
rc "with a configuration" 0 b state migrate --to sqlite --write-config
has "its line is changed" 'StateType = "sqlite"; # by hand' "$(cat "$BERTH_CONF")"
is "and it works" sqlite "$(type_now)"
rc "and back" 0 b state migrate --to boltdb --write-config

# ----------------------------------------------------------------------- compact
for i in $(seq 20); do quiet b create --name "x$i" --network none --rootfs "$R" /bin/sh; done
for i in $(seq 20); do quiet b rm "x$i"; done
b state dump >"$W/dump"
big=$(stat -c %s $static/bolt_state.db)
rc "compact" 0 b state compact
small=$(stat -c %s $static/bolt_state.db)
if [ "$small" -lt "$big" ]; then good "gives room back"; else wrong "compact: $big -> $small"; fi
if same_as "$W/dump"; then good "and loses nothing"; else wrong "after compact"; fi
rc "podman reads it" 0 podman ps -a
rc "the store is whole" 0 b state check

# ---------------------------------------------------------------------- detection
sed -i /StateType/d "$BERTH_CONF"
cp "$W/x.sql" $store/db.sql
rc "podman's two stores side by side" 0 b state info
has "the newer one is used" "sqlite" "$out"
has "and it is said" "using sqlite, as podman 5.8 does" "$errs"
cp "$W/z.lmdb" $static/berth.lmdb
rc "three stores" 125 b ps
has "are refused by name" "boltdb, lmdb, sqlite" "$errs"
has "with the command" "berth state merge" "$errs"
rm $static/berth.lmdb $static/bolt_state.db
is "db.sql alone is found" sqlite "$(type_now)"
rm $store/db.sql
finish
