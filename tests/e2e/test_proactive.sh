#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A limit that is nearly reached slows the admission down, and it is taken back when there is room
# again: an engine that may open hardly more files than it has open. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace proactive
configure <<'END'
max_running: 9
monitor: {interval: 1s}
END

has_event() { # KIND TEXT
    "$program" events --kind "$1" >out 2>&1 </dev/null
    grep -qF -- "$2" out
}
has_decision() { # TEXT
    "$program" decisions --json >out 2>&1 </dev/null
    grep -qF -- "$1" out
}
# A sample of this engine is in the file: what follows from it was said before that.
is_sampled() {
    "$program" metrics --json 2>/dev/null </dev/null | grep '"engine_files_used_ratio"' >out
    [[ $(sed 's/.*"at":"\([^"]*\)".*/\1/' out) > $started ]]
}

start_with() { # FILES: how many it may have open; 0 = as many as usual
    local limit=()
    [ "$1" -eq 0 ] || limit=(prlimit "--nofile=$1:$1")
    started=$(date -u +%Y-%m-%dT%H:%M:%S.999Z)
    "${limit[@]}" "$program" serve --quiet >>serve.log 2>&1 </dev/null &
    engine=$!
    until_true is_running
}

start_with 0
ok 'an engine runs'
until_true is_sampled # all of its threads have opened what they need
files=$(find "/proc/$engine/fd" -mindepth 1 | wc -l)
! has_event proactive-begin slow_admission
ok 'with room for more, nothing is done'
stop_engine

start_with $((files * 6 / 5))
until_true has_event proactive-begin 'slow_admission: 6 instead of 9 workflows at once'
ok 'hardly any files left: fewer workflows at once'
has_decision '"choice":"slow_admission"'
ok 'and a decision says why'
stop_engine

start_with 0
until_true has_event proactive-end 'as many workflows as are configured'
ok 'with room again it is taken back, over a restart'
until_true has_decision '"verdict":"good"'
ok 'and the decision has its verdict'
stop_engine

printf 'recovery: {proactive: false}\n' >>config/signalbox/signalbox.yaml
start_with $((files * 6 / 5))
until_true is_sampled
[ "$("$program" events --kind proactive-begin 2>/dev/null </dev/null | wc -l)" -eq 1 ]
ok 'switched off, nothing is done'
stop_engine
done_testing
