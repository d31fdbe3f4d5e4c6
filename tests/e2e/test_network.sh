#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Commands over the network and who acts, from the outside: tokens that name users, the same gate in
# the same words as the command line, a key over a killed engine, a whole workflow by POST alone, what
# is kept of a token; who logged in, behind sudo and su. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace network
status='' body=''
new_repository

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
start() { start_engine && until_true listens; }
explain() {
    printf '%s %s\n' "$status" "$body"
    cat out
}
post() { # USER BODY HEADER: sets status and body
    local fd answer
    exec {fd}<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'POST /commands HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s' \
        "$1-has-a-long-enough-token" ${#2} "$3"$'\r\n' "$2" >&"$fd"
    IFS= read -r -t 60 answer <&"$fd"
    status=${answer#HTTP/1.1 } status=${status%% *}
    local length=0
    while IFS= read -r -t 60 answer <&"$fd" && [ "$answer" != $'\r' ]; do
        [[ $answer != Content-Length:* ]] || length=${answer//[^0-9]/}
    done
    body=''
    [ "$length" -eq 0 ] || IFS= read -r -t 60 -N "$length" body <&"$fd"
    exec {fd}>&-
}
n_asked=0
ask() { # USER BODY [HEADER]: the same until it is answered, also on a busy machine
    n_asked=$((n_asked + 1))
    local end=$((SECONDS + 90)) key=${3:-Idempotency-Key: ask-$n_asked}
    post "$1" "$2" "$key"
    while [ "$status" = 202 ] && [ $SECONDS -lt $end ]; do
        post "$1" "$2" "$key"
    done
}
answers() { # STATUS PART
    [ "$status" = "$1" ] && [[ $body == *"$2"* ]]
}
field() { # NAME: of the JSON in body, a number or a text
    sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$body"
}

port=$(free_port)
for user in olga ian ada eve; do
    export "TOKEN_$user=$user-has-a-long-enough-token"
done
configure <<END
listener:
  port: $port
  tokens:
    - {user: olga, env: TOKEN_olga}
    - {user: ian, env: TOKEN_ian}
    - {user: ada, env: TOKEN_ada}
    - {user: eve, env: TOKEN_eve, read_only: true}
access:
  observer: {users: [olga, "$me"]}
  operator: {users: [ian]}
  approver: {users: [ada]}
  admin: {users: [eve]}
END
text='name: p\nagent: {command: \"echo x >>f\"}\nvalidate: []\nmerge: {mode: ask}\n'
submit="{\"verb\":\"submit\",\"args\":{\"pipeline\":\"p\",\"text\":\"$text\",\"repo\":\"$dir/repo\",\"task\":\"Cache it\"}}"

start
ok 'the engine runs, and listens'

# ---- the gate --------------------------------------------------------------------------------
ask olga "$submit" && answers 403 'olga is observer; submit needs operator' &&
    ! box submit -p p.yaml --repo repo --task x >out 2>&1
ok 'an observer submits nothing'
printf 'name: p\nagent: {command: "echo x >>f"}\nvalidate: []\nmerge: {mode: ask}\n' >p.yaml
box submit -p p.yaml --repo repo --task x >out 2>&1
[ "$(cat out)" = "signalbox: $me is observer; submit needs operator" ]
ok 'the command line says the same words'
ask eve "$submit" && answers 403 'submit: refused, read-only' &&
    ! box --read-only submit -p p.yaml --repo repo --task x >out 2>&1 &&
    [ "$(cat out)" = 'signalbox: submit: refused, read-only' ]
ok 'so do a read-only token and --read-only'
ask nobody "$submit" && answers 401 'missing or wrong'
ok 'a wrong token is nobody'
box list --json >out && [ ! -s out ]
ok 'nothing came of it'

# ---- a workflow by POST alone ----------------------------------------------------------------
ask ian "$submit" 'Idempotency-Key: "first"' && answers 200 '"answer":0' && [ "$(field workflow)" = 1 ]
ok 'an operator submits'
first=$(field command)
asks() { box approvals --json 2>/dev/null | grep '"wf-1"' >out; }
until_true asks
approval=$(grep -o '"a-[0-9]*"' out | head -n 1) digest=$(grep -o '"digest":"[0-9a-f]*"' out | cut -d'"' -f4)
ask ian "{\"verb\":\"approve\",\"args\":{\"approval\":$approval,\"digest\":\"$digest\"}}" && answers 403 'approve needs approver' &&
    ask ada "{\"verb\":\"approve\",\"args\":{\"approval\":$approval}}" && answers 400 '"field":"args.digest"' &&
    ask ada "{\"verb\":\"approve\",\"args\":{\"approval\":$approval,\"digest\":\"00\"}}" && answers 409 'changed since it was shown'
ok 'an approval needs the role, and the digest of what was shown'
ask ada "{\"verb\":\"approve\",\"args\":{\"approval\":$approval,\"digest\":\"$digest\"}}" && answers 200 '"answer":0'
becomes COMPLETED
ok 'approved over the network, and merged'

# ---- a key over a killed engine --------------------------------------------------------------
kill_engine
start
ask ian "$submit" 'Idempotency-Key: "first"' && answers 200 "\"command\":$first," && [ "$(field workflow)" = 1 ] &&
    [ "$(box list --json | wc -l)" = 1 ]
ok 'the same key gives the same answer after a kill, and makes nothing'
ask ian '{"verb":"pause","workflow":1}' 'Idempotency-Key: "first"' && answers 422 'another command'
ok 'a key stands for one command'

# ---- halt ------------------------------------------------------------------------------------
ask ian '{"verb":"halt","args":{"reason":"smoke"}}' && answers 200 halted && box status >out 2>&1
grep -q '^HALTED  *by ian since' out
ok 'a halt over the network holds'
ask ian '{"verb":"release"}' && answers 403 'ian is operator; release needs approver' && ask ada '{"verb":"release"}' && answers 200 'goes on'
ok 'released by who may'

# ---- what is kept ----------------------------------------------------------------------------
box audit export --jsonl >out 2>&1
grep -q '"actor":"ada","role":"approver","origin":"network","act":"approve"' out && box audit verify >/dev/null
ok 'the audit has the user of the token, and where it came from'
! grep -rqaF 'has-a-long-enough-token' state serve.log out
ok 'no token is in store, log or audit'

# ---- who acts --------------------------------------------------------------------------------
# who USER...: an act under this environment; who it was goes to `out`
act() {
    "$@" "$program" pause 1 >/dev/null 2>&1 </dev/null
    box audit export --jsonl >all 2>&1
    grep '"act":"pause"' all | tail -n 1 >out
}
if [ "$(id -u)" = 0 ] && [ "$(cat /proc/self/loginuid 2>/dev/null)" = 4294967295 ]; then
    act env SUDO_USER=daemon
    grep -q '"actor":"daemon"' out && grep -q '"account":"root"' out
    ok 'who came through sudo is himself, as root'
    act env SUDO_USER='no such user'
    grep -q '"actor":"root"' out && ! grep -q '"account"' out
    ok 'a name that nobody has is nobody'
else
    skip 'who came through sudo' "only root's word counts, and only without a login user"
    skip 'a name that nobody has' likewise
fi
# shellcheck disable=SC2016 # the inner shell expands it
if bash -c 'echo 1 >/proc/self/loginuid && [ "$(cat /proc/self/loginuid)" = 1 ]' 2>/dev/null; then
    act bash -c 'echo 1 >/proc/self/loginuid; "$@"' bash env SUDO_USER=root
    grep -q "\"actor\":\"$(id -un 1)\"" out && grep -q "\"account\":\"$(id -un)\"" out
    ok 'who logged in stands before what sudo says'
else
    skip "who logged in" "the kernel lets nobody here set a login user"
fi

done_testing
