/* SPDX-License-Identifier: MIT */

#include "tests/fakes/fake_codegen.h"

#include <stdarg.h>
#include <strings.h>

#include "engine/base/mem.h"

#define CREATE_TIME 60
#define CALL_TIME   30
#define PAGE_MAX    100
#define BOT         "codegen-sh"

struct log_row {
    const char *type; /* static */
    char *thought;
    struct wall at;
};

struct agent_run {
    int64_t id;
    char *prompt, *metadata; /* metadata: JSON or "" */
    char *branch, *base, *title;
    int turn; /* 1.. */
    struct wall created, started, ended;
    bool is_banned;
    int pull;
    struct log_row *logs;
    size_t n_logs;
};

struct fake_codegen {
    const struct fake_codegen_settings *set;
    struct fake_github *github;
    struct agent_run **runs;
    size_t n_runs;
    int64_t last_id, n_turns, n_refused, n_banned, n_resumed;
    int64_t n_calls;
    struct fake_window creates, calls;
};

struct cg_call {
    struct fake_codegen *codegen;
    const struct fake_request *request;
    struct fake_reply *reply;
    struct wall now;
    struct json *body;
    struct jsonw w;
};

struct fake_codegen *fake_codegen_new(const struct fake_codegen_settings *settings,
                                      struct fake_github *github)
{
    struct fake_codegen *codegen = mem_alloc(sizeof *codegen);
    codegen->set = settings;
    codegen->github = github;
    codegen->last_id = 70000;
    return codegen;
}

static void run_free(struct agent_run *run)
{
    free(run->prompt);
    free(run->metadata);
    free(run->branch);
    free(run->base);
    free(run->title);
    for (size_t i = 0; i < run->n_logs; i++)
        free(run->logs[i].thought);
    free(run->logs);
    free(run);
}

void fake_codegen_free(struct fake_codegen *codegen)
{
    if (codegen == NULL)
        return;
    for (size_t i = 0; i < codegen->n_runs; i++)
        run_free(codegen->runs[i]);
    free(codegen->runs);
    fake_window_fini(&codegen->creates);
    fake_window_fini(&codegen->calls);
    free(codegen);
}

/* ---- a run -------------------------------------------------------------------------- */

static void run_log(struct agent_run *run, const char *type, struct wall now,
                    const char *format, ...) PRINTF_LIKE(4, 5);
static void run_log(struct agent_run *run, const char *type, struct wall now,
                    const char *format, ...)
{
    va_list args;
    struct log_row *row = FAKE_ADD(run->logs, run->n_logs);
    row->type = type;
    row->at = now;
    va_start(args, format);
    if (vasprintf(&row->thought, format, args) < 0)
        abort();
    va_end(args);
}

/* The word in backquotes after `lead`, malloc'd, or NULL. */
static char *quoted_after(const char *text, const char *lead)
{
    const char *at = strstr(text, lead);
    if (at == NULL)
        return NULL;
    at += strlen(lead);
    size_t len = strcspn(at, "`\n");
    return at[len] == '`' && len > 0 ? mem_strn(at, len) : NULL;
}

static void run_begin(struct agent_run *run, const char *prompt, struct wall now)
{
    AUTO_FREE char *branch = quoted_after(prompt, "ranch `");
    AUTO_FREE char *base = quoted_after(prompt, "made from `");
    fake_keep(&run->prompt, prompt);
    if (branch != NULL)
        fake_keep(&run->branch, branch);
    if (base != NULL)
        fake_keep(&run->base, base);
    run->turn++;
    run->started = now;
    run->ended = (struct wall){0};
    run_log(run, "USER_MESSAGE", now, "turn %d", run->turn);
    run_log(run, "ACTION", now, "reading the repository");
}

/* One file per branch; '/' would make folders that collide with other branches. */
static char *file_of(const struct agent_run *run)
{
    char *path = mem_printf("changes/%s.md", run->branch);
    for (char *c = path + strlen("changes/"); *c != '\0'; c++)
        if (*c == '/')
            *c = '-';
    return path;
}

static bool is_end_good(const struct fake_codegen *codegen)
{
    return strncasecmp(codegen->set->end, "COMPLETE", 8) == 0;
}

static void run_end(struct fake_codegen *codegen, struct agent_run *run, struct wall now)
{
    run->ended = now;
    codegen->n_turns++;
    if (!is_end_good(codegen)) {
        run_log(run, "ERROR", now, "stopped: %s", codegen->set->end);
        return;
    }
    if (codegen->github != NULL) {
        AUTO_FREE char *path = file_of(run);
        AUTO_FREE char *text = mem_printf("turn: %d\nrun: %lld\n\n%s\n", run->turn,
                                          (long long)run->id, run->prompt);
        AUTO_FREE char *message =
            mem_printf("agent run %lld, turn %d\n", (long long)run->id, run->turn);
        AUTO_FREE char *sha = fake_github_commit(codegen->github, run->branch, run->base,
                                                 path, text, message, BOT, now);
        run_log(run, sha != NULL ? "COMMIT_EVALUATION" : "ERROR", now, "%s %s",
                sha != NULL ? "committed" : "cannot commit on",
                sha != NULL ? sha : run->branch);
        if (codegen->set->opens_pull)
            run->pull = fake_github_open_pull(codegen->github, run->branch, run->base,
                                              run->title, "by an agent", BOT, now);
        else
            run->pull = fake_github_pull_of(codegen->github, run->branch);
    }
    run_log(run, "FINAL_ANSWER", now, "done in turn %d", run->turn);
}

/* The statuses on the way share the time of the run. "null" is JSON's null. */
static const char *run_status(const struct fake_codegen *codegen,
                              const struct agent_run *run, struct wall now)
{
    const struct fake_codegen_settings *set = codegen->set;
    if (run->is_banned)
        return "STOPPED";
    if (wall_is_set(run->ended))
        return set->end;
    if (set->n_statuses == 0)
        return "ACTIVE";
    int64_t whole = set->run_time.ms > 0 ? set->run_time.ms : 1;
    int64_t at = (now.ms - run->started.ms) * (int64_t)set->n_statuses / whole;
    if (at >= (int64_t)set->n_statuses)
        at = (int64_t)set->n_statuses - 1;
    return set->statuses[at < 0 ? 0 : at];
}

void fake_codegen_tick(struct fake_codegen *codegen, struct wall now)
{
    for (size_t i = 0; i < codegen->n_runs; i++) {
        struct agent_run *run = codegen->runs[i];
        if (!run->is_banned && !wall_is_set(run->ended) &&
            now.ms - run->started.ms >= codegen->set->run_time.ms)
            run_end(codegen, run, now);
    }
}

void fake_codegen_finish(struct fake_codegen *codegen, struct wall now)
{
    for (size_t i = 0; i < codegen->n_runs; i++)
        if (!codegen->runs[i]->is_banned && !wall_is_set(codegen->runs[i]->ended))
            run_end(codegen, codegen->runs[i], now);
}

static struct agent_run *run_find(struct fake_codegen *codegen, int64_t id)
{
    for (size_t i = 0; i < codegen->n_runs; i++)
        if (codegen->runs[i]->id == id)
            return codegen->runs[i];
    return NULL;
}

/* ---- answers ------------------------------------------------------------------------ */

static void fail(struct cg_call *call, int status, const char *message)
{
    call->reply->status = status;
    buf_clear(&call->reply->body);
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_str(&call->w, "message", message);
    jsonw_int(&call->w, "status_code", status);
    jsonw_close(&call->w, '}');
}

static void invalid(struct cg_call *call, const char *place, const char *field,
                    const char *message)
{
    call->reply->status = 422;
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_open(&call->w, "detail", '[');
    jsonw_open(&call->w, NULL, '{');
    jsonw_open(&call->w, "loc", '[');
    jsonw_str(&call->w, NULL, place);
    jsonw_str(&call->w, NULL, field);
    jsonw_close(&call->w, ']');
    jsonw_str(&call->w, "msg", message);
    jsonw_str(&call->w, "type", "value_error");
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, ']');
    jsonw_close(&call->w, '}');
}

/* Seen in the wild: "2025-06-21 11:20:04.338398" beside "2025-06-21T11:20:04Z". */
static void put_time(struct jsonw *w, const char *key, struct wall at, bool has_zone)
{
    char text[CLOCK_TEXT_MAX];
    (void)wall_format(at, false, text);
    if (has_zone)
        jsonw_str(w, key, text);
    else
        fake_put(w, key, "%.10s %.8s.%03d000", text, text + 11, (int)(at.ms % 1000));
}

static void put_pulls(struct cg_call *call, const struct agent_run *run)
{
    jsonw_open(&call->w, "github_pull_requests", '[');
    if (run->pull != 0 && call->codegen->set->lists_pull) {
        jsonw_open(&call->w, NULL, '{');
        jsonw_int(&call->w, "id", run->id + 1000000);
        jsonw_str(&call->w, "title", run->title);
        fake_put(&call->w, "url", "https://github.com/simulated/pull/%d", run->pull);
        put_time(&call->w, "created_at", run->ended, true);
        jsonw_str(&call->w, "head_branch_name", run->branch);
        jsonw_close(&call->w, '}');
    }
    jsonw_close(&call->w, ']');
}

/* Into an open object. */
static void put_run(struct cg_call *call, const struct agent_run *run, bool has_pulls)
{
    const struct fake_codegen_settings *set = call->codegen->set;
    const char *status = run_status(call->codegen, run, call->now);
    bool is_done = wall_is_set(run->ended);
    struct jsonw *w = &call->w;
    jsonw_int(w, "id", run->id);
    jsonw_int(w, "organization_id", set->organization);
    jsonw_str(w, "status", strcasecmp(status, "null") == 0 ? NULL : status);
    put_time(w, "created_at", run->created, run->id % 2 == 0);
    fake_put(w, "web_url", "%s/agent/trace/%lld", set->url, (long long)run->id);
    if (!set->is_sparse || is_done) {
        jsonw_str(w, "result",
                  is_done && is_end_good(call->codegen) ? "All done." : NULL);
        jsonw_str(w, "source_type", "API");
    }
    if (*run->metadata != '\0')
        jsonw_raw(w, "metadata", run->metadata, strlen(run->metadata));
    else
        jsonw_null(w, "metadata");
    if (!has_pulls)
        return;
    if (!set->is_sparse)
        jsonw_null(w, "summary");
    if (set->is_sparse && (!is_done || run->pull == 0))
        jsonw_null(w, "github_pull_requests");
    else
        put_pulls(call, run);
}

static void answer_run(struct cg_call *call, const struct agent_run *run)
{
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    put_run(call, run, true);
    jsonw_close(&call->w, '}');
}

/* ---- routes ------------------------------------------------------------------------- */

static void create(struct cg_call *call)
{
    struct fake_codegen *codegen = call->codegen;
    const char *prompt = json_str(call->body, "prompt", NULL);
    const struct json *metadata = json_get(call->body, "metadata");
    if (prompt == NULL) {
        invalid(call, "body", "prompt", "Field required");
        return;
    }
    if (!fake_window_take(&codegen->creates, codegen->set->creates, span_s(CREATE_TIME),
                          call->now)) {
        codegen->n_refused++;
        fail(call, 429, "Rate limit exceeded. Please try again later.");
        return;
    }
    if (codegen->set->runs_left >= 0 &&
        (int64_t)codegen->n_runs >= codegen->set->runs_left) {
        fail(call, 402,
             "Alloted agent runs for the current billing plan have been reached. Please "
             "upgrade your plan to continue.");
        return;
    }
    struct agent_run *run = mem_alloc(sizeof *run);
    run->id = ++codegen->last_id;
    run->metadata = json_is_an_object(metadata) ? json_format(metadata) : mem_str("");
    run->branch = mem_printf("codegen-bot/run-%lld", (long long)run->id);
    run->base = mem_str("main");
    run->title = mem_strn(prompt, strcspn(prompt, "\n"));
    run->created = call->now;
    run_begin(run, prompt, call->now);
    *FAKE_ADD(codegen->runs, codegen->n_runs) = run;
    answer_run(call, run);
}

static void resume(struct cg_call *call)
{
    const char *prompt = json_str(call->body, "prompt", NULL);
    struct agent_run *run =
        run_find(call->codegen, json_int(call->body, "agent_run_id", 0));
    if (prompt == NULL)
        invalid(call, "body", "prompt", "Field required");
    else if (run == NULL || run->is_banned)
        fail(call, 404, "Agent run not found");
    else {
        if (!wall_is_set(run->ended))
            fake_codegen_tick(call->codegen, call->now);
        call->codegen->n_resumed++;
        run_begin(run, prompt, call->now);
        answer_run(call, run);
    }
}

static void ban(struct cg_call *call, bool is_banned)
{
    struct agent_run *run =
        run_find(call->codegen, json_int(call->body, "agent_run_id", 0));
    if (run == NULL) {
        fail(call, 404, "Agent run not found");
        return;
    }
    call->codegen->n_banned += is_banned;
    run->is_banned = is_banned && !wall_is_set(run->ended);
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_str(&call->w, "message", is_banned ? "banned" : "unbanned");
    jsonw_close(&call->w, '}');
}

static void list(struct cg_call *call)
{
    struct fake_codegen *codegen = call->codegen;
    int64_t skip = fake_request_number(call->request, "skip", 0);
    int64_t limit = fake_request_number(call->request, "limit", PAGE_MAX);
    AUTO_FREE char *source = fake_request_param(call->request, "source_type");
    if (skip < 0 || limit < 1 || limit > PAGE_MAX) {
        invalid(call, "query", skip < 0 ? "skip" : "limit", "Input should be in range");
        return;
    }
    int64_t total =
        source == NULL || strcmp(source, "API") == 0 ? (int64_t)codegen->n_runs : 0;
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_open(&call->w, "items", '[');
    for (int64_t i = skip; i < total && i < skip + limit; i++) {
        jsonw_open(&call->w, NULL, '{');
        put_run(call, codegen->runs[total - 1 - i], true);
        jsonw_close(&call->w, '}');
    }
    jsonw_close(&call->w, ']');
    jsonw_int(&call->w, "total", total);
    jsonw_int(&call->w, "page", skip / limit + 1);
    jsonw_int(&call->w, "size", limit);
    jsonw_int(&call->w, "pages", (total + limit - 1) / limit);
    jsonw_close(&call->w, '}');
}

static void put_log(struct jsonw *w, const struct agent_run *run, size_t index)
{
    const struct log_row *row = &run->logs[index];
    jsonw_open(w, NULL, '{');
    jsonw_int(w, "agent_run_id", run->id);
    put_time(w, "created_at", row->at, index % 2 == 0);
    jsonw_str(w, "message_type", row->type);
    jsonw_str(w, "thought", row->thought);
    if (strcmp(row->type, "ACTION") == 0) {
        jsonw_str(w, "tool_name", "view_file");
        jsonw_open(w, "tool_input", '{');
        jsonw_str(w, "path", "README.md");
        jsonw_close(w, '}');
        jsonw_str(w, "observation", "42 lines");
    } else {
        jsonw_null(w, "tool_name");
        jsonw_null(w, "observation");
    }
    jsonw_close(w, '}');
}

static void logs(struct cg_call *call, const struct agent_run *run)
{
    int64_t skip = fake_request_number(call->request, "skip", 0);
    int64_t limit = fake_request_number(call->request, "limit", PAGE_MAX);
    AUTO_FREE char *reverse = fake_request_param(call->request, "reverse");
    bool is_reverse = reverse != NULL && strcmp(reverse, "true") == 0;
    int64_t total = (int64_t)run->n_logs;
    if (skip < 0 || limit < 1 || limit > PAGE_MAX) {
        invalid(call, "query", "limit", "Input should be in range");
        return;
    }
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    put_run(call, run, false);
    jsonw_open(&call->w, "logs", '[');
    for (int64_t i = skip; i < total && i < skip + limit; i++)
        put_log(&call->w, run, (size_t)(is_reverse ? total - 1 - i : i));
    jsonw_close(&call->w, ']');
    jsonw_int(&call->w, "total_logs", total);
    jsonw_int(&call->w, "page", skip / limit + 1);
    jsonw_int(&call->w, "size", limit);
    jsonw_int(&call->w, "pages", (total + limit - 1) / limit);
    jsonw_close(&call->w, '}');
}

static void repos(struct cg_call *call)
{
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_open(&call->w, "items", '[');
    jsonw_open(&call->w, NULL, '{');
    jsonw_int(&call->w, "id", 9);
    const char *name = strrchr(call->codegen->set->repository, '/');
    jsonw_str(&call->w, "name", name != NULL ? name + 1 : "");
    jsonw_str(&call->w, "full_name", call->codegen->set->repository);
    jsonw_str(&call->w, "description", "simulated");
    jsonw_str(&call->w, "github_id", "1296269");
    jsonw_int(&call->w, "organization_id", call->codegen->set->organization);
    jsonw_str(&call->w, "visibility", "private");
    jsonw_bool(&call->w, "archived", false);
    jsonw_str(&call->w, "setup_status", "COMPLETED");
    jsonw_str(&call->w, "language", "C");
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, ']');
    jsonw_int(&call->w, "total", 1);
    jsonw_int(&call->w, "page", 1);
    jsonw_int(&call->w, "size", 100);
    jsonw_int(&call->w, "pages", 1);
    jsonw_close(&call->w, '}');
}

static void me(struct cg_call *call)
{
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_int(&call->w, "id", 1);
    jsonw_str(&call->w, "github_user_id", "1");
    jsonw_str(&call->w, "github_username", "signalbox-bot");
    jsonw_str(&call->w, "email", NULL);
    jsonw_str(&call->w, "full_name", "Signal Box");
    jsonw_close(&call->w, '}');
}

static void organizations(struct cg_call *call)
{
    jsonw_init(&call->w, &call->reply->body);
    jsonw_open(&call->w, NULL, '{');
    jsonw_open(&call->w, "items", '[');
    jsonw_open(&call->w, NULL, '{');
    jsonw_int(&call->w, "id", call->codegen->set->organization);
    jsonw_str(&call->w, "name", "simulated");
    jsonw_open(&call->w, "settings", '{');
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, '}');
    jsonw_close(&call->w, ']');
    jsonw_int(&call->w, "total", 1);
    jsonw_int(&call->w, "page", 1);
    jsonw_int(&call->w, "size", 100);
    jsonw_int(&call->w, "pages", 1);
    jsonw_close(&call->w, '}');
}

/* Below the organization. */
static void route(struct cg_call *call, const char *path)
{
    bool is_post = strcmp(call->request->method, "POST") == 0;
    if (is_post && strcmp(path, "agent/run") == 0)
        create(call);
    else if (is_post && strcmp(path, "agent/run/resume") == 0)
        resume(call);
    else if (is_post && strcmp(path, "agent/run/unban") == 0)
        ban(call, false);
    else if (is_post && (strcmp(path, "agent/run/ban") == 0 ||
                         strcmp(path, "agent/run/remove-from-pr") == 0))
        ban(call, true);
    else if (!is_post && strcmp(path, "agent/runs") == 0)
        list(call);
    else if (!is_post && strcmp(path, "repos") == 0)
        repos(call);
    else if (!is_post && strncmp(path, "agent/run/", 10) == 0) {
        const struct agent_run *run = run_find(call->codegen, fake_number(path + 10, -1));
        if (run == NULL)
            fail(call, 404, "Agent run not found");
        else
            answer_run(call, run);
    } else {
        fail(call, 404, "Not Found");
    }
}

/* /v1/alpha/organizations/ORG/agent/run/ID/logs */
static void route_logs(struct cg_call *call, const char *path)
{
    static const char lead[] = "agent/run/", tail[] = "/logs";
    size_t len = strlen(path);
    if (strncmp(path, lead, sizeof lead - 1) != 0 || len < sizeof lead + sizeof tail ||
        strcmp(path + len - (sizeof tail - 1), tail) != 0) {
        fail(call, 404, "Not Found");
        return;
    }
    AUTO_FREE char *id =
        mem_strn(path + sizeof lead - 1, len - (sizeof lead - 1) - (sizeof tail - 1));
    const struct agent_run *run = run_find(call->codegen, fake_number(id, -1));
    if (run == NULL)
        fail(call, 404, "Agent run not found");
    else
        logs(call, run);
}

static bool may_enter(struct cg_call *call)
{
    struct fake_codegen *codegen = call->codegen;
    const char *token = fake_request_header(call->request, "Authorization");
    bool is_create = strcmp(call->request->method, "POST") == 0;
    codegen->n_calls++;
    if (*codegen->set->token != '\0' &&
        (token == NULL || strncmp(token, "Bearer ", 7) != 0 ||
         strcmp(token + 7, codegen->set->token) != 0)) {
        fail(call, token == NULL ? 401 : 403, "Invalid token");
        return false;
    }
    if (!is_create && !fake_window_take(&codegen->calls, codegen->set->calls,
                                        span_s(CALL_TIME), call->now)) {
        codegen->n_refused++;
        fail(call, 429, "Rate limit exceeded. Please try again later.");
        return false;
    }
    return true;
}

void fake_codegen_serve(struct fake_codegen *codegen, const struct fake_request *request,
                        struct wall now, struct fake_reply *reply)
{
    struct cg_call call = {
        .codegen = codegen, .request = request, .reply = reply, .now = now};
    struct err err = ERR_INIT;
    AUTO_FREE char *own =
        mem_printf("/v1/organizations/%lld/", (long long)codegen->set->organization);
    AUTO_FREE char *alpha = mem_printf("/v1/alpha/organizations/%lld/",
                                       (long long)codegen->set->organization);
    fake_codegen_tick(codegen, now);
    if (request->body_len > 0)
        call.body = json_parse(request->body, request->body_len, &err);
    if (!may_enter(&call))
        ;
    else if (strcmp(request->path, "/v1/users/me") == 0)
        me(&call);
    else if (strcmp(request->path, "/v1/organizations") == 0)
        organizations(&call);
    else if (strncmp(request->path, own, strlen(own)) == 0)
        route(&call, request->path + strlen(own));
    else if (strncmp(request->path, alpha, strlen(alpha)) == 0)
        route_logs(&call, request->path + strlen(alpha));
    else if (strncmp(request->path, "/v1/", 4) == 0)
        fail(&call, 403, "You do not have access to this organization.");
    else
        fail(&call, 404, "Not Found");
    json_free(call.body);
}

void fake_codegen_state(struct fake_codegen *codegen, struct jsonw *w)
{
    jsonw_int(w, "agent_runs", (int64_t)codegen->n_runs);
    jsonw_int(w, "turns", codegen->n_turns);
    jsonw_int(w, "resumed", codegen->n_resumed);
    jsonw_int(w, "banned", codegen->n_banned);
    jsonw_int(w, "refused", codegen->n_refused);
    jsonw_int(w, "calls", codegen->n_calls);
}
