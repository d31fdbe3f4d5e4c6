/* SPDX-License-Identifier: MIT */

/*
 * Prepared actions that a person must allow first. What is asked for waits as long as what it
 * prepares for is likely; what was refused is not asked for again before that is over.
 */

#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/control/approval_private.h"
#include "engine/control/proactive_private.h"

#define LOOK_EVERY span_s(60)
#define CARD_BYTES 8192

static struct prepared_asked *asked_of(const struct control *control,
                                       enum prepared action)
{
    return &control->approvals->prepared[action];
}

/* ---- asking ---- */

static const char *effect_of(struct arena *arena, enum prepared action,
                             const char *subject, const struct prepared_place *place,
                             struct effect_field fields[], size_t *ret_n)
{
    const struct effect_field all[] = {
        {.name = "operation", .text = "prepare"            },
        {.name = "action",    .text = prepared_word(action)},
        {.name = "subject",   .text = subject              },
        {.name = "service",   .text = place->service       },
        {.name = "slots",     .number = place->slots       },
        {.name = "policy",    .number = EFFECT_POLICY      },
    };
    memcpy(fields, all, sizeof(all));
    *ret_n = ARRAY_LEN(all);
    return effect_canonical(arena, all, ARRAY_LEN(all));
}

static const char *if_wrong(enum prepared action)
{
    switch (action) {
    case PREPARED_SLOW_ADMISSION:
        return "fewer workflows run for a while, for nothing";
    case PREPARED_FREE_DISK:
        return "what may go is gone earlier than it had to";
    default:
        return "one call that was not needed";
    }
}

static const char *card_of(struct control *control, struct arena *arena,
                           const struct prepared_step *step)
{
    const char *inverse = prepared_inverse(step->action);
    char window[CLOCK_TEXT_MAX];
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, CARD_BYTES);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "why", '[');
    jsonw_str(&w, NULL, step->reason);
    jsonw_close(&w, ']');
    jsonw_str(&w, "expected", prepared_effect(step->action));
    jsonw_str(&w, "if_wrong", if_wrong(step->action));
    jsonw_str(&w, "guard",
              arena_printf(arena,
                           "it ends when it is not likely any more, after %s at most",
                           span_format(prepared_rule(step->action)->window, window)));
    jsonw_str(&w, "undo", inverse[0] != '\0' ? inverse : "nothing to take back");
    jsonw_open(&w, "touches", '{');
    jsonw_int(&w, "workflows", control->n_running);
    jsonw_int(&w, "queued", (int64_t)queue_len(control->queue));
    jsonw_close(&w, '}');
    jsonw_open(&w, "evidence", '[');
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "id", "e1");
    jsonw_str(&w, "text", step->reason);
    jsonw_str(&w, "kind", "event");
    jsonw_str(&w, "ref",
              arena_printf(arena, "event %lld", (long long)control->totals.last_event));
    jsonw_close(&w, '}');
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return buf.is_cut ? "{}" : arena_strn(arena, buf.data, buf.len);
}

static int64_t ask(struct control *control, const struct prepared_step *step,
                   const struct prepared_place *place, struct wall now)
{
    struct arena *arena = arena_new();
    struct effect_field fields[EFFECT_FIELDS_MAX];
    size_t n = 0;
    (void)effect_of(arena, step->action, step->subject, place, fields, &n);
    const struct approval_draft draft = {
        .facts = {.action = ACT_PREPARE,
                  .repo = "",
                  .environment = control->options.environment,
                  .is_reversible = true, /* each ends by itself, or leaves nothing */
                  .confidence = step->p,
                  .n_workflows = place->slots > 0 ? control->n_running : 0},
        .target = step->subject,
        .title = arena_printf(arena, "%s: %s", prepared_word(step->action), place->what),
        .requester = "engine",
        .fields = fields,
        .n_fields = n,
        .card = card_of(control, arena, step),
    };
    int64_t id = approval_ask(control, &draft, now);
    arena_free(arena);
    return id;
}

/* What would have been done, and nothing more. */
static void observe(struct control *control, const struct prepared_step *step,
                    const struct prepared_place *place, struct wall now)
{
    (void)store_put_decision(
        control->store,
        &(struct decision_row){.at = now,
                               .kind = DECISION_PROACTIVE,
                               .subject = step->subject,
                               .choice = prepared_word(step->action),
                               .confidence = step->p,
                               .risk = prepared_rule(step->action)->risk,
                               .decider = DECIDER_LIMIT,
                               .reason = step->reason,
                               .alternatives = "[]",
                               .context = "{}",
                               .shadow = prepared_word(step->action),
                               .verdict = VERDICT_UNCLEAR,
                               .reward = (double)NAN,
                               .outcome = "only observed: it was not done",
                               .settled_at = now});
    prepared_note(control, step, "proactive-observed", "observed", place->what, now);
}

bool prepared_asks(struct control *control, const struct prepared_step *step,
                   const struct prepared_place *place, struct wall now)
{
    struct prepared_asked *asked = asked_of(control, step->action);
    enum autonomy_level level = control_level(control, ACT_PREPARE, "", now);
    if (level == LEVEL_AUTO) { /* what was asked before is answered by that */
        approval_withdraw(control, asked->approval, "it is done by itself now", now);
        *asked = (struct prepared_asked){.approval = 0};
        return false;
    }
    if (strcmp(asked->subject, step->subject) == 0) {
        return true; /* asked, noted or refused: once for what is coming */
    }
    if (asked->approval != 0) {
        return true; /* one of a kind at a time */
    }
    asked->look_from = now;
    (void)snprintf(asked->subject, sizeof(asked->subject), "%s", step->subject);
    if (level == LEVEL_OBSERVE) {
        observe(control, step, place, now);
    } else {
        asked->approval = ask(control, step, place, now);
    }
    return true;
}

/* ---- as long as it is likely ---- */

void prepared_look(struct control *control, struct wall now)
{
    for (int i = 0; i < PREPARED_COUNT; i++) {
        struct prepared_asked *asked = asked_of(control, (enum prepared)i);
        if (asked->subject[0] == '\0' || asked->look_from.ms > now.ms) {
            continue;
        }
        asked->look_from = wall_add(now, LOOK_EVERY);
        if (!proactive_is_likely(control->proactive, (enum prepared)i, asked->subject,
                                 now)) {
            approval_withdraw(control, asked->approval, "not likely any more", now);
            *asked = (struct prepared_asked){.approval = 0};
        }
    }
}

struct wall prepared_look_at(const struct control *control)
{
    struct wall at = {0};
    for (int i = 0; i < PREPARED_COUNT; i++) {
        const struct prepared_asked *asked = asked_of(control, (enum prepared)i);
        bool is_sooner = !wall_is_set(at) || asked->look_from.ms < at.ms;
        at = asked->subject[0] != '\0' && is_sooner ? asked->look_from : at;
    }
    return at;
}

/* ---- what people say ---- */

/* What a stored effect is about. */
static bool read_effect(struct arena *arena, const struct approval_row *row,
                        enum prepared *ret_action, const char **ret_subject)
{
    struct err ignored = ERR_INIT; /* written by us */
    struct json *effect = json_parse(row->effect, strlen(row->effect), &ignored);
    const char *word = json_str(effect, "action", "");
    bool is_found = false;
    for (int i = 0; i < PREPARED_COUNT; i++) {
        if (strcmp(prepared_word((enum prepared)i), word) == 0) {
            *ret_action = (enum prepared)i;
            is_found = true;
        }
    }
    *ret_subject = arena_str(arena, json_str(effect, "subject", ""));
    json_free(effect);
    return is_found;
}

const char *prepared_effect_now(struct control *control, struct arena *arena,
                                const struct approval_row *row)
{
    enum prepared action;
    const char *subject;
    struct prepared_place place;
    struct effect_field fields[EFFECT_FIELDS_MAX];
    size_t n;
    if (!read_effect(arena, row, &action, &subject) ||
        !prepared_find(control, action, subject, &place)) {
        return row->effect; /* refused when it is to be done */
    }
    return effect_of(arena, action, subject, &place, fields, &n);
}

void prepared_answer(struct control *control, const struct approval_row *row,
                     bool is_approved, struct wall now, struct answer *answer)
{
    struct arena *arena = arena_new();
    enum prepared action = PREPARED_COUNT;
    const char *subject = "";
    struct prepared_step step;
    struct prepared_place place;
    bool is_known = read_effect(arena, row, &action, &subject);
    struct prepared_asked *asked = is_known ? asked_of(control, action) : NULL;
    if (!is_approved) {
        prepared_over(control, row->id);
        answer_set(answer, ANSWER_DONE, "a-%lld is rejected", (long long)row->id);
    } else if (!is_known || !prepared_find(control, action, subject, &place)) {
        answer_set(answer, ANSWER_REFUSED, "a-%lld: it cannot be done now",
                   (long long)row->id);
    } else if (!proactive_start(control->proactive, action, subject, now, &step)) {
        answer_set(answer, ANSWER_REFUSED,
                   "a-%lld: %s holds already, or %s is not likely any more",
                   (long long)row->id, prepared_word(action), subject);
    } else {
        *asked = (struct prepared_asked){.approval = 0};
        prepared_begin(control, &step, &place, now);
        prepared_keep(control);
        answer_set(answer, ANSWER_DONE, "a-%lld: %s", (long long)row->id, place.what);
    }
    arena_free(arena);
}

void prepared_over(struct control *control, int64_t approval)
{
    for (int i = 0; i < PREPARED_COUNT; i++) {
        struct prepared_asked *asked = asked_of(control, (enum prepared)i);
        asked->approval = asked->approval == approval ? 0 : asked->approval;
    }
}

void prepared_restore(struct control *control, const struct approval_row *row,
                      struct wall now)
{
    struct arena *arena = arena_new();
    enum prepared action;
    const char *subject;
    if (read_effect(arena, row, &action, &subject)) {
        struct prepared_asked *asked = asked_of(control, action);
        asked->approval = row->id;
        asked->look_from = wall_add(now, OMEN_FRESH); /* until it is said again */
        (void)snprintf(asked->subject, sizeof(asked->subject), "%s", subject);
    }
    arena_free(arena);
}
