/* SPDX-License-Identifier: MIT */
/* Story markdown: the report, section by section. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/reading.h"
#include "tui/markdown.h"
#include "tui/story.h"

#define CELL_MAX 1024

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void heading(struct buf *out, const char *title)
{
    (void)buf_printf(out, "\n## %s\n\n", title);
}

/* "2026-11-22 13:41:02" */
static const char *stamp(struct wall at, char text[CLOCK_TEXT_MAX])
{
    (void)wall_format(at, false, text);
    text[10] = ' ';
    text[19] = '\0';
    return text;
}

/* ---- what it was ---- */

static void fact(struct buf *out, const char *label, const char *text)
{
    if (text[0] != '\0') {
        (void)buf_printf(out, "| %s | ", label);
        markdown_text(out, text);
        (void)buf_str(out, " |\n");
    }
}

static void write_links(struct buf *out, const char *links)
{
    struct err ignored = ERR_INIT;
    struct json *list = json_parse(links, strlen(links), &ignored);
    for (size_t i = 0; i < json_len(list); i++) {
        const char *text = json_text(json_at(list, i));
        fact(out, i == 0 ? "Linked" : "", text != NULL ? text : "");
    }
    json_free(list);
}

static void write_head(struct buf *out, const struct story *story)
{
    char name[STORY_NAME_MAX], at[CLOCK_TEXT_MAX], lasted[CLOCK_TEXT_MAX], cell[CELL_MAX];
    bool is_over = wall_is_set(story->to);
    const struct incident_row *row = &story->incident;
    bool is_incident = story->subject.of == STORY_OF_INCIDENT;
    (void)story_name(&story->subject, name);
    name[0] = (char)toupper((unsigned char)name[0]);
    if (story->subject.of == STORY_OF_BREAKER) { /* its text begins with the name */
        (void)buf_str(out, "# ");
    } else {
        (void)buf_printf(out, "# %s: ", name);
    }
    markdown_text(out, story->text);
    (void)buf_str(out, "\n\n| | |\n|---|---|\n");
    fact(out, "Severity", severity_word(story->severity));
    (void)snprintf(cell, sizeof(cell), "%s%s%s",
                   is_over       ? "over"
                   : is_incident ? incident_word(row->state)
                                 : "open",
                   is_incident && row->owner[0] != '\0' ? ", looked after by " : "",
                   is_incident ? row->owner : "");
    fact(out, "State", cell);
    fact(out, "Cause", story->cause[0] != '\0' ? story->cause : "not known");
    (void)snprintf(cell, sizeof(cell), "%s UTC", stamp(story->from, at));
    fact(out, "Began", cell);
    if (is_over) {
        (void)snprintf(cell, sizeof(cell), "%s UTC, after %s", stamp(story->to, at),
                       span_format(wall_since(story->to, story->from), lasted));
    } else {
        (void)snprintf(cell, sizeof(cell), "not yet, %s so far",
                       span_format(wall_since(story->now, story->from), lasted));
    }
    fact(out, "Ended", cell);
    fact(out, "Assigned to", is_incident ? row->assignee : "");
    fact(out, "Note", is_incident ? row->note : "");
    write_links(out, is_incident ? row->links : "");
    (void)snprintf(cell, sizeof(cell), "%s UTC", stamp(story->now, at));
    fact(out, "As of", cell);
}

static int64_t count_failures(const struct story *story, enum failure_status status)
{
    int64_t n = 0;
    for (size_t i = 0; i < story->n_failures; i++) {
        n += story->failures[i].status == status;
    }
    return n;
}

static void write_summary(struct buf *out, const struct story *story)
{
    char at[CLOCK_TEXT_MAX], lasted[CLOCK_TEXT_MAX];
    bool is_over = wall_is_set(story->to);
    heading(out, "Summary");
    (void)buf_printf(out, "From %s UTC ", stamp(story->from, at));
    if (is_over) {
        (void)buf_printf(out, "for %s",
                         span_format(wall_since(story->to, story->from), lasted));
    } else {
        (void)buf_str(out, "on, and still now,");
    }
    (void)buf_printf(out, " there was trouble of severity %s with ",
                     severity_word(story->severity));
    markdown_text(out, story->cause[0] != '\0' ? story->cause : "an unknown component");
    (void)buf_str(out, ": ");
    markdown_text(out, story->text);
    (void)buf_printf(
        out, ".\nThe monitor saw %zu %s; %s%zu %s of %" PRId64 " %s failed, ",
        story->n_anomalies, plural((int64_t)story->n_anomalies, "anomaly", "anomalies"),
        story->has_more_failures ? "more than " : "", story->n_failures,
        plural((int64_t)story->n_failures, "step", "steps"), story->n_touched,
        plural(story->n_touched, "workflow", "workflows"));
    (void)buf_printf(
        out,
        "of which %" PRId64 " recovered without a person and %" PRId64
        " with one; %" PRId64 " were lost and %" PRId64 " are not settled.\n",
        count_failures(story, FAILURE_RECOVERED), count_failures(story, FAILURE_HELPED),
        count_failures(story, FAILURE_LOST),
        count_failures(story, FAILURE_OPEN) + count_failures(story, FAILURE_ESCALATED));
}

/* ---- impact ---- */

static void write_names(struct buf *out, const char *label, const char *const *names,
                        size_t n)
{
    if (n == 0) {
        return;
    }
    (void)buf_printf(out, "- %s: %zu (", label, n);
    for (size_t i = 0; i < n; i++) {
        (void)buf_str(out, i > 0 ? ", " : "");
        markdown_text(out, names[i]);
    }
    (void)buf_str(out, ")\n");
}

static void write_impact(struct buf *out, const struct story *story)
{
    heading(out, "Impact");
    (void)buf_printf(out, "- Workflows: %" PRId64 "\n", story->n_touched);
    if (story->n_queued >= 0) {
        (void)buf_printf(out, "- In the queue behind it: %" PRId64 "\n", story->n_queued);
    }
    write_names(out, "Repositories", story->repositories, story->n_repositories);
    write_names(out, "Environments", story->environments, story->n_environments);
    (void)buf_str(out, "\nBlast radius:\n\n");
    for (size_t i = 0; i < story->n_nodes; i++) {
        const struct story_node *node = &story->nodes[i];
        (void)buf_printf(out, "%*s- ", node->depth * 2, "");
        markdown_text(out, node->text);
        if (node->note[0] != '\0') {
            (void)buf_str(out, " (");
            markdown_text(out, node->note);
            (void)buf_char(out, ')');
        }
        (void)buf_char(out, '\n');
    }
}

/* ---- timeline ---- */

static void write_timeline(struct buf *out, const struct story *story)
{
    static const char *const titles[] = {"Time (UTC)", "What", "Who", ""};
    heading(out, "Timeline");
    if (story->has_more_lines) {
        (void)buf_printf(out, "Only the newest %zu entries.\n\n", story->n_lines);
    }
    markdown_titles(out, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < story->n_lines; i++) {
        const struct story_line *line = &story->lines[i];
        char at[CLOCK_TEXT_MAX], what[CELL_MAX];
        (void)snprintf(what, sizeof(what), "%s%s%s", story_word(line->kind),
                       line->subject[0] != '\0' ? " " : "", line->subject);
        const char *shown = strncmp(line->subject, story_word(line->kind),
                                    strlen(story_word(line->kind))) == 0
                                ? line->subject
                                : what; /* "anomaly 41" says it already */
        markdown_row(
            out,
            (const char *const[]){stamp(line->at, at), shown, line->actor, line->text},
            4);
    }
}

/* ---- cause ---- */

static void write_contributing(struct buf *out, const struct story *story)
{
    for (size_t i = 0; i < story->n_anomalies; i++) {
        const struct anomaly_row *row = &story->anomalies[i];
        char value[READING_MAX], low[READING_MAX], high[READING_MAX];
        (void)buf_printf(out, "- anomaly %" PRId64 ": ", row->id);
        markdown_text(out, row->series);
        (void)buf_str(out, " was ");
        markdown_text(out, reading_format(row->series, row->value, value));
        if (isfinite(row->low) && isfinite(row->high)) {
            (void)buf_str(out, ", expected ");
            markdown_text(out, reading_format(row->series, row->low, low));
            (void)buf_str(out, " to ");
            markdown_text(out, reading_format(row->series, row->high, high));
        }
        (void)buf_char(out, '\n');
    }
}

static void write_evidence(struct buf *out, const struct story *story)
{
    for (size_t i = 0; i < story->n_problems; i++) {
        const struct problem_row *row = &story->problems[i];
        (void)buf_printf(out, "- problem p-%" PRId64 ": ", row->id);
        markdown_text(out, row->text);
        (void)buf_printf(out, " (%s, %" PRId64 " %s of %" PRId64 " %s)\n",
                         class_word(row->class_), row->n_failures,
                         plural(row->n_failures, "failure", "failures"), row->n_workflows,
                         plural(row->n_workflows, "workflow", "workflows"));
    }
}

static void write_cause(struct buf *out, const struct story *story)
{
    static const char *const titles[] = {"Weight", "Component", "Failures that name it",
                                         "Why"};
    heading(out, "Root cause");
    (void)buf_str(out, "Held to be the cause: ");
    markdown_text(out, story->cause[0] != '\0' ? story->cause : "not known");
    (void)buf_str(out, ".\n\n");
    if (story->n_causes > 0) {
        markdown_titles(out, titles, ARRAY_LEN(titles));
    }
    for (size_t i = 0; i < story->n_causes; i++) {
        const struct story_cause *cause = &story->causes[i];
        char weight[32], n[32];
        (void)snprintf(weight, sizeof(weight), "%.2f", cause->weight);
        (void)snprintf(n, sizeof(n), "%d of %zu", cause->n, story->n_failures);
        markdown_row(out, (const char *const[]){weight, cause->node, n, cause->why}, 4);
    }
    if (story->n_problems + story->n_anomalies > 0) {
        (void)buf_str(out, story->n_causes > 0 ? "\nEvidence:\n\n" : "Evidence:\n\n");
    }
    write_evidence(out, story);
    write_contributing(out, story);
}

/* ---- what was done ---- */

static void write_acts(struct buf *out, const struct story *story)
{
    static const char *const titles[] = {"", "What", "Chosen by", "Why", "How it ended"};
    size_t n_helped = 0;
    heading(out, "What was done");
    if (story->n_recoveries == 0) {
        (void)buf_str(out, "Nothing by the engine. What operators did is in the "
                           "timeline.\n");
    } else {
        markdown_titles(out, titles, ARRAY_LEN(titles));
    }
    for (size_t i = 0; i < story->n_recoveries; i++) {
        const struct recovery_row *row = &story->recoveries[i];
        char id[CASE_ID_MAX], what[CELL_MAX], end[CELL_MAX];
        (void)snprintf(what, sizeof(what), "%s%s%s", rung_word(row->rung),
                       row->service[0] != '\0' ? " for " : "", row->service);
        (void)snprintf(end, sizeof(end), "%s%s%s", recovery_status_word(row->status),
                       row->outcome[0] != '\0' ? ": " : "", row->outcome);
        markdown_row(out,
                     (const char *const[]){case_id(CASE_RECOVERY, row->id, id), what,
                                           decider_word(row->decider), row->reason, end},
                     5);
        n_helped += row->status == RECOVERY_PASSED;
    }
    heading(out, "What helped");
    for (size_t i = 0; i < story->n_recoveries; i++) {
        const struct recovery_row *row = &story->recoveries[i];
        if (row->status == RECOVERY_PASSED) {
            (void)buf_printf(out, "- %s (r-%" PRId64 "): ", rung_word(row->rung),
                             row->id);
            markdown_text(out, row->outcome[0] != '\0' ? row->outcome : row->expected);
            (void)buf_char(out, '\n');
        }
    }
    if (n_helped == 0) {
        (void)buf_str(out, "No recovery is known to have helped.\n");
    }
}

/* ---- what is left ---- */

static void write_questions(struct buf *out, const struct story *story)
{
    heading(out, "Open questions");
    for (size_t i = 0; i < story->n_questions; i++) {
        (void)buf_str(out, "- [ ] ");
        markdown_text(out, story->questions[i]);
        (void)buf_char(out, '\n');
    }
    if (story->n_questions == 0) {
        (void)buf_str(out, "None that the records show.\n");
    }
}

static void write_past(struct buf *out, const struct story *story)
{
    heading(out, "Similar before");
    for (size_t i = 0; i < story->n_past; i++) {
        const struct story_past *past = &story->past[i];
        char name[STORY_NAME_MAX], at[CLOCK_TEXT_MAX], lasted[CLOCK_TEXT_MAX];
        (void)buf_printf(out, "- %s, %s UTC", story_name(&past->subject, name),
                         stamp(past->at, at));
        if (past->lasted.ms > 0) {
            (void)buf_printf(out, ", %s", span_format(past->lasted, lasted));
        }
        (void)buf_str(out, ": ");
        markdown_text(out, past->text);
        (void)buf_str(out, ". Helped: ");
        markdown_text(out, past->helped[0] != '\0' ? past->helped
                                                   : "nothing known, it ended by itself");
        if (past->note[0] != '\0') {
            (void)buf_str(out, ". Note: ");
            markdown_text(out, past->note);
        }
        (void)buf_char(out, '\n');
    }
    if (story->n_past == 0) {
        (void)buf_str(out, "None of this cause that is kept.\n");
    }
}

void story_markdown(const struct story *story, struct buf *out)
{
    write_head(out, story);
    write_summary(out, story);
    write_impact(out, story);
    write_timeline(out, story);
    write_cause(out, story);
    write_acts(out, story);
    write_questions(out, story);
    write_past(out, story);
}
