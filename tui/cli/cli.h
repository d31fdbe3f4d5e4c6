/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_CLI_H
#define SIGNALBOX_CLI_CLI_H

/*
 * Cli: the command line as one table.
 *
 * A subcommand is a file of its own with one const struct cli_command; commands.c lists
 * them and adds one for each verb that acts on a workflow (engine/control/verb.h).
 * Parsing, usage,
 * --help, the tables of signalbox(1) and the bash completion are made from these rows, so
 * they cannot differ.
 *
 * Options may stand before or after the subcommand and between arguments; "--" ends them.
 * A function returns the exit status. Whoever detects a failure prints it once on stderr
 * with cli_fail or cli_complain and returns what that returned. Text that comes from the
 * store is printed through text_clean (columns.h does it); JSON needs none.
 *
 * Ownership: struct cli owns what it opens (config, reader, arena); cli_fini gives it
 * back. Option values and arguments are borrowed from argv. Threads: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

struct config;
struct findings;
struct reader;
struct cli;

/* X(identifier, number, help) */
#define CLI_EXIT_LIST(X)                                                                 \
    X(CLI_OK, 0, "done")                                                                 \
    X(CLI_FAILURE, 1, "failure: refused, not found, not readable, failed, cancelled")    \
    X(CLI_USAGE, 2, "usage or configuration: nothing was done")                          \
    X(CLI_HUMAN, 3, "needs a human: what was asked about waits for a person")
enum cli_exit {
#define X(id, number, help) id = number,
    CLI_EXIT_LIST(X)
#undef X
};

struct cli_option {
    const char *name;  /* "store"; NULL ends a list */
    char letter;       /* 'f', or 0 */
    const char *value; /* what its value is called: "FILE"; NULL: a flag */
    const char *help;  /* half a sentence */
};

/* What is ready when the function begins. */
enum cli_access {
    ACCESS_NONE,   /* nothing */
    ACCESS_CONFIG, /* cli->config and cli->store */
    ACCESS_READ,   /* as well cli->reader: the store must exist */
    ACCESS_WRITE   /* as ACCESS_CONFIG; sends commands */
};

struct cli_command {
    const char *name;
    const char *args;                 /* "ID [STEP]", "" = none */
    int min_args, max_args;           /* max_args -1: any number */
    const struct cli_option *options; /* NULL: only the global ones */
    enum cli_access access;
    bool is_hidden;   /* not in help; starts with "__" */
    const char *help; /* one line */
    const char *more; /* some sentences for --help and the man page; "" = none */
    int (*run)(struct cli *cli);
};

#define CLI_GIVEN_MAX 32
#define CLI_ARGS_MAX  4096
#define CLI_JSON_MAX  (256u * 1024 * 1024) /* bytes of one printed JSON object */

struct cli {
    const struct cli_command *command; /* NULL: the console */
    const char **args;
    int n_args;
    struct {
        const char *name, *value;
    } given[CLI_GIVEN_MAX];
    size_t n_given;

    struct config *config;
    const char *store; /* absolute path */
    bool is_new_store; /* console: there was none when the program began */
    struct reader *reader;
    struct arena *arena; /* lives as long as cli */
};

/* ---- commands.c ---- */

/* All commands in the order of help; *ret_n of them. */
const struct cli_command *const *cli_commands(size_t *ret_n);
const struct cli_command *cli_find_command(const char *name); /* or NULL */
extern const struct cli_option cli_global_options[];          /* ends with a NULL name */
extern const struct cli_option cli_console_options[];         /* without a command only */
extern const char cli_program_help[];                         /* what the program is */

/* ---- cli.c ---- */

void cli_init(struct cli *cli);
void cli_fini(struct cli *cli);
/* Fill cli from argv (argv[0] is the program). ERR_USAGE names what is wrong. */
NODISCARD bool cli_parse(struct cli *cli, int argc, const char *const argv[],
                         struct err *err);
/* Value of an option, NULL when it was not given (the last one counts). */
const char *cli_value(const struct cli *cli, const char *name);
bool cli_has(const struct cli *cli, const char *name);
/* Number of an option; the fallback when it is not given. Out of range is an error. */
NODISCARD bool cli_number(const struct cli *cli, const char *name, int64_t min,
                          int64_t max, int64_t fallback, int64_t *ret_number,
                          struct err *err);
/* "12" or "wf-12" to 12. */
NODISCARD bool cli_parse_id(const char *text, int64_t *ret_id);
/* cli->config and cli->store, findings on stderr. */
NODISCARD int cli_open_config(struct cli *cli);
/* cli->reader. A store that does not exist yet: ERR_NOT_FOUND. */
NODISCARD bool cli_open_reader(struct cli *cli, struct err *err);
/* Prepare what the command's access says and run it. */
int cli_run(struct cli *cli);

/* "signalbox: message" on stderr; returns the exit status that belongs to the error. */
int cli_fail(const struct err *err);
/* As cli_fail with the usage of the command below it; returns CLI_USAGE. */
int cli_complain(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* All of them on stderr, one line each. */
void cli_print_findings(const struct findings *findings);
/* One line of text from outside, harmless. */
void cli_print_clean(FILE *file, const char *text);
/* Everything printed reached its reader? status, or CLI_FAILURE with a message. */
int cli_close_output(int status);

/* ---- help.c ---- */

void cli_print_usage(FILE *file, const struct cli_command *command); /* one line */
void cli_print_help(FILE *file,
                    const struct cli_command *command); /* NULL: the program */

#endif
