#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The verbs from the outside, in states where they matter: on running agents and checks, while
# something waits for a person, between tries, after the end; with and without an engine. Real
# engine, agents (a script that waits for files) and repository. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace verbs keep
echo 'recovery: {backoff: 60s, backoff_max: 60s}' >config/signalbox/signalbox.yaml

explain() { box show "$id" --all 2>&1; }
at_end() { rm -f keep/hold keep/slow; } # who waits goes home
agent_ran() { grep -qx "wf-$id" keep/starts 2>/dev/null; }
no_agent_runs() { ! pgrep -f "$dir/agent" >/dev/null; }
n_checks() { box show "$id" --json | grep -o '"kind":"check"' | wc -l; }

new_repository
# An agent that stays while keep/hold is there, fails while keep/fail is, and writes a file.
cat >agent <<'END'
#!/bin/sh
cp "$SIGNALBOX_PROMPT_FILE" "$KEEP/prompt.$SIGNALBOX_WORKFLOW.$SIGNALBOX_ITERATION"
echo "$SIGNALBOX_WORKFLOW" >>"$KEEP/starts"
while [ -e "$KEEP/hold" ]; do sleep 0.02; done
[ ! -e "$KEEP/fail" ] || exit 9
echo "$SIGNALBOX_ITERATION" >>"$SIGNALBOX_WORKFLOW"
END
chmod +x agent
pipeline() { # NAME CHECK [MORE]
    printf 'name: %s\nbase: main\nagent: {command: %s/agent, env: {KEEP: %s/keep}}\n' "$1" "$dir" "$dir"
    printf 'limits: {iterations: 3, retries: 1}\nvalidate: [{name: tests, command: "%s"}]\n%s\n' "$2" "${3-}"
}
pipeline auto 'test -s number' >auto.yaml
pipeline once 'test -s number' | sed 's/iterations: 3/iterations: 1/' >once.yaml
pipeline squash 'test -s number' 'merge: {method: squash}' >squash.yaml
pipeline never 'test -s number' 'merge: {mode: never}' >never.yaml
pipeline ask 'test -s number' 'merge: {mode: ask}' >ask.yaml
pipeline plan 'test -s number' 'plan: {mode: ask}' >plan.yaml
# shellcheck disable=SC2016 # the plan command expands it
pipeline made 'test -s number' 'plan: {mode: ask, command: "cat; echo the plan $SIGNALBOX_ITERATION"}' >made.yaml
pipeline fails 'echo error: broken; exit 1' >fails.yaml
pipeline slow "while [ -e $dir/keep/slow ]; do sleep 0.02; done" >slow.yaml
start_engine
ok 'the engine runs'

# ---- while something runs ------------------------------------------------------------------
touch keep/hold
submit auto 'paused' && until_true agent_ran && gives 0 pause "$id" --reason lunch && is PARKED && rm keep/hold &&
    until_true has 'kept until it goes on' && is PARKED && ! on_main "wf-$id" && gives 0 resume "$id" && becomes COMPLETED &&
    [ "$(grep -cx "wf-$id" keep/starts)" -eq 1 ]
ok 'pause keeps the result of the agent that runs; resume goes on with it'
touch keep/hold
submit auto 'cancelled' && until_true agent_ran && gives 1 cancel "$id" 999 && says 'wf-999' && is CANCELLED && until_true no_agent_runs
ok 'cancel of a running agent, beside one that does not exist'
rm -f keep/hold
gives 1 retry "$id" --from VALIDATING && gives 1 pause "$id" && gives 1 cancel "$id" && gives 0 retry "$id" --from CODING && becomes COMPLETED
ok 'retry after cancel: from where something is'
touch keep/slow
submit slow 'skipped' && until_true has '"name":"tests"' && gives 0 skip "$id" --reason 'known to hang' && becomes COMPLETED &&
    has '"status":"skipped"' && on_main "wf-$id"
ok 'skip of a check that runs'
submit slow 'cancelled check' && until_true has '"name":"tests"' && gives 0 cancel "$id" && until_true has '"status":"cancelled"' &&
    until_true grep -q '"state":"closed"' repo/.git/signalbox/pull/*.json && ! on_main "wf-$id"
ok 'cancel of a check that runs closes the pull request'
rm keep/slow
gives 0 retry "$id" --from VALIDATING && becomes COMPLETED && on_main "wf-$id"
ok 'its retry opens it again'

# ---- between tries ----------------------------------------------------------------------------
touch keep/fail
submit once 'backoff' && becomes RECOVERING && gives 0 pause "$id" && is PARKED && gives 0 resume "$id" && becomes FAILED && has 'after 1 retries'
ok 'pause and resume end a pause before a retry'
worktree=$(git -C repo worktree list --porcelain | sed -n "s/^worktree \(.*wf-$id\/tree\)$/\1/p")
[ -d "$worktree" ] && echo hand >"$worktree/by-hand" && gives 0 skip "$id" --reason 'done by hand' && becomes COMPLETED && on_main by-hand
ok 'skip of a failed agent takes what was done by hand'
submit once 'cancel backoff' && becomes RECOVERING && gives 0 cancel "$id" && is CANCELLED && gives 1 skip "$id"
ok 'cancel between tries'
rm keep/fail

# ---- decisions ----------------------------------------------------------------------------------
submit ask 'a merge' && waits_for 'merge approval' && gives 3 show "$id" && gives 0 pause "$id" && gives 1 approve "$id" && says 'resume it first' &&
    gives 1 skip "$id" && gives 0 resume "$id" && waits_for 'merge approval' && ! on_main "wf-$id"
ok 'a paused decision waits again after resume'
gives 0 reject "$id" 'make it blue' && until_true has '"iteration":2' && waits_for 'merge approval' && grep -q 'make it blue' "keep/prompt.wf-$id.2" &&
    gives 0 approve "$id" && becomes COMPLETED
ok 'a rejected merge: the agent reads why'
submit plan 'a plan' && waits_for 'plan approval' && gives 0 reject "$id" 'smaller steps' && until_true has '"iteration":2' && waits_for 'plan approval' &&
    ! agent_ran && gives 0 approve "$id" && becomes COMPLETED && grep -q 'smaller steps' "keep/prompt.wf-$id.2"
ok 'a rejected plan is asked about again, also without a plan command'
submit made 'a made plan' && waits_for 'plan approval' && gives 0 reject "$id" 'in green' && until_true has 'the plan 2' && waits_for 'plan approval' &&
    has 'in green' && gives 0 approve "$id" && becomes COMPLETED && grep -q 'the plan 2' "keep/prompt.wf-$id.2"
ok 'a rejected plan is made anew with the reason'

# ---- after the end ---------------------------------------------------------------------------------
submit fails 'fails' && becomes FAILED && has '"iteration":3'
ok 'iterations are used up'
all=1
for state in PLANNING CODING PR_CREATED VALIDATING; do
    before=$(n_checks)
    gives 0 retry "$id" --from $state && becomes FAILED && [ "$(n_checks)" -gt "$before" ] || all=0
done
[ $all = 1 ]
ok 'retry from each checkpoint'
gives 0 skip "$id" && becomes COMPLETED && on_main "wf-$id" && gives 1 retry "$id" && says 'it is merged'
ok 'skip of a failed check merges'
for method in auto squash; do
    submit $method "rollback $method" && becomes COMPLETED && on_main "wf-$id" && gives 0 rollback "$id" --reason oops && becomes ROLLED_BACK &&
        ! on_main "wf-$id" && gives 1 rollback "$id" && gives 0 retry "$id" && becomes COMPLETED && on_main "wf-$id"
    ok "rollback of $method, and again"
done
echo later >"repo/wf-$id" && git -C repo commit -qam later && gives 0 rollback "$id" && until_true has 'rollback failed' && is COMPLETED &&
    has "later work is in the way of the revert in wf-$id" && [ -z "$(git -C repo status --porcelain)" ]
ok 'a rollback in conflict changes nothing and says why'
submit never 'not merged' && becomes COMPLETED && ! on_main "wf-$id" && gives 1 rollback "$id" && gives 0 retry "$id" --from CODING && becomes COMPLETED
ok 'merge: never'

# ---- without an engine ---------------------------------------------------------------------------------
submit ask 'later' && waits_for 'merge approval' && stop_engine
ok 'the engine ends while something waits'
gives 0 approve "$id" && says 'no engine runs' && gives 0 priority "$id" 9 && gives 0 submit --pipeline auto.yaml --repo repo --task 'stored' --priority 0 && is VALIDATING
ok 'orders are stored'
start_engine && becomes COMPLETED && has '"priority":9' && on_main "wf-$id"
ok 'and carried out by the next engine'
id=$((id + 1))
becomes COMPLETED && has '"priority":0'
ok 'the stored task as well'

# ---- one object a line ------------------------------------------------------------------------------------
if command -v python3 >/dev/null; then
    for words in 'list' 'status' "show $id" "log $id agent" 'version' 'check auto.yaml' "pause $id 999" 'backup copy.db'; do
        # shellcheck disable=SC2086 # words are meant
        box $words --json 2>/dev/null
    done >json
    python3 -c 'import json
rows = [json.loads(line) for line in open("json").read().splitlines()]
assert all(isinstance(row, dict) for row in rows) and len(rows) > 20, len(rows)'
    ok '--json is an object a line'
else
    skip '--json is an object a line' 'no python3'
fi
stop_engine && [ ! -s serve.log ]
ok 'the engine said nothing, and ends well'
done_testing
