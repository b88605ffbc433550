#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Help texts, manual pages and the table of commands say the same; unknown words and options
# are refused as podman refuses them.
set -u
here=$(dirname "$0")
: "${BERTH:=./berth}" "${top_srcdir:=$here/../..}"
failed=0
temp=$(mktemp -d "${TMPDIR:-/tmp}/berth-help.XXXXXX")
trap 'rm -rf "$temp"' EXIT

fail() {
	echo "FAILED: $*"
	failed=1
}

# expect STATUS TEXT ARG...: the exit status, and all of standard error.
expect() {
	want=$1 text=$2
	shift 2
	"$BERTH" "$@" >"$temp/out" 2>"$temp/err" </dev/null
	status=$?
	[ $status = "$want" ] || fail "berth $*: exit status $status, not $want"
	printf '%s\n' "$text" >"$temp/want"
	diff -u "$temp/want" "$temp/err" || fail "berth $*"
}

# ------------------------------------------------------------ unknown and wrong
expect 125 "Error: missing command 'berth COMMAND'"
grep -q '^Available Commands:' "$temp/out" || fail "no help without a command"
expect 125 "Error: missing command 'berth container COMMAND'" container
expect 125 "Error: unrecognized command \`berth frobnicate\`
Try 'berth --help' for more information" frobnicate
expect 125 "Error: unrecognized command \`berth versoin\`

Did you mean this?
	version

Try 'berth --help' for more information" versoin
expect 125 "Error: unrecognized command \`berth container frobnicate\`
Try 'berth container --help' for more information" container frobnicate
expect 125 "Error: unrecognized command \`berth container version\`
Try 'berth container --help' for more information" container version
expect 125 "Error: unknown flag: --frob
See 'berth --help'" --frob ps
expect 125 "Error: unknown flag: --frob
See 'berth ps --help'" ps --frob
expect 125 "Error: unknown flag: --frob
See 'berth container ps --help'" container ps --frob
expect 125 "Error: unknown shorthand flag: 'z' in -z
See 'berth ps --help'" ps -az
expect 125 "Error: flag needs an argument: --format
See 'berth ps --help'" ps --format
expect 125 "Error: flag needs an argument: 'n' in -n
See 'berth ps --help'" ps -qn
expect 125 "Error: flag needs an argument: --root
See 'berth --help'" --root
expect 125 "Error: bad flag syntax: --=x
See 'berth --help'" --=x
expect 125 "Error: invalid argument \"x\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"x\": invalid syntax
See 'berth ps --help'" ps -n x
expect 125 "Error: \`berth ps\` takes no arguments" ps extra
expect 125 "Error: \`berth version\` takes no arguments" version extra
expect 125 "Error: the specified runroot is longer than 50 characters" \
	--runroot /2345678901234567890123456789012345678901234567890x version
expect 1 "Log Level \"frob\" is not supported, choose from: trace, debug, info, warn, warning, error, fatal, panic" \
	--log-level frob version
expect 1 "Log Level \"frob\" is not supported, choose from: trace, debug, info, warn, warning, error, fatal, panic" \
	--log-level debug version --log-level frob
expect 125 "Error: last and latest are mutually exclusive" ps -l -n 2
expect 125 "Error: size and namespace options conflict" ps --ns --size
expect 125 "Error: no names or ids specified" inspect
expect 125 "Error: specify at least one container name or ID to log" logs
expect 125 "Error: template: version:1:9: executing \"version\" at <.Client.Foo>: can't evaluate field Foo in type *define.Version" \
	version --format '{{.Client.Foo}}'
expect 125 "Error: template: ps:1: function \"frob\" not defined" ps --format '{{frob .ID}}'

# Options of the program may stand behind the command too, but not --version.
"$BERTH" version --root /nowhere --log-level=error >/dev/null || fail "options behind a command"
expect 125 "Error: unknown flag: --version
See 'berth ps --help'" ps --version

# The command line with which conmon calls us must be understood as podman's is: what fails
# is the look-up, not the parser.
"$BERTH" --root /run/x/root --runroot /run/x/run --log-level warning --cgroup-manager cgroupfs \
	--tmpdir /run/x/tmp --network-config-dir "" --network-backend none \
	--volumepath /run/x/vol --runtime crun --storage-driver overlay --events-backend none \
	--syslog container cleanup --help >"$temp/out" 2>"$temp/err" ||
	fail "the exit command: $(cat "$temp/err")"

# ----------------------------------------------------------------------- help
for args in --help -h help "ps --help" "ps -h" "help ps" "container ps -h" "help container ps"; do
	# shellcheck disable=SC2086
	"$BERTH" $args >"$temp/out" 2>"$temp/err" || fail "berth $args: exit status $?"
	grep -q '^Usage:' "$temp/out" || fail "berth $args: no usage"
	[ ! -s "$temp/err" ] || fail "berth $args: writes to standard error"
done
"$BERTH" --version | grep -qx "berth version [0-9.]*" || fail "--version"
"$BERTH" -v ps >/dev/null || fail "-v with a command"

# A full disk is an error.
if [ -c /dev/full ]; then
	"$BERTH" version >/dev/full 2>/dev/null
	status=$?
	[ $status = 125 ] || fail "version on a full disk: exit status $status"
fi

# Every command has a help text that names all its options.
"$BERTH" --dump-commands >"$temp/commands" || fail "--dump-commands"
sed -n '/^  "commands": \[/,$ s/^      "name": "\(.*\)",*$/\1/p' "$temp/commands" >"$temp/names"
[ "$(wc -l <"$temp/names")" -ge 10 ] || fail "the table names too few commands"
while read -r name; do
	# shellcheck disable=SC2086
	"$BERTH" $name --help >"$temp/help" </dev/null || fail "berth $name --help"
	"$BERTH" --dump-man "$name" | sed -n 's/^\.It .*Fl -\([a-z0-9-]*\).*/\1/p' >"$temp/options"
	while read -r option; do
		grep -q -- "--$option\( \|\$\)" "$temp/help" ||
			fail "berth $name --help does not show --$option"
	done <"$temp/options"
done <"$temp/names"

# ---------------------------------------------------------------------- pages
sh "$top_srcdir/tools/manpages" check "$BERTH" "$top_srcdir/docs/man" || fail "manual pages"

exit $failed
