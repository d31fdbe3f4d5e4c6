/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_SCRIPT_H
#define SIGNALBOX_TESTS_LIB_SCRIPT_H

/*
 * Script: an op (engine/service/op.h) driven by a list of what must happen, line by line.
 *
 *   {"GET /repos/acme/pay/pulls/7", .status = 200, .body = "{...}"}   the call that the
 *                                     op must make next, and its answer
 *   {"POST /repos/acme/pay/pulls", .has = "\"draft\":true", .fault = HTTP_LOST}
 *   {"sleep"}                         it must sleep; the time passes
 *   {"hint", .event = &event}         it must sleep, and is told this
 *   {"crash"}                         the engine dies before the step is made; the op is
 *                                     opened again with the last memo
 *
 * script_run checks each line and gives the result; all lines must be used up.
 */

#include "engine/service/op.h"

struct script_line {
    const char *call;
    int status;
    const char *body, *has, *headers; /* headers: "name: value\n..." */
    enum http_fault fault;
    const struct forge_event *event;
};

struct script {
    struct order order;
    struct service_spec service;
    const char *task, *plan;
    struct wall now; /* moves on with each sleep */
    char memo[512];  /* the last one */
    char log[4096];
    bool is_reconciled;
    int64_t slept_ms;
    /* of the last call */
    bool was_foreign, had_etag;
};

/* An order of acme/pay: wf-12.3, base main, branch signalbox/wf-12, head SCRIPT_HEAD,
 * pull request 7; every text is there. */
#define SCRIPT_HEAD "6dcb09b5b57875f334f61aebed695e2e4193db5e"
void script_init(struct script *script, enum effect_kind kind);
/* The result of the op; effect_result_free. Fails the test when a line is not met. */
struct effect_result *script_run(struct script *script, const struct script_line *lines,
                                 size_t n);
#define SCRIPT(script, ...)                                                              \
    script_run((script), (const struct script_line[]){__VA_ARGS__},                      \
               sizeof((const struct script_line[]){__VA_ARGS__}) /                       \
                   sizeof(struct script_line))
/* Why the op cannot be opened; "" when it can. */
const char *script_refusal(struct script *script);

#endif
