#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# seccomp check: what it says of profiles.
set -u
export LC_ALL=C
failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/seccomp.XXXXXX")
trap 'rm -rf "$dir"' EXIT
export BERTH_CONF="$dir/berth.conf"
echo 'StateType = "memory";' >"$BERTH_CONF"
small=$top_srcdir/tests/fuzz/corpus/seccomp/small.json

# line WHAT LINE: the last output has this line.
line() {
	grep -qxF -e "$2" "$dir/out" && return
	echo "FAIL: $1: no line \"$2\" in"
	cat "$dir/out" "$dir/errs"
	failed=1
}
"$BERTH" seccomp check "$small" >"$dir/out" 2>"$dir/errs" || failed=1
line "the default" "default action: SCMP_ACT_ERRNO (ENOSYS)"
line "rules" "rules: 3, of which 2 hold here"
line "what is allowed" "SCMP_ACT_ALLOW: 3: nonesuch read write"
line "and sometimes" "SCMP_ACT_ALLOW, for some arguments: 1: clone"
line "a capability" "rules with CAP_BPF: 1: bpf"
line "the reverse" "rules without CAP_SYS_ADMIN: 1: clone"
line "unknown" "unknown system calls: 1: nonesuch"
line "no unknown architectures" "unknown architectures: 0"
"$BERTH" seccomp check --cap-add bpf,sys_admin --cap-drop CAP_CHOWN "$small" >"$dir/out" 2>"$dir/errs" || failed=1
line "with capabilities" "SCMP_ACT_ERRNO (EPERM): 1: bpf"
if grep -q 'for some\|CAP_CHOWN' "$dir/out"; then
	echo "FAIL: capabilities do not count"
	failed=1
fi
"$BERTH" seccomp check --cap-drop all --cap-add chown "$small" >"$dir/out" 2>"$dir/errs" || failed=1
line "all but one dropped" "capabilities: 1: CAP_CHOWN"
"$BERTH" seccomp check >"$dir/out" 2>"$dir/errs" || failed=1
grep -q '^filter: [1-9][0-9]* instructions$' "$dir/out" || {
	echo "FAIL: the default profile makes no filter"
	failed=1
}
# refused PROFILE PART: status 125, and why.
refused() {
	printf '%s' "$1" >"$dir/profile"
	"$BERTH" seccomp check "$dir/profile" >"$dir/out" 2>"$dir/errs"
	[ $? = 125 ] && grep -q -e "$2" "$dir/errs" "$dir/out" && return
	echo "FAIL: $1"
	cat "$dir/errs"
	failed=1
}
refused '{' 'decoding seccomp profile failed'
refused '{}' 'needs a default action'
refused '{"defaultAction":"SCMP_ACT_SOME"}' 'unknown action "SCMP_ACT_SOME"'
refused '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_ABACUS"]}' \
	'unknown architectures: 1: SCMP_ARCH_ABACUS'
"$BERTH" seccomp check --cap-add none "$small" >"$dir/out" 2>"$dir/errs" && failed=1
grep -q 'unknown capability' "$dir/errs" || failed=1
exit $failed
