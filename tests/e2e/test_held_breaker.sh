#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What an operator says of a service holds when the engine is killed the moment it has said
# "done"; and an engine whose listener cannot start works all the same and says so. TAP.

# shellcheck disable=SC2317 # until_true calls them
set -u
program=${SIGNALBOX:-$PWD/build/signalbox}
dir=$(cd "$(mktemp -d /tmp/signalbox-held-XXXXXX)" && pwd -P) || exit 1
engine=''
cleanup() {
    [ -z "$engine" ] || kill -9 "$engine" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state LC_ALL=C.UTF-8
export FORGE_TOKEN=none
unset NOTIFY_SOCKET INVOCATION_ID
mkdir -p "$dir/config/signalbox"
cd "$dir" || exit 1
cat >config/signalbox/signalbox.yaml <<'YAML'
services:
  - {name: github_api, kind: github, url: "http://127.0.0.1:9", token: {env: FORGE_TOKEN}}
listener: {port: 9350, webhook_secrets: [{file: there-is-none}]}
YAML

n=0 failures=0
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        "$program" events 2>&1 </dev/null | sed 's/^/# /' | tail -n 20
        "$program" services 2>&1 </dev/null | sed 's/^/# /'
        failures=1
    fi
}
box() { "$program" "$@" </dev/null; }
until_true() { # COMMAND...: at most 60 s
    local end=$((SECONDS + 60))
    while ! "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}
is_running() { box status --json 2>/dev/null | grep -q '"is_running":true'; }
start_engine() {
    "$program" serve --quiet >>serve.log 2>&1 </dev/null &
    engine=$!
    until_true is_running
}
kill_engine() {
    kill -9 "$engine"
    wait "$engine" 2>/dev/null
    engine=''
}
breaker_is() { box services --json 2>/dev/null | grep -q "\"$1\""; }
event_is() { box events --json 2>/dev/null | grep -q "\"$1\""; }

start_engine
ok 'the engine runs'
until_true event_is listener-failed
ok 'and says that its listener cannot'
lasts=0
for round in 1 2 3 4 5 6; do
    state=open seen=forced-open
    [ $((round % 2)) -eq 1 ] || state=disabled seen=disabled
    box breaker github_api $state --for 1h --reason "round $round" >>log 2>&1 || lasts=1
    kill_engine
    start_engine || lasts=1
    until_true breaker_is $seen || lasts=1
done
[ $lasts -eq 0 ]
ok 'six times held, killed at once, and still held'
box breaker github_api auto --reason 'enough' >>log 2>&1 && until_true breaker_is closed
ok 'let go'
kill_engine
start_engine && until_true breaker_is closed
ok 'and not held again by the next engine'
kill -TERM "$engine" && wait "$engine"
ok 'it ends well'
engine=''
echo "1..$n"
exit $failures
