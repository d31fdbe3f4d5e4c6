# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Sourced by tests/fakes/run and tests/e2e/test_services*.sh: a workspace with simulated
# services, a configuration that names them, and an engine.
#
# With it comes tests/lib/e2e.sh; box and start_engine are other ones, for the configuration that
# write_config writes. Before the rest: dir, an empty folder, absolute (as of `workplace`). Who leaves calls
# services_stop. fakes is the folder of the simulated services' programs.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"

fakes=$here/${B:-build/release}/tests/fakes
fake_pids=() codegen='' github='' eu='' listener=''
CODEGEN_TOKEN=cg-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
GITHUB_TOKEN=ghp_$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
EVAL_KEY=op-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
HOOK_SECRET=hook-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
VIEW_TOKEN=view-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')

box() { # signalbox on this workspace
    local command=$1
    shift
    "$program" "$command" --config "$dir/signalbox.yaml" "$@" </dev/null
}

# ask PORT METHOD PATH [BODY]: the body of the answer, over bash's own sockets.
ask() {
    local line fd body=${4-}
    exec {fd}<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf '%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
        "$2" "$3" "${#body}" "$body" >&"$fd"
    while IFS= read -r line <&"$fd" && [ "$line" != $'\r' ]; do :; done
    cat <&"$fd"
    exec {fd}>&-
}

# The number behind the first "NAME": of the state of a simulated service.
count() { # NAME [PORT]
    local state
    state=$(ask "${2:-$github}" GET /_fake/state) || return 1
    [[ $state =~ \"$1\":(-?[0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}
fault() { ask "$github" POST /_fake/fault "$1" >/dev/null; } # JSON [for the first house]
human() { ask "$github" POST /_fake/human "$1"; }

make_repository() { # the bare repository behind the simulated GitHub
    export GIT_CONFIG_GLOBAL=$dir/gitconfig GIT_CONFIG_NOSYSTEM=1
    git config --global user.name tester
    git config --global user.email tester@example.org
    git init -q --bare -b main "$dir/forge.git"
    git init -q -b main "$dir/seed"
    printf '# payments\n' >"$dir/seed/README.md"
    printf '#!/bin/sh\nsleep %s; ls changes/*.md\n' "${CHECK_TIME:-0}" >"$dir/seed/check.sh"
    chmod +x "$dir/seed/check.sh"
    git -C "$dir/seed" add -A
    git -C "$dir/seed" commit -qm 'first'
    git -C "$dir/seed" push -q "$dir/forge.git" main
}

# services_start NAME PROFILE [OPTION...]: its ports stand in $dir/NAME.ports
services_start() {
    local name=$1 profile=$2
    shift 2
    rm -f "$dir/$name.ports"
    FAKE_CODEGEN_TOKEN=$CODEGEN_TOKEN FAKE_GITHUB_TOKEN=$GITHUB_TOKEN FAKE_HOOK_SECRET=$HOOK_SECRET \
        "$fakes/fake_services" --git "$dir/forge.git" --ports "$dir/$name.ports" --profile "$profile" "$@" \
        >>"$dir/$name.log" 2>&1 </dev/null &
    fake_pids+=($!)
    until_true test -s "$dir/$name.ports"
}

port_of() { # NAME WORD
    sed -n "s/^$2=//p" "$dir/$1.ports"
}

services_stop() {
    local pid
    [ -z "$engine" ] || kill_engine
    for pid in "${fake_pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    fake_pids=() engine=''
}

# write_config [with-listener]: limits are those of a test, not of a house.
write_config() {
    umask 077
    printf '%s\n' "$CODEGEN_TOKEN" >"$dir/codegen.token"
    cat >"$dir/signalbox.yaml" <<END
store: $dir/signalbox.db
pipelines: [$dir/pipelines]
recovery: {backoff: 500ms, backoff_max: 2s}
services:
  - name: codegen_api
    kind: codegen
    url: http://127.0.0.1:$codegen
    organization: "42"
    token: {file: $dir/codegen.token}
    breaker: {failures: 3, open: 1s, open_max: 2s}
    timeouts: {connect: 1s, attempt: 3s, call: 10s}
    ramp: 1s
  - name: codegen_eu
    kind: codegen
    url: http://127.0.0.1:${eu:-1}
    organization: "42"
    token: {command: [cat, $dir/codegen.token]}
    breaker: {failures: 2, open: 1s, open_max: 2s}
    timeouts: {connect: 1s, attempt: 3s, call: 10s}
    ramp: 1s
  - name: github_api
    kind: github
    url: http://127.0.0.1:$github
    token: {env: GITHUB_TOKEN}
    breaker: {failures: 3, open: 1s, open_max: 2s}
    limits: {write_pause: 50ms}
    timeouts: {connect: 1s, attempt: 3s, call: 10s}
    ramp: 1s
  - name: grainchain
    kind: grainchain
    command: [$fakes/bridge_server]
    provider: local
    breaker: {failures: 2, open: 1s, open_max: 2s}
    ramp: 1s
  - name: web_eval_agent
    kind: web_eval
    command: [$fakes/mcp_server]
    env: {OPERATIVE_API_KEY: "\${EVAL_KEY}"}
    breaker: {failures: 2, open: 1s, open_max: 2s}
    ramp: 1s
END
    [ "${1-}" != with-listener ] || cat >>"$dir/signalbox.yaml" <<END
listener:
  port: $listener
  webhook_secrets: [{env: HOOK_SECRET}]
  token: {env: VIEW_TOKEN}
END
}

# write_pipeline NAME: the lines on standard input come last.
write_pipeline() {
    mkdir -p "$dir/pipelines"
    {
        cat <<END
name: $1
base: main
forge: {provider: github_api, repository: acme/payments, clone: $dir/forge.git}
validate:
  - {name: changes, command: ./check.sh, timeout: 1m}
limits: {iterations: 4, retries: 8, planning: 2m, coding: 5m, validation: 5m}
END
        cat
    } >"$dir/pipelines/$1.yaml"
}

start_engine() {
    GITHUB_TOKEN=$GITHUB_TOKEN EVAL_KEY=$EVAL_KEY HOOK_SECRET=$HOOK_SECRET VIEW_TOKEN=$VIEW_TOKEN \
        "$program" serve --config "$dir/signalbox.yaml" >>"$dir/serve.log" 2>&1 </dev/null &
    engine=$!
    until_true is_running || { tail -n 3 "$dir/serve.log"; return 1; }
}

# State of a workflow: state_of wf-1
state_of() {
    box list --plain 2>/dev/null | awk -F '\t' -v id="$1" '$1 == id { print $2 }'
}
# Is it in one of these states? state_is wf-1 COMPLETED FAILED
state_is() {
    local id=$1 state
    state=$(state_of "$id")
    shift
    [[ " $* " == *" $state "* ]]
}
