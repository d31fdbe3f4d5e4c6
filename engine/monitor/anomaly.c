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
#define RARITY_MIN       1.2 /* digits of its rarest point: else the band is only narrow */
#define POINTS_MIN       2   /* one blip is none, unless it is extreme */
#define SILENCE_EVIDENCE 6.0 /* digits: some points are lost now and then */
#define LEVEL_POINTS     6   /* outside of the band: no spike, a level */
#define KEEP_POINTS      24  /* a calm suspect is remembered, for correlation */
#define KEEP_MS          (60 * 60 * 1000)
#define ASLEEP_MS        (2 * 60 * 1000) /* between ticks: nobody was watching */

const char *closed_by_word(enum closed_by why)
{
    static const char *const words[] = {"", "recovered", "adapted", "silent", "operator"};
    return words[why];
}

/* ---- points ---------------------------------------------------------------------------- */

static void learn_step(int64_t *last_ms, double *step_ms, int64_t now_ms)
{
    double gap = (double)(now_ms - *last_ms);
    if (*last_ms > 0 && gap > 0) {
        *step_ms += *step_ms > 0 ? STEP_RATE * (gap - *step_ms) : gap;
    }
    *last_ms = now_ms > *last_ms ? now_ms : *last_ms;
}

/* A silence is one fact, however often it is told; only what was watched counts. */
static double evidence_of_silence(const struct anomaly_book *book,
                                  const struct series_signal *signal, double surprise)
{
    double gap = (double)(signal->at.ms - signal->result.since.ms);
    double watched = (double)(signal->at.ms - book->awake_ms);
    return gap > watched && gap > 0 ? surprise * watched / gap : surprise;
}

static void take_evidence(const struct anomaly_book *book, const struct habit *habit,
                          struct suspect *suspect, const struct series_signal *signal,
                          double surprise)
{
    const struct detect_result *result = &signal->result;
    bool is_silent = !isfinite(signal->value);
    suspect->evidence =
        is_silent ? evidence_of_silence(book, signal, surprise) : (double)habit->run;
    if (!habit_is_odd(habit, signal)) {
        bool is_calm = habit->n_calm > 0 || suspect->is_silent;
        suspect->n_calm = is_calm ? suspect->n_calm + 1 : 0;
        return;
    }
    if (suspect->began_ms == 0) {
        int64_t first = is_silent ? result->since.ms : habit->began_ms;
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

static bool is_certain(const struct habit *habit, const struct suspect *suspect,
                       const struct series_signal *signal, double surprise)
{
    if (!isfinite(signal->value)) {
        return suspect->evidence >= SILENCE_EVIDENCE;
    }
    return habit->n >= HABIT_WARM && !habit->is_muted &&
           (habit->n_out >= POINTS_MIN || surprise >= ANOMALY_EXTREME) &&
           suspect->peak >= RARITY_MIN && (double)habit->run >= habit_opens_at(habit);
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
    struct habit *habit = &book->habits[suspect->series];
    struct entry *entry = anomaly_find_entry(book, suspect->series, ANOMALY_NO_RULE);
    if (entry == NULL) {
        if (habit_is_odd(habit, signal) &&
            is_certain(habit, suspect, signal, habit_surprise(&signal->result))) {
            begin(book, set, suspect, signal->at);
        }
        return;
    }
    if (habit_is_odd(habit, signal)) {
        extend(entry, suspect, signal->at);
    }
    if (suspect->n_calm >= ANOMALY_CALM) {
        bool is_back =
            suspect->n_outside < ANOMALY_ADAPTED ||
            habit_is_in_band(signal->value, suspect->was_low, suspect->was_high);
        anomaly_close(book, entry, is_back ? CLOSED_RECOVERED : CLOSED_ADAPTED,
                      signal->at);
    } else if (signal->at.ms - suspect->surprised_ms > ANOMALY_ADAPTED_MS) {
        habit->is_muted = true; /* until it is back in its band: this is how it is now */
        anomaly_close(book, entry, CLOSED_ADAPTED, signal->at);
    }
}

static void take_signal(struct anomaly_book *book, const struct rule_set *set,
                        const struct series_signal *signal)
{
    int32_t id = signal->series->id;
    struct suspect *suspect = anomaly_find_suspect(book, id);
    bool is_point = isfinite(signal->value);
    double surprise = habit_surprise(&signal->result);
    if (id < 0 || id >= ANOMALY_SERIES_MAX ||
        (is_point && !isfinite(signal->result.low + signal->result.high)) ||
        (!is_point && !signal->result.is_anomalous)) {
        return; /* the detector still learns */
    }
    struct habit *habit = &book->habits[id];
    if (is_point) {
        book->n_habits = id >= book->n_habits ? id + 1 : book->n_habits;
        habit_follow(habit, signal, surprise, suspect != NULL && suspect->is_told);
    }
    if (suspect == NULL && is_point && (double)habit->run * 2 < habit_opens_at(habit)) {
        return;
    }
    suspect = suspect != NULL ? suspect : anomaly_add_suspect(book, signal->series);
    if (suspect == NULL) {
        return;
    }
    if (is_point) {
        learn_step(&suspect->last_ms, &suspect->step_ms, signal->at.ms);
    }
    take_evidence(book, habit, suspect, signal, surprise);
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
        habit_end_run(&book->habits[entry->series], now.ms, true);
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
