/* SPDX-License-Identifier: MIT */

/*
 * Whole effects: the ops of GitHub drive a workflow from its branch to the merge and back,
 * each of their calls through the validating proxy. Pauses are shortened.
 */
#include <poll.h>

#include "engine/base/mem.h"
#include "engine/service/op.h"
#include "tests/conformance/conform.h"

#define STEPS_MAX 400
#define PAUSE_MAX 50 /* ms that a pause takes here; ops are told that it was whole */

struct stage {
    struct ask *proxy, *fake;
    struct order order;
    struct service_spec service;
    struct wall now;
    char *branch, *head, *merge;
};

/* GraphQL is in no OpenAPI description, and Prism would follow the redirect of a log. */
static bool is_beside(const struct http_request *request)
{
    return request->is_foreign || strcmp(request->url, "/graphql") == 0 ||
           strstr(request->url, "/logs") != NULL;
}

static struct http_response *call(struct stage *stage, struct http_request *request,
                                  char why[WHY_MAX])
{
    bool is_judged = !is_beside(request);
    request->has_etag = false;
    struct http_response *response =
        ask_once(is_judged ? stage->proxy : stage->fake, request);
    if (is_judged && why[0] == '\0' && is_conformant(response, true, why)) {
        why[0] = '\0';
    }
    return response;
}

static struct effect_result *drive(struct stage *stage, const struct op_class *class,
                                   void *op, char why[WHY_MAX])
{
    struct rng rng = {1};
    struct op_step step = class->begin(op, stage->now, &rng);
    for (int i = 0; step.turn != OP_DONE; i++) {
        free(step.memo);
        free(step.keep);
        free(step.log);
        if (i == STEPS_MAX) {
            http_request_free(step.request);
            step = class->stop(op, stage->now, &rng);
        } else if (step.turn == OP_CALL) {
            struct http_response *response = call(stage, step.request, why);
            step = class->answer(op, response, stage->now, &rng);
            http_response_free(response);
        } else {
            stage->now = wall_add(stage->now, step.sleep);
            (void)poll(NULL, 0,
                       step.sleep.ms < PAUSE_MAX ? (int)step.sleep.ms : PAUSE_MAX);
            step = class->wake(op, NULL, stage->now, &rng);
        }
    }
    free(step.memo);
    free(step.keep);
    free(step.log);
    return step.result;
}

static void take(char **slot, char **field, char *value)
{
    if (value != NULL) {
        free(*slot);
        *slot = mem_str(value);
        *field = *slot;
    }
}

/* What the machine would do with the outcome. */
static void absorb(struct stage *stage, const struct effect_result *result)
{
    take(&stage->branch, &stage->order.branch, result->branch);
    take(&stage->head, &stage->order.head_sha, result->head_sha);
    take(&stage->merge, &stage->order.merge_sha, result->merge_sha);
    stage->order.pr_number =
        result->pr_number > 0 ? result->pr_number : stage->order.pr_number;
}

static void perform(struct stage *stage, enum effect_kind kind, enum effect_status status)
{
    char why[WHY_MAX] = "";
    struct err err = ERR_INIT;
    const struct op_class *class = op_find(SERVICE_GITHUB, kind);
    AUTO_FREE char *name = mem_printf("op %s", class->name);
    stage->order.kind = kind;
    stage->order.seq++;
    stage->order.asked_at = stage->now;
    const struct op_input input = {.order = &stage->order,
                                   .service = &stage->service,
                                   .task = "Make it faster.",
                                   .plan = "",
                                   .errors = "",
                                   .memo = "",
                                   .keep = ""};
    void *op = class->open(&input, &err);
    if (op == NULL) {
        report(false, name, err.msg);
        return;
    }
    struct effect_result *result = drive(stage, class, op, why);
    class->close(op);
    if (why[0] == '\0' && result->status != status) {
        (void)snprintf(why, sizeof(why), "%s: %s", status_name(result->status),
                       result->summary);
    }
    report(why[0] == '\0', name, why);
    printf("# %s\n", result->summary);
    absorb(stage, result);
    effect_result_free(result);
}

static void human(struct stage *stage, char *body)
{
    struct http_request *request =
        http_request_new("human", CALL_WRITE, HTTP_POST, mem_str("/_fake/human"));
    http_request_body(request, body, strlen(body));
    http_response_free(ask_once(stage->fake, request));
}

static char empty[] = "", base[] = "main", repo[] = "acme/payments", title[] = "Faster",
            name_of_service[] = "github_api", label[] = "signalbox";
static char *labels[] = {label};

static void begin(struct stage *stage, int64_t workflow, const char *url)
{
    free(stage->branch);
    free(stage->head);
    free(stage->merge);
    stage->branch = stage->head = stage->merge = NULL;
    stage->order = (struct order){
        .workflow = workflow,
        .iteration = 1,
        .attempt = 1,
        .name = empty,
        .repo = repo,
        .base = base,
        .title = title,
        .submitter = empty,
        .branch = empty,
        .base_sha = empty,
        .head_sha = empty,
        .merge_sha = empty,
        .method = METHOD_SQUASH,
        .forge = {.repository = repo, .labels = labels, .n_labels = 1}
    };
    char *copy = mem_str(url);
    free(stage->service.url);
    stage->service = (struct service_spec){
        .name = name_of_service, .kind = SERVICE_GITHUB, .url = copy, .hook = empty};
    perform(stage, EFFECT_WORKSPACE, STATUS_PASSED);
    human(stage, mem_printf("{\"action\":\"commit\",\"branch\":\"%s\",\"base\":\"main\","
                            "\"path\":\"wf-%lld.txt\",\"text\":\"new\\n\"}",
                            stage->order.branch, (long long)workflow));
    perform(stage, EFFECT_COMMIT, STATUS_PASSED);
    perform(stage, EFFECT_PULL_REQUEST, STATUS_PASSED);
}

void conform_ops(const char *url, const char *fake)
{
    struct stage stage = {
        .proxy = ask_open(url), .fake = ask_open(fake), .now = wall_now()};
    begin(&stage, 31, url);
    stage.order.iteration = 2;
    perform(&stage, EFFECT_PULL_REQUEST,
            STATUS_PASSED); /* its text is brought up to date */
    perform(&stage, EFFECT_FORGE_CHECKS, STATUS_PASSED);
    perform(&stage, EFFECT_MERGE, STATUS_PASSED);
    perform(&stage, EFFECT_MERGE, STATUS_PASSED); /* it sees that it was done */
    perform(&stage, EFFECT_REVERT, STATUS_PASSED);
    begin(&stage, 32, url);
    perform(&stage, EFFECT_CLOSE, STATUS_PASSED);
    perform(&stage, EFFECT_CLOSE, STATUS_PASSED);
    ask_close(stage.proxy);
    ask_close(stage.fake);
    free(stage.branch);
    free(stage.head);
    free(stage.merge);
    free(stage.service.url);
}
