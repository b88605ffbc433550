# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154,SC2120,SC2034
# Sourced after e2e.sh by tests of rootless operation: makes an account for this private host
# alone, over copies of the host's files.
#
#   as_user SH-TEXT    run it as that user, from its home
#   ub ARG...          its berth
#   up ARG...          its podman
#   fresh              all of its containers, processes and files are gone
#   $U $H $UID_        its name, home and number; $UR: its root file system
U=berthuser
UID_=61234
H=/var/lib/containers/home
X=/run/user/$UID_
command -v newuidmap >/dev/null || {
	echo "needs newuidmap"
	exit 77
}
for file in passwd group subuid subgid; do
	cp "/etc/$file" "$W/$file" 2>/dev/null || : >"$W/$file"
done
echo "$U:x:$UID_:$UID_::$H:/bin/sh" >>"$W/passwd"
echo "$U:x:$UID_:" >>"$W/group"
ranges() {
	printf '%s\n' "${1-$U:2000000:65536}" >"$W/subuid"
	printf '%s\n' "${2-${1-$U:2000000:65536}}" >"$W/subgid"
}
ranges
for file in passwd group subuid subgid; do
	[ -e /etc/$file ] || {
		echo "needs /etc/$file"
		exit 77
	}
	mount --bind "$W/$file" /etc/$file
done
# As on real machines; podman and berth complain about another.
mount --make-shared /
chmod 711 /var/lib/containers "$W"
chmod 644 "$W/berth.conf"
mkdir -p "$H"
cp -a "$R" "$H/rootfs"
UR=$H/rootfs
chown -R $UID_:$UID_ "$H"
mkdir -p "$X"
chown $UID_:$UID_ "$X"
chmod 700 "$X"
# A sanitizer's report is written by this user, too.
mkdir -m 1777 "$W/user"
as_user() {
	setpriv --reuid $UID_ --regid $UID_ --init-groups --inh-caps=-all \
		env -i PATH="$PATH" TERM=xterm USER=$U HOME="$H" XDG_RUNTIME_DIR="$X" \
		BERTH_CONF="$BERTH_CONF" \
		ASAN_OPTIONS="$(echo "$ASAN_OPTIONS" | sed "s|$W/|$W/user/|")" \
		sh -c "cd \"\$HOME\" && ${1}"
}
words() {
	for word; do
		printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"
	done
}
ub() { as_user "'$BERTH' --cgroup-manager cgroupfs$(words "$@")"; }
up() { as_user "podman --cgroup-manager cgroupfs$(words "$@")"; }
pause_pid() { cat "$X/libpod/tmp/pause.pid"; }
user_processes() { ps -o pid= -u $UID_; }
nobody_left() { [ -z "$(user_processes)" ]; }
fresh() {
	for pid in $(user_processes); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	until_true nobody_left
	rm -rf "${X:?}"/* "$H/.local" "$H/.config" "/dev/shm/libpod_rootless_lock_$UID_"
}
trap 'for f in "$W"/sanitizer.* "$W"/user/sanitizer.*; do [ ! -e "$f" ] || { cat "$f"; exit 1; }; done' EXIT
