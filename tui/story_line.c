/* SPDX-License-Identifier: MIT */
/*
 * Story line: the timeline. What has a row of its own is told from the row, which says more and
 * is kept longer than its events; the rest is told from the events.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/control/verb.h"
#include "tui/story_private.h"

#define LEAD_MS    (10 * 60 * 1000) /* what a breaker did just before is a part of it */
#define PAGE       2000
#define EVENTS_MAX 40000 /* looked at; the oldest */

struct lines {
    struct telling_story *t;
    struct story_line *rows;
    size_t n, cap;
    bool has_ack; /* an event tells who acknowledged it */
};

static void add(struct lines *lines, struct wall at, enum story_kind kind,
                const char *subject, const char *actor, const char *text)
{
    struct arena *arena = lines->t->arena;
    if (!wall_is_set(at)) {
        return;
    }
    lines->rows =
        story_room(arena, lines->rows, lines->n, &lines->cap, sizeof(*lines->rows));
    lines->rows[lines->n++] = (struct story_line){.at = at,
                                                  .kind = kind,
                                                  .subject = arena_str(arena, subject),
                                                  .actor = arena_str(arena, actor),
                                                  .text = arena_str(arena, text)};
}

static const char *join(struct lines *lines, const char *what, const char *why)
{
    return arena_printf(lines->t->arena, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
}

/* ---- rows ---- */

static void add_incident(struct lines *lines)
{
    const struct story *story = lines->t->story;
    const struct incident_row *row = &story->incident;
    char name[STORY_NAME_MAX];
    if (story->subject.of != STORY_OF_INCIDENT) {
        return;
    }
    (void)story_name(&story->subject, name);
    add(lines, row->opened_at, STORY_INCIDENT, name, "monitor",
        arena_printf(lines->t->arena, "opened, %s: %s", severity_word(row->severity),
                     row->text));
    add(lines, row->closed_at, STORY_INCIDENT, name, "monitor",
        "closed: each of its anomalies has ended");
    if (!lines->has_ack && row->owner[0] != '\0') {
        add(lines, row->acked_at, STORY_OPERATOR, name, row->owner, "acknowledged");
    }
}

static void add_anomalies(struct lines *lines)
{
    const struct story *story = lines->t->story;
    for (size_t i = 0; i < story->n_anomalies; i++) {
        const struct anomaly_row *row = &story->anomalies[i];
        const char *name = arena_printf(lines->t->arena, "anomaly %" PRId64, row->id);
        add(lines, row->opened_at, STORY_ANOMALY, name, "monitor",
            arena_printf(lines->t->arena, "%s, %s: %s", severity_word(row->severity),
                         anomaly_word(row->type), row->text));
        add(lines, row->closed_at, STORY_ANOMALY, name, "monitor",
            arena_printf(lines->t->arena, "ended, %s: %s", row->closed_by, row->text));
    }
}

static void add_failures(struct lines *lines)
{
    const struct story *story = lines->t->story;
    for (size_t i = 0; i < story->n_failures; i++) {
        const struct failure_row *row = &story->failures[i];
        char id[CASE_ID_MAX], wf[CASE_ID_MAX];
        (void)case_id(CASE_FAILURE, row->id, id);
        (void)case_id(CASE_WORKFLOW, row->workflow, wf);
        add(lines, row->at, STORY_FAILURE, id, "engine",
            arena_printf(lines->t->arena, "%s%s%s failed, %s: %s", wf,
                         wf[0] != '\0' ? ", " : "", row->step, class_word(row->class_),
                         row->text));
        if (row->status != FAILURE_OPEN && row->status != FAILURE_ESCALATED) {
            add(lines, row->settled_at, STORY_FAILURE, id,
                row->status == FAILURE_HELPED ? "" : "engine",
                arena_printf(lines->t->arena, "%s%s%s is %s", wf,
                             wf[0] != '\0' ? ", " : "", row->step,
                             failure_status_word(row->status)));
        }
    }
}

static void add_problems(struct lines *lines)
{
    const struct story *story = lines->t->story;
    for (size_t i = 0; i < story->n_problems; i++) {
        const struct problem_row *row = &story->problems[i];
        char id[CASE_ID_MAX];
        (void)case_id(CASE_PROBLEM, row->id, id);
        add(lines, row->opened_at, STORY_PROBLEM, id, "engine",
            arena_printf(lines->t->arena, "opened, %s: %s", row->cause, row->text));
        add(lines, row->closed_at, STORY_PROBLEM, id, "engine",
            arena_printf(lines->t->arena,
                         "closed after %" PRId64 " failures of %" PRId64 " workflows",
                         row->n_failures, row->n_workflows));
    }
}

static void add_recoveries(struct lines *lines)
{
    const struct story *story = lines->t->story;
    for (size_t i = 0; i < story->n_recoveries; i++) {
        const struct recovery_row *row = &story->recoveries[i];
        char id[CASE_ID_MAX];
        (void)case_id(CASE_RECOVERY, row->id, id);
        add(lines, row->started_at, STORY_RECOVERY, id, decider_word(row->decider),
            join(lines,
                 arena_printf(lines->t->arena, "%s begun%s%s", rung_word(row->rung),
                              row->service[0] != '\0' ? " for " : "", row->service),
                 row->reason));
        add(lines, row->ended_at, STORY_RECOVERY, id, "engine",
            join(lines,
                 arena_printf(lines->t->arena, "%s %s", rung_word(row->rung),
                              recovery_status_word(row->status)),
                 row->outcome));
    }
}

static void add_decisions(struct lines *lines)
{
    const struct story *story = lines->t->story;
    for (size_t i = 0; i < story->n_decisions; i++) {
        const struct decision_row *row = &story->decisions[i];
        char id[CASE_ID_MAX];
        add(lines, row->at, STORY_DECISION, case_id(CASE_DECISION, row->id, id),
            decider_word(row->decider),
            join(lines,
                 arena_printf(lines->t->arena, "%s for %s, %.0f%% sure", row->choice,
                              row->subject, row->confidence * 100),
                 row->reason));
    }
}

static void add_approvals(struct lines *lines)
{
    const struct story *story = lines->t->story;
    for (size_t i = 0; i < story->n_approvals; i++) {
        const struct approval_row *row = &story->approvals[i];
        char id[CASE_ID_MAX];
        (void)case_id(CASE_APPROVAL, row->id, id);
        add(lines, row->created_at, STORY_APPROVAL, id, row->requester,
            arena_printf(lines->t->arena, "asked, %s risk: %s", risk_word(row->risk),
                         row->title));
        add(lines, row->decided_at, STORY_APPROVAL, id, row->decided_by,
            join(lines, approval_status_word(row->status), row->reason));
    }
}

/* ---- events ---- */

/* "incident 17" or "silence 4", and not "incident 170". */
static bool names_number(const char *text, const char *what, int64_t id)
{
    char name[STORY_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s %" PRId64, what, id);
    return story_has_word(text, name);
}

static bool is_of_incident(const struct telling_story *t, const char *text)
{
    if (t->story->subject.of == STORY_OF_INCIDENT &&
        names_number(text, "incident", t->story->subject.id)) {
        return true;
    }
    for (size_t i = 0; i < t->n_silenced; i++) {
        if (names_number(text, "silence", t->silenced[i])) {
            return true;
        }
    }
    return false;
}

static bool is_of_service(const struct telling_story *t, const char *text)
{
    for (size_t i = 0; i < t->n_places; i++) {
        const char *place = t->places[i];
        if (strncmp(place, "service:", 8) == 0 && story_has_word(text, place + 8)) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(const char *kind, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(kind, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool kind_of_engine_event(const struct telling_story *t,
                                 const struct event_row *row, enum story_kind *ret_kind)
{
    static const char *const of_services[] = {
        "fallback",       "fallback-end",   "service-probe", "restart-begun",
        "restart-passed", "restart-failed", "scale-begun",   "scale-passed",
        "scale-failed",   "breaker",        "probe",         "reset"};
    static const char *const of_all[] = {"engine-start", "engine-stop", "halted",
                                         "released",     "halt",        "release"};
    bool is_verb = verb_find(row->kind) != NULL;
    if (is_of_incident(t, row->text)) {
        bool is_told = strcmp(row->kind, "incident-opened") == 0 ||
                       strcmp(row->kind, "incident-closed") == 0;
        *ret_kind = is_verb ? STORY_OPERATOR : STORY_INCIDENT;
        return !is_told;
    }
    if (strncmp(row->kind, "breaker-", 8) == 0 ||
        is_one_of(row->kind, of_services, ARRAY_LEN(of_services))) {
        *ret_kind = is_verb ? STORY_OPERATOR : STORY_BREAKER;
        return is_of_service(t, row->text);
    }
    *ret_kind = is_verb ? STORY_OPERATOR : STORY_ENGINE;
    return is_one_of(row->kind, of_all, ARRAY_LEN(of_all));
}

static bool kind_of_workflow_event(const struct telling_story *t,
                                   const struct event_row *row, enum story_kind *ret_kind)
{
    bool is_touched = false;
    for (size_t i = 0; i < t->n_touched && !is_touched; i++) {
        is_touched = t->touched[i] == row->workflow;
    }
    bool is_end = row->from != row->to &&
                  (row->to == STATE_FAILED || row->to == STATE_PARKED ||
                   row->to == STATE_COMPLETED || row->to == STATE_CANCELLED ||
                   row->to == STATE_ROLLED_BACK);
    bool is_act = verb_find(row->kind) != NULL && strcmp(row->actor, "engine") != 0;
    *ret_kind = is_act ? STORY_OPERATOR : STORY_WORKFLOW;
    return is_touched && (is_end || is_act);
}

static void add_event(struct lines *lines, const struct event_row *row)
{
    struct telling_story *t = lines->t;
    struct arena *arena = t->arena;
    enum story_kind kind;
    char wf[CASE_ID_MAX];
    if (row->workflow == 0 && kind_of_engine_event(t, row, &kind)) {
        lines->has_ack |= strcmp(row->kind, "ack") == 0;
        add(lines, row->at, kind, row->kind, row->actor, row->text);
    } else if (row->workflow != 0 && kind_of_workflow_event(t, row, &kind)) {
        bool is_move = row->from != row->to;
        const char *what =
            arena_printf(arena, "%s%s%s", row->kind, is_move ? ", now " : "",
                         is_move ? state_name(row->to) : "");
        add(lines, row->at, kind, case_id(CASE_WORKFLOW, row->workflow, wf), row->actor,
            join(lines, what, row->text));
    }
}

static bool add_events(struct lines *lines)
{
    struct telling_story *t = lines->t;
    struct wall from = {t->story->from.ms - LEAD_MS}, to = story_end(t->story);
    int64_t after = 0;
    if (!reader_event_before(t->reader, from, &after, t->err)) {
        return false;
    }
    for (int seen = 0; seen < EVENTS_MAX; seen += PAGE) {
        const struct event_row *rows;
        size_t n = 0;
        struct arena *page = arena_new();
        bool is_good = reader_events(t->reader, page, 0, after, PAGE, &rows, &n, t->err);
        bool is_over = !is_good || n < PAGE;
        for (size_t i = 0; i < n; i++) {
            after = rows[i].seq;
            is_over |= rows[i].at.ms > to.ms;
            if (rows[i].at.ms <= to.ms) {
                add_event(lines, &rows[i]); /* copies what it keeps */
            }
        }
        arena_free(page);
        if (is_over) {
            return is_good;
        }
    }
    return true;
}

/* ---- all ---- */

/* What has the same moment stays in the order of STORY_LIST: the anomaly before the breaker. */
static int by_time(const void *a, const void *b)
{
    const struct story_line *x = a, *y = b;
    if (x->at.ms != y->at.ms) {
        return x->at.ms < y->at.ms ? -1 : 1;
    }
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    int order = strcmp(x->subject, y->subject);
    return order != 0 ? order : strcmp(x->text, y->text);
}

bool story_read_lines(struct telling_story *t)
{
    struct story *story = t->story;
    struct lines lines = {.t = t};
    if (!add_events(&lines)) {
        return false;
    }
    add_incident(&lines);
    add_anomalies(&lines);
    add_failures(&lines);
    add_problems(&lines);
    add_recoveries(&lines);
    add_decisions(&lines);
    add_approvals(&lines);
    if (lines.n > 1) {
        qsort(lines.rows, lines.n, sizeof(*lines.rows), by_time);
    }
    size_t n_left = lines.n > STORY_LINES_MAX ? lines.n - STORY_LINES_MAX : 0;
    story->has_more_lines = n_left > 0;
    story->n_lines = lines.n - n_left;
    story->lines = lines.n > 0 ? lines.rows + n_left : NULL;
    return true;
}
