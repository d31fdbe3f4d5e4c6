/* SPDX-License-Identifier: MIT */
#include "engine/decision/admission.h"

#include <stdio.h>

#define WINDOW_MIN  6
#define WINDOW_MAX  32
#define WINDOW_TIME span_s(60)
#define STALE       span_s(1800)
#define BAD_SHARE   0.3
#define BAD_MIN     3
#define GOOD_SHARE  0.1
#define CUTS_MAX    4
#define PROBE_S     INT64_C(300)
#define PROBES_MAX  4
#define QUIET       span_s(900)

void admission_init(struct admission *admission, int most, struct wall now)
{
    *admission = (struct admission){.most = most > 1 ? most : 1, .since = now};
    admission->limit = admission->most;
}

void admission_reset(struct admission *admission, struct wall now)
{
    admission_init(admission, admission->most, now);
}

void admission_most(struct admission *admission, int most)
{
    bool had_all = admission->limit >= admission->most;
    admission->most = most > 1 ? most : 1;
    if (had_all || admission->limit > admission->most) {
        admission->limit = admission->most;
    }
}

void admission_count(struct admission *admission, bool is_bad, struct wall began,
                     int at_work)
{
    admission->peak = at_work > admission->peak ? at_work : admission->peak;
    if (wall_is_set(began) && began.ms < admission->since.ms &&
        admission->judged != ADMIT_NONE) {
        return; /* of before the change: says nothing about it */
    }
    admission->n++;
    admission->n_bad += is_bad;
}

/* ---- what a window says ---- */

static int window_size(const struct admission *admission)
{
    int n = admission->limit;
    return n < WINDOW_MIN ? WINDOW_MIN : n > WINDOW_MAX ? WINDOW_MAX : n;
}

static bool is_stale(const struct admission *admission, struct wall now)
{
    return admission->limit < admission->most && now.ms - admission->since.ms >= STALE.ms;
}

static void say(struct admission_step *step, const struct admission *admission,
                const char *text)
{
    (void)snprintf(
        step->reason, sizeof(step->reason),
        "%d of %d at once: %d of %d ended badly in a way that load explains, %.0f "
        "good ends an hour; %s",
        step->to, admission->most, admission->n_bad, admission->n, step->rate, text);
}

static void settle(const struct admission *admission, struct admission_step *step,
                   bool is_good)
{
    step->judged = admission->judged;
    step->verdict = is_good ? VERDICT_GOOD : VERDICT_BAD;
    (void)snprintf(
        step->outcome, sizeof(step->outcome),
        "%d of %d bad at %d, %d of %d at %d; %.0f good ends an hour, %.0f before",
        admission->n_bad, admission->n, admission->limit, admission->n_bad_before,
        admission->n_before, admission->before, step->rate, admission->rate_before);
}

static void set_ceiling(struct admission *admission, int at, struct wall now)
{
    admission->ceiling = at;
    admission->probe_at = wall_add(now, span_s(PROBE_S << admission->probes));
    admission->probes += admission->probes < PROBES_MAX;
}

static void judge(struct admission *admission, struct admission_step *step,
                  struct wall now)
{
    double was = admission->n_before > 0
                     ? (double)admission->n_bad_before / admission->n_before
                     : 0;
    if (admission->judged == ADMIT_FEWER) {
        bool has_helped = step->share <= was / 2 || step->share < BAD_SHARE;
        settle(admission, step, has_helped);
        if (has_helped) {
            admission->steps = 0;
            set_ceiling(admission, admission->before, now);
        }
    } else if (admission->judged == ADMIT_MORE) {
        settle(admission, step, step->share < BAD_SHARE);
        if (step->verdict == VERDICT_GOOD && admission->limit >= admission->ceiling) {
            admission->ceiling = admission->probes = 0;
        }
    } else if (admission->judged == ADMIT_BACK) {
        settle(admission, step, step->share <= was);
    }
    admission->judged = ADMIT_NONE;
}

static void fewer(const struct admission *admission, struct admission_step *step)
{
    bool is_vain = admission->steps >= CUTS_MAX || admission->limit == 1;
    if (admission->steps > 0 && is_vain) {
        step->move = ADMIT_BACK;
        step->to = admission->from < admission->most ? admission->from : admission->most;
        say(step, admission, "fewer did not help, so it is not load");
    } else if (admission->limit > 1 && admission->peak > 1) {
        int flight =
            admission->peak < admission->limit ? admission->peak : admission->limit;
        step->move = ADMIT_FEWER;
        step->to = flight / 2 > 1 ? flight / 2 : 1;
        say(step, admission, "half of what was at work");
    }
}

static void more(const struct admission *admission, struct admission_step *step,
                 const char *why, struct wall now)
{
    int by = admission->most / 8 > 1 ? admission->most / 8 : 1;
    int to =
        admission->limit + by < admission->most ? admission->limit + by : admission->most;
    if (admission->ceiling > 0 && to >= admission->ceiling &&
        now.ms < admission->probe_at.ms) {
        to = admission->ceiling - 1;
    }
    if (to > admission->limit) {
        step->move = ADMIT_MORE;
        step->to = to;
        say(step, admission, why);
    }
}

static void begin_window(struct admission *admission, struct wall now)
{
    admission->since = now;
    admission->n = admission->n_bad = admission->peak = 0;
}

bool admission_look(struct admission *admission, const char *hold, struct wall now,
                    struct admission_step *ret_step)
{
    int64_t ms = now.ms - admission->since.ms;
    bool is_old = is_stale(admission, now);
    bool is_full = admission->n >= window_size(admission) && ms >= WINDOW_TIME.ms;
    if (!is_full && !is_old) {
        return false;
    }
    *ret_step = (struct admission_step){.to = admission->limit};
    ret_step->share = admission->n > 0 ? (double)admission->n_bad / admission->n : 0;
    ret_step->rate = (admission->n - admission->n_bad) * 3600000.0 / (double)ms;
    if (is_full) {
        judge(admission, ret_step, now);
    }
    bool is_bad = ret_step->share >= BAD_SHARE && admission->n_bad >= BAD_MIN;
    admission->steps = is_bad ? admission->steps : 0;
    if (is_bad && now.ms >= admission->quiet.ms) {
        fewer(admission, ret_step);
    } else if (ret_step->share <= GOOD_SHARE && hold == NULL) {
        more(admission, ret_step,
             is_full ? "a step more" : "nothing more was seen for long: a step more",
             now);
    }
    /* what the change would be judged against */
    admission->before = admission->limit;
    admission->n_before = admission->n;
    admission->n_bad_before = admission->n_bad;
    admission->rate_before = ret_step->rate;
    begin_window(admission, now);
    return ret_step->move != ADMIT_NONE || ret_step->verdict != VERDICT_OPEN;
}

void admission_take(struct admission *admission, const struct admission_step *step,
                    struct wall now)
{
    if (step->move == ADMIT_FEWER) {
        admission->from = admission->steps == 0 ? admission->limit : admission->from;
        admission->steps++;
    } else if (step->move == ADMIT_BACK) {
        admission->steps = admission->ceiling = 0;
        admission->quiet = wall_add(now, QUIET);
    }
    admission->judged = step->move;
    admission->limit = step->to;
    begin_window(admission, now);
}

void admission_leave(struct admission *admission, const struct admission_step *step,
                     struct wall now)
{
    if (step->move == ADMIT_FEWER || step->move == ADMIT_BACK) {
        admission->quiet = wall_add(now, QUIET);
    } else if (step->move == ADMIT_MORE) {
        admission->ceiling = admission->limit + 1;
        set_ceiling(admission, admission->ceiling, now);
    }
}

struct wall admission_wake_at(const struct admission *admission)
{
    return admission->limit < admission->most ? wall_add(admission->since, STALE)
                                              : (struct wall){0};
}
