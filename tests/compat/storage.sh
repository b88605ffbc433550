#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One container store, two programs: what berth writes, podman must read, rename, run and
# remove; the reverse; and nobody may lose a record when several write at once.
# Needs root, podman 4 and a static busybox.
set -eu

here=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}/tests
tool=${top_builddir:-.}/tests/compat/storage_tool

if [ "${1:-}" != inside ]; then
	command -v podman >/dev/null || { echo "storage: podman is not there"; exit 77; }
	case $(podman --version) in
	*' 4.'*) ;;
	*) echo "storage: needs podman 4, has $(podman --version)"; exit 77 ;;
	esac
	exec sh "$here/lib/private-host" sh "$0" inside
fi

graph=/var/lib/containers/storage
run=/run/containers/storage
records=$graph/overlay-containers/containers.json
layers=$graph/overlay-layers/layers.json
rootfs=/run/rootfs

fail() { echo "FAIL: $*"; exit 1; }
ours() { "${VALGRIND:-env}" "$tool" "$graph" "$run" "$@"; }
# Files of a store with IDs, link names and times taken out.
shape() {
	(cd "$graph" && find overlay overlay-containers overlay-layers -printf '%M %U %G %p %l\n' &&
		cd "$run" && find overlay-containers -printf '%M %U %G run/%p %l\n') |
		sed -E 's/[0-9a-f]{64}/ID/g; s/[A-Z2-7]{26}/LINK/g' |
		grep -vE 'has-mount-program|userdata/' | LC_ALL=C sort -u
}
same_text() { sed -E 's/[0-9a-f]{64}/ID/g; s/[0-9]{4}-[0-9-]*T[0-9:.]*Z/DATE/g; s/[0-9]{10}/SECONDS/g' "$1"; }

sh "$here/lib/mkrootfs" "$rootfs"

# --- a store that berth made is podman's, and looks as if podman had made it
a=$(ours create first)
[ "$(podman ps -a --external --format '{{.Names}} {{.Status}}')" = "first Storage" ] ||
	fail "podman does not list berth's record: $(podman ps -a --external)"
shape >/run/shape.ours
same_text "$records" >/run/records.ours
same_text "$layers" >/run/layers.ours
podman rm first >/dev/null || fail "podman cannot remove berth's record"
[ "$(cat "$records" "$layers")" = "[][]" ] || fail "records are left: $(cat "$records" "$layers")"
[ ! -e "$graph/overlay-containers/$a" ] || fail "the folder is left"
[ -z "$(ls "$graph/overlay/l")" ] || fail "a link is left"

podman create --name first --rootfs "$rootfs" true >/dev/null
shape >/run/shape.podman
same_text "$records" >/run/records.podman
same_text "$layers" >/run/layers.podman
for file in shape records layers; do
	diff /run/$file.podman /run/$file.ours || fail "$file: podman's (<) differs from ours (>)"
done

# --- podman's container in our hands
ours lookup first | grep -q ' first -$' || fail "podman's record is not found"
id=$(ours lookup first | cut -d' ' -f1)
[ "$(ours lookup "$(echo "$id" | cut -c1-12)")" = "$(ours lookup "$id")" ] || fail "no lookup by prefix"
ours create first 2>/run/err && fail "a name was given twice"
podman create --name first --rootfs "$rootfs" true 2>/run/err.podman && fail "podman gave a name twice"
sed 's/creating container storage: //' /run/err.podman | diff - /run/err || fail "other text for a used name"
ours create fresh >/dev/null
podman create --name fresh --rootfs "$rootfs" true 2>/run/err && fail "podman took our name"
grep -q 'that name is already in use' /run/err || fail "podman: $(cat /run/err)"
ours rename fresh renamed
podman ps -a --external --format '{{.Names}}' | grep -qx renamed || fail "podman does not see the new name"
[ "$(podman run --name fresh --rootfs "$rootfs" echo hello)" = hello ] || fail "podman cannot run beside us"
podman inspect fresh >/dev/null || fail "podman cannot inspect beside us"
ours delete first
ours delete renamed
[ "$(ours list | wc -l)" = 1 ] || fail "deleting left $(ours list)"
podman rm first >/dev/null || fail "podman cannot remove what berth deleted from the store"
podman rm fresh >/dev/null
[ "$(cat "$records" "$layers")" = "[][]" ] || fail "records are left at the end of both"

# --- members that nobody of us knows survive
ours create keep >/dev/null
sed -i 's/^\[{/[{"future":{"a":[1,2.50e3,"\\u00e9"]},/' "$records" "$layers"
ours create other >/dev/null
ours rename keep kept
ours delete other
for file in "$records" "$layers"; do
	grep -qF '[{"future":{"a":[1,2.50e3,"\u00e9"]},"id":' "$file" || fail "lost a member: $(cat "$file")"
done
ours delete kept

# --- a damaged file is refused and stays as it is
podman create --name hurt --rootfs "$rootfs" true >/dev/null
cp "$records" /run/good
for damage in 's/\]$//' 's/"id":"/"id":"..\//' 's/"names":\[/"names":["/' 's/^\[/{/' 's/}]$/},]/'; do
	sed "$damage" /run/good >"$records"
	cp "$records" /run/bad
	ours create new >/run/out 2>&1 && fail "worked on a damaged file ($damage)"
	grep -q 'containers.json is' /run/out || fail "unclear: $(cat /run/out)"
	ours lookup hurt >/dev/null 2>&1 && fail "read a damaged file ($damage)"
	cmp -s "$records" /run/bad || fail "wrote a damaged file"
done
cp /run/good "$records"
podman rm hurt >/dev/null
[ -z "$(ls "$graph/overlay/l")" ] || fail "a refused create left a layer"

# --- four of us and four of podman at once
jobs=
for i in 1 2 3 4; do
	ours hammer "b$i-" 20 &
	jobs="$jobs $!"
	(for k in 1 2 3 4 5; do podman create --name "p$i-$k" --rootfs "$rootfs" true || exit 1; done >/dev/null) &
	jobs="$jobs $!"
done
bad=0
for job in $jobs; do wait "$job" || bad=1; done
[ $bad = 0 ] || fail "a writer failed"
[ "$(ours list | wc -l)" = 60 ] || fail "$(ours list | wc -l) records instead of 60"
[ "$(ours list | cut -d' ' -f2 | sort -u | wc -l)" = 60 ] || fail "names are lost"
[ "$(podman ps -aq --external | wc -l)" = 60 ] || fail "podman sees $(podman ps -aq --external | wc -l) of 60"
jobs=
for i in 1 2 3 4; do
	(for k in 0 2 4 6 8 10 12 14 16 18; do podman rm "b$i-$k" || exit 1; done >/dev/null) &
	jobs="$jobs $!"
	(for k in 1 2 3 4 5; do ours delete "p$i-$k" || exit 1; done) &
	jobs="$jobs $!"
done
for job in $jobs; do wait "$job" || bad=1; done
[ $bad = 0 ] || fail "a deleter failed"
[ "$(cat "$records" "$layers")" = "[][]" ] || fail "records are left: $(cat "$records" "$layers")"
[ "$(ls "$graph/overlay")" = l ] || fail "layers are left: $(ls "$graph/overlay")"
echo ok
