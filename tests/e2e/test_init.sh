#!/bin/bash
# SPDX-License-Identifier: MIT
#
# signalbox init: shows, asks, writes what is missing, and what it writes is without mistakes. TAP.

set -u
signalbox=$(realpath "${SIGNALBOX:-build/signalbox}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state XDG_DATA_HOME=$dir/data
unset GH_TOKEN
export GITHUB_TOKEN=do-not-show-me
mkdir -p "$dir/pay/src" && cd "$dir/pay" || exit 1
git init -q -b trunk . && git remote add origin https://me:hidden-word@github.com/acme/pay.git
printf '{"scripts": {"test": "jest"}}\n' >package.json
n=0 status=0
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        status=1
    fi
}

"$signalbox" init </dev/null >out 2>&1
[ $? -eq 2 ] && grep -q -- '--print or --yes' out && [ ! -e "$dir/config" ]
result $? "nobody there to confirm: refused, nothing written"

"$signalbox" --read-only init --yes >out 2>&1
[ $? -eq 1 ] && grep -q 'refused, read-only' out && [ ! -e "$dir/config" ]
result $? "--read-only writes nothing"

"$signalbox" init --print src >out 2>&1 && grep -q 'npm test  (because of package.json)' out && grep -q 'acme/pay' out && [ ! -e "$dir/config" ]
result $? "--print shows it and writes nothing, from a folder below"

"$signalbox" init --print --json >out
grep -q '"written":0' out && grep -q '"github":"acme/pay"' out
result $? "--json says the same"

"$signalbox" init --yes >>out 2>&1 &&
    "$signalbox" check "$dir/config/signalbox/signalbox.yaml" "$dir/config/signalbox/pipelines/pay.yaml" >>out
result $? "--yes writes two files without a mistake"

! grep -rqE 'do-not-show-me|hidden-word' out "$dir/config"
result $? "neither token nor password is shown or written"

echo '# mine' >>"$dir/config/signalbox/signalbox.yaml"
"$signalbox" init --yes >out 2>&1 && grep -q 'Nothing to write' out && grep -q '# mine' "$dir/config/signalbox/signalbox.yaml"
result $? "what exists stays as it is"

echo "1..$n"
exit $status
