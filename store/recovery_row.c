/* SPDX-License-Identifier: MIT */
/*
 * Recovery, rows: one list of columns for each table, from which come its SQL and the way
 * between columns and members. F(kind, column, member) the first, X the others
 */
#include "store/recovery_private.h"

#include <math.h>
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
    X(FIELD_PRINT, fingerprint, fingerprint)                                             \
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
    X(FIELD_PRINT, fingerprint, fingerprint)                                             \
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
    X(FIELD_PRINT, fingerprint, fingerprint)                                             \
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


#define FIRST_COLUMN(kind, column, member) #column
#define NEXT_COLUMN(kind, column, member)  ", " #column
#define FIRST_PLACE(kind, column, member)  "?"
#define NEXT_PLACE(kind, column, member)   ", ?"
#define MEMBER(kind, column, member) {kind, offsetof(struct ROW, member)},

#define ROW failure_row
static const struct field failure_fields[] = {FAILURE_FIELDS(MEMBER, MEMBER)};
#undef ROW
#define ROW problem_row
static const struct field problem_fields[] = {PROBLEM_FIELDS(MEMBER, MEMBER)};
#undef ROW
#define ROW recovery_row
static const struct field recovery_fields[] = {RECOVERY_FIELDS(MEMBER, MEMBER)};
#undef ROW
#define ROW decision_row
static const struct field decision_fields[] = {DECISION_FIELDS(MEMBER, MEMBER)};
#undef ROW
#define ROW label_row
static const struct field label_fields[] = {LABEL_FIELDS(MEMBER, MEMBER)};
#undef ROW
#define ROW odds_row
static const struct field odds_fields[] = {ODDS_FIELDS(MEMBER, MEMBER)};
#undef ROW

#define SHAPE(table, LIST, list_fields, row_type)                                        \
    {                                                                                    \
        .insert = "INSERT OR REPLACE INTO " table " (" LIST(FIRST_COLUMN, NEXT_COLUMN)   \
                  ") VALUES (" LIST(FIRST_PLACE, NEXT_PLACE) ")",                        \
        .columns = LIST(FIRST_COLUMN, NEXT_COLUMN),                                      \
        .get = "SELECT " LIST(FIRST_COLUMN, NEXT_COLUMN) " FROM " table " WHERE id = ?1",\
        .fields = (list_fields),                                                         \
        .n_fields = ARRAY_LEN(list_fields),                                              \
        .size = sizeof(struct row_type),                                                 \
    }
const struct recovery_shape recovery_shapes[RECOVERY_TABLES] = {
    [TABLE_FAILURE]  = SHAPE("failure",  FAILURE_FIELDS,  failure_fields,  failure_row),
    [TABLE_PROBLEM]  = SHAPE("problem",  PROBLEM_FIELDS,  problem_fields,  problem_row),
    [TABLE_RECOVERY] = SHAPE("recovery", RECOVERY_FIELDS, recovery_fields, recovery_row),
    [TABLE_DECISION] = SHAPE("decision", DECISION_FIELDS, decision_fields, decision_row),
    [TABLE_LABEL]    = SHAPE("label",    LABEL_FIELDS,    label_fields,    label_row),
    [TABLE_ODDS]     = SHAPE("odds",     ODDS_FIELDS,     odds_fields,     odds_row),
};
/* clang-format on */
_Static_assert(sizeof(enum rung) == sizeof(int), "enums stand as ints");

void recovery_bind(sqlite3_stmt *s, enum recovery_table table, const void *row)
{
    const struct recovery_shape *shape = &recovery_shapes[table];
    for (size_t i = 0; i < shape->n_fields; i++) {
        const char *at = (const char *)row + shape->fields[i].offset;
        int index = (int)i + 1;
        switch (shape->fields[i].kind) {
        case FIELD_INT64:
            bind_int(s, index, *(const int64_t *)(const void *)at);
            break;
        case FIELD_INT:
            bind_int(s, index, *(const int *)(const void *)at);
            break;
        case FIELD_BOOL:
            bind_int(s, index, *(const bool *)(const void *)at);
            break;
        case FIELD_REAL:
            bind_number(s, index, *(const double *)(const void *)at);
            break;
        case FIELD_TEXT:
            bind_text(s, index, *(const char *const *)(const void *)at);
            break;
        case FIELD_PRINT:
            bind_text(s, index, at);
            break;
        }
    }
}

static void read_text(sqlite3_stmt *s, int index, struct arena *arena,
                      const char **ret_text)
{
    const void *bytes = sqlite3_column_text(s, index);
    int len = sqlite3_column_bytes(s, index);
    *ret_text = arena_strn(arena, bytes, bytes != NULL ? (size_t)len : 0);
}

static void read_print(sqlite3_stmt *s, int index, char *print)
{
    const void *bytes = sqlite3_column_text(s, index);
    size_t len = bytes != NULL ? (size_t)sqlite3_column_bytes(s, index) : 0;
    len = len < FINGERPRINT_WORD ? len : FINGERPRINT_WORD - 1;
    if (len > 0) {
        memcpy(print, bytes, len);
    }
}

static void read_field(sqlite3_stmt *s, int index, enum field_kind kind,
                       struct arena *arena, char *at)
{
    switch (kind) {
    case FIELD_INT64:
        *(int64_t *)(void *)at = sqlite3_column_int64(s, index);
        break;
    case FIELD_INT:
        *(int *)(void *)at = sqlite3_column_int(s, index);
        break;
    case FIELD_BOOL:
        *(bool *)(void *)at = sqlite3_column_int(s, index) != 0;
        break;
    case FIELD_REAL:
        *(double *)(void *)at = sqlite3_column_type(s, index) == SQLITE_NULL
                                    ? (double)NAN
                                    : sqlite3_column_double(s, index);
        break;
    case FIELD_TEXT:
        read_text(s, index, arena, (const char **)(void *)at);
        break;
    case FIELD_PRINT:
        read_print(s, index, at);
        break;
    }
}

void recovery_row(sqlite3_stmt *s, enum recovery_table table, struct arena *arena,
                  void *ret_row)
{
    const struct recovery_shape *shape = &recovery_shapes[table];
    memset(ret_row, 0, shape->size);
    for (size_t i = 0; i < shape->n_fields; i++) {
        read_field(s, (int)i, shape->fields[i].kind, arena,
                   (char *)ret_row + shape->fields[i].offset);
    }
}

void recovery_copy(enum recovery_table table, struct arena *arena, const void *row,
                   void *ret_row)
{
    const struct recovery_shape *shape = &recovery_shapes[table];
    memcpy(ret_row, row, shape->size);
    for (size_t i = 0; i < shape->n_fields; i++) {
        if (shape->fields[i].kind == FIELD_TEXT) {
            const char **text =
                (const char **)(void *)((char *)ret_row + shape->fields[i].offset);
            *text = arena_str(arena, *text);
        }
    }
}
