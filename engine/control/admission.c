/* SPDX-License-Identifier: MIT */

/*
 * Admission: how many workflows run at once, by what has become of the work at hand
 * (engine/decision/admission.h). The rules propose, what worked before may hold them back; each
 * change is a decision with its outcome, and an event. Below the level auto of the class tune it is
 * only said what would be done, and all that is configured runs.
 *
 * What runs is never stopped: there is only nothing new until enough has ended.
 */

#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_private.h"
#include "engine/decision/proactive.h"

#define ADMISSION_SETTING "admission_state"
#define SUGGEST_AGAIN     span_s(4 * 3600)
#define NUMBER_MAX        16

bool admission_is_on(const struct control *control)
{
    return control->recovery != NULL && !control->options.is_admission_off;
}

static void keep(struct control *control)
{
    const struct admission *admission = &control->admission;
    struct jsonw w;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "limit", admission->limit);
    jsonw_int(&w, "most", admission->most);
    jsonw_int(&w, "ceiling", admission->ceiling);
    jsonw_int(&w, "probe_at", admission->probe_at.ms);
    jsonw_int(&w, "probes", admission->probes);
    jsonw_int(&w, "quiet", admission->quiet.ms);
    jsonw_close(&w, '}');
    store_put_setting(control->store, ADMISSION_SETTING, buf.data);
}

static int within(int64_t value, int low, int high)
{
    return value < low ? low : value > high ? high : (int)value;
}

bool admission_load(struct control *control, struct wall now, struct err *err)
{
    struct admission *admission = &control->admission;
    struct arena *arena = arena_new();
    struct err ignored = ERR_INIT; /* written by us; else: nothing is known */
    const char *text = "";
    bool is_read =
        store_load_setting(control->store, arena, ADMISSION_SETTING, &text, err);
    struct json *root = is_read ? json_parse(text, strlen(text), &ignored) : NULL;
    int most = control->options.max_running;
    admission_init(admission, most, now);
    if (root != NULL && admission_is_on(control) && json_int(root, "most", 0) == most) {
        admission->limit = within(json_int(root, "limit", most), 1, most);
        admission->ceiling = within(json_int(root, "ceiling", 0), 0, most + 1);
        admission->probe_at.ms = json_int(root, "probe_at", 0);
        admission->probes = within(json_int(root, "probes", 0), 0, 4);
        admission->quiet.ms = json_int(root, "quiet", 0);
    }
    json_free(root);
    arena_free(arena);
    return is_read;
}

/* ---- evidence ---- */

/* What too much at once brings. That a service is away, or a name is not found, is not of that. */
static bool is_of_load(const struct live *live, const struct effect_result *result)
{
    if (result->status == STATUS_TIMED_OUT) {
        return true;
    }
    for (const struct trouble *trouble = live->troubles; trouble != NULL;
         trouble = trouble->next) {
        enum failure_class class_ = trouble->row.class_;
        if (trouble->row.effect == effect_result_of(result)) {
            return class_ == CLASS_TIMEOUT || class_ == CLASS_RESOURCE ||
                   class_ == CLASS_QUOTA || class_ == CLASS_INFRA;
        }
    }
    return false;
}

static bool is_away(const struct control *control, const char *provider)
{
    const struct service_state *service =
        provider != NULL ? find_service_state(control, provider) : NULL;
    return service != NULL && service->state != BREAKER_CLOSED &&
           service->state != BREAKER_FORCED_CLOSED;
}

void admission_result(struct control *control, const struct live *live,
                      const struct effect_result *result)
{
    enum machine_event event = event_of_result(result);
    if (!admission_is_on(control) || event == EV_SERVICE || event == EV_SETUP ||
        event == EV_OPERATOR || is_away(control, result->provider)) {
        return; /* a breaker has answered that already, or a person must */
    }
    admission_count(&control->admission, event == EV_WORLD && is_of_load(live, result),
                    result->started_at, control->n_running);
}

/* Why nothing more is admitted now, though all is well. */
static const char *hold(const struct control *control)
{
    if (proactive_active(control->proactive, PREPARED_SLOW_ADMISSION) != NULL) {
        return "a limit of this machine or of a quota is near";
    }
    if (control->running_limit > 0) {
        return "a problem is being recovered with fewer at once";
    }
    for (size_t i = 0; i < control->options.n_services; i++) {
        if (control->services[i].state == BREAKER_HALF_OPEN) {
            return "a service is tried again";
        }
    }
    return NULL;
}

/* ---- deciding ---- */

static const char *move_name(enum admission_move move)
{
    return move == ADMIT_FEWER ? "fewer" : "more";
}

static void factor(struct kept_question *question, const char *name, double number)
{
    struct kept_factor *factor = &question->factors[question->n_factors++];
    (void)snprintf(factor->name, sizeof(factor->name), "%s", name);
    factor->number = number;
}

static void make_question(struct control *control, const struct admission_step *step,
                          struct asked *asked)
{
    struct kept_question *question = &asked->question;
    bool is_cut = step->move == ADMIT_FEWER;
    question->kind = DECISION_ADMISSION;
    asked_level(asked, "admission:", move_name(step->move));
    asked_level(asked, "admission", "");
    factor(question, "bad_share", step->share);
    factor(question, "good_an_hour", step->rate);
    factor(question, "running", control->n_running);
    factor(question, "queued", (double)queue_len(control->queue));
    factor(question, "limit", control->admission.limit);
    factor(question, "configured", control->admission.most);
    factor(question, "anomalies", (double)control->recovery->n_anomalies);
    asked_option(asked, move_name(step->move), is_cut ? 0.75 : 0.85, 0, 0.05);
    asked_option(asked, "hold", is_cut ? 0.3 : 0.5, 0, 0);
}

static void settle(struct control *control, const struct admission_step *step,
                   struct wall now)
{
    if (step->verdict == VERDICT_OPEN || control->admission_decision == 0) {
        return;
    }
    bool is_good = step->verdict == VERDICT_GOOD;
    decision_settle(control, control->admission_decision, step->verdict, is_good,
                    step->outcome, now);
    control->admission_decision = 0;
    if (step->judged != ADMIT_BACK) {
        struct asked asked = {.n = 0};
        struct admission_step was = {.move = step->judged};
        make_question(control, &was, &asked);
        asked.question.n_factors = 0; /* those of now are not those of then */
        question_learn(control, &asked.question, move_name(step->judged),
                       &(struct decide_outcome){
                           .success = is_good, .cost_s = 0, .chosen_by = DECIDER_RULES},
                       now);
    }
}

static void note(struct control *control, const char *kind, const char *outcome,
                 const char *text, struct wall now)
{
    control_tell(control, now, kind, 0, "%s", text);
    control_audit(control, now, "engine", kind, "engine", outcome, "%s", text);
}

/* Nothing is done by itself: what would be, once for a while. */
static void suggest(struct control *control, const struct admission_step *step,
                    struct wall now)
{
    char number[NUMBER_MAX];
    admission_leave(&control->admission, step, now);
    if (now.ms < control->admission_suggest.ms) {
        return;
    }
    control->admission_suggest = wall_add(now, SUGGEST_AGAIN);
    (void)snprintf(number, sizeof(number), "%d", step->to);
    (void)store_put_decision(
        control->store,
        &(struct decision_row){.at = now,
                               .kind = DECISION_ADMISSION,
                               .subject = "engine",
                               .choice = number,
                               .confidence = 0.75,
                               .risk = 0.05,
                               .decider = DECIDER_LIMIT,
                               .reason = step->reason,
                               .alternatives = "[]",
                               .context = "{}",
                               .shadow = number,
                               .verdict = VERDICT_UNCLEAR,
                               .reward = (double)NAN,
                               .outcome = "only suggested: tune max_running does it",
                               .settled_at = now});
    note(control, "admission-suggested", "observed", step->reason, now);
}

/* The rules' proposal, unless experience says that it does not help. */
static void decide(struct control *control, const struct admission_step *step,
                   struct wall now)
{
    struct asked asked = {.n = 0};
    char to[NUMBER_MAX], from[NUMBER_MAX];
    int choice = 0;
    make_question(control, step, &asked);
    (void)snprintf(to, sizeof(to), "%d", step->to);
    (void)snprintf(from, sizeof(from), "%d", control->admission.limit);
    asked.labels[0] = to;
    asked.labels[1] = from;
    if (step->move == ADMIT_BACK) {
        asked.options[1].why_not = "fewer did not help";
    }
    choice = asked_ask(control, &asked, now);
    control->admission_decision =
        asked_put(control, &asked, choice,
                  (struct decision_row){.subject = "engine",
                                        .reason = choice == 0 ? step->reason : NULL},
                  now);
    if (choice == 0) {
        admission_take(&control->admission, step, now);
        note(control, "admission", "done", step->reason, now);
        autonomy_done(control, ACT_TUNE, "");
    } else {
        admission_leave(&control->admission, step, now);
        decision_forget(control, &control->admission_decision,
                        "it stays: what would have come of it is not known", now);
    }
    keep(control);
}

/* ---- time ---- */

static bool follow_level(struct control *control, struct wall now)
{
    bool is_auto = control_level(control, ACT_TUNE, "", now) == LEVEL_AUTO;
    if (!is_auto && control->admission.limit < control->admission.most) {
        admission_reset(&control->admission, now);
        decision_forget(control, &control->admission_decision,
                        "the level of autonomy was lowered", now);
        note(control, "admission", "ended",
             "as many as are configured again: the level of autonomy was lowered", now);
        keep(control);
    }
    return is_auto;
}

void admission_tick(struct control *control, struct wall now)
{
    struct admission_step step;
    if (!admission_is_on(control)) {
        return;
    }
    admission_most(&control->admission, control->options.max_running);
    bool is_auto = follow_level(control, now);
    if (!admission_look(&control->admission, hold(control), now, &step)) {
        return;
    }
    settle(control, &step, now);
    if (step.move == ADMIT_NONE) {
        return;
    }
    if (is_auto) {
        decide(control, &step, now);
    } else {
        suggest(control, &step, now);
    }
}

struct wall control_admission_wake_at(const struct control *control)
{
    bool waits = admission_is_on(control) && queue_len(control->queue) > 0;
    return waits ? admission_wake_at(&control->admission) : (struct wall){0};
}

int admission_slots(const struct control *control)
{
    int all = control->options.max_running;
    int limit = control->admission.limit;
    return admission_is_on(control) && limit < all ? limit : all;
}
