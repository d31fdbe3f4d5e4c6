#!/bin/bash
# SPDX-License-Identifier: MIT
#
# /metrics as others read it: promtool lints it, and a real Prometheus scrapes it, with
# exemplars (Debian package prometheus; skipped where it is not installed). TAP.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
skip_without 'apt install prometheus' promtool prometheus curl git
workplace prometheus
explain() { tail -n 20 lint.out prometheus.out; }
new_repository
port=$(free_port)
configure <<YAML
listener: {port: $port}
YAML
cat >job.yaml <<'YAML'
name: job
agent: {run: "echo x >x.txt"}
validate: [{name: one, run: "test -n \"$TRACEPARENT\""}]
merge: auto
YAML
start_engine
ok 'the engine runs'
box submit -p job.yaml --repo repo -t 'make a change' --wait >submit.out 2>&1
ok 'a workflow was completed'

# ---- promtool --------------------------------------------------------------------------
curl -sf "http://127.0.0.1:$port/metrics" >plain.txt && promtool check metrics <plain.txt >lint.out 2>&1
ok 'promtool has nothing to say of the text' # it reads this format only; of OpenMetrics Prometheus is the judge
curl -sf -H 'Accept: application/openmetrics-text' "http://127.0.0.1:$port/metrics" >open.txt &&
    [ "$(tail -n 1 open.txt)" = '# EOF' ]
ok 'OpenMetrics ends as it must'

# ---- Prometheus ------------------------------------------------------------------------
web=$(free_port)
cat >prometheus.yml <<YAML
global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs:
  - job_name: signalbox
    static_configs: [{targets: ["127.0.0.1:$port"]}]
YAML
promtool check config prometheus.yml >lint.out 2>&1
ok 'its configuration is right'
prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --enable-feature=exemplar-storage \
    --web.listen-address="127.0.0.1:$web" >prometheus.out 2>&1 </dev/null &
helpers=($!)
ask() { # QUERY
    curl -sfG "http://127.0.0.1:$web/api/v1/query" --data-urlencode "query=$1"
}
is_value() { # QUERY VALUE
    ask "$1" | grep -q "\"value\":\[[0-9.]*,\"$2\"\]"
}
until_true is_value 'up{job="signalbox"}' 1
ok 'a real Prometheus scrapes us'
until_true is_value 'signalbox_workflows{state="COMPLETED"}' 1
ok 'and knows of the workflow'
until_true is_value 'signalbox_listener_answers_total{status="200"} > bool 0' 1
ok 'counters are counters'
curl -sf "http://127.0.0.1:$web/api/v1/targets" | grep -q '"lastError":""'
ok 'without an error'
has_spans() { is_value 'signalbox_span_duration_seconds_count{kind="step"} > bool 0' 1; }
if box trace wf-1 --json | grep -q '"kind":"step"' && until_true has_spans; then
    exemplars() {
        curl -sfG "http://127.0.0.1:$web/api/v1/query_exemplars" \
            --data-urlencode 'query=signalbox_span_duration_seconds_bucket{kind="step"}' \
            --data-urlencode "start=$(($(date +%s) - 300))" --data-urlencode "end=$(($(date +%s) + 60))" |
            grep -q "\"trace_id\":\"$(box trace wf-1 --json | grep -oE '"trace_id":"[0-9a-f]+' | cut -d'"' -f4)\""
    }
    until_true exemplars
    ok 'exemplars lead to the trace'
else
    false
    ok 'steps are counted'
fi
done_testing
