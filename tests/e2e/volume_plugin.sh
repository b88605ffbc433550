#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Volumes of a plugin: the calls, what it may answer, and podman with the same plugin.
# shellcheck disable=SC2154
E2E_CONF='volume_plugins = { fake = "/run/fake.sock"; gone = "/run/gone.sock"; file = "/etc/passwd"; };
volume_plugin_timeout = 1;'
. "$top_srcdir/tests/lib/e2e.sh"

P=$W/plugin
mkdir -p "$P/volumes"
"$top_builddir/fake-volume-plugin" /run/fake.sock "$P" &
until_true test -S /run/fake.sock
mode() { echo "$1" >"$P/mode"; }
# What it was called for since the last time.
calls() { sed 's/VolumeDriver\.//' "$P/log" | grep -v Plugin.Activate | tr '\n' ',' | sed 's/,$//'; : >"$P/log"; }
state() { b volume inspect -f '{{.MountCount}} {{.Mountpoint}}' "$1"; }
# refused WHAT TEXT ARG...: the command fails with this text.
refused() {
	what=$1 text=$2
	shift 2
	rc "$what" 125 b "$@"
	is "$what: the words" "Error: $text" "$errs"
}

# --- create
refused "an unknown one" "volume v uses volume plugin none but it could not be retrieved: no volume plugin with name none available: required plugin missing" volume create --driver none v
refused "one that is not there" 'volume v uses volume plugin gone but it could not be retrieved: cannot access plugin gone socket "/run/gone.sock": stat /run/gone.sock: no such file or directory' volume create --driver gone v
rc "a file" 125 b volume create --driver file v
has "is no plugin" "is not a socket" "$errs"
rc "create" 0 b volume create --driver fake -o size=3 -o o=timeout=1 v
is "calls" "Get v,Create v" "$(calls)"
is "the record" "fake map[size:3] 1 0" "$(b volume inspect -f '{{.Driver}} {{.Options}} {{.Timeout}} {{.MountCount}}' v)"
[ ! -e /var/lib/containers/storage/volumes/v ] && good "no directory is made" || wrong "no directory is made"
mkdir "$P/volumes/w"
quiet b volume create --driver fake w
is "one that the plugin has is used" "Get w" "$(calls)"
mode error
refused "an error" "creating volume x in plugin fake: on /VolumeDriver.Create on volume x in volume plugin fake: out of order" volume create --driver fake x
mode well
is "makes no volume" "v w" "$(b volume ls -q | tr '\n' ' ' | sed 's/ $//')"
is "info names it" '["local","fake","gone","file"]' "$(b info --format json | jq -c .plugins.volume)"
has "configuration" 'fake = "/run/fake.sock"' "$(b config show)"

# --- mount
: >"$P/log"
is "mount" "$P/volumes/v" "$(b volume mount v)"
is "calls it" "Mount v" "$(calls)"
quiet b volume mount v
is "the second one only counts" " 2 $P/volumes/v" "$(calls) $(state v)"
quiet b volume unmount v
quiet b volume unmount v
is "the last unmount calls it" "Unmount v 0 " "$(calls) $(state v)"
is "a container has its files" hi "$(echo hi >"$P/volumes/v/f"; b run --rm --network none -v v:/v --rootfs "$R" cat /v/f)"
is "mounted and unmounted" "Mount v,Unmount v 0 " "$(calls) $(state v)"
mkdir -p "$R/data"
echo new >"$R/data/n"
is "a fresh one is filled" "n" "$(b run --rm --network none -v w:/data --rootfs "$R" ls /data)"
is "it is there" new "$(cat "$P/volumes/w/n")"
calls >/dev/null
for way in error x/y / // /a/../../etc none junk huge hang; do
	mode $way
	rc "$way: mount fails" 125 b volume mount v
	is "$way: in one line" 1 "$(echo "$errs" | wc -l)"
	rc "$way: so does a container" 126 b run --name c --network none -v v:/v --rootfs "$R" true
	mode well
	is "$way: nothing is counted" "0 " "$(state v)"
	quiet b rm c
done
is "a mount that failed is not taken back" "Mount v" "$(mode error; : >"$P/log"; b volume mount v 2>/dev/null; calls)"
is "nor counted" "0 " "$(state v)"
is "one that cannot be recorded is" "Mount v,Unmount v" "$(mode well; : >"$P/log"; BERTH_FAULT=state.commit=EIO b volume mount v 2>/dev/null; calls)"
is "and not counted" "0 " "$(state v)"
mode none
refused "no answer" 'sending request to volume plugin fake endpoint /Plugin.Activate: /run/fake.sock ended the connection without an answer' volume mount v
mode slow
is "an answer byte by byte" "$P/volumes/v" "$(b volume mount v)"
quiet b volume unmount v
mode chunked
is "an answer in chunks" "$P/volumes/v" "$(b volume mount v)"
mode error
rc "an unmount that fails" 125 b volume unmount v
is "is not forgotten" "1 $P/volumes/v" "$(state v)"
mode well
quiet b volume unmount v
mode other
rc "a plugin for something else" 125 b volume mount v
has "is told so" "plugin fake does not implement volume plugin, instead provides NetworkDriver: plugin is not a volume plugin" "$errs"
mode well

# --- export, rm
is "export" "f" "$(b volume export v | tar t)"
: >"$P/log"
rc "rm" 0 b volume rm v
is "calls it, too" "Get v,Remove v" "$(calls)"
[ ! -e "$P/volumes/v" ] && good "it is gone" || wrong "it is gone"
rm -r "$P/volumes/w"
rc "rm of one that the plugin lost" 125 b volume rm w
has "says so" "volume w could not be retrieved from plugin fake, but it has been removed here" "$errs"
is "and removes it" "" "$(b volume ls -q)"
BERTH_FAULT=state.commit=EIO b volume create --driver fake u >/dev/null 2>&1
is "a create that fails takes it back" "" "$(ls "$P/volumes")"

# --- reload
mkdir "$P/volumes/one" "$P/volumes/two" "$P/volumes/.bad"
E2E_ONLY=$W/only.conf
sed 's/volume_plugins = .*/volume_plugins = { fake = "\/run\/fake.sock"; };/' "$BERTH_CONF" >"$E2E_ONLY"
BERTH_CONF=$E2E_ONLY
is "reload" "Added:
one
two" "$(b volume reload | sort)"
is "both are known" "one two" "$(b volume ls -q | tr '\n' ' ' | sed 's/ $//')"
is "again, nothing is new" "" "$(b volume reload)"
mode late
is "one that the list lacks and the plugin has is not lost" "" "$(b volume reload)"
mode well
rm -r "$P/volumes/one" "$P/volumes/two"
quiet b create --name c --network none -v two:/t --rootfs "$R" true
rc "reload after they went" 125 b volume reload
is "removes what is not used" "Removed:
one" "$out"
has "and tells of the other" 'volume was removed from the plugin "fake" but containers still require it: volume two is being used' "$errs"
quiet b rm c
is "until it is not used" "Removed:
two" "$(b volume reload)"

# --- podman
if command -v podman >/dev/null; then
	cat >"$W/containers.conf" <<-END
		[engine.volume_plugins]
		fake = "/run/fake.sock"
	END
	export CONTAINERS_CONF="$W/containers.conf"
	quiet podman volume create --driver fake theirs
	quiet b volume create --driver fake ours
	record() { b state dump | grep '"kind":"volume"' | grep "\"name\":\"$1\"" | jq -S -c 'del(.config.lockID, .config.createdAt)' | sed "s/$1/NAME/g"; }
	is "the records are the same" "$(record theirs)" "$(record ours)"
	quiet podman volume mount ours
	quiet b volume mount ours
	is "both count" 2 "$(podman volume inspect -f '{{.MountCount}}' ours)"
	quiet podman volume unmount ours
	quiet b volume unmount ours
	is "and uncount" "0 " "$(state ours)"
	quiet podman volume rm ours
	quiet b volume rm theirs
	is "each removes the other's" "" "$(b volume ls -q)"
fi
rc "the store is whole" 0 b state check
kill $!
finish
