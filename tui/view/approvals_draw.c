/* SPDX-License-Identifier: MIT */
/* How approvals are drawn: lines of the queue, and cards. */
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/view/approval.h"
#include "tui/widget/chart.h"
#include "tui/widget/look.h"

#define X_GLYPH 2
#define X_RISK  4
#define W_RISK  8
#define W_AGE   5
#define W_LEFT  6
#define W_OWNER 9
#define W_ID    7
#define WIDE    70 /* from here on the number stands at the end */

void card_draw(const struct canvas *canvas, const struct card_line *lines, size_t n,
               size_t top)
{
    for (int y = 0; y < canvas->h && top + (size_t)y < n; y++) {
        const struct card_line *line = &lines[top + (size_t)y];
        int x = line->is_wide ? 2 : 2 + CARD_LABEL;
        int at = x + CARD_MARK;
        canvas_text(canvas, 2, y, CARD_LABEL, ROLE_TITLE, line->label);
        if (line->mark != GLYPH_COUNT)
            canvas_glyph(canvas, x, y, line->mark_role, line->mark);
        at += canvas_text(canvas, at, y, canvas->w - at - 1, line->role, line->text) + 2;
        struct spark_value values[CARD_VALUES_MAX];
        size_t n_values = 0;
        for (size_t i = 0; i < line->n_values && at + (int)i < canvas->w - 1; i++) {
            double value = line->values[i];
            values[n_values++] =
                (struct spark_value){.value = value, .is_known = value == value};
        }
        if (n_values > 0)
            spark_draw(canvas, at, y, values, n_values);
    }
}

void card_beside(const struct canvas *canvas, const struct frame_approval *one,
                 struct wall now)
{
    size_t n, n_less;
    struct arena *arena = arena_new();
    const struct card_line *lines =
        card_of_approval(arena, &one->row, &one->card, CARD_WHOLE, now, canvas->w - 3,
                         canvas->h, &n, &n_less);
    card_draw(canvas, lines, n, 0);
    arena_free(arena);
}

static bool is_quiet(const struct approval_row *row, struct wall now)
{
    return row->status == APPROVAL_SUGGESTED || row->snoozed_until.ms > now.ms;
}

/* What stands in the place of what is left: the verdict of one that was decided. */
static const char *left_of(const struct approval_row *row, struct wall now,
                           char text[CLOCK_TEXT_MAX])
{
    if (approval_waits(row->status) && row->snoozed_until.ms > now.ms)
        return look_left(wall_since(row->snoozed_until, now), text);
    return card_expiry(row, now, text);
}

static enum theme_role left_role(const struct approval_row *row, struct wall now)
{
    bool is_soon = wall_is_set(row->expires_at) && approval_waits(row->status) &&
                   row->expires_at.ms - now.ms <= 600000;
    return is_quiet(row, now) ? ROLE_TEXT_DIM : is_soon ? ROLE_STATUS_WARN : ROLE_TEXT;
}

/* The word in front: the risk; of what is over or drifted, that. */
static void draw_word(const struct canvas *canvas, int y, const struct approval_row *row,
                      struct wall now)
{
    bool is_dim = is_quiet(row, now) || !approval_waits(row->status);
    enum theme_role role = is_dim ? ROLE_TEXT_DIM : card_risk_role(row->risk);
    canvas_glyph(canvas, X_GLYPH, y, role, card_risk_glyph(row->risk));
    canvas_text(canvas, X_RISK, y, W_RISK, role, risk_word(row->risk));
}

static const char *note_of(const struct approval_row *row, struct wall now)
{
    if (!approval_waits(row->status) || row->status != APPROVAL_OPEN)
        return approval_status_word(row->status);
    return row->snoozed_until.ms > now.ms ? "snoozed" : "";
}

void ask_line(const struct canvas *canvas, int y, const struct approval_row *row,
              const char *why, struct wall now)
{
    char text[CLOCK_TEXT_MAX], name[CASE_ID_MAX];
    int right = canvas->w - 1;
    bool is_dim = is_quiet(row, now) || !approval_waits(row->status);
    draw_word(canvas, y, row, now);
    if (canvas->w >= WIDE) {
        canvas_right(canvas, right - W_ID, y, W_ID, ROLE_TEXT_DIM,
                     case_id(CASE_APPROVAL, row->id, name));
        right -= W_ID + 1;
        look_text(canvas, right - W_OWNER, y, W_OWNER, ROLE_TEXT,
                  approval_waits(row->status) ? card_owner(row, now) : row->decided_by);
        right -= W_OWNER + 1;
    }
    canvas_right(canvas, right - W_LEFT, y, W_LEFT, left_role(row, now),
                 left_of(row, now, text));
    right -= W_LEFT + 1;
    canvas_right(canvas, right - W_AGE, y, W_AGE, ROLE_TEXT_DIM,
                 look_age(now, row->created_at, text));
    right -= W_AGE + 1;
    int x = ASK_X_TITLE;
    const char *note = note_of(row, now);
    if (note[0] != '\0')
        x += canvas_text(canvas, x, y, right - x,
                         row->status == APPROVAL_DRIFTED ? ROLE_STATUS_WARN
                                                         : ROLE_TEXT_DIM,
                         note) +
             1;
    look_text(canvas, x, y, right - x, is_dim ? ROLE_TEXT_DIM : ROLE_TEXT, row->title);
    if (why && why[0] != '\0')
        look_text(canvas, ASK_X_TITLE, y + 1, canvas->w - ASK_X_TITLE - 1, ROLE_TEXT_DIM,
                  why);
}

struct wall ask_next_change(const struct approval_row *row, struct wall now)
{
    struct wall next = look_age_change(now, row->created_at);
    int64_t left = row->expires_at.ms - now.ms;
    if (approval_waits(row->status) && wall_is_set(row->expires_at) && left > 0 &&
        left < 130000)
        next =
            look_sooner(next, (struct wall){now.ms + 5000 - (5000 - left % 5000) % 5000});
    return next;
}

void subject_of(const struct approval_row *row, struct view_subject *ret_subject)
{
    struct arena *arena = arena_new();
    struct card card;
    const struct card_vote *votes;
    card_parse(arena, row->card, &card);
    int n_votes = (int)card_parse_votes(arena, row->votes, &votes);
    *ret_subject = (struct view_subject){
        .approval = row->id,
        .act = row->action,
        .risk = row->risk,
        .is_waiting = approval_waits(row->status),
        .can_undo = card.undo[0] != '\0',
        .n_missing = row->n_needed - n_votes,
    };
    arena_free(arena);
    memcpy(ret_subject->digest, row->digest, sizeof ret_subject->digest);
    ret_subject->digest[DIGEST_HEX - 1] = '\0';
    (void)text_clean_into(ret_subject->target, sizeof ret_subject->target, row->target);
    (void)text_clean_into(ret_subject->title, sizeof ret_subject->title, row->title);
    (void)text_clean_into(ret_subject->rule, sizeof ret_subject->rule, row->rule);
}

const char *ask_summary(const struct approval_totals *totals, struct wall now, char *text,
                        size_t cap)
{
    char left[CLOCK_TEXT_MAX];
    int64_t n = 0;
    for (int i = 0; i < RISK_COUNT; i++)
        n += totals->n_open[i];
    int used = snprintf(text, cap, "%" PRId64 " wait%s", n, n == 1 ? "s" : "");
    if (totals->n_open[RISK_CRITICAL] > 0)
        used += snprintf(text + used, cap - (size_t)used, ", %" PRId64 " critical",
                         totals->n_open[RISK_CRITICAL]);
    if (wall_is_set(totals->next_expiry) && totals->next_expiry.ms > now.ms)
        used += snprintf(text + used, cap - (size_t)used, ", next expires in %s",
                         look_left(wall_since(totals->next_expiry, now), left));
    if (totals->n_snoozed > 0)
        used += snprintf(text + used, cap - (size_t)used, ", %" PRId64 " snoozed",
                         totals->n_snoozed);
    if (totals->n_suggested > 0)
        (void)snprintf(text + used, cap - (size_t)used, ", %" PRId64 " suggested",
                       totals->n_suggested);
    return text;
}

bool page_scroll(int *top, enum action action, int n_lines, int height)
{
    int by;
    switch (action) {
    case ACTION_ROW_DOWN:
        by = 1;
        break;
    case ACTION_ROW_UP:
        by = -1;
        break;
    case ACTION_PAGE_DOWN:
        by = height - 1;
        break;
    case ACTION_PAGE_UP:
        by = 1 - height;
        break;
    case ACTION_TOP:
        by = -*top;
        break;
    case ACTION_END:
        by = n_lines;
        break;
    default:
        return false;
    }
    int to = *top + by, last = n_lines - height;
    *top = to < 0 || last < 0 ? 0 : to > last ? last : to;
    return true;
}
