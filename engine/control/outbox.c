/* SPDX-License-Identifier: MIT */

/*
 * Outbox: effects without outcome, and what leaves after the commit: effects to perform, in
 * the order in which they were asked for, and effects to stop.
 */

#include "engine/base/mem.h"
#include "engine/control/control_private.h"

#define AGAIN_MS       30000
#define AGAIN_DOUBLES  5
#define AGAIN_DEADLINE span_s(600)

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

struct pending *pending_take(struct control *control, struct live *live, int64_t seq)
{
    for (struct pending **at = &live->pending; *at != NULL; at = &(*at)->next) {
        struct pending *pending = *at;
        if (pending->row.seq == seq) {
            *at = pending->next;
            heap_remove(&control->again, &pending->again);
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

/* ---- checks side by side ---- */

struct pending *beside_take(struct control *control, struct live *live,
                            const struct pending *pending)
{
    const struct pending *first = NULL;
    for (const struct pending *p = live->pending; p != NULL; p = p->next) {
        if (effect_with(&p->row) == pending->row.seq &&
            (first == NULL || p->row.seq < first->row.seq)) {
            first = p;
        }
    }
    return first != NULL ? pending_take(control, live, first->row.seq) : NULL;
}

static const struct effect_result *part_of(const struct effect_result *result,
                                           int64_t seq)
{
    for (size_t i = 0; i < result->n_parts; i++) {
        if (result->parts[i]->seq == seq) {
            return result->parts[i];
        }
    }
    return NULL;
}

struct effect_result beside_part(const struct effect_result *result, int64_t seq)
{
    static char unknown[] = "ended with the others, without an outcome of its own";
    struct effect_result part = *result; /* borrows */
    const struct effect_result *found = part_of(result, seq);
    enum machine_event event = event_of_result(result);
    bool is_so = event == EV_PASSED || event == EV_SERVICE || seq == result->of;
    if (found != NULL) {
        part = *found;
        part.provider = part.provider != NULL ? part.provider : result->provider;
        part.is_fallback = result->is_fallback;
    } else if (result->n_parts > 0 || !is_so) {
        part.status = STATUS_CANCELLED;
        part.summary = unknown;
        part.log = NULL;
        part.exit_status = -1;
        part.cpu_ms = part.peak_rss_kib = part.out_bytes = -1;
    }
    return part;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void outbox_put_outcome(struct control *control, const struct workflow_row *workflow,
                        struct effect_row row, const struct effect_result *result,
                        struct wall now)
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
    audit_effect(control, &row, now);
    trace_step(control, workflow, &row);
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

static void put_stopped(struct control *control, const struct workflow_row *before,
                        const struct pending *pending, enum effect_status status,
                        struct wall now)
{
    struct effect_row row = pending->row;
    row.status = status;
    row.finished_at = now;
    row.summary = status == STATUS_SKIPPED     ? "skipped by an operator"
                  : status == STATUS_TIMED_OUT ? "stopped at the deadline"
                                               : "stopped";
    store_put_effect(control->store, &row);
    audit_effect(control, &row, now);
    trace_step(control, before, &row);
}

/* The others that pending stands for: the first of them is the step that was skipped, the rest is
 * begun again. Returns what becomes of its own row. */
static enum effect_status beside_stop(struct control *control, struct live *live,
                                      const struct workflow_row *before,
                                      const struct pending *pending,
                                      enum effect_status status, struct wall now)
{
    struct pending *other;
    enum effect_status rest = status == STATUS_SKIPPED ? STATUS_CANCELLED : status;
    bool is_first = true;
    while ((other = beside_take(control, live, pending)) != NULL) {
        put_stopped(control, before, other, is_first ? status : rest, now);
        pending_free(other);
        is_first = false;
    }
    return is_first ? status : rest;
}

void outbox_stop(struct control *control, struct live *live,
                 const struct workflow_row *before, int64_t seq,
                 enum effect_status status, struct wall now)
{
    struct pending *pending = pending_take(control, live, seq);
    if (pending == NULL) {
        return;
    }
    status = beside_stop(control, live, before, pending, status, now);
    put_stopped(control, before, pending, status, now);
    outbox_add(control, true, pending->row.workflow, pending->row.seq);
    merged_over(control, pending, now);
    pending_free(pending);
}

static struct pending *find(const struct live *live, int64_t seq)
{
    struct pending *pending = live->pending;
    while (pending != NULL && pending->row.seq != seq) {
        pending = pending->next;
    }
    return pending;
}

void outbox_defer(struct control *control, struct live *live, int64_t seq,
                  const struct effect_result *result, struct wall now)
{
    struct pending *pending = find(live, seq);
    const struct workflow_row *row = &live->workflow->row;
    int doubles =
        pending->n_deferrals < AGAIN_DOUBLES ? pending->n_deferrals : AGAIN_DOUBLES;
    if (pending->n_deferrals++ == 0) {
        AUTO_FREE char *text =
            mem_printf("%s waits for %s", pending->row.name, result->service);
        control_note(control, &(struct event_row){.at = now,
                                                  .workflow = row->id,
                                                  .kind = event_name(EV_SERVICE),
                                                  .actor = "engine",
                                                  .from = row->state,
                                                  .to = row->state,
                                                  .wait = row->wait,
                                                  .iteration = row->iteration,
                                                  .attempt = row->attempt,
                                                  .effect = seq,
                                                  .text = text});
    }
    heap_put(&control->again, &pending->again, now.ms + ((int64_t)AGAIN_MS << doubles),
             row->id);
}

void outbox_tick(struct control *control, struct wall now)
{
    struct heap_node *first;
    while ((first = heap_first(&control->again)) != NULL && first->key <= now.ms) {
        struct pending *pending = HEAP_ITEM(first, struct pending, again);
        struct effect_row *row = &pending->row;
        heap_remove(&control->again, first);
        row->deadline_at = wall_add(now, AGAIN_DEADLINE);
        store_put_effect(control->store, row);
        outbox_add(control, false, row->workflow, row->seq);
    }
}

struct wall outbox_wake_at(const struct control *control)
{
    const struct heap_node *first = heap_first(&control->again);
    return (struct wall){first != NULL ? first->key : 0};
}

void outbox_release(struct control *control, const struct executor *executor)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < control->n_releases; i++) {
        const struct release *r = &control->releases[i];
        const struct live *live = idmap_get(&control->live, r->workflow);
        const struct pending *pending =
            live != NULL && !r->is_stop ? pending_find(live, r->seq) : NULL;
        if (r->is_stop) {
            executor->stop(executor->self, r->workflow, r->seq);
        } else if (pending != NULL && control->halt.is_on) {
            control->releases[n_kept++] = *r;
        } else if (pending != NULL) {
            executor->perform(executor->self, &pending->row);
        }
    }
    control->n_releases = n_kept;
}
