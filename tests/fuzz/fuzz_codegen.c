/* SPDX-License-Identifier: MIT */

/* Answers of the Codegen API, any bytes. Input: its first byte says what is asked, the rest
 * is the body; 'o' plays a whole effect: each line of the input is one answer (its first
 * three bytes are the status), the op must end or go on, and never call without a name. */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/codegen.h"
#include "engine/service/codegen_op.h"
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 200

static char empty[] = "", organization[] = "42", name[] = "codegen_api",
            repository[] = "acme/payments", branch[] = "signalbox/wf-1", base[] = "main";

/* Lines of it are harmless each. */
static void check_lines(const char *text)
{
    AUTO_FREE char *copy = mem_str(text);
    for (char *at = copy, *end; *at != '\0'; at = end) {
        end = strchrnul(at, '\n');
        if (*end == '\n') {
            *end++ = '\0';
        }
        MUST(is_harmless(at));
    }
}

static void check_run(const struct codegen_run *run)
{
    MUST(run->id > 0);
    MUST(is_harmless(run->status) && is_harmless(run->web_url) && is_harmless(run->uid));
    check_lines(run->result);
    check_lines(run->summary);
    for (size_t i = 0; i < run->n_pulls; i++) {
        const struct codegen_pull *pull = &run->pulls[i];
        MUST(is_harmless(pull->title) && is_harmless(pull->url));
        MUST(is_harmless(pull->branch) && pull->branch[0] != '-');
        MUST(strpbrk(pull->branch, " ~^:?*[\\") == NULL);
        MUST(pull->number >= 0);
    }
}

static struct http_response *response_of(int status, const char *body, size_t len)
{
    struct http_response *response = http_response_new(HTTP_FINE, status);
    free(response->body);
    response->body = mem_strn(body, len);
    response->body_len = len;
    return response;
}

static void check_memo(const char *memo)
{
    struct err err = ERR_INIT;
    if (memo != NULL) {
        struct json *root = json_parse(memo, strlen(memo), &err);
        MUST(json_is_an_object(root));
        json_free(root);
    }
}

/* Frees what the step holds. True when it was the last one. */
static bool take(struct op_step *step)
{
    bool is_done = step->turn == OP_DONE;
    check_memo(step->memo);
    check_memo(step->keep);
    if (step->log != NULL) {
        check_lines(step->log);
    }
    if (step->turn == OP_CALL) {
        MUST(step->request != NULL && step->request->url[0] == '/');
        MUST(step->request->name[0] != '\0' && step->request->workflow == 1);
    }
    if (step->turn == OP_SLEEP) {
        MUST(step->sleep.ms >= 0 && step->sleep.ms <= 600000);
    }
    if (is_done) {
        MUST(step->result != NULL && step->result->status != STATUS_PENDING);
        MUST(is_harmless(step->result->summary));
        MUST(step->result->pr_number >= 0);
    }
    http_request_free(step->request);
    effect_result_free(step->result);
    free(step->memo);
    free(step->keep);
    free(step->log);
    return is_done;
}

static void play(const char *text, size_t len)
{
    static const struct service_spec service = {.name = name,
                                                .kind = SERVICE_CODEGEN,
                                                .url = empty,
                                                .organization = organization,
                                                .model = empty,
                                                .agent_type = empty};
    const struct order order = {.workflow = 1,
                                .seq = 2,
                                .kind = EFFECT_CODE,
                                .iteration = 1,
                                .attempt = 1,
                                .title = empty,
                                .name = name,
                                .branch = branch,
                                .base = base,
                                .forge = {.repository = repository}};
    const struct op_class *class = op_find(SERVICE_CODEGEN, EFFECT_CODE);
    struct wall now = {1750000000000};
    struct rng rng = {1};
    struct err err = ERR_INIT;
    /* the first two lines are memo and keep */
    char *part[2] = {NULL, NULL};
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        const char *end = memchr(text, '\n', len);
        size_t n = end != NULL ? (size_t)(end - text) : len;
        part[i] = mem_strn(text, n);
        text += n < len ? n + 1 : n;
        len -= n < len ? n + 1 : n;
    }
    const struct op_input input = {.order = &order,
                                   .service = &service,
                                   .task = "task",
                                   .plan = "plan",
                                   .errors = "errors",
                                   .memo = part[0],
                                   .keep = part[1]};
    void *op = class->open(&input, &err);
    MUST(op != NULL);
    struct op_step step = class->begin(op, now, &rng);
    for (int i = 0; i < STEPS_MAX && step.turn != OP_DONE; i++) {
        enum op_turn turn = step.turn;
        now.ms += turn == OP_SLEEP ? step.sleep.ms : 1000;
        (void)take(&step);
        if (turn == OP_SLEEP) {
            step =
                len == 0 ? class->stop(op, now, &rng) : class->wake(op, NULL, now, &rng);
            continue;
        }
        const char *end = memchr(text, '\n', len);
        size_t n = end != NULL ? (size_t)(end - text) : len;
        int status = 200;
        size_t skip = 0;
        if (n >= 3 && text[0] >= '2' && text[0] <= '5') {
            status = (text[0] - '0') * 100 + (text[2] & 31);
            skip = 3;
        }
        struct http_response *response = response_of(status, text + skip, n - skip);
        step = class->answer(op, response, now, &rng);
        http_response_free(response);
        text += n < len ? n + 1 : n;
        len -= n < len ? n + 1 : n;
    }
    (void)take(&step);
    class->close(op);
    free(part[0]);
    free(part[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    const char *body = (const char *)data + 1;
    size_t len = size > 0 ? size - 1 : 0;
    struct codegen_run run;
    struct codegen_runs runs;
    struct codegen_logs logs;
    struct codegen_repos repos;
    char *text;
    switch (size > 0 ? data[0] : 0) {
    case 'r':
        if (codegen_run_parse(body, len, &run, &err)) {
            check_run(&run);
            codegen_run_fini(&run);
        } else {
            MUST(err.code == ERR_PROTOCOL && err.msg[0] != '\0');
        }
        break;
    case 'p':
        if (codegen_runs_parse(body, len, &runs, &err)) {
            MUST((int64_t)runs.n <= runs.n_items);
            for (size_t i = 0; i < runs.n; i++) {
                check_run(&runs.list[i]);
            }
            codegen_runs_fini(&runs);
        }
        break;
    case 'l':
        if (codegen_logs_parse(body, len, &logs, &err)) {
            check_lines(logs.text);
            MUST(is_harmless(logs.failure));
            codegen_logs_fini(&logs);
        }
        break;
    case 'c': {
        struct http_response *response = response_of(422, body, len);
        text = codegen_complaint(response);
        MUST(is_harmless(text) && text[0] != '\0');
        free(text);
        http_response_free(response);
        break;
    }
    case 'm':
        if (codegen_me_parse(body, len, &text, &err)) {
            MUST(is_harmless(text));
            free(text);
        }
        break;
    case 'o':
        play(body, len);
        break;
    default:
        if (codegen_repos_parse(body, len, "acme/payments", &repos, &err)) {
            MUST(repos.found >= 0 && repos.n_items >= 0);
        }
        break;
    }
    return 0;
}
