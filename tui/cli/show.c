/* SPDX-License-Identifier: MIT */

/* signalbox show: all that is known of one workflow. */
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/base/text.h"
#include "store/checks.h"
#include "store/progress.h"
#include "store/store.h"
#include "tui/cli/at.h"
#include "tui/cli/columns.h"
#include "tui/cli/record.h"
#include "tui/cli/rows.h"

#define EVENTS_SHOWN 40    /* newest ones, unless --all */
#define EVENTS_MAX   20000 /* of one workflow in JSON and with --all */

struct picture {
    struct workflow_row row;
    const struct effect_row *effects;
    size_t n_effects;
    const struct event_row *events; /* oldest first */
    size_t n_events;
    struct {
        const char *text; /* NULL: there is none */
        size_t len;
        bool is_later; /* it was there, but what it said then is not kept */
    } docs[DOC_COUNT];
    struct at at;
};

static bool read_docs(struct cli *cli, struct picture *picture, struct err *err)
{
    for (int i = 0; i < DOC_COUNT; i++) {
        enum found found =
            reader_doc(cli->reader, cli->arena, picture->row.id, (enum doc_kind)i,
                       &picture->docs[i].text, &picture->docs[i].len, err);
        if (found == FOUND_FAILED) {
            return false;
        }
        if (found == MISSING) {
            picture->docs[i].text = NULL;
            picture->docs[i].is_later =
                reader_doc_is_later(cli->reader, picture->row.id, (enum doc_kind)i);
        }
    }
    return true;
}

/* Everything of one moment. */
static bool read_picture(struct cli *cli, int64_t id, size_t max_events,
                         struct picture *picture, struct err *err)
{
    if (!reader_begin(cli->reader, err)) {
        return false;
    }
    enum found found = reader_workflow(cli->reader, cli->arena, id, &picture->row, err);
    bool is_read = found == FOUND &&
                   reader_effects(cli->reader, cli->arena, id, &picture->effects,
                                  &picture->n_effects, err) &&
                   reader_last_events(cli->reader, cli->arena, id, max_events,
                                      &picture->events, &picture->n_events, err) &&
                   read_docs(cli, picture, err);
    reader_end(cli->reader);
    if (is_read && !picture->at.is_past) { /* of now, beside the store */
        picture->effects =
            checks_look(cli->store, cli->arena, picture->effects, picture->n_effects);
    }
    if (found == MISSING && picture->at.is_past) {
        return err_set(err, ERR_NOT_FOUND, "there was no workflow wf-%lld at that time",
                       (long long)id);
    }
    if (found == MISSING) {
        return err_set(err, ERR_NOT_FOUND, "there is no workflow wf-%lld", (long long)id);
    }
    return is_read;
}

/* Signs of life of the agent that runs; false: none does. */
static bool find_progress(const struct cli *cli, const struct picture *picture,
                          struct progress *ret_progress)
{
    if (picture->at.is_past) {
        return false;
    }
    for (size_t i = picture->n_effects; i-- > 0;) {
        const struct effect_row *effect = &picture->effects[i];
        AUTO_FREE char *folder =
            mem_printf("%s-work/wf-%lld/fx-%lld", cli->store, (long long)effect->workflow,
                       (long long)effect->seq);
        if (effect->status == STATUS_PENDING && progress_read(folder, ret_progress)) {
            return true;
        }
    }
    return false;
}

/* ---- JSON
 * ---------------------------------------------------------------------------------- */

static void put_docs(struct jsonw *w, const struct picture *picture)
{
    jsonw_open(w, "docs", '{');
    for (int i = 0; i < DOC_COUNT; i++) {
        const char *text = picture->docs[i].text;
        struct err ignored = ERR_INIT;
        struct json *object = NULL;
        if (text != NULL && i == DOC_METADATA) {
            object = json_parse(text, picture->docs[i].len, &ignored);
        }
        if (object != NULL) {
            jsonw_raw(w, doc_name((enum doc_kind)i), text, picture->docs[i].len);
        } else if (text != NULL) {
            jsonw_strn(w, doc_name((enum doc_kind)i), text, picture->docs[i].len);
        } else {
            jsonw_null(w, doc_name((enum doc_kind)i));
        }
        json_free(object);
    }
    jsonw_close(w, '}');
    if (picture->at.is_past) {
        jsonw_open(w, "docs_not_known", '[');
        for (int i = 0; i < DOC_COUNT; i++) {
            if (picture->docs[i].is_later) {
                jsonw_str(w, NULL, doc_name((enum doc_kind)i));
            }
        }
        jsonw_close(w, ']');
    }
}

static void put_moment(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    if (wall_is_set(at)) {
        jsonw_str(w, key, wall_format(at, false, text));
    } else {
        jsonw_null(w, key);
    }
}

static void put_agent(struct jsonw *w, const struct progress *progress)
{
    jsonw_open(w, "agent", '{');
    jsonw_str(w, "state", worker_state_word(progress_state(progress, wall_now())));
    put_moment(w, "started_at", progress->started_at);
    put_moment(w, "output_at", progress->output_at);
    put_moment(w, "file_at", progress->file_at);
    put_moment(w, "cpu_at", progress->cpu_at);
    jsonw_int(w, "cpu_ms", progress->cpu_ms);
    jsonw_int(w, "out_bytes", progress->out_bytes);
    jsonw_int(w, "stall_ms", progress->stall.ms);
    jsonw_close(w, '}');
}

static void print_json(const struct cli *cli, const struct picture *picture)
{
    struct progress progress;
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    at_json(&picture->at, &w);
    record_workflow(&w, &picture->row);
    if (find_progress(cli, picture, &progress)) {
        put_agent(&w, &progress);
    }
    put_docs(&w, picture);
    jsonw_open(&w, "effects", '[');
    for (size_t i = 0; i < picture->n_effects; i++) {
        jsonw_open(&w, NULL, '{');
        record_effect(&w, &picture->effects[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "events", '[');
    for (size_t i = 0; i < picture->n_events; i++) {
        jsonw_open(&w, NULL, '{');
        record_event(&w, &picture->events[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    puts(out.data);
}

/* ---- people
 * -------------------------------------------------------------------------------- */

static void fact(const char *label, const char *text)
{
    printf("  %-13s ", label);
    cli_print_clean(stdout, text);
    putchar('\n');
}

static void print_moments(const struct workflow_row *row, struct wall now)
{
    char at[CLOCK_TEXT_MAX], span[CLOCK_TEXT_MAX];
    char line[128];
    (void)snprintf(line, sizeof(line), "%s by %.60s",
                   wall_format(row->created_at, false, at),
                   row->submitter); /* a very long name is cut */
    fact("submitted", line);
    if (wall_is_set(row->finished_at)) {
        (void)snprintf(line, sizeof(line), "%s, after %s",
                       wall_format(row->finished_at, false, at),
                       span_format(wall_since(row->finished_at, row->created_at), span));
        fact("finished", line);
        return;
    }
    fact("in state for", span_format(wall_since(now, row->state_since), span));
    if (wall_is_set(row->deadline_at)) {
        (void)snprintf(line, sizeof(line), "in %s, %s",
                       span_format(wall_since(row->deadline_at, now), span),
                       wall_format(row->deadline_at, false, at));
        fact("deadline", line);
    }
    if (wall_is_set(row->retry_at)) {
        (void)snprintf(line, sizeof(line), "in %s",
                       span_format(wall_since(row->retry_at, now), span));
        fact("tries again", line);
    }
}

/* What a person can do now, ready to be typed. */
static void print_next(const struct workflow_row *row)
{
    long long id = row->id;
    if (row->wait == WAIT_PLAN || row->wait == WAIT_MERGE || row->wait == WAIT_REVERT ||
        row->wait == WAIT_RECOVERY) {
        printf("  %-13s signalbox approve wf-%lld --effect %lld\n", "approve with", id,
               (long long)row->effect_seq);
        printf("  %-13s signalbox reject wf-%lld REASON\n", "reject with", id);
    } else if (row->wait == WAIT_BUDGET) {
        printf("  %-13s signalbox extend wf-%lld --attempts N --wall TIME "
               "--tokens N --cost AMOUNT\n",
               "go on with", id);
    } else if (row->wait == WAIT_OPERATOR || row->wait == WAIT_PAUSE) {
        printf("  %-13s signalbox resume wf-%lld\n", "go on with", id);
    } else if (row->state == STATE_FAILED) {
        printf("  %-13s signalbox retry wf-%lld\n", "try with", id);
    }
}

/* What agents said that they have used. */
static void print_usage(const struct workflow_row *row)
{
    char line[160], cost[MONEY_TEXT_MAX], last[MONEY_TEXT_MAX];
    if (row->used.tokens == 0 && row->used.micros == 0) {
        return;
    }
    (void)snprintf(line, sizeof(line), "%lld tokens, %s of money; last run %lld, %s",
                   (long long)row->used.tokens, money_format(row->used.micros, cost),
                   (long long)row->last_used.tokens,
                   money_format(row->last_used.micros, last));
    fact("agents used", line);
}

static void print_facts(const struct cli *cli, const struct picture *picture)
{
    const struct workflow_row *row = &picture->row;
    struct progress progress;
    char line[PROGRESS_TEXT_MAX];
    printf("wf-%lld  %s  ", (long long)row->id, state_name(row->state));
    cli_print_clean(stdout, row->title);
    putchar('\n');
    if (row->wait != WAIT_NONE) {
        fact("waits for", wait_word(row->wait));
    }
    if (row->reason[0] != '\0') {
        fact("reason", row->reason);
    }
    if (!picture->at.is_past) {
        print_next(row);
    }
    if (find_progress(cli, picture, &progress)) {
        fact("agent", progress_text(&progress, picture->at.now, line));
    }
    fact("pipeline", row->pipeline);
    fact("repository", row->repo);
    print_moments(row, picture->at.now);
    (void)snprintf(line, sizeof(line), "%d, attempt %d, retries %d, priority %d",
                   row->iteration, row->attempt, row->retries, row->priority);
    fact("iteration", line);
    print_usage(row);
    if (row->branch[0] != '\0') {
        fact("branch", row->branch);
    }
    if (row->pr_number != 0) {
        (void)snprintf(line, sizeof(line), "#%lld, head %.12s on base %.12s",
                       (long long)row->pr_number, row->head_sha, row->base_sha);
        fact("pull request", line);
    }
    if (row->merge_sha[0] != '\0') {
        fact("merged as", row->merge_sha);
    }
}

static void print_doc(const char *title, const struct picture *picture, enum doc_kind doc)
{
    struct buf AUTO_BUF clean = {0};
    const char *text = picture->docs[doc].text;
    size_t len = picture->docs[doc].len;
    if (picture->docs[doc].is_later) {
        printf("\n%s\n  not known at that time: it changed since\n", title);
        return;
    }
    if (text == NULL || len == 0) {
        return;
    }
    buf_init(&clean, (size_t)DOC_MAX * 4);
    text_clean(&clean, text, len, TEXT_KEEP_NEWLINES);
    printf("\n%s\n", title);
    for (const char *line = clean.data; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        printf("  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static void print_steps(struct cli *cli, const struct picture *picture)
{
    static const struct column titles[] = {
        {"#",      true,  false},
        {"STEP",   false, false},
        {"RESULT", false, false},
        {"TRY",    true,  false},
        {"TIME",   true,  false},
        {"BY",     false, false},
        {"",       false, true },
    };
    struct wall now = picture->at.now;
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < picture->n_effects; i++) {
        const struct effect_row *effect = &picture->effects[i];
        char span[CLOCK_TEXT_MAX] = "";
        struct wall end = wall_is_set(effect->finished_at) ? effect->finished_at : now;
        struct wall begin =
            wall_is_set(effect->started_at) ? effect->started_at : effect->asked_at;
        columns_cell(table, "%lld", (long long)effect->seq);
        columns_cell(table, "%s", effect->name);
        columns_cell(table, "%s", status_name(effect->status));
        columns_cell(table, "%d.%d", effect->iteration, effect->attempt);
        columns_cell(table, "%s", span_format(wall_since(end, begin), span));
        columns_cell(table, "%s%s", effect->provider,
                     effect->is_fallback ? " (stand-in)" : "");
        columns_cell(table, "%s", effect->summary);
    }
    if (picture->n_effects > 0) {
        puts("\nSTEPS");
        columns_print(table, stdout, false, columns_terminal(), 2);
    }
}

static void print_events(struct cli *cli, const struct picture *picture)
{
    static const struct column titles[] = {
        {"AT",    false, false},
        {"STATE", false, false},
        {"EVENT", false, false},
        {"BY",    false, false},
        {"",      false, true },
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < picture->n_events; i++) {
        const struct event_row *event = &picture->events[i];
        char at[CLOCK_TEXT_MAX];
        columns_cell(table, "%s", wall_format(event->at, false, at));
        columns_cell(table, "%s", state_name(event->to));
        columns_cell(table, "%s", event->kind);
        columns_cell(table, "%s", event->actor);
        columns_cell(table, "%s", event->text);
    }
    if (picture->n_events > 0) {
        puts("\nEVENTS");
        columns_print(table, stdout, false, columns_terminal(), 2);
    }
}

static void print_people(struct cli *cli, const struct picture *picture)
{
    static const struct {
        enum doc_kind doc;
        const char *title;
    } texts[] = {
        {DOC_TASK,     "TASK"    },
        {DOC_PLAN,     "PLAN"    },
        {DOC_ERRORS,   "ERRORS"  },
        {DOC_COMMITS,  "COMMITS" },
        {DOC_METADATA, "METADATA"},
    };
    at_print(&picture->at);
    print_facts(cli, picture);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        print_doc(texts[i].title, picture, texts[i].doc);
    }
    if (cli_has(cli, "diff")) {
        print_doc("DIFF", picture, DOC_DIFF);
    }
    print_steps(cli, picture);
    print_events(cli, picture);
}

static int run(struct cli *cli)
{
    struct picture picture = {0};
    struct err err = ERR_INIT;
    int64_t id;
    bool has_all = cli_has(cli, "all") || cli_has(cli, "json");
    if (!cli_parse_id(cli->args[0], &id)) {
        return cli_complain(cli, "'%.80s' is no workflow; expected a number or wf-NUMBER",
                            cli->args[0]);
    }
    int status = at_begin(cli, &picture.at);
    if (status != CLI_OK) {
        return status;
    }
    if (!read_picture(cli, id, has_all ? EVENTS_MAX : EVENTS_SHOWN, &picture, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_json(cli, &picture);
    } else {
        print_people(cli, &picture);
    }
    return wait_needs_human(picture.row.wait) ? CLI_HUMAN : CLI_OK;
}

static const struct cli_option options[] = {
    {"diff", 0, NULL, "with the diff of the pull request"},
    {"all",  0, NULL, "every event, not just the newest"},
    AT_OPTION,
    {0     },
};

const struct cli_command cli_show = {
    .name = "show",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "show one workflow: state, context, steps, events",
    .more = "The exit status is 3 when it waits for a person.",
    .run = run,
};
