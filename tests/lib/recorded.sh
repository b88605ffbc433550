# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced, after e2e.sh, by tests that compare what berth prints with what podman prints.
# podman's half is recorded in a table beside the test, for it costs most of the time and says
# the same every time:
#
#   recorded TABLE COMMAND...    COMMAND writes what podman does into $W/table-p; from TABLE
#                                where that was recorded under conditions like these
#
# A table is used where podman, crun and the version of cgroups are those of its first line;
# elsewhere, and in `make check-long`, podman is asked, and in the latter case what it says is
# compared with the table, so that no table can go stale.  BERTH_TEST_RECORD=1 writes the table.
conditions() {
	set -- "$(podman --version)" "$(crun --version)"
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then version=2; else version=1; fi
	echo "# $1, ${2%%
*}, cgroups $version"
}
recorded() {
	table=$1
	shift
	if [ -n "${BERTH_TEST_RECORD:-}" ]; then
		"$@"
		{ conditions && cat "$W/table-p"; } >"$table"
		return
	fi
	first=
	[ ! -e "$table" ] || read -r first <"$table"
	if [ "$first" != "$(conditions)" ]; then
		"$@"
		return
	fi
	if [ -n "${BERTH_TEST_LONG:-}" ]; then
		"$@"
		sed 1d "$table" >"$W/table-was"
		is "podman does what ${table##*/} says" "" "$(diff "$W/table-was" "$W/table-p")"
		return
	fi
	sed 1d "$table" >"$W/table-p"
}
