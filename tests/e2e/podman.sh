#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# berth and the real podman on the same containers, in both directions.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

loop='trap "exit 5" TERM; while :; do sleep 0.1; done'

quiet b run -d --name ours --network none --rootfs "$R" /bin/sh -c "$loop"
has "podman lists it" ours "$(podman ps --format '{{.Names}} {{.Status}}')"
is "podman inspects it" "running crun none" "$(podman inspect --format '{{.State.Status}} {{.OCIRuntime}} {{.HostConfig.NetworkMode}}' ours)"
is "podman runs in it" hi "$(podman exec ours echo hi)"
rc "podman stops it" 0 podman stop -t 5 ours
is "berth sees the exit code" "exited 5" "$(b inspect --format '{{.State.Status}} {{.State.ExitCode}}' ours)"
rc "podman starts it" 0 podman start ours
is "berth sees it running" running "$(b inspect --format '{{.State.Status}}' ours)"
is "berth runs in it" hi "$(b exec ours echo hi)"
rc "podman removes it" 0 podman rm -f -t 0 ours
is "berth sees it gone" "" "$(b ps -aq)"

quiet podman run -d --name theirs --network none --rootfs "$R" /bin/sh -c "$loop"
has "berth lists it" theirs "$(b ps --format '{{.Names}}')"
is "berth inspects it" "running" "$(b inspect --format '{{.State.Status}}' theirs)"
is "berth runs in it" hi "$(b exec theirs echo hi)"
rc "berth stops it" 0 b stop -t 5 theirs
is "podman sees the exit code" "exited 5" "$(podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' theirs)"
rc "berth starts it" 0 b start theirs
is "podman sees it running" running "$(podman inspect --format '{{.State.Status}}' theirs)"
is "podman runs in it" hi "$(podman exec theirs echo hi)"
rc "berth removes it" 0 b rm -f -t 0 theirs
is "podman sees it gone" "" "$(podman ps -aq --external)"

quiet b create --name made-here --network none --rootfs "$R" /bin/sh -c 'exit 6'
rc "podman starts what berth created" 6 podman start -a made-here
is "and berth knows how it ended" 6 "$(b inspect --format '{{.State.ExitCode}}' made-here)"
rc "berth removes it" 0 b rm made-here
quiet podman create --name made-there --network none --rootfs "$R" /bin/sh -c 'exit 8'
rc "berth starts what podman created" 8 b start -a made-there
is "and podman knows how it ended" 8 "$(podman inspect --format '{{.State.ExitCode}}' made-there)"
rc "podman removes it" 0 podman rm made-there
rc "the store is whole" 0 b state check
finish
