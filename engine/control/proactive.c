/* SPDX-License-Identifier: MIT */

/*
 * Proactive: carries out what engine/decision/proactive.h decides, and takes it back.
 *
 * Each beginning is a decision row and an event; its end is an event and the row's verdict.
 * What holds is a setting of the same transaction, so that after a crash it is still known
 * what is to be taken back. Nothing here runs work of its own: a probe and a fetched credential
 * are orders to a service, room on the disk is made by who makes it anyway, only now, and
 * fewer at once is a number.
 */

#include "engine/decision/proactive.h"
#include <math.h>

#include "engine/base/base64.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/proactive_private.h"
#include "engine/service/service.h"

#define STATE_MAX ((size_t)256 * 1024)
#define STEPS_MAX (2 * (size_t)PREPARED_COUNT)

/* ---- what is done ---- */

static const char *service_of(const char *subject, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(subject, prefix, len) == 0 ? subject + len : NULL;
}

/* The next that is configured for the same port and that work could go to now. */
static const struct service_state *backup_of(const struct control *control,
                                             const char *name)
{
    const struct service_state *own = find_service_state(control, name);
    for (size_t i = 0; own != NULL && i < control->options.n_services; i++) {
        const struct service_state *other = &control->services[i];
        if (other != own && other->state == BREAKER_CLOSED &&
            strcmp(service_kind_port(other->spec->kind),
                   service_kind_port(own->spec->kind)) == 0) {
            return other;
        }
    }
    return NULL;
}

/* A probe, with the credential fetched anew when that is wanted: it shows whether it is good. */
static void order(struct control *control, const char *service, bool is_renew,
                  const char *reason)
{
    struct service_order *it = mem_alloc(sizeof(*it));
    it->service = mem_str(service);
    it->actor = mem_str("engine");
    it->reason = mem_str(reason);
    it->is_probe = true;
    it->is_renew = is_renew;
    control_send_order(control, it);
}

/* A third fewer, or fewer still where that is so already. */
static int slow_slots(const struct control *control)
{
    int all = control->options.max_running;
    int most = control->running_limit > 0 ? control->running_limit : all;
    return all - all / 3 < most ? all - all / 3 : most;
}

bool prepared_find(const struct control *control, enum prepared action,
                   const char *subject, struct prepared_place *ret_place)
{
    const char *name = NULL;
    const struct service_state *backup = NULL;
    char *what = ret_place->what;
    *ret_place = (struct prepared_place){.service = ""};
    switch (action) {
    case PREPARED_WARM_BACKUP:
        name = service_of(subject, "service:");
        backup = name != NULL ? backup_of(control, name) : NULL;
        if (backup == NULL) {
            return false;
        }
        ret_place->service = backup->spec->name;
        (void)snprintf(what, PREPARED_TEXT_MAX, "%s is probed", backup->spec->name);
        return true;
    case PREPARED_RENEW_TOKEN:
        name = service_of(subject, "credential:");
        backup = name != NULL ? find_service_state(control, name) : NULL;
        if (backup == NULL) {
            return false;
        }
        ret_place->service = backup->spec->name;
        (void)snprintf(what, PREPARED_TEXT_MAX,
                       "the credential of %s is fetched anew, and a probe sent", name);
        return true;
    case PREPARED_FREE_DISK:
        (void)snprintf(what, PREPARED_TEXT_MAX,
                       "logs, folders and history that may go are removed");
        return true;
    case PREPARED_SLOW_ADMISSION:
        ret_place->slots = slow_slots(control);
        (void)snprintf(what, PREPARED_TEXT_MAX, "%d instead of %d workflows at once",
                       ret_place->slots, control->options.max_running);
        return true;
    case PREPARED_COUNT:
        break;
    }
    return false;
}

static void carry_out(struct control *control, const struct prepared_step *step,
                      const struct prepared_place *place, struct wall now)
{
    if (place->service[0] != '\0') {
        order(control, place->service, step->action == PREPARED_RENEW_TOKEN,
              step->reason);
    } else if (step->action == PREPARED_FREE_DISK) {
        control->wants_room = true;
        control->next_prune = now;
    } /* else it holds as long as it is active: prepared_slots */
}

int prepared_slots(const struct control *control)
{
    int all = control->options.max_running;
    int most = control->running_limit > 0 ? control->running_limit : all;
    int admitted = admission_slots(control);
    bool is_slow = proactive_active(control->proactive, PREPARED_SLOW_ADMISSION) != NULL;
    most = is_slow ? slow_slots(control) : most;
    return admitted < most ? admitted : most;
}

/* ---- what is said ---- */

void prepared_note(struct control *control, const struct prepared_step *step,
                   const char *kind, const char *outcome, const char *what,
                   struct wall now)
{
    char line[2 * PREPARED_TEXT_MAX];
    char text[PREPARED_TEXT_MAX];
    (void)snprintf(line, sizeof(line), "%s: %s; %s", prepared_word(step->action), what,
                   step->reason);
    control_audit(control, now, "engine", "prepare", step->subject, outcome, "%s", line);
    control_note(control,
                 &(struct event_row){.at = now,
                                     .kind = kind,
                                     .actor = "engine",
                                     .text = text_clean_into(text, sizeof(text), line)});
}

static char *context_of(const struct prepared_step *step)
{
    struct buf buf;
    struct jsonw w;
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_num(&w, "p", step->p);
    jsonw_str(&w, "expected", prepared_effect(step->action));
    jsonw_str(&w, "inverse", prepared_inverse(step->action));
    jsonw_int(&w, "until", step->until.ms);
    jsonw_close(&w, '}');
    return buf_take(&buf, NULL);
}

void prepared_begin(struct control *control, const struct prepared_step *step,
                    const struct prepared_place *place, struct wall now)
{
    AUTO_FREE char *context = context_of(step);
    carry_out(control, step, place, now);
    int64_t id = store_put_decision(
        control->store, &(struct decision_row){.at = now,
                                               .kind = DECISION_PROACTIVE,
                                               .subject = step->subject,
                                               .choice = prepared_word(step->action),
                                               .confidence = step->p,
                                               .risk = prepared_rule(step->action)->risk,
                                               .decider = DECIDER_RULES,
                                               .reason = step->reason,
                                               .alternatives = "[]",
                                               .context = context,
                                               .shadow = "",
                                               .verdict = VERDICT_OPEN,
                                               .reward = (double)NAN,
                                               .outcome = ""});
    proactive_number(control->proactive, step->action, id);
    prepared_note(control, step, "proactive-begin", "begun", place->what, now);
}

static void begin(struct control *control, const struct prepared_step *step,
                  struct wall now)
{
    struct prepared_place place;
    if (!prepared_find(control, step->action, step->subject, &place) ||
        prepared_asks(control, step, &place, now)) {
        proactive_refuse(control->proactive, step->action, now);
        return;
    }
    prepared_begin(control, step, &place, now);
    autonomy_done(control, ACT_PREPARE, "");
}

static void end(struct control *control, const struct prepared_step *step,
                struct wall now)
{
    struct arena *arena = arena_new();
    struct decision_row row;
    struct err ignored = ERR_INIT; /* then the commit fails as well, and says why */
    if (step->decision > 0 && store_load_decision(control->store, arena, step->decision,
                                                  &row, &ignored) == FOUND) {
        row.verdict = step->verdict;
        row.reward = step->verdict == VERDICT_GOOD  ? 1
                     : step->verdict == VERDICT_BAD ? 0
                                                    : (double)NAN;
        row.outcome = step->outcome;
        row.settled_at = now;
        (void)store_put_decision(control->store, &row);
    }
    arena_free(arena);
    const char *inverse = prepared_inverse(step->action);
    prepared_note(control, step, "proactive-end", "ended",
                  inverse[0] != '\0' ? inverse : "it is over", now);
}

/* ---- when ---- */

void prepared_keep(struct control *control)
{
    AUTO_BUF struct buf blob;
    AUTO_BUF struct buf text;
    buf_init(&blob, STATE_MAX);
    buf_init(&text, 2 * STATE_MAX);
    proactive_save(control->proactive, &blob);
    (void)base64_encode(&text, blob.data, blob.len);
    store_put_setting(control->store, PROACTIVE_SETTING, text.data);
}

void prepared_tick(struct control *control, struct wall now)
{
    struct prepared_step steps[STEPS_MAX];
    prepared_look(control, now);
    size_t n = proactive_decide(control->proactive, now, steps, STEPS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (steps[i].is_end) {
            end(control, &steps[i], now);
        } else {
            begin(control, &steps[i], now);
        }
    }
    if (n > 0) {
        prepared_keep(control);
    }
}

struct wall prepared_wake_at(const struct control *control)
{
    struct wall at = proactive_wake_at(control->proactive);
    struct wall look = prepared_look_at(control);
    return wall_is_set(look) && (!wall_is_set(at) || look.ms < at.ms) ? look : at;
}

void control_omens(struct control *control, struct omen_batch *batch, struct wall now)
{
    for (size_t i = 0; i < batch->n; i++) {
        proactive_hear(control->proactive, &batch->omens[i], now);
    }
    omen_batch_free(batch);
}

void prepared_opened(struct control *control, const char *service, struct wall now)
{
    char subject[SERVICE_NAME_MAX + 16];
    (void)snprintf(subject, sizeof(subject), "service:%.*s", SERVICE_NAME_MAX, service);
    proactive_came(control->proactive, OMEN_OUTAGE, subject, now);
}

bool prepared_load(struct control *control, struct err *err)
{
    struct arena *arena = arena_new();
    AUTO_BUF struct buf blob;
    const char *text = "";
    buf_init(&blob, STATE_MAX);
    bool is_read =
        store_load_setting(control->store, arena, PROACTIVE_SETTING, &text, err);
    if (is_read && text[0] != '\0' && base64_decode(&blob, text, strlen(text))) {
        (void)!proactive_load(control->proactive, blob.data, blob.len); /* else: empty */
    }
    for (int i = 0; i < PREPARED_COUNT; i++) {
        proactive_allow(control->proactive, (enum prepared)i,
                        !control->options.is_proactive_off);
    }
    arena_free(arena);
    return is_read;
}
