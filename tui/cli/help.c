/* SPDX-License-Identifier: MIT */

/* signalbox help: usage and explanations, made from the table of commands. */
#include <ctype.h>

#include "tui/cli/rows.h"

#define HELP_COLUMNS 78

void cli_print_usage(FILE *file, const struct cli_command *command)
{
    if (command == NULL) {
        fputs("usage: signalbox [OPTION]... [COMMAND [ARGUMENT]...]\n", file);
        return;
    }
    fprintf(file, "usage: signalbox %s%s%s%s\n", command->name,
            command->args[0] != '\0' ? " " : "", command->args,
            command->options != NULL ? " [OPTION]..." : "");
}

/* Words of text, wrapped, every line behind `indent` spaces; the first line begins at
 * `column` already. */
static void print_wrapped(FILE *file, const char *text, int indent, int column)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)len > HELP_COLUMNS) {
            fputc('\n', file);
            column = 0;
        }
        if (column < indent) {
            fprintf(file, "%*s", indent - column, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", (int)len, text);
        column += (int)len;
        text += len;
        text += strspn(text, " \n");
    }
    fputc('\n', file);
}

static int name_option(const struct cli_option *option, char *out, size_t cap)
{
    char letter[8] = "";
    if (option->letter != 0) {
        (void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    }
    return snprintf(out, cap, "%s--%s%s%s", letter, option->name,
                    option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
}

static void print_options(FILE *file, const struct cli_option *options)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        char name[80];
        (void)name_option(o, name, sizeof(name)); /* names of our own tables fit */
        int column = fprintf(file, "  %-22s", name);
        print_wrapped(file, o->help, 26, column);
    }
}

static void print_program(FILE *file)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    cli_print_usage(file, NULL);
    fprintf(file, "\n%s\nCommands\n", cli_program_help);
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->is_hidden) {
            int column = fprintf(file, "  %-10s", all[i]->name);
            print_wrapped(file, all[i]->help, 14, column);
        }
    }
    fputs("\nOptions of the console\n", file);
    print_options(file, cli_console_options);
    fputs("\nOptions of every command\n", file);
    print_options(file, cli_global_options);
    fputs("\nExit status\n", file);
#define X(id, number, help) fprintf(file, "  %d  %s\n", number, help);
    CLI_EXIT_LIST(X)
#undef X
    fputs("\n'signalbox help COMMAND' explains one; signalbox(1) has examples.\n", file);
}

void cli_print_help(FILE *file, const struct cli_command *command)
{
    if (command == NULL) {
        print_program(file);
        return;
    }
    cli_print_usage(file, command);
    fputc('\n', file);
    fputc(toupper((unsigned char)command->help[0]), file);
    fprintf(file, "%s.\n", command->help + 1);
    if (command->more[0] != '\0') {
        print_wrapped(file, command->more, 0, 0);
    }
    if (command->options != NULL && command->options[0].name != NULL) {
        fputs("\nOptions\n", file);
        print_options(file, command->options);
    }
    fputs("\nOptions of every command\n", file);
    print_options(file, cli_global_options);
}

static int run(struct cli *cli)
{
    const struct cli_command *about = NULL;
    if (cli->n_args > 0) {
        about = cli_find_command(cli->args[0]);
        if (about == NULL) {
            return cli_complain(cli, "unknown command '%.80s'", cli->args[0]);
        }
    }
    cli_print_help(stdout, about);
    return CLI_OK;
}

const struct cli_command cli_help = {
    .name = "help",
    .args = "[COMMAND]",
    .max_args = 1,
    .access = ACCESS_NONE,
    .help = "explain a command, or list them all",
    .more = "",
    .run = run,
};
