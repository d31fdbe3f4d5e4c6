#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A store that cannot be written for a while, from the outside: a disk that is full, a lock that
# another program holds, a damaged file, a newer one, a backup put elsewhere. What is wrong is
# said, with what to do; nothing is lost; work goes on when the cause is gone. TAP. Waits are
# bounded. The small disk is a tmpfs in a mount namespace of our own.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
if [ "${1-}" != inside ]; then
    ways=(-Urm)
    [ "$(id -u)" -ne 0 ] || ways=(-m)
    skip_without 'another program that locks the store' python3
    unshare "${ways[@]}" mount -t tmpfs none /mnt 2>/dev/null || skip_all 'needs a mount namespace'
    SIGNALBOX=$program exec unshare "${ways[@]}" "$here/tests/e2e/test_store_faults.sh" inside
fi
workplace store-faults disk keep
at_end() {
    rm -f keep/hold keep/locked
    end_engine
    umount -l disk
}
mount -t tmpfs -o size=24M tmpfs disk || exit 1
printf 'store: %s/disk/box.db\nrecovery: {backoff: 50ms, backoff_max: 100ms}\n' "$dir" >config/signalbox/signalbox.yaml

status_says() { box status >"$dir/out" 2>&1 && grep -qF -- "$1" "$dir/out"; }
agent_ran() { grep -qx "wf-$1" keep/starts 2>/dev/null; }

new_repository
cat >agent <<'END'
#!/bin/sh
echo "$SIGNALBOX_WORKFLOW" >>"$KEEP/starts"
while [ -e "$KEEP/hold" ]; do sleep 0.02; done
echo x >>"$SIGNALBOX_WORKFLOW"
END
chmod +x agent
printf 'name: auto\nbase: main\nagent: {command: %s/agent, env: {KEEP: %s/keep}}\nvalidate: [test -s number]\nlimits: {retries: 1}\n' "$dir" "$dir" >auto.yaml

umask 0
start_engine && submit auto 'before' && until_true is COMPLETED 1
ok 'all is well'
! find disk/box.db* repo/.git/signalbox* \( -type f -o -type d -o -type s \) -perm /077 | grep -v '/sandbox\|/tree'
ok 'nothing is for others to read, whatever the umask'
umask 022

# ---- a full disk ------------------------------------------------------------------------------
touch keep/hold
submit auto 'in the dark' && until_true agent_ran 2 && { dd if=/dev/zero of=disk/fill bs=4k >/dev/null 2>&1 || [ -s disk/fill ]; } && rm keep/hold
ok 'the disk gets full while an agent runs'
until_true status_says 'full: 0.0 MiB left' && says 'make room' && box status --json | grep -q '"is_full":true'
ok 'status says so, and what to do'
gives 1 submit --pipeline auto.yaml --repo repo --task more && says 'no space left' && gives 1 backup disk/copy.db && [ ! -e disk/copy.db ] && is CODING 2
ok 'what cannot be stored is refused; what is there can be read'
rm disk/fill && until_true is COMPLETED 2 && gives 0 status && ! grep -q full out
ok 'with room again it goes on by itself'

# ---- a lock -----------------------------------------------------------------------------------
hold_lock() { # until keep/locked is removed
    touch keep/locked
    python3 - "$dir" <<'END' &
import os, sqlite3, sys, time
c = sqlite3.connect(sys.argv[1] + "/disk/box.db", isolation_level=None)
c.execute("BEGIN IMMEDIATE")
open(sys.argv[1] + "/keep/has-lock", "w")
while os.path.exists(sys.argv[1] + "/keep/locked"): time.sleep(0.02)
c.execute("COMMIT")
END
    helpers=($!)
    until_true test -e keep/has-lock
}
touch keep/hold
submit auto 'locked out' && until_true agent_ran 3 && hold_lock && rm keep/hold && until_true status_says 'cannot write: busy' && says 'another program holds'
ok 'a lock that another program holds for long is told'
is CODING 3 && rm keep/locked && wait "${helpers[0]}" && until_true is COMPLETED 3 && [ "$(grep -c wf-3 keep/starts)" -eq 1 ] && gives 0 status && ! grep -q busy out
ok 'without it all goes on'

# ---- taken away, read-only ------------------------------------------------------------------------
touch keep/hold
submit auto 'taken away' && until_true agent_ran 4 && mv disk/box.db disk/away && rm keep/hold && until_true status_says 'cannot write: not found' && says 'put it back'
ok 'a file that was taken away is missed'
mv disk/away disk/box.db && until_true is COMPLETED 4 && [ "$(grep -c wf-4 keep/starts)" -eq 1 ]
ok 'and found again'
stop_engine
until_true mount -o remount,ro disk 2>/dev/null && gives 0 status && says 'may not be written' 'make the store writable' && gives 1 serve && says 'Read-only' && gives 1 pause 1 && gives 0 list
ok 'a read-only disk: what is there can be read, the rest says why'
mount -o remount,rw disk && start_engine
ok 'and writable again'

# ---- backup -------------------------------------------------------------------------------------
touch keep/hold
submit auto 'in the backup' && until_true agent_ran 5 && gives 0 backup --verify copy.db && [ "$(stat -c %a copy.db)" = 600 ] && gives 0 cancel 5 && rm keep/hold
ok 'a backup while an agent runs'
stop_engine
sed -i "s|^store:.*|store: $dir/copy.db|" config/signalbox/signalbox.yaml
start_engine && until_true is COMPLETED 5 && git -C repo cat-file -e main:wf-5
ok 'an engine on the backup goes on, though no worktree came with it'
stop_engine
ok 'and ends'

# ---- damaged and newer -------------------------------------------------------------------------
damage() { dd if=/dev/urandom of="$1" bs=1k seek=2 count=60 conv=notrunc status=none; }
cp copy.db damaged.db && damage damaged.db
gives 1 status --store damaged.db && says 'damaged' 'last backup' && gives 1 list --store damaged.db && gives 1 serve --store damaged.db && gives 1 pause 1 --store damaged.db
ok 'a damaged store: what is wrong and what to do'
python3 -c 'import sqlite3; sqlite3.connect("copy.db").execute("PRAGMA user_version = 99")'
gives 2 status --store copy.db && says 'newer signalbox (schema 99' 'the signalbox that wrote it' && gives 2 serve --store copy.db && gives 2 pause 1 --store copy.db
ok 'a newer store: what is wrong and what to do'
[ "$(grep -cv 'Read-only' serve.log)" -eq 0 ]
ok 'the engine had nothing to complain about'
done_testing
