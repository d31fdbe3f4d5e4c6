#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A campaign over real sockets and real processes: simulated Codegen and GitHub that fail now and
# then, checks that fail in several ways, one of them for ever, and an engine that is killed in the
# middle. What can be recovered is recovered without a human, what cannot waits for one, and
# nothing is done twice. The same in a simulation, larger: signalbox drill. TAP.
#
#   WORKFLOWS=48   how many

# shellcheck disable=SC2317,SC2119 # until_true calls them; without a listener
set -u
# shellcheck source=tests/fakes/services.sh
. "$(dirname "$0")/../fakes/services.sh"
workplace campaign
at_end() { services_stop; }
explain() {
    box list --plain
    box failures
    ask "$github" GET /_fake/state | head -c 1500
    tail -n 20 serve.log
}

workflows=${WORKFLOWS:-24}

# The check of a workflow fails by its number, and by how often it has run.
cat >"$dir/check" <<'END'
#!/bin/bash
number=${SIGNALBOX_WORKFLOW#wf-}
count=COUNTS/$number
echo x >>"$count"
tries=$(wc -l <"$count")
case $((number % 8)) in
1) [ "$tries" -gt 1 ] || { echo 'curl: (6) Could not resolve host: registry.npmjs.org'; exit 1; } ;;
2) [ "$tries" -gt 2 ] || { echo "write /tmp/build-$RANDOM/x.o: no space left on device"; exit 1; } ;;
3) [ "$tries" -gt 1 ] || { printf 'src/pay.c:%d:9: error: expected ; before } token\nmake: *** [all] Error 1\n' 12; exit 2; } ;;
4) [ "$tries" -gt 1 ] || kill -SEGV $$ ;;
5) [ "$tries" -gt 2 ] || { printf 'FAIL: TestRound (0.01s)\n    round_test.go:%d: got 3, want 4\nFAIL\n' 20; exit 1; } ;;
6) [ "$number" -gt 8 ] || { printf 'FAIL: TestNever (0.00s)\n    never_test.go:9: got 1, want 2\nFAIL\n'; exit 1; } ;;
esac
exit 0
END
sed -i "s|COUNTS|$dir/counts|" "$dir/check"
chmod +x "$dir/check"
mkdir "$dir/counts"
cat >"$dir/profile.yaml" <<'END'
seed: 11
codegen: {run_time: 200ms, creates: 10000, calls: 10000}
github: {repository: acme/payments, checks: []}
faults:
  - {service: github, kind: status, status: 502, percent: 4}
  - {service: github, kind: reset, percent: 2}
  - {service: codegen, kind: status, status: 503, percent: 8}
END
make_repository
services_start house "$dir/profile.yaml"
codegen=$(port_of house codegen) github=$(port_of house github)
write_config
printf 'max_running: 8\n' >>"$dir/signalbox.yaml"
# The real service allows ten new runs a minute, which would be most of the time here.
sed -i 's|^    organization: "42"$|&\n    limits: {creates: 10000, calls: 10000}|' "$dir/signalbox.yaml"
mkdir -p "$dir/pipelines"
cat >"$dir/pipelines/payments.yaml" <<END
name: payments
base: main
forge: {provider: github_api, repository: acme/payments, clone: $dir/forge.git, checks: ignore}
agent: {provider: codegen_api}
validate:
  - {name: tests, command: $dir/check, timeout: 1m}
merge: {mode: auto, method: squash}
limits: {iterations: 6, retries: 6, planning: 2m, coding: 5m, validation: 5m}
END
start_engine
ok 'the engine is there'
for ((i = 1; i <= workflows; i++)); do
    box submit --pipeline payments --task "Round up, part $i" >/dev/null || break
done
[ "$i" -gt "$workflows" ]
ok "$workflows tasks are handed over"

n_in() { # STATE
    box list --plain 2>/dev/null | awk -F '\t' -v state="$1" '$2 == state' | wc -l
}
asks() { # wf-ID: does it wait for a person, or has it failed?
    local state
    state=$(box show "$1" --json 2>/dev/null)
    [[ $state == *'"wait":"operator"'* || $state == *'"state":"FAILED"'* ]]
}
some_done() { [ "$(n_in COMPLETED)" -ge 3 ]; }
until_true 180 some_done
ok 'the first are done'
kill_engine
start_engine
ok 'the engine was killed, and another one goes on'
all_over() { [ "$(n_in COMPLETED)" -ge $((workflows - 1)) ] && asks wf-6; }
until_true 400 all_over
ok 'all but the poisoned one are merged, and that one waits for a person'
[ "$(n_in COMPLETED)" -eq $((workflows - 1)) ]
ok 'and no other one'
[ "$(count merges)" = "$((workflows - 1))" ] && [ "$(count pull_requests)" = "$workflows" ]
ok 'each was merged once, each has one pull request'
kinds=$(box failures --all --json 2>/dev/null || box failures --json)
for class in network resource compile crash test; do
    grep -q "\"class\":\"$class\"" <<<"$kinds"
    ok "failures of the class $class are told as such"
done
lost=$(grep -o '"status":"escalated"' <<<"$kinds" | wc -l)
total=$(grep -o '"status":"' <<<"$kinds" | wc -l)
echo "# $total failures, $lost waited for a person"
[ "$total" -ge $((workflows / 2)) ] && [ "$lost" -eq 1 ]
ok 'one failure waits for a person, and it is the one that had to'
grep -q '"status":"flaky"' <<<"$(box show wf-1 --all --json)"
ok 'what passed on the same commit is flaky, not green'
done_testing
