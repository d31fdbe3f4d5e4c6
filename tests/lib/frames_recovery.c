/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/lib/cases.h"
#include "tests/lib/frames.h"

/* As the feed would have read them from a store with these rows. */
static const struct frame_failures *make_failures(struct arena *arena,
                                                  const struct cases *cases)
{
    struct frame_failures *data = arena_alloc(arena, sizeof *data);
    struct failure_row *rows = arena_array(arena, cases->n_failures, sizeof *rows);
    const struct recovery_row **of =
        arena_array(arena, cases->n_failures, sizeof(const struct recovery_row *));
    for (size_t i = 0; i < cases->n_failures; i++) {
        enum failure_status status = cases->failures[i].status;
        if (status != FAILURE_OPEN && status != FAILURE_ESCALATED)
            continue;
        for (size_t k = 0; k < cases->n_recoveries; k++) {
            const struct recovery_row *row = &cases->recoveries[k];
            if (row->failure == cases->failures[i].id && row->status <= RECOVERY_RUNNING)
                of[data->n] = row;
        }
        rows[data->n++] = cases->failures[i];
    }
    data->rows = rows;
    data->recoveries = of;
    data->problems = cases->problems;
    data->n_problems = cases->n_problems;
    data->recovery = (struct frame_recovery){
        .totals = {.by_status = {[FAILURE_OPEN] = 4, [FAILURE_ESCALATED] = 1},
                   .n_problems_open = 1,
                   .n_asked = 1},
        .settled = {[FAILURE_RECOVERED] = 26,                                                          [FAILURE_LOST] = 1}
    };
    return data;
}

static void add_past(struct arena *arena, const struct cases *cases,
                     struct case_file *file)
{
    struct case_past *past = arena_array(arena, cases->n_failures, sizeof *past);
    for (size_t i = 0; i < cases->n_failures; i++)
        if (cases->failures[i].id < file->failure.id &&
            strcmp(cases->failures[i].fingerprint, file->failure.fingerprint) == 0)
            past[file->n_past++] = (struct case_past){
                cases->failures[i],
                cases->failures[i].status == FAILURE_RECOVERED ? "hand_back" : ""};
    file->past = past;
}

static const struct frame_case *make_case(struct arena *arena, const struct cases *cases,
                                          enum case_kind kind, int64_t id)
{
    struct frame_case *data = arena_alloc(arena, sizeof *data);
    struct case_file *file = &data->file;
    struct decision_row *decisions =
        arena_array(arena, cases->n_decisions, sizeof *decisions);
    struct recovery_row *recoveries =
        arena_array(arena, cases->n_recoveries, sizeof *recoveries);
    struct failure_row *members = arena_array(arena, cases->n_failures, sizeof *members);
    int64_t failure = kind == CASE_FAILURE ? id : 0;
    int64_t problem = kind == CASE_PROBLEM ? id : 0;
    data->kind = file->kind = kind;
    data->id = file->id = id;
    for (size_t i = 0; kind == CASE_DECISION && i < cases->n_decisions; i++)
        if (cases->decisions[i].id == id)
            failure = cases->decisions[i].failure;
    for (size_t i = 0; i < cases->n_failures; i++) {
        if (cases->failures[i].id == failure) {
            file->failure = cases->failures[i];
            file->has_failure = true;
        }
        if (problem != 0 && cases->failures[i].problem == problem)
            members[file->n_members++] = cases->failures[i];
    }
    file->members = members;
    file->has_problem = problem != 0 || file->failure.problem != 0;
    file->problem = cases->problems[0];
    case_parse_detail(arena,
                      file->has_failure ? file->failure.detail : file->problem.detail,
                      &file->detail);
    for (size_t i = cases->n_decisions; i-- > 0;)
        if ((failure != 0 && cases->decisions[i].failure == failure) ||
            (problem != 0 && cases->decisions[i].problem == problem))
            decisions[file->n_decisions++] = cases->decisions[i];
    for (size_t i = cases->n_recoveries; i-- > 0;)
        if ((failure != 0 && cases->recoveries[i].failure == failure) ||
            (problem != 0 && cases->recoveries[i].problem == problem))
            recoveries[file->n_recoveries++] = cases->recoveries[i];
    file->decisions = decisions;
    file->recoveries = recoveries;
    for (size_t i = 0; i < file->n_recoveries; i++)
        file->approval = recoveries[i].status == RECOVERY_ASKED ? 7 : file->approval;
    if (file->has_failure)
        add_past(arena, cases, file);
    return data;
}

const struct frame *frames_recovery(enum case_kind kind, int64_t id)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy();
    struct arena *arena = frame_arena(frame);
    struct cases cases = cases_make(arena, frames_now());
    struct frame_decisions *decisions = arena_alloc(arena, sizeof *decisions);
    struct frame_strategies *strategies = arena_alloc(arena, sizeof *strategies);
    *decisions =
        (struct frame_decisions){.rows = cases.decisions, .n = cases.n_decisions};
    *strategies = (struct frame_strategies){.rows = cases.odds, .n = cases.n_odds - 1};
    frame->failures = make_failures(arena, &cases);
    frame->decisions = decisions;
    frame->strategies = strategies;
    frame->case_ = make_case(arena, &cases, kind, id);
    struct frame_overview *over = (struct frame_overview *)(uintptr_t)frame->overview;
    over->has_recovery = true;
    over->recovery = frame->failures->recovery;
    struct frame_detail *detail = (struct frame_detail *)(uintptr_t)frame->detail;
    detail->failure = &frame->failures->rows[0];
    detail->recovery = frame->failures->recoveries[0];
    return frame;
}

const struct frame *frames_recovery_none(void)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy();
    struct arena *arena = frame_arena(frame);
    frame->failures = arena_alloc(arena, sizeof(struct frame_failures));
    frame->decisions = arena_alloc(arena, sizeof(struct frame_decisions));
    frame->strategies = arena_alloc(arena, sizeof(struct frame_strategies));
    return frame;
}

#define HOSTILE                                                                          \
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m \xe2\x80\xae"                                    \
    "desrever \xff\xfe \t"                                                               \
    "wide \xe6\xbc\xa2"                                                                  \
    " "                                                                                  \
    "averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword"

const struct frame *frames_recovery_hostile(void)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_recovery(CASE_FAILURE, 31);
    struct frame_case *data = (struct frame_case *)(uintptr_t)frame->case_;
    struct frame_failures *failures = (struct frame_failures *)(uintptr_t)frame->failures;
    struct failure_row *rows = (struct failure_row *)(uintptr_t)failures->rows;
    struct decision_row *decisions =
        (struct decision_row *)(uintptr_t)data->file.decisions;
    data->kind = CASE_WORKFLOW;
    data->id = 2207;
    rows[0].text = rows[0].step = rows[0].repo = rows[0].rule = rows[0].cause = HOSTILE;
    rows[1].class_ = (enum failure_class)99; /* of a newer program */
    rows[1].status = (enum failure_status)99;
    data->file.failure = rows[0];
    decisions[0].reason = decisions[0].choice = decisions[0].subject = HOSTILE;
    decisions[0].alternatives =
        "[{\"choice\":\"\\u001b[2J\",\"why_not\":\"\\u202e\",\"p\":1e308},7,{}]";
    decisions[0].context = "{\"\\u0007\":{\"a\":[1]},\"b\":null}";
    return frame;
}
