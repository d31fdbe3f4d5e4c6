/* SPDX-License-Identifier: MIT */
#include "tui/widget/track.h"

#include <inttypes.h>

#include "tui/widget/chart.h"
#include "tui/widget/look.h"

#define N_STATIONS   6 /* the last one is where the line ends */
#define LAST_CELLS   16
#define STEP_MAX     20
#define MOVED_MS     60000 /* a move is "just now" for a minute */
#define SPARK_NARROW 12    /* cells of two hours each */

static const struct {
    enum workflow_state state;
    const char *name;
} stations[N_STATIONS] = {
    {STATE_IDLE,       "IDLE"      },
    {STATE_PLANNING,   "PLANNING"  },
    {STATE_CODING,     "CODING"    },
    {STATE_PR_CREATED, "PR"        },
    {STATE_VALIDATING, "VALIDATING"},
    {STATE_COMPLETED,  "COMPLETED" },
};

static int step_of(int width)
{
    int step = (width - 2 - LAST_CELLS) / (N_STATIONS - 1);
    return step > STEP_MAX ? STEP_MAX : step;
}

int track_width(int width)
{
    int used = 2 + step_of(width) * (N_STATIONS - 1) + FRAME_HOURS + 2;
    return used < width ? used : width;
}

double track_success(const struct frame_overview *overview, int64_t *ret_completed,
                     int64_t *ret_failed)
{
    int64_t completed = 0, failed = 0;
    for (int i = 0; i < FRAME_HOURS; i++) {
        completed += overview->hours[i].completed;
        failed += overview->hours[i].failed;
    }
    *ret_completed = completed;
    *ret_failed = failed;
    return completed + failed > 0 ? (double)completed / (double)(completed + failed) : -1;
}

/* Did a workflow leave station `from` for the next one just now? */
static bool has_moved(const struct frame_overview *overview, int from, struct wall now)
{
    for (size_t i = 0; overview && i < overview->n_moves; i++) {
        const struct event_row *move = &overview->moves[i];
        if (move->from == stations[from].state && move->to == stations[from + 1].state &&
            now.ms - move->at.ms < MOVED_MS)
            return true;
    }
    return false;
}

static void draw_line(const struct canvas *canvas, int x, int end, bool is_moving)
{
    if (end - x < 2)
        return;
    canvas_line(canvas, x, 1, end - x - 1, ROLE_TRACK, GLYPH_LINE);
    canvas_glyph(canvas, end - 1, 1, ROLE_TRACK, GLYPH_RUN);
    if (is_moving)
        canvas_glyph(canvas, x + (end - x - 1) / 2, 1, ROLE_TRACK_LOAD, GLYPH_CLOSED);
}

/* Those that need a person or were retried come first, as marks of their own. */
static void draw_marks(const struct canvas *canvas, int x, int width,
                       const struct frame *frame, enum workflow_state state, int64_t n)
{
    int64_t n_high = 0, n_retried = 0;
    const struct frame_rows *live = frame->overview ? &frame->overview->live : NULL;
    for (size_t i = 0; live && i < live->n; i++) {
        const struct workflow_row *row = &live->rows[i];
        if (row->state != state)
            continue;
        if (wait_needs_human(row->wait))
            n_high++;
        else if (row->iteration > 1 || row->retries > 0)
            n_retried++;
    }
    for (int i = 0; i < width && i < n; i++) {
        if (i == width - 1 && n > width)
            canvas_glyph(canvas, x + i, 2, ROLE_TEXT_DIM, GLYPH_ELLIPSIS);
        else if (i < n_high)
            canvas_glyph(canvas, x + i, 2, ROLE_STATUS_HUMAN, GLYPH_HIGH);
        else if (i < n_high + n_retried)
            canvas_glyph(canvas, x + i, 2, ROLE_STATUS_WARN, GLYPH_BLOCK);
        else
            canvas_glyph(canvas, x + i, 2,
                         state == STATE_IDLE ? ROLE_STATUS_WAIT : ROLE_TRACK_LOAD,
                         GLYPH_BLOCK);
    }
}

static void draw_throughput(const struct canvas *canvas, int x,
                            const struct frame_overview *overview)
{
    struct spark_value values[FRAME_HOURS] = {0};
    int per_cell = canvas->w - x >= FRAME_HOURS + 1 ? 1 : FRAME_HOURS / SPARK_NARROW;
    for (int i = 0; i < FRAME_HOURS; i++) {
        struct spark_value *value = &values[i / per_cell];
        value->is_known = true;
        value->value += (double)overview->hours[i].completed;
    }
    spark_draw(canvas, x, 2, values, (size_t)(FRAME_HOURS / per_cell));
}

static void draw_completed(const struct canvas *canvas, int x, const struct frame *frame)
{
    canvas_text(canvas, x, 0, CANVAS_REST, ROLE_TITLE, "COMPLETED");
    canvas_text(canvas, x + 10, 0, CANVAS_REST, ROLE_TEXT_DIM, "24h");
    if (!frame->overview) {
        canvas_glyph(canvas, x, 1, ROLE_TEXT_DIM, GLYPH_DASH);
        return;
    }
    char text[CLOCK_TEXT_MAX];
    int64_t completed, failed;
    double success = track_success(frame->overview, &completed, &failed);
    int used = canvas_text(canvas, x, 1, CANVAS_REST,
                           completed > 0 ? ROLE_STATUS_OK : ROLE_TEXT_DIM,
                           look_count(completed, text));
    if (success >= 0)
        canvas_printf(canvas, x + used + 1, 1, CANVAS_REST, ROLE_TEXT_DIM, "%.*f%%",
                      success >= 0.9995 ? 0 : 1, success * 100);
    draw_throughput(canvas, x, frame->overview);
}

static void draw_side_tracks(const struct canvas *canvas, const struct frame *frame)
{
    static const enum workflow_state sides[] = {
        STATE_RECOVERING, STATE_PARKED, STATE_FAILED, STATE_CANCELLED, STATE_ROLLED_BACK};
    int x = 2;
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        int64_t n = frame->has_totals ? frame->totals.by_state[sides[i]] : -1;
        char text[CLOCK_TEXT_MAX];
        if (sides[i] == STATE_ROLLED_BACK && n <= 0)
            continue; /* rare, and not worth a place while there is none */
        bool is_calm = n <= 0;
        canvas_glyph(canvas, x, 4, is_calm ? ROLE_TEXT_DIM : look_state_role(sides[i]),
                     look_state_glyph(sides[i]));
        x += 2;
        x += canvas_text(canvas, x, 4, CANVAS_REST, ROLE_TEXT_DIM,
                         look_state_word(sides[i])) +
             1;
        x += canvas_text(canvas, x, 4, CANVAS_REST, is_calm ? ROLE_TEXT_DIM : ROLE_TEXT,
                         look_count(n, text)) +
             4;
    }
}

void track_draw(const struct canvas *canvas, const struct frame *frame, struct wall now)
{
    int step = step_of(canvas->w);
    for (int i = 0; i < N_STATIONS - 1; i++) {
        int x = 2 + i * step;
        enum workflow_state state = stations[i].state;
        int64_t n = frame->has_totals ? frame->totals.by_state[state] : -1;
        char text[CLOCK_TEXT_MAX];
        canvas_text(canvas, x, 0, step - 1, ROLE_TITLE, stations[i].name);
        int used =
            canvas_text(canvas, x, 1, step - 1, n > 0 ? ROLE_TEXT_STRONG : ROLE_TEXT_DIM,
                        look_count(n, text));
        draw_line(canvas, x + used + 1, x + step - 1, has_moved(frame->overview, i, now));
        draw_marks(canvas, x, step - 2, frame, state, n);
    }
    draw_completed(canvas, 2 + (N_STATIONS - 1) * step, frame);
    draw_side_tracks(canvas, frame);
}
