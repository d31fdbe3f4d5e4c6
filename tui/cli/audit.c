/* SPDX-License-Identifier: MIT */

/* signalbox audit: who did what; whether anybody changed it afterwards; all of it as a file. */
#include "engine/base/text.h"
#include "engine/control/verb.h"
#include "store/audit_file.h"
#include "tui/audit_text.h"
#include "tui/cli/columns.h"
#include "tui/cli/rows.h"
#include "tui/cli/send.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     9999
#define FILTER_MAX    1000

/* ---- what is asked for ---- */

/* "2026-11-22", "2026-11-22T14:03:07Z", or "2h": that long ago. */
static bool parse_when(const struct cli *cli, const char *option, struct wall *ret_at,
                       struct err *err)
{
    const char *text = cli_value(cli, option);
    char whole[CLOCK_TEXT_MAX];
    struct span ago;
    if (text == NULL || wall_parse(text, ret_at)) {
        return true;
    }
    (void)snprintf(whole, sizeof(whole), "%.16sT00:00:00Z", text);
    if (strlen(text) == 10 && wall_parse(whole, ret_at)) {
        return true;
    }
    if (!span_parse(text, &ago) || ago.ms == 0) {
        return err_set(err, ERR_USAGE,
                       "--%s: '%.40s' is no time; expected one like 2026-11-22, "
                       "2026-11-22T14:03:07Z, or 2h for that long ago",
                       option, text);
    }
    ret_at->ms = wall_now().ms - ago.ms;
    return true;
}

static bool parse_query(const struct cli *cli, struct audit_query *ret_query,
                        struct err *err)
{
    struct audit_query query = {.actor = cli_value(cli, "actor"),
                                .act = cli_value(cli, "act"),
                                .subject = cli_value(cli, "subject"),
                                .text = cli_value(cli, "text")};
    int64_t limit;
    if (!parse_when(cli, "since", &query.since, err) ||
        !parse_when(cli, "until", &query.until, err) ||
        !cli_number(cli, "before", 1, INT64_MAX, 0, &query.before_n, err) ||
        !cli_number(cli, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit, err)) {
        return false;
    }
    query.max = (size_t)limit;
    *ret_query = query;
    return true;
}

/* ---- reading is an act ---- */

static void note_reading(struct cli *cli, const char *what)
{
    static const char *const filters[] = {"head", "since",   "until", "actor",
                                          "act",  "subject", "text"};
    AUTO_BUF struct buf args;
    AUTO_BUF struct buf filter;
    struct err err = ERR_INIT;
    struct jsonw w;
    buf_init(&filter, FILTER_MAX);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        if (cli_has(cli, filters[i])) {
            (void)buf_printf(&filter, "%s--%s %s", filter.len > 0 ? " " : "", filters[i],
                             cli_value(cli, filters[i]));
        }
    }
    buf_init(&args, (size_t)8 * FILTER_MAX);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "what", what);
    if (filter.len > 0) {
        jsonw_str(&w, "filter", filter.data);
    }
    jsonw_close(&w, '}');
    struct request request = {.verb = AUDIT_READ, .args = args.data};
    if (!requests_send(cli, &request, 1, &err)) {
        fputs("signalbox: that the audit is read could not be noted: ", stderr);
        cli_print_clean(stderr, err.msg);
        fputc('\n', stderr);
    } else if (!request.is_answered) {
        fputs("signalbox: that the audit is read: ", stderr);
        cli_print_clean(stderr, requests_unanswered(cli));
        fputc('\n', stderr);
    }
}

/* ---- audit verify ---- */

struct outside {
    struct audit_notes notes;
    enum found found; /* the side file */
    const char *why;  /* FOUND_FAILED */
    struct audit_mark *marks;
    size_t n;
};

/* Before the chain is read, so that it is not older. */
static bool read_outside(struct cli *cli, struct outside *outside, struct err *err)
{
    const char *head = cli_value(cli, "head");
    struct audit_mark given = {0};
    struct err failed = ERR_INIT;
    if (head != NULL && !audit_mark_parse(head, &given)) {
        return err_set(err, ERR_USAGE,
                       "--head: '%.40s' is no head; expected number:hash, with 64 "
                       "hexadecimal digits",
                       head);
    }
    outside->found = audit_file_read(cli->store, &outside->notes, &failed);
    outside->why = arena_str(cli->arena, failed.msg);
    outside->marks =
        arena_array(cli->arena, outside->notes.n + 1, sizeof(*outside->marks));
    if (outside->notes.n > 0) {
        memcpy(outside->marks, outside->notes.marks,
               outside->notes.n * sizeof(*outside->marks));
    }
    outside->n = outside->notes.n;
    if (head != NULL) {
        outside->marks[outside->n++] = given;
    }
    return true;
}

static void warn_of_outside(const struct cli *cli, const struct outside *outside)
{
    if (outside->found == MISSING) {
        fprintf(stderr,
                "signalbox: %s-audit is not there: a cut or rewritten end is seen only "
                "with --head\n",
                cli->store);
    } else if (outside->found == FOUND_FAILED) {
        fputs("signalbox: ", stderr);
        cli_print_clean(stderr, outside->why);
        fputc('\n', stderr);
    } else if (outside->notes.n_bad > 0) {
        fprintf(stderr, "signalbox: %s-audit: %zu lines cannot be read\n", cli->store,
                outside->notes.n_bad);
    }
}

static void print_verdict(const struct cli *cli, const struct audit_verdict *verdict,
                          const struct outside *outside, struct span took)
{
    char hex[DIGEST_TEXT_MAX], at[CLOCK_TEXT_MAX], span[CLOCK_TEXT_MAX];
    if (verdict->fault == AUDIT_WHOLE) {
        printf("whole     %lld rows, checked in %s\n", (long long)verdict->good.n,
               span_format(took, span));
    } else {
        printf("broken    at row %lld: %s\n", (long long)verdict->broken,
               audit_fault_word(verdict->fault));
        printf("what      %s\n", verdict->text);
        printf("good      %lld rows before it\n", (long long)verdict->good.n);
    }
    if (verdict->good.n > 0) {
        printf("head      %lld:%s\n", (long long)verdict->good.n,
               digest_format(verdict->good.hash, hex));
    }
    printf("outside   %zu of %zu notes agree", verdict->n_marks, outside->n);
    if (wall_is_set(outside->notes.last)) {
        printf("; the newest in %s-audit is of %s", cli->store,
               wall_format(outside->notes.last, false, at));
    }
    putchar('\n');
}

static void print_verdict_json(const struct audit_verdict *verdict,
                               const struct outside *outside, struct span took)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    char hex[DIGEST_TEXT_MAX], at[CLOCK_TEXT_MAX];
    bool is_whole = verdict->fault == AUDIT_WHOLE;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_bool(&w, "whole", is_whole);
    jsonw_int(&w, "rows", verdict->good.n);
    AUTO_FREE char *head = mem_printf("%lld:%s", (long long)verdict->good.n,
                                      digest_format(verdict->good.hash, hex));
    jsonw_str(&w, "head", verdict->good.n > 0 ? head : NULL);
    jsonw_str(&w, "fault", is_whole ? NULL : audit_fault_word(verdict->fault));
    if (is_whole) {
        jsonw_null(&w, "broken");
    } else {
        jsonw_int(&w, "broken", verdict->broken);
    }
    jsonw_str(&w, "text", is_whole ? NULL : verdict->text);
    jsonw_int(&w, "notes", (int64_t)outside->n);
    jsonw_int(&w, "notes_agreed", (int64_t)verdict->n_marks);
    jsonw_int(&w, "notes_unreadable", (int64_t)outside->notes.n_bad);
    jsonw_str(&w, "noted_at",
              wall_is_set(outside->notes.last)
                  ? wall_format(outside->notes.last, false, at)
                  : NULL);
    jsonw_int(&w, "took_ms", took.ms);
    jsonw_close(&w, '}');
    puts(out.data);
}

static int verify(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct outside outside = {0};
    if (!read_outside(cli, &outside, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    note_reading(cli, "verify");
    struct mono start = mono_now();
    struct audit_check *check = audit_check_new(outside.marks, outside.n);
    enum audit_step step = audit_check_step(check, cli->reader, SIZE_MAX, &err);
    const struct audit_verdict *verdict = audit_check_verdict(check);
    struct span took = {(mono_now().ns - start.ns) / 1000000};
    int status = step == AUDIT_END ? CLI_OK : CLI_FAILURE;
    if (step == AUDIT_FAILED) {
        status = cli_fail(&err);
    } else if (cli_has(cli, "json")) {
        print_verdict_json(verdict, &outside, took);
    } else {
        print_verdict(cli, verdict, &outside, took);
    }
    warn_of_outside(cli, &outside);
    audit_check_free(check);
    audit_notes_fini(&outside.notes);
    return status;
}

/* ---- audit export ---- */

static bool write_json(void *user, const struct audit_row *row)
{
    struct buf *out = user;
    struct jsonw w;
    buf_clear(out);
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    audit_write(&w, row);
    jsonw_close(&w, '}');
    return puts(out->data) >= 0;
}

/* RFC 4180. Each value in quotes: then none needs a look. */
static void put_csv(struct buf *out, const char *text)
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, CLI_JSON_MAX);
    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    (void)buf_str(out, ",\"");
    for (const char *p = clean.data; *p != '\0'; p++) {
        (void)buf_char(out, *p);
        if (*p == '"') {
            (void)buf_char(out, '"');
        }
    }
    (void)buf_char(out, '"');
}

static bool write_csv(void *user, const struct audit_row *row)
{
    struct buf *out = user;
    char at[CLOCK_TEXT_MAX], prev[DIGEST_TEXT_MAX], hash[DIGEST_TEXT_MAX];
    buf_clear(out);
    (void)buf_printf(out, "%lld,%s", (long long)row->n, wall_format(row->at, true, at));
    const char *const texts[] = {row->actor,   row->role,    row->origin, row->act,
                                 row->subject, row->outcome, row->detail};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        put_csv(out, texts[i]);
    }
    (void)buf_printf(out, ",%s,%s\r\n", digest_format(row->prev, prev),
                     digest_format(row->hash, hash));
    return fputs(out->data, stdout) >= 0;
}

static int export_rows(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct audit_query query;
    AUTO_BUF struct buf out;
    bool is_csv = cli_has(cli, "csv");
    buf_init(&out, CLI_JSON_MAX);
    if (is_csv == (cli_has(cli, "jsonl") || cli_has(cli, "json"))) {
        return cli_complain(cli, "expected --jsonl or --csv");
    }
    if (!parse_query(cli, &query, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    note_reading(cli, "export");
    if (is_csv) {
        fputs("n,at,actor,role,origin,act,subject,outcome,detail,prev,hash\r\n", stdout);
    }
    return reader_audit_each(cli->reader, &query, is_csv ? write_csv : write_json, &out,
                             &err)
               ? CLI_OK
               : cli_fail(&err);
}

/* ---- audit ---- */

static void print_people(struct cli *cli, const struct audit_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"N",       true,  false},
        {"AT",      false, false},
        {"WHO",     false, false},
        {"ROLE",    false, false},
        {"FROM",    false, false},
        {"ACT",     false, false},
        {"ON",      false, false},
        {"OUTCOME", false, false},
        {"WHAT",    false, true },
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct audit_row *row = &rows[i];
        char at[CLOCK_TEXT_MAX];
        columns_cell(table, "%lld", (long long)row->n);
        columns_cell(table, "%s", wall_format(row->at, false, at));
        columns_cell(table, "%s", row->actor);
        columns_cell(table, "%s", row->role);
        columns_cell(table, "%s", row->origin);
        columns_cell(table, "%s", row->act);
        columns_cell(table, "%s", row->subject);
        columns_cell(table, "%s", row->outcome);
        columns_cell(table, "%s", audit_summary(cli->arena, row));
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int list(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct audit_query query;
    const struct audit_row *rows;
    size_t n;
    if (!parse_query(cli, &query, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (!reader_audit(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        AUTO_BUF struct buf out;
        buf_init(&out, CLI_JSON_MAX);
        for (size_t i = 0; i < n; i++) {
            (void)write_json(&out, &rows[i]); /* cli_close_output tells */
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts("no row matches");
    }
    return CLI_OK;
}

/* One row, with its detail where it is for scripts. */
static int show(struct cli *cli, int64_t n)
{
    struct err err = ERR_INIT;
    const struct audit_row *rows;
    size_t n_rows;
    const struct audit_query query = {.before_n = n < INT64_MAX ? n + 1 : n, .max = 1};
    if (!reader_audit(cli->reader, cli->arena, &query, &rows, &n_rows, &err)) {
        return cli_fail(&err);
    }
    if (n_rows == 0 || rows[0].n != n) {
        (void)err_set(&err, ERR_NOT_FOUND, "there is no row %lld", (long long)n);
        return cli_fail(&err);
    }
    if (!cli_has(cli, "json")) {
        print_people(cli, rows, 1);
        return CLI_OK;
    }
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    (void)write_json(&out, &rows[0]); /* cli_close_output tells */
    return CLI_OK;
}

static int run(struct cli *cli)
{
    const char *what = cli->n_args > 0 ? cli->args[0] : "";
    bool is_verify = strcmp(what, "verify") == 0, is_export = strcmp(what, "export") == 0;
    int64_t n = 0;
    bool is_row = what[0] >= '0' && what[0] <= '9' && cli_parse_id(what, &n);
    if (what[0] != '\0' && !is_verify && !is_export && !is_row) {
        return cli_complain(cli, "'%.40s': expected verify, export or a number", what);
    }
    if (!is_verify && cli_has(cli, "head")) {
        return cli_complain(cli, "--head is for 'audit verify'");
    }
    if (!is_export && (cli_has(cli, "csv") || cli_has(cli, "jsonl"))) {
        return cli_complain(cli, "--csv and --jsonl are for 'audit export'");
    }
    return is_verify   ? verify(cli)
           : is_export ? export_rows(cli)
           : is_row    ? show(cli, n)
                       : list(cli);
}

static const struct cli_option options[] = {
    {"head",                                                         0, "N:HASH", "verify: row N must be there, with this hash"},
    {"jsonl",                                                      0, NULL, "export: a JSON object a line"},
    {"csv",                                                              0, NULL, "export: values between commas (RFC 4180), with a title line"},
    {"since",        0, "TIME", "only rows from TIME on: 2026-11-22, or 2h for that long ago"},
    {"until",                                0, "TIME", "only rows before TIME"},
    {"actor",                                                          0, "NAME", "only what this person, or engine, did"},
    {"act",                                                          0, "ACT", "only this verb or act: approve, merge, recovery"},
    {"subject",                                                              0, "THING", "only about this: wf-12, service:github"},
    {"text",                                                      't', "TEXT", "only rows with this text, of any case"},
    {"limit", 'n', "N", "list: at most N rows (50)"},
    {"before",                                                        0, "N", "list: only rows older than row N: the next page"},
    {0                                                       },
};

const struct cli_command cli_audit = {
    .name = "audit",
    .args = "[N|verify|export]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "list who did what, prove that nobody changed it, or export it",
    .more =
        "Without a word the newest rows are listed, with N only that one. verify reads "
        "the whole chain, names "
        "the first row that was edited, deleted, moved, put in, cut off or written anew, "
        "and ends with 1 when there is one. export writes all rows that match, oldest "
        "first. Both are acts themselves, and become rows. signalbox-audit(7) tells how "
        "the rows are chained.",
    .run = run,
};
