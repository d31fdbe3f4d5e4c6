#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What waits for a person, from the outside: one queue, decisions bound to what was shown, two who race,
# what is critical and who asked for it, roles and levels of the configuration, a restart. TAP. Waits are
# bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace approvals
a=''
new_repository

pipeline() { # NAME MERGE
    printf 'name: %s\nagent: {command: "echo %s >>f"}\nvalidate:\n  - {name: tests, command: "true"}\nmerge: {mode: %s}\n' \
        "$1" "$1" "$2" >"$1.yaml"
}
asks() { # WORKFLOW: its approval is then $a
    a=$("$program" approvals --json </dev/null | grep "\"wf-$1\"" | grep -o '"a-[0-9]*"' | tr -d '"' | head -n 1)
    [ -n "$a" ]
}
is_iteration() { "$program" show "$1" --json </dev/null | grep -q "\"iteration\":$2"; }
pipeline ask ask
pipeline auto auto

# ---- one queue -------------------------------------------------------------------------------
start_engine
ok 'the engine runs'
gives 0 submit -p ask.yaml --repo repo --task 'Cache the price list' && until_true asks 1 &&
    gives 3 approvals a-1 && says 'WHY NOW' && says 'UNDO' && says 'DIGEST'
ok 'a merge that waits is an approval, with its card'
gives 2 approve a-1 && says '--yes is needed' && gives 1 approve a-1 --yes --digest 00 && says 'changed since it was shown' && is VALIDATING 1
ok 'no approval without a yes, none of anything else than what was shown'
gives 0 snooze a-1 --for 30m && says 'comes back in' && gives 3 approvals && says 'snoozed' && is VALIDATING 1 &&
    gives 0 delegate a-1 grace && gives 0 claim a-1
ok 'put off, given to somebody, claimed: nothing of it is an answer'
stop_engine
start_engine
gives 3 approvals && says 'a-1'
ok 'a restart keeps it'

# ---- two at once -----------------------------------------------------------------------------
"$program" approve a-1 --yes >one 2>&1 </dev/null &
first=$!
"$program" reject a-1 'not today' >two 2>&1 </dev/null
rejected=$?
wait $first
approved=$?
[ $((approved + rejected)) -eq 1 ] && cat one two | grep -qE 'a-1 was (approved|rejected) by '"$me"' .* ago'
ok 'of two at once one wins, and the other hears who and when'
gives 1 approve wf-77 --yes && gives 1 approve a-99 --yes && { "$program" cancel 1 >/dev/null 2>&1 || until_true is COMPLETED 1; }
ok 'what is not there is refused'

# ---- critical, self-approval, roles, levels --------------------------------------------------
stop_engine
configure <<END
access:
  approver: {users: ["$me"]}
  observer: {users: ["*"]}
approvals:
  self: critical
  rules: [{name: merges by two, action: merge, risk: critical}]
autonomy: {merge: approve}
END
start_engine
gives 0 submit -p auto.yaml --repo repo --task 'Merge by itself' && until_true asks 2 && gives 3 approvals "$a" && says 'merges by two'
ok 'a level below auto asks, whatever the pipeline says; the rule is named'
gives 2 approve "$a" --yes && says '--confirm' && gives 2 approve "$a" --confirm nothing && gives 3 approve "$a" --confirm repo && says '1 more must approve' &&
    gives 1 approve "$a" --confirm repo && says 'another person'
ok 'critical: the name is typed, and one person is not enough'
gives 1 autonomy merge auto && says "$me is approver; autonomy needs admin"
ok 'a role that is not enough is refused in words'
stop_engine
configure <<END
access: {admin: {users: ["$me"]}}
approvals: {self: high, rules: [{name: merges by two, action: merge, risk: critical}]}
autonomy: {merge: approve}
END
start_engine
gives 0 submit -p auto.yaml --repo repo --task 'My own' && until_true asks 3 && gives 1 approve "$a" --confirm repo && says 'asked for by you'
ok 'nobody approves the own, when it is critical'
gives 2 autonomy merge auto --for 9h && says 'at most 8h' && gives 0 autonomy merge auto --reason release && says 'until' &&
    gives 0 submit -p auto.yaml --repo repo --task 'Goes by itself' && until_true is COMPLETED 4 && gives 0 autonomy && says 'release'
ok 'a level is raised for a time, and holds'
gives 0 autonomy merge configured && gives 0 cancel 3 && gives 0 approvals --all && says 'withdrawn'
ok 'what nobody waits for any more is withdrawn'
cat >rework.yaml <<'END'
name: rework
agent: {command: "echo line >>g"}
validate:
  - {name: tests, command: 'test $(wc -l <g) -ge 2 || { echo "--- FAIL: TestLength (0.00s)"; echo "    g_test.go:12: got 1, want 2"; exit 1; }'}
END
gives 0 autonomy rework approve --reason 'look first' && gives 0 submit -p rework.yaml --repo repo --task 'Two lines' && until_true asks 5 &&
    gives 3 approvals "$a" && says 'alternative_approach of tests in wf-5' && says 'one more agent run' && gives 3 show 5 && says 'recovery approval' &&
    gives 1 resume 5 && says 'approve or reject' && gives 0 approve "$a" --yes --confirm wf-5 && until_true is_iteration 5 2
ok 'an agent that may not run again by itself does so when that is approved'
gives 0 cancel 5 && gives 0 autonomy rework configured
stop_engine
configure <<END
access: {admin: {users: [nobody-here]}, observer: {users: ["*"]}}
END
start_engine
gives 1 submit -p auto.yaml --repo repo --task 'No' && says "$me is observer; submit needs operator" && gives 1 halt && says 'halt needs operator' &&
    gives 0 approvals --all && gives 0 audit verify
ok 'an observer sees everything and changes nothing'
gives 0 audit && says 'observer' && says 'refused'
ok 'and what was refused is in the audit'
gives 0 bottlenecks && says 'waiting for a person' && says 'AT ONCE' && gives 0 bottlenecks --json && says '"kind":"human"' &&
    gives 0 bottlenecks --pipeline none && says 'no workflow has ended' && gives 0 patterns && says 'nothing distinguishes' &&
    gives 2 patterns --since soon && says 'no length'
ok 'what held the work back is told from what is recorded'
gives 0 approvals a-1 --dry-run && says 'merges here that failed or broke the base: 0 of' && gives 0 approvals a-1 --dry-run --json &&
    says '"dry_run":[' && gives 2 approvals --dry-run && says 'of which one' && gives 1 optimizations o-1 --dry-run
ok 'a dry run says how those that are like it went'
stop_engine
done_testing
