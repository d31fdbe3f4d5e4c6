#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Silences, thumbs and incidents from the outside, and questions that mean nothing. TAP. Waits
# are bounded.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace findings

all_are_known() { while read -r kind; do gives 0 events --kind "$kind" || return 1; done <kinds; }

new_repository
cat >auto.yaml <<'END'
name: auto
base: main
agent: {command: "echo 1 >>number"}
validate: [{name: tests, command: "test -s number"}]
END
configure <<'END'
monitor:
  interval: 1s
  rules:
    - {name: runs, metric: engine_threads, above: 0, for: 0s, severity: high, summary: "it runs"}
END
start_engine
ok 'the engine runs'

# ---- silences ------------------------------------------------------------------------------
gives 2 silence 'service:*' moving && says 'a silence has an end' && gives 2 silence 'service:*' --for 2h && says "needs 'reason'" &&
    gives 2 silence 'service:*' moving --for 31d && says 'more than 30 days' && gives 2 silence 'service:*' moving --for soon &&
    says "'soon' is no duration" && gives 2 silence 'service:*' moving --until yesterday && says "'yesterday' is no time" &&
    gives 2 silence 'service:*' moving --until 2001-01-01T00:00:00Z && says 'over already' && gives 2 silence a b c --for 1h
ok 'a silence without an end, a reason or sense is refused'
gives 0 silence 'service:*' 'moving house' --for 2h && says 'silence 1: service:* until' &&
    gives 0 silence host --until "$(date -u -d '+1 hour' +%FT%TZ)" --reason 'new disk' && says 'silence 2: host'
ok 'silences are made, for a time and until one'
kill_engine && start_engine &&
    gives 1 unsilence 3 && says 'there is no silence 3' && gives 0 unsilence 1 'all done' && gives 1 unsilence 1 && says 'over already' &&
    gives 0 events --kind unsilence && says 'silence 1 of service:* is ended: all done'
ok 'they hold over a kill, and are ended'

# ---- incidents -----------------------------------------------------------------------------
gives 2 ack && gives 2 ack first && says 'expected a number' && gives 1 ack 99 'I look' && says 'there is no incident 99' &&
    gives 2 note 99 && gives 1 resolve 99 && gives 2 resolve 99 why indeed
ok 'incidents that do not exist, and numbers that are none'

has_incident() { "$program" incidents --all --plain </dev/null 2>/dev/null | grep -q "	$1	"; }
until_true has_incident open && gives 0 events --kind incident-opened && says 'it runs'
ok 'a rule of the configuration opens an incident'
gives 0 silence engine test --for 20m && until_true has_incident quiet && gives 0 events --kind incident-inhibited && says 'silence:' &&
    gives 0 unsilence 3 && until_true has_incident open
ok 'a silence makes it quiet, and when it is ended it is told again'
gives 0 ack 1 'I look' && has_incident acked && gives 0 note 1 'it is the disk' && gives 0 resolve 1 'done' &&
    until_true has_incident closed && gives 1 ack 1 && says 'incident 1' && gives 0 events --kind anomaly-closed && says operator
ok 'an operator takes it, notes, and closes it'

is_so() { "$program" incidents --all --plain </dev/null 2>/dev/null | grep -q "^$1	[a-z]*	$2	"; }
store=$("$program" status --json </dev/null | sed 's/.*"store":{"path":"\([^"]*\)".*/\1/')
stop_engine && rm -f "$store"-metrics* && start_engine && until_true is_so 2 open && is_so 1 closed
ok 'a lost metrics file: a new incident has a number of its own'
stop_engine && rm -f "$store"-metrics* && start_engine && until_true is_so 3 open && until_true is_so 2 closed && is_so 1 closed &&
    gives 0 events --kind anomaly-closed && says silent
ok 'and what was open is closed, for nobody watches it any more'

stop_engine && rm -f "$store" "$store"-wal "$store"-shm && start_engine && until_true is_so 3 open && gives 0 events --kind incident-opened &&
    says 'incident 3'
ok 'a lost store: the monitor goes on with the new one'

# ---- thumbs --------------------------------------------------------------------------------
gives 1 thumbs-up 1 && says 'there is no workflow wf-1' && gives 0 submit --pipeline auto.yaml --repo repo --task 'one more' &&
    until_true is COMPLETED && gives 0 thumbs-down 1 --reason 'too long' && gives 0 events --kind thumbs-down &&
    says 'too long' && gives 0 thumbs-up wf-1
ok 'thumbs for a workflow that has ended'

# ---- questions -----------------------------------------------------------------------------
gives 2 events --kind nonsense && says "there is no kind of event 'nonsense'" && says ' silence-ending ' && says ' breaker-half-open '
ok 'events of a kind that does not exist'
"$program" events --json --limit 1000 </dev/null | sed 's/.*"kind":"\([^"]*\)".*/\1/' | sort -u >kinds &&
    [ "$(wc -l <kinds)" -gt 5 ] && all_are_known
ok 'every kind that there is can be asked for'
gives 2 deliveries --body && says 'of which delivery'
ok 'the body of no delivery'
printf 'listener: {address: 0.0.0.0, port: 9350}\n' >open.yaml
printf 'listener: {address: 127.0.0.1, port: 9350}\n' >near.yaml
gives 0 check open.yaml && says 'warning: open.yaml: listener.address' && says 'without TLS' && gives 0 check near.yaml &&
    ! grep -q warning out && gives 0 check --json open.yaml && says '"is_good":true' && says '"warnings":[{'
ok 'a listener that all may hear in the clear is warned of'
stop_engine && [ ! -s serve.log ]
ok 'the engine stops, and said nothing'

done_testing
