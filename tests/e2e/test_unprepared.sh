#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A repository that nobody prepared for signalbox goes through to a real merge.
#
# The project is figlet as Debian ships its source: upstream's tarball with its own Makefile
# and its own 26 tests (`make check`). The task is a real one: `figlet -h` ends with an error;
# it shall print the usage and end well, with a test. The agent forgets the expected output
# of its test at first; figlet's own tests say so. Skipped where Debian's sources cannot be
# reached. TAP.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace unprepared
explain() {
    cat out
    tail -n 10 serve.log
    box log wf-1 | tail -n 20
    tail -n 20 log
}
store_of_sources=$here/build/unprepared

# The mirror that this machine's apt uses, asked for sources, in folders of our own.
fetch() {
    local dir=$1 url
    url=$({
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list |
            sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) +[a-z]+ main.*/\2/p'
        awk '/^URIs:/ { uri = $2 } /^Components:.*main/ { print uri }' /etc/apt/sources.list.d/*.sources
    } 2>/dev/null | head -n 1)
    [ -n "$url" ] || return 1
    # shellcheck source=/dev/null
    echo "deb-src $url $(. /etc/os-release && echo "$VERSION_CODENAME") main" >"$dir/sources.list"
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    local apt=(timeout 120 apt-get -q -o "Dir::Etc::SourceList=$dir/sources.list"
        -o Dir::Etc::SourceParts=/dev/null -o "Dir::State=$dir/state"
        -o Dir::State::status=/dev/null -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=)
    (cd "$dir" && "${apt[@]}" update && "${apt[@]}" source --download-only figlet) >"$dir/log" 2>&1 &&
        mkdir -p "$store_of_sources" && cp "$dir"/figlet_*.orig.tar.gz "$store_of_sources/figlet.tar.gz"
}

# shellcheck disable=SC2317
if [ ! -s "$store_of_sources/figlet.tar.gz" ]; then
    command -v apt-get >/dev/null || skip_all "no apt-get"
    fetch "$dir" || skip_all "Debian's sources cannot be reached"
fi

repo=$dir/figlet
mkdir "$repo" && tar -xzf "$store_of_sources/figlet.tar.gz" -C "$repo" --strip-components=1
export GIT_CONFIG_GLOBAL=/dev/null
git -C "$repo" init -q -b trunk
git -C "$repo" config user.name Upstream
git -C "$repo" config user.email upstream@localhost
git -C "$repo" add -A
git -C "$repo" commit -q -m 'figlet as released'
before=$(git -C "$repo" rev-parse trunk)

cat >"$dir/agent" <<'END'
#!/bin/sh
set -eu
echo "agent: iteration $SIGNALBOX_ITERATION of: $(cat "$SIGNALBOX_TASK_FILE")"
if ! grep -q 'run_test 027' run-tests.sh; then
    # In the loop over the options: a letter more, and its case before 'v'.
    awk '
        /getopt\(Myargc,Myargv,"/ { sub(/vm:/, "vhm:") }
        /case .v.:/ && seen++ == 1 {
            print "      case '\''h'\'':"
            print "        printusage(stdout);"
            print "        exit(0);"
        }
        { print }' figlet.c >figlet.c.new
    mv figlet.c.new figlet.c
    awk '{ print } /^run_test 026/ { print "run_test 027 \"usage\" \"$CMD -h\"" }' run-tests.sh >run-tests.new
    cat run-tests.new >run-tests.sh
    rm run-tests.new
fi
if grep -q 'test 027.*fail' "$SIGNALBOX_ERRORS_FILE"; then
    echo "agent: test 027 has no expected output yet"
    sed -n '/^void printusage/,/^}/s/^ *"\(.*\)\\n",*)*;*$/\1/p' figlet.c |
        sed 's/%s/figlet/' >tests/res027.txt
    cat tests/res027.txt
fi
END
chmod +x "$dir/agent"
cat >"$dir/figlet.yaml" <<END
name: figlet
base: trunk
agent:
  command: [$dir/agent]
setup:
  - make all
validate:
  - {name: figlet's own tests, command: make check, timeout: 5m}
merge: {mode: auto, method: squash}
limits: {iterations: 3, coding: 2m, validation: 10m}
END

box() {
    local command=$1
    shift
    "$program" "$command" --store "$dir/signalbox.db" "$@" </dev/null
}
box check "$dir/figlet.yaml" >"$dir/out" 2>&1
ok "the pipeline is sound"

"$program" serve --store "$dir/signalbox.db" >"$dir/serve.log" 2>&1 </dev/null &
engine=$!
timeout 200 "$program" submit --store "$dir/signalbox.db" --pipeline "$dir/figlet.yaml" --repo "$repo" \
    --task "figlet -h: print the usage on standard output and end well; with a test" --wait \
    >"$dir/out" 2>&1 </dev/null
ok "submit --wait ends well"
box show wf-1 --json >"$dir/show" 2>&1
grep -q '"state":"COMPLETED"' "$dir/show"
ok "the workflow is completed"
grep -q '"iteration":2' "$dir/show" && grep -q '"status":"failed"' "$dir/show"
ok "figlet's own tests sent the first attempt back"
[ "$(git -C "$repo" rev-list --count "$before..trunk")" -eq 1 ]
ok "trunk has one commit more"
git -C "$repo" archive trunk | { mkdir "$dir/merged" && tar -x -C "$dir/merged"; }
make -s -C "$dir/merged" all >"$dir/log" 2>&1 && make -s -C "$dir/merged" check >>"$dir/log" 2>&1 &&
    grep -q 'test 027.*pass' "$dir/log"
ok "what was merged builds and passes all its tests"
"$dir/merged/figlet" -h | grep -q '^Usage: figlet'
ok "figlet -h prints the usage"
git -C "$repo" diff --stat "$before" trunk | sed 's/^/# /'
done_testing
