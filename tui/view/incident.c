/* SPDX-License-Identifier: MIT */
/*
 * Incident: one of them whole. What it is about, since when, what it touches, and each anomaly
 * with its value, the band in which it was expected, what went with it, what was alike before
 * and what to do.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "engine/base/json.h"
#include "engine/monitor/reading.h"
#include "tui/view/monitor.h"
#include "tui/widget/look.h"
#include "tui/widget/pager.h"

#define TOKEN_SILENCE 1
#define TOKEN_NOTE    2
#define PAGE_MAX      (256 * 1024)
#define INDENT        "  "

struct incident_view {
    struct view view;
    struct pager pager;
};

static struct view *incident_open(int64_t id, const char *arg)
{
    struct incident_view *self = mem_alloc(sizeof *self);
    (void)id;
    (void)arg;
    pager_init(&self->pager);
    return &self->view;
}

static void incident_close(struct view *view)
{
    free(view);
}

static void incident_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_INCIDENT;
    query->incident = view->id;
}

/* ---- what can be done, here and in the list ------------------------------------------- */

static void send_verb(struct reply *reply, const char *verb, int64_t incident,
                      const char *key, const char *value)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "incident", incident);
    if (key)
        jsonw_str(&w, key, value);
    jsonw_close(&w, '}');
    reply_verb(reply,
               &(struct verb_request){.verb = verb, .args = buf_take(&args, NULL)});
}

void incident_action(const struct incident_row *row, enum action action,
                     struct reply *reply)
{
    switch (action) {
    case ACTION_INCIDENT_ACK:
        send_verb(reply, "ack", row->id, NULL, NULL);
        break;
    case ACTION_INCIDENT_RESOLVE:
        send_verb(reply, "resolve", row->id, NULL, NULL);
        break;
    case ACTION_INCIDENT_SILENCE:
        reply_ask(reply, &(struct prompt_request){
                             .label = "silence for",
                             .initial = "1h",
                             .example = "a duration like 30m or 2h, at most 30 days",
                             .token = TOKEN_SILENCE,
                         });
        break;
    case ACTION_INCIDENT_NOTE:
        reply_ask(reply, &(struct prompt_request){
                             .label = "note",
                             .initial = row->note,
                             .example = "what is known or being done",
                             .token = TOKEN_NOTE,
                         });
        break;
    case ACTION_COPY: {
        AUTO_FREE char *text = mem_printf("incident %" PRId64 "  %s  %s", row->id,
                                          severity_word(row->severity), row->text);
        reply_copy(reply, text, strlen(text));
        break;
    }
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

void incident_prompt(const struct incident_row *row, int token, const char *text,
                     bool is_final, struct reply *reply)
{
    struct span span;
    if (!text || !is_final)
        return;
    if (token == TOKEN_NOTE) {
        send_verb(reply, "note", row->id, "note", text);
    } else if (token == TOKEN_SILENCE && (!span_parse(text, &span) || span.ms == 0)) {
        reply_say(reply, MESSAGE_ERROR, "'%s' is no duration like 30m or 2h", text);
    } else if (token == TOKEN_SILENCE) {
        AUTO_BUF struct buf args;
        struct jsonw w;
        buf_init(&args, 4000);
        jsonw_init(&w, &args);
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "match", row->cause);
        jsonw_str(&w, "for", text);
        jsonw_close(&w, '}');
        reply_verb(reply, &(struct verb_request){.verb = "silence",
                                                 .args = buf_take(&args, NULL)});
    }
}

/* ---- the page ------------------------------------------------------------------------- */

/* Lines of text with the role of each; made anew for each drawing. */
struct sheet {
    struct buf text;
    size_t starts[2000];
    enum theme_role roles[2000];
    int64_t n;
};

static void put(struct sheet *sheet, enum theme_role role, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void put(struct sheet *sheet, enum theme_role role, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (sheet->n == (int64_t)ARRAY_LEN(sheet->starts))
        return;
    sheet->starts[sheet->n] = sheet->text.len;
    sheet->roles[sheet->n++] = role;
    (void)buf_str(&sheet->text, line);
    (void)buf_char(&sheet->text, '\n');
}

static bool sheet_line(const void *user, int64_t index, struct pager_line *ret_line,
                       char *scratch)
{
    const struct sheet *sheet = user;
    (void)scratch;
    if (index < 0 || index >= sheet->n)
        return false;
    size_t start = sheet->starts[index];
    size_t end = index + 1 < sheet->n ? sheet->starts[index + 1] : sheet->text.len;
    *ret_line = (struct pager_line){.text = sheet->text.data + start,
                                    .len = end > start ? end - start - 1 : 0,
                                    .role = sheet->roles[index]};
    return true;
}

static void put_list(struct sheet *sheet, const char *title, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const char *text = json_text(json_at(list, i));
        if (text)
            put(sheet, ROLE_TEXT, "%-10s%s", i == 0 ? title : "", text);
    }
}

static void put_contributing(struct sheet *sheet, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        char value[READING_MAX];
        const char *series = json_str(one, "series", "");
        put(sheet, ROLE_TEXT, INDENT "%-10s%s  %s", i == 0 ? "with" : "", series,
            reading_format(series, json_num(one, "value", (double)NAN), value));
    }
}

static void put_similar(struct sheet *sheet, const struct json *list)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        struct span lasted = {(int64_t)(json_num(one, "lasted_s", 0) * 1000)};
        char took[CLOCK_TEXT_MAX];
        put(sheet, ROLE_TEXT_DIM, INDENT "%-10s%s, %s after %s", i == 0 ? "before" : "",
            json_str(one, "at", ""), json_str(one, "closed_by", ""),
            look_span(lasted, took));
    }
}

static void put_anomaly(struct sheet *sheet, const struct anomaly_row *row)
{
    char value[READING_MAX], low[READING_MAX], high[READING_MAX], at[CLOCK_TEXT_MAX];
    struct err ignored = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    bool is_open = !wall_is_set(row->closed_at);
    put(sheet, ROLE_TEXT, "%s", "");
    put(sheet, is_open ? severity_role(row->severity) : ROLE_TEXT_DIM, "%s  %s  %s",
        severity_word(row->severity), anomaly_word(row->type), row->text);
    put(sheet, ROLE_TEXT, INDENT "%-10s%s", "series", row->series);
    if (isfinite(row->low) && isfinite(row->high))
        put(sheet, ROLE_TEXT, INDENT "%-10s%s, expected %s to %s", "value",
            reading_format(row->series, row->value, value),
            reading_format(row->series, row->low, low),
            reading_format(row->series, row->high, high));
    else
        put(sheet, ROLE_TEXT, INDENT "%-10s%s", "value",
            reading_format(row->series, row->value, value));
    put(sheet, ROLE_TEXT, INDENT "%-10s%s", "since",
        wall_format(row->began_at, false, at));
    if (!is_open)
        put(sheet, ROLE_TEXT, INDENT "%-10s%s, %s", "ended",
            wall_format(row->closed_at, false, at), row->closed_by);
    if (row->rule[0] != '\0')
        put(sheet, ROLE_TEXT, INDENT "%-10s%s", "rule", row->rule);
    put_contributing(sheet, json_get(detail, "contributing"));
    put_similar(sheet, json_get(detail, "similar"));
    const struct json *actions = json_get(detail, "actions");
    for (size_t i = 0; i < json_len(actions); i++)
        put(sheet, ROLE_TEXT, INDENT "%-10s%s", i == 0 ? "do" : "",
            json_text(json_at(actions, i)) ? json_text(json_at(actions, i)) : "");
    json_free(detail);
}

static void make_sheet(struct sheet *sheet, const struct frame_incident *data,
                       struct wall now)
{
    const struct incident_row *row = &data->row;
    char at[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX];
    struct err ignored = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    bool is_open = !wall_is_set(row->closed_at);
    put(sheet, severity_role(row->severity), "%s  %s", severity_word(row->severity),
        row->text);
    put(sheet, ROLE_TEXT, "%s", "");
    put(sheet, ROLE_TEXT, "%-10s%s", "cause", row->cause);
    put(sheet, ROLE_TEXT, "%-10s%s, %s ago", "opened",
        wall_format(row->opened_at, false, at), look_age(now, row->opened_at, age));
    if (!is_open)
        put(sheet, ROLE_TEXT, "%-10s%s", "closed",
            wall_format(row->closed_at, false, at));
    put(sheet, ROLE_TEXT, "%-10s%s%s%s", "state", incident_word(row->state),
        row->owner[0] != '\0' ? ", " : "", row->owner);
    if (row->note[0] != '\0')
        put(sheet, ROLE_TEXT, "%-10s%s", "note", row->note);
    if (row->inhibited_by[0] != '\0')
        put(sheet, ROLE_TEXT, "%-10sshown, but not told: %s", "quiet", row->inhibited_by);
    put(sheet, ROLE_TEXT, "%-10s%d, %d open", "anomalies", row->n_anomalies, row->n_open);
    put_list(sheet, "touches", json_get(detail, "affected"));
    put_list(sheet, "evidence", json_get(detail, "evidence"));
    for (size_t i = 0; i < data->n_anomalies; i++)
        put_anomaly(sheet, &data->anomalies[i]);
    json_free(detail);
}

static struct sheet *sheet_new(const struct frame *frame, struct wall now)
{
    struct sheet *sheet = mem_alloc(sizeof *sheet);
    buf_init(&sheet->text, PAGE_MAX);
    if (frame && frame->incident && !frame->incident->is_missing)
        make_sheet(sheet, frame->incident, now);
    return sheet;
}

static void sheet_free(struct sheet *sheet)
{
    buf_fini(&sheet->text);
    free(sheet);
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
        blank_draw(&canvas, "No incident of this number.", "");
        return;
    }
    struct sheet *sheet = sheet_new(frame, view->now);
    struct canvas body = canvas_sub(&canvas, (struct rect){2, 0, canvas.w - 3, canvas.h});
    pager_draw(&body, &self->pager, sheet->n, sheet_line, sheet);
    sheet_free(sheet);
}

static void incident_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct incident_view *self = (struct incident_view *)view;
    struct sheet *sheet = sheet_new(frame, view->now);
    bool is_scroll = pager_action(&self->pager, action, sheet->n, view->h);
    sheet_free(sheet);
    if (is_scroll)
        reply->flags |= REPLY_REDRAW;
    else if (frame && frame->incident && !frame->incident->is_missing)
        incident_action(&frame->incident->row, action, reply);
    else
        reply->flags |= REPLY_UNUSED;
}

static void incident_on_prompt(struct view *view, const struct frame *frame, int token,
                               const char *text, bool is_final, struct reply *reply)
{
    (void)view;
    if (frame && frame->incident && !frame->incident->is_missing)
        incident_prompt(&frame->incident->row, token, text, is_final, reply);
}

static void incident_crumb(const struct view *view, const struct frame *frame, char *out,
                           size_t cap)
{
    (void)frame;
    (void)snprintf(out, cap, "incident %" PRId64, view->id);
}

const struct view_class incident_class = {
    .name = "incident",
    .title = "incident",
    .help = "One incident with its anomalies",
    .context = CONTEXT_HEALTH,
    .hints = {ACTION_INCIDENT_ACK, ACTION_INCIDENT_NOTE, ACTION_INCIDENT_SILENCE,
              ACTION_INCIDENT_RESOLVE, ACTION_CLOSE, ACTION_HELP},
    .open = incident_open,
    .close = incident_close,
    .query = incident_query,
    .draw = incident_draw,
    .on_action = incident_on_action,
    .on_prompt = incident_on_prompt,
    .crumb = incident_crumb,
};
