#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What an operator says of a service holds when the engine is killed the moment it has said
# "done"; and an engine whose listener cannot start works all the same and says so. TAP.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace held
export FORGE_TOKEN=none
configure <<'YAML'
services:
  - {name: github_api, kind: github, url: "http://127.0.0.1:9", token: {env: FORGE_TOKEN}}
listener: {port: 9350, webhook_secrets: [{file: there-is-none}]}
YAML

explain() {
    box events | tail -n 20
    box services
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
stop_engine
ok 'it ends well'
done_testing
