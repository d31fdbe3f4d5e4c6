#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The tools that judge the others can say no: the test runner and the source checks, each fed
# with what it must find. TAP.

set -u
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
workplace tools
tools=$here/tests/tools

# expect "LAST LINE" STATUS NAME: one script of standard input under the runner.
expect() {
    local got code
    { echo '#!/bin/sh' && cat; } >program
    chmod +x program
    got=$(TEST_TIMEOUT=${limit-20} "$tools/run_tests" ./program 2>&1)
    code=$?
    [ "$(tail -n 1 <<<"$got")" = "$1" ] && [ $code -eq "$2" ]
    ok "runner: $3"
}
expect '2 passed, 0 failed' 0 'counts what passed' <<'END'
echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"
END
expect '1 passed, 1 failed' 1 'counts what failed' <<'END'
echo 1..2; echo "ok 1 - a"; echo "not ok 2 - b"; exit 1
END
expect '1 passed, 0 failed, 2 skipped' 0 'knows both ways to say skipped' <<'END'
echo 1..3; echo "ok 1 - a"; echo "not ok 2 # SKIP b"; echo "ok 3 - c # SKIP no terminal"
END
expect '0 passed, 1 failed' 1 'silence is a failure' </dev/null
expect '1 passed, 1 failed' 1 'a death is a failure' <<'END'
echo 1..1; echo "ok 1 - a"; kill -SEGV $$
END
expect '1 passed, 1 failed' 1 'an exit status is a failure' <<'END'
echo 1..1; echo "ok 1 - a"; exit 3
END
expect '1 passed, 1 failed' 1 'a plan that is not kept is a failure' <<'END'
echo 1..2; echo "ok 1 - a"
END
limit=1 expect '1 passed, 1 failed' 1 'no end is a failure' <<'END'
echo 1..2; echo "ok 1 - a"; exec sleep 100
END
[ "$("$tools/run_tests" ./missing 2>&1 | tail -n 1)" = '0 passed, 1 failed' ]
ok "runner: a missing program is a failure"

# What failed is said last, with no line of what passed.
cat >program <<'END'
#!/bin/sh
echo 1..2; echo "ok 1 - a"; echo "not ok 2 - b"; seq 200; exit 1
END
chmod +x program
got=$("$tools/run_tests" ./program | tail -n 4)
[ "$got" = $'==== failed:\nFAIL ./program\nnot ok 2 - b\n1 passed, 1 failed' ]
ok "runner: what failed is said again at the end"
got=$({ seq 50; echo '# not ok 7 - c'; seq 50; } | "$tools/failing" 9 1)
[ "$got" = $'50\n# not ok 7 - c\n1' ]
ok "failing: finds it in the log of a program inside"
[ "$(seq 50 | "$tools/failing" 3)" = $'48\n49\n50' ]
ok "failing: the end of a log that names no failure"

# source LAYER-TOOL WORDS NAME: the tool must fail and say WORDS about the files given.
finds() {
    local tool=$1 words=$2 name=$3 got
    shift 3
    got=$("$tools/$tool" "$@" 2>&1) && got="passed: $got"
    [[ $got != passed:* && $got == *"$words"* ]]
    ok "$tool: $name"
}
mkdir -p tui store engine/base engine/io
spdx='/* SPDX-License-Identifier: MIT */'
printf '%s\n' "$spdx" '#include "engine/io/process.h"' >tui/a.c
finds check_layers 'tui may not include' 'tui looks into the engine' tui/a.c
printf '%s\n' "$spdx" '#include "tui/a.h"' >engine/io/b.c
finds check_layers 'engine may not include' 'engine looks up' engine/io/b.c
printf '%s\n' "$spdx" '#include "store/store.h"' >engine/base/c.c
finds check_layers 'engine/base may not include' 'base knows the store' engine/base/c.c
printf '%s\n' "$spdx" '#include <sqlite3.h>' >engine/io/d.c
finds check_layers 'only store uses sqlite3' 'a second user of a library' engine/io/d.c
printf '%s\n' "$spdx" '#include <sqlite3.h>' >store/e.h
printf '%s\n' "$spdx" '#include "store/e.h"' >engine/io/e.c
finds check_layers 'shows sqlite3 types' 'a library in a public header' store/e.h engine/io/e.c
printf '%s\n' "$spdx" '#include "store/g.h"' >store/f.h
printf '%s\n' "$spdx" '#include "store/f.h"' >store/g.h
finds check_layers 'in a circle' 'headers in a circle' store/f.h store/g.h
printf '%s\n' "$spdx" '#include "engine/base/err.h"' >store/h.c
"$tools/check_layers" store/h.c >/dev/null
ok "check_layers: lets pass what points down"

echo 'int a;' >tui/b.c
finds check_source 'no SPDX line' 'licence' tui/b.c
{ echo "$spdx" && yes 'int a;' | head -n 751; } >tui/c.c
finds check_source 'split by noun' 'length' tui/c.c
printf '%s\n' "$spdx" 'int a;' >tui/d.h
finds check_source 'no include guard' 'guard' tui/d.h
printf '%s\n' "$spdx" '/* TO''DO later */' >tui/e.c
finds check_source 'later' 'a note without an issue' tui/e.c
printf '%s\n' "$spdx" 'int a; ' >tui/f.c
finds check_source 'int a' 'blanks at the end of a line' tui/f.c

done_testing
