/* SPDX-License-Identifier: MIT */
/*
 * Row: columns to values, for the engine's loader and the readers alike. The order of the
 * columns is that of the *_COLUMNS macros.
 */
#include <math.h>

#include "store/sqlite_private.h"

struct columns {
    struct database *database;
    sqlite3_stmt *s;
    struct arena *arena;
    int next;
};

static int64_t number(struct columns *c)
{
    return sqlite3_column_int64(c->s, c->next++);
}

static int small(struct columns *c)
{
    return sqlite3_column_int(c->s, c->next++);
}

static struct wall wall(struct columns *c)
{
    return (struct wall){number(c)};
}

static const char *text(struct columns *c)
{
    const void *bytes = sqlite3_column_text(c->s, c->next);
    int len = sqlite3_column_bytes(c->s, c->next++);
    return arena_strn(c->arena, bytes, bytes != NULL ? (size_t)len : 0);
}

static const char *word(struct columns *c)
{
    return arena_str(c->arena, word_text(c->database, number(c)));
}

static double real(struct columns *c)
{
    int index = c->next++;
    return sqlite3_column_type(c->s, index) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(c->s, index);
}

void *rows_room(struct arena *arena, void *rows, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) {
        return rows;
    }
    *cap = *cap == 0 ? 64 : *cap * 2;
    void *grown = arena_array(arena, *cap, size);
    if (n > 0) {
        memcpy(grown, rows, n * size);
    }
    return grown;
}

void row_workflow(struct database *database, sqlite3_stmt *s, struct arena *arena,
                  struct workflow_row *ret_row)
{
    struct columns c = {.database = database, .s = s, .arena = arena};
    struct workflow_row *row = ret_row;
    row->id = number(&c);
    row->pipeline = word(&c);
    row->pipeline_id = number(&c);
    row->repo = word(&c);
    row->title = text(&c);
    row->submitter = word(&c);
    row->priority = small(&c);
    row->state = (enum workflow_state)small(&c);
    row->resume_state = (enum workflow_state)small(&c);
    row->wait = (enum workflow_wait)small(&c);
    row->resume_wait = (enum workflow_wait)small(&c);
    row->step = small(&c);
    row->iteration = small(&c);
    row->attempt = small(&c);
    row->retries = small(&c);
    row->agent_runs = small(&c);
    row->held = small(&c);
    row->effect_seq = number(&c);
    row->is_active = small(&c) != 0;
    row->created_at = wall(&c);
    row->started_at = wall(&c);
    row->state_since = wall(&c);
    row->finished_at = wall(&c);
    row->deadline_at = wall(&c);
    row->time_left = (struct span){number(&c)};
    row->retry_at = wall(&c);
    row->branch = text(&c);
    row->base_sha = text(&c);
    row->head_sha = text(&c);
    row->merge_sha = text(&c);
    row->pr_number = number(&c);
    row->reason = text(&c);
    row->service = word(&c);
    row->is_degraded = small(&c) != 0;
    row->is_adopted = small(&c) != 0;
    row->granted_runs = small(&c);
    row->granted_wall = (struct span){number(&c)};
    row->budget_told = small(&c);
    row->last_run = (struct span){number(&c)};
    row->used.tokens = number(&c);
    row->used.micros = number(&c);
    row->last_used.tokens = number(&c);
    row->last_used.micros = number(&c);
    row->granted.tokens = number(&c);
    row->granted.micros = number(&c);
}

void row_event(struct database *database, sqlite3_stmt *s, struct arena *arena,
               struct event_row *ret_row)
{
    struct columns c = {.database = database, .s = s, .arena = arena};
    struct event_row *row = ret_row;
    row->seq = number(&c);
    row->at = wall(&c);
    row->workflow = number(&c);
    row->kind = word(&c);
    row->actor = word(&c);
    row->from = (enum workflow_state)small(&c);
    row->to = (enum workflow_state)small(&c);
    row->wait = (enum workflow_wait)small(&c);
    row->iteration = small(&c);
    row->attempt = small(&c);
    row->effect = number(&c);
    row->ended = number(&c);
    row->text = text(&c);
}

void row_effect(struct database *database, sqlite3_stmt *s, struct arena *arena,
                struct effect_row *ret_row)
{
    struct columns c = {.database = database, .s = s, .arena = arena};
    struct effect_row *row = ret_row;
    int64_t key = number(&c);
    row->workflow = key >> EFFECT_SEQ_BITS;
    row->seq = key & ((1 << EFFECT_SEQ_BITS) - 1);
    row->kind = (enum effect_kind)small(&c);
    row->status = (enum effect_status)small(&c);
    row->step = small(&c);
    row->name = word(&c);
    row->iteration = small(&c);
    row->attempt = small(&c);
    row->asked_at = wall(&c);
    row->started_at = wall(&c);
    row->finished_at = wall(&c);
    row->deadline_at = wall(&c);
    row->params = text(&c);
    row->summary = text(&c);
    row->log = text(&c);
    row->exit_status = small(&c);
    row->cpu_ms = number(&c);
    row->peak_rss_kib = number(&c);
    row->out_bytes = number(&c);
    row->provider = word(&c);
    row->is_fallback = small(&c) != 0;
}

void row_command(sqlite3_stmt *s, struct arena *arena, struct command_row *ret_row)
{
    struct columns c = {.s = s, .arena = arena};
    struct command_row *row = ret_row;
    row->id = number(&c);
    row->at = wall(&c);
    row->actor = text(&c);
    row->origin = text(&c);
    row->account = text(&c);
    row->key = text(&c);
    row->verb = text(&c);
    row->workflow = number(&c);
    row->args = text(&c);
    row->answer = small(&c);
    row->message = text(&c);
}

void row_hour(sqlite3_stmt *s, struct hour_row *ret_row)
{
    struct columns c = {.s = s};
    ret_row->hour = number(&c);
    ret_row->completed = number(&c);
    ret_row->failed = number(&c);
    ret_row->cancelled = number(&c);
    ret_row->submitted = number(&c);
    ret_row->duration_ms = number(&c);
}

void row_service(sqlite3_stmt *s, struct arena *arena, struct service_row *ret_row)
{
    struct columns c = {.s = s, .arena = arena};
    struct service_row *row = ret_row;
    row->name = text(&c);
    row->kind = text(&c);
    row->state = (enum breaker_state)small(&c);
    row->since = wall(&c);
    row->until = wall(&c);
    row->updated_at = wall(&c);
    row->reason = text(&c);
    row->detail = text(&c);
    row->memo = text(&c);
}

void row_delivery(struct database *database, sqlite3_stmt *s, struct arena *arena,
                  struct delivery_row *ret_row)
{
    struct columns c = {.database = database, .s = s, .arena = arena};
    struct delivery_row *row = ret_row;
    *row = (struct delivery_row){.seq = number(&c)};
    row->at = wall(&c);
    row->event = word(&c);
    row->action = word(&c);
    row->repository = word(&c);
    row->pull = number(&c);
    row->workflow = number(&c);
    row->status = (enum delivery_status)small(&c);
    row->repeats = small(&c);
    row->body_len = (size_t)number(&c);
    row->guid = text(&c);
    row->sha = text(&c);
    row->text = text(&c);
}

void row_anomaly(sqlite3_stmt *s, struct arena *arena, struct anomaly_row *ret_row)
{
    struct columns c = {.s = s, .arena = arena};
    struct anomaly_row *row = ret_row;
    row->id = number(&c);
    row->incident = number(&c);
    row->type = (enum anomaly_type)small(&c);
    row->severity = (enum severity)small(&c);
    row->began_at = wall(&c);
    row->opened_at = wall(&c);
    row->seen_at = wall(&c);
    row->closed_at = wall(&c);
    row->series = text(&c);
    row->component = text(&c);
    row->value = real(&c);
    row->low = real(&c);
    row->high = real(&c);
    row->score = real(&c);
    row->text = text(&c);
    row->rule = text(&c);
    row->closed_by = text(&c);
    row->detail = text(&c);
}

void row_incident(sqlite3_stmt *s, struct arena *arena, struct incident_row *ret_row)
{
    struct columns c = {.s = s, .arena = arena};
    struct incident_row *row = ret_row;
    row->id = number(&c);
    row->severity = (enum severity)small(&c);
    row->cause = text(&c);
    row->text = text(&c);
    row->opened_at = wall(&c);
    row->changed_at = wall(&c);
    row->closed_at = wall(&c);
    row->n_anomalies = small(&c);
    row->n_open = small(&c);
    row->inhibited_by = text(&c);
    row->detail = text(&c);
    row->state = (enum incident_state)small(&c);
    row->owner = text(&c);
    row->note = text(&c);
    row->acked_at = wall(&c);
    row->claimed_by = text(&c);
    row->claimed_until = wall(&c);
    row->assignee = text(&c);
    row->links = text(&c);
}

void row_silence(sqlite3_stmt *s, struct arena *arena, struct silence_row *ret_row)
{
    struct columns c = {.s = s, .arena = arena};
    struct silence_row *row = ret_row;
    row->id = number(&c);
    row->match = text(&c);
    row->author = text(&c);
    row->reason = text(&c);
    row->from = wall(&c);
    row->until = wall(&c);
    row->is_ended = small(&c) != 0;
    row->is_told = small(&c) != 0;
}

/* Eight bytes of an id as 16 digits; 0 = none. */
static void span_id(struct columns *c, char id[17])
{
    int64_t number_of_it = number(c);
    id[0] = '\0';
    if (number_of_it != 0) {
        (void)snprintf(id, 17, "%016llx", (unsigned long long)number_of_it);
    }
}

void row_span(struct database *database, sqlite3_stmt *s, struct arena *arena,
              struct span_row *ret_row)
{
    struct columns c = {.database = database, .s = s, .arena = arena};
    struct span_row *row = ret_row;
    row->seq = number(&c);
    row->workflow = number(&c);
    const unsigned char *trace = sqlite3_column_blob(s, c.next);
    int n_bytes = sqlite3_column_bytes(s, c.next++);
    row->trace[0] = '\0';
    for (int i = 0; i < n_bytes && i < SPAN_TRACE_BYTES; i++) {
        (void)snprintf(&row->trace[(size_t)i * 2], 3, "%02x", (unsigned)trace[i]);
    }
    span_id(&c, row->span);
    span_id(&c, row->parent);
    row->kind = word(&c);
    row->name = text(&c);
    row->start_us = number(&c);
    row->end_us = number(&c);
    row->status = small(&c);
    row->attributes = text(&c);
}

enum found get_workflow(struct database *database, struct arena *arena, int64_t id,
                        struct workflow_row *ret_row, struct err *err)
{
    sqlite3_stmt *s =
        database_get(database, SLOT_WORKFLOW_GET,
                     "SELECT " WORKFLOW_COLUMNS " FROM workflow w"
                     " JOIN submission s ON s.workflow = w.id WHERE w.id = ?1");
    if (s == NULL) {
        (void)database_fail(database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        row_workflow(database, s, arena, ret_row);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

enum found get_pipeline(struct database *database, struct arena *arena, int64_t id,
                        const char **ret_name, const char **ret_text, size_t *ret_len,
                        struct err *err)
{
    sqlite3_stmt *s = database_get(database, SLOT_PIPELINE_GET,
                                   "SELECT name, text FROM pipeline WHERE id = ?1");
    if (s == NULL) {
        (void)database_fail(database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        struct columns c = {.s = s, .arena = arena};
        *ret_name = text(&c);
        *ret_text = text(&c);
        *ret_len = (size_t)sqlite3_column_bytes(s, 1);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

static void add_total(struct totals *totals, int64_t *last_workflow, int64_t code,
                      int64_t value)
{
    if (code >= TOTAL_STATE && code < TOTAL_STATE + STATE_COUNT) {
        totals->by_state[code - TOTAL_STATE] = value;
    } else if (code >= TOTAL_WAIT && code < TOTAL_WAIT + WAIT_COUNT) {
        totals->by_wait[code - TOTAL_WAIT] = value;
    } else if (code >= TOTAL_DELIVERY && code < TOTAL_DELIVERY + DELIVERY_STATUS_COUNT) {
        totals->by_delivery[code - TOTAL_DELIVERY] = value;
    } else if (code == TOTAL_WORKFLOWS) {
        totals->n_workflows = value;
    } else if (code == TOTAL_LAST_EVENT && value > totals->last_event) {
        totals->last_event = value;
    } else if (code == TOTAL_LAST_WORKFLOW && value > *last_workflow) {
        *last_workflow = value;
    }
}

bool get_totals(struct database *database, struct totals *ret_totals,
                int64_t *ret_last_workflow, struct err *err)
{
    struct totals totals = {0};
    int64_t last_workflow = 0;
    /* Numbers given stand in the tables themselves, unless pruning took the newest. */
    sqlite3_stmt *s =
        database_get(database, SLOT_TOTAL_GET,
                     "SELECT code, value FROM total"
                     " UNION ALL SELECT 2001, ifnull(max(seq), 0) FROM event"
                     " UNION ALL SELECT 2002, ifnull(max(id), 0) FROM workflow");
    _Static_assert(TOTAL_LAST_EVENT == 2001 && TOTAL_LAST_WORKFLOW == 2002,
                   "as in the SQL");
    if (s == NULL) {
        return database_fail(database, err);
    }
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        add_total(&totals, &last_workflow, sqlite3_column_int64(s, 0),
                  sqlite3_column_int64(s, 1));
    }
    if (code != SQLITE_DONE) {
        (void)database_fail(database, err);
        (void)sqlite3_reset(s); /* repeats the failure that was seen */
        return false;
    }
    (void)sqlite3_reset(s); /* ran to its end */
    *ret_totals = totals;
    *ret_last_workflow = last_workflow;
    return true;
}
