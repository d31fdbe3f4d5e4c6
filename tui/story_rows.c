/* SPDX-License-Identifier: MIT */
/* Story rows: what belongs to an incident, of each table. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "tui/story_private.h"

#define ROWS_MAX      400
#define PROBLEMS_MAX  50
#define ROWS_OF_ONE   50 /* recoveries or decisions of one failure or problem */
#define WORKFLOWS_MAX 200
#define APPROVALS_MAX 100
#define NEAR_MS       (30 * 60 * 1000) /* as the monitor groups: engine/monitor/incident.h */

static bool is_within(const struct story *story, struct wall at)
{
    return at.ms >= story->from.ms - NEAR_MS && at.ms <= story_end(story).ms;
}

/* ---- order ---- */

static int by_moment(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_failure(const void *a, const void *b)
{
    const struct failure_row *x = a, *y = b;
    return by_moment(x->id, y->id);
}

static int by_recovery(const void *a, const void *b)
{
    const struct recovery_row *x = a, *y = b;
    return by_moment(x->id, y->id);
}

static int by_decision(const void *a, const void *b)
{
    const struct decision_row *x = a, *y = b;
    return by_moment(x->id, y->id);
}

static int by_approval(const void *a, const void *b)
{
    const struct approval_row *x = a, *y = b;
    return by_moment(x->id, y->id);
}

static void sort(void *rows, size_t n, size_t size,
                 int (*compare)(const void *a, const void *b))
{
    if (n > 1) {
        qsort(rows, n, size, compare);
    }
}

/* ---- anomalies and problems ---- */

static bool read_anomalies(struct telling_story *t)
{
    struct story *story = t->story;
    const struct anomaly_row *rows;
    size_t n = 0;
    const struct anomaly_query query = {.incident = story->subject.id, .max = ROWS_MAX};
    if (story->subject.of != STORY_OF_INCIDENT) {
        return true;
    }
    if (!reader_anomalies(t->reader, t->arena, &query, &rows, &n, t->err)) {
        return false;
    }
    struct anomaly_row *kept = arena_array(t->arena, n + 1, sizeof(*kept));
    for (size_t i = 0; i < n; i++) {
        kept[i] = rows[n - 1 - i];
        if (wall_is_set(kept[i].began_at) && kept[i].began_at.ms < story->from.ms) {
            story->from = kept[i].began_at;
        }
    }
    story->anomalies = kept;
    story->n_anomalies = n;
    return true;
}

static bool is_ours(const struct story *story, const struct problem_row *row)
{
    bool is_later = row->opened_at.ms > story_end(story).ms;
    bool is_before =
        wall_is_set(row->closed_at) && row->closed_at.ms < story->from.ms - NEAR_MS;
    if (story->subject.of == STORY_OF_PROBLEM) {
        return row->id == story->subject.id;
    }
    char name[CASE_ID_MAX];
    (void)case_id(CASE_PROBLEM, row->id, name);
    bool is_linked = story->subject.of == STORY_OF_INCIDENT &&
                     (row->incident == story->subject.id ||
                      story_has_word(story->incident.links, name));
    return is_linked || (row->incident == 0 && story->cause[0] != '\0' && !is_later &&
                         !is_before && strcmp(row->cause, story->cause) == 0);
}

static bool has_problem(const struct problem_row *rows, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id == id) {
            return true;
        }
    }
    return false;
}

static int by_problem(const void *a, const void *b)
{
    const struct problem_row *x = a, *y = b;
    return by_moment(x->id, y->id);
}

/* Of the same cause; and the newest, for the cause of an incident may have been found later. */
static bool read_problems(struct telling_story *t)
{
    struct story *story = t->story;
    const struct recovery_query queries[] = {
        {.text = story->cause, .max = ROWS_MAX},
        {.max = PROBLEMS_MAX                   }
    };
    size_t n_kept = 0;
    if (story->subject.of == STORY_OF_PROBLEM) {
        return true;
    }
    struct problem_row *kept = arena_array(t->arena, PROBLEMS_MAX, sizeof(*kept));
    for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
        const struct problem_row *rows;
        size_t n = 0;
        if (!reader_problems(t->reader, t->arena, &queries[q], &rows, &n, t->err)) {
            return false;
        }
        for (size_t i = 0; i < n && n_kept < PROBLEMS_MAX; i++) {
            if (is_ours(story, &rows[i]) && !has_problem(kept, n_kept, rows[i].id)) {
                kept[n_kept++] = rows[i];
            }
        }
    }
    sort(kept, n_kept, sizeof(*kept), by_problem);
    story->problems = kept;
    story->n_problems = n_kept;
    return true;
}

/* ---- failures ---- */

static bool has_failure(const struct failure_row *rows, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id == id) {
            return true;
        }
    }
    return false;
}

/* Those of the query that are ours behind the n that are there. */
static bool add_failures(struct telling_story *t, const struct recovery_query *query,
                         struct failure_row *kept, size_t *n_kept)
{
    struct story *story = t->story;
    const struct failure_row *rows;
    size_t n = 0;
    if (!reader_failures(t->reader, t->arena, query, &rows, &n, t->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool is_like_it = query->fingerprint != NULL
                              ? rows[i].problem == 0
                              : strcmp(rows[i].cause, story->cause) == 0;
        bool is_theirs =
            query->problem == 0 && (!is_within(story, rows[i].at) || !is_like_it);
        if (is_theirs || has_failure(kept, *n_kept, rows[i].id)) {
            continue;
        }
        if (*n_kept == STORY_FAILURES_MAX) {
            story->has_more_failures = true;
            return true;
        }
        kept[(*n_kept)++] = rows[i];
    }
    return true;
}

static bool read_failures(struct telling_story *t)
{
    struct story *story = t->story;
    struct failure_row *kept =
        arena_array(t->arena, STORY_FAILURES_MAX + 1, sizeof(*kept));
    size_t n = story->n_failures; /* the one that it is about */
    if (n > 0) {
        kept[0] = story->failures[0];
    }
    for (size_t i = 0; i < story->n_problems; i++) {
        const struct recovery_query query = {.problem = story->problems[i].id,
                                             .max = STORY_FAILURES_MAX + 1};
        /* Those that came before there was a problem are of none: they are known by what they say. */
        const struct recovery_query like_it = {
            .fingerprint = story->problems[i].fingerprint, .max = STORY_FAILURES_MAX + 1};
        if (!add_failures(t, &query, kept, &n) ||
            (like_it.fingerprint[0] != '\0' && !add_failures(t, &like_it, kept, &n))) {
            return false;
        }
    }
    const struct recovery_query query = {.text = story->cause, .max = ROWS_MAX};
    if (story->cause[0] != '\0' && !add_failures(t, &query, kept, &n)) {
        return false;
    }
    sort(kept, n, sizeof(*kept), by_failure);
    story->failures = kept;
    story->n_failures = n;
    return true;
}

/* ---- what was decided and done about them ---- */

struct acts {
    struct recovery_row *recoveries;
    struct decision_row *decisions;
    size_t n_recoveries, n_decisions, cap_recoveries, cap_decisions;
};

static bool add_acts(struct telling_story *t, const struct recovery_query *query,
                     struct acts *acts)
{
    const struct recovery_row *recoveries;
    const struct decision_row *decisions;
    size_t n = 0, m = 0;
    if (!reader_recoveries(t->reader, t->arena, query, &recoveries, &n, t->err) ||
        !reader_decisions(t->reader, t->arena, query, &decisions, &m, t->err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        acts->recoveries = story_room(t->arena, acts->recoveries, acts->n_recoveries,
                                      &acts->cap_recoveries, sizeof(*recoveries));
        acts->recoveries[acts->n_recoveries++] = recoveries[i];
    }
    for (size_t i = 0; i < m; i++) {
        bool is_theirs =
            query->text != NULL && (strcmp(decisions[i].subject, query->text) != 0 ||
                                    !is_within(t->story, decisions[i].at));
        if (is_theirs) {
            continue;
        }
        acts->decisions = story_room(t->arena, acts->decisions, acts->n_decisions,
                                     &acts->cap_decisions, sizeof(*decisions));
        acts->decisions[acts->n_decisions++] = decisions[i];
    }
    return true;
}

/* A row may be found on two ways: sorted by id, the second one goes. */
static size_t drop_twins(char *rows, size_t n, size_t size, size_t at_id)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t id, before = 0;
        memcpy(&id, rows + i * size + at_id, sizeof(id));
        if (n_kept > 0) {
            memcpy(&before, rows + (n_kept - 1) * size + at_id, sizeof(before));
        }
        if (id != before) {
            memmove(rows + n_kept++ * size, rows + i * size, size);
        }
    }
    return n_kept;
}

/* Decisions about the cause itself: who begins, what was prepared. Its recoveries are found on
 * the way over failures and problems. */
static bool add_acts_of_cause(struct telling_story *t, struct acts *acts)
{
    size_t n_recoveries = acts->n_recoveries;
    const struct recovery_query query = {.text = t->story->cause, .max = ROWS_MAX};
    bool is_good = t->story->cause[0] == '\0' || add_acts(t, &query, acts);
    acts->n_recoveries = n_recoveries;
    return is_good;
}

static bool read_acts(struct telling_story *t)
{
    struct story *story = t->story;
    struct acts acts = {0};
    for (size_t i = 0; i < story->n_problems; i++) {
        const struct recovery_query query = {.problem = story->problems[i].id,
                                             .max = ROWS_OF_ONE};
        if (!add_acts(t, &query, &acts)) {
            return false;
        }
    }
    for (size_t i = 0; i < story->n_failures; i++) {
        const struct recovery_query query = {.failure = story->failures[i].id,
                                             .max = ROWS_OF_ONE};
        if (!add_acts(t, &query, &acts)) {
            return false;
        }
    }
    if (!add_acts_of_cause(t, &acts)) {
        return false;
    }
    sort(acts.recoveries, acts.n_recoveries, sizeof(*acts.recoveries), by_recovery);
    sort(acts.decisions, acts.n_decisions, sizeof(*acts.decisions), by_decision);
    story->recoveries = acts.recoveries;
    story->decisions = acts.decisions;
    story->n_recoveries =
        drop_twins((char *)acts.recoveries, acts.n_recoveries, sizeof(*acts.recoveries),
                   offsetof(struct recovery_row, id));
    story->n_decisions =
        drop_twins((char *)acts.decisions, acts.n_decisions, sizeof(*acts.decisions),
                   offsetof(struct decision_row, id));
    return true;
}

/* ---- workflows ---- */

static bool add_number(int64_t *ids, size_t *n, size_t max, int64_t id)
{
    for (size_t i = 0; i < *n; i++) {
        if (ids[i] == id) {
            return false;
        }
    }
    if (id > 0 && *n < max) {
        ids[(*n)++] = id;
        return true;
    }
    return false;
}

static void touch(struct telling_story *t, const char *detail, int64_t *ids, size_t *n)
{
    struct case_detail parsed;
    case_parse_detail(t->arena, detail, &parsed);
    for (size_t i = 0; i < parsed.n_affected; i++) {
        enum case_kind kind;
        int64_t id;
        if (case_id_parse(parsed.affected[i], &kind, &id) && kind == CASE_WORKFLOW) {
            (void)add_number(ids, n, WORKFLOWS_MAX, id);
        }
    }
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return by_moment(*x, *y);
}

/* Those that are parked until the service is back. */
static bool add_waiting(struct telling_story *t, int64_t *ids, size_t *n)
{
    static const char place[] = "service:";
    const struct story *story = t->story;
    const struct workflow_row *rows;
    size_t n_rows = 0;
    const struct list_query query = {.states = STATE_BIT(STATE_PARKED),
                                     .max = WORKFLOWS_MAX};
    if (wall_is_set(story->to) || strncmp(story->cause, place, sizeof(place) - 1) != 0) {
        return true;
    }
    if (!reader_list(t->reader, t->arena, &query, &rows, &n_rows, t->err)) {
        return false;
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].service, story->cause + sizeof(place) - 1) == 0) {
            (void)add_number(ids, n, WORKFLOWS_MAX, rows[i].id);
        }
    }
    return true;
}

static bool read_workflows(struct telling_story *t)
{
    struct story *story = t->story;
    int64_t *ids = arena_array(t->arena, WORKFLOWS_MAX, sizeof(*ids));
    size_t n = 0;
    if (!add_waiting(t, ids, &n)) {
        return false;
    }
    for (size_t i = 0; i < story->n_failures; i++) {
        (void)add_number(ids, &n, WORKFLOWS_MAX, story->failures[i].workflow);
        touch(t, story->failures[i].detail, ids, &n);
    }
    for (size_t i = 0; i < story->n_problems; i++) {
        touch(t, story->problems[i].detail, ids, &n);
    }
    sort(ids, n, sizeof(*ids), by_number);
    struct workflow_row *rows = arena_array(t->arena, n + 1, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        enum found found = reader_workflow(t->reader, t->arena, ids[i],
                                           &rows[story->n_workflows], t->err);
        if (found == FOUND_FAILED) {
            return false;
        }
        story->n_workflows += found == FOUND;
    }
    story->workflows = rows;
    t->touched = ids;
    t->n_touched = n;
    return true;
}

/* ---- approvals ---- */

static bool add_approvals(struct telling_story *t, const struct approval_query *query,
                          struct approval_row *kept, size_t *n_kept)
{
    const struct approval_row *rows;
    size_t n = 0;
    if (!reader_approvals(t->reader, t->arena, query, &rows, &n, t->err)) {
        return false;
    }
    for (size_t i = 0; i < n && *n_kept < APPROVALS_MAX; i++) {
        if (query->recovery != 0 || is_within(t->story, rows[i].created_at)) {
            kept[(*n_kept)++] = rows[i];
        }
    }
    return true;
}

static bool read_approvals(struct telling_story *t)
{
    struct story *story = t->story;
    struct approval_row *kept = arena_array(t->arena, APPROVALS_MAX, sizeof(*kept));
    size_t n = 0;
    for (size_t i = 0; i < story->n_recoveries; i++) {
        const struct approval_query query = {.recovery = story->recoveries[i].id,
                                             .max = ROWS_OF_ONE};
        if (!add_approvals(t, &query, kept, &n)) {
            return false;
        }
    }
    for (size_t i = 0; i < t->n_touched; i++) {
        const struct approval_query query = {.workflow = t->touched[i],
                                             .max = ROWS_OF_ONE};
        if (!add_approvals(t, &query, kept, &n)) {
            return false;
        }
    }
    sort(kept, n, sizeof(*kept), by_approval);
    story->n_approvals =
        drop_twins((char *)kept, n, sizeof(*kept), offsetof(struct approval_row, id));
    story->approvals = kept;
    return true;
}

/* ---- components: the cause, what has an anomaly, what rests on it ---- */

#define PLACES_MAX 64

static void add_place(struct telling_story *t, const char **places, const char *place)
{
    for (size_t i = 0; i < t->n_places; i++) {
        if (strcmp(places[i], place) == 0) {
            return;
        }
    }
    if (place[0] != '\0' && t->n_places < PLACES_MAX) {
        places[t->n_places++] = place;
    }
}

static void find_places(struct telling_story *t)
{
    struct story *story = t->story;
    struct err ignored = ERR_INIT;
    const char **places = arena_array(t->arena, PLACES_MAX, sizeof(*places));
    const char *detail =
        story->subject.of == STORY_OF_INCIDENT ? story->incident.detail : "{}";
    struct json *root = json_parse(detail, strlen(detail), &ignored);
    const struct json *affected = json_get(root, "affected");
    t->places = places;
    add_place(t, places, story->cause);
    for (size_t i = 0; i < story->n_anomalies; i++) {
        add_place(t, places, story->anomalies[i].component);
    }
    for (size_t i = 0; i < json_len(affected); i++) {
        const char *text = json_text(json_at(affected, i));
        add_place(t, places, arena_str(t->arena, text));
    }
    json_free(root);
}

static bool read_services(struct telling_story *t)
{
    struct story *story = t->story;
    const struct service_row *rows;
    size_t n = 0;
    if (!reader_services(t->reader, t->arena, &rows, &n, t->err)) {
        return false;
    }
    struct service_row *kept = arena_array(t->arena, n + 1, sizeof(*kept));
    for (size_t i = 0; i < n; i++) {
        const char *place = arena_printf(t->arena, "service:%s", rows[i].name);
        for (size_t j = 0; j < t->n_places; j++) {
            if (strcmp(t->places[j], place) == 0) {
                kept[story->n_services++] = rows[i];
                break;
            }
        }
    }
    story->services = kept;
    return true;
}

static bool covers(const struct story *story, const struct silence_row *row)
{
    if (row->from.ms > story_end(story).ms || row->until.ms < story->from.ms) {
        return false;
    }
    bool is_so = fnmatch(row->match, story->cause, 0) == 0;
    for (size_t i = 0; i < story->n_anomalies && !is_so; i++) {
        is_so = fnmatch(row->match, story->anomalies[i].series, 0) == 0 ||
                fnmatch(row->match, story->anomalies[i].component, 0) == 0;
    }
    return is_so;
}

static bool read_silences(struct telling_story *t)
{
    struct story *story = t->story;
    const struct silence_row *rows;
    size_t n = 0;
    if (!reader_silences(t->reader, t->arena, (struct wall){0}, &rows, &n, t->err)) {
        return false;
    }
    struct silence_row *kept = arena_array(t->arena, n + 1, sizeof(*kept));
    int64_t *ids = arena_array(t->arena, n + 1, sizeof(*ids));
    for (size_t i = n; i > 0; i--) {
        const struct silence_row *row = &rows[i - 1];
        if (!covers(story, row)) {
            continue;
        }
        ids[t->n_silenced++] = row->id;
        if (!row->is_ended && row->until.ms > story->now.ms) {
            kept[story->n_silences++] = *row;
        }
    }
    t->silenced = ids;
    story->silences = kept;
    return true;
}

bool story_read_rows(struct telling_story *t)
{
    if (!read_anomalies(t) || !read_problems(t) || !read_failures(t) || !read_acts(t) ||
        !read_workflows(t) || !read_approvals(t)) {
        return false;
    }
    find_places(t);
    return read_services(t) && read_silences(t);
}
