/* SPDX-License-Identifier: MIT */
/*
 * The next thing that needs a person, over all views: critical approvals, what expires within
 * ten minutes, escalations, what failed, what stands still, what ended without a verdict, and
 * else the oldest. Asked again, the one after; from the last, the first.
 */
#include "engine/base/mem.h"
#include "tui/console_impl.h"

#define STOPS_MAX 256
#define SOON_MS   600000

struct stop {
    const char *view;
    int64_t id;
};
struct route {
    struct stop stops[STOPS_MAX];
    size_t n;
};

static void add(struct route *route, const char *view, int64_t id)
{
    for (size_t i = 0; i < route->n; i++) {
        if (route->stops[i].id == id && strcmp(route->stops[i].view, view) == 0) {
            return; /* it came for a better reason */
        }
    }
    if (route->n < STOPS_MAX) {
        route->stops[route->n++] = (struct stop){view, id};
    }
}

static void
add_approvals(struct route *route, const struct frame_overview *overview, struct wall now,
              bool (*is_wanted)(const struct approval_row *row, struct wall now))
{
    for (size_t i = 0; i < overview->n_approvals; i++) {
        if (is_wanted(&overview->approvals[i], now)) {
            add(route, "approval", overview->approvals[i].id);
        }
    }
}

static bool is_critical(const struct approval_row *row, struct wall now)
{
    (void)now;
    return row->risk == RISK_CRITICAL;
}

static bool is_soon(const struct approval_row *row, struct wall now)
{
    return wall_is_set(row->expires_at) && row->expires_at.ms - now.ms <= SOON_MS;
}

static bool is_covered(const struct frame_overview *overview, int64_t workflow)
{
    for (size_t i = 0; i < overview->n_approvals; i++) {
        if (overview->approvals[i].workflow == workflow) {
            return true;
        }
    }
    return false;
}

static void add_stuck(struct route *route, const struct frame_rows *rows, struct wall now)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct workflow_row *row = &rows->rows[i];
        if (!wait_needs_human(row->wait) && wall_is_set(row->deadline_at) &&
            now.ms > row->deadline_at.ms) {
            add(route, "workflow", row->id);
        }
    }
}

/* Approvals and workflows that wait, by age: both lists are read from their oldest. */
static void add_oldest(struct route *route, const struct frame_overview *overview)
{
    bool is_taken[STOPS_MAX] = {false};
    size_t n = overview->n_approvals < STOPS_MAX ? overview->n_approvals : STOPS_MAX;
    size_t w = 0;
    for (;;) {
        size_t best = n;
        for (size_t i = 0; i < n; i++) {
            if (!is_taken[i] &&
                (best == n || overview->approvals[i].created_at.ms <
                                  overview->approvals[best].created_at.ms)) {
                best = i;
            }
        }
        const struct workflow_row *row =
            w < overview->needs.n ? &overview->needs.rows[w] : NULL;
        if (best == n && row == NULL) {
            return;
        }
        bool is_approval =
            row == NULL ||
            (best < n && overview->approvals[best].created_at.ms <= row->state_since.ms);
        if (is_approval) {
            is_taken[best] = true;
            add(route, "approval", overview->approvals[best].id);
        } else {
            w++;
            if (!is_covered(overview, row->id)) {
                add(route, "workflow", row->id);
            }
        }
    }
}

static void plan(struct route *route, const struct frame_overview *overview,
                 struct wall now)
{
    add_approvals(route, overview, now, is_critical);
    add_approvals(route, overview, now, is_soon);
    for (size_t i = 0; i < overview->needs.n; i++) {
        if (overview->needs.rows[i].wait == WAIT_OPERATOR) {
            add(route, "workflow", overview->needs.rows[i].id);
        }
    }
    if (frame_failures_for_person(overview) > 0) {
        add(route, "failures", 0);
    }
    for (size_t i = 0; i < overview->wrong.n; i++) {
        if (overview->wrong.rows[i].state == STATE_FAILED) {
            add(route, "workflow", overview->wrong.rows[i].id);
        }
    }
    add_stuck(route, &overview->live, now);
    for (size_t i = 0; i < overview->n_inconclusive; i++) {
        add(route, "optimization", overview->inconclusive[i].id);
    }
    add_oldest(route, overview);
}

static void name_stop(const struct stop *stop, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s %lld", stop->view, (long long)stop->id);
}

void next_needed(struct console *c)
{
    const struct frame_overview *overview = c->frame->overview;
    const struct view *view = place_top(c);
    c->wants_next = false;
    if (overview == NULL) {
        const struct stop here = {view->klass->name, view->id};
        c->wants_next = true;
        name_stop(&here, c->next_after, sizeof(c->next_after));
        place_open(c, view_class_find("overview"), 0, NULL);
        return;
    }
    AUTO_FREE struct route *route = mem_alloc(sizeof(*route));
    plan(route, overview, c->now);
    if (route->n == 0) {
        console_say(c, MESSAGE_INFO, "nothing needs you");
        return;
    }
    size_t next = 0;
    for (size_t i = 0; i < route->n; i++) {
        char name[160];
        name_stop(&route->stops[i], name, sizeof(name));
        if (strcmp(name, c->next_after) == 0) {
            next = (i + 1) % route->n;
        }
    }
    name_stop(&route->stops[next], c->next_after, sizeof(c->next_after));
    place_open(c, view_class_find(route->stops[next].view), route->stops[next].id, NULL);
}
