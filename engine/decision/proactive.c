/* SPDX-License-Identifier: MIT */
#include "engine/decision/proactive.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/blob.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define FORMAT     1
#define STARTS_MAX 8 /* more than any per_hour */
#define HOUR       span_s(3600)

/* Thresholds: acting for nothing costs little (a probe), some minutes of throughput (fewer at once),
 * or nothing that the configuration would have kept; so more likely than not is enough, and
 * what slows work must be likelier. */
static const struct prepared_rule rules[PREPARED_COUNT] = {
    [PREPARED_WARM_BACKUP] = {.on = 0.6,
                              .off = 0.4,
                              .lead = {3600 * 1000},
                              .window = {3600 * 1000},
                              .cool = {1800 * 1000},
                              .per_hour = 4,
                              .risk = 0.01},
    [PREPARED_SLOW_ADMISSION] = {.on = 0.75,
                              .off = 0.5,
                              .lead = {6 * 3600 * 1000},
                              .window = {3600 * 1000},
                              .cool = {600 * 1000},
                              .per_hour = 2,
                              .risk = 0.2 },
    [PREPARED_FREE_DISK] = {.on = 0.6,
                              .off = 0.4,
                              .lead = {3 * 86400 * 1000},
                              .window = {1800 * 1000},
                              .cool = {3600 * 1000},
                              .per_hour = 1,
                              .risk = 0.05},
    [PREPARED_RENEW_TOKEN] = {.on = 0.6,
                              .off = 0.4,
                              .lead = {86400 * 1000},
                              .window = {1800 * 1000},
                              .cool = {3600 * 1000},
                              .per_hour = 2,
                              .risk = 0.02},
};

/* An omen as it was heard last. */
struct sign {
    enum omen_kind kind;
    double p;
    bool is_measured, is_trusted;
    struct wall due, heard;
    char subject[OMEN_SUBJECT];
    char text[OMEN_TEXT];
};

/* One of each action. */
struct hold {
    bool is_active, has_come;
    bool is_banned; /* by a switch; not saved */
    enum omen_kind kind;
    int64_t decision;
    struct wall until, ended;
    struct wall vain_at;            /* ended, and the omen stood as before */
    struct wall starts[STARTS_MAX]; /* ring */
    int64_t n_starts;
    char subject[OMEN_SUBJECT];
};

struct proactive {
    size_t n_signs;
    struct sign signs[OMENS_MAX];
    struct hold holds[PREPARED_COUNT];
    char why_not[OMEN_TEXT];
};

const char *omen_word(enum omen_kind kind)
{
    static const char *const words[] = {
#define X(id, word, help) [id] = word,
        OMEN_LIST(X)
#undef X
    };
    return kind < OMEN_COUNT ? words[kind] : "?";
}

#define PREPARED_TEXT(name, field)                                                       \
    const char *name(enum prepared action)                                               \
    {                                                                                    \
        static const char *const texts[] = {PREPARED_LIST(field)};                       \
        return action < PREPARED_COUNT ? texts[action] : "?";                            \
    }
#define WORD(id, word, effect, inverse)    [id] = (word),
#define EFFECT(id, word, effect, inverse)  [id] = (effect),
#define INVERSE(id, word, effect, inverse) [id] = (inverse),
PREPARED_TEXT(prepared_word, WORD)
PREPARED_TEXT(prepared_effect, EFFECT)
PREPARED_TEXT(prepared_inverse, INVERSE)

const struct prepared_rule *prepared_rule(enum prepared action)
{
    return &rules[action];
}

struct proactive *proactive_new(void)
{
    return mem_alloc(sizeof(struct proactive));
}

void proactive_free(struct proactive *proactive)
{
    free(proactive);
}

void proactive_allow(struct proactive *proactive, enum prepared action, bool is_allowed)
{
    proactive->holds[action].is_banned = !is_allowed;
}

void proactive_number(struct proactive *proactive, enum prepared action, int64_t decision)
{
    proactive->holds[action].decision = decision;
}

const char *proactive_active(const struct proactive *proactive, enum prepared action)
{
    const struct hold *hold = &proactive->holds[action];
    return hold->is_active ? hold->subject : NULL;
}

/* ---- omens ----------------------------------------------------------------------------- */

static struct sign *find_sign(struct proactive *proactive, enum omen_kind kind,
                              const char *subject)
{
    for (size_t i = 0; i < proactive->n_signs; i++) {
        struct sign *sign = &proactive->signs[i];
        if (sign->kind == kind && strcmp(sign->subject, subject) == 0) {
            return sign;
        }
    }
    return NULL;
}

static void drop_sign(struct proactive *proactive, const struct sign *sign)
{
    size_t index = (size_t)(sign - proactive->signs);
    proactive->n_signs--;
    for (size_t i = index; i < proactive->n_signs; i++) {
        proactive->signs[i] = proactive->signs[i + 1];
    }
}

/* In the order in which they were heard: the first is the oldest. */
void proactive_hear(struct proactive *proactive, const struct omen *omen, struct wall now)
{
    struct sign fresh = {.kind = omen->kind,
                         .p = omen->p,
                         .is_measured = omen->is_measured,
                         .is_trusted = omen->is_trusted,
                         .due = omen->due,
                         .heard = now};
    if (!(omen->p >= 0 && omen->p <= 1) || omen->kind >= OMEN_COUNT) {
        return;
    }
    (void)text_clean_into(fresh.subject, sizeof(fresh.subject), omen->subject);
    (void)text_clean_into(fresh.text, sizeof(fresh.text), omen->text);
    const struct sign *old = find_sign(proactive, omen->kind, fresh.subject);
    if (old == NULL && proactive->n_signs == OMENS_MAX) {
        old = &proactive->signs[0];
    }
    if (old != NULL) {
        drop_sign(proactive, old);
    }
    proactive->signs[proactive->n_signs++] = fresh;
}

void proactive_came(struct proactive *proactive, enum omen_kind kind, const char *subject,
                    struct wall now)
{
    const struct sign *sign = find_sign(proactive, kind, subject);
    (void)now;
    if (sign != NULL) {
        drop_sign(proactive, sign);
    }
    for (int i = 0; i < PREPARED_COUNT; i++) {
        struct hold *hold = &proactive->holds[i];
        hold->has_come |=
            hold->is_active && hold->kind == kind && strcmp(hold->subject, subject) == 0;
    }
}

static bool is_stale(const struct sign *sign, struct wall now)
{
    return wall_since(now, sign->heard).ms > OMEN_FRESH.ms;
}

static bool is_credible(const struct sign *sign)
{
    return sign->is_measured || sign->is_trusted;
}

/* A disk that could not be freed fills more slowly when less is done. */
static enum prepared action_of(const struct proactive *proactive, const struct sign *sign,
                               struct wall now)
{
    const struct hold *freed = &proactive->holds[PREPARED_FREE_DISK];
    switch (sign->kind) {
    case OMEN_OUTAGE:
        return PREPARED_WARM_BACKUP;
    case OMEN_DISK:
        return !freed->is_active && wall_is_set(freed->vain_at) &&
                       strcmp(freed->subject, sign->subject) == 0 &&
                       wall_since(now, freed->vain_at).ms < PREPARED_AGAIN.ms
                   ? PREPARED_SLOW_ADMISSION
                   : PREPARED_FREE_DISK;
    case OMEN_EXPIRY:
        return PREPARED_RENEW_TOKEN;
    case OMEN_LOAD:
    case OMEN_COUNT:
        break;
    }
    return PREPARED_SLOW_ADMISSION;
}

/* ---- ends ------------------------------------------------------------------------------ */

/* Why it ends. X(identifier, words, verdict where something runs full or out, verdict of an outage) */
#define END_LIST(X)                                                                      \
    X(END_NOT, "", VERDICT_OPEN, VERDICT_OPEN)                                           \
    X(END_BANNED, "switched off", VERDICT_UNCLEAR, VERDICT_UNCLEAR)                      \
    X(END_CAME, "what was predicted came", VERDICT_BAD, VERDICT_GOOD)                    \
    X(END_SILENT, "nobody says it any more", VERDICT_UNCLEAR, VERDICT_UNCLEAR)           \
    X(END_DOUBT, "who says it is not trusted any more", VERDICT_UNCLEAR,                 \
      VERDICT_UNCLEAR)                                                                   \
    X(END_OVER, "not likely any more", VERDICT_GOOD, VERDICT_UNCLEAR)                    \
    X(END_WINDOW, "its window has ended and it is as likely as before", VERDICT_BAD,     \
      VERDICT_UNCLEAR)
enum end {
#define X(id, words, of_limit, of_outage) id,
    END_LIST(X)
#undef X
        END_COUNT
};
static const struct {
    const char *words;
    enum verdict of_limit, of_outage;
} ends[END_COUNT] = {
#define X(id, words, of_limit, of_outage) {words, of_limit, of_outage},
    END_LIST(X)
#undef X
};

static enum end end_of(struct proactive *proactive, enum prepared action, struct wall now,
                       double *ret_p)
{
    const struct hold *hold = &proactive->holds[action];
    const struct sign *sign = find_sign(proactive, hold->kind, hold->subject);
    *ret_p = sign != NULL ? sign->p : 0;
    if (hold->has_come) {
        return END_CAME;
    }
    if (hold->is_banned) {
        return END_BANNED;
    }
    if (sign == NULL || is_stale(sign, now)) {
        return END_SILENT;
    }
    int64_t lead = rules[action].lead.ms;
    if (sign->p < rules[action].off || sign->due.ms > now.ms + lead + lead / 4) {
        return END_OVER; /* whoever says so: it was not begun on his word */
    }
    if (!is_credible(sign)) {
        return END_DOUBT;
    }
    return now.ms >= hold->until.ms ? END_WINDOW : END_NOT;
}

static bool step_end(struct proactive *proactive, enum prepared action, struct wall now,
                     struct prepared_step *ret_step)
{
    struct hold *hold = &proactive->holds[action];
    double p = 0;
    enum end end = hold->is_active ? end_of(proactive, action, now, &p) : END_NOT;
    if (end == END_NOT) {
        return false;
    }
    *ret_step = (struct prepared_step){
        .is_end = true,
        .action = action,
        .p = p,
        .verdict = hold->kind == OMEN_OUTAGE ? ends[end].of_outage : ends[end].of_limit,
        .decision = hold->decision};
    (void)snprintf(ret_step->subject, sizeof(ret_step->subject), "%s", hold->subject);
    (void)snprintf(ret_step->outcome, sizeof(ret_step->outcome), "%s", ends[end].words);
    (void)snprintf(ret_step->reason, sizeof(ret_step->reason), "%s of %s: %s",
                   omen_word(hold->kind), hold->subject, ends[end].words);
    hold->is_active = hold->has_come = false;
    hold->decision = 0;
    hold->ended = now;
    hold->vain_at = end == END_WINDOW ? now : (struct wall){0};
    return true;
}

void proactive_refuse(struct proactive *proactive, enum prepared action, struct wall now)
{
    struct hold *hold = &proactive->holds[action];
    hold->is_active = hold->has_come = false;
    hold->decision = 0;
    hold->ended = now;
}

/* ---- beginnings ------------------------------------------------------------------------ */

/* The likeliest that this action could answer, credible or not. */
static const struct sign *likeliest(const struct proactive *proactive,
                                    enum prepared action, bool is_credible_only,
                                    struct wall now)
{
    const struct sign *best = NULL;
    for (size_t i = 0; i < proactive->n_signs; i++) {
        const struct sign *sign = &proactive->signs[i];
        if (sign->p < rules[action].on || is_stale(sign, now) ||
            action_of(proactive, sign, now) != action ||
            (is_credible_only &&
             (!is_credible(sign) || sign->due.ms > now.ms + rules[action].lead.ms))) {
            continue;
        }
        if (best == NULL || sign->p > best->p ||
            (!(sign->p < best->p) && strcmp(sign->subject, best->subject) < 0)) {
            best = sign;
        }
    }
    return best;
}

/* When the hourly cap lets it begin again; unset: now. */
static struct wall cap_end(const struct hold *hold, const struct prepared_rule *rule)
{
    if (hold->n_starts < rule->per_hour) {
        return (struct wall){0};
    }
    struct wall first =
        hold->starts[(size_t)(hold->n_starts - rule->per_hour) % STARTS_MAX];
    return wall_add(first, HOUR);
}

/* From when on it may begin. */
static struct wall free_at(const struct hold *hold, const struct prepared_rule *rule)
{
    struct wall cool =
        wall_is_set(hold->ended) ? wall_add(hold->ended, rule->cool) : (struct wall){0};
    struct wall cap = cap_end(hold, rule);
    return cap.ms > cool.ms ? cap : cool;
}

static void say_due(const struct sign *sign, struct wall now, char *out, size_t cap)
{
    char span[CLOCK_TEXT_MAX];
    if (sign->due.ms <= now.ms) {
        (void)snprintf(out, cap, "now");
    } else {
        (void)snprintf(out, cap, "within %s",
                       span_format(wall_since(sign->due, now), span));
    }
}

static void say_reason(const struct sign *sign, struct wall now, char *out, size_t cap)
{
    char due[CLOCK_TEXT_MAX + 8];
    char line[3 * OMEN_TEXT];
    say_due(sign, now, due, sizeof(due));
    (void)snprintf(line, sizeof(line), "%s of %s %s: %.0f %%, %s; %s",
                   omen_word(sign->kind), sign->subject, due, sign->p * 100,
                   sign->is_measured ? "measured" : "trusted", sign->text);
    (void)text_clean_into(out, cap, line);
}

static void begin(struct hold *hold, enum prepared action, const struct sign *sign,
                  struct wall now, struct prepared_step *ret_step)
{
    hold->is_active = true;
    hold->kind = sign->kind;
    hold->until = wall_add(now, rules[action].window);
    hold->vain_at = (struct wall){0};
    hold->starts[(size_t)hold->n_starts++ % STARTS_MAX] = now;
    (void)snprintf(hold->subject, sizeof(hold->subject), "%s", sign->subject);
    *ret_step = (struct prepared_step){
        .action = action, .p = sign->p, .until = hold->until, .verdict = VERDICT_OPEN};
    (void)snprintf(ret_step->subject, sizeof(ret_step->subject), "%s", sign->subject);
    say_reason(sign, now, ret_step->reason, sizeof(ret_step->reason));
}

static bool step_begin(struct proactive *proactive, enum prepared action, struct wall now,
                       struct prepared_step *ret_step)
{
    struct hold *hold = &proactive->holds[action];
    const struct prepared_rule *rule = &rules[action];
    if (hold->is_active || hold->is_banned || now.ms < free_at(hold, rule).ms) {
        return false;
    }
    const struct sign *sign = likeliest(proactive, action, true, now);
    if (sign == NULL) {
        return false;
    }
    begin(hold, action, sign, now, ret_step);
    return true;
}

static const struct sign *standing(const struct proactive *proactive,
                                   enum prepared action, const char *subject,
                                   struct wall now)
{
    const struct prepared_rule *rule = &rules[action];
    for (size_t i = 0; i < proactive->n_signs; i++) {
        const struct sign *sign = &proactive->signs[i];
        if (strcmp(sign->subject, subject) == 0 && sign->p >= rule->off &&
            !is_stale(sign, now) && is_credible(sign) &&
            action_of(proactive, sign, now) == action &&
            sign->due.ms <= now.ms + rule->lead.ms + rule->lead.ms / 4) {
            return sign;
        }
    }
    return NULL;
}

bool proactive_is_likely(const struct proactive *proactive, enum prepared action,
                         const char *subject, struct wall now)
{
    return standing(proactive, action, subject, now) != NULL;
}

bool proactive_start(struct proactive *proactive, enum prepared action,
                     const char *subject, struct wall now, struct prepared_step *ret_step)
{
    struct hold *hold = &proactive->holds[action];
    const struct sign *sign = standing(proactive, action, subject, now);
    if (hold->is_active || hold->is_banned || sign == NULL) {
        return false;
    }
    begin(hold, action, sign, now, ret_step);
    return true;
}

size_t proactive_decide(struct proactive *proactive, struct wall now,
                        struct prepared_step *ret_steps, size_t max)
{
    size_t n = 0;
    for (int i = 0; i < PREPARED_COUNT && n < max; i++) {
        n += step_end(proactive, (enum prepared)i, now, &ret_steps[n]);
    }
    for (int i = 0; i < PREPARED_COUNT && n < max; i++) {
        n += step_begin(proactive, (enum prepared)i, now, &ret_steps[n]);
    }
    for (size_t i = proactive->n_signs; i > 0; i--) {
        if (is_stale(&proactive->signs[i - 1], now)) {
            drop_sign(proactive, &proactive->signs[i - 1]);
        }
    }
    return n;
}

const char *proactive_why_not(struct proactive *proactive, enum prepared action,
                              struct wall now)
{
    const struct hold *hold = &proactive->holds[action];
    const struct prepared_rule *rule = &rules[action];
    const struct sign *sign = likeliest(proactive, action, false, now);
    char *out = proactive->why_not;
    char clock[CLOCK_TEXT_MAX];
    struct wall from = free_at(hold, rule);
    out[0] = '\0';
    if (sign == NULL || (hold->is_active && strcmp(hold->subject, sign->subject) == 0)) {
        return out;
    }
    if (hold->is_banned) {
        (void)snprintf(out, OMEN_TEXT, "switched off");
    } else if (!is_credible(sign)) {
        (void)snprintf(out, OMEN_TEXT, "%s: its scorecard is not trusted", sign->subject);
    } else if (hold->is_active) {
        (void)snprintf(out, OMEN_TEXT, "one at a time: %s is first", hold->subject);
    } else if (sign->due.ms > now.ms + rule->lead.ms) {
        (void)snprintf(out, OMEN_TEXT, "%s: due only in %s", sign->subject,
                       span_format(wall_since(sign->due, now), clock));
    } else if (now.ms < from.ms) {
        (void)snprintf(out, OMEN_TEXT, "%s: not again before %s", sign->subject,
                       wall_format_time(from, false, clock));
    }
    return out;
}

static struct wall sooner(struct wall a, struct wall b)
{
    return !wall_is_set(a) || b.ms < a.ms ? b : a;
}

static struct wall begin_at(const struct proactive *proactive, enum prepared action,
                            const struct sign *sign)
{
    const struct prepared_rule *rule = &rules[action];
    struct wall at = free_at(&proactive->holds[action], rule);
    struct wall lead = {sign->due.ms - rule->lead.ms};
    at = lead.ms > at.ms ? lead : at;
    return sign->heard.ms > at.ms ? sign->heard : at;
}

struct wall proactive_wake_at(const struct proactive *proactive)
{
    struct wall wake = {0};
    for (int i = 0; i < PREPARED_COUNT; i++) {
        if (proactive->holds[i].is_active) {
            wake = sooner(wake, proactive->holds[i].until);
        }
    }
    for (size_t i = 0; i < proactive->n_signs; i++) {
        const struct sign *sign = &proactive->signs[i];
        struct wall gone = {sign->heard.ms + OMEN_FRESH.ms + 1};
        wake = sooner(wake, gone);
        for (int k = 0; k < PREPARED_COUNT; k++) {
            const struct hold *hold = &proactive->holds[k];
            struct wall at = begin_at(proactive, (enum prepared)k, sign);
            if (!hold->is_active && !hold->is_banned && is_credible(sign) &&
                sign->p >= rules[k].on && at.ms < gone.ms &&
                action_of(proactive, sign, at) == (enum prepared)k) {
                wake = sooner(wake, at);
            }
        }
    }
    return wake;
}

/* ---- saved ----------------------------------------------------------------------------- */

static void put_hold(struct buf *out, const struct hold *hold)
{
    blob_put(out, hold->is_active);
    blob_put(out, hold->has_come);
    blob_put(out, (int64_t)hold->kind);
    blob_put(out, hold->decision);
    blob_put(out, hold->until.ms);
    blob_put(out, hold->ended.ms);
    blob_put(out, hold->vain_at.ms);
    blob_put(out, hold->n_starts);
    for (size_t i = 0; i < STARTS_MAX; i++) {
        blob_put(out, hold->starts[i].ms);
    }
    blob_put_text(out, hold->subject);
}

void proactive_save(const struct proactive *proactive, struct buf *out)
{
    blob_put(out, FORMAT);
    blob_put(out, (int64_t)proactive->n_signs);
    for (size_t i = 0; i < proactive->n_signs; i++) {
        const struct sign *sign = &proactive->signs[i];
        blob_put(out, (int64_t)sign->kind);
        blob_put_double(out, sign->p);
        blob_put(out, sign->is_measured);
        blob_put(out, sign->is_trusted);
        blob_put(out, sign->due.ms);
        blob_put(out, sign->heard.ms);
        blob_put_text(out, sign->subject);
        blob_put_text(out, sign->text);
    }
    for (int i = 0; i < PREPARED_COUNT; i++) {
        put_hold(out, &proactive->holds[i]);
    }
}

static void take_sign(struct blob *blob, struct sign *sign)
{
    sign->kind = (enum omen_kind)blob_take(blob, 0, OMEN_COUNT - 1);
    sign->p = blob_take_double(blob, 0, 1);
    sign->is_measured = blob_take(blob, 0, 1) != 0;
    sign->is_trusted = blob_take(blob, 0, 1) != 0;
    sign->due = blob_take_wall(blob);
    sign->heard = blob_take_wall(blob);
    blob_take_text(blob, sign->subject, sizeof(sign->subject));
    blob_take_text(blob, sign->text, sizeof(sign->text));
}

static void take_hold(struct blob *blob, struct hold *hold)
{
    hold->is_active = blob_take(blob, 0, 1) != 0;
    hold->has_come = blob_take(blob, 0, 1) != 0;
    hold->kind = (enum omen_kind)blob_take(blob, 0, OMEN_COUNT - 1);
    hold->decision = blob_take(blob, 0, INT64_MAX);
    hold->until = blob_take_wall(blob);
    hold->ended = blob_take_wall(blob);
    hold->vain_at = blob_take_wall(blob);
    hold->n_starts = blob_take(blob, 0, INT64_MAX / 2);
    for (size_t i = 0; i < STARTS_MAX; i++) {
        hold->starts[i] = blob_take_wall(blob);
    }
    blob_take_text(blob, hold->subject, sizeof(hold->subject));
}

bool proactive_load(struct proactive *proactive, const void *data, size_t len)
{
    struct blob blob = {.bytes = data, .len = len};
    memset(proactive, 0, sizeof(*proactive));
    blob.is_bad = blob_take(&blob, 0, FORMAT) != FORMAT;
    size_t n = (size_t)blob_take(&blob, 0, OMENS_MAX);
    for (size_t i = 0; i < n && !blob.is_bad; i++) {
        take_sign(&blob, &proactive->signs[proactive->n_signs++]);
    }
    for (int i = 0; i < PREPARED_COUNT; i++) {
        take_hold(&blob, &proactive->holds[i]);
    }
    if (!blob_is_done(&blob)) {
        memset(proactive, 0, sizeof(*proactive));
        return false;
    }
    return true;
}
