#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stats, beside podman.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

quiet b run -d --name one --network none -m 64m --rootfs "$R" sh -c 'dd if=/dev/zero of=/dev/null bs=1M count=300; exec sleep 1000'
quiet b run -d --name two --network none --rootfs "$R" sleep 1000
quiet b create --name made --network none --rootfs "$R" sleep 1000
until_true sh -c '[ "$("$0" top one comm | tail -n 1)" = sleep ]' "$BERTH"

columns='{{.ID}} {{.Name}} {{.MemUsage}} {{.MemUsageBytes}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDS}} {{.UpTime}}'
# same WHAT FILTER ARGUMENT...: what both print.  The kernel gives back some of a container's memory
# a while after it began to wait, so that two looks one after the other may differ.
same() {
	what=$1 filter=$2
	shift 2
	for _ in $(seq 20); do
		want=$(podman stats --no-stream "$@" | $filter)
		got=$(b stats --no-stream "$@" | $filter)
		[ "$want" != "$got" ] || break
		sleep 0.2
	done
	is "$what" "$want" "$got"
}
same "numbers" cat --format "$columns" one
same "all of them" sort -a --format "$columns"
is "titles" "$(podman stats --no-stream one | head -n 1 | sed 's/  */ /g')" "$(b stats --no-stream one | head -n 1 | sed 's/  */ /g')"
is "titles of some" "$(podman stats --no-stream --no-trunc --format 'table {{.ID}} {{.Name}}' one two)" \
	"$(b stats --no-stream --no-trunc --format 'table {{.ID}} {{.Name}}' one two)"
json() { sed '/"cpu_percent"/d; /"avg_cpu"/d'; }
same "JSON" json --format json one made
has "a share of the processor" "%" "$(b stats --no-stream --format '{{.CPUPerc}}' one | grep -v '^0.00%')"
is "only those that run" 2 "$(b stats --no-stream --format '{{.Name}}' | wc -l)"
is "again and again" 2 "$(b stats --no-reset -i 1 --format '{{.Name}}' two | head -n 2 | wc -l)"
has "the screen is cleared" "$(printf '\033[2J')" "$(b stats -i 1 --format '{{.Name}}' two | head -n 1)"
words() {
	what=$1
	shift
	podman stats "$@" >/dev/null 2>"$W/podman"
	rc "$what" $? b stats "$@"
	is "$what: words" "$(cat "$W/podman")" "$errs"
}
words "an unknown container" --no-stream nonesuch
words "all and a name" --no-stream --all one
words "no interval" --no-stream -i 0 one
quiet b rm -f -t 0 --all
finish
