/* SPDX-License-Identifier: MIT */
#include "tui/story.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "tui/story_private.h"

#define TAIL_MS (10 * 60 * 1000) /* what follows an end still belongs to it for so long */

const char *story_word(enum story_kind kind)
{
    static const char *const words[] = {
#define X(id, word) [id] = word,
        STORY_LIST(X)
#undef X
    };
    return (unsigned)kind < STORY_KIND_COUNT ? words[kind] : "?";
}

bool story_parse(const char *text, struct story_subject *ret_subject)
{
    static const char place[] = "service:";
    struct story_subject subject = {.of = STORY_OF_INCIDENT};
    enum case_kind kind;
    char *end = NULL;
    if (strncmp(text, place, sizeof(place) - 1) == 0) {
        const char *name = text + sizeof(place) - 1;
        subject.of = STORY_OF_BREAKER;
        (void)snprintf(subject.service, sizeof(subject.service), "%.79s", name);
        *ret_subject = subject;
        return name[0] != '\0' && strlen(name) < STORY_SERVICE_MAX;
    }
    if (case_id_parse(text, &kind, &subject.id)) {
        subject.of = kind == CASE_PROBLEM ? STORY_OF_PROBLEM : STORY_OF_FAILURE;
        *ret_subject = subject;
        return kind == CASE_PROBLEM || kind == CASE_FAILURE;
    }
    text += (text[0] == 'i' || text[0] == 'I') && text[1] == '-' ? 2 : 0;
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 18) {
        return false;
    }
    subject.id = strtoll(text, &end, 10);
    *ret_subject = subject;
    return *end == '\0' && subject.id > 0;
}

const char *story_id(const struct story_subject *subject, char text[STORY_ID_MAX])
{
    char id[CASE_ID_MAX];
    switch (subject->of) {
    case STORY_OF_INCIDENT:
        (void)snprintf(text, STORY_ID_MAX, "%" PRId64, subject->id);
        break;
    case STORY_OF_PROBLEM:
    case STORY_OF_FAILURE:
        (void)snprintf(
            text, STORY_ID_MAX, "%s",
            case_id(subject->of == STORY_OF_PROBLEM ? CASE_PROBLEM : CASE_FAILURE,
                    subject->id, id));
        break;
    case STORY_OF_BREAKER:
        (void)snprintf(text, STORY_ID_MAX, "service:%s", subject->service);
        break;
    }
    return text;
}

const char *story_name(const struct story_subject *subject, char text[STORY_NAME_MAX])
{
    static const char *const words[] = {[STORY_OF_INCIDENT] = "incident",
                                        [STORY_OF_PROBLEM] = "problem",
                                        [STORY_OF_FAILURE] = "failure",
                                        [STORY_OF_BREAKER] = "breaker of"};
    char id[STORY_ID_MAX];
    (void)snprintf(text, STORY_NAME_MAX, "%s %s", words[subject->of],
                   subject->of == STORY_OF_BREAKER ? subject->service
                                                   : story_id(subject, id));
    return text;
}

void *story_room(struct arena *arena, void *rows, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) {
        return rows;
    }
    *cap = *cap == 0 ? 16 : 2 * *cap;
    void *more = arena_array(arena, *cap, size);
    if (n > 0) {
        memcpy(more, rows, n * size);
    }
    return more;
}

struct wall story_end(const struct story *story)
{
    int64_t end_ms = story->to.ms + TAIL_MS;
    return (struct wall){wall_is_set(story->to) ? end_ms : story->now.ms};
}

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

bool story_has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    if (len == 0) {
        return false;
    }
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == text || !is_of_word(at[-1])) && !is_of_word(at[len])) {
            return true;
        }
    }
    return false;
}

static enum found read_incident(struct telling_story *t, int64_t id)
{
    struct story *story = t->story;
    struct incident_row row;
    enum found found = reader_incident(t->reader, t->arena, id, &row, t->err);
    if (found == FOUND) {
        *story = (struct story){
            .subject = {.of = STORY_OF_INCIDENT, .id = id},
            .incident = row,
            .severity = row.severity,
            .cause = row.cause,
            .text = row.text,
            .from = row.opened_at,
            .to = row.closed_at,
            .now = story->now
        };
    }
    return found;
}

static enum found read_problem(struct telling_story *t, int64_t id)
{
    struct story *story = t->story;
    struct problem_row *row = arena_alloc(t->arena, sizeof(*row));
    enum found found = reader_problem(t->reader, t->arena, id, row, t->err);
    if (found != FOUND) {
        return found;
    }
    found = row->incident != 0 ? read_incident(t, row->incident) : MISSING;
    if (found != MISSING) {
        return found;
    }
    *story = (struct story){
        .subject = {.of = STORY_OF_PROBLEM, .id = id},
        .severity = row->severity,
        .cause = row->cause,
        .text = row->text,
        .from = row->opened_at,
        .to = row->closed_at,
        .now = story->now,
        .problems = row,
        .n_problems = 1
    };
    return FOUND;
}

bool story_is_cause(const char *node)
{
    return node[0] != '\0' && strcmp(node, "change") != 0 && strcmp(node, "unknown") != 0;
}

/* The change of one workflow is a cause of its own: others may be at fault as well. */
static const char *cause_of(struct arena *arena, const struct failure_row *row)
{
    return strcmp(row->cause, "change") == 0
               ? arena_printf(arena, "change of wf-%" PRId64, row->workflow)
           : story_is_cause(row->cause) ? row->cause
                                        : "";
}

static enum found read_failure(struct telling_story *t, int64_t id)
{
    struct story *story = t->story;
    struct failure_row *row = arena_alloc(t->arena, sizeof(*row));
    enum found found = reader_failure(t->reader, t->arena, id, row, t->err);
    if (found != FOUND) {
        return found;
    }
    found = row->problem != 0 ? read_problem(t, row->problem) : MISSING;
    if (found != MISSING) {
        return found;
    }
    *story = (struct story){
        .subject = {.of = STORY_OF_FAILURE, .id = id},
        .severity = row->severity,
        .cause = cause_of(t->arena, row),
        .text = row->text,
        .from = row->at,
        .to = row->settled_at,
        .now = story->now,
        .failures = row,
        .n_failures = 1
    };
    return FOUND;
}

enum severity story_breaker_severity(enum breaker_state state)
{
    return state == BREAKER_OPEN        ? SEVERITY_HIGH
           : state == BREAKER_HALF_OPEN ? SEVERITY_MEDIUM
                                        : SEVERITY_LOW;
}

bool story_is_open_breaker(enum breaker_state state)
{
    return state == BREAKER_OPEN || state == BREAKER_HALF_OPEN ||
           state == BREAKER_FORCED_OPEN;
}

static enum found read_breaker(struct telling_story *t,
                               const struct story_subject *subject)
{
    struct story *story = t->story;
    const struct service_row *rows;
    size_t n = 0, at = 0;
    if (!reader_services(t->reader, t->arena, &rows, &n, t->err)) {
        return FOUND_FAILED;
    }
    while (at < n && strcmp(rows[at].name, subject->service) != 0) {
        at++;
    }
    if (at == n) {
        return MISSING;
    }
    const struct service_row *row = &rows[at];
    const struct wall open = {0};
    bool is_open = story_is_open_breaker(row->state);
    *story = (struct story){
        .subject = *subject,
        .severity = story_breaker_severity(row->state),
        .cause = arena_printf(t->arena, "service:%s", row->name),
        .text = arena_printf(t->arena, "%s: breaker %s%s%s", row->name,
                             breaker_state_word(row->state),
                             row->reason[0] != '\0' ? ", " : "", row->reason),
        .from = row->since,
        .to = is_open ? open : row->since,
        .now = story->now};
    return FOUND;
}

static enum found read_subject(struct telling_story *t,
                               const struct story_subject *subject)
{
    switch (subject->of) {
    case STORY_OF_INCIDENT:
        return read_incident(t, subject->id);
    case STORY_OF_PROBLEM:
        return read_problem(t, subject->id);
    case STORY_OF_FAILURE:
        return read_failure(t, subject->id);
    case STORY_OF_BREAKER:
        break;
    }
    return read_breaker(t, subject);
}

enum found story_read(struct reader *reader, struct arena *arena,
                      const struct story_subject *subject, struct wall now,
                      struct story *ret_story, struct err *err)
{
    struct story story = {.now = now};
    struct telling_story t = {
        .reader = reader, .arena = arena, .story = &story, .err = err};
    enum found found = read_subject(&t, subject);
    if (found != FOUND) {
        return found;
    }
    if (!story_read_rows(&t) || !story_read_lines(&t) || !story_read_past(&t)) {
        return FOUND_FAILED;
    }
    story_sum(&t);
    *ret_story = story;
    return FOUND;
}
