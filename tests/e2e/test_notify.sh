#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Notices of a real engine: a workflow that waits for an approval, one that fails, a halt, at a
# topic of ntfy and at a webhook as Slack has it, once each, over restarts and kill -9; no token
# and no secret address in store, log or screen. The server is a few lines of Python's standard
# library that is busy at times. TAP.

# shellcheck disable=SC2317 # until_true calls them
set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
skip_without 'the server is written in it' python3
workplace notify
export NTFY_TOKEN=tk_nobody-may-see

# Every third request is answered 429 or 503; what is taken stands in `taken`, a line each.
cat >server.py <<'PY'
import http.server, json, os, threading
count = 0
lock = threading.Lock()
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args):
        pass
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with lock:
            count += 1
            busy = count % 3 == 0
            status = 429 if busy and count % 2 else 503 if busy else 200
            if not busy:
                with open("taken", "a") as out:
                    out.write(json.dumps([self.path, self.headers.get("Title"),
                        self.headers.get("Priority"), self.headers.get("Authorization"),
                        body]) + "\n")
        self.send_response(status)
        if busy:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
with open("port.new", "w") as out:
    out.write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PY
python3 server.py &
helpers=($!)
explain() {
    tail -n 20 taken
    box engine-log --tail 10
}
has_port() { [ -s port ]; }
touch taken
until_true has_port
ok 'the server listens'
port=$(cat port)
echo "http://127.0.0.1:$port/services/T0/hook-secret" >slack.url
chmod 600 slack.url
configure <<YAML
environment: staging
notify:
  - {name: phone, url: "http://127.0.0.1:$port/topic", format: ntfy, token: {env: NTFY_TOKEN}}
  - {name: channel, url_from: {file: $dir/slack.url}, format: slack, on: [halted, failed]}
YAML
new_repository
pipeline() { # NAME CHECK MORE
    # shellcheck disable=SC2016 # the agent's shell expands it
    printf 'name: %s\nbase: main\nagent: "echo x > $SIGNALBOX_WORKFLOW"\nlimits: {iterations: 1, retries: 0}\n' "$1"
    printf 'validate: [{name: tests, command: "%s"}]\n%s\n' "$2" "$3"
}
pipeline ask true 'merge: {mode: ask}' >ask.yaml
pipeline fails 'exit 1' '' >fails.yaml
taken() { grep -cF -- "$1" taken; }
is_taken() { [ "$(taken "$1")" -ge 1 ]; }
knows_both() { grep -q '"phone":[0-9]' state/signalbox/*-notify 2>/dev/null && grep -q '"channel":[0-9]' state/signalbox/*-notify; }

start_engine && until_true knows_both
ok 'the engine runs'
box submit --pipeline ask.yaml --repo repo --task 'ask me' >/dev/null
until_true is_taken 'wf-1'
ok 'what waits for an approval is told'
grep -F 'wf-1' taken | grep -q '"/topic", ".*staging'
ok 'to the topic, with the environment'
box submit --pipeline fails.yaml --repo repo --task 'fail' >/dev/null
until_true is_taken 'signalbox show wf-2' && until_true is_taken '/services/T0/hook-secret'
ok 'a failure is told to both'

# ---- over restarts -------------------------------------------------------------------------
kill_engine
start_engine
box halt 'look at prod' >/dev/null
until_true is_taken 'HALTED by' && until_true is_taken '*HALTED by'
ok 'a halt is told'
stop_engine
start_engine
box release >/dev/null
until_true is_taken '"released by' && until_true is_taken '*released by'
ok 'and its end, under the next engine'
[ "$(taken '"HALTED by')" -eq 1 ] && [ "$(taken '*HALTED by')" -eq 1 ] && [ "$(taken '"released by')" -eq 1 ]
ok 'each once'
[ "$(grep -F '"/topic"' taken | grep -cv 'Bearer tk_nobody-may-see')" -eq 0 ]
ok 'with its token'
! grep -F '/services/' taken | grep -q 'Bearer'
ok 'which nobody else gets'

# ---- nobody is there ------------------------------------------------------------------------
kill -KILL "${helpers[0]}"
wait "${helpers[0]}" 2>/dev/null
helpers=()
for ((i = 0; i < 8; i++)); do
    box halt "again $i" >/dev/null
    box release >/dev/null
done
is_failing() { box engine-log --tail 50 2>/dev/null | grep -q 'not taken: again later'; }
until_true is_failing
ok 'a dead server is noticed'
sed -i "s/(\"127.0.0.1\", 0)/(\"127.0.0.1\", $port)/" server.py
python3 server.py &
helpers=($!)
until_true is_taken 'things to look at'
ok 'and is told in one what has piled up'

stop_engine
! grep -rqF -e tk_nobody-may-see -e hook-secret state serve.log
ok 'no secret stands in store or log'

done_testing
