/* SPDX-License-Identifier: MIT */
/* Handoff: what the next shift must know, part by part; the same as `signalbox handoff`. */
#include <inttypes.h>

#include "tui/handoff.h"
#include "tui/view/monitor.h"
#include "tui/view/sheet.h"
#include "tui/widget/look.h"

#define TOKEN_REPORT 1
#define INDENT       "  "

struct handoff_view {
    struct view view;
    struct pager pager;
};

static struct view *handoff_open(int64_t id, const char *arg)
{
    struct handoff_view *self = mem_alloc(sizeof *self);
    (void)id;
    (void)arg;
    pager_init(&self->pager);
    return &self->view;
}

static void handoff_close(struct view *view)
{
    free(view);
}

static void handoff_query(const struct view *view, struct frame_query *query)
{
    (void)view;
    query->parts = PART_HANDOFF;
}

/* ---- the page ------------------------------------------------------------------------- */

static void put_item(struct sheet *sheet, const struct handoff_item *item,
                     struct wall now)
{
    char age[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX];
    bool has_end = wall_is_set(item->until);
    bool is_over = has_end && item->until.ms <= now.ms;
    sheet_put(sheet, ROLE_TEXT, INDENT "%-12s %s", item->id, item->text);
    sheet_put(sheet, ROLE_TEXT_DIM, INDENT "%-12s %s%s%s ago, %s%s%s%s", "", item->who,
              item->who[0] != '\0' ? ", " : "", look_age(now, item->since, age),
              is_over   ? "is over"
              : has_end ? "ends in "
                        : "no end",
              has_end && !is_over ? look_left(wall_since(item->until, now), left) : "",
              item->next[0] != '\0' ? "; " : "", item->next);
}

static struct sheet *page_new(const struct view *view, const struct frame *frame)
{
    struct sheet *sheet = sheet_new();
    const struct handoff *handoff = frame ? frame->handoff : NULL;
    for (int part = 0; handoff && part < HANDOFF_PART_COUNT; part++) {
        char title[120];
        (void)snprintf(title, sizeof title, "%s  %zu",
                       handoff_title((enum handoff_part)part), handoff->n_of[part]);
        for (char *c = title; *c != '\0'; c++) /* as the titles of all panels */
            *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        if (handoff->n_of[part] == 0)
            continue;
        sheet_section(sheet, title);
        for (size_t i = 0; i < handoff->n; i++)
            if (handoff->items[i].part == (enum handoff_part)part)
                put_item(sheet, &handoff->items[i], view->now);
    }
    return sheet;
}

static void handoff_draw(const struct view *view, const struct frame *frame,
                         const struct canvas *all)
{
    const struct handoff_view *self = (const struct handoff_view *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h < 2 || !frame)
        return;
    if (!frame->handoff) {
        blank_draw(&canvas, "reading what is open", "");
        return;
    }
    if (frame->handoff->n == 0) {
        blank_draw(&canvas, "Nothing to hand over.",
                   "Nothing is open, and nobody has set anything that ends.");
        return;
    }
    struct sheet *sheet = page_new(view, frame);
    struct canvas body = canvas_sub(&canvas, (struct rect){2, 0, canvas.w - 3, canvas.h});
    pager_draw(&body, &self->pager, sheet->n, sheet_line, sheet);
    sheet_free(sheet);
}

/* ---- handling ------------------------------------------------------------------------- */

void report_ask_path(struct reply *reply, const char *what, const char *id,
                     struct wall at, int token)
{
    char name[120], stamp[CLOCK_TEXT_MAX];
    size_t n = 0;
    (void)wall_format(at, false, stamp);
    for (const char *c = stamp; *c != '\0';
         c++) /* ISO 8601, basic: no colons in a name */
        if (*c != '-' && *c != ':')
            stamp[n++] = *c;
    stamp[n] = '\0';
    (void)snprintf(name, sizeof name, "%s%s%s-%s.md", what, id[0] != '\0' ? "-" : "", id,
                   stamp);
    reply_ask(reply, &(struct prompt_request){
                         .label = "write the report to",
                         .initial = name,
                         .example = "a file that is not there yet",
                         .token = token,
                     });
}

static void handoff_on_action(struct view *view, const struct frame *frame,
                              enum action action, struct reply *reply)
{
    struct handoff_view *self = (struct handoff_view *)view;
    struct sheet *sheet = page_new(view, frame);
    bool is_scroll = sheet_action(sheet, &self->pager, action, view->h);
    sheet_free(sheet);
    if (is_scroll)
        reply->flags |= REPLY_REDRAW;
    else if (action == ACTION_INCIDENT_REPORT && frame && frame->handoff)
        report_ask_path(reply, "handoff", "", frame->taken_at, TOKEN_REPORT);
    else
        reply->flags |= REPLY_UNUSED;
}

static void handoff_on_prompt(struct view *view, const struct frame *frame, int token,
                              const char *text, bool is_final, struct reply *reply)
{
    AUTO_BUF struct buf out;
    (void)view;
    if (!text || !is_final || token != TOKEN_REPORT || !frame || !frame->handoff)
        return;
    buf_init(&out, 4u << 20);
    handoff_markdown(frame->handoff, &out);
    reply_save(reply, text, out.data, out.len);
    reply_copy(reply, out.data, out.len);
}

const struct view_class handoff_class = {
    .name = "handoff",
    .title = "handoff",
    .help = "What the next shift must know: what is open, and what was set and will end",
    .context = CONTEXT_HEALTH,
    .hints = {ACTION_INCIDENT_REPORT, ACTION_NEXT_PANEL, ACTION_CLOSE, ACTION_HELP},
    .open = handoff_open,
    .close = handoff_close,
    .query = handoff_query,
    .draw = handoff_draw,
    .on_action = handoff_on_action,
    .on_prompt = handoff_on_prompt,
};
