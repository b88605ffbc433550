#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Terminals: a shell, sizes, detaching and attaching, signals, and a terminal that is closed.
. "$top_srcdir/tests/lib/e2e.sh"
pty=$top_builddir/on_pty

# WHAT COMMAND... <STEPS: see tests/lib/on_pty.c.
on_pty() { what=$1; shift; if out=$("$pty" "$@"); then good "$what"; else wrong "$what" "$out"; fi; }
state() { b inspect --format '{{.State.Status}}' "$1"; }
C="--network none --rootfs $R"
keys='\x10\x11'

# shellcheck disable=SC2086
{
on_pty "run -it: a shell, its size, Ctrl-C, its exit code" "$BERTH" run -it --rm --name sh $C sh <<END
size 31 91
expect #
send stty size\r
expect 31 91
send echo a''b\r
expect ab
size 40 100
sleep 300
send stty size\r
expect 40 100
send sleep 100\r
sleep 300
send \x03
send echo again''st\r
expect against
send tty; exit 7\r
expect /dev/pts/0
end 7
END
on_pty "the size is right from the start" "$BERTH" run -it --rm $C stty size <<END
expect 24 80
end 0
END
on_pty "run -t without -i" "$BERTH" run -t --rm $C tty <<END
expect /dev/pts/0
end 0
END
on_pty "detach" "$BERTH" run -it --name c $C sh <<END
expect #
send echo fi''rst\r
expect first
send $keys
end 0
END
is "it goes on running" running "$(state c)"
on_pty "attach again, detach with the keys in two pieces" "$BERTH" attach c <<END
send echo sec''ond\r
expect second
send \x10
sleep 200
send \x11
end 0
END
on_pty "a key of the sequence alone is typed on" "$BERTH" attach c <<END
send read -n 2 x; printf %d "'\$x"\r
sleep 300
send \x10x
expect 16
send $keys
end 0
END
on_pty "other keys" "$BERTH" attach --detach-keys a,a,b c <<END
send echo aac''t\r
expect aact
sleep 500
send aaab
end 0
END
on_pty "no keys" "$BERTH" attach --sig-proxy=false --detach-keys "" c <<END
send \r
sleep 500
send $keys
sleep 300
send \x03
sleep 500
send echo st''ill\r
expect still
signal 15
end 0
END
command -v podman >/dev/null && {
on_pty "podman attaches to what berth started" podman attach c <<END
send echo th''ird\r
expect third
send \x10
sleep 500
send \x11
end 0
END
quiet podman run -dit --name p $C sh
on_pty "berth attaches to what podman started" "$BERTH" attach p <<END
send echo fou''rth\r
expect fourth
send $keys
end 0
END
quiet podman rm -f -t 0 p
}
for sig in 15 2 1; do
	on_pty "signal $sig without a proxy puts the terminal right" "$BERTH" attach --sig-proxy=false c <<END
send echo be''fore\r
expect before
signal $sig
end $(case $sig in 15) echo 0 ;; 2) echo 1 ;; 1) echo 129 ;; esac)
END
done
on_pty "exec -it: size and exit code" "$BERTH" exec -it c sh <<END
expect #
size 33 93
sleep 300
send stty size\r
expect 33 93
send exit 4\r
end 4
END
on_pty "exec -it: detach" "$BERTH" exec -it c sh -c 'echo up; sleep 1000' <<END
expect up
send $keys
end 0
END
has "its process goes on" "sleep 1000" "$(b exec c ps)"
on_pty "exec -it: SIGTERM puts the terminal right" "$BERTH" exec -it c sh -c 'echo up; sleep 1000' <<END
expect up
signal 15
end 0
END
on_pty "a closed terminal ends run, and hangs the shell up" "$BERTH" run -it --name closed $C \
	sh -c 'trap "echo hup >/tmp/hup; exit 3" HUP; echo up; while :; do sleep 0.1; done' <<END
expect up
hangup
end -1
END
until_true sh -c "\"$BERTH\" inspect --format '{{.State.Status}}' closed | grep -q exited"
is "which it noticed" 3 "$(b wait closed)"
on_pty "a closed terminal leaves what ignores SIGHUP" "$BERTH" run -it --name open $C \
	sh -c 'trap "" HUP; echo up; sleep 1000' <<END
expect up
hangup
end 0
END
is "running" running "$(state open)"
on_pty "start -ai" "$BERTH" start -ai closed <<END
expect up
signal 1
end 3
END
rc "detach keys that are none" 125 b run -it --detach-keys foo --name never $C true
is "in podman's words" "Error: invalid detach keys: Unknown character: 'foo'" "$errs"
rc "and nothing was made" 1 b container exists never

# Without a terminal.
is "input as large as it comes, while output comes" 20000000 "$(head -c 20000000 /dev/zero | timeout 60 "$BERTH" run -i --rm $C cat | wc -c)"
is "no -i: no input" "" "$(echo x | b run --rm $C cat)"
is "-i: the end of input is an end" x "$(echo x | b run -i --rm $C cat)"
quiet b run -d -i --name in $C sh -c 'cat; echo end'
is "attach gives it input" "one end" "$(echo one | timeout 20 "$BERTH" attach in | tr '\n' ' ' | sed 's/ *$//')"
quiet b run -d --name loop $C sh -c 'trap "echo got; exit 6" USR1; while :; do sleep 0.1; done'
"$BERTH" attach --no-stdin loop >"$W/one" & one=$!
"$BERTH" attach --no-stdin loop >"$W/two" & two=$!
until_true sh -c "[ \"\$(\"$BERTH\" events --stream=false --filter container=loop | grep -c attach)\" = 2 ]"
sleep 0.3
kill -USR1 $one
wait $one
is "attach ends with 0" 0 $?
wait $two
is "signals are forwarded, all who are attached see it" "got got" "$(cat "$W/one" "$W/two" | tr -d ' ' | tr -s '\n' ' ' | sed 's/ *$//')"
is "the container ended itself" 6 "$(b wait loop)"

# More descriptors.
echo hello >"$W/file"
is "run --preserve-fds" hello "$(b run --rm --preserve-fds 1 $C sh -c 'cat <&3' 3<"$W/file")"
is "exec --preserve-fds" hello "$(b exec --preserve-fds 1 c sh -c 'cat <&3' 3<"$W/file")"
rc "one that is not there" 125 b exec --preserve-fds 2 c true
# Valgrind has one there itself.
[ -n "${VALGRIND:-}" ] || is "has podman's words" "Error: file descriptor 3 is not available - the preserve-fds option requires that file descriptors must be passed" "$errs"
}
rc "the store is whole" 0 b state check
finish
