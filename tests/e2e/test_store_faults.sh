#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A store that cannot be written for a while, from the outside: a disk that is full, a lock that
# another program holds, a damaged file, a newer one, a backup put elsewhere. What is wrong is
# said, with what to do; nothing is lost; work goes on when the cause is gone. TAP. Waits are
# bounded. The small disk is a tmpfs in a mount namespace of our own.

# shellcheck disable=SC2317 # until_true calls them
set -u
if [ "${1-}" != inside ]; then
    self=$(cd "$(dirname "$0")" && pwd)/${0##*/}
    program=${SIGNALBOX:-$PWD/build/signalbox}
    ways=(-Urm)
    [ "$(id -u)" -ne 0 ] || ways=(-m)
    if ! unshare "${ways[@]}" mount -t tmpfs none /mnt 2>/dev/null || ! command -v python3 >/dev/null; then
        echo 'ok 1 - faults of the store # SKIP needs a mount namespace and python3'
        echo '1..1'
        exit 0
    fi
    SIGNALBOX=$program exec unshare "${ways[@]}" "$self" inside
fi
program=$SIGNALBOX
dir=$(cd "$(mktemp -d /tmp/signalbox-faults-XXXXXX)" && pwd -P) || exit 1
engine='' holder=''
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    [ -z "$engine" ] || kill "$engine" 2>/dev/null
    [ -z "$holder" ] || kill "$holder" 2>/dev/null
    rm -f "$dir"/keep/hold
    wait 2>/dev/null
    cd / && umount -l "$dir/disk" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1
unset NOTIFY_SOCKET INVOCATION_ID GIT_CONFIG_GLOBAL XDG_STATE_HOME
cd "$dir" || exit 1
mkdir -p disk keep config/signalbox
mount -t tmpfs -o size=24M tmpfs disk || exit 1
printf 'store: %s/disk/box.db\nrecovery: {backoff: 50ms, backoff_max: 100ms}\n' "$dir" >config/signalbox/signalbox.yaml
git config --global user.name tester
git config --global user.email tester@example.org

n=0 failures=0
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' "$dir/out" serve.log 2>/dev/null | head -n 30
        failures=1
    fi
}
box() { timeout 30 "$program" "$@" </dev/null; }
gives() { # STATUS ARGUMENT...
    local want=$1 got
    shift
    box "$@" >"$dir/out" 2>&1
    got=$?
    [ $got -eq "$want" ] && return 0
    printf '# %s: status %s, expected %s\n' "$*" $got "$want"
    return 1
}
says() {
    local part
    for part in "$@"; do
        if ! grep -qF -- "$part" "$dir/out"; then
            printf '# missing: %s\n' "$part"
            return 1
        fi
    done
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
is() { box show "$1" --json 2>/dev/null | grep -q "^{\"id\":[0-9]*,\"state\":\"$2\""; }
status_says() { box status >"$dir/out" 2>&1 && grep -qF -- "$1" "$dir/out"; }
is_running() { box status --json 2>/dev/null | grep -q '"is_running":true'; }
start_engine() {
    "$program" serve --quiet >>serve.log 2>&1 </dev/null &
    engine=$!
    until_true is_running
}
stop_engine() {
    local pid=$engine
    engine=''
    kill -TERM "$pid" && wait "$pid"
}
submit() { box submit --pipeline auto.yaml --repo repo --task "$1" >/dev/null; }
agent_ran() { grep -qx "wf-$1" keep/starts 2>/dev/null; }

git init -q -b main repo
(cd repo && echo 0 >number && git add . && git commit -qm first)
cat >agent <<'END'
#!/bin/sh
echo "$SIGNALBOX_WORKFLOW" >>"$KEEP/starts"
while [ -e "$KEEP/hold" ]; do sleep 0.02; done
echo x >>"$SIGNALBOX_WORKFLOW"
END
chmod +x agent
printf 'name: auto\nbase: main\nagent: {command: %s/agent, env: {KEEP: %s/keep}}\nvalidate: [test -s number]\nlimits: {retries: 1}\n' "$dir" "$dir" >auto.yaml

umask 0
start_engine && submit 'before' && until_true is 1 COMPLETED
ok 'all is well'
! find disk/box.db* repo/.git/signalbox* \( -type f -o -type d -o -type s \) -perm /077 | grep -v '/sandbox\|/tree'
ok 'nothing is for others to read, whatever the umask'
umask 022

# ---- a full disk ------------------------------------------------------------------------------
touch keep/hold
submit 'in the dark' && until_true agent_ran 2 && { dd if=/dev/zero of=disk/fill bs=4k >/dev/null 2>&1 || [ -s disk/fill ]; } && rm keep/hold
ok 'the disk gets full while an agent runs'
until_true status_says 'full: 0.0 MiB left' && says 'make room' && box status --json | grep -q '"is_full":true'
ok 'status says so, and what to do'
gives 1 submit --pipeline auto.yaml --repo repo --task more && says 'no space left' && gives 1 backup disk/copy.db && [ ! -e disk/copy.db ] && is 2 CODING
ok 'what cannot be stored is refused; what is there can be read'
rm disk/fill && until_true is 2 COMPLETED && gives 0 status && ! grep -q full out
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
    holder=$!
    until_true test -e keep/has-lock
}
touch keep/hold
submit 'locked out' && until_true agent_ran 3 && hold_lock && rm keep/hold && until_true status_says 'cannot write: busy' && says 'another program holds'
ok 'a lock that another program holds for long is told'
is 3 CODING && rm keep/locked && wait "$holder" && until_true is 3 COMPLETED && [ "$(grep -c wf-3 keep/starts)" -eq 1 ] && gives 0 status && ! grep -q busy out
ok 'without it all goes on'

# ---- taken away, read-only ------------------------------------------------------------------------
touch keep/hold
submit 'taken away' && until_true agent_ran 4 && mv disk/box.db disk/away && rm keep/hold && until_true status_says 'cannot write: not found' && says 'put it back'
ok 'a file that was taken away is missed'
mv disk/away disk/box.db && until_true is 4 COMPLETED && [ "$(grep -c wf-4 keep/starts)" -eq 1 ]
ok 'and found again'
stop_engine
until_true mount -o remount,ro disk 2>/dev/null && gives 0 status && says 'may not be written' 'make the store writable' && gives 1 serve && says 'Read-only' && gives 1 pause 1 && gives 0 list
ok 'a read-only disk: what is there can be read, the rest says why'
mount -o remount,rw disk && start_engine
ok 'and writable again'

# ---- backup -------------------------------------------------------------------------------------
touch keep/hold
submit 'in the backup' && until_true agent_ran 5 && gives 0 backup --verify copy.db && [ "$(stat -c %a copy.db)" = 600 ] && gives 0 cancel 5 && rm keep/hold
ok 'a backup while an agent runs'
stop_engine
sed -i "s|^store:.*|store: $dir/copy.db|" config/signalbox/signalbox.yaml
start_engine && until_true is 5 COMPLETED && git -C repo cat-file -e main:wf-5
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
echo "1..$n"
exit $failures
