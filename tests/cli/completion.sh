#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Help = manual = completion; each of them changed alone is noticed; what bash completes.
set -u
failed=0
say() {
    echo "FAIL: $*"
    failed=1
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
check() { python3 "$top_srcdir/tools/same-words" "$@" >"$dir/out" 2>&1; }

mkdir -p "$dir/man" "$dir/completion/bash" "$dir/completion/zsh" "$dir/completion/fish"
"$BERTH" --dump-completion bash >"$dir/completion/bash/berth" || say "bash"
"$BERTH" --dump-completion zsh >"$dir/completion/zsh/_berth" || say "zsh"
"$BERTH" --dump-completion fish >"$dir/completion/fish/berth.fish" || say "fish"
cp "$top_srcdir"/docs/man/*.1 "$dir/man"
check "$BERTH" "$dir/man" "$dir/completion" || say "they differ: $(cat "$dir/out")"

# One of them changed alone.
changed() {
    if check "$@"; then say "nobody notices a change in $what"; fi
    grep -q "$want" "$dir/out" || say "$what: $(cat "$dir/out")"
}
what='the manual' want='berth ps: .* noheading'
sed -i '/^\.It .*Fl -noheading/d' "$dir/man/berth-ps.1"
changed "$BERTH" "$dir/man" "$dir/completion"
cp "$top_srcdir/docs/man/berth-ps.1" "$dir/man"
what='the list of pages' want='commands: .* ps'
mv "$dir/man/berth-ps.1" "$dir/"
changed "$BERTH" "$dir/man" "$dir/completion"
mv "$dir/berth-ps.1" "$dir/man/"
what='help texts' want='berth ps: .* noheading'
cat >"$dir/berth" <<END
#!/bin/sh
"$BERTH" "\$@" | sed '/--noheading/d'
END
chmod +x "$dir/berth"
changed "$dir/berth" "$dir/man" "$dir/completion"
for shell in bash zsh fish; do
    what=$shell want="$shell differ in noheading"
    file=$(find "$dir/completion/$shell" -type f)
    cp "$file" "$dir/kept"
    sed -i "s/ --noheading\b//; s/ '--noheading:[^']*'//; /-l noheading /d" "$file"
    changed "$BERTH" "$dir/man" "$dir/completion"
    cp "$dir/kept" "$file"
done

# What comes of a line in bash.
cat >"$dir/ask" <<'END'
compopt() { :; }
complete() { :; }
berth() { [ "$1" = ps ] && printf 'web\ndata\n'; }
. "$1"
declare -F _berth >/dev/null || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_berth
echo "${COMPREPLY[*]}"
END
completes() {
    want=$1
    shift
    got=$(bash "$dir/ask" "$file" "$@")
    [ "$got" = "$want" ] || say "bash, $*: \"$got\" and not \"$want\""
}
file=$dir/completion/bash/berth
completes 'plugin' berth plu
completes 'check' berth plugin ch
completes '--noheading' berth ps --nohe
completes '--noheading' berth container ps --nohe
completes '' berth --root ''
completes 'web' berth stop w
completes 'web data' berth rm -f ''

# What is installed asks the program in the path.
installed=$top_srcdir/tools/completion
ln -sf "$BERTH" "$dir/berth"
PATH=$dir:$PATH
sed -i '/^berth()/s/.*/berth() { case $1 in ps) printf "web\\ndata\\n" ;; *) command berth "$@" ;; esac; }/' "$dir/ask"
file=$installed/bash/berth
completes 'check' berth plugin ch
completes 'web data' berth rm -f ''
if command -v zsh >/dev/null; then zsh -n "$dir/completion/zsh/_berth" || say "zsh"; fi
if command -v fish >/dev/null; then
    fish -n "$dir/completion/fish/berth.fish" || say "fish"
    export HOME="$dir"
    for line in 'berth container ps --nohe' 'berth ps --nohe'; do
        fish -c "source '$dir/completion/fish/berth.fish'; complete -C '$line'" | grep -q '^--noheading' ||
            say "fish, $line: --noheading"
    done
    fish -c "source '$installed/fish/berth.fish'; complete -C 'berth ps --nohe'" | grep -q '^--noheading' ||
        say "fish, what is installed"
    [ -z "$(fish -c "source '$dir/completion/fish/berth.fish'; complete -C 'berth volume --nohe'")" ] ||
        say "fish: an option where there is none"
fi
bash -n "$dir/completion/bash/berth" || say "bash"
exit $failed
