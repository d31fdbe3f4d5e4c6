/* SPDX-License-Identifier: MIT */
/*
 * Incidents: what is wrong, a row for each cause, whoever saw it: the monitor, the engine, or a
 * breaker that opened. What stands under a cause is told below or beside the list; unfolded, it
 * stands under its row, and leads on to where it lives.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/incidents_impl.h"
#include "tui/view/recovery.h"
#include "tui/widget/look.h"

#define TOKEN_TEXT (ACTION_COUNT + 1) /* incident_prompt has those of its actions */

static struct view *incidents_open(int64_t id, const char *arg)
{
    struct incidents *self = mem_alloc(sizeof *self);
    (void)id;
    (void)text_clean_into(self->text, sizeof self->text, arg ? arg : "");
    self->part = -1;
    return &self->view;
}

static void incidents_close(struct view *view)
{
    free(view);
}

static void incidents_query(const struct view *view, struct frame_query *query)
{
    const struct incidents *self = (const struct incidents *)view;
    query->parts = PART_CAUSES;
    query->is_unsettled = !self->has_all;
}

/* ---- what is shown --------------------------------------------------------------------- */

void incidents_page(const struct incidents *self, const struct causes *causes,
                    struct cause_page *page)
{
    size_t order[CAUSES_MAX];
    page->n = page->n_over = 0;
    page->n_rows = causes_order(causes, self->text, self->sort, self->is_reversed, order);
    for (size_t i = 0; i < page->n_rows; i++) {
        const struct cause_row *row = &causes->rows[order[i]];
        bool is_unfolded = strcmp(row->id, self->unfolded) == 0;
        page->n_over += wall_is_set(row->to);
        page->lines[page->n++] = (struct cause_line){row, -1};
        for (size_t k = 0; is_unfolded && k < row->n_parts; k++)
            page->lines[page->n++] = (struct cause_line){row, (int)k};
    }
}

/* Line of the cursor; of its row when the part is gone; when that is gone, what took its place. */
size_t incidents_cursor(const struct incidents *self, const struct cause_page *page)
{
    size_t best = page->n;
    if (page->n == 0 || self->cursor[0] == '\0')
        return 0;
    for (size_t i = 0; i < page->n; i++) {
        if (strcmp(page->lines[i].row->id, self->cursor) != 0)
            continue;
        if (page->lines[i].part == self->part)
            return i;
        best = page->lines[i].part < 0 ? i : best;
    }
    if (best < page->n)
        return best;
    return self->line < page->n ? self->line : page->n - 1;
}

bool incidents_is_marked(const struct incidents *self, const struct cause_row *row)
{
    for (size_t i = 0; i < self->n_marks; i++)
        if (strcmp(self->marks[i], row->id) == 0)
            return true;
    return false;
}

static bool read_page(const struct incidents *self, const struct frame *frame,
                      struct cause_page *page)
{
    page->n = 0;
    if (frame && frame->causes)
        incidents_page(self, frame->causes, page);
    return page->n > 0;
}

/* ---- handling -------------------------------------------------------------------------- */

static void put_cursor(struct incidents *self, const struct cause_page *page, size_t at)
{
    const struct cause_line *line = &page->lines[at];
    (void)snprintf(self->cursor, sizeof self->cursor, "%s", line->row->id);
    self->part = line->part;
    self->line = at;
}

/* A mark of what is gone is a mark of nothing. */
static void trim_marks(struct incidents *self, const struct causes *causes)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_marks; i++) {
        bool is_there = false;
        for (size_t k = 0; k < causes->n && !is_there; k++)
            is_there = strcmp(causes->rows[k].id, self->marks[i]) == 0;
        if (is_there && n++ != i)
            memcpy(self->marks[n - 1], self->marks[i], sizeof self->marks[i]);
    }
    self->n_marks = n;
}

static void incidents_on_frame(struct view *view, const struct frame *frame,
                               struct reply *reply)
{
    struct incidents *self = (struct incidents *)view;
    struct cause_page page;
    (void)reply;
    if (read_page(self, frame, &page))
        put_cursor(self, &page, incidents_cursor(self, &page));
    if (frame && frame->causes)
        trim_marks(self, frame->causes);
}

static bool move(struct incidents *self, const struct cause_page *page,
                 enum action action)
{
    int64_t h = (self->view.h - INCIDENTS_HEAD) / 2, by;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = h;
        break;
    case ACTION_PAGE_UP:
        by = -h;
        break;
    case ACTION_TOP:
        by = -CAUSE_LINES;
        break;
    case ACTION_END:
        by = CAUSE_LINES;
        break;
    default:
        return false;
    }
    if (page->n > 0) {
        int64_t to = (int64_t)incidents_cursor(self, page) + by, n = (int64_t)page->n;
        put_cursor(self, page, (size_t)(to < 0 ? 0 : to >= n ? n - 1 : to));
    }
    return true;
}

static void open_part(const struct cause_part *part, struct reply *reply)
{
    char id[CASE_ID_MAX];
    switch (part->kind) {
    case CAUSE_PROBLEM:
        reply_open(reply, &why_class, 0, case_id(CASE_PROBLEM, part->id, id));
        break;
    case CAUSE_FAILURE:
        reply_open(reply, &why_class, 0, case_id(CASE_FAILURE, part->id, id));
        break;
    case CAUSE_DECISION:
        reply_open(reply, &why_class, 0, case_id(CASE_DECISION, part->id, id));
        break;
    case CAUSE_BREAKER:
        reply_open(reply, &service_class, 0, part->name);
        break;
    case CAUSE_ANOMALY:
    case CAUSE_PART_COUNT:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

static void open_row(const struct cause_row *row, const char *before, struct reply *reply)
{
    char arg[FRAME_STORY_MAX];
    (void)snprintf(arg, sizeof arg, "%s%s", before, row->id);
    reply_open(reply, &incident_class,
               row->subject.of == STORY_OF_INCIDENT ? row->subject.id : 0, arg);
}

static void open_line(const struct cause_line *line, struct reply *reply)
{
    const struct cause_part *part =
        line->part >= 0 ? &line->row->parts[line->part] : NULL;
    if (part && part->kind != CAUSE_ANOMALY)
        open_part(part, reply);
    else
        open_row(line->row, "", reply);
}

/* The first of it that failed. */
static void open_why(const struct cause_row *row, struct reply *reply)
{
    for (size_t i = 0; i < row->n_parts; i++)
        if (row->parts[i].kind == CAUSE_PROBLEM || row->parts[i].kind == CAUSE_FAILURE) {
            open_part(&row->parts[i], reply);
            return;
        }
    reply_say(reply, MESSAGE_INFO, "nothing of it failed: Enter shows what it is");
}

static void toggle_mark(struct incidents *self, const struct cause_row *row,
                        struct reply *reply)
{
    size_t i = 0;
    while (i < self->n_marks && strcmp(self->marks[i], row->id) != 0)
        i++;
    if (i < self->n_marks)
        memcpy(self->marks[i], self->marks[--self->n_marks], sizeof self->marks[i]);
    else if (self->n_marks == INCIDENTS_MARKS)
        reply_say(reply, MESSAGE_WARN, "at most %d are marked", INCIDENTS_MARKS);
    else
        (void)snprintf(self->marks[self->n_marks++], STORY_ID_MAX, "%s", row->id);
}

static void mark_all(struct incidents *self, const struct cause_page *page,
                     struct reply *reply)
{
    if (self->n_marks > 0) {
        self->n_marks = 0;
        return;
    }
    for (size_t i = 0; i < page->n; i++)
        if (page->lines[i].part < 0 && self->n_marks < INCIDENTS_MARKS)
            toggle_mark(self, page->lines[i].row, reply);
    reply_say(reply, MESSAGE_INFO, "%zu marked", self->n_marks);
}

static void restart(struct incidents *self)
{
    self->cursor[0] = '\0';
    self->part = -1;
    self->line = 0;
}

static void clear(struct incidents *self)
{
    self->text[0] = '\0';
    self->has_all = false;
    restart(self);
}

/* Filter, order, marks. */
static bool arrange(struct incidents *self, const struct cause_page *page,
                    enum action action, struct reply *reply)
{
    bool has_narrowed = self->text[0] != '\0' || self->has_all;
    switch (action) {
    case ACTION_FILTER:
    case ACTION_SEARCH:
        reply_ask(reply, &(struct prompt_request){
                             .label = "filter",
                             .initial = self->text,
                             .example = "part of what, cause, who, state or id",
                             .token = TOKEN_TEXT,
                             .is_live = true,
                             .may_be_empty = true,
                         });
        return true;
    case ACTION_FILTER_STATE:
        self->has_all = !self->has_all;
        restart(self);
        break;
    case ACTION_FILTER_CLEAR:
        clear(self);
        break;
    case ACTION_SORT_NEXT:
        self->sort = (enum cause_sort)((self->sort + 1) % CAUSE_SORT_COUNT);
        break;
    case ACTION_SORT_REVERSE:
        self->is_reversed = !self->is_reversed;
        break;
    case ACTION_MARK_ALL:
        mark_all(self, page, reply);
        break;
    case ACTION_CLOSE: /* marks, what is unfolded, then the filter, before it leaves */
        if (self->n_marks > 0)
            self->n_marks = 0;
        else if (self->unfolded[0] != '\0')
            self->unfolded[0] = '\0';
        else if (has_narrowed)
            clear(self);
        else
            return false;
        break;
    default:
        return false;
    }
    reply->flags |= REPLY_REQUERY;
    return true;
}

/* The incidents to act on: marked ones, else the one under the cursor. */
static size_t targets(const struct incidents *self, const struct cause_page *page,
                      const struct incident_row **rows)
{
    size_t n = 0;
    for (size_t i = 0; i < page->n && self->n_marks > 0; i++)
        if (page->lines[i].part < 0 && page->lines[i].row->incident &&
            incidents_is_marked(self, page->lines[i].row))
            rows[n++] = page->lines[i].row->incident;
    if (self->n_marks == 0 && page->n > 0)
        rows[n] = page->lines[incidents_cursor(self, page)].row->incident;
    return self->n_marks > 0 || page->n == 0 ? n : rows[0] != NULL;
}

static void act(struct incidents *self, const struct cause_page *page, enum action action,
                struct reply *reply)
{
    const struct incident_row *rows[CAUSES_MAX];
    const struct cause_line *line = &page->lines[incidents_cursor(self, page)];
    size_t n = targets(self, page, rows);
    switch (action) {
    case ACTION_OPEN:
        open_line(line, reply);
        break;
    case ACTION_SHOW_WHY:
        open_why(line->row, reply);
        break;
    case ACTION_INCIDENT_REPORT:
        open_row(line->row, "report ", reply);
        break;
    case ACTION_UNFOLD:
        (void)snprintf(self->unfolded, sizeof self->unfolded, "%s", line->row->id);
        reply->flags |= REPLY_REDRAW;
        break;
    case ACTION_FOLD:
        self->unfolded[0] = '\0';
        self->part = -1;
        reply->flags |= REPLY_REDRAW;
        break;
    case ACTION_MARK:
        toggle_mark(self, line->row, reply);
        (void)move(self, page, ACTION_ROW_DOWN);
        reply->flags |= REPLY_REDRAW;
        break;
    case ACTION_COPY: {
        AUTO_FREE char *text =
            mem_printf("%s  %s  %s", line->row->id, severity_word(line->row->severity),
                       line->row->text);
        reply_copy(reply, text, strlen(text));
        break;
    }
    default:
        if (n == 0 && incident_is_act(action))
            reply_say(reply, MESSAGE_INFO, INCIDENT_NONE);
        else
            incident_action(rows, n, action, reply);
        break;
    }
}

static void incidents_on_action(struct view *view, const struct frame *frame,
                                enum action action, struct reply *reply)
{
    struct incidents *self = (struct incidents *)view;
    struct cause_page page;
    bool has_rows = read_page(self, frame, &page);
    if (arrange(self, &page, action, reply))
        return;
    if (move(self, &page, action))
        reply->flags |= REPLY_REDRAW;
    else if (has_rows)
        act(self, &page, action, reply);
    else
        reply->flags |= REPLY_UNUSED;
}

static void incidents_on_prompt(struct view *view, const struct frame *frame, int token,
                                const char *text, bool is_final, struct reply *reply)
{
    struct incidents *self = (struct incidents *)view;
    const struct incident_row *rows[CAUSES_MAX];
    struct cause_page page;
    if (token == TOKEN_TEXT && text) {
        (void)text_clean_into(self->text, sizeof self->text, text);
        restart(self);
        reply->flags |= REPLY_REDRAW;
    } else if (read_page(self, frame, &page)) {
        size_t n = targets(self, &page, rows);
        incident_prompt(rows, n, token, text, is_final, reply);
    }
}

/* What was done to all of the marked is done: the marks go. */
static void incidents_on_answer(struct view *view, const struct frame *frame,
                                const struct frame_answer *answer, struct reply *reply)
{
    struct incidents *self = (struct incidents *)view;
    (void)frame;
    if (!answer->is_failed && answer->n_refused == 0 && self->n_marks > 0) {
        self->n_marks = 0;
        reply->flags |= REPLY_REDRAW;
    }
}

static struct wall incidents_next_change(const struct view *view,
                                         const struct frame *frame)
{
    const struct incidents *self = (const struct incidents *)view;
    struct wall next = {0};
    struct cause_page page;
    if (!read_page(self, frame, &page))
        return next;
    for (size_t i = 0; i < page.n; i++)
        next = look_sooner(next, look_age_change(view->now, page.lines[i].row->from));
    return next;
}

/* ---- settings ---- */

static void get_filter(const struct view *view, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s", ((const struct incidents *)view)->text);
}

static bool set_filter(struct view *view, const char *value)
{
    struct incidents *self = (struct incidents *)view;
    (void)text_clean_into(self->text, sizeof self->text, value);
    restart(self);
    return true;
}

static void get_settled(const struct view *view, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s",
                   ((const struct incidents *)view)->has_all ? "yes" : "");
}

static bool set_settled(struct view *view, const char *value)
{
    struct incidents *self = (struct incidents *)view;
    bool is_yes = strcmp(value, "yes") == 0;
    if (!is_yes && value[0] != '\0' && strcmp(value, "no") != 0)
        return false;
    self->has_all = is_yes;
    restart(self);
    return true;
}

static void get_sort(const struct view *view, char *out, size_t cap)
{
    const struct incidents *self = (const struct incidents *)view;
    bool is_usual = self->sort == CAUSE_BY_SEVERITY && !self->is_reversed;
    (void)snprintf(out, cap, "%s%s", is_usual ? "" : cause_sort_word(self->sort),
                   self->is_reversed ? " reversed" : "");
}

static bool set_sort(struct view *view, const char *value)
{
    struct incidents *self = (struct incidents *)view;
    size_t len = strcspn(value, " ");
    bool is_reversed = strcmp(value + len, " reversed") == 0;
    if (value[len] != '\0' && !is_reversed)
        return false;
    for (int sort = 0; sort < CAUSE_SORT_COUNT; sort++) {
        const char *word = cause_sort_word((enum cause_sort)sort);
        bool is_it = strlen(word) == len && strncmp(word, value, len) == 0;
        if (is_it || (sort == CAUSE_BY_SEVERITY && len == 0)) {
            self->sort = (enum cause_sort)sort;
            self->is_reversed = is_reversed;
            restart(self);
            return true;
        }
    }
    return false;
}

static void get_columns(const struct view *view, char *out, size_t cap)
{
    unsigned columns = ((const struct incidents *)view)->columns;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; incidents_column(i) && used + 16 < cap; i++)
        if ((columns & 1u << i) != 0)
            used += (size_t)snprintf(out + used, cap - used, "%s%s", used > 0 ? " " : "",
                                     incidents_column(i));
}

static bool set_columns(struct view *view, const char *value)
{
    unsigned columns = 0;
    for (value += strspn(value, " "); *value != '\0'; value += strspn(value, " ")) {
        size_t len = strcspn(value, " "), i = 0;
        while (incidents_column(i) && (strlen(incidents_column(i)) != len ||
                                       strncmp(incidents_column(i), value, len) != 0))
            i++;
        if (!incidents_column(i))
            return false;
        columns |= 1u << i;
        value += len;
    }
    ((struct incidents *)view)->columns = columns;
    return true;
}

const struct view_setting incidents_settings[] = {
    {"filter",                        "a text that the rows hold", get_filter, set_filter},
    {"settled",                     "yes or no: also what is over", get_settled, set_settled},
    {"sort",                               "severity, state, who, inside or age, and perhaps reversed behind it",
     get_sort, set_sort},
    {"columns","some of id severity state who inside age what", get_columns,
     set_columns},
    {0                   },
};

static const char *setting_value(const struct view *view, const char *name, size_t i)
{
    (void)view;
    if (strcmp(name, "sort") == 0)
        return i < CAUSE_SORT_COUNT ? cause_sort_word((enum cause_sort)i) : NULL;
    if (strcmp(name, "columns") == 0)
        return incidents_column(i + 1);
    bool is_settled = strcmp(name, "settled") == 0;
    return is_settled && i < 2 ? (i == 0 ? "yes" : "no") : NULL;
}

const struct view_class incidents_class = {
    .name = "incidents",
    .title = "incidents",
    .help = "What is wrong, a row for each cause: incidents, problems, breakers",
    .context = CONTEXT_INCIDENTS,
    .hints = {ACTION_OPEN, ACTION_UNFOLD, ACTION_INCIDENT_ACK, ACTION_INCIDENT_CLAIM,
              ACTION_INCIDENT_REPORT, ACTION_FILTER, ACTION_FILTER_STATE,
              ACTION_SORT_NEXT, ACTION_MARK, ACTION_INCIDENT_SILENCE,
              ACTION_INCIDENT_RESOLVE, ACTION_HELP},
    .is_root = true,
    .settings = incidents_settings,
    .setting_value = setting_value,
    .open = incidents_open,
    .close = incidents_close,
    .query = incidents_query,
    .on_frame = incidents_on_frame,
    .draw = incidents_draw,
    .on_action = incidents_on_action,
    .on_prompt = incidents_on_prompt,
    .on_answer = incidents_on_answer,
    .next_change = incidents_next_change,
};
