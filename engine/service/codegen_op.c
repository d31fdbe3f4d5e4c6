/* SPDX-License-Identifier: MIT */
/* The steps and their answers. What is remembered, and how it ends, is in
 * codegen_memory.c. */
#include "engine/service/codegen_op.h"

#include "engine/base/mem.h"
#include "engine/service/codegen.h"
#include "engine/service/codegen_private.h"
#include "engine/service/codegen_prompt.h"

#define PAGES_MAX      20 /* of runs that are looked through; of repositories 100 */
#define REPO_PAGES_MAX 100
#define LOOKS          2      /* for a run that may have been created */
#define LOOK_PAUSE     2000   /* ms before the first look, and */
#define LOOK_AGAIN     10000  /* before the second: a list may lag behind */
#define LOOK_SLACK     600000 /* ms that the clocks may differ */
#define PULL_PAUSE     3000   /* ms until a pull request is looked for again */
#define SETTLE         20000  /* ms that a resumed run may still show its old end */
#define LOGS_EVERY     30000  /* ms; the endpoint has 60 calls a minute for everybody */
#define BLOCKED_PAUSE  15000  /* ms, when nobody says how long */
#define LOG_PAGES_MAX  100    /* read in one go */
#define ERRORS_MAX     8      /* in a row, while nothing is begun */
#define GONE_MAX       4      /* answers in a row that the run does not exist */
#define BANS_MAX       3
#define RESUMES_MAX    3 /* resumptions in a row whose answer is lost */

/* ---- what comes next ------------------------------------------------------------------
 */

/* A new run: first the id of the repository, when it is not known. */
static struct op_step go_create(struct codegen_op *op, struct wall now)
{
    op->run = op->logs = op->pull = 0;
    op->skip = 0;
    if (op->is_stopping) {
        return codegen_stopped(op, NULL);
    }
    return codegen_go(op, op->repo > 0 ? PHASE_CREATE : PHASE_REPO, now);
}

static struct op_step go_look(struct codegen_op *op, struct wall now)
{
    op->may_exist = true;
    op->n_candidates = 0;
    op->skip = 0;
    op->n_pages = 0;
    return codegen_sleep(op, PHASE_LOOK, op->n_looks == 0 ? LOOK_PAUSE : LOOK_AGAIN, now);
}

/* Nobody waits any more. */
static struct op_step wind_up(struct codegen_op *op, struct wall now)
{
    if (op->may_exist && op->run == 0) {
        return op->phase == PHASE_CANDIDATE || op->phase == PHASE_LOOK
                   ? codegen_go(op, op->phase, now)
                   : go_look(op, now);
    }
    if (op->is_ours && op->run > 0 && op->pull > 0 &&
        op->last.state == CODEGEN_IN_FLIGHT) {
        return codegen_go(op, PHASE_BAN, now);
    }
    return codegen_stopped(op, NULL);
}

/* ---- answers --------------------------------------------------------------------------
 */

/* This run is ours: from now on it is only watched. */
static struct op_step adopt(struct codegen_op *op, struct codegen_run *run,
                            const char *how, struct wall now)
{
    op->run = run->id;
    op->is_ours = true;
    op->errors = 0;
    op->pause.ms = CODEGEN_POLL_FIRST;
    codegen_learn(op, run);
    struct op_step step = op->is_stopping
                              ? wind_up(op, now)
                              : codegen_sleep(op, PHASE_POLL, CODEGEN_POLL_FIRST, now);
    free(step.memo);
    free(step.keep);
    free(step.log);
    step.memo = codegen_memo(op, "run");
    step.keep = codegen_keep(op, true);
    step.log = mem_printf("Codegen run %lld %s%s%s\n", (long long)op->run, how,
                          op->last.web_url[0] != '\0' ? ": " : "", op->last.web_url);
    return step;
}

static struct op_step on_repos(struct codegen_op *op,
                               const struct http_response *response, struct wall now,
                               struct rng *rng)
{
    struct codegen_repos repos;
    struct err err = ERR_INIT;
    const char *name = op->order->forge.repository;
    if (!codegen_repos_parse(response->body, response->body_len, name, &repos, &err)) {
        return codegen_odd(op, response, &err,
                           codegen_back_off(op, PHASE_REPO, now, rng));
    }
    op->errors = 0;
    op->skip += repos.n_items;
    if (repos.found > 0) {
        op->repo = repos.found;
        return go_create(op, now);
    }
    bool is_last = repos.n_items == 0 || op->n_pages++ > REPO_PAGES_MAX ||
                   (repos.total >= 0 && op->skip >= repos.total);
    if (!is_last) {
        return codegen_go(op, PHASE_REPO, now);
    }
    return op_done(op->order, STATUS_REFUSED, BLAME_SETUP,
                   "organization %s of %s does not know the repository %s",
                   op->service->organization, op->service->name, name);
}

static struct op_step look_on(struct codegen_op *op, struct wall now)
{
    if (op->n_candidates > 0) {
        return codegen_go(op, PHASE_CANDIDATE, now);
    }
    if (++op->n_looks < LOOKS) {
        return go_look(op, now);
    }
    op->may_exist = false;
    op->n_looks = 0;
    return go_create(op, now);
}

static bool may_be_ours(const struct codegen_op *op, const struct codegen_run *run)
{
    return !wall_is_set(run->created_at) ||
           run->created_at.ms >= op->asked_at.ms - LOOK_SLACK;
}

static struct op_step on_list(struct codegen_op *op, const struct http_response *response,
                              struct wall now, struct rng *rng)
{
    struct codegen_runs runs;
    struct err err = ERR_INIT;
    if (!codegen_runs_parse(response->body, response->body_len, &runs, &err)) {
        return codegen_back_off(op, PHASE_LOOK, now, rng);
    }
    bool is_old = false; /* they come newest first */
    op->errors = 0;
    for (size_t i = 0; i < runs.n; i++) {
        struct codegen_run *run = &runs.list[i];
        if (strcmp(run->uid, op->uid) == 0) {
            struct op_step step = adopt(op, run, "found again", now);
            codegen_runs_fini(&runs);
            return step;
        }
        is_old = is_old || !may_be_ours(op, run);
        /* A list may leave the metadata out: then the run itself is asked. */
        if (!run->has_metadata && may_be_ours(op, run) &&
            op->n_candidates < CODEGEN_CANDIDATES) {
            op->candidates[op->n_candidates++] = run->id;
        }
    }
    op->skip += runs.n_items;
    bool is_last = is_old || runs.n_items == 0 || ++op->n_pages >= PAGES_MAX ||
                   (runs.total >= 0 && op->skip >= runs.total);
    codegen_runs_fini(&runs);
    return is_last ? look_on(op, now) : codegen_go(op, PHASE_LOOK, now);
}

/* What to do with the run of an earlier effect. */
static struct op_step judge_kept(struct codegen_op *op, struct codegen_run *run,
                                 struct wall now)
{
    bool is_usable = run->state == CODEGEN_IN_FLIGHT || run->state == CODEGEN_COMPLETE ||
                     run->state == CODEGEN_PAUSED;
    if (!is_usable) {
        return go_create(op, now);
    }
    if (op->kept_open && run->state != CODEGEN_PAUSED) {
        return adopt(op, run, "goes on", now);
    }
    codegen_learn(op, run);
    return codegen_go(op, PHASE_RESUME, now);
}

static struct op_step judge(struct codegen_op *op, struct codegen_run *run,
                            struct wall now, struct rng *rng)
{
    bool is_new_word = strcmp(op->last.status, run->status) != 0;
    op->errors = op->n_gone = 0;
    codegen_learn(op, run);
    op->has_moved = op->has_moved || op->last.state == CODEGEN_IN_FLIGHT;
    op->n_pages = 0; /* of the logs that may follow */
    char *log =
        is_new_word && op->last.status[0] != '\0'
            ? mem_printf("Codegen run %lld: %s\n", (long long)op->run, op->last.status)
            : NULL;
    struct op_step step;
    if (op->is_stopping) {
        step = wind_up(op, now);
    } else if (op->is_unsure && op->last.state != CODEGEN_IN_FLIGHT) {
        op->is_unsure = false; /* the answer to a resumption was lost; it was not done */
        step = codegen_go(op, PHASE_RESUME, now);
    } else if (op->last.state == CODEGEN_IN_FLIGHT ||
               (!op->has_moved && wall_since(now, op->resumed_at).ms < SETTLE)) {
        op->is_unsure = false;
        step = wall_since(now, op->logs_at).ms >= LOGS_EVERY
                   ? codegen_go(op, PHASE_LOGS, now)
                   : codegen_poll_later(op, now, rng);
    } else {
        op->is_over = true; /* the rest of its logs, then the end */
        step = codegen_go(op, PHASE_LOGS, now);
    }
    if (step.log == NULL) {
        step.log = log;
    } else {
        free(log);
    }
    return step;
}

static struct op_step on_run(struct codegen_op *op, const struct http_response *response,
                             struct wall now, struct rng *rng)
{
    struct codegen_run run;
    struct err err = ERR_INIT;
    enum codegen_phase phase = op->phase;
    if (!codegen_run_parse(response->body, response->body_len, &run, &err)) {
        if (phase == PHASE_CREATE) {
            return go_look(op, now); /* perhaps it was done */
        }
        return codegen_odd(op, response, &err, codegen_back_off(op, phase, now, rng));
    }
    struct op_step step;
    switch (phase) {
    case PHASE_CREATE:
        step = adopt(op, &run, "begun", now);
        break;
    case PHASE_CANDIDATE:
        op->n_candidates--;
        step = strcmp(run.uid, op->uid) == 0 ? adopt(op, &run, "found again", now)
                                             : look_on(op, now);
        break;
    case PHASE_KEPT:
        step = judge_kept(op, &run, now);
        break;
    case PHASE_RESUME:
        op->resumed_at = now;
        op->is_unsure = op->is_over = op->has_looked_again = false;
        op->has_moved = run.state == CODEGEN_IN_FLIGHT && run.status[0] != '\0';
        op->n_lost = 0;
        run.id = op->run; /* whatever it says, it is the run that was resumed */
        step = adopt(op, &run, "resumed", now);
        break;
    default:
        step = judge(op, &run, now, rng);
        break;
    }
    codegen_run_fini(&run);
    return step;
}

/* ---- the end --------------------------------------------------------------------------
 */

/* Its logs are read, or cannot be. */
static struct op_step conclude(struct codegen_op *op, struct wall now)
{
    if (op->last.state == CODEGEN_COMPLETE && op->last.n_pulls == 0 &&
        !op->has_looked_again) {
        op->has_looked_again = true;
        op->is_over = false;
        return codegen_sleep(op, PHASE_POLL, PULL_PAUSE, now);
    }
    if (op->last.state == CODEGEN_PAUSED && op->n_resumes == 0) {
        op->n_resumes++;
        op->is_over = false;
        free(op->limit_prompt);
        op->limit_prompt = codegen_prompt_limit(op->last.status, op->order->branch);
        return codegen_go(op, PHASE_RESUME, now);
    }
    return codegen_outcome(op);
}

static struct op_step on_logs(struct codegen_op *op, const struct http_response *response,
                              struct wall now, struct rng *rng)
{
    struct codegen_logs logs;
    struct err err = ERR_INIT;
    op->logs_at = now;
    if (!codegen_logs_parse(response->body, response->body_len, &logs, &err)) {
        return op->is_over ? conclude(op, now) : codegen_poll_later(op, now, rng);
    }
    op->logs += logs.n_items;
    op->errors = 0;
    if (logs.failure[0] != '\0') {
        free(op->failure);
        op->failure = mem_str(logs.failure);
    }
    bool has_more =
        logs.n_items > 0 && ++op->n_pages < LOG_PAGES_MAX &&
        (logs.total >= 0 ? op->logs < logs.total : logs.n_items >= op->logs_limit);
    struct op_step step = has_more      ? codegen_go(op, PHASE_LOGS, now)
                          : op->is_over ? conclude(op, now)
                                        : codegen_poll_later(op, now, rng);
    if (logs.n_items > 0) {
        if (step.memo == NULL) {
            step.memo = codegen_memo(op, "run");
        }
        free(step.log);
        step.log = TAKE(logs.text);
    }
    codegen_logs_fini(&logs);
    return step;
}

/* Logs are nice to have: the endpoint is alpha, and nothing waits for it. */
static struct op_step without_logs(struct codegen_op *op,
                                   const struct http_response *response, struct wall now,
                                   struct rng *rng)
{
    op->logs_at = now;
    if (response->fault == HTTP_TOO_LARGE) {
        if (op->logs_limit > 1) {
            op->logs_limit /= 4;
            op->logs_limit += op->logs_limit == 0;
        } else {
            op->logs++; /* that one cannot be had */
        }
        return codegen_go(op, PHASE_LOGS, now);
    }
    if (op->is_over && response->fault != HTTP_BLOCKED && op->errors < 2) {
        return codegen_back_off(op, PHASE_LOGS, now, rng);
    }
    op->errors = 0;
    return op->is_over ? conclude(op, now) : codegen_poll_later(op, now, rng);
}

/* ---- what is no success ---------------------------------------------------------------
 */

/* Nobody knows whether a writing call was done. */
static struct op_step on_doubt(struct codegen_op *op, struct wall now, struct rng *rng)
{
    if (op->phase == PHASE_CREATE) {
        return go_look(op, now);
    }
    if (op->phase == PHASE_RESUME && ++op->n_lost < RESUMES_MAX) {
        op->is_unsure = op->is_ours = true;
        return codegen_sleep(op, PHASE_POLL, LOOK_PAUSE, now);
    }
    return codegen_back_off(op, op->phase, now, rng);
}

static struct op_step on_fault(struct codegen_op *op,
                               const struct http_response *response, struct wall now,
                               struct rng *rng)
{
    bool has_begun = op->may_exist || op->is_ours;
    int64_t left = wall_is_set(response->until) ? wall_since(response->until, now).ms
                                                : BLOCKED_PAUSE;
    switch (response->fault) {
    case HTTP_BLOCKED:
        if (!has_begun) {
            return op_deferred(op->order, op->service, response);
        }
        left = left < 1000 ? 1000 : left > CODEGEN_POLL_LAST ? CODEGEN_POLL_LAST : left;
        return codegen_sleep(op, op->phase, left, now);
    case HTTP_NO_TOKEN:
        if (!has_begun) {
            AUTO_FREE char *why = codegen_complaint(response);
            return op_done(op->order, STATUS_REFUSED, BLAME_OPERATOR, "%s: %s",
                           op->service->name, why);
        }
        return codegen_sleep(op, op->phase, CODEGEN_POLL_LAST, now);
    case HTTP_LOST:
    case HTTP_TIMEOUT:
    case HTTP_TOO_LARGE:
    case HTTP_STOPPED:
        return on_doubt(op, now, rng);
    default:
        return codegen_back_off(op, op->phase, now, rng);
    }
}

/* The service has read the request and said no. */
static struct op_step on_refusal(struct codegen_op *op,
                                 const struct http_response *response, struct wall now,
                                 struct rng *rng)
{
    bool is_gone = response->status == 404 || response->status == 403;
    AUTO_FREE char *why = codegen_complaint(response);
    switch (op->phase) {
    case PHASE_UNBAN:
        return codegen_go(op, PHASE_KEPT, now); /* it was not banned, then */
    case PHASE_KEPT:
    case PHASE_RESUME:
        if (is_gone && !op->is_ours) {
            return go_create(op, now);
        }
        if (op->is_ours && response->status != 402) {
            return codegen_failed(op, BLAME_WORLD, why);
        }
        break;
    case PHASE_LOOK: /* a run may exist: it is not left for another one */
        return codegen_back_off(op, PHASE_LOOK, now, rng);
    case PHASE_CANDIDATE:
        op->n_candidates--;
        return look_on(op, now);
    case PHASE_POLL:
        if (++op->n_gone <= GONE_MAX) {
            return codegen_back_off(op, PHASE_POLL, now, rng);
        }
        if (response->status == 404) {
            return codegen_gone(op);
        }
        return codegen_failed(op, BLAME_OPERATOR, why);
    default:
        break;
    }
    if (response->status == 402) {
        return codegen_failed(op, BLAME_OPERATOR, why);
    }
    /* A token can be put right, and then it goes on where it stands. */
    return op_done(op->order, STATUS_REFUSED,
                   response->status == 401 ? BLAME_OPERATOR : BLAME_SETUP,
                   "%s refuses %s: %s", op->service->name,
                   op->phase == PHASE_RESUME ? "to go on" : "the run", why);
}

static struct op_step on_trouble(struct codegen_op *op,
                                 const struct http_response *response, struct wall now,
                                 struct rng *rng)
{
    if (op->phase == PHASE_LOGS) {
        return without_logs(op, response, now, rng);
    }
    if (response->fault != HTTP_FINE) {
        return on_fault(op, response, now, rng);
    }
    if (response->status == 429) { /* the desk keeps those from us */
        return codegen_back_off(op, op->phase, now, rng);
    }
    if (response->status >= 500 || response->status == 408) {
        return on_doubt(op, now, rng);
    }
    return on_refusal(op, response, now, rng);
}

/* ---- the class ------------------------------------------------------------------------
 */

static struct op_step op_begin(void *self, struct wall now, struct rng *rng)
{
    struct codegen_op *op = self;
    if (op->uid[0] == '\0') {
        free(op->uid);
        op->uid =
            mem_printf("wf-%lld.%lld-%016llx", (long long)op->order->workflow,
                       (long long)op->order->seq, (unsigned long long)rng_next(rng));
    }
    if (op->may_exist) {
        return go_look(op, now);
    }
    if (op->is_ours) {
        return codegen_go(op, PHASE_POLL, now);
    }
    if (op->run > 0) {
        return codegen_go(op, op->kept_banned ? PHASE_UNBAN : PHASE_KEPT, now);
    }
    return go_create(op, now);
}

static struct op_step op_answer(void *self, const struct http_response *response,
                                struct wall now, struct rng *rng)
{
    struct codegen_op *op = self;
    bool is_fine =
        response->fault == HTTP_FINE && response->status >= 200 && response->status < 300;
    op->is_calling = false;
    if (op->phase == PHASE_BAN) {
        if (is_fine || op->n_bans++ >= BANS_MAX || response->fault == HTTP_BLOCKED) {
            return codegen_stopped(op, response);
        }
        return codegen_back_off(op, PHASE_BAN, now, rng);
    }
    bool is_looking = op->phase == PHASE_CREATE || op->phase == PHASE_LOOK ||
                      op->phase == PHASE_CANDIDATE;
    if (op->is_stopping && !is_looking) {
        return wind_up(op, now);
    }
    if (op->is_stopping && !is_fine && op->phase != PHASE_CREATE) {
        return codegen_stopped(op, NULL);
    }
    if (!is_fine) {
        struct op_step step = on_trouble(op, response, now, rng);
        if (op->errors > ERRORS_MAX && !op->may_exist && !op->is_ours &&
            step.turn == OP_SLEEP) {
            AUTO_FREE char *why = codegen_complaint(response);
            free(step.memo);
            return codegen_failed(op, BLAME_WORLD, why);
        }
        return step;
    }
    switch (op->phase) {
    case PHASE_REPO:
        return on_repos(op, response, now, rng);
    case PHASE_LOOK:
        return on_list(op, response, now, rng);
    case PHASE_LOGS:
        return on_logs(op, response, now, rng);
    case PHASE_UNBAN:
        return codegen_go(op, PHASE_KEPT, now);
    default:
        return on_run(op, response, now, rng);
    }
}

static struct op_step op_wake(void *self, const struct forge_event *hint, struct wall now,
                              struct rng *rng)
{
    struct codegen_op *op = self;
    (void)rng; /* nothing is drawn */
    if (hint != NULL && (op->is_calling || op->is_stopping || op->phase != PHASE_POLL ||
                         !codegen_is_for(op, hint))) {
        int64_t left = wall_since(op->wake_at, now).ms;
        left = wall_is_set(op->wake_at) ? left : CODEGEN_POLL_LAST;
        return op_sleep((struct span){left > 0 ? left : 0});
    }
    if (op->is_stopping) {
        return wind_up(op, now);
    }
    return codegen_go(op, op->phase, now);
}

static struct op_step op_stop(void *self, struct wall now, struct rng *rng)
{
    struct codegen_op *op = self;
    (void)rng; /* nothing is drawn */
    op->is_stopping = true;
    return wind_up(op, now);
}

static const struct op_class codegen_code = {
    .name = "codegen.code",
    .open = codegen_open,
    .begin = op_begin,
    .answer = op_answer,
    .wake = op_wake,
    .stop = op_stop,
    .close = codegen_close,
};

static const struct op_row rows[] = {
    {SERVICE_CODEGEN, EFFECT_CODE, &codegen_code}
};
const struct op_table codegen_ops = {rows, ARRAY_LEN(rows)};
