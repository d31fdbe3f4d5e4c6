/* SPDX-License-Identifier: MIT */
#include "tui/cli/until.h"

#include "store/store.h"
#include "tui/cli/record.h"
#include "tui/cli/send.h"
#include "tui/cli/watch.h"

#define EVENTS_AT_ONCE 256

bool until_is_transition(const struct event_row *event)
{
    return event->workflow != 0 && (event->from != event->to || event->wait != WAIT_NONE);
}

void until_print(const struct event_row *event, bool is_json)
{
    if (is_json) {
        struct buf AUTO_BUF out = {0};
        struct jsonw w;
        buf_init(&out, CLI_JSON_MAX);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        record_event(&w, event);
        jsonw_close(&w, '}');
        puts(out.data);
        return;
    }
    char at[CLOCK_TEXT_MAX];
    printf("%s wf-%lld %s -> %s", wall_format(event->at, false, at),
           (long long)event->workflow, state_name(event->from), state_name(event->to));
    if (event->wait != WAIT_NONE) {
        printf(" (waits for %s)", wait_word(event->wait));
    }
    if (event->text[0] != '\0') {
        fputs("  ", stdout);
        cli_print_clean(stdout, event->text);
    }
    putchar('\n');
}

struct until {
    struct cli *cli;
    struct arena *arena; /* of one round */
    int64_t command;
    int64_t workflow; /* 0: not answered yet */
    int64_t seen;     /* newest event that was printed */
    int status;       /* -1: goes on */
};

/* The engine may come later than this program, so the answer has no time limit here. */
static bool look_for_answer(struct until *until, struct err *err)
{
    struct command_row row;
    enum found found =
        reader_command(until->cli->reader, until->arena, until->command, &row, err);
    if (found == FOUND_FAILED) {
        return false;
    }
    if (found == FOUND && row.answer > 0) {
        err_set(err, row.answer == 2 ? ERR_USAGE : ERR_REFUSED, "%s", row.message);
        return false;
    }
    if (found == FOUND && row.answer == 0) {
        until->workflow = row.workflow;
        if (!cli_has(until->cli, "json")) {
            printf("wf-%lld\n", (long long)until->workflow);
        }
    }
    return true;
}

static bool print_events(struct until *until, struct err *err)
{
    const struct event_row *events;
    size_t n;
    bool is_json = cli_has(until->cli, "json");
    do {
        if (!reader_events(until->cli->reader, until->arena, until->workflow, until->seen,
                           EVENTS_AT_ONCE, &events, &n, err)) {
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            if (until_is_transition(&events[i])) {
                until_print(&events[i], is_json);
            }
            until->seen = events[i].seq;
        }
    } while (n == EVENTS_AT_ONCE);
    (void)fflush(stdout); /* a failure is reported at the end */
    return true;
}

static bool look(struct until *until, struct err *err)
{
    struct workflow_row row;
    arena_reset(until->arena);
    if (until->workflow == 0 && !look_for_answer(until, err)) {
        return false;
    }
    if (until->workflow == 0) {
        return true;
    }
    /* The row first: events that come after it are printed in the next round, and an end
     * that it shows has its event already. */
    enum found found =
        reader_workflow(until->cli->reader, until->arena, until->workflow, &row, err);
    if (found == FOUND_FAILED || !print_events(until, err)) {
        return false;
    }
    if (found == MISSING) {
        return err_set(err, ERR_NOT_FOUND, "wf-%lld is gone", (long long)until->workflow);
    }
    if (wait_needs_human(row.wait)) {
        until->status = CLI_HUMAN;
    } else if (state_is_final(row.state)) {
        until->status = row.state == STATE_COMPLETED ? CLI_OK : CLI_FAILURE;
    }
    return true;
}

int until_end(struct cli *cli, const struct request *request)
{
    struct err err = ERR_INIT;
    struct until until = {.cli = cli, .command = request->command, .status = -1};
    if (cli->reader == NULL && !cli_open_reader(cli, &err)) {
        return cli_fail(&err);
    }
    struct watch *watch = watch_new(cli->store);
    bool is_told = false;
    until.arena = arena_new();
    while (look(&until, &err) && until.status < 0 && !ferror(stdout)) {
        if (until.workflow == 0 && !watch_has_engine(watch) && !is_told) {
            fputs("signalbox: stored; waiting for an engine\n", stderr);
            is_told = true;
        }
        (void)watch_wait(watch, WATCH_FOREVER);
    }
    arena_free(until.arena);
    watch_free(watch);
    if (err.code != ERR_NONE) {
        return cli_fail(&err);
    }
    return until.status >= 0 ? until.status : CLI_FAILURE;
}
