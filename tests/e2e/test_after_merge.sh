#!/bin/bash
# SPDX-License-Identifier: MIT
#
# After the merge: two changes that pass alone break the base together; the one that did it is
# confirmed and taken back, also when the engine is killed in between; within a cap. Real engine,
# agents and repository. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
program=${SIGNALBOX:-$PWD/build/signalbox}
dir=$(cd "$(mktemp -d /tmp/signalbox-merged-XXXXXX)" && pwd -P) || exit 1
engine=''
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    [ -z "$engine" ] || kill "$engine" 2>/dev/null
    rm -f "$dir"/keep/hold # who waits goes home
    wait 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1
unset NOTIFY_SOCKET INVOCATION_ID GIT_CONFIG_GLOBAL
cd "$dir" || exit 1
mkdir -p keep config/signalbox
git config --global user.name tester
git config --global user.email tester@example.org
echo 'recovery: {revert_per_hour: 2}' >config/signalbox/signalbox.yaml

n=0 failures=0 id=1
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        "$program" show "$id" --all 2>&1 </dev/null | sed 's/^/# /' | head -n 60
        failures=1
    fi
}
box() { "$program" "$@" </dev/null; }
gives() { # STATUS ARGUMENT...
    local want=$1 got
    shift
    "$program" "$@" >"$dir/out" 2>&1 </dev/null
    got=$?
    [ $got -eq "$want" ] && return 0
    printf '# %s: status %s, expected %s: %s\n' "$*" $got "$want" "$(head -n 3 "$dir/out")"
    return 1
}
says() {
    grep -qF -- "$1" "$dir/out" && return 0
    printf '# missing: %s\n' "$1"
    return 1
}
until_true() { # COMMAND...: at most 90 s
    local end=$((SECONDS + 90))
    while ! "$@"; do
        if [ $SECONDS -ge $end ]; then
            echo "# in vain: $*"
            return 1
        fi
        sleep 0.02
    done
}
has() { box show "$id" --json 2>/dev/null | grep -qF -- "$1"; }
is() { box show "$id" --json 2>/dev/null | grep -q "^{\"id\":[0-9]*,\"state\":\"$1\""; }
becomes() { until_true is "$1"; }
waits_for() { until_true has "\"waits_for\":\"$1\",\"needs_human\":true"; }
is_running() { box status --json 2>/dev/null | grep -q '"is_running":true'; }
start_engine() {
    "$program" serve --quiet >>serve.log 2>&1 </dev/null &
    engine=$!
    until_true is_running
}
kill_engine() {
    local pid=$engine
    engine=''
    kill -KILL "$pid" && wait "$pid"
    [ -n "$pid" ]
}
submit() { # PIPELINE TASK: the number in $id
    id=$(box submit --pipeline "$1.yaml" --repo repo --task "$2" | sed -n '1s/^wf-//p')
    [ -n "$id" ]
}
on_main() { git -C repo cat-file -e "main:$1" 2>/dev/null; }
told() { box events --workflow "$id" --json 2>/dev/null | grep -qF -- "$1"; }
n_reverts() { git -C repo log main --format=%s | grep -c '^Revert'; }

git init -q -b main repo
(cd repo && echo 0 >number && git add . && git commit -qm first)
cat >agent <<'END'
#!/bin/sh
echo one >"$SIGNALBOX_WORKFLOW.part"
END
# At most one part is good. While keep/hold is there, a look at more than one waits.
cat >tests <<'END'
#!/bin/sh
[ "$(cat ./*.part 2>/dev/null | wc -l)" -le 1 ] && exit 0
: >"$KEEP/looked"
while [ -e "$KEEP/hold" ]; do sleep 0.02; done
echo 'error: more than one part'
exit 1
END
chmod +x agent tests
pipeline() { # REVERT
    printf 'name: p\nbase: main\nagent: {command: %s/agent}\nmerge: ask\n' "$dir"
    printf 'validate: [{name: unit tests, command: %s/tests, env: {KEEP: %s/keep}}]\n' "$dir" "$dir"
    printf 'after_merge: {watch: checks, revert: %s}\n' "$1"
}
pipeline auto >auto.yaml
two() { # two changes of one base, the first of them merged: the second is in $id
    local first
    submit auto first && first=$id && waits_for 'merge approval' && submit auto second && waits_for 'merge approval' &&
        gives 0 approve "$first" && second=$id && id=$first && until_true told watch-passed && is COMPLETED && id=$second
}
clear_main() { (cd repo && git rm -q ./*.part && git commit -qm clear); }
start_engine
ok 'the engine runs'

two
ok 'the first change is merged, and main is well'
gives 0 approve "$id" && becomes ROLLED_BACK
ok 'the second one is merged, and taken back'
told "the merge broke 'unit tests' on main; its parent passes; reverting" && told 'rolled back by engine' &&
    ! on_main "wf-$id.part" && on_main "wf-$((id - 1)).part" && [ "$(n_reverts)" -eq 1 ]
ok 'events say why; one revert is on main'
! compgen -G "$dir/state/signalbox/signalbox.db-work/wf-$id/watch" >/dev/null && [ "$(git -C repo worktree list | wc -l)" -eq 1 ]
ok 'no copy is left'
clear_main

two && touch keep/hold && rm -f keep/looked && gives 0 approve "$id" && until_true test -e keep/looked && kill_engine && start_engine &&
    is COMPLETED && rm keep/hold && becomes ROLLED_BACK && [ "$(n_reverts)" -eq 2 ] && ! on_main "wf-$id.part"
ok 'the engine is killed while it looks: one revert all the same'
clear_main

two && gives 0 approve "$id" && waits_for 'revert approval' && told 'the limit of 2 reverts an hour is reached' && is COMPLETED &&
    [ "$(n_reverts)" -eq 2 ]
ok 'beyond the cap a person is asked'
gives 3 show "$id" && says "signalbox approve wf-$id" && gives 0 approve "$id" && becomes ROLLED_BACK && [ "$(n_reverts)" -eq 3 ]
ok 'who approves, takes it back'

echo "1..$n"
exit $failures
