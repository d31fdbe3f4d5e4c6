/* SPDX-License-Identifier: MIT */
/* Engine: who does the work, where it is kept, and what this console costs. */
#include <inttypes.h>

#include "tui/view/common.h"
#include "tui/widget/look.h"

#define X_VALUE 20

static struct view *engine_open(int64_t id, const char *arg)
{
    (void)id;
    (void)arg;
    return mem_alloc(sizeof(struct view));
}

static void engine_close(struct view *view)
{
    free(view);
}

static void engine_query(const struct view *view, struct frame_query *query)
{
    (void)view;
    query->parts = PART_STATUS;
}

struct pen {
    const struct canvas *canvas;
    int y;
};

static void title(struct pen *pen, const char *text)
{
    pen->y += pen->y > 0;
    look_title(pen->canvas, 2, pen->y++, pen->canvas->w - 3, text, "");
}

/* An empty value is one that is not known. */
static void fact(struct pen *pen, const char *label, const char *value,
                 enum theme_role role)
{
    canvas_text(pen->canvas, 2, pen->y, X_VALUE - 3, ROLE_TEXT_DIM, label);
    if (value[0] != '\0')
        look_text(pen->canvas, X_VALUE, pen->y, pen->canvas->w - X_VALUE - 1, role,
                  value);
    else
        canvas_glyph(pen->canvas, X_VALUE, pen->y, ROLE_TEXT_DIM, GLYPH_DASH);
    pen->y++;
}

static void draw_engine(struct pen *pen, const struct frame *frame, struct wall now)
{
    const struct frame_engine *engine = &frame->engine;
    char text[200], a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX];
    title(pen, "ENGINE");
    bool is_well = engine->health == ENGINE_RUNNING;
    fact(pen, "state", engine_health_word(engine->health),
         is_well                         ? ROLE_STATUS_OK
         : engine->health == ENGINE_GONE ? ROLE_STATUS_ERROR
                                         : ROLE_STATUS_WARN);
    text[0] = '\0';
    if (engine->pid > 0)
        (void)snprintf(text, sizeof text, "%d, version %s", engine->pid, engine->version);
    fact(pen, "process", text, ROLE_TEXT);
    text[0] = '\0';
    if (wall_is_set(engine->started_at))
        (void)snprintf(text, sizeof text, "%s, up %s",
                       wall_format(engine->started_at, false, a),
                       look_age(now, engine->started_at, b));
    fact(pen, "started", is_well ? text : "", ROLE_TEXT);
    text[0] = '\0';
    if (engine->max_running > 0 && frame->has_totals) {
        char queued[CLOCK_TEXT_MAX];
        (void)snprintf(
            text, sizeof text, "%s of %s, %s queued", look_count(frame_running(frame), a),
            look_count(engine->max_running, b), look_count(frame_queued(frame), queued));
        size_t used = strlen(text);
        if (engine->admitted > 0 && engine->admitted < engine->max_running) {
            (void)snprintf(text + used, sizeof text - used,
                           "; only %d at once now, see decisions", engine->admitted);
        }
    }
    fact(pen, "running", text, ROLE_TEXT);
    bool has_fault = engine->fault_code != ERR_NONE || engine->fault[0] != '\0';
    fact(pen, "fault",
         engine->fault[0]                 ? engine->fault
         : engine->fault_code != ERR_NONE ? err_word(engine->fault_code)
                                          : "none",
         has_fault ? ROLE_STATUS_ERROR : ROLE_TEXT);
}

/* Everybody who looks at this store. */
static void draw_here(struct pen *pen, const struct frame *frame, struct wall now)
{
    if (frame->n_here == 0)
        return;
    title(pen, "HERE");
    for (size_t i = 0; i < frame->n_here && pen->y < pen->canvas->h; i++) {
        const struct presence_row *row = &frame->here[i];
        char text[400], age[CLOCK_TEXT_MAX];
        (void)snprintf(text, sizeof text, "%s, for %s%s%s%s", row->view,
                       look_age(now, row->since, age),
                       row->is_read_only ? ", read-only" : "",
                       row->from[0] ? ", from " : "", row->from);
        fact(pen, row->user, text, ROLE_TEXT);
    }
}

static void draw_store(struct pen *pen, const struct frame *frame)
{
    const struct frame_status *status = frame->status;
    char text[200], a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX], c[CLOCK_TEXT_MAX];
    title(pen, "STORE");
    fact(pen, "file", frame->store_path, ROLE_TEXT);
    fact(pen, "state", frame->trouble ? trouble_word(frame->trouble) : "readable",
         frame->trouble ? ROLE_STATUS_ERROR : ROLE_TEXT);
    if (!status)
        return;
    text[0] = '\0';
    if (status->store_bytes >= 0)
        (void)snprintf(text, sizeof text, "%s, and %s not written back yet; %s free",
                       look_bytes(status->store_bytes, a),
                       look_bytes(status->wal_bytes > 0 ? status->wal_bytes : 0, b),
                       look_bytes(status->free_bytes, c));
    fact(pen, "size", text, ROLE_TEXT);
    if (status->is_lease_held)
        (void)snprintf(text, sizeof text, "held by process %d; schema %d",
                       status->lease_pid, status->schema);
    else
        (void)snprintf(text, sizeof text, "free: no engine runs; schema %d",
                       status->schema);
    fact(pen, "lease", text, ROLE_TEXT);
    text[0] = '\0';
    if (frame->has_totals)
        (void)snprintf(text, sizeof text, "%s workflows, %s events",
                       look_count(frame->totals.n_workflows, a),
                       look_count(frame->totals.last_event, b));
    fact(pen, "holds", text, ROLE_TEXT);
}

static void draw_console(struct pen *pen, const struct frame *frame, const char *cost)
{
    char text[200], a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX];
    title(pen, "THIS CONSOLE");
    (void)snprintf(text, sizeof text,
                   "%s read, %s wake-ups, the last one took %" PRId64 ".%" PRId64 "ms",
                   look_count(frame->cost.n_frames, a),
                   look_count(frame->cost.n_wakes, b), frame->cost.build_us / 1000,
                   frame->cost.build_us / 100 % 10);
    fact(pen, "frames", text, ROLE_TEXT);
    if (!cost)
        return;
    canvas_text(pen->canvas, 2, pen->y, X_VALUE - 3, ROLE_TEXT_DIM, "costs");
    pen->y += canvas_paragraph(
        pen->canvas, (struct rect){X_VALUE, pen->y, pen->canvas->w - X_VALUE - 1, 2},
        ROLE_TEXT, cost);
}

static void engine_draw(const struct view *view, const struct frame *frame,
                        const struct canvas *all)
{
    struct canvas canvas = *all;
    /* Here the trouble is a fact among others; only without any frame is there nothing.
     */
    if (!frame) {
        blank_draw(&canvas, "opening the store", "");
        return;
    }
    struct pen pen = {.canvas = &canvas};
    draw_engine(&pen, frame, view->now);
    draw_store(&pen, frame);
    draw_console(&pen, frame, view->cost);
    draw_here(&pen, frame, view->now);
}

const struct view_class engine_class = {
    .name = "engine",
    .title = "engine",
    .help = "State of engine and store, what this console costs, and who is here",
    .shows_cost = true,
    .context = CONTEXT_VIEW,
    .hints = {ACTION_CLOSE, ACTION_PERF, ACTION_PALETTE, ACTION_HELP},
    .open = engine_open,
    .close = engine_close,
    .query = engine_query,
    .draw = engine_draw,
};
