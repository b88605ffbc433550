#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two stores on one host: what differs, bringing them together; and what check finds.
. "$top_srcdir/tests/lib/e2e.sh"
for type in boltdb sqlite lmdb; do
	b plugin list | grep -q "^state *$type " || { echo "needs the plugin state_$type"; exit 77; }
done
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

store=/var/lib/containers/storage
bolt=$store/libpod/bolt_state.db
sql=$store/db.sql
fixture=$top_srcdir/tests/fixtures/podman-4.3/bolt_state.db
new() { podman create --name "$1" --network none --rootfs "$R" /bin/sh -c "exit ${2:-0}"; }
names() { b ps -a --format '{{.Names}}' 2>/dev/null | sort | tr '\n' ' '; }

quiet new c1 3
quiet new c2
b state dump >"$W/dump"

# --------------------------------------------------------------------------- diff
quiet b state load --into "sqlite:$sql" "$W/dump"
rc "no difference" 0 b state diff "boltdb:$bolt" "sqlite:$sql"
is "and nothing to say" "" "$out"
quiet new c3
quiet b --state-type sqlite create --name c4 --network none --rootfs "$R" /bin/sh
id3=$(podman inspect --format '{{.Id}}' c3)
rc "differences" 1 b state diff "boltdb:$bolt" "sqlite:$sql"
has "what one has" "- container $id3 (c3)" "$out"
has "what the other has" "(c4)" "$(echo "$out" | grep '^+ container')"
cp "$bolt" "$W/before.db"
rc "a store that is not there" 125 b state diff "boltdb:$W/none.db" "sqlite:$sql"

# -------------------------------------------------------------------------- merge
has "the newer store is in use" "c1 c2 c4" "$(names)"
rc "a trial" 0 b state merge --dry-run
has "tells" "container $id3 (c3): added" "$out"
has "and changes nothing" "c1 c2 c4 " "$(names)"
rc "merge" 0 b state merge
has "says how much" "1 records added, 2 the same in both, 0 conflicts" "$out"
is "all are there" "c1 c2 c3 c4 " "$(names)"
is "the other store is out of the way" "" "$(ls "$bolt" 2>/dev/null)"
rc "and kept" 0 b state info --from "boltdb:$(ls "$bolt".merged-*)"
rc "the store is whole" 0 b state check
rc "there is nothing left to merge" 125 b state merge
has "as it says" "there is no other state store" "$errs"

# ---------------------------------------------------------------------- conflicts
cp "$W/before.db" "$bolt"
podman start -a c1 >/dev/null 2>&1 # in the bolt store
b state dump >"$W/dump" 2>/dev/null
rc "conflicts" 1 b state merge
has "a state" "(c1): state.state: 1 | 6" "$out"
has "its code" "(c1): state.exitCode: (none) | 3" "$out"
has "what to do" "--prefer" "$out"
is "nothing is changed" "" "$(b state dump 2>/dev/null | cmp "$W/dump" - 2>&1)"
is "both are there" 2 "$(ls "$bolt" "$sql" | wc -l)"
rc "a preference that is none" 125 b state merge --prefer nobody
rc "with a preference" 0 b state merge --prefer other
is "the other's record counts" "exited 3" "$(b inspect --format '{{.State.Status}} {{.State.ExitCode}}' c1)"
is "every record is there" "c1 c2 c3 c4 " "$(names)"
rc "the store is whole" 0 b state check
cp "$W/before.db" "$W/from.db"
rc "from a file" 1 b state merge --from "boltdb:$W/from.db"
rc "this store's record counts" 0 b state merge --from "boltdb:$W/from.db" --prefer this
is "still" "exited 3" "$(b inspect --format '{{.State.Status}} {{.State.ExitCode}}' c1)"
is "a file is only read" "" "$(cmp "$W/before.db" "$W/from.db" 2>&1)"
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
b state dump | grep -e '"kind":"store"' -e '"name":"c4"' | sed "s/$(podman inspect --format '{{.Id}}' c4 2>/dev/null || b inspect --format '{{.Id}}' c4)/$id/g" >"$W/dump"
quiet b state load --into "boltdb:$W/name.db" "$W/dump"
rc "a name that is taken" 1 b state merge --from "boltdb:$W/name.db"
has "is shown" "conflict: container $id has the name \"c4\", which is that of container" "$out"
rc "and does not lose the record" 0 b state merge --from "boltdb:$W/name.db" --prefer this
is "it has another name" "c1 c2 c3 c4 c4-0123456789ab " "$(names)"
rc "the store is whole, but for lock numbers" 1 b state check
has "which are told" "lock number" "$out"
rc "a store of another place" 125 b state merge --from "boltdb:$fixture"
has "is refused" "was made for graph root /srv/ctr/root" "$errs"

# -------------------------------------------------------------------------- check
cp "$fixture" "$W/fixture.db"
rc "links to nothing" 1 b state check --from "boltdb:$W/fixture.db"
has "are found" "link volume 9df618ca61f13ff80f47781de35212aaf25fe88a3ceae83c42a183a3588e5749 -> data: container 9df618ca61f13ff80f47781de35212aaf25fe88a3ceae83c42a183a3588e5749 is not there" "$out"
is "only they" 0 "$(echo "$out" | grep -vc 'link volume')"
rc "a store that is named is not repaired" 125 b state check --repair --from "boltdb:$W/fixture.db"
is "nor touched" "" "$(cmp "$fixture" "$W/fixture.db" 2>&1)"

cat >"$W/odd" <<EOF
{"kind":"container","id":"1","name":"one","config":{"id":"1","name":"other","lockID":5,"Dependencies":["2","9"],"namedVolumes":[{"volumeName":"v"},{"volumeName":"w"}]},"state":{}}
{"kind":"container","id":"2","name":"two","config":{"id":"2","name":"two","lockID":5,"pod":"7"},"state":{}}
{"kind":"pod","id":"3","name":"pod","config":{"lockID":6},"state":{"InfraContainerID":"8"}}
{"kind":"volume","name":"v","config":{"name":"v","lockID":6},"state":{}}
EOF
for type in boltdb sqlite lmdb; do
	quiet b state load --into "$type:$W/odd.$type" "$W/odd"
	rc "what records say of each other ($type)" 1 b state check --from "$type:$W/odd.$type"
	for line in \
		"container 1: its name is one, but other in its configuration" \
		"container 2: its pod is (none), but 7 in its configuration" \
		"lock number 5 is that of container 1 and of container 2" \
		"lock number 6 is that of pod 3 and of volume v" \
		"pod 3: its infra container 8 is not there" \
		"container 1 needs container 9, which is not there" \
		"container 1 needs container 2, but no link says so" \
		"container 1 uses volume w, which is not there" \
		"container 1 uses volume v, but no link says so"; do
		has "$type: $line" "$line" "$out"
	done
	is "$type: nothing else" 9 "$(echo "$out" | wc -l)"
done

# What podman 4.3 leaves behind of a volume's container.
rm -f "$sql" "$bolt"
quiet podman volume create data
quiet podman create --name user --network none -v data:/data --rootfs "$R" /bin/sh
quiet podman create --name gone --network none -v data:/data --rootfs "$R" /bin/sh
quiet podman rm gone
rc "a leftover of podman" 1 b state check
has "is found" "-> data: container" "$out"
rc "repair" 1 b state check --repair
has "says what it did" "repaired: removed link volume" "$out"
rc "and then it is whole" 0 b state check
is "the volume is in use by the other" "user" "$(podman ps -a --filter volume=data --format '{{.Names}}')"
rc "podman removes it all" 0 podman rm user
rc "and the volume" 0 podman volume rm data
finish
