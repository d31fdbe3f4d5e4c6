/* SPDX-License-Identifier: MIT */
/*
 * One workflow on one screen, from top to bottom: what it is and where, how it came there
 * (timeline), what is done now (steps), what that says (log). The three lists share the
 * rows that there are; the log gets what the others do not need.
 */
#include <inttypes.h>

#include "engine/base/money.h"
#include "engine/base/text.h"
#include "tui/view/recovery.h"
#include "tui/widget/chart.h"
#include "tui/widget/look.h"

#define LIST_MIN                                                                         \
    3 /* rows that timeline and steps each get at least, when they want them */
#define LOG_MIN      3
#define W_STEP       20
#define X_STEP       4
#define COST_COLUMNS 100 /* from here on steps say what they took */
#define COST_CELLS   24

/* ---- steps
 * ------------------------------------------------------------------------------------------
 */

static bool is_same_step(const struct effect_row *a, const struct effect_row *b)
{
    return a->kind == b->kind && a->step == b->step;
}

static void add_effect(struct step_row *rows, size_t *n, size_t max,
                       const struct effect_row *effect)
{
    for (size_t i = 0; i < *n; i++)
        if (is_same_step(rows[i].effect, effect)) {
            rows[i].effect = effect;
            rows[i].n_tries++;
            return;
        }
    if (*n < max)
        rows[(*n)++] = (struct step_row){
            .effect = effect, .name = effect->name, .n_tries = 1, .n_retries = -1};
}

/* Tidying up goes on beside the work and tells nobody anything. */
static bool is_work(const struct effect_row *effect)
{
    return effect->kind != EFFECT_CLEANUP && effect->kind != EFFECT_CLOSE;
}

/* Row of the effect that is waited for; NULL: none is. */
static const struct effect_row *in_hand(const struct frame_detail *detail)
{
    for (size_t i = 0; i < detail->n_effects; i++)
        if (detail->row.is_active && detail->effects[i].seq == detail->row.effect_seq)
            return &detail->effects[i];
    return NULL;
}

static void add_coming(const struct frame_detail *detail, struct step_row *rows,
                       size_t *n, size_t max)
{
    const struct workflow_row *row = &detail->row;
    if (!detail->pipeline || state_is_final(row->state))
        return;
    /* The step in hand has its row; so has each of several checks that were asked for at once. */
    int n_asked = 0;
    const struct effect_row *newest = in_hand(detail);
    for (size_t i = 0; i < detail->n_effects && newest; i++)
        n_asked += newest->kind == EFFECT_CHECK &&
                   detail->effects[i].kind == newest->kind &&
                   detail->effects[i].asked_at.ms == newest->asked_at.ms &&
                   detail->effects[i].seq <= newest->seq;
    n_asked = row->is_active && n_asked == 0 ? 1 : n_asked;
    for (int step = row->step + n_asked; *n < max; step++) {
        const char *name = frame_step_name(detail->pipeline, row->state, step);
        if (name[0] == '\0')
            return;
        rows[(*n)++] = (struct step_row){.name = name, .n_retries = -1};
    }
}

size_t detail_steps(const struct frame_detail *detail, struct step_row *rows, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < detail->n_effects; i++) {
        const struct effect_row *effect = &detail->effects[i];
        if (effect->iteration == detail->row.iteration && is_work(effect))
            add_effect(rows, &n, max, effect);
    }
    add_coming(detail, rows, &n, max);
    const struct frame_pipeline *pipeline = detail->pipeline;
    for (size_t i = 0; i < n && pipeline; i++) {
        for (size_t c = 0; c < pipeline->n_checks; c++) {
            bool is_it = rows[i].effect ? rows[i].effect->kind == EFFECT_CHECK &&
                                              rows[i].effect->step == (int)c
                                        : rows[i].name == pipeline->checks[c];
            if (!is_it)
                continue;
            rows[i].n_retries = pipeline->check_retries[c];
            rows[i].may_fail = pipeline->check_may_fail[c];
        }
    }
    return n;
}

/* "flaky  2 tries  codegen_eu  what came of it". */
static void say_outcome(const struct step_row *step, bool is_bad, char *text, size_t cap)
{
    const struct effect_row *effect = step->effect;
    const char *provider = effect->provider ? effect->provider : "";
    char by[60 + 1];
    text[0] = '\0';
    if (effect->status != STATUS_PASSED && effect->status != STATUS_FAILED)
        text_add(text, cap, "%s  ", status_name(effect->status));
    if (step->n_tries > 1)
        text_add(text, cap, "%d tries  ", step->n_tries);
    if (step->may_fail && is_bad)
        text_add(text, cap, "may fail  ");
    /* Who did it is worth a word when it was not this machine. */
    if (provider[0] != '\0' && strcmp(provider, "local") != 0)
        text_add(text, cap, "%s%s  ", effect->is_fallback ? "stand-in " : "",
                 text_clean_into(by, sizeof by, provider));
    text_add(text, cap, "%s", effect->summary);
}

static void draw_step_note(const struct canvas *canvas, int x, int y,
                           const struct step_row *step, struct wall now)
{
    int width = canvas->w - x - 1;
    const struct effect_row *effect = step->effect;
    char text[LOOK_TEXT_MAX] = "", limit[CLOCK_TEXT_MAX];
    enum theme_role role = ROLE_TEXT_DIM;
    if (!effect) {
        if (step->may_fail)
            (void)snprintf(text, sizeof text, "may fail");
        else if (step->n_retries > 0)
            (void)snprintf(text, sizeof text, "%d %s allowed", step->n_retries,
                           step->n_retries == 1 ? "retry" : "retries");
    } else if (effect->status == STATUS_PENDING) {
        int used = 0;
        if (step->n_tries > 1)
            used = snprintf(text, sizeof text, "try %d  ", step->n_tries);
        if (wall_is_set(effect->deadline_at) && effect->deadline_at.ms > now.ms)
            (void)snprintf(text + used, sizeof text - (size_t)used, "at most %s more",
                           look_left(wall_since(effect->deadline_at, now), limit));
    } else {
        bool is_bad = look_status_glyph(effect->status) == GLYPH_FAIL;
        role = is_bad ? ROLE_TEXT : ROLE_TEXT_DIM;
        say_outcome(step, is_bad, text, sizeof text);
    }
    look_text(canvas, x, y, width, role, text);
}

/* The outcome says when a step began; without one it is as old as the wish for it. */
static struct wall begun_at(const struct effect_row *effect)
{
    return wall_is_set(effect->started_at) ? effect->started_at : effect->asked_at;
}

/* What it took, where there is room for it. Returns the cells used at the right edge. */
static int draw_cost(const struct canvas *canvas, int y, const struct effect_row *effect)
{
    char cpu[CLOCK_TEXT_MAX], memory[CLOCK_TEXT_MAX], text[2 * CLOCK_TEXT_MAX + 16];
    if (canvas->w < COST_COLUMNS || !effect || effect->cpu_ms < 0 ||
        effect->peak_rss_kib <= 0 || effect->status == STATUS_PENDING)
        return 0;
    (void)snprintf(text, sizeof text, "cpu %6s  mem %8s",
                   span_format((struct span){effect->cpu_ms}, cpu),
                   look_bytes(effect->peak_rss_kib * 1024, memory));
    canvas_right(canvas, canvas->w - COST_CELLS - 1, y, COST_CELLS, ROLE_TEXT_DIM, text);
    return COST_CELLS + 2;
}

static void draw_step(const struct canvas *canvas, int y, const struct step_row *step,
                      struct wall now, int name_width)
{
    const struct effect_row *effect = step->effect;
    char text[CLOCK_TEXT_MAX];
    enum glyph glyph = effect ? look_status_glyph(effect->status) : GLYPH_TODO;
    enum theme_role role = effect ? look_status_role(effect->status) : ROLE_TEXT_DIM;
    canvas_glyph(canvas, 2, y, role, glyph);
    look_text(canvas, X_STEP, y, name_width, effect ? ROLE_TEXT : ROLE_TEXT_DIM,
              step->name);
    int x = X_STEP + name_width + 1;
    bool is_over = effect && effect->status != STATUS_PENDING;
    if (effect && (!is_over || wall_is_set(effect->finished_at))) {
        struct wall to = wall_is_set(effect->finished_at) ? effect->finished_at : now;
        canvas_right(canvas, x, y, 6, ROLE_TEXT,
                     span_format(wall_since(to, begun_at(effect)), text));
    }
    int used = draw_cost(canvas, y, effect);
    struct canvas rest = canvas_sub(canvas, (struct rect){0, y, canvas->w - used, 1});
    draw_step_note(&rest, x + 8, 0, step, now);
}

static void draw_steps(const struct canvas *canvas, const struct step_row *steps,
                       size_t n, const struct detail_look *look, struct wall now)
{
    int height = canvas->h;
    int64_t at = look->step >= 0 ? look->step : (int64_t)n - 1;
    /* Without a choice the running step counts, else the last one done. */
    for (size_t i = 0; look->step < 0 && i < n; i++)
        if (steps[i].effect)
            at = (int64_t)i;
    int64_t top = 0;
    if ((int64_t)n > height)
        top = at - height / 2 > 0 ? at - height / 2 : 0;
    if (top > (int64_t)n - height)
        top = (int64_t)n - height;
    if (top < 0)
        top = 0;
    for (int y = 0; y < height && top + y < (int64_t)n; y++) {
        draw_step(canvas, y, &steps[top + y], now, W_STEP);
        if (look->has_cursor && top + y == look->step) {
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_CURSOR);
        }
    }
}

/* ---- head
 * -------------------------------------------------------------------------------------------
 */

/* Returns the cells used at the right edge. */
/* "4.20 of 25.00 used   810000 of 4000000 tokens": what agents said. */
static int put_usage(char *text, size_t cap, const struct frame_detail *detail)
{
    const struct usage *used = &detail->row.used, *more = &detail->row.granted;
    const struct frame_pipeline *pipeline = detail->pipeline;
    char cost[MONEY_TEXT_MAX], most[MONEY_TEXT_MAX];
    int n = 0;
    text[0] = '\0';
    if (used->micros > 0 && pipeline && pipeline->max_cost > 0)
        n += snprintf(text, cap, "   %s of %s used", money_format(used->micros, cost),
                      money_format(pipeline->max_cost + more->micros, most));
    else if (used->micros > 0)
        n += snprintf(text, cap, "   %s used", money_format(used->micros, cost));
    if (used->tokens > 0 && pipeline && pipeline->max_tokens > 0)
        n += snprintf(text + n, cap - (size_t)n, "   %" PRId64 " of %" PRId64 " tokens",
                      used->tokens, pipeline->max_tokens + more->tokens);
    else if (used->tokens > 0)
        n += snprintf(text + n, cap - (size_t)n, "   %lld tokens",
                      (long long)used->tokens);
    return n;
}

static int draw_counts(const struct canvas *canvas, int y,
                       const struct frame_detail *detail, struct wall now, int from)
{
    const struct workflow_row *row = &detail->row;
    char text[320], deadline[64];
    int used = 0;
    text[0] = '\0';
    if (detail->pipeline)
        used = snprintf(text, sizeof text, "iteration %d of %d", row->iteration,
                        detail->pipeline->max_iterations);
    else
        used = snprintf(text, sizeof text, "iteration %d", row->iteration);
    if (row->retries > 0 && detail->pipeline)
        used += snprintf(text + used, sizeof text - (size_t)used, "   retry %d of %d",
                         row->retries, detail->pipeline->max_retries);
    used += put_usage(text + used, sizeof text - (size_t)used, detail);
    look_deadline(row, now, deadline, sizeof deadline);
    if (deadline[0] != '\0' && !state_is_final(row->state))
        (void)snprintf(text + used, sizeof text - (size_t)used, "   %s", deadline);
    return canvas_right(canvas, from, y, canvas->w - from - 1, ROLE_TEXT_DIM, text);
}

static void draw_head(const struct canvas *canvas, const struct frame *frame,
                      struct wall now)
{
    const struct frame_detail *detail = frame->detail;
    const struct workflow_row *row = &detail->row;
    char phrase[LOOK_TEXT_MAX], repo[80], facts[200];
    canvas_glyph(canvas, 2, 0, look_row_role(row), look_row_glyph(row));
    int x = 4 + canvas_text(canvas, 4, 0, 12, look_row_role(row),
                            look_state_word(row->state));
    int used_right = draw_counts(canvas, 0, detail, now, x + 2);
    row_phrase(frame, row, now, phrase, sizeof phrase);
    if (!state_is_final(row->state))
        look_text(canvas, x + 2, 0, canvas->w - x - used_right - 6, ROLE_TEXT, phrase);
    look_repo(row->repo, repo, sizeof repo);
    char clean[LOOK_TEXT_MAX], pipeline[40 * 4 + 4];
    (void)text_ellipsis(pipeline, sizeof pipeline,
                        text_clean_into(clean, sizeof clean, row->pipeline), 40,
                        canvas_is_ascii(canvas));
    (void)text_clean_into(clean, sizeof clean, repo);
    (void)text_ellipsis(facts, sizeof facts, clean, 40, canvas_is_ascii(canvas));
    text_add(facts, sizeof facts, "   %s", pipeline);
    if (row->pr_number > 0)
        text_add(facts, sizeof facts, "   PR #%" PRId64, row->pr_number);
    int facts_width = look_right(canvas, canvas->w / 2, 1, canvas->w - canvas->w / 2 - 1,
                                 ROLE_TEXT_DIM, facts);
    look_text(canvas, 2, 1, canvas->w - facts_width - 6, ROLE_TEXT_STRONG, row->title);
    if (row->reason[0] != '\0')
        look_text(canvas, 2, 2, canvas->w - 3,
                  row->state == STATE_FAILED    ? ROLE_STATUS_ERROR
                  : wait_needs_human(row->wait) ? ROLE_STATUS_HUMAN
                                                : ROLE_STATUS_WARN,
                  row->reason);
}

/* The failure that is not settled, and what is done about it. */
static void draw_failure(const struct canvas *canvas, int y,
                         const struct frame_detail *detail)
{
    const struct failure_row *row = detail->failure;
    const struct recovery_row *recovery = detail->recovery;
    char id[CASE_ID_MAX], odds[CASE_ODDS_MAX], text[300];
    enum theme_role role =
        recovery ? case_rung_role(recovery->status) : case_status_role(row->status);
    int x = 4;
    canvas_glyph(canvas, 2, y, role,
                 recovery ? case_rung_glyph(recovery->status)
                          : case_status_glyph(row->status));
    (void)snprintf(text, sizeof text, "%s %s %.0f%%", case_id(CASE_FAILURE, row->id, id),
                   class_word(row->class_), row->confidence * 100);
    x += canvas_text(canvas, x, y, canvas->w - x - 1, ROLE_TEXT, text) + 2;
    if (recovery)
        (void)snprintf(
            text, sizeof text, "%d. %s %s, %s%s%s", recovery->number,
            rung_word(recovery->rung),
            case_odds(recovery->odds, recovery->odds_low, recovery->odds_high, odds),
            recovery_status_word(recovery->status),
            recovery->expected[0] ? ", looks for: " : "", recovery->expected);
    else
        (void)snprintf(text, sizeof text, "%s", failure_status_word(row->status));
    look_text(canvas, x, y, canvas->w - x - 1, role, text);
}

/* ---- log
 * --------------------------------------------------------------------------------------------
 */

/* At the right of the title, from cell x on. */
static void draw_log_note(const struct canvas *canvas, int x, const struct frame_log *log,
                          const struct progress *progress, struct wall now)
{
    char text[PROGRESS_TEXT_MAX], lines[CLOCK_TEXT_MAX], failure[CLOCK_TEXT_MAX];
    if (progress && log->status == STATUS_PENDING) {
        bool is_bad = progress_state(progress, now) == WORKER_STALLED;
        look_right(canvas, x, 0, canvas->w - x - 1,
                   is_bad ? ROLE_STATUS_WARN : ROLE_TEXT_DIM,
                   progress_text(progress, now, text));
        return;
    }
    if (log->is_missing || log->info.n_lines == 0)
        return;
    if (log->status == STATUS_PENDING)
        (void)snprintf(text, sizeof text, "following, %s %s",
                       look_count(log->info.n_lines, lines),
                       log->info.n_lines == 1 ? "line" : "lines");
    else if (log->info.first_failure > 0)
        (void)snprintf(text, sizeof text, "%s %s, first error in line %s",
                       look_count(log->info.n_lines, lines),
                       log->info.n_lines == 1 ? "line" : "lines",
                       look_count(log->info.first_failure, failure));
    else
        (void)snprintf(text, sizeof text, "%s %s", look_count(log->info.n_lines, lines),
                       log->info.n_lines == 1 ? "line" : "lines");
    canvas_right(canvas, x, 0, canvas->w - x - 1, ROLE_TEXT_DIM, text);
}

/* The window of the frame may be larger than the room: the tail of a running step, else
 * the first failing line a third from the top. */
static size_t first_shown(const struct frame_log *log, size_t room)
{
    if (log->n_lines <= room)
        return 0;
    size_t last = log->n_lines - room;
    if (log->status == STATUS_PENDING || log->status == STATUS_PASSED)
        return last;
    for (size_t i = 0; i < log->n_lines; i++)
        if (log->lines[i].is_failure) {
            size_t first = i > room / 3 ? i - room / 3 : 0;
            return first < last ? first : last;
        }
    return last;
}

static void draw_log(const struct canvas *canvas, const struct frame_detail *detail,
                     struct wall now)
{
    const struct frame_log *log = detail->log;
    if (!log) {
        look_title(canvas, 2, 0, canvas->w - 3, "LOG", "");
        return;
    }
    int x = 2 + look_title(canvas, 2, 0, canvas->w / 2, "LOG", log->name) + 2;
    draw_log_note(canvas, x, log, detail->progress, now);
    size_t room = canvas->h > 1 ? (size_t)canvas->h - 1 : 0;
    if (log->is_missing || log->info.n_lines == 0) {
        const char *why = log->why[0]                     ? log->why
                          : log->name[0] == '\0'          ? "no step has run yet"
                          : log->status == STATUS_PENDING ? "no output yet"
                                                          : "this step left no output";
        if (room > 0)
            look_text(canvas, 2, 1, canvas->w - 3, ROLE_TEXT_DIM, why);
        return;
    }
    size_t first = first_shown(log, room);
    for (size_t i = 0; i < room && first + i < log->n_lines; i++) {
        const struct segment_line *line = &log->lines[first + i];
        look_text(canvas, 2, 1 + (int)i, canvas->w - 3,
                  line->is_failure ? ROLE_LOG_ERROR : ROLE_LOG, line->text);
    }
}

/* ---- all
 * --------------------------------------------------------------------------------------------
 */

int detail_log_rows(int h)
{
    return h > 10 ? h - 8 : 2;
}

#define STRETCH_MAX 120 /* cells: only the log is wider */

static int at_most(int wanted, int allowed)
{
    return wanted < allowed ? wanted : allowed;
}

void detail_draw(const struct canvas *canvas, const struct frame *frame, struct wall now,
                 const struct detail_look *look)
{
    const struct frame_detail *detail = frame->detail;
    if (!detail || detail->is_missing) {
        blank_draw(canvas, detail ? "There is no such workflow." : "reading the workflow",
                   detail ? "It may be older than the history that is kept." : "");
        return;
    }
    struct step_row steps[STEPS_MAX];
    size_t n_steps = detail_steps(detail, steps, STEPS_MAX);
    struct canvas narrow = canvas_sub(
        canvas, (struct rect){0, 0, at_most(canvas->w, STRETCH_MAX), canvas->h});
    draw_head(&narrow, frame, now);
    int y = detail->row.reason[0] != '\0' ? 4 : 3;
    if (detail->failure)
        draw_failure(&narrow, y++ - 1, detail);
    /* Fixed rows: axis, blank, STEPS, blank, LOG. */
    int room = canvas->h - y - 5;
    int want_spans = timeline_height(detail, now);
    int want_steps = n_steps > 0 ? (int)n_steps : 1;
    int n_spans = at_most(want_spans, room - LOG_MIN - at_most(want_steps, LIST_MIN));
    n_spans = at_most(n_spans, room / 2 > LIST_MIN ? room / 2 : LIST_MIN);
    int n_rows = at_most(want_steps, room - n_spans - LOG_MIN);
    if (n_spans > 0) {
        struct canvas part =
            canvas_sub(&narrow, (struct rect){0, y, narrow.w, n_spans + 1});
        timeline_draw(&part, detail, now);
        y += n_spans + 2;
    }
    look_title(canvas, 2, y, canvas->w - 3, "STEPS",
               detail->row.iteration > 1 ? "of this iteration" : "");
    y++;
    if (n_steps == 0)
        canvas_text(canvas, 2, y, canvas->w - 3, ROLE_TEXT_DIM, "none has begun");
    struct canvas part = canvas_sub(&narrow, (struct rect){0, y, narrow.w, n_rows});
    draw_steps(&part, steps, n_steps, look, now);
    y += (n_rows > 0 ? n_rows : 0) + 1;
    part = canvas_sub(canvas, (struct rect){0, y, canvas->w, canvas->h - y});
    draw_log(&part, detail, now);
}

struct wall detail_next_change(const struct frame_detail *detail, struct wall now)
{
    struct wall next = {0};
    if (!detail || detail->is_missing || state_is_final(detail->row.state))
        return next;
    next = row_next_change(&detail->row, now);
    /* The duration of what runs has seconds for an hour. */
    struct wall since = detail->row.state_since;
    for (size_t i = detail->n_effects; i-- > 0;)
        if (detail->effects[i].status == STATUS_PENDING) {
            since = begun_at(&detail->effects[i]);
            break;
        }
    int64_t age = now.ms - since.ms;
    if (wall_is_set(since) && age >= 0 && age < 3600 * 1000)
        next = look_sooner(next, (struct wall){now.ms + 1000 - age % 1000});
    return next;
}
