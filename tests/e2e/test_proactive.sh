#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A limit that is nearly reached slows the admission down, and it is taken back when there is room
# again: an engine that may open hardly more files than it has open. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
program=${SIGNALBOX:-$PWD/build/signalbox}
dir=$(cd "$(mktemp -d /tmp/signalbox-proactive-XXXXXX)" && pwd -P) || exit 1
engine=''
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    [ -z "$engine" ] || kill "$engine" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state LC_ALL=C.UTF-8
unset NOTIFY_SOCKET INVOCATION_ID
cd "$dir" || exit 1
mkdir -p config/signalbox
cat >config/signalbox/signalbox.yaml <<'END'
max_running: 9
monitor: {interval: 1s}
END

n=0 failures=0
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' out serve.log 2>/dev/null | head -n 20
        failures=1
    fi
}
until_true() { # COMMAND...: at most 90 s
    local end=$((SECONDS + 90))
    while ! "$@"; do
        if [ $SECONDS -ge $end ]; then
            echo "# in vain: $*"
            return 1
        fi
        sleep 0.05
    done
}
is_running() { "$program" status --json 2>/dev/null </dev/null | grep -q '"is_running":true'; }
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
start_engine() { # FILES: how many it may have open; 0 = as many as usual
    local limit=()
    [ "$1" -eq 0 ] || limit=(prlimit "--nofile=$1:$1")
    started=$(date -u +%Y-%m-%dT%H:%M:%S.999Z)
    "${limit[@]}" "$program" serve --quiet >>serve.log 2>&1 </dev/null &
    engine=$!
    until_true is_running
}
stop_engine() {
    kill "$engine"
    wait "$engine" 2>/dev/null
    engine=''
}

start_engine 0
ok 'an engine runs'
until_true is_sampled # all of its threads have opened what they need
files=$(find "/proc/$engine/fd" -mindepth 1 | wc -l)
! has_event proactive-begin slow_admission
ok 'with room for more, nothing is done'
stop_engine

start_engine $((files * 6 / 5))
until_true has_event proactive-begin 'slow_admission: 6 instead of 9 workflows at once'
ok 'hardly any files left: fewer workflows at once'
has_decision '"choice":"slow_admission"'
ok 'and a decision says why'
stop_engine

start_engine 0
until_true has_event proactive-end 'as many workflows as are configured'
ok 'with room again it is taken back, over a restart'
until_true has_decision '"verdict":"good"'
ok 'and the decision has its verdict'
stop_engine

printf 'recovery: {proactive: false}\n' >>config/signalbox/signalbox.yaml
start_engine $((files * 6 / 5))
until_true is_sampled
[ "$("$program" events --kind proactive-begin 2>/dev/null </dev/null | wc -l)" -eq 1 ]
ok 'switched off, nothing is done'
stop_engine
echo "1..$n"
exit $failures
