#!/bin/bash
# SPDX-License-Identifier: MIT
#
# No secret stays anywhere. A whole workflow with every kind of service, secrets from a file, a
# command and variables, webhooks signed with one, and bad days whose errors quote what was
# sent; then the store, the logs, the work folder, what the engine printed, what every command
# prints, the screens of the console, /metrics and /events, and the process list and the
# environment of runners (watched all the time) are searched for each of them. TAP.

# shellcheck disable=SC2317 # others call them
set -u
# shellcheck source=tests/fakes/services.sh
. "$(dirname "$0")/../fakes/services.sh"
watcher=''
workplace secrets
at_end() {
    # shellcheck disable=SC2086 # several
    [ -z "$watcher" ] || kill $watcher 2>/dev/null
    services_stop
    [ -n "${KEEP-}" ] || rm -rf "$root".*
}

export CHECK_TIME=1 # for the watcher to see it
make_repository
cat >"$dir/profile.yaml" <<'END'
seed: 2
codegen: {run_time: 1s}
github:
  repository: acme/payments
  checks:
    - {name: build, kind: actions, conclusions: [failure, success], queue: 100ms, time: 500ms, log: "src/pay.c:7: error"}
faults:
  - {service: github, kind: status, status: 502, count: 1}
  - {service: github, kind: not-json, count: 1, method: GET}
  - {service: codegen, kind: garbage, count: 1}
  - {service: codegen, kind: truncate, count: 1}
END
listener=$(free_port)
services_start house "$dir/profile.yaml" --hook "http://127.0.0.1:$listener/webhooks/github"
codegen=$(port_of house codegen) github=$(port_of house github)
write_config with-listener
write_pipeline payments <<'END'
agent: {provider: codegen_api}
sandbox: {provider: grainchain}
evaluator: {provider: web_eval_agent, url: "http://127.0.0.1:9/", task: look at the page, timeout: 1m}
merge: {mode: auto, method: squash}
END
# A local agent with a remote forge pushes with git: its credentials may not show either.
write_pipeline local <<END
agent: {command: "sleep 1; mkdir -p changes; echo x >>changes/local.md"}
merge: {mode: auto, method: squash}
END

# Every command line, and the environment of what the engine starts, as long as this runs. The
# commands of services have variables of their own by design (OPERATIVE_API_KEY).
watch() {
    local place
    while :; do
        cat /proc/[0-9]*/cmdline >>"$dir.watched"
        while read -r place; do
            tr '\0' '\n' <"${place%cmdline}environ" >>"$dir.environments"
        done < <(grep -la __run /proc/[0-9]*/cmdline)
        sleep 0.02
    done 2>/dev/null
}

: >"$dir.watched"
: >"$dir.environments"
watch &
watcher=$!
mkdir "$dir/out"
start_engine
ok "the engine is there"
box submit --pipeline payments --task 'Round up' >/dev/null
box submit --pipeline local --task 'By hand' >/dev/null
"$program" events --config "$dir/signalbox.yaml" --follow --json >"$dir/out/follow" 2>&1 </dev/null &
watcher="$watcher $!"
until_true 100 state_is wf-1 COMPLETED FAILED
[ "$(state_of wf-1)" = COMPLETED ]
ok "a workflow went through all services"
until_true 60 state_is wf-2 COMPLETED FAILED
[ "$(state_of wf-2)" = COMPLETED ]
ok "and one with the agent of this machine"

# ---- what it says when a secret is wrong -----------------------------------------------
fault '{"service":"github","kind":"status","status":401}'
box submit --pipeline payments --task 'Refused' >/dev/null
wf3_waits() { box status --json | grep -q '"operator":1'; }
until_true 60 wf3_waits
ok "a refused token waits for a person, with a plain word"
fault '{"clear":true}'

# ---- everything that can be printed ----------------------------------------------------
for command in status list services deliveries events; do
    box $command >"$dir/out/$command" 2>&1
    box $command --json >"$dir/out/$command.json" 2>&1
done
for id in 1 2 3; do
    box show wf-$id --all --diff >"$dir/out/show-$id" 2>&1
    box show wf-$id --all --json >"$dir/out/show-$id.json" 2>&1
    box log wf-$id >"$dir/out/log-$id" 2>&1
done
box services github_api >"$dir/out/service" 2>&1
box backup "$dir/out/backup.db" >/dev/null 2>&1
ok "a backup of the store was made"
# get PATH: over the listener, as one who may
get() {
    local fd
    exec {fd}<>"/dev/tcp/127.0.0.1/$listener" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n' \
        "$1" "$listener" "$VIEW_TOKEN" >&"$fd"
    timeout 10 cat <&"$fd"
    exec {fd}>&-
}
get /metrics >"$dir/out/metrics"
grep -q '200 OK' "$dir/out/metrics"
ok "/metrics answers who may see it"
get /healthz >"$dir/out/healthz"
get /readyz >"$dir/out/readyz"
# A person who opens each view of the console.
screens=0
for view in workflows services deliveries health; do
    mkfifo "$dir/keys"
    TERM=xterm timeout 20 script -qfec "$program --config $dir/signalbox.yaml --read-only --view $view" \
        "$dir/out/screen-$view" <"$dir/keys" >/dev/null 2>&1 &
    exec 7>"$dir/keys"
    until_true 15 grep -qsa 'wf-1\|github_api\|check_run' "$dir/out/screen-$view" && screens=$((screens + 1))
    printf 'q' >&7
    exec 7>&-
    until_true 60 test ! -e "/proc/$!" || kill $! 2>/dev/null
    rm -f "$dir/keys"
done
[ $screens -ge 2 ]
ok "screens were seen"
stop_engine
# shellcheck disable=SC2086 # several
kill $watcher 2>/dev/null && wait $watcher 2>/dev/null
watcher=''

# ---- the search ------------------------------------------------------------------------
[ -s "$dir/signalbox.db" ] && [ -s "$dir/out/follow" ] && [ -s "$dir/out/log-1" ]
ok "there is something to search"
grep -qa 'signalbox.*serve' "$dir.watched" && grep -qa __run "$dir.watched" &&
    grep -q '^PATH=' "$dir.environments"
ok "processes were watched"
# hits SECRET: files that have it, but for the one where it belongs
hits() {
    grep -rlaF --exclude=codegen.token -e "$1" "$dir" "$dir.watched" 2>/dev/null
    # base64, as in an Authorization of git, at each of the three ways it may fall
    local lead
    for lead in '' x xx; do
        local code
        code=$(printf '%s%s' "$lead" "$1" | base64 -w0)
        code=${code:4:$((${#code} - 10))}
        grep -rlaF --exclude=codegen.token -e "$code" "$dir" "$dir.watched" 2>/dev/null
    done
}
cp "$dir/codegen.token" "$dir/out/bait"
printf 'x-access-token:%s' "$GITHUB_TOKEN" | base64 -w0 >"$dir/out/bait64"
[ -n "$(hits "$CODEGEN_TOKEN")" ] && [ -n "$(hits "$GITHUB_TOKEN")" ]
ok "the search finds what is there"
rm "$dir/out/bait" "$dir/out/bait64"
for name in CODEGEN_TOKEN GITHUB_TOKEN EVAL_KEY HOOK_SECRET VIEW_TOKEN; do
    found=$(hits "${!name}")
    [ -z "$found" ]
    ok "$name is nowhere"
    [ -z "$found" ] || printf '%s\n' "$found" | sed 's/^/# /'
done
# Runners get what their work needs: the key of the evaluator, a credential of the forge.
for name in CODEGEN_TOKEN HOOK_SECRET VIEW_TOKEN; do
    ! grep -qaF -e "${!name}" "$dir.environments"
    ok "$name is in no runner's environment"
done
done_testing
