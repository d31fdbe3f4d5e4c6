/* SPDX-License-Identifier: MIT */
#include "tui/cli/verb.h"

#include <errno.h>

#include "engine/base/json.h"
#include "engine/control/verb.h"
#include "engine/recovery/case.h"
#include "store/halt.h"
#include "store/store.h"
#include "tui/cli/decision.h"
#include "tui/cli/send.h"

/* What the values of arguments are called, by type. */
static const char *const value_words[] = {
    [ARG_TEXT] = "TEXT",   [ARG_LONG] = "TEXT",   [ARG_INT] = "N",
    [ARG_STATE] = "STATE", [ARG_OBJECT] = "JSON",
};

/* The argument that may stand as the last word. */
static const struct verb_arg *required_arg(const struct verb *verb)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (arg->is_required) {
            return arg;
        }
    }
    return NULL;
}

static void put_number(struct jsonw *w, const char *key, const char *text)
{
    char *end;
    enum case_kind kind;
    int64_t id;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (case_id_parse(text, &kind, &id) && strcmp(case_word(kind), key) == 0) {
        jsonw_int(w, key, id); /* "f-31" where a failure is wanted */
        return;
    }
    if (end != text && *end == '\0' && errno == 0) {
        jsonw_int(w, key, number);
    } else {
        jsonw_str(w, key, text); /* verb_check names what it expected */
    }
}

static bool put_arg(struct jsonw *w, const struct verb_arg *arg, const char *text,
                    struct err *err)
{
    struct json *object;
    switch (arg->type) {
    case ARG_INT:
        put_number(w, arg->name, text);
        return true;
    case ARG_OBJECT:
        object = json_parse(text, strlen(text), err);
        if (object == NULL) {
            err->code = ERR_USAGE;
            return err_wrap(err, "--%s", arg->name);
        }
        json_free(object);
        jsonw_raw(w, arg->name, text, strlen(text));
        return true;
    case ARG_TEXT:
    case ARG_LONG:
    case ARG_STATE:
        jsonw_str(w, arg->name, text);
        return true;
    }
    return true;
}

const char *cli_verb_args(struct cli *cli, const struct verb *verb, int *ret_n_ids,
                          struct err *err)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    const struct verb_arg *required = required_arg(verb);
    int n_ids = cli->n_args;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        const char *text = cli_value(cli, arg->name);
        if (text == NULL && arg == required && n_ids > 1) {
            text = cli->args[--n_ids];
        }
        if (text != NULL && !put_arg(&w, arg, text, err)) {
            return NULL;
        }
    }
    jsonw_close(&w, '}');
    struct json *args = json_parse(out.data, out.len, err);
    if (args == NULL) {
        return NULL;
    }
    bool is_good = verb_check(verb, args, err);
    json_free(args);
    if (!is_good) {
        return NULL;
    }
    *ret_n_ids = n_ids;
    return arena_strn(cli->arena, out.data, out.len);
}

static int run(struct cli *cli)
{
    const struct verb *verb = verb_find(cli->command->name);
    struct err err = ERR_INIT;
    int n = 0;
    const char *args = cli_verb_args(cli, verb, &n, &err);
    if (args == NULL) {
        return cli_complain(cli, "%s", err.msg);
    }
    struct request *requests = arena_array(cli->arena, (size_t)n, sizeof(requests[0]));
    for (int i = 0; i < n; i++) {
        requests[i] = (struct request){.verb = verb->name, .args = args};
        if (!cli_parse_id(cli->args[i], &requests[i].workflow)) {
            return cli_complain(cli,
                                "'%.80s' is no workflow; expected a number or wf-NUMBER",
                                cli->args[i]);
        }
    }
    if (!requests_send(cli, requests, (size_t)n, &err)) {
        return cli_fail(&err);
    }
    return requests_report(cli, requests, (size_t)n);
}

/* ---- verbs that act on something else ---- */

/* What 'submit' and 'adopt' take is read from files: they have commands of their own. */
static bool is_of_subject(const struct verb *verb)
{
    return !verb->has_workflow && strcmp(verb->args[0].name, "pipeline") != 0;
}

static bool is_text(const struct verb_arg *arg)
{
    return strcmp(arg->name, "reason") == 0 || strcmp(arg->name, "note") == 0;
}

/* Stands as a word of its own. */
static bool is_word(const struct verb_arg *arg)
{
    return arg->is_required && strcmp(arg->name, "reason") != 0;
}

/* May stand behind the words instead of as an option, but never where a service is meant:
 * there it is an option, so that nobody forgets which. NULL: none. */
static const struct verb_arg *last_arg(const struct verb *verb)
{
    const struct verb_arg *arg = verb->args;
    if (strcmp(arg->name, "service") == 0) {
        return NULL;
    }
    while (arg->name != NULL && (is_word(arg) || !is_text(arg))) {
        arg++;
    }
    return arg->name != NULL ? arg : NULL;
}

/* Takes nothing but a reason: who is in a hurry shall not have to think of quotes. */
static bool takes_words(const struct verb *verb)
{
    const char *first = verb->args[0].name;
    return first != NULL && strcmp(first, "reason") == 0 && verb->args[1].name == NULL;
}

static const char *all_words(struct cli *cli)
{
    const char *text = cli->args[0];
    for (int i = 1; i < cli->n_args; i++) {
        text = arena_printf(cli->arena, "%s %s", text, cli->args[i]);
    }
    return text;
}

static const char *subject_args(struct cli *cli, const struct verb *verb, struct err *err)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    const struct verb_arg *last = last_arg(verb);
    int next = 0;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        const char *text = cli_value(cli, arg->name);
        if (next < cli->n_args && (is_word(arg) || (arg == last && text == NULL))) {
            text = takes_words(verb) ? all_words(cli) : cli->args[next];
            next = takes_words(verb) ? cli->n_args : next + 1;
        }
        if (text != NULL && !put_arg(&w, arg, text, err)) {
            return NULL;
        }
    }
    jsonw_close(&w, '}');
    if (next < cli->n_args) {
        (void)err_set(err, ERR_USAGE, "'%.60s' is too much", cli->args[next]);
        return NULL;
    }
    struct json *args = json_parse(out.data, out.len, err);
    bool is_good = args != NULL && verb_check(verb, args, err);
    json_free(args);
    return is_good ? arena_strn(cli->arena, out.data, out.len) : NULL;
}

static bool needs_reason(const struct verb *verb)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, "reason") == 0) {
            return arg->is_required;
        }
    }
    return false;
}

/* Agents outlive their engine, and a halt must not wait for the next one. */
static void stop_runners(const struct cli *cli, const struct verb *verb)
{
    int pid = 0;
    if (strcmp(verb->name, "halt") == 0 && !lease_is_held(cli->store, &pid)) {
        int n = halt_without_engine(cli->store);
        if (n > 0 && !cli_has(cli, "json")) {
            printf("%d that ran on without an engine stand%s still\n", n,
                   n == 1 ? "s" : "");
        }
    }
}

static int run_subject(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct request request = {.verb = cli->command->name};
    const struct verb *verb = verb_find(request.verb);
    request.args = subject_args(cli, verb, &err);
    if (request.args == NULL && needs_reason(verb) && last_arg(verb) == NULL &&
        cli_value(cli, "reason") == NULL) {
        return cli_complain(cli, "--reason TEXT is needed: why; it is kept with the act");
    }
    if (request.args == NULL) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (!requests_send(cli, &request, 1, &err)) {
        return cli_fail(&err);
    }
    stop_runners(cli, verb);
    return requests_report(cli, &request, 1);
}

/* ---- verbs that decide ---- */

static int run_decision(struct cli *cli)
{
    return cli_run_decision(cli, verb_find(cli->command->name));
}

/* ---- rows from the table of verbs
 * -------------------------------------------------------- */

#define VERBS_MAX 64

static struct cli_option options[VERBS_MAX][VERB_ARGS_MAX + 2];
static struct cli_command commands[VERBS_MAX];

static void make_command(size_t at, const struct verb *verb)
{
    size_t n = 0;
    const struct verb_arg *required = required_arg(verb);
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        options[at][n++] = (struct cli_option){
            .name = arg->name, .value = value_words[arg->type], .help = arg->help};
    }
    const char *args = "ID...";
    if (required != NULL) {
        args = required->type == ARG_INT ? "ID... N" : "ID... TEXT";
    }
    commands[at] = (struct cli_command){
        .name = verb->name,
        .args = args,
        .min_args = 1,
        .max_args = -1,
        .options = options[at],
        .access = ACCESS_WRITE,
        .help = verb->help,
        .more = verb->more,
        .run = run,
    };
}

/* The number is a word; digest and confirm have their own meaning: see decision.h. */
static void make_decision_command(size_t at, const struct verb *verb)
{
    size_t n = 0;
    bool is_approve = strcmp(verb->name, "approve") == 0;
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, "approval") != 0) {
            options[at][n++] = (struct cli_option){
                .name = arg->name, .value = value_words[arg->type], .help = arg->help};
        }
    }
    if (is_approve) {
        options[at][n++] = (struct cli_option){
            .name = "yes", .letter = 'y', .help = "do not ask about medium risk"};
    }
    commands[at] = (struct cli_command){
        .name = verb->name,
        .args = needs_reason(verb) ? "ID... [REASON]" : "ID...",
        .min_args = 1,
        .max_args = -1,
        .options = options[at],
        .access = ACCESS_WRITE,
        .help = verb->help,
        .more = verb->more,
        .run = run_decision,
    };
}

static char words[VERBS_MAX][64]; /* "SILENCE [REASON]" */

static void add_word(char out[64], const char *word)
{
    size_t len = strlen(out);
    (void)snprintf(out + len, 64 - len, "%s%s", len > 0 ? " " : "", word);
}

/* An argument as usage names it: in capitals. */
static void add_arg(char out[64], const struct verb_arg *arg)
{
    char word[32], whole[40];
    size_t n = 0;
    for (; n < sizeof(word) - 1 && arg->name[n] != '\0'; n++) {
        char letter = arg->name[n];
        word[n] = (char)(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter);
    }
    word[n] = '\0';
    (void)snprintf(whole, sizeof(whole), arg->is_required ? "%s" : "[%s]", word);
    add_word(out, whole);
}

static void make_subject_command(size_t at, const struct verb *verb)
{
    const struct verb_arg *last = last_arg(verb);
    size_t n = 0;
    int n_words = 0;
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (is_word(arg)) {
            add_arg(words[at], arg);
            n_words++;
        } else {
            options[at][n++] = (struct cli_option){
                .name = arg->name, .value = value_words[arg->type], .help = arg->help};
        }
    }
    if (last != NULL) {
        add_arg(words[at], last);
    } else if (needs_reason(verb)) {
        add_word(words[at], "--reason TEXT");
    }
    commands[at] = (struct cli_command){
        .name = verb->name,
        .args = words[at],
        .min_args = n_words,
        .max_args = takes_words(verb) ? -1 : n_words + (last != NULL),
        .options = options[at],
        .access = ACCESS_WRITE,
        .help = verb->help,
        .more = verb->more,
        .run = run_subject,
    };
}

size_t cli_verb_commands(const struct cli_command **ret_rows, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < n_verbs; i++) {
        bool has_own = strcmp(verbs[i].name, "autonomy") == 0; /* it also lists */
        if (has_own || (!verbs[i].has_workflow && !is_of_subject(&verbs[i]))) {
            continue;
        }
        if (n == max || n == VERBS_MAX) {
            BUG("more verbs than the command line has room for");
        }
        if (cli_decides(&verbs[i])) {
            make_decision_command(n, &verbs[i]);
        } else if (verbs[i].has_workflow) {
            make_command(n, &verbs[i]);
        } else {
            make_subject_command(n, &verbs[i]);
        }
        ret_rows[n] = &commands[n];
        n++;
    }
    return n;
}
