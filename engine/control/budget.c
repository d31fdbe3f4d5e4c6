/* SPDX-License-Identifier: MIT */

/*
 * Budgets, as far as they are not the machine's: telling of 80 %, and what a repository may
 * spend in a day. The latter is a setting, so that it holds over a restart. A day is one of UTC.
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/control/control_private.h"

#define SPENT_SETTING                                                                    \
    "agent_spent" /* {"day":N,"repos":[{"repo","runs","ms","last",...}]} */
#define DAY_MS    INT64_C(86400000)
#define REPOS_MAX 10000

/* ---- 80 % ---- */

static void tell(struct control *control, const struct workflow_row *row,
                 const char *text, struct wall now)
{
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = event_name(EV_BUDGET),
                                              .actor = "engine",
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .effect = row->effect_seq,
                                              .text = text});
}

/* ---- the day of a repository ---- */

static bool has_caps(const struct control *control)
{
    return control->options.runs_per_day > 0 ||
           control->options.agent_time_per_day.ms > 0 ||
           control->options.tokens_per_day > 0 || control->options.cost_per_day > 0;
}

struct spent {
    int64_t runs, ms, last; /* ms: of runs that have ended; last: what the newest took */
    struct usage used, last_used; /* likewise, as agents say */
};

static struct json *load(struct control *control, struct wall now)
{
    struct arena *arena = arena_new();
    const char *text = "";
    struct err ignored =
        ERR_INIT; /* a store that cannot be read cannot be written either */
    struct json *root = NULL;
    if (store_load_setting(control->store, arena, SPENT_SETTING, &text, &ignored)) {
        root = json_parse(text, strlen(text), &ignored);
    }
    arena_free(arena);
    if (json_int(root, "day", 0) != now.ms / DAY_MS) {
        json_free(root); /* of another day */
        return NULL;
    }
    return root;
}

static struct spent find(const struct json *root, const char *repo)
{
    const struct json *repos = json_get(root, "repos");
    for (size_t i = 0; i < json_len(repos); i++) {
        const struct json *item = json_at(repos, i);
        if (strcmp(json_str(item, "repo", ""), repo) == 0) {
            return (struct spent){
                .runs = json_int(item, "runs", 0),
                .ms = json_int(item, "ms", 0),
                .last = json_int(item, "last", 0),
                .used = {json_int(item, "tokens",      0), json_int(item, "micros",      0)},
                .last_used = {json_int(item, "last_tokens", 0),
                         json_int(item,                                   "last_micros", 0)}
            };
        }
    }
    return (struct spent){.runs = 0};
}

static void put_repo(struct jsonw *w, const char *repo, const struct spent *spent)
{
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "repo", repo);
    jsonw_int(w, "runs", spent->runs);
    jsonw_int(w, "ms", spent->ms);
    jsonw_int(w, "last", spent->last);
    jsonw_int(w, "tokens", spent->used.tokens);
    jsonw_int(w, "micros", spent->used.micros);
    jsonw_int(w, "last_tokens", spent->last_used.tokens);
    jsonw_int(w, "last_micros", spent->last_used.micros);
    jsonw_close(w, '}');
}

static void keep(struct control *control, const char *repo, const struct spent *spent,
                 const struct json *root, struct wall now)
{
    struct jsonw w;
    AUTO_BUF struct buf buf;
    const struct json *repos = json_get(root, "repos");
    buf_init(&buf, 16 * 1024 * 1024);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "day", now.ms / DAY_MS);
    jsonw_open(&w, "repos", '[');
    for (size_t i = 0; i < json_len(repos) && i < REPOS_MAX; i++) {
        const char *name = json_str(json_at(repos, i), "repo", "");
        if (strcmp(name, repo) != 0) {
            struct spent other = find(root, name);
            put_repo(&w, name, &other);
        }
    }
    put_repo(&w, repo, spent);
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    store_put_setting(control->store, SPENT_SETTING, buf.data);
}

static void add(struct control *control, const char *repo, int runs, int64_t ms,
                struct usage used, struct wall now)
{
    struct json *root = load(control, now);
    struct spent spent = find(root, repo);
    spent.runs = spent.runs + runs > 0 ? spent.runs + runs : 0;
    spent.ms += ms;
    spent.last = ms > 0 ? ms : spent.last;
    if (used.tokens > 0 || used.micros > 0) {
        spent.used.tokens += used.tokens;
        spent.used.micros += used.micros;
        spent.last_used = used;
    }
    keep(control, repo, &spent, root, now);
    json_free(root);
}

/* There is no room for another run like the last one. */
static bool is_over(int64_t used, int64_t last, int64_t most)
{
    return most > 0 && (used >= most || used + last > most);
}

void budget_look(struct control *control, const struct live *live,
                 struct machine_input *input, char text[BUDGET_LINE_MAX], struct wall now)
{
    const struct control_options *options = &control->options;
    /* a failed check, too, may lead to an agent in one step */
    if (!has_caps(control) || state_is_final(live->workflow->row.state)) {
        return;
    }
    struct json *root = load(control, now);
    struct spent spent = find(root, live->workflow->row.repo);
    char used[CLOCK_TEXT_MAX], all[CLOCK_TEXT_MAX];
    json_free(root);
    if (is_over(spent.used.tokens, spent.last_used.tokens, options->tokens_per_day)) {
        (void)snprintf(text, BUDGET_LINE_MAX,
                       "budget: %lld of %d tokens of the repository's day are used",
                       (long long)spent.used.tokens, options->tokens_per_day);
    } else if (is_over(spent.used.micros, spent.last_used.micros,
                       options->cost_per_day)) {
        char cost[MONEY_TEXT_MAX], most[MONEY_TEXT_MAX];
        (void)snprintf(text, BUDGET_LINE_MAX,
                       "budget: %s of %s of money of the repository's day are used",
                       money_format(spent.used.micros, cost),
                       money_format(options->cost_per_day, most));
    } else if (options->runs_per_day > 0 && spent.runs >= options->runs_per_day) {
        (void)snprintf(
            text, BUDGET_LINE_MAX,
            "budget: %lld of %d agent runs of the repository's day are used up",
            (long long)spent.runs, options->runs_per_day);
    } else if (options->agent_time_per_day.ms > 0 &&
               spent.ms + spent.last > options->agent_time_per_day.ms) {
        (void)snprintf(text, BUDGET_LINE_MAX,
                       "budget: %s of %s agent time of the repository's day are used",
                       span_format((struct span){spent.ms}, used),
                       span_format(options->agent_time_per_day, all));
    } else {
        return;
    }
    input->spent = text;
    input->spent_until.ms = (now.ms / DAY_MS + 1) * DAY_MS;
}

void budget_count(struct control *control, const struct live *live, struct wall now)
{
    const struct machine_output *out = control->out;
    char text[BUDGET_LINE_MAX];
    if (out->n_effects == 0 || out->effects[0].kind != EFFECT_CODE) {
        return;
    }
    if (has_caps(control)) {
        add(control, live->workflow->row.repo, 1, 0, (struct usage){0, 0}, now);
    }
    while (budget_warns(live->workflow, text)) {
        tell(control, &live->workflow->row, text, now);
    }
}

void budget_ended(struct control *control, const struct workflow_row *row,
                  const struct effect_row *effect, const struct effect_result *result,
                  struct wall now)
{
    struct usage used = {result->tokens, result->micros};
    bool has_used = used.tokens > 0 || used.micros > 0;
    if (!has_caps(control) || (effect->kind != EFFECT_CODE && !has_used)) {
        return;
    }
    if (effect->kind != EFFECT_CODE) { /* a plan: its run is not one of the agent's */
        add(control, row->repo, 0, 0, used, now);
        return;
    }
    int64_t ms = wall_since(result->finished_at, result->started_at).ms;
    bool has_begun = wall_is_set(result->started_at) && ms > 0 &&
                     event_of_result(result) != EV_SERVICE;
    add(control, row->repo, has_begun ? 0 : -1, has_begun ? ms : 0, used, now);
}
