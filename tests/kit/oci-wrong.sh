#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit must see what is wrong with OCI plugins that are wrong on purpose.
. "$top_srcdir/tests/kit/wrong-any.sh"
wrong_any oci oci_slim <<'END'
right|
caps|oci: open() gives capabilities of the descriptor's
missing|oci: programs that are missing
hides|oci: what a program wrote is passed on
nonsense|oci: status() out of nonsense
running|oci: status() of one that has ended
overflows|oci: shorter results are respected
leaves|oci: nothing is left of a create() that fails
twice|oci: the engine's part of a create()
goes_on|oci: the engine's part of a create()
leaks|oci: nothing is left of an exec() that fails
touches|oci: attach() to nobody
relative|oci: paths are absolute
code|oci: wait() for one that has ended
ended|oci: wait() for nobody
session|oci: exec_status() of no session
watched|oci: nobody watches what does not run
END
