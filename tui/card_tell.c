/* SPDX-License-Identifier: MIT */
/* A card as lines in parts, and made to fit. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/card_tell.h"
#include "tui/widget/look.h"

/* ---- lines ---- */

static void add_line(struct telling *t, enum glyph mark, enum theme_role mark_role,
                     enum theme_role role, const char *text, bool begins)
{
    if (t->n == CARD_LINES_MAX || t->n_parts == 0) {
        return;
    }
    t->begins[t->n] = begins;
    t->lines[t->n++] = (struct card_line){
        .label = "", .mark = mark, .mark_role = mark_role, .role = role, .text = text};
    t->parts[t->n_parts - 1].n++;
}

void card_part(struct telling *t, const char *label, int rank, bool has_blank)
{
    if (t->n_parts < CARD_PARTS_MAX) {
        t->parts[t->n_parts++] = (struct part){
            .label = label, .rank = rank, .first = t->n, .has_blank = has_blank};
    }
}

void card_head(struct telling *t)
{
    card_part(t, "", RANK_KEPT, false);
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

void card_say(struct telling *t, enum glyph mark, enum theme_role mark_role,
              enum theme_role role, const char *text)
{
    char clean[CARD_TEXT_MAX];
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

void card_tell(struct telling *t, enum theme_role role, const char *format, ...)
{
    char text[CARD_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    card_say(t, GLYPH_COUNT, ROLE_TEXT, role, text_whole(text));
}

void card_tell_part(struct telling *t, const char *label, int rank, bool has_blank,
                    enum theme_role role, const char *text)
{
    if (text[0] != '\0') {
        card_part(t, label, rank, has_blank);
        card_say(t, GLYPH_COUNT, ROLE_TEXT, role, text);
    }
}

void card_tell_list(struct telling *t, const char *label, int rank, bool has_blank,
                    const struct card_list *list)
{
    if (list->n == 0) {
        return;
    }
    card_part(t, label, rank, has_blank);
    for (size_t i = 0; i < list->n; i++) {
        card_say(t, GLYPH_COUNT, ROLE_TEXT, ROLE_TEXT, list->texts[i]);
    }
}

/* ---- parts that both kinds have ---- */

void card_tell_change(struct telling *t, const char *setting, const char *scope,
                      const char *from, const char *to)
{
    card_part(t, "CHANGE", RANK_KEPT, true);
    card_tell(t, ROLE_TEXT, "%s%s%s  %s → %s", setting, scope[0] != '\0' ? "  " : "",
              scope, card_value(t->arena, from), card_value(t->arena, to));
}

void card_tell_evidence(struct telling *t, const struct card *card, bool has_refs)
{
    if (card->n_evidence == 0) {
        return;
    }
    card_part(t, "EVIDENCE", RANK_EVIDENCE, true);
    for (size_t i = 0; i < card->n_evidence; i++) {
        const struct card_evidence *one = &card->evidence[i];
        size_t before = t->n;
        bool is_series =
            strncmp(one->ref, "wf-", 3) != 0 && strcmp(one->kind, "series") == 0;
        bool has_link = !has_refs && !is_series && one->ref[0] != '\0';
        card_tell(t, ROLE_TEXT, "%s%s%s%s%s", one->id, one->id[0] != '\0' ? "  " : "",
                  one->text, has_link ? ": " : "", has_link ? one->ref : "");
        if (t->n > before) {
            t->lines[before].evidence = (int)i + 1;
        }
        if (one->n_values > 1 && t->n > before) {
            t->lines[t->n - 1].values = one->values;
            t->lines[t->n - 1].n_values = one->n_values;
        }
        if (has_refs && one->ref[0] != '\0') {
            card_tell(t, ROLE_TEXT_DIM, "    %s %s", is_series ? "series" : "see",
                      one->ref);
        }
    }
}

void card_tell_page(struct telling *t, const struct card *card, enum card_page page)
{
    if (page == CARD_EVIDENCE && card->n_evidence > 0) {
        card_tell_evidence(t, card, true);
    } else if (page == CARD_DRY_RUN && card->dry_run.n > 0) {
        card_tell_list(t, "DRY RUN", RANK_KEPT, true, &card->dry_run);
    } else {
        card_tell_part(t, page == CARD_EVIDENCE ? "EVIDENCE" : "DRY RUN", RANK_KEPT, true,
                       ROLE_TEXT_DIM,
                       page == CARD_EVIDENCE
                           ? "there is none beyond what is said under WHY NOW"
                           : "it cannot be tried on recorded history");
    }
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
    char text[CARD_TEXT_MAX + 40], cut[CARD_TEXT_MAX], more[32];
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

const struct card_line *card_finish(struct telling *t, int height, size_t *ret_n,
                                    size_t *ret_n_less)
{
    static const struct card_line blank = {
        .label = "", .mark = GLYPH_COUNT, .role = ROLE_TEXT, .text = ""};
    struct card_line *out =
        arena_array(t->arena, t->n + CARD_PARTS_MAX + 1, sizeof(*out));
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

struct telling *card_begin(struct arena *arena, struct wall now, int width)
{
    struct telling *t = arena_alloc(arena, sizeof(*t));
    t->arena = arena;
    t->now = now;
    t->width = width - CARD_LABEL - CARD_MARK;
    t->width = t->width < 20 ? 20 : t->width;
    t->lines = arena_array(arena, CARD_LINES_MAX, sizeof(*t->lines));
    return t;
}
