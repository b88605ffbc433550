#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# logs: every driver, every option; split lines, rotation, several containers at once, and
# the same from the journal.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
journald=/lib/systemd/systemd-journald
for tool in $journald podman; do
	command -v "$tool" >/dev/null || { echo "needs the program $tool"; exit 77; }
done

run() { name=$1; shift; quiet b run --name "$name" --network none "$@"; }
pieces='echo one; sleep 0.5; echo err >&2; sleep 0.5; printf AA; sleep 0.3; printf BB; sleep 0.3; echo CC; sleep 0.3; echo last'
lines() { tr '\n' '|'; }
# Times become T, so that texts with them can be compared.
no_times() { sed 's/20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:]*\.[0-9]\{9\}\(Z\|[+-][0-9][0-9]:[0-9][0-9]\) /T /g'; }

# ------------------------------------------------------------ drivers that write files
# all_options NAME: the container ran $pieces; a split line's pieces have a time each in files.
all_options() { # NAME TIMES-OF-THE-SPLIT-LINE
	is "$1: everything" "one|err|AABBCC|last|" "$(b logs "$1" 2>&1 | lines)"
	is "$1: standard output" "one|AABBCC|last|" "$(b logs "$1" 2>/dev/null | lines)"
	is "$1: standard error" "err|" "$(b logs "$1" 2>&1 >/dev/null | lines)"
	is "$1: times" "T one|T err|$2|T last|" "$(b logs -t "$1" 2>&1 | no_times | lines)"
	is "$1: --tail 0" "" "$(b logs --tail 0 "$1" 2>&1)"
	is "$1: --tail 1" "last|" "$(b logs --tail 1 "$1" 2>&1 | lines)"
	is "$1: --tail 2" "AABBCC|last|" "$(b logs --tail 2 "$1" 2>&1 | lines)"
	is "$1: --tail 3" "err|AABBCC|last|" "$(b logs --tail 3 "$1" 2>&1 | lines)"
	is "$1: --tail 99" "one|err|AABBCC|last|" "$(b logs --tail 99 "$1" 2>&1 | lines)"
	is "$1: --tail -1" "one|err|AABBCC|last|" "$(b logs --tail -1 "$1" 2>&1 | lines)"
	is "$1: --since" "one|err|AABBCC|last|" "$(b logs --since 1h "$1" 2>&1 | lines)"
	is "$1: --since later" "" "$(b logs --since 2100-01-01 "$1" 2>&1)"
	is "$1: --until" "one|err|AABBCC|last|" "$(b logs --until 1h "$1" 2>&1 | lines)"
	is "$1: --until earlier" "" "$(b logs --until 2001-01-01 "$1" 2>&1)"
	last=$(b logs -t --tail 1 "$1" | sed 's/ .*//')
	is "$1: --until is exclusive" "one|err|AABBCC" "$(b logs --until "$last" "$1" 2>&1 | lines | sed 's/|$//')"
	is "$1: --since is exclusive" "" "$(b logs --since "$last" "$1" 2>&1)"
	is "$1: --follow of one that has ended" "one|err|AABBCC|last|" "$(timeout 60 "$BERTH" logs -f "$1" 2>&1 | lines)"
	is "$1: --color" "$(printf '\033[37mlast\033[0m')" "$(b logs --color --tail 1 "$1")"
	is "$1: --names of one" "last" "$(b logs -n --tail 1 "$1")"
}
for driver in k8s-file json-file; do
	run $driver --log-driver $driver --rootfs "$R" sh -c "$pieces"
	all_options $driver "T AAT BBT CC"
done
is "without an end" "no end" "$(run open --log-driver k8s-file --rootfs "$R" printf 'no end'; b logs open)"
is "--latest" "no end" "$(b logs --latest)"
is "--latest, --tail" "no end" "$(b logs -l --tail 1)"
run path --log-driver k8s-file --log-opt path="$W/elsewhere.log" --rootfs "$R" echo elsewhere
is "--log-opt path" elsewhere "$(b logs path)"
has "the file" "stdout F elsewhere" "$(cat "$W/elsewhere.log")"
echo rubbish >>"$W/elsewhere.log"
rc "a line that is no record" 0 b logs path
is "the others are printed" elsewhere "$out"
has "it is said" "rubbish" "$errs"
rm "$W/elsewhere.log"
rc "without its file" 0 b logs path
is "nothing" "" "$out"
quiet b start -a k8s-file
is "a second run is added" 8 "$(b logs k8s-file 2>&1 | wc -l)"

# -------------------------------------------------------------- drivers without a log
for driver in none passthrough; do
	b run --name $driver --network none --log-driver $driver --rootfs "$R" echo passed >"$W/out" 2>&1 </dev/null
	rc "$driver" 125 b logs $driver
	has "podman's words" "this container is using the '$driver' log driver, cannot read logs: this container is not logging output" "$errs"
done
is "passthrough passes it" passed "$(cat "$W/out")"
rc "nobody" 125 b logs nosuch
has "podman's words" 'no container with name or ID "nosuch" found: no such container' "$errs"
rc "no name" 125 b logs
has "podman's words" "specify at least one container name or ID to log" "$errs"
rc "--latest and a name" 125 b logs --latest path
has "podman's words" "--latest and containers cannot be used together" "$errs"

# ----------------------------------------------------------------- several at once
two='i=0; while [ $i -lt 3 ]; do echo $i; i=$((i + 1)); sleep 0.3; done'
quiet b run -d --name left --network none --rootfs "$R" sh -c "$two"
quiet b run -d --name right --network none --rootfs "$R" sh -c "$two"
timeout 60 "$BERTH" logs -f -n left right >"$W/both"
is "followed to the end of both" "left 0|left 1|left 2|right 0|right 1|right 2|" "$(sort "$W/both" | lines)"
is "in the order of time" "$(b logs -t left right | awk '{ print $2 }' | sort)" "$(b logs -t left right | awk '{ print $2 }')"
has "with IDs" "$(b inspect --format '{{.Id}}' left | cut -c 1-12) 0" "$(b logs left right)"
is "--tail is of each" "left 2|right 2|" "$(b logs -n --tail 1 right left | sort | lines)"
has "colors differ" "$(printf '\033[31mright 2\033[0m')" "$(b logs -n --color left right)"

# ------------------------------------------------------------------- follow, rotation
quiet b run -d --name on --network none --rootfs "$R" sh -c 'echo a; until [ -e /go ]; do sleep 0.1; done; echo z'
until_true sh -c "\"$BERTH\" logs on | grep -q a"
timeout 60 "$BERTH" logs -f --tail 0 on >"$W/tail" &
timeout 60 "$BERTH" logs -f --until 1s on >"$W/until"
is "--until ends it" a "$(cat "$W/until")"
touch "$R/go"
wait $!
is "--follow --tail 0" z "$(cat "$W/tail")"
rm "$R/go"
quiet b run -d --name turn --network none --log-opt max-size=1k --rootfs "$R" \
	sh -c 'i=100; while [ $i -lt 200 ]; do echo line $i; i=$((i + 1)); sleep 0.01; done'
timeout 60 "$BERTH" logs -f turn >"$W/turn" 2>"$W/errs"
is "follows behind rotations" "line 199" "$(tail -n 1 "$W/turn")"
is "nothing twice, nothing out of order" "$(sort -u "$W/turn")" "$(cat "$W/turn")"
[ "$(b logs turn | wc -l)" -lt 40 ] && good "the log was cut" || wrong "the log was not cut"

# -------------------------------------------------------------------------- journald
mkdir -p /run/systemd/journal /run/log/journal
$journald >/dev/null 2>&1 &
journal=$!
until_true test -S /run/systemd/journal/socket
run j --log-driver journald --rootfs "$R" sh -c "$pieces"
until_true sh -c "\"$BERTH\" logs j | grep -q last"
all_options j "T AABBCC"
is "no end" "no end" "$(run jopen --log-driver journald --rootfs "$R" printf 'no end'; timeout 60 "$BERTH" logs -f jopen >/dev/null; until_true sh -c "[ \"\$(\"$BERTH\" logs jopen)\" ]" >/dev/null; b logs jopen)"
is "podman reads the same" "$(podman logs j 2>&1 | lines)" "$(b logs j 2>&1 | lines)"
quiet b run -d --name jon --network none --log-driver journald --rootfs "$R" sh -c 'echo a; until [ -e /go ]; do sleep 0.1; done; echo z'
until_true sh -c "\"$BERTH\" logs jon | grep -q a"
timeout 60 "$BERTH" logs -f -n jon turn >"$W/both" &
follower=$!
until_true grep -q 'jon a' "$W/both"
touch "$R/go"
wait $follower
is "--follow to the end" "jon a|jon z|" "$(grep jon "$W/both" | lines)"
has "with one that has a file" "turn line 199" "$(cat "$W/both")"
head -c 20000 /dev/zero | tr '\0' x >"$R/long"
run long --log-driver journald --rootfs "$R" sh -c 'cat /long; echo; echo end'
until_true sh -c "\"$BERTH\" logs long | grep -q end"
is "a long line is whole" 20001 "$(b logs long | head -n 1 | wc -c)"
is "--tail counts it as one" 2 "$(b logs --tail 2 long | wc -l)"
# A tag is a template over what inspect shows.
tag_of() { journalctl -o json "CONTAINER_NAME=$1" | jq -r .CONTAINER_TAG | sort -u; }
run tagged --log-driver journald --log-opt 'tag={{.Name}}/{{.State.Status}}/{{.HostConfig.LogConfig.Type}}' --rootfs "$R" echo x
podman run --name tagged2 --network none --log-driver journald --log-opt 'tag={{.Name}}/{{.State.Status}}/{{.HostConfig.LogConfig.Type}}' --rootfs "$R" echo x >/dev/null 2>&1
until_true sh -c 'journalctl -o json CONTAINER_NAME=tagged2 | grep -q CONTAINER_TAG'
is "the tag" "$(tag_of tagged2 | sed s/2//)" "$(tag_of tagged)"
podman run --rm --network none --log-driver journald --log-opt 'tag={{.Name' --rootfs "$R" echo x >/dev/null 2>"$W/theirs"
rc "a tag that is no template" $? b run --rm --network none --log-driver journald --log-opt 'tag={{.Name' --rootfs "$R" echo x
is "is told" "$(cat "$W/theirs")" "$errs"
podman rm tagged2 >/dev/null 2>&1
kill $journal
b ps -aq | xargs "$BERTH" rm -f -t 0 >/dev/null
is "nothing is left" "" "$(b ps -aq)"
finish
