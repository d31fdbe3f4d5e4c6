/* SPDX-License-Identifier: MIT */

/*
 * signalbox-run: the program behind a runner, started as `signalbox-run __run FOLDER`.
 *
 * It is linked apart from signalbox because it is started for every effect: the libraries of
 * the network side cost 3 ms and 6 MB at each start and are of no use here. Nothing else is
 * different from `signalbox __run`, which stands in where this program is not installed.
 * `__hold FOLDER` keeps the bridge of a sandbox alive between runners (engine/io/holder.h).
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "engine/io/holder.h"
#include "engine/io/runner.h"

int main(int argc, char *argv[])
{
    if (argc == 3 && strcmp(argv[1], "__hold") == 0) {
        return holder_main(argv[2]);
    }
    if (argc != 3 || strcmp(argv[1], "__run") != 0) {
        (void)fputs("signalbox-run: started by the engine of signalbox, not by people\n",
                    stderr);
        return 2;
    }
    /* It was started through a descriptor, whose number would be its name in ps and top. */
    (void)prctl(PR_SET_NAME, "signalbox-run");
    return runner_main(argv[2]);
}
