#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Users of the host that a container is to know.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"

# Accounts of our own, over the host's file.
cp /etc/passwd "$W/passwd"
cat >>"$W/passwd" <<END
hansi:x:4567:4568:Hans I,room 7,,:/home/hansi:/bin/bash
other:x:4600:4601::/srv/other:/bin/sh
taken:x:1000:4700:Its ID is there:/srv/taken:/bin/sh
END
mount --bind "$W/passwd" /etc/passwd
start_of() { printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n'; }
# shown ARG...: the lines that a container has more than its root file system brought, and what
# it is.
shown() {
	start_of >"$R/etc/passwd"
	b run --rm --network none "$@" --rootfs "$R" sh -c "sed 1,2d /etc/passwd; id -u; id -g" 2>&1 | tr '\n' ' '
}
hansi="hansi:*:4567:4568:Hans I:/:/bin/sh"

is "one of the host" "$hansi 0 0 " "$(shown --hostuser hansi)"
is "it stands in the container's file" "$hansi" "$(sed 1,2d "$R/etc/passwd")"
is "by its ID" "$hansi 0 0 " "$(shown --hostuser 4567)"
is "several, each once" "$hansi other:*:4600:4601::/:/bin/sh 0 0 " "$(shown --hostuser hansi,other --hostuser 4567)"
is "with the working directory as its home" "hansi:*:4567:4568:Hans I:/srv:/bin/sh 0 0 " "$(shown --hostuser hansi -w /srv)"
mkdir "$W/home"
is "or its own, where that is brought" "hansi:*:4567:4568:Hans I:/home/hansi:/bin/sh 0 0 " "$(shown --hostuser hansi -v "$W/home:/home/hansi")"
is "or what is above it" "hansi:*:4567:4568:Hans I:/home/hansi:/bin/sh 0 0 " "$(shown --hostuser hansi -v "$W/home:/home")"
is "or a volume" "hansi:*:4567:4568:Hans I:/home/hansi:/bin/sh 0 0 " "$(shown --hostuser hansi -v vol:/home/hansi)"
is "in the form that is wanted" "hansi:4567:4568:Hans I:/ 0 0 " "$(shown --hostuser hansi --passwd-entry "\$USERNAME:\$UID:\$GID:\$NAME:\$HOME")"
is "a name that is there" "0 0 " "$(shown --hostuser root)"
is "an ID that is there" "0 0 " "$(shown --hostuser taken)"
is "no change is wanted" "0 0 " "$(shown --hostuser hansi --passwd=false)"
is "it can be the user" "$hansi 4567 4568 " "$(shown --hostuser hansi --user hansi)"
is "beside another one" "$hansi 77:*:77:88:container user:/:/bin/sh 77 88 " "$(shown --hostuser hansi --user 77:88)"
is "in a read-only container" "$hansi 77:*:77:88:container user:/:/bin/sh 77 88 " "$(shown --read-only --hostuser hansi --user 77:88)"
is "whose file stays as it is" "" "$(sed 1,2d "$R/etc/passwd")"
start_of >"$R/etc/passwd"
rc "an unknown one" 126 b run --rm --network none --hostuser nosuch --rootfs "$R" true
has "is named" "user: unknown user nosuch" "$errs"

for way in "" --read-only; do
	start_of >"$R/etc/passwd"
	# shellcheck disable=SC2086
	quiet b run -d --name c --network none $way --hostuser hansi --rootfs "$R" sleep 1000
	is "exec${way:+ $way} knows it" "4567 4568" "$(b exec --user hansi c sh -c 'echo $(id -u) $(id -g)')"
	quiet b restart -t 0 c
	is "a restart${way:+ $way} adds no more" "$hansi" "$(b exec c sed 1,2d /etc/passwd)"
	quiet b rm -f -t 0 c
done
quiet b create --name c --network none --hostuser hansi,other --rootfs "$R" true
is "the record has podman's member" '["hansi","other"]' "$(b state dump | jq -c 'select(.kind == "container") | .config.HostUsers')"
quiet b rm c
quiet b volume rm vol
rc "the store is whole" 0 b state check
umount /etc/passwd
finish
