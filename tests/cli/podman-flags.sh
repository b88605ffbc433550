#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page on podman's flags says what is true.
set -u
page=$top_srcdir/docs/podman-flags.md
new=$(mktemp "${TMPDIR:-/tmp}/podman-flags.XXXXXX")
trap 'rm -f "$new"' EXIT

"$top_srcdir/tools/podman-flags" "$BERTH" "$top_srcdir/tests/fixtures/podman-flags/podman-4.3.1" \
	"$top_srcdir/docs/podman-flags.reasons" >"$new" || exit 1
diff -u "$page" "$new" || {
	echo "docs/podman-flags.md is old: write it anew with tools/podman-flags"
	exit 1
}
# 95 of 100 flags of run and create that need no image work.
for command in create run; do
	# shellcheck disable=SC2046 # two words are wanted
	set -- $(awk -v c="$command" '$2 == c && $1 == "|" { print $4, $6 }' "$page")
	images=$(grep -c "^| .$command --.*needs images |" "$page")
	[ $(($2 * 100)) -ge $((($1 - images) * 95)) ] || {
		echo "$command: only $2 of $(($1 - images)) flags work"
		exit 1
	}
done
