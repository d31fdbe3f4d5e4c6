/* SPDX-License-Identifier: MIT */

/* The Codegen op against scripted answers: what it calls, what it remembers, how it ends. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/codegen_op.h"

#define START 1750000000000 /* ms */

static char empty[] = "", organization[] = "42", name[] = "codegen_api",
            repository[] = "acme/payments", branch[] = "signalbox/wf-12", base[] = "main",
            title[] = "Pay in euros", step_name[] = "agent";

static const struct service_spec service = {.name = name,
                                            .kind = SERVICE_CODEGEN,
                                            .url = empty,
                                            .organization = organization,
                                            .model = empty,
                                            .agent_type = empty};

/* An op and where it stands. */
struct talk {
    const struct op_class *class;
    void *op;
    struct order order;
    struct op_input input;
    struct wall now;
    struct rng rng;
    struct op_step step;
    char *memo, *keep; /* the newest of each */
    char *log;         /* all of it */
};

static void note(struct talk *talk)
{
    if (talk->step.memo != NULL) {
        free(talk->memo);
        talk->memo = TAKE(talk->step.memo);
    }
    if (talk->step.keep != NULL) {
        free(talk->keep);
        talk->keep = TAKE(talk->step.keep);
    }
    if (talk->step.log != NULL) {
        char *all = mem_printf("%s%s", talk->log, talk->step.log);
        free(talk->log);
        free(TAKE(talk->step.log));
        talk->log = all;
    }
}

static void drop(struct talk *talk)
{
    http_request_free(talk->step.request);
    effect_result_free(talk->step.result);
    talk->step = (struct op_step){0};
}

static void talk_begin(struct talk *talk)
{
    struct err err = ERR_INIT;
    talk->input.order = &talk->order;
    talk->input.memo = talk->memo;
    talk->input.keep = talk->keep;
    talk->op = talk->class->open(&talk->input, &err);
    assert_non_null(talk->op);
    talk->step = talk->class->begin(talk->op, talk->now, &talk->rng);
    note(talk);
}

static void talk_init(struct talk *talk)
{
    *talk = (struct talk){
        .class = op_find(SERVICE_CODEGEN, EFFECT_CODE),
        .order = {.workflow = 12,
                  .seq = 3,
                  .kind = EFFECT_CODE,
                  .iteration = 1,
                  .attempt = 1,
                  .name = step_name,
                  .title = title,
                  .branch = branch,
                  .base = base,
                  .forge = {.repository = repository}},
        .input = {.service = &service,
                  .task = "Pay in euros, too",
                  .plan = "",
                  .errors = ""},
        .now = {START       },
        .memo = mem_str(""),
        .keep = mem_str(""),
        .log = mem_str(""),
    };
    rng_init(&talk->rng, 1);
}

static void talk_end(struct talk *talk)
{
    talk->class->close(talk->op);
    drop(talk);
    free(talk->memo);
    free(talk->keep);
    free(talk->log);
}

/* The engine dies and another one goes on. */
static void die(struct talk *talk)
{
    talk->class->close(talk->op);
    drop(talk);
    talk->now.ms += 5000;
    talk_begin(talk);
}

static void want_call(const struct talk *talk, const char *call)
{
    if (talk->step.turn != OP_CALL) {
        fail_msg("no call of %s: turn %d, %s", call, (int)talk->step.turn,
                 talk->step.result != NULL ? talk->step.result->summary : "");
    }
    assert_string_equal(talk->step.request->name, call);
    assert_int_equal(talk->step.request->workflow, 12);
}

static void fault(struct talk *talk, const char *call, enum http_fault fault, int status,
                  const char *body)
{
    want_call(talk, call);
    drop(talk);
    struct http_response *response = http_response_new(fault, status);
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    talk->now.ms += 100;
    talk->step = talk->class->answer(talk->op, response, talk->now, &talk->rng);
    http_response_free(response);
    note(talk);
}

static void reply(struct talk *talk, const char *call, int status, const char *body)
{
    fault(talk, call, HTTP_FINE, status, body);
}

/* Sleeps, within these bounds, and wakes. */
static void nap(struct talk *talk, int64_t min, int64_t max)
{
    assert_int_equal(talk->step.turn, OP_SLEEP);
    assert_in_range(talk->step.sleep.ms, min, max);
    talk->now.ms += talk->step.sleep.ms;
    drop(talk);
    talk->step = talk->class->wake(talk->op, NULL, talk->now, &talk->rng);
    note(talk);
}

static void stop(struct talk *talk)
{
    drop(talk);
    talk->step = talk->class->stop(talk->op, talk->now, &talk->rng);
    note(talk);
}

static void want_end(const struct talk *talk, enum effect_status status, enum blame blame,
                     const char *words)
{
    assert_int_equal(talk->step.turn, OP_DONE);
    if (strstr(talk->step.result->summary, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, talk->step.result->summary);
    }
    assert_int_equal(talk->step.result->status, status);
    assert_int_equal(talk->step.result->blame, blame);
}

static void want_json(const char *text, const char *key, int64_t want)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &err);
    assert_non_null(root);
    assert_int_equal(json_int(root, key, json_bool(root, key, false)), want);
    json_free(root);
}

/* The unique id that the memo holds; malloc'd. */
static char *uid_of(const struct talk *talk)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(talk->memo, strlen(talk->memo), &err);
    char *uid = mem_str(json_str(root, "uid", ""));
    json_free(root);
    assert_true(strncmp(uid, "wf-12.3-", 8) == 0);
    return uid;
}

#define REPOS       "{\"items\":[{\"id\":5,\"full_name\":\"acme/payments\"}],\"total\":1}"
#define NONE        "{\"items\":[],\"total\":0,\"page\":1,\"size\":100,\"pages\":0}"
#define RUN(status) "{\"id\":77,\"organization_id\":42,\"status\":\"" status "\"}"
#define RUN_WITH_PULL(status)                                                            \
    "{\"id\":77,\"organization_id\":42,\"status\":\"" status                             \
    "\",\"summary\":\"Added euros.\\nMore.\",\"web_url\":\"https://codegen.com/r/77\","  \
    "\"github_pull_requests\":[{\"id\":1,\"url\":\"https://github.com/acme/payments/"    \
    "pull/"                                                                              \
    "45\",\"head_branch_name\":\"signalbox/wf-12\"}]}"
#define LOG(n, total)                                                                    \
    "{\"logs\":[{\"agent_run_id\":77,\"message_type\":\"" n "\"}],\"total_logs\":" total \
    "}"
#define NO_LOGS "{\"logs\":[],\"total_logs\":0}"

/* Up to a run that was polled once. */
static void to_run(struct talk *talk)
{
    talk_init(talk);
    talk_begin(talk);
    reply(talk, "repos.list", 200, REPOS);
    reply(talk, "runs.create", 200, RUN("ACTIVE"));
    nap(talk, 2000, 2000);
    reply(talk, "runs.get", 200, RUN("ACTIVE"));
    reply(talk, "runs.logs", 200, NO_LOGS);
    nap(talk, 1000, 4000);
}

static void test_from_task_to_pull_request(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    assert_string_equal(talk.memo, "");
    reply(&talk, "repos.list", 200, REPOS);
    want_call(&talk, "runs.create"); /* and the memo is there before it is made */
    AUTO_FREE char *uid = uid_of(&talk);
    assert_non_null(strstr(talk.step.request->body, uid));
    assert_non_null(strstr(talk.step.request->body, "Pay in euros, too"));
    assert_non_null(strstr(talk.step.request->body, "signalbox/wf-12"));
    assert_non_null(strstr(talk.step.request->body, "\"repo_id\":5"));
    want_json(talk.memo, "run", 0);
    reply(&talk, "runs.create", 200, RUN("ACTIVE"));
    want_json(talk.memo, "run", 77);
    want_json(talk.keep, "run", 77);
    want_json(talk.keep, "open", true);
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.get", 200, RUN("running"));
    reply(&talk, "runs.logs", 200, LOG("ACTION", "2"));
    reply(&talk, "runs.logs", 200, LOG("PLAN_EVALUATION", "2"));
    want_json(talk.memo, "logs", 2);
    nap(&talk, 2000, 2200);
    reply(&talk, "runs.get", 200, RUN("SOMETHING_NEW"));
    nap(&talk, 3000, 3300); /* logs are not read each time */
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("COMPLETE"));
    reply(&talk, "runs.logs", 200, LOG("FINAL_ANSWER", "3"));
    want_end(&talk, STATUS_PASSED, BLAME_NONE, "run 77, pull request #45: Added euros.");
    assert_string_equal(talk.step.result->branch, "signalbox/wf-12");
    assert_int_equal(talk.step.result->pr_number, 45);
    want_json(talk.keep, "open", false);
    assert_string_equal(talk.log, "Codegen run 77 begun\n"
                                  "Codegen run 77: running\n"
                                  "ACTION\nPLAN_EVALUATION\n"
                                  "Codegen run 77: SOMETHING_NEW\n"
                                  "Codegen run 77: COMPLETE\nFINAL_ANSWER\n");
    talk_end(&talk);
}

static void test_pauses_grow(void **state)
{
    struct talk talk;
    int64_t last = 0;
    (void)state;
    to_run(&talk);
    for (int i = 0; i < 20; i++) {
        reply(&talk, "runs.get", 200, RUN("ACTIVE"));
        if (talk.step.turn == OP_CALL) {
            reply(&talk, "runs.logs", 200, NO_LOGS);
        }
        last = talk.step.sleep.ms;
        nap(&talk, 1000, 66000);
    }
    assert_true(last >= 60000);
    talk_end(&talk);
}

/* They grow to what is set, and follow it when that is changed while it runs. */
static void test_pauses_are_set(void **state)
{
    struct talk talk;
    struct span poll = {300000};
    (void)state;
    talk_init(&talk);
    talk.input.poll = &poll;
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    reply(&talk, "runs.create", 200, RUN("ACTIVE"));
    for (int i = 0; i < 40; i++) {
        int64_t last = talk.step.sleep.ms;
        assert_true(i < 18 || (last >= poll.ms && last <= poll.ms + poll.ms / 10));
        poll.ms = i == 20 ? 10000 : poll.ms;
        nap(&talk, 1000, 330000);
        reply(&talk, "runs.get", 200, RUN("ACTIVE"));
        if (talk.step.turn == OP_CALL) {
            reply(&talk, "runs.logs", 200, NO_LOGS);
        }
    }
    talk_end(&talk);
}

static void test_repository_on_a_later_page(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    assert_non_null(strstr(talk.step.request->url, "skip=0&"));
    reply(&talk, "repos.list", 200,
          "{\"items\":[{\"id\":1,\"full_name\":\"acme/a\"}],\"total\":2}");
    assert_non_null(strstr(talk.step.request->url, "skip=1&"));
    reply(&talk, "repos.list", 200,
          "{\"items\":[{\"id\":9,\"full_name\":\"ACME/Payments\"}],\"total\":2}");
    want_call(&talk, "runs.create");
    assert_non_null(strstr(talk.step.request->body, "\"repo_id\":9"));
    talk_end(&talk);
}

static void test_unknown_repository(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, NONE);
    want_end(&talk, STATUS_REFUSED, BLAME_SETUP, "does not know the repository acme/");
    talk_end(&talk);
}

/* The answer to a create is lost: the run is looked for by its id. */
static void test_lost_create_is_found(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    AUTO_FREE char *uid = uid_of(&talk);
    AUTO_FREE char *list = mem_printf(
        "{\"items\":[{\"id\":80,\"metadata\":{}},{\"id\":78,\"status\":\"active\","
        "\"metadata\":{\"signalbox_id\":\"%s\"}}],\"total\":2}",
        uid);
    fault(&talk, "runs.create", HTTP_LOST, 0, "");
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.list", 200, list);
    want_json(talk.memo, "run", 78);
    nap(&talk, 2000, 2000);
    want_call(&talk, "runs.get");
    assert_non_null(strstr(talk.step.request->url, "/run/78"));
    talk_end(&talk);
}

/* It is not there: looked for twice, then created under the same id. */
static void test_lost_create_is_repeated_after_two_looks(void **state)
{
    static const struct {
        enum http_fault fault;
        int status;
        const char *body;
    } cases[] = {
        {HTTP_TIMEOUT, 0,   ""      },
        {HTTP_FINE,    503, ""      },
        {HTTP_FINE,    200, "<html>"}
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk talk;
        talk_init(&talk);
        talk_begin(&talk);
        reply(&talk, "repos.list", 200, REPOS);
        AUTO_FREE char *uid = uid_of(&talk);
        fault(&talk, "runs.create", cases[i].fault, cases[i].status, cases[i].body);
        nap(&talk, 2000, 2000);
        reply(&talk, "runs.list", 200, NONE);
        nap(&talk, 10000, 10000);
        reply(&talk, "runs.list", 200, NONE);
        want_call(&talk, "runs.create");
        assert_non_null(strstr(talk.step.request->body, uid));
        talk_end(&talk);
    }
}

/* The engine dies between the memo and the answer. */
static void test_death_around_a_create(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    want_call(&talk, "runs.create");
    AUTO_FREE char *uid = uid_of(&talk);
    die(&talk);
    nap(&talk, 2000, 2000);
    AUTO_FREE char *list = mem_printf(
        "{\"items\":[{\"id\":78,\"metadata\":{\"signalbox_id\":\"%s\"}}],\"total\":1}",
        uid);
    reply(&talk, "runs.list", 200, list);
    die(&talk); /* now it knows which one */
    want_call(&talk, "runs.get");
    assert_non_null(strstr(talk.step.request->url, "/run/78"));
    reply(&talk, "runs.get", 200, RUN("ACTIVE"));
    reply(&talk, "runs.logs", 200, LOG("ACTION", "1"));
    die(&talk);
    reply(&talk, "runs.get", 200, RUN("ACTIVE"));
    assert_non_null(strstr(talk.step.request->url, "skip=1&")); /* no line twice */
    talk_end(&talk);
}

/* A list without metadata: runs of that time are asked one by one. */
static void test_look_without_metadata(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    AUTO_FREE char *uid = uid_of(&talk);
    fault(&talk, "runs.create", HTTP_LOST, 0, "");
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.list", 200,
          "{\"items\":[{\"id\":90},{\"id\":91,\"created_at\":\"2025-06-15 15:07:00.1\"},"
          "{\"id\":92,\"created_at\":\"2024-01-01 00:00:00.1\"}],\"total\":700}");
    assert_non_null(strstr(talk.step.request->url, "/run/91"));
    reply(&talk, "runs.get", 200, "{\"id\":91,\"metadata\":{\"signalbox_id\":\"x\"}}");
    assert_non_null(strstr(talk.step.request->url, "/run/90"));
    AUTO_FREE char *run =
        mem_printf("{\"id\":90,\"metadata\":{\"signalbox_id\":\"%s\"}}", uid);
    reply(&talk, "runs.get", 200, run);
    want_json(talk.memo, "run", 90);
    talk_end(&talk);
}

static void test_look_on_later_pages(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    fault(&talk, "runs.create", HTTP_LOST, 0, "");
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.list", 200,
          "{\"items\":[{\"id\":90,\"metadata\":{}}],\"total\":2}");
    assert_non_null(strstr(talk.step.request->url, "skip=1&"));
    reply(&talk, "runs.list", 200,
          "{\"items\":[{\"id\":80,\"metadata\":{}}],\"total\":2}");
    nap(&talk, 10000, 10000);
    talk_end(&talk);
}

static void test_nothing_begun_is_deferred(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    fault(&talk, "repos.list", HTTP_BLOCKED, 0, "");
    want_end(&talk, STATUS_DEFERRED, BLAME_SERVICE, "codegen_api");
    assert_string_equal(talk.step.result->service, "codegen_api");
    talk_end(&talk);
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    fault(&talk, "runs.create", HTTP_BLOCKED, 0, "");
    want_end(&talk, STATUS_DEFERRED, BLAME_SERVICE, "codegen_api");
    talk_end(&talk);
}

/* What runs outside is waited for, however long the service is away. */
static void test_a_run_outlasts_an_outage(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk);
    for (int i = 0; i < 100; i++) {
        fault(&talk, "runs.get", HTTP_BLOCKED, 0, "");
        nap(&talk, 1000, 60000);
    }
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("completed"));
    reply(&talk, "runs.logs", 200, NO_LOGS);
    want_end(&talk, STATUS_PASSED, BLAME_NONE, "#45");
    talk_end(&talk);
}

static void test_refusals(void **state)
{
    static const struct {
        int status;
        const char *body, *words;
        enum effect_status want;
        enum blame blame;
    } cases[] = {
        {402, "{\"message\":\"Please upgrade\"}",   "Please upgrade (402)", STATUS_FAILED,
         BLAME_OPERATOR                                                                                },
        {401, "{\"detail\":\"bad token\"}",         "bad token (401)",      STATUS_REFUSED,
         BLAME_OPERATOR                                                                                },
        {403, "{\"message\":\"no\"}",               "no (403)",             STATUS_REFUSED, BLAME_SETUP},
        {404, "{\"message\":\"no repos\"}",         "no repos (404)",       STATUS_REFUSED,
         BLAME_SETUP                                                                                   },
        {422, "{\"detail\":[{\"msg\":\"wrong\"}]}", "wrong (422)",          STATUS_REFUSED,
         BLAME_SETUP                                                                                   },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk talk;
        talk_init(&talk);
        talk_begin(&talk);
        reply(&talk, "repos.list", 200, REPOS);
        reply(&talk, "runs.create", cases[i].status, cases[i].body);
        want_end(&talk, cases[i].want, cases[i].blame, cases[i].words);
        talk_end(&talk);
    }
}

static void test_ends(void **state)
{
    static const struct {
        const char *status;
        int attempt;
        enum blame blame;
    } cases[] = {
        {"FAILED",    1, BLAME_WORLD   },
        {"error",     1, BLAME_WORLD   },
        {"FAILED",    2, BLAME_CHANGE  },
        {"CANCELLED", 1, BLAME_OPERATOR},
        {"stopped",   1, BLAME_OPERATOR},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk talk;
        talk_init(&talk);
        talk.order.attempt = cases[i].attempt;
        talk_begin(&talk);
        reply(&talk, "repos.list", 200, REPOS);
        reply(&talk, "runs.create", 200, RUN("ACTIVE"));
        nap(&talk, 2000, 2000);
        AUTO_FREE char *run =
            mem_printf("{\"id\":77,\"status\":\"%s\"}", cases[i].status);
        reply(&talk, "runs.get", 200, run);
        reply(&talk, "runs.logs", 200,
              "{\"logs\":[{\"message_type\":\"ERROR\",\"observation\":\"git said no\"}],"
              "\"total_logs\":1}");
        want_end(&talk, STATUS_FAILED, cases[i].blame, cases[i].status);
        assert_string_equal(talk.step.result->excerpt, "git said no");
        want_json(talk.keep, "open", false);
        talk_end(&talk);
    }
}

static void test_a_limit_is_passed_once(void **state)
{
    static const struct {
        const char *status;
        enum blame blame;
    } cases[] = {
        {"MAX_ITERATIONS_REACHED", BLAME_CHANGE  },
        {"TIMEOUT",                BLAME_CHANGE  },
        {"OUT_OF_TOKENS",          BLAME_OPERATOR}
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk talk;
        AUTO_FREE char *run =
            mem_printf("{\"id\":77,\"status\":\"%s\"}", cases[i].status);
        to_run(&talk);
        reply(&talk, "runs.get", 200, run);
        reply(&talk, "runs.logs", 200, NO_LOGS);
        want_call(&talk, "runs.resume");
        assert_non_null(strstr(talk.step.request->body, cases[i].status));
        want_json(talk.memo, "resumes", 1);
        reply(&talk, "runs.resume", 200, RUN("ACTIVE"));
        nap(&talk, 2000, 2000);
        reply(&talk, "runs.get", 200, run);
        reply(&talk, "runs.logs", 200, NO_LOGS);
        want_end(&talk, STATUS_FAILED, cases[i].blame, cases[i].status);
        talk_end(&talk);
    }
}

/* The second round of a workflow. */
static void to_second_round(struct talk *talk)
{
    talk_init(talk);
    talk->order.seq = 9;
    talk->order.iteration = 2;
    talk->order.pr_number = 45;
    talk->input.errors = "unit tests: 1 of 7 failed";
    free(talk->keep);
    talk->keep = mem_str("{\"service\":\"codegen_api\",\"repo\":5,\"run\":77,\"logs\":4,"
                         "\"pull\":45,\"iteration\":1,\"open\":false,\"banned\":false}");
    talk_begin(talk);
}

static void test_second_round_resumes(void **state)
{
    struct talk talk;
    (void)state;
    to_second_round(&talk);
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("COMPLETE"));
    want_call(&talk, "runs.resume");
    assert_non_null(strstr(talk.step.request->body, "1 of 7 failed"));
    assert_non_null(strstr(talk.step.request->body, "#45"));
    assert_non_null(strstr(talk.step.request->body, "\"agent_run_id\":77"));
    reply(&talk, "runs.resume", 200, RUN_WITH_PULL("COMPLETE"));
    nap(&talk, 2000, 2000);
    /* the old end is still shown: that is not the end of this round */
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("COMPLETE"));
    reply(&talk, "runs.logs", 200, LOG("USER_MESSAGE", "5"));
    nap(&talk, 1000, 4000);
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("ACTIVE"));
    nap(&talk, 1000, 4000);
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("COMPLETE"));
    reply(&talk, "runs.logs", 200, LOG("FINAL_ANSWER", "6"));
    want_end(&talk, STATUS_PASSED, BLAME_NONE, "#45");
    talk_end(&talk);
}

static void test_second_round_without_its_run(void **state)
{
    static const struct {
        int status;
        const char *body;
    } cases[] = {
        {404, "{}"          },
        {403, "{}"          },
        {200, RUN("FAILED") },
        {200, RUN("STOPPED")}
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct talk talk;
        to_second_round(&talk);
        reply(&talk, "runs.get", cases[i].status, cases[i].body);
        want_call(&talk, "runs.create"); /* the repository is known */
        assert_non_null(strstr(talk.step.request->body, "1 of 7 failed"));
        assert_non_null(strstr(talk.step.request->body, "\"repo_id\":5"));
        talk_end(&talk);
    }
    struct talk talk;
    to_second_round(&talk);
    reply(&talk, "runs.get", 200, RUN("COMPLETE"));
    reply(&talk, "runs.resume", 404, "{\"message\":\"gone\"}");
    want_call(&talk, "runs.create");
    talk_end(&talk);
}

static void test_run_of_another_service_is_not_ours(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    free(talk.keep);
    talk.keep = mem_str("{\"service\":\"codegen_eu\",\"repo\":5,\"run\":77}");
    talk_begin(&talk);
    want_call(&talk, "repos.list");
    talk_end(&talk);
}

/* The same round goes on with a run whose outcome was never told. */
static void test_open_run_goes_on(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    free(talk.keep);
    talk.keep = mem_str("{\"service\":\"codegen_api\",\"repo\":5,\"run\":77,"
                        "\"iteration\":1,\"open\":true}");
    talk_begin(&talk);
    reply(&talk, "runs.get", 200, RUN("ACTIVE"));
    nap(&talk, 2000, 2000);
    want_call(&talk, "runs.get");
    talk_end(&talk);
}

static void test_lost_resumption(void **state)
{
    struct talk talk;
    (void)state;
    to_second_round(&talk);
    reply(&talk, "runs.get", 200, RUN("COMPLETE"));
    fault(&talk, "runs.resume", HTTP_LOST, 0, "");
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.get", 200, RUN("COMPLETE")); /* it was not done */
    fault(&talk, "runs.resume", HTTP_LOST, 0, "");
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.get", 200, RUN("ACTIVE")); /* now it was */
    reply(&talk, "runs.logs", 200, NO_LOGS);
    nap(&talk, 1000, 4000);
    want_call(&talk, "runs.get");
    talk_end(&talk);
    /* the same, with a death in between */
    to_second_round(&talk);
    reply(&talk, "runs.get", 200, RUN("COMPLETE"));
    want_call(&talk, "runs.resume");
    die(&talk);
    reply(&talk, "runs.get", 200, RUN("COMPLETE"));
    want_call(&talk, "runs.resume");
    talk_end(&talk);
}

static void test_without_pull_request(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk);
    reply(&talk, "runs.get", 200, RUN("COMPLETE"));
    reply(&talk, "runs.logs", 200, NO_LOGS);
    nap(&talk, 3000, 3000); /* it may be listed late */
    reply(&talk, "runs.get", 200, RUN("COMPLETE"));
    reply(&talk, "runs.logs", 200, NO_LOGS);
    want_end(&talk, STATUS_PASSED, BLAME_NONE, "no pull request yet");
    assert_string_equal(talk.step.result->branch, "signalbox/wf-12");
    assert_int_equal(talk.step.result->pr_number, 0);
    talk_end(&talk);
}

static void test_pull_request_elsewhere_does_not_count(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk);
    reply(&talk, "runs.get", 200,
          "{\"id\":77,\"status\":\"COMPLETE\",\"github_pull_requests\":["
          "{\"id\":9,\"url\":\"https://github.com/acme/docs/pull/3\","
          "\"head_branch_name\":\"x\"},"
          "{\"id\":1,\"url\":\"https://github.com/acme/payments/pull/8\","
          "\"head_branch_name\":\"codegen/euros\"}]}");
    reply(&talk, "runs.logs", 200, NO_LOGS);
    want_end(&talk, STATUS_PASSED, BLAME_NONE, "#8");
    assert_string_equal(talk.step.result->branch, "codegen/euros");
    talk_end(&talk);
}

static void test_run_vanishes(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk);
    for (int i = 0; i < 4; i++) {
        reply(&talk, "runs.get", 404, "{\"message\":\"not found\"}");
        nap(&talk, 1, 60000);
    }
    reply(&talk, "runs.get", 404, "{\"message\":\"not found\"}");
    want_end(&talk, STATUS_FAILED, BLAME_WORLD, "77");
    want_json(talk.keep, "run", 0);
    talk_end(&talk);
}

static void test_stop(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk); /* without a pull request nothing can be done */
    fault(&talk, "runs.get", HTTP_STOPPED, 0, "");
    stop(&talk);
    want_end(&talk, STATUS_CANCELLED, BLAME_NONE, "goes on at codegen_api");
    want_json(talk.keep, "open", true);
    talk_end(&talk);

    to_run(&talk);
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("ACTIVE"));
    stop(&talk);
    reply(&talk, "runs.ban", 200, "null");
    want_end(&talk, STATUS_CANCELLED, BLAME_NONE, "banned from pull request #45");
    want_json(talk.keep, "banned", true);
    /* somebody lets the workflow go on: the ban is taken back first */
    talk.class->close(talk.op);
    drop(&talk);
    free(talk.memo);
    talk.memo = mem_str("");
    talk.order.iteration = 2;
    talk_begin(&talk);
    reply(&talk, "runs.unban", 200, "null");
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("COMPLETE"));
    want_call(&talk, "runs.resume");
    talk_end(&talk);

    talk_init(&talk); /* nothing was begun */
    talk_begin(&talk);
    fault(&talk, "repos.list", HTTP_STOPPED, 0, "");
    stop(&talk);
    want_end(&talk, STATUS_CANCELLED, BLAME_NONE, "before it began");
    talk_end(&talk);

    talk_init(&talk); /* a create whose answer is lost: there may be a run */
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    AUTO_FREE char *uid = uid_of(&talk);
    fault(&talk, "runs.create", HTTP_LOST, 0, "");
    stop(&talk);
    AUTO_FREE char *list = mem_printf(
        "{\"items\":[{\"id\":78,\"metadata\":{\"signalbox_id\":\"%s\"}}],\"total\":1}",
        uid);
    reply(&talk, "runs.list", 200, list);
    want_end(&talk, STATUS_CANCELLED, BLAME_NONE, "run 78 goes on");
    talk_end(&talk);
}

/* Stopped while nobody can say whether there is a run: who goes on looks first. */
static void test_stop_in_the_dark(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    AUTO_FREE char *uid = uid_of(&talk);
    fault(&talk, "runs.create", HTTP_TIMEOUT, 0, "");
    stop(&talk);
    fault(&talk, "runs.list", HTTP_BLOCKED, 0, "");
    want_end(&talk, STATUS_CANCELLED, BLAME_NONE, "may have begun");
    talk.class->close(talk.op);
    drop(&talk);
    free(talk.memo);
    talk.memo = mem_str("");
    talk.order.seq = 7;
    talk_begin(&talk);
    nap(&talk, 2000, 2000);
    AUTO_FREE char *list = mem_printf(
        "{\"items\":[{\"id\":78,\"metadata\":{\"signalbox_id\":\"%s\"}}],\"total\":1}",
        uid);
    reply(&talk, "runs.list", 200, list);
    want_json(talk.memo, "run", 78);
    talk_end(&talk);
}

static void test_ban_is_refused(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk);
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("ACTIVE"));
    stop(&talk);
    for (int i = 0; i < 3; i++) {
        reply(&talk, "runs.ban", 403, "{\"message\":\"no\"}");
        nap(&talk, 1, 10000);
    }
    reply(&talk, "runs.ban", 403, "{\"message\":\"no\"}");
    want_end(&talk, STATUS_CANCELLED, BLAME_NONE, "does not ban it: no (403)");
    talk_end(&talk);
}

static void test_hints(void **state)
{
    struct talk talk;
    (void)state;
    to_run(&talk);
    reply(&talk, "runs.get", 200, RUN("ACTIVE"));
    assert_int_equal(talk.step.turn, OP_SLEEP);
    struct forge_event event = {
        .kind = FORGE_PUSH, .action = empty, .repository = repository, .branch = base};
    int64_t whole = talk.step.sleep.ms;
    talk.now.ms += 500;
    talk.step = talk.class->wake(talk.op, &event, talk.now, &talk.rng);
    assert_int_equal(talk.step.turn, OP_SLEEP); /* not about us: what is left */
    assert_int_equal(talk.step.sleep.ms, whole - 500);
    event.branch = branch;
    talk.step = talk.class->wake(talk.op, &event, talk.now, &talk.rng);
    want_call(&talk, "runs.get");
    talk_end(&talk);
}

static void test_logs_are_not_needed(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    reply(&talk, "repos.list", 200, REPOS);
    reply(&talk, "runs.create", 200, RUN("ACTIVE"));
    nap(&talk, 2000, 2000);
    reply(&talk, "runs.get", 200, RUN("ACTIVE"));
    reply(&talk, "runs.logs", 404, "{\"detail\":\"Not Found\"}");
    nap(&talk, 2000, 3000);
    talk.now.ms += 60000;
    reply(&talk, "runs.get", 200, RUN("ACTIVE"));
    fault(&talk, "runs.logs", HTTP_TOO_LARGE, 0, "");
    assert_non_null(strstr(talk.step.request->url, "limit=25"));
    reply(&talk, "runs.logs", 200, "[]");
    nap(&talk, 2000, 6000);
    reply(&talk, "runs.get", 200, RUN_WITH_PULL("COMPLETE"));
    fault(&talk, "runs.logs", HTTP_BLOCKED, 0, "");
    want_end(&talk, STATUS_PASSED, BLAME_NONE, "#45");
    talk_end(&talk);
}

static void test_garbage(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    for (int i = 0; i < 20 && talk.step.turn != OP_DONE; i++) {
        reply(&talk, "repos.list", 200, "<html>we are sorry</html>");
        if (talk.step.turn == OP_SLEEP) {
            nap(&talk, 1, 70000);
        }
    }
    want_end(&talk, STATUS_FAILED, BLAME_WORLD, "status 200");
    talk_end(&talk);
    to_run(&talk);
    for (int i = 0; i < 20; i++) {
        reply(&talk, "runs.get", 200, "{\"id\":");
        nap(&talk, 1, 70000);
    }
    want_call(&talk, "runs.get"); /* the run goes on, whatever the answers look like */
    talk_end(&talk);
}

static void test_token(void **state)
{
    struct talk talk;
    (void)state;
    talk_init(&talk);
    talk_begin(&talk);
    fault(&talk, "repos.list", HTTP_NO_TOKEN, 0, "");
    want_end(&talk, STATUS_REFUSED, BLAME_OPERATOR, "no token");
    talk_end(&talk);
}

static void test_what_cannot_be_opened(void **state)
{
    struct talk talk;
    struct err err = ERR_INIT;
    (void)state;
    talk_init(&talk);
    talk.order.forge.repository = empty;
    talk.input.order = &talk.order;
    assert_null(talk.class->open(&talk.input, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    talk_end(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_task_to_pull_request),
        cmocka_unit_test(test_pauses_grow),
        cmocka_unit_test(test_pauses_are_set),
        cmocka_unit_test(test_repository_on_a_later_page),
        cmocka_unit_test(test_unknown_repository),
        cmocka_unit_test(test_lost_create_is_found),
        cmocka_unit_test(test_lost_create_is_repeated_after_two_looks),
        cmocka_unit_test(test_death_around_a_create),
        cmocka_unit_test(test_look_without_metadata),
        cmocka_unit_test(test_look_on_later_pages),
        cmocka_unit_test(test_nothing_begun_is_deferred),
        cmocka_unit_test(test_a_run_outlasts_an_outage),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_a_limit_is_passed_once),
        cmocka_unit_test(test_second_round_resumes),
        cmocka_unit_test(test_second_round_without_its_run),
        cmocka_unit_test(test_run_of_another_service_is_not_ours),
        cmocka_unit_test(test_open_run_goes_on),
        cmocka_unit_test(test_lost_resumption),
        cmocka_unit_test(test_without_pull_request),
        cmocka_unit_test(test_pull_request_elsewhere_does_not_count),
        cmocka_unit_test(test_run_vanishes),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_in_the_dark),
        cmocka_unit_test(test_ban_is_refused),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_logs_are_not_needed),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
