#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit on net_none.
exec "${VALGRIND:-env}" "$top_builddir/berth-plugin-check" "$top_builddir/.libs/net_none.so"
