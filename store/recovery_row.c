/* SPDX-License-Identifier: MIT */
/*
 * Recovery, rows: one list of columns for each table, from which come its SQL and the way
 * between columns and members. F(kind, column, member) the first, X the others
 */
#include "store/recovery_private.h"

#include <stddef.h>

/* clang-format off */
#define FAILURE_FIELDS(F, X)                                                             \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT64, at, at.ms)                                                            \
    X(FIELD_INT64, workflow, workflow)                                                   \
    X(FIELD_INT64, effect, effect)                                                       \
    X(FIELD_INT64, problem, problem)                                                     \
    X(FIELD_INT, state, state)                                                           \
    X(FIELD_INT, class, class_)                                                          \
    X(FIELD_INT, category, category)                                                     \
    X(FIELD_INT, severity, severity)                                                     \
    X(FIELD_INT, complexity, complexity)                                                 \
    X(FIELD_REAL, confidence, confidence)                                                \
    X(FIELD_BOOL, is_flaky, is_flaky)                                                    \
    X(FIELD_INT, status, status)                                                         \
    X(FIELD_INT64, settled_at, settled_at.ms)                                            \
    X(FIELD_INT, n_rungs, n_rungs)                                                       \
    X(FIELD_INT, was_class, was_class)                                                   \
    X(FIELD_CHARS, fingerprint, fingerprint)                                             \
    X(FIELD_TEXT, step, step)                                                            \
    X(FIELD_TEXT, repo, repo)                                                            \
    X(FIELD_TEXT, provider, provider)                                                    \
    X(FIELD_TEXT, text, text)                                                            \
    X(FIELD_TEXT, rule, rule)                                                            \
    X(FIELD_TEXT, cause, cause)                                                          \
    X(FIELD_TEXT, labelled_by, labelled_by)                                              \
    X(FIELD_TEXT, detail, detail)
#define PROBLEM_FIELDS(F, X)                                                             \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT, class, class_)                                                          \
    X(FIELD_INT, severity, severity)                                                     \
    X(FIELD_INT64, opened_at, opened_at.ms)                                              \
    X(FIELD_INT64, seen_at, seen_at.ms)                                                  \
    X(FIELD_INT64, closed_at, closed_at.ms)                                              \
    X(FIELD_INT64, n_failures, n_failures)                                               \
    X(FIELD_INT64, n_workflows, n_workflows)                                             \
    X(FIELD_INT64, incident, incident)                                                   \
    X(FIELD_INT, rung, rung)                                                             \
    X(FIELD_TEXT, cause, cause)                                                          \
    X(FIELD_CHARS, fingerprint, fingerprint)                                             \
    X(FIELD_TEXT, text, text)                                                            \
    X(FIELD_TEXT, detail, detail)
#define RECOVERY_FIELDS(F, X)                                                            \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT64, failure, failure)                                                     \
    X(FIELD_INT64, problem, problem)                                                     \
    X(FIELD_INT64, workflow, workflow)                                                   \
    X(FIELD_INT64, decision, decision)                                                   \
    X(FIELD_INT, rung, rung)                                                             \
    X(FIELD_INT, number, number)                                                         \
    X(FIELD_INT, status, status)                                                         \
    X(FIELD_INT, decider, decider)                                                       \
    X(FIELD_REAL, odds, odds)                                                            \
    X(FIELD_REAL, odds_low, odds_low)                                                    \
    X(FIELD_REAL, odds_high, odds_high)                                                  \
    X(FIELD_REAL, trials, trials)                                                        \
    X(FIELD_INT64, asked_at, asked_at.ms)                                                \
    X(FIELD_INT64, started_at, started_at.ms)                                            \
    X(FIELD_INT64, window_end, window_end.ms)                                            \
    X(FIELD_INT64, ended_at, ended_at.ms)                                                \
    X(FIELD_REAL, cost_s, cost_s)                                                        \
    X(FIELD_TEXT, service, service)                                                      \
    X(FIELD_TEXT, reason, reason)                                                        \
    X(FIELD_TEXT, expected, expected)                                                    \
    X(FIELD_TEXT, inverse, inverse)                                                      \
    X(FIELD_TEXT, outcome, outcome)
#define DECISION_FIELDS(F, X)                                                            \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT64, at, at.ms)                                                            \
    X(FIELD_INT, kind, kind)                                                             \
    X(FIELD_INT64, workflow, workflow)                                                   \
    X(FIELD_INT64, failure, failure)                                                     \
    X(FIELD_INT64, problem, problem)                                                     \
    X(FIELD_INT, decider, decider)                                                       \
    X(FIELD_INT, verdict, verdict)                                                       \
    X(FIELD_INT64, settled_at, settled_at.ms)                                            \
    X(FIELD_REAL, confidence, confidence)                                                \
    X(FIELD_REAL, risk, risk)                                                            \
    X(FIELD_REAL, reward, reward)                                                        \
    X(FIELD_TEXT, subject, subject)                                                      \
    X(FIELD_TEXT, choice, choice)                                                        \
    X(FIELD_TEXT, shadow, shadow)                                                        \
    X(FIELD_TEXT, reason, reason)                                                        \
    X(FIELD_TEXT, alternatives, alternatives)                                            \
    X(FIELD_TEXT, context, context)                                                      \
    X(FIELD_TEXT, outcome, outcome)
#define LABEL_FIELDS(F, X)                                                               \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT64, at, at.ms)                                                            \
    X(FIELD_INT, class, class_)                                                          \
    X(FIELD_CHARS, fingerprint, fingerprint)                                             \
    X(FIELD_TEXT, author, author)                                                        \
    X(FIELD_TEXT, text, text)
#define ODDS_FIELDS(F, X)                                                                \
    F(FIELD_TEXT, key, key)                                                              \
    X(FIELD_TEXT, rung, rung)                                                            \
    X(FIELD_REAL, alpha, alpha)                                                          \
    X(FIELD_REAL, beta, beta)                                                            \
    X(FIELD_REAL, low, low)                                                              \
    X(FIELD_REAL, mean, mean)                                                            \
    X(FIELD_REAL, high, high)                                                            \
    X(FIELD_REAL, trials, trials)                                                        \
    X(FIELD_INT64, n, n)                                                                 \
    X(FIELD_INT64, n_passed, n_passed)                                                   \
    X(FIELD_REAL, cost_s, cost_s)                                                        \
    X(FIELD_INT64, recent, recent)                                                       \
    X(FIELD_INT, n_recent, n_recent)                                                     \
    X(FIELD_INT64, updated_at, updated_at.ms)                                            \
    X(FIELD_BOOL, is_demoted, is_demoted)                                                \
    X(FIELD_BOOL, is_killed, is_killed)

#define ROW failure_row
static const struct row_field failure_fields[] = {FAILURE_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW problem_row
static const struct row_field problem_fields[] = {PROBLEM_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW recovery_row
static const struct row_field recovery_fields[] = {RECOVERY_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW decision_row
static const struct row_field decision_fields[] = {DECISION_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW label_row
static const struct row_field label_fields[] = {LABEL_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW odds_row
static const struct row_field odds_fields[] = {ODDS_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW

const struct row_shape recovery_shapes[RECOVERY_TABLES] = {
    [TABLE_FAILURE]  = ROW_SHAPE("failure",  FAILURE_FIELDS,  failure_fields,  failure_row),
    [TABLE_PROBLEM]  = ROW_SHAPE("problem",  PROBLEM_FIELDS,  problem_fields,  problem_row),
    [TABLE_RECOVERY] = ROW_SHAPE("recovery", RECOVERY_FIELDS, recovery_fields, recovery_row),
    [TABLE_DECISION] = ROW_SHAPE("decision", DECISION_FIELDS, decision_fields, decision_row),
    [TABLE_LABEL]    = ROW_SHAPE("label",    LABEL_FIELDS,    label_fields,    label_row),
    [TABLE_ODDS]     = ROW_SHAPE("odds",     ODDS_FIELDS,     odds_fields,     odds_row),
};
/* clang-format on */
