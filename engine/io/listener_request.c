/* SPDX-License-Identifier: MIT */
#include "engine/io/listener_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/case.h"

static bool refuse(struct request_problem *problem, int status, const char *field,
                   const char *format, ...) PRINTF_LIKE(4, 5);

static bool refuse(struct request_problem *problem, int status, const char *field,
                   const char *format, ...)
{
    char text[sizeof(problem->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args); /* a cut text is fine */
    va_end(args);
    problem->status = status;
    (void)text_clean_into(problem->field, sizeof(problem->field), field);
    (void)text_clean_into(problem->text, sizeof(problem->text), text);
    return false;
}

/* ---- the key ---- */

static bool is_key(const char *text, size_t len)
{
    if (len == 0 || len > REQUEST_KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* A string of RFC 8941 3.3.3 without escapes, or its content. */
static bool take_header_key(const char *header, const char **ret_at, size_t *ret_len)
{
    size_t len = strlen(header);
    bool is_quoted = len >= 2 && header[0] == '"' && header[len - 1] == '"';
    *ret_at = is_quoted ? header + 1 : header;
    *ret_len = is_quoted ? len - 2 : len;
    return is_key(*ret_at, *ret_len);
}

static bool take_key(const struct json *root, const char *header, struct request *request,
                     struct request_problem *problem)
{
    const struct json *value = json_get(root, "key");
    const char *own = json_text(value), *at = "";
    size_t len = 0;
    if (value != NULL && (own == NULL || !is_key(own, strlen(own)))) {
        return refuse(problem, 400, "key", "key: expected up to %d visible characters",
                      REQUEST_KEY_MAX);
    }
    if (header != NULL && !take_header_key(header, &at, &len)) {
        return refuse(problem, 400, "Idempotency-Key",
                      "Idempotency-Key: expected up to %d visible characters",
                      REQUEST_KEY_MAX);
    }
    if (own != NULL && header != NULL &&
        (strlen(own) != len || strncmp(own, at, len) != 0)) {
        return refuse(problem, 400, "key", "key: another one than the Idempotency-Key");
    }
    request->key = own != NULL ? mem_str(own) : mem_strn(at, len);
    return true;
}

/* ---- verb, workflow, arguments ---- */

static bool has_arg(const struct verb *verb, const char *name)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "wf-12" or 12; 0: neither. */
static int64_t workflow_of(const struct json *value, const struct json *root)
{
    const char *text = json_text(value);
    int64_t id = 0;
    if (text == NULL) {
        id = json_int(root, "workflow", 0);
        return id > 0 ? id : 0;
    }
    text += strncmp(text, "wf-", 3) == 0 ? 3 : 0;
    size_t len = strlen(text);
    if (len == 0 || len > 18 || text[strspn(text, "0123456789")] != '\0') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        id = id * 10 + (text[i] - '0');
    }
    return id;
}

static bool take_workflow(const struct json *root, const struct json *args,
                          struct request *request, struct request_problem *problem)
{
    const struct verb *verb = request->verb;
    const struct json *value = json_get(root, "workflow");
    if (value == NULL) {
        bool is_known = !verb->has_workflow || json_get(args, "approval") != NULL;
        return is_known ||
               refuse(problem, 400, "workflow", "workflow: missing; %s acts on one%s",
                      verb->name, has_arg(verb, "approval") ? ", or on an approval" : "");
    }
    request->workflow = workflow_of(value, root);
    if (!verb->has_workflow) {
        return refuse(problem, 400, "workflow", "%s acts on no workflow", verb->name);
    }
    return request->workflow > 0 ||
           refuse(problem, 400, "workflow", "workflow: expected wf-NUMBER or a number");
}

/* Which argument verb_check speaks of: its texts begin with the name, or have it in quotes. */
static void find_field(const struct verb *verb, const struct json *args, const char *text,
                       char field[80])
{
    const char *name = "";
    void *iter = NULL;
    const char *key;
    const struct json *value;
    char quoted[80];
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        size_t len = strlen(arg->name);
        (void)snprintf(quoted, sizeof(quoted), "needs '%s':", arg->name);
        if ((strncmp(text, arg->name, len) == 0 && text[len] == ':') ||
            strstr(text, quoted) != NULL) {
            name = arg->name;
        }
    }
    while (name[0] == '\0' && json_next(args, &iter, &key, &value)) {
        (void)snprintf(quoted, sizeof(quoted), "takes no '%.60s", key);
        name = strstr(text, quoted) != NULL ? key : "";
    }
    (void)snprintf(field, 80, "args%s%.60s", name[0] != '\0' ? "." : "", name);
}

static bool is_number_arg(const struct verb *verb, const char *name)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, name) == 0) {
            return arg->type == ARG_INT;
        }
    }
    return false;
}

/* With "a-3" as 3 where an approval is meant, as the command line and the palette take it; what
 * else is wrong is verb_check's to say. */
static struct json *plain_args(const struct verb *verb, const struct json *args)
{
    AUTO_BUF struct buf out;
    struct err ignored = ERR_INIT; /* written here */
    struct jsonw w;
    void *iter = NULL;
    const char *key;
    const struct json *value;
    buf_init(&out, (size_t)8 * REQUEST_MAX); /* escapes make it longer */
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    while (json_next(args, &iter, &key, &value)) {
        enum case_kind kind;
        int64_t id;
        const char *text = json_text(value);
        if (text != NULL && is_number_arg(verb, key) && case_id_parse(text, &kind, &id) &&
            strcmp(case_word(kind), key) == 0) {
            jsonw_int(&w, key, id);
        } else {
            AUTO_FREE char *raw = json_format(value);
            jsonw_raw(&w, key, raw, strlen(raw));
        }
    }
    jsonw_close(&w, '}');
    return json_parse(out.data, out.len, &ignored);
}

static bool check_args(const struct json *root, const struct json *args,
                       struct request *request, struct request_problem *problem)
{
    struct err err = ERR_INIT;
    const struct verb *verb = request->verb;
    char field[80];
    if (!verb_check(verb, args, &err)) {
        find_field(verb, args, err.msg, field);
        return refuse(problem, err.code == ERR_TOO_LARGE ? 413 : 400, field, "%s",
                      err.msg);
    }
    if (has_arg(verb, "digest") && json_str(args, "digest", "")[0] == '\0') {
        return refuse(problem, 400, "args.digest",
                      "digest: missing; an approval is of what was shown");
    }
    if (!take_workflow(root, args, request, problem)) {
        return false;
    }
    request->args = json_format(args);
    return true;
}

static bool take_args(const struct json *root, struct request *request,
                      struct request_problem *problem)
{
    const struct json *given = json_get(root, "args");
    if (given != NULL && !json_is_an_object(given)) {
        return refuse(problem, 400, "args", "args: expected an object");
    }
    struct json *args = plain_args(request->verb, given);
    bool is_good = args != NULL
                       ? check_args(root, args, request, problem)
                       : refuse(problem, 413, "args", "args: larger than can be taken");
    json_free(args);
    return is_good;
}

/* NULL: refused. */
static const struct verb *take_verb(const struct json *root,
                                    struct request_problem *problem)
{
    static const char *const names[] = {"type", "verb", "workflow", "args", "key"};
    void *iter = NULL;
    const char *key;
    const struct json *value;
    while (json_next(root, &iter, &key, &value)) {
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            is_known = is_known || strcmp(names[i], key) == 0;
        }
        if (!is_known) {
            (void)refuse(problem, 400, key,
                         "%.60s: unknown; expected verb, workflow, args or key", key);
            return NULL;
        }
    }
    if (json_get(root, "type") != NULL &&
        strcmp(json_str(root, "type", ""), "command") != 0) {
        (void)refuse(problem, 400, "type", "type: expected command");
        return NULL;
    }
    const char *name = json_str(root, "verb", NULL);
    if (name == NULL) {
        (void)refuse(problem, 400, "verb", "verb: missing; expected one like pause");
        return NULL;
    }
    const struct verb *verb = verb_find(name);
    if (verb == NULL) {
        (void)refuse(problem, 400, "verb", "there is no verb '%.64s'", name);
    }
    return verb;
}

bool request_parse(const char *text, size_t len, const char *header_key,
                   struct request *ret_request, struct request_problem *ret_problem)
{
    struct request request = {0};
    struct request_problem problem = {0};
    struct err err = ERR_INIT;
    if (len > REQUEST_MAX) {
        *ret_problem = problem;
        return refuse(ret_problem, 413, "", "more than %d bytes", REQUEST_MAX);
    }
    struct json *root = json_parse(text, len, &err);
    bool is_good = false;
    if (root == NULL) {
        (void)refuse(&problem, 400, "", "the body is no JSON: %s", err.msg);
    } else if (!json_is_an_object(root)) {
        (void)refuse(&problem, 400, "", "the body is no JSON object");
    } else {
        request.verb = take_verb(root, &problem);
        is_good = request.verb != NULL && take_args(root, &request, &problem) &&
                  take_key(root, header_key, &request, &problem);
    }
    const char *key = json_str(root, "key", "");
    if (is_key(key, strlen(key))) {
        (void)snprintf(problem.key, sizeof(problem.key), "%s", key);
    }
    json_free(root);
    if (is_good) {
        *ret_request = request;
    } else {
        request_free(&request);
        *ret_problem = problem;
    }
    return is_good;
}

void request_free(struct request *request)
{
    free(request->args);
    free(request->key);
    *request = (struct request){0};
}

bool request_is_same(const struct request *request, const struct command_row *row)
{
    struct err ignored = ERR_INIT; /* written by us, or by nobody who may be believed */
    /* When it is answered the row's workflow may be the one that was made. */
    bool is_same_workflow = request->workflow == 0 || request->workflow == row->workflow;
    struct json *ours = json_parse(request->args, strlen(request->args), &ignored);
    struct json *theirs = json_parse(row->args, strlen(row->args), &ignored);
    bool is_same = is_same_workflow && strcmp(request->verb->name, row->verb) == 0 &&
                   json_is_same(ours, theirs);
    json_free(ours);
    json_free(theirs);
    return is_same;
}

/* ---- answers ---- */

/* The one text of the gate, for whichever role: nobody else says it. */
static bool is_of_the_gate(const struct command_row *row)
{
    const struct verb *verb = verb_find(row->verb);
    char why[ACCESS_TEXT_MAX];
    for (int role = USER_NONE; verb != NULL && role < USER_ROLE_COUNT; role++) {
        if (!access_allows(verb, (enum user_role)role, row->actor, why) &&
            strcmp(why, row->message) == 0) {
            return true;
        }
    }
    return false;
}

int request_status(const struct command_row *row)
{
    switch (row->answer) {
    case -1:
        return 202;
    case 0:
        return 200;
    case 2:
        return 400;
    default:
        return is_of_the_gate(row) ? 403 : 409;
    }
}

static void begin(struct jsonw *w, struct buf *out, const char *type, int status)
{
    jsonw_init(w, out);
    jsonw_open(w, NULL, '{');
    if (type != NULL) {
        jsonw_str(w, "type", type);
        jsonw_int(w, "status", status);
    }
}

void request_put_answer(struct buf *out, const struct command_row *row, const char *type,
                        int status)
{
    struct jsonw w;
    bool is_answered = row->answer >= 0;
    begin(&w, out, type, status);
    jsonw_int(&w, "command", row->id);
    jsonw_str(&w, "verb", row->verb);
    if (row->workflow != 0) {
        jsonw_int(&w, "workflow", row->workflow);
    } else {
        jsonw_null(&w, "workflow");
    }
    jsonw_bool(&w, "is_answered", is_answered);
    if (is_answered) {
        jsonw_int(&w, "answer", row->answer);
    } else {
        jsonw_null(&w, "answer");
    }
    jsonw_str(&w, "message", row->message);
    if (row->key != NULL && row->key[0] != '\0') {
        jsonw_str(&w, "key", row->key);
    }
    jsonw_close(&w, '}');
}

void request_put_problem(struct buf *out, const struct request_problem *problem,
                         const char *type)
{
    struct jsonw w;
    begin(&w, out, type, problem->status);
    jsonw_str(&w, "error", problem->text);
    if (problem->field[0] != '\0') {
        jsonw_str(&w, "field", problem->field);
    }
    if (problem->key[0] != '\0') {
        jsonw_str(&w, "key", problem->key);
    }
    jsonw_close(&w, '}');
}
