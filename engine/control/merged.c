/* SPDX-License-Identifier: MIT */

/*
 * Merged: the looks at the base after a merge (engine/workflow/merged.h), and the caps of what
 * the engine takes back by itself.
 *
 * Looks run beside the workflows and hold no slot, but no more of them at once than there are
 * slots; the others wait here, and their window begins when they do. When the engine reverted
 * something is a setting, so that the caps hold over a restart.
 */

#include "engine/workflow/merged.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/approval.h"
#include "engine/control/control_private.h"

#define HOUR_MS     INT64_C(3600000)
#define DAY_MS      (24 * HOUR_MS)
#define REVERTS_MAX 1000 /* remembered */

/* ---- how many at once ---- */

static void begin(struct control *control, const struct pending *pending)
{
    control->n_looks++;
    outbox_add(control, false, pending->row.workflow, pending->row.seq);
}

void merged_perform(struct control *control, struct pending *pending, struct wall now)
{
    int most = control->options.max_running > 0 ? control->options.max_running : 1;
    if (control->n_looks < most) {
        begin(control, pending);
    } else {
        heap_put(&control->looks, &pending->look, now.ms, pending->row.workflow);
    }
}

void merged_over(struct control *control, struct pending *pending, struct wall now)
{
    if (!merged_is_look(pending->row.kind)) {
        return;
    }
    if (pending->look.place != 0) {
        heap_remove(&control->looks, &pending->look);
        return;
    }
    control->n_looks--;
    struct heap_node *first = heap_first(&control->looks);
    if (first == NULL) {
        return;
    }
    struct pending *next = HEAP_ITEM(first, struct pending, look);
    struct effect_row *row = &next->row;
    heap_remove(&control->looks, first);
    row->deadline_at = wall_add(now, wall_since(row->deadline_at, row->asked_at));
    row->asked_at = now;
    store_put_effect(control->store, row);
    begin(control, next);
}

/* ---- caps ---- */

/* What the engine reverted in the last day: [{"repo", "at"}, ...]; NULL: nothing. */
static struct json *load_reverts(struct control *control)
{
    struct arena *arena = arena_new();
    const char *text = "";
    struct err ignored =
        ERR_INIT; /* a store that cannot be read cannot be written either */
    struct json *list = NULL;
    if (store_load_setting(control->store, arena, REVERTS_SETTING, &text, &ignored)) {
        list = json_parse(text, strlen(text), &ignored);
    }
    arena_free(arena);
    return list;
}

static void remember_revert(struct control *control, const char *repo, struct wall now)
{
    struct json *list = load_reverts(control);
    struct jsonw w;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 8 * 1024 * 1024);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '[');
    size_t n = json_len(list), from = n >= REVERTS_MAX ? n - REVERTS_MAX + 1 : 0;
    for (size_t i = from; i <= n; i++) {
        const struct json *revert = i < n ? json_at(list, i) : NULL;
        int64_t at = json_int(revert, "at", i < n ? 0 : now.ms);
        if (at <= now.ms - DAY_MS) {
            continue;
        }
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "repo", json_str(revert, "repo", repo));
        jsonw_int(&w, "at", at);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    store_put_setting(control->store, REVERTS_SETTING, buf.data);
    json_free(list);
}

static const char *object(struct control *control, const struct workflow_row *row,
                          struct wall now, char *text, size_t cap)
{
    const struct control_options *options = &control->options;
    int in_hour = 0, in_day = 0;
    struct json *list = load_reverts(control);
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *revert = json_at(list, i);
        int64_t age = now.ms - json_int(revert, "at", 0);
        bool counts =
            strcmp(json_str(revert, "repo", ""), row->repo) == 0 && age < DAY_MS;
        in_day += counts;
        in_hour += counts && age < HOUR_MS;
    }
    json_free(list);
    text[0] = '\0';
    if (in_hour >= options->revert_per_hour) {
        (void)snprintf(text, cap, "the limit of %d reverts an hour is reached",
                       options->revert_per_hour);
    } else if (in_day >= options->revert_per_day) {
        (void)snprintf(text, cap, "the limit of %d reverts a day is reached",
                       options->revert_per_day);
    }
    return text;
}

bool merged_is_capped(struct control *control, const struct workflow_row *row,
                      struct wall now)
{
    char text[96];
    return control->options.revert_per_hour > 0 &&
           object(control, row, now, text, sizeof(text))[0] != '\0';
}

/* ---- what follows ---- */

static void note(struct control *control, const struct workflow_row *row,
                 const struct merged_output *out, const struct effect_row *ended,
                 struct wall now)
{
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = out->kind,
                                              .actor = "engine",
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .effect = out->has_effect ? out->effect.seq
                                                                        : ended->seq,
                                              .ended = ended->seq,
                                              .text = out->text});
}

static void take_back(struct control *control, struct live *live, const char *reason,
                      struct wall now)
{
    struct machine_input input = {
        .event = EV_ROLLBACK, .actor = "engine", .reason = reason};
    if (control_step(control, live, &input, now) == MACHINE_DONE) {
        remember_revert(control, live->workflow->row.repo, now);
    }
}

void merged_result(struct control *control, struct live *live,
                   const struct effect_row *ended, const struct effect_result *result,
                   struct wall now)
{
    struct workflow_row *row = &live->workflow->row;
    struct trace_before before;
    struct merged_output out;
    char objection[120] = "";
    struct merged_input input = {ended, result, objection};
    if (merged_may_revert(live->workflow, &input)) {
        enum autonomy_level level = control_level(control, ACT_REVERT, row->repo, now);
        if (level < LEVEL_AUTO) {
            (void)snprintf(objection, sizeof(objection), "the autonomy of revert is %s",
                           level_word(level));
        } else {
            (void)object(control, row, now, objection, sizeof(objection));
        }
    }
    trace_begin(&before, row);
    if (merged_step(live->workflow, &input, now, &out)) {
        note(control, row, &out, ended, now);
        if (out.is_confirmed) {
            merged_decided(control, row, &out, objection[0] != '\0', now);
        }
        if (out.has_effect) {
            store_put_effect(control->store, &out.effect);
            merged_perform(control, pending_add(live, &out.effect), now);
        }
        control_settle(control, live, &before.row, now);
        if (out.reverts) {
            take_back(control, live, out.reason, now);
        }
    }
    trace_end(&before);
}

void merged_stop(struct control *control, struct live *live, struct wall now)
{
    for (struct pending *pending = live->pending, *next; pending != NULL;
         pending = next) {
        next = pending->next;
        if (merged_is_look(pending->row.kind)) {
            outbox_stop(control, live, &live->workflow->row, pending->row.seq,
                        STATUS_CANCELLED, now);
        }
    }
}
