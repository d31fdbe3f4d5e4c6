/* SPDX-License-Identifier: MIT */
/* What the Codegen op remembers, and how it ends. */
#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/codegen_private.h"
#include "engine/service/codegen_prompt.h"

#define MEMO_MAX    4096
#define ODD_MAX     8   /* answers in a row that cannot be read, while nothing is begun */
#define SUMMARY_MAX 160 /* bytes of the agent's words in a summary */

/* ---- memory ---------------------------------------------------------------------------
 */

/* What a result needs; the desk's order is borrowed for open() only. */
static struct order *copy_order(const struct order *from)
{
    struct order *order = mem_alloc(sizeof(*order));
    order->workflow = from->workflow;
    order->seq = from->seq;
    order->kind = from->kind;
    order->iteration = from->iteration;
    order->attempt = from->attempt;
    order->pr_number = from->pr_number;
    order->name = mem_str(from->name != NULL ? from->name : "");
    order->branch = mem_str(from->branch != NULL ? from->branch : "");
    order->base = mem_str(from->base != NULL ? from->base : "");
    order->forge.repository =
        mem_str(from->forge.repository != NULL ? from->forge.repository : "");
    return order;
}

static struct json *read(const char *text)
{
    struct err ignored = ERR_INIT;
    return text != NULL && text[0] != '\0' ? json_parse(text, strlen(text), &ignored)
                                           : NULL;
}

static void recall_memo(struct codegen_op *op, const struct json *memo)
{
    const char *phase = json_str(memo, "phase", "");
    if (memo == NULL) {
        return;
    }
    free(op->uid);
    op->uid = mem_str(json_str(memo, "uid", ""));
    op->asked_at.ms = json_int(memo, "at", 0);
    op->repo = json_int(memo, "repo", op->repo);
    op->n_resumes = (int)json_int(memo, "resumes", 0);
    if (json_int(memo, "run", 0) > 0) {
        op->run = json_int(memo, "run", 0);
        op->logs = json_int(memo, "logs", 0);
        op->pull = json_int(memo, "pull", 0);
        op->is_ours = true;
        op->is_unsure = strcmp(phase, "resume") == 0;
    } else {
        op->may_exist = strcmp(phase, "create") == 0 && op->uid[0] != '\0';
    }
}

/* Of another service, or of nobody, nothing is kept. */
static void recall_keep(struct codegen_op *op, const struct json *keep)
{
    if (strcmp(json_str(keep, "service", ""), op->service->name) != 0) {
        return;
    }
    op->repo = json_int(keep, "repo", 0);
    op->run = json_int(keep, "run", 0);
    op->logs = json_int(keep, "logs", 0);
    op->pull = json_int(keep, "pull", 0);
    op->kept_banned = json_bool(keep, "banned", false);
    op->kept_open = json_bool(keep, "open", false) &&
                    json_int(keep, "iteration", 0) == op->order->iteration;
    if (op->kept_open && op->run == 0) { /* it was stopped while nobody knew */
        free(op->uid);
        op->uid = mem_str(json_str(keep, "uid", ""));
        op->asked_at.ms = json_int(keep, "at", 0);
        op->may_exist = op->uid[0] != '\0';
    }
}

void *codegen_open(const struct op_input *input, struct err *err)
{
    const struct order *order = input->order;
    if (order->forge.repository == NULL || order->forge.repository[0] == '\0') {
        err_set(err, ERR_CONFIG,
                "%s works on a repository of a forge; the pipeline names none",
                input->service->name);
        return NULL;
    }
    if (input->service->organization == NULL || input->service->organization[0] == '\0') {
        err_set(err, ERR_CONFIG, "the service %s has no organization",
                input->service->name);
        return NULL;
    }
    struct codegen_op *op = mem_alloc(sizeof(*op));
    op->service = input->service;
    op->poll = input->poll;
    op->order = copy_order(order);
    op->prompt = codegen_prompt(input);
    op->more = codegen_prompt_more(input);
    op->uid = mem_str("");
    op->failure = mem_str("");
    op->last.status = mem_str("");
    op->last.web_url = mem_str("");
    op->last.summary = mem_str("");
    op->last.result = mem_str("");
    op->logs_limit = CODEGEN_LIMIT_MAX;
    op->pause.ms = CODEGEN_POLL_FIRST;
    struct json *keep = read(input->keep), *memo = read(input->memo);
    recall_keep(op, keep);
    recall_memo(op, memo);
    json_free(keep);
    json_free(memo);
    return op;
}

void codegen_close(void *self)
{
    struct codegen_op *op = self;
    if (op == NULL) {
        return;
    }
    codegen_run_fini(&op->last);
    order_free(op->order);
    free(op->prompt);
    free(op->more);
    free(op->limit_prompt);
    free(op->uid);
    free(op->failure);
    free(op);
}

char *codegen_memo(const struct codegen_op *op, const char *phase)
{
    struct buf buf;
    struct jsonw w;
    buf_init(&buf, MEMO_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "phase", phase);
    jsonw_str(&w, "uid", op->uid);
    jsonw_int(&w, "at", op->asked_at.ms);
    jsonw_int(&w, "repo", op->repo);
    jsonw_int(&w, "run", op->run);
    jsonw_int(&w, "logs", op->logs);
    jsonw_int(&w, "pull", op->pull);
    jsonw_int(&w, "resumes", op->n_resumes);
    jsonw_close(&w, '}');
    return buf_take(&buf, NULL);
}

static char *keep_text(const struct codegen_op *op, bool is_open, bool is_banned)
{
    struct buf buf;
    struct jsonw w;
    buf_init(&buf, MEMO_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "service", op->service->name);
    jsonw_int(&w, "repo", op->repo);
    jsonw_int(&w, "run", op->run);
    jsonw_int(&w, "logs", op->logs);
    jsonw_int(&w, "pull", op->pull);
    jsonw_int(&w, "iteration", op->order->iteration);
    if (op->may_exist && op->run == 0) {
        jsonw_str(&w, "uid", op->uid);
        jsonw_int(&w, "at", op->asked_at.ms);
    }
    jsonw_bool(&w, "open", is_open);
    jsonw_bool(&w, "banned", is_banned);
    jsonw_close(&w, '}');
    return buf_take(&buf, NULL);
}

char *codegen_keep(const struct codegen_op *op, bool is_open)
{
    return keep_text(op, is_open, false);
}

/* ---- pull requests --------------------------------------------------------------------
 */

/* The one of our branch or number, else the newest that is in our repository. */
static const struct codegen_pull *pull_of(const struct codegen_op *op)
{
    const struct codegen_pull *found = NULL;
    for (size_t i = 0; i < op->last.n_pulls; i++) {
        const struct codegen_pull *pull = &op->last.pulls[i];
        if (pull->number > 0 &&
            strcasecmp(pull->repository, op->order->forge.repository) != 0) {
            continue; /* an agent may have several, elsewhere */
        }
        if ((pull->branch[0] != '\0' && strcmp(pull->branch, op->order->branch) == 0) ||
            (pull->number > 0 && pull->number == op->order->pr_number)) {
            return pull;
        }
        if (found == NULL || pull->id > found->id) {
            found = pull;
        }
    }
    return found;
}

void codegen_learn(struct codegen_op *op, struct codegen_run *run)
{
    int64_t id = run->id;
    enum codegen_state state = run->state;
    codegen_run_fini(&op->last);
    op->last = *run;
    *run = (struct codegen_run){.id = id, .state = state};
    const struct codegen_pull *pull = pull_of(op);
    if (pull != NULL && pull->number > 0) {
        op->pull = pull->number;
    }
}

bool codegen_is_for(const struct codegen_op *op, const struct forge_event *event)
{
    if ((event->kind != FORGE_PULL_REQUEST && event->kind != FORGE_PUSH) ||
        strcasecmp(event->repository, op->order->forge.repository) != 0) {
        return false;
    }
    const struct codegen_pull *pull = pull_of(op);
    return (op->pull > 0 && event->pull == op->pull) ||
           (event->branch[0] != '\0' &&
            (strcmp(event->branch, op->order->branch) == 0 ||
             (pull != NULL && strcmp(event->branch, pull->branch) == 0)));
}

/* ---- ends -----------------------------------------------------------------------------
 */

/* The first line of what the agent says of its work, at most so many bytes; malloc'd. */
static char *words_of(const struct codegen_op *op)
{
    const char *text = op->last.summary != NULL && op->last.summary[0] != '\0'
                           ? op->last.summary
                           : op->last.result;
    if (text == NULL) {
        return mem_str("");
    }
    text += strspn(text, " \n#*");
    size_t len = strcspn(text, "\n");
    if (len > SUMMARY_MAX) {
        for (len = SUMMARY_MAX; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;) {
            len--;
        }
    }
    return mem_strn(text, len);
}

static struct op_step passed(struct codegen_op *op)
{
    const struct codegen_pull *pull = pull_of(op);
    const char *branch =
        pull != NULL && pull->branch[0] != '\0' ? pull->branch : op->order->branch;
    AUTO_FREE char *words = words_of(op);
    const char *colon = words[0] != '\0' ? ": " : "";
    if (branch[0] == '\0' && op->pull == 0) {
        return codegen_failed(op, BLAME_CHANGE, "it ended without a pull request");
    }
    struct op_step step =
        op->pull > 0 ? op_done(op->order, STATUS_PASSED, BLAME_NONE,
                               "run %lld, pull request #%lld%s%s", (long long)op->run,
                               (long long)op->pull, colon, words)
                     : op_done(op->order, STATUS_PASSED, BLAME_NONE,
                               "run %lld, no pull request yet%s%s", (long long)op->run,
                               colon, words);
    step.result->pr_number = op->pull;
    if (branch[0] != '\0') {
        step.result->branch = mem_str(branch);
    }
    step.keep = codegen_keep(op, false);
    return step;
}

struct op_step codegen_failed(struct codegen_op *op, enum blame blame, const char *why)
{
    struct op_step step =
        op->run > 0
            ? op_done(op->order, STATUS_FAILED, blame, "run %lld of %s: %s",
                      (long long)op->run, op->service->name, why)
            : op_done(op->order, STATUS_FAILED, blame, "%s: %s", op->service->name, why);
    if (op->failure[0] != '\0') {
        step.result->excerpt = mem_str(op->failure);
    }
    /* A person's part leaves the run as it is: the same round goes on with it. */
    step.keep = codegen_keep(op, op->is_ours && blame == BLAME_OPERATOR &&
                                     op->last.state == CODEGEN_IN_FLIGHT);
    return step;
}

struct op_step codegen_gone(struct codegen_op *op)
{
    struct op_step step =
        op_done(op->order, STATUS_FAILED, BLAME_WORLD, "run %lld is not known to %s",
                (long long)op->run, op->service->name);
    op->run = op->logs = op->pull = 0;
    step.keep = codegen_keep(op, false);
    return step;
}

struct op_step codegen_outcome(struct codegen_op *op)
{
    AUTO_FREE char *words = words_of(op);
    AUTO_FREE char *why =
        mem_printf("%s%s%s", op->last.status, words[0] != '\0' ? ": " : "",
                   op->failure[0] != '\0' && words[0] == '\0' ? op->failure : words);
    switch (op->last.state) {
    case CODEGEN_COMPLETE:
        return passed(op);
    case CODEGEN_PAUSED:
        return codegen_failed(op,
                              strcasecmp(op->last.status, "OUT_OF_TOKENS") == 0
                                  ? BLAME_OPERATOR
                                  : BLAME_CHANGE,
                              why);
    case CODEGEN_FAILED:
        return codegen_failed(op, op->order->attempt > 1 ? BLAME_CHANGE : BLAME_WORLD,
                              why);
    case CODEGEN_IN_FLIGHT: /* not an end */
    case CODEGEN_STOPPED:
        break;
    }
    return codegen_failed(op, BLAME_OPERATOR, why);
}

struct op_step codegen_stopped(struct codegen_op *op, const struct http_response *ban)
{
    bool is_banned = ban != NULL && ban->fault == HTTP_FINE && ban->status < 300;
    struct op_step step;
    if (!op->is_ours && op->may_exist) {
        step = op_done(op->order, STATUS_CANCELLED, BLAME_NONE,
                       "a run may have begun at %s, which has not said so",
                       op->service->name);
    } else if (!op->is_ours) {
        step =
            op_done(op->order, STATUS_CANCELLED, BLAME_NONE, "stopped before it began");
    } else if (is_banned) {
        step = op_done(op->order, STATUS_CANCELLED, BLAME_NONE,
                       "run %lld: its agents are banned from pull request #%lld",
                       (long long)op->run, (long long)op->pull);
    } else if (ban != NULL) {
        AUTO_FREE char *why = codegen_complaint(ban);
        step = op_done(op->order, STATUS_CANCELLED, BLAME_NONE,
                       "run %lld may go on: %s does not ban it: %s", (long long)op->run,
                       op->service->name, why);
    } else if (op->last.state != CODEGEN_IN_FLIGHT) {
        step = op_done(op->order, STATUS_CANCELLED, BLAME_NONE, "run %lld had ended",
                       (long long)op->run);
    } else {
        step = op_done(op->order, STATUS_CANCELLED, BLAME_NONE,
                       "run %lld goes on at %s, which has no way to stop a run without "
                       "a pull request",
                       (long long)op->run, op->service->name);
    }
    if (op->is_ours || op->may_exist) {
        step.keep = keep_text(op, !is_banned, is_banned);
        /* the summary of what was stopped is not looked at; the log is there for people */
        step.log = mem_printf("%s\n", step.result->summary);
    }
    return step;
}

struct op_step codegen_odd(struct codegen_op *op, const struct http_response *response,
                           const struct err *err, struct op_step otherwise)
{
    if (op->errors <= ODD_MAX || op->may_exist || op->is_ours) {
        return otherwise;
    }
    AUTO_FREE char *why = mem_printf("an answer of status %d that is none (%s)",
                                     response->status, err->msg);
    return codegen_failed(op, BLAME_WORLD, why);
}
