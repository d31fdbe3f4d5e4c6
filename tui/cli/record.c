/* SPDX-License-Identifier: MIT */
#include "tui/cli/record.h"
#include "engine/base/money.h"

void record_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    if (wall_is_set(at)) {
        jsonw_str(w, key, wall_format(at, true, text));
    } else {
        jsonw_null(w, key);
    }
}

/* Text that is "" when there is none. */
static void put_text(struct jsonw *w, const char *key, const char *text)
{
    if (text[0] != '\0') {
        jsonw_str(w, key, text);
    } else {
        jsonw_null(w, key);
    }
}

/* A measure that is negative when it is unknown. */
static void put_measure(struct jsonw *w, const char *key, int64_t number)
{
    if (number >= 0) {
        jsonw_int(w, key, number);
    } else {
        jsonw_null(w, key);
    }
}

void record_workflow(struct jsonw *w, const struct workflow_row *row)
{
    jsonw_int(w, "id", row->id);
    jsonw_str(w, "state", state_name(row->state));
    put_text(w, "waits_for", wait_word(row->wait));
    jsonw_bool(w, "needs_human", wait_needs_human(row->wait));
    jsonw_str(w, "pipeline", row->pipeline);
    jsonw_int(w, "pipeline_id", row->pipeline_id);
    jsonw_str(w, "repo", row->repo);
    jsonw_str(w, "title", row->title);
    jsonw_str(w, "submitter", row->submitter);
    jsonw_int(w, "priority", row->priority);
    if (row->state == STATE_PARKED || row->state == STATE_RECOVERING) {
        jsonw_str(w, "resume_state", state_name(row->resume_state));
    } else {
        jsonw_null(w, "resume_state");
    }
    jsonw_int(w, "step", row->step);
    jsonw_int(w, "iteration", row->iteration);
    jsonw_int(w, "attempt", row->attempt);
    jsonw_int(w, "retries", row->retries);
    jsonw_int(w, "tokens", row->used.tokens);
    jsonw_num(w, "cost", (double)row->used.micros / (double)MONEY_UNIT);
    jsonw_int(w, "effect_seq", row->effect_seq);
    jsonw_bool(w, "is_active", row->is_active);
    record_wall(w, "created_at", row->created_at);
    record_wall(w, "started_at", row->started_at);
    record_wall(w, "state_since", row->state_since);
    record_wall(w, "finished_at", row->finished_at);
    record_wall(w, "deadline_at", row->deadline_at);
    record_wall(w, "retry_at", row->retry_at);
    put_text(w, "branch", row->branch);
    put_text(w, "base_sha", row->base_sha);
    put_text(w, "head_sha", row->head_sha);
    put_text(w, "merge_sha", row->merge_sha);
    if (row->pr_number != 0) {
        jsonw_int(w, "pr_number", row->pr_number);
    } else {
        jsonw_null(w, "pr_number");
    }
    put_text(w, "reason", row->reason);
    put_text(w, "service", row->service);
    jsonw_bool(w, "is_degraded", row->is_degraded);
    jsonw_bool(w, "is_adopted", row->is_adopted);
}

void record_event(struct jsonw *w, const struct event_row *row)
{
    jsonw_int(w, "seq", row->seq);
    record_wall(w, "at", row->at);
    jsonw_int(w, "workflow", row->workflow);
    jsonw_str(w, "kind", row->kind);
    jsonw_str(w, "actor", row->actor);
    jsonw_str(w, "from", state_name(row->from));
    jsonw_str(w, "to", state_name(row->to));
    put_text(w, "waits_for", wait_word(row->wait));
    jsonw_int(w, "iteration", row->iteration);
    jsonw_int(w, "attempt", row->attempt);
    if (row->effect != 0) {
        jsonw_int(w, "effect", row->effect);
    } else {
        jsonw_null(w, "effect");
    }
    put_text(w, "text", row->text);
}

void record_effect(struct jsonw *w, const struct effect_row *row)
{
    jsonw_int(w, "seq", row->seq);
    jsonw_str(w, "kind", effect_name(row->kind));
    jsonw_str(w, "status", status_name(row->status));
    jsonw_str(w, "name", row->name);
    jsonw_int(w, "step", row->step);
    jsonw_int(w, "iteration", row->iteration);
    jsonw_int(w, "attempt", row->attempt);
    record_wall(w, "asked_at", row->asked_at);
    record_wall(w, "started_at", row->started_at);
    record_wall(w, "finished_at", row->finished_at);
    record_wall(w, "deadline_at", row->deadline_at);
    put_text(w, "summary", row->summary);
    put_text(w, "log", row->log);
    put_measure(w, "exit_status", row->exit_status);
    put_measure(w, "cpu_ms", row->cpu_ms);
    put_measure(w, "peak_rss_kib", row->peak_rss_kib);
    put_measure(w, "out_bytes", row->out_bytes);
    put_text(w, "provider", row->provider);
    jsonw_bool(w, "is_fallback", row->is_fallback);
}

void record_service(struct jsonw *w, const struct service_row *row)
{
    jsonw_str(w, "name", row->name);
    jsonw_str(w, "kind", row->kind);
    jsonw_str(w, "state", breaker_state_word(row->state));
    record_wall(w, "since", row->since);
    record_wall(w, "until", row->until);
    put_text(w, "reason", row->reason);
    record_wall(w, "updated_at", row->updated_at);
    struct err ignored = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    if (detail != NULL) {
        jsonw_raw(w, "detail", row->detail, strlen(row->detail));
    } else {
        jsonw_null(w, "detail");
    }
    json_free(detail);
}

void record_delivery(struct jsonw *w, const struct delivery_row *row)
{
    jsonw_int(w, "seq", row->seq);
    record_wall(w, "at", row->at);
    jsonw_str(w, "status", delivery_status_word(row->status));
    put_text(w, "guid", row->guid);
    put_text(w, "event", row->event);
    put_text(w, "action", row->action);
    put_text(w, "repository", row->repository);
    put_measure(w, "pull", row->pull != 0 ? row->pull : -1);
    put_text(w, "sha", row->sha);
    put_measure(w, "workflow", row->workflow != 0 ? row->workflow : -1);
    jsonw_int(w, "repeats", row->repeats);
    put_text(w, "text", row->text);
    jsonw_int(w, "body_bytes", (int64_t)row->body_len);
}

void record_totals(struct jsonw *w, const struct totals *totals)
{
    jsonw_int(w, "n_workflows", totals->n_workflows);
    jsonw_int(w, "last_event", totals->last_event);
    jsonw_open(w, "by_state", '{');
    for (int i = 0; i < STATE_COUNT; i++) {
        jsonw_int(w, state_name((enum workflow_state)i), totals->by_state[i]);
    }
    jsonw_close(w, '}');
    jsonw_open(w, "by_wait", '{');
    for (int i = 1; i < WAIT_COUNT; i++) {
        jsonw_int(w, wait_word((enum workflow_wait)i), totals->by_wait[i]);
    }
    jsonw_close(w, '}');
    jsonw_open(w, "by_delivery", '{');
    for (int i = 0; i < DELIVERY_STATUS_COUNT; i++) {
        jsonw_int(w, delivery_status_word((enum delivery_status)i),
                  totals->by_delivery[i]);
    }
    jsonw_close(w, '}');
}
