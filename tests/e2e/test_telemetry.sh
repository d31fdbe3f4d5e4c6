#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A workflow from end to end as others see it: spans at a collector over OTLP, each once and
# across restarts and kill -9 of the engine; the waterfall; the engine's own log. The collector
# is a few lines of Python's standard library that is busy at times. TAP.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
skip_without 'the collector is written in it' python3
workplace telemetry
export COLLECTOR_TOKEN=collector-token-that-nobody-may-see

# Every third request is answered 503; what is taken stands in `spans`, a line each.
cat >collector.py <<'PY'
import http.server, json, sys
count = 0
class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args):
        pass
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        count += 1
        is_busy = count % 3 == 2
        if not is_busy:
            with open("spans", "a") as out:
                for resource in json.loads(body)["resourceSpans"]:
                    for scope in resource["scopeSpans"]:
                        for span in scope["spans"]:
                            out.write("%s %s %s %s\n" % (span["traceId"], span["spanId"],
                                span.get("parentSpanId", "-"), span["name"].replace(" ", "_")))
            with open("tokens", "a") as out:
                out.write(self.headers.get("x-token", "none") + "\n")
        answer = b"{}"
        self.send_response(503 if is_busy else 200)
        if is_busy:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
: >spans
python3 collector.py >collector.port 2>collector.err &
helpers=($!)
explain() { box engine-log --tail 10; }
has_port() { [ -s collector.port ]; }
until_true has_port
configure <<YAML
telemetry:
  otlp:
    - {endpoint: "http://127.0.0.1:$(cat collector.port)", interval: 200ms,
       headers: [{name: x-token, env: COLLECTOR_TOKEN}]}
YAML
box check config/signalbox/signalbox.yaml >check.out 2>&1 || sed 's/^/# /' check.out

new_repository
cat >job.yaml <<'YAML'
name: job
agent: {run: "echo $TRACEPARENT >trace.txt"}
validate: [{name: unit tests, run: "test -n \"$TRACEPARENT\""}]
merge: auto
YAML
start_engine
ok 'the engine runs'
box submit -p job.yaml --repo repo -t 'first' --wait >submit.out 2>&1
ok 'a workflow was completed'
trace_of() { box trace "$1" --json | grep -oE '"trace_id":"[0-9a-f]+' | cut -d'"' -f4; }
trace=$(trace_of wf-1)
has_name() { grep -q "^$trace [0-9a-f]* [-0-9a-f]* $1\$" spans; }
all_there() { has_name RUN_job && has_name CODING && has_name unit_tests && has_name cleanup; }
until_true all_there
ok 'its spans are at the collector: workflow, states, steps'
git -C repo show main:trace.txt | grep -q "^00-$trace-[0-9a-f]\{16\}-01$"
ok 'the agent was told the trace'
span=$(git -C repo show main:trace.txt | cut -d- -f3)
grep -q "^$trace $span [0-9a-f]* agent$" spans
ok 'and its own span is the one at the collector'
# Every parent is a span of the same trace; there is one root.
awk -v t="$trace" '$1 == t { id[$2] = 1; parent[$2] = $3 }
    END { for (s in parent) { if (parent[s] == "-") roots++; else if (!(parent[s] in id)) bad = 1 }
          exit bad || roots != 1 }' spans
ok 'they are one tree'

# ---- restarts --------------------------------------------------------------------------
# Everything is at the collector, and the engine knows it: numbers of spans have no gap.
is_quiet() {
    local taken
    taken=$(cat state/signalbox/*-telemetry | grep -oE '[0-9]+}}' | tr -d '}')
    [ "$taken" = "$(wc -l <spans)" ]
}
until_true is_quiet
for _ in 1 2; do
    stop_engine
    start_engine
done
box submit -p job.yaml --repo repo -t 'second' --wait >submit.out 2>&1
trace=$(trace_of wf-2)
until_true all_there
ok 'after two restarts the next workflow arrives'
until_true is_quiet
kill_engine
start_engine
box submit -p job.yaml --repo repo -t 'third' --wait >submit.out 2>&1
trace=$(trace_of wf-3)
until_true all_there
ok 'and after kill -9'
[ -z "$(cut -d' ' -f1,2 spans | sort | uniq -d)" ]
ok 'no span came twice'

# ---- what people see -------------------------------------------------------------------
box trace wf-3 >trace.out && grep -q 'unit tests' trace.out && grep -q 'critical path' trace.out &&
    [ "$(wc -L <trace.out)" -le 80 ]
ok 'the waterfall fits 80 columns'
box engine-log --json --all >log.out && python3 -c '
import json, sys
lines = [json.loads(line) for line in open("log.out")]
kinds = {(line["component"], line["message"]) for line in lines}
for one in (("engine", "engine-start"), ("effect", "ended"), ("command", "answered"),
            ("export", "the collector did not take it: again later")):
    assert one in kinds, one
assert all(line["time"].endswith("Z") for line in lines)
'
ok 'the log of the engine is JSON, and tells of the busy collector'
[ "$(sort -u tokens)" = "$COLLECTOR_TOKEN" ] &&
    ! grep -rqa "$COLLECTOR_TOKEN" state log.out serve.log
ok 'the token reached the collector, and no file'
done_testing
