# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Sourced by bench.sh.  Locks of the plugins against the bare calls.
part "lock and unlock, uncontended (at most x1.2)"
"$top_builddir/bench-lock" || exit 1
