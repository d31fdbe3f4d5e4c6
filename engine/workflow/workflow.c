/* SPDX-License-Identifier: MIT */
#include "engine/workflow/machine.h"

#include "engine/base/mem.h"

static const char none[] = "";

void workflow_set(const char **slot, const char *text)
{
    const char *old = *slot;
    *slot = text == NULL || text[0] == '\0' ? none : mem_str(text);
    if (old != NULL && old != none) {
        free((void *)(uintptr_t)old);
    }
}

/* Every string of a row, so that copying and freeing cannot forget one. */
static const char **row_string(struct workflow_row *row, int i)
{
    const char **strings[] = {
        &row->pipeline, &row->repo,     &row->title,     &row->submitter, &row->branch,
        &row->base_sha, &row->head_sha, &row->merge_sha, &row->reason,    &row->service};
    return i < (int)ARRAY_LEN(strings) ? strings[i] : NULL;
}

struct workflow *workflow_new(const struct workflow_row *row,
                              const struct pipeline *pipeline)
{
    struct workflow *workflow = mem_alloc(sizeof(*workflow));
    workflow->row = *row;
    workflow->pipeline = pipeline;
    const char **slot;
    for (int i = 0; (slot = row_string(&workflow->row, i)) != NULL; i++) {
        const char *theirs = *slot;
        *slot = NULL;
        workflow_set(slot, theirs);
    }
    return workflow;
}

void workflow_free(struct workflow *workflow)
{
    if (workflow == NULL) {
        return;
    }
    const char **slot;
    for (int i = 0; (slot = row_string(&workflow->row, i)) != NULL; i++) {
        workflow_set(slot, NULL);
    }
    free(workflow);
}

/* An outcome comes a while after the deadline when its runner had to kill first. */
#define DEADLINE_GRACE span_s(15)

static void sooner(struct wall at, enum machine_event event, struct wall *best,
                   enum machine_event *best_event)
{
    if (wall_is_set(at) && (!wall_is_set(*best) || at.ms < best->ms)) {
        *best = at;
        *best_event = event;
    }
}

/* The budget ends with the decision to merge, and does not cut short what makes the work of an
 * agent safe: what is paid for is not thrown away. */
static bool spends_budget(const struct workflow *workflow)
{
    const struct workflow_row *row = &workflow->row;
    enum effect_kind kind = stage_step(workflow->pipeline, row->state, row->step).kind;
    return workflow->pipeline->max_wall.ms > 0 && wall_is_set(row->started_at) &&
           !wait_needs_human(row->wait) && row->state != STATE_PARKED &&
           row->resume_state != STATE_ROLLED_BACK && !state_is_final(row->state) &&
           kind != EFFECT_MERGE && kind != EFFECT_COMMIT && kind != EFFECT_PULL_REQUEST;
}

struct wall machine_wake_at(const struct workflow *workflow,
                            enum machine_event *ret_event)
{
    const struct workflow_row *row = &workflow->row;
    struct wall best = {0};
    if (row->wait == WAIT_RETRY || row->wait == WAIT_WINDOW) {
        sooner(row->retry_at, EV_TIMER, &best, ret_event);
    }
    if (wall_is_set(row->deadline_at)) {
        struct wall at = row->is_active ? wall_add(row->deadline_at, DEADLINE_GRACE)
                                        : row->deadline_at;
        sooner(at, EV_DEADLINE, &best, ret_event);
    }
    if (spends_budget(workflow)) {
        struct span wall = budget_wall(workflow);
        bool is_told = (row->budget_told & BUDGET_TOLD_WALL) != 0;
        struct span until = {is_told ? wall.ms : wall.ms / 5 * 4};
        sooner(wall_add(row->started_at, until), EV_BUDGET, &best, ret_event);
    }
    return best;
}

bool machine_holds_slot(const struct workflow *workflow)
{
    const struct workflow_row *row = &workflow->row;
    return row->state >= STATE_PLANNING && row->state <= STATE_VALIDATING &&
           row->wait == WAIT_NONE;
}
