/* SPDX-License-Identifier: MIT */
/* How approvals and optimizations look everywhere. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "tui/card.h"
#include "tui/widget/look.h"

enum glyph card_risk_glyph(enum risk risk)
{
    static const enum glyph glyphs[RISK_COUNT] = {[RISK_LOW] = GLYPH_TODO,
                                                  [RISK_MEDIUM] = GLYPH_LOW,
                                                  [RISK_HIGH] = GLYPH_HIGH,
                                                  [RISK_CRITICAL] = GLYPH_CLOSED};
    return (unsigned)risk < RISK_COUNT ? glyphs[risk] : GLYPH_CLOSED;
}

enum theme_role card_risk_role(enum risk risk)
{
    static const enum theme_role roles[RISK_COUNT] = {
        [RISK_LOW] = ROLE_SEVERITY_LOW,
        [RISK_MEDIUM] = ROLE_SEVERITY_MEDIUM,
        [RISK_HIGH] = ROLE_SEVERITY_HIGH,
        [RISK_CRITICAL] = ROLE_SEVERITY_CRITICAL};
    return (unsigned)risk < RISK_COUNT ? roles[risk] : ROLE_SEVERITY_CRITICAL;
}

enum glyph card_optimization_glyph(enum optimization_status status)
{
    static const enum glyph glyphs[OPT_STATUS_COUNT] = {
        [OPT_PROPOSED] = GLYPH_LOW,      [OPT_GUARDED] = GLYPH_RUN,
        [OPT_KEPT] = GLYPH_OK,           [OPT_TAKEN_BACK] = GLYPH_ARROW_LEFT,
        [OPT_INCONCLUSIVE] = GLYPH_HALF, [OPT_REJECTED] = GLYPH_FAIL,
        [OPT_UNDONE] = GLYPH_ARROW_LEFT, [OPT_WITHDRAWN] = GLYPH_TODO};
    return (unsigned)status < OPT_STATUS_COUNT ? glyphs[status] : GLYPH_TODO;
}

enum theme_role card_optimization_role(enum optimization_status status)
{
    static const enum theme_role roles[OPT_STATUS_COUNT] = {
        [OPT_PROPOSED] = ROLE_STATUS_HUMAN,
        [OPT_GUARDED] = ROLE_STATUS_RUN,
        [OPT_KEPT] = ROLE_STATUS_OK,
        [OPT_TAKEN_BACK] = ROLE_STATUS_WARN,
        [OPT_INCONCLUSIVE] = ROLE_STATUS_HUMAN,
        [OPT_REJECTED] = ROLE_STATUS_OFF,
        [OPT_UNDONE] = ROLE_STATUS_WARN,
        [OPT_WITHDRAWN] = ROLE_STATUS_OFF};
    return (unsigned)status < OPT_STATUS_COUNT ? roles[status] : ROLE_TEXT;
}

const char *card_effect(const char *metric, double mean, double low, double high,
                        char text[CARD_EFFECT_MAX])
{
    bool is_minutes = strstr(metric, "minutes") != NULL;
    const char *unit = "%";
    double by = is_minutes && isfinite(mean) ? minutes_scale(mean, &unit) : 100;
    if (!isfinite(mean)) {
        (void)snprintf(text, CARD_EFFECT_MAX, "not known");
    } else if (isfinite(low) && isfinite(high)) {
        (void)snprintf(text, CARD_EFFECT_MAX, "%+.1f%s (%+.1f to %+.1f)",
                       without_minus(mean * by), unit, without_minus(low * by),
                       without_minus(high * by));
    } else {
        (void)snprintf(text, CARD_EFFECT_MAX, "%+.1f%s", without_minus(mean * by), unit);
    }
    return text;
}

const char *card_value(struct arena *arena, const char *value)
{
    struct err ignored = ERR_INIT;
    struct json *list =
        value[0] == '[' ? json_parse(value, strlen(value), &ignored) : NULL;
    const char *text = json_len(list) == 0 ? value : "";
    for (size_t i = 0; i < json_len(list); i++) {
        const char *one = json_text(json_at(list, i));
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "",
                            one != NULL ? one : "?");
    }
    json_free(list);
    return text[0] != '\0' ? text : "as configured";
}

const char *card_metric(struct arena *arena, const char *metric)
{
    char *text = arena_str(arena, metric);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    return text;
}

const char *card_expiry(const struct approval_row *row, struct wall now,
                        char text[CLOCK_TEXT_MAX])
{
    text[0] = '\0';
    if (!approval_waits(row->status) || !wall_is_set(row->expires_at)) {
        return text;
    }
    if (row->expires_at.ms <= now.ms) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "now");
        return text;
    }
    return look_left(wall_since(row->expires_at, now), text);
}

const char *card_owner(const struct approval_row *row, struct wall now)
{
    bool is_claimed = row->claimed_by[0] != '\0' && (!wall_is_set(row->claimed_until) ||
                                                     row->claimed_until.ms > now.ms);
    return is_claimed ? row->claimed_by : row->assignee;
}

static void append(char *text, size_t cap, const char *format, ...) PRINTF_LIKE(3, 4);
static void append(char *text, size_t cap, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + len, cap - len, format, args);
    va_end(args);
    (void)text_whole(text);
}

/* "claimed by ada for 12m", "given to grace"; "" when nobody has it. */
static void append_owner(const struct approval_row *row, struct wall now, char *text,
                         size_t cap)
{
    char left[CLOCK_TEXT_MAX];
    const char *owner = card_owner(row, now);
    if (owner[0] == '\0') {
        return;
    }
    append(text, cap, "%s%s %s", text[0] != '\0' ? ", " : "",
           owner == row->assignee ? "given to" : "claimed by", owner);
    if (owner != row->assignee && wall_is_set(row->claimed_until)) {
        append(text, cap, " for %s",
               look_left(wall_since(row->claimed_until, now), left));
    }
}

const char *card_state(const struct approval_row *row, struct wall now, char *text,
                       size_t cap)
{
    char span[CLOCK_TEXT_MAX];
    text[0] = '\0';
    if (!approval_waits(row->status)) {
        append(text, cap, "%s%s%s, %s ago", approval_status_word(row->status),
               row->decided_by[0] != '\0' ? " by " : "", row->decided_by,
               look_age(now, row->decided_at, span));
        return text;
    }
    if (row->snoozed_until.ms > now.ms) {
        append(text, cap, "snoozed for %s",
               look_left(wall_since(row->snoozed_until, now), span));
    }
    if (row->status == APPROVAL_SUGGESTED) {
        append(text, cap, "suggested: nobody is called, nothing expires");
    } else if (wall_is_set(row->expires_at)) {
        append(text, cap, "%sexpires %s%s, then %s", text[0] != '\0' ? ", " : "",
               row->expires_at.ms > now.ms ? "in " : "", card_expiry(row, now, span),
               expiry_word(row->on_expiry));
    } else {
        append(text, cap, "%swaits without end", text[0] != '\0' ? ", " : "");
    }
    append_owner(row, now, text, cap);
    return text;
}
