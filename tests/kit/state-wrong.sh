#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit must see what is wrong with state plugins that are wrong on purpose.
many=60
. "$top_srcdir/tests/kit/wrong.sh"
wrong state "$top_srcdir/plugins/state/memory" "$top_builddir/kit-state" <<'END'
right|
keeps_undone|rollback() of insert() of a container
wildcard|a prefix with _ is literal
backwards|scan() in order of IDs
reads_all|get() of no members
forgets|what was committed is there after reopening
miscounts|unlink_all() counts what went to, dependencies
readers_write|a reader may not insert() of a container
prunes_more|exit_prune() by date
folds_case|resolve() takes whole names only
leaks|descriptors are close-on-exec and closed
silent|get() of nothing
cuts|documents of 8 MiB
reuses|what was read stays through other reads
prints|nothing is printed
overwrites|update() of the state alone
END
