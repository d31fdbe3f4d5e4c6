/* SPDX-License-Identifier: MIT */
#include "tui/cli/send.h"

#include "engine/approval/access.h"
#include "engine/base/identity.h"
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/control/verb.h"
#include "store/store.h"
#include "tui/cli/watch.h"

/* Take the answers that are there; true when none is missing. */
static bool collect(struct cli *cli, struct request *requests, size_t n)
{
    bool is_complete = true;
    for (size_t i = 0; i < n; i++) {
        struct command_row row;
        struct err err = ERR_INIT;
        struct request *request = &requests[i];
        if (request->is_answered) {
            continue;
        }
        enum found found =
            reader_command(cli->reader, cli->arena, request->command, &row, &err);
        if (found == FOUND && row.answer >= 0) {
            request->is_answered = true;
            request->answer = row.answer;
            request->message = row.message;
            request->result = row.workflow;
        } else {
            is_complete = false; /* a store in trouble: the next look may see it */
        }
    }
    return is_complete;
}

/* Also while it starts: the lease is taken before the bell is hung up. */
static bool has_engine(struct cli *cli, const struct watch *watch)
{
    int pid;
    return watch_has_engine(watch) || lease_is_held(cli->store, &pid);
}

static void wait_for_answers(struct cli *cli, struct watch *watch,
                             struct request *requests, size_t n)
{
    int64_t end = mono_now().ns / 1000000 + REQUEST_WAIT.ms;
    while (has_engine(cli, watch) && !collect(cli, requests, n)) {
        int64_t left = end - mono_now().ns / 1000000;
        if (left <= 0 || !watch_wait(watch, (struct span){left})) {
            break;
        }
    }
    (void)collect(cli, requests,
                  n); /* the engine may have answered just before it ended */
}

/* What is left of --read-only for commands that look and send. */
static bool may_send(const struct cli *cli, const struct request *requests, size_t n,
                     struct err *err)
{
    char why[ACCESS_TEXT_MAX];
    for (size_t i = 0; i < n && cli_has(cli, "read-only"); i++) {
        const struct verb *verb = verb_find(requests[i].verb);
        if (verb != NULL && !access_reads_only(verb, why)) {
            return err_set(err, ERR_REFUSED, "%s", why);
        }
    }
    return true;
}

bool requests_send(struct cli *cli, struct request *requests, size_t n, struct err *err)
{
    if (!may_send(cli, requests, n, err)) {
        return false;
    }
    /* Connected before the row is written, so that no ring for its answer is missed. */
    struct watch *watch = watch_new(cli->store);
    struct identity who;
    identity_of_process(&who);
    bool is_sent = true;
    size_t n_sent = 0;
    for (; n_sent < n && is_sent; n_sent++) {
        struct request *request = &requests[n_sent];
        struct command_row row = {
            .at = wall_now(),
            .actor = who.actor,
            .account = who.account,
            .origin = origin_word(ORIGIN_CLI),
            .verb = request->verb,
            .workflow = request->workflow,
            .args = request->args,
            .answer = -1,
            .message = "",
        };
        request->message = "";
        request->command = command_send(cli->store, &row, err);
        if (request->command < 0) {
            request->command = 0;
            is_sent = false;
            break;
        }
    }
    struct err ignored = ERR_INIT;
    watch_ring(watch);
    if (n_sent > 0 && has_engine(cli, watch) &&
        (cli->reader != NULL || cli_open_reader(cli, &ignored))) {
        wait_for_answers(cli, watch, requests, n_sent);
    }
    watch_free(watch);
    return is_sent;
}

const char *requests_unanswered(struct cli *cli)
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

static void report_json(const struct request *request)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    int64_t workflow = request->result != 0 ? request->result : request->workflow;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "verb", request->verb);
    if (workflow != 0) {
        jsonw_int(&w, "workflow", workflow);
    } else {
        jsonw_null(&w, "workflow");
    }
    jsonw_int(&w, "command", request->command);
    jsonw_bool(&w, "is_answered", request->is_answered);
    if (request->is_answered) {
        jsonw_int(&w, "answer", request->answer);
    } else {
        jsonw_null(&w, "answer");
    }
    jsonw_str(&w, "message", request->message);
    jsonw_close(&w, '}');
    puts(out.data);
}

static void report_line(struct cli *cli, const struct request *request)
{
    char message[1024], name[40] = "";
    int64_t workflow = request->result != 0 ? request->result : request->workflow;
    text_clean_into(message, sizeof(message), request->message);
    if (workflow != 0) {
        (void)snprintf(name, sizeof(name), "wf-%lld", (long long)workflow);
    }
    bool is_named = name[0] == '\0' || strncmp(message, name, strlen(name)) == 0;
    const char *colon = is_named ? "" : ": ";
    if (!request->is_answered) {
        printf("%s%s%s\n", name, name[0] != '\0' ? ": " : "", requests_unanswered(cli));
    } else if (request->answer == 0) {
        printf("%s%s%s\n", is_named ? "" : name, colon,
               message[0] != '\0' ? message : "done");
    } else {
        fprintf(stderr, "signalbox: %s%s%s\n", is_named ? "" : name, colon,
                message[0] != '\0' ? message : "refused without a reason");
    }
}

int requests_report(struct cli *cli, const struct request *requests, size_t n)
{
    int status = CLI_OK;
    bool is_json = cli_has(cli, "json");
    int pid;
    bool has_engine = lease_is_held(cli->store, &pid);
    for (size_t i = 0; i < n; i++) {
        const struct request *request = &requests[i];
        if (is_json) {
            report_json(request);
        } else {
            report_line(cli, request);
        }
        if (request->is_answered && request->answer > status) {
            status = request->answer == 2 ? CLI_USAGE : CLI_FAILURE;
        } else if (!request->is_answered && has_engine && status == CLI_OK) {
            status = CLI_FAILURE; /* an engine runs and did not answer in time */
        }
    }
    return status;
}
