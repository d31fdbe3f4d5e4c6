#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A task goes from IDLE to COMPLETED with services over real sockets: Codegen writes the
# change, GitHub has the pull request and its checks, an MCP server judges. Once with webhooks,
# of which half are lost, a fifth comes twice and all come out of order, in a sandbox behind a
# bridge of grainchain; and once by polling alone, in a sandbox of this machine. Each time the
# engine is killed with -9 ten times on the way, and the services still count one agent run,
# one pull request and one merge. TAP.

# shellcheck disable=SC2317 # others call them
set -u
# shellcheck source=tests/fakes/services.sh
. "$(dirname "$0")/../fakes/services.sh"
workplace services
at_end() { services_stop; }
explain() {
    ask "$github" GET /_fake/state
    box show wf-1 --all | tail -n 60
    tail -n 20 "$dir/serve.log"
}
KILLS=${KILLS:-10}
# A check takes its time, so that there is something to kill.
export CHECK_TIME=1

has_ended() {
    state_is wf-1 COMPLETED FAILED CANCELLED
}

# Kill the engine again and again, each time a moment of chance after it has come back.
storm() {
    kills=0
    while [ $kills -lt "$KILLS" ]; do
        start_engine || return 1
        sleep $((RANDOM % 2)).$((RANDOM % 10))
        has_ended && return 0
        kill_engine
        kills=$((kills + 1))
    done
    start_engine
}

profile() {
    cat <<'END'
seed: 11
codegen:
  run_time: 4s
  statuses: [ACTIVE, "null", Running, POLISHING, evaluation]
  sparse: true
  creates: 10
  calls: 60
github:
  repository: acme/payments
  checks:
    - {name: build, kind: actions, conclusions: [success], queue: 300ms, time: 3s}
    - {name: ci/style, kind: status, conclusions: [success], time: 500ms}
    - {name: lint, kind: app, conclusions: [success], time: 1s}
  required: [build, ci/style]
END
}

pipeline() {
    write_pipeline payments <<END
agent: {provider: codegen_api}
sandbox: {provider: $1}
evaluator: {provider: web_eval_agent, url: "http://127.0.0.1:9/", task: look at the page, timeout: 1m}
merge: {mode: auto, method: squash}
END
}

# course NAME [with-listener]
course() {
    dir=$root/$1
    mkdir "$dir"
    make_repository
    {
        profile
        [ $# = 1 ] || echo 'hooks: {drop: 50, duplicate: 20, shuffle: 800ms}'
    } >"$dir/profile.yaml"
    listener=$(free_port)
    if [ $# = 1 ]; then
        services_start house "$dir/profile.yaml"
    else
        services_start house "$dir/profile.yaml" --hook "http://127.0.0.1:$listener/webhooks/github"
    fi
    ok "$1: services are there"
    codegen=$(port_of house codegen) github=$(port_of house github)
    write_config "${2-}"
    pipeline "$([ $# = 1 ] && echo local || echo grainchain)"
    box check "$dir/pipelines/payments.yaml" >"$dir/check.out" 2>&1
    ok "$1: the configuration is right"
    sed 's/^/# /' "$dir/check.out"
    box submit --pipeline payments --task 'Round up' >/dev/null
    ok "$1: a task is handed over"
    storm
    ok "$1: the engine comes back each time"
    equals "$1: it was killed on the way" $kills "$KILLS"
    until_true 150 has_ended
    equals "$1: the workflow ends well" "$(state_of wf-1)" COMPLETED
    equals "$1: one agent run" "$(count agent_runs)" 1
    equals "$1: of one turn" "$(count turns)" 1
    equals "$1: one pull request" "$(count pull_requests)" 1
    equals "$1: one merge" "$(count merges)" 1
    equals "$1: one commit more on main" "$(git -C "$dir/forge.git" rev-list --count main)" 2
    [[ $(git -C "$dir/forge.git" show main:"$(git -C "$dir/forge.git" ls-tree --name-only main changes/)") == *'turn: 1'* ]]
    ok "$1: the change is there"
    if [ $# = 2 ]; then
        [ "$(count hook_dropped)" -gt 0 ] && [ "$(count hook_duplicated)" -gt 0 ]
        ok "$1: webhooks were lost and came twice"
        box deliveries --json --limit 1000 | grep -oE '"guid":"[^"]*"' | sort >"$dir/deliveries"
        [ -s "$dir/deliveries" ]
        ok "$1: and some arrived"
        ! uniq -d "$dir/deliveries" | grep -q .
        ok "$1: each one is kept once"
    fi
    services_stop
}

for way in ${COURSES:-polling webhooks}; do
    if [ "$way" = polling ]; then
        course polling
    else
        course webhooks with-listener
    fi
done
done_testing
