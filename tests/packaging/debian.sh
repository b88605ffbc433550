#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The packages of packaging/debian: built, looked at by lintian, installed in a fresh root one by
# one, run, upgraded and purged there.  Behind `make check-packaging`: takes minutes, and a mirror.
#
# ROOT names a directory with a minimal Debian to be copied, in place of making one.
set -eu
: "${top_srcdir:?run by make check-packaging}" "${top_builddir:?}"

if [ "${1:-}" = inside ]; then
    # On a private host: make the new root the root, and run what is asked there.
    root=$2
    shift 2
    mount --rbind "$root" "$root"
    for dir in proc sys dev run; do
        mount --rbind /$dir "$root/$dir"
    done
    cd "$root"
    mkdir -p .old
    pivot_root . .old
    exec chroot . /bin/sh -c 'umount -l /.old; cd /; exec "$@"' sh "$@"
fi

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
for tool in dpkg-buildpackage dh lintian debootstrap readelf; do
    command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
done
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/packaging.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$dir"
failed=0
say() {
    echo "FAIL: $*"
    failed=1
}
step() { echo "== $*"; }

# ------------------------------------------------------------------------------- building
step "building"
out=${PACKAGES:-$dir/out}
if [ -z "${PACKAGES:-}" ]; then
    BUILD=$top_builddir sh "$top_srcdir/packaging/debian/build" "$out" >"$dir/build.log" 2>&1 || {
        tail -n 30 "$dir/build.log"
        exit 1
    }
fi
debs=$(ls "$out"/*.deb | grep -v dbgsym)
[ "$(echo "$debs" | wc -l)" -eq 9 ] || say "there are these packages: $debs"
deb() { ls "$out/$1"_*.deb; }

step "lintian"
# shellcheck disable=SC2046,SC2086
lintian --allow-root --fail-on error --tag-display-limit 0 $debs >"$dir/lintian" 2>&1 ||
    say "lintian: $(grep '^E:' "$dir/lintian")"
grep -c '^W:' "$dir/lintian" | sed 's/$/ warnings/'

step "dependencies"
# Names of what a package depends on: exactly these.
while read -r package wanted; do
    got=$(dpkg-deb -f "$(deb "$package")" Depends | sed 's/ ([^)]*)//g; s/ | /|/g; s/, /\n/g' |
        LC_ALL=C sort | tr '\n' ' ')
    [ "$got" = "$wanted " ] || say "$package depends on: $got"
done <<'END'
berth berth-oci-crun|berth-oci-plugin berth-state-sqlite|berth-state-plugin libc6 libconfig9 libjson-c5 libltdl7
berth-state-sqlite berth-plugin-abi-1 berth-state-abi-1 libc6 libsqlite3-0
berth-state-boltdb berth-plugin-abi-1 berth-state-abi-1 libc6
berth-state-lmdb berth-plugin-abi-1 berth-state-abi-1 libc6 liblmdb0
berth-oci-crun berth-oci-abi-1 berth-plugin-abi-1 conmon crun libc6 libjson-c5
berth-oci-runc berth-oci-abi-1 berth-plugin-abi-1 conmon libc6 libjson-c5 runc
berth-net-netavark berth-net-abi-1 berth-plugin-abi-1 libc6 libjson-c5 netavark
berth-net-cni berth-net-abi-1 berth-plugin-abi-1 containernetworking-plugins libc6 libjson-c5
berth-dev libc6
END
for package in state-sqlite state-boltdb state-lmdb oci-crun oci-runc net-netavark net-cni; do
    [ "$(dpkg-deb -f "$(deb berth-$package)" Provides)" = "berth-${package%%-*}-plugin" ] ||
        say "berth-$package does not provide berth-${package%%-*}-plugin"
    [ "$(dpkg-deb -c "$(deb berth-$package)" | grep -c '/berth/[a-z]*_[a-z]*\.so$')" -eq 1 ] ||
        say "berth-$package has not one plugin"
done

# What the generators for rpm make of a plugin's note; and the spec is one.
dpkg-deb -x "$(deb berth-state-sqlite)" "$dir/unpacked"
plugin=$(find "$dir/unpacked" -name state_sqlite.so)
[ "$(echo "$plugin" | sh "$top_srcdir/packaging/rpm/berth.prov")" = 'berth-plugin(state:sqlite)' ] ||
    say "berth.prov"
[ "$(echo "$plugin" | sh "$top_srcdir/packaging/rpm/berth.req" | tr '\n' ' ')" = \
    'berth(plugin-abi) = 1 berth(state-abi) = 1 ' ] || say "berth.req"
if command -v rpmspec >/dev/null; then
    rpmspec -P "$top_srcdir/packaging/rpm/berth.spec" >/dev/null 2>"$dir/spec" || say "$(cat "$dir/spec")"
fi

# -------------------------------------------------------------------------------- a root
step "a fresh root"
root=$dir/root
if [ -n "${ROOT:-}" ]; then
    cp -a "$ROOT" "$root"
else
    debootstrap --variant=minbase \
        --include=conmon,crun,runc,libltdl7,libconfig9,libjson-c5,libsqlite3-0,liblmdb0,busybox-static,libseccomp2,iproute2,netavark,containernetworking-plugins,gcc,libc6-dev,make,pkg-config \
        bookworm "$root" >"$dir/debootstrap.log" 2>&1 || { tail "$dir/debootstrap.log"; exit 77; }
fi
mkdir "$root/debs"
cp $debs "$root/debs"
in_root() {
    env -u MAKEFLAGS -u BERTH_CONF -u BERTH_PLUGIN_PATH sh "$top_srcdir/tests/lib/private-host" \
        sh "$top_srcdir/tests/packaging/debian.sh" inside "$root" "$@" </dev/null
}
list_files() { (cd "$root" && find etc usr lib var/lib/berth -xdev \( -type f -o -type l \) 2>/dev/null | grep -v -e '^var/lib/dpkg' -e cache | sort); }
list_files >"$dir/before"

# The first host: only the program, one store, one runtime.
cat >"$root/first" <<'END'
set -e
export DEBIAN_FRONTEND=noninteractive
dpkg -i /debs/berth-state-sqlite_* /debs/berth-oci-crun_* /debs/berth_* >/dev/null
size=0
for p in berth berth-state-sqlite berth-oci-crun; do
    size=$((size + $(dpkg-query -W -f '${Installed-Size}' $p)))
done
echo "minimal set: $size KiB installed"
[ $((size * 1024)) -lt 1500000 ] || echo "TOO LARGE"
mkdir -p /rootfs/bin
cp /bin/busybox /rootfs/bin/
berth plugin list
berth run --name one --network none --rootfs /rootfs /bin/busybox echo from a package
berth ps -a --format '{{.Names}} {{.Status}}'
# Without the store's package.
dpkg -r --force-depends berth-state-sqlite >/dev/null 2>&1
berth ps -a && echo "LISTED WITHOUT A STORE"
dpkg -i /debs/berth-state-sqlite_* >/dev/null
# One by one, the others.
for p in berth-state-boltdb berth-state-lmdb berth-oci-runc berth-net-netavark berth-net-cni berth-dev; do
    dpkg -i /debs/${p}_* >/dev/null
done
berth plugin list --format '{{.Module}} {{.Status}}' | grep -c ' ok$' | sed 's/^/plugins: /'
berth run --rm --runtime runc --network none --rootfs /rootfs /bin/busybox echo by runc
# Without the runtime's package.
dpkg -r berth-oci-crun berth-oci-runc --force-depends >/dev/null 2>&1 || dpkg -r --force-depends berth-oci-crun berth-oci-runc >/dev/null 2>&1
berth run --network none --rootfs /rootfs /bin/busybox true && echo "RAN WITHOUT A RUNTIME"
dpkg -i /debs/berth-oci-crun_* >/dev/null
# An upgrade, with a container there.
for p in berth berth-state-sqlite berth-oci-crun; do
    dpkg-deb -R /debs/${p}_[0-9]*.deb /tmp/$p
    sed -i 's/^Version: .*/Version: 9.0-1/; s/(= 0\.1\.0-1)/(= 9.0-1)/g' /tmp/$p/DEBIAN/control
    dpkg-deb --root-owner-group -b /tmp/$p /tmp/$p.deb >/dev/null
done
dpkg -i /tmp/berth.deb /tmp/berth-state-sqlite.deb /tmp/berth-oci-crun.deb >/dev/null
dpkg-query -W -f '${Version}\n' berth
berth ps -a --format '{{.Names}} is there still'
berth start -a one
berth rm one
# And nothing is left.
dpkg -P berth-dev berth-state-boltdb berth-state-lmdb berth-state-sqlite berth-oci-crun \
    berth-oci-runc berth-net-netavark berth-net-cni berth >/dev/null
rm -rf /tmp/berth* /rootfs
END
step "installing, running, upgrading, purging"
in_root /bin/sh /first >"$dir/first.log" 2>&1 || say "the first host: exit status $?"
sed 's/^/    /' "$dir/first.log"
has() { grep -q -- "$1" "$dir/first.log" || say "missing: $1"; }
lacks() { ! grep -q -- "$1" "$dir/first.log" || say "$1"; }
has '^from a package$'
has '^plugins: 11$'
has '^one Exited (0)'
has '^by runc$'
has 'the package berth-oci-crun provides it'
has 'the package berth-state-sqlite provides it'
lacks 'LISTED WITHOUT'
has '^9\.0-1$'
has '^one is there still$'
lacks 'TOO LARGE'
lacks 'RAN WITHOUT'
rm -f "$root/first"
list_files >"$dir/after"
diff "$dir/before" "$dir/after" >"$dir/left" || say "purging leaves: $(cat "$dir/left")"

# An author of a plugin: a compiler, make, pkg-config, and a package each for the program, a
# store, a runtime and the headers; then the tutorial, word for word.
step "the tutorial"
sed -n '/^```console$/,/^```$/ s/^# //p' "$top_srcdir/docs/plugins/tutorial.md" >"$root/commands"
n=$(wc -l <"$root/commands")
[ "$n" -ge 5 ] && [ "$n" -le 10 ] || say "the tutorial has $n commands"
cat >"$root/author" <<'END'
set -e
dpkg -i /debs/berth-state-sqlite_* /debs/berth-oci-crun_* /debs/berth_* /debs/berth-dev_* >/dev/null
mkdir /empty
cd /empty
. /commands
END
in_root /bin/sh /author >"$dir/author.log" 2>&1 || say "the tutorial: exit status $?"
grep -qx hello "$dir/author.log" || say "the tutorial's container does not say hello"
grep -q '^summary=' "$dir/author.log" || say "the tutorial: no plugin info"
tail -n 1 "$dir/author.log" | grep -q 'hello$' || say "the tutorial: ps does not show the container"
tail -n 30 "$dir/author.log" | sed 's/^/    /'
[ $failed -ne 0 ] || echo "ok"
exit $failed
