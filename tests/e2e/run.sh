#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run: output, exit codes, flags, on crun and runc.
. "$top_srcdir/tests/lib/e2e.sh"

for runtime in crun runc; do
	rc "$runtime: exit code" 7 b --runtime $runtime run --rm --network none --rootfs "$R" /bin/sh -c 'echo hi; exit 7'
	is "$runtime: output" hi "$out"
	is "$runtime: nothing on stderr" "" "$errs"
	cp "$BERTH_CONF" "$W/other.conf"
	echo "OCIRuntime = \"$runtime\";" >>"$W/other.conf"
	rc "$runtime from the configuration" 3 env BERTH_CONF="$W/other.conf" "$BERTH" run --name c$runtime --network none --rootfs "$R" /bin/sh -c 'exit 3'
	is "$runtime is recorded" $runtime "$(b inspect --format '{{.OCIRuntime}}' c$runtime)"
	quiet b rm c$runtime
done
rc "runtime by path" 4 b --runtime "$(command -v crun)" run --rm --network none --rootfs "$R" /bin/sh -c 'exit 4'

run() { b run --rm --network none "$@"; }
is "environment" "a b" "$(run -e X='a b' --rootfs "$R" /bin/sh -c 'echo "$X"')"
is "workdir" /tmp "$(run -w /tmp --rootfs "$R" pwd)"
is "user" "1000 1000" "$(run -u user --rootfs "$R" /bin/sh -c 'echo $(id -u) $(id -g)')"
is "numeric user" "33 44" "$(run -u 33:44 --rootfs "$R" /bin/sh -c 'echo $(id -u) $(id -g)')"
is "host name" boat "$(run --hostname boat --rootfs "$R" hostname)"
mkdir "$W/vol"
echo data >"$W/vol/file"
is "bind mount" data "$(run -v "$W/vol:/data" --rootfs "$R" cat /data/file)"
rc "read-only bind mount" 1 run -v "$W/vol:/data:ro" --rootfs "$R" touch /data/x
is "entrypoint" "x y" "$(run --entrypoint /bin/echo --rootfs "$R" x y)"
rc "read-only root" 1 run --read-only --rootfs "$R" touch /x
is "pid namespace" 1 "$(run --rootfs "$R" /bin/sh -c 'echo $$')"
is "host pid namespace" "$(readlink /proc/self/ns/pid)" "$(run --pid host --rootfs "$R" readlink /proc/self/ns/pid)"
is "host network" "$(readlink /proc/self/ns/net)" "$(b run --rm --network host --rootfs "$R" readlink /proc/self/ns/net)"
is "host uts" "$(readlink /proc/self/ns/uts)" "$(run --uts host --rootfs "$R" readlink /proc/self/ns/uts)"
is "host ipc" "$(readlink /proc/self/ns/ipc)" "$(run --ipc host --rootfs "$R" readlink /proc/self/ns/ipc)"
is "ulimit" 77 "$(run --ulimit nofile=77:77 --rootfs "$R" /bin/sh -c 'ulimit -n')"
is "capabilities dropped" 0000000000000000 "$(run --cap-drop all --rootfs "$R" sed -n 's/^CapEff:.//p' /proc/self/status)"
is "stdin" "typed" "$(echo typed | b run -i --rm --network none --rootfs "$R" cat)"
is "both streams" "out err" "$(run --rootfs "$R" /bin/sh -c 'echo out; echo err >&2' 2>"$W/e") $(cat "$W/e")"
is "a megabyte" 1048576 "$(run --rootfs "$R" head -c 1048576 /dev/zero | wc -c)"

id=$(b run -d --name long --network none --label a=b --stop-signal INT --stop-timeout 3 --rootfs "$R" sleep 1000)
is "detached prints the ID" 64 "${#id}"
is "running" running "$(b inspect --format '{{.State.Status}}' long)"
is "label" b "$(b inspect --format '{{index .Config.Labels "a"}}' long)"
rc "container's network" 0 b run --rm --network container:long --rootfs "$R" true
is "joined pid namespace" "sleep 1000" "$(b run --rm --network none --pid container:long --rootfs "$R" /bin/sh -c "tr '\\0' ' ' </proc/1/cmdline | sed 's/ \$//'")"
quiet b rm -f -t 0 long
is "nothing left" "" "$(b ps -aq)"
finish
