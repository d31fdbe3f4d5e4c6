/* SPDX-License-Identifier: MIT */
/* A card told in lines, and made to fit. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/card.h"
#include "tui/widget/look.h"

#define PARTS_MAX 24
#define LINES_MAX 400
#define TEXT_MAX  2000

/* A part's rank: the highest goes first where there is little room. */
enum { RANK_KEPT, RANK_WHY, RANK_BEFORE, RANK_EVIDENCE, RANK_DRY_RUN, RANK_DIGEST };

struct part {
    const char *label;
    int rank;
    bool is_wide;
    size_t first, n; /* its lines */
    size_t n_cut;    /* of them, from the end, that there is no room for */
    bool has_blank;  /* above it */
};

struct telling {
    struct arena *arena;
    struct wall now;
    int width; /* of the text */
    struct card_line *lines;
    bool begins[LINES_MAX]; /* the line begins a paragraph */
    size_t n;
    struct part parts[PARTS_MAX];
    size_t n_parts;
};

/* ---- lines ---- */

static void add_line(struct telling *t, enum glyph mark, enum theme_role mark_role,
                     enum theme_role role, const char *text, bool begins)
{
    if (t->n == LINES_MAX || t->n_parts == 0) {
        return;
    }
    t->begins[t->n] = begins;
    t->lines[t->n++] = (struct card_line){
        .label = "", .mark = mark, .mark_role = mark_role, .role = role, .text = text};
    t->parts[t->n_parts - 1].n++;
}

static void part(struct telling *t, const char *label, int rank, bool has_blank)
{
    if (t->n_parts < PARTS_MAX) {
        t->parts[t->n_parts++] = (struct part){
            .label = label, .rank = rank, .first = t->n, .has_blank = has_blank};
    }
}

/* What it is about, over the whole width. */
static void head(struct telling *t)
{
    part(t, "", RANK_KEPT, false);
    t->parts[0].is_wide = true;
}

/* Bytes of text that fit, up to a space; a word is broken only when it is longer than a line. */
static size_t fit(const char *text, int cells)
{
    size_t len = strlen(text), n = text_fit(text, len, cells);
    if (n == len) {
        return n;
    }
    size_t space = n;
    while (space > 0 && text[space] != ' ') {
        space--;
    }
    return space > 0 ? space : n > 0 ? n : 1;
}

static int width_of(const struct telling *t)
{
    bool is_wide = t->n_parts > 0 && t->parts[t->n_parts - 1].is_wide;
    return t->width + (is_wide ? CARD_LABEL : 0);
}

/* Cleaned, wrapped. */
static void say(struct telling *t, enum glyph mark, enum theme_role mark_role,
                enum theme_role role, const char *text)
{
    char clean[TEXT_MAX];
    const char *at = text_clean_into(clean, sizeof(clean), text);
    bool begins = true;
    while (*at != '\0') {
        size_t n = fit(at, width_of(t)), shown = n;
        while (shown > 0 && at[shown - 1] == ' ') {
            shown--;
        }
        add_line(t, mark, mark_role, role, arena_strn(t->arena, at, shown), begins);
        at += n;
        at += strspn(at, " ");
        mark = GLYPH_COUNT;
        begins = false;
    }
}

static void tell(struct telling *t, enum theme_role role, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void tell(struct telling *t, enum theme_role role, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    say(t, GLYPH_COUNT, ROLE_TEXT, role, text);
}

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void tell_part(struct telling *t, const char *label, int rank, bool has_blank,
                      enum theme_role role, const char *text)
{
    if (text[0] != '\0') {
        part(t, label, rank, has_blank);
        say(t, GLYPH_COUNT, ROLE_TEXT, role, text);
    }
}

static void tell_list(struct telling *t, const char *label, int rank, bool has_blank,
                      const struct card_list *list)
{
    if (list->n == 0) {
        return;
    }
    part(t, label, rank, has_blank);
    for (size_t i = 0; i < list->n; i++) {
        say(t, GLYPH_COUNT, ROLE_TEXT, ROLE_TEXT, list->texts[i]);
    }
}

/* ---- parts that both kinds have ---- */

static void tell_change(struct telling *t, const char *setting, const char *scope,
                        const char *from, const char *to)
{
    part(t, "CHANGE", RANK_KEPT, true);
    tell(t, ROLE_TEXT, "%s%s%s  %s → %s", setting, scope[0] != '\0' ? "  " : "", scope,
         from[0] != '\0' ? from : "as configured", to);
}

static void tell_evidence(struct telling *t, const struct card *card, bool has_refs)
{
    if (card->n_evidence == 0) {
        return;
    }
    part(t, "EVIDENCE", RANK_EVIDENCE, true);
    for (size_t i = 0; i < card->n_evidence; i++) {
        const struct card_evidence *one = &card->evidence[i];
        size_t before = t->n;
        tell(t, ROLE_TEXT, "%s%s%s", one->id, one->id[0] != '\0' ? "  " : "", one->text);
        if (t->n > before) {
            t->lines[before].evidence = (int)i + 1;
        }
        if (one->n_values > 0 && t->n > before) {
            t->lines[t->n - 1].values = one->values;
            t->lines[t->n - 1].n_values = one->n_values;
        }
        if (has_refs && one->ref[0] != '\0') {
            tell(t, ROLE_TEXT_DIM, "    Enter opens %s: %s", one->kind, one->ref);
        }
    }
}

static void tell_before(struct telling *t, const struct card *card)
{
    char at[CLOCK_TEXT_MAX];
    const int day = 10; /* "2025-11-03" of the whole moment */
    if (card->n_before == 0) {
        return;
    }
    part(t, "BEFORE", RANK_BEFORE, false);
    for (size_t i = 0; i < card->n_before; i++) {
        const struct card_before *one = &card->before[i];
        tell(t, ROLE_TEXT, "%s %s%s%s%s%.*s%s%s", one->id, one->verdict,
             one->by[0] != '\0' ? " by " : "", one->by, wall_is_set(one->at) ? ", " : "",
             day, wall_is_set(one->at) ? wall_format(one->at, false, at) : "",
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
    head(t);
    say(t, card_risk_glyph(row->risk), card_risk_role(row->risk), ROLE_TEXT_STRONG,
        row->title);
    tell(t, card_risk_role(row->risk), "%s: %s; confirmed by %s", risk_word(row->risk),
         row->rule[0] != '\0' ? row->rule : "no rule said why",
         risk_confirmation(row->risk));
    bool is_urgent = row->status == APPROVAL_DRIFTED || !approval_waits(row->status);
    tell(t, is_urgent ? ROLE_STATUS_WARN : ROLE_TEXT, "%s",
         card_state(row, t->now, text, sizeof(text)));
    (void)look_repo(row->repo, repo, sizeof(repo));
    bool is_named = repo[0] == '\0' || strcmp(repo, row->target) == 0;
    tell(t, ROLE_TEXT_DIM, "a-%" PRId64 ", asked by %s %s ago, for %s%s%s%s%s", row->id,
         row->requester, look_age(t->now, row->created_at, age), row->target,
         is_named ? "" : " in ", is_named ? "" : repo,
         row->environment[0] != '\0' ? ", " : "", row->environment);
    if (!approval_waits(row->status) && row->reason[0] != '\0') {
        tell(t, ROLE_TEXT, "reason: %s", row->reason);
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
    part(t, "VOTES", RANK_KEPT, true);
    const char *text = arena_printf(t->arena, "%zu of %d people", n, row->n_needed);
    for (size_t i = 0; i < n; i++) {
        text = arena_printf(
            t->arena, "%s%s %s%s%s%s %s", text, i == 0 ? ":" : ",", votes[i].by,
            votes[i].role[0] != '\0' ? " (" : "", votes[i].role,
            votes[i].role[0] != '\0' ? ")" : "",
            wall_is_set(votes[i].at) ? wall_format_time(votes[i].at, false, at) : "");
    }
    say(t, GLYPH_COUNT, ROLE_TEXT, ROLE_TEXT, text);
    if (approval_waits(row->status) && (int)n < row->n_needed && n > 0) {
        tell(t, ROLE_STATUS_HUMAN, "waits for %s",
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
    part(t, "DRIFTED", RANK_KEPT, true);
    tell(t, ROLE_STATUS_WARN, "what would be done changed after it was shown:");
    for (size_t i = 0; i < n; i++) {
        tell(t, ROLE_STATUS_WARN, "%s: %s → %s", changes[i].field,
             changes[i].was[0] != '\0' ? changes[i].was : "nothing",
             changes[i].is[0] != '\0' ? changes[i].is : "nothing");
    }
}

/* What is done, as its effect says: "operation merge, pull 482". */
static void tell_effect(struct telling *t, const struct approval_row *row)
{
    const struct case_fact *facts;
    size_t n = case_parse_facts(t->arena, row->effect, &facts);
    const char *text = "";
    for (size_t i = 0; i < n; i++) {
        const char *value = facts[i].value;
        bool is_digest =
            strlen(value) >= 40 && strspn(value, "0123456789abcdef") == strlen(value);
        text = arena_printf(t->arena, "%s%s%s %.*s%s", text, i > 0 ? ", " : "",
                            facts[i].name, is_digest ? 12 : (int)strlen(value), value,
                            is_digest ? "…" : ""); /* whole on the page of the diff */
    }
    tell_part(t, "CHANGE", RANK_KEPT, true, ROLE_TEXT, text);
}

static void tell_touches(struct telling *t, const struct card *card)
{
    const char *repos = join(t, &card->repositories);
    const char *places = join(t, &card->environments);
    const char *text =
        arena_printf(t->arena, "%zu %s%s%s%s, %zu %s%s%s%s", card->repositories.n,
                     plural((int64_t)card->repositories.n, "repository", "repositories"),
                     repos[0] != '\0' ? " (" : "", repos, repos[0] != '\0' ? ")" : "",
                     card->environments.n,
                     plural((int64_t)card->environments.n, "environment", "environments"),
                     places[0] != '\0' ? " (" : "", places, places[0] != '\0' ? ")" : "");
    if (card->n_workflows >= 0) {
        text = arena_printf(t->arena, "%s, %" PRId64 " %s", text, card->n_workflows,
                            plural(card->n_workflows, "workflow", "workflows"));
    }
    if (card->n_queued >= 0) {
        text = arena_printf(t->arena, "%s, %" PRId64 " queued", text, card->n_queued);
    }
    tell_part(t, "TOUCHES", RANK_KEPT, false, ROLE_TEXT, text);
}

static void tell_whole(struct telling *t, const struct approval_row *row,
                       const struct card *card)
{
    tell_head(t, row);
    tell_votes(t, row);
    tell_drift(t, row);
    tell_list(t, "WHY NOW", RANK_WHY, true, &card->why);
    tell_part(t, "EFFECT", RANK_KEPT, false, ROLE_TEXT, card->expected);
    tell_part(t, "IF WRONG", RANK_KEPT, false, ROLE_TEXT, card->if_wrong);
    if (card->setting[0] != '\0') {
        tell_change(t, card->setting, card->scope, card->from, card->to);
    } else {
        tell_effect(t, row);
    }
    tell_touches(t, card);
    tell_part(t, "GUARD", RANK_KEPT, false, ROLE_TEXT, card->guard);
    tell_part(t, "UNDO", RANK_KEPT, false,
              card->undo[0] != '\0' ? ROLE_TEXT : ROLE_STATUS_WARN,
              card->undo[0] != '\0' ? card->undo : "cannot be taken back");
    tell_evidence(t, card, false);
    tell_before(t, card);
    tell_list(t, "DRY RUN", RANK_DRY_RUN, true, &card->dry_run);
    tell_part(t, "DIGEST", RANK_DIGEST, true, ROLE_TEXT_DIM, row->digest);
}

/* ---- pages ---- */

static void tell_diff(struct telling *t, const struct approval_row *row,
                      const struct card *card)
{
    const struct case_fact *facts;
    tell_head(t, row);
    if (card->setting[0] != '\0') {
        tell_change(t, card->setting, card->scope, card->from, card->to);
    }
    tell_drift(t, row);
    size_t n = case_parse_facts(t->arena, row->effect, &facts);
    part(t, "EFFECT", RANK_KEPT, true);
    for (size_t i = 0; i < n; i++) {
        tell(t, ROLE_TEXT, "%s: %s", facts[i].name, facts[i].value);
    }
    if (n == 0) {
        tell(t, ROLE_TEXT_DIM, "nothing is known of what is done");
    }
    tell_part(t, "UNDO", RANK_KEPT, true, ROLE_TEXT,
              card->undo[0] != '\0' ? card->undo : "cannot be taken back");
    tell_part(t, "DIGEST", RANK_KEPT, false, ROLE_TEXT_DIM, row->digest);
}

static void tell_page(struct telling *t, const struct card *card, enum card_page page)
{
    if (page == CARD_EVIDENCE && card->n_evidence > 0) {
        tell_evidence(t, card, true);
    } else if (page == CARD_DRY_RUN && card->dry_run.n > 0) {
        tell_list(t, "DRY RUN", RANK_KEPT, true, &card->dry_run);
    } else {
        tell_part(t, page == CARD_EVIDENCE ? "EVIDENCE" : "DRY RUN", RANK_KEPT, true,
                  ROLE_TEXT_DIM,
                  page == CARD_EVIDENCE
                      ? "there is none beyond what is said under WHY NOW"
                      : "it cannot be tried on recorded history");
    }
}

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
    tell_part(t, "GUARD", RANK_KEPT, false,
              row->status == OPT_GUARDED ? ROLE_STATUS_RUN : ROLE_TEXT, text);
}

static void tell_optimization(struct telling *t, const struct optimization_row *row,
                              const struct card *card)
{
    char text[CARD_EFFECT_MAX], age[CLOCK_TEXT_MAX];
    head(t);
    say(t, card_optimization_glyph(row->status), card_optimization_role(row->status),
        ROLE_TEXT_STRONG, row->title);
    tell(t, card_optimization_role(row->status), "%s%s%s",
         optimization_status_word(row->status), row->outcome[0] != '\0' ? ": " : "",
         row->outcome);
    tell(t, ROLE_TEXT_DIM, "o-%" PRId64 ", %s, %s risk, proposed %s ago%s%s", row->id,
         optimization_word(row->kind), risk_word(row->risk),
         look_age(t->now, row->proposed_at, age), row->actor[0] != '\0' ? ", by " : "",
         row->actor);
    tell_change(t, row->setting, row->scope, row->from, row->to);
    part(t, "PREDICTED", RANK_KEPT, true);
    tell(t, ROLE_TEXT, "%s %s, sure %.0f%%, from %" PRId64 " runs", row->metric,
         card_effect(row->metric, row->expected, row->expected_low, row->expected_high,
                     text),
         row->confidence * 100, row->n_evidence);
    part(t, "MEASURED", RANK_KEPT, false);
    if (isfinite(row->measured)) {
        tell(t, ROLE_TEXT_STRONG, "%s %s", row->metric,
             card_effect(row->metric, row->measured, row->measured_low,
                         row->measured_high, text));
    } else {
        tell(t, ROLE_TEXT_DIM, "not yet");
    }
    tell_guard(t, row);
    tell_part(t, "WHY", RANK_WHY, true, ROLE_TEXT, row->reason);
    tell_part(t, "IF WRONG", RANK_KEPT, false, ROLE_TEXT, row->if_wrong);
    bool is_in_force = row->status == OPT_GUARDED || row->status == OPT_KEPT ||
                       row->status == OPT_INCONCLUSIVE;
    if (is_in_force) {
        part(t, "UNDO", RANK_KEPT, false);
        tell(t, ROLE_TEXT, "u takes it back: %s is %s again", row->setting,
             row->from[0] != '\0' ? row->from : "as configured");
    }
    if (row->approval != 0) {
        part(t, "ASKED", RANK_KEPT, false);
        tell(t, ROLE_TEXT, "a-%" PRId64, row->approval);
    }
    tell_evidence(t, card, false);
    tell_list(t, "DRY RUN", RANK_DRY_RUN, true, &card->dry_run);
}

/* ---- fitting ---- */

static int count_rows(const struct telling *t)
{
    int n = 0;
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct part *p = &t->parts[i];
        n += (int)(p->n - p->n_cut) + (p->has_blank && p->n > p->n_cut ? 1 : 0);
    }
    return n;
}

/* The part of the highest rank that still has more than `least` lines, the last one first. */
static struct part *find_victim(struct telling *t, size_t least)
{
    struct part *victim = NULL;
    for (size_t i = 1; i < t->n_parts; i++) { /* the head stays */
        struct part *p = &t->parts[i];
        bool has_more = p->n - p->n_cut > least;
        if (has_more && (victim == NULL || p->rank >= victim->rank)) {
            victim = p;
        }
    }
    return victim;
}

static void squeeze(struct telling *t, int height)
{
    for (size_t i = 0; i < t->n_parts && count_rows(t) > height; i++) {
        struct part *p = &t->parts[i];
        p->n_cut = p->rank == RANK_DIGEST ? p->n : 0; /* before any space */
    }
    for (size_t i = t->n_parts; i > 0 && count_rows(t) > height; i--) {
        t->parts[i - 1].has_blank = false;
    }
    for (size_t least = 1; least != SIZE_MAX; least--) {
        struct part *victim;
        while (count_rows(t) > height && (victim = find_victim(t, least)) != NULL) {
            victim->n_cut++;
        }
    }
}

/* The last line that is shown says that there is more. */
static void mark_cut(struct telling *t, const struct part *p)
{
    char text[TEXT_MAX + 40], cut[TEXT_MAX], more[32];
    size_t last = p->first + p->n - p->n_cut - 1, n_more = 0;
    for (size_t i = last + 1; i < p->first + p->n; i++) {
        n_more += t->begins[i];
    }
    if (n_more > 0) {
        (void)snprintf(more, sizeof(more), " … %zu more", n_more);
    } else {
        (void)snprintf(more, sizeof(more), " …");
    }
    int room = t->width - text_cells(more, strlen(more));
    const char *was = t->lines[last].text;
    size_t n = text_fit(was, strlen(was), room);
    while (n > 0 && was[n] != '\0' && was[n] != ' ') {
        n--; /* back to the end of a word */
    }
    (void)snprintf(cut, sizeof(cut), "%.*s", (int)n, was);
    (void)snprintf(text, sizeof(text), "%s%s", cut, more);
    t->lines[last].text = arena_str(t->arena, text);
    t->lines[last].values = NULL;
    t->lines[last].n_values = 0;
}

static const struct card_line *finish(struct telling *t, int height, size_t *ret_n,
                                      size_t *ret_n_less)
{
    static const struct card_line blank = {
        .label = "", .mark = GLYPH_COUNT, .role = ROLE_TEXT, .text = ""};
    struct card_line *out = arena_array(t->arena, t->n + PARTS_MAX + 1, sizeof(*out));
    size_t n = 0;
    *ret_n_less = 0;
    if (height > 0) {
        squeeze(t, height);
    }
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct part *p = &t->parts[i];
        size_t n_shown = p->n - p->n_cut;
        *ret_n_less += p->n_cut > 0;
        if (n_shown == 0) {
            continue;
        }
        if (p->n_cut > 0) {
            mark_cut(t, p);
        }
        if (p->has_blank && n > 0) {
            out[n++] = blank;
        }
        for (size_t k = 0; k < n_shown; k++) {
            out[n] = t->lines[p->first + k];
            out[n].is_wide = p->is_wide;
            out[n++].label = k == 0 ? p->label : "";
        }
    }
    *ret_n = n;
    return out;
}

static struct telling *begin(struct arena *arena, struct wall now, int width)
{
    struct telling *t = arena_alloc(arena, sizeof(*t));
    t->arena = arena;
    t->now = now;
    t->width = width - CARD_LABEL - CARD_MARK;
    t->width = t->width < 20 ? 20 : t->width;
    t->lines = arena_array(arena, LINES_MAX, sizeof(*t->lines));
    return t;
}

const struct card_line *card_of_approval(struct arena *arena,
                                         const struct approval_row *row,
                                         const struct card *card, enum card_page page,
                                         struct wall now, int width, int height,
                                         size_t *ret_n, size_t *ret_n_less)
{
    struct telling *t = begin(arena, now, width);
    if (page == CARD_WHOLE) {
        tell_whole(t, row, card);
    } else if (page == CARD_DIFF) {
        tell_diff(t, row, card);
    } else {
        tell_head(t, row);
        tell_page(t, card, page);
    }
    return finish(t, height, ret_n, ret_n_less);
}

const struct card_line *card_of_optimization(struct arena *arena,
                                             const struct optimization_row *row,
                                             const struct card *card, enum card_page page,
                                             struct wall now, int width, int height,
                                             size_t *ret_n, size_t *ret_n_less)
{
    struct telling *t = begin(arena, now, width);
    if (page == CARD_EVIDENCE || page == CARD_DRY_RUN) {
        head(t);
        say(t, card_optimization_glyph(row->status), card_optimization_role(row->status),
            ROLE_TEXT_STRONG, row->title);
        tell_page(t, card, page);
    } else {
        tell_optimization(t, row, card);
    }
    return finish(t, height, ret_n, ret_n_less);
}
