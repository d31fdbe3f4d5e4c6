#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Checks side by side: three that can only pass together, one that fails among them, an engine and a runner that
# are killed in the middle, a sandbox that cannot. TAP. Waits are bounded; nothing is timed.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace parallel
configure <<END
max_running: 5
services:
  - {name: chain, kind: grainchain, command: ["true"]}
END

at_end() { : >go; }
# How often a step of a workflow has this status.
steps() { "$program" show "$1" --json </dev/null 2>/dev/null | grep -o "\"status\":\"$3\",\"name\":\"$2\"" | wc -l; }

new_repository
# Each waits for its neighbour: one after the other none of them would ever end.
cat >ring.yaml <<END
name: ring
base: main
agent: {command: "date +%s%N >number"}
setup: ["mkfifo ab bc ca"]
validate:
  - {name: unit tests, command: "echo says one; echo x >ab; read -r x <ca"}
  - {name: lint, command: "echo says two; read -r x <ab; echo x >bc"}
  - {name: docs, command: "echo says three; read -r x <bc; echo x >ca"}
limits: {parallel: 3, validation: 80s}
END
start_engine
ok "an engine runs"

submit ring && until_true is COMPLETED 1
ok "three checks that wait for each other pass"
gives 0 log 1 'unit tests' && says 'says one' && lacks 'says two'
ok "the first has a log of its own"
gives 0 log 1 lint && says 'says two' && lacks 'says three' && gives 0 log 1 docs && says 'says three'
ok "so have the others"
[ "$(steps 1 'unit tests' passed)" = 1 ] && [ "$(steps 1 lint passed)" = 1 ] && [ "$(steps 1 docs passed)" = 1 ]
ok "each is told once"
gives 0 trace 1 && says 'unit tests' && says 'lint' && says 'docs'
ok "and has a span"
gives 0 events --plain && says '3 checks passed'
ok "the event tells of all"

# lint fails in the first iteration, docs would never end; unit tests ends when both are over.
cat >bad.yaml <<END
name: bad
base: main
agent: {command: "date +%s%N >number; echo x >>tries"}
setup: ["mkfifo up never"]
validate:
  - name: unit tests
    command: >-
      test \$(wc -l <tries) -gt 1 ||
      until test \$(ls ../fx-*/check-*/result.json 2>/dev/null | wc -l) -ge 2; do sleep 0.02; done
  - {name: lint, command: "test \$(wc -l <tries) -gt 1 || { read -r x <up; echo 'x.c:1: error: tab'; exit 3; }"}
  - {name: docs, command: "test \$(wc -l <tries) -gt 1 || { echo x >up; read -r x <never; }"}
  - {name: last, command: "true"}
limits: {parallel: 3, validation: 80s}
END
submit bad && until_true is COMPLETED 2
ok "a failed check goes back to the agent, who mends it"
[ "$(steps 2 'unit tests' passed)" = 2 ] && [ "$(steps 2 lint failed)" = 1 ] && [ "$(steps 2 lint passed)" = 1 ]
ok "the one before it was waited for"
[ "$(steps 2 docs cancelled)" = 1 ] && [ "$(steps 2 last skipped)" = 1 ]
ok "the one behind it was ended, the next one not begun"
gives 0 events --plain && says 'iteration 2: lint failed with exit status 3' && lacks 'iteration 2: docs'
ok "the failure is told by its name"
gives 0 failures --all --json && says '"step":"lint"' && lacks '"step":"docs"' && lacks '"step":"unit tests"'
ok "and classified alone"
gives 0 show 2 && says 'x.c:1: error: tab'
ok "what it said is the error context"

# The second stands until it may go on; engine, then runner are killed meanwhile.
counted() { # NAME: stands until go, but the first ends at once
    cat >"$1.yaml" <<END
name: $1
base: main
agent: {command: "date +%s%N >number"}
validate:
  - {name: quick, command: "echo x >>$dir/$1.quick"}
  - {name: slow, command: "echo x >>$dir/$1.slow; until test -e $dir/go; do sleep 0.02; done"}
limits: {parallel: 2, validation: 80s}
END
}
is_at() { [ -s "$dir/$1.slow" ] && ls "$dir"/state/signalbox/*-work/wf-"$2"/fx-*/check-*/result.json >/dev/null 2>&1; }
counted engine
submit engine && until_true is_at engine 3 && kill_engine && start_engine
ok "an engine that is killed in the middle is started anew"
is VALIDATING 3 && [ "$(steps 3 slow pending)" = 1 ]
ok "the checks are still under way"
[ "$(steps 3 quick passed)" = 1 ]
ok "one that has ended is shown at once"
: >go
until_true is COMPLETED 3
ok "and end"
[ "$(wc -l <engine.quick)" = 1 ] && [ "$(wc -l <engine.slow)" = 1 ] && [ "$(steps 3 quick passed)" = 1 ] &&
    [ "$(steps 3 slow passed)" = 1 ]
ok "none ran twice, none counts twice"
rm -f go
counted runner
submit runner && until_true is_at runner 4
ok "a runner stands in the middle"
runner=$(cut -d' ' -f1 "$(dirname "$(dirname "$(ls "$dir"/state/signalbox/*-work/wf-4/fx-*/check-*/result.json)")")/lock")
kill -9 "$runner"
: >go
until_true is COMPLETED 4
ok "killed, it is started again"
[ "$(wc -l <runner.quick)" = 1 ] && [ "$(wc -l <runner.slow)" = 2 ] && [ "$(steps 4 quick passed)" = 1 ] &&
    [ "$(steps 4 slow passed)" = 1 ]
ok "what had ended did not run again, and nothing counts twice"

# A setting that is tuned: without it these two would wait in vain.
cat >tuned.yaml <<END
name: tuned
base: main
agent: {command: "date +%s%N >number"}
setup: ["mkfifo ab ba"]
validate:
  - {name: one, command: "echo x >ab; read -r x <ba"}
  - {name: two, command: "read -r x <ab; echo x >ba"}
limits: {validation: 80s}
END
gives 0 tune limits.parallel 2 'cores are idle' --scope pipeline:tuned && submit tuned && until_true is COMPLETED 5
ok "the number is a setting that can be tuned"
gives 0 untune limits.parallel --scope pipeline:tuned && gives 0 tunings && says 'no setting is tuned'
ok "and taken back"

# Where commands run one at a time it is said where it is asked for.
sed -e 's/name: ring/name: remote/' -e '$d' ring.yaml >remote.yaml
printf '%s\n' 'sandbox: {provider: chain}' 'limits: {parallel: 2}' >>remote.yaml
gives 2 submit --pipeline ./remote.yaml --repo "$dir/repo" --task remote &&
    says 'remote.yaml:10: limits.parallel: sandboxes that are not local run one command at a time'
ok "a sandbox that cannot is refused, with file and line"
gives 2 check remote.yaml && says 'remote.yaml:10: limits.parallel'
ok "by check as well"
sed 's/^limits.*/limits: {parallel: 1}/' remote.yaml >remote1.yaml
gives 0 check remote1.yaml
ok "one at a time is fine there"

done_testing
