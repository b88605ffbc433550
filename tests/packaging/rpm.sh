#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The packages of packaging/rpm: built, and each of them has its files, needs and provisions.
# Behind `make check-packaging`: takes minutes.  On a machine without rpm's own packages of
# libraries (Debian), what a build needs is not asked for.
set -eu
: "${top_srcdir:?run by make check-packaging}" "${top_builddir:?}"

command -v rpmbuild >/dev/null || { echo "needs rpmbuild"; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/packaging.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
say() {
    echo "FAIL: $*"
    failed=1
}

echo "== building"
rpms=${RPMS:-$dir/RPMS}
if [ -z "${RPMS:-}" ]; then
    tarball=${TARBALL:-}
    if [ -z "$tarball" ]; then
        env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$top_builddir" dist >"$dir/dist.log" 2>&1
        mkdir "$dir/SOURCES"
        mv "$top_builddir"/berth-*.tar.xz "$dir/SOURCES/"
    else
        mkdir "$dir/SOURCES"
        cp "$tarball" "$dir/SOURCES/"
    fi
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL rpmbuild -bb --nodeps \
        --define "_topdir $dir" --define "_smp_mflags -j${JOBS:-2}" \
        "$top_srcdir/packaging/rpm/berth.spec" >"$dir/build.log" 2>&1 || {
        tail -n 30 "$dir/build.log"
        exit 1
    }
fi
package() { find "$rpms" -name "$1-[0-9]*.rpm"; }

echo "== files"
n=$(find "$rpms" -name 'berth*.rpm' ! -name '*-debug*' | wc -l)
[ "$n" -eq 9 ] || say "there are $n packages"
# The plugins of each package, and how many other files it has of which kind.
for one in berth:lock_file,lock_shm,net_none,state_memory berth-state-boltdb:state_boltdb \
    berth-state-sqlite:state_sqlite berth-state-lmdb:state_lmdb berth-oci-crun:oci_crun \
    berth-oci-runc:oci_runc berth-net-netavark:net_netavark berth-net-cni:net_cni; do
    name=${one%%:*}
    rpm -qpl "$(package "$name")" 2>/dev/null | grep -v '/\.build-id' >"$dir/files"
    got=$(sed -n 's|.*/berth/\([a-z_]*\)\.so$|\1|p' "$dir/files" | sort | tr '\n' ',')
    [ "$got" = "${one#*:}," ] || say "$name has the plugins $got"
    for plugin in $(echo "${one#*:}" | tr , ' '); do
        grep -q "/man7/$plugin\.7" "$dir/files" || say "$name lacks the manual page of $plugin"
    done
    [ "$name" = berth ] || [ "$(grep -c . "$dir/files")" -eq 2 ] || say "$name has more: $(cat "$dir/files")"
done
rpm -qpl "$(package berth)" 2>/dev/null >"$dir/files"
for file in /usr/bin/berth /man1/berth.1 /man5/berth.conf.5 completions/berth berth.fish _berth \
    /berth-check.timer /tmpfiles.d/berth.conf; do
    grep -q -- "$file" "$dir/files" || say "berth lacks $file"
done
rpm -qpl "$(package berth-devel)" 2>/dev/null >"$dir/files"
for file in /berth-plugin-check berth/state.h berth-plugin.pc berth.m4 examples/state_flatfile/plugin.c \
    man3/berth-plugin.3 berth.attr berth.prov; do
    grep -q -- "$file" "$dir/files" || say "berth-devel lacks $file"
done

echo "== needs"
needs() { rpm -qp --requires "$(package "$1")" 2>/dev/null; }
for one in state-sqlite:libsqlite3 state-lmdb:liblmdb oci-crun:crun oci-runc:runc \
    net-netavark:netavark net-cni:containernetworking-plugins; do
    needs "berth-${one%%:*}" | grep -q "^${one#*:}" || say "berth-${one%%:*} does not need ${one#*:}"
done
for library in sqlite lmdb; do
    for name in berth berth-state-boltdb berth-oci-crun; do
        ! needs $name | grep -q "^lib$library" || say "$name needs $library"
    done
done
for name in state-sqlite state-boltdb state-lmdb oci-crun oci-runc net-netavark net-cni; do
    kind=${name%%-*}
    needs "berth-$name" | grep -qx "berth($kind-abi) = 1" || say "berth-$name does not need berth($kind-abi)"
    rpm -qp --provides "$(package "berth-$name")" 2>/dev/null | grep -qx "berth-$kind-plugin" ||
        say "berth-$name does not provide berth-$kind-plugin"
done
[ $failed -ne 0 ] || echo "ok"
exit $failed
