#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Failures from the outside: a real engine recovers one by itself and cannot recover another;
# failures, why, recoveries, decisions and strategies tell of both, and an operator corrects a
# class and switches a strategy off. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace recovery

is_settled() { [ "$("$program" failures --all --plain --workflow "$1" 2>/dev/null </dev/null | cut -f2)" = "$2" ]; }
has_failed() { "$program" failures --all --plain --workflow "$1" 2>/dev/null </dev/null | grep -q .; }

new_repository
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
start_engine
ok 'the engine runs'
gives 0 failures && says 'no failure is open' && gives 0 decisions && gives 1 why wf-1
ok 'nothing has failed yet'

# ---- one that it recovers ------------------------------------------------------------------
gives 0 submit --pipeline once.yaml --repo repo --task 'count to three' && until_true is COMPLETED 1 && until_true is_settled 1 recovered
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
stop_engine && [ ! -s serve.log ]
ok 'the engine stops, and said nothing'

done_testing
