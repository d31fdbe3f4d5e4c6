#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The demo goes on where it was: its engine is killed with -9 while all eight workflows are
# on their way, together with the script that drives it; the second run must still find each
# outcome, agent runs counted from the outside, and exactly seven merges. TAP.

# shellcheck disable=SC2317 # others call them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace demo
export SIGNALBOX=$program SIGNALBOX_DEMO=$dir/demo
box() {
    "$SIGNALBOX" "$@" --config "$SIGNALBOX_DEMO/signalbox.yaml" </dev/null
}

"$here/tests/demo/run" >"$dir/first" 2>&1 </dev/null &
driver=$!
until_true grep -q -- '-> VALIDATING' first
driven=$(box status --json | sed -n 's/.*"is_running":true,"pid":\([0-9]*\).*/\1/p')
[ -n "$driven" ] && kill -KILL "$driver" "$driven"
ok "engine and driver killed in the middle"
wait "$driver" 2>/dev/null
# The engine is no child of ours, and holds its lock until the kernel has taken it apart.
is_over() { ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$driven/status" 2>/dev/null; }
until_true is_over
[ "$(box list --plain | grep -cE '(COMPLETED|CANCELLED)')" -lt 8 ]
ok "not all had ended"

"$here/tests/demo/run" >"$dir/second" 2>&1 </dev/null
ok "the second run ends well"
sed 's/^/# /' "$dir/second" | tail -n 40
grep -q 'going on in' "$dir/second"
ok "it went on with the same workspace"
grep -c '^  ok' "$dir/second" | grep -qx 13
ok "all thirteen verdicts are good"
! grep -q '^  WRONG' "$dir/second"
ok "none is wrong"

before=$(git -C "$SIGNALBOX_DEMO/measure" rev-parse main)
"$here/tests/demo/run" >"$dir/third" 2>&1 </dev/null
ok "a third run finds everything done"
[ "$(git -C "$SIGNALBOX_DEMO/measure" rev-parse main)" = "$before" ]
ok "and changes nothing"
"$here/tests/demo/run" --clean >/dev/null && [ ! -e "$SIGNALBOX_DEMO" ]
ok "run --clean forgets it"
done_testing
