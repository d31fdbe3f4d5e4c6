/* SPDX-License-Identifier: MIT */
#include "tui/cli/linear_line.h"

#include "engine/control/verb.h"
#include "engine/recovery/case.h"
#include "tui/cli/cli.h"

/* Views whose command is called otherwise. */
static const struct {
    const char *view, *command;
} views[] = {
    {"overview",  "status"  },
    {"workflows", "list"    },
    {"engine",    "status"  },
    {"workflow",  "show"    },
    {"waterfall", "trace"   },
    {"outlook",   "forecast"},
    {"setup",     "init"    },
    {"quit",      "exit"    },
};

/* One word from *at on; NULL at the end, or when a quote has no end (then *ret_is_open). */
static const char *next_word(struct arena *arena, const char **at, bool *ret_is_open)
{
    const char *p = *at + strspn(*at, " \t");
    char quote = '\0';
    if (*p == '\0') {
        return NULL;
    }
    char *word = arena_alloc(arena, strlen(p) + 1);
    size_t n = 0;
    for (; *p != '\0' && (quote != '\0' || (*p != ' ' && *p != '\t')); p++) {
        if (quote != '\0' ? *p == quote : (n == 0 && (*p == '"' || *p == '\''))) {
            quote = quote != '\0' ? '\0' : *p;
        } else {
            word[n++] = *p;
        }
    }
    word[n] = '\0';
    *at = p;
    *ret_is_open = quote != '\0';
    return quote != '\0' ? NULL : word;
}

static bool is_id(const char *word)
{
    enum case_kind kind;
    int64_t id;
    return cli_parse_id(word, &id) || case_id_parse(word, &kind, &id);
}

/* "wf-12" alone shows it, and so does every other thing with an id. */
static void name_command(struct linear_line *line)
{
    enum case_kind kind = CASE_WORKFLOW;
    int64_t id;
    const char *first = line->words[0];
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        if (strcmp(first, views[i].view) == 0) {
            line->words[0] = views[i].command;
            return;
        }
    }
    if (line->n != 1 || !is_id(first)) {
        return;
    }
    bool is_case = case_id_parse(first, &kind, &id);
    line->words[1] = first;
    line->words[2] = NULL;
    line->words[0] = !is_case || kind == CASE_WORKFLOW ? "show"
                     : kind == CASE_APPROVAL           ? "approvals"
                     : kind == CASE_OPTIMIZATION       ? "optimizations"
                                                       : "why";
    line->n = 2;
}

static bool has_arg(const struct verb *verb, const char *name, size_t len)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strlen(arg->name) == len && strncmp(arg->name, name, len) == 0) {
            return true;
        }
    }
    return false;
}

static const char *all_from(struct arena *arena, const struct linear_line *line, int at)
{
    const char *text = line->words[at];
    for (int i = at + 1; i < line->n; i++) {
        text = arena_printf(arena, "%s %s", text, line->words[i]);
    }
    return text;
}

/* Verbs on things with ids, as the palette has it: behind the ids NAME=VALUE is an argument, and
 * what follows is the reason, or the note where there is none. */
static void name_arguments(struct arena *arena, struct linear_line *line)
{
    const struct verb *verb = verb_find(line->words[0]);
    if (verb == NULL ||
        (!verb->has_workflow && strcmp(verb->args[0].name, "approval") != 0)) {
        return;
    }
    const char *rest = has_arg(verb, "reason", 6) ? "reason"
                       : has_arg(verb, "note", 4) ? "note"
                                                  : NULL;
    int at = 1;
    while (at < line->n && is_id(line->words[at])) {
        at++;
    }
    for (; at > 1 && at < line->n && line->words[at][0] != '-'; at++) {
        const char *equals = strchr(line->words[at], '=');
        if (equals != NULL &&
            has_arg(verb, line->words[at], (size_t)(equals - line->words[at]))) {
            line->words[at] = arena_printf(arena, "--%s", line->words[at]);
        } else if (rest != NULL) {
            const char *text = all_from(arena, line, at);
            line->words[at] = arena_printf(arena, "--%s=%s", rest, text);
            line->n = at + 1;
            line->words[line->n] = NULL;
        }
    }
}

bool linear_parse(struct arena *arena, const char *text, struct linear_line *ret_line,
                  struct err *err)
{
    struct linear_line line = {.n = 0};
    bool is_open = false;
    const char *word;
    while ((word = next_word(arena, &text, &is_open)) != NULL) {
        if (line.n == LINEAR_WORDS_MAX) {
            return err_set(err, ERR_USAGE, "more than %d words", LINEAR_WORDS_MAX);
        }
        line.words[line.n++] = word;
    }
    if (is_open) {
        return err_set(err, ERR_USAGE, "a quote has no end");
    }
    line.words[line.n] = NULL;
    if (line.n > 0) {
        name_command(&line);
        name_arguments(arena, &line);
    }
    *ret_line = line;
    return true;
}

const char *linear_refusal(const struct linear_line *line)
{
    const struct cli_command *command = cli_find_command(line->words[0]);
    if (line->words[0][0] == '-') {
        return "a command comes first";
    }
    if (command == NULL || command->is_hidden) {
        return "is no command; 'help' lists them";
    }
    if (strcmp(command->name, "serve") == 0) {
        return "the engine of this store runs already, or is started by itself";
    }
    return NULL;
}

bool linear_changes(const struct linear_line *line)
{
    static const char *const others[] = {"submit", "adopt", "init", "backup"};
    const struct verb *verb = verb_find(line->words[0]);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (strcmp(line->words[0], others[i]) == 0) {
            return true;
        }
    }
    return verb != NULL && verb->changes;
}
