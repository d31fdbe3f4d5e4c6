/* SPDX-License-Identifier: MIT */
#include "tests/lib/flow.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/mem.h"

struct lab flow_lab;

int flow_set_up(void **state)
{
    (void)state;
    lab_open(&flow_lab);
    return 0;
}

int flow_tear_down(void **state)
{
    (void)state;
    lab_close(&flow_lab);
    return 0;
}

void flow_init(struct flow *flow, int64_t id)
{
    *flow = (struct flow){.id = id, .base = "main", .task = "Add a thing\n"};
    flow->branch = mem_str("");
    flow->base_sha = mem_str("");
    flow->head_sha = mem_str("");
    flow->merge_sha = mem_str("");
    flow->title = mem_str("Add a thing");
}

void flow_fini(struct flow *flow)
{
    free(flow->branch);
    free(flow->base_sha);
    free(flow->head_sha);
    free(flow->merge_sha);
    free(flow->title);
}

static void learn(char **field, const char *text)
{
    if (text != NULL) {
        lab_set(field, text);
    }
}

struct order *flow_order(struct flow *flow, enum effect_kind kind)
{
    struct order *order = lab_order(&flow_lab, flow->id, ++flow->seq, kind);
    lab_set(&order->branch, flow->branch);
    lab_set(&order->base_sha, flow->base_sha);
    lab_set(&order->head_sha, flow->head_sha);
    lab_set(&order->merge_sha, flow->merge_sha);
    lab_set(&order->title, flow->title);
    lab_set(&order->base, flow->base);
    order->pr_number = flow->pr_number;
    order->method = flow->method;
    lab_file(order, "task.md", flow->task);
    return order;
}

static void flow_learn(struct flow *flow, const struct effect_result *result)
{
    learn(&flow->branch, result->branch);
    learn(&flow->base_sha, result->base_sha);
    learn(&flow->head_sha, result->head_sha);
    learn(&flow->merge_sha, result->merge_sha);
    if (result->pr_number > 0) {
        flow->pr_number = result->pr_number;
    }
}

/* Perform one effect; the result is the caller's. */
struct effect_result *flow_step(struct flow *flow, enum effect_kind kind)
{
    struct order *order = flow_order(flow, kind);
    struct effect_result *result = lab_run(order);
    flow_learn(flow, result);
    order_free(order);
    return result;
}

void flow_check(const struct effect_result *result, enum effect_status status,
                enum blame blame)
{
    if (result->status != status || result->blame != blame) {
        fail_msg("%s/%s: %s\n%s", status_name(result->status), blame_word(result->blame),
                 result->summary, result->excerpt != NULL ? result->excerpt : "");
    }
}

void flow_pass(struct flow *flow, enum effect_kind kind)
{
    struct effect_result *result = flow_step(flow, kind);
    flow_check(result, STATUS_PASSED, BLAME_NONE);
    effect_result_free(result);
}

void flow_reject(struct flow *flow, enum effect_kind kind, enum effect_status status,
                 enum blame blame, const char *words)
{
    struct effect_result *result = flow_step(flow, kind);
    flow_check(result, status, blame);
    if (strstr(result->summary, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, result->summary);
    }
    effect_result_free(result);
}

void flow_edit(const struct flow *flow, const char *text)
{
    AUTO_FREE char *tree =
        mem_printf("%s/wf-%lld/tree", flow_lab.work, (long long)flow->id);
    free(lab_sh(&flow_lab, tree, text));
}

void flow_sh(const char *text, const char *want)
{
    AUTO_FREE char *out = lab_sh(&flow_lab, flow_lab.repo, text);
    assert_string_equal(out, want);
}

void flow_to_pull(struct flow *flow, int64_t id, const char *edits)
{
    flow_init(flow, id);
    flow_pass(flow, EFFECT_WORKSPACE);
    flow_edit(flow, edits);
    flow_pass(flow, EFFECT_COMMIT);
    flow_pass(flow, EFFECT_PULL_REQUEST);
}
