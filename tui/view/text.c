/* SPDX-License-Identifier: MIT */
/*
 * Diff, context and history of a workflow: three texts that are made line by line from
 * the frame, shown by one pager.
 */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/pager.h"

#define HEAD_ROWS  2 /* title line, blank */
#define TOKEN_FIND 1
#define FACTS      16 /* lines of facts in front of the context's documents */

struct text_view {
    struct view view;
    struct pager pager;
    bool is_placed; /* history: begins at its end, once */
};

struct text_source {
    const struct frame_detail *detail;
    struct wall now;
    bool is_ascii;
};

static struct view *text_open(int64_t id, const char *arg)
{
    (void)id;
    (void)arg;
    struct text_view *self = mem_alloc(sizeof *self);
    pager_init(&self->pager);
    return &self->view;
}

static void text_close(struct view *view)
{
    free(view);
}

static const struct frame_detail *detail_of(const struct view *view,
                                            const struct frame *frame)
{
    if (!frame || !frame->detail || frame->detail->is_missing ||
        frame->detail->row.id != view->id)
        return NULL;
    return frame->detail;
}

/* ---- diff
 * -------------------------------------------------------------------------------------------
 */

static bool has_prefix(const struct pager_line *line, const char *prefix)
{
    size_t len = strlen(prefix);
    return line->len >= len && memcmp(line->text, prefix, len) == 0;
}

static enum theme_role diff_role(const struct pager_line *line)
{
    static const char *const heads[] = {
        "diff ",    "index ",   "--- a/",       "+++ b/",  "--- /dev",
        "+++ /dev", "new file", "deleted file", "rename ", "similarity ",
        "old mode", "new mode", "Binary "};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (has_prefix(line, heads[i]))
            return ROLE_DIFF_FILE;
    if (has_prefix(line, "@@"))
        return ROLE_DIFF_HUNK;
    if (has_prefix(line, "+"))
        return ROLE_DIFF_ADD;
    return has_prefix(line, "-") ? ROLE_DIFF_DEL : ROLE_DIFF;
}

static void take_line(const struct frame_text *doc, int64_t index, struct pager_line *ret)
{
    size_t from = doc->starts[index], to = doc->starts[index + 1];
    while (to > from && (doc->text[to - 1] == '\n' || doc->text[to - 1] == '\r'))
        to--;
    ret->text = doc->text + from;
    ret->len = to - from;
}

static int64_t diff_lines(const struct text_source *source)
{
    const struct frame_text *doc = source->detail->docs[DOC_DIFF];
    return doc ? (int64_t)doc->n_lines : 0;
}

static bool diff_line(const void *user, int64_t index, struct pager_line *ret,
                      char *scratch)
{
    const struct text_source *source = user;
    (void)scratch;
    if (index < 0 || index >= diff_lines(source))
        return false;
    take_line(source->detail->docs[DOC_DIFF], index, ret);
    ret->role = diff_role(ret);
    return true;
}

static void diff_title(const struct text_source *source, char *text, size_t cap)
{
    const struct frame_text *doc = source->detail->docs[DOC_DIFF];
    if (doc)
        (void)snprintf(text, cap,
                       "%" PRId64 " %s, %" PRId64 " added, %" PRId64 " removed",
                       doc->n_files, doc->n_files == 1 ? "file" : "files", doc->n_added,
                       doc->n_removed);
}

/* ---- context
 * ----------------------------------------------------------------------------------------
 */

static const struct {
    enum doc_kind doc;
    const char *title;
    const char *empty;
} sections[] = {
    {DOC_TASK,     "TASK",          "the task is empty"                     },
    {DOC_PLAN,     "PLAN",          "no plan was made: the task is the plan"},
    {DOC_ERRORS,   "ERROR CONTEXT", "nothing has failed"                    },
    {DOC_COMMITS,  "COMMITS",       "no commit yet"                         },
    {DOC_METADATA, "METADATA",      "none was given"                        },
};

static bool fact_line(const struct text_source *source, int64_t index,
                      struct pager_line *ret, char *scratch)
{
    const struct workflow_row *row = &source->detail->row;
    char created[CLOCK_TEXT_MAX], finished[CLOCK_TEXT_MAX];
    const char *const facts[][2] = {
        {"repository",                  row->repo                                                      },
        {"pipeline",                    row->pipeline                                                  },
        {"agent",                       source->detail->pipeline ? source->detail->pipeline->agent : ""},
        {"submitted by",                row->submitter                                                 },
        {"submitted at",                wall_format(row->created_at,                                     false, created)},
        {"ended at",                     wall_format(row->finished_at,                                                                                    false, finished)},
        {"branch",row->branch},
        {"base",                             row->base_sha                                                                                    },
        {"head",                             row->head_sha                                                                                                                                   },
        {"merge",                             row->merge_sha  },
    };
    if (index >= (int64_t)ARRAY_LEN(facts))
        return false;
    const char *value =
        facts[index][1][0] ? facts[index][1] : glyph_text(GLYPH_DASH, source->is_ascii);
    (void)snprintf(scratch, PAGER_LINE_MAX, "%-14s%s", facts[index][0], value);
    ret->text = scratch;
    ret->len = strlen(scratch);
    ret->role = facts[index][1][0] ? ROLE_TEXT : ROLE_TEXT_DIM;
    return true;
}

static int64_t n_facts(const struct text_source *source)
{
    char scratch[PAGER_LINE_MAX];
    struct pager_line line;
    int64_t n = 0;
    while (fact_line(source, n, &line, scratch))
        n++;
    return n;
}

/* A section: blank, title, its lines or a sentence. */
static int64_t section_lines(const struct frame_text *doc)
{
    return 2 + (doc && doc->n_lines > 0 ? (int64_t)doc->n_lines : 1);
}

static int64_t context_lines(const struct text_source *source)
{
    int64_t n = n_facts(source);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        n += section_lines(source->detail->docs[sections[i].doc]);
    return n;
}

static void set_text(struct pager_line *ret, const char *text, enum theme_role role)
{
    ret->text = text;
    ret->len = strlen(text);
    ret->role = role;
}

static bool context_line(const void *user, int64_t index, struct pager_line *ret,
                         char *scratch)
{
    const struct text_source *source = user;
    if (index >= 0 && fact_line(source, index, ret, scratch))
        return true;
    index -= n_facts(source);
    for (size_t i = 0; i < ARRAY_LEN(sections) && index >= 0; i++) {
        const struct frame_text *doc = source->detail->docs[sections[i].doc];
        int64_t n = section_lines(doc);
        if (index >= n) {
            index -= n;
            continue;
        }
        if (index == 0)
            set_text(ret, "", ROLE_TEXT);
        else if (index == 1)
            set_text(ret, sections[i].title, ROLE_TITLE);
        else if (!doc || doc->n_lines == 0)
            set_text(ret, sections[i].empty, ROLE_TEXT_DIM);
        else {
            take_line(doc, index - 2, ret);
            ret->role =
                sections[i].doc == DOC_ERRORS && segment_is_failure(ret->text, ret->len)
                    ? ROLE_LOG_ERROR
                    : ROLE_TEXT;
        }
        return true;
    }
    return false;
}

/* ---- history
 * ----------------------------------------------------------------------------------------
 */

static int64_t history_lines(const struct text_source *source)
{
    return (int64_t)source->detail->n_events;
}

static bool history_line(const void *user, int64_t index, struct pager_line *ret,
                         char *scratch)
{
    const struct text_source *source = user;
    const struct frame_detail *detail = source->detail;
    if (index < 0 || index >= (int64_t)detail->n_events)
        return false;
    const struct event_row *event = &detail->events[index];
    char full[CLOCK_TEXT_MAX], change[64], actor[40];
    wall_format(event->at, false, full);
    if (event->from != event->to)
        (void)snprintf(change, sizeof change, "%s %s %s", state_name(event->from),
                       glyph_text(GLYPH_ARROW_RIGHT, source->is_ascii),
                       state_name(event->to));
    else
        (void)snprintf(change, sizeof change, "%s", state_name(event->to));
    (void)text_clean_into(actor, sizeof actor, event->actor);
    bool is_engine = strcmp(actor, "engine") == 0;
    int pad = 25 - text_cells(change, strlen(change));
    (void)snprintf(scratch, PAGER_LINE_MAX, "%.5s %.8s  %s%*s  %s%s%s%s%s", full + 5,
                   full + 11, change, pad > 0 ? pad : 0, "", event->kind,
                   is_engine ? "" : " by ", is_engine ? "" : actor,
                   event->text[0] ? ": " : "", event->text);
    ret->text = scratch;
    ret->len = strlen(scratch);
    ret->role = event->to == STATE_FAILED       ? ROLE_STATUS_ERROR
                : event->to == STATE_RECOVERING ? ROLE_STATUS_WARN
                : event->from != event->to      ? ROLE_TEXT
                                                : ROLE_TEXT_DIM;
    return true;
}

static void history_title(const struct text_source *source, char *text, size_t cap)
{
    const struct frame_detail *detail = source->detail;
    (void)snprintf(text, cap, "%s%zu events",
                   detail->has_more_events ? "the newest " : "", detail->n_events);
}

/* ---- the three classes ------------------------------------------------------------- */

struct text_kind {
    const struct view_class *klass;
    const char *title;
    const char *empty, *empty_next;
    int64_t (*n_lines)(const struct text_source *source);
    pager_line_fn *line;
    void (*note)(const struct text_source *source, char *text, size_t cap);
};

static const struct text_kind kinds[] = {
    {&diff_class,    "DIFF",    "There is no diff yet.",
     "It appears when the agent's work is committed.",           diff_lines,    diff_line,    diff_title   },
    {&context_class, "CONTEXT", "",                          "", context_lines, context_line, NULL         },
    {&history_class, "HISTORY", "Nothing has happened yet.", "", history_lines,
     history_line,                                                                            history_title},
};

static const struct text_kind *kind_of(const struct view *view)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].klass == view->klass)
            return &kinds[i];
    return &kinds[0];
}

static int text_height(const struct view *view, const struct frame *frame)
{
    int h = view->h - HEAD_ROWS - (frame ? notice_height(frame, view->now, view->h) : 0);
    return h > 1 ? h : 1;
}

static void text_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_DETAIL;
    query->workflow = view->id;
    if (view->klass == &history_class) {
        query->has_all_events = true;
        return;
    }
    query->parts |= PART_DOCS;
    query->docs = view->klass == &diff_class
                      ? DOC_BIT(DOC_DIFF)
                      : DOC_BIT(DOC_TASK) | DOC_BIT(DOC_PLAN) | DOC_BIT(DOC_ERRORS) |
                            DOC_BIT(DOC_COMMITS) | DOC_BIT(DOC_METADATA);
}

static void text_draw(const struct view *view, const struct frame *frame,
                      const struct canvas *all)
{
    const struct text_view *self = (const struct text_view *)view;
    const struct text_kind *kind = kind_of(view);
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    const struct frame_detail *detail = detail_of(view, frame);
    if (!detail) {
        bool is_gone = frame->detail && frame->detail->is_missing;
        blank_draw(&canvas,
                   is_gone ? "There is no such workflow." : "reading the workflow", "");
        return;
    }
    struct text_source source = {detail, view->now, view->is_ascii};
    char note[200], position[80];
    int64_t n = kind->n_lines(&source);
    int len = snprintf(note, sizeof note, "wf-%" PRId64 "  ", view->id);
    if (kind->note)
        kind->note(&source, note + len, sizeof note - (size_t)len);
    int used = 2 + look_title(&canvas, 2, 0, canvas.w - 3, kind->title, note);
    int h = canvas.h - HEAD_ROWS;
    if (n == 0) {
        blank_draw(&canvas, kind->empty, kind->empty_next);
        return;
    }
    canvas_right(&canvas, used + 2, 0, canvas.w - used - 3, ROLE_TEXT_DIM,
                 pager_position(&self->pager, n, h, position, sizeof position));
    struct canvas part =
        canvas_sub(&canvas, (struct rect){0, HEAD_ROWS, canvas.w - 1, h});
    pager_draw(&part, &self->pager, n, kind->line, &source);
}

static void text_on_frame(struct view *view, const struct frame *frame,
                          struct reply *reply)
{
    struct text_view *self = (struct text_view *)view;
    const struct frame_detail *detail = detail_of(view, frame);
    (void)reply;
    if (!detail)
        return;
    struct text_source source = {detail, view->now, view->is_ascii};
    int64_t n = kind_of(view)->n_lines(&source);
    if (view->klass == &history_class && !self->is_placed)
        self->pager.top = n;
    self->is_placed = true;
    int h = text_height(view, frame);
    pager_measure(&self->pager, view->w - 1, h, n, kind_of(view)->line, &source);
    pager_clamp(&self->pager, n, h);
}

static void find(struct text_view *self, const struct frame *frame, int direction,
                 bool is_first, struct reply *reply)
{
    const struct frame_detail *detail = detail_of(&self->view, frame);
    const struct text_kind *kind = kind_of(&self->view);
    if (!detail || self->pager.find[0] == '\0')
        return;
    struct text_source source = {detail, self->view.now, self->view.is_ascii};
    int64_t n = kind->n_lines(&source);
    int64_t from = self->pager.mark >= 0 ? self->pager.mark : self->pager.top;
    if (!is_first)
        from += direction;
    int64_t at = pager_find(&self->pager, from, direction, n, kind->line, &source);
    int h = text_height(&self->view, frame);
    if (at >= 0) {
        pager_show(&self->pager, at, n, h);
        (void)pager_reveal(&self->pager, self->view.w - 1, h, n, kind->line, &source);
    } else {
        reply_say(reply, MESSAGE_INFO, "nothing contains \"%s\"", self->pager.find);
    }
    reply->flags |= REPLY_REDRAW;
}

static void text_on_action(struct view *view, const struct frame *frame,
                           enum action action, struct reply *reply)
{
    struct text_view *self = (struct text_view *)view;
    const struct frame_detail *detail = detail_of(view, frame);
    struct text_source source = {detail, view->now, view->is_ascii};
    int64_t n = detail ? kind_of(view)->n_lines(&source) : 0;
    struct prompt_request request = {.label = "search",
                                     .initial = self->pager.find,
                                     .example = "text",
                                     .token = TOKEN_FIND,
                                     .is_live = true,
                                     .may_be_empty = true};
    switch (action) {
    case ACTION_SEARCH:
    case ACTION_FILTER:
        reply_ask(reply, &request);
        break;
    case ACTION_SEARCH_NEXT:
        find(self, frame, 1, false, reply);
        break;
    case ACTION_SEARCH_PREVIOUS:
        find(self, frame, -1, false, reply);
        break;
    default:
        pager_measure(&self->pager, view->w - 1, text_height(view, frame), n,
                      kind_of(view)->line, &source);
        if (pager_action(&self->pager, action, n, text_height(view, frame)))
            reply->flags |= REPLY_REDRAW;
        else
            common_action(view, detail ? &detail->row : NULL, action, reply);
        break;
    }
}

static void text_on_prompt(struct view *view, const struct frame *frame, int token,
                           const char *text, bool is_final, struct reply *reply)
{
    struct text_view *self = (struct text_view *)view;
    if (token != TOKEN_FIND) {
        common_on_prompt(view, frame, token, text, is_final, reply);
        return;
    }
    if (!text)
        return;
    (void)text_clean_into(self->pager.find, sizeof self->pager.find, text);
    reply->flags |= REPLY_REDRAW;
    if (self->pager.find[0] == '\0')
        self->pager.mark = -1;
    else
        find(self, frame, 1, true, reply);
}

static size_t text_targets(const struct view *view, const struct frame *frame,
                           int64_t *ids, size_t max)
{
    (void)frame;
    if (max == 0)
        return 0;
    ids[0] = view->id;
    return 1;
}

#define TEXT_CLASS(identifier, word, sentence)                                           \
    const struct view_class identifier = {                                               \
        .name = word,                                                                    \
        .title = word,                                                                   \
        .help = sentence,                                                                \
        .context = CONTEXT_TEXT,                                                         \
        .hints = {ACTION_SEARCH, ACTION_SEARCH_NEXT, ACTION_WRAP, ACTION_SHOW_LOG,       \
                  ACTION_SHOW_DIFF, ACTION_SHOW_CONTEXT, ACTION_SHOW_HISTORY,            \
                  ACTION_CLOSE, ACTION_HELP},                                            \
        .open = text_open,                                                               \
        .close = text_close,                                                             \
        .query = text_query,                                                             \
        .on_frame = text_on_frame,                                                       \
        .draw = text_draw,                                                               \
        .on_action = text_on_action,                                                     \
        .on_prompt = text_on_prompt,                                                     \
        .targets = text_targets,                                                         \
    }

TEXT_CLASS(diff_class, "diff", "The diff of the workflow's pull request");
TEXT_CLASS(context_class, "context", "Task, plan, error context, commits and metadata");
TEXT_CLASS(history_class, "history", "Every event of the workflow");
