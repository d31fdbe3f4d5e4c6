/* SPDX-License-Identifier: MIT */
/*
 * Every view and every verb has a subcommand that says the same with --json: each is run against a
 * store, and what it prints must be JSON. The manual names the same ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/control/verb.h"
#include "engine/monitor/series.h"
#include "store/audit.h"
#include "store/segment.h"
#include "tests/lib/asks.h"
#include "tests/lib/place.h"
#include "tests/lib/troubles.h"
#include "tui/cli/cli.h"
#include "tui/twin.h"
#include "tui/view.h"

#define WORDS_MAX 12

struct run {
    int status;
    char *text;
};

/* `line` with --json against the place's store; words are parted by blanks. */
static struct run run_line(const struct place *place, const char *line)
{
    struct err err = ERR_INIT;
    struct cli cli;
    struct run run = {.status = -1};
    const char *argv[WORDS_MAX + 4] = {"signalbox", "--json", "--store", place->path};
    int argc = 4;
    AUTO_FREE char *words = mem_str(line);
    char *state = NULL;
    for (char *word = strtok_r(words, " ", &state); word != NULL;
         word = strtok_r(NULL, " ", &state)) {
        assert_true(argc < WORDS_MAX + 4);
        argv[argc++] = word;
    }
    AUTO_FREE char *path = file_join(place->folder, "out");
    size_t len = 0;
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "we", stdout));
    cli_init(&cli);
    if (cli_parse(&cli, argc, argv, &err)) {
        run.status = cli_run(&cli);
    }
    cli_fini(&cli);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    if (run.status == -1) {
        fail_msg("%s: %s", line, err.msg);
    }
    assert_true(file_read(path, 10 << 20, &run.text, &len, &err));
    return run;
}

/* A JSON value in each line. Returns how many. */
static size_t must_be_json(const char *line, const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at != '\0'; n++) {
        struct err err = ERR_INIT;
        size_t len = strcspn(at, "\n");
        struct json *json = json_parse(at, len, &err);
        if (json == NULL) {
            fail_msg("%s --json: %s in:\n%.*s", line, err.msg, (int)len, at);
        }
        json_free(json);
        at += len + (at[len] == '\n');
    }
    return n;
}

/* ---- a store with something for every view ---- */

static void fill_log(const struct place *place, int64_t seq)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = mem_printf("%s-logs/wf-7", place->path);
    AUTO_FREE char *path = mem_printf("%s/%lld.log", folder, (long long)seq);
    assert_true(file_make_dirs(folder, &err));
    struct segment_writer *writer = segment_create(path, 1 << 20, &err);
    assert_non_null(writer);
    assert_true(segment_write(writer, "one\ntwo\n", 8, &err));
    assert_true(segment_flush(writer, &err));
    segment_close(writer);
}

static void fill_metrics(const struct place *place)
{
    AUTO_FREE char *path = metric_store_path(place->path);
    struct err err = ERR_INIT;
    char *broken = NULL;
    struct series_signal signal;
    struct metric_store *store = metric_store_open(path, wall_now(), &broken, &err);
    assert_non_null(store);
    struct series_set *set = series_set_new(10);
    int32_t cpu = series_open(set, METRIC_HOST_CPU, NULL, 0, "host");
    (void)series_push(set, cpu, wall_now(), 0.5, &signal);
    metric_store_begin(store);
    series_save(set, store, false);
    assert_true(metric_store_commit(store, &err));
    series_set_free(set);
    metric_store_close(store);
}

static void fill(const struct place *place)
{
    struct store *store = place_store(place);
    struct wall now = wall_now();
    struct workflow_row row = sample_workflow(7);
    store_put_workflow(store, &row);
    (void)store_add_event(
        store,
        &(struct event_row){
            .at = now, .workflow = 7, .kind = "start", .actor = "engine", .text = ""});
    const struct effect_row effect = {.workflow = 7,
                                      .seq = 3,
                                      .kind = EFFECT_CHECK,
                                      .status = STATUS_PASSED,
                                      .name = "unit tests",
                                      .asked_at = now,
                                      .started_at = now,
                                      .finished_at = now,
                                      .params = "{}",
                                      .summary = "",
                                      .log = "wf-7/3.log",
                                      .provider = "local"};
    bool is_new = false;
    store_put_effect(store, &effect);
    store_add_delivery(store,
                       &(const struct delivery_row){.at = now,
                                                    .guid = "g-1",
                                                    .event = "push",
                                                    .action = "",
                                                    .repository = "o/r",
                                                    .sha = "",
                                                    .status = DELIVERY_ACCEPTED,
                                                    .text = ""},
                       &is_new);
    (void)store_add_audit(store, &(const struct audit_row){.at = now,
                                                           .actor = "ada",
                                                           .role = "",
                                                           .origin = "cli",
                                                           .act = "pause",
                                                           .subject = "wf-7",
                                                           .outcome = "done",
                                                           .detail = "{}"});
    troubles_put(store, place->arena, now);
    asks_put(store, place->arena, now);
    must_commit(store);
    store_close(store);
    fill_log(place, 3);
    fill_metrics(place);
}

/* ---- views ---- */

/* What stands behind the twin of a view that asks about something. */
static const struct {
    const char *view, *target;
} targets[] = {
    {"workflow",     "wf-7"      },
    {"log",          "wf-7"      },
    {"diff",         "wf-7"      },
    {"context",      "wf-7"      },
    {"history",      "wf-7"      },
    {"trace",        "wf-7"      },
    {"service",      "github_api"},
    {"delivery",     "1"         },
    {"incident",     "17"        },
    {"metric",       "host_cpu"  },
    {"why",          "f-31"      },
    {"approval",     "a-1187"    },
    {"optimization", "o-12"      },
    {"audit-row",    "1"         },
    {"submit",       "nowhere"   },
};

static void every_view_has_its_line(void **state)
{
    struct place *place = *state;
    fill(place);
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        const char *name = view_classes[i]->name;
        const struct twin *twin = twin_find(name);
        if (twin == NULL) {
            fail_msg("view %s has no twin in tui/twin.c", name);
        }
        const char *target = "";
        for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
            target = strcmp(targets[k].view, name) == 0 ? targets[k].target : target;
        }
        assert_int_equal(target[0] != '\0', twin->target[0] != '\0');
        AUTO_FREE char *line = mem_printf("%s %s", twin->command, target);
        struct run run = run_line(place, line);
        size_t n = must_be_json(line, run.text);
        /* There is no such pipeline; nothing has ended that could have been held back. */
        bool is_sent = strcmp(name, "submit") == 0;
        bool is_empty = strcmp(name, "bottlenecks") == 0;
        print_message("%-14s %-28s %d, %zu\n", name, line, run.status, n);
        bool is_good = run.status == CLI_OK || run.status == CLI_HUMAN;
        if (!is_sent && (!is_good || (n == 0 && !is_empty))) {
            fail_msg("%s: status %d, %zu lines", line, run.status, n);
        }
        free(run.text);
    }
}

/* No row speaks of a view that is gone. */
static void every_line_has_its_view(void **state)
{
    (void)state;
    for (const struct twin *twin = twins; twin->view != NULL; twin++) {
        char word[40];
        assert_non_null(view_class_find(twin->view));
        (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(twin->command, " "),
                       twin->command);
        assert_non_null(cli_find_command(word));
        assert_ptr_equal(twin_find(twin->view), twin);
    }
}

/* Help and manual are made from the same tables: every subcommand, verb and option stands in both,
 * and nothing that is hidden in either. */
static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void print_help(FILE *out)
{
    cli_print_help(out, NULL);
}

static void help_and_manual_agree(void **state)
{
    struct place *place = *state;
    AUTO_FREE char *help = printed(print_help);
    struct run commands = run_line(place, "__tables commands");
    struct run views = run_line(place, "__tables views");
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *in_help = mem_printf("\n  %s ", all[i]->name);
        AUTO_FREE char *in_manual = mem_printf("\n.It Cm %s%s", all[i]->name,
                                               all[i]->args[0] != '\0' ? " Ar " : "\n");
        bool is_in_help = strstr(help, in_help) != NULL;
        bool is_in_manual = strstr(commands.text, in_manual) != NULL;
        if (is_in_help == all[i]->is_hidden || is_in_manual == all[i]->is_hidden) {
            fail_msg("%s: in help %d, in the manual %d", all[i]->name, is_in_help,
                     is_in_manual);
        }
        const struct cli_option *option = all[i]->options;
        for (; !all[i]->is_hidden && option != NULL && option->name != NULL; option++) {
            AUTO_FREE char *flag = mem_printf(" Fl -%s", option->name);
            assert_non_null(strstr(commands.text, flag));
        }
    }
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        AUTO_FREE char *row = mem_printf("\n.It Cm %s\n", view_classes[i]->name);
        if (strstr(views.text, row) == NULL) {
            fail_msg("view %s is not in signalbox-keys(7)", view_classes[i]->name);
        }
    }
    free(commands.text);
    free(views.text);
}

/* ---- verbs ---- */

static const char *sample_of(const struct verb_arg *arg)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"state",     "open"       },
        {"level",     "observe"    },
        {"action",    "merge"      },
        {"class",     "test"       },
        {"strategy",  "retry"      },
        {"direction", "up"         },
        {"setting",   "max_running"},
        {"value",     "4"          },
        {"match",     "service:*"  },
        {"what",      "verify"     },
        {"to",        "ada"        },
        {"service",   "github_api" },
        {"name",      "runners"    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, arg->name) == 0) {
            return rows[i].value;
        }
    }
    return arg->type == ARG_INT ? "1" : "because";
}

/* The least that the verb wants. */
static char *line_of(const struct verb *verb)
{
    struct buf out;
    bool is_decision = verb->args[0].name != NULL &&
                       strcmp(verb->args[0].name, "approval") == 0 && verb->has_workflow;
    buf_init(&out, 1000);
    (void)buf_printf(&out, "%s%s", verb->name,
                     is_decision          ? " a-1186"
                     : verb->has_workflow ? " wf-7"
                                          : "");
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        bool is_option = verb->has_workflow || strcmp(arg->name, "reason") == 0;
        if (arg->is_required && is_option) {
            (void)buf_printf(&out, " --%s %s", arg->name, sample_of(arg));
        } else if (arg->is_required) {
            (void)buf_printf(&out, " %s", sample_of(arg));
        }
    }
    if (strcmp(verb->name, "silence") == 0) {
        (void)buf_str(&out, " --for 2h");
    }
    if (strcmp(verb->name, "extend") == 0) {
        (void)buf_str(&out, " --attempts 1");
    }
    return buf_take(&out, NULL);
}

/* Without an engine they are written down, and that is said. */
static void every_verb_has_its_line(void **state)
{
    struct place *place = *state;
    fill(place);
    for (size_t i = 0; i < n_verbs; i++) {
        assert_non_null(cli_find_command(verbs[i].name));
        bool is_of_file =
            strcmp(verbs[i].name, "submit") == 0 || strcmp(verbs[i].name, "adopt") == 0;
        if (is_of_file) {
            continue; /* tests/e2e/test_cli.sh submits and adopts */
        }
        AUTO_FREE char *line = line_of(&verbs[i]);
        struct run run = run_line(place, line);
        print_message("%-50s %d\n", line, run.status);
        if (must_be_json(line, run.text) == 0 || run.status == CLI_USAGE) {
            fail_msg("%s: status %d and: %s", line, run.status, run.text);
        }
        free(run.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(every_view_has_its_line),
        cmocka_unit_test(every_line_has_its_view),
        PLACE_TEST(help_and_manual_agree),
        PLACE_TEST(every_verb_has_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
