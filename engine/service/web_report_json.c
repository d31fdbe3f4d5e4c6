/* SPDX-License-Identifier: MIT */
/* The report of the web-eval command (version 2.0.0 of the fork): an object with
 * metadata, summary, test_results and errors. */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/web_report_private.h"

#define INTERRUPTED 130 /* exit status of the command */

static void add(struct web_verdict *verdict, enum effect_status status, enum blame blame,
                const char *rule, const char *text)
{
    web_verdict_add(verdict, status, blame, rule, text, strlen(text));
}

static size_t count_validations(const struct json *scenario)
{
    const struct json *checks = json_get(scenario, "validation_results"), *value;
    size_t n = json_len(checks);
    const char *key;
    for (void *iter = NULL; json_next(checks, &iter, &key, &value);) {
        n++; /* an object of validations by name */
    }
    return n;
}

static void judge_scenario(struct web_verdict *verdict, const struct json *scenario)
{
    const char *error = json_str(scenario, "error_message", "");
    if (!json_bool(scenario, "passed", false)) {
        AUTO_FREE char *text =
            mem_printf("%s%s%s", json_str(scenario, "scenario_name", "?"),
                       error[0] != '\0' ? ": " : " failed", error);
        add(verdict, STATUS_FAILED, BLAME_CHANGE, "scenario", text);
    }
}

/* passed = all(validations) there, which is true of none. */
static void judge_emptiness(struct web_verdict *verdict, const struct json *scenario)
{
    if (json_bool(scenario, "passed", false) && count_validations(scenario) == 0) {
        AUTO_FREE char *text =
            mem_printf("%s validated nothing, so that it passed says nothing",
                       json_str(scenario, "scenario_name", "?"));
        add(verdict, STATUS_FAILED, BLAME_OPERATOR, "no validations", text);
    }
}

static void judge_errors(struct web_verdict *verdict, const struct json *errors)
{
    for (size_t i = 0; i < json_len(errors); i++) {
        const struct json *error = json_at(errors, i);
        const char *text = json_text(error);
        AUTO_FREE char *made = text == NULL ? json_format(error) : NULL;
        text = text != NULL ? text : json_str(error, "message", made);
        bool is_key = strstr(text, "API_KEY") != NULL || strstr(text, "API key") != NULL;
        add(verdict, is_key ? STATUS_REFUSED : STATUS_FAILED,
            is_key ? BLAME_SETUP : BLAME_WORLD, "error", text);
    }
}

void web_report_judge_json(const char *json, size_t len, int exit_status,
                           struct web_verdict *ret_verdict)
{
    struct web_verdict *verdict = ret_verdict;
    struct err err = ERR_INIT;
    *verdict = (struct web_verdict){.status = STATUS_PASSED, .blame = BLAME_NONE};
    struct json *root = json_parse(json, len, &err);
    const struct json *results = json_get(root, "test_results");
    if (exit_status == INTERRUPTED) {
        add(verdict, STATUS_FAILED, BLAME_WORLD, "command", "it was interrupted");
    }
    if (root == NULL || !json_is_an_object(root)) {
        add(verdict, STATUS_FAILED, BLAME_WORLD, "no report",
            root == NULL ? err.msg : "it is no JSON object");
    }
    for (size_t i = 0; i < json_len(results); i++) {
        judge_scenario(verdict, json_at(results, i));
    }
    judge_errors(verdict, json_get(root, "errors"));
    for (size_t i = 0; i < json_len(results); i++) {
        judge_emptiness(verdict, json_at(results, i));
    }
    if (verdict->status == STATUS_PASSED && json_len(results) == 0) {
        add(verdict, STATUS_FAILED, BLAME_WORLD, "empty report", "it has no scenario");
    }
    if (verdict->status == STATUS_PASSED && exit_status != 0) {
        AUTO_FREE char *text =
            mem_printf("exit status %d, though every scenario passed", exit_status);
        add(verdict, STATUS_FAILED, BLAME_WORLD, "command", text);
    }
    if (verdict->status == STATUS_PASSED) {
        verdict->summary = mem_printf("%zu scenario%s passed", json_len(results),
                                      json_len(results) == 1 ? "" : "s");
    }
    json_free(root);
}
