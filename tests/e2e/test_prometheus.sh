#!/bin/bash
# SPDX-License-Identifier: MIT
#
# /metrics as others read it: promtool lints it, and a real Prometheus scrapes it, with
# exemplars (Debian package prometheus; skipped where it is not installed). TAP.

# shellcheck disable=SC2317 # until_true calls them
set -u
program=${SIGNALBOX:-$PWD/build/signalbox}
for tool in promtool prometheus curl git; do
    command -v $tool >/dev/null || {
        echo "1..0 # SKIP $tool is not installed (apt install prometheus)"
        exit 0
    }
done
dir=$(cd "$(mktemp -d /tmp/signalbox-prometheus-XXXXXX)" && pwd -P) || exit 1
engine='' prometheus=''
cleanup() {
    # shellcheck disable=SC2086 # one or two
    [ -z "$engine$prometheus" ] || kill -9 $engine $prometheus 2>/dev/null
    wait 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state LC_ALL=C.UTF-8
unset NOTIFY_SOCKET INVOCATION_ID TRACEPARENT
mkdir -p "$dir/config/signalbox"
cd "$dir" || exit 1

n=0 failures=0
ok() { # NAME, after a command whose status counts
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        tail -n 20 lint.out prometheus.out 2>/dev/null | sed 's/^/# /'
        failures=1
    fi
}
until_true() { # COMMAND...: at most 90 s
    local end=$((SECONDS + 90))
    while ! "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000)) # below those that the kernel gives away
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo $port
}
box() { "$program" "$@" </dev/null; }

git init -q -b main repo
git -C repo -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
port=$(free_port)
cat >config/signalbox/signalbox.yaml <<YAML
listener: {port: $port}
YAML
cat >job.yaml <<'YAML'
name: job
agent: {run: "echo x >x.txt"}
validate: [{name: one, run: "test -n \"$TRACEPARENT\""}]
merge: auto
YAML
"$program" serve --quiet >serve.out 2>&1 </dev/null &
engine=$!
is_running() { box status --json 2>/dev/null | grep -q '"is_running":true'; }
until_true is_running
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
prometheus=$!
ask() { # QUERY
    curl -sfG "http://127.0.0.1:$web/api/v1/query" --data-urlencode "query=$1"
}
gives() { # QUERY VALUE
    ask "$1" | grep -q "\"value\":\[[0-9.]*,\"$2\"\]"
}
until_true gives 'up{job="signalbox"}' 1
ok 'a real Prometheus scrapes us'
until_true gives 'signalbox_workflows{state="COMPLETED"}' 1
ok 'and knows of the workflow'
until_true gives 'signalbox_listener_answers_total{status="200"} > bool 0' 1
ok 'counters are counters'
curl -sf "http://127.0.0.1:$web/api/v1/targets" | grep -q '"lastError":""'
ok 'without an error'
has_spans() { gives 'signalbox_span_duration_seconds_count{kind="step"} > bool 0' 1; }
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
echo "1..$n"
exit $failures
