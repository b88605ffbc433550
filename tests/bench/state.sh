# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Sourced by bench.sh.  The stores: their primitives against the libraries themselves, and what
# is done with all of a store.
containers=${CONTAINERS:-10000}
"$top_builddir/generate-dump" "$containers" "$top_srcdir/tests/fixtures" >"$W/dump" || exit 1
BENCH_BOLT=$top_builddir/tests/bench/bench-bolt
"$top_srcdir/tests/compat/bolt-check/build" "$BENCH_BOLT" "$top_srcdir/tests/bench/bolt/main.go" ||
	exit 1
export BENCH_BOLT
turns=${TURNS:-9}
for pair in boltdb:bolt_state.db sqlite:db.sql lmdb:berth.lmdb; do
	type=${pair%%:*} file=$W/${pair%%:*}/${pair#*:}
	mkdir "$W/$type"
	quiet b state load --into "$type:$file" "$W/dump"
	part "$type, primitives, $containers containers (boltdb: reads 5 times, puts 1.0 times as fast as Go; others: at most x1.3 of the first by hand)"
	"$top_builddir/bench_state" "$type" "$W/$type" "$turns" || exit 1
	rm -f "$W/$type/by-hand"*
	script "copy-$type" "exec $top_builddir/bench_state $type $W/$type 0 >$W/copied"
	script "dump-$type" "exec $BERTH state dump --from $type:$file >$W/copied"
	bench "$type, dump of $containers containers, to a file (at most x3)" "$turns" \
		"copy documents" "$W/copy-$type" "state dump" "$W/dump-$type"
done

# berth state migrate, from one store to the next.
sed -i '1s,/srv/gen/run,/run/containers/storage,; 1s,/srv/gen/tmp,/run/libpod,; 1s,/srv/gen,/var/lib/containers/storage,g' \
	"$W/dump"
echo 'num_locks = 16384;' >>"$BERTH_CONF" # one for each
quiet b state load "$W/dump"
quiet b ps -q # the first command after a boot: containers get new locks
part "migrate, $containers containers (under 5000 ms)"
for type in sqlite lmdb boltdb sqlite boltdb lmdb sqlite; do
	start=$(date +%s%N)
	quiet b state migrate --to "$type"
	echo "  to $type	$((($(date +%s%N) - start) / 1000000)) ms"
done
