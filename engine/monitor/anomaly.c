/* SPDX-License-Identifier: MIT */

/*
 * A point makes a suspect, evidence opens, calm closes.
 *
 * The detector announces an event once and halves what follows (engine/monitor/detect.h); the
 * book wants to know how odd each point is by itself, and takes that back.
 */
#include "engine/monitor/anomaly.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/base/text.h"
#include "engine/monitor/anomaly_private.h"

#define TELL_MS          (5 * 60 * 1000) /* an open one is told again that often */
#define STEP_RATE        0.2             /* of the mean distance of points */
#define DIGITS_ODD       3.0             /* of a window that is odd inside of the band */
#define CHANCE_MIN       1e-12
#define POINT_MAX        6.0   /* digits of surprise that one point may add */
#define SHARE_TROUBLE    0.5   /* points outside of the band in trouble */
#define SHARE_MIN        0.005 /* in peace */
#define SHARE_MAX        0.5F
#define SHARE_POINTS     2000 /* that the share in peace is learned from */
#define FAR_WEIGHT       0.7  /* digits for each doubling of the distance */
#define FAR_MAX          3.0
#define FAR_DISTANCES    4.0 /* usual distances from the middle of the band */
#define WILD_DISTANCES   10.0
#define MODE_VOTES       100 /* more points than all others together */
#define MODE_VOTES_MAX   4000
#define RUN_MAX          1000.0
#define PEAK_DAYS        60.0 /* in which the highest usual run is forgotten */
#define LEAST_STEP       2.0  /* digits that a run in peace may add in any case */
#define PEACE_FACTOR     1.5  /* at most so much more is usual after a run in peace */
#define TOLD_FACTOR      1.3  /* and after one that was told */
#define DAY_MS           INT64_C(86400000)
#define RUN_FACTOR       1.6 /* beyond the highest usual run of this series */
#define WARM_POINTS      200 /* before anything is told */
#define POINTS_MIN       2   /* one blip is none, unless it is extreme */
#define SILENCE_EVIDENCE 6.0 /* digits: some points are lost now and then */
#define LEVEL_POINTS     6   /* outside of the band: no spike, a level */
#define KEEP_POINTS      24  /* a calm suspect is remembered, for correlation */
#define KEEP_MS          (60 * 60 * 1000)
#define ASLEEP_MS        (2 * 60 * 1000) /* between ticks: nobody was watching */
#define TINY             1e-12

const char *closed_by_word(enum closed_by why)
{
    static const char *const words[] = {"", "recovered", "adapted", "silent", "operator"};
    return words[why];
}

/* ---- points ---------------------------------------------------------------------------- */

/* Digits of how rarely a point of a peaceful series is as odd; novelty does not count twice. */
static double surprise_of(const struct detect_result *result)
{
    double chance = result->chance > CHANCE_MIN ? result->chance : CHANCE_MIN;
    return isfinite(result->chance) && result->chance < 1 ? -log10(chance) : 0;
}

static void learn_step(int64_t *last_ms, double *step_ms, int64_t now_ms)
{
    double gap = (double)(now_ms - *last_ms);
    if (*last_ms > 0 && gap > 0) {
        *step_ms += *step_ms > 0 ? STEP_RATE * (gap - *step_ms) : gap;
    }
    *last_ms = now_ms > *last_ms ? now_ms : *last_ms;
}

static bool is_in_band(double value, double low, double high)
{
    return isfinite(value) && isfinite(low) && isfinite(high) && value >= low &&
           value <= high;
}

/*
 * Points that count as one. Numbers about a window of points stay high for as long as the window
 * holds what made them so. 0: of these kinds only what lies outside of the band counts.
 */
static double share_of(enum detect_kind kind)
{
    return kind == DETECT_NOISE || kind == DETECT_FLAT || kind == DETECT_DRIFT ? 6
           : kind == DETECT_SILENCE                                            ? 4
                                                                               : 0;
}

/*
 * Outside of the band, and further from its middle than this series usually is: a band that
 * is too narrow for a series finds nothing odd. Nor is the value odd that most points have had,
 * as the 0 of what seldom happens.
 */
static bool is_outside(const struct watch *watch, const struct series_signal *signal)
{
    const struct detect_result *result = &signal->result;
    double middle = (result->high + result->low) / 2;
    bool is_usual = watch->votes > MODE_VOTES && (float)signal->value == watch->mode;
    return !is_usual && !is_in_band(signal->value, result->low, result->high) &&
           !(fabs(signal->value - middle) < FAR_DISTANCES * (double)watch->distance);
}

/* Odd for the book: a value that lies outside, or a window that is odd. */
static bool is_odd(const struct watch *watch, const struct series_signal *signal)
{
    const struct detect_result *result = &signal->result;
    return is_outside(watch, signal) ||
           (share_of(result->kind) > 0 && surprise_of(result) > DIGITS_ODD);
}

/* A silence is one fact, however often it is told; only what was watched counts. */
static double evidence_of_silence(const struct anomaly_book *book,
                                  const struct series_signal *signal, double surprise)
{
    double gap = (double)(signal->at.ms - signal->result.since.ms);
    double watched = (double)(signal->at.ms - book->awake_ms);
    return gap > watched && gap > 0 ? surprise * watched / gap : surprise;
}

/* ---- runs ------------------------------------------------------------------------------ */

/*
 * Digits of evidence that this point is of trouble, in which every second point lies outside,
 * and not of peace, in which the share of this series does; more when it is far outside or
 * surprising. What a usual run of such points adds up to, each series teaches itself.
 */
static double weigh(const struct watch *watch, const struct series_signal *signal,
                    double surprise)
{
    const struct detect_result *result = &signal->result;
    double width =
        fmax((result->high - result->low) / 2, FAR_DISTANCES * (double)watch->distance) +
        TINY;
    double middle = (result->high + result->low) / 2;
    double share = (double)watch->share > SHARE_MIN ? (double)watch->share : SHARE_MIN;
    double more = surprise > ANOMALY_USUAL
                      ? (surprise < POINT_MAX ? surprise : POINT_MAX) - ANOMALY_USUAL
                      : 0;
    if (!is_outside(watch, signal)) {
        return log10(1 - SHARE_TROUBLE) - log10(1 - share) +
               (share_of(result->kind) > 0 ? more / share_of(result->kind) : 0);
    }
    double off = fabs(signal->value - middle) / width - 1;
    double far = FAR_WEIGHT * log2(1 + off);
    return log10(SHARE_TROUBLE) - log10(share) + (far < FAR_MAX ? far : FAR_MAX) +
           more / 2;
}

static double opens_at(const struct watch *watch)
{
    double least = ANOMALY_EVIDENCE, own = RUN_FACTOR * (double)watch->usual;
    return own > least ? own : least;
}

/* The run is over: what it came to is usual from now on; if it was told as trouble, only so
 * much of it that the same, again and again, becomes usual in the end. */
static void end_run(struct watch *watch, int64_t now_ms, bool was_told)
{
    double more = was_told ? TOLD_FACTOR : PEACE_FACTOR;
    double most = (double)watch->usual * more + (was_told ? LEAST_STEP / 2 : LEAST_STEP);
    double days = (double)(now_ms - watch->ended_ms) / (double)DAY_MS;
    double kept = (double)watch->usual * exp(-days / PEAK_DAYS);
    most = most < (double)watch->peak ? most : (double)watch->peak;
    watch->usual = (float)(most > kept ? most : kept);
    watch->ended_ms = now_ms;
    watch->run = watch->peak = 0;
    watch->began_ms = 0;
    watch->n_out = 0;
}

/* Wild values teach as much as far ones. */
static void learn_distance(struct watch *watch, double distance, double rate)
{
    double most = WILD_DISTANCES * (double)watch->distance;
    bool is_wild = watch->n > WARM_POINTS / 4 && distance > most;
    distance = is_wild ? most : distance;
    watch->distance += (float)(rate * (distance - (double)watch->distance));
}

/* The value that most points have, if there is one (Boyer and Moore, "MJRTY", 1981). */
static void vote(struct watch *watch, float value)
{
    if (value == watch->mode) {
        watch->votes = (uint16_t)(watch->votes + (watch->votes < MODE_VOTES_MAX));
    } else if (watch->votes > 0) {
        watch->votes--;
    } else {
        watch->mode = value;
        watch->votes = 1;
    }
}

static void follow_run(struct watch *watch, const struct series_signal *signal,
                       double surprise, bool is_open)
{
    const struct detect_result *result = &signal->result;
    bool is_out = is_outside(watch, signal);
    double run = (double)watch->run + weigh(watch, signal, surprise);
    double rate = watch->n < SHARE_POINTS ? 1.0 / (watch->n + 1) : 1.0 / SHARE_POINTS;
    if (!is_open) { /* what is trouble does not become usual */
        watch->share += (float)(rate * ((is_out ? 1 : 0) - (double)watch->share));
        learn_distance(watch, fabs(signal->value - (result->low + result->high) / 2),
                       rate);
    }
    watch->share = watch->share > SHARE_MAX ? SHARE_MAX : watch->share;
    watch->n += watch->n < UINT32_MAX;
    vote(watch, (float)signal->value);
    watch->n_calm = (uint16_t)(is_out || result->is_anomalous ? 0
                               : watch->n_calm < UINT16_MAX   ? watch->n_calm + 1
                                                              : watch->n_calm);
    if (watch->n_calm >= ANOMALY_CALM) {
        watch->is_muted = false;
    }
    if (run <= 0) {
        if (watch->began_ms != 0) {
            end_run(watch, signal->at.ms, is_open);
        }
        return;
    }
    if (watch->began_ms == 0) {
        watch->began_ms = signal->at.ms;
    }
    watch->run = (float)(run < RUN_MAX ? run : RUN_MAX);
    watch->peak = watch->run > watch->peak ? watch->run : watch->peak;
    watch->n_out +=
        (uint16_t)((is_out || result->is_anomalous) && watch->n_out < UINT16_MAX);
}

static void take_evidence(const struct anomaly_book *book, const struct watch *watch,
                          struct suspect *suspect, const struct series_signal *signal,
                          double surprise)
{
    const struct detect_result *result = &signal->result;
    bool is_silent = !isfinite(signal->value);
    suspect->evidence =
        is_silent ? evidence_of_silence(book, signal, surprise) : (double)watch->run;
    if (!is_odd(watch, signal)) {
        bool is_calm = watch->n_calm > 0 || suspect->is_silent;
        suspect->n_calm = is_calm ? suspect->n_calm + 1 : 0;
        return;
    }
    if (suspect->began_ms == 0) {
        int64_t first = is_silent ? result->since.ms : watch->began_ms;
        suspect->began_ms = first > 0 && first < signal->at.ms ? first : signal->at.ms;
        suspect->was_low = result->low;
        suspect->was_high = result->high;
    }
    if (surprise > suspect->peak || suspect->kind == DETECT_NONE) {
        suspect->peak = surprise;
        suspect->kind = (int32_t)result->kind;
    }
    if (is_silent) {
        suspect->kind = DETECT_SILENCE;
        suspect->last_ms = suspect->last_ms > 0 ? suspect->last_ms : result->since.ms;
    }
    if (result->is_anomalous || suspect->surprised_ms == 0) {
        suspect->surprised_ms = signal->at.ms;
    }
    suspect->seen_ms = signal->at.ms;
    suspect->value = signal->value;
    suspect->low = result->low;
    suspect->high = result->high;
    suspect->is_silent = is_silent;
    suspect->n_calm = 0;
    suspect->n_outside++;
}

static struct entry *open_entry(struct anomaly_book *book, const char *name,
                                const char *place, int32_t series, int32_t rule)
{
    struct entry *entry = anomaly_add_entry(book);
    if (entry != NULL) {
        entry->series = series;
        entry->rule = rule;
        entry->is_dirty = true;
        snprintf(entry->name, sizeof(entry->name), "%s", name);
        snprintf(entry->place, sizeof(entry->place), "%s", place);
    }
    return entry;
}

/* What the suspect shows now, into its anomaly. */
static void extend(struct entry *entry, const struct suspect *suspect, struct wall now)
{
    enum anomaly_type type = anomaly_type_of((enum detect_kind)suspect->kind);
    if (type == ANOMALY_SPIKE && suspect->n_outside >= LEVEL_POINTS) {
        type = ANOMALY_LEVEL_SHIFT;
    }
    bool is_other = (int32_t)type != entry->type || suspect->peak > entry->peak * 1.5;
    entry->type = (int32_t)type;
    entry->seen_ms = suspect->seen_ms;
    entry->value = suspect->value;
    entry->low = suspect->low;
    entry->high = suspect->high;
    if (suspect->peak > entry->peak) {
        entry->peak = suspect->peak;
        entry->score = suspect->peak / (10 + suspect->peak);
    }
    if (is_other || now.ms - entry->told_ms >= TELL_MS) {
        entry->shape = anomaly_shape(entry->value, suspect->was_low, suspect->was_high);
        entry->told_ms = now.ms;
        entry->is_dirty = true;
    }
}

static bool is_certain(const struct watch *watch, const struct suspect *suspect,
                       const struct series_signal *signal, double surprise)
{
    if (!isfinite(signal->value)) {
        return suspect->evidence >= SILENCE_EVIDENCE;
    }
    return watch->n >= WARM_POINTS && !watch->is_muted &&
           (watch->n_out >= POINTS_MIN || surprise >= ANOMALY_EXTREME) &&
           (double)watch->run >= opens_at(watch);
}

static void begin(struct anomaly_book *book, const struct rule_set *set,
                  struct suspect *suspect, struct wall now)
{
    struct entry *entry =
        open_entry(book, suspect->name, suspect->place, suspect->series, ANOMALY_NO_RULE);
    if (entry == NULL) {
        return;
    }
    entry->began_ms = suspect->began_ms;
    entry->opened_ms = now.ms;
    suspect->is_told = true;
    extend(entry, suspect, now);
    anomaly_describe(entry);
    anomaly_find_similar(book, entry);
    entry->severity = (int32_t)anomaly_severity(entry, set, now);
}

static void judge(struct anomaly_book *book, const struct rule_set *set,
                  struct suspect *suspect, const struct series_signal *signal)
{
    struct watch *watch = &book->watches[suspect->series];
    struct entry *entry = anomaly_find_entry(book, suspect->series, ANOMALY_NO_RULE);
    if (entry == NULL) {
        if (is_odd(watch, signal) &&
            is_certain(watch, suspect, signal, surprise_of(&signal->result))) {
            begin(book, set, suspect, signal->at);
        }
        return;
    }
    if (is_odd(watch, signal)) {
        extend(entry, suspect, signal->at);
    }
    if (suspect->n_calm >= ANOMALY_CALM) {
        bool is_back = suspect->n_outside < ANOMALY_ADAPTED ||
                       is_in_band(signal->value, suspect->was_low, suspect->was_high);
        anomaly_close(book, entry, is_back ? CLOSED_RECOVERED : CLOSED_ADAPTED,
                      signal->at);
    } else if (signal->at.ms - suspect->surprised_ms > ANOMALY_ADAPTED_MS) {
        watch->is_muted = true; /* until it is back in its band: this is how it is now */
        anomaly_close(book, entry, CLOSED_ADAPTED, signal->at);
    }
}

static void take_signal(struct anomaly_book *book, const struct rule_set *set,
                        const struct series_signal *signal)
{
    int32_t id = signal->series->id;
    struct suspect *suspect = anomaly_find_suspect(book, id);
    bool is_point = isfinite(signal->value);
    double surprise = surprise_of(&signal->result);
    if (id < 0 || id >= ANOMALY_SERIES_MAX ||
        (is_point && !isfinite(signal->result.low + signal->result.high)) ||
        (!is_point && !signal->result.is_anomalous)) {
        return; /* the detector still learns */
    }
    struct watch *watch = &book->watches[id];
    if (is_point) {
        book->n_watches = id >= book->n_watches ? id + 1 : book->n_watches;
        follow_run(watch, signal, surprise, suspect != NULL && suspect->is_told);
    }
    if (suspect == NULL && is_point && (double)watch->run * 2 < opens_at(watch)) {
        return;
    }
    suspect = suspect != NULL ? suspect : anomaly_add_suspect(book, signal->series);
    if (suspect == NULL) {
        return;
    }
    if (is_point) {
        learn_step(&suspect->last_ms, &suspect->step_ms, signal->at.ms);
    }
    take_evidence(book, watch, suspect, signal, surprise);
    judge(book, set, suspect, signal);
}

/* ---- rules ----------------------------------------------------------------------------- */

static void open_rule(struct anomaly_book *book, const struct rule *rule,
                      struct rule_slot *slot, const char *text,
                      const struct rule_result *result, struct wall at)
{
    struct entry *entry =
        open_entry(book, slot->name, slot->place, slot->series, slot->rule);
    if (entry == NULL) {
        return;
    }
    entry->type = (int32_t)rule->type;
    entry->severity = rule->severity;
    entry->began_ms = result->since.ms;
    entry->opened_ms = entry->seen_ms = entry->told_ms = at.ms;
    entry->value = result->value;
    entry->low = rule->condition == RULE_BELOW ? rule->limit : (double)NAN;
    entry->high = rule->condition == RULE_ABOVE ? rule->limit : (double)NAN;
    entry->score = entry->peak = 1;
    entry->shape = anomaly_shape(entry->value, entry->low, entry->high);
    snprintf(entry->rule_name, sizeof(entry->rule_name), "%s", rule->name);
    text_clean_into(entry->text, sizeof(entry->text), text);
    anomaly_find_similar(book, entry);
}

static void take_result(struct anomaly_book *book, const struct rule *rule,
                        struct rule_slot *slot, const char *text,
                        const struct rule_result *result, struct wall at)
{
    if (result->has_begun) {
        open_rule(book, rule, slot, text, result, at);
        return;
    }
    struct entry *entry = result->is_firing || result->has_ended
                              ? anomaly_find_entry(book, slot->series, slot->rule)
                              : NULL;
    if (entry == NULL) {
        return;
    }
    entry->value = result->value;
    if (result->has_ended) {
        anomaly_close(book, entry, CLOSED_RECOVERED, at);
        return;
    }
    entry->seen_ms = at.ms;
    if (at.ms - entry->told_ms >= TELL_MS) {
        entry->told_ms = at.ms;
        entry->is_dirty = true;
    }
}

static void take_rules(struct anomaly_book *book, const struct rule_set *set,
                       uint64_t rules, const struct series_signal *signal)
{
    for (size_t i = 0; i < set->n && rules >> i != 0; i++) {
        char text[RULE_SUMMARY_MAX] = "";
        if ((rules >> i & 1) == 0) {
            continue;
        }
        struct rule_slot *slot = anomaly_slot(book, signal->series, (int32_t)i);
        if (slot == NULL) {
            continue;
        }
        int64_t last_ms = slot->state.seen_at.ms;
        learn_step(&last_ms, &slot->step_ms, signal->at.ms);
        const struct rule *rule = &set->rules[i];
        struct rule_result result =
            rule_step(rule, &slot->state, signal->at, signal->value);
        if (result.has_begun) {
            rule_text(rule, signal->series, result.value, text);
        }
        take_result(book, rule, slot, text, &result, signal->at);
    }
}

void anomaly_book_point(struct anomaly_book *book, const struct rule_set *set,
                        uint64_t rules, const struct series_signal *signal)
{
    take_signal(book, set, signal);
    if (rules != 0 && isfinite(signal->value)) {
        take_rules(book, set, rules, signal);
    }
}

/* ---- time ------------------------------------------------------------------------------ */

void anomaly_close(struct anomaly_book *book, struct entry *entry, enum closed_by why,
                   struct wall now)
{
    entry->closed_by = (int32_t)why;
    entry->closed_ms = now.ms;
    entry->is_dirty = true;
    book->n_closed++;
    anomaly_remember(book, entry);
    struct suspect *suspect =
        entry->rule == ANOMALY_NO_RULE ? anomaly_find_suspect(book, entry->series) : NULL;
    if (suspect != NULL) {
        end_run(&book->watches[entry->series], now.ms, true);
        suspect->evidence = suspect->peak = 0;
        suspect->began_ms = suspect->surprised_ms = 0;
        suspect->n_outside = suspect->n_calm = suspect->is_told = 0;
        suspect->is_silent = false;
        suspect->kind = DETECT_NONE;
    }
}

/* The series gives no points: it is dead, and that is not news for ever. */
static bool is_dead(int64_t last_ms, double step_ms, struct wall now)
{
    double longest = step_ms > 0 && step_ms * ANOMALY_SILENT < (double)ANOMALY_SILENT_MS
                         ? step_ms * ANOMALY_SILENT
                         : (double)ANOMALY_SILENT_MS;
    return last_ms > 0 && (double)(now.ms - last_ms) > longest;
}

static void end_old(struct anomaly_book *book, struct entry *entry, struct wall now)
{
    if (now.ms - entry->opened_ms > ANOMALY_LASTS_MAX) {
        anomaly_close(book, entry, CLOSED_ADAPTED, now);
        return;
    }
    if (entry->rule == ANOMALY_NO_RULE) {
        const struct suspect *suspect = anomaly_find_suspect(book, entry->series);
        if (suspect == NULL || is_dead(suspect->last_ms, suspect->step_ms, now)) {
            anomaly_close(book, entry, CLOSED_SILENT, now);
        }
        return;
    }
    for (int32_t i = book->slot_of[entry->series]; i >= 0; i = book->slots[i].next) {
        const struct rule_slot *slot = &book->slots[i];
        if (slot->rule == entry->rule &&
            is_dead(slot->state.seen_at.ms, slot->step_ms, now)) {
            anomaly_close(book, entry, CLOSED_SILENT, now);
        }
    }
}

static void forget_suspects(struct anomaly_book *book, struct wall now)
{
    for (int32_t i = book->n_suspects - 1; i >= 0; i--) {
        const struct suspect *suspect = &book->suspects[i];
        double keep = suspect->step_ms * KEEP_POINTS;
        keep = keep > KEEP_MS ? keep : KEEP_MS;
        bool is_over = (double)(now.ms - suspect->seen_ms) > keep;
        if (is_over &&
            anomaly_find_entry(book, suspect->series, ANOMALY_NO_RULE) == NULL) {
            anomaly_remove_suspect(book, (size_t)i);
        }
    }
}

static void tick_rules(struct anomaly_book *book, const struct rule_set *set,
                       struct wall now)
{
    for (int32_t i = 0; i < book->n_slots; i++) {
        struct rule_slot *slot = &book->slots[i];
        if ((size_t)slot->rule >= set->n ||
            set->rules[slot->rule].condition != RULE_ABSENT) {
            continue;
        }
        const struct rule *rule = &set->rules[slot->rule];
        struct rule_result result = rule_tick(rule, &slot->state, now);
        char text[RULE_SUMMARY_MAX] = "";
        if (result.has_begun) {
            const struct series_info series = {
                .name = slot->name, .labels = "", .component = slot->place};
            rule_text(rule, &series, result.value, text);
        }
        take_result(book, rule, slot, text, &result, now);
    }
}

void anomaly_book_tick(struct anomaly_book *book, const struct rule_set *set,
                       const struct world *world, struct wall now)
{
    if (now.ms - book->tick_ms > ASLEEP_MS) {
        book->awake_ms = now.ms;
    }
    book->tick_ms = now.ms;
    tick_rules(book, set, now);
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->closed_by != CLOSED_NOT) {
            continue;
        }
        end_old(book, entry, now);
        anomaly_find_contributors(book, entry, world);
        int32_t severity = (int32_t)anomaly_severity(entry, set, now);
        entry->is_dirty |= severity != entry->severity;
        entry->severity = severity;
    }
    forget_suspects(book, now);
    incident_group(book, world, now);
}

bool anomaly_book_resolve(struct anomaly_book *book, int64_t id, struct wall now)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->id == id && entry->closed_by == CLOSED_NOT) {
            anomaly_close(book, entry, CLOSED_OPERATOR, now);
            return true;
        }
    }
    return false;
}

bool anomaly_book_resolve_incident(struct anomaly_book *book, int64_t id, struct wall now)
{
    bool is_any = false;
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->incident == id && entry->closed_by == CLOSED_NOT) {
            anomaly_close(book, entry, CLOSED_OPERATOR, now);
            is_any = true;
        }
    }
    return is_any;
}
