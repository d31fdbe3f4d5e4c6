/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LAB_H
#define SIGNALBOX_TESTS_LAB_H

/*
 * Lab: a real git repository, a work folder and real runners in a temporary folder whose
 * path has a space, a quote and a letter outside of ASCII.
 */

#include <sys/types.h>

#include "engine/service/order.h"

struct lab {
    char *root, *repo, *work, *logs, *home;
};

void lab_open(struct lab *lab); /* main: a.txt, b.txt; identity set in the repository */
void lab_close(struct lab *lab);

/* sh -c TEXT in the repository, must exit 0. Returns stdout without the last newline. */
NODISCARD char *lab_sh(const struct lab *lab, const char *folder, const char *text);
#define LAB_SH(lab, text) free(lab_sh(lab, (lab)->repo, text))

/* An order with defaults: workflow 1, on main, deadline in a minute. Fields may be
 * changed with lab_set. */
NODISCARD struct order *lab_order(const struct lab *lab, int64_t workflow, int64_t seq,
                                  enum effect_kind kind);
void lab_set(char **field, const char *text);
void lab_command(struct order *order, const char *shell_text); /* /bin/sh -c */
void lab_argv(struct order *order, const char *const *argv);
void lab_file(const struct order *order, const char *name, const char *text);

/* Write the order and run it in a child. Returns the answer; fails the test without one.
 */
NODISCARD struct effect_result *lab_run(const struct order *order);
/* Only start it; the pid of the runner. */
NODISCARD pid_t lab_start(const struct order *order);
NODISCARD struct effect_result *lab_answer(const struct order *order);

/* Wait until a shell command in folder exits 0, at most ten seconds. */
void lab_wait(const struct lab *lab, const char *folder, const char *text);
/* Content of a file of a folder, malloc'd; "" when it is missing. */
NODISCARD char *lab_read(const char *folder, const char *name);

#endif
