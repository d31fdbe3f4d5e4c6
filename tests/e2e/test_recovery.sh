#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Failures from the outside: a real engine recovers one by itself and cannot recover another;
# failures, why, recoveries, decisions and strategies tell of both, and an operator corrects a
# class and switches a strategy off. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
program=${SIGNALBOX:-$PWD/build/signalbox}
dir=$(cd "$(mktemp -d /tmp/signalbox-recovery-XXXXXX)" && pwd -P) || exit 1
engine=''
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    [ -z "$engine" ] || kill "$engine" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1
unset NOTIFY_SOCKET INVOCATION_ID GIT_CONFIG_GLOBAL
cd "$dir" || exit 1
mkdir -p config/signalbox
git config --global user.name tester
git config --global user.email tester@example.org

n=0 failures=0
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' out 2>/dev/null | head -n 40
        failures=1
    fi
}
gives() { # STATUS ARGUMENT...
    local want=$1 got
    shift
    "$program" "$@" >"$dir/out" 2>&1 </dev/null
    got=$?
    [ $got -eq "$want" ] && return 0
    printf '# %s: status %s, expected %s\n' "$*" $got "$want"
    return 1
}
says() {
    grep -qF -- "$1" "$dir/out" && return 0
    printf '# missing: %s\n' "$1"
    return 1
}
until_true() { # COMMAND...: at most 90 s
    local end=$((SECONDS + 90))
    while ! "$@"; do
        if [ $SECONDS -ge $end ]; then
            echo "# in vain: $*"
            return 1
        fi
        sleep 0.02
    done
}
is_running() { "$program" status --json 2>/dev/null </dev/null | grep -q '"is_running":true'; }
is_completed() { "$program" show "$1" --json 2>/dev/null </dev/null | grep -q '"state":"COMPLETED"'; }
is_settled() { [ "$("$program" failures --all --plain --workflow "$1" 2>/dev/null </dev/null | cut -f2)" = "$2" ]; }
has_failed() { "$program" failures --all --plain --workflow "$1" 2>/dev/null </dev/null | grep -q .; }

git init -q -b main repo
(cd repo && echo 0 >number && git add . && git commit -qm first)
# The second run of the agent, which is told of the failure, makes it right.
cat >once.yaml <<'END'
name: once
base: main
agent: {command: "echo 1 >>number"}
validate:
  - {name: unit tests, command: "test $(wc -l <number) -gt 2 || { echo 'AssertionError: expected 3 lines, got 2'; exit 1; }"}
merge: {mode: auto}
END
cat >never.yaml <<'END'
name: never
base: main
agent: {command: "date +%s.%N >>stamp"}
validate:
  - {name: unit tests, command: "echo 'AssertionError: expected rain, got sun'; exit 1"}
limits: {iterations: 2, retries: 0}
merge: {mode: auto}
END
printf 'recovery: {backoff: 1s, backoff_max: 2s}\n' >config/signalbox/signalbox.yaml
"$program" serve --quiet >>serve.log 2>&1 </dev/null &
engine=$!
until_true is_running
ok 'the engine runs'
gives 0 failures && says 'no failure is open' && gives 0 decisions && gives 1 why wf-1
ok 'nothing has failed yet'

# ---- one that it recovers ------------------------------------------------------------------
gives 0 submit --pipeline once.yaml --repo repo --task 'count to three' && until_true is_completed 1 && until_true is_settled 1 recovered
ok 'a failing test is recovered without a person'
gives 0 failures && says '1 recovered in 24h (100%)' && says 'no failure is open' && gives 0 failures --all &&
    says 'AssertionError: expected 3 lines, got 2' && says 'unit tests'
ok 'failures counts it'
gives 0 why wf-1 && says 'f-1, recovered, wf-1 in repo' && says 'hand_back' && says 'passed after' && says 'option' &&
    says 'never seen before' && cp out first && gives 0 why f-1 && cmp -s out first
ok 'why tells the case, by workflow and by failure'
gives 0 why f-1 --json && says '"failure":{"id":"f-1"' && says '"status":"recovered"' &&
    grep -q '"recoveries":\[{[^}]*"status":"passed"' out && says '"alternatives":[{' && says '"choice":"hand_back"'
ok 'and as JSON'
gives 0 recoveries && says 'no recovery is under way' && gives 0 recoveries --all && says 'hand_back' && gives 0 decisions && says 'good' &&
    gives 0 strategies && says 'hand_back' && says '1 of 1'
ok 'recoveries, decisions and strategies tell of it'

# ---- one that it cannot ----------------------------------------------------------------------
gives 0 submit --pipeline never.yaml --repo repo --task 'make it rain' && until_true has_failed 2
ok 'another one fails'
# Its class may be corrected while it is being recovered.
gives 0 label f-2 config 'the forecast is configured' && says 'f-2 is config' && gives 0 failures --all --class config && says 'expected rain' &&
    { gives 0 why f-2 || gives 3 why f-2; } && says 'config, says' && gives 2 label f-2 && gives 1 label f-99 test && gives 2 label d-2 test
ok 'an operator corrects its class'
gives 0 kill-strategy retry --class config --reason 'never helps' && gives 0 strategies --class config && says off &&
    gives 0 revive-strategy retry --class config && gives 0 strategies --class config && ! grep -q '  off' out
ok 'a strategy is switched off and on again for a class'
is_over() { "$program" failures --plain --workflow 2 2>/dev/null </dev/null | grep -q 'escalated' || ! "$program" failures --plain --workflow 2 </dev/null | grep -q .; }
until_true is_over && gives 0 failures --all --workflow 2 && ! grep -q 'recovered.*rain' out
ok 'it ends with a person, or lost, within its bounds'

gives 2 why 1 && gives 1 why f-99 && gives 2 failures --class weather && gives 2 recoveries --before f-1 && gives 2 strategies --class weather
ok 'questions that mean nothing'
kill -TERM "$engine" && wait "$engine" && engine='' && [ ! -s serve.log ]
ok 'the engine stops, and said nothing'

echo "1..$n"
exit $failures
