#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# restart, rename, update, port, prune, exists, wait --condition and --filter: what berth says
# is what podman says, and each sees what the other has changed.
# shellcheck disable=SC2016,SC2154
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/recorded.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

# One a line; X- stands for the prefix of the program's names.
cat >"$W/commands" <<END
create --name X-a --network none --rootfs $R sleep 1000
create --name X-b --network none --label x=1 --rootfs $R sleep 1000
create --name X-c --network none --rootfs $R sleep 1000
start X-a
rename X-a
rename nosuch X-x
rename X-a X-b
rename X-a 'X bad'
rename X-a X-a
rename X-a X-a2
inspect --format '{{.Name}}' X-a2
rename X-a2 X-a
container exists X-a
container exists X-nosuch
container exists
port X-a
port nosuch
port
port -a X-a
port -a -l
port X-a 80
port X-a xx
port X-a 70000
port X-a 80 90
restart
restart X-nosuch
restart X-a nosuch X-b
restart -t 0 X-a X-b
inspect --format '{{.State.Status}} {{.RestartCount}}' X-a
inspect --format '{{.State.Status}}' X-b
restart --all X-a
restart --all --latest
restart -t 0 --filter name=X-a
restart --filter foo=X-b
restart --filter bad
restart --filter name=X-b X-a
restart --cidfile /nosuch/file
pause X-a
restart -t 0 X-a
attach X-a
unpause X-a
attach
attach X-a X-b
attach nosuch
attach X-c
attach --detach-keys foo X-a
wait --condition foo X-a
wait --condition stopped --condition running X-a
wait --condition running,exited X-a X-b
wait --condition exited,running X-c
wait -i x X-a
wait -i 5 --condition running X-a
wait -l X-a
update
update nosuch
update X-a X-b
update X-a
update -m 100m X-a
update -m 3x X-a
update --cpus 0.5 X-a
exec X-a cat /sys/fs/cgroup/memory/memory.limit_in_bytes
stop -t 0 --filter label=x=1
stop --filter name=nosuch
start --filter label=x=1
pause --filter label=x=1
unpause --filter label=x=1
rm --filter label=x=1 X-a
container prune -f --filter foo=bar
container prune -f --filter bad
container prune -f --filter until=10m
container prune -f --filter label=y
container prune -f --filter label!=y
container prune -f
container prune X-a
rm -f -t 0 X-a X-b
END

# PREFIX FILE: without what differs from run to run, and podman's log lines.
plain() {
	sed -e '/^time=/d' -e "s/^$1-/X-/" -e "s/\\([ /\"]\\)$1-/\\1X-/g" -e "s/podman /berth /g" \
		-e 's/\<[0-9a-f]\{64\}\>/ID/g' "$2" | sort | tr '\n' '|'
}
# PROGRAM PREFIX: everything, into a table.
all() {
	prog=$1 prefix=$2
	while read -r words; do
		eval "set -- $(echo "$words" | sed "s/\\([ =]\\)X-/\\1$prefix-/g")"
		timeout -k 1 30 "$prog" "$@" >"$W/out" 2>"$W/errs" </dev/null
		echo "$words: status $? output $(plain "$prefix" "$W/out") errors $(plain "$prefix" "$W/errs")"
	done <"$W/commands" | sed "s,$R,ROOT,g" >"$W/table-$prefix"
}
recorded "$top_srcdir/tests/e2e/change.table" all podman p
all "$BERTH" b
while IFS= read -r want && IFS= read -r got <&4; do
	is "${want%%: *}" "$want" "$got"
done <"$W/table-p" 4<"$W/table-b"

# Each sees what the other has done.
quiet b run -d --name one --network none --rootfs "$R" sleep 1000
quiet podman rename one two
is "berth finds the new name" two "$(b inspect --format '{{.Name}}' two)"
quiet b rename two three
is "podman finds the new name" three "$(podman inspect --format '{{.Name}}' three)"
rc "the old one is free" 1 b container exists one
quiet podman restart -t 0 three
quiet b restart -t 0 three
is "podman sees it running" running "$(podman inspect --format '{{.State.Status}}' three)"
quiet b update -m 64m three
is "limits hold at once" 67108864 "$(b exec three cat /sys/fs/cgroup/memory/memory.limit_in_bytes)"
quiet podman restart -t 0 three
is "and after a restart by podman" 67108864 "$(b exec three cat /sys/fs/cgroup/memory/memory.limit_in_bytes)"
rc "wrong limits" 125 b update --cpuset-cpus 99 three
has "are told" "requested CPUs are not available" "$errs"
b wait --condition paused -i 20ms three >"$W/waited" &
quiet podman pause three
wait $!
is "wait sees that podman paused it" -1 "$(cat "$W/waited")"
rc "rm" 0 b rm -f -t 0 three
rc "the store is whole" 0 b state check
finish
