/* SPDX-License-Identifier: MIT */
#include "engine/control/guarding.h"

#include <math.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/tuning.h"
#include "engine/learning/guard.h"
#include "engine/learning/tuning.h"

#define GUARD_JSON_MAX (256u << 10)
#define NAME_MAX_BYTES 128

struct guarded {
    int64_t id;
    char setting[160], scope[NAME_MAX_BYTES];
    char pipeline[NAME_MAX_BYTES]; /* "" = all workflows are judged */
    enum run_metric metric;
    struct wall since;
    bool has_completed; /* a second guard: do workflows still complete? */
    struct guard guard, completed;
};

struct guarding {
    struct guarded *rows[GUARDED_MAX];
    size_t n;
    guarding_settled *settled;
};

void guarding_init(struct control *control)
{
    control->guarding = mem_alloc(sizeof(*control->guarding));
}

void guarding_fini(struct control *control)
{
    for (size_t i = 0; i < control->guarding->n; i++) {
        free(control->guarding->rows[i]);
    }
    free(control->guarding);
}

void guarding_on_settled(struct control *control, guarding_settled *settled)
{
    control->guarding->settled = settled;
}

static size_t find(const struct guarding *guarding, int64_t id)
{
    size_t i = 0;
    while (i < guarding->n && guarding->rows[i]->id != id) {
        i++;
    }
    return i;
}

bool guarding_is_on(const struct control *control, int64_t optimization)
{
    return find(control->guarding, optimization) < control->guarding->n;
}

void guarding_stop(struct control *control, int64_t optimization)
{
    struct guarding *guarding = control->guarding;
    size_t at = find(guarding, optimization);
    if (at < guarding->n) {
        free(guarding->rows[at]);
        guarding->rows[at] = guarding->rows[--guarding->n];
    }
}

/* ---- what is compared ---- */

/* Amounts that are often nothing have no logarithm. */
static enum guard_kind kind_of(enum run_metric metric)
{
    switch (metric) {
    case RUN_COMPLETED:
    case RUN_MERGE_FAILURES:
        return GUARD_SHARE;
    case RUN_MINUTES:
    case RUN_WORK:
    case RUN_VALIDATION:
        return GUARD_RATIO;
    default:
        return GUARD_MEAN;
    }
}

/* Another one that is watched changes what that pipeline does: no fair comparison. */
static bool is_watched(const struct control *control, const char *pipeline)
{
    const struct guarding *guarding = control->guarding;
    for (size_t i = 0; i < guarding->n; i++) {
        if (strcmp(guarding->rows[i]->pipeline, pipeline) == 0) {
            return true;
        }
    }
    return false;
}

/* 0: the one that was changed; -1: not compared. */
static int group_of(struct control *control, struct guarded *guarded, struct guard *guard,
                    const char *pipeline)
{
    if (guarded->pipeline[0] == '\0' || strcmp(guarded->pipeline, pipeline) == 0) {
        return 0;
    }
    return is_watched(control, pipeline) ? -1 : guard_group(guard, pipeline);
}

/* When it took on the settings that it is judged by. */
static struct wall began(const struct guarded *guarded, const struct run_features *run)
{
    return guarded->pipeline[0] != '\0' ? run->created_at : run->started_at;
}

static void compare_with(struct control *control, struct guarded *guarded,
                         struct guard *guard, enum run_metric metric,
                         const struct learning_runs *runs)
{
    int n_of[GUARD_GROUPS] = {0};
    size_t first = runs->n;
    /* The newest of each, then those in the order in which they came. */
    while (first > 0 && n_of[0] < GUARDED_BEFORE) {
        const struct run_features *run = runs->runs[--first];
        int group =
            group_of(control, guarded, guard, words_name(runs->words, run->pipeline));
        n_of[group > 0 ? group : 0] += group >= 0;
    }
    for (size_t i = first; i < runs->n; i++) {
        const struct run_features *run = runs->runs[i];
        struct wall at = began(guarded, run);
        if (wall_is_set(at) && at.ms < guarded->since.ms) {
            guard_before(
                guard,
                group_of(control, guarded, guard, words_name(runs->words, run->pipeline)),
                run_measure(run, metric));
        }
    }
}

/* ---- in the store ---- */

static void save(const struct guarded *guarded, struct buf *out)
{
    AUTO_BUF struct buf guard, completed;
    struct jsonw w;
    buf_init(&guard, GUARD_JSON_MAX);
    buf_init(&completed, GUARD_JSON_MAX);
    guard_save(&guarded->guard, &guard);
    guard_save(&guarded->completed, &completed);
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "metric", run_metric_word(guarded->metric));
    jsonw_int(&w, "runs", (int64_t)guarded->guard.after[0].n);
    jsonw_int(&w, "of", guarded->guard.settings.max_runs);
    jsonw_int(&w, "compared_with", (int64_t)guarded->guard.before[0].n);
    jsonw_raw(&w, "state", guard.data, guard.len);
    if (guarded->has_completed) {
        jsonw_raw(&w, "completed", completed.data, completed.len);
    }
    jsonw_close(&w, '}');
}

static void name_of(struct guarded *guarded, const struct optimization_row *row)
{
    const char *pipeline = tuning_scope_name(TUNING_PIPELINE, row->scope);
    guarded->id = row->id;
    (void)snprintf(guarded->setting, sizeof(guarded->setting), "%s", row->setting);
    (void)snprintf(guarded->scope, sizeof(guarded->scope), "%s", row->scope);
    (void)snprintf(guarded->pipeline, sizeof(guarded->pipeline), "%s",
                   pipeline != NULL ? pipeline : "");
}

/* Row of the store with what is found now; the rest stays. */
static bool load_row(struct control *control, struct arena *arena, int64_t id,
                     struct optimization_row *ret_row)
{
    struct err err = ERR_INIT;
    return store_load_optimization(control->store, arena, id, ret_row, &err) == FOUND;
}

bool guarding_begin(struct control *control, const struct optimization_row *row,
                    const struct learning_runs *runs, struct wall now, struct err *err)
{
    struct guarding *guarding = control->guarding;
    enum run_metric metric = RUN_COMPLETED;
    if (!run_metric_find(row->metric, &metric)) {
        return err_set(err, ERR_USAGE, "'%.40s' is no metric of a run", row->metric);
    }
    if (guarding->n == GUARDED_MAX) {
        return err_set(err, ERR_FULL, "%d optimizations are watched already",
                       GUARDED_MAX);
    }
    guarding_stop(control, row->id);
    struct guarded *guarded = mem_alloc(sizeof(*guarded));
    struct guard_settings settings =
        guard_defaults(kind_of(metric), run_metric_is_more_better(metric));
    name_of(guarded, row);
    guarded->metric = metric;
    guarded->since = now;
    guarded->has_completed = metric != RUN_COMPLETED;
    guard_init(&guarded->guard, &settings, now);
    compare_with(control, guarded, &guarded->guard, metric, runs);
    settings = guard_defaults(GUARD_SHARE, true);
    guard_init(&guarded->completed, &settings, now);
    compare_with(control, guarded, &guarded->completed, RUN_COMPLETED, runs);
    guarding->rows[guarding->n++] = guarded;

    struct optimization_row watched = *row;
    AUTO_BUF struct buf text;
    buf_init(&text, GUARD_JSON_MAX);
    save(guarded, &text);
    watched.status = OPT_GUARDED;
    watched.applied_at = now;
    watched.guard_until = wall_add(now, settings.max_time);
    watched.guard = text.data;
    (void)store_put_optimization(control->store, &watched);
    AUTO_FREE char *line = mem_printf(
        "o-%lld: %s of %s is watched by %s, against %d runs before it",
        (long long)row->id, row->setting, row->scope[0] != '\0' ? row->scope : "engine",
        row->metric, (int)guarded->guard.before[0].n);
    control_note(control,
                 &(struct event_row){
                     .at = now, .kind = "guard-begun", .actor = "engine", .text = line});
    return true;
}

/* ---- verdicts ---- */

static bool take_back(struct control *control, const struct guarded *guarded,
                      struct wall now)
{
    struct err err = ERR_INIT;
    char reason[80];
    (void)snprintf(reason, sizeof(reason), "o-%lld did harm", (long long)guarded->id);
    return tuning_drop(control, guarded->setting, guarded->scope, guarded->id, "engine",
                       reason, now, &err);
}

/* The effect in the unit of the metric. */
static double in_metric(const struct guarded *guarded, const struct guard_result *result,
                        double effect)
{
    return guarded->guard.settings.kind == GUARD_RATIO ? effect * result->expected
                                                       : effect;
}

static void put_result(struct control *control, const struct guarded *guarded,
                       const struct guard_result *result, enum optimization_status status,
                       const char *outcome, struct wall now)
{
    struct arena *arena = arena_new();
    struct optimization_row row;
    if (load_row(control, arena, guarded->id, &row)) {
        AUTO_BUF struct buf text;
        buf_init(&text, GUARD_JSON_MAX);
        save(guarded, &text);
        row.guard = text.data;
        row.measured = in_metric(guarded, result, result->effect);
        row.measured_low = in_metric(guarded, result, result->low);
        row.measured_high = in_metric(guarded, result, result->high);
        if (status != OPT_GUARDED) {
            row.status = status;
            row.outcome = outcome;
            row.actor = "engine";
            row.settled_at = status != OPT_INCONCLUSIVE ? now : row.settled_at;
        }
        (void)store_put_optimization(control->store, &row);
        if (status != OPT_GUARDED && control->guarding->settled != NULL) {
            control->guarding->settled(control, &row, now);
        }
    }
    arena_free(arena);
}

static void settle(struct control *control, const struct guarded *guarded,
                   const struct guard_result *result, enum optimization_status status,
                   const char *text, struct wall now)
{
    const char *kind = status == OPT_TAKEN_BACK ? "guard-taken-back"
                       : status == OPT_KEPT     ? "guard-kept"
                                                : "guard-unclear";
    AUTO_FREE char *line =
        mem_printf("o-%lld: %s of %s: %s", (long long)guarded->id, guarded->setting,
                   guarded->scope[0] != '\0' ? guarded->scope : "engine", text);
    if (status == OPT_TAKEN_BACK && !take_back(control, guarded, now)) {
        text = "it did harm; the setting was changed since, and left as it is";
    }
    put_result(control, guarded, result, status, text, now);
    control_note(control, &(struct event_row){
                              .at = now, .kind = kind, .actor = "engine", .text = line});
    control_audit(control, now, "engine", kind, guarded->setting, "done", "%s", line);
    guarding_stop(control, guarded->id);
}

/* True: it was settled, and `guarded` is gone. */
static bool look(struct control *control, struct guarded *guarded, struct wall now)
{
    if (control_is_halted(control)) {
        return false; /* what comes in counts; it is judged after the release */
    }
    struct guard_result own = guard_look(&guarded->guard, now);
    struct guard_result completed = own;
    char text[GUARD_TEXT_MAX];
    if (guarded->has_completed) {
        completed = guard_look(&guarded->completed, now);
    }
    (void)guard_text(&guarded->guard, &own, run_metric_word(guarded->metric), text);
    if (own.verdict == GUARD_HARM) {
        settle(control, guarded, &own, OPT_TAKEN_BACK, text, now);
    } else if (completed.verdict == GUARD_HARM) {
        (void)guard_text(&guarded->completed, &completed, "completed", text);
        settle(control, guarded, &own, OPT_TAKEN_BACK, text, now);
    } else if (own.verdict == GUARD_KEEP && completed.verdict == GUARD_KEEP) {
        settle(control, guarded, &own, OPT_KEPT, text, now);
    } else if (own.verdict != GUARD_WAITS && completed.verdict != GUARD_WAITS) {
        settle(control, guarded, &own, OPT_INCONCLUSIVE, text, now);
    } else {
        return false;
    }
    return true;
}

/* The lowest number of one that began after the change and has not ended. */
static int64_t oldest_open(const struct control *control, const struct guarded *guarded)
{
    int64_t oldest = INT64_MAX;
    size_t iter = 0;
    const struct live *live;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        const struct workflow_row *row = &live->workflow->row;
        struct wall at = guarded->pipeline[0] != '\0' ? row->created_at : row->started_at;
        if (!state_is_final(row->state) && wall_is_set(at) &&
            at.ms >= guarded->since.ms && row->id < oldest) {
            oldest = row->id;
        }
    }
    return oldest;
}

static void count(struct control *control, struct guarded *guarded, struct guard *guard,
                  enum run_metric metric, const struct run_features *run,
                  const char *pipeline, int64_t oldest)
{
    guard_end(guard, group_of(control, guarded, guard, pipeline), run->workflow,
              run_measure(run, metric));
    guard_release(guard, oldest);
}

void guarding_ended(struct control *control, const struct run_features *run,
                    const char *pipeline, struct wall now)
{
    struct guarding *guarding = control->guarding;
    for (size_t i = guarding->n; i > 0; i--) {
        struct guarded *guarded = guarding->rows[i - 1];
        struct wall at = began(guarded, run);
        if (!wall_is_set(at) || at.ms < guarded->since.ms) {
            continue;
        }
        int64_t oldest = oldest_open(control, guarded);
        count(control, guarded, &guarded->guard, guarded->metric, run, pipeline, oldest);
        if (guarded->has_completed) {
            count(control, guarded, &guarded->completed, RUN_COMPLETED, run, pipeline,
                  oldest);
        }
        if (!look(control, guarded, now)) {
            struct guard seen = guarded->guard; /* a look at a copy gives no verdict */
            const struct guard_result result = guard_look(&seen, now);
            put_result(control, guarded, &result, OPT_GUARDED, "", now);
        }
    }
}

/* ---- time, and a start ---- */

static struct wall over_at(const struct guarded *guarded)
{
    return wall_add(guarded->since, guarded->guard.settings.max_time);
}

void guarding_tick(struct control *control, struct wall now)
{
    struct guarding *guarding = control->guarding;
    for (size_t i = guarding->n; i > 0; i--) {
        struct guarded *guarded = guarding->rows[i - 1];
        if (over_at(guarded).ms <= now.ms) {
            (void)look(control, guarded, now);
        }
    }
}

struct wall guarding_wake_at(const struct control *control)
{
    struct wall at = {0};
    for (size_t i = 0; i < control->guarding->n; i++) {
        struct wall over = over_at(control->guarding->rows[i]);
        if (!wall_is_set(at) || over.ms < at.ms) {
            at = over;
        }
    }
    return at;
}

static bool load_guard(const struct json *item, struct guard *guard)
{
    struct err ignored = ERR_INIT;
    AUTO_FREE char *text = item != NULL ? json_format(item) : NULL;
    return text != NULL && guard_load(guard, text, strlen(text), &ignored);
}

static void on_optimization(void *user, const struct optimization_row *row)
{
    struct control *control = user;
    struct guarding *guarding = control->guarding;
    struct err ignored = ERR_INIT;
    if (row->status != OPT_GUARDED || guarding->n == GUARDED_MAX) {
        return;
    }
    struct json *root = json_parse(row->guard, strlen(row->guard), &ignored);
    struct guarded *guarded = mem_alloc(sizeof(*guarded));
    name_of(guarded, row);
    guarded->since = row->applied_at;
    bool is_good =
        run_metric_find(json_str(root, "metric", row->metric), &guarded->metric) &&
        load_guard(json_get(root, "state"), &guarded->guard);
    guarded->has_completed = load_guard(json_get(root, "completed"), &guarded->completed);
    json_free(root);
    if (is_good) {
        guarding->rows[guarding->n++] = guarded;
    } else {
        free(guarded); /* not a guard of this program: a person looks at it */
    }
}

bool guarding_load(struct control *control, struct err *err)
{
    const struct approval_sink sink = {.user = control, .optimization = on_optimization};
    return store_load_approvals(control->store, &sink, err);
}
