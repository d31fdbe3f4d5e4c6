/* SPDX-License-Identifier: MIT */

/* signalbox status: engine, totals, what waits for a person. Works without an engine. */
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "store/approval.h"
#include "store/halt.h"
#include "store/pulse.h"
#include "store/store.h"
#include "tui/cli/at.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"
#include "tui/cli/watch.h"

#define NEEDS_SHOWN 50
#define ANSWER_MS   2000 /* an engine says at once how it is, unless it waits for a lock */

struct status {
    struct at at; /* with --at only what the store kept of then is known */
    bool has_engine;
    int pid; /* 0 = unknown */
    enum err_code fault;
    bool is_silent; /* the engine does not answer */
    bool has_store;
    bool is_read_only;
    int64_t store_bytes, wal_bytes, room; /* -1 = unknown */
    bool has_stuck;                       /* a thread of the engine (store/pulse.h) */
    enum pulse_thread stuck;
    struct span stuck_for;
    const char *started_at;                /* as the engine wrote it, "" = unknown */
    const char *listener, *listener_fault; /* likewise; "" = none */
    struct halt_row halt;
    struct totals totals;
    const struct workflow_row *needs;
    size_t n_needs;
    struct approval_totals asks;
    int64_t n_asked; /* approvals that wait, and are not put off */
};

static int64_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}

static void read_listener(struct cli *cli, struct status *status)
{
    struct err ignored = ERR_INIT;
    const char *text = reader_setting(cli->reader, cli->arena, "engine");
    struct json *engine = json_parse(text, strlen(text), &ignored);
    status->listener = arena_str(cli->arena, json_str(engine, "listener", ""));
    status->listener_fault =
        arena_str(cli->arena, json_str(engine, "listener_fault", ""));
    json_free(engine);
}

static bool read_status(struct cli *cli, struct status *status, struct err *err)
{
    struct list_query query = {.needs_human = true, .sort = SORT_AGE, .max = NEEDS_SHOWN};
    status->has_engine = !status->at.is_past && lease_is_held(cli->store, &status->pid);
    if (status->has_engine) {
        struct watch *watch = watch_new(cli->store);
        status->is_silent =
            !watch_has_engine(watch) || !watch_wait(watch, (struct span){ANSWER_MS});
        status->fault = watch_fault(watch);
        watch_free(watch);
        status->has_stuck =
            pulse_find_silent(cli->store, mono_now(), &status->stuck, &status->stuck_for);
    }
    status->room = store_room(cli->store);
    status->has_store = file_exists(cli->store);
    if (!status->has_store) {
        return true;
    }
    status->is_read_only = access(cli->store, W_OK) != 0;
    status->store_bytes = size_of(cli->store);
    status->wal_bytes = size_of(arena_printf(cli->arena, "%s-wal", cli->store));
    if ((cli->reader == NULL && !cli_open_reader(cli, err)) ||
        !reader_begin(cli->reader, err)) {
        return false;
    }
    reader_halt(cli->reader, cli->arena, &status->halt);
    status->started_at = reader_setting(cli->reader, cli->arena, "started_at");
    read_listener(cli, status);
    bool is_read =
        reader_totals(cli->reader, &status->totals, err) &&
        reader_list(cli->reader, cli->arena, &query, &status->needs, &status->n_needs,
                    err) &&
        reader_approval_totals(cli->reader, status->at.now, &status->asks, err);
    for (int i = 0; i < RISK_COUNT; i++) {
        status->n_asked += status->asks.n_open[i];
    }
    reader_end(cli->reader);
    return is_read;
}

/* What is to be done about it. */
static const char *advice(enum err_code code)
{
    switch (code) {
    case ERR_FULL:
        return "make room; nothing is lost, and work goes on by itself";
    case ERR_READ_ONLY:
        return "make the store writable; nothing is lost, and work goes on by itself";
    case ERR_BUSY:
        return "another program holds the store's lock; work goes on when it lets go";
    case ERR_CORRUPT:
        return "stop the engine, put the last backup in the place of the store, remove "
               "its "
               "-wal and -shm, start again";
    case ERR_NOT_FOUND:
        return "its file was taken away: put it back and work goes on, or stop the "
               "engine";
    case ERR_TOO_NEW:
        return "use the signalbox that wrote it, or another store";
    default:
        return "look for disk errors in the system's log; it is tried again";
    }
}

static bool is_full(const struct status *status)
{
    return status->room >= 0 && status->room < STORE_ROOM_MIN;
}

/* Of the past it is not known whether one was there. */
static void put_engine(struct jsonw *w, const struct status *status)
{
    if (status->at.is_past) {
        jsonw_null(w, "engine");
        return;
    }
    jsonw_open(w, "engine", '{');
    jsonw_bool(w, "is_running", status->has_engine);
    if (status->has_engine && status->pid > 0) {
        jsonw_int(w, "pid", status->pid);
    } else {
        jsonw_null(w, "pid");
    }
    jsonw_str(w, "fault", status->fault != ERR_NONE ? err_word(status->fault) : NULL);
    jsonw_str(w, "stuck", status->has_stuck ? pulse_word(status->stuck) : NULL);
    jsonw_str(w, "listener", status->listener[0] != '\0' ? status->listener : NULL);
    jsonw_str(w, "listener_fault",
              status->listener_fault[0] != '\0' ? status->listener_fault : NULL);
    jsonw_close(w, '}');
}

static void print_json(struct cli *cli, const struct status *status)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    at_json(&status->at, &w);
    put_engine(&w, status);
    if (status->halt.is_on) {
        char at[CLOCK_TEXT_MAX];
        jsonw_open(&w, "halted", '{');
        jsonw_str(&w, "by", status->halt.by);
        jsonw_str(&w, "at", wall_format(status->halt.at, false, at));
        jsonw_str(&w, "reason", status->halt.reason);
        jsonw_close(&w, '}');
    } else {
        jsonw_null(&w, "halted");
    }
    jsonw_open(&w, "store", '{');
    jsonw_str(&w, "path", cli->store);
    jsonw_bool(&w, "exists", status->has_store);
    if (status->has_store && !status->at.is_past) {
        jsonw_int(&w, "bytes", status->store_bytes);
        jsonw_int(&w, "wal_bytes", status->wal_bytes > 0 ? status->wal_bytes : 0);
        jsonw_int(&w, "room", status->room);
        jsonw_bool(&w, "is_full", is_full(status));
        jsonw_bool(&w, "is_read_only", status->is_read_only);
    }
    jsonw_close(&w, '}');
    jsonw_open(&w, "totals", '{');
    record_totals(&w, &status->totals);
    jsonw_close(&w, '}');
    jsonw_open(&w, "approvals", '{');
    for (int i = 0; i < RISK_COUNT; i++) {
        jsonw_int(&w, risk_word((enum risk)i), status->asks.n_open[i]);
    }
    jsonw_int(&w, "snoozed", status->asks.n_snoozed);
    jsonw_int(&w, "suggested", status->asks.n_suggested);
    jsonw_close(&w, '}');
    jsonw_open(&w, "needs_human", '[');
    for (size_t i = 0; i < status->n_needs; i++) {
        jsonw_open(&w, NULL, '{');
        record_workflow(&w, &status->needs[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    puts(out.data);
}

static void print_engine(const struct status *status)
{
    struct wall started;
    char up[CLOCK_TEXT_MAX];
    if (status->at.is_past) {
        puts("engine     not known at that time");
        return;
    }
    if (!status->has_engine) {
        puts("engine     not running; 'signalbox' or 'signalbox serve' starts one");
        return;
    }
    fputs("engine     running", stdout);
    if (status->pid > 0) {
        printf(", pid %d", status->pid);
    }
    if (wall_parse(status->started_at, &started)) {
        printf(", up %s", span_format(wall_since(wall_now(), started), up));
    }
    if (status->fault != ERR_NONE) {
        printf(", cannot write: %s", err_word(status->fault));
    } else if (status->is_silent) {
        fputs(", does not answer", stdout);
    }
    putchar('\n');
    if (status->has_stuck) {
        printf(
            "           its %s thread is stuck: not heard of for %s, %s;\n"
            "           nothing is lost; if it does not go on by itself, end the engine "
            "and start it again\n",
            pulse_word(status->stuck), span_format(status->stuck_for, up),
            pulse_help(status->stuck));
    }
    if (status->fault != ERR_NONE && !is_full(status) && !status->is_read_only) {
        printf("           %s\n", advice(status->fault));
    }
}

static void print_halt(const struct halt_row *halt, struct wall now)
{
    char since[CLOCK_TEXT_MAX], length[CLOCK_TEXT_MAX];
    if (!halt->is_on) {
        return;
    }
    printf("HALTED     by ");
    cli_print_clean(stdout, halt->by[0] != '\0' ? halt->by : "somebody");
    printf(" since %s (%s)%s", wall_format(halt->at, false, since),
           span_format(wall_since(now, halt->at), length),
           halt->reason[0] != '\0' ? ": " : "");
    cli_print_clean(stdout, halt->reason);
    puts("\n           nothing begins or goes on by itself; 'signalbox release' lets it "
         "go on");
}

static void print_listener(const struct status *status)
{
    if (!status->has_engine) {
        return;
    }
    if (status->listener_fault[0] != '\0') {
        fputs("listener   not there: ", stdout);
        cli_print_clean(stdout, status->listener_fault);
        fputs("\n           webhooks do not come in; put it right and start the engine "
              "again\n",
              stdout);
    } else if (status->listener[0] != '\0') {
        fputs("listener   ", stdout);
        cli_print_clean(stdout, status->listener);
        putchar('\n');
    }
}

static void print_store(struct cli *cli, const struct status *status)
{
    fputs("store      ", stdout);
    cli_print_clean(stdout, cli->store);
    if (!status->has_store) {
        puts(", not there yet");
        return;
    }
    if (status->at.is_past) {
        putchar('\n');
        return;
    }
    printf(", %.1f MiB", (double)status->store_bytes / (1024.0 * 1024.0));
    if (status->wal_bytes > 0) {
        printf(" and %.1f MiB of log", (double)status->wal_bytes / (1024.0 * 1024.0));
    }
    if (status->is_read_only) {
        printf(", may not be written\n           %s", advice(ERR_READ_ONLY));
    }
    putchar('\n');
    if (is_full(status)) {
        printf(
            "disk       full: %.1f MiB left for the store and its folders, at least %d "
            "MiB are needed\n"
            "           make room; nothing is lost, and work goes on by itself\n",
            (double)status->room / (1024.0 * 1024.0), STORE_ROOM_MIN / (1024 * 1024));
    }
}

static void print_people(struct cli *cli, const struct status *status)
{
    static const struct column titles[] = {
        {"NEEDS YOU", true,  false},
        {"FOR",       false, false},
        {"SINCE",     true,  false},
        {"REPO",      false, false},
        {"TITLE",     false, true },
    };
    struct wall now = status->at.now;
    at_print(&status->at);
    print_engine(status);
    print_halt(&status->halt, status->at.now);
    print_listener(status);
    print_store(cli, status);
    printf("workflows  %lld", (long long)status->totals.n_workflows);
    const char *before = ": ";
    for (int i = 0; i < STATE_COUNT; i++) {
        if (status->totals.by_state[i] > 0) {
            printf("%s%lld %s", before, (long long)status->totals.by_state[i],
                   state_name((enum workflow_state)i));
            before = ", ";
        }
    }
    putchar('\n');
    if (status->n_asked > 0) {
        printf("approvals  %lld wait%s for a decision", (long long)status->n_asked,
               status->n_asked == 1 ? "s" : "");
        if (status->asks.n_open[RISK_CRITICAL] > 0) {
            printf(", %lld critical", (long long)status->asks.n_open[RISK_CRITICAL]);
        }
        puts(": 'signalbox approvals'");
    }
    if (status->n_needs == 0 && status->n_asked == 0) {
        puts("needs you  nothing");
    }
    if (status->n_needs == 0) {
        return;
    }
    putchar('\n');
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < status->n_needs; i++) {
        const struct workflow_row *row = &status->needs[i];
        char since[CLOCK_TEXT_MAX];
        columns_cell(table, "wf-%lld", (long long)row->id);
        columns_cell(table, "%s", wait_word(row->wait));
        columns_cell(table, "%s", span_format(wall_since(now, row->state_since), since));
        columns_cell(table, "%s", row->repo);
        columns_cell(table, "%s", row->title);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct status status = {.store_bytes = -1,
                            .wal_bytes = -1,
                            .room = -1,
                            .started_at = "",
                            .listener = "",
                            .listener_fault = ""};
    struct err err = ERR_INIT;
    int exit_status = at_begin(cli, &status.at);
    if (exit_status != CLI_OK) {
        return exit_status;
    }
    if (!read_status(cli, &status, &err)) {
        if (!cli_has(cli, "json")) {
            print_engine(&status);
            printf("store      cannot be read\n           %s\n", advice(err.code));
        }
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_json(cli, &status);
    } else {
        print_people(cli, &status);
    }
    return status.n_needs > 0 || status.n_asked > 0 ? CLI_HUMAN : CLI_OK;
}

static const struct cli_option options[] = {
    AT_OPTION,
    {0},
};

const struct cli_command cli_status = {
    .name = "status",
    .args = "",
    .options = options,
    .access = ACCESS_CONFIG,
    .help = "show engine, store, totals and what waits for a person",
    .more = "The exit status is 3 when something waits for a person.",
    .run = run,
};
