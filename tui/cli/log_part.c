/* SPDX-License-Identifier: MIT */
#include "tui/cli/log_part.h"

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "tui/cli/rows.h"
#include "tui/log_compare.h"
#include "tui/log_green.h"
#include "tui/log_scan.h"

#define LINES_AT_ONCE 256

static const struct mono forever = {INT64_MAX};

struct part {
    const struct cli *cli;
    const struct effect_row *effect;
    struct segment_reader *log;
    struct segment_info info;
    struct log_scan *scan;       /* --grep */
    struct log_compare *compare; /* --compare */
    struct log_green green;
    struct log_rows *rows;
    size_t n_passed; /* hits before the row that is printed */
};

/* ---- what is asked about -------------------------------------------------------------- */

/* The workflow and its step. False: cli_fail was called, *ret_status tells. */
static bool find_step(struct cli *cli, int64_t workflow, const char *step,
                      struct workflow_row *row, const struct effect_row **ret_effect,
                      struct err *err)
{
    const struct effect_row *effects;
    size_t n;
    enum found found = reader_workflow(cli->reader, cli->arena, workflow, row, err);
    if (found == MISSING) {
        err_set(err, ERR_NOT_FOUND, "there is no workflow wf-%lld", (long long)workflow);
    }
    if (found != FOUND ||
        !reader_effects(cli->reader, cli->arena, workflow, &effects, &n, err)) {
        return false;
    }
    *ret_effect = log_pick(cli, step, effects, n);
    if (*ret_effect == NULL || (*ret_effect)->log[0] == '\0') {
        err_set(err, ERR_NOT_FOUND, "wf-%lld has no such step with a log",
                (long long)workflow);
        return false;
    }
    return true;
}

static bool compare(struct part *part, const struct workflow_row *row, int around,
                    struct err *err)
{
    char *folder = arena_printf(part->cli->arena, "%s-logs", part->cli->store);
    enum found found =
        log_green_find(part->cli->reader, folder, row, part->effect, &part->green, err);
    if (found == MISSING) {
        err_set(
            err, ERR_NOT_FOUND,
            "no workflow of this pipeline and repository that completed before wf-%lld "
            "has a log of this step",
            (long long)row->id);
    }
    if (found != FOUND) {
        return false;
    }
    segment_set_line_max(part->green.log, SEGMENT_LINE_LONG);
    part->compare = log_compare_new();
    while (log_compare_step(part->compare, part->log, part->green.log, forever)) {
    }
    part->rows = log_compare_rows(part->compare, around);
    return true;
}

static void grep(struct part *part, const char *text, int around)
{
    size_t n;
    part->scan = log_scan_new(text);
    while (log_scan_step(part->scan, part->log, forever)) {
    }
    const int64_t *hits = log_scan_hits(part->scan, &n);
    part->rows = log_rows_new(around);
    for (size_t i = 0; i < n; i++) {
        log_rows_add(part->rows, hits[i]);
    }
}

/* ---- printing -------------------------------------------------------------------------- */

static void print_text(const struct segment_line *line)
{
    struct buf AUTO_BUF out = {0};
    buf_init(&out, SEGMENT_LINE_LONG * 8);
    text_clean(&out, line->text, line->len, TEXT_KEEP_NEWLINES);
    if (line->is_cut) {
        (void)buf_str(&out, " [the line goes on]");
    }
    puts(out.data);
}

static void print_json(const struct part *part, const struct segment_line *line,
                       const char *change, bool is_hit)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, SEGMENT_LINE_LONG * 8);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "effect",
              strcmp(change, "gone") == 0 ? part->green.seq : part->effect->seq);
    jsonw_int(&w, "line", line->number);
    jsonw_bool(&w, "is_failure", line->is_failure);
    if (part->compare != NULL) {
        jsonw_str(&w, "change", change);
    } else {
        jsonw_bool(&w, "is_hit", is_hit);
    }
    if (line->is_cut) {
        jsonw_bool(&w, "is_cut", true);
    }
    jsonw_strn(&w, "text", line->text, line->len);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* Lines come in order, so the hits are gone through once. */
static bool is_hit(struct part *part, int64_t line)
{
    size_t n;
    if (part->compare != NULL) {
        return log_compare_is_new(part->compare, line);
    }
    const int64_t *hits = log_scan_hits(part->scan, &n);
    while (part->n_passed < n && hits[part->n_passed] < line) {
        part->n_passed++;
    }
    return part->n_passed < n && hits[part->n_passed] == line;
}

static void print_line(struct part *part, const struct segment_line *line)
{
    bool is_one = is_hit(part, line->number);
    if (cli_has(part->cli, "json")) {
        print_json(part, line, is_one ? "new" : "same", is_one);
        return;
    }
    if (part->compare != NULL) {
        printf("%c %lld: ", is_one ? '+' : ' ', (long long)line->number);
    } else if (!cli_has(part->cli, "plain")) {
        printf("%lld%c", (long long)line->number, is_one ? ':' : '-');
    }
    print_text(line);
}

static void print_gone(const struct part *part, struct arena *arena, int64_t entry)
{
    size_t n;
    struct segment_line line;
    const struct log_gone *gone = log_compare_gone(part->compare, &n);
    if (segment_lines(part->green.log, arena, gone[entry].line, 1, &line) != 1) {
        return;
    }
    if (cli_has(part->cli, "json")) {
        print_json(part, &line, "gone", false);
        return;
    }
    fputs("- ", stdout);
    print_text(&line);
}

/* Lines of this log from `row` on that stand one after the other. Returns how many rows. */
static int64_t print_run(struct part *part, struct arena *arena, int64_t row,
                         int64_t first)
{
    struct segment_line lines[LINES_AT_ONCE];
    struct log_row at;
    int64_t n = 0;
    while (n < LINES_AT_ONCE &&
           log_rows_get(part->rows, part->info.n_lines, row + n, &at) &&
           at.kind == LOG_ROW_LINE && at.number == first + n) {
        n++;
    }
    size_t n_read = segment_lines(part->log, arena, first, (size_t)n, lines);
    for (size_t i = 0; i < n_read && lines[i].number < first + n; i++) {
        print_line(part, &lines[i]);
    }
    return n;
}

static void print_rows(struct part *part)
{
    struct arena *arena = arena_new();
    struct log_row at;
    for (int64_t row = 0; log_rows_get(part->rows, part->info.n_lines, row, &at);) {
        arena_reset(arena);
        if (at.kind == LOG_ROW_LINE) {
            row += print_run(part, arena, row, at.number);
            continue;
        }
        if (at.kind == LOG_ROW_GONE) {
            print_gone(part, arena, at.number);
        } else if (!cli_has(part->cli, "json") && !cli_has(part->cli, "plain")) {
            printf("[... %lld %s ...]\n", (long long)at.n, at.n == 1 ? "line" : "lines");
        }
        row++;
    }
    arena_free(arena);
}

/* What it is compared with, and how it came out. */
static void print_head(const struct part *part)
{
    size_t n_new, n_gone;
    (void)log_compare_new_lines(part->compare, &n_new);
    (void)log_compare_gone(part->compare, &n_gone);
    bool is_bounded = log_compare_is_bounded(part->compare);
    char ended[CLOCK_TEXT_MAX];
    wall_format(part->green.ended_at, false, ended);
    if (!cli_has(part->cli, "json")) {
        printf("wf-%lld.%lld against wf-%lld.%lld, green at %s: %zu new, %zu gone%s\n",
               (long long)part->effect->workflow, (long long)part->effect->seq,
               (long long)part->green.workflow, (long long)part->green.seq, ended, n_new,
               n_gone, is_bounded ? " in the part looked at" : "");
        return;
    }
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, 1024);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "effect", part->effect->seq);
    jsonw_int(&w, "green_workflow", part->green.workflow);
    jsonw_int(&w, "green_effect", part->green.seq);
    jsonw_str(&w, "green_at", ended);
    jsonw_int(&w, "new", (int64_t)n_new);
    jsonw_int(&w, "gone", (int64_t)n_gone);
    jsonw_bool(&w, "is_bounded", is_bounded);
    jsonw_close(&w, '}');
    puts(out.data);
}

/* ---- both ------------------------------------------------------------------------------- */

static bool print(struct part *part, const struct workflow_row *row, struct err *err)
{
    int64_t around = 0;
    bool is_compare = cli_has(part->cli, "compare");
    if (!cli_number(part->cli, "around", 0, LOG_AROUND_MAX, is_compare ? 3 : 0, &around,
                    err)) {
        return false;
    }
    char *path =
        arena_printf(part->cli->arena, "%s-logs/%s", part->cli->store, part->effect->log);
    part->log = segment_open(path, err);
    if (part->log == NULL) {
        return false;
    }
    segment_set_line_max(part->log, SEGMENT_LINE_LONG);
    segment_info(part->log, &part->info);
    if (!is_compare) {
        grep(part, cli_value(part->cli, "grep"), (int)around);
    } else if (!compare(part, row, (int)around, err)) {
        return false;
    } else {
        print_head(part);
    }
    size_t n_gone = 0;
    if (part->compare != NULL) {
        (void)log_compare_gone(part->compare, &n_gone);
    }
    if (log_rows_count(part->rows, part->info.n_lines) > 1 || n_gone > 0) {
        print_rows(part);
    }
    return true;
}

int log_part(struct cli *cli, int64_t workflow, const char *step)
{
    struct err err = ERR_INIT;
    struct workflow_row row;
    struct part part = {.cli = cli};
    if (cli_has(cli, "follow")) {
        return cli_complain(cli, "-f goes with neither --grep nor --compare");
    }
    if (cli_has(cli, "grep") && cli_has(cli, "compare")) {
        return cli_complain(cli, "--grep and --compare do not go together");
    }
    bool is_good = find_step(cli, workflow, step, &row, &part.effect, &err) &&
                   print(&part, &row, &err);
    log_rows_free(part.rows);
    log_scan_free(part.scan);
    log_compare_free(part.compare);
    segment_free(part.green.log);
    segment_free(part.log);
    return is_good                 ? CLI_OK
           : err.code == ERR_USAGE ? cli_complain(cli, "%s", err.msg)
                                   : cli_fail(&err);
}
