/* SPDX-License-Identifier: MIT */
/* The card of an approval. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/card_tell.h"
#include "tui/widget/look.h"

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void tell_before(struct telling *t, const struct card *card)
{
    char at[CLOCK_TEXT_MAX];
    const int day = 10; /* "2025-11-03" of the whole moment */
    card_part(t, "BEFORE", RANK_BEFORE, false);
    if (card->n_before == 0) {
        card_tell(t, ROLE_TEXT_DIM, "nothing of this kind was decided here yet");
    }
    for (size_t i = 0; i < card->n_before; i++) {
        const struct card_before *one = &card->before[i];
        card_tell(t, ROLE_TEXT, "%s %s%s%s%s%.*s%s%s", one->id, one->verdict,
                  one->by[0] != '\0' ? " by " : "", one->by,
                  wall_is_set(one->at) ? ", " : "", day,
                  wall_is_set(one->at) ? wall_format(one->at, false, at) : "",
                  one->reason[0] != '\0' ? ": " : "", one->reason);
    }
}

/* ---- an approval ---- */

static const char *join(struct telling *t, const struct card_list *list)
{
    const char *text = "";
    char repo[120];
    for (size_t i = 0; i < list->n && i < 3; i++) {
        text = arena_printf(t->arena, "%s%s%s", text, i > 0 ? ", " : "",
                            look_repo(list->texts[i], repo, sizeof(repo)));
    }
    return list->n > 3 ? arena_printf(t->arena, "%s and %zu more", text, list->n - 3)
                       : text;
}

static void tell_head(struct telling *t, const struct approval_row *row)
{
    char text[300], age[CLOCK_TEXT_MAX], repo[120];
    card_head(t);
    card_say(t, card_risk_glyph(row->risk), card_risk_role(row->risk), ROLE_TEXT_STRONG,
             row->title);
    card_tell(t, card_risk_role(row->risk), "%s: %s; confirmed by %s",
              risk_word(row->risk), row->rule[0] != '\0' ? row->rule : "no rule said why",
              risk_confirmation(row->risk));
    bool is_urgent = row->status == APPROVAL_DRIFTED || !approval_waits(row->status);
    card_tell(t, is_urgent ? ROLE_STATUS_WARN : ROLE_TEXT, "%s",
              card_state(row, t->now, text, sizeof(text)));
    (void)look_repo(row->repo, repo, sizeof(repo));
    bool is_named = repo[0] == '\0' || strcmp(repo, row->target) == 0;
    card_tell(t, ROLE_TEXT_DIM, "a-%" PRId64 ", asked by %s %s ago, for %s%s%s%s%s",
              row->id, row->requester, look_age(t->now, row->created_at, age),
              row->target, is_named ? "" : " in ", is_named ? "" : repo,
              row->environment[0] != '\0' ? ", " : "", row->environment);
    if (row->status == APPROVAL_APPROVED && row->optimization != 0) {
        card_tell(t, ROLE_TEXT, "u takes it back");
    }
    if (!approval_waits(row->status) && row->reason[0] != '\0') {
        card_tell(t, ROLE_TEXT, "reason: %s", row->reason);
    }
}

static void tell_votes(struct telling *t, const struct approval_row *row)
{
    char at[CLOCK_TEXT_MAX];
    const struct card_vote *votes;
    size_t n = card_parse_votes(t->arena, row->votes, &votes);
    if (n == 0 && row->n_needed < 2) {
        return;
    }
    card_part(t, "VOTES", RANK_KEPT, true);
    const char *text = arena_printf(t->arena, "%zu of %d people", n, row->n_needed);
    for (size_t i = 0; i < n; i++) {
        text = arena_printf(
            t->arena, "%s%s %s%s%s%s %s", text, i == 0 ? ":" : ",", votes[i].by,
            votes[i].role[0] != '\0' ? " (" : "", votes[i].role,
            votes[i].role[0] != '\0' ? ")" : "",
            wall_is_set(votes[i].at) ? wall_format_time(votes[i].at, false, at) : "");
    }
    card_say(t, GLYPH_COUNT, ROLE_TEXT, ROLE_TEXT, text);
    if (approval_waits(row->status) && (int)n < row->n_needed && n > 0) {
        card_tell(t, ROLE_STATUS_HUMAN, "waits for %s",
                  plural(row->n_needed - (int)n,
                         "a second person, who is not the one who asked",
                         "more people, who are not the one who asked"));
    }
}

static void tell_drift(struct telling *t, const struct approval_row *row)
{
    const struct card_change *changes;
    if (row->effect_before[0] == '\0') {
        return;
    }
    size_t n = card_changes(t->arena, row->effect_before, row->effect, &changes);
    card_part(t, "DRIFTED", RANK_KEPT, true);
    card_tell(t, ROLE_STATUS_WARN, "what would be done changed after it was shown:");
    for (size_t i = 0; i < n; i++) {
        card_tell(t, ROLE_STATUS_WARN, "%s: %s → %s", changes[i].field,
                  changes[i].was[0] != '\0' ? changes[i].was : "nothing",
                  changes[i].is[0] != '\0' ? changes[i].is : "nothing");
    }
}

/* Said elsewhere on the card, or of use to nobody who reads it; all of it is on the page of the
 * diff. */
static bool is_told_elsewhere(const struct case_fact *fact)
{
    static const char *const names[] = {"operation", "policy", "repository", "workflow"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(fact->name, names[i]) == 0) {
            return true;
        }
    }
    return strcmp(fact->value, "0") == 0 || fact->value[0] == '\0';
}

/* What is done, as its effect says: "merge: base main, head 83baae61, pull 482". */
static void tell_effect(struct telling *t, const struct approval_row *row)
{
    const struct case_fact *facts;
    size_t n = case_parse_facts(t->arena, row->effect, &facts);
    const char *text = "", *operation = "";
    for (size_t i = 0; i < n; i++) {
        const char *value = facts[i].value;
        bool is_digest =
            strlen(value) >= 40 && strspn(value, "0123456789abcdef") == strlen(value);
        operation = strcmp(facts[i].name, "operation") == 0 ? value : operation;
        if (!is_told_elsewhere(&facts[i])) {
            text =
                arena_printf(t->arena, "%s%s%s %.*s%s", text, text[0] != '\0' ? ", " : "",
                             facts[i].name, is_digest ? 12 : (int)strlen(value), value,
                             is_digest ? "…" : "");
        }
    }
    text = arena_printf(t->arena, "%s%s%s", operation,
                        operation[0] != '\0' && text[0] != '\0' ? ": " : "", text);
    card_tell_part(t, "CHANGE", RANK_KEPT, true, ROLE_TEXT, text);
}

static void tell_touches(struct telling *t, const struct card *card)
{
    const char *repos = join(t, &card->repositories);
    const char *places = join(t, &card->environments);
    size_t n_repos = card->repositories.n, n_places = card->environments.n;
    const char *text =
        n_repos == 0   ? "no single repository"
        : n_repos == 1 ? repos
                       : arena_printf(t->arena, "%zu repositories (%s)", n_repos, repos);
    text = n_places == 0   ? arena_printf(t->arena, "%s, no environment", text)
           : n_places == 1 ? arena_printf(t->arena, "%s in %s", text, places)
                           : arena_printf(t->arena, "%s in %zu environments (%s)", text,
                                          n_places, places);
    if (card->n_workflows >= 0) {
        text = arena_printf(t->arena, "%s, %" PRId64 " %s", text, card->n_workflows,
                            plural(card->n_workflows, "workflow", "workflows"));
    }
    if (card->n_queued >= 0) {
        text = arena_printf(t->arena, "%s, %" PRId64 " queued", text, card->n_queued);
    }
    card_tell_part(t, "TOUCHES", RANK_KEPT, false, ROLE_TEXT, text);
}

static void tell_whole(struct telling *t, const struct approval_row *row,
                       const struct card *card)
{
    tell_head(t, row);
    tell_votes(t, row);
    tell_drift(t, row);
    card_tell_list(t, "WHY NOW", RANK_WHY, true, &card->why);
    card_tell_part(t, "EFFECT", RANK_KEPT, false, ROLE_TEXT, card->expected);
    card_tell_part(t, "IF WRONG", RANK_KEPT, false, ROLE_TEXT, card->if_wrong);
    if (card->setting[0] != '\0') {
        card_tell_change(t, card->setting, card->scope, card->from, card->to);
    } else {
        tell_effect(t, row);
    }
    tell_touches(t, card);
    card_tell_part(
        t, "GUARD", RANK_KEPT, false, card->guard[0] != '\0' ? ROLE_TEXT : ROLE_TEXT_DIM,
        card->guard[0] != '\0' ? card->guard : "none: nothing is watched afterwards");
    card_tell_part(t, "UNDO", RANK_KEPT, false,
                   card->undo[0] != '\0' ? ROLE_TEXT : ROLE_STATUS_WARN,
                   card->undo[0] != '\0' ? card->undo : "cannot be taken back");
    card_tell_evidence(t, card, false);
    tell_before(t, card);
    if (card->dry_run.n > 0) {
        card_tell_list(t, "DRY RUN", RANK_DRY_RUN, true, &card->dry_run);
    } else {
        card_tell_part(t, "DRY RUN", RANK_DRY_RUN, true, ROLE_TEXT_DIM,
                       "x: how those that are like it went");
    }
    card_tell_part(t, "DIGEST", RANK_DIGEST, true, ROLE_TEXT_DIM, row->digest);
}

/* ---- pages ---- */

static void tell_diff(struct telling *t, const struct approval_row *row,
                      const struct card *card)
{
    const struct case_fact *facts;
    tell_head(t, row);
    if (card->setting[0] != '\0') {
        card_tell_change(t, card->setting, card->scope, card->from, card->to);
    }
    tell_drift(t, row);
    size_t n = case_parse_facts(t->arena, row->effect, &facts);
    card_part(t, "EFFECT", RANK_KEPT, true);
    for (size_t i = 0; i < n; i++) {
        card_tell(t, ROLE_TEXT, "%s: %s", facts[i].name, facts[i].value);
    }
    if (n == 0) {
        card_tell(t, ROLE_TEXT_DIM, "nothing is known of what is done");
    }
    card_tell_part(t, "UNDO", RANK_KEPT, true, ROLE_TEXT,
                   card->undo[0] != '\0' ? card->undo : "cannot be taken back");
    card_tell_part(t, "DIGEST", RANK_KEPT, false, ROLE_TEXT_DIM, row->digest);
}

const struct card_line *card_of_approval(struct arena *arena,
                                         const struct approval_row *row,
                                         const struct card *card, enum card_page page,
                                         struct wall now, int width, int height,
                                         size_t *ret_n, size_t *ret_n_less)
{
    struct telling *t = card_begin(arena, now, width);
    if (page == CARD_WHOLE) {
        tell_whole(t, row, card);
    } else if (page == CARD_DIFF) {
        tell_diff(t, row, card);
    } else {
        tell_head(t, row);
        card_tell_page(t, card, page);
    }
    return card_finish(t, height, ret_n, ret_n_less);
}
