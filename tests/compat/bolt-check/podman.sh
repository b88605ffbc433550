#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One database, changed in turns by podman and by the boltdb plugin.  Nothing is started:
# containers are created, listed, inspected, renamed and removed.
set -eu

: "${top_srcdir:=.}" "${top_builddir:=.}"
export top_srcdir top_builddir
me=$top_srcdir/tests/compat/bolt-check/podman.sh

if [ "${1:-}" != --inside ]; then
    if ! command -v podman >/dev/null; then
        echo "no podman"
        exit 77
    fi
    case $(podman --version) in
    "podman version 4."*) ;;
    *) echo "not podman 4"; exit 77 ;;
    esac
    exec "$top_srcdir/tests/lib/private-host" "$me" --inside
fi

dir=$(mktemp -d /var/tmp/bolt-podman.XXXXXX)
trap 'umount -R "$dir" 2>/dev/null || :; rm -rf "$dir"' EXIT
mkdir "$dir/rootfs"
db=$dir/root/libpod/bolt_state.db

fail() { echo "FAILED: $*" >&2; exit 1; }
pm() { podman --root "$dir/root" --runroot "$dir/run" --tmpdir "$dir/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend file "$@"; }
tool() { "$top_builddir/tests/plugins/boltdb/state_tool" "$db" "$@"; }
sound() {
    tool check || fail "check after: $*"
    if [ -n "${BOLT_CHECK:-}" ]; then
        "$BOLT_CHECK" check "$db" || fail "bolt-check after: $*"
    fi
}
same() { [ "$1" = "$2" ] || fail "$3: \"$1\" is not \"$2\""; }

# A store that the plugin made is one that podman takes.
mkdir -p "$dir/root/libpod"
tool make
pm ps -a >/dev/null
sound "first use by podman"

one=$(pm create --name one --net none --rootfs "$dir/rootfs" true)
pm volume create vol >/dev/null
pm create --name two --net none -v vol:/v --rootfs "$dir/rootfs" true >/dev/null
two=$(pm inspect -f '{{.Id}}' two)
sound "podman create"
same "$(tool list | sort)" "$( { echo "container $one one 1"; echo "container $two two 1"
    echo "volume vol vol 0"; } | sort)" "list"

# Changed by us, read by podman.
tool rename "$one" uno
tool exit "$one" 42
new=$(echo "$one" | tr 0-9a-f 1-9a-f0)
tool copy "$one" "$new" copied
sound "rename, exit and copy"
same "$(pm ps -a --no-trunc --sort names --format '{{.Names}} {{.ID}}')" \
    "$(printf 'copied %s\ntwo %s\nuno %s\n' "$new" "$two" "$one")" "podman ps"
same "$(pm inspect -f '{{.Name}} {{.State.Status}}' uno)" "uno created" "podman inspect"
pm container exists one && fail "the old name is still there"

# Changed by podman, read by us.
pm rename uno eins
pm pod create --name pod --infra=false >/dev/null
pm create --pod pod --name member --net none --rootfs "$dir/rootfs" true >/dev/null 2>&1 ||
    pm create --pod pod --name member --rootfs "$dir/rootfs" true >/dev/null
sound "podman rename and pod create"
tool list | grep -q "^container $one eins " || fail "podman's rename is not seen"
tool list | grep -q "^pod [0-9a-f]* pod " || fail "podman's pod is not seen"

# Many small changes by both, at the same time.
(for i in 1 2 3 4 5 6 7 8 9 10; do pm rename two "two$i"; pm rename "two$i" two; done) &
for i in $(seq 50); do tool exit "$new" "$i"; done
wait $! || fail "podman rename, at the same time"
sound "changes at the same time"

tool remove container "$new"
pm rm two >/dev/null
pm pod rm -f pod >/dev/null
pm rm eins >/dev/null
pm volume rm vol >/dev/null
sound "podman rm"
same "$(tool list)" "" "what is left"
same "$(pm ps -aq)" "" "what podman sees"
echo "podman and the plugin agree"
