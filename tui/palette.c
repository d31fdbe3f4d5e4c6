/* SPDX-License-Identifier: MIT */
#include "tui/palette.h"

#include <ctype.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/case.h"
#include "tui/palette_impl.h"
#include "tui/story.h"

const enum action palette_actions[] = {
    ACTION_HELP, ACTION_MESSAGES,   ACTION_PERF,        ACTION_REDRAW, ACTION_SUSPEND,
    ACTION_QUIT, ACTION_THEME_NEXT, ACTION_NEXT_NEEDED, ACTION_NONE};

/* clang-format off */
const struct palette_own palette_owns[] = {
    {"theme",  "NAME",       "Use another theme",                       PALETTE_THEME},
    {"save",   "NAME",       "Keep the view as it is now, under a name", PALETTE_SAVE},
    {"open",   "NAME",       "Show a saved view",                       PALETTE_OPEN},
    {"forget", "NAME",       "Forget a saved view",                     PALETTE_FORGET},
    {"set",    "NAME VALUE", "Change a setting of the view: filter, sort, columns", PALETTE_SET},
    {"report", "[ID]",       "Write the incident, problem or breaker to a file", PALETTE_REPORT},
    {0},
};
/* clang-format on */

bool palette_has_action(enum action action)
{
    for (const enum action *at = palette_actions; *at != ACTION_NONE; at++) {
        if (*at == action) {
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

/* ---- words of a line ---- */

bool palette_next_word(struct palette_line *line)
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

bool palette_is_line(const struct verb *verb)
{
    return verb->has_workflow || (strcmp(verb->args[0].name, "pipeline") != 0 &&
                                  strcmp(verb->name, AUDIT_READ) != 0 &&
                                  strcmp(verb->name, APPROVAL_SEEN) != 0);
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

const struct verb_arg *palette_rest(const struct verb *verb)
{
    const struct verb_arg *reason = find_arg(verb, "reason", strlen("reason"));
    return reason != NULL ? reason : find_arg(verb, "note", strlen("note"));
}

const struct verb_arg *palette_next_argument(const struct verb *verb,
                                             const struct palette_given *given)
{
    const struct verb_arg *rest = palette_rest(verb);
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        bool is_given = (given->args & 1u << (arg - verb->args)) != 0;
        if (!verb->has_workflow && arg->is_required && arg != rest && !is_given) {
            return arg;
        }
    }
    return rest;
}

const struct verb_arg *palette_argument(const struct verb *verb, const char *word,
                                        struct palette_given *given,
                                        const char **ret_value)
{
    const char *equals = strchr(word, '=');
    const struct verb_arg *arg =
        equals != NULL ? find_arg(verb, word, (size_t)(equals - word)) : NULL;
    int64_t id;
    *ret_value = arg != NULL ? equals + 1 : word;
    if (arg == NULL && verb->has_workflow && palette_parse_id(word, &id)) {
        return NULL;
    }
    arg = arg != NULL ? arg : palette_next_argument(verb, given);
    if (arg != NULL) {
        given->args |= 1u << (arg - verb->args);
        given->has_rest = arg == palette_rest(verb);
    }
    return arg;
}

void palette_usage(const char *text, char *out, size_t cap)
{
    struct palette_line line = {.rest = text};
    out[0] = '\0';
    if (!palette_next_word(&line)) {
        return;
    }
    for (const struct palette_own *own = palette_owns; own->name != NULL; own++) {
        if (strcmp(own->name, line.word) == 0) {
            (void)snprintf(out, cap, "%s %s  %s", own->name, own->rest, own->help);
        }
    }
    const struct verb *verb = verb_find(line.word);
    if (verb == NULL || !palette_is_line(verb)) {
        return;
    }
    size_t used = (size_t)snprintf(out, cap, "%s%s", verb->name,
                                   verb->has_workflow ? " [wf-N ...]" : "");
    for (const struct verb_arg *arg = verb->args; arg->name != NULL && used < cap;
         arg++) {
        const char *open = arg->is_required ? "" : "[";
        const char *close = arg->is_required ? "" : "]";
        bool is_rest = arg == palette_rest(verb);
        used += (size_t)snprintf(out + used, cap - used, " %s%s%s%s", open, arg->name,
                                 is_rest ? "..." : "=", close);
    }
    if (used < cap) {
        (void)snprintf(out + used, cap - used, "  %s", verb->help);
    }
}

/* ---- parsing ---- */

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

/* A reason that is missing is asked for; anything else would be found out by the engine, after
 * somebody has confirmed it. */
static bool has_required(const struct verb *verb, const struct palette_given *given,
                         struct err *err)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        bool is_given = (given->args & 1u << (arg - verb->args)) != 0;
        if (arg->is_required && !is_given && strcmp(arg->name, "reason") != 0) {
            return err_set(err, ERR_USAGE, "%s: expected %s=: %s", verb->name, arg->name,
                           arg->help);
        }
    }
    return true;
}

static bool parse_verb(struct palette_line *line, struct palette_command *command,
                       struct err *err)
{
    const struct verb *verb = command->verb;
    AUTO_BUF struct buf json;
    struct jsonw w;
    struct palette_given given = {0};
    buf_init(&json, 16384);
    jsonw_init(&w, &json);
    jsonw_open(&w, NULL, '{');
    while (!given.has_rest && palette_next_word(line)) {
        const char *value;
        const struct verb_arg *arg = palette_argument(verb, line->word, &given, &value);
        int64_t id;
        if (arg == NULL && verb->has_workflow && palette_parse_id(line->word, &id)) {
            if (command->n_targets == PALETTE_TARGETS) {
                return err_set(err, ERR_USAGE, "at most %d workflows in one line",
                               PALETTE_TARGETS);
            }
            command->targets[command->n_targets++] = id;
        } else if (arg == NULL) {
            return err_set(err, ERR_USAGE, "'%.60s' means nothing to %s", line->word,
                           verb->name);
        } else if (given.has_rest) { /* to the end of the line, however long */
            jsonw_str(&w, arg->name,
                      line->rest - strlen(line->word) + (value - line->word));
        } else if (!add_argument(&w, arg, value, err)) {
            return false;
        }
    }
    jsonw_close(&w, '}');
    if (!has_required(verb, &given, err)) {
        return false;
    }
    command->args = json.len > 2 ? buf_take(&json, NULL) : NULL;
    return true;
}

static bool parse_report(const struct palette_line *line, bool has_word,
                         struct palette_command *command, struct err *err)
{
    struct story_subject subject;
    if (has_word && !story_parse(line->word, &subject)) {
        return err_set(err, ERR_USAGE,
                       "report: '%.60s' is no incident (17), problem (p-2), failure "
                       "(f-31) or service (service:NAME)",
                       line->word);
    }
    (void)snprintf(command->text, sizeof(command->text), "%.63s",
                   has_word ? line->word : "");
    return true;
}

/* theme, save, open, forget, set, report. False with err unset: it is none of them. */
static bool parse_own(struct palette_line *line, struct palette_command *command,
                      struct err *err)
{
    const struct palette_own *own = palette_owns;
    while (own->name != NULL && strcmp(own->name, line->word) != 0) {
        own++;
    }
    if (own->name == NULL) {
        return false;
    }
    command->kind = own->kind;
    bool has_word = palette_next_word(line);
    if (command->kind == PALETTE_REPORT) {
        return parse_report(line, has_word, command, err);
    }
    if (!has_word) {
        return err_set(err, ERR_USAGE, "%s: expected %s", own->name, own->rest);
    }
    (void)snprintf(command->theme, sizeof(command->theme), "%.63s", line->word);
    (void)snprintf(command->text, sizeof(command->text), "%.63s", line->word);
    if (command->kind == PALETTE_SET) {
        command->args = mem_str(line->rest + strspn(line->rest, " "));
        line->rest += strlen(line->rest);
    } else if (command->kind != PALETTE_THEME && !saved_is_name(command->text)) {
        return err_set(err, ERR_USAGE,
                       "%s: '%.60s' is no name; expected letters, digits and . _ -",
                       own->name, line->word);
    }
    return true;
}

/* "f-31", or "why" with the id of a case. False: it is neither. */
static bool parse_why(struct palette_line *line, struct palette_command *command)
{
    enum case_kind kind = CASE_WORKFLOW;
    int64_t id;
    struct palette_line rest = *line;
    bool is_why = strcmp(line->word, "why") == 0 && palette_next_word(&rest);
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
    struct palette_line line = {.rest = text};
    struct palette_command command = {.kind = PALETTE_VIEW};
    if (!palette_next_word(&line)) {
        return err_set(err, ERR_USAGE, "expected a command, a view or a workflow");
    }
    command.view = view_class_find(line.word);
    bool is_alone = line.rest[strspn(line.rest, " ")] == '\0';
    /* "autonomy" is both: alone it is the view. */
    command.verb = command.view != NULL && is_alone ? NULL : verb_find(line.word);
    if (palette_parse_id(line.word, &command.targets[0])) {
        command.kind = PALETTE_WORKFLOW;
        command.n_targets = 1;
    } else if (parse_why(&line, &command)) {
        command.view = command.kind == PALETTE_WHY ? NULL : command.view;
    } else if (parse_own(&line, &command, err)) {
        command.view = NULL;
    } else if (err->code != ERR_NONE) {
        return false;
    } else if (strcmp(line.word, "at") == 0) {
        command.kind = PALETTE_AT;
        if (palette_next_word(&line)) {
            (void)snprintf(command.at, sizeof(command.at), "%.63s", line.word);
        }
    } else if (command.verb != NULL && palette_is_line(command.verb)) {
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
    if (command.kind != PALETTE_VERB && palette_next_word(&line)) {
        return err_set(err, ERR_USAGE, "'%.60s' is too much", line.word);
    }
    *ret_command = command;
    return true;
}
