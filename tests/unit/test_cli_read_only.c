/* SPDX-License-Identifier: MIT */
/* --read-only on the command line: every verb that there is, and nothing changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/approval/access.h"
#include "engine/base/file.h"
#include "engine/control/verb.h"
#include "tests/lib/place.h"
#include "tui/cli/cli.h"

/* Standard error of a command, and its status. */
static char *complaint(const struct place *place, int argc, const char *const argv[],
                       int *ret_status)
{
    struct err err = ERR_INIT;
    struct cli cli;
    AUTO_FREE char *path = file_join(place->folder, "err");
    (void)fflush(stderr);
    int kept = dup(STDERR_FILENO);
    assert_non_null(freopen(path, "we", stderr));
    cli_init(&cli);
    bool is_parsed = cli_parse(&cli, argc, argv, &err);
    *ret_status = is_parsed ? cli_run(&cli) : -1;
    cli_fini(&cli);
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    if (!is_parsed) {
        fail_msg("%s: %s", argv[2], err.msg);
    }
    char *text = NULL;
    size_t len = 0;
    assert_true(file_read(path, 1 << 20, &text, &len, &err));
    return text;
}

/* One id, and a word for whatever else must be there. */
static int words_of(const struct cli_command *command, const char *words[8])
{
    int n = 0;
    while (n < command->min_args && n < 8) {
        words[n++] = "1";
    }
    return n;
}

static void refused_with_the_words_of_the_gate(void **state)
{
    const struct place *place = *state;
    int n_refused = 0;
    for (size_t i = 0; i < n_verbs; i++) {
        const struct cli_command *command = cli_find_command(verbs[i].name);
        char why[ACCESS_TEXT_MAX];
        if (command == NULL || command->access != ACCESS_WRITE || !verbs[i].changes) {
            continue; /* those that look: see below */
        }
        const char *argv[16] = {"signalbox", "--read-only", verbs[i].name, "--store",
                                place->path};
        int status = 0;
        int argc = 5 + words_of(command, argv + 5);
        AUTO_FREE char *text = complaint(place, argc, argv, &status);
        assert_false(access_reads_only(&verbs[i], why));
        AUTO_FREE char *wanted = mem_printf("signalbox: %s\n", why);
        assert_string_equal(text, wanted);
        assert_int_equal(status, CLI_FAILURE);
        n_refused++;
    }
    assert_true(n_refused >= 30);
    assert_int_not_equal(access(place->path, F_OK), 0); /* not even a store was made */
}

/* Commands that look, and send something beside. */
static void what_looks_sends_nothing(void **state)
{
    const struct place *place = *state;
    struct err err = ERR_INIT;
    int status = 0;
    struct store *store = place_store(place);
    must_commit(store);
    store_close(store);
    const char *const level[] = {"signalbox", "--read-only", "autonomy", "--store",
                                 place->path, "merge",       "observe"};
    AUTO_FREE char *text = complaint(place, ARRAY_LEN(level), level, &status);
    assert_string_equal(text, "signalbox: autonomy: refused, read-only\n");
    assert_int_equal(status, CLI_FAILURE);
    const char *const serve[] = {"signalbox", "serve", "--read-only", "--store",
                                 place->path};
    AUTO_FREE char *other = complaint(place, ARRAY_LEN(serve), serve, &status);
    assert_int_equal(status, CLI_USAGE);
    assert_non_null(strstr(other, "--read-only is for the console"));
    struct reader *reader = place_reader(place);
    struct command_row row;
    assert_int_equal(reader_command(reader, place->arena, 1, &row, &err), MISSING);
    reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(refused_with_the_words_of_the_gate),
        PLACE_TEST(what_looks_sends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
