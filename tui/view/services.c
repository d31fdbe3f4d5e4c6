/* SPDX-License-Identifier: MIT */
/*
 * Services: every external service with its breaker as a signal, and one of them whole.
 *
 * `services` is the list (with the selected one beside it where there is room), `service` one of
 * them. Both ask for the same part of a frame. The cursor stays on its service by name.
 */
#include <ctype.h>
#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "tui/rank.h"
#include "tui/view/chosen.h"
#include "tui/view/common.h"
#include "tui/widget/look.h"
#include "tui/widget/signal.h"
#include "tui/widget/table.h"

#define HEAD_ROWS   3
#define TOKEN_FORCE 1

enum column_id {
    COL_LAMP,
    COL_NAME,
    COL_STATE,
    COL_NEXT,
    COL_P95,
    COL_ERRORS,
    COL_SLOW,
    COL_LOAD,
    COL_QUOTA,
    COL_FALLBACK,
    COLUMNS
};

static const struct column columns[COLUMNS] = {
    [COL_LAMP] = {"",             1,  1,  0, false, -1},
    [COL_NAME] = {"NAME",         15, 20, 0, false, 0 },
    [COL_STATE] = {"BREAKER",      13, 13, 0, false, 1 },
    [COL_NEXT] = {"NEXT",         13, 14, 2, false, -1},
    [COL_P95] = {"P95",          6,  6,  3, true,  3 },
    [COL_ERRORS] = {"ERRORS",       6,  6,  1, true,  2 },
    [COL_SLOW] = {"SLOW",         5,  5,  6, true,  -1},
    [COL_LOAD] = {"AT ONCE",      8,  9,  5, true,  4 },
    [COL_QUOTA] = {"QUOTA",        14, 16, 4, true,  -1},
    [COL_FALLBACK] = {"IN ITS PLACE", 12, 24, 7, false, -1},
};

struct services {
    struct list_view list;
    char cursor[80]; /* name; "" = the first one */
    int scroll;      /* `service`: first line shown */
};

static struct view *services_open(int64_t id, const char *arg)
{
    struct services *list = mem_alloc(sizeof *list);
    (void)id;
    (void)text_clean_into(list->cursor, sizeof list->cursor, arg);
    return &list->list.view;
}

static void services_close(struct view *view)
{
    free(view);
}

static void services_query(const struct view *view, struct frame_query *query)
{
    query->parts = PART_SERVICES;
    if (view->klass == &services_class)
        chosen_query(view, query);
}

static size_t find_cursor(const struct services *list, const struct frame_services *data)
{
    for (size_t i = 0; i < data->n; i++)
        if (strcmp(data->services[i].row.name, list->cursor) == 0)
            return i;
    return 0;
}

static const struct frame_service *selected(const struct services *list,
                                            const struct frame *frame)
{
    if (!frame || !frame->services || frame->services->n == 0)
        return NULL;
    const struct frame_service *service =
        &frame->services->services[find_cursor(list, frame->services)];
    bool is_named = list->cursor[0] != '\0';
    return is_named && strcmp(service->row.name, list->cursor) != 0 ? NULL : service;
}

/* ---- drawing -------------------------------------------------------------------------- */

static void draw_cell(const struct canvas *canvas, enum column_id id, int x, int y, int w,
                      const struct frame_service *service, struct wall now)
{
    const struct service_row *row = &service->row;
    const struct service_detail *detail = &service->detail;
    char text[120];
    switch (id) {
    case COL_LAMP:
        canvas_glyph(canvas, x, y, signal_role(row->state), signal_glyph(row->state));
        break;
    case COL_NAME:
        look_text(canvas, x, y, w, ROLE_TEXT, row->name);
        break;
    case COL_STATE:
        canvas_text(canvas, x, y, w, signal_role(row->state),
                    breaker_state_word(row->state));
        break;
    case COL_NEXT:
        canvas_text(canvas, x, y, w, ROLE_TEXT, signal_next(row, now, text, sizeof text));
        break;
    case COL_P95:
        canvas_right(canvas, x, y, w, ROLE_TEXT,
                     signal_ms(detail->p95_ms, text, sizeof text));
        break;
    case COL_ERRORS:
        canvas_right(canvas, x, y, w,
                     detail->failure_percent > 0 ? ROLE_STATUS_WARN : ROLE_TEXT,
                     signal_percent(detail->failure_percent, text, sizeof text));
        break;
    case COL_SLOW:
        canvas_right(canvas, x, y, w,
                     detail->slow_percent > 0 ? ROLE_STATUS_WARN : ROLE_TEXT,
                     signal_percent(detail->slow_percent, text, sizeof text));
        break;
    case COL_LOAD:
        if (detail->limit >= 0)
            canvas_right_printf(canvas, x, y, w, ROLE_TEXT, "%" PRId64 "/%" PRId64,
                                detail->in_flight, detail->limit);
        break;
    case COL_QUOTA:
        canvas_right(canvas, x, y, w,
                     detail->rate_remaining == 0 ? ROLE_STATUS_ERROR : ROLE_TEXT,
                     signal_quota(detail, text, sizeof text));
        break;
    case COL_FALLBACK:
        look_text(canvas, x, y, w, ROLE_STATUS_WARN, detail->fallback_to);
        break;
    case COLUMNS:
        break;
    }
}

static void draw_count(const struct canvas *canvas, const struct frame *frame)
{
    int64_t waiting = frame->has_totals ? frame->totals.by_wait[WAIT_SERVICE] : 0;
    size_t n_bad = 0;
    char text[CLOCK_TEXT_MAX];
    for (size_t i = 0; i < frame->services->n; i++)
        n_bad += frame->services->services[i].row.state != BREAKER_CLOSED;
    int x = 2 + canvas_text(canvas, 2, 0, CANVAS_REST, ROLE_TITLE, "SERVICES") + 2;
    x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_TEXT, "%zu", frame->services->n) +
         2;
    if (n_bad > 0)
        x += canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_STATUS_WARN, "%zu not closed",
                           n_bad) +
             2;
    if (waiting > 0)
        canvas_printf(canvas, x, 0, CANVAS_REST, ROLE_STATUS_WAIT,
                      "%s workflow%s wait%s for one", look_count(waiting, text),
                      waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
}

static void draw_rows(const struct canvas *canvas, const struct services *list,
                      const struct frame_services *data,
                      const struct table_layout *layout)
{
    size_t at = find_cursor(list, data);
    int64_t top = table_scroll(0, (int64_t)at, (int64_t)data->n, canvas->h);
    for (int y = 0; y < canvas->h && top + y < (int64_t)data->n; y++) {
        for (enum column_id c = 0; c < COLUMNS; c++)
            if (layout->w[c] > 0)
                draw_cell(canvas, c, layout->x[c], y, layout->w[c],
                          &data->services[top + y], list->list.view.now);
        if (top + y == (int64_t)at) {
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_CURSOR);
        }
    }
}

static void draw_chosen(const struct canvas *canvas, const struct view *view)
{
    const struct chosen *chosen = &((const struct services *)view)->list.chosen;
    if (chosen->text[0] != '\0')
        canvas_printf(canvas, 2, 1, CANVAS_REST, ROLE_TEXT_STRONG, "shown: with \"%s\"",
                      chosen->text);
}

static void services_draw(const struct view *view, const struct frame *frame,
                          const struct canvas *all)
{
    const struct services *list = (const struct services *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    if (canvas.h <= HEAD_ROWS || !frame)
        return;
    if (!frame->services) {
        blank_draw(&canvas, "reading the services", "");
        return;
    }
    if (frame->services->n == 0 && chosen_is_narrowed(view)) {
        blank_draw(&canvas, "No service has these words.", "F shows all again.");
        return;
    }
    if (frame->services->n == 0) {
        blank_draw(&canvas, "No external service: everything is done on this machine.",
                   "services: in signalbox.yaml adds some, see signalbox.yaml(5).");
        return;
    }
    int left = list_width(canvas.w);
    struct canvas part = canvas_sub(&canvas, (struct rect){0, 0, left, canvas.h});
    struct table_layout layout = chosen_layout(view, 2, part.w - 3);
    draw_count(&part, frame);
    draw_chosen(&part, view);
    chosen_heading(view, &part, HEAD_ROWS - 1, &layout);
    /* On a narrow screen the selected one is below the list. */
    int rows = (int)frame->services->n;
    int room = canvas.h - HEAD_ROWS;
    int h = left < canvas.w || rows + 8 > room ? room : rows;
    struct canvas body = canvas_sub(&part, (struct rect){0, HEAD_ROWS, part.w, h});
    draw_rows(&body, list, frame->services, &layout);
    const struct frame_service *service = selected(list, frame);
    if (!service)
        return;
    struct rect place = {0, HEAD_ROWS + h + 1, canvas.w, room - h - 1};
    if (left < canvas.w)
        place = (struct rect){left + SIDE_GAP, 0, canvas.w - left - SIDE_GAP, canvas.h};
    struct canvas side = canvas_sub(&canvas, place);
    if (side.h > 4)
        (void)signal_draw(&side, service, view->now, 0);
}

static void service_draw(const struct view *view, const struct frame *frame,
                         const struct canvas *all)
{
    const struct services *one = (const struct services *)view;
    struct canvas canvas = notice_draw(all, frame, view->now);
    const struct frame_service *service = selected(one, frame);
    if (canvas.h < 2 || !frame)
        return;
    if (!frame->services)
        blank_draw(&canvas, "reading the services", "");
    else if (!service)
        blank_draw(&canvas, "No service of this name.", "");
    else
        (void)signal_draw(&canvas, service, view->now, one->scroll);
}

/* ---- handling ------------------------------------------------------------------------- */

static void put_cursor(struct services *list, const struct frame *frame, int64_t to,
                       struct reply *reply)
{
    if (!frame || !frame->services || frame->services->n == 0)
        return;
    int64_t n = (int64_t)frame->services->n;
    to = to < 0 ? 0 : to >= n ? n - 1 : to;
    (void)text_clean_into(list->cursor, sizeof list->cursor,
                          frame->services->services[to].row.name);
    reply->flags |= REPLY_REDRAW;
}

static bool move(struct services *list, const struct frame *frame, enum action action,
                 struct reply *reply)
{
    int64_t at =
        frame && frame->services ? (int64_t)find_cursor(list, frame->services) : 0;
    switch (action) {
    case ACTION_ROW_DOWN:
        put_cursor(list, frame, at + 1, reply);
        return true;
    case ACTION_ROW_UP:
        put_cursor(list, frame, at - 1, reply);
        return true;
    case ACTION_TOP:
    case ACTION_PAGE_UP:
        put_cursor(list, frame, 0, reply);
        return true;
    case ACTION_END:
    case ACTION_PAGE_DOWN:
        put_cursor(list, frame, INT64_MAX, reply);
        return true;
    default:
        return false;
    }
}

static bool scroll(struct services *one, const struct frame *frame, enum action action,
                   struct reply *reply)
{
    const struct frame_service *service = selected(one, frame);
    int h = one->list.view.h, by;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = h - 1;
        break;
    case ACTION_PAGE_UP:
        by = 1 - h;
        break;
    case ACTION_TOP:
        by = -one->scroll;
        break;
    case ACTION_END:
        by = 1000;
        break;
    default:
        return false;
    }
    /* A canvas of no height draws nothing and still counts the lines. */
    const struct canvas nothing = {.w = one->list.view.w};
    int last = service ? signal_draw(&nothing, service, one->list.view.now, 0) - h : 0;
    int to = one->scroll + by;
    one->scroll = to < 0 || last < 0 ? 0 : to > last ? last : to;
    reply->flags |= REPLY_REDRAW;
    return true;
}

static void send_verb(struct reply *reply, const char *verb, const char *service,
                      const char *state, const char *span)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 1000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "service", service);
    if (state)
        jsonw_str(&w, "state", state);
    if (span)
        jsonw_str(&w, "for", span);
    jsonw_close(&w, '}');
    reply_verb(reply,
               &(struct verb_request){.verb = verb, .args = buf_take(&args, NULL)});
}

static void services_on_action(struct view *view, const struct frame *frame,
                               enum action action, struct reply *reply)
{
    struct services *list = (struct services *)view;
    bool is_list = view->klass == &services_class;
    if (is_list ? move(list, frame, action, reply) || chosen_action(view, action, reply)
                : scroll(list, frame, action, reply))
        return;
    const struct frame_service *service = selected(list, frame);
    if (!service) {
        reply->flags |= REPLY_UNUSED;
        return;
    }
    const char *name = service->row.name;
    switch (action) {
    case ACTION_OPEN:
        if (is_list)
            reply_open(reply, &service_class, 0, name);
        break;
    case ACTION_SERVICE_PROBE:
        send_verb(reply, "probe", name, NULL, NULL);
        break;
    case ACTION_SERVICE_RESET:
        send_verb(reply, "reset", name, NULL, NULL);
        break;
    case ACTION_SERVICE_FORCE:
        reply_ask(reply,
                  &(struct prompt_request){
                      .label = "breaker",
                      .example = "open 10m, closed 1h, disabled, metrics-only or auto",
                      .token = TOKEN_FORCE,
                  });
        break;
    case ACTION_COPY: {
        AUTO_FREE char *text =
            mem_printf("%s  %s  %s", name, breaker_state_word(service->row.state),
                       service->row.reason);
        reply_copy(reply, text, strlen(text));
        break;
    }
    default:
        reply->flags |= REPLY_UNUSED;
        break;
    }
}

/* What the engine would refuse is said at once, before a reason is asked for. */
static bool is_force(struct reply *reply, const char *state, const char *text)
{
    static const char *const words[] = {"open", "closed", "disabled", "metrics-only",
                                        "auto"};
    struct span span;
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i], state) != 0)
        i++;
    if (i == ARRAY_LEN(words))
        reply_say(reply, MESSAGE_ERROR,
                  "'%s': say open, closed, disabled, metrics-only or auto", state);
    else if (text[0] != '\0' && strcmp(state, "auto") == 0)
        reply_say(reply, MESSAGE_ERROR, "auto has no end");
    else if (text[0] != '\0' && (!span_parse(text, &span) || span.ms == 0))
        reply_say(reply, MESSAGE_ERROR, "'%s' is no duration like 10m or 1h30m", text);
    else
        return true;
    return false;
}

/* "open 10m" into its two words. */
static void services_on_prompt(struct view *view, const struct frame *frame, int token,
                               const char *text, bool is_final, struct reply *reply)
{
    struct services *list = (struct services *)view;
    const struct frame_service *service = selected(list, frame);
    char state[40] = "", span[40] = "";
    bool is_list = view->klass == &services_class;
    if (is_list && chosen_on_prompt(view, token, text, reply))
        return;
    if (token != TOKEN_FORCE || !text || !is_final || !service)
        return;
    size_t n = 0;
    while (isspace((unsigned char)*text))
        text++;
    for (; *text != '\0' && !isspace((unsigned char)*text) && n + 1 < sizeof state;
         text++)
        state[n++] = (char)tolower((unsigned char)*text);
    state[n] = '\0';
    while (isspace((unsigned char)*text))
        text++;
    (void)text_clean_into(span, sizeof span,
                          strncmp(text, "for ", 4) == 0 ? text + 4 : text);
    if (is_force(reply, state, span))
        send_verb(reply, "breaker", service->row.name, state, span[0] ? span : NULL);
}

static struct wall services_next_change(const struct view *view,
                                        const struct frame *frame)
{
    struct wall next = {0};
    for (size_t i = 0; frame && frame->services && i < frame->services->n; i++)
        next = look_sooner(
            next, signal_next_change(&frame->services->services[i].row, view->now));
    return next;
}

static void service_crumb(const struct view *view, const struct frame *frame, char *out,
                          size_t cap)
{
    const struct services *one = (const struct services *)view;
    (void)frame;
    (void)snprintf(out, cap, "%s", one->cursor);
}

static void from_the_start(struct view *view)
{
    ((struct services *)view)->cursor[0] = '\0';
}

static const struct choices choices = {
    .filter = "part of name, breaker, reason or who stands in",
    .orders = rank_service_words,
    .columns = columns,
    .n_columns = COLUMNS,
    .restart = from_the_start,
};

/* clang-format off */
static const struct view_setting settings[] = {
    CHOSEN_FILTER,
    CHOSEN_SORT("name, breaker, errors, p95 or load"),
    CHOSEN_COLUMNS("name breaker next p95 errors slow at-once quota in-its-place"),
    {0},
};
/* clang-format on */

const struct view_class services_class = {
    .name = "services",
    .title = "services",
    .help = "External services: breakers, limits, quotas, fallbacks",
    .context = CONTEXT_SERVICES,
    .hints = {ACTION_OPEN, ACTION_SERVICE_FORCE, ACTION_SERVICE_PROBE,
              ACTION_SERVICE_RESET, ACTION_FILTER, ACTION_SORT_NEXT, ACTION_GO_DELIVERIES,
              ACTION_PALETTE, ACTION_HELP},
    .is_root = true,
    .choices = &choices,
    .settings = settings,
    .setting_value = chosen_value,
    .open = services_open,
    .close = services_close,
    .query = services_query,
    .draw = services_draw,
    .on_action = services_on_action,
    .on_prompt = services_on_prompt,
    .next_change = services_next_change,
};

const struct view_class service_class = {
    .name = "service",
    .title = "service",
    .help = "One external service: its window, limits, last errors, endpoints",
    .context = CONTEXT_SERVICES,
    .hints = {ACTION_SERVICE_FORCE, ACTION_SERVICE_PROBE, ACTION_SERVICE_RESET,
              ACTION_CLOSE, ACTION_PALETTE, ACTION_HELP},
    .open = services_open,
    .close = services_close,
    .query = services_query,
    .draw = service_draw,
    .on_action = services_on_action,
    .on_prompt = services_on_prompt,
    .crumb = service_crumb,
    .next_change = services_next_change,
};
