#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The seccomp filter that is compiled once: the same bytes as the runtime's own, kept in a
# cache that is not trusted blindly, and seen by nobody but the runtime.
. "$top_srcdir/tests/lib/e2e.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }
[ -e /usr/lib/x86_64-linux-gnu/libseccomp.so.2 ] || ldconfig -p | grep -q libseccomp.so.2 ||
	{ echo "needs libseccomp"; exit 77; }
podman="podman --cgroup-manager cgroupfs --events-backend file"
cache=/run/libpod/berth-seccomp
data() { cat "/var/lib/containers/storage/overlay-containers/$1/userdata/config.json"; }
bpf() { sha256sum <"/run/crun/$1/seccomp.bpf"; }
make_all() {
	name=$1
	shift
	ours=$(b create --name "$name" --network none "$@" --rootfs "$R" sleep 100)
	quiet b init "$name"
	theirs=$(b create --name "p$name" --network none "$@" --rootfs "$R" sleep 100)
	quiet $podman init "p$name" # podman hands no filter to the runtime
	is "$name: the bytes that crun makes itself" "$(bpf "$theirs")" "$(bpf "$ours")"
	has "$name: crun was given them" run.oci.seccomp_bpf_data "$(cat "/run/crun/$ours/config.json")"
}

make_all plain
make_all caps --cap-add ALL
make_all nocaps --cap-drop ALL
make_all fewcaps --cap-drop AUDIT_WRITE --cap-add SYS_ADMIN
cat >"$W/profile.json" <<-'END'
	{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],
	 "syscalls":[
	  {"names":["mkdir","mkdirat","no_such_call"],"action":"SCMP_ACT_ERRNO","errnoRet":71},
	  {"names":["personality"],"action":"SCMP_ACT_ERRNO","args":[
	   {"index":0,"value":1,"op":"SCMP_CMP_GE"},{"index":0,"value":9,"op":"SCMP_CMP_LE"}]},
	  {"names":["socket"],"action":"SCMP_ACT_KILL_PROCESS","args":[
	   {"index":0,"value":255,"valueTwo":16,"op":"SCMP_CMP_MASKED_EQ"},
	   {"index":2,"value":9,"op":"SCMP_CMP_NE"}]}]}
END
make_all own --security-opt "seccomp=$W/profile.json"

id=$(b inspect --format '{{.Id}}' plain)
case "$(data "$id")" in
*seccomp_bpf_data*) wrong "the bundle is podman's again after the creation" ;;
*) good "the bundle is podman's again after the creation" ;;
esac
case "$(b inspect plain; $podman inspect plain; b state dump)" in
*seccomp_bpf_data*) wrong "neither inspect nor the store has it" ;;
*) good "neither inspect nor the store has it" ;;
esac
is "it is in force" 2 "$(b run --rm --network none --rootfs "$R" sed -n 's/^Seccomp:.//p' /proc/self/status)"
rc "it refuses" 1 b run --rm --network none --security-opt "seccomp=$W/profile.json" --rootfs "$R" mkdir /tmp/x
has "with the errno of the profile" "Protocol error" "$errs"
is "unconfined" 0 "$(b run --rm --network none --security-opt seccomp=unconfined --rootfs "$R" sed -n 's/^Seccomp:.//p' /proc/self/status)"
is "runc has one too" 2 "$(b --runtime runc run --rm --network none --rootfs "$R" sed -n 's/^Seccomp:.//p' /proc/self/status)"

# The cache: used, and made anew whenever there is something wrong with it.
filter() { b --log-level=debug run --rm --network none --rootfs "$R" sed -n 's/^Seccomp:.//p' /proc/self/status 2>"$W/log"; }
is "kept for root alone" "700 600" "$(stat -c %a $cache) $(stat -c %a $cache/* | sort -u)"
is "with the kept one" 2 "$(filter)"
is "nothing is said of it" "" "$(grep 'seccomp filter' "$W/log")"
check() { # WHAT WORDS: every file was changed
	is "$1: there is a filter" 2 "$(filter)"
	has "$1: noticed" "$2" "$(grep 'seccomp filter' "$W/log")"
	is "$1: mended" 2 "$(filter)"
	is "$1: nothing is said of it any more" "" "$(grep 'seccomp filter' "$W/log")"
}
for f in "$cache"/*; do printf '\006\000\000\000\000\000\377\177' | dd of="$f" bs=1 seek=400 conv=notrunc status=none; done
check "one instruction changed to allow" "is damaged"
for f in "$cache"/*; do truncate -s -8 "$f"; done
check "cut off" "another length"
for f in "$cache"/*; do : >"$f"; done
check "empty" "no filter of this version"
chmod 0644 "$cache"/*
check "open to others" "is open to others"
chown 1000 "$cache"/*
check "somebody else's" "belongs to somebody else"
for f in "$cache"/*; do mv "$f" "$W/moved" && ln -s "$W/moved" "$f"; done
check "links" "Too many levels"
rm "$cache"/*
filter >"$W/quiet"
quiet b run --rm --network none --cap-add ALL --rootfs "$R" true
set -- "$cache"/*
is "two profiles, two files" 2 $#
cp "$1" "$W/first"
cp "$2" "$1"
cp "$W/first" "$2"
check "of another profile" "of another profile"
chmod 0777 $cache
is "a directory open to others: there is a filter" 2 "$(filter)"
has "a directory open to others: not used" "not kept" "$(grep 'seccomp filters' "$W/log")"
finish
