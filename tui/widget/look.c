/* SPDX-License-Identifier: MIT */
#include "tui/widget/look.h"

#include <inttypes.h>

#include "engine/base/text.h"

#define MINUTE_MS 60000
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define YOUNG_MS  (2 * MINUTE_MS) /* shorter spans are shown in seconds, */
#define STEP_MS   5000            /* of which only each fifth */

struct state_look {
    enum glyph glyph;
    enum theme_role role;
};

static const struct state_look state_looks[STATE_COUNT] = {
    [STATE_IDLE] = {GLYPH_TODO,       ROLE_STATE_IDLE       },
    [STATE_PLANNING] = {GLYPH_RUN,        ROLE_STATE_PLANNING   },
    [STATE_CODING] = {GLYPH_RUN,        ROLE_STATE_CODING     },
    [STATE_PR_CREATED] = {GLYPH_RUN,        ROLE_STATE_PR         },
    [STATE_VALIDATING] = {GLYPH_RUN,        ROLE_STATE_VALIDATING },
    [STATE_COMPLETED] = {GLYPH_OK,         ROLE_STATE_COMPLETED  },
    [STATE_FAILED] = {GLYPH_FAIL,       ROLE_STATE_FAILED     },
    [STATE_CANCELLED] = {GLYPH_TIMES,      ROLE_STATE_CANCELLED  },
    [STATE_RECOVERING] = {GLYPH_HALF,       ROLE_STATE_RECOVERING },
    [STATE_PARKED] = {GLYPH_OPEN,       ROLE_STATE_PARKED     },
    [STATE_ROLLED_BACK] = {GLYPH_ARROW_LEFT, ROLE_STATE_ROLLED_BACK},
};

static const struct state_look status_looks[STATUS_COUNT] = {
    [STATUS_PENDING] = {GLYPH_RUN,   ROLE_STATUS_RUN  },
    [STATUS_PASSED] = {GLYPH_OK,    ROLE_STATUS_OK   },
    [STATUS_FAILED] = {GLYPH_FAIL,  ROLE_STATUS_ERROR},
    [STATUS_TIMED_OUT] = {GLYPH_FAIL,  ROLE_STATUS_ERROR},
    [STATUS_LOST] = {GLYPH_FAIL,  ROLE_STATUS_ERROR},
    [STATUS_REFUSED] = {GLYPH_FAIL,  ROLE_STATUS_ERROR},
    [STATUS_FLAKY] = {GLYPH_LOW,   ROLE_STATUS_WARN },
    [STATUS_SKIPPED] = {GLYPH_TODO,  ROLE_STATUS_OFF  },
    [STATUS_CANCELLED] = {GLYPH_TIMES, ROLE_STATUS_OFF  },
    [STATUS_DEFERRED] = {GLYPH_OPEN,  ROLE_STATUS_WAIT },
};

enum glyph look_state_glyph(enum workflow_state state)
{
    return state_looks[state].glyph;
}

enum theme_role look_state_role(enum workflow_state state)
{
    return state_looks[state].role;
}

enum glyph look_status_glyph(enum effect_status status)
{
    return status_looks[status].glyph;
}

enum theme_role look_status_role(enum effect_status status)
{
    return status_looks[status].role;
}

enum glyph look_row_glyph(const struct workflow_row *row)
{
    if (wait_needs_human(row->wait))
        return GLYPH_HIGH;
    if (row->wait == WAIT_SLOT)
        return GLYPH_TODO;
    return look_state_glyph(row->state);
}

enum theme_role look_row_role(const struct workflow_row *row)
{
    if (wait_needs_human(row->wait))
        return ROLE_STATUS_HUMAN;
    if (row->wait == WAIT_SLOT)
        return ROLE_STATUS_WAIT;
    return look_state_role(row->state);
}

const char *look_state_word(enum workflow_state state)
{
    return state == STATE_ROLLED_BACK ? "ROLLED BACK" : state_name(state);
}

/* ---- text
 * ---------------------------------------------------------------------------------------
 */

int look_text(const struct canvas *canvas, int x, int y, int width, enum theme_role role,
              const char *text)
{
    char clean[LOOK_TEXT_MAX];
    return canvas_text(canvas, x, y, width, role,
                       text_clean_into(clean, sizeof clean, text));
}

int look_right(const struct canvas *canvas, int x, int y, int width, enum theme_role role,
               const char *text)
{
    char clean[LOOK_TEXT_MAX];
    return canvas_right(canvas, x, y, width, role,
                        text_clean_into(clean, sizeof clean, text));
}

int look_title(const struct canvas *canvas, int x, int y, int width, const char *title,
               const char *note)
{
    int used = canvas_text(canvas, x, y, width, ROLE_TITLE, title);
    if (note[0] == '\0' || used + 2 >= width)
        return used;
    return used + 2 +
           look_text(canvas, x + used + 2, y, width - used - 2, ROLE_TEXT_DIM, note);
}

/* ---- times
 * --------------------------------------------------------------------------------------
 */

const char *look_span(struct span span, char text[CLOCK_TEXT_MAX])
{
    int64_t ms = span.ms > 0 ? span.ms : 0;
    int64_t s = ms / STEP_MS * (STEP_MS / 1000);
    if (ms < MINUTE_MS)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "s", s);
    else if (ms < YOUNG_MS)
        (void)snprintf(text, CLOCK_TEXT_MAX, "1m%02" PRId64 "s", s - 60);
    else if (ms < HOUR_MS)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "m", ms / MINUTE_MS);
    else if (ms < 2 * DAY_MS && ms / MINUTE_MS % 60 == 0)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "h", ms / HOUR_MS);
    else if (ms < 2 * DAY_MS)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "h%02" PRId64 "m", ms / HOUR_MS,
                       ms / MINUTE_MS % 60);
    else
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "d", ms / DAY_MS);
    return text;
}

const char *look_left(struct span span, char text[CLOCK_TEXT_MAX])
{
    int64_t step = span.ms < YOUNG_MS ? STEP_MS : MINUTE_MS;
    return look_span((struct span){(span.ms + step - 1) / step * step}, text);
}

const char *look_age(struct wall now, struct wall then, char text[CLOCK_TEXT_MAX])
{
    if (wall_is_set(then))
        return look_span(wall_since(now, then), text);
    (void)snprintf(text, CLOCK_TEXT_MAX, "%s", glyph_utf8(GLYPH_DASH));
    return text;
}

struct wall look_age_change(struct wall now, struct wall then)
{
    int64_t age = now.ms - then.ms;
    if (!wall_is_set(then) || age >= YOUNG_MS)
        return (struct wall){0};
    if (age < 0)
        return (struct wall){then.ms + STEP_MS};
    return (struct wall){now.ms + STEP_MS - age % STEP_MS};
}

struct wall look_sooner(struct wall a, struct wall b)
{
    if (!wall_is_set(a))
        return b;
    return wall_is_set(b) && b.ms < a.ms ? b : a;
}

/* A whole span, such as a limit: "1h", "30m", "1m30s", not rounded to steps. */
static const char *whole_span(struct span span, char text[CLOCK_TEXT_MAX])
{
    int64_t s = span.ms / 1000;
    if (s < 60)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "s", s);
    else if (s < 3600 && s % 60 != 0 && s < 600)
        (void)snprintf(text, CLOCK_TEXT_MAX, "%" PRId64 "m%02" PRId64 "s", s / 60,
                       s % 60);
    else
        return look_span(span, text);
    return text;
}

const char *look_deadline(const struct workflow_row *row, struct wall now, char *text,
                          size_t cap)
{
    char elapsed[CLOCK_TEXT_MAX], limit[CLOCK_TEXT_MAX];
    text[0] = '\0';
    if (!wall_is_set(row->deadline_at) || !wall_is_set(row->state_since))
        return text;
    struct span all = wall_since(row->deadline_at, row->state_since);
    struct span gone = wall_since(now, row->state_since);
    if (gone.ms > all.ms)
        (void)snprintf(text, cap, "over %s", whole_span(all, limit));
    else
        (void)snprintf(text, cap, "%s of %s", look_span(gone, elapsed),
                       whole_span(all, limit));
    return text;
}

/* ---- names and numbers ------------------------------------------------------------- */

const char *look_repo(const char *repo, char *text, size_t cap)
{
    size_t len = strlen(repo);
    while (len > 1 && repo[len - 1] == '/')
        len--;
    if (len > 4 && memcmp(repo + len - 4, ".git", 4) == 0 && repo[len - 5] != '/')
        len -= 4;
    size_t start = len;
    while (start > 0 && repo[start - 1] != '/' && repo[start - 1] != ':')
        start--;
    (void)snprintf(text, cap, "%.*s", (int)(len - start), repo + start);
    return text;
}

const char *look_count(int64_t n, char text[CLOCK_TEXT_MAX])
{
    if (n < 0) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%s", glyph_utf8(GLYPH_DASH));
        return text;
    }
    char digits[CLOCK_TEXT_MAX];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    int at = 0;
    for (int i = 0; i < len && at < CLOCK_TEXT_MAX - 2; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const char *look_bytes(int64_t bytes, char text[CLOCK_TEXT_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (bytes < 0)
        return look_count(-1, text);
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, CLOCK_TEXT_MAX, unit > 0 && value < 10 ? "%.1f %s" : "%.0f %s",
                   value, units[unit]);
    return text;
}
