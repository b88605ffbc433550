#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# top, beside podman.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

quiet b run -d --name one --network none --user 1000:50 --cap-add SYS_PTRACE --rootfs "$R" \
	sh -c 'trap "exit 0" TERM; sleep 1000 & sleep 1000 & wait'
quiet b run -d -t --name tty --network none --rootfs "$R" sleep 1000
quiet b run -d --name all --network none --privileged --pid host --rootfs "$R" sleep 1000
quiet b create --name made --network none --rootfs "$R" sleep 1000
until_true sh -c "[ \$(\"$BERTH\" top one pid | wc -l) = 4 ]"

# same WHAT ARG...: the words of podman top; blanks do not count.
same() {
	what=$1
	shift
	podman top "$@" 2>&1 | sed 's/  */ /g; s/ $//; / ps$/d' >"$W/podman"
	b top "$@" 2>&1 | sed 's/  */ /g; s/ $//; / ps$/d' >"$W/berth"
	is "$what" "$(cat "$W/podman")" "$(cat "$W/berth")"
}
# What does not change from one moment to the next.
same "names" one pid ppid pgid comm args
same "users" one user,ruser,group,rgroup,groups
same "the host's" one hpid huser hgroup hgroups
same "capabilities" one capamb capbnd capeff capinh capprm
same "others" one label nice seccomp state stime tty time vsz rss
same "codes" one %p %P %U %a %c %g %n %r %u %x %y %z %G
same "a terminal" tty pid tty user comm
same "ps in the container" one -o pid,user,comm
is "the standard columns" "USER PID PPID %CPU ELAPSED TTY TIME COMMAND" "$(b top one | head -n 1 | sed 's/  */ /g')"
has "the time since its start" "s" "$(b top one etime | tail -n 1)"
is "the latest" 'COMMAND' "$(b top --latest comm 2>/dev/null | head -n 1)$(b rm -f made >/dev/null; b top --latest comm | head -n 1)"
is "all capabilities" full "$(b top all capeff,hpid,args | grep 'sleep 1000' | grep -c full | sed 's/.*/full/')"
has "processes of the host" "?" "$(b top all hpid,args)"
quiet b create --name made --network none --rootfs "$R" sleep 1000
same "of one that does not run" made
rc "podman's status, too" 125 b top made
rc "no name" 125 b top
is "podman's words" "Error: you must provide the name or id of a running container" "$errs"
rc "an option that ps does not know" 125 b top one --nonesuch
has "says so" "executing ps(1) in the container" "$errs"
rc "a quote" 125 b top one "-o 'pid"
has "that is open" "parsing ps args" "$errs"
quiet b rm -f -t 0 --all
# What a process says of itself are words, not orders to a terminal and not other rows.
quiet b run -d --name odd --network none --rootfs "$R" sh -c "$(printf 'sleep 1000; : \033[2J\tx\nroot')"
is "no other rows" 2 "$(b top odd pid args | grep -v sleep.1000\$ | wc -l)"
has "nor control characters" ': ?[2J?x?root' "$(b top odd args)"
quiet b rm -f -t 0 odd
finish
