/* SPDX-License-Identifier: MIT */
#include "tui/case_read.h"

#include <string.h>

/* The failure that an id of a workflow stands for. */
static enum found find_failure(struct reader *reader, struct arena *arena,
                               int64_t workflow, int64_t *ret_id, struct err *err)
{
    const struct failure_row *rows;
    size_t n = 0;
    struct recovery_query query = {.is_open = true, .workflow = workflow, .max = 1};
    if (!reader_failures(reader, arena, &query, &rows, &n, err)) {
        return FOUND_FAILED;
    }
    query.is_open = false;
    if (n == 0 && !reader_failures(reader, arena, &query, &rows, &n, err)) {
        return FOUND_FAILED;
    }
    if (n > 0) {
        *ret_id = rows[0].id;
    }
    return n > 0 ? FOUND : MISSING;
}

/* What the id is about. */
struct subject {
    int64_t failure, problem;
};

static enum found find_subject(struct reader *reader, struct arena *arena,
                               enum case_kind kind, int64_t id,
                               struct subject *ret_subject, struct err *err)
{
    struct recovery_row recovery = {0};
    struct decision_row decision = {0};
    enum found found = FOUND;
    switch (kind) {
    case CASE_WORKFLOW:
        return find_failure(reader, arena, id, &ret_subject->failure, err);
    case CASE_FAILURE:
        ret_subject->failure = id;
        break;
    case CASE_PROBLEM:
        ret_subject->problem = id;
        break;
    case CASE_RECOVERY:
        found = reader_recovery(reader, arena, id, &recovery, err);
        *ret_subject = (struct subject){recovery.failure, recovery.problem};
        break;
    case CASE_DECISION:
        found = reader_decision(reader, arena, id, &decision, err);
        *ret_subject = (struct subject){decision.failure, decision.problem};
        break;
    case CASE_APPROVAL: /* these tell themselves: card.h */
    case CASE_OPTIMIZATION:
    case CASE_KIND_COUNT:
        return MISSING;
    }
    return found;
}

/* Rows come newest first and are told oldest first. */
static bool read_rows(struct reader *reader, struct arena *arena,
                      const struct subject *subject, struct case_file *file,
                      struct err *err)
{
    struct recovery_query query = {.failure = subject->failure, .max = CASE_ROWS_MAX};
    query.problem = subject->failure == 0 ? subject->problem : 0;
    const struct decision_row *decisions;
    const struct recovery_row *recoveries;
    if (!reader_decisions(reader, arena, &query, &decisions, &file->n_decisions, err) ||
        !reader_recoveries(reader, arena, &query, &recoveries, &file->n_recoveries,
                           err)) {
        return false;
    }
    struct decision_row *of_decisions =
        arena_array(arena, file->n_decisions + 1, sizeof(*of_decisions));
    struct recovery_row *of_recoveries =
        arena_array(arena, file->n_recoveries + 1, sizeof(*of_recoveries));
    for (size_t i = 0; i < file->n_decisions; i++) {
        of_decisions[i] = decisions[file->n_decisions - 1 - i];
    }
    for (size_t i = 0; i < file->n_recoveries; i++) {
        of_recoveries[i] = recoveries[file->n_recoveries - 1 - i];
    }
    file->decisions = of_decisions;
    file->recoveries = of_recoveries;
    return true;
}

/* The rung that ended an earlier failure well. */
static bool read_helped(struct reader *reader, struct arena *arena,
                        struct case_past *past, struct err *err)
{
    const struct recovery_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.failure = past->failure.id,
                                         .max = CASE_ROWS_MAX};
    past->helped = "";
    if (!reader_recoveries(reader, arena, &query, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n && past->helped[0] == '\0'; i++) {
        if (rows[i].status == RECOVERY_PASSED) {
            past->helped = rung_word(rows[i].rung);
        }
    }
    return true;
}

static bool read_past(struct reader *reader, struct arena *arena, struct case_file *file,
                      struct err *err)
{
    const struct failure_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.fingerprint = file->failure.fingerprint,
                                         .before_id = file->failure.id,
                                         .max = CASE_PAST_MAX + 1};
    if (file->failure.fingerprint[0] == '\0') {
        return true;
    }
    if (!reader_failures(reader, arena, &query, &rows, &n, err)) {
        return false;
    }
    file->has_more_past = n > CASE_PAST_MAX;
    n = n > CASE_PAST_MAX ? CASE_PAST_MAX : n;
    struct case_past *past = arena_array(arena, n + 1, sizeof(*past));
    for (size_t i = 0; i < n; i++) {
        past[i].failure = rows[i];
        if (!read_helped(reader, arena, &past[i], err)) {
            return false;
        }
    }
    file->past = past;
    file->n_past = n;
    return true;
}

static enum found read_failure(struct reader *reader, struct arena *arena, int64_t id,
                               struct case_file *file, struct err *err)
{
    enum found found = reader_failure(reader, arena, id, &file->failure, err);
    file->has_failure = found == FOUND;
    if (found == FOUND) {
        case_parse_detail(arena, file->failure.detail, &file->detail);
        found = read_past(reader, arena, file, err) ? FOUND : FOUND_FAILED;
    }
    return found;
}

static enum found read_problem(struct reader *reader, struct arena *arena, int64_t id,
                               struct case_file *file, struct err *err)
{
    enum found found = reader_problem(reader, arena, id, &file->problem, err);
    file->has_problem = found == FOUND;
    if (found == FOUND && !file->has_failure) {
        const struct recovery_query query = {.problem = id, .max = CASE_ROWS_MAX};
        case_parse_detail(arena, file->problem.detail, &file->detail);
        if (!reader_failures(reader, arena, &query, &file->members, &file->n_members,
                             err)) {
            return FOUND_FAILED;
        }
    }
    return found;
}

/* A decision or recovery that is about no failure and no problem stands alone. */
static enum found read_alone(struct reader *reader, struct arena *arena,
                             struct case_file *file, struct err *err)
{
    if (file->kind == CASE_DECISION) {
        struct decision_row *row = arena_alloc(arena, sizeof(*row));
        file->decisions = row;
        file->n_decisions = 1;
        return reader_decision(reader, arena, file->id, row, err);
    }
    struct recovery_row *row = arena_alloc(arena, sizeof(*row));
    file->recoveries = row;
    file->n_recoveries = 1;
    return reader_recovery(reader, arena, file->id, row, err);
}

/* The newest recovery that waits for a person has an approval, where it is decided. */
static bool read_approval(struct reader *reader, struct arena *arena,
                          struct case_file *file, struct err *err)
{
    for (size_t i = file->n_recoveries; i > 0; i--) {
        const struct approval_row *rows;
        size_t n = 0;
        const struct approval_query query = {.is_open = true,
                                             .has_snoozed = true,
                                             .recovery = file->recoveries[i - 1].id,
                                             .max = 1};
        if (file->recoveries[i - 1].status != RECOVERY_ASKED) {
            continue;
        }
        if (!reader_approvals(reader, arena, &query, &rows, &n, err)) {
            return false;
        }
        if (n > 0) {
            file->approval = rows[0].id;
            return true;
        }
    }
    return true;
}

enum found case_read(struct reader *reader, struct arena *arena, enum case_kind kind,
                     int64_t id, struct case_file *ret_case, struct err *err)
{
    struct case_file file = {.kind = kind, .id = id};
    struct subject subject = {0};
    enum found found = find_subject(reader, arena, kind, id, &subject, err);
    if (found != FOUND) {
        return found;
    }
    if (subject.failure != 0) {
        found = read_failure(reader, arena, subject.failure, &file, err);
        subject.problem = file.has_failure ? file.failure.problem : subject.problem;
    }
    bool is_asked = kind == CASE_FAILURE || kind == CASE_PROBLEM;
    if (found != FOUND_FAILED && subject.problem != 0) {
        enum found problem = read_problem(reader, arena, subject.problem, &file, err);
        found = subject.failure == 0 || problem == FOUND_FAILED ? problem : found;
    }
    if (found == MISSING && !is_asked) { /* pruned: what was asked for is still there */
        found = FOUND;
    }
    if (found == FOUND && (file.has_failure || file.has_problem)) {
        found = read_rows(reader, arena, &subject, &file, err) ? FOUND : FOUND_FAILED;
    } else if (found == FOUND) {
        found = read_alone(reader, arena, &file, err);
    }
    if (found == FOUND && !read_approval(reader, arena, &file, err)) {
        found = FOUND_FAILED;
    }
    if (found == FOUND) {
        *ret_case = file;
    }
    return found;
}
