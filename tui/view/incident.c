/* SPDX-License-Identifier: MIT */
/*
 * Incident: one of them whole. What it is about, since when, what it touches, and each anomaly
 * with its value, the band in which it was expected, what went with it, what was alike before
 * and what to do. What the monitor knows nothing of has a page as well: a problem, a failure, a
 * breaker. Opened by number, or with "p-2" as argument; "report p-2" asks for the file at once.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>

#include "engine/base/json.h"
#include "engine/monitor/reading.h"
#include "tui/story.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/view/sheet.h"
#include "tui/widget/look.h"

#define TOKEN_SILENCE 1
#define TOKEN_NOTE    2
#define TOKEN_REPORT  3
#define TOKEN_ASSIGN  4
#define TOKEN_LINK    5
#define INDENT        "  "

#define REPORT "report "

struct incident_view {
    struct view view;
    struct pager pager;
    char subject[FRAME_STORY_MAX];
    bool wants_report;
};

static struct view *incident_open(int64_t id, const char *arg)
{
    struct incident_view *self = mem_alloc(sizeof *self);
    self->wants_report = arg && strncmp(arg, REPORT, strlen(REPORT)) == 0;
    arg = self->wants_report ? arg + strlen(REPORT) : arg;
    if (arg && arg[0] != '\0')
        (void)text_clean_into(self->subject, sizeof self->subject, arg);
    else
        (void)snprintf(self->subject, sizeof self->subject, "%" PRId64, id);
    pager_init(&self->pager);
    return &self->view;
}

static void incident_close(struct view *view)
{
    free(view);
}

static void incident_query(const struct view *view, struct frame_query *query)
{
    const struct incident_view *self = (const struct incident_view *)view;
    query->parts = PART_INCIDENT;
    (void)snprintf(query->story, sizeof query->story, "%s", self->subject);
}

/* ---- the page ------------------------------------------------------------------------- */

static void put_list(struct sheet *sheet, const char *title, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const char *text = json_text(json_at(list, i));
        if (text)
            sheet_put(sheet, ROLE_TEXT, "%-10s%s", i == 0 ? title : "", text);
    }
}

static void put_contributing(struct sheet *sheet, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        char value[READING_MAX];
        const char *series = json_str(one, "series", "");
        sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s  %s", i == 0 ? "with" : "", series,
                  reading_format(series, json_num(one, "value", (double)NAN), value));
    }
}

static void put_similar(struct sheet *sheet, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        struct span lasted = {(int64_t)(json_num(one, "lasted_s", 0) * 1000)};
        char took[CLOCK_TEXT_MAX];
        sheet_put(sheet, ROLE_TEXT_DIM, INDENT "%-10s%s, %s after %s",
                  i == 0 ? "before" : "", json_str(one, "at", ""),
                  json_str(one, "closed_by", ""), look_span(lasted, took));
    }
}

static void put_anomaly(struct sheet *sheet, const struct anomaly_row *row)
{
    char value[READING_MAX], low[READING_MAX], high[READING_MAX], at[CLOCK_TEXT_MAX];
    struct err ignored = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    bool is_open = !wall_is_set(row->closed_at);
    sheet_put(sheet, ROLE_TEXT, "%s", "");
    sheet_put(sheet, is_open ? severity_role(row->severity) : ROLE_TEXT_DIM, "%s  %s  %s",
              severity_word(row->severity), anomaly_word(row->type), row->text);
    sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s", "series", row->series);
    if (isfinite(row->low) && isfinite(row->high))
        sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s, expected %s to %s", "value",
                  reading_format(row->series, row->value, value),
                  reading_format(row->series, row->low, low),
                  reading_format(row->series, row->high, high));
    else
        sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s", "value",
                  reading_format(row->series, row->value, value));
    sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s", "since",
              wall_format(row->began_at, false, at));
    if (!is_open)
        sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s, %s", "ended",
                  wall_format(row->closed_at, false, at), row->closed_by);
    if (row->rule[0] != '\0')
        sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s", "rule", row->rule);
    put_contributing(sheet, json_get(detail, "contributing"));
    put_similar(sheet, json_get(detail, "similar"));
    const struct json *actions = json_get(detail, "actions");
    for (size_t i = 0; i < json_len(actions); i++)
        sheet_put(sheet, ROLE_TEXT, INDENT "%-10s%s", i == 0 ? "do" : "",
                  json_text(json_at(actions, i)) ? json_text(json_at(actions, i)) : "");
    json_free(detail);
}

/* What the monitor knows nothing of. */
static void put_head(struct sheet *sheet, const struct story *story, struct wall now)
{
    char at[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX], name[STORY_NAME_MAX];
    bool is_open = !wall_is_set(story->to);
    sheet_put(sheet, severity_role(story->severity), "%s  %s",
              severity_word(story->severity), story->text);
    sheet_put(sheet, ROLE_TEXT, "%s", "");
    sheet_put(sheet, ROLE_TEXT, "%-10s%s", "cause",
              story->cause[0] != '\0' ? story->cause : "not known");
    sheet_put(sheet, ROLE_TEXT, "%-10s%s, %s ago", is_open ? "opened" : "began",
              wall_format(story->from, false, at), look_age(now, story->from, age));
    if (!is_open)
        sheet_put(sheet, ROLE_TEXT, "%-10s%s", "closed",
                  wall_format(story->to, false, at));
    sheet_put(sheet, ROLE_TEXT, "%-10s%s", "state", is_open ? "open" : "closed");
    sheet_put(sheet, ROLE_TEXT, "%-10s%s; the monitor has no incident of it", "what",
              story_name(&story->subject, name));
}

static void make_sheet(struct sheet *sheet, const struct frame_incident *data,
                       bool is_ascii, struct wall now)
{
    const struct incident_row *row = &data->row;
    char at[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX];
    struct err ignored = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    bool is_open = !wall_is_set(row->closed_at);
    sheet_put(sheet, severity_role(row->severity), "%s  %s", severity_word(row->severity),
              row->text);
    sheet_put(sheet, ROLE_TEXT, "%s", "");
    sheet_put(sheet, ROLE_TEXT, "%-10s%s", "cause", row->cause);
    sheet_put(sheet, ROLE_TEXT, "%-10s%s, %s ago", "opened",
              wall_format(row->opened_at, false, at), look_age(now, row->opened_at, age));
    if (!is_open)
        sheet_put(sheet, ROLE_TEXT, "%-10s%s", "closed",
                  wall_format(row->closed_at, false, at));
    sheet_put(sheet, ROLE_TEXT, "%-10s%s%s%s", "state", incident_word(row->state),
              row->owner[0] != '\0' ? ", " : "", row->owner);
    if (row->claimed_until.ms > now.ms)
        sheet_put(sheet, ROLE_TEXT, "%-10s%s, for another %s", "claimed", row->claimed_by,
                  look_left(wall_since(row->claimed_until, now), age));
    if (row->assignee[0] != '\0')
        sheet_put(sheet, ROLE_TEXT, "%-10s%s", "assigned", row->assignee);
    if (row->note[0] != '\0')
        sheet_put(sheet, ROLE_TEXT, "%-10s%s", "note", row->note);
    if (row->inhibited_by[0] != '\0')
        sheet_put(sheet, ROLE_TEXT, "%-10sshown, but not told: %s", "quiet",
                  row->inhibited_by);
    sheet_put(sheet, ROLE_TEXT, "%-10s%d, %d open", "anomalies", row->n_anomalies,
              row->n_open);
    struct json *links = json_parse(row->links, strlen(row->links), &ignored);
    put_list(sheet, "linked", links);
    json_free(links);
    put_list(sheet, "evidence", json_get(detail, "evidence"));
    if (data->story)
        incident_story(sheet, data->story, is_ascii);
    sheet_section(sheet, "ANOMALIES");
    for (size_t i = 0; i < data->n_anomalies; i++)
        put_anomaly(sheet, &data->anomalies[i]);
    json_free(detail);
}

static struct sheet *page_new(const struct view *view, const struct frame *frame)
{
    struct sheet *sheet = sheet_new();
    const struct frame_incident *data = frame ? frame->incident : NULL;
    if (data && data->has_row) {
        make_sheet(sheet, data, view->is_ascii, view->now);
    } else if (data && data->story) {
        put_head(sheet, data->story, view->now);
        incident_story(sheet, data->story, view->is_ascii);
    }
    return sheet;
}

static void incident_draw(const struct view *view, const struct frame *frame,
                          const struct canvas *all)
{
    const struct incident_view *self = (const struct incident_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < 2 || !frame)
        return;
    if (!frame->incident) {
        blank_draw(&canvas, "reading the incident", "");
        return;
    }
    if (frame->incident->is_missing) {
        blank_draw(&canvas, "There is none of this number.",
                   "17, p-2, f-31 or service:NAME; I lists them.");
        return;
    }
    struct sheet *sheet = page_new(view, frame);
    struct canvas body = canvas_sub(&canvas, (struct rect){2, 0, canvas.w - 3, canvas.h});
    pager_draw(&body, &self->pager, sheet->n, sheet_line, sheet);
    sheet_free(sheet);
}

static void write_report(const struct story *story, const char *path, bool is_final,
                         struct reply *reply)
{
    AUTO_BUF struct buf out;
    if (!path || !is_final)
        return;
    buf_init(&out, 4u << 20);
    story_markdown(story, &out);
    reply_save(reply, path, out.data, out.len);
    reply_copy(reply, out.data, out.len);
}

static void ask_path(const struct view *view, const struct frame *frame,
                     struct reply *reply)
{
    const struct story *story = frame && frame->incident ? frame->incident->story : NULL;
    char id[STORY_ID_MAX];
    (void)view;
    if (!story)
        return;
    (void)story_id(&story->subject, id);
    for (char *c = id; *c != '\0'; c++) /* the name of a service may be anything */
        *c = (char)(isalnum((unsigned char)*c) ? *c : '-');
    report_ask_path(reply, story->subject.of == STORY_OF_INCIDENT ? "incident" : "report",
                    id, frame->taken_at, TOKEN_REPORT);
}

static void incident_on_frame(struct view *view, const struct frame *frame,
                              struct reply *reply)
{
    struct incident_view *self = (struct incident_view *)view;
    if (self->wants_report && frame && frame->incident) {
        self->wants_report = false;
        ask_path(view, frame, reply);
    }
}

/* Why it failed: the first problem or failure of it. */
static void open_why(const struct story *story, struct reply *reply)
{
    char id[CASE_ID_MAX];
    if (story && story->n_problems > 0)
        reply_open(reply, &why_class, 0,
                   case_id(CASE_PROBLEM, story->problems[0].id, id));
    else if (story && story->n_failures > 0)
        reply_open(reply, &why_class, 0,
                   case_id(CASE_FAILURE, story->failures[0].id, id));
    else
        reply_say(reply, MESSAGE_INFO, "nothing of it failed");
}

static void incident_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct incident_view *self = (struct incident_view *)view;
    struct sheet *sheet = page_new(view, frame);
    bool is_scroll = sheet_action(sheet, &self->pager, action, view->h);
    sheet_free(sheet);
    if (is_scroll)
        reply->flags |= REPLY_REDRAW;
    else if (action == ACTION_INCIDENT_REPORT)
        ask_path(view, frame, reply);
    else if (action == ACTION_SHOW_WHY)
        open_why(frame && frame->incident ? frame->incident->story : NULL, reply);
    else if (frame && frame->incident && frame->incident->has_row)
        incident_action(&(const struct incident_row *){&frame->incident->row}, 1, action,
                        reply);
    else if (incident_is_act(action))
        reply_say(reply, MESSAGE_INFO, INCIDENT_NONE);
    else
        reply->flags |= REPLY_UNUSED;
}

static void incident_on_prompt(struct view *view, const struct frame *frame, int token,
                               const char *text, bool is_final, struct reply *reply)
{
    (void)view;
    if (!frame || !frame->incident)
        return;
    if (token == TOKEN_REPORT && frame->incident->story)
        write_report(frame->incident->story, text, is_final, reply);
    else if (frame->incident->has_row)
        incident_prompt(&(const struct incident_row *){&frame->incident->row}, 1, token,
                        text, is_final, reply);
}

static void incident_crumb(const struct view *view, const struct frame *frame, char *out,
                           size_t cap)
{
    const struct incident_view *self = (const struct incident_view *)view;
    struct story_subject subject;
    char name[STORY_NAME_MAX];
    (void)frame;
    bool is_known = story_parse(self->subject, &subject);
    (void)snprintf(out, cap, "%s", is_known ? story_name(&subject, name) : self->subject);
}

const struct view_class incident_class = {
    .name = "incident",
    .title = "incident",
    .help = "One incident: what it touches, what was done, its timeline, and a report",
    .context = CONTEXT_HEALTH,
    .hints = {ACTION_INCIDENT_ACK, ACTION_INCIDENT_NOTE, ACTION_INCIDENT_SILENCE,
              ACTION_INCIDENT_RESOLVE, ACTION_INCIDENT_REPORT, ACTION_INCIDENT_CLAIM,
              ACTION_INCIDENT_ASSIGN, ACTION_INCIDENT_LINK, ACTION_NEXT_PANEL,
              ACTION_CLOSE, ACTION_HELP},
    .open = incident_open,
    .close = incident_close,
    .query = incident_query,
    .on_frame = incident_on_frame,
    .draw = incident_draw,
    .on_action = incident_on_action,
    .on_prompt = incident_on_prompt,
    .crumb = incident_crumb,
};
