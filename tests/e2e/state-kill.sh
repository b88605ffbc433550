#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGKILL at every call that changes files while a store moves: afterwards the move goes on
# or back, and every record is there, once.
. "$top_srcdir/tests/lib/e2e.sh"
# Nobody can look for leaks in a process that strace follows.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
for type in boltdb sqlite lmdb; do
	b plugin list | grep -q "^state *$type " || { echo "needs the plugin state_$type"; exit 77; }
done
command -v strace >/dev/null || { echo "needs strace"; exit 77; }
strace -e trace=none -e inject=none true 2>/dev/null || strace true >/dev/null 2>&1 || {
	echo "processes cannot be traced here"
	exit 77
}

store=/var/lib/containers/storage
bolt=$store/libpod/bolt_state.db
calls="write pwrite64 ftruncate fsync fdatasync rename renameat2 unlink unlinkat mkdir"

for i in 1 2; do quiet b create --name "c$i" --network none --rootfs "$R" /bin/sh; done
b state dump >"$W/dump"
cp "$bolt" "$W/bolt"
leftovers() { find "$store" -name '.migrate-*' -o -name 'state-migration*'; }
lmdb=$store/libpod/berth.lmdb
# How many stores are there?
active() {
	stores=0
	for file in "$bolt" "$store/db.sql" "$lmdb"; do [ ! -e "$file" ] || stores=$((stores + 1)); done
	echo $stores
}
clear() { rm -rf "$store/db.sql"* "$bolt"* "$lmdb"* $store/.migrate-* $store/libpod/.migrate-* $store/libpod/state-migration*; }
# reset TYPE: the store as it was at first, in that format, which is made once.
reset() {
	clear
	if [ ! -e "$W/first-$1" ]; then
		cp "$W/bolt" "$bolt"
		case $1 in boltdb) ;; *) quiet b state migrate --to "$1" ;; esac
		mkdir "$W/first-$1"
		for file in "$bolt" "$store/db.sql" "$lmdb"*; do
			[ ! -e "$file" ] || cp -a --parents "$file" "$W/first-$1"
		done
		rm -rf $store/libpod/state-migration*
		[ "$(active)" = 1 ] || wrong "more than one store to begin with"
		return
	fi
	cp -a "$W/first-$1$store/." "$store"
}

try() { # TYPE TO WAY CALL N
	reset "$1"
	strace -o /dev/null -e trace="$4" -e inject="$4":signal=SIGKILL:when="$5" "$BERTH" state migrate --to "$2" >"$W/out" 2>&1
	killed=$?
	[ $killed = 137 ] || return 1
	if [ -e $store/libpod/state-migration ]; then
		b ps >/dev/null 2>&1 && wrong "$1 to $2, $4 $5: nobody refused"
		b state migrate "--$3" >"$W/out" 2>&1 || wrong "$1 to $2, $4 $5: --$3" "$(cat "$W/out")"
	fi
	b state dump 2>"$W/errs" | cmp -s - "$W/dump" || wrong "$1 to $2, $4 $5, --$3: another content" "$(cat "$W/errs")"
	[ "$(active)" = 1 ] ||
		wrong "$1 to $2, $4 $5, --$3: not one store" "$(ls "$store" "$store/libpod")"
	b state check >"$W/out" 2>&1 || wrong "$1 to $2, $4 $5, --$3: check" "$(cat "$W/out")"
	kills=$((kills + 1))
}

# Of the calls of one kind every second, in the short form.
step=${BERTH_TEST_LONG:+1}
step=${step:-2} first=1
kills=0
for pair in boltdb:sqlite lmdb:boltdb sqlite:lmdb; do
	way=resume
	for call in $calls; do
		n=$first
		while try "${pair%:*}" "${pair#*:}" $way "$call" $n; do
			case $way in resume) way=abort ;; *) way=resume ;; esac
			n=$((n + step))
		done
		[ $step = 1 ] || first=$((3 - first))
	done
	quiet b state migrate --to "$(b state info | sed -n 's/^type: *boltdb/lmdb/p; s/^type: *[sl].*/boltdb/p')"
	is "${pair}: nothing is left after the next move" "" "$(leftovers)"
done
# Ctrl-C while the new store is made.
reset boltdb
BERTH_FAULT=state.insert=INT b state migrate --to sqlite >"$W/out" 2>&1
is "interrupted" 125 $?
has "as asked" "stopped on request" "$(cat "$W/out")"
is "nothing is left" "" "$(leftovers)"
is "everything is as it was" "" "$(b state dump | cmp - "$W/dump" 2>&1)"
if [ $kills -gt 50 ]; then good "$kills kills"; else wrong "only $kills kills"; fi
finish
