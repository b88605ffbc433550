#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers of other programs in the list, and a list that looks after all.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"

quiet b create --name mine --network none --rootfs "$R" true
quiet b run -d --name up --network none --rootfs "$R" sleep 1000
C=$(find /var/lib/containers/storage -name containers.json)
is "there is one file of containers" 1 "$(echo "$C" | wc -l)"
other=$(printf %064d 1) built=$(printf %064d 2)
jq -c --arg a "$other" --arg b "$built" '. + [
	{id: $a, names: ["theirs", "second"], image: "", layer: "", metadata: "{\"image-name\":\"img:1\"}", created: "2016-01-02T03:04:05.5Z", flags: {}},
	{id: $b, image: "", layer: "", metadata: "", created: "2016-01-02T03:04:06Z", flags: {}}]' "$C" >"$W/new.json"
cat "$W/new.json" >"$C"
mkdir -p "$(dirname "$C")/$built/userdata"
echo '{}' >"$(dirname "$C")/$built/userdata/buildah.json"

names() { b ps "$@" --format '{{.Names}}' | tr '\n' ' '; }
is "without it they are not shown" "up " "$(names)"
is "nor among all" "mine up " "$(names -a)"
is "with it they are" "theirs unknown up " "$(names --external)"
is "among all" "theirs unknown mine up " "$(names -a --external)"
is "as podman shows them" "000000000000 img:1 storage Storage Storage theirs
000000000000 scratch buildah Storage Storage unknown" "$(b ps --external --filter until=1h --format '{{.ID}} {{.Image}} {{.Command}} {{.Status}} {{.State}} {{.Names}}')"
has "in a table" "years ago  Storage" "$(b ps --external --filter name=theirs)"
is "podman's members" '{"Command":["storage"],"Exited":false,"ExitedAt":0,"Image":"img:1","Labels":null,"Mounts":null,"Names":["theirs"],"Networks":null,"Pid":0,"StartedAt":0,"State":"storage","Status":"Storage"}' \
	"$(b ps --external --format json | jq -c '.[0] | {Command, Exited, ExitedAt, Image, Labels, Mounts, Names, Networks, Pid, StartedAt, State, Status}')"
is "by name" "theirs " "$(names --external --filter name=their)"
is "not by the status of others" "up " "$(names --external --filter status=running)"
is "IDs" "$other" "$(b ps -q --external --no-trunc --filter name=theirs)"
is "with sizes" "theirs" "$(b ps --external --size --noheading --filter name=theirs | awk '{ print $NF }')"
is "with namespaces" "theirs 0" "$(b ps --external --ns --noheading --filter name=theirs | awk '{ print $2, $3 }')"
is "sorted" "mine theirs unknown up " "$(names -a --external --sort names)"
rc "they are left alone" 125 b start theirs

# --- --sync: what the records say is true, before they are shown
is "a list that looks after all" "mine up " "$(names -a --sync)"
kill -9 "$(b inspect -f '{{.State.Pid}}' up)"
until_true sh -c "[ -z \"\$('$BERTH' ps -q --sync)\" ]"
is "tells of one that ended" "Exited (137)" "$(b ps -a --sync --filter name=up --format '{{.Status}}' | cut -d' ' -f1,2)"
is "and the record has it" 137 "$(b state dump | jq -c 'select(.kind == "container" and .name == "up") | .state.exitCode')"
quiet b rm up mine
rc "the store is whole" 0 b state check
finish
