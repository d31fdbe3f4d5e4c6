/* SPDX-License-Identifier: MIT */

/*
 * Every call of the adapters, sent over the real transport and judged by somebody else's
 * description. Prints TAP lines, without a plan (tests/conformance/run).
 *
 *   conform table             the calls of GitHub, one a line: METHOD PATH STATUS OTHER
 *   conform mock URL          all of them to Prism's mock of GitHub
 *   conform live URL FAKE     all of them, in an order that makes sense, to a simulation
 *                             behind Prism's validating proxy; FAKE is the simulation itself
 *   conform ops URL FAKE      whole effects, by the ops that make the calls
 *   conform codegen URL       the calls of Codegen to Prism's mock
 *   conform codegen-live URL  the same to a simulation behind Prism's proxy
 *   conform fixtures NAME URL a recorded scenario, through tests/conformance/fixtures.mjs
 *   conform listener STORE    a listener to post to, until SIGTERM
 *   conform otlp URL STORE    spans of every kind to tests/conformance/otlp.mjs
 *
 * A violation is what Prism says one is: problem+json, or an error in sl-violations. Of the
 * mock those of requests count: the examples in GitHub's own description break it here
 * and there.
 */
#include "tests/conformance/conform.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/codegen.h"
#include "engine/service/github_answer.h"

static int n_tests, n_failed;

void report(bool is_fine, const char *name, const char *why)
{
    n_tests++;
    n_failed += !is_fine;
    printf("%s %d - %s%s%s\n", is_fine ? "ok" : "not ok", n_tests, name,
           is_fine ? "" : ": ", is_fine ? "" : why);
    (void)fflush(stdout);
}

/* ---- verdicts ------------------------------------------------------------------------- */

/* What sl-violations holds against the request, or (is_strict) against either side. */
static bool has_violation(const struct http_response *response, bool is_strict,
                          char why[WHY_MAX])
{
    const char *header = http_header_of(response, "sl-violations");
    struct err err = ERR_INIT;
    struct json *root = header != NULL ? json_parse(header, strlen(header), &err) : NULL;
    bool has = header != NULL && root == NULL;
    for (size_t i = 0; i < json_len(root) && !has; i++) {
        const struct json *one = json_at(root, i);
        const char *side = json_text(json_at(json_get(one, "location"), 0));
        bool is_error = strcmp(json_str(one, "severity", ""), "Error") == 0;
        has = is_error && (is_strict || (side != NULL && strcmp(side, "request") == 0));
        if (has) {
            AUTO_FREE char *text = json_format(one);
            (void)snprintf(why, WHY_MAX, "%s", text);
        }
    }
    json_free(root);
    return has;
}

bool is_conformant(const struct http_response *response, bool is_strict,
                   char why[WHY_MAX])
{
    if (response->fault != HTTP_FINE) {
        (void)snprintf(why, WHY_MAX, "%s %s", http_fault_word(response->fault),
                       response->text);
        return false;
    }
    const char *type = http_header_of(response, "content-type");
    if (type != NULL && strstr(type, "problem+json") != NULL) {
        (void)snprintf(why, WHY_MAX, "%d %.900s", response->status, response->body);
        return false;
    }
    return !has_violation(response, is_strict, why);
}

/* ---- Codegen -------------------------------------------------------------------------- */

static bool reads_codegen(enum codegen_call call, const struct http_response *response,
                          struct err *err)
{
    const char *body = response->body;
    size_t len = response->body_len;
    struct codegen_run run = {.id = 0};
    struct codegen_runs runs = {.n = 0};
    struct codegen_repos repos;
    struct codegen_logs logs = {.text = NULL};
    char *me = NULL;
    bool done = true;
    switch (call) {
    case CODEGEN_ME:
        done = codegen_me_parse(body, len, &me, err);
        free(me);
        break;
    case CODEGEN_REPOS:
        done = codegen_repos_parse(body, len, "acme/pay", &repos, err);
        break;
    case CODEGEN_CREATE:
    case CODEGEN_GET:
    case CODEGEN_RESUME:
        /* the mock's placeholder for an id is 0, which is none */
        done =
            codegen_run_parse(body, len, &run, err) || strstr(body, "\"id\":0") != NULL;
        codegen_run_fini(&run);
        break;
    case CODEGEN_LIST:
        done = codegen_runs_parse(body, len, &runs, err);
        codegen_runs_fini(&runs);
        break;
    case CODEGEN_LOGS:
        done = codegen_logs_parse(body, len, &logs, err);
        codegen_logs_fini(&logs);
        break;
    default:
        break;
    }
    return done;
}

/* is_live: a simulation behind the proxy, so that answers are judged, too, and the run of
 * the first call is the one that the others are about. */
static void codegen(const char *base, bool is_live)
{
    struct ask *asker = ask_open(base);
    struct codegen_args args = {.organization = "42",
                                .run = 7,
                                .prompt = "Make it faster.",
                                .repo = 3,
                                .model = "claude",
                                .agent_type = "codegen",
                                .uid = "u-1",
                                .workflow = "wf-12",
                                .effect = "wf-12.7"};
    for (int i = 0; i < CODEGEN_CALL_COUNT; i++) {
        enum codegen_call call = (enum codegen_call)i;
        char why[WHY_MAX] = "";
        struct err err = ERR_INIT;
        AUTO_FREE char *name = mem_printf("%s %s", is_live ? "codegen live" : "codegen",
                                          codegen_call_name(call));
        struct http_response *response = ask_once(asker, codegen_request(call, &args));
        bool is_fine = is_conformant(response, is_live, why);
        struct codegen_run run = {.id = 0};
        if (is_live && call == CODEGEN_CREATE &&
            codegen_run_parse(response->body, response->body_len, &run, &err)) {
            args.run = run.id;
        }
        codegen_run_fini(&run);
        if (is_fine && response->status != 200) {
            is_fine = false;
            (void)snprintf(why, sizeof(why), "status %d %.300s", response->status,
                           response->body);
        }
        if (is_fine && !reads_codegen(call, response, &err)) {
            is_fine = false;
            (void)snprintf(why, sizeof(why), "%s: %.200s", err.msg, response->body);
        }
        report(is_fine, name, why);
        http_response_free(response);
    }
    ask_close(asker);
}

/* ---- start ---------------------------------------------------------------------------- */

static void table(void)
{
    for (int i = 0; i < GITHUB_CALL_COUNT; i++) {
        const struct github_call_row *row = github_call_row((enum github_call)i);
        printf("%s %s %d %d\n", http_method_word(row->method), row->path, row->status,
               row->other);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "table") == 0) {
        table();
    } else if (strcmp(what, "mock") == 0 && argc == 3) {
        conform_mock(argv[2]);
    } else if (strcmp(what, "live") == 0 && argc == 4) {
        conform_live(argv[2], argv[3]);
    } else if (strcmp(what, "ops") == 0 && argc == 4) {
        conform_ops(argv[2], argv[3]);
    } else if (strcmp(what, "codegen") == 0 && argc == 3) {
        codegen(argv[2], false);
    } else if (strcmp(what, "codegen-live") == 0 && argc == 3) {
        codegen(argv[2], true);
    } else if (strcmp(what, "fixtures") == 0 && argc == 4) {
        conform_fixtures(argv[2], argv[3]);
    } else if (strcmp(what, "listener") == 0 && argc == 3) {
        conform_listener(argv[2]);
    } else if (strcmp(what, "otlp") == 0 && argc == 4) {
        conform_otlp(argv[2], argv[3]);
    } else {
        (void)fprintf(
            stderr,
            "usage: conform table | mock URL | live URL FAKE | ops URL FAKE | "
            "codegen[-live] URL | fixtures NAME URL | listener STORE | otlp URL STORE\n");
        return 2;
    }
    return n_failed > 0;
}
