#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit must see what is wrong with files and network plugins that are wrong on
# purpose.
many=4 args="-o ip=/bin/sh"
. "$top_srcdir/tests/kit/wrong-any.sh"
wrong_any net net_solo <<'END'
right|
no_note|file: the note says what the descriptor says|-DBERTH_NO_NOTE -Wl,-z,now
exports|file: one symbol is exported
imports|file: nothing of berth is imported
lazy|file: symbols are bound at once|-Wl,-z,lazy
rpath|file: libraries are looked for in no path of its own|-Wl,-z,now -Wl,-rpath,/opt/lib
execstack|file: the stack is not executable|-Wl,-z,now -Wl,-z,execstack
textrel|file: the code is not changed at loading|-Wl,-z,now -Wl,-z,notext
needs|file: sizes and numbers are set
name|file: the descriptor describes
contact|file: the descriptor describes
help|file: options are declared whole
preset|file: options are declared whole
creates|net: probe() looks and changes nothing
close_null|net: close() of nothing
inherits|net: descriptors are close-on-exec and closed
umask|net: signals, mask, directory and environment stay
prints|net: nothing is printed
json|net: info() gives a JSON object
ignores_full|net: info() when its result cannot be given out
badcode|net: inspect() and remove() of nothing
mute|net: inspect() and remove() of nothing
twice|net: inspect() and remove() of nothing
needs_error|net: nobody wants errors of calls
by_name|net: inspect() by name and by ID
default|net: the default network is not removed
goes_on|net: list() stops when told
believes|net: create() from nonsense
setup|net: setup() when programs fail
netns|net: teardown() twice, and without a namespace
END
