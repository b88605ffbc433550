#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands of docs/plugins/tutorial.md, word for word, on a private host on which this build
# is installed in /usr.
set -u
if [ "${1:-}" = inside ]; then
    dir=$2
    # A /usr and an /etc of this host's only: links to what the machine has, beside what was
    # installed.
    mkdir "$dir/usr" "$dir/real"
    mount --rbind /usr "$dir/real" || { echo "may not mount here"; exit 77; }
    for top in "$dir/real"/*; do
        name=${top##*/}
        if [ -d "$dir/dest/usr/$name" ]; then
            mkdir "$dir/usr/$name"
            for entry in "$top"/*; do
                [ -e "$dir/dest/usr/$name/${entry##*/}" ] || echo "$entry"
            done | xargs -d '\n' ln -s -t "$dir/usr/$name"
            cp -a "$dir/dest/usr/$name/." "$dir/usr/$name/"
        else
            ln -s "$top" "$dir/usr/"
        fi
    done
    for shared in lib/pkgconfig share/man share/aclocal share/bash-completion share/zsh share/fish; do
        rm -rf "${dir:?}/usr/$shared"
        mkdir -p "$dir/usr/$shared"
        [ ! -d "$dir/dest/usr/$shared" ] || cp -a "$dir/dest/usr/$shared/." "$dir/usr/$shared/"
    done
    cp -a /etc "$dir/etc"
    mount --rbind "$dir/usr" /usr
    mount --rbind "$dir/etc" /etc
    # The kit syncs a lot; on a disk that is slow and says nothing new.
    export TMPDIR=/dev/shm
    cd "$dir/empty" || exit 1
    # shellcheck disable=SC1091
    set -e
    . "$dir/commands"
    exit
fi

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
grep -qx 'prefix=/usr' "$top_builddir/sdk/berth-plugin.pc" || { echo "needs --prefix=/usr"; exit 77; }
command -v crun >/dev/null && command -v conmon >/dev/null || { echo "needs crun and conmon"; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/tutorial.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$dir"

failed=0
say() {
    echo "FAIL: $*"
    failed=1
}
sed -n '/^```console$/,/^```$/ s/^# //p' "$top_srcdir/docs/plugins/tutorial.md" >"$dir/commands"
n=$(wc -l <"$dir/commands")
[ "$n" -ge 5 ] || say "the tutorial has $n commands"
[ "$n" -le 10 ] || say "the tutorial has $n commands, which is more than ten"

mkdir "$dir/empty"
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$top_builddir" install DESTDIR="$dir/dest" \
    >"$dir/install.log" 2>&1 || { tail -n 20 "$dir/install.log"; exit 1; }
# What of the machine would be asked first.
unset BERTH BERTH_CONF BERTH_PLUGIN_PATH
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL sh "$top_srcdir/tests/lib/private-host" \
    sh "$0" inside "$dir" >"$dir/out" 2>&1 </dev/null
status=$?
[ $status -ne 77 ] || { cat "$dir/out"; exit 77; }
[ $status -eq 0 ] || say "exit status $status"
grep -qx 'hello' "$dir/out" || say "the container does not say hello"
grep -q '^summary=' "$dir/out" || say "no plugin info"
tail -n 1 "$dir/out" | grep -q 'hello$' || say "ps does not show the container"
[ $failed -eq 0 ] || tail -n 40 "$dir/out"
exit $failed
