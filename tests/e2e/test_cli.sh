#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command line from the outside: the program with a real engine, real agents (scripts) and
# a real git repository, all below a folder of its own. TAP. Waits are bounded.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace cli

# Output and messages apart.
# gives STATUS ARGUMENT...: exit status, output in $out, messages in $errors
gives() {
    local want=$1 got
    shift
    "$program" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    out=$(tr -d '\0' <"$dir/out") errors=$(tr -d '\0' <"$dir/err")
    [ $got -eq "$want" ] && return 0
    printf '# %s: status %s, expected %s\n# %s\n' "$*" $got "$want" "${errors//$'\n'/$'\n# '}"
    return 1
}
says() { # PART...: each is in output or messages
    local part
    for part in "$@"; do
        if [[ $out$'\n'$errors != *"$part"* ]]; then
            printf '# missing: %s\n# in: %s\n' "$part" "${out//$'\n'/$'\n# '}"
            printf '# and: %s\n' "${errors//$'\n'/$'\n# '}"
            return 1
        fi
    done
}
# ---- without store and engine ----------------------------------------------------------
gives 0 help && says 'Commands' 'submit' 'rollback' 'Exit status'
ok 'help lists the commands'
all=1
for command in $(box help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    gives 0 "$command" --help && says "usage: signalbox $command" || all=0
    gives 2 "$command" --no-such-option || all=0
    gives 0 help "$command" || all=0
done
[ $all = 1 ]
ok 'each command explains itself, and refuses what it does not know'
gives 0 version && says 'signalbox ' 'store schema' && gives 0 --version --json && says '"store_schema":'
ok 'version'
gives 2 && says 'needs a terminal' 'serve'
ok 'without a terminal no console, but a hint'
gives 2 fly && says "unknown command 'fly'" && gives 2 show && gives 2 pause x && says 'is no workflow'
ok 'usage mistakes give 2'
gives 0 status && says 'not running' 'not there yet' && gives 1 list && says 'there is no store yet'
ok 'status works without store, list says what is missing'
printf 'max_running: many\nstoer: x\n' >wrong.yaml
gives 2 --config wrong.yaml status && says 'wrong.yaml:1: max_running' "did you mean 'store'"
ok 'a wrong configuration is told whole and gives 2'
gives 2 --config missing.yaml status
ok 'a named configuration must exist'

# ---- a repository and pipelines ----------------------------------------------------------
git init -q -b main repo
(cd repo && echo 0 >number && mkdir sub && touch sub/x && git add . && git commit -qm first)
cat >agent <<'END'
#!/bin/sh
echo "agent begins"
printf '\033[31mred\033[0m\n'
echo "$$" >>"number"
echo "agent ends"
END
chmod +x agent
pipeline() { # NAME MERGE CHECK
    printf 'name: %s\nbase: main\nagent: {command: %s/agent}\nmerge: {mode: %s}\n' "$1" "$dir" "$2" >"$1.yaml"
    printf 'limits: {iterations: 2}\nvalidate:\n  - {name: tests, command: "%s"}\n' "$3" >>"$1.yaml"
}
pipeline quick auto 'test -s number'
pipeline ask ask 'test -s number'
pipeline fails auto "while [ -e $dir/hold ]; do sleep 0.05; done; echo fine; echo error: it is broken; exit 1"
sed 's/base: main/base: trunk/' quick.yaml >trunk.yaml

gives 0 check quick.yaml ask.yaml && says 'quick.yaml: ok (pipeline)' 'ask.yaml: ok (pipeline)'
ok 'check: good pipelines'
printf 'name: p\nagnt: x\nvalidate: {a: 1}\n' >bad.yaml
printf 'colour text = nonsense\n' >bad.theme
printf 'j fly\n' >bad.keys
gives 2 check bad.yaml quick.yaml bad.theme bad.keys nothing.yaml &&
    says "bad.yaml:2: agnt" 'bad.theme:1' 'bad.keys:1' 'nothing.yaml: ' 'quick.yaml: ok'
ok 'check: all mistakes of all files, whatever their kind'
gives 2 check --json bad.yaml && says '"is_good":false' '"line":2' && [ "$(wc -l <"$dir/out")" -eq 1 ]
ok 'check: one JSON object for a file'
printf 'console: {theme: nosuch, keys: no.keys}\nrecovery: {patterns: no.yaml}\n' >signalbox.yaml
gives 2 check signalbox.yaml && says 'no such theme' 'no.keys: No such file' 'no.yaml: No such file'
ok 'check: a configuration with the theme, the keys and the patterns that it names'
{
    printf 'patterns:\n  - {id: rig, tool: rig, class: infra, weight: 0.9, help: h, match: rig is down, examples: rig is down}\n'
    printf '  - {id: jig, tool: jig, class: infra, weight: 0.9, help: h, match: jig is down, examples: jig is up}\n'
} >site.yaml
gives 2 check site.yaml && says 'site.yaml:3: patterns[1].examples: match does not find this'
ok 'check: patterns find their own examples'
gives 1 list --store "$dir" && says 'Is a directory'
ok 'a folder as store'
gives 2 check --kind theme quick.yaml && gives 2 check --kind horse quick.yaml && says 'pipeline, config, theme, keys or patterns'
ok 'check: the kind can be said'

S="submit --pipeline quick.yaml --repo repo"
# shellcheck disable=SC2086 # words are meant
{
    gives 2 $S --task '' && says 'task is empty' && gives 2 $S --task $' \n\t ' && gives 2 $S &&
        gives 2 $S --task a --task-file agent && gives 2 $S --task-file nothing
    ok 'submit: a task is needed, from one place'
    head -c 1048577 /dev/zero | tr '\0' x >long
    gives 2 $S --task-file long && says 'more than 1048576 bytes'
    ok 'submit: a task beyond 1 MiB is refused'
    gives 2 submit --repo repo --task x && gives 2 submit --pipeline nothing --repo repo --task x && says 'nothing.yaml' &&
        gives 2 submit --pipeline bad.yaml --repo repo --task x && says 'bad.yaml:2'
    ok 'submit: pipeline missing or wrong'
    gives 2 submit --pipeline quick.yaml --repo nowhere --task x && says 'nowhere: No such' &&
        gives 2 submit --pipeline quick.yaml --repo "$dir" --task x && says 'no git repository' &&
        gives 2 submit --pipeline quick.yaml --repo agent --task x && says 'not a folder' &&
        gives 2 submit --pipeline quick.yaml --task x && says 'names no repository' &&
        gives 2 submit --pipeline trunk.yaml --repo repo --task x && says "no branch 'trunk'"
    ok 'submit: repository or branch missing'
    gives 2 $S --task x --metadata '[1]' && gives 2 $S --task x --metadata '{"a":' && gives 2 $S --task x --priority 10
    ok 'submit: metadata and priority'
}
[ ! -e state/signalbox/signalbox.db ]
ok 'nothing was written so far'

# ---- stored before an engine runs ---------------------------------------------------------
gives 0 submit --pipeline quick.yaml --repo repo/sub --task 'Stored before' --metadata '{"ticket": 7}' && says 'no engine runs'
ok 'submit without an engine is stored'
[ "$(stat -c %a state/signalbox/signalbox.db)" = 600 ]
ok 'the store is for its owner only'
"$program" serve --verbose >serve.out 2>serve.err </dev/null &
engine=$!
until_true is_running
ok 'serve starts'
gives 1 serve && says "pid $engine"
ok 'a second engine is refused, and the first one named'
becomes COMPLETED 1
ok 'the stored task is done by the engine that came later'
gives 0 show 1 --json && says '"ticket":7' "\"repo\":\"$dir/repo\"" '"kind":"merge"' '"events":['
ok 'show --json has it all, and the repository is its top folder'

# ---- with an engine -----------------------------------------------------------------------
gives 0 submit --pipeline quick.yaml --repo repo --task 'Second' --wait && says 'wf-2' 'CODING -> PR_CREATED' 'COMPLETED'
ok 'submit --wait follows to the end'
gives 0 submit -p quick.yaml --repo repo --task 'Third' --json --wait &&
    [ "$(grep -c '^{"seq":' "$dir/out")" -eq "$(wc -l <"$dir/out")" ] && says '"to":"COMPLETED"'
ok 'submit --wait --json prints an object per transition'
[ "$(git -C repo log --format=%s main | grep -c '^Merge')" -eq 3 ]
ok 'three merges are in the history'
gives 1 submit -p fails.yaml --repo repo --task 'Fails' --wait && says 'FAILED'
ok 'submit --wait of a failure gives 1'
gives 0 log wf-4 --failed --first-failure && says 'error: it is broken'
ok 'log finds the failed step'
gives 0 log wf-4 --failed --grep 'IS BROKEN' && says ':error: it is broken' && gives 0 log wf-4 --failed --grep broken --json &&
    says '"is_hit":true' && gives 0 log wf-4 --failed --grep nothing && [ -z "$out" ]
ok 'log --grep: lines with their numbers'
gives 1 log wf-4 --failed --compare && says 'has a log of this step' && gives 2 log wf-4 --compare --grep x && gives 2 log wf-4 --compare -f
ok 'log --compare says that there is no green run'
gives 3 submit -p ask.yaml --repo repo --task 'Ask' --wait && says 'merge approval'
ok 'submit --wait of what needs a person gives 3'
gives 3 show 5 && says 'signalbox approve wf-5 --effect' && gives 3 status && says 'wf-5' 'merge approval' && gives 3 status --json
ok 'show and status give 3 and say what to do'
effect=$(box show 5 --json | sed 's/.*"effect_seq":\([0-9]*\).*/\1/')
gives 1 approve 5 --effect $((effect - 1)) && gives 2 approve 5 --effect x && gives 2 reject 5
ok 'an approval of something else is refused'
gives 0 approve wf-5 --effect "$effect" --reason 'looks good' && becomes COMPLETED 5
ok 'approve'
gives 1 approve 5 && says 'wf-5' && gives 1 pause 77 5 --json && [ "$(grep -c '"answer":1' "$dir/out")" -eq 2 ]
ok 'refusals give 1, one answer for each workflow'
gives 3 submit -p ask.yaml --repo repo --task 'Cancel' --wait && gives 0 cancel 6 --reason enough && is CANCELLED 6
ok 'cancel'
touch hold # it would fail before it has another priority
gives 0 retry 4 --from PLANNING && gives 0 priority 4 9 && rm hold && becomes FAILED 4
ok 'retry from a checkpoint, priority as the last word'
gives 0 submit -p quick.yaml --repo repo --task $'Evil \033]0;x\a title\xff\xe2\x80\xae\nmore' --wait && [[ $out != *$'\033'* ]] &&
    gives 0 show 7 && [[ $out != *[$'\033\a\x80']* ]] && gives 0 list && [[ $out != *$'\033'* ]]
ok 'text that commands terminals reaches none'
gives 0 log 7 agent && says '==> wf-7' 'agent begins' 'red' 'agent ends' && [[ $out != *$'\033'* ]]
ok 'log of a named step, harmless'
gives 0 log 7 agent --plain --tail 1 && [ "$out" = 'agent ends' ] && gives 0 log 7 2 --json && says '"line":1,' '"text":"agent begins"'
ok 'log --plain, --tail, --json'
gives 0 log -f 7 && gives 0 log -f 7 agent && gives 1 log 7 nothing && gives 1 log 99
ok 'log -f of what has ended ends'
sed -i 's/agent begins/agent begins; sleep 1/' agent
box submit -p quick.yaml --repo repo --task 'Follow' >/dev/null
timeout 90 "$program" log -f wf-8 --plain >"$dir/followed" && grep -q 'agent ends' "$dir/followed" && is COMPLETED 8
ok 'log -f follows a running workflow to its end'

# ---- list ----------------------------------------------------------------------------------
gives 0 list --json && [ "$(grep -c '^{"id":' "$dir/out")" -eq 8 ]
ok 'list --json: an object per line'
gives 0 list --state failed,cancelled --plain && [ "$(cut -f1 "$dir/out" | tr '\n' ' ')" = 'wf-6 wf-4 ' ]
ok 'list --state --plain'
gives 0 list --limit 3 --plain && [ "$(cut -f1 "$dir/out" | tr '\n' ' ')" = 'wf-8 wf-7 wf-6 ' ] && says '--after wf-6' &&
    gives 0 list --limit 3 --plain --after wf-6 && [ "$(cut -f1 "$dir/out" | tr '\n' ' ')" = 'wf-5 wf-4 wf-3 ' ] &&
    gives 0 list --plain --after 3 && [ "$(cut -f1 "$dir/out" | tr '\n' ' ')" = 'wf-2 wf-1 ' ]
ok 'list goes page by page'
gives 0 list --text stored --plain && [ "$(cut -f1 "$dir/out")" = wf-1 ] && gives 0 list --needs-human && says 'no workflows' &&
    gives 0 list --repo repo --sort id -r -n 1 --plain && [[ $out == wf-1$'\t'* ]] && gives 2 list --sort colour && gives 2 list --state gone
ok 'list: text, repository, order, mistakes'

# ---- backup, output that cannot be written, the end -----------------------------------------
gives 0 backup --verify copy.db && [ "$(stat -c %a copy.db)" = 600 ] && gives 0 --store copy.db list --plain && [ "$(wc -l <"$dir/out")" -eq 8 ]
ok 'backup while the engine runs'
gives 1 backup copy.db && gives 1 backup nowhere/copy.db && [ ! -e nowhere ]
ok 'backup overwrites nothing'
box list >/dev/full 2>"$dir/err"
[ $? -eq 1 ] && grep -q 'writing the output' "$dir/err"
ok 'output that cannot be written is a failure'
kill -HUP "$engine" && gives 1 pause 1 && is_running
ok 'SIGHUP does not end the engine'
stop_engine
ok 'SIGTERM ends the engine with 0'
grep -q 'wf-1 VALIDATING -> COMPLETED' serve.out && [ ! -s serve.err ]
ok 'serve printed the transitions'
gives 0 status && says 'not running' '8: ' && gives 0 show 1 && gives 0 pause 1 && says 'no engine runs'
ok 'all can be read, and ordered, without an engine'

# ---- for service managers and shells -----------------------------------------------------------
if command -v python3 >/dev/null; then
    python3 - "$program" "$dir/notify" <<'END'
import os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[2]); s.settimeout(20)
p = subprocess.Popen([sys.argv[1], "serve"], env=dict(os.environ, NOTIFY_SOCKET=sys.argv[2]), stdout=subprocess.PIPE)
ready = s.recv(100); p.send_signal(signal.SIGINT); stopping = s.recv(100)
out = p.communicate(timeout=20)[0]
sys.exit(0 if (ready, stopping, out, p.returncode) == (b"READY=1", b"STOPPING=1", b"", 0) else 1)
END
    ok 'serve tells the service manager, and is silent'
else
    n=$((n + 1))
    echo "ok $n - serve tells the service manager # SKIP no python3"
fi
box __tables completion >"$dir/completion"
bash -n completion && (
    PATH=$(dirname "$program"):$PATH
    # shellcheck disable=SC1091 # made above
    . ./completion
    try() {
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _signalbox
        printf '%s|' "${COMPREPLY[@]}"
    }
    [ "$(try signalbox pau)" = 'pause|' ] && [ "$(try signalbox submit --prio)" = '--priority|' ] &&
        [ "$(try signalbox list --state FA)" = 'FAILED|' ] && [ "$(try signalbox retry wf-8)" = 'wf-8|' ] &&
        [ "$(try signalbox submit --repo rep)" = 'repo|' ] && [ "$(try signalbox help rol)" = 'rollback|' ]
)
ok 'completion'

done_testing
