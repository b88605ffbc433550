#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore: on a runtime that only pretends to, which is there everywhere, and,
# where criu works, on runc and with podman.
. "$top_srcdir/tests/lib/e2e.sh"
sed -i 's/^NetworkBackend = .*/NetworkBackend = "netavark";/' "$BERTH_CONF"

state() { b inspect --format "{{.State.$2}}" "$1"; }
place() { b inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.MacAddress}}{{end}}' "$1"; }
dir() { b inspect --format '{{.StaticDir}}' "$1"; }
# What belongs to checkpoints in the directory of a container.
files() {
	(cd "$(dir "$1")" && find . -mindepth 1 -maxdepth 1 ! -name ctr.log \( -name '*checkpoint*' -o \
		-name '*.log' -o -name 'stats-*' -o -name network.status \) | sort | tr -d ./ | tr '\n' ' ')
}
namespaces() { find /run/netns -name 'netns-*' 2>/dev/null; }
last() { grep "^$1 " "$W/calls" | tail -n 1; }
never='0001-01-01 00:00:00 +0000 UTC'
mkdir "$W/bin"

# Statistics as criu writes them: of a checkpoint, of a restoration.
dump_stats='\100\131\020\125\006\063\011\127\044\000\000\000\012\042\010\210\211\010\020\361\345\045\030\361\160\040\303\002\050\061\060\000\070\043\100\000\110\000\120\010\130\010\140\000\150\000\160\000'
restore_stats='\100\131\020\125\006\063\011\127\017\000\000\000\022\015\010\011\020\002\030\242\041\040\212\254\052\050\041'

cat >"$W/bin/fake" <<EOF
#!/bin/sh
# runc, which forgets the processes at a checkpoint and starts new ones to restore them.
global=
for word; do
	case \$word in
	--log | --log-format | --root) global="\$global \$word \$2"; shift 2 ;;
	-*) global="\$global \$word"; shift ;;
	checkpoint | restore) break ;;
	*) exec runc \$global "\$@" ;;
	esac
	case \${1:-} in
	checkpoint | restore) break ;;
	-*) ;;
	*) exec runc \$global "\$@" ;;
	esac
done
verb=\$1
shift
echo "\$verb \$*" >>"$W/calls"
console=
while [ \$# -gt 0 ]; do
	case \$1 in
	--help) exit 0 ;;
	--image-path) image=\$2; shift ;;
	--work-path) work=\$2; shift ;;
	--parent-path) shift ;;
	--leave-running | --pre-dump) goes_on=1 ;;
	--bundle) bundle=\$2; shift ;;
	--pid-file) pid=\$2; shift ;;
	--console-socket) console="--console-socket \$2"; shift ;;
	*) id=\$1 ;;
	esac
	shift
done
if [ -e "$W/broken" ]; then
	echo "criu failed: type NOTIFY errno 0" >&2
	exit 1
fi
if [ \$verb = checkpoint ]; then
	mkdir -p "\$image"
	echo inventory >"\$image/inventory.img"
	echo dumped >"\$work/dump.log"
	printf '$dump_stats' >"\$work/stats-dump"
	[ -n "\${goes_on:-}" ] || { runc kill "\$id" 9 && runc delete --force "\$id"; }
else
	[ -e "\$image/inventory.img" ] || exit 1
	echo restored >"\$work/restore.log"
	printf '$restore_stats' >"\$work/stats-restore"
	runc \$global create --bundle "\$bundle" --pid-file "\$pid" \$console "\$id" &&
		runc \$global start "\$id"
fi
EOF
chmod +x "$W/bin/fake"
f() { "$BERTH" --runtime "$W/bin/fake" "$@"; }

# ---------------------------------------------------------------- there and back
quiet b network create n
script='echo up; while :; do sleep 0.1; done'
f run -d --name a --network n -p 8080:80 -v vol:/vol --rootfs "$R" sh -c "$script" >/dev/null
f run -d --name b --network none --rootfs "$R" sh -c "$script" >/dev/null
id=$(b inspect --format '{{.ID}}' a)
was=$(place a)
b exec a sh -c 'echo shared >/dev/shm/x; chown 5:6 /dev/shm/x'
started=$(state a StartedAt)
mounts=$(grep -c "$id" /proc/self/mountinfo)

rc "checkpoint" 0 f container checkpoint a
is "prints the name" a "$out"
is "exited" exited "$(state a Status)"
is "Checkpointed" true "$(state a Checkpointed)"
is "Restored" false "$(state a Restored)"
is "no exit code" 0 "$(state a ExitCode)"
is "CheckpointPath" "$(dir a)/checkpoint" "$(state a CheckpointPath)"
is "no CheckpointLog without --keep" "" "$(state a CheckpointLog)"
[ "$(state a CheckpointedAt)" != "$never" ] || wrong "CheckpointedAt is not set"
is "its files" "checkpoint devshm-checkpointtar networkstatus " "$(files a)"
is "nothing is mounted" 0 "$(grep -c "$id" /proc/self/mountinfo)"
is "its network namespace is gone" "" "$(namespaces)"
has "ps" "Exited (0)" "$(b ps -a --filter name=a)"
is "wait" 0 "$(b wait a)"
rc "cleanup" 0 b container cleanup a
rc "checkpoint of one that has exited" 125 f container checkpoint a
is "podman's text" 'Error: "exited" is not running, cannot checkpoint: container state improper' "$errs"

touch "$W/broken"
rc "a restoration that fails" 125 f container restore a
has "says why" "criu failed: type NOTIFY errno 0" "$errs"
has "and of what kind that is" "OCI runtime error" "$errs"
rm "$W/broken"
is "it is still exited" exited "$(state a Status)"
is "and checkpointed" true "$(state a Checkpointed)"
is "RestoreLog tells where to look" "$(dir a)/restore.log" "$(state a RestoreLog)"
is "its files are there" "checkpoint devshm-checkpointtar networkstatus restorelog " "$(files a)"
is "nothing is mounted" 0 "$(grep -c "$id" /proc/self/mountinfo)"
is "no namespace is left" "" "$(namespaces)"

rc "a restoration that cannot be recorded" 125 env BERTH_FAULT=state.commit:1=EIO "$BERTH" --runtime "$W/bin/fake" container restore a
is "it is exited" "exited 0" "$(state a Status) $(state a ExitCode)"
is "nothing is mounted" 0 "$(grep -c "$id" /proc/self/mountinfo)"
is "no namespace is left" "" "$(namespaces)"

lines=$(b logs a | grep -cx up)
rc "restore" 0 f container restore a
is "prints the name" a "$out"
is "running" running "$(state a Status)"
is "the same ID" "$id" "$(b inspect --format '{{.ID}}' a)"
is "the same addresses" "$was" "$(place a)"
is "in its namespace too" "$was" "$(b exec a sh -c "ip -4 -o addr show eth0 | sed 's/.*inet //; s,/.*,,'; cat /sys/class/net/eth0/address" | tr '\n' ' ' | sed 's/ $//')"
is "what was in /dev/shm" "shared 5 6" "$(b exec a sh -c 'cat /dev/shm/x; stat -c "%u %g" /dev/shm/x' | tr '\n' ' ' | sed 's/ $//')"
is "Restored" true "$(state a Restored)"
is "Checkpointed" false "$(state a Checkpointed)"
is "CheckpointedAt" "$never" "$(state a CheckpointedAt)"
[ "$(state a RestoredAt)" != "$never" ] || wrong "RestoredAt is not set"
is "the time of its start" "$started" "$(state a StartedAt)"
is "no CheckpointPath" "" "$(state a CheckpointPath)"
is "no files are left" "" "$(files a)"
is "as much is mounted as before" "$mounts" "$(grep -c "$id" /proc/self/mountinfo)"
rc "restore of one that runs" 125 f container restore a
is "podman's text" "Error: container $id is running or paused, cannot restore: container state improper" "$errs"
until_true sh -c "[ \"\$(\"$BERTH\" logs a | grep -cx up)\" = $((lines + 1)) ]"

# ---------------------------------------------------------------------- flags
rc "--leave-running" 0 f container checkpoint -R --keep --tcp-established --file-locks a
is "it runs" running "$(state a Status)"
is "it is not called checkpointed" false "$(state a Checkpointed)"
is "CheckpointLog" "$(dir a)/dump.log" "$(state a CheckpointLog)"
is "what is kept" "checkpoint devshm-checkpointtar dumplog networkstatus stats-dump " "$(files a)"
has "flags of the runtime" "--leave-running --tcp-established --file-locks $id" "$(last checkpoint)"
rc "--pre-checkpoint" 0 f container checkpoint --pre-checkpoint a
is "it runs" running "$(state a Status)"
has "flag of the runtime" "--image-path $(dir a)/pre-checkpoint --work-path $(dir a) --pre-dump $id" "$(last checkpoint)"
rc "--with-previous" 0 f container checkpoint --with-previous a
has "flag of the runtime" "--parent-path ../pre-checkpoint $id" "$(last checkpoint)"
is "link to what came before" ../pre-checkpoint "$(readlink "$(dir a)/checkpoint/parent")"
rc "restore --keep" 0 f container restore --keep --tcp-established --file-locks a
has "flags of the runtime" "--tcp-established --file-locks $id" "$(last restore)"
is "all is kept" "checkpoint devshm-checkpointtar networkstatus pre-checkpoint restorelog stats-restore " "$(files a)"
is "CheckpointPath" "$(dir a)/checkpoint" "$(state a CheckpointPath)"
is "RestoreLog" "$(dir a)/restore.log" "$(state a RestoreLog)"
quiet b stop -t 0 a
is "an exit code of its own" 137 "$(state a ExitCode)"
rc "restore it again" 0 f container restore a
is "nothing is kept now" "" "$(files a)"
rc "--with-previous without one" 125 f container checkpoint --with-previous a
is "says what is missing" "Error: stat $(dir a)/pre-checkpoint: no such file or directory" "$errs"
rc "both of them" 125 f container checkpoint -P --with-previous a
is "podman's text" "Error: --with-previous can not be used with --pre-checkpoint" "$errs"

# ----------------------------------------------------------------- which ones
rc "--all and --print-stats" 0 f container checkpoint --all --print-stats
is "as podman" '{
    "podman_checkpoint_duration": N,
    "container_statistics": [
        {
            "Id": "ID",
            "RawInput": "",
            "runtime_checkpoint_duration": N,
            "criu_statistics": {
                "freezing_time": 132232,
                "frozen_time": 619249,
                "memdump_time": 14449,
                "memwrite_time": 323,
                "pages_scanned": 49,
                "pages_written": 35
            }
        }' "$(echo "$out" | sed -n '1,16p' | sed 's/_duration": [0-9]*/_duration": N/; s/"Id": "[0-9a-f]*"/"Id": "ID"/; 16s/,$//')"
is "both have ended" "exited exited" "$(state a Status) $(state b Status)"
rc "--latest" 0 f container restore --latest --print-stats
is "as podman" '"criu_statistics": {
"pages_compared": 9,
"pages_skipped_cow": 2,
"forking_time": 4258,
"restore_time": 693770,
"pages_restored": 33
}' "$(echo "$out" | sed -n '/criu_/,/}/s/^ *//p')"
is "the other one has ended still" "exited running" "$(state a Status) $(state b Status)"
rc "start of a checkpointed one" 0 f start a
is "begins afresh" "running false $never" "$(state a Status) $(state a Restored) $(state a CheckpointedAt)"
rc "several names" 0 f container checkpoint b a
is "as they were typed" "b
a" "$out"
rc "restore --all" 0 f container restore --all
is "both run" "running running" "$(state a Status) $(state b Status)"
quiet b stop -t 0 a b
for c in a b; do
	rc "restore without a checkpoint" 125 f container restore "$c"
	is "podman's text" "Error: a complete checkpoint for this container cannot be found, cannot restore: stat $(dir "$c")/checkpoint/inventory.img: no such file or directory" "$errs"
done
rc "checkpoint of an unknown one" 125 f container checkpoint nope
is "podman's text" 'Error: no container with name or ID "nope" found: no such container' "$errs"
rc "restore of an unknown one" 125 f container restore nope
is "podman's text" "Error: no such container or image: nope" "$errs"
rc "no name" 125 f container restore
is "podman's text" "Error: you must provide at least one name or id" "$errs"
rc "--latest and a name" 125 f container restore -l a
is "podman's text" "Error: --all or --latest and containers cannot be used together" "$errs"
rc "--all and a name" 125 f container checkpoint -a a
is "podman's text" "Error: no arguments are needed with --all" "$errs"

# -------------------------------------------------------------- what cannot be
f run -d --rm --name gone --network none --rootfs "$R" sleep 100 >/dev/null
rc "one that will remove itself" 125 f container checkpoint gone
is "podman's text" "Error: cannot checkpoint containers that have been started with '--rm' unless '--export' is used" "$errs"
quiet b rm -f -t 0 gone
quiet f start a
touch "$W/broken"
rc "a checkpoint that fails" 125 f container checkpoint a
is "it runs on" running "$(state a Status)"
is "and is not called checkpointed" "false " "$(state a Checkpointed) $(state a CheckpointPath)"
rm "$W/broken"
quiet b --runtime crun run -d --name never --network none --rootfs "$R" sleep 100
crun checkpoint --help >/dev/null 2>&1 || {
	rc "a runtime that cannot" 125 b container checkpoint never
	is "podman's text" "Error: configured runtime does not support checkpoint/restore" "$errs"
	rc "and not restore" 125 b container restore never
	is "podman's text" "Error: configured runtime does not support checkpoint/restore" "$errs"
}
quiet b rm -f -t 0 never

# ------------------------------------------------------------ shared memory
f run -d --name i --ipc host --network none --rootfs "$R" sleep 100 >/dev/null
inode=$(stat -c %i /dev/shm)
echo before >/dev/shm/of-the-host
quiet f container checkpoint i
[ ! -e "$(dir i)/devshm-checkpoint.tar" ] || wrong "the host's /dev/shm is in the checkpoint"
echo after >/dev/shm/of-the-host
rc "restore of one with the host's /dev/shm" 0 f container restore i
is "which stays as it is" "after $inode" "$(cat /dev/shm/of-the-host) $(stat -c %i /dev/shm)"
rm /dev/shm/of-the-host
quiet b rm -f -t 0 i

# ------------------------------------------------------------- other addresses
subnet=$(b network inspect n | sed -n 's/.*"subnet": "\(.*\)\.0\/24".*/\1/p')
f run -d --name s --network n --ip "$subnet.77" --mac-address 02:00:00:00:00:77 --rootfs "$R" sh -c "$script" >/dev/null
quiet f container checkpoint s
rc "restore --ignore-static-mac" 0 f container restore --ignore-static-mac s
has "the address is what it was" "$subnet.77 " "$(place s)"
[ "$(place s)" != "$subnet.77 02:00:00:00:00:77" ] || wrong "so is its MAC"
quiet f container checkpoint s
rc "restore --ignore-static-ip" 0 f container restore --ignore-static-ip s
case $(place s) in
"$subnet.77 "*) wrong "the address is what it was" ;;
esac
quiet b restart -t 0 s
case $(place s) in
"$subnet.77 "*) wrong "its record has the address" ;;
esac
quiet b rm -f -t 0 s

# ---------------------------------------------------------------- the end of it
quiet f container checkpoint a
is "events" "checkpoint restore " "$(b events --stream=false --filter container=a --format '{{.Status}}' | grep -e checkpoint -e restore | sort -u | tr '\n' ' ')"
rc "rm of a checkpointed one" 0 b rm a b
[ ! -e "/var/lib/containers/storage/overlay-containers/$id" ] || wrong "its directory is left"
is "nothing is mounted" "" "$(grep userdata /proc/self/mountinfo)"
is "no namespace is left" "" "$(namespaces)"
until_true sh -c '! pgrep conmon'

# ------------------------------------------------------------------- real ones
podman_r() { podman --runtime runc "$@"; }
if command -v criu >/dev/null && command -v podman >/dev/null && criu check >/dev/null 2>&1; then
	r() { "$BERTH" --runtime runc "$@"; }
	# shellcheck disable=SC2016 # for the shell in the container
	r run -d --name c --network n --rootfs "$R" sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done' >/dev/null
	was=$(place c)
	for pair in "r r" "r podman_r" "podman_r r"; do
		# shellcheck disable=SC2086 # two words are wanted
		set -- $pair
		rc "$1 checkpoints" 0 "$1" container checkpoint c
		at=$(b logs c | tail -n 1)
		rc "$2 restores" 0 "$2" container restore c
		is "the same addresses" "$was" "$(place c)"
		until_true sh -c "\"$BERTH\" logs c | grep -qx $((at + 2))"
	done
	is "it never began anew" 1 "$(b logs c | grep -cx 1)"
	quiet b rm -f -t 0 c
fi
rc "check of the store" 0 b state check
finish
