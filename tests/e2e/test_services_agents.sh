#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Agents and a forge that is elsewhere: a local agent works on a mirror while the engine is
# killed with -9 again and again, and is told when its checks are red; and a Codegen run whose
# workflow was cancelled is gone on with, not begun a second time. TAP.
# shellcheck disable=SC2317 # until_true calls functions by name

set -u
# shellcheck source=tests/fakes/services.sh
. "$(dirname "$0")/../fakes/services.sh"
workplace services-agents
at_end() { services_stop; }
explain() {
    box show wf-1 --all | tail -n 40
    box show wf-2 --all | tail -n 40
    tail -n 10 serve.log
}

has_ended() { # ID
    state_is "$1" COMPLETED FAILED CANCELLED
}
at_forge() {
    git -C "$dir/forge.git" "$@"
}

make_repository
cat >"$dir/profile.yaml" <<'END'
seed: 3
codegen: {run_time: 6s, creates: 10, calls: 60}
github:
  repository: acme/payments
  checks: [{name: build, kind: actions, conclusions: [failure, success], queue: 100ms, time: 500ms}]
  required: [build]
END
services_start house "$dir/profile.yaml"
ok 'services are there'
codegen=$(port_of house codegen) github=$(port_of house github) eu='' listener=0
# shellcheck disable=SC2119 # without a listener
write_config
cat >"$dir/agent" <<'END'
#!/bin/sh
# Says what it was told, and does a little.
mkdir -p changes
if [ -s "$SIGNALBOX_ERRORS_FILE" ]; then
    grep -o 'build' "$SIGNALBOX_ERRORS_FILE" | head -n 1 >changes/told.md
else
    echo first >changes/told.md
fi
END
chmod +x "$dir/agent"
write_pipeline local <<END
agent: {command: [$dir/agent]}
merge: {mode: auto, method: squash}
END
write_pipeline remote <<END
agent: {provider: codegen_api}
merge: {mode: never}
END

# ---- a local agent ------------------------------------------------------------------------
box submit --pipeline local --task 'Round up' >/dev/null
ok 'a task is handed over'
for _ in 1 2 3 4 5 6; do
    start_engine
    sleep 0.$((RANDOM % 9 + 1)) # another instant each time
    kill_engine
done
start_engine
ok 'the engine comes back'
until_true 90 has_ended wf-1
equals 'the workflow ends well' "$(state_of wf-1)" COMPLETED
equals 'the agent was told of the red check' "$(at_forge show main:changes/told.md)" build
equals 'one pull request' "$(count pull_requests)" 1
equals 'one merge' "$(count merges)" 1
equals 'one commit more on main' "$(at_forge rev-list --count main)" 2
equals 'one mirror' "$(ls -A "$dir/signalbox.db-work/mirror")" acme+payments.git
equals 'no run of Codegen' "$(count agent_runs)" 0

# ---- a run that cannot be stopped ---------------------------------------------------------
begun() { [ "$(count agent_runs)" = 1 ]; }
kept() { grep -qs '"open":true' "$dir/signalbox.db-work/wf-2/keep-agent.json"; }
box submit --pipeline remote --task 'Round down' >/dev/null
until_true 90 begun && until_true 90 kept
ok 'a run is begun'
box cancel wf-2 >/dev/null
until_true 90 state_is wf-2 CANCELLED
ok 'its workflow is cancelled'
box retry wf-2 --from coding >/dev/null
ok 'and asked for again'
until_true 60 has_ended wf-2
equals 'it goes on to its end' "$(state_of wf-2)" COMPLETED
equals 'with the run that there was' "$(count agent_runs)" 1

# ---- and nobody has seen a token ----------------------------------------------------------
stop_engine
found=$(grep -rlaF -e "$GITHUB_TOKEN" -e "$CODEGEN_TOKEN" "$dir" | grep -v '/codegen\.token$')
equals 'no token in any file' "$found" ''
done_testing
