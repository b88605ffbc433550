# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced first by every end-to-end test: enters a private host, makes a root file system
# in $R and a configuration, and defines the few words that the tests are written in.
#
#   is WHAT EXPECTED ACTUAL      the two texts are equal
#   has WHAT PART TEXT           TEXT contains PART
#   rc WHAT STATUS COMMAND...    COMMAND ends with STATUS; its output is in $out, its
#                                errors in $errs
#   quiet COMMAND...             COMMAND succeeds; its output does not matter
#   until_true COMMAND...        wait, ten seconds at most (longer where all is slow), until
#                                COMMAND succeeds
#   b ARG...                     berth
set -u
: "${top_srcdir:?run by make check}" "${BERTH:?run by make check}"

if [ -z "${IN_PRIVATE_HOST:-}" ]; then
	export IN_PRIVATE_HOST=1
	case $0 in
	/*) self=$0 ;;
	*) self=$(pwd)/$0 ;;
	esac
	exec "$top_srcdir/tests/lib/private-host" sh "$self" "$@"
fi

count=0
bad=0
good() { count=$((count + 1)); echo "ok $count - $1"; }
wrong() {
	count=$((count + 1))
	bad=$((bad + 1))
	echo "not ok $count - $1"
	shift
	for line; do echo "#   $line"; done
}
is() { if [ "$2" = "$3" ]; then good "$1"; else wrong "$1" "expected: $2" "     got: $3"; fi; }
has() {
	case $3 in
	*"$2"*) good "$1" ;;
	*) wrong "$1" "expected a part: $2" "            got: $3" ;;
	esac
}
rc() {
	what=$1 want=$2
	shift 2
	out=$("$@" 2>"$W/errs" </dev/null)
	got=$?
	errs=$(cat "$W/errs")
	if [ "$got" = "$want" ]; then
		good "$what"
	else
		wrong "$what" "command: $*" "expected status $want, got $got" "stdout: $out" "stderr: $errs"
	fi
}
quiet() {
	"$@" >"$W/quiet" 2>&1 </dev/null || wrong "command: $*" "$(cat "$W/quiet")"
}
until_true() {
	for _ in $(seq $((100 * ${BERTH_TEST_PATIENCE:-1}))); do
		"$@" >/dev/null 2>&1 </dev/null && return 0
		sleep 0.1
	done
	wrong "in ten seconds: $*"
}
b() { "$BERTH" "$@"; }
finish() {
	echo "1..$count"
	[ "$bad" -eq 0 ]
	exit
}

W=$(mktemp -d /var/lib/containers/test.XXXXXX)
R=$W/rootfs
"$top_srcdir/tests/lib/mkrootfs" "$R" || exit $?
cat >"$W/berth.conf" <<EOF
plugin_dirs = [ "$top_builddir/.libs" ];
NetworkBackend = "none";
${E2E_CONF:-}
EOF
export BERTH_CONF="$W/berth.conf"
# A sanitizer's report must fail the test, wherever the program was started from.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}${ASAN_OPTIONS:+:}log_path=$W/sanitizer"
trap 'for f in "$W"/sanitizer.*; do [ ! -e "$f" ] || { cat "$f"; exit 1; }; done' EXIT
