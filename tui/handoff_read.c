/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "engine/recovery/case.h"
#include "store/halt.h"
#include "tui/handoff.h"

#define MERGED_MAX 100 /* newest completed workflows that are looked at */

struct gathering {
    struct reader *reader;
    struct arena *arena;
    struct handoff *handoff;
    struct err *err;
    struct handoff_item *items;
    size_t cap;
};

static void add(struct gathering *g, const struct handoff_item *item)
{
    struct handoff *handoff = g->handoff;
    if (handoff->n_of[item->part] == HANDOFF_ROWS_MAX) {
        return;
    }
    if (handoff->n == g->cap) {
        g->cap = g->cap == 0 ? 32 : 2 * g->cap;
        struct handoff_item *more = arena_array(g->arena, g->cap, sizeof(*more));
        if (handoff->n > 0) {
            memcpy(more, g->items, handoff->n * sizeof(*more));
        }
        g->items = more;
    }
    g->items[handoff->n++] = *item;
    handoff->n_of[item->part]++;
}

static const char *name_of(struct gathering *g, enum case_kind kind, int64_t id)
{
    char text[CASE_ID_MAX];
    return arena_str(g->arena, case_id(kind, id, text));
}

/* ---- what is open ---- */

static bool add_incidents(struct gathering *g)
{
    const struct incident_row *rows;
    size_t n = 0;
    const struct incident_query query = {.is_open = true, .max = HANDOFF_ROWS_MAX};
    if (!reader_incidents(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t j = 0; j < n * SEVERITY_COUNT; j++) { /* the worst first */
        const struct incident_row *row = &rows[j % n];
        if ((size_t)row->severity != SEVERITY_COUNT - 1 - j / n) {
            continue;
        }
        const char *quiet =
            row->inhibited_by[0] != '\0'
                ? arena_printf(g->arena, " (quiet: %s)", row->inhibited_by)
                : "";
        add(g, &(struct handoff_item){
                   .part = HANDOFF_INCIDENTS,
                   .id = arena_printf(g->arena, "incident %" PRId64, row->id),
                   .text = arena_printf(g->arena, "%s, %s: %s%s",
                                        severity_word(row->severity),
                                        incident_word(row->state), row->text, quiet),
                   .who = row->claimed_until.ms > g->handoff->now.ms ? row->claimed_by
                          : row->owner[0] != '\0'                    ? row->owner
                                                                     : row->assignee,
                   .since = row->opened_at,
                   .next = row->note});
    }
    return true;
}

static bool add_problems(struct gathering *g)
{
    const struct problem_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.is_open = true, .max = HANDOFF_ROWS_MAX};
    if (!reader_problems(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct problem_row *row = &rows[i];
        add(g, &(struct handoff_item){
                   .part = HANDOFF_PROBLEMS,
                   .id = name_of(g, CASE_PROBLEM, row->id),
                   .text = arena_printf(
                       g->arena, "%s, %" PRId64 " failures of %" PRId64 " workflows: %s",
                       severity_word(row->severity), row->n_failures, row->n_workflows,
                       row->text),
                   .who = "",
                   .since = row->opened_at,
                   .next = (unsigned)row->rung < RUNG_COUNT
                               ? arena_printf(g->arena, "answered by %s",
                                              rung_word(row->rung))
                               : "nothing is done about it as yet"});
    }
    return true;
}

static bool add_approvals(struct gathering *g)
{
    const struct approval_row *rows;
    size_t n = 0;
    struct wall now = g->handoff->now;
    const struct approval_query query = {
        .is_open = true, .has_snoozed = true, .now = now, .max = HANDOFF_ROWS_MAX};
    if (!reader_approvals(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct approval_row *row = &rows[i];
        bool is_claimed = row->claimed_until.ms > now.ms;
        char at[CLOCK_TEXT_MAX];
        const char *snoozed =
            row->snoozed_until.ms > now.ms
                ? arena_printf(g->arena, ", snoozed until %s",
                               wall_format(row->snoozed_until, false, at))
                : "";
        add(g, &(struct handoff_item){
                   .part = HANDOFF_APPROVALS,
                   .id = name_of(g, CASE_APPROVAL, row->id),
                   .text = arena_printf(
                       g->arena, "%s risk, %s%s: %s", risk_word(row->risk),
                       approval_status_word(row->status), snoozed, row->title),
                   .who = is_claimed ? row->claimed_by : row->assignee,
                   .since = row->created_at,
                   .until = row->expires_at,
                   .next = wall_is_set(row->expires_at)
                               ? arena_printf(g->arena, "then it %s",
                                              expiry_word(row->on_expiry))
                               : ""});
    }
    return true;
}

static bool add_workflows(struct gathering *g)
{
    const struct workflow_row *rows;
    size_t n = 0;
    const struct list_query query = {
        .needs_human = true, .sort = SORT_AGE, .max = HANDOFF_ROWS_MAX};
    if (!reader_list(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct workflow_row *row = &rows[i];
        add(g, &(struct handoff_item){
                   .part = HANDOFF_WORKFLOWS,
                   .id = name_of(g, CASE_WORKFLOW, row->id),
                   .text = arena_printf(g->arena, "%s, %s: %s", state_name(row->state),
                                        wait_word(row->wait), row->title),
                   .who = row->submitter,
                   .since = row->state_since,
                   .next = row->reason});
    }
    return true;
}

static bool add_failures(struct gathering *g)
{
    const struct failure_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.is_open = true, .max = HANDOFF_ROWS_MAX};
    if (!reader_failures(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct failure_row *row = &rows[i];
        if (row->status == FAILURE_ESCALATED) {
            const char *wf = name_of(g, CASE_WORKFLOW, row->workflow);
            add(g,
                &(struct handoff_item){
                    .part = HANDOFF_FAILURES,
                    .id = name_of(g, CASE_FAILURE, row->id),
                    .text = arena_printf(g->arena, "%s, %s, %s: %s", wf, row->step,
                                         class_word(row->class_), row->text),
                    .who = "",
                    .since = row->at,
                    .next = arena_printf(g->arena, "signalbox why f-%" PRId64, row->id)});
        }
    }
    return true;
}

/* ---- what was set ---- */

static bool add_silences(struct gathering *g)
{
    const struct silence_row *rows;
    size_t n = 0;
    if (!reader_silences(g->reader, g->arena, g->handoff->now, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct silence_row *row = &rows[i];
        add(g,
            &(struct handoff_item){
                .part = HANDOFF_SILENCES,
                .id = arena_printf(g->arena, "silence %" PRId64, row->id),
                .text = arena_printf(g->arena, "%s: %s", row->match, row->reason),
                .who = row->author,
                .since = row->from,
                .until = row->until,
                .next = arena_printf(g->arena, "signalbox unsilence %" PRId64, row->id)});
    }
    return true;
}

static void add_halt(struct gathering *g)
{
    struct halt_row halt = {0};
    reader_halt(g->reader, g->arena, &halt);
    if (halt.is_on) {
        add(g, &(struct handoff_item){.part = HANDOFF_OVERRIDES,
                                      .id = "halt",
                                      .text = halt.reason[0] != '\0'
                                                  ? halt.reason
                                                  : "nothing is done without a person",
                                      .who = halt.by,
                                      .since = halt.at,
                                      .next = "signalbox release"});
    }
}

/* What opened by itself; what somebody holds is an override. */
static bool add_open_breakers(struct gathering *g)
{
    const struct service_row *rows;
    size_t n = 0;
    if (!reader_services(g->reader, g->arena, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct service_row *row = &rows[i];
        if (row->state == BREAKER_OPEN || row->state == BREAKER_HALF_OPEN) {
            add(g, &(struct handoff_item){
                       .part = HANDOFF_BREAKERS,
                       .id = row->name,
                       .text = arena_printf(g->arena, "%s: %s",
                                            breaker_state_word(row->state), row->reason),
                       .who = "",
                       .since = row->since,
                       .next = "it tries by itself"});
        }
    }
    return true;
}

static bool add_breakers(struct gathering *g)
{
    const struct service_row *rows;
    size_t n = 0;
    if (!reader_services(g->reader, g->arena, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct service_row *row = &rows[i];
        if (row->state == BREAKER_FORCED_OPEN || row->state == BREAKER_FORCED_CLOSED ||
            row->state == BREAKER_DISABLED) {
            add(g,
                &(struct handoff_item){
                    .part = HANDOFF_OVERRIDES,
                    .id = row->name,
                    .text = arena_printf(g->arena, "breaker %s: %s",
                                         breaker_state_word(row->state), row->reason),
                    .who = "",
                    .since = row->since,
                    .until = row->until,
                    .next = arena_printf(
                        g->arena, "signalbox breaker %s auto --reason ...", row->name)});
        }
    }
    return true;
}

static bool add_tunings(struct gathering *g)
{
    const struct tuning_row *rows;
    size_t n = 0;
    if (!reader_tunings(g->reader, g->arena, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct tuning_row *row = &rows[i];
        if (row->optimization == 0) {
            add(g, &(struct handoff_item){
                       .part = HANDOFF_OVERRIDES,
                       .id = row->setting,
                       .text = arena_printf(g->arena, "%s%s%s: %s", row->scope,
                                            row->scope[0] != '\0' ? " = " : "= ",
                                            row->value, row->reason),
                       .who = row->actor,
                       .since = row->since,
                       .until = row->until,
                       .next = arena_printf(g->arena, "was %s",
                                            row->was[0] != '\0' ? row->was
                                                                : "as configured")});
        }
    }
    return true;
}

static bool add_autonomy(struct gathering *g)
{
    const struct autonomy_row *rows;
    size_t n = 0;
    if (!reader_autonomy(g->reader, g->arena, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct autonomy_row *row = &rows[i];
        add(g, &(struct handoff_item){
                   .part = HANDOFF_AUTONOMY,
                   .id = act_word(row->action),
                   .text = arena_printf(g->arena, "%s%s%s, %d done since by itself: %s",
                                        level_word(row->level),
                                        row->repo[0] != '\0' ? " in " : "", row->repo,
                                        (int)row->n_done, row->reason),
                   .who = row->actor,
                   .since = row->since,
                   .until = row->until,
                   .next = arena_printf(g->arena, "signalbox autonomy %s configured",
                                        act_word(row->action))});
    }
    return true;
}

/* ---- what is watched ---- */

static bool add_optimizations(struct gathering *g)
{
    const struct optimization_row *rows;
    size_t n = 0;
    const struct approval_query query = {.is_open = true, .max = HANDOFF_ROWS_MAX};
    if (!reader_optimizations(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct optimization_row *row = &rows[i];
        if (row->status == OPT_GUARDED || row->status == OPT_INCONCLUSIVE) {
            add(g, &(struct handoff_item){
                       .part = HANDOFF_CHANGES,
                       .id = name_of(g, CASE_OPTIMIZATION, row->id),
                       .text = arena_printf(g->arena, "%s, %s risk: %s",
                                            optimization_status_word(row->status),
                                            risk_word(row->risk), row->title),
                       .who = row->actor,
                       .since = row->applied_at,
                       .until = row->guard_until,
                       .next =
                           arena_printf(g->arena, "signalbox undo o-%" PRId64, row->id)});
        }
    }
    return true;
}

static bool add_recoveries(struct gathering *g)
{
    const struct recovery_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.is_open = true, .max = HANDOFF_ROWS_MAX};
    if (!reader_recoveries(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct recovery_row *row = &rows[i];
        if (row->status == RECOVERY_RUNNING && row->inverse[0] != '\0') {
            add(g, &(struct handoff_item){
                       .part = HANDOFF_CHANGES,
                       .id = name_of(g, CASE_RECOVERY, row->id),
                       .text = arena_printf(g->arena, "%s%s%s, looks for: %s",
                                            rung_word(row->rung),
                                            row->service[0] != '\0' ? " for " : "",
                                            row->service, row->expected),
                       .who = decider_word(row->decider),
                       .since = row->started_at,
                       .until = row->window_end,
                       .next = row->inverse});
        }
    }
    return true;
}

/* Merged, and the checks run once more on the base: engine/workflow/merged.h. */
static bool add_merges(struct gathering *g)
{
    const struct workflow_row *rows;
    size_t n = 0;
    const struct list_query query = {.states = STATE_BIT(STATE_COMPLETED),
                                     .sort = SORT_AGE,
                                     .is_reversed = true,
                                     .max = MERGED_MAX};
    if (!reader_list(g->reader, g->arena, &query, &rows, &n, g->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct workflow_row *row = &rows[i];
        struct effect_row effect = {0};
        if (!row->is_active) {
            continue;
        }
        enum found found =
            reader_effect(g->reader, g->arena, row->id, row->effect_seq, &effect, g->err);
        if (found == FOUND_FAILED) {
            return false;
        }
        if (found == FOUND &&
            (effect.kind == EFFECT_WATCH || effect.kind == EFFECT_CONFIRM)) {
            add(g, &(struct handoff_item){
                       .part = HANDOFF_CHANGES,
                       .id = name_of(g, CASE_WORKFLOW, row->id),
                       .text = arena_printf(g->arena,
                                            "merged into %s, its checks run "
                                            "there: %s",
                                            row->repo, row->title),
                       .who = row->submitter,
                       .since = row->state_since,
                       .until = effect.deadline_at,
                       .next = arena_printf(g->arena, "signalbox rollback wf-%" PRId64,
                                            row->id)});
        }
    }
    return true;
}

bool handoff_read(struct reader *reader, struct arena *arena, struct wall now,
                  struct handoff *ret_handoff, struct err *err)
{
    struct handoff handoff = {.now = now};
    struct gathering g = {
        .reader = reader, .arena = arena, .handoff = &handoff, .err = err};
    struct totals totals;
    if (!reader_totals(reader, &totals, err) || !add_incidents(&g) || !add_problems(&g) ||
        !add_open_breakers(&g) || !add_approvals(&g) || !add_workflows(&g) ||
        !add_failures(&g) || !add_silences(&g)) {
        return false;
    }
    add_halt(&g);
    if (!add_breakers(&g) || !add_tunings(&g) || !add_autonomy(&g) ||
        !add_optimizations(&g) || !add_recoveries(&g) || !add_merges(&g)) {
        return false;
    }
    handoff.n_running = totals.by_state[STATE_PLANNING] + totals.by_state[STATE_CODING] +
                        totals.by_state[STATE_PR_CREATED] +
                        totals.by_state[STATE_VALIDATING];
    handoff.n_queued = totals.by_state[STATE_IDLE];
    handoff.items = g.items;
    *ret_handoff = handoff;
    return true;
}
