/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FLOW_H
#define SIGNALBOX_TESTS_FLOW_H

/*
 * Flow: one workflow on a lab's repository, effect after effect, as the control center
 * would ask for them. Functions that check end the test when they fail.
 */

#include "tests/lib/lab.h"

/* What the control center knows of one workflow between its effects. */
struct flow {
    int64_t id, seq, pr_number;
    char *branch, *base_sha, *head_sha, *merge_sha, *title;
    enum merge_method method;
    const char *base, *task;
};

extern struct lab flow_lab;
/* For cmocka: a fresh lab, and its end. */
int flow_set_up(void **state);
int flow_tear_down(void **state);
#define FLOW_TEST(f) cmocka_unit_test_setup_teardown(f, flow_set_up, flow_tear_down)

void flow_init(struct flow *flow, int64_t id);
void flow_fini(struct flow *flow);
/* The next effect, with what is known by now; not run. */
NODISCARD struct order *flow_order(struct flow *flow, enum effect_kind kind);
/* Perform one effect and learn from it. */
NODISCARD struct effect_result *flow_step(struct flow *flow, enum effect_kind kind);
void flow_check(const struct effect_result *result, enum effect_status status,
                enum blame blame);
void flow_pass(struct flow *flow, enum effect_kind kind);
void flow_reject(struct flow *flow, enum effect_kind kind, enum effect_status status,
                 enum blame blame, const char *words);
/* Shell text in the workflow's tree. */
void flow_edit(const struct flow *flow, const char *text);
/* Shell text in the repository, and what it must print. */
void flow_sh(const char *text, const char *want);
/* Workspace, edits, commit, pull request. */
void flow_to_pull(struct flow *flow, int64_t id, const char *edits);

#endif
