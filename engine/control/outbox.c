/* SPDX-License-Identifier: MIT */

/*
 * Outbox: effects without outcome, and what leaves after the commit: effects to perform, in
 * the order in which they were asked for, and effects to stop.
 */

#include "engine/base/mem.h"
#include "engine/control/control_private.h"

void pending_free(struct pending *pending)
{
    free(pending->name);
    free(pending->params);
    free(pending);
}

void outbox_add(struct control *control, bool is_stop, int64_t workflow, int64_t seq)
{
    if (control->n_releases == control->cap_releases) {
        control->cap_releases =
            control->cap_releases > 0 ? control->cap_releases * 2 : 64;
        control->releases =
            mem_grow(control->releases, control->cap_releases, sizeof(struct release));
    }
    control->releases[control->n_releases++] = (struct release){is_stop, workflow, seq};
}

struct pending *pending_add(struct live *live, const struct effect_row *row)
{
    struct pending *pending = mem_alloc(sizeof(*pending));
    pending->row = *row;
    pending->name = mem_str(row->name);
    pending->params = mem_str(row->params);
    pending->row.name = pending->name;
    pending->row.params = pending->params;
    pending->row.summary = "";
    pending->row.log = "";
    pending->row.provider = "";
    pending->next = live->pending;
    live->pending = pending;
    return pending;
}

struct pending *pending_take(struct live *live, int64_t seq)
{
    for (struct pending **at = &live->pending; *at != NULL; at = &(*at)->next) {
        struct pending *pending = *at;
        if (pending->row.seq == seq) {
            *at = pending->next;
            return pending;
        }
    }
    return NULL;
}

const struct pending *pending_find(const struct live *live, int64_t seq)
{
    for (const struct pending *p = live->pending; p != NULL; p = p->next) {
        if (p->row.seq == seq) {
            return p;
        }
    }
    return NULL;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void outbox_put_outcome(struct control *control, struct effect_row row,
                        const struct effect_result *result, struct wall now)
{
    row.status = result->status;
    row.started_at = wall_is_set(result->started_at) ? result->started_at : row.asked_at;
    row.finished_at = wall_is_set(result->finished_at) ? result->finished_at : now;
    row.summary = or_empty(result->summary);
    row.log = or_empty(result->log);
    row.provider = or_empty(result->provider);
    row.is_fallback = result->is_fallback;
    row.exit_status = result->exit_status;
    row.cpu_ms = result->cpu_ms;
    row.peak_rss_kib = result->peak_rss_kib;
    row.out_bytes = result->out_bytes;
    store_put_effect(control->store, &row);
}

void outbox_put_docs(struct control *control, const struct effect_result *result)
{
    const struct {
        enum doc_kind doc;
        const char *text;
    } docs[] = {
        {DOC_PLAN,    result->plan   },
        {DOC_DIFF,    result->diff   },
        {DOC_COMMITS, result->commits},
    };
    for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
        if (docs[i].text != NULL) {
            store_put_doc(control->store, result->workflow, docs[i].doc, docs[i].text,
                          strlen(docs[i].text));
        }
    }
}

void outbox_stop(struct control *control, struct live *live, int64_t seq,
                 enum effect_status status, struct wall now)
{
    struct pending *pending = pending_take(live, seq);
    if (pending == NULL) {
        return;
    }
    struct effect_row row = pending->row;
    row.status = status;
    row.finished_at = now;
    row.summary = status == STATUS_SKIPPED     ? "skipped by an operator"
                  : status == STATUS_TIMED_OUT ? "stopped at the deadline"
                                               : "stopped";
    store_put_effect(control->store, &row);
    outbox_add(control, true, row.workflow, row.seq);
    pending_free(pending);
}

void outbox_release(struct control *control, const struct executor *executor)
{
    for (size_t i = 0; i < control->n_releases; i++) {
        struct release *r = &control->releases[i];
        const struct live *live = idmap_get(&control->live, r->workflow);
        const struct pending *pending =
            live != NULL && !r->is_stop ? pending_find(live, r->seq) : NULL;
        if (r->is_stop) {
            executor->stop(executor->self, r->workflow, r->seq);
        } else if (pending != NULL) {
            executor->perform(executor->self, &pending->row);
        }
    }
    control->n_releases = 0;
}
