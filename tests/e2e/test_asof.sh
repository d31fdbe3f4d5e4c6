#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a real engine left behind, read as it was: show, list and status --at, by event and by
# time, and what is no moment. TAP. Waits are bounded.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace asof

explain() {
    box show 1 --all
    cat out
}
# Number of the last event of wf-1 that left it in STATE.
event_of() {
    "$program" show 1 --json | grep -o '"seq":[0-9]*,"at":"[^"]*","workflow":1[^}]*"to":"[A-Z_]*"' |
        grep "\"to\":\"$1\"" | tail -n 1 | sed 's/^"seq":\([0-9]*\).*/\1/'
}

new_repository
printf '#!/bin/sh\necho 1 >>number\n' >agent
chmod +x agent
cat >auto.yaml <<END
name: auto
base: main
agent: {command: $dir/agent}
validate: [{name: tests, command: "test -s number"}]
END
start_engine
gives 0 submit --pipeline auto.yaml --repo repo --task 'Add one' --wait
ok "a workflow goes through"
stop_engine

first=$("$program" show 1 --json | grep -o '"seq":[0-9]*,"at":"[^"]*","workflow":1' | head -n 1 | tr -dc '0-9:,' | cut -d: -f2 | cut -d, -f1)
coding=$(event_of CODING)
validating=$(event_of VALIDATING)
last=$("$program" events --json | tail -n 1 | grep -o '"seq":[0-9]*' | tr -dc 0-9)
[ -n "$first" ] && [ -n "$coding" ] && [ -n "$validating" ] && [ "$coding" -lt "$validating" ]
ok "its events tell which is which: $first $coding $validating $last"

gives 0 show 1 --at "#$coding" && says "as of 2" && says "after event #$coding" && says "wf-1  CODING" &&
    ! grep -q "merged as" out
ok "show --at an event: what it was then"
gives 0 show 1 --at "#$coding" --json && says '"state":"CODING"' && says "\"as_of\":{\"at\":" &&
    says "\"event\":$coding}" && ! grep -q '"to":"VALIDATING"' out
ok "as JSON, with the moment and without what came later"
gives 0 list --state validating --at "#$validating" && says wf-1 &&
    gives 0 list --state validating && says "no workflows"
ok "list --at: filtered by what it was"
gives 0 status --at "#$coding" && says "1: 1 CODING" && says "engine     not known at that time" &&
    gives 0 status && says "1: 1 COMPLETED"
ok "status --at: totals of then, and what is not known is said"
gives 0 status --at "#$coding" --json && says '"engine":null' && says '"CODING":1'
ok "as JSON"
gives 0 show 1 --at "#$last" && says "wf-1  COMPLETED"
ok "at the newest event it is what it is"
gives 1 show 1 --at "#$((first - 1))" && says "there was no workflow wf-1 at that time" &&
    gives 1 show 1 --at -2h && says "there was no workflow wf-1 at that time"
ok "before it was submitted there was none"
gives 2 list --at yesterday && says "'yesterday' is no moment; expected" &&
    gives 2 list --at 2999-01-01 && says "no moment of the past" &&
    gives 1 list --at "#$((last + 1))" && says "there is no event #$((last + 1)) yet"
ok "what is no moment is refused, and why"

done_testing
