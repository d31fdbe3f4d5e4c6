#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bad input from the outside, through the command line: files of every wrong shape, wrong
# repositories and stores, tasks and agent output that want to be more than text. What is wrong
# is said clearly, nothing of it reaches a terminal as anything but text, nothing is lost. TAP.

# shellcheck disable=SC2317 # others call them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace bad-input
wrong=$here/tests/unit/wrong
# Nothing is set, as for most people.
rm -r config
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME SIGNALBOX_STORE
export GIT_CONFIG_GLOBAL=/dev/null HOME=$dir/home
mkdir "$HOME"
at_end() { chmod -R u+rwx .; }

# box WORD...: the program on our store; its streams in out and err, its status in $code
box() {
    local command=$1
    shift
    timeout 60 "$program" "$command" --store "$dir/box.db" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    code=$?
}
says() { # TEXT: on standard error
    grep -qF -- "$1" "$dir/err"
}
# Nothing but UTF-8 text, tabs and line ends came out.
is_clean() {
    cat "$dir/out" "$dir/err" >"$dir/both"
    iconv -f UTF-8 -t UTF-8 "$dir/both" >/dev/null 2>&1 &&
        ! grep -qP '[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]' "$dir/both"
}

# ---- files of every wrong shape ----------------------------------------------------------
# cases KIND: the inputs of tests/unit/wrong/KIND as files KIND/1.yaml ...
cases() {
    local kind=$1 line text='' in_input='' i=0
    mkdir "$dir/$kind"
    while IFS= read -r line; do
        case $line in
        '<<<<') in_input=1 text='' ;;
        '>>>>')
            in_input=
            i=$((i + 1))
            text=${text//\\/\\\\}
            while [[ $text =~ ^(.*)'<'([0-9A-F][0-9A-F])'>'(.*)$ ]]; do
                text="${BASH_REMATCH[1]}\\x${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
            done
            printf '%b' "${text%'<EOF>'$'\n'}" >"$dir/$kind/$i.yaml"
            ;;
        *) [ -z "$in_input" ] || text+=$line$'\n' ;;
        esac
    done <"$wrong/$kind"
}
for kind in pipeline config; do
    cases $kind
    files=("$dir/$kind"/*.yaml)
    [ ${#files[@]} -ge 15 ]
    ok "$kind: there are wrong files to check"
    bad=''
    for file in "${files[@]}"; do
        box check --kind $kind "$file"
        if [ "$code" -ne 2 ] || [ -s out ] || ! is_clean || grep -qvF "$file:" err; then
            bad+=" ${file##*/}=$code"
        fi
    done
    [ -z "$bad" ]
    ok "$kind: each of ${#files[@]} wrong files is refused with exit 2, its name on each line${bad:+;$bad}"
    box check --kind $kind "${files[@]}"
    [ "$code" -eq 2 ] && [ "$(cut -d: -f1 err | sort -u | wc -l)" -eq ${#files[@]} ]
    ok "$kind: all of them at once"
done

printf 'name: p\nagent: a\nvalidate: []\n' >good.yaml
printf 'name: p\nagent: {kommand: a}\nvalidate:\n  - {command: t, timeout: soon}\nmerge: maybe\n' >bad.yaml
box check good.yaml bad.yaml
[ "$code" -eq 2 ] && grep -q '^good.yaml: ok' out && says 'bad.yaml:2: agent.kommand: unknown field; did you mean' &&
    says "bad.yaml:4: validate[0].timeout: 'soon' is no duration; expected like 90s, 10m, 1h30m" &&
    says 'bad.yaml:5: merge:'
ok "check says file, line, field, what is wrong and what is expected, for every mistake"
box check --json bad.yaml
[ "$code" -eq 2 ] && grep -q '"line":4,"field":"validate\[0\].timeout"' out && [ "$(wc -l <out)" -eq 1 ]
ok "check --json: one object for the file"
box check good.yaml
[ "$code" -eq 0 ] && [ ! -s err ]
ok "a good file passes"

head -c 300000 /dev/urandom >random.yaml
head -c 300000 /dev/zero >zero.yaml
head -c 200000 /dev/zero | tr '\0' '[' >deep.yaml
: >empty.yaml
mkdir folder.yaml
ln -s loop.yaml loop.yaml
for file in random zero deep empty folder loop missing; do
    box check $file.yaml
    [ "$code" -eq 2 ] && says "$file.yaml:" && is_clean && [ "$(wc -l <err)" -le 201 ]
    ok "check refuses $file.yaml"
done
name=$'esc\e[31m\n.yaml'
cp bad.yaml "$name"
box check "$name"
[ "$code" -eq 2 ] && is_clean
ok "a file name with escapes is shown harmless"

# ---- configuration -----------------------------------------------------------------------
mkdir -p "$HOME/.config/signalbox"
printf 'max_running: many\nstor: /x\n' >"$HOME/.config/signalbox/signalbox.yaml"
for command in list status 'submit --pipeline good.yaml --repo . --task t' serve; do
    # shellcheck disable=SC2086
    box $command
    [ "$code" -eq 2 ] && says "signalbox.yaml:1: max_running: 'many' is no whole number" &&
        says "signalbox.yaml:2: stor: unknown field; did you mean 'store'?" && [ ! -e box.db ]
    ok "${command%% *}: a wrong configuration is reported whole, and nothing is made"
done
rm "$HOME/.config/signalbox/signalbox.yaml"
for file in missing.yaml folder.yaml; do
    box status --config "$dir/$file"
    [ "$code" -eq 2 ] && says "$file: cannot be read" && [ ! -e box.db ]
    ok "--config $file is refused"
done
if [ "$(id -u)" -ne 0 ]; then
    printf 'max_running: 5\n' >closed.yaml && chmod 0 closed.yaml
    box status --config "$dir/closed.yaml"
    [ "$code" -eq 2 ] && says "closed.yaml: cannot be read: Permission denied"
    ok "an unreadable configuration is refused"
fi

# ---- submit ------------------------------------------------------------------------------
git init -q -b main repo && cd repo || exit 1
git config user.name Somebody
git config user.email somebody@localhost
printf 'one\n' >file && printf 'x\n' >.gitignore && git add -A && git commit -q -m one
cd ..
git init -q -b main unborn
mkdir plain
: >afile
printf 'name: p\nbase: nosuch\nagent: a\nvalidate: []\n' >nobase.yaml
refused() { # NAME TEXT WORD...: submit refuses with exit 2 and says TEXT; no store is made
    local name=$1 text=$2
    shift 2
    box submit "$@"
    [ "$code" -eq 2 ] && says "$text" && is_clean && [ ! -s out ] && [ ! -e box.db ]
    ok "submit refuses $name"
}
refused 'no pipeline' '--pipeline is needed' --repo repo --task t
refused 'an unknown pipeline' "no pipeline 'nosuch'" --pipeline nosuch --repo repo --task t
refused 'a missing file' 'missing.yaml' --pipeline missing.yaml --repo repo --task t
refused 'a wrong pipeline' "bad.yaml:5: merge: 'maybe' is unknown" --pipeline bad.yaml --repo repo --task t
refused 'a pipeline of random bytes' 'random.yaml:' --pipeline random.yaml --repo repo --task t
refused 'no repository' '--repo is needed' --pipeline good.yaml --task t
refused 'a missing repository' 'nowhere' --pipeline good.yaml --repo nowhere --task t
refused 'a file as repository' 'afile' --pipeline good.yaml --repo afile --task t
refused 'a folder that is no repository' 'no git repository' --pipeline good.yaml --repo plain --task t
refused 'an unknown base branch' "no branch 'nosuch'" --pipeline nobase.yaml --repo repo --task t
refused 'a repository without a commit' "no branch 'main'" --pipeline good.yaml --repo unborn --task t
refused 'a task twice' 'one of --task' --pipeline good.yaml --repo repo --task t --task-file good.yaml
refused 'no task' 'one of --task' --pipeline good.yaml --repo repo
refused 'an empty task' 'the task is empty' --pipeline good.yaml --repo repo --task $' \n\t '
refused 'a missing task file' 'missing' --pipeline good.yaml --repo repo --task-file missing
head -c 1048577 /dev/zero | tr '\0' t >toolong
refused 'a task above 1 MiB' 'toolong' --pipeline good.yaml --repo repo --task-file toolong
refused 'a wrong priority' '--priority' --pipeline good.yaml --repo repo --task t --priority 10
refused 'a priority that is no number' '--priority' --pipeline good.yaml --repo repo --task t --priority high
refused 'metadata that are no JSON' '--metadata' --pipeline good.yaml --repo repo --task t --metadata '{"a":'
refused 'metadata that are no object' '--metadata' --pipeline good.yaml --repo repo --task t --metadata '[1]'
refused 'an unknown option' 'unknown option' --pipeline good.yaml --repo repo --task t --frce
refused 'escapes in a name' 'no pipeline' --pipeline $'\e]0;owned\a\e[2J' --repo repo --task t

# ---- stores ------------------------------------------------------------------------------
box list
[ "$code" -eq 1 ] && says 'there is no store yet'
ok "list without a store says what makes one"
head -c 8192 /dev/urandom >random.db
printf 'SQLite format 3\0' >short.db
for file in random short; do
    for command in list 'submit --pipeline good.yaml --repo repo --task t'; do
        # shellcheck disable=SC2086
        timeout 60 "$program" $command --store "$dir/$file.db" >out 2>err </dev/null
        code=$?
        [ "$code" -ne 0 ] && [ "$code" -lt 4 ] && [ -s err ] && is_clean
        ok "${command%% *}: a store of $file bytes is refused"
    done
done
timeout 60 "$program" submit --store "$dir/newer.db" --pipeline good.yaml --repo repo --task t >out 2>err </dev/null &&
    [ "$(stat -c %a newer.db)" = 600 ]
ok "submit without an engine makes a store that only its owner reads"
# The schema's version is SQLite's user_version, at offset 60 of the file.
rm -f newer.db-wal newer.db-shm
printf '\0\0\47\17' | dd of=newer.db bs=1 seek=60 conv=notrunc status=none
cp newer.db newer.copy
for command in list status 'show 1' 'submit --pipeline good.yaml --repo repo --task t' serve; do
    # shellcheck disable=SC2086
    timeout 60 "$program" $command --store "$dir/newer.db" >out 2>err </dev/null
    code=$?
    [ "$code" -eq 2 ] && grep -q 'newer' err && cmp -s newer.db newer.copy
    ok "${command%% *}: a store from a newer version is refused, and not touched"
done

# ---- with an engine ----------------------------------------------------------------------
"$program" serve --store "$dir/box.db" >serve.log 2>&1 </dev/null &
engine=$!
answers() { box status --json && [ "$code" -eq 0 ] && grep -q '"pid":[1-9]' out; }
until_true answers
kill -0 "$engine" 2>/dev/null && grep -q '"pid":[1-9]' out
ok "the engine runs"
if [ $failures -ne 0 ]; then
    sed 's/^/# serve: /' serve.log | cat -v
    done_testing
fi

cat >agent <<'END'
#!/bin/bash
set -eu
mkdir -p "$KEEP"
cp "$SIGNALBOX_TASK_FILE" "$KEEP/task.$SIGNALBOX_WORKFLOW"
printf 'plain \e[31mred\e[0m \e]0;owned\a \e[2J\e[1;1H \x9b2J bad \xff\xfe\xc3 nul \0 back \b\b tab\t bidi \xe2\x80\xae zero\xe2\x80\x8b\n'
printf 'overwritten\rlike a terminal does\n'
printf 'no newline at the end \e[3'
printf '\e[31mescape\xff\n' >"$(printf 'name\e[31m\n')"
echo two >>file
END
chmod +x agent
pipeline() { # NAME AGENT [MORE]
    printf 'name: %s\nagent: {command: %s, env: {KEEP: %s}}\nvalidate:\n  - {name: check, command: "grep -q two file"}\nlimits: {iterations: 1, retries: 0, coding: 20s, planning: 20s, validation: 20s}\n%s\n' \
        "$1" "$2" "$dir/keep" "${3-}" >"$1.yaml"
}
submit_and_wait() { # WORD...: 60 s; the workflow's number in $id
    timeout 60 "$program" submit --store "$dir/box.db" --wait "$@" >out 2>err </dev/null
    code=$?
    id=$(sed -n '1s/^wf-//p' out)
}
state_of() { # of workflow $id
    timeout 60 "$program" show --store "$dir/box.db" "wf-$id" --json </dev/null 2>/dev/null |
        grep -o '"state":"[A-Z_]*"' | head -n 1 | cut -d'"' -f4
}

pipeline missing "[$dir/no/such/agent, --fast]"
submit_and_wait --pipeline missing.yaml --repo repo --task 'with a missing agent'
[ "$code" -ne 0 ] && [ "$code" -ne 124 ] && is_clean
ok "a missing agent program ends the wait with a failure or with a person's turn"
box show "wf-$id"
grep -qF "$dir/no/such/agent" out
ok "show names the missing program"

before=$(git -C repo rev-parse main)
printf 'mine, not committed\n' >>repo/file
printf 'new\n' >repo/untracked
pipeline dirty "[$dir/agent]" 'merge: {mode: auto, method: merge}'
submit_and_wait --pipeline dirty.yaml --repo repo --task 'in a dirty tree'
grep -q 'mine, not committed' repo/file && [ "$(cat repo/untracked)" = new ] &&
    { [ "$code" -ne 0 ] || [ "$(git -C repo rev-parse main)" != "$before" ]; }
ok "a dirty tree is left as it is: merged beside it, or refused (state $(state_of))"
git -C repo checkout -q -f main
rm -f repo/untracked

export CANARY=$dir/canary
: >"$CANARY"
# Each part would remove the canary or take over the screen if it were ever more than text.
# shellcheck disable=SC2016
printf '%s' '$(rm -f "$CANARY") `rm -f "$CANARY"`; rm -f "$CANARY" | & && "quote" '"'single'"' \ * ? [x] {a,b} <in >out #c !h ~ %s %n --force -rf' \
    $'\e[2J\e]0;owned\a\x07\x08 \x7f \r\n tab\t \u009b2J \u202e rtl \u2066 iso \u200b end' >task.hostile
size=$(stat -c %s task.hostile)
printf '\xff\xc3\x28' >>task.hostile # what is no UTF-8 becomes U+FFFD
pipeline hostile "[$dir/agent]"
submit_and_wait --pipeline hostile.yaml --repo repo --task-file task.hostile
[ "$code" -eq 0 ] && is_clean && [ -e "$CANARY" ]
ok "a task full of shell and terminal words goes through (state $(state_of))"
hostile=$id
cmp -s -n "$size" task.hostile "keep/task.wf-$hostile" && [ -e "$CANARY" ]
ok "the agent reads the task as it was written"
for command in "show wf-$hostile" "show wf-$hostile --all" list "log wf-$hostile agent"; do
    for form in '' --json --plain; do
        # shellcheck disable=SC2086
        box $command $form
        [ "$code" -eq 0 ] && [ -s out ] && is_clean
        ok "${command/$hostile/N}${form:+ }$form is harmless"
    done
done
box log "wf-$hostile" agent
grep -q 'plain red' out && grep -q 'no newline at the end' out
ok "the agent's words are in the log"
# shellcheck disable=SC2016
git -C repo log -1 --format=%B main | grep -qF 'rm -f "$CANARY"'
ok "the merge says what the task was"

printf '%s\n' 'a task of one MiB' >task.large
head -c $((1048576 - 18)) /dev/zero | tr '\0' x >>task.large
pipeline large "[$dir/agent]"
submit_and_wait --pipeline large.yaml --repo repo --task-file task.large
[ "$code" -eq 0 ] && cmp -s task.large "keep/task.wf-$id"
ok "a task of 1 MiB reaches the agent whole (state $(state_of))"
box list
[ "$code" -eq 0 ] && is_clean && [ "$(wc -c <out)" -lt 10000 ]
ok "list stays a list"

# The pipeline is gone, the repository is gone: what is running is told, and the engine lives.
pipeline vanish "[$dir/agent]"
git clone -q repo vanishing
box pause 999999
[ "$code" -eq 1 ] && is_clean
ok "a workflow that does not exist is refused"
for words in 'retry wf-1 --from NOWHERE' 'priority wf-1 11' 'cancel wf-x' 'approve wf-0' 'log wf-1 nosuchstep'; do
    # shellcheck disable=SC2086
    box $words
    { [ "$code" -eq 1 ] || [ "$code" -eq 2 ]; } && [ -s err ] && is_clean
    ok "'$words' is refused"
done
box status # 3: a person's turn, the dirty tree waits for one
kill -0 "$engine" 2>/dev/null && [ "$code" -eq 3 ] && grep -q 'in a dirty tree' out
ok "the engine is alive after all of this, and says who waits"
cp serve.log out && : >err && [ -s out ] && is_clean
ok "what the engine printed is harmless"
[ "$(timeout 60 "$program" list --store "$dir/box.db" --plain </dev/null | wc -l)" -eq 4 ]
ok "all workflows are there, and no more"
done_testing
