/* SPDX-License-Identifier: MIT */
/*
 * Approval, rows: one list of columns for each table, from which come its SQL and the way
 * between columns and members. F(kind, column, member) the first, X the others
 */
#include "store/approval_private.h"

/* clang-format off */
#define APPROVAL_FIELDS(F, X)                                                            \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT, action, action)                                                         \
    X(FIELD_INT, status, status)                                                         \
    X(FIELD_INT, risk, risk)                                                             \
    X(FIELD_INT64, workflow, workflow)                                                   \
    X(FIELD_INT64, recovery, recovery)                                                   \
    X(FIELD_INT64, optimization, optimization)                                           \
    X(FIELD_INT64, created_at, created_at.ms)                                            \
    X(FIELD_INT64, shown_at, shown_at.ms)                                                \
    X(FIELD_INT64, expires_at, expires_at.ms)                                            \
    X(FIELD_INT, on_expiry, on_expiry)                                                   \
    X(FIELD_INT64, snoozed_until, snoozed_until.ms)                                      \
    X(FIELD_INT64, claimed_until, claimed_until.ms)                                      \
    X(FIELD_INT64, decided_at, decided_at.ms)                                            \
    X(FIELD_INT, n_needed, n_needed)                                                     \
    X(FIELD_INT, n_drifts, n_drifts)                                                     \
    X(FIELD_TEXT, rule, rule)                                                            \
    X(FIELD_TEXT, target, target)                                                        \
    X(FIELD_TEXT, repo, repo)                                                            \
    X(FIELD_TEXT, environment, environment)                                              \
    X(FIELD_TEXT, title, title)                                                          \
    X(FIELD_TEXT, requester, requester)                                                  \
    X(FIELD_TEXT, assignee, assignee)                                                    \
    X(FIELD_TEXT, claimed_by, claimed_by)                                                \
    X(FIELD_TEXT, decided_by, decided_by)                                                \
    X(FIELD_TEXT, reason, reason)                                                        \
    X(FIELD_TEXT, votes, votes)                                                          \
    X(FIELD_TEXT, effect, effect)                                                        \
    X(FIELD_CHARS, digest, digest)                                                       \
    X(FIELD_TEXT, effect_before, effect_before)                                          \
    X(FIELD_TEXT, card, card)
#define OPTIMIZATION_FIELDS(F, X)                                                        \
    F(FIELD_INT64, id, id)                                                               \
    X(FIELD_INT, kind, kind)                                                             \
    X(FIELD_INT, status, status)                                                         \
    X(FIELD_INT, risk, risk)                                                             \
    X(FIELD_REAL, expected, expected)                                                    \
    X(FIELD_REAL, expected_low, expected_low)                                            \
    X(FIELD_REAL, expected_high, expected_high)                                          \
    X(FIELD_REAL, measured, measured)                                                    \
    X(FIELD_REAL, measured_low, measured_low)                                            \
    X(FIELD_REAL, measured_high, measured_high)                                          \
    X(FIELD_REAL, confidence, confidence)                                                \
    X(FIELD_INT64, n_evidence, n_evidence)                                               \
    X(FIELD_INT64, approval, approval)                                                   \
    X(FIELD_INT64, proposed_at, proposed_at.ms)                                          \
    X(FIELD_INT64, applied_at, applied_at.ms)                                            \
    X(FIELD_INT64, guard_until, guard_until.ms)                                          \
    X(FIELD_INT64, settled_at, settled_at.ms)                                            \
    X(FIELD_TEXT, setting, setting)                                                      \
    X(FIELD_TEXT, scope, scope)                                                          \
    X(FIELD_TEXT, from_value, from)                                                      \
    X(FIELD_TEXT, to_value, to)                                                          \
    X(FIELD_TEXT, title, title)                                                          \
    X(FIELD_TEXT, metric, metric)                                                        \
    X(FIELD_TEXT, reason, reason)                                                        \
    X(FIELD_TEXT, if_wrong, if_wrong)                                                    \
    X(FIELD_TEXT, outcome, outcome)                                                      \
    X(FIELD_TEXT, actor, actor)                                                          \
    X(FIELD_TEXT, evidence, evidence)                                                    \
    X(FIELD_TEXT, guard, guard)                                                          \
    X(FIELD_CHARS, fingerprint, fingerprint)
#define TUNING_FIELDS(F, X)                                                              \
    F(FIELD_TEXT, setting, setting)                                                      \
    X(FIELD_TEXT, scope, scope)                                                          \
    X(FIELD_TEXT, value, value)                                                          \
    X(FIELD_TEXT, was, was)                                                              \
    X(FIELD_INT64, since, since.ms)                                                      \
    X(FIELD_INT64, until, until.ms)                                                      \
    X(FIELD_TEXT, actor, actor)                                                          \
    X(FIELD_TEXT, reason, reason)                                                        \
    X(FIELD_INT64, optimization, optimization)
#define AUTONOMY_FIELDS(F, X)                                                            \
    F(FIELD_INT, action, action)                                                         \
    X(FIELD_TEXT, repo, repo)                                                            \
    X(FIELD_INT, level, level)                                                           \
    X(FIELD_INT64, since, since.ms)                                                      \
    X(FIELD_INT64, until, until.ms)                                                      \
    X(FIELD_TEXT, actor, actor)                                                          \
    X(FIELD_TEXT, reason, reason)                                                        \
    X(FIELD_INT64, n_done, n_done)

#define ROW approval_row
static const struct row_field approval_fields[] = {
    APPROVAL_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW optimization_row
static const struct row_field optimization_fields[] = {
    OPTIMIZATION_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW tuning_row
static const struct row_field tuning_fields[] = {TUNING_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW
#define ROW autonomy_row
static const struct row_field autonomy_fields[] = {
    AUTONOMY_FIELDS(ROW_MEMBER, ROW_MEMBER)};
#undef ROW

const struct row_shape approval_shapes[APPROVAL_TABLES] = {
    [TABLE_APPROVAL] = ROW_SHAPE("approval", APPROVAL_FIELDS, approval_fields,
                                 approval_row),
    [TABLE_OPTIMIZATION] = ROW_SHAPE("optimization", OPTIMIZATION_FIELDS,
                                     optimization_fields, optimization_row),
    [TABLE_TUNING] = ROW_SHAPE("tuning", TUNING_FIELDS, tuning_fields, tuning_row),
    [TABLE_AUTONOMY] = ROW_SHAPE("autonomy_level", AUTONOMY_FIELDS, autonomy_fields,
                                 autonomy_row),
};
/* clang-format on */
