/* SPDX-License-Identifier: MIT */

/*
 * Halt: an operator stops all that the engine does by itself, and lets it go on.
 *
 * Halted, no effect leaves the outbox, no timer of a workflow runs out, nothing is chosen,
 * begun or released; what an operator asks changes rows all the same, and is done after the
 * release. Stops leave at once, and so do an operator's own orders to services. An outcome
 * that came all the same (what was begun and may not be cut in half is finished) is taken
 * when it is good; what failed waits here, because an answer to a failure would begin
 * something. It is not in the store: an engine that starts anew finds it where it was left.
 *
 * The clock stands: at the release every time that a workflow waits for is moved by as long as
 * it stood, in the transaction that ends the halt. The order to halt leaves before the commit,
 * so that a slow disk does not hold it up; the order to go on leaves after it.
 */

#include "store/halt.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/control/verb.h"
#include "store/approval.h"

bool is_halt_verb(const char *verb)
{
    return strcmp(verb, "halt") == 0 || strcmp(verb, "release") == 0;
}

bool control_is_halted(const struct control *control)
{
    return control->halt.is_on;
}

static void tell_outlet(const struct control *control, bool is_on)
{
    const struct control_outlet *outlet = &control->options.outlet;
    if (outlet->halt != NULL) {
        outlet->halt(outlet->self, is_on);
    }
}

static void keep(struct control *control)
{
    const struct halt *halt = &control->halt;
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "by", halt->by);
    jsonw_int(&w, "at", halt->at.ms);
    jsonw_str(&w, "reason", halt->reason);
    jsonw_close(&w, '}');
    store_put_setting(control->store, HALT_SETTING, halt->is_on ? buf.data : "");
}

bool halt_load(struct control *control, struct err *err)
{
    struct arena *arena = arena_new();
    struct halt *halt = &control->halt;
    struct halt_row row;
    const char *text = "";
    bool is_read = store_load_setting(control->store, arena, HALT_SETTING, &text, err);
    halt_row_parse(arena, text, &row);
    halt->is_on = row.is_on;
    halt->at = row.at;
    (void)snprintf(halt->by, sizeof(halt->by), "%s", row.by);
    (void)snprintf(halt->reason, sizeof(halt->reason), "%s", row.reason);
    arena_free(arena);
    return is_read;
}

/* ---- outcomes of failures wait ---- */

bool halt_defers(struct control *control, struct effect_result *result)
{
    struct halt *halt = &control->halt;
    if (!halt->is_on || event_of_result(result) == EV_PASSED) {
        return false;
    }
    if (halt->n_results == halt->cap_results) {
        halt->cap_results = halt->cap_results > 0 ? halt->cap_results * 2 : 16;
        halt->results =
            mem_grow(halt->results, halt->cap_results, sizeof(struct effect_result *));
    }
    halt->results[halt->n_results++] = result;
    return true;
}

void halt_fini(struct control *control)
{
    struct halt *halt = &control->halt;
    for (size_t i = 0; i < halt->n_results; i++) {
        effect_result_free(halt->results[i]);
    }
    free(halt->results);
}

/* ---- the clock stood ---- */

/* How long it stood for something that began to wait at `since`. */
static int64_t stood(const struct halt *halt, struct wall since, struct wall now)
{
    int64_t from = since.ms > halt->at.ms ? since.ms : halt->at.ms;
    return now.ms > from ? now.ms - from : 0;
}

static void move_effects(struct control *control, struct live *live, struct wall now)
{
    for (struct pending *p = live->pending; p != NULL; p = p->next) {
        int64_t by = stood(&control->halt, p->row.asked_at, now);
        if (p->again.place != 0) {
            heap_put(&control->again, &p->again, p->again.key + by, p->row.workflow);
        }
        /* A look that waits for its turn gets its time when that comes. */
        if (by > 0 && wall_is_set(p->row.deadline_at) && p->look.place == 0) {
            p->row.deadline_at.ms += by;
            store_put_effect(control->store, &p->row);
        }
    }
}

static void move_workflow(struct control *control, struct live *live, struct wall now)
{
    struct workflow_row *row = &live->workflow->row;
    const struct workflow_row before = *row;
    int64_t by = stood(&control->halt, row->state_since, now);
    move_effects(control, live, now);
    if (live->ramp.place != 0) {
        heap_put(&control->ramp, &live->ramp, live->ramp.key + by, row->id);
    }
    if (state_is_final(row->state)) {
        return;
    }
    if (wall_is_set(row->deadline_at)) {
        row->deadline_at.ms += by;
    }
    if (row->wait == WAIT_RETRY && wall_is_set(row->retry_at)) {
        row->retry_at.ms += by;
    }
    if (live->workflow->pipeline->max_wall.ms > 0 && wall_is_set(row->started_at)) {
        row->granted_wall.ms += stood(&control->halt, row->started_at, now);
    }
    control_settle(control, live, &before, now);
}

/* Approvals that wait, by number: rows are read again with what waits in the batch. */
struct waiting {
    int64_t *ids;
    size_t n, cap;
};

static void on_approval(void *user, const struct approval_row *row)
{
    struct waiting *waiting = user;
    if (waiting->n == waiting->cap) {
        waiting->cap = waiting->cap > 0 ? waiting->cap * 2 : 64;
        waiting->ids = mem_grow(waiting->ids, waiting->cap, sizeof(int64_t));
    }
    waiting->ids[waiting->n++] = row->id;
}

static void move(const struct halt *halt, struct wall since, struct wall now,
                 struct wall *at)
{
    if (wall_is_set(*at)) {
        at->ms += stood(halt, since, now);
    }
}

/* Nobody loses time to decide. A snooze is of a person and ends when he said. */
static void move_approvals(struct control *control, struct wall now)
{
    struct err ignored = ERR_INIT; /* then the commit fails as well, and says why */
    struct waiting waiting = {.n = 0};
    const struct approval_sink sink = {.user = &waiting, .approval = on_approval};
    (void)!store_load_approvals(control->store, &sink, &ignored); /* likewise */
    for (size_t i = 0; i < waiting.n; i++) {
        struct arena *arena = arena_new();
        struct approval_row row;
        bool is_there = store_load_approval(control->store, arena, waiting.ids[i], &row,
                                            &ignored) == FOUND;
        if (is_there && approval_waits(row.status) && wall_is_set(row.expires_at)) {
            move(&control->halt,
                 wall_is_set(row.shown_at) ? row.shown_at : row.created_at, now,
                 &row.expires_at);
            (void)store_put_approval(control->store, &row);
        }
        arena_free(arena);
    }
    free(waiting.ids);
}

static void move_times(struct control *control, struct wall now)
{
    struct live *live;
    size_t iter = 0;
    while ((live = idmap_next(&control->live, &iter)) != NULL) {
        move_workflow(control, live, now);
    }
    recovery_stood(control, control->halt.at, now);
    move_approvals(control, now);
}

/* ---- the verbs ---- */

static void note(struct control *control, const struct command_row *command,
                 const char *kind, const char *text, struct wall now)
{
    char clean[400];
    control_note(control, &(struct event_row){
                              .at = now,
                              .kind = kind,
                              .actor = command->actor,
                              .text = text_clean_into(clean, sizeof(clean), text)});
}

static void begin(struct control *control, const struct command_row *command,
                  const char *reason, struct wall now, struct answer *answer)
{
    struct halt *halt = &control->halt;
    char at[CLOCK_TEXT_MAX];
    tell_outlet(control, true); /* again does no harm */
    if (halt->is_on) {
        answer_set(answer, ANSWER_DONE, "halted already, by %s since %s", halt->by,
                   wall_format(halt->at, false, at));
        return;
    }
    halt->is_on = true;
    halt->must_tell = false;
    halt->at = now;
    (void)text_clean_into(halt->by, sizeof(halt->by), command->actor);
    (void)text_clean_into(halt->reason, sizeof(halt->reason), reason);
    keep(control);
    answer_set(answer, ANSWER_DONE,
               "halted: nothing begins or goes on by itself; 'release' ends it");
    AUTO_FREE char *text = mem_printf("everything autonomous stands still%s%s",
                                      halt->reason[0] != '\0' ? ": " : "", halt->reason);
    note(control, command, "halted", text, now);
}

static void end(struct control *control, const struct command_row *command,
                const char *reason, struct wall now, struct answer *answer)
{
    struct halt *halt = &control->halt;
    char length[CLOCK_TEXT_MAX];
    if (!halt->is_on) {
        answer_set(answer, ANSWER_REFUSED, "nothing is halted");
        return;
    }
    (void)span_format(wall_since(now, halt->at), length);
    move_times(control, now);
    halt->is_on = false;
    halt->must_tell = true;
    keep(control);
    answer_set(answer, ANSWER_DONE, "released after %s; everything goes on", length);
    AUTO_FREE char *text =
        mem_printf("everything goes on after %s, halted by %s%s%s", length, halt->by,
                   reason[0] != '\0' ? ": " : "", reason);
    note(control, command, "released", text, now);
    struct effect_result **results = halt->results;
    size_t n = halt->n_results;
    halt->results = NULL;
    halt->n_results = halt->cap_results = 0;
    for (size_t i = 0; i < n; i++) {
        control_result(control, results[i], now);
    }
    free(results);
}

void control_halt_verb(struct control *control, const struct command_row *command,
                       const struct json *args, struct wall now, struct answer *answer)
{
    const char *reason = json_str(args, "reason", "");
    if (strcmp(command->verb, "halt") == 0) {
        begin(control, command, reason, now, answer);
    } else {
        end(control, command, reason, now, answer);
    }
}

void halt_release(struct control *control)
{
    if (control->halt.must_tell) {
        control->halt.must_tell = false;
        tell_outlet(control, false);
    }
}
