/* SPDX-License-Identifier: MIT */

/*
 * Answers of GitHub's. First byte 'p': the rest is a body, given to every parser. Else it
 * chooses an op, and the rest is what it is told, one line after the other:
 *   STATUS BODY      an answer (a fault when STATUS is below 100)
 *   @LOCATION        a redirect
 * A sleep is over at once.
 */
#include "engine/base/mem.h"
#include "engine/service/github.h"
#include "engine/service/github_answer.h"
#include "engine/service/github_link.h"
#include "tests/fuzz/fuzz.h"

/* ---- parsers -------------------------------------------------------------------------- */

static void check_pull(const struct http_response *response)
{
    struct github_pull pull;
    if (github_pull_read(response, &pull)) {
        MUST(pull.number > 0 && pull.head_sha[0] != '\0');
        MUST(is_harmless(pull.title) && is_harmless(pull.head_ref));
        MUST(is_harmless(pull.mark) && pull.reverts >= 0);
        MUST(pull.is_merged || pull.merge_sha[0] == '\0');
        github_pull_fini(&pull);
    }
    struct github_pulls pulls;
    if (github_pulls_read(response, &pulls)) {
        MUST(pulls.n <= GITHUB_LIST_MAX);
        github_pulls_fini(&pulls);
    }
}

static void check_checks(const struct http_response *response)
{
    struct github_checks checks = {.n = 0};
    (void)github_checks_add_runs(&checks, response);
    (void)github_checks_add_statuses(&checks, response);
    for (size_t i = 0; i < checks.n; i++) {
        MUST(is_harmless(checks.rows[i].name) && is_harmless(checks.rows[i].title));
        MUST(checks.rows[i].job >= 0 || checks.rows[i].id < 0);
    }
    AUTO_FREE char *text = github_gate_text(&checks, NULL, 0);
    MUST(is_harmless(text));
    enum github_gate gate = github_gate(&checks, NULL, 0);
    MUST((checks.n == 0) == (gate == CHECKS_NONE));
    github_checks_fini(&checks);
}

static void check_lists(const struct http_response *response)
{
    struct github_runs runs;
    struct github_suites suites;
    struct github_deliveries deliveries = {.n = 0};
    if (github_runs_read(response, &runs)) {
        github_runs_fini(&runs);
    }
    if (github_suites_read(response, &suites)) {
        github_suites_fini(&suites);
    }
    (void)github_deliveries_add(&deliveries, response);
    github_deliveries_fini(&deliveries);
}

static void check_git(const struct http_response *response)
{
    struct github_repo repo;
    struct github_merge merge;
    struct github_commit commit;
    struct github_compare compare;
    struct github_reverted reverted;
    struct github_rate rate;
    char *sha = NULL;
    if (github_repo_read(response, &repo)) {
        github_repo_fini(&repo);
    }
    if (github_merge_read(response, &merge)) {
        MUST(merge.sha[0] != '\0');
        github_merge_fini(&merge);
    }
    if (github_commit_read(response, &commit)) {
        MUST(commit.tree[0] != '\0');
        github_commit_fini(&commit);
    }
    if (github_compare_read(response, &compare)) {
        MUST(compare.ahead >= 0);
        github_compare_fini(&compare);
    }
    (void)github_reverted_read(response, &reverted);
    github_reverted_fini(&reverted);
    (void)github_rate_read(response, &rate);
    if (github_sha_read(response, &sha)) {
        MUST(sha[0] != '\0' && is_harmless(sha));
        free(sha);
    }
}

static void check_texts(const struct http_response *response)
{
    char reason[GITHUB_REASON_MAX + 1];
    AUTO_FREE char *diff = github_diff_read(response, 4096);
    AUTO_FREE char *commits = github_commits_read(response, 4096);
    AUTO_FREE char *excerpt =
        github_log_excerpt(response->body, response->body_len, 2000);
    MUST(diff == NULL || strlen(diff) <= 4096);
    MUST(commits == NULL || strlen(commits) <= 4096);
    MUST(strlen(excerpt) <= 2000);
    for (char *at = excerpt; *at != '\0'; at++) {
        *at = *at == '\n' ? ' ' : *at;
    }
    MUST(is_harmless(excerpt));
    MUST(is_harmless(github_reason(response, reason)) && reason[0] != '\0');
    (void)github_says(response, "already exists");
    (void)github_has_comment(response, "wf-1");
    MUST(github_id_read(response) >= 0);
}

/* ---- ops ------------------------------------------------------------------------------ */

static const enum effect_kind kinds[] = {
    EFFECT_WORKSPACE, EFFECT_COMMIT, EFFECT_PULL_REQUEST, EFFECT_FORGE_CHECKS,
    EFFECT_MERGE,     EFFECT_REVERT, EFFECT_CLOSE,        EFFECT_NONE,
};

static char repository[] = "acme/pay", branch[] = "signalbox/wf-1", base[] = "main",
            head[] = "6dcb09b5b57875f334f61aebed695e2e4193db5e", title[] = "t",
            none[] = "", hook[] = "acme/pay#5", name[] = "github_api";

/* The line at `at`, as an answer; moves on. */
static struct http_response *next_answer(char **at)
{
    char *line = *at;
    size_t len = strcspn(line, "\n");
    *at += len + (line[len] == '\n');
    line[len] = '\0';
    if (line[0] == '@') {
        struct http_response *moved = http_response_new(HTTP_FINE, 302);
        http_response_header(moved, "location", 8, line + 1, len - 1);
        http_response_header(moved, "link", 4, line + 1, len - 1);
        return moved;
    }
    int status = 0;
    size_t digits = strspn(line, "0123456789");
    for (size_t i = 0; i < digits && i < 3; i++) {
        status = status * 10 + (line[i] - '0');
    }
    struct http_response *response =
        status < 100
            ? http_response_new((enum http_fault)(1 + status % (HTTP_FAULT_COUNT - 1)), 0)
            : http_response_new(HTTP_FINE, status);
    free(response->body);
    response->body = mem_str(line + digits + (line[digits] == ' '));
    response->body_len = strlen(response->body);
    return response;
}

static void check_request(const struct http_request *request)
{
    MUST(request->is_foreign
             ? strncmp(request->url, "http", 4) == 0 && request->class == CALL_READ
             : request->url[0] == '/');
    MUST(!request->is_foreign || request->n_headers == 0);
}

static void drive(const struct op_class *class, void *op, char *told)
{
    struct rng rng = {1};
    struct wall now = {1700000000000};
    struct op_step step = class->begin(op, now, &rng);
    for (int i = 0; i < 300; i++) {
        enum op_turn turn = step.turn;
        struct http_request *request = step.request;
        MUST((turn == OP_CALL) == (request != NULL));
        MUST((turn == OP_DONE) == (step.result != NULL));
        free(step.memo);
        free(step.keep);
        free(step.log);
        if (turn == OP_DONE) {
            MUST(step.result->status != STATUS_PENDING);
            MUST(is_harmless(step.result->summary));
            MUST(step.result->status != STATUS_DEFERRED || step.result->service != NULL);
            effect_result_free(step.result);
            return;
        }
        if (turn == OP_CALL) {
            check_request(request);
        } else {
            MUST(step.sleep.ms > 0);
            now = wall_add(now, step.sleep);
        }
        now.ms++;
        if (i >= 199 || *told == '\0') {
            step = class->stop(op, now, &rng);
        } else if (turn == OP_CALL) {
            struct http_response *response = next_answer(&told);
            step = class->answer(op, response, now, &rng);
            http_response_free(response);
        } else {
            step = class->wake(op, NULL, now, &rng);
        }
        http_request_free(request);
    }
    BUG("it was stopped and goes on");
}

static void play(uint8_t choice, char *told)
{
    struct err err = ERR_INIT;
    struct order order = {.workflow = 1,
                          .seq = 2,
                          .kind = kinds[choice % ARRAY_LEN(kinds)],
                          .iteration = 1 + choice % 2,
                          .pr_number = 7 * (choice / 16 % 2),
                          .asked_at = {1700000000000},
                          .repo = repository,
                          .base = base,
                          .title = title,
                          .branch = branch,
                          .head_sha = head,
                          .merge_sha = none,
                          .base_sha = none};
    order.forge.updates_branch = order.forge.is_draft = choice / 32 % 2 != 0;
    const struct service_spec service = {
        .name = name, .kind = SERVICE_GITHUB, .url = none, .hook = hook};
    const struct op_input input = {.order = &order,
                                   .service = &service,
                                   .task = "task",
                                   .plan = "",
                                   .errors = "",
                                   .memo = choice / 64 % 2 != 0 ? "{\"pull\":9}" : "",
                                   .keep = ""};
    const struct op_class *class = op_find(SERVICE_GITHUB, order.kind);
    void *op = class->open(&input, &err);
    if (op == NULL) {
        MUST(err.msg[0] != '\0');
        return;
    }
    drive(class, op, told);
    class->close(op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = mem_strn((const char *)data + 1, size - 1);
    if (data[0] != 'p') {
        play(data[0], text);
        free(text);
        return 0;
    }
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    free(response->body);
    response->body = text;
    response->body_len = size - 1;
    check_pull(response);
    check_checks(response);
    check_lists(response);
    check_git(response);
    check_texts(response);
    http_response_free(response);
    return 0;
}
