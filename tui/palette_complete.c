/* SPDX-License-Identifier: MIT */
/* What could be meant by a line of the palette. */
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/case.h"
#include "tui/cause.h"
#include "tui/frame.h"
#include "tui/palette_impl.h"
#include "tui/theme.h"

/* Keep the best `max`, in order. key: what the pattern is held against. */
static void offer_as(struct palette_list *list, const char *key, const char *text,
                     const char *help)
{
    int score = palette_score(list->pattern, key);
    if (score == 0) {
        return;
    }
    size_t at = list->n;
    while (at > 0 && list->rows[at - 1].score < score) {
        at--;
    }
    if (at == list->max) {
        return;
    }
    size_t n_moved = list->n - at - (list->n == list->max ? 1 : 0);
    memmove(&list->rows[at + 1], &list->rows[at], n_moved * sizeof(list->rows[0]));
    struct palette_candidate *row = &list->rows[at];
    *row = (struct palette_candidate){.score = score};
    (void)snprintf(row->text, sizeof(row->text), "%s%s", list->before, text);
    (void)text_clean_into(row->help, sizeof(row->help), help);
    list->n += list->n < list->max ? 1 : 0;
}

void palette_offer(struct palette_list *list, const char *text, const char *help)
{
    offer_as(list, text, text, help);
}

/* ---- what the screen shows ---- */

static void offer_rows(struct palette_list *list, const struct workflow_row *rows,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "wf-%lld", (long long)rows[i].id);
        palette_offer(list, name, rows[i].title);
    }
}

void palette_offer_workflows(struct palette_list *list, const struct frame *frame)
{
    if (frame == NULL) {
        return;
    }
    if (frame->detail != NULL && !frame->detail->is_missing) {
        offer_rows(list, &frame->detail->row, 1);
    }
    if (frame->list != NULL) {
        offer_rows(list, frame->list->page.rows, frame->list->page.n);
    }
    if (frame->overview != NULL) {
        offer_rows(list, frame->overview->needs.rows, frame->overview->needs.n);
        offer_rows(list, frame->overview->wrong.rows, frame->overview->wrong.n);
        offer_rows(list, frame->overview->live.rows, frame->overview->live.n);
    }
}

static void offer_id(struct palette_list *list, enum case_kind kind, int64_t id,
                     const char *help)
{
    char name[CASE_ID_MAX];
    palette_offer(list, case_id(kind, id, name), help);
}

void palette_offer_cases(struct palette_list *list, const struct frame *frame, int kind)
{
    bool is_all = kind == CASE_KIND_COUNT;
    if (frame == NULL) {
        return;
    }
    for (size_t i = 0; (is_all || kind == CASE_APPROVAL) && frame->approvals != NULL &&
                       i < frame->approvals->n;
         i++) {
        const struct approval_row *row = &frame->approvals->rows[i];
        offer_id(list, CASE_APPROVAL, row->id, row->target);
    }
    for (size_t i = 0; (is_all || kind == CASE_OPTIMIZATION) &&
                       frame->optimizations != NULL && i < frame->optimizations->n;
         i++) {
        const struct optimization_row *row = &frame->optimizations->rows[i];
        offer_id(list, CASE_OPTIMIZATION, row->id, row->setting);
    }
    for (size_t i = 0; (is_all || kind == CASE_FAILURE) && frame->failures != NULL &&
                       i < frame->failures->n;
         i++) {
        offer_id(list, CASE_FAILURE, frame->failures->rows[i].id, "Why it failed");
    }
    for (size_t i = 0; is_all && frame->decisions != NULL && i < frame->decisions->n;
         i++) {
        offer_id(list, CASE_DECISION, frame->decisions->rows[i].id,
                 "Why it was decided so");
    }
}

/* ---- the first word ---- */

static void offer_saved(struct palette_list *list, const struct palette_context *context,
                        const char *before)
{
    const struct saved_views *saved = context->saved;
    for (size_t i = 0; saved != NULL && i < saved->n; i++) {
        char text[64], help[96];
        const struct saved_view *view = &saved->rows[i];
        (void)snprintf(text, sizeof(text), "%s%s", before, view->name);
        (void)snprintf(help, sizeof(help), "Saved view of %s",
                       view->steps[view->n - 1].klass->title);
        offer_as(list, view->name, text, help);
    }
}

static void offer_first_words(struct palette_list *list,
                              const struct palette_context *context)
{
    offer_saved(list, context, "open ");
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        if (view_classes[i]->help != NULL) {
            palette_offer(list, view_classes[i]->name, view_classes[i]->help);
        }
    }
    for (size_t i = 0; i < n_verbs; i++) {
        if (palette_is_line(&verbs[i])) {
            palette_offer(list, verbs[i].name, verbs[i].help);
        }
    }
    for (const enum action *at = palette_actions; *at != ACTION_NONE; at++) {
        palette_offer(list, action_name(*at), action_help(*at));
    }
    palette_offer(list, "at", "Show everything as it was: at 03:12, at -2h, at #EVENT");
    for (const struct palette_own *own = palette_owns; own->name != NULL; own++) {
        palette_offer(list, own->name, own->help);
    }
    if (list->pattern[0] != '\0' && context->frame != NULL) {
        palette_offer_workflows(list, context->frame);
        palette_offer_cases(list, context->frame, CASE_KIND_COUNT);
    }
}

/* ---- the rest, of the console's own commands ---- */

static void offer_themes(struct palette_list *list, const struct palette_context *context)
{
    for (size_t i = 0; theme_builtin(i) != NULL; i++) {
        palette_offer(list, theme_builtin(i), "");
    }
    for (size_t i = 0; i < context->n_themes; i++) {
        palette_offer(list, context->themes[i], "Your own");
    }
}

/* Names of the settings of the view, then the values of the one that was named. */
static void offer_settings(struct palette_list *list, const struct view *view,
                           const char *name, bool is_second)
{
    const struct view_setting *setting = view != NULL ? view->klass->settings : NULL;
    for (; setting != NULL && setting->name != NULL; setting++) {
        if (is_second) {
            palette_offer(list, setting->name, setting->help);
        }
    }
    const char *value;
    bool has_values = !is_second && view != NULL && view->klass->setting_value != NULL;
    for (size_t i = 0;
         has_values && (value = view->klass->setting_value(view, name, i)) != NULL; i++) {
        palette_offer(list, value, "");
    }
}

static void offer_causes(struct palette_list *list, const struct frame *frame)
{
    const struct causes *causes = frame != NULL ? frame->causes : NULL;
    for (size_t i = 0; causes != NULL && i < causes->n; i++) {
        palette_offer(list, causes->rows[i].id, causes->rows[i].text);
    }
}

static void offer_own(struct palette_list *list, const char *first, const char *second,
                      bool is_second, const struct palette_context *context)
{
    if (strcmp(first, "set") == 0) {
        offer_settings(list, context->view, second, is_second);
    } else if (!is_second) {
        return;
    } else if (strcmp(first, "theme") == 0) {
        offer_themes(list, context);
    } else if (strcmp(first, "report") == 0) {
        offer_causes(list, context->frame);
    } else if (strcmp(first, "open") == 0 || strcmp(first, "forget") == 0 ||
               strcmp(first, "save") == 0) {
        offer_saved(list, context, "");
    }
}

/* ---- the rest, of a verb ---- */

/* "name=" of what is not said yet; checkpoints are few: whole. */
static void offer_names(struct palette_list *list, const struct verb *verb,
                        const struct palette_given *given)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        char text[64];
        if ((given->args & 1u << (arg - verb->args)) != 0) {
            continue;
        }
        if (arg->type != ARG_STATE) {
            (void)snprintf(text, sizeof(text), "%s=", arg->name);
            palette_offer(list, text, arg->help);
            continue;
        }
        for (int s = STATE_PLANNING; s <= STATE_VALIDATING; s++) {
            (void)snprintf(text, sizeof(text), "%s=%s", arg->name,
                           state_name((enum workflow_state)s));
            palette_offer(list, text, state_help((enum workflow_state)s));
        }
    }
}

static void offer_for_verb(struct palette_list *list, const struct verb *verb,
                           const char *rest, const struct palette_context *context)
{
    struct palette_given given = {0};
    struct palette_line line = {.rest = rest};
    const char *value = "";
    while (palette_next_word(&line) && line.rest[0] != '\0') {
        (void)palette_argument(verb, line.word, &given, &value); /* all but the last */
    }
    if (given.has_rest) {
        return; /* words of a person */
    }
    const char *last = list->pattern;
    struct palette_given so_far = given;
    const struct verb_arg *arg =
        strchr(last, '=') != NULL ? palette_argument(verb, last, &so_far, &value) : NULL;
    if (arg != NULL && value > last && value[-1] == '=') {
        char before[64];
        (void)snprintf(before, sizeof(before), "%s=", arg->name);
        list->before = before;
        list->pattern = value;
        palette_offer_values(list, arg, context, rest);
        list->before = "";
        return;
    }
    if (verb->has_workflow) {
        palette_offer_workflows(list, context->frame);
    }
    arg = palette_next_argument(verb, &given);
    if (arg != NULL && !verb->has_workflow) {
        palette_offer_values(list, arg, context, rest);
    }
    offer_names(list, verb, &given);
}

static const char *last_word(const char *text)
{
    const char *space = strrchr(text, ' ');
    return space != NULL ? space + 1 : text;
}

size_t palette_complete(const char *text, const struct palette_context *context,
                        struct palette_candidate *candidates, size_t max)
{
    struct palette_list list = {
        .rows = candidates, .max = max, .pattern = last_word(text), .before = ""};
    struct palette_line line = {.rest = text};
    bool is_first = !palette_next_word(&line) || line.rest[0] == '\0';
    if (max == 0) {
        return 0;
    }
    if (is_first) {
        offer_first_words(&list, context);
        return list.n;
    }
    const struct verb *verb = verb_find(line.word);
    if (verb != NULL && palette_is_line(verb)) {
        offer_for_verb(&list, verb, line.rest, context);
        return list.n;
    }
    char first[64];
    (void)snprintf(first, sizeof(first), "%.63s", line.word);
    bool is_second = !palette_next_word(&line) || line.rest[0] == '\0';
    offer_own(&list, first, line.word, is_second, context);
    return list.n;
}

void palette_apply(const char *text, const struct palette_candidate *candidate, char *out,
                   size_t cap)
{
    (void)snprintf(out, cap, "%.*s%s", (int)(last_word(text) - text), text,
                   candidate->text);
}
