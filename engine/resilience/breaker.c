/* SPDX-License-Identifier: MIT */
#include "engine/resilience/breaker.h"

#include <stdarg.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

#define NEVER     INT64_MAX
#define STAYS_MAX 20 /* doublings; more would leave the range of int64 */

static struct wall earlier(struct wall a, struct wall b)
{
    return a.ms < b.ms ? a : b;
}

static struct wall later(struct wall a, struct wall b)
{
    return a.ms > b.ms ? a : b;
}

static int clamp_int(int value, int min, int max)
{
    return value < min ? min : value > max ? max : value;
}

static int64_t clamp_ms(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* ---- window ----------------------------------------------------------------------------
 */

static void window_clear(struct breaker *breaker)
{
    breaker->n_calls = breaker->n_failed = breaker->n_slow = 0;
    breaker->n_in_a_row = 0;
    breaker->place = 0;
    breaker->slice_at = 0;
    breaker->recent_failed = breaker->recent_slow = 0;
    breaker->n_recent = 0;
    memset(&breaker->window, 0, sizeof(breaker->window));
}

static void count_add(struct breaker *breaker, unsigned mark)
{
    uint8_t *byte = &breaker->window.ring[breaker->place >> 2];
    unsigned shift = ((unsigned)breaker->place & 3u) * 2;
    if (breaker->n_calls == breaker->settings.window_calls) {
        unsigned old = (unsigned)*byte >> shift;
        breaker->n_failed -= (int)(old & 1u);
        breaker->n_slow -= (int)(old >> 1 & 1u);
    } else {
        breaker->n_calls++;
    }
    *byte = (uint8_t)((*byte & ~(3u << shift)) | mark << shift);
    breaker->n_failed += (int)(mark & 1u);
    breaker->n_slow += (int)(mark >> 1);
    if (++breaker->place == breaker->settings.window_calls) {
        breaker->place = 0;
    }
}

/* Forget the slices that `now` has left behind. A clock that went back changes nothing. */
static void time_advance(struct breaker *breaker, struct wall now)
{
    int64_t at = now.ms / breaker->slice_ms;
    int64_t steps = at - breaker->slice_at;
    if (steps <= 0) {
        return;
    }
    for (int64_t i = 0; i < steps && i < BREAKER_SLICES; i++) {
        breaker->place = (breaker->place + 1) % BREAKER_SLICES;
        breaker->n_calls -= breaker->window.slices[breaker->place].calls;
        breaker->n_failed -= breaker->window.slices[breaker->place].failed;
        breaker->n_slow -= breaker->window.slices[breaker->place].slow;
        breaker->window.slices[breaker->place].calls = 0;
        breaker->window.slices[breaker->place].failed = 0;
        breaker->window.slices[breaker->place].slow = 0;
    }
    breaker->slice_at = at;
}

static void time_add(struct breaker *breaker, unsigned mark, struct wall now)
{
    time_advance(breaker, now);
    breaker->window.slices[breaker->place].calls++;
    breaker->window.slices[breaker->place].failed += (int)(mark & 1u);
    breaker->window.slices[breaker->place].slow += (int)(mark >> 1);
    breaker->n_calls++;
    breaker->n_failed += (int)(mark & 1u);
    breaker->n_slow += (int)(mark >> 1);
}

static void window_add(struct breaker *breaker, unsigned mark, struct wall now)
{
    breaker->recent_failed = breaker->recent_failed << 1 | (mark & 1u);
    breaker->recent_slow = breaker->recent_slow << 1 | mark >> 1;
    breaker->n_recent += breaker->n_recent < BREAKER_RECENT;
    breaker->n_in_a_row = (mark & 1u) != 0 ? breaker->n_in_a_row + 1 : 0;
    switch (breaker->settings.window) {
    case BREAKER_CONSECUTIVE:
        breaker->n_calls = breaker->n_recent;
        break;
    case BREAKER_COUNT:
        count_add(breaker, mark);
        break;
    case BREAKER_TIME:
        time_add(breaker, mark, now);
        break;
    }
}

static int recent_count(uint64_t bits)
{
    return __builtin_popcountll(bits);
}

int breaker_failure_percent(const struct breaker *breaker)
{
    bool is_recent = breaker->settings.window == BREAKER_CONSECUTIVE;
    int n_failed = is_recent ? recent_count(breaker->recent_failed) : breaker->n_failed;
    return breaker->n_calls > 0 ? n_failed * 100 / breaker->n_calls : -1;
}

int breaker_slow_percent(const struct breaker *breaker)
{
    bool is_recent = breaker->settings.window == BREAKER_CONSECUTIVE;
    int n_slow = is_recent ? recent_count(breaker->recent_slow) : breaker->n_slow;
    return breaker->n_calls > 0 ? n_slow * 100 / breaker->n_calls : -1;
}

/* Does the window say that the service is ill? Then the cause is in text. */
static bool is_ill(const struct breaker *breaker, char text[BREAKER_CAUSE_MAX])
{
    const struct breaker_settings *set = &breaker->settings;
    if (set->window == BREAKER_CONSECUTIVE) {
        if (set->failures <= 0 || breaker->n_in_a_row < set->failures) {
            return false;
        }
        (void)snprintf(text, BREAKER_CAUSE_MAX, "%d failure%s in a row",
                       breaker->n_in_a_row, breaker->n_in_a_row == 1 ? "" : "s");
        return true;
    }
    if (set->failures > 0 && breaker->n_failed >= set->failures) {
        (void)snprintf(text, BREAKER_CAUSE_MAX, "%d failures in the last %d calls",
                       breaker->n_failed, breaker->n_calls);
        return true;
    }
    if (breaker->n_calls < set->min_calls) {
        return false;
    }
    if (set->failure_percent > 0 &&
        breaker->n_failed * 100 >= set->failure_percent * breaker->n_calls) {
        (void)snprintf(text, BREAKER_CAUSE_MAX, "%d %% of %d calls failed",
                       breaker_failure_percent(breaker), breaker->n_calls);
        return true;
    }
    if (set->slow_percent > 0 &&
        breaker->n_slow * 100 >= set->slow_percent * breaker->n_calls) {
        (void)snprintf(text, BREAKER_CAUSE_MAX, "%d %% of %d calls were slow",
                       breaker_slow_percent(breaker), breaker->n_calls);
        return true;
    }
    return false;
}

/* ---- changes of state ------------------------------------------------------------------
 */

static void note_change(struct breaker *breaker, enum breaker_state from, struct wall now,
                        const char *actor, const char *cause)
{
    if (breaker->n_changes == BREAKER_CHANGES) {
        memmove(&breaker->changes[0], &breaker->changes[1],
                (BREAKER_CHANGES - 1) * sizeof(breaker->changes[0]));
        breaker->n_changes--;
    }
    struct breaker_change *change = &breaker->changes[breaker->n_changes++];
    *change = (struct breaker_change){.from = from, .to = breaker->state, .at = now};
    (void)text_clean_into(change->cause, sizeof(change->cause), cause);
    (void)text_clean_into(change->actor, sizeof(change->actor), actor);
}

static void set_due(struct breaker *breaker)
{
    breaker->due.ms = wall_is_set(breaker->until) ? breaker->until.ms : NEVER;
}

static void go(struct breaker *breaker, enum breaker_state state, struct wall until,
               struct wall now, const char *actor, const char *cause)
{
    enum breaker_state from = breaker->state;
    breaker->state = state;
    breaker->since = now;
    breaker->until = until;
    breaker->n_trial = breaker->n_passed = 0;
    breaker->is_tripped = false;
    if (state == BREAKER_CLOSED && breaker->is_proven) {
        breaker->n_reopened = 0;
    }
    breaker->epoch++;
    breaker->epoch += breaker->epoch == 0;
    (void)text_clean_into(breaker->cause, sizeof(breaker->cause), cause);
    (void)text_clean_into(breaker->actor, sizeof(breaker->actor), actor);
    if (state == BREAKER_CLOSED) {
        window_clear(breaker);
    }
    set_due(breaker);
    note_change(breaker, from, now, actor, cause);
}

static struct span stay_of(struct breaker *breaker)
{
    const struct breaker_settings *set = &breaker->settings;
    int64_t stay = set->open.ms;
    for (int i = 0; i < breaker->n_reopened && stay < set->open_max.ms; i++) {
        stay *= 2;
    }
    stay = stay < set->open_max.ms ? stay : set->open_max.ms;
    int64_t jitter = stay * set->jitter_percent / 100;
    if (jitter > 0) {
        stay += (int64_t)rng_below(&breaker->rng, (uint64_t)jitter + 1);
    }
    return (struct span){stay};
}

static void open_now(struct breaker *breaker, struct wall now, const char *cause)
{
    struct wall until = wall_add(now, stay_of(breaker));
    go(breaker, BREAKER_OPEN, later(until, breaker->hold), now, "engine", cause);
}

static void reopen(struct breaker *breaker, struct wall now, const char *cause)
{
    breaker->is_proven = false;
    if (breaker->n_reopened < STAYS_MAX) {
        breaker->n_reopened++;
    }
    open_now(breaker, now, cause);
}

void breaker_init(struct breaker *breaker, const struct breaker_settings *settings,
                  uint64_t seed, struct wall now)
{
    memset(breaker, 0, sizeof(*breaker));
    struct breaker_settings *set = &breaker->settings;
    *set = *settings;
    set->window_calls = clamp_int(set->window_calls, 1, BREAKER_CALLS_MAX);
    set->window_time.ms =
        clamp_ms(set->window_time.ms, 1000, (int64_t)BREAKER_SECONDS_MAX * 1000);
    set->open.ms = clamp_ms(set->open.ms, 1, (int64_t)24 * 3600 * 1000);
    set->open_max.ms =
        clamp_ms(set->open_max.ms, set->open.ms, (int64_t)24 * 3600 * 1000);
    set->jitter_percent = clamp_int(set->jitter_percent, 0, 100);
    set->half_open_calls = clamp_int(set->half_open_calls, 1, 1000);
    set->half_open_max.ms = clamp_ms(set->half_open_max.ms, 1, (int64_t)24 * 3600 * 1000);
    set->min_calls = set->min_calls > 1 ? set->min_calls : 1;
    breaker->slice_ms = (set->window_time.ms + BREAKER_SLICES - 1) / BREAKER_SLICES;
    breaker->state = BREAKER_CLOSED;
    breaker->since = now;
    breaker->epoch = 1;
    breaker->is_proven = true;
    (void)snprintf(breaker->actor, sizeof(breaker->actor), "engine");
    set_due(breaker);
    rng_init(&breaker->rng, seed);
}

/* ---- calls -----------------------------------------------------------------------------
 */

static bool has_trial(const struct breaker *breaker)
{
    return breaker->n_trial + breaker->n_passed < breaker->settings.half_open_calls;
}

static void begin_trial(struct breaker *breaker, struct wall now)
{
    if (breaker->n_trial++ == 0) {
        breaker->until = wall_add(now, breaker->settings.half_open_max);
        set_due(breaker);
    }
}

uint32_t breaker_admit(struct breaker *breaker, struct wall now)
{
    if (now.ms >= breaker->due.ms) {
        breaker_tick(breaker, now);
    }
    switch (breaker->state) {
    case BREAKER_OPEN:
    case BREAKER_FORCED_OPEN:
        return 0;
    case BREAKER_HALF_OPEN:
        if (!has_trial(breaker)) {
            return 0;
        }
        begin_trial(breaker, now);
        return breaker->epoch;
    default:
        return breaker->epoch;
    }
}

bool breaker_admits(const struct breaker *breaker, struct wall now)
{
    switch (breaker->state) {
    case BREAKER_OPEN:
    case BREAKER_FORCED_OPEN:
        return now.ms >= breaker->due.ms;
    case BREAKER_HALF_OPEN:
        return now.ms < breaker->due.ms && has_trial(breaker);
    default:
        return true;
    }
}

static void end_trial(struct breaker *breaker, enum breaker_outcome outcome, bool is_slow,
                      struct wall now)
{
    breaker->n_trial--;
    if (breaker->n_trial == 0) {
        breaker->until.ms = 0;
        set_due(breaker);
    }
    if (outcome == OUTCOME_NEUTRAL) {
        return;
    }
    if (outcome == OUTCOME_FAILURE) {
        reopen(breaker, now, "a call failed in half-open");
    } else if (is_slow && breaker->settings.slow_percent > 0) {
        reopen(breaker, now, "a call was slow in half-open");
    } else if (++breaker->n_passed >= breaker->settings.half_open_calls) {
        char cause[BREAKER_CAUSE_MAX];
        (void)snprintf(cause, sizeof(cause), "%d call%s passed", breaker->n_passed,
                       breaker->n_passed == 1 ? "" : "s");
        go(breaker, BREAKER_CLOSED, (struct wall){0}, now, "engine", cause);
    }
}

static void judge(struct breaker *breaker, struct wall now)
{
    char cause[BREAKER_CAUSE_MAX] = "";
    if (!is_ill(breaker, cause)) {
        breaker->is_tripped = false;
    } else if (breaker->state == BREAKER_CLOSED && breaker->is_proven) {
        breaker->is_proven = false;
        open_now(breaker, now, cause);
    } else if (breaker->state == BREAKER_CLOSED) {
        reopen(breaker, now, cause);
    } else if (!breaker->is_tripped) {
        breaker->is_tripped = true;
        note_change(breaker, breaker->state, now, "engine", cause);
    }
}

void breaker_record(struct breaker *breaker, uint32_t ticket,
                    enum breaker_outcome outcome, struct span took, struct wall now)
{
    if (now.ms >= breaker->due.ms) {
        breaker_tick(breaker, now);
    }
    if (ticket != breaker->epoch || breaker->state == BREAKER_DISABLED) {
        return; /* begun in another state: says nothing about this one */
    }
    bool is_slow = breaker->settings.slow.ms > 0 && took.ms > breaker->settings.slow.ms;
    if (outcome == OUTCOME_OK && !breaker->is_proven) {
        breaker->is_proven = true;
        breaker->n_reopened = breaker->state == BREAKER_CLOSED ? 0 : breaker->n_reopened;
    }
    if (breaker->state == BREAKER_HALF_OPEN) {
        end_trial(breaker, outcome, is_slow, now);
        return;
    }
    if (outcome == OUTCOME_NEUTRAL) {
        return;
    }
    window_add(breaker, (outcome == OUTCOME_FAILURE ? 1u : 0u) | (is_slow ? 2u : 0u),
               now);
    if (breaker->state != BREAKER_FORCED_CLOSED) {
        judge(breaker, now);
    }
}

/* ---- clock, probes, the service's own word --------------------------------------------
 */

void breaker_tick(struct breaker *breaker, struct wall now)
{
    if (now.ms < breaker->due.ms) {
        return;
    }
    const struct wall unset = {0};
    switch (breaker->state) {
    case BREAKER_OPEN:
        go(breaker, BREAKER_HALF_OPEN, unset, now, "engine", "its stay in open is over");
        break;
    case BREAKER_HALF_OPEN:
        reopen(breaker, now, "no call in half-open ended in time");
        break;
    case BREAKER_FORCED_OPEN:
        go(breaker, BREAKER_HALF_OPEN, unset, now, "engine", "forced-open is over");
        break;
    default:
        go(breaker, BREAKER_CLOSED, unset, now, "engine", "what was forced is over");
        break;
    }
}

struct wall breaker_wake_at(const struct breaker *breaker)
{
    return (struct wall){breaker->due.ms == NEVER ? 0 : breaker->due.ms};
}

void breaker_hold(struct breaker *breaker, struct wall until, struct wall now)
{
    until = earlier(until, wall_add(now, BREAKER_HOLD_MAX));
    breaker->hold = later(breaker->hold, until);
    if (breaker->state == BREAKER_OPEN) {
        breaker->until = later(breaker->until, breaker->hold);
        set_due(breaker);
    }
}

void breaker_probed(struct breaker *breaker, bool is_ok, struct wall now)
{
    breaker_tick(breaker, now);
    if (breaker->state == BREAKER_OPEN && is_ok && now.ms >= breaker->hold.ms) {
        go(breaker, BREAKER_HALF_OPEN, (struct wall){0}, now, "engine",
           "a probe was answered");
    }
    if (breaker->state == BREAKER_HALF_OPEN) {
        begin_trial(breaker, now);
        end_trial(breaker, is_ok ? OUTCOME_OK : OUTCOME_FAILURE, false, now);
    }
}

void breaker_evidence(struct breaker *breaker, int healthy_percent, struct wall now)
{
    breaker_tick(breaker, now);
    if (healthy_percent == 0 && breaker->state == BREAKER_CLOSED) {
        breaker->is_proven = false;
        open_now(breaker, now, "the mesh has no healthy host");
    } else if (healthy_percent == 0 && breaker->state == BREAKER_HALF_OPEN) {
        reopen(breaker, now, "the mesh has no healthy host");
    }
}

/* ---- operators -------------------------------------------------------------------------
 */

static bool is_forced(enum breaker_state state)
{
    return state == BREAKER_FORCED_OPEN || state == BREAKER_FORCED_CLOSED ||
           state == BREAKER_DISABLED || state == BREAKER_METRICS;
}

void breaker_force(struct breaker *breaker, enum breaker_state state, struct wall until,
                   const char *actor, const char *reason, struct wall now)
{
    if (is_forced(state)) {
        go(breaker, state, until, now, actor, reason);
    } else if (breaker->state == BREAKER_FORCED_OPEN) {
        go(breaker, BREAKER_HALF_OPEN, (struct wall){0}, now, actor, reason);
    } else if (is_forced(breaker->state)) {
        go(breaker, BREAKER_CLOSED, (struct wall){0}, now, actor, reason);
    }
}

void breaker_reset(struct breaker *breaker, const char *actor, const char *reason,
                   struct wall now)
{
    breaker->hold.ms = 0;
    breaker->is_proven = true;
    go(breaker, BREAKER_CLOSED, (struct wall){0}, now, actor, reason);
}

bool breaker_take_change(struct breaker *breaker, struct breaker_change *ret_change)
{
    if (breaker->n_changes == 0) {
        return false;
    }
    *ret_change = breaker->changes[0];
    breaker->n_changes--;
    memmove(&breaker->changes[0], &breaker->changes[1],
            (size_t)breaker->n_changes * sizeof(breaker->changes[0]));
    return true;
}

const char *breaker_window_word(enum breaker_window window)
{
    static const char *const words[] = {"consecutive", "count", "time"};
    return (unsigned)window < ARRAY_LEN(words) ? words[window] : "?";
}

/* ---- over a restart --------------------------------------------------------------------
 */

void breaker_save(const struct breaker *breaker, struct jsonw *w)
{
    jsonw_str(w, "state", breaker_state_word(breaker->state));
    jsonw_int(w, "since", breaker->since.ms);
    jsonw_int(w, "until", breaker->until.ms);
    jsonw_int(w, "hold", breaker->hold.ms);
    jsonw_int(w, "reopened", breaker->n_reopened);
    jsonw_int(w, "in_a_row", breaker->n_in_a_row);
    jsonw_str(w, "cause", breaker->cause);
    jsonw_str(w, "actor", breaker->actor);
    jsonw_int(w, "n_recent", breaker->n_recent);
    /* as int64: every bit pattern has one */
    jsonw_int(w, "failed", (int64_t)breaker->recent_failed);
    jsonw_int(w, "slow", (int64_t)breaker->recent_slow);
}

static bool find_state(const char *word, enum breaker_state *ret_state)
{
    for (int i = 0; i < BREAKER_STATE_COUNT; i++) {
        if (strcmp(word, breaker_state_word((enum breaker_state)i)) == 0) {
            *ret_state = (enum breaker_state)i;
            return true;
        }
    }
    return false;
}

/* The last 64 outcomes, as if they had come now: a time window ends that much later, at
 * worst one window. */
static void restore_window(struct breaker *breaker, const struct json *memo,
                           struct wall now)
{
    int n = (int)clamp_ms(json_int(memo, "n_recent", 0), 0, BREAKER_RECENT);
    uint64_t failed = (uint64_t)json_int(memo, "failed", 0);
    uint64_t slow = (uint64_t)json_int(memo, "slow", 0);
    window_clear(breaker);
    for (int i = n - 1; i >= 0; i--) {
        window_add(breaker, (unsigned)(failed >> i & 1u) | (unsigned)(slow >> i & 1u) * 2,
                   now);
    }
    breaker->n_in_a_row = (int)clamp_ms(json_int(memo, "in_a_row", 0), 0, 1000000);
}

void breaker_restore(struct breaker *breaker, const struct json *memo, struct wall now)
{
    enum breaker_state state = BREAKER_CLOSED;
    if (!find_state(json_str(memo, "state", ""), &state)) {
        return;
    }
    const struct breaker_settings *set = &breaker->settings;
    restore_window(breaker, memo, now);
    breaker->n_reopened = (int)clamp_ms(json_int(memo, "reopened", 0), 0, STAYS_MAX);
    breaker->is_proven = state == BREAKER_CLOSED && breaker->n_reopened == 0;
    breaker->since.ms = clamp_ms(json_int(memo, "since", now.ms), 0, now.ms);
    struct wall hold = {json_int(memo, "hold", 0)};
    breaker->hold.ms = clamp_ms(hold.ms, 0, now.ms + BREAKER_HOLD_MAX.ms);
    (void)text_clean_into(breaker->cause, sizeof(breaker->cause),
                          json_str(memo, "cause", ""));
    (void)text_clean_into(breaker->actor, sizeof(breaker->actor),
                          json_str(memo, "actor", "engine"));
    breaker->state = state;
    breaker->epoch++;
    breaker->n_trial = breaker->n_passed = 0;
    int64_t until = json_int(memo, "until", 0);
    until = until > 0 ? until : 0;
    if (state == BREAKER_HALF_OPEN) {
        breaker->state = BREAKER_OPEN;
        until = now.ms;
    } else if (state == BREAKER_OPEN) {
        int64_t stay = set->open_max.ms + set->open_max.ms * set->jitter_percent / 100;
        until = clamp_ms(until, 1,
                         later(wall_add(now, (struct span){stay}), breaker->hold).ms);
    }
    breaker->until.ms = state == BREAKER_CLOSED ? 0 : until;
    set_due(breaker);
}
