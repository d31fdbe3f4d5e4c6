#!/bin/bash
# SPDX-License-Identifier: MIT
#
# After the merge: two changes that pass alone break the base together; the one that did it is
# confirmed and taken back, also when the engine is killed in between; within a cap. Real engine,
# agents and repository. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace merged keep
echo 'recovery: {revert_per_hour: 2}' >config/signalbox/signalbox.yaml

explain() { box show "$id" --all 2>&1; }
at_end() { rm -f keep/hold; } # who waits goes home
told() { box events --workflow "$id" --json 2>/dev/null | grep -qF -- "$1"; }
n_reverts() { git -C repo log main --format=%s | grep -c '^Revert'; }

new_repository
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

done_testing
