#!/bin/bash
# SPDX-License-Identifier: MIT
#
# signalbox classify on files and streams: the formats, and wrong input with file and line. TAP.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace classify
box() { # WORD...: input from file in; output in out and err, exit status in $code
    timeout 60 "$program" "$@" >out 2>err <in
    code=$?
}
: >in

cat >some.jsonl <<'END'
{"id":"a","text":"curl: (6) Could not resolve host: example.com"}

{"id":"b","text":"CONFLICT (content): Merge conflict in a.c\nAutomatic merge failed; fix conflicts and then commit the result."}
END
box classify some.jsonl
[ $code -eq 0 ] && [ "$(wc -l <out)" -eq 2 ] &&
    grep -q '^{"id":"a","label":"network","confidence":0\.[0-9]*,"rule":"[^"]*","line":1,"text":"curl: (6) Could not resolve host: example.com","fingerprint":"[0-9a-f]\{16\}"}$' out &&
    grep -q '"id":"b","label":"vcs"' out
ok "each line is answered with label, confidence, rule, line and fingerprint"

cp out first
cp some.jsonl in
box classify --task category -
[ $code -eq 0 ] && cmp -s out first
ok "the same from standard input"
: >in

box classify --flaky some.jsonl
[ $code -eq 0 ] && [ "$(grep -c '"label":"\(flaky\|real\)","confidence":[0-9.e-]*,"score":[0-9.e-]*,' out)" -eq 2 ]
ok "flaky or real, with a score"

cat >http.jsonl <<'END'
{"id":"1","method":"GET","url":"/x","status":403,"headers":{"X-RateLimit-Remaining":"4","Retry-After":"30"},"body":"{\"message\":\"You have exceeded a secondary rate limit\"}"}
{"id":"2","method":"GET","url":"/x","status":0,"headers":{},"body":"connect ECONNREFUSED"}
END
box classify --task http http.jsonl
[ $code -eq 0 ] && grep -q '"id":"1","label":"rate_limit".*"retryable":true,"retry_after_s":30,' out &&
    grep -q '"id":"2","label":"network"' out
ok "an answer of HTTP"

printf '{"id":"l","log":"starting\\nall is well\\nmain.c:3:1: error: unknown type name '"'foo'"'\\nmake: *** [main.o] Error 1\\nbye\\n"}\n' >log.jsonl
box classify --locate log.jsonl
[ $code -eq 0 ] && grep -q '^{"id":"l","lines":\[3[],]' out
ok "the line that explains a log comes first"

printf 'one\n\033[31mcp: error writing: No space left on device\033[0m\n' >build.log
box classify build.log
[ $code -eq 0 ] && grep -q '^class  *resource: ' out && grep -q '^lines  *2  cp: error writing: No space left on device$' out &&
    ! grep -q $'\033' out
ok "a log is explained to people, and cannot act on the terminal"

box classify --json build.log
[ $code -eq 0 ] && grep -q '^{"label":"resource",.*"lines":\[{"line":2,' out
ok "the same as JSON"

# wrong NAME WHERE LINE [WORD...]
wrong() {
    local name=$1 where=$2
    printf '{"id":"a","text":"x"}\n%s\n' "$3" >bad.jsonl
    shift 3
    box classify "$@" bad.jsonl
    [ $code -eq 2 ] && grep -qF "signalbox: bad.jsonl:$where" err
    ok "refused: $name"
}
wrong "no JSON" "2: " '{"id":'
wrong "no object" "2: no object with a text 'id'" '[]'
wrong "no id" "2: no object with a text 'id'" '{"text":"x"}'
wrong "no text" "2: no text 'text'" '{"id":"b"}'
wrong "no log" "1: no text 'log'" '{"id":"b"}' --locate
wrong "no status" "1: no number 'status'" '{"id":"b"}' --task http

box classify --task nonsense some.jsonl
[ $code -eq 2 ] && grep -q 'category, http, flaky' err
ok "refused: an unknown task"
box classify --task http --flaky some.jsonl
[ $code -eq 2 ]
ok "refused: two tasks"
box classify missing.jsonl
[ $code -eq 1 ] && grep -q 'missing.jsonl: No such file' err
ok "no file"

done_testing
