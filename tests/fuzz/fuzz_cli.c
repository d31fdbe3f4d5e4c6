/* SPDX-License-Identifier: MIT */

/* A command line, one word a line: understood, or refused with a message. */
#include "tests/fuzz/fuzz.h"
#include "tui/cli/cli.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[WORDS_MAX + 2];
    int argc = 0;
    char *text = malloc(size + 1);
    static char name[] = "signalbox";
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    argv[argc++] = name;
    for (char *word = text; word != NULL && argc <= WORDS_MAX;) {
        char *end = strchr(word, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        argv[argc++] = word;
        word = end;
    }
    argv[argc] = NULL;

    struct cli cli;
    struct err err = ERR_INIT;
    cli_init(&cli);
    if (cli_parse(&cli, argc, argv, &err)) {
        int64_t id;
        EXPECT(cli.n_given <= CLI_GIVEN_MAX);
        for (int i = 0; i < cli.n_args; i++) {
            if (cli_parse_id(cli.args[i], &id)) {
                EXPECT(id > 0);
            }
        }
    } else {
        EXPECT(err.msg[0] != '\0');
    }
    cli_fini(&cli);
    free(text);
    return 0;
}
