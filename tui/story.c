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

bool story_id_parse(const char *text, enum story_of *ret_of, int64_t *ret_id)
{
    enum case_kind kind;
    int64_t id;
    char *end = NULL;
    if (case_id_parse(text, &kind, &id) && kind == CASE_PROBLEM) {
        *ret_of = STORY_OF_PROBLEM;
        *ret_id = id;
        return true;
    }
    text += (text[0] == 'i' || text[0] == 'I') && text[1] == '-' ? 2 : 0;
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 18) {
        return false;
    }
    long long number = strtoll(text, &end, 10);
    if (*end != '\0' || number <= 0) {
        return false;
    }
    *ret_of = STORY_OF_INCIDENT;
    *ret_id = number;
    return true;
}

const char *story_name(enum story_of of, int64_t id, char text[STORY_NAME_MAX])
{
    (void)snprintf(text, STORY_NAME_MAX, "%s%" PRId64,
                   of == STORY_OF_INCIDENT ? "incident " : "problem p-", id);
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
        *story = (struct story){.of = STORY_OF_INCIDENT,
                                .id = id,
                                .incident = row,
                                .severity = row.severity,
                                .cause = row.cause,
                                .text = row.text,
                                .from = row.opened_at,
                                .to = row.closed_at,
                                .now = story->now};
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
    *story = (struct story){.of = STORY_OF_PROBLEM,
                            .id = id,
                            .severity = row->severity,
                            .cause = row->cause,
                            .text = row->text,
                            .from = row->opened_at,
                            .to = row->closed_at,
                            .now = story->now,
                            .problems = row,
                            .n_problems = 1};
    return FOUND;
}
enum found story_read(struct reader *reader, struct arena *arena, enum story_of of,
                      int64_t id, struct wall now, struct story *ret_story,
                      struct err *err)
{
    struct story story = {.now = now};
    struct telling_story t = {
        .reader = reader, .arena = arena, .story = &story, .err = err};
    enum found found =
        of == STORY_OF_PROBLEM ? read_problem(&t, id) : read_incident(&t, id);
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
