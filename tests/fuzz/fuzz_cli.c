/* SPDX-License-Identifier: MIT */

/* A command line of any words, one a line of the input: an error that says something, or
 * a command with as many arguments as it takes. Nothing is run. */
#include "tests/fuzz/fuzz.h"
#include "tui/cli/cli.h"

#define WORDS_MAX 64

static void check_cli(const struct cli *cli)
{
    MUST(cli->n_args >= 0 && cli->n_given <= CLI_GIVEN_MAX);
    if (cli->command != NULL && !cli_has(cli, "help")) {
        MUST(cli->n_args >= cli->command->min_args);
        MUST(cli->command->max_args < 0 || cli->n_args <= cli->command->max_args);
    }
    for (size_t i = 0; i < cli->n_given; i++) {
        struct err err = ERR_INIT;
        int64_t number = 0;
        MUST(cli->given[i].name != NULL);
        MUST(cli_has(cli, cli->given[i].name));
        if (cli_number(cli, cli->given[i].name, 0, 9, 5, &number, &err)) {
            MUST(number >= 0 && number <= 9);
        } else {
            MUST(err.code == ERR_USAGE);
        }
    }
    for (int i = 0; i < cli->n_args; i++) {
        int64_t id = 0;
        MUST(cli->args[i] != NULL);
        MUST(!cli_parse_id(cli->args[i], &id) || id > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "signalbox";
    char *argv[WORDS_MAX + 2] = {name};
    int argc = 1;
    char *copy = malloc(size + 1);
    MUST(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    char *at = copy;
    while (size > 0 && at != NULL && argc <= WORDS_MAX) {
        argv[argc++] = strsep(&at, "\n");
    }
    struct err err = ERR_INIT;
    struct cli cli;
    cli_init(&cli);
    if (cli_parse(&cli, argc, (const char *const *)argv, &err)) {
        check_cli(&cli);
    } else {
        MUST(err.code != ERR_NONE && err.msg[0] != '\0');
    }
    cli_fini(&cli);
    free(copy);
    return 0;
}
