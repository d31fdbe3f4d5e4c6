#!/bin/bash
# SPDX-License-Identifier: MIT
#
# signalbox init: shows, asks, writes what is missing, and what it writes is without mistakes. TAP.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace init
rm -r config # as on a new machine
unset GH_TOKEN
export GITHUB_TOKEN=do-not-show-me
mkdir -p "$dir/pay/src" && cd "$dir/pay" || exit 1
git init -q -b trunk . && git remote add origin https://me:hidden-word@github.com/acme/pay.git
printf '{"scripts": {"test": "jest"}}\n' >package.json

"$program" init </dev/null >out 2>&1
[ $? -eq 2 ] && grep -q -- '--print or --yes' out && [ ! -e "$dir/config" ]
ok "nobody there to confirm: refused, nothing written"

"$program" --read-only init --yes >out 2>&1
[ $? -eq 1 ] && grep -q 'refused, read-only' out && [ ! -e "$dir/config" ]
ok "--read-only writes nothing"

"$program" init --print src >out 2>&1 && grep -q 'npm test  (because of package.json)' out && grep -q 'acme/pay' out && [ ! -e "$dir/config" ]
ok "--print shows it and writes nothing, from a folder below"

"$program" init --print --json >out
grep -q '"written":0' out && grep -q '"github":"acme/pay"' out
ok "--json says the same"

"$program" init --yes >>out 2>&1 &&
    "$program" check "$dir/config/signalbox/signalbox.yaml" "$dir/config/signalbox/pipelines/pay.yaml" >>out
ok "--yes writes two files without a mistake"

! grep -rqE 'do-not-show-me|hidden-word' out "$dir/config"
ok "neither token nor password is shown or written"

echo '# mine' >>"$dir/config/signalbox/signalbox.yaml"
"$program" init --yes >out 2>&1 && grep -q 'Nothing to write' out && grep -q '# mine' "$dir/config/signalbox/signalbox.yaml"
ok "what exists stays as it is"

done_testing
