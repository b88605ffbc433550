#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cp and export, beside podman: each copy is made twice, by podman with the container `one` and
# by berth with `two`, which are the same in the beginning; what is there afterwards must be
# the same, too.  What podman's copies change is recorded: tests/lib/recorded.sh.
. "$top_srcdir/tests/lib/e2e.sh"
. "$top_srcdir/tests/lib/recorded.sh"
command -v podman >/dev/null || { echo "needs podman"; exit 77; }

H=$W/host
mkdir -p "$H/in/dir/sub" "$W/vol" "$W/bind"
echo file >"$H/in/file"
echo a >"$H/in/dir/a"
echo b >"$H/in/dir/sub/b"
chmod 750 "$H/in/dir/sub"
chmod 4755 "$H/in/dir/a"
ln "$H/in/dir/a" "$H/in/dir/hard"
ln -s a "$H/in/dir/link"
ln -s /etc/passwd "$H/in/dir/absolute"
ln -s dir "$H/in/linkdir"
ln -s file "$H/in/linkfile"
mkfifo "$H/in/dir/fifo"
chown -R 7:8 "$H/in/dir/sub"
touch -d '2020-01-02 03:04:05.5 UTC' "$H/in/file" "$H/in/dir" "$H/in/dir/a"

# Two of each: the container, made from an image as podman looks for the files of one that does
# not run in its layer alone, a bind mount, a volume and the host's side.
p() { podman --cgroup-manager cgroupfs "$@"; }
mkdir -p "$R/data/d/e" "$R/mnt" "$R/bind" "$R/vol"
echo x >"$R/data/x"
echo e >"$R/data/d/e/e"
ln -s /data/x "$R/data/link"
ln -s ../data "$R/mnt/up"
ln -s /nowhere/new "$R/data/dangling"
ln -s ../../../../../../../../etc "$R/data/out"
mknod "$R/data/d/null" c 1 3
chown -R 1000:1000 "$R/data/d"
touch -d '2021-01-02 03:04:05 UTC' "$R/data/x" "$R/data/d" "$R/data/d/e"
tar -C "$R" -cf "$W/image.tar" . && p import -q "$W/image.tar" img >/dev/null 2>&1 ||
	{ echo "podman imports no image here"; exit 77; }
fresh() {
	for i in one two; do
		mkdir -p "$W/bind.$i" "$W/out.$i/dir"
		echo there >"$W/out.$i/there"
		ln -s there "$W/out.$i/link"
		ln -s dir "$W/out.$i/linkdir"
		echo bound >"$W/bind.$i/bound"
		quiet p create --name "$i" -v "vol.$i:/vol" -v "$W/bind.$i:/bind" "$@" --network none img \
			sh -c 'while :; do sleep 1; done'
		b mount "$i" >"$W/root.$i"
		tree "$i" >"$W/tree.$i"
	done
	is "both begin alike" "" "$(diff -a "$W/tree.one" "$W/tree.two")"
}
stale() {
	quiet b rm -f -v -t 0 one two
	podman volume rm -f vol.one vol.two >/dev/null 2>&1
	rm -rf "$W/out.one" "$W/out.two" "$W/bind.one" "$W/bind.two"
}
# tree NAME: all that a copy can change, as text.  Who looks tomorrow sees another date.
tree() {
	vol=/var/lib/containers/storage/volumes/vol.$1/_data
	read -r root <"$W/root.$1"
	find "$root" "$W/bind.$1" "$W/out.$1" "$vol" \( -path "$root/proc" -o -path "$root/sys" \
		-o -path "$root/bin" -o -path "$root/usr" -o -path "$root/sbin" \) -prune -o \
		-printf "%p %y %m %U:%G %l ${times:+%TY%Tm%Td}\n" |
		sed -e "s,^$root,ROOT,; s,^$W/bind.$1,BIND,; s,^$W/out.$1,OUT,; s,^$vol,VOL," \
			-e "s/ $today\$/ TODAY/" | sort
	find "$root" "$root/data" "$root/tmp" "$W/bind.$1" "$W/out.$1" "$vol" -maxdepth 1 \
		-type f -size -20 -exec cat {} + 2>/dev/null
}
today=$(date +%Y%m%d)
# attempt NAME WHAT ARG...: copy, and write down in $W/did.NAME how it ended, what it said and
# what it changed.
attempt() {
	i=$1 what=$2
	shift 2
	args=
	for arg; do args="$args '$(printf %s "$arg" | sed "s,@,$i,; s,%,$W/out.$i,")'"; done
	[ "$i" = one ] && tool="timeout 60 podman cp" || tool="timeout 60 $BERTH cp"
	[ -z "$settle" ] || tree "$i" >"$W/tree.$i"
	eval "$tool $args" >/dev/null 2>"$W/errs.$i" <"$input"
	status=$?
	mv "$W/tree.$i" "$W/before.$i"
	tree "$i" >"$W/tree.$i"
	{
		echo "= $what"
		echo "status $status"
		sed "s/\\.$i/./g; s/\\<$i\\>/CTR/g; s,$W,WORK,g; s/^/says /" "$W/errs.$i"
		diff -a --unchanged-line-format= --old-line-format='-%L' --new-line-format='+%L' \
			"$W/before.$i" "$W/tree.$i"
	} >"$W/did.$i"
}
# same WHAT ARG...: with @ for the container, % for the folder of the host's side.
same() {
	: "${input:=/dev/null}"
	attempt two "$@"
	if [ -n "$asked" ]; then
		attempt one "$@"
		cat "$W/did.one" >>"$W/table-p"
	else
		sed -n "/^= $(echo "$1" | sed 's,/,\\/,g')\$/,/^= /{ /^= /!p; }" "$W/table-p" >"$W/did.one"
		sed -i 1d "$W/did.two"
	fi
	settle=
	grep -v '^says ' "$W/did.one" >"$W/want"
	if grep -v '^says ' "$W/did.two" | cmp -s - "$W/want"; then
		good "$1"
	else
		wrong "$1" "podman and berth: $(diff -a "$W/did.one" "$W/did.two" | head -20)"
	fi
}
# The same words for a failure, too.
same_words() {
	same "$@"
	is "$1: words" "$(grep '^says ' "$W/did.one")" "$(grep '^says ' "$W/did.two")"
}
into() {
	same "$1: file to directory" "$in/file" @:/data
	same "$1: file to file" "$in/file" @:/data/x
	same "$1: file to a link to a file" "$in/dir/a" @:/data/link
	same "$1: directory to directory" "$in/dir" @:/data
	same "$1: directory to a new name" "$in/dir" @:/data/newdir
	same "$1: contents to directory" "$in/dir/." @:/data/d
	same "$1: contents to a new name" "$in/dir/." @:/data/newdir2
	same "$1: links, relative" "$in/linkdir" @:tmp
	same "$1: keeping owners, through a link" -a=false "$in/dir" @:/mnt/up/owned
	same "$1: into a link that leads out" "$in/linkfile" @:/data/out/outside
}
out() {
	same "$1: out: file to file" @:/data/x %/there
	same "$1: out: link to a new name" @:/data/link %/new
	same "$1: out: to a link" @:/data/x %/link
	same "$1: out: to a link to a directory" @:/data/x %/linkdir
	same "$1: out: directory" @:/data/d %
	same "$1: out: directory to a new name" @:/data/d %/newdir
	same "$1: out: contents to a new name" @:/data/d/. %/newdir2
	same "$1: out: a link to a directory" @:/mnt/up %/up
}
words() {
	same_words "through a link that leads nowhere" "$in/file" @:/data/dangling
	same_words "directory over file" "$in/dir" @:/data/x
	same_words "new directory, slash" "$in/file" @:/data/none/
	same_words "no source" "$in/none" @:/data
	same_words "out: nothing there" @:/data/none %
	same_words "out: no directory to go to" @:/data/x %/none/none
	same_words "out: pattern" '@:/da*' %
	same_words "out: a device as destination" @:/data/x /dev/null
	same_words "no path" "$in/file" @:
	same_words "no container" "$in/file" "$H/x"
	same_words "unknown container" "$in/file" none:/x
}
in=$H/in times="" settle="" asked=""

everything() {
	fresh
	into created
	stale
	fresh --user user
	times=1 settle=1
	same "with a user" "$H/in/dir" @:/data
	same "with a user: file" "$H/in/file" @:/tmp
	same "into a volume" "$H/in/dir" @:/vol
	same "into a bind mount" "$H/in/file" @:/bind/new
	same "out of a bind mount" @:/bind/. %
	same "out of a volume" @:/vol/. %
	times=
	stale

	fresh
	b start one two >/dev/null
	out running
	words
	# Asking podman all that again is for longer runs.
	if [ -z "$asked" ] || [ -n "${BERTH_TEST_LONG:-}${BERTH_TEST_RECORD:-}" ]; then into running; fi

	b cp "$in/dir" two:/data/linked
	is "names of one file stay that" 2 "$(stat -c %h "$(cat "$W/root.two")/data/linked/hard")"

	# --- archives
	list() { tar tvf "$1" --full-time --numeric-owner | sed 's,/$,,' | sort; }
	rc "an archive" 0 b cp two:/data/d -
	touch -d '2022-01-02 03:04:05.7' "$(cat "$W/root.two")/data/d/e" # rounded
	b cp two:/data/d - >"$W/two.tar"
	podman cp two:/data/d - >"$W/one.tar"
	is "is podman's" "$(list "$W/one.tar")" "$(list "$W/two.tar")"
	mkdir -p "$W/evil/x"
	echo evil >"$W/evil/x/f"
	# tar(1) takes the names apart itself, so that the worst are written by hand.
	ln -s /mnt "$W/evil/out"
	tar -C "$W/evil" -cf "$W/evil.tar" out
	tar -C "$W/evil" -rf "$W/evil.tar" --transform 's,^x/f,out/evil,' x/f
	gzip -k "$W/evil.tar"
	b cp - two:/tmp <"$W/evil.tar.gz" && good "an archive with a link that leads out" || wrong "an archive with a link that leads out"
	is "stays inside" evil "$(b exec two cat /mnt/evil)"
	quiet b exec two rm -r /mnt/evil /tmp/out /data/linked
	tar -C "$W/evil" -cPf "$W/dots.tar" --transform 's,^x/f,../../dots,' x/f
	b cp - two:/tmp <"$W/dots.tar" 2>"$W/errs" && wrong "an archive with .. in it" || good "an archive with .. in it is refused"
	[ ! -e "$(cat "$W/root.two")/dots" ] && good "and made nothing" || wrong "and made nothing"
	echo rubbish >"$W/rubbish"
	input=$W/rubbish settle=1
	same_words "no archive" - @:/tmp
	input=$W/two.tar
	same "out of an archive" - @:/srv
	same_words "an archive onto a file" - @:/etc/passwd
	input=
	# podman 4.3.1 waits for itself for ever here.
	quiet b cp two:/data/d/. two:/srv/between
	is "from a container into itself" e "$(b exec two cat /srv/between/e/e)"
	quiet b cp two:/data/x one:/srv/from-two
	is "from one into another" "$(b exec two cat /data/x)" "$(b exec one cat /srv/from-two)"
	quiet b exec one rm /srv/from-two
	quiet b exec two rm -r /srv/between
	rc "into itself" 125 b cp two:/data two:/data/d
	has "is refused" "into itself" "$errs"

	# --- export
	b export two >"$W/two.tar"
	rc "export to a file" 0 b export -o "$W/three.tar" two
	podman export -o "$W/one.tar" two
	is "as on standard output" "$(list "$W/two.tar")" "$(list "$W/three.tar")"
	difference() {
		list "$W/one.tar" >"$W/one.list"
		list "$W/$1.tar" >"$W/two.list"
		diff "$W/one.list" "$W/two.list" 2>&1
	}
	is "is podman's" "" "$(difference three)"
	quiet b stop -t 0 two
	quiet podman export -o "$W/one.tar" two
	quiet b export -o "$W/two.tar" two
	is "stopped, too" "" "$(difference two)"
	rc "a name with a colon" 125 b export -o "$W/a:b" two
	is "podman's words" "Error: invalid filename (should not contain ':') \"$W/a:b\"" "$errs"
	rc "no directory" 125 b export -o "$W/none/x" two
	is "podman's words, too" "Error: open $W/none/x: no such file or directory" "$errs"
	rc "no such container" 125 b export none
	is "podman's words again" 'Error: no container with name or ID "none" found: no such container' "$errs"
	stale
}
ask() {
	asked=1
	: >"$W/table-p"
	everything
}
recorded "$top_srcdir/tests/e2e/cp.table" ask
[ -n "$asked" ] || everything
finish
