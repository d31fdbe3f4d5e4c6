/* SPDX-License-Identifier: MIT */
/* The card of an optimization. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/card_tell.h"
#include "tui/widget/look.h"

/* ---- an optimization ---- */

/* How far its window is; the state of the test in it is for the engine alone. */
static void tell_guard(struct telling *t, const struct optimization_row *row)
{
    struct err ignored = ERR_INIT;
    char left[CLOCK_TEXT_MAX];
    struct json *guard = json_parse(row->guard, strlen(row->guard), &ignored);
    int64_t n = json_int(guard, "runs", -1), of = json_int(guard, "of", -1);
    int64_t before = json_int(guard, "compared_with", 0);
    const char *text = "";
    json_free(guard);
    if (n >= 0 && of > 0) {
        text = arena_printf(t->arena, "%" PRId64 " of at most %" PRId64 " runs", n, of);
    }
    if (before > 0) {
        text =
            arena_printf(t->arena, "%s, compared with %" PRId64 " before", text, before);
    }
    if (row->status == OPT_GUARDED && wall_is_set(row->guard_until)) {
        text = arena_printf(t->arena, "%s%swatched for %s more", text,
                            text[0] != '\0' ? ", " : "",
                            look_left(wall_since(row->guard_until, t->now), left));
    }
    card_tell_part(t, "GUARD", RANK_KEPT, false,
                   row->status == OPT_GUARDED ? ROLE_STATUS_RUN : ROLE_TEXT, text);
}

static void tell_optimization(struct telling *t, const struct optimization_row *row,
                              const struct card *card)
{
    char text[CARD_EFFECT_MAX], age[CLOCK_TEXT_MAX];
    card_head(t);
    card_say(t, card_optimization_glyph(row->status), card_optimization_role(row->status),
             ROLE_TEXT_STRONG, row->title);
    card_tell(t, card_optimization_role(row->status), "%s%s%s",
              optimization_status_word(row->status), row->outcome[0] != '\0' ? ": " : "",
              row->outcome);
    card_tell(t, ROLE_TEXT_DIM, "o-%" PRId64 ", %s, %s risk, proposed %s ago%s%s",
              row->id, optimization_word(row->kind), risk_word(row->risk),
              look_age(t->now, row->proposed_at, age),
              row->actor[0] != '\0' ? ", by " : "", row->actor);
    card_tell_change(t, row->setting, row->scope, row->from, row->to);
    card_part(t, "PREDICTED", RANK_KEPT, true);
    card_tell(t, ROLE_TEXT, "%s %s, sure %.0f%%, from %" PRId64 " runs",
              card_metric(t->arena, row->metric),
              card_effect(row->metric, row->expected, row->expected_low,
                          row->expected_high, text),
              row->confidence * 100, row->n_evidence);
    card_part(t, "MEASURED", RANK_KEPT, false);
    if (isfinite(row->measured)) {
        card_tell(t, ROLE_TEXT_STRONG, "%s %s", card_metric(t->arena, row->metric),
                  card_effect(row->metric, row->measured, row->measured_low,
                              row->measured_high, text));
    } else {
        card_tell(t, ROLE_TEXT_DIM, "not yet");
    }
    tell_guard(t, row);
    card_tell_part(t, "WHY", RANK_WHY, true, ROLE_TEXT, row->reason);
    card_tell_part(t, "IF WRONG", RANK_KEPT, false, ROLE_TEXT, row->if_wrong);
    bool is_in_force = row->status == OPT_GUARDED || row->status == OPT_KEPT ||
                       row->status == OPT_INCONCLUSIVE;
    if (is_in_force) {
        card_part(t, "UNDO", RANK_KEPT, false);
        card_tell(t, ROLE_TEXT, "u takes it back: %s is %s again", row->setting,
                  card_value(t->arena, row->from));
    }
    if (row->approval != 0) {
        card_part(t, "ASKED", RANK_KEPT, false);
        card_tell(t, ROLE_TEXT, "a-%" PRId64, row->approval);
    }
    card_tell_evidence(t, card, false);
    card_tell_list(t, "DRY RUN", RANK_DRY_RUN, true, &card->dry_run);
}

const struct card_line *card_of_optimization(struct arena *arena,
                                             const struct optimization_row *row,
                                             const struct card *card, enum card_page page,
                                             struct wall now, int width, int height,
                                             size_t *ret_n, size_t *ret_n_less)
{
    struct telling *t = card_begin(arena, now, width);
    if (page == CARD_EVIDENCE || page == CARD_DRY_RUN) {
        card_head(t);
        card_say(t, card_optimization_glyph(row->status),
                 card_optimization_role(row->status), ROLE_TEXT_STRONG, row->title);
        card_tell_page(t, card, page);
    } else {
        tell_optimization(t, row, card);
    }
    return card_finish(t, height, ret_n, ret_n_less);
}
