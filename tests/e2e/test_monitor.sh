#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The monitor from the outside: a figure that is scraped breaks a rule, an incident opens, is
# seen, taken, silenced, and closes by itself; the engine is killed -9 in between, and nothing is
# told twice. A metrics file that is damaged is begun anew, and work goes on. TAP. Waits are
# bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
program=${SIGNALBOX:-$PWD/build/signalbox}
dir=$(cd "$(mktemp -d /tmp/signalbox-monitor-XXXXXX)" && pwd -P) || exit 1
engine=''
cleanup() {
    [ -z "$engine" ] || kill -9 "$engine" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state LC_ALL=C.UTF-8
unset NOTIFY_SOCKET INVOCATION_ID
mkdir -p "$dir/config/signalbox"
cd "$dir" || exit 1
cat >config/signalbox/signalbox.yaml <<YAML
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

n=0 failures=0
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        box events 2>&1 | sed 's/^/# /' | tail -n 20
        box incidents --all 2>&1 | sed 's/^/# /' | tail -n 20
        tail -n 5 state/signalbox/signalbox.db-logs/engine.log | sed 's/^/# /'
        failures=1
    fi
}
box() { "$program" "$@" </dev/null; }
until_true() { # COMMAND...: at most 60 s
    local end=$((SECONDS + 60))
    while ! "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
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
has() { # TEXT COMMAND...: the output has the text
    local text=$1
    shift
    box "$@" 2>/dev/null | grep -qF -- "$text"
}
lacks() {
    ! has "$@"
}
count() { # KIND NUMBER: so many events of the kind
    [ "$(box events --json 2>/dev/null | grep -c "\"kind\":\"$1\"")" -eq "$2" ]
}

start_engine
ok "an engine runs"
until_true has wagons_waiting health --json
ok "what a command prints is a series"
lacks 'wagons wait' incidents --json
ok "no incident while all is well"

echo 'wagons_waiting 500' >level
until_true has '500 wagons wait' incidents --json
ok "the rule opens an incident"
kill_engine
start_engine
ok "killed -9 and started again"
has 'send a locomotive' incidents 1
ok "the incident is still there, with what to do"
until_true count incident-opened 1
ok "it was told once"
! box health --json >health.json && grep -q '"status":"' health.json && ! grep -q '"status":"healthy"' health.json
ok "health says that something is wrong, by word and exit status"

box ack 1 --note 'a locomotive is on its way' >/dev/null && has 'on its way' incidents --json
ok "somebody takes it, with a note"
box silence 'scrape:depot' --for 1h --reason 'shunting' >/dev/null
until_true has 'silence:' incidents --json
ok "a silence covers it"

echo 'wagons_waiting 5' >level
until_true lacks 'wagons wait' incidents --json
ok "it closes by itself"
until_true count anomaly-closed 1
ok "the end is told once"

kill_engine
head -c 4096 /dev/zero | tr '\0' 'x' | dd of=state/signalbox/signalbox.db-metrics bs=1 conv=notrunc status=none
rm -f state/signalbox/signalbox.db-metrics-wal state/signalbox/signalbox.db-metrics-shm
start_engine
until_true has wagons_waiting health --json
ok "a damaged metrics file is begun anew"
ls state/signalbox/*.broken-* >/dev/null 2>&1
ok "and kept aside"
rm -f state/signalbox/signalbox.db-metrics
until_true has 'removed and is begun anew' engine-log
ok "one that is removed under the engine too, and the log says so"

echo "1..$n"
exit $failures
