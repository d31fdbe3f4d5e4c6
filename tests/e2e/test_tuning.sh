#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Settings that are changed while a real engine runs: a deadline for workflows to come, the number that run
# at once; a restart keeps them, untune gives back exactly what was. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace tuning
configure <<END
max_running: 5
scale:
  - {name: runners, up: "echo one more >>$dir/scaled", down: [sh, -c, 'echo broken; exit 3'], help: CI runners}
END

# Seconds that the state CODING of a workflow has in all; its agent waits, so it stands still.
coding_seconds() {
    "$program" show "$1" --json 2>/dev/null </dev/null | sed -nE \
        's/.*"state":"CODING".*"state_since":"([^"]+)".*"deadline_at":"([^"]+)".*"branch".*/\1 \2/p' | {
        read -r since until || exit 1
        echo $(($(date -d "$until" +%s) - $(date -d "$since" +%s)))
    }
}
has_deadline() { # WORKFLOW SECONDS, two more or less
    local seconds
    seconds=$(coding_seconds "$1") || return 1
    [ -n "$seconds" ] && [ $((seconds - $2)) -le 2 ] && [ $(($2 - seconds)) -le 2 ]
}
at_end() { : >go; }

new_repository
cat >web.yaml <<END
name: web
base: main
agent: {command: "echo 1 >>number; until test -e $dir/go; do sleep 0.05; done"}
validate:
  - {name: lint, command: "true"}
  - {name: unit tests, command: "true"}
limits: {coding: 40m}
END
start_engine
ok "an engine runs"

gives 0 tunings && says 'no setting is tuned'
ok "nothing is tuned at first"
submit web one && until_true has_deadline 1 2400
ok "the deadline is that of the pipeline"
gives 0 tune limits.coding 7m 'agents are quick' --scope pipeline:web && says 'limits.coding of pipeline:web is 7m'
ok "tune says what is so now"
submit web two && until_true has_deadline 2 420
ok "a workflow that is submitted afterwards has it"
has_deadline 1 2400
ok "the one before keeps what it began with"
gives 0 tunings --plain && says $'limits.coding\tpipeline:web\t7m\tconfigured' && says 'agents are quick'
ok "tunings lists it with its reason"
gives 0 tunings --json && says '"setting":"limits.coding"' && says '"was":null' && says '"actor":"'
ok "tunings --json as well"

gives 0 tune max_running 2 'the host is slow' --for 2h && says 'max_running of engine is 2 until '
ok "the engine is tuned at once, for a time"
submit web three && gives 0 show 3 && says 'waits for     slot'
ok "a third one waits now"

stop_engine && start_engine
ok "the engine starts anew"
gives 0 tunings --plain && says 'max_running' && says 'limits.coding'
ok "tunings are there after a restart"
gives 0 tune max_running 5 'enough' && until_true has_deadline 3 420
ok "and in force: the third one has the tuned deadline too"

gives 0 untune max_running && says 'max_running of engine is 2 until '
ok "untune gives what lay below"
gives 0 untune max_running && says 'max_running of engine is 5 again, as configured'
ok "and then what is configured"
gives 0 untune limits.coding --scope pipeline:web && gives 0 tunings && says 'no setting is tuned'
ok "nothing is tuned any more"
submit web four && until_true has_deadline 4 2400
ok "the deadline is exactly as it was"

gives 2 tune limits.coding soon 'no' --scope pipeline:web && says "'soon' is no duration"
ok "a wrong value is refused"
gives 2 tune limits.coding 5m 'no' && says 'expected its name, like pipeline:NAME'
ok "so is a scope that does not fit"
gives 1 untune limits.coding --scope pipeline:web && says 'is not tuned'
ok "and to take back what is not there"

printf '%s\n' '--- # tuned' 'limits: {coding: 9m}' 'order: [unit tests]' >>web.yaml
gives 0 check web.yaml
ok "check reads a pipeline with an overlay"
printf '%s\n' 'order: [gone]' | cat <(grep -v '^order' web.yaml) - >wrong.yaml
gives 2 check wrong.yaml && says "wrong.yaml:10: order[0]: validate has no such step"
ok "and tells where it is wrong"
gives 0 events --plain && says 'tuned-back' && says 'was 7m'
ok "the events tell of it"

: >go
until_true is COMPLETED 1
ok "the agents go on"
# Outside of its hours a validated change waits; the word of an operator merges it.
printf '%s\n' 'name: night' 'base: main' 'agent: {command: "echo 2 >>number"}' \
    'validate: [{name: lint, command: "true"}, {name: flaky, command: "false"}]' >night.yaml
window=$(date -u -d '+2 hours' +%H:00)-$(date -u -d '+3 hours' +%H:00)
waits() { "$program" show "$1" --json 2>/dev/null </dev/null | grep -q '"waits_for":"merge window"'; }
gives 0 tune merge.window "$window" 'merges fail less then' --scope pipeline:night &&
    gives 0 tune checks/flaky.quarantine "$(date -u -d '+2 days' +%FT%TZ)" 'flaky' --scope pipeline:night
ok "merge hours and a quarantine are tuned"
gives 0 submit --pipeline ./night.yaml --repo "$dir/repo" --task night && until_true waits 5
ok "a change whose flaky check failed is validated, and waits for its hours"
gives 0 show 5 && says 'merges at' && says "${window%-*}"
ok "show says when"
gives 0 resume 5 && until_true is COMPLETED 5
ok "an operator's word merges at once"
gives 0 untune merge.window --scope pipeline:night && gives 0 untune checks/flaky.quarantine --scope pipeline:night
ok "both are taken back"
gives 0 scale runners up 'the queue is long' && says 'the command to scale runners up runs'
ok "a scale command is run"
is_told() { "$program" events --plain 2>/dev/null </dev/null | grep -q "$1"; }
until_true is_told 'scale-passed.*runners up: scale runners up passed' && grep -qx 'one more' scaled
ok "what it did is done, once"
gives 0 scale runners down 'the queue is short' && until_true is_told 'scale-failed.*runners down: .*exit status 3'
ok "one that fails is told"
gives 0 tune scale/runners up 'as an optimization would' && says 'scale/runners of engine is up'
ok "a scale can be put in force"
gives 0 untune scale/runners && gives 0 events --plain && says 'runners down: ' && gives 0 tunings && says 'no setting is tuned'
ok "and taken back with the other command"
gives 1 scale nothing up 'why not' && says 'no command to scale nothing up is configured'
ok "one that is not configured is refused"
gives 2 scale runners sideways 'why not' && says 'expected up or down'
ok "and so is another direction"

done_testing
