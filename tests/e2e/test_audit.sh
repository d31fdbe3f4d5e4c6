#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The audit from the outside: a real engine with a repository, an agent and commands; killed and
# started again; the store edited behind its back with SQLite; the chain computed once more by
# another program, from the manual page alone. TAP. Waits are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
skip_without 'it computes the chain once more' python3
workplace audit
echo "store: $dir/box.db" >config/signalbox/signalbox.yaml

explain() { box audit && tail -n 5 serve.log; }
sql() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()' "$@"; }
rows() { box audit --plain --limit 1000 "$@" | cut -f 3-8 | tr '\t' ' '; }

new_repository
# shellcheck disable=SC2016 # the agent expands it
printf '#!/bin/sh\necho 1 >>"$SIGNALBOX_WORKFLOW"\n' >agent
chmod +x agent
printf 'name: ask\nbase: main\nagent: {command: %s/agent}\nvalidate: []\nmerge: {mode: ask}\n' "$dir" >ask.yaml
start_engine
ok 'the engine runs'

# ---- what is written -------------------------------------------------------------------------
submit ask 'Cache the price list' && waits_for 'merge approval' && gives 0 approve "$id" --reason 'good token=abcdefgh12345678' && until_true is COMPLETED
ok 'a task is done, with an approval'
rows >list
status=0
for act in ' engine-start engine done' ' submit wf-1 done' ' pull-request wf-1 asked' ' pull-request wf-1 passed' \
    ' approve a-1 done' ' merge wf-1 asked' ' merge wf-1 passed'; do
    grep -qF -- "$act" list || { echo "# missing $act" && status=1; }
done
[ $status -eq 0 ]
ok 'each act is a row'
! box audit export --jsonl | grep -F abcdefgh12345678 && box audit export --jsonl | grep -F '"sha256"' >/dev/null
ok 'no secret and no long text is in it'
gives 1 cancel 999 && rows --act cancel | grep -qF ' cancel wf-999 refused'
ok 'a refusal is a row'

# ---- it proves itself --------------------------------------------------------------------------
gives 0 audit verify && says 'whole ' && gives 0 audit verify --json && says '"whole":true,' &&
    rows --act audit-read | grep -qF ' audit-read audit:verify done'
ok 'the chain is whole, and reading it is an act'
box audit export --csv >all.csv && python3 - all.csv <<'END'
import csv, datetime, hashlib, sys

def number(n):
    return n.to_bytes(8, "big", signed=True)

prev, wanted = bytes(32), 1
for row in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")):
    at = datetime.datetime.strptime(row["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    ms = round((at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(milliseconds=1))
    text = b"signalbox audit 1\n" + prev + number(int(row["n"])) + number(ms)
    for name in ("actor", "role", "origin", "act", "subject", "outcome", "detail"):
        value = row[name].encode()
        text += number(len(value)) + value
    assert int(row["n"]) == wanted and row["prev"] == prev.hex(), row
    prev, wanted = hashlib.sha256(text).digest(), wanted + 1
    assert row["hash"] == prev.hex(), row
assert wanted > 8
END
ok 'another program computes the same chain'
[ "$(stat -c %a box.db-audit)" = 600 ] && grep -qE '^[0-9]+ [0-9a-f]{64} 20[0-9-]+T[0-9:]+Z$' box.db-audit
ok 'heads are noted beside the store'

# ---- kill -9 -------------------------------------------------------------------------------------
status=0
for i in 1 2 3 4 5 6; do
    submit ask "task $i" || status=1
    kill_engine
    gives 0 audit verify && says 'no engine runs' || status=1
    start_engine || status=1
    gives 0 audit verify || status=1
done
[ $status -eq 0 ] && ! rows | grep -F audit-broken
ok 'killed six times: whole, and what was noted agrees'
head=$(box audit verify --json | sed 's/.*"head":"\([^"]*\)".*/\1/')
stop_engine
[ "$(tail -n 1 box.db-audit | cut -d ' ' -f 1)" = "$(python3 -c 'import sqlite3; print(sqlite3.connect("box.db").execute("SELECT max(n) FROM audit").fetchone()[0])')" ]
ok 'an engine that stops notes its last row'

# ---- somebody edits ------------------------------------------------------------------------------
tampered() { # FAULT ROW SQL [ARGUMENT...]: on a copy
    local fault=$1 row=$2 text=$3
    shift 3
    rm -f copy.db*
    cp box.db copy.db && cp box.db-audit copy.db-audit && sql copy.db "$text" &&
        gives 1 audit verify --store "$dir/copy.db" --json "$@" && says "\"fault\":\"$fault\",\"broken\":$row,"
}
last=$(rows | wc -l)
python3 -c 'import sqlite3; sqlite3.connect("box.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")'
tampered edited 4 "UPDATE audit SET actor = 'eve' WHERE n = 4"
ok 'an edit is found'
tampered edited 4 "UPDATE audit SET at = at + 1 WHERE n = 4"
ok 'an edit of the time is found'
tampered deleted 4 "DELETE FROM audit WHERE n = 4"
ok 'a deletion is found'
tampered reordered 3 "UPDATE audit SET n = -3 WHERE n = 3; UPDATE audit SET n = 3 WHERE n = 5; UPDATE audit SET n = 5 WHERE n = -3"
ok 'another order is found'
tampered inserted 4 "UPDATE audit SET n = -n WHERE n >= 4; UPDATE audit SET n = 1 - n WHERE n < 0;
    INSERT INTO audit SELECT 4, at, 'eve', role, origin, act, subject, outcome, detail, prev, hash FROM audit WHERE n = 2"
ok 'an insertion is found'
tampered truncated $((last - 1)) "DELETE FROM audit WHERE n > $((last - 2))"
ok 'a cut end is found'
forget="DELETE FROM audit WHERE n > 5; UPDATE setting SET value = (SELECT n || ':' || lower(hex(hash)) FROM audit WHERE n = 5) WHERE key = 'audit_head'"
tampered truncated 6 "$forget"
ok 'a cut end is found by what was noted beside it'
rm -f copy.db-audit && gives 0 audit verify --store "$dir/copy.db" && says 'is seen only with --head' &&
    gives 1 audit verify --store "$dir/copy.db" --head "$head" && says 'truncated'
ok 'or by a head that was kept elsewhere'

# ---- and the engine goes on ------------------------------------------------------------------------
has_row() { rows | grep -qF -- "$1"; }
sql box.db "$forget" && start_engine && until_true has_row ' audit-broken audit found' &&
    box events --kind audit-broken --limit 1000 | grep -qF 'cut off' && gives 1 audit verify &&
    { says 'missing from the end' || says 'not the one that was noted'; } # the new rows may have come as far
ok 'an engine that starts on a cut chain says so, and does not cover it up'
stop_engine
chmod a-w box.db . && { [ -w box.db ] || { gives 1 audit verify && says 'could not be noted'; }; }
ok 'a store that cannot be written is read all the same'
chmod u+w . box.db
done_testing
