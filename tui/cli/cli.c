/* SPDX-License-Identifier: MIT */
#include "tui/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "engine/approval/access.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "engine/control/verb.h"
#include "store/store.h"

void cli_init(struct cli *cli)
{
    *cli = (struct cli){.arena = arena_new()};
}

void cli_fini(struct cli *cli)
{
    reader_close(cli->reader);
    config_free(cli->config);
    arena_free(cli->arena);
    *cli = (struct cli){0};
}

/* ---- parsing
 * --------------------------------------------------------------------------- */

static const struct cli_option *find_in(const struct cli_option *options,
                                        const char *name, size_t len, char letter)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        bool is_match = name != NULL
                            ? strlen(o->name) == len && strncmp(o->name, name, len) == 0
                            : o->letter == letter;
        if (is_match) {
            return o;
        }
    }
    return NULL;
}

static const struct cli_option *find_option(const struct cli *cli, const char *name,
                                            size_t len, char letter)
{
    const struct cli_option *own =
        cli->command != NULL ? cli->command->options : cli_console_options;
    const struct cli_option *found = find_in(own, name, len, letter);
    return found != NULL ? found : find_in(cli_global_options, name, len, letter);
}

static bool give(struct cli *cli, const struct cli_option *option, const char *value,
                 struct err *err)
{
    if (cli->n_given == CLI_GIVEN_MAX) {
        return err_set(err, ERR_USAGE, "more than %d options", CLI_GIVEN_MAX);
    }
    cli->given[cli->n_given].name = option->name;
    cli->given[cli->n_given].value = value;
    cli->n_given++;
    return true;
}

/* "--name", "--name=value", "--name value"; *i moves over a value taken from argv. */
static bool parse_long(struct cli *cli, int argc, const char *const argv[], int *i,
                       struct err *err)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *option = find_option(cli, name, len, 0);
    if (option == NULL) {
        return err_set(err, ERR_USAGE, "unknown option '--%.*s'", (int)(len & 0xff),
                       name);
    }
    if (option->value == NULL) {
        return equals == NULL
                   ? give(cli, option, "", err)
                   : err_set(err, ERR_USAGE, "'--%s' takes no value", option->name);
    }
    if (equals != NULL) {
        return give(cli, option, equals + 1, err);
    }
    if (*i + 1 == argc) {
        return err_set(err, ERR_USAGE, "'--%s' needs a value: %s", option->name,
                       option->value);
    }
    return give(cli, option, argv[++*i], err);
}

/* "-f", "-n5", "-n 5", and flags in one word. */
static bool parse_short(struct cli *cli, int argc, const char *const argv[], int *i,
                        struct err *err)
{
    const char *letters = argv[*i] + 1;
    for (; *letters != '\0'; letters++) {
        const struct cli_option *option = find_option(cli, NULL, 0, *letters);
        if (option == NULL) {
            return err_set(err, ERR_USAGE, "unknown option '-%c'",
                           isprint((unsigned char)*letters) ? *letters : '?');
        }
        if (option->value == NULL) {
            if (!give(cli, option, "", err)) {
                return false;
            }
            continue;
        }
        if (letters[1] != '\0') {
            return give(cli, option, letters + 1, err);
        }
        if (*i + 1 == argc) {
            return err_set(err, ERR_USAGE, "'-%c' needs a value: %s", option->letter,
                           option->value);
        }
        return give(cli, option, argv[++*i], err);
    }
    return true;
}

static bool add_word(struct cli *cli, const char *word, struct err *err)
{
    if (cli->command == NULL) {
        cli->command = cli_find_command(word);
        return cli->command != NULL
                   ? true
                   : err_set(err, ERR_USAGE, "unknown command '%.80s'", word);
    }
    if (cli->n_args == CLI_ARGS_MAX) {
        return err_set(err, ERR_USAGE, "more than %d arguments", CLI_ARGS_MAX);
    }
    cli->args[cli->n_args++] = word;
    return true;
}

static bool check_whole(const struct cli *cli, struct err *err)
{
    const struct cli_command *command = cli->command;
    if (command == NULL || cli_has(cli, "help")) {
        return true;
    }
    for (size_t i = 0; i < cli->n_given; i++) { /* one may have come before the command */
        const char *name = cli->given[i].name;
        if (find_option(cli, name, strlen(name), 0) == NULL) {
            return err_set(err, ERR_USAGE, "'--%s' is for the console, not for %s", name,
                           command->name);
        }
    }
    if (cli->n_args < command->min_args) {
        return err_set(err, ERR_USAGE, "%s needs %s", command->name, command->args);
    }
    if (command->max_args >= 0 && cli->n_args > command->max_args) {
        return err_set(err, ERR_USAGE, "%s: '%.80s' is one argument too many",
                       command->name, cli->args[command->max_args]);
    }
    return true;
}

bool cli_parse(struct cli *cli, int argc, const char *const argv[], struct err *err)
{
    bool is_over = false;
    cli->args = arena_array(cli->arena, (size_t)argc + 1, sizeof(cli->args[0]));
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool is_fine;
        if (is_over || word[0] != '-' || word[1] == '\0') {
            is_fine = add_word(cli, word, err);
        } else if (strcmp(word, "--") == 0) {
            is_over = true;
            continue;
        } else if (word[1] == '-') {
            is_fine = parse_long(cli, argc, argv, &i, err);
        } else {
            is_fine = parse_short(cli, argc, argv, &i, err);
        }
        if (!is_fine) {
            return false;
        }
    }
    return check_whole(cli, err);
}

const char *cli_value(const struct cli *cli, const char *name)
{
    for (size_t i = cli->n_given; i > 0; i--) {
        if (strcmp(cli->given[i - 1].name, name) == 0) {
            return cli->given[i - 1].value;
        }
    }
    return NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return cli_value(cli, name) != NULL;
}

bool cli_number(const struct cli *cli, const char *name, int64_t min, int64_t max,
                int64_t fallback, int64_t *ret_number, struct err *err)
{
    const char *text = cli_value(cli, name);
    if (text == NULL) {
        *ret_number = fallback;
        return true;
    }
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < min || number > max) {
        return err_set(err, ERR_USAGE,
                       "--%s: '%.40s'; expected a number from %lld to %lld", name, text,
                       (long long)min, (long long)max);
    }
    *ret_number = number;
    return true;
}

bool cli_parse_id(const char *text, int64_t *ret_id)
{
    const char *digits = strncmp(text, "wf-", 3) == 0 ? text + 3 : text;
    int64_t id = 0;
    if (*digits == '\0') {
        return false;
    }
    for (const char *c = digits; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || id > (INT64_MAX - 9) / 10) {
            return false;
        }
        id = id * 10 + (*c - '0');
    }
    if (id == 0) {
        return false;
    }
    *ret_id = id;
    return true;
}

/* ---- what a command needs -------------------------------------------------------------
 */

void cli_print_clean(FILE *file, const char *text)
{
    struct buf AUTO_BUF clean = {0};
    buf_init(&clean, CLI_JSON_MAX);
    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    fputs(clean.data, file);
}

void cli_print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        AUTO_FREE char *line = finding_format(&findings->rows[i]);
        cli_print_clean(stderr, line);
        fputc('\n', stderr);
    }
    if (findings->n_dropped > 0) {
        fprintf(stderr, "and %zu more\n", findings->n_dropped);
    }
}

/* The store's folder may not exist yet, so that realpath(3) cannot be asked. */
static const char *absolute(struct arena *arena, const char *path)
{
    if (path[0] == '/') {
        return path;
    }
    AUTO_FREE char *here = getcwd(NULL, 0);
    return here != NULL ? arena_printf(arena, "%s/%s", here, path) : path;
}

int cli_open_config(struct cli *cli)
{
    struct findings findings;
    findings_init(&findings);
    cli->config = config_load(cli_value(cli, "config"), &findings);
    if (cli->config == NULL) {
        cli_print_findings(&findings);
        findings_fini(&findings);
        return CLI_USAGE;
    }
    findings_fini(&findings);
    const char *store = cli_value(cli, "store");
    if (store != NULL) {
        if (*store == '\0') {
            return cli_complain(cli, "--store: an empty path");
        }
        free(cli->config->store);
        cli->config->store = mem_str(absolute(cli->arena, store));
    }
    cli->store = cli->config->store;
    return CLI_OK;
}

bool cli_open_reader(struct cli *cli, struct err *err)
{
    cli->reader = reader_open(cli->store, err);
    return cli->reader != NULL;
}

/* A verb that changes something, and --read-only: before anything is read or asked. */
static bool is_refused(const struct cli *cli, struct err *err)
{
    char why[ACCESS_TEXT_MAX];
    const struct verb *verb = verb_find(cli->command->name);
    if (!cli_has(cli, "read-only") || cli->command->access != ACCESS_WRITE ||
        verb == NULL || access_reads_only(verb, why)) {
        return false;
    }
    (void)err_set(err, ERR_REFUSED, "%s", why);
    return true;
}

int cli_run(struct cli *cli)
{
    const struct cli_command *command = cli->command;
    struct err err = ERR_INIT;
    if (is_refused(cli, &err)) {
        return cli_fail(&err);
    }
    if (command->access != ACCESS_NONE) {
        int status = cli_open_config(cli);
        if (status != CLI_OK) {
            return status;
        }
    }
    if (command->access == ACCESS_READ && !cli_open_reader(cli, &err)) {
        if (err.code == ERR_NOT_FOUND) {
            err_set(&err, ERR_NOT_FOUND,
                    "%s: there is no store yet; 'signalbox', 'signalbox "
                    "serve' and 'signalbox submit' make one",
                    cli->store);
        }
        return cli_fail(&err);
    }
    return command->run(cli);
}

/* ---- saying what went wrong
 * -------------------------------------------------------------- */

int cli_fail(const struct err *err)
{
    char clean[sizeof(err->msg) * 3];
    fprintf(stderr, "signalbox: %s\n", text_clean_into(clean, sizeof(clean), err->msg));
    return err_exit_status(err->code);
}

int cli_complain(const struct cli *cli, const char *format, ...)
{
    struct err err = {.code = ERR_USAGE};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err.msg, sizeof(err.msg), format, args); /* a cut message is fine */
    va_end(args);
    (void)cli_fail(&err);
    cli_print_usage(stderr, cli->command);
    if (cli->command != NULL) {
        fprintf(stderr, "See 'signalbox help %s'.\n", cli->command->name);
    } else {
        fputs("See 'signalbox help'.\n", stderr);
    }
    return CLI_USAGE;
}

int cli_close_output(int status)
{
    struct err err = ERR_INIT;
    errno = 0;
    if (fflush(stdout) != 0) {
        err_sys(&err, "writing the output");
        (void)cli_fail(&err);
        return status == CLI_OK ? CLI_FAILURE : status;
    }
    if (ferror(stdout)) { /* earlier: why is not known any more */
        (void)err_set(&err, ERR_IO, "the output could not be written whole");
        (void)cli_fail(&err);
        return status == CLI_OK ? CLI_FAILURE : status;
    }
    return status;
}
