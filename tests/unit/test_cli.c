/* SPDX-License-Identifier: MIT */

/* The command line: parsing, the table of commands, columns, and JSON records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/control/verb.h"
#include "tui/cli/cli.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/verb.h"

#define WORDS(...) ((const char *const[]){"signalbox", __VA_ARGS__, NULL})

static bool parse(struct cli *cli, const char *const words[], struct err *err)
{
    int n = 0;
    while (words[n] != NULL) {
        n++;
    }
    cli_init(cli);
    *err = ERR_INIT;
    return cli_parse(cli, n, words, err);
}

static void options_stand_anywhere(void **state)
{
    struct cli cli;
    struct err err;
    (void)state;
    assert_true(parse(
        &cli, WORDS("--store=a b", "list", "--state", "coding", "-rn5", "--json"), &err));
    assert_string_equal(cli.command->name, "list");
    assert_string_equal(cli_value(&cli, "store"), "a b");
    assert_string_equal(cli_value(&cli, "state"), "coding");
    assert_string_equal(cli_value(&cli, "limit"), "5");
    assert_true(cli_has(&cli, "reverse"));
    assert_true(cli_has(&cli, "json"));
    assert_false(cli_has(&cli, "plain"));
    cli_fini(&cli);
}

static void words_after_two_dashes_are_arguments(void **state)
{
    struct cli cli;
    struct err err;
    (void)state;
    assert_true(parse(&cli, WORDS("check", "-", "--", "--json", "-x"), &err));
    assert_int_equal(cli.n_args, 3);
    assert_string_equal(cli.args[0], "-");
    assert_string_equal(cli.args[1], "--json");
    assert_string_equal(cli.args[2], "-x");
    assert_false(cli_has(&cli, "json"));
    cli_fini(&cli);
}

static void nothing_is_the_console(void **state)
{
    struct cli cli;
    struct err err;
    (void)state;
    assert_true(parse(&cli, WORDS("--store", "x"), &err));
    assert_null(cli.command);
    cli_fini(&cli);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *words[6];
        const char *message;
    } rows[] = {
        {{"signalbox", "fly", NULL},                "unknown command 'fly'"               },
        {{"signalbox", "list", "--colour", NULL},   "unknown option '--colour'"           },
        {{"signalbox", "--state", "x", NULL},       "unknown option '--state'"            },
        {{"signalbox", "list", "-x", NULL},         "unknown option '-x'"                 },
        {{"signalbox", "list", "--state", NULL},    "'--state' needs a value: STATE"      },
        {{"signalbox", "list", "-n", NULL},         "'-n' needs a value: N"               },
        {{"signalbox", "list", "--json=yes", NULL}, "'--json' takes no value"             },
        {{"signalbox", "--ascii", "list", NULL},
         "'--ascii' is for the console, not for list"                                     },
        {{"signalbox", "list", "--ascii", NULL},    "unknown option '--ascii'"            },
        {{"signalbox", "show", NULL},               "show needs ID"                       },
        {{"signalbox", "backup", "a", "b", NULL},   "backup: 'b' is one argument too many"},
        {{"signalbox", "list", "x", NULL},          "list: 'x' is one argument too many"  },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cli cli;
        struct err err;
        const char *words[6];
        memcpy(words, rows[i].words, sizeof(words));
        assert_false(parse(&cli, words, &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_string_equal(err.msg, rows[i].message);
        cli_fini(&cli);
    }
}

static void too_many_options_are_refused(void **state)
{
    struct cli cli;
    struct err err;
    const char *words[CLI_GIVEN_MAX + 4] = {"signalbox", "list"};
    (void)state;
    for (int i = 0; i <= CLI_GIVEN_MAX; i++) {
        words[2 + i] = "--json";
    }
    assert_false(parse(&cli, words, &err));
    assert_int_equal(err.code, ERR_USAGE);
    cli_fini(&cli);
}

static void ids_have_two_forms(void **state)
{
    static const char *const wrong[] = {
        "",   "wf-",  "0",  "wf-0",    "-1",
        "1x", "WF-1", " 1", "wf-wf-1", "9223372036854775808"};
    int64_t id = 0;
    (void)state;
    assert_true(cli_parse_id("12", &id));
    assert_int_equal(id, 12);
    assert_true(cli_parse_id("wf-2207", &id));
    assert_int_equal(id, 2207);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        id = 7;
        assert_false(cli_parse_id(wrong[i], &id));
        assert_int_equal(id, 7);
    }
}

static void numbers_have_bounds(void **state)
{
    struct cli cli;
    struct err err;
    int64_t number = 0;
    (void)state;
    assert_true(parse(&cli, WORDS("list", "--limit", "10001"), &err));
    assert_false(cli_number(&cli, "limit", 1, 10000, 5, &number, &err));
    assert_true(cli_number(&cli, "limit", 1, 10001, 5, &number, &err));
    assert_int_equal(number, 10001);
    assert_true(cli_number(&cli, "after", 1, 2, 5, &number, &err));
    assert_int_equal(number, 5);
    cli_fini(&cli);
    assert_true(parse(&cli, WORDS("list", "--limit", "1e3"), &err));
    assert_false(cli_number(&cli, "limit", 1, 10000, 5, &number, &err));
    cli_fini(&cli);
}

static bool takes(const struct cli_option *options, const char *name, char letter)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0 || (letter != 0 && o->letter == letter)) {
            return true;
        }
    }
    return false;
}

static void the_table_is_sound(void **state)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        const struct cli_command *c = all[i];
        assert_non_null(c->run);
        assert_true(c->help[0] != '\0');
        assert_true(c->help[strlen(c->help) - 1] != '.');
        assert_non_null(c->more);
        assert_int_equal(c->is_hidden, strncmp(c->name, "__", 2) == 0);
        assert_ptr_equal(cli_find_command(c->name), c); /* no name twice */
        assert_true(c->max_args < 0 || c->min_args <= c->max_args);
        assert_int_equal(c->max_args == 0, c->args[0] == '\0');
        for (const struct cli_option *o = c->options; o != NULL && o->name != NULL; o++) {
            assert_true(o->help[0] != '\0');
            assert_false(takes(cli_global_options, o->name, o->letter));
            assert_false(takes(cli_console_options, o->name, o->letter));
            assert_false(takes(o + 1, o->name, o->letter));
        }
    }
}

static void every_verb_is_a_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_verbs; i++) {
        const struct cli_command *command = cli_find_command(verbs[i].name);
        assert_non_null(command);
        if (!verbs[i].has_workflow) {
            continue;
        }
        assert_string_equal(command->help, verbs[i].help);
        for (const struct verb_arg *arg = verbs[i].args; arg->name != NULL; arg++) {
            bool is_word = strcmp(arg->name, "approval") == 0; /* a-3, as the id */
            assert_true(is_word || takes(command->options, arg->name, 0));
        }
    }
}

static void check_args(const char *const words[], const char *json, int n_ids)
{
    struct cli cli;
    struct err err;
    int n = 0;
    assert_true(parse(&cli, words, &err));
    const char *args = cli_verb_args(&cli, verb_find(words[1]), &n, &err);
    if (json == NULL) {
        assert_null(args);
        assert_true(err.msg[0] != '\0');
    } else {
        assert_non_null(args);
        assert_string_equal(args, json);
        assert_int_equal(n, n_ids);
    }
    cli_fini(&cli);
}

static void verbs_take_their_arguments(void **state)
{
    (void)state;
    check_args(WORDS("pause", "1", "2"), "{}", 2);
    check_args(WORDS("pause", "1", "--reason", "a \"b\""), "{\"reason\":\"a \\\"b\\\"\"}",
               1);
    check_args(WORDS("priority", "1", "2", "8"), "{\"value\":8}", 2);
    check_args(WORDS("priority", "1", "--value", "8"), "{\"value\":8}", 1);
    check_args(WORDS("priority", "1", "12"), NULL, 0);
    check_args(WORDS("priority", "1", "x"), NULL, 0);
    check_args(WORDS("priority", "1"), NULL, 0);
    check_args(WORDS("reject", "wf-3", "not like that"), "{\"reason\":\"not like that\"}",
               1);
    check_args(WORDS("reject", "wf-3"), NULL, 0);
    check_args(WORDS("retry", "3", "--from", "CODING"), "{\"from\":\"CODING\"}", 1);
    check_args(WORDS("retry", "3", "--from", "COMPLETED"), NULL, 0);
    check_args(WORDS("approve", "3", "--effect", "7"), "{\"effect\":7}", 1);
}

/* What columns_print writes, in malloc'd memory. */
static char *printed(const struct columns *table, bool is_plain, int width)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    columns_print(table, file, is_plain, width, 1);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void columns_align_by_cells(void **state)
{
    static const struct column titles[] = {
        {"ID",   true,  false},
        {"NAME", false, false},
        {"TEXT", false, true }
    };
    struct arena *arena = arena_new();
    struct columns *table = columns_new(arena, titles, ARRAY_LEN(titles));
    (void)state;
    columns_cell(table, "%d", 7);
    columns_cell(table, "%s", "日本"); /* 4 cells, 6 bytes */
    columns_cell(table, "%s", "a\033[31mred\nb\tc");
    columns_cell(table, "%d", 1234);
    columns_cell(table, "%s", "x");
    columns_cell(table, "%s", "twelve cells and more");
    char *text = printed(table, false, 0);
    assert_string_equal(text, "   ID  NAME  TEXT\n"
                              "    7  日本  ared b c\n"
                              " 1234  x     twelve cells and more\n");
    free(text);
    text = printed(table, false, 28);
    assert_string_equal(text, "   ID  NAME  TEXT\n"
                              "    7  日本  ared b c\n"
                              " 1234  x     twelve cells a~\n");
    free(text);
    text = printed(table, true, 27);
    assert_string_equal(text, "7\t日本\tared b c\n"
                              "1234\tx\ttwelve cells and more\n");
    free(text);
    arena_free(arena);
}

static void columns_hold_many_rows(void **state)
{
    static const struct column titles[] = {
        {"N", true,  false},
        {"M", false, false}
    };
    struct arena *arena = arena_new();
    struct columns *table = columns_new(arena, titles, ARRAY_LEN(titles));
    char want[16];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        columns_cell(table, "%d", i);
        columns_cell(table, "m%d", i);
    }
    char *text = printed(table, true, 0);
    const char *line = text;
    for (; *line != '\0'; n++) {
        (void)snprintf(want, sizeof(want), "%zu\tm%zu\n", n, n);
        assert_int_equal(strncmp(line, want, strlen(want)), 0);
        line += strlen(want);
    }
    assert_int_equal(n, 1000);
    free(text);
    arena_free(arena);
}

static void records_are_json(void **state)
{
    struct workflow_row row = {.id = 12,
                               .pipeline = "p",
                               .repo = "/r",
                               .title = "bad \xff byte",
                               .submitter = "me",
                               .priority = 5,
                               .state = STATE_PARKED,
                               .resume_state = STATE_CODING,
                               .wait = WAIT_MERGE,
                               .created_at = {1},
                               .branch = "",
                               .base_sha = "",
                               .head_sha = "h",
                               .merge_sha = "",
                               .reason = "",
                               .service = "",
                               .is_adopted = true};
    struct buf AUTO_BUF out = {0};
    struct err err = ERR_INIT;
    struct jsonw w;
    (void)state;
    buf_init(&out, 65536);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    record_workflow(&w, &row);
    jsonw_close(&w, '}');
    struct json *json = json_parse(out.data, out.len, &err);
    assert_non_null(json);
    assert_int_equal(json_int(json, "id", 0), 12);
    assert_string_equal(json_str(json, "state", ""), "PARKED");
    assert_string_equal(json_str(json, "resume_state", ""), "CODING");
    assert_string_equal(json_str(json, "waits_for", ""), "merge approval");
    assert_true(json_bool(json, "needs_human", false));
    assert_string_equal(json_str(json, "created_at", ""), "1970-01-01T00:00:00.001Z");
    assert_string_equal(json_str(json, "title", ""), "bad \xef\xbf\xbd byte");
    assert_null(json_text(json_get(json, "branch"))); /* none is null, not "" */
    assert_null(json_text(json_get(json, "finished_at")));
    assert_string_equal(json_str(json, "head_sha", ""), "h");
    assert_true(json_bool(json, "is_adopted", false));
    json_free(json);
}

static void services_and_deliveries_are_json(void **state)
{
    const struct service_row service = {.name = "github_api",
                                        .kind = "github",
                                        .state = BREAKER_HALF_OPEN,
                                        .since = {1000},
                                        .reason = "",
                                        .detail = "{\"rate\":{\"remaining\":3}}",
                                        .memo = "{}"};
    const struct service_row odd = {
        .name = "x", .kind = "", .reason = "", .detail = "{", .memo = ""};
    const struct delivery_row delivery = {.seq = 7,
                                          .at = {1000},
                                          .guid = "",
                                          .event = "",
                                          .action = "",
                                          .repository = "a/b",
                                          .sha = "",
                                          .status = DELIVERY_RECONCILED,
                                          .text = "found by asking"};
    struct buf AUTO_BUF out = {0};
    struct err err = ERR_INIT;
    struct jsonw w;
    (void)state;
    buf_init(&out, 65536);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "service", '{');
    record_service(&w, &service);
    jsonw_close(&w, '}');
    jsonw_open(&w, "odd", '{');
    record_service(&w, &odd);
    jsonw_close(&w, '}');
    jsonw_open(&w, "delivery", '{');
    record_delivery(&w, &delivery);
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    struct json *json = json_parse(out.data, out.len, &err);
    assert_non_null(json);
    const struct json *one = json_get(json, "service");
    assert_string_equal(json_str(one, "state", ""), "half-open");
    assert_int_equal(json_int(json_get(json_get(one, "detail"), "rate"), "remaining", 0),
                     3);
    assert_false(json_is_an_object(json_get(json_get(json, "odd"), "detail")));
    one = json_get(json, "delivery");
    assert_string_equal(json_str(one, "status", ""), "reconciled");
    assert_null(json_text(json_get(one, "guid")));
    assert_int_equal(json_int(one, "workflow", -5), -5); /* null: none */
    json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(words_after_two_dashes_are_arguments),
        cmocka_unit_test(nothing_is_the_console),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(too_many_options_are_refused),
        cmocka_unit_test(ids_have_two_forms),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(every_verb_is_a_command),
        cmocka_unit_test(verbs_take_their_arguments),
        cmocka_unit_test(columns_align_by_cells),
        cmocka_unit_test(columns_hold_many_rows),
        cmocka_unit_test(records_are_json),
        cmocka_unit_test(services_and_deliveries_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
