#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Good and bad days of services, over real sockets: webhooks that are heard, and none at all;
# red checks that the agent mends in the same run, a person's pull request that is adopted,
# GitHub gone in the middle, a backup of Codegen, no Codegen at all, two services down at once,
# and an evaluator that dies. Nothing is done twice and no attempt is lost. TAP.
#
#   COURSES="red adopt"   only these
# shellcheck disable=SC2317 # the courses are called by name

set -u
# shellcheck source=tests/fakes/services.sh
. "$(dirname "$0")/../fakes/services.sh"
workplace services-faults
at_end() { services_stop; }
explain() {
    ask "$github" GET /_fake/state
    box show wf-1 --all | tail -n 60
    tail -n 10 "$dir/serve.log"
}

# begin NAME CONCLUSIONS [TIME]: the workspace of a course, the checks' conclusions and how
# long they take; lines of the profile on standard input.
begin() {
    prefix="$1: " eu=''
    dir=$root/$1
    mkdir "$dir"
    make_repository
    {
        echo 'seed: 5'
        echo "github: {repository: acme/payments, checks: [{name: build, kind: actions, conclusions: [$2],"
        echo "  queue: 100ms, time: ${3:-600ms}, log: 'src/pay.c:7: error: expected a semicolon'}]}"
        cat
    } >"$dir/profile.yaml"
    listener=$(free_port)
    services_start house "$dir/profile.yaml" --hook "http://127.0.0.1:$listener/webhooks/github"
    codegen=$(port_of house codegen) github=$(port_of house github)
}
# pipeline AGENT EVALUATOR, each the inside of a map
pipeline() {
    write_pipeline payments <<END
agent: {$1}
evaluator: {$2}
merge: {mode: auto, method: squash}
END
}
AGENT='provider: codegen_api'
JUDGE='provider: web_eval_agent, url: "http://127.0.0.1:9/", task: look at the page, timeout: 1m'
# The evaluator of courses that are about something else.
CHEAP='command: "true"'

go() {
    write_config with-listener
    start_engine
    ok "the engine is there"
}
hand_over() {
    box submit --pipeline payments --task 'Round up' >/dev/null
}
shown() { # PATTERN in what the engine says of the workflow
    box show wf-1 --all 2>/dev/null | grep -qE -- "$1"
}
finish() { # RUNS TURNS PULLS MERGES
    until_true 120 state_is wf-1 COMPLETED FAILED CANCELLED
    equals "the workflow ends well" "$(state_of wf-1)" COMPLETED
    equals "agent runs" "$(count agent_runs)" "$1"
    equals "turns of them" "$(count turns)" "$2"
    equals "pull requests" "$(count pull_requests)" "$3"
    equals "merges" "$(count merges)" "$4"
    end
}
end() {
    stop_engine
    services_stop
}

red() {
    begin red 'failure, success' <<<'codegen: {run_time: 500ms}'
    pipeline "$AGENT" "$CHEAP"
    go
    hand_over
    until_true 120 shown 'expected a semicolon'
    ok "the failing line of the job's log is told"
    until_true 120 state_is wf-1 COMPLETED FAILED
    equals "the run was resumed, not begun anew" "$(count resumed)" 1
    shown 'iteration +2'
    ok "it was the second iteration"
    finish 1 2 1 1
}

adopt() {
    begin adopt success </dev/null
    pipeline "$AGENT" "$CHEAP"
    human '{"action":"commit","branch":"alice/fix","path":"changes/alice.md","text":"by hand\n"}' >/dev/null
    human '{"action":"pull","branch":"alice/fix","title":"A fix by hand"}' >/dev/null
    go
    box adopt 1 --pipeline payments >/dev/null
    ok "a person's pull request is adopted"
    finish 0 0 1 1
}

outage() {
    begin outage success <<<'codegen: {run_time: 1h}'
    pipeline "$AGENT" "$CHEAP"
    go
    hand_over
    until_true 120 agent_works
    ok "the agent works"
    fault '{"service":"github","kind":"refuse"}'
    ask "$github" POST /_fake/finish >/dev/null
    until_true 120 state_is wf-1 PARKED
    ok "GitHub goes away: the workflow is parked"
    fault '{"clear":true}'
    until_true 120 state_is wf-1 CODING PR_CREATED VALIDATING COMPLETED
    ok "it comes back: the workflow goes on"
    until_true 120 state_is wf-1 COMPLETED FAILED
    shown 'attempt 1, retries 0'
    ok "no attempt was lost"
    finish 1 1 1 1
}
agent_works() {
    [ "$(count agent_runs)" = 1 ]
}

backup() {
    begin backup success <<<'codegen: {run_time: 500ms}'
    services_start eu "$dir/profile.yaml"
    eu=$(port_of eu codegen)
    codegen=1 # nobody listens there
    pipeline "provider: codegen_api, backups: [codegen_eu]" "$CHEAP"
    go
    hand_over
    until_true 120 state_is wf-1 COMPLETED FAILED
    equals "the backup ran the agent" "$(count agent_runs "$(port_of eu github)")" 1
    box show wf-1 --json | grep -q '"provider":"codegen_eu"'
    ok "and is named"
    finish 0 0 1 1
}

local_agent() {
    begin local success <<<'codegen: {run_time: 500ms}'
    codegen=1 eu=1
    printf '#!/bin/sh\nmkdir -p changes && echo "turn: 1" >changes/local.md\n' >"$dir/agent"
    chmod +x "$dir/agent"
    pipeline "provider: codegen_api, backups: [codegen_eu, local], command: [$dir/agent]" "$CHEAP"
    go
    hand_over
    until_true 120 state_is wf-1 COMPLETED FAILED
    [ "$(git -C "$dir/forge.git" show main:changes/local.md)" = 'turn: 1' ]
    ok "the agent of this machine made the change"
    finish 0 0 1 1
}

two() {
    begin two success <<<'codegen: {run_time: 500ms}'
    pipeline "$AGENT" "$CHEAP"
    fault '{"service":"github","kind":"status","status":502}'
    fault '{"service":"codegen","kind":"status","status":503}'
    go
    hand_over
    until_true 120 state_is wf-1 PARKED
    ok "both are down: the workflow is parked"
    fault '{"clear":true}'
    fault '{"service":"codegen","kind":"hang","time_ms":2000,"count":3}'
    finish 1 1 1 1
}

degraded() {
    begin degraded success <<<'codegen: {run_time: 500ms}'
    pipeline "$AGENT" "$JUDGE"
    write_config with-listener
    sed -i 's/env: {OPERATIVE_API_KEY/env: {DIE: call, OPERATIVE_API_KEY/' "$dir/signalbox.yaml"
    start_engine
    ok "the engine is there"
    hand_over
    until_true 120 shown 'degraded'
    ok "nobody judged, and it says so"
    until_true 120 shown 'waits for.*approval'
    ok "the merge waits for a person"
    equals "nothing is merged" "$(count merges)" 0
    box approve wf-1 >/dev/null
    ok "who approves"
    finish 1 1 1 1
}

# The checks end after the engine has seen them pending, not after some time: who is late sees
# them ended at the first look, and has nobody to thank for it.
checks_end() {
    until_true 120 checks_are_seen
    ok "the engine has seen checks that are not over"
    ask "$github" POST /_fake/finish >/dev/null
}
checks_are_seen() { # the last call of a look
    ask "$github" GET /_fake/state | grep -qF '"GET commits/*/status":'
}
reconciled() {
    box events --kind reconciled --json 2>/dev/null | grep -c reconciled
}

heard() {
    begin heard success 1h <<<'codegen: {run_time: 500ms}'
    pipeline "$AGENT" "$CHEAP"
    go
    hand_over
    checks_end
    until_true 120 state_is wf-1 COMPLETED FAILED
    equals "webhooks told everything in time" "$(reconciled)" 0
    finish 1 1 1 1
}

deaf() {
    begin deaf success 1h <<<$'codegen: {run_time: 500ms}\nhooks: {drop: 100}'
    pipeline "$AGENT" "$CHEAP"
    go
    hand_over
    checks_end
    until_true 120 state_is wf-1 COMPLETED FAILED
    equals "no webhook came" "$(count hook_sent)" 0
    [ "$(reconciled)" -gt 0 ]
    ok "what polling found instead is told as reconciled"
    finish 1 1 1 1
}

for course in ${COURSES:-heard deaf red adopt outage backup local_agent two degraded}; do
    $course
done
done_testing
