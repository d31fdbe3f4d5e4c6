/* SPDX-License-Identifier: MIT */

/* A command as it comes over the network: the first line is the header Idempotency-Key ("-": not
 * there), the rest the body. What is taken is a verb with arguments that the verb takes, and what
 * is refused says why on one clean line; either answer is JSON. */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/io/listener_request.h"
#include "tests/fuzz/fuzz.h"

static void check_json(const struct buf *text)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(text->data, text->len, &err);
    MUST(!text->is_cut && json_is_an_object(root));
    json_free(root);
}

static void check_taken(const struct request *request)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf out;
    struct json *args = json_parse(request->args, strlen(request->args), &err);
    buf_init(&out, 65536);
    MUST(request->verb == verb_find(request->verb->name));
    MUST(json_is_an_object(args) && verb_check(request->verb, args, &err));
    MUST(request->workflow >= 0);
    MUST(request->workflow == 0 || request->verb->has_workflow);
    MUST(strlen(request->key) <= REQUEST_KEY_MAX && is_harmless(request->key));
    struct command_row row = {.id = 7,
                              .actor = "ada",
                              .verb = request->verb->name,
                              .workflow = request->workflow,
                              .args = request->args,
                              .key = request->key,
                              .answer = -1,
                              .message = ""};
    MUST(request_is_same(request, &row));
    MUST(request_status(&row) == 202);
    request_put_answer(&out, &row, "answer", 202);
    check_json(&out);
    row.args = "{\"no verb\":1}";
    MUST(!request_is_same(request, &row));
    json_free(args);
}

static void check_refused(const struct request_problem *problem)
{
    AUTO_BUF struct buf out;
    buf_init(&out, 65536);
    MUST(problem->status == 400 || problem->status == 413);
    MUST(problem->text[0] != '\0' && is_harmless(problem->text));
    MUST(is_harmless(problem->field) && is_harmless(problem->key));
    request_put_problem(&out, problem, NULL);
    check_json(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *line = size > 0 ? memchr(text, '\n', size) : NULL;
    struct request request;
    struct request_problem problem;
    if (line == NULL) {
        return 0;
    }
    AUTO_FREE char *key = mem_strn(text, (size_t)(line - text));
    size_t len = size - (size_t)(line + 1 - text);
    if (request_parse(line + 1, len, strcmp(key, "-") == 0 ? NULL : key, &request,
                      &problem)) {
        check_taken(&request);
        request_free(&request);
    } else {
        check_refused(&problem);
    }
    return 0;
}
