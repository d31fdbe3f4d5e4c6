#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The learner in a real engine: forty tasks are coded by a local agent and checked in a local repository;
# three of four are wrong at first, and what takes a second comes before the check that says so. The
# engine asks to turn the two around, a kill in between changes nothing, a person allows it, the next
# workflow is checked in the new order, and after undo the one after it in the old. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace learning
echo 'max_running: 30' >config/signalbox/signalbox.yaml
new_repository
cat >web.yaml <<'END'
name: web
base: main
# The first try of every task but each fourth is wrong.
agent: {command: 'n=${SIGNALBOX_WORKFLOW#wf-}; if [ $((n % 4)) -gt 0 ] && [ "$SIGNALBOX_ITERATION" = 1 ]; then echo bad; else echo good; fi >"f$n"'}
validate:
  - {name: slow, command: sleep 1.1}
  - {name: lint, command: "if grep -qs bad f*; then echo 'src/a.c:3:9: error: expected expression before else'; exit 1; fi"}
merge: {mode: never}
END

completed() { "$program" status --json 2>/dev/null </dev/null | grep -q "\"COMPLETED\":$1[,}]"; }
is_proposed() { "$program" optimizations >out 2>&1 </dev/null && grep -qF checks.order out; }
patience=180
# The checks that the first iteration of a workflow ran, in their order.
checks_of() { "$program" show "$1" </dev/null | sed -nE 's/^ +[0-9]+ +(slow|lint) +[a-z]+ +1\.1 .*/\1/p' | tr '\n' ' '; }

start_engine
ok 'an engine runs'
for i in $(seq 40); do
    submit web "task $i" || break
done
until_true completed 40
ok 'forty tasks are done'
[ "$(checks_of 1)" = 'slow lint ' ]
ok 'what takes long comes first, and says nothing'
until_true is_proposed && says 'proposed' && says '["lint","slow"]'
ok 'the engine proposes the other order'
gives 0 optimizations o-1 && says 'PREDICTED' && says 'validation' && says "'lint' fails in" && says 'would have known sooner' && says 'ASKED        a-1'
ok 'with what it expects, why, and what would have been'

kill_engine && start_engine
ok 'it is killed, and starts anew'
gives 3 approvals && says 'a-1' && gives 3 approvals a-1 && says 'checks.order' && says 'IF WRONG' && says 'UNDO'
ok 'the question still waits, with its card'
gives 0 tunings && says 'no setting is tuned'
ok 'nothing is changed before somebody allows it'
gives 0 approve a-1 --yes && gives 0 optimizations && says 'guarded' && gives 0 tunings && says 'checks.order'
ok 'allowed, it is in force and watched'
submit web 'in the new order' && until_true completed 41 && [ "$(checks_of 41)" = 'lint ' ]
ok 'the next wrong change is found by lint, and nothing slow was run for it'
gives 0 undo o-1 'we want it as it was' && gives 0 tunings && says 'no setting is tuned' && gives 0 optimizations && says 'undone'
ok 'undone, no setting is tuned'
submit web 'in the old order' && until_true completed 42 && [ "$(checks_of 42)" = 'slow lint ' ]
ok 'and the order is what it was'
gives 0 optimizations --plain && [ "$(grep -c checks.order out)" -eq 1 ]
ok 'it was proposed once'

done_testing
