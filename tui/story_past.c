/* SPDX-License-Identifier: MIT */
/* Story past: earlier ones of the same cause, and what ended them. */
#include <inttypes.h>
#include <string.h>

#include "tui/story_private.h"

#define LOOKED_AT 100 /* newest first */
#define RUNGS_MAX 50

/* The rungs that passed for a problem: "breaker (r-12), retry (r-13)". */
static bool add_helped(struct telling_story *t, int64_t problem, struct story_past *past)
{
    const struct recovery_row *rows;
    size_t n = 0;
    const struct recovery_query query = {.problem = problem, .max = RUNGS_MAX};
    if (!reader_recoveries(t->reader, t->arena, &query, &rows, &n, t->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (rows[i].status == RECOVERY_PASSED && strlen(past->helped) < 80) {
            past->helped = arena_printf(t->arena, "%s%s%s (r-%" PRId64 ")", past->helped,
                                        past->helped[0] != '\0' ? ", " : "",
                                        rung_word(rows[i].rung), rows[i].id);
        }
    }
    return true;
}

static bool helped_incident(struct telling_story *t, const struct incident_row *row,
                            const struct problem_row *problems, size_t n,
                            struct story_past *past)
{
    for (size_t i = 0; i < n; i++) {
        if (problems[i].incident == row->id && !add_helped(t, problems[i].id, past)) {
            return false;
        }
    }
    if (past->helped[0] == '\0' && row->state == INCIDENT_RESOLVED) {
        past->helped = arena_printf(t->arena, "closed by %s", row->owner);
    }
    return true;
}

static struct span lasted(struct wall from, struct wall to)
{
    return wall_is_set(to) ? wall_since(to, from) : (struct span){0};
}

static bool past_incidents(struct telling_story *t, const struct problem_row *problems,
                           size_t n_problems, struct story_past *past, size_t *ret_n)
{
    const struct story *story = t->story;
    const struct incident_row *rows;
    size_t n = 0;
    bool is_incident = story->subject.of == STORY_OF_INCIDENT;
    const struct incident_query query = {.text = story->cause,
                                         .before_id = is_incident ? story->subject.id : 0,
                                         .max = LOOKED_AT};
    if (!reader_incidents(t->reader, t->arena, &query, &rows, &n, t->err)) {
        return false;
    }
    for (size_t i = 0; i < n && *ret_n < STORY_PAST_MAX; i++) {
        const struct incident_row *row = &rows[i];
        bool is_part = row->n_anomalies == 0; /* became part of another one */
        if (strcmp(row->cause, story->cause) != 0 || is_part ||
            row->opened_at.ms > story->from.ms) {
            continue;
        }
        struct story_past *one = &past[(*ret_n)++];
        *one = (struct story_past){
            .subject = {.of = STORY_OF_INCIDENT, .id = row->id},
            .at = row->opened_at,
            .lasted = lasted(row->opened_at, row->closed_at),
            .severity = row->severity,
            .text = row->text,
            .helped = "",
            .note = row->note
        };
        if (!helped_incident(t, row, problems, n_problems, one)) {
            return false;
        }
    }
    return true;
}

static bool is_mine(const struct story *story, int64_t problem)
{
    for (size_t i = 0; i < story->n_problems; i++) {
        if (story->problems[i].id == problem) {
            return true;
        }
    }
    return false;
}

/* Problems of which the monitor saw nothing. */
static bool past_problems(struct telling_story *t, const struct problem_row *problems,
                          size_t n_problems, struct story_past *past, size_t *ret_n)
{
    const struct story *story = t->story;
    for (size_t i = 0; i < n_problems && *ret_n < STORY_PAST_MAX; i++) {
        const struct problem_row *row = &problems[i];
        if (row->incident != 0 || is_mine(story, row->id) ||
            strcmp(row->cause, story->cause) != 0 || row->opened_at.ms > story->from.ms) {
            continue;
        }
        struct story_past *one = &past[(*ret_n)++];
        *one = (struct story_past){
            .subject = {.of = STORY_OF_PROBLEM, .id = row->id},
            .at = row->opened_at,
            .lasted = lasted(row->opened_at, row->closed_at),
            .severity = row->severity,
            .text = row->text,
            .helped = "",
            .note = ""
        };
        if (!add_helped(t, row->id, one)) {
            return false;
        }
    }
    return true;
}

bool story_read_past(struct telling_story *t)
{
    struct story *story = t->story;
    const struct problem_row *problems;
    size_t n = 0;
    const struct recovery_query query = {.text = story->cause, .max = LOOKED_AT};
    if (story->cause[0] == '\0') {
        return true;
    }
    struct story_past *past = arena_array(t->arena, STORY_PAST_MAX, sizeof(*past));
    if (!reader_problems(t->reader, t->arena, &query, &problems, &n, t->err) ||
        !past_incidents(t, problems, n, past, &story->n_past) ||
        !past_problems(t, problems, n, past, &story->n_past)) {
        return false;
    }
    story->past = past;
    return true;
}
