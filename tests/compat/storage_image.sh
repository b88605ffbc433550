#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers that podman made from an image: berth mounts their layers as podman does, both
# count the uses together, and either removes them.
# Needs root, podman 4 and a static busybox.
set -eu

here=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}/tests
tool=${top_builddir:-.}/tests/compat/storage_tool

if [ "${1:-}" != inside ]; then
	command -v podman >/dev/null || { echo "storage_image: podman is not there"; exit 77; }
	case $(podman --version) in
	*' 4.'*) ;;
	*) echo "storage_image: needs podman 4, has $(podman --version)"; exit 77 ;;
	esac
	exec sh "$here/lib/private-host" sh "$0" inside
fi

graph=/var/lib/containers/storage
run=/run/containers/storage
points=$run/overlay-layers/mountpoints.json

fail() { echo "FAIL: $*"; exit 1; }
ours() { "${VALGRIND:-env}" "$tool" "$graph" "$run" "$@"; }
count() { sed -n 's/.*"count":\([0-9]*\).*/\1/p' "$points"; }

# An image of three layers, made without a network: each commit adds one.
printf '{"default":[{"type":"insecureAcceptAnything"}]}\n' >/etc/containers/policy.json
sh "$here/lib/mkrootfs" /run/rootfs
tar -C /run/rootfs -cf /run/base.tar .
podman import -q /run/base.tar localhost/base:1 >/dev/null 2>&1 || { echo "storage_image: podman imports nothing here"; exit 77; }
for i in 1 2; do
	podman run --network none --name make "localhost/base:$i" sh -c "echo $i >/made$i; rm -f /etc/shells" >/dev/null ||
		fail "podman run"
	podman commit -q make "localhost/base:$((i + 1))" >/dev/null 2>&1
	podman rm make >/dev/null
done
case $(podman info --format '{{.Store.GraphDriverName}}') in
overlay) ;;
*) echo "storage_image: podman does not use overlay here"; exit 77 ;;
esac
podman create --name box localhost/base:3 true >/dev/null

# --- we mount, podman joins
path=$(ours mount box)
[ "$(cat "$path/made1" "$path/made2")" = "$(printf '1\n2')" ] || fail "the layers are not there"
[ ! -e "$path/etc/shells" ] || fail "a removed file is back"
[ -x "$path/bin/busybox" ] || fail "the lowest layer is not there"
echo new >"$path/written"
[ "$(count)" = 1 ] || fail "count $(count) after our mount"
[ "$(podman mount box)" = "$path" ] || fail "podman mounts elsewhere"
[ "$(count)" = 2 ] || fail "count $(count) after podman's mount"
podman create --name bystander --rootfs /run/rootfs true >/dev/null
[ "$(cat "$path/written")" = new ] || fail "another podman hid our mount"
podman umount box >/dev/null
[ "$(count)$(cat "$path/written")" = 1new ] || fail "podman took our mount away"
ours unmount box
[ "$(cat "$points")" = "[]" ] || fail "left: $(cat "$points")"
[ ! -e "$path" ] || fail "the mount point is left"
[ "$(podman start -a box; podman cp box:/written /run/written; cat /run/written)" = new ] || fail "podman lost what we wrote"

# --- podman mounts, we join
podman mount box >/dev/null
[ "$(ours mount box)" = "$path" ] || fail "we mount elsewhere"
[ "$(count)" = 2 ] || fail "count $(count) after our second mount"
ours unmount box
[ "$(count)$(cat "$path/written")" = 1new ] || fail "we took podman's mount away"

# --- the count outlived the mount
umount -l "$path"
ours mount box >/dev/null
[ -e "$path/written" ] || fail "believed a count without a mount"
ours unmount box
podman umount -f box >/dev/null || :

# --- removing: ours of podman's, mounted; the image stays
podman mount box >/dev/null
ours delete box
[ "$(cat "$points")" = "[]" ] || fail "left: $(cat "$points")"
[ ! -e "$path" ] || fail "the layer is left"
podman rm box >/dev/null || fail "podman cannot remove the rest"
[ "$(podman run --rm --network none localhost/base:3 cat /made2)" = 2 ] || fail "the image is damaged"
podman rmi -fa >/dev/null || fail "podman cannot remove the images"
ours mount bystander >/dev/null || fail "no mount of a container without image"
ours unmount bystander
podman rm bystander >/dev/null
echo ok
