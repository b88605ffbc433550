#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance kit must see what is wrong with lock plugins that are wrong on purpose.
many=12
. "$top_srcdir/tests/kit/wrong.sh"
name=berth-kit-wrong-$$-@
left=/dev/shm/$name
wrong lock "$top_srcdir/plugins/lock/shm" "$top_builddir/kit-lock" -o "name=$name" <<'END'
right|
leaks|open makes locks only when asked, close leaves no descriptor
skips|allocate gives the lowest free number
claims_twice|claim and release one number
silent|claim and release one number
overwrites|count
overflows|exhaustion
wraps|numbers out of range
allocates|lock numbers that are not allocated
recursive|a thread that waits for itself is told
process_wide|threads exclude each other, and only the owner drops
early|deadlines
hasty|waiting ends when the user wants to stop
shows_all|held shows the locks that are held
impatient|eight processes of eight threads exclude each other
races|processes get distinct numbers
hides_death|the owner is killed
lets_go|released while held, allocated again
new_lock|old and new users of a number exclude each other
drops_all|a second instance in the process
keeps|closed while held
inherits|fork
END
