/* SPDX-License-Identifier: MIT */

/* Who may perform which effect. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/service/route.h"
#include "tests/lib/place.h"

static char names[7][16] = {"codegen_api",
                            "codegen_eu",
                            "github_api",
                            "daytona",
                            "grainchain",
                            "web_eval_agent",
                            ""};
static char api[] = "https://ghe.example.com/api/v3", token[] = "GITHUB_TOKEN";

static const struct service_spec services[] = {
    {.name = names[0], .kind = SERVICE_CODEGEN, .url = names[6]   },
    {.name = names[1], .kind = SERVICE_CODEGEN, .url = names[6]   },
    {.name = names[2], .kind = SERVICE_GITHUB,  .url = api,         .token = {.env = token}},
    {.name = names[3],                .kind = SERVICE_DAYTONA,                        .url = names[6]   },
    {.name = names[4],                .kind = SERVICE_GRAINCHAIN,                        .url = names[6]},
    {.name = names[5],                .kind = SERVICE_WEB_EVAL,                        .url = names[6]     },
};

#define LOCAL_FORGE                                                                      \
    "name: p\nrepository: /srv/git/p\nagent: ./agent\nvalidate: [make test]\n"           \
    "evaluator: ./judge\n"
#define REMOTE                                                                           \
    "name: p\nagent: {provider: codegen_api, backups: [codegen_eu, local], "             \
    "command: ./agent}\nvalidate: [make test]\n"                                         \
    "forge: {provider: github_api, repository: acme/payments}\n"                         \
    "sandbox: {provider: grainchain, backups: [daytona, local]}\n"                       \
    "evaluator: {provider: web_eval_agent, backups: [local], command: ./judge, "         \
    "url: \"http://localhost:3000\", task: look}\n"
#define LOCAL_AGENT                                                                      \
    "name: p\nagent: ./agent\nvalidate: [make test]\n"                                   \
    "forge: {provider: github_api, repository: acme/payments}\n"                         \
    "merge: ask\n"

static struct pipeline *parse(const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline = pipeline_parse("p.yaml", text, strlen(text), &findings);
    if (pipeline == NULL) {
        AUTO_FREE char *line = finding_format(&findings.rows[0]);
        fail_msg("%s", line);
    }
    findings_fini(&findings);
    return pipeline;
}

static const struct effect_row *history_of(const char *code, const char *sandbox)
{
    static struct effect_row rows[4];
    rows[0] = (struct effect_row){.workflow = 1,
                                  .seq = 1,
                                  .kind = EFFECT_CODE,
                                  .status = STATUS_PASSED,
                                  .provider = code};
    rows[1] = (struct effect_row){.workflow = 1,
                                  .seq = 2,
                                  .kind = EFFECT_SANDBOX,
                                  .status = STATUS_PASSED,
                                  .provider = sandbox};
    /* nothing was begun there */
    rows[2] = (struct effect_row){.workflow = 1,
                                  .seq = 3,
                                  .kind = EFFECT_SANDBOX,
                                  .status = STATUS_DEFERRED,
                                  .provider = "daytona"};
    rows[3] = (struct effect_row){.workflow = 1,
                                  .seq = 4,
                                  .kind = EFFECT_CODE,
                                  .status = STATUS_DEFERRED,
                                  .provider = "codegen_eu"};
    return rows;
}

/* "a b c", with "+" at the end for then_local; "!" and the message when it is refused. */
static char *chain_of(const struct pipeline *pipeline, enum effect_kind kind,
                      const char *code, const char *sandbox)
{
    const struct workflow_row workflow = {.id = 1, .pipeline = "p"};
    const struct effect_row effect = {.workflow = 1, .seq = 9, .kind = kind};
    const struct route route = {.pipeline = pipeline,
                                .workflow = &workflow,
                                .effect = &effect,
                                .services = services,
                                .n_services = ARRAY_LEN(services)};
    struct err err = ERR_INIT;
    char **chain = NULL;
    size_t n = 0;
    bool then_local = false;
    if (!route_chain(&route, history_of(code, sandbox), 4, &chain, &n, &then_local,
                     &err)) {
        assert_int_equal(err.code, ERR_CONFIG);
        return mem_printf("!%s", err.msg);
    }
    struct buf buf;
    buf_init(&buf, 1000);
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(&buf, "%s%s", i > 0 ? " " : "", chain[i]);
        free(chain[i]);
    }
    free(chain);
    (void)buf_str(&buf, then_local ? "+" : "");
    return buf_take(&buf, NULL);
}

struct chain_case {
    enum effect_kind kind;
    const char *code, *sandbox, *want;
};

static void check(const char *text, const struct chain_case *cases, size_t n)
{
    struct pipeline *pipeline = parse(text);
    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *chain =
            chain_of(pipeline, cases[i].kind, cases[i].code, cases[i].sandbox);
        if (strcmp(chain, cases[i].want) != 0) {
            fail_msg("%s: '%s', not '%s'", effect_name(cases[i].kind), chain,
                     cases[i].want);
        }
    }
    pipeline_free(pipeline);
}

static void test_all_local(void **state)
{
    (void)state;
    for (int kind = EFFECT_PLAN; kind < EFFECT_COUNT; kind++) {
        const struct chain_case one = {(enum effect_kind)kind, "local", "local", "local"};
        check(LOCAL_FORGE, &one, 1);
        const struct chain_case old = {(enum effect_kind)kind, "", "", "local"};
        check(LOCAL_FORGE, &old, 1); /* rows of a store from before */
    }
}

static void test_remote(void **state)
{
    static const struct chain_case cases[] = {
        {EFFECT_PLAN,         "",                   "",                   "local"                       },
        {EFFECT_WORKSPACE,    "",                   "",                   "github_api"                  },
        {EFFECT_CODE,         "",                   "",                   "codegen_api codegen_eu local"},
        {EFFECT_COMMIT,       "codegen_api",        "",                   "github_api"                  },
        {EFFECT_COMMIT,       "codegen_eu",         "",                   "github_api"                  },
        {EFFECT_COMMIT,       "local",              "",                   "local"                       }, /* the fallback did the work */
        {EFFECT_COMMIT,       "gone_from_settings", "",                   "github_api"                  },
        {EFFECT_PULL_REQUEST, "local",              "",                   "github_api"                  },
        {EFFECT_FORGE_CHECKS, "",                   "",                   "github_api"                  },
        {EFFECT_MERGE,        "",                   "",                   "github_api"                  },
        {EFFECT_REVERT,       "",                   "",                   "github_api"                  },
        {EFFECT_CLOSE,        "",                   "",                   "github_api"                  },
        {EFFECT_SANDBOX,      "",                   "",                   "grainchain daytona local"    },
        {EFFECT_SETUP,        "",                   "grainchain",         "grainchain"                  },
        {EFFECT_CHECK,        "",                   "daytona",            "daytona"                     },
        {EFFECT_CHECK,        "",                   "local",              "local"                       },
        {EFFECT_EVALUATE,     "",                   "",                   "web_eval_agent local"        },
        {EFFECT_CLEANUP,      "",                   "local",              "local"                       },
        {EFFECT_CLEANUP,      "",                   "grainchain",         "grainchain+"                 },
        {EFFECT_CLEANUP,      "",                   "daytona",            "daytona+"                    },
        {EFFECT_CLEANUP,      "",                   "gone_from_settings", "local"                       },
    };
    (void)state;
    check(REMOTE, cases, ARRAY_LEN(cases));
}

static void test_local_agent_remote_forge(void **state)
{
    static const struct chain_case cases[] = {
        {EFFECT_WORKSPACE,    "",      "", "local"     },
        {EFFECT_CODE,         "",      "", "local"     },
        {EFFECT_COMMIT,       "local", "", "local"     },
        {EFFECT_COMMIT,       "",      "", "local"     },
        {EFFECT_PULL_REQUEST, "",      "", "github_api"},
        {EFFECT_SANDBOX,      "",      "", "local"     },
        {EFFECT_MERGE,        "",      "", "github_api"},
    };
    (void)state;
    check(LOCAL_AGENT, cases, ARRAY_LEN(cases));
}

static void test_misfits(void **state)
{
    (void)state;
    struct pipeline *pipeline = parse(REMOTE);
    free(pipeline->agent_chain.first);
    pipeline->agent_chain.first = mem_str("nobody");
    AUTO_FREE char *unknown = chain_of(pipeline, EFFECT_CODE, "", "");
    assert_string_equal(
        unknown, "!pipeline p wants the agent 'nobody', which is not among the services");
    free(pipeline->agent_chain.first);
    pipeline->agent_chain.first = mem_str("daytona");
    AUTO_FREE char *wrong = chain_of(pipeline, EFFECT_CODE, "", "");
    assert_string_equal(
        wrong, "!pipeline p wants 'daytona' as agent, and it is of kind daytona");
    pipeline_free(pipeline);
}

/* The whole task, from a store. */
static void test_task(void **state)
{
    const struct place *place = *state;
    struct store *store = place_store(place);
    struct workflow_row workflow = sample_workflow(1);
    workflow.repo = "acme/payments";
    workflow.branch = "signalbox/wf-1";
    const struct effect_row effect = {.workflow = 1,
                                      .seq = 8,
                                      .kind = EFFECT_CODE,
                                      .name = "agent",
                                      .iteration = 1,
                                      .attempt = 1,
                                      .params = "{}",
                                      .summary = "",
                                      .log = "",
                                      .provider = ""};
    store_put_workflow(store, &workflow);
    store_put_effect(store, &effect);
    store_put_doc(store, 1, DOC_TASK, "the task", 8);
    store_put_doc(store, 1, DOC_ERRORS, "the errors", 10);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct pipeline *pipeline = parse(REMOTE);
    struct route route = {
        .reader = reader,
        .pipeline = pipeline,
        .workflow = &workflow,
        .effect = &effect,
        .services = services,
        .n_services = ARRAY_LEN(services),
        .paths = {"/w", "/l", 1000}
    };
    struct err err = ERR_INIT;
    struct desk_task *task = route_task(&route, &err);
    if (task == NULL) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(task->n_chain, 3);
    assert_string_equal(task->task, "the task");
    assert_string_equal(task->plan, "");
    assert_string_equal(task->errors, "the errors");
    assert_false(task->is_operators);
    assert_string_equal(task->order->branch, "signalbox/wf-1");
    assert_string_equal(task->order->forge.repository, "acme/payments");
    assert_string_equal(task->order->forge_url, api);
    assert_string_equal(task->order->forge_token.env, token);
    assert_string_equal(task->order->provider, "local");
    assert_string_equal(task->order->evaluator_url, "http://localhost:3000");
    /* the same again, by way of its folder */
    free(task->order->folder);
    task->order->folder = mem_printf("%s/wf-1/fx-8", place->folder);
    order_set_provider(task->order, &services[4]);
    assert_true(order_write(task->order, NULL, &err));
    struct order *copy = order_read(task->order->folder, &err);
    assert_non_null(copy);
    assert_string_equal(copy->provider, "grainchain");
    assert_int_equal(copy->service_kind, SERVICE_GRAINCHAIN);
    assert_string_equal(copy->forge.repository, "acme/payments");
    assert_string_equal(copy->forge.provider, "github_api");
    assert_string_equal(copy->forge_url, api);
    assert_string_equal(copy->forge_token.env, token);
    assert_string_equal(copy->evaluator_task, "look");
    order_free(copy);
    desk_task_free(task);
    /* no service of that name */
    route.n_services = 2;
    assert_null(route_task(&route, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    pipeline_free(pipeline);
    reader_close(reader);
    store_close(store);
}

/* An answer says who gave it. */
static void test_answer(void **state)
{
    const struct place *place = *state;
    struct effect_result *result = effect_result_new(1, 2), *copy = NULL;
    struct err err = ERR_INIT;
    result->status = STATUS_DEFERRED;
    result->blame = BLAME_SERVICE;
    result->provider = mem_str("grainchain");
    result->service = mem_str("grainchain");
    result->is_fallback = result->is_degraded = true;
    assert_true(order_answer(place->folder, result, &err));
    assert_int_equal(order_read_answer(place->folder, 1, 2, &copy, &err), FOUND);
    assert_int_equal(copy->status, STATUS_DEFERRED);
    assert_int_equal(copy->blame, BLAME_SERVICE);
    assert_string_equal(copy->provider, "grainchain");
    assert_string_equal(copy->service, "grainchain");
    assert_true(copy->is_fallback && copy->is_degraded);
    effect_result_free(result);
    effect_result_free(copy);
}

/* Who waits at a desk for it: the reserve of a quota is his. */
static void test_operators_own(void **state)
{
    const struct place *place = *state;
    struct store *store = place_store(place);
    struct workflow_row workflow = sample_workflow(1);
    workflow.is_degraded = false;
    store_put_workflow(store, &workflow);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct pipeline *asks = parse(LOCAL_AGENT), *runs = parse(REMOTE);
    const struct {
        enum effect_kind kind;
        const struct pipeline *pipeline;
        bool want;
    } cases[] = {
        {EFFECT_REVERT,       runs, true },
        {EFFECT_CLOSE,        runs, true },
        {EFFECT_MERGE,        runs, false},
        {EFFECT_MERGE,        asks, true },
        {EFFECT_FORGE_CHECKS, asks, false}
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct effect_row effect = {
            .workflow = 1, .seq = 2, .kind = cases[i].kind, .name = "", .params = "{}"};
        const struct route route = {
            .reader = reader,
            .pipeline = cases[i].pipeline,
            .workflow = &workflow,
            .effect = &effect,
            .services = services,
            .n_services = ARRAY_LEN(services),
            .paths = {"/w", "/l", 1000}
        };
        struct err err = ERR_INIT;
        struct desk_task *task = route_task(&route, &err);
        assert_non_null(task);
        assert_int_equal(task->is_operators, cases[i].want);
        desk_task_free(task);
    }
    pipeline_free(asks);
    pipeline_free(runs);
    reader_close(reader);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_local),
        cmocka_unit_test(test_remote),
        cmocka_unit_test(test_local_agent_remote_forge),
        cmocka_unit_test(test_misfits),
        PLACE_TEST(test_task),
        PLACE_TEST(test_operators_own),
        PLACE_TEST(test_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
