/* SPDX-License-Identifier: MIT */
#include "tui/palette.h"

#include <ctype.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/case.h"
#include "tui/frame.h"
#include "tui/theme.h"

#define WORD_MAX 64

static const enum action commands[] = {ACTION_HELP,       ACTION_MESSAGES,   ACTION_PERF,
                                       ACTION_REDRAW,     ACTION_SUSPEND,    ACTION_QUIT,
                                       ACTION_THEME_NEXT, ACTION_NEXT_NEEDED};

bool palette_has_action(enum action action)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i] == action) {
            return true;
        }
    }
    return false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int palette_score(const char *pattern, const char *word)
{
    int score = 1;
    size_t at = 0;
    size_t len = strlen(word);
    if (pattern[0] == '\0') {
        return 1;
    }
    if (strncasecmp(pattern, word, strlen(pattern)) == 0) {
        score += strlen(pattern) == len ? 2000 : 1000;
    }
    for (const char *p = pattern; *p != '\0'; p++) {
        size_t start = at;
        while (at < len && lower(word[at]) != lower(*p)) {
            at++;
        }
        if (at == len) {
            return 0;
        }
        bool begins_word = at == 0 || strchr("-_. ", word[at - 1]) != NULL;
        score += begins_word ? 20 : at == start ? 10 : 1;
        at++;
    }
    return score * 8 - (int)(len / 8 < 7 ? len / 8 : 7); /* of equals the shorter one */
}

bool palette_parse_id(const char *text, int64_t *ret_id)
{
    char *end;
    if (strncasecmp(text, "wf-", 3) == 0) {
        text += 3;
    }
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 18) {
        return false;
    }
    long long id = strtoll(text, &end, 10);
    if (*end != '\0' || id <= 0) {
        return false;
    }
    *ret_id = id;
    return true;
}

static const struct verb_arg *rest_arg(const struct verb *verb);

/* ---- completing ---- */

struct list {
    struct palette_candidate *rows;
    size_t n, max;
    const char *pattern;
};

/* Keep the best `max`, in order. key: what the pattern is held against. */
static void offer_as(struct list *list, const char *key, const char *text,
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
    (void)snprintf(row->text, sizeof(row->text), "%s", text);
    (void)text_clean_into(row->help, sizeof(row->help), help);
    list->n += list->n < list->max ? 1 : 0;
}

static void offer(struct list *list, const char *text, const char *help)
{
    offer_as(list, text, text, help);
}

static void offer_rows(struct list *list, const struct workflow_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "wf-%lld", (long long)rows[i].id);
        offer(list, name, rows[i].title);
    }
}

static void offer_workflows(struct list *list, const struct frame *frame)
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

static void offer_id(struct list *list, enum case_kind kind, int64_t id, const char *help)
{
    char name[CASE_ID_MAX];
    offer(list, case_id(kind, id, name), help);
}

/* Everything else with an id that the screen shows. */
static void offer_cases(struct list *list, const struct frame *frame)
{
    for (size_t i = 0; frame->approvals != NULL && i < frame->approvals->n; i++) {
        const struct approval_row *row = &frame->approvals->rows[i];
        offer_id(list, CASE_APPROVAL, row->id, row->target);
    }
    for (size_t i = 0; frame->optimizations != NULL && i < frame->optimizations->n; i++) {
        const struct optimization_row *row = &frame->optimizations->rows[i];
        offer_id(list, CASE_OPTIMIZATION, row->id, row->setting);
    }
    for (size_t i = 0; frame->failures != NULL && i < frame->failures->n; i++) {
        offer_id(list, CASE_FAILURE, frame->failures->rows[i].id, "Why it failed");
    }
    for (size_t i = 0; frame->decisions != NULL && i < frame->decisions->n; i++) {
        offer_id(list, CASE_DECISION, frame->decisions->rows[i].id,
                 "Why it was decided so");
    }
}

/* 'submit' and 'adopt' are forms and files, and what reads the audit or shows a card says so itself:
 * they are no lines to type. */
static bool is_line(const struct verb *verb)
{
    return verb->has_workflow || (strcmp(verb->args[0].name, "pipeline") != 0 &&
                                  strcmp(verb->name, AUDIT_READ) != 0 &&
                                  strcmp(verb->name, APPROVAL_SEEN) != 0);
}

/* Commands of the console that are no actions. */
static const struct {
    const char *name, *rest, *help;
    enum palette_kind kind;
} words[] = {
    {"theme",  "NAME",       "Use another theme",                                   PALETTE_THEME },
    {"save",   "NAME",       "Keep the view as it is now, under a name",            PALETTE_SAVE  },
    {"open",   "NAME",       "Show a saved view",                                   PALETTE_OPEN  },
    {"forget", "NAME",       "Forget a saved view",                                 PALETTE_FORGET},
    {"set",    "NAME VALUE", "Change a setting of the view: filter, sort, columns",
     PALETTE_SET                                                                                  },
};

static void offer_saved(struct list *list, const struct palette_context *context,
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

static void offer_settings(struct list *list, const struct view *view)
{
    const struct view_setting *setting = view != NULL ? view->klass->settings : NULL;
    for (; setting != NULL && setting->name != NULL; setting++) {
        offer(list, setting->name, setting->help);
    }
}

static void offer_themes(struct list *list, const struct palette_context *context)
{
    for (size_t i = 0; theme_builtin(i) != NULL; i++) {
        offer(list, theme_builtin(i), "");
    }
    for (size_t i = 0; i < context->n_themes; i++) {
        offer(list, context->themes[i], "Your own");
    }
}

static void offer_first_words(struct list *list, const struct palette_context *context)
{
    offer_saved(list, context, "open ");
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        if (view_classes[i]->help != NULL) {
            offer(list, view_classes[i]->name, view_classes[i]->help);
        }
    }
    for (size_t i = 0; i < n_verbs; i++) {
        if (is_line(&verbs[i])) {
            offer(list, verbs[i].name, verbs[i].help);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        offer(list, action_name(commands[i]), action_help(commands[i]));
    }
    offer(list, "at", "Show everything as it was: at 03:12, at -2h, at #EVENT");
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        offer(list, words[i].name, words[i].help);
    }
    if (list->pattern[0] != '\0' && context->frame != NULL) {
        offer_workflows(list, context->frame);
        offer_cases(list, context->frame);
    }
}

static void offer_arguments(struct list *list, const struct verb *verb)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        char text[64];
        if (arg->type != ARG_STATE) {
            (void)snprintf(text, sizeof(text), "%s=", arg->name);
            offer(list, text, arg->help);
            continue;
        }
        for (int s = STATE_PLANNING; s <= STATE_VALIDATING; s++) {
            (void)snprintf(text, sizeof(text), "%s=%s", arg->name,
                           state_name((enum workflow_state)s));
            offer(list, text, state_help((enum workflow_state)s));
        }
    }
}

static const char *last_word(const char *text)
{
    const char *space = strrchr(text, ' ');
    return space != NULL ? space + 1 : text;
}

static void first_word(const char *text, char out[WORD_MAX])
{
    text += strspn(text, " ");
    size_t len = strcspn(text, " ");
    (void)snprintf(out, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1),
                   text);
}

/* What may follow the first word, of the console's own commands. */
static void offer_rest(struct list *list, const char *first, bool is_second,
                       const struct palette_context *context)
{
    if (!is_second) {
        return;
    }
    if (strcmp(first, "theme") == 0) {
        offer_themes(list, context);
    } else if (strcmp(first, "set") == 0) {
        offer_settings(list, context->view);
    } else if (strcmp(first, "open") == 0 || strcmp(first, "forget") == 0 ||
               strcmp(first, "save") == 0) {
        offer_saved(list, context, "");
    }
}

size_t palette_complete(const char *text, const struct palette_context *context,
                        struct palette_candidate *candidates, size_t max)
{
    struct list list = {.rows = candidates, .max = max, .pattern = last_word(text)};
    char first[WORD_MAX];
    first_word(text, first);
    const char *rest = strchr(text + strspn(text, " "), ' ');
    if (max == 0) {
        return 0;
    }
    if (rest == NULL) {
        offer_first_words(&list, context);
        return list.n;
    }
    rest += strspn(rest, " ");
    const struct verb *verb = verb_find(first);
    if (verb == NULL) {
        offer_rest(&list, first, strchr(rest, ' ') == NULL, context);
        return list.n;
    }
    if (verb->has_workflow) {
        offer_workflows(&list, context->frame);
    }
    bool is_decision =
        verb->args[0].name != NULL && strcmp(verb->args[0].name, "approval") == 0;
    if (is_decision && context->frame != NULL) {
        offer_cases(&list, context->frame);
    }
    offer_arguments(&list, verb);
    return list.n;
}

void palette_usage(const char *text, char *out, size_t cap)
{
    char first[WORD_MAX];
    first_word(text, first);
    const struct verb *verb = verb_find(first);
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].name, first) == 0) {
            (void)snprintf(out, cap, "%s %s  %s", first, words[i].rest, words[i].help);
        }
    }
    if (verb == NULL || !is_line(verb)) {
        return;
    }
    size_t used = (size_t)snprintf(out, cap, "%s%s", first,
                                   verb->has_workflow ? " [wf-N ...]" : "");
    for (const struct verb_arg *arg = verb->args; arg->name != NULL && used < cap;
         arg++) {
        const char *open = arg->is_required ? "" : "[";
        const char *close = arg->is_required ? "" : "]";
        bool is_rest = arg == rest_arg(verb);
        used += (size_t)snprintf(out + used, cap - used, " %s%s%s%s", open, arg->name,
                                 is_rest ? "..." : "=", close);
    }
    if (used < cap) {
        (void)snprintf(out + used, cap - used, "  %s", verb->help);
    }
}

void palette_apply(const char *text, const struct palette_candidate *candidate, char *out,
                   size_t cap)
{
    (void)snprintf(out, cap, "%.*s%s", (int)(last_word(text) - text), text,
                   candidate->text);
}

/* ---- parsing ---- */

struct line {
    const char *rest;
    char word[512];
};

/* Next word into line->word; false at the end. */
static bool next_word(struct line *line)
{
    line->rest += strspn(line->rest, " ");
    size_t len = strcspn(line->rest, " ");
    if (len == 0) {
        return false;
    }
    size_t n = len < sizeof(line->word) ? len : sizeof(line->word) - 1;
    memcpy(line->word, line->rest, n);
    line->word[n] = '\0';
    line->rest += len;
    return true;
}

static const struct verb_arg *find_arg(const struct verb *verb, const char *name,
                                       size_t len)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strlen(arg->name) == len && strncmp(arg->name, name, len) == 0) {
            return arg;
        }
    }
    return NULL;
}

static bool add_argument(struct jsonw *w, const struct verb_arg *arg, const char *value,
                         struct err *err)
{
    char *end;
    if (arg->type != ARG_INT) {
        jsonw_str(w, arg->name, value);
        return true;
    }
    enum case_kind kind;
    int64_t id;
    if (case_id_parse(value, &kind, &id) && strcmp(case_word(kind), arg->name) == 0) {
        jsonw_int(w, arg->name, id);
        return true;
    }
    long long number = strtoll(value, &end, 10);
    if (value[0] == '\0' || *end != '\0') {
        return err_set(err, ERR_USAGE, "%s=%.40s: expected a number", arg->name, value);
    }
    jsonw_int(w, arg->name, number);
    return true;
}

/* What takes the rest of the line: the reason, else the note; or NULL. */
static const struct verb_arg *rest_arg(const struct verb *verb)
{
    const struct verb_arg *reason = find_arg(verb, "reason", strlen("reason"));
    return reason != NULL ? reason : find_arg(verb, "note", strlen("note"));
}

/* The argument that stands as word number `at`, of a verb that acts on no workflow. */
static const struct verb_arg *word_arg(const struct verb *verb, int at)
{
    const struct verb_arg *rest = rest_arg(verb);
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (!verb->has_workflow && arg->is_required && arg != rest && at-- == 0) {
            return arg;
        }
    }
    return NULL;
}

static bool parse_verb(struct line *line, struct palette_command *command,
                       struct err *err)
{
    const struct verb *verb = command->verb;
    AUTO_BUF struct buf json;
    struct jsonw w;
    const struct verb_arg *rest = rest_arg(verb);
    bool has_rest = false;
    int n_words = 0;
    buf_init(&json, 16384);
    jsonw_init(&w, &json);
    jsonw_open(&w, NULL, '{');
    while (!has_rest && next_word(line)) {
        const char *equals = strchr(line->word, '=');
        const struct verb_arg *arg =
            equals != NULL ? find_arg(verb, line->word, (size_t)(equals - line->word))
                           : NULL;
        const struct verb_arg *word = word_arg(verb, n_words);
        int64_t id;
        if (verb->has_workflow && palette_parse_id(line->word, &id)) {
            if (command->n_targets == PALETTE_TARGETS) {
                return err_set(err, ERR_USAGE, "at most %d workflows in one line",
                               PALETTE_TARGETS);
            }
            command->targets[command->n_targets++] = id;
        } else if (arg != NULL && arg != rest) {
            if (!add_argument(&w, arg, equals + 1, err)) {
                return false;
            }
        } else if (word != NULL) {
            n_words++;
            if (!add_argument(&w, word, line->word, err)) {
                return false;
            }
        } else if (rest != NULL) {
            const char *text = line->rest - strlen(line->word); /* the rest of the line */
            jsonw_str(&w, rest->name, arg == rest ? text + strlen(rest->name) + 1 : text);
            has_rest = true;
        } else {
            return err_set(err, ERR_USAGE, "'%.60s' means nothing to %s", line->word,
                           verb->name);
        }
    }
    jsonw_close(&w, '}');
    command->args = json.len > 2 ? buf_take(&json, NULL) : NULL;
    return true;
}

/* theme, save, open, forget, set. False with err unset: it is none of them. */
static bool parse_word(struct line *line, struct palette_command *command,
                       struct err *err)
{
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i].name, line->word) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(words)) {
        return false;
    }
    command->kind = words[i].kind;
    if (!next_word(line)) {
        return err_set(err, ERR_USAGE, "%s: expected %s", words[i].name, words[i].rest);
    }
    (void)snprintf(command->theme, sizeof(command->theme), "%.63s", line->word);
    (void)snprintf(command->text, sizeof(command->text), "%.63s", line->word);
    if (command->kind == PALETTE_SET) {
        command->args = mem_str(line->rest + strspn(line->rest, " "));
        line->rest += strlen(line->rest);
    } else if (command->kind != PALETTE_THEME && !saved_is_name(command->text)) {
        return err_set(err, ERR_USAGE,
                       "%s: '%.60s' is no name; expected letters, digits and . _ -",
                       words[i].name, line->word);
    }
    return true;
}

/* "f-31", or "why" with the id of a case. False: it is neither. */
static bool parse_why(struct line *line, struct palette_command *command)
{
    enum case_kind kind = CASE_WORKFLOW;
    int64_t id;
    struct line rest = *line;
    bool is_why = strcmp(line->word, "why") == 0 && next_word(&rest);
    const char *word = is_why ? rest.word : line->word;
    if (!case_id_parse(word, &kind, &id) || (!is_why && kind == CASE_WORKFLOW)) {
        return false;
    }
    bool is_card = kind == CASE_APPROVAL || kind == CASE_OPTIMIZATION;
    if (is_card && is_why) {
        return false;
    }
    if (is_card) {
        command->kind = PALETTE_CARD;
        command->view =
            view_class_find(kind == CASE_APPROVAL ? "approval" : "optimization");
        command->id = id;
        return true;
    }
    command->kind = PALETTE_WHY;
    (void)snprintf(command->why, sizeof(command->why), "%.31s", word);
    line->rest = rest.rest;
    return true;
}

bool palette_parse(const char *text, struct palette_command *ret_command, struct err *err)
{
    struct line line = {.rest = text};
    struct palette_command command = {.kind = PALETTE_VIEW};
    if (!next_word(&line)) {
        return err_set(err, ERR_USAGE, "expected a command, a view or a workflow");
    }
    command.view = view_class_find(line.word);
    command.verb = verb_find(line.word);
    if (palette_parse_id(line.word, &command.targets[0])) {
        command.kind = PALETTE_WORKFLOW;
        command.n_targets = 1;
    } else if (parse_why(&line, &command)) {
        command.view = command.kind == PALETTE_WHY ? NULL : command.view;
    } else if (parse_word(&line, &command, err)) {
        command.view = NULL;
    } else if (err->code != ERR_NONE) {
        return false;
    } else if (strcmp(line.word, "at") == 0) {
        command.kind = PALETTE_AT;
        if (next_word(&line)) {
            (void)snprintf(command.at, sizeof(command.at), "%.63s", line.word);
        }
    } else if (command.verb != NULL && is_line(command.verb)) {
        command.kind = PALETTE_VERB;
        if (!parse_verb(&line, &command, err)) {
            return false;
        }
    } else if (action_find(line.word, &command.action) &&
               palette_has_action(command.action)) {
        command.kind = PALETTE_ACTION;
    } else if (command.view == NULL) {
        return err_set(err, ERR_USAGE, "'%.60s' is no command, view or workflow",
                       line.word);
    }
    if (command.kind != PALETTE_VERB && next_word(&line)) {
        return err_set(err, ERR_USAGE, "'%.60s' is too much", line.word);
    }
    *ret_command = command;
    return true;
}
