/* SPDX-License-Identifier: MIT */
/*
 * Incident story: what belongs to an incident, below its head: what it touches as a tree, what
 * is behind it, what was done, the timeline, what is open, and earlier ones.
 */
#include <inttypes.h>

#include "tui/case_text.h"
#include "tui/story.h"
#include "tui/view/monitor.h"
#include "tui/view/sheet.h"
#include "tui/widget/look.h"

#define DAY_MS     (24 * 60 * 60 * INT64_C(1000))
#define INDENT     "  "
#define BRANCH_MAX 64

static const char *glyph(enum glyph which, bool is_ascii)
{
    return glyph_text(which, is_ascii);
}

/* "│ ├ " */
static const char *branch_of(const struct story_node *node, bool is_ascii,
                             char out[BRANCH_MAX])
{
    size_t n = 0;
    out[0] = '\0';
    for (int depth = 1; depth <= node->depth && n < BRANCH_MAX; depth++) {
        bool is_own = depth == node->depth;
        const char *mark =
            is_own ? glyph(node->is_last ? GLYPH_CORNER_BL : GLYPH_TEE_L, is_ascii)
            : (node->bars >> depth & 1u) != 0 ? glyph(GLYPH_VLINE, is_ascii)
                                              : " ";
        n += (size_t)snprintf(out + n, BRANCH_MAX - n, "%s ", mark);
    }
    return out;
}

static void put_tree(struct sheet *sheet, const struct story *story, bool is_ascii)
{
    char title[120];
    (void)snprintf(title, sizeof title, "TOUCHES  %" PRId64 " %s, %zu %s",
                   story->n_touched, story->n_touched == 1 ? "workflow" : "workflows",
                   story->n_repositories,
                   story->n_repositories == 1 ? "repository" : "repositories");
    sheet_section(sheet, title);
    for (size_t i = 0; i < story->n_nodes; i++) {
        const struct story_node *node = &story->nodes[i];
        char branch[BRANCH_MAX];
        sheet_put(sheet, node->depth == 0 ? ROLE_TEXT_STRONG : ROLE_TEXT,
                  INDENT "%s%s%s%s", branch_of(node, is_ascii, branch), node->text,
                  node->note[0] != '\0' ? "  " : "", node->note);
    }
}

static void put_causes(struct sheet *sheet, const struct story *story)
{
    if (story->n_causes + story->n_problems == 0)
        return;
    sheet_section(sheet, "BEHIND IT");
    for (size_t i = 0; i < story->n_causes; i++)
        sheet_put(sheet, ROLE_TEXT, INDENT "%.2f  %s  %s", story->causes[i].weight,
                  story->causes[i].node, story->causes[i].why);
    for (size_t i = 0; i < story->n_problems; i++) {
        const struct problem_row *row = &story->problems[i];
        sheet_put(sheet, ROLE_TEXT, INDENT "p-%" PRId64 "  %s, %" PRId64 " %s: %s",
                  row->id, class_word(row->class_), row->n_failures,
                  row->n_failures == 1 ? "failure" : "failures", row->text);
    }
}

static void put_acts(struct sheet *sheet, const struct story *story, bool is_ascii)
{
    if (story->n_recoveries == 0)
        return;
    sheet_section(sheet, "DONE");
    for (size_t i = 0; i < story->n_recoveries; i++) {
        const struct recovery_row *row = &story->recoveries[i];
        bool is_over = row->outcome[0] != '\0';
        sheet_put(
            sheet, case_rung_role(row->status), INDENT "%s %-12s r-%-4" PRId64 " %s%s%s",
            glyph(case_rung_glyph(row->status), is_ascii), rung_word(row->rung), row->id,
            recovery_status_word(row->status),
            is_over ? ": " : ", looks for: ", is_over ? row->outcome : row->expected);
    }
}

static const char *when(const struct story *story, struct wall at,
                        char text[CLOCK_TEXT_MAX])
{

    int64_t end_ms = wall_is_set(story->to) ? story->to.ms : story->now.ms;
    bool is_long = end_ms - story->from.ms > DAY_MS / 2;
    char whole[CLOCK_TEXT_MAX];
    (void)wall_format(at, false, whole);
    whole[10] = ' ';
    whole[19] = '\0';
    (void)snprintf(text, CLOCK_TEXT_MAX, "%s", whole + (is_long ? 5 : 11));
    return text;
}

static enum theme_role line_role(enum story_kind kind)
{
    switch (kind) {
    case STORY_ANOMALY:
    case STORY_FAILURE:
        return ROLE_STATUS_ERROR;
    case STORY_BREAKER:
    case STORY_PROBLEM:
        return ROLE_STATUS_WARN;
    case STORY_OPERATOR:
    case STORY_APPROVAL:
        return ROLE_TEXT_STRONG;
    case STORY_INCIDENT:
    case STORY_DECISION:
    case STORY_RECOVERY:
    case STORY_WORKFLOW:
    case STORY_ENGINE:
    case STORY_KIND_COUNT:
        break;
    }
    return ROLE_TEXT;
}

static void put_lines(struct sheet *sheet, const struct story *story)
{
    sheet_section(sheet, story->has_more_lines ? "TIMELINE  the newest" : "TIMELINE");
    for (size_t i = 0; i < story->n_lines; i++) {
        const struct story_line *line = &story->lines[i];
        char at[CLOCK_TEXT_MAX];
        sheet_put(sheet, line_role(line->kind), INDENT "%s  %-9s %-11s %-8s %s",
                  when(story, line->at, at), story_word(line->kind),
                  line->kind == STORY_INCIDENT ? "" : line->subject, line->actor,
                  line->text);
    }
}

static void put_questions(struct sheet *sheet, const struct story *story)
{
    if (story->n_questions == 0)
        return;
    sheet_section(sheet, "OPEN");
    for (size_t i = 0; i < story->n_questions; i++)
        sheet_put(sheet, ROLE_TEXT, INDENT "%s", story->questions[i]);
}

static void put_past(struct sheet *sheet, const struct story *story)
{
    sheet_section(sheet, "BEFORE");
    if (story->n_past == 0)
        sheet_put(sheet, ROLE_TEXT_DIM, INDENT "nothing of this cause is known");
    for (size_t i = 0; i < story->n_past; i++) {
        const struct story_past *past = &story->past[i];
        char name[STORY_NAME_MAX], age[CLOCK_TEXT_MAX], took[CLOCK_TEXT_MAX];
        sheet_put(sheet, ROLE_TEXT, INDENT "%s, %s ago, %s%s: %s",
                  story_name(&past->subject, name), look_age(story->now, past->at, age),
                  past->lasted.ms > 0 ? "lasted " : "not over",
                  past->lasted.ms > 0 ? look_span(past->lasted, took) : "", past->text);
        sheet_put(sheet, past->helped[0] != '\0' ? ROLE_STATUS_OK : ROLE_TEXT_DIM,
                  INDENT INDENT "helped: %s%s%s",
                  past->helped[0] != '\0' ? past->helped : "nothing known",
                  past->note[0] != '\0' ? "; " : "", past->note);
    }
}

void incident_story(struct sheet *sheet, const struct story *story, bool is_ascii)
{
    put_tree(sheet, story, is_ascii);
    put_questions(sheet, story);
    put_causes(sheet, story);
    put_acts(sheet, story, is_ascii);
    put_past(sheet, story);
    put_lines(sheet, story);
}
