#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# config import: podman's configuration files of today and of 2019.
set -u
: "${top_srcdir:?run by make check}" "${top_builddir:?run by make check}" "${BERTH:?run by make check}"
temp=$(mktemp -d "${TMPDIR:-/tmp}/berth-import.XXXXXX")
trap 'rm -rf "$temp"' EXIT
fixtures=$top_srcdir/tests/fixtures/import
failed=0
fail() {
	echo "FAILED: $*"
	failed=1
}
# The order of keys is the library's.
same() {
	sort "$temp/want" >"$temp/want.sorted"
	sort "$temp/got" | diff -u "$temp/want.sorted" - || fail "$1"
}

if [ ! -x "$top_builddir/berth-toml" ]; then
	"$BERTH" config import "$fixtures/libpod.conf" 2>"$temp/err" && fail "works without its helper"
	grep -q 'built without --enable-import' "$temp/err" || fail "does not say why: $(cat "$temp/err")"
	exit $failed
fi

"$BERTH" config import -o "$temp/berth.conf" "$fixtures/libpod.conf" 2>"$temp/err" || fail "libpod.conf"
sed 1d "$temp/berth.conf" >"$temp/got"
cat >"$temp/want" <<'END'
conmon_path = [ "/usr/libexec/podman/conmon", "/usr/bin/conmon" ];
conmon_env_vars = [ "PATH=/usr/bin:/bin" ];
cgroup_manager = "systemd";
log_size_max = -1;
no_pivot_root = false;
network_config_dir = "/etc/cni/net.d/";
default_network = "podman";
num_locks = 4096;
namespace = "red";
OCIRuntime = "runc";
runtimes = { crun = [ "/usr/bin/crun" ]; runc = [ "/usr/bin/runc", "/usr/sbin/runc" ]; };
END
same "libpod.conf differs"
cat >"$temp/want" <<'END'
not carried over: image_default_transport: berth has no such setting
not carried over: runtime_path: berth has no such setting
not carried over: infra_image: berth has no such setting
END
cp "$temp/err" "$temp/got"
same "what was lost of libpod.conf"
[ "$("$BERTH" --config "$temp/berth.conf" config show | sed -n 's/^num_locks = \([0-9]*\);.*/\1/p')" = 4096 ] ||
	fail "berth does not take what it made"
"$BERTH" config import -o "$temp/berth.conf" "$fixtures/libpod.conf" 2>"$temp/err" && fail "replaced a file"
grep -q 'give --force' "$temp/err" || fail "does not say how to replace it"

"$BERTH" config import "$fixtures/containers.conf" >"$temp/out" 2>"$temp/err" || fail "containers.conf"
sed 1d "$temp/out" >"$temp/got"
cat >"$temp/want" <<'END'
annotations = [ "a=b" ];
env = [ "A=1", "B=\"two\"" ];
pids_limit = 100;
shm_size = "64m";
umask = "0022";
volumes = [ ];
OCIRuntime = "crun";
LockType = "file";
events_logger = "file";
stop_timeout = 5;
NetworkBackend = "netavark";
END
same "containers.conf differs"
for word in image_parallel_copies active_service service_destinations default_subnet cpus 'log_driver = "nosuch"'; do
	grep -q -F "$word" "$temp/err" || fail "$word was lost without a word"
done

printf 'a = \nb' >"$temp/bad"
"$BERTH" config import "$temp/bad" 2>"$temp/err" && fail "takes a broken file"
grep -q "$temp/bad:1" "$temp/err" || fail "does not name file and line: $(cat "$temp/err")"
"$BERTH" config import "$temp/missing" 2>"$temp/err" && fail "takes a missing file"
exit $failed
