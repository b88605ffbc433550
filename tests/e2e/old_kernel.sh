#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On a kernel that lacks the system calls of Linux 5.1 to 5.12, and in a container that does not
# let them pass: all that opens files of containers, waits for processes or sends them signals.
. "$top_srcdir/tests/lib/e2e.sh"

{
	echo '#!/bin/sh'
	# shellcheck disable=SC2016
	echo "exec '$top_builddir/old_kernel' \"\$WITHOUT\" '$BERTH' \"\$@\""
} >"$W/berth"
chmod +x "$W/berth"
BERTH=$W/berth
rc "the program knows which calls it takes" 2 "$top_builddir/old_kernel" openat2,nosuch true

mkdir "$W/vol" "$W/ro"
echo kept >"$W/vol/kept"
ln -s /etc/passwd "$R/passwd"
healthy() { [ "$(b inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]; }
trial() {
	name=t$1
	export WITHOUT="$2"
	runtime=$3
	rc "$name: run" 7 b run --rm --network none --rootfs "$R" /bin/sh -c 'exit 7'
	quiet b --runtime "$runtime" run -d --name "$name" --network none -v "$W/vol:/vol" -v "$W/ro:/ro:ro" \
		--health-cmd true --health-interval 1s --rootfs "$R" \
		/bin/sh -c 'trap "echo bye; exit 3" TERM; echo begun; while :; do sleep 0.1; done'
	until_true healthy "$name"
	rc "$name: exec" 5 b exec "$name" /bin/sh -c 'exit 5'
	is "$name: exec with input" typed "$(echo typed | b exec -i "$name" cat)"
	quiet b exec -d "$name" sleep 1000
	# Into the container that runs, through links, and out of it.
	echo "$name" >"$W/file"
	quiet b cp "$W/file" "$name:/vol/file"
	is "$name: copied in" "$name" "$(cat "$W/vol/file")"
	quiet b cp "$name:/vol/kept" "$W/back"
	is "$name: copied out" kept "$(cat "$W/back")"
	quiet b cp "$name:/passwd" "$W/back"
	is "$name: links stay inside" "$(cat "$R/etc/passwd")" "$(cat "$W/back")"
	b logs -f "$name" >"$W/followed" &
	follower=$!
	quiet b stop -t 20 "$name"
	is "$name: stopped by its signal" 3 "$(b inspect --format '{{.State.ExitCode}}' "$name")"
	rc "$name: wait" 0 b wait "$name"
	is "$name: waited" 3 "$out"
	wait $follower
	is "$name: the log is followed to its end" "begun bye" "$(tr '\n' ' ' <"$W/followed" | sed 's/ $//')"
	# Into one that is stopped, whose mounts are made for it.
	echo again >"$W/file"
	quiet b cp "$W/file" "$name:/vol/file"
	is "$name: copied into the stopped one" again "$(cat "$W/vol/file")"
	rc "$name: not where it may not write" 125 b cp "$W/file" "$name:/ro/file"
	is "$name: nothing there" "" "$(ls "$W/ro")"
	quiet b start "$name"
	rc "$name: kill" 0 b kill "$name"
	is "$name: killed" 137 "$(b wait "$name")"
	quiet b start "$name"
	rc "$name: stop that has to kill" 0 b stop -t 0 "$name"
	quiet b start "$name"
	rc "$name: rm of one that runs" 0 b rm -f -t 0 "$name"
	is "$name: nothing is left" "" "$(b ps -aq)"
}

trial 1 openat2,pidfd_open crun
trial 2 openat2,pidfd_open,pidfd_send_signal,close_range,open_tree,move_mount,mount_setattr crun
trial 3 openat2,pidfd_open,pidfd_send_signal,mount_setattr runc
finish
