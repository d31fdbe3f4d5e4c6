/* SPDX-License-Identifier: MIT */
/* Causes, gathered: the rows of each table, put under the cause that they have. */
#include <inttypes.h>
#include <string.h>

#include "tui/cause_private.h"
#include "tui/story_private.h"

#define DECISIONS_SHOWN 4
#define ANOMALIES_SHOWN 8
#define FAILURES_SHOWN  6

static struct cause_facts *facts_of(struct gather *g, const struct cause_row *row)
{
    return &g->facts[row - g->rows];
}

static const char *name_of(struct gather *g, enum case_kind kind, int64_t id)
{
    char text[CASE_ID_MAX];
    return arena_str(g->arena, case_id(kind, id, text));
}

static const char *holder(const struct incident_row *row, struct wall now)
{
    return row->claimed_until.ms > now.ms ? row->claimed_by
           : row->owner[0] != '\0'        ? row->owner
                                          : row->assignee;
}

/* ---- incidents ---- */

static bool add_incidents(struct gather *g)
{
    const struct incident_row *rows;
    size_t n = 0;
    const struct incident_query query = {.is_open = !g->has_all, .max = CAUSES_MAX};
    const struct anomaly_query anomalies = {.is_open = !g->has_all,
                                            .max = CAUSE_ROWS_MAX};
    if (!reader_incidents(g->reader, g->arena, &query, &rows, &n, g->err) ||
        !reader_anomalies(g->reader, g->arena, &anomalies, &g->anomalies, &g->n_anomalies,
                          g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n_anomalies == 0) {
            continue; /* became part of another one */
        }
        struct cause_row *row = cause_group(
            g, &(struct story_subject){.of = STORY_OF_INCIDENT, .id = rows[i].id});
        if (row == NULL) {
            break;
        }
        row->severity = rows[i].severity;
        row->cause = rows[i].cause;
        row->text = rows[i].text;
        row->who = holder(&rows[i], g->now);
        row->from = rows[i].opened_at;
        row->to = rows[i].closed_at;
        row->incident = &rows[i];
        row->n[CAUSE_ANOMALY] = rows[i].n_anomalies;
    }
    return true;
}

/* ---- problems ---- */

static struct cause_row *incident_of(struct gather *g, const struct problem_row *problem)
{
    char name[CASE_ID_MAX];
    (void)case_id(CASE_PROBLEM, problem->id, name);
    for (size_t i = 0; i < g->n; i++) {
        struct cause_row *row = &g->rows[i];
        if (row->incident != NULL && (row->incident->id == problem->incident ||
                                      story_has_word(row->incident->links, name))) {
            return row;
        }
    }
    return NULL;
}

static struct cause_row *group_of_problem(struct gather *g, const struct problem_row *row)
{
    struct cause_row *group = incident_of(g, row);
    if (group == NULL) {
        group = cause_find(g, row->cause, row->opened_at, row->closed_at);
    }
    if (group != NULL) {
        return group;
    }
    group =
        cause_group(g, &(struct story_subject){.of = STORY_OF_PROBLEM, .id = row->id});
    if (group != NULL) {
        group->severity = row->severity;
        group->cause = row->cause;
        group->text = row->text;
        group->from = row->opened_at;
        group->to = row->closed_at;
    }
    return group;
}

static bool add_problems(struct gather *g)
{
    const struct recovery_query query = {.is_open = !g->has_all, .max = CAUSES_MAX};
    if (!reader_problems(g->reader, g->arena, &query, &g->problems, &g->n_problems,
                         g->err)) {
        return false;
    }
    g->of_problem = arena_array(g->arena, g->n_problems + 1, sizeof(struct cause_row *));
    for (size_t i = 0; i < g->n_problems; i++) {
        const struct problem_row *row = &g->problems[i];
        struct cause_row *group = group_of_problem(g, row);
        if (group == NULL) {
            continue;
        }
        bool is_over = wall_is_set(row->closed_at);
        bool has_rung = (unsigned)row->rung < RUNG_COUNT;
        g->of_problem[i] = group;
        group->n[CAUSE_PROBLEM]++;
        group->n[CAUSE_FAILURE] += row->n_failures;
        if (!is_over && row->severity > group->severity) {
            group->severity = row->severity;
        }
        facts_of(g, group)->is_recovering |= !is_over && has_rung;
        cause_add(
            g, group,
            &(struct cause_part){
                .kind = CAUSE_PROBLEM,
                .id = row->id,
                .name = name_of(g, CASE_PROBLEM, row->id),
                .at = row->opened_at,
                .is_over = is_over,
                .state = is_over    ? "closed"
                         : has_rung ? rung_word(row->rung)
                                    : "open",
                .text = arena_printf(
                    g->arena, "%" PRId64 " %s of %" PRId64 " %s: %s", row->n_failures,
                    cause_part_word(CAUSE_FAILURE, row->n_failures), row->n_workflows,
                    row->n_workflows == 1 ? "workflow" : "workflows", row->text)});
    }
    return true;
}

/* ---- breakers ---- */

static struct cause_row *group_of_breaker(struct gather *g, const struct service_row *row)
{
    const char *node = arena_printf(g->arena, "service:%s", row->name);
    struct cause_row *group = cause_find(g, node, row->since, (struct wall){0});
    if (group != NULL && !wall_is_set(group->to)) {
        return group;
    }
    struct story_subject subject = {.of = STORY_OF_BREAKER};
    (void)snprintf(subject.service, sizeof(subject.service), "%.79s", row->name);
    group = cause_group(g, &subject);
    if (group != NULL) {
        group->severity = story_breaker_severity(row->state);
        group->cause = node;
        group->text = arena_printf(g->arena, "%s: breaker %s%s%s", row->name,
                                   breaker_state_word(row->state),
                                   row->reason[0] != '\0' ? ", " : "", row->reason);
        group->from = row->since;
    }
    return group;
}

/* "2 failures in a row; 3 workflows wait" */
static const char *text_of_breaker(struct gather *g, const struct service_row *service,
                                   const struct workflow_row *parked, size_t n_parked)
{
    int n = 0;
    for (size_t i = 0; i < n_parked; i++) {
        n += strcmp(parked[i].service, service->name) == 0;
    }
    return n == 0 ? service->reason
                  : arena_printf(g->arena, "%s%s%d %s", service->reason,
                                 service->reason[0] != '\0' ? "; " : "", n,
                                 n == 1 ? "workflow waits" : "workflows wait");
}

static bool add_breakers(struct gather *g)
{
    const struct service_row *rows;
    const struct workflow_row *parked;
    size_t n = 0, n_parked = 0;
    const struct list_query query = {.states = STATE_BIT(STATE_PARKED),
                                     .max = CAUSE_ROWS_MAX};
    if (!reader_services(g->reader, g->arena, &rows, &n, g->err) ||
        !reader_list(g->reader, g->arena, &query, &parked, &n_parked, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!story_is_open_breaker(rows[i].state)) {
            continue;
        }
        struct cause_row *group = group_of_breaker(g, &rows[i]);
        if (group == NULL) {
            continue;
        }
        group->n[CAUSE_BREAKER]++;
        facts_of(g, group)->is_held |= rows[i].state == BREAKER_FORCED_OPEN;
        facts_of(g, group)->is_recovering |= rows[i].state == BREAKER_HALF_OPEN;
        cause_add(
            g, group,
            &(struct cause_part){.kind = CAUSE_BREAKER,
                                 .name = rows[i].name,
                                 .at = rows[i].since,
                                 .state = breaker_state_word(rows[i].state),
                                 .text = text_of_breaker(g, &rows[i], parked, n_parked)});
    }
    return true;
}

/* ---- failures ---- */

static bool is_asked(const struct gather *g, const struct failure_row *row)
{
    for (size_t i = 0; i < g->n_recoveries; i++) {
        if (g->recoveries[i].failure == row->id &&
            g->recoveries[i].status == RECOVERY_ASKED) {
            return true;
        }
    }
    return false;
}

static struct cause_row *group_of(struct gather *g, int64_t problem)
{
    for (size_t i = 0; i < g->n_problems && problem != 0; i++) {
        if (g->problems[i].id == problem) {
            return g->of_problem[i];
        }
    }
    return NULL;
}

/* Failures that came before there was a problem are of none: they are known by what they say. */
static struct cause_row *problem_like(struct gather *g, const struct failure_row *row)
{
    for (size_t i = 0; i < g->n_problems && row->problem == 0; i++) {
        const struct problem_row *problem = &g->problems[i];
        bool is_near =
            row->at.ms >= problem->opened_at.ms - NEAR_MS &&
            (!wall_is_set(problem->closed_at) || row->at.ms <= problem->closed_at.ms);
        if (is_near && row->fingerprint[0] != '\0' &&
            strcmp(row->fingerprint, problem->fingerprint) == 0) {
            return g->of_problem[i];
        }
    }
    return NULL;
}

static struct cause_row *group_of_failure(struct gather *g, const struct failure_row *row,
                                          bool needs_human)
{
    struct cause_row *group = cause_find(g, row->cause, row->at, row->settled_at);
    if (group != NULL || !needs_human) {
        return group;
    }
    group =
        cause_group(g, &(struct story_subject){.of = STORY_OF_FAILURE, .id = row->id});
    if (group != NULL) {
        group->severity = row->severity;
        group->cause = story_is_cause(row->cause) ? row->cause : "";
        group->text = arena_printf(g->arena, "wf-%" PRId64 ", %s: %s", row->workflow,
                                   row->step, row->text);
        group->from = row->at;
    }
    return group;
}

static void add_failure(struct gather *g, size_t at)
{
    const struct failure_row *row = &g->failures[at];
    bool needs_human = row->status == FAILURE_ESCALATED || is_asked(g, row);
    struct cause_row *group = group_of(g, row->problem);
    group = group != NULL ? group : problem_like(g, row);
    if (group == NULL) { /* a problem counts its failures itself */
        group = group_of_failure(g, row, needs_human);
        if (group == NULL) {
            return;
        }
        group->n[CAUSE_FAILURE]++;
    }
    g->of_failure[at] = group;
    facts_of(g, group)->needs_human |= needs_human;
    facts_of(g, group)->is_recovering |= row->status == FAILURE_OPEN;
}

/* Those that wait for a person before the others. */
static void show_failures(struct gather *g, bool needs_human)
{
    for (size_t i = 0; i < g->n_failures; i++) {
        const struct failure_row *row = &g->failures[i];
        struct cause_row *group = g->of_failure[i];
        bool is_for_person = row->status == FAILURE_ESCALATED || is_asked(g, row);
        size_t n_shown = 0;
        for (size_t k = 0; group != NULL && k < group->n_parts; k++) {
            n_shown += group->parts[k].kind == CAUSE_FAILURE;
        }
        if (group == NULL || is_for_person != needs_human || n_shown >= FAILURES_SHOWN) {
            continue;
        }
        cause_add(g, group,
                  &(struct cause_part){
                      .kind = CAUSE_FAILURE,
                      .id = row->id,
                      .name = name_of(g, CASE_FAILURE, row->id),
                      .at = row->at,
                      .needs_human = needs_human,
                      .state = is_asked(g, row) ? "asks you"
                               : needs_human    ? "needs you"
                                                : failure_status_word(row->status),
                      .text = arena_printf(g->arena, "wf-%" PRId64 ", %s: %s",
                                           row->workflow, row->step, row->text)});
    }
}

static bool add_failures(struct gather *g)
{
    const struct recovery_query query = {.is_open = true, .max = CAUSE_ROWS_MAX};
    if (!reader_recoveries(g->reader, g->arena, &query, &g->recoveries, &g->n_recoveries,
                           g->err) ||
        !reader_failures(g->reader, g->arena, &query, &g->failures, &g->n_failures,
                         g->err)) {
        return false;
    }
    g->of_failure = arena_array(g->arena, g->n_failures + 1, sizeof(struct cause_row *));
    for (size_t i = 0; i < g->n_failures; i++) {
        add_failure(g, i);
    }
    for (size_t i = 0; i < g->n_recoveries; i++) {
        struct cause_row *group = group_of(g, g->recoveries[i].problem);
        if (group != NULL && g->recoveries[i].status == RECOVERY_ASKED) {
            facts_of(g, group)->needs_human = true;
        }
    }
    show_failures(g, true);
    show_failures(g, false);
    return true;
}

/* ---- anomalies, decisions ---- */

static void show_anomalies(struct gather *g)
{
    for (size_t r = 0; r < g->n; r++) {
        struct cause_row *group = &g->rows[r];
        size_t n_shown = 0;
        for (size_t i = 0; i < g->n_anomalies && group->incident != NULL; i++) {
            const struct anomaly_row *row = &g->anomalies[i];
            if (row->incident != group->incident->id || n_shown == ANOMALIES_SHOWN) {
                continue;
            }
            n_shown++;
            cause_add(g, group,
                      &(struct cause_part){
                          .kind = CAUSE_ANOMALY,
                          .id = row->id,
                          .name = arena_printf(g->arena, "anomaly %" PRId64, row->id),
                          .at = row->opened_at,
                          .is_over = wall_is_set(row->closed_at),
                          .state = wall_is_set(row->closed_at) ? row->closed_by : "open",
                          .text = row->text});
        }
    }
}

static struct cause_row *group_of_decision(struct gather *g,
                                           const struct decision_row *row)
{
    struct cause_row *group = group_of(g, row->problem);
    for (size_t i = 0; i < g->n_failures && group == NULL && row->failure != 0; i++) {
        group = g->failures[i].id == row->failure ? g->of_failure[i] : NULL;
    }
    return group != NULL ? group : cause_find(g, row->subject, row->at, row->at);
}

static bool add_decisions(struct gather *g)
{
    const struct decision_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.max = CAUSE_ROWS_MAX};
    if (!reader_decisions(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct decision_row *row = &rows[i];
        struct cause_row *group = group_of_decision(g, row);
        if (group == NULL || ++group->n[CAUSE_DECISION] > DECISIONS_SHOWN) {
            continue;
        }
        cause_add(
            g, group,
            &(struct cause_part){
                .kind = CAUSE_DECISION,
                .id = row->id,
                .name = name_of(g, CASE_DECISION, row->id),
                .at = row->at,
                .is_over = row->verdict != VERDICT_OPEN,
                .state = arena_printf(g->arena, "by %s", decider_word(row->decider)),
                .text = arena_printf(g->arena, "%s for %s, %.0f%% sure: %s", row->choice,
                                     row->subject, row->confidence * 100, row->reason)});
    }
    return true;
}

bool cause_gather(struct gather *g)
{
    if (!add_incidents(g) || !add_problems(g) || !add_breakers(g) || !add_failures(g)) {
        return false;
    }
    show_anomalies(g);
    return add_decisions(g);
}
