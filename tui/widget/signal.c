/* SPDX-License-Identifier: MIT */
#include "tui/widget/signal.h"

#include <inttypes.h>

#include "tui/widget/look.h"

#define X_FACT 15

static const struct {
    enum glyph glyph;
    enum theme_role role;
} lamps[BREAKER_STATE_COUNT] = {
    [BREAKER_CLOSED] = {GLYPH_CLOSED, ROLE_STATUS_OK   },
    [BREAKER_OPEN] = {GLYPH_OPEN,   ROLE_STATUS_ERROR},
    [BREAKER_HALF_OPEN] = {GLYPH_HALF,   ROLE_STATUS_WARN },
    [BREAKER_FORCED_OPEN] = {GLYPH_OPEN,   ROLE_STATUS_HUMAN},
    [BREAKER_FORCED_CLOSED] = {GLYPH_CLOSED, ROLE_STATUS_HUMAN},
    [BREAKER_DISABLED] = {GLYPH_TIMES,  ROLE_STATUS_OFF  },
    [BREAKER_METRICS] = {GLYPH_TODO,   ROLE_STATUS_HUMAN},
};

enum glyph signal_glyph(enum breaker_state state)
{
    return lamps[state].glyph;
}

enum theme_role signal_role(enum breaker_state state)
{
    return lamps[state].role;
}

const char *signal_next(const struct service_row *row, struct wall now, char *text,
                        size_t cap)
{
    char at[CLOCK_TEXT_MAX];
    text[0] = '\0';
    if (!wall_is_set(row->until))
        return text;
    if (row->state == BREAKER_OPEN && row->until.ms <= now.ms)
        (void)snprintf(text, cap, "tries now");
    else if (row->state == BREAKER_OPEN)
        (void)snprintf(text, cap, "tries in %s",
                       look_left(wall_since(row->until, now), at));
    else if (row->state != BREAKER_CLOSED && row->state != BREAKER_HALF_OPEN)
        (void)snprintf(text, cap, "until %s", wall_format_time(row->until, false, at));
    return text;
}

struct wall signal_next_change(const struct service_row *row, struct wall now)
{
    struct wall next = look_age_change(now, row->since);
    if (row->state == BREAKER_OPEN && row->until.ms > now.ms)
        next = look_sooner(next,
                           (struct wall){now.ms + (row->until.ms - now.ms) % 5000 + 1});
    return next;
}

const char *signal_ms(int64_t ms, char *text, size_t cap)
{
    char span[CLOCK_TEXT_MAX];
    if (ms < 0)
        (void)snprintf(text, cap, "–");
    else if (ms >= 1000 && ms < 10000)
        (void)snprintf(text, cap, "%" PRId64 ".%" PRId64 "s", ms / 1000, ms / 100 % 10);
    else
        (void)snprintf(text, cap, "%s", span_format((struct span){ms}, span));
    return text;
}

const char *signal_percent(int64_t percent, char *text, size_t cap)
{
    if (percent < 0)
        (void)snprintf(text, cap, "–");
    else
        (void)snprintf(text, cap, "%" PRId64 "%%", percent);
    return text;
}

const char *signal_quota(const struct service_detail *detail, char *text, size_t cap)
{
    char left[CLOCK_TEXT_MAX], all[CLOCK_TEXT_MAX];
    if (detail->rate_remaining < 0)
        (void)snprintf(text, cap, "–");
    else if (detail->rate_limit < 0)
        (void)snprintf(text, cap, "%s", look_count(detail->rate_remaining, left));
    else
        (void)snprintf(text, cap, "%s of %s", look_count(detail->rate_remaining, left),
                       look_count(detail->rate_limit, all));
    return text;
}

/* Nobody stands in: its workflows wait. */
static bool is_parking(const struct service_detail *detail)
{
    return strcmp(detail->fallback_to, "park") == 0;
}

/* ---- one line ------------------------------------------------------------------------- */

void signal_line(const struct canvas *canvas, int y, const struct frame_service *service,
                 struct wall now)
{
    const struct service_row *row = &service->row;
    const struct service_detail *detail = &service->detail;
    char text[200], more[80];
    canvas_glyph(canvas, 2, y, signal_role(row->state), signal_glyph(row->state));
    look_text(canvas, 4, y, 18, ROLE_TEXT, row->name);
    canvas_text(canvas, 23, y, 13, signal_role(row->state),
                breaker_state_word(row->state));
    signal_next(row, now, text, sizeof text);
    if (row->state == BREAKER_CLOSED) {
        (void)snprintf(text, sizeof text, "p95 %5s",
                       signal_ms(detail->p95_ms, more, sizeof more));
        canvas_text(canvas, 37, y, 12, ROLE_TEXT, text);
        (void)snprintf(text, sizeof text, "errors %4s",
                       signal_percent(detail->failure_percent, more, sizeof more));
        canvas_text(canvas, 49, y, 12,
                    detail->failure_percent > 0 ? ROLE_STATUS_WARN : ROLE_TEXT, text);
    } else {
        canvas_text(canvas, 37, y, 24, ROLE_TEXT, text);
    }
    int width = canvas->w - 62 - 1;
    if (detail->fallback_to[0] != '\0') {
        (void)snprintf(text, sizeof text, "%s%s", is_parking(detail) ? "" : "uses ",
                       is_parking(detail) ? "workflows are parked" : detail->fallback_to);
        look_text(canvas, 62, y, width, ROLE_STATUS_WARN, text);
    } else if (row->state == BREAKER_CLOSED && detail->rate_remaining >= 0) {
        (void)snprintf(text, sizeof text, "quota %s",
                       signal_quota(detail, more, sizeof more));
        canvas_text(canvas, 62, y, width, ROLE_TEXT_DIM, text);
    } else if (row->reason[0] != '\0') {
        look_text(canvas, 62, y, width, ROLE_TEXT_DIM, row->reason);
    }
}

/* ---- all of it ------------------------------------------------------------------------ */

struct pen {
    const struct canvas *canvas;
    int y, scroll; /* y counts all lines, also those scrolled away */
};

static int line_of(const struct pen *pen)
{
    int y = pen->y - pen->scroll;
    return y >= 0 && y < pen->canvas->h ? y : -1;
}

static void fact(struct pen *pen, const char *name, enum theme_role role,
                 const char *text)
{
    int y = line_of(pen);
    if (y >= 0) {
        canvas_text(pen->canvas, 2, y, X_FACT - 3, ROLE_TEXT_DIM, name);
        look_text(pen->canvas, X_FACT, y, pen->canvas->w - X_FACT - 1, role, text);
    }
    pen->y++;
}

static void blank(struct pen *pen)
{
    pen->y++;
}

static void draw_head(struct pen *pen, const struct frame_service *service,
                      struct wall now)
{
    const struct service_row *row = &service->row;
    char text[LOOK_TEXT_MAX], next[80], age[CLOCK_TEXT_MAX];
    int y = line_of(pen);
    if (y >= 0) {
        int x = 2;
        x += look_text(pen->canvas, x, y, 40, ROLE_TITLE, row->name) + 3;
        x += look_text(pen->canvas, x, y, 20, ROLE_TEXT_DIM, row->kind) + 3;
        look_text(pen->canvas, x, y, pen->canvas->w - x - 1, ROLE_TEXT_DIM,
                  service->detail.url);
    }
    pen->y += 2;
    y = line_of(pen);
    if (y >= 0) {
        canvas_glyph(pen->canvas, 2, y, signal_role(row->state),
                     signal_glyph(row->state));
        (void)snprintf(
            text, sizeof text, "%s for %s%s%s", breaker_state_word(row->state),
            look_age(now, row->since, age),
            row->until.ms != 0 && row->state != BREAKER_CLOSED ? ", " : "",
            row->state != BREAKER_CLOSED ? signal_next(row, now, next, sizeof next) : "");
        canvas_text(pen->canvas, 4, y, pen->canvas->w - 5, signal_role(row->state), text);
    }
    pen->y++;
    y = line_of(pen);
    if (row->reason[0] != '\0') {
        if (y >= 0)
            look_text(pen->canvas, 4, y, pen->canvas->w - 5, ROLE_TEXT, row->reason);
        pen->y++;
    }
    blank(pen);
}

/* The last calls, a mark each: what was fine is quiet. */
static void draw_recent(struct pen *pen, const struct service_detail *detail)
{
    int y = line_of(pen);
    if (detail->recent[0] == '\0')
        return;
    if (y >= 0) {
        canvas_text(pen->canvas, 2, y, X_FACT - 3, ROLE_TEXT_DIM, "last calls");
        int x = X_FACT;
        size_t n = strlen(detail->recent);
        size_t room =
            pen->canvas->w > X_FACT + 1 ? (size_t)(pen->canvas->w - X_FACT - 1) : 0;
        for (size_t i = n > room ? n - room : 0; i < n; i++, x++) {
            char c = detail->recent[i];
            canvas_glyph(pen->canvas, x, y,
                         c == 'x'   ? ROLE_STATUS_ERROR
                         : c == 's' ? ROLE_STATUS_WARN
                                    : ROLE_TEXT_DIM,
                         c == 'x'   ? GLYPH_FAIL
                         : c == 's' ? GLYPH_LOW
                                    : GLYPH_TODO);
        }
    }
    pen->y++;
}

static void draw_calls(struct pen *pen, const struct service_detail *detail)
{
    char text[200], a[40], b[40], c[40];
    if (detail->calls >= 0) {
        bool is_row = strcmp(detail->window, "consecutive") == 0;
        (void)snprintf(text, sizeof text,
                       is_row ? "%" PRId64 " failed in a row; of %" PRId64
                                " calls %s failed, %s were slow"
                              : "%" PRId64 " failed of %" PRId64
                                " calls: %s; %s were slow",
                       detail->failures, detail->calls,
                       signal_percent(detail->failure_percent, a, sizeof a),
                       signal_percent(detail->slow_percent, b, sizeof b));
        fact(pen, "window", detail->failures > 0 ? ROLE_STATUS_WARN : ROLE_TEXT, text);
    }
    draw_recent(pen, detail);
    if (detail->latency_n > 0) {
        (void)snprintf(text, sizeof text, "p50 %s   p95 %s   p99 %s   of %s calls",
                       signal_ms(detail->p50_ms, a, sizeof a),
                       signal_ms(detail->p95_ms, b, sizeof b),
                       signal_ms(detail->p99_ms, c, sizeof c),
                       look_count(detail->latency_n, (char[CLOCK_TEXT_MAX]){0}));
        fact(pen, "latency", ROLE_TEXT, text);
    } else {
        fact(pen, "latency", ROLE_TEXT_DIM, "not known yet: nothing was answered");
    }
}

static void draw_limits(struct pen *pen, const struct service_detail *detail,
                        struct wall now)
{
    char text[200], a[80], span[CLOCK_TEXT_MAX];
    if (detail->limit >= 0) {
        (void)snprintf(text, sizeof text,
                       "%" PRId64 " of %" PRId64 " at once, %" PRId64 " wait, %" PRId64
                       " were refused",
                       detail->in_flight, detail->limit, detail->waiting,
                       detail->refused);
        fact(pen, "bulkhead", detail->refused > 0 ? ROLE_STATUS_WARN : ROLE_TEXT, text);
    }
    if (detail->rate_remaining >= 0) {
        int used =
            snprintf(text, sizeof text, "%s left", signal_quota(detail, a, sizeof a));
        if (detail->rate_reset_at.ms > now.ms)
            (void)snprintf(text + used, sizeof text - (size_t)used, ", all again in %s",
                           look_left(wall_since(detail->rate_reset_at, now), span));
        fact(pen, "quota", detail->rate_remaining == 0 ? ROLE_STATUS_ERROR : ROLE_TEXT,
             text);
    }
    if (detail->creates_left >= 0) {
        (void)snprintf(text, sizeof text, "%" PRId64 " left at the moment",
                       detail->creates_left);
        fact(pen, "creations", ROLE_TEXT, text);
    }
    if (detail->retry_left_percent >= 0) {
        (void)snprintf(text, sizeof text, "%" PRId64 "%% of the budget left, %s repeated",
                       detail->retry_left_percent,
                       look_count(detail->repeats, (char[CLOCK_TEXT_MAX]){0}));
        fact(pen, "repetitions",
             detail->retry_left_percent == 0 ? ROLE_STATUS_WARN : ROLE_TEXT, text);
    }
}

static const char *snapshots_text(const char *word)
{
    if (strcmp(word, "real") == 0)
        return "kept by the provider; what was lost is restored from one";
    if (strcmp(word, "copy") == 0)
        return "copies of the files only";
    return "none with this provider: a lost sandbox is made anew";
}

static void draw_surroundings(struct pen *pen, const struct service_detail *detail,
                              struct wall now)
{
    char text[200], age[CLOCK_TEXT_MAX];
    if (detail->fallback_to[0] != '\0') {
        look_age(now, detail->fallback_since, age);
        if (is_parking(detail))
            (void)snprintf(text, sizeof text,
                           "nobody is left: workflows are parked for %s, %" PRId64
                           " steps",
                           age, detail->n_fallbacks);
        else
            (void)snprintf(text, sizeof text, "%s in its place for %s, %" PRId64 " steps",
                           detail->fallback_to, age, detail->n_fallbacks);
        fact(pen, "fallback", ROLE_STATUS_WARN, text);
    }
    if (detail->healthy_percent >= 0) {
        (void)snprintf(text, sizeof text, "%" PRId64 "%% of its hosts are healthy",
                       detail->healthy_percent);
        fact(pen, "mesh", detail->healthy_percent < 100 ? ROLE_STATUS_WARN : ROLE_TEXT,
             text);
    }
    if (wall_is_set(detail->probe_at)) {
        (void)snprintf(text, sizeof text, "%s, %s ago",
                       detail->is_probe_fine ? "answered" : "no good answer",
                       look_age(now, detail->probe_at, age));
        fact(pen, "probe", detail->is_probe_fine ? ROLE_TEXT : ROLE_STATUS_WARN, text);
    }
    if (detail->snapshots[0] != '\0')
        fact(pen, "snapshots", ROLE_TEXT, snapshots_text(detail->snapshots));
}

static void draw_errors(struct pen *pen, const struct service_detail *detail)
{
    if (detail->n_errors == 0)
        return;
    blank(pen);
    int y = line_of(pen);
    if (y >= 0)
        look_title(pen->canvas, 2, y, pen->canvas->w - 3, "LAST ERRORS", "");
    pen->y++;
    for (size_t i = 0; i < detail->n_errors; i++, pen->y++) {
        const struct service_error *row = &detail->errors[i];
        char at[CLOCK_TEXT_MAX];
        if ((y = line_of(pen)) < 0)
            continue;
        canvas_text(pen->canvas, 4, y, 9, ROLE_TEXT_DIM,
                    wall_format_time(row->at, true, at));
        look_text(pen->canvas, X_FACT, y, 22, ROLE_TEXT, row->call);
        look_text(pen->canvas, X_FACT + 24, y, pen->canvas->w - X_FACT - 25, ROLE_TEXT,
                  row->text);
    }
}

static void draw_endpoints(struct pen *pen, const struct service_detail *detail)
{
    if (detail->n_endpoints == 0)
        return;
    blank(pen);
    int y = line_of(pen);
    if (y >= 0) {
        look_title(pen->canvas, 2, y, 30, "ENDPOINTS", "");
        canvas_right(pen->canvas, 32, y, 8, ROLE_TEXT_DIM, "calls");
        canvas_right(pen->canvas, 41, y, 8, ROLE_TEXT_DIM, "errors");
        canvas_right(pen->canvas, 50, y, 8, ROLE_TEXT_DIM, "p95");
    }
    pen->y++;
    for (size_t i = 0; i < detail->n_endpoints; i++, pen->y++) {
        const struct service_endpoint *row = &detail->endpoints[i];
        char text[CLOCK_TEXT_MAX];
        if ((y = line_of(pen)) < 0)
            continue;
        look_text(pen->canvas, 4, y, 28, ROLE_TEXT, row->name);
        canvas_right(pen->canvas, 32, y, 8, ROLE_TEXT, look_count(row->calls, text));
        canvas_right(pen->canvas, 41, y, 8,
                     row->errors > 0 ? ROLE_STATUS_WARN : ROLE_TEXT_DIM,
                     look_count(row->errors, text));
        canvas_right(pen->canvas, 50, y, 8, ROLE_TEXT,
                     signal_ms(row->p95_ms, text, sizeof text));
    }
}

int signal_draw(const struct canvas *canvas, const struct frame_service *service,
                struct wall now, int scroll)
{
    struct pen pen = {.canvas = canvas, .scroll = scroll};
    draw_head(&pen, service, now);
    draw_calls(&pen, &service->detail);
    draw_limits(&pen, &service->detail, now);
    draw_surroundings(&pen, &service->detail, now);
    draw_errors(&pen, &service->detail);
    draw_endpoints(&pen, &service->detail);
    return pen.y;
}
