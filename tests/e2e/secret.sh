#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Secrets: the commands with podman's texts, files and environment of containers, and podman's
# files, shared with it.
# shellcheck disable=SC2154
. "$top_srcdir/tests/lib/e2e.sh"
export TZ=UTC

S=/var/lib/containers/storage/secrets
run() { b run --rm --network none "$@"; }
# refused WHAT TEXT ARG...: the command fails with this text.
refused() {
	what=$1 text=$2
	shift 2
	rc "$what" 125 b "$@"
	is "$what: the words" "Error: $text" "$errs"
}
rule="only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]"
size="secret data must be larger than 0 and less than 512000 bytes"

# --- create
printf 'data' >"$W/f"
printf 'x"y\n+/~\377\001' >"$W/bytes"
printf 'x"y\n+/~\001' >"$W/text"
is "an empty list" "ID          NAME        DRIVER      CREATED     UPDATED" "$(b secret ls)"
id=$(b secret create s1 "$W/f")
is "create prints an ID of 25 digits" 25 "$(printf %s "$id" | tr -cd 0-9a-f | wc -c)"
refused "a name that is taken" "s1: secret name in use" secret create s1 "$W/f"
for name in 'b d' a/b a,b a=b x- .x . .. "$(printf 'a%.0s' $(seq 65))"; do
	refused "the name $name" "$rule: $name: invalid secret name" secret create -- "$name" "$W/f"
done
quiet b secret create "$(printf 'a%.0s' $(seq 64))" "$W/f"
refused "no file" "open $W/none: no such file or directory" secret create s "$W/none"
refused "nothing in it" "$size" secret create s /dev/null
head -c 512000 /dev/zero >"$W/big"
refused "too much in it" "$size" secret create s "$W/big"
head -c 511999 /dev/zero >"$W/big"
rc "as much as may be" 0 b secret create big "$W/big"
refused "no such variable" "cannot create store secret data: environment variable NOTSET is not set" secret create --env s NOTSET
quiet env FOO=bar "$BERTH" secret create --env s5 FOO
refused "an unknown driver" "invalid driver" secret create -d other s "$W/f"
refused "a driver without its options" "missing config value" secret create -d shell s "$W/f"
refused "a bad label" 'unable to process labels: invalid label format: "=x"' secret create -l =x s "$W/f"
refused "one argument" "accepts 2 arg(s), received 1" secret create s
b secret create -l a=b -l c s2 - <"$W/bytes" >/dev/null
quiet b secret create --driver-opts path="$W/elsewhere" s3 "$W/f"
mkdir -p "$W/other/secrets/filedriver"
ln -s "$W/other/secrets/filedriver" "$W/link"
for path in "$W/other/secrets/filedriver" "$W/link" "$W/none/secrets/./filedriver/" "$S/filedriver/"; do
	refused "another store's place: $path" "creating secret s: $path is where a store keeps the secrets that are its own: give the file driver another path, or none" \
		secret create --driver-opts path="$path" s "$W/f"
done
is "has nothing of this one" "" "$(ls "$W/other/secrets/filedriver")"
mkdir "$W/full"
{ printf '{"x":"'; head -c 67108000 /dev/zero | tr '\0' A; printf '"}'; } >"$W/full/secretsdata.json"
rc "more than can be read again" 125 b secret create --driver-opts path="$W/full" s "$W/big"
has "is not written" "Error: creating secret s: $W/full/secretsdata.json would have" "$errs"
is "and the others can be read" 67108008 "$(stat -c %s "$W/full/secretsdata.json")"
is "files are for nobody else" "600 600 700" "$(stat -c %a $S/secrets.json $S/filedriver/secretsdata.json $S | tr '\n' ' ' | sed 's/ $//')"
is "a value elsewhere" 1 "$(jq 'length' "$W/elsewhere/secretsdata.json")"

# --- ls, inspect, exists
is "ls -q" "$(jq -r '.nameToID.s1, .nameToID.s2' $S/secrets.json)" "$(b secret ls -q --filter name=s1 --filter name=s2)"
is "by a part of the name" "s1 s2 s3 s5 " "$(b secret ls --format '{{.Name}}' --filter name=s | tr '\n' ' ')"
is "by ID" "s1" "$(b secret ls --format '{{.Name}}' --filter id="$id" --filter name=s)"
refused "another condition" 'invalid filter "bogus"' secret ls --filter bogus=x
has "when" "ago" "$(b secret ls --format '{{.CreatedAt}} {{.Driver}}' --filter name=s1)"
created=$(jq -r ".secrets[\"$id\"].createdAt" $S/secrets.json)
is "inspect" "[
    {
        \"ID\": \"$id\",
        \"CreatedAt\": \"$created\",
        \"UpdatedAt\": \"$created\",
        \"Spec\": {
            \"Name\": \"s1\",
            \"Driver\": {
                \"Name\": \"file\",
                \"Options\": {
                    \"path\": \"$S/filedriver\"
                }
            },
            \"Labels\": {}
        }
    }
]" "$(b secret inspect "$(echo "$id" | cut -c1-10)")"
is "a template" "s2 map[a:b c:] file" "$(b secret inspect --format '{{.Spec.Name}} {{.Spec.Labels}} {{.Spec.Driver.Name}}' s2)"
has "for people" "Labels:
 - a=b
 - c
Driver:            file" "$(b secret inspect --pretty s2)"
rc "missing ones" 125 b secret inspect --format '{{.Spec.Name}}' s1 none s2 nope
is "the others are shown" "s1
s2" "$out"
is "and these named" 'error inspecting secret: no secret with name or id "nope": no such secret
Error: inspecting secret: no secret with name or id "none": no such secret' "$errs"
rc "exists" 0 b secret exists s1
rc "exists not" 1 b secret exists s

# --- in containers
quiet b secret create text "$W/text"
is "files" "-r--r--r-- 0 0 s1
-r-------- 3 4 x
data$(od -An -c "$W/bytes")" \
	"$(run --secret s1 --secret s2,target=x,uid=3,gid=4,mode=0400 --secret source=s3,target=/etc/own --rootfs "$R" \
		sh -c 'cd /run/secrets; ls -ln | grep -v total | while read m l u g s d; do echo "$m $u $g ${d##* }"; done; cat /etc/own; od -An -c x')"
is "two places" "s1 two" "$(run --secret s1 --secret s1,target=two --rootfs "$R" sh -c 'echo $(ls /run/secrets)')"
is "the environment" "$({ printf 'data|'; cat "$W/text"; } | od -An -c)" \
	"$(run --secret s1,type=env --secret text,type=env,target=OTHER -e s1=no --rootfs "$R" sh -c 'printf "%s|%s" "$s1" "$OTHER"' | od -An -c)"
printf 'a\0b' >"$W/zero"
b secret create zero "$W/zero" >/dev/null
rc "a byte 0 in the environment" 126 b run --rm --secret zero,type=env,target=Z --rootfs "$R" true
is "a byte 0 in the environment: the words" "Error: the secret of the environment variable Z has a byte 0, which only a file can have: use type=mount" "$errs"
is "in a file" 3 "$(run --secret zero --rootfs "$R" wc -c /run/secrets/zero | cut -d' ' -f1)"
quiet b secret rm zero
refused "a missing one" 'no secret with name or id "none": no such secret' run --secret none --rootfs "$R" true
refused "a bad type" "type foo is invalid: parsing secret" run --secret s1,type=foo --rootfs "$R" true
refused "two types" "cannot set more than one secret type: parsing secret" run --secret s1,type=env,type=env --rootfs "$R" true
refused "a bad option" "option bogus=foo invalid: parsing secret" run --secret s1,bogus=foo --rootfs "$R" true
refused "no value" "option bogus must be in form option=value: parsing secret" run --secret s1,bogus --rootfs "$R" true
refused "a bad UID" "UID x invalid: parsing secret" run --secret s1,uid=x --rootfs "$R" true
refused "a bad mode" "mode 999 invalid: parsing secret" run --secret s1,mode=999 --rootfs "$R" true
refused "a mode in the environment" "UID, GID, Mode options cannot be set with secret type env: parsing secret" run --secret s1,type=env,mode=0400 --rootfs "$R" true
is "nothing is left of them" "" "$(b ps -aq)"
b secret create tmp - <"$W/f" >/dev/null
quiet b create --name c --network none --secret tmp --secret s1,type=env,target=T --rootfs "$R" sh -c 'echo $T; cat /run/secrets/tmp'
is "no value is in the record" "" "$(b inspect c | grep -e ZGF0YQ -e '"data"')"
quiet b secret rm tmp
is "a file stays when the secret goes" "data
data" "$(b start -a c)"
quiet b secret rm s1
rc "the environment does not" 125 b start c
has "and says so" 'no secret with name or id "s1": no such secret' "$errs"
quiet b rm c

# --- the shell driver
mkdir "$W/kept"
opts="list=ls $W/kept,lookup=cat $W/kept/\$SECRET_ID,store=cat >$W/kept/\$SECRET_ID,delete=rm $W/kept/\$SECRET_ID"
sid=$(b secret create -d shell --driver-opts "$opts" sh "$W/bytes")
cmp "$W/kept/$sid" "$W/bytes" && good "a command keeps it" || wrong "a command keeps it"
is "and gives it" "$(od -An -c "$W/bytes")" "$(run --secret sh --rootfs "$R" od -An -c /run/secrets/sh)"
quiet b secret rm sh
is "and forgets it" "" "$(ls "$W/kept")"
rc "one that fails" 125 b secret create -d shell --driver-opts "list=x,lookup=x,delete=x,store=echo no >&2; exit 3" bad "$W/f"
is "makes no secret, and says why" "Error: creating secret bad: the store command of the shell driver: no" "$errs"

# --- rm
refused "a missing one" 'no secret with name or id "nope": no such secret' secret rm nope
rc "some" 125 b secret rm s5 nope
is "those that are there" 25 "$(printf %s "$out" | wc -c)"
refused "none" "\`berth secret rm\` requires one argument, or the --all flag" secret rm
refused "--all and one" "\`berth secret rm\` requires one argument, or the --all flag" secret rm -a x

# --- podman
if command -v podman >/dev/null; then
	podman secret create theirs "$W/bytes" >/dev/null
	b secret create ours "$W/bytes" >/dev/null
	for name in ours theirs; do
		is "$name: both inspect it" "$(podman secret inspect $name)" "$(b secret inspect $name)"
		is "$name: podman gives it" "$(od -An -c "$W/bytes")" \
			"$(podman run --rm --network none --secret $name --rootfs "$R" od -An -c /run/secrets/$name)"
		is "$name: berth gives it" "$(od -An -c "$W/bytes")" "$(run --secret $name --rootfs "$R" od -An -c /run/secrets/$name)"
	done
	is "both list them" "$(podman secret ls -q | sort)" "$(b secret ls -q | sort)"
	podman create --name p --network none --secret ours,uid=5,mode=0440,target=t --secret theirs,type=env,target=T --rootfs "$R" true >/dev/null
	b create --name b --network none --secret ours,uid=5,mode=0440,target=t --secret theirs,type=env,target=T --rootfs "$R" true >/dev/null
	record() { b state dump | grep "\"name\":\"$1\"" | grep '"kind":"container"' | jq -S -c '.config | .secrets, .secret_env'; }
	is "the records are the same" "$(record p)" "$(record b)"
	quiet b rm p b
	quiet podman secret rm ours
	quiet b secret rm theirs
	is "each removes the other's" "" "$(podman secret ls --format '{{.Name}}' | grep -e ours -e theirs)"
fi

# --- killed, and many at once
BERTH_FAULT=secret.stored=KILL b secret create killed "$W/f" >/dev/null 2>&1
rc "killed while creating: there is none" 1 b secret exists killed
quiet b secret create killed "$W/f"
is "and no value of it" "$(b secret ls -q | sort | tr '\n' ' ')" \
	"$(jq -r 'keys[]' $S/filedriver/secretsdata.json "$W/elsewhere/secretsdata.json" | sort | tr '\n' ' ')"
for i in 1 2 3 4 5 6 7 8; do b secret create "n$i" "$W/f" >/dev/null & done
wait
is "eight at once" 8 "$(b secret ls -q --filter name='^n' | wc -l)"
quiet b secret rm --all
is "all are gone" "{} {}" "$(jq -c .secrets $S/secrets.json) $(jq -c . $S/filedriver/secretsdata.json)"
id=$(b secret create good "$W/f")
quiet b secret create other "$W/f"
cp $S/secrets.json "$W/whole.json"
# damaged WHAT PROBLEM CHANGE: with this change to its entry, the secret cannot be used.
damaged() {
	jq ".secrets[\"$id\"] |= ($3)" "$W/whole.json" >$S/secrets.json
	words="$S/secrets.json is damaged: secret $id: $2"
	rc "$1: inspect" 125 b secret inspect --pretty "$id"
	has "$1: the words" "$words" "$errs"
	rc "$1: create" 125 b create --secret "$id" --rootfs "$R" true
	has "$1: the words, too" "$words" "$errs"
	is "$1: the other one is listed" other "$(b secret ls --format '{{.Name}}' 2>/dev/null)"
}
damaged "labels" "labels is no object" '.labels = ["x"]'
damaged "options" "driverOptions is no object" '.driverOptions = "x"'
damaged "name" "its name is none" '.name = ".."'
damaged "ID" "its ID is none" '.id = "../x"'
damaged "another ID" "it has the ID of another" '.id = "aaaaaaaaaaaaaaaaaaaaaaaaa"'
echo '{"secrets":3}' >$S/secrets.json
rc "a damaged file" 125 b secret ls
has "is named" "secrets.json is damaged: secrets is no object" "$errs"
finish
