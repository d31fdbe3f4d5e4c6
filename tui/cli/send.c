/* SPDX-License-Identifier: MIT */
#include "tui/cli/send.h"

#include <pwd.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "store/store.h"
#include "tui/cli/watch.h"

/* Who asks: the account of the process, not what the environment says. */
static const char *actor(struct arena *arena)
{
    char space[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) == 0 &&
        found != NULL) {
        return arena_str(arena, found->pw_name);
    }
    return arena_printf(arena, "uid %lu", (unsigned long)getuid());
}

/* Take the answers that are there; true when none is missing. */
static bool collect(struct cli *cli, struct order *orders, size_t n)
{
    bool is_complete = true;
    for (size_t i = 0; i < n; i++) {
        struct command_row row;
        struct err err = ERR_INIT;
        struct order *order = &orders[i];
        if (order->is_answered) {
            continue;
        }
        enum found found =
            reader_command(cli->reader, cli->arena, order->command, &row, &err);
        if (found == FOUND && row.answer >= 0) {
            order->is_answered = true;
            order->answer = row.answer;
            order->message = row.message;
            order->result = row.workflow;
        } else {
            is_complete = false; /* a store in trouble: the next look may see it */
        }
    }
    return is_complete;
}

static void wait_for_answers(struct cli *cli, struct watch *watch, struct order *orders,
                             size_t n)
{
    int64_t end = mono_now().ns / 1000000 + ORDER_WAIT.ms;
    while (watch_has_engine(watch) && !collect(cli, orders, n)) {
        int64_t left = end - mono_now().ns / 1000000;
        if (left <= 0 || !watch_wait(watch, (struct span){left})) {
            break;
        }
    }
    (void)collect(cli, orders, n); /* the engine may have answered just before it ended */
}

bool orders_send(struct cli *cli, struct order *orders, size_t n, struct err *err)
{
    /* Connected before the row is written, so that no ring for its answer is missed. */
    struct watch *watch = watch_new(cli->store);
    const char *who = actor(cli->arena);
    bool is_sent = true;
    size_t n_sent = 0;
    for (; n_sent < n && is_sent; n_sent++) {
        struct order *order = &orders[n_sent];
        struct command_row row = {
            .at = wall_now(),
            .actor = who,
            .verb = order->verb,
            .workflow = order->workflow,
            .args = order->args,
            .answer = -1,
            .message = "",
        };
        order->message = "";
        order->command = command_send(cli->store, &row, err);
        if (order->command < 0) {
            order->command = 0;
            is_sent = false;
            break;
        }
    }
    struct err ignored = ERR_INIT;
    watch_ring(watch);
    if (watch_has_engine(watch) && n_sent > 0 &&
        (cli->reader != NULL || cli_open_reader(cli, &ignored))) {
        wait_for_answers(cli, watch, orders, n_sent);
    }
    watch_free(watch);
    return is_sent;
}

const char *orders_unanswered(struct cli *cli)
{
    int pid = 0;
    if (!lease_is_held(cli->store, &pid)) {
        return "stored; no engine runs, the next one takes it";
    }
    struct watch *watch = watch_new(cli->store);
    enum err_code fault = watch_fault(watch);
    watch_free(watch);
    if (fault != ERR_NONE) {
        return arena_printf(
            cli->arena,
            "stored; the engine (pid %d) cannot write now (%s) and takes it "
            "afterwards",
            pid, err_word(fault));
    }
    return arena_printf(cli->arena, "stored; the engine (pid %d) has not answered yet",
                        pid);
}

static void report_json(const struct order *order)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    int64_t workflow = order->result != 0 ? order->result : order->workflow;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "verb", order->verb);
    if (workflow != 0) {
        jsonw_int(&w, "workflow", workflow);
    } else {
        jsonw_null(&w, "workflow");
    }
    jsonw_int(&w, "command", order->command);
    jsonw_bool(&w, "is_answered", order->is_answered);
    if (order->is_answered) {
        jsonw_int(&w, "answer", order->answer);
    } else {
        jsonw_null(&w, "answer");
    }
    jsonw_str(&w, "message", order->message);
    jsonw_close(&w, '}');
    puts(out.data);
}

static void report_line(struct cli *cli, const struct order *order)
{
    char message[1024], name[40] = "";
    int64_t workflow = order->result != 0 ? order->result : order->workflow;
    text_clean_into(message, sizeof(message), order->message);
    if (workflow != 0) {
        (void)snprintf(name, sizeof(name), "wf-%lld: ", (long long)workflow);
    }
    if (!order->is_answered) {
        printf("%s%s\n", name, orders_unanswered(cli));
    } else if (order->answer == 0) {
        printf("%s%s\n", name, message[0] != '\0' ? message : "done");
    } else {
        fprintf(stderr, "signalbox: %s%s\n", name,
                message[0] != '\0' ? message : "refused without a reason");
    }
}

int orders_report(struct cli *cli, const struct order *orders, size_t n)
{
    int status = CLI_OK;
    bool is_json = cli_has(cli, "json");
    int pid;
    bool has_engine = lease_is_held(cli->store, &pid);
    for (size_t i = 0; i < n; i++) {
        const struct order *order = &orders[i];
        if (is_json) {
            report_json(order);
        } else {
            report_line(cli, order);
        }
        if (order->is_answered && order->answer > status) {
            status = order->answer == 2 ? CLI_USAGE : CLI_FAILURE;
        } else if (!order->is_answered && has_engine && status == CLI_OK) {
            status = CLI_FAILURE; /* an engine runs and did not answer in time */
        }
    }
    return status;
}
