# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What every script of tests/e2e needs: a folder, an environment and a repository of its own, an
# engine, results in TAP, waits with a bound, and nothing left behind, however it ends.
#
#   set -u
#   # shellcheck source=tests/lib/e2e.sh
#   . "$(dirname "$0")/../lib/e2e.sh"
#   workplace approvals
#   start_engine
#   ok 'the engine runs'
#   gives 0 list && says wf-1
#   ok 'a list'
#   done_testing
#
# Sourcing defines functions and variables and does nothing else; the script may be called from
# any folder, and alone.
#
# Variables of the script to read:
#   here      the root of the source tree
#   program   signalbox (SIGNALBOX, or what was built), absolute
#   dir root  the folder of `workplace` and the working folder then. What is below root is removed
#             at the end (not with KEEP=1); dir may be moved to a folder below it
#   me        whom signalbox takes the caller for
#   n failures  tests so far; 1 when one of them failed
# and to set:
#   engine    the process of the engine, '' = none; ended at the end, of its own will within 30 s
#   helpers   array: other processes to kill at the end, at once
#   id        number of the workflow that has, is, becomes, waits_for are about (1)
#   prefix    comes before the name of each test ('')
#   patience  seconds that until_true waits at most (90)
#
# Functions that the script may define:
#   explain   prints what helps to understand a failure; each `not ok` is followed by its first 90
#             lines. Otherwise the files out and err, and the end of serve.log
#   at_end    comes first at the end: lets go whom the script holds (end_engine ends the engine, should
#             that come even earlier)
#
# Workplace:
#   workplace NAME [FOLDER...]  makes it and enters it; HOME, XDG_* and git's configuration lie below
#             it, with a name for commits and FOLDERs made. Before it nothing of the rest works
#   configure     standard input becomes the configuration, config/signalbox/signalbox.yaml
#   new_repository  repo, with one commit on main, a file `number`
#   on_main FILE  is it on the branch main of repo?
#   free_port     prints a port of 127.0.0.1 that nobody listens at
#   skip_without REASON PROGRAM...  ends the script as skipped when one of them is missing
#   skip_all REASON                 ends it as skipped
#
# Results:
#   ok NAME       after a command whose status counts
#   equals NAME GOT WANTED  a test of its own
#   skip NAME REASON        a test that cannot be made here
#   done_testing  the last line: prints the plan, exits with 0 when all were well, otherwise 1
#
# The program; none of its calls reads from standard input:
#   box ARGUMENT...           runs it
#   gives STATUS ARGUMENT...  runs it, with what it prints in the file out; true when it ends so
#   says TEXT...   each is in out;  lacks TEXT...  none is
#   until_true [SECONDS] COMMAND...  again and again until it is true; false when it is in vain
#   start_engine   and waits until it runs; what it prints is added to serve.log
#   stop_engine    asks it to end, and waits; the engine's exit status
#   kill_engine    by SIGKILL, and waits
#   is_running     does an engine run?
#   submit PIPELINE [TASK]      PIPELINE.yaml on repo (the task is its name); sets id
#   has TEXT [ID]  in what is known of the workflow, as JSON
#   is STATE [ID]  its state now;  becomes STATE [ID]  waits for it
#   waits_for WORDS [ID]        waits until a person is waited for with these words

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$(realpath -s "${SIGNALBOX:-$here/build/signalbox}")
dir='' root='' me=''
n=0 failures=0
# shellcheck disable=SC2034 # scripts set and read them
engine='' helpers=() id=1 prefix='' patience=90

# ---- workplace ---------------------------------------------------------------------------

workplace() {
    root=$(cd "$(mktemp -d "${TMPDIR:-/tmp}/signalbox-$1-XXXXXX")" && pwd -P) || exit 1
    shift
    trap leave_workplace EXIT
    dir=$root
    cd "$dir" || exit 1
    export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state XDG_DATA_HOME=$dir/data
    export LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1
    unset NOTIFY_SOCKET INVOCATION_ID TRACEPARENT GIT_CONFIG_GLOBAL SUDO_USER
    # Who logged in, else the user.
    # shellcheck disable=SC2034 # scripts read it
    me=$(id -un -- "$(cat /proc/self/loginuid)" 2>/dev/null || id -un)
    mkdir -p config/signalbox "$@"
    printf '[user]\n\tname = tester\n\temail = tester@example.org\n' >.gitconfig
}

# Processes that work below the folder: runners and agents that outlived a killed engine.
residents() { find /proc/[0-9]*/cwd -maxdepth 0 \( -lname "$root" -o -lname "$root/*" \) 2>/dev/null | tr -dc '0-9\n'; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }
is_empty() {
    local pid is_left=0
    while read -r pid; do
        kill -KILL "$pid" 2>/dev/null && is_left=1
    done < <(residents)
    [ $is_left -eq 0 ]
}
# Of its own will within 30 s. Called at the end; an at_end may need it earlier.
end_engine() {
    [ -n "$engine" ] || return 0
    kill -TERM "$engine" 2>/dev/null
    until_true 30 is_gone "$engine" || kill -KILL "$engine" 2>/dev/null
    engine=''
}
# shellcheck disable=SC2317 # the trap calls it
leave_workplace() {
    trap '' PIPE
    exec >/dev/null # who read it may be gone
    cd "$root" || :
    ! declare -F at_end >/dev/null || at_end
    cd / || :
    end_engine
    [ ${#helpers[@]} -eq 0 ] || kill -KILL "${helpers[@]}" 2>/dev/null
    until_true 30 is_empty
    wait 2>/dev/null
    [ -n "${KEEP-}" ] || rm -rf "$root"
}

configure() { cat >"$dir/config/signalbox/signalbox.yaml"; }

new_repository() {
    git init -q -b main repo && echo 0 >repo/number && git -C repo add . && git -C repo commit -qm first
}
on_main() { git -C repo cat-file -e "main:$1" 2>/dev/null; }

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000)) # below those that the kernel gives away
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

skip_all() {
    echo "ok 1 - $(basename "$0" .sh) # SKIP $1"
    echo 1..1
    exit 0
}
skip_without() {
    local reason=$1 tool
    shift
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip_all "no $tool: $reason"
    done
}

# ---- results -----------------------------------------------------------------------------

# The defaults; a script may replace it.
explain() {
    head -n 40 "$dir/out" 2>/dev/null
    head -n 20 "$dir/err" 2>/dev/null
    tail -n 10 "$dir/serve.log" 2>/dev/null
}
ok() {
    local e2e_status=$?
    n=$((n + 1))
    if [ $e2e_status -eq 0 ]; then
        echo "ok $n - $prefix$1"
    else
        echo "not ok $n - $prefix$1"
        explain 2>&1 </dev/null | head -n 90 | tr -d '\000-\010\013-\037\177' | sed 's/^/# /'
        failures=1
    fi
}
equals() {
    [[ $2 == "$3" ]] || { echo "# $1: '$2', expected '$3'" && false; }
    ok "$1"
}
skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}
done_testing() {
    echo "1..$n"
    exit $failures
}

# ---- the program -------------------------------------------------------------------------

until_true() {
    local bound=$patience
    [[ $1 == *[!0-9]* ]] || { bound=$1 && shift; }
    local end=$((SECONDS + bound))
    until "$@"; do
        if [ $SECONDS -ge $end ]; then
            echo "# in vain for $bound s: $*"
            return 1
        fi
        sleep 0.02
    done
}

box() { "$program" "$@" </dev/null; }
gives() {
    local want=$1 got
    shift
    "$program" "$@" >"$dir/out" 2>&1 </dev/null
    got=$?
    [ $got -eq "$want" ] && return 0
    printf '# %s: status %s, expected %s: %s\n' "$*" $got "$want" "$(head -n 3 "$dir/out" | tr '\n' '|')"
    return 1
}
says() {
    local text
    for text in "$@"; do
        grep -qF -- "$text" "$dir/out" && continue
        printf '# missing: %s\n' "$text"
        return 1
    done
}
lacks() {
    local text
    for text in "$@"; do
        ! grep -qF -- "$text" "$dir/out" && continue
        printf '# unexpected: %s\n' "$text"
        return 1
    done
}

is_running() { box status --json 2>/dev/null | grep -q '"is_running":true'; }
start_engine() {
    "$program" serve --quiet >>"$dir/serve.log" 2>&1 </dev/null &
    engine=$!
    until_true is_running
}
stop_engine() {
    local pid=$engine
    engine=''
    kill -TERM "$pid" && wait "$pid" 2>/dev/null
}
kill_engine() {
    local pid=$engine
    engine=''
    kill -KILL "$pid" && { wait "$pid" 2>/dev/null || true; }
}

submit() {
    id=$(box submit --pipeline "./$1.yaml" --repo repo --task "${2:-$1}" | sed -n '1s/^wf-//p')
    [ -n "$id" ]
}
has() { box show "${2:-$id}" --json 2>/dev/null | grep -qF -- "$1"; }
is() { box show "${2:-$id}" --json 2>/dev/null | grep -q "^{\"id\":[0-9]*,\"state\":\"$1\""; }
becomes() { until_true is "$@"; }
waits_for() { until_true has "\"waits_for\":\"$1\",\"needs_human\":true" "${2-}"; }
