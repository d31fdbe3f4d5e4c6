#!/bin/bash
# SPDX-License-Identifier: MIT
#
# signalbox forecast and backtest on files: the formats, wrong input with file, line and field, and
# make judge without data. TAP.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace forecast
judge=$here/tests/tools/judge
box() { # WORD...: output in out and err, exit status in $code
    timeout 60 "$program" "$@" >out 2>err </dev/null
    code=$?
}
# wrong NAME "LINE: FIELD" WORD...: refused with file, line and field, and nothing in the output but
# a heading.
wrong() {
    local name=$1 where=$2
    shift 2
    box "$@"
    [ $code -eq 2 ] && grep -qF "$where" err && [ "$(wc -l <out)" -le "${rows-1}" ]
    ok "refused: $name"
}

# Three weeks of hours, a wave of a day; two hours are missing.
awk 'BEGIN {
    print "timestamp,value"
    for (t = 0; t < 504; t++)
        if (t != 100 && t != 101)
            printf "%d,%.3f\n", 1700006400 + t * 3600, 100 + 30 * sin(t * 6.283185307 / 24) + (t * 7919 % 13) / 13
}' >hours.csv

# What cannot be read is a failure (1) and says why; a folder too.
for words in "forecast --horizon 3 nowhere.csv" "backtest nowhere.csv" "backtest ."; do
    read -ra list <<<"$words"
    box "${list[@]}"
    [ $code -eq 1 ] && [ ! -s out ] && grep -Eq 'No such file|Is a directory' err
    ok "not readable: $words"
done

box forecast --horizon 24 hours.csv
[ $code -eq 0 ] && [ "$(head -n 1 out)" = step,forecast,lo80,hi80,lo95,hi95 ] && [ "$(wc -l <out)" -eq 25 ]
ok "a row for each step"
awk -F, 'NR > 1 {
    truth = 100.5 + 30 * sin((503 + $1) * 6.283185307 / 24)
    off = $2 - truth
    if (NF != 6 || $1 != NR - 1 || off > 4 || off < -4 || $5 > $3 || $3 > $2 || $2 > $4 || $4 > $6) bad = 1
} END { exit bad }' out
ok "the wave goes on, inside of its intervals"
cp out first
timeout 60 "$program" forecast --horizon 24 - <hours.csv >out 2>err
cmp -s out first
ok "standard input gives the same"
cut -d, -f2 hours.csv | paste -d, <(cut -d, -f1 hours.csv) - <(cut -d, -f1 hours.csv) | sed '1s/.*/timestamp,value,other/' >wide.csv
box forecast --horizon 24 wide.csv
cmp -s out first
ok "further columns do not matter"
box forecast --horizon 2 --season 24 --json hours.csv
[ $code -eq 0 ] && grep -qE '^\{"step":2,"forecast":[-0-9.e]+,"lo80":[-0-9.e]+,"hi80":' out
ok "a JSON object for each step"

cat >batch.csv <<'END'
series,origin,horizon,season,start,values
a.b,7,3,1,2026-01-01,5 5 5 5 5 5 5 5 5 5 5 5
"c, d",9,2,2,,1 9 1 9 1 9 nan 9 1 9 1 9 1 9
END
box forecast --batch batch.csv
[ $code -eq 0 ] && [ "$(sed -n 1p out)" = series,origin,values,lo,hi ] &&
    [ "$(sed -n 2p out)" = "a.b,7,5 5 5,5 5 5,5 5 5" ] && grep -qE '^"c, d",9,1(\.[0-9]*)? [89][0-9.]*,' out
ok "many series, a row each"

cat >disk.csv <<'END'
id,capacity_bytes,used_bytes_daily
soon,130,10 20 30 40 50 60 70 80 90 100
never,1000,10 10 10 10 10 10 10 10
now,50,10 20 30 40 50
unknown,50,10
END
box forecast --capacity disk.csv
[ $code -eq 0 ] && [ "$(sed -n 1p out)" = id,days_to_full,lo,hi ] && grep -qE '^soon,[2-5](\.[0-9]*)?,' out &&
    grep -qx 'never,inf,inf,inf' out && grep -qx 'now,0,0,0' out && grep -qx 'unknown,,,' out
ok "when something is full: days, never, now, unknown"

box forecast --capacity --json disk.csv
[ $code -eq 0 ] && grep -q '^{"id":"never","verdict":"beyond","p_within":0,"days_to_full":null,' out &&
    grep -q '^{"id":"unknown","verdict":"unknown","p_within":null,' out
ok "when something is full, as JSON: how likely at all"
box forecast --batch --json batch.csv
[ $code -eq 0 ] && [ "$(sed -n 1p out)" = '{"series":"a.b","origin":"7","values":[5,5,5],"lo80":[5,5,5],"hi80":[5,5,5]}' ]
ok "many series as JSON"

printf 'timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 01:00:00,x\n' >bad.csv
wrong "a value that is no number" 'bad.csv:3: value: ' forecast --horizon 3 bad.csv
printf 'timestamp,value\nyesterday,1\n' >bad.csv
wrong "a time that is none" 'bad.csv:2: timestamp: ' forecast --horizon 3 bad.csv
printf 'timestamp,value\n2026-01-01 01:00:00,1\n2026-01-01 00:00:00,1\n' >bad.csv
wrong "time that goes back" 'bad.csv:3: timestamp: ' backtest bad.csv
printf 'timestamp,value\n2026-01-01 01:00:00\n' >bad.csv
wrong "a column that is missing" 'bad.csv:2: value: ' forecast --horizon 3 bad.csv
: >empty.csv
wrong "an empty file" 'empty.csv: fewer than' forecast --horizon 3 empty.csv
wrong "an empty table" 'empty.csv:1: empty' forecast --batch empty.csv
printf 'series,horizon,values\na,1,1 2 3 4\n' >bad.csv
wrong "a table without season" 'bad.csv:1: season: ' forecast --batch bad.csv
printf 'series,horizon,season,values\na,0,1,1 2 3 4\n' >bad.csv
wrong "a horizon of none" 'bad.csv:2: horizon: ' forecast --batch bad.csv
printf 'series,horizon,season,values\na,1,1,1 2 3 4\nb,1,1,1 2 3x 4\n' >bad.csv
rows=2 wrong "a number that is none, in a list" 'bad.csv:3: values: 3x' forecast --batch bad.csv
printf 'id,capacity_bytes,used_bytes_daily\na,much,1 2 3 4\n' >bad.csv
wrong "a capacity that is no number" 'bad.csv:2: capacity_bytes: ' forecast --capacity bad.csv
wrong "no horizon" 'horizon' forecast hours.csv
wrong "two kinds of table" 'exclude' forecast --batch --capacity hours.csv
box forecast --horizon 3 nowhere.csv
[ $code -ne 0 ] && grep -q nowhere.csv err
ok "refused: a file that is not there"

box backtest --horizon 24 hours.csv
[ $code -eq 0 ] && [ "$(head -n 1 out)" = model,n,mase,skill,coverage80,coverage95 ] &&
    grep -qE '^combined,[0-9]+,0\.[0-9]+,' out && grep -q 'less error than the seasonal naive' err
ok "backtest of a series: a row for each model"

awk 'BEGIN {
    for (i = 0; i < 300; i++) {
        failed = i % 50 >= 40
        printf "{\"op\":\"predict\",\"id\":%d,\"started_at\":%d,\"branch\":\"main\"}\n", i, 1700000000 + i * 600
        printf "{\"op\":\"observe\",\"id\":%d,\"failed\":%d,\"duration_s\":%d}\n", i, failed, 60 + i % 7
    }
}' >runs.jsonl
box backtest runs.jsonl
[ $code -eq 0 ] && [ "$(head -n 1 out)" = p_from,p_to,n,said,failed ] && grep -qE '^brier_skill,0\.[0-9]+' out &&
    grep -q '300 runs with an outcome, 60 failed' err
ok "backtest of runs: reliability and skill"
printf '{"op":"predict","id":1}\n{"op":"guess"}\n' >bad.jsonl
wrong "a line of runs that is none" 'bad.jsonl:2: ' backtest bad.jsonl

JUDGE_DATA=$dir/nothing "$judge" >out 2>err && grep -q '^judge: skipped: no data' out
ok "judge without data says so"
done_testing
