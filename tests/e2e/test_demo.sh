#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The demo goes on where it was: its engine is killed with -9 while all eight workflows are
# on their way, together with the script that drives it; the second run must still find each
# outcome, agent runs counted from the outside, and exactly seven merges. TAP.

set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export SIGNALBOX=${SIGNALBOX:-$PWD/build/signalbox} SIGNALBOX_DEMO=$dir/demo
n=0 status=0
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        status=1
    fi
}
box() {
    "$SIGNALBOX" "$@" --config "$SIGNALBOX_DEMO/signalbox.yaml" </dev/null
}

tests/demo/run >"$dir/first" 2>&1 </dev/null &
driver=$!
tries=0
until grep -q -- '-> VALIDATING' "$dir/first" || [ $tries -gt 300 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
engine=$(box status --json | sed -n 's/.*"is_running":true,"pid":\([0-9]*\).*/\1/p')
[ -n "$engine" ] && kill -KILL "$driver" "$engine"
result $? "engine and driver killed in the middle"
wait "$driver" 2>/dev/null
# The engine is no child of ours, and holds its lock until the kernel has taken it apart.
tries=0
while grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$engine/status" 2>/dev/null && [ $tries -le 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
[ "$(box list --plain | grep -cE '(COMPLETED|CANCELLED)')" -lt 8 ]
result $? "not all had ended"

tests/demo/run >"$dir/second" 2>&1 </dev/null
result $? "the second run ends well"
sed 's/^/# /' "$dir/second" | tail -n 40
grep -q 'going on in' "$dir/second"
result $? "it went on with the same workspace"
grep -c '^  ok' "$dir/second" | grep -qx 13
result $? "all thirteen verdicts are good"
! grep -q '^  WRONG' "$dir/second"
result $? "none is wrong"

before=$(git -C "$SIGNALBOX_DEMO/measure" rev-parse main)
tests/demo/run >"$dir/third" 2>&1 </dev/null
result $? "a third run finds everything done"
[ "$(git -C "$SIGNALBOX_DEMO/measure" rev-parse main)" = "$before" ]
result $? "and changes nothing"
tests/demo/run --clean >/dev/null && [ ! -e "$SIGNALBOX_DEMO" ]
result $? "run --clean forgets it"
echo "1..$n"
exit $status
