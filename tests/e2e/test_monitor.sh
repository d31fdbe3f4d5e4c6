#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The monitor from the outside: a figure that is scraped breaks a rule, an incident opens, is
# seen, taken, silenced, and closes by itself; the engine is killed -9 in between, and nothing is
# told twice. A metrics file that is damaged is begun anew, and work goes on. TAP. Waits are
# bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace monitor
configure <<YAML
monitor:
  interval: 1s
  scrape:
    - {name: depot, command: [cat, $dir/level], interval: 1s, timeout: 1s}
  rules:
    - name: depot is full
      metric: wagons_waiting
      above: 100
      resolve_below: 50
      for: 1s
      severity: high
      summary: '{value} wagons wait'
      actions: ['send a locomotive']
YAML
echo 'wagons_waiting 5' >level

explain() {
    box events | tail -n 20
    box incidents --all | tail -n 20
    tail -n 5 state/signalbox/signalbox.db-logs/engine.log
}
shows() { # TEXT COMMAND...: the output has the text
    local text=$1
    shift
    box "$@" 2>/dev/null | grep -qF -- "$text"
}
hides() { ! shows "$@"; }
count() { # KIND NUMBER: so many events of the kind
    [ "$(box events --json 2>/dev/null | grep -c "\"kind\":\"$1\"")" -eq "$2" ]
}

start_engine
ok "an engine runs"
until_true shows wagons_waiting health --json
ok "what a command prints is a series"
hides 'wagons wait' incidents --json
ok "no incident while all is well"

echo 'wagons_waiting 500' >level
until_true shows '500 wagons wait' incidents --json
ok "the rule opens an incident"
kill_engine
start_engine
ok "killed -9 and started again"
shows 'send a locomotive' incidents 1
ok "the incident is still there, with what to do"
until_true count incident-opened 1
ok "it was told once"
! box health --json >health.json && grep -q '"status":"' health.json && ! grep -q '"status":"healthy"' health.json
ok "health says that something is wrong, by word and exit status"

box ack 1 --note 'a locomotive is on its way' >/dev/null && shows 'on its way' incidents --json
ok "somebody takes it, with a note"
box silence 'scrape:depot' --for 1h --reason 'shunting' >/dev/null
until_true shows 'silence:' incidents --json
ok "a silence covers it"

echo 'wagons_waiting 5' >level
until_true hides 'wagons wait' incidents --json
ok "it closes by itself"
until_true count anomaly-closed 1
ok "the end is told once"

kill_engine
head -c 4096 /dev/zero | tr '\0' 'x' | dd of=state/signalbox/signalbox.db-metrics bs=1 conv=notrunc status=none
rm -f state/signalbox/signalbox.db-metrics-wal state/signalbox/signalbox.db-metrics-shm
start_engine
until_true shows wagons_waiting health --json
ok "a damaged metrics file is begun anew"
ls state/signalbox/*.broken-* >/dev/null 2>&1
ok "and kept aside"
rm -f state/signalbox/signalbox.db-metrics
until_true shows 'removed and is begun anew' engine-log
ok "one that is removed under the engine too, and the log says so"

done_testing
