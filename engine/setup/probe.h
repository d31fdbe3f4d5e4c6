/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SETUP_PROBE_H
#define SIGNALBOX_SETUP_PROBE_H

/*
 * Probe: what engine/setup/setup.h looks for, one table row for each tool that it knows.
 *
 * Ownership: plain struct; probe_fini frees what it holds. Threads: any.
 */

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/setup/setup.h"

/* A way to test a repository. */
struct probe_test {
    const char *file;    /* whose presence says so */
    const char *setup;   /* command before it, NULL = none */
    const char *command; /* that tests */
};

/* An agent that takes its task from standard input. */
struct probe_agent {
    const char *program, *command;
};

struct probe {
    char *top;    /* of the work tree, NULL = no repository */
    char *branch; /* that is checked out, else "main" */
    char *github; /* owner/name, NULL = none */
    const struct probe_test *test;
    const struct probe_agent *agent;
    const char
        *token_variable; /* name of a variable that holds a GitHub token, or NULL */
    bool has_gh;         /* gh is there and logged in */
    struct buf others;   /* names of variables of other services, ", " between */
};

void probe_look(struct probe *probe, const struct setup_world *world, const char *folder);
void probe_fini(struct probe *probe);

#endif
