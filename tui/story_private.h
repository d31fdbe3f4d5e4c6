/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_STORY_PRIVATE_H
#define SIGNALBOX_TUI_STORY_PRIVATE_H

/* Inside of the story, shared by its files only. */

#include "tui/story.h"

struct telling_story {
    struct reader *reader;
    struct arena *arena;
    struct story *story;
    struct err *err;
    const char *const *places; /* components: the cause first */
    size_t n_places;
    const int64_t *touched; /* workflows */
    size_t n_touched;
    const int64_t *silenced; /* numbers of silences that cover or covered it */
    size_t n_silenced;
};

/* Room for one more of n rows; what it returns replaces rows. */
void *story_room(struct arena *arena, void *rows, size_t n, size_t *cap, size_t size);
/* The end for what is looked at: a moment after the last of it. */
struct wall story_end(const struct story *story);
/* Is `word` in text, and no part of a longer one? */
bool story_has_word(const char *text, const char *word);

/* story_rows.c: anomalies, problems, failures, and what hangs on them. False: err. */
bool story_read_rows(struct telling_story *t);
/* story_line.c: the timeline. Needs the rows. */
bool story_read_lines(struct telling_story *t);
/* story_sum.c: causes, blast radius, questions; pure, from the rows. */
void story_sum(struct telling_story *t);
/* story_past.c */
bool story_read_past(struct telling_story *t);

#endif
