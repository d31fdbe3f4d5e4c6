/* SPDX-License-Identifier: MIT */

/* signalbox trace: where the time of a workflow went, as a waterfall. */
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/trace/waterfall.h"
#include "store/finding.h"
#include "tui/cli/columns.h"
#include "tui/cli/rows.h"

#define NARROW   80 /* cells where the output is no terminal */
#define WIDEST   200
#define NAME_MIN 30
#define FIXED    20 /* cells of everything but name and bar */

struct picture {
    struct workflow_row row;
    struct waterfall fall;
};

static bool read_picture(struct cli *cli, int64_t id, struct picture *picture,
                         struct err *err)
{
    const struct effect_row *effects = NULL;
    const struct span_row *spans = NULL;
    size_t n_effects = 0, n_spans = 0;
    if (!reader_begin(cli->reader, err)) {
        return false;
    }
    enum found found = reader_workflow(cli->reader, cli->arena, id, &picture->row, err);
    bool is_read =
        found == FOUND &&
        reader_effects(cli->reader, cli->arena, id, &effects, &n_effects, err) &&
        reader_spans(cli->reader, cli->arena, id, 0, WATERFALL_MAX, &spans, &n_spans,
                     err);
    reader_end(cli->reader);
    if (found == MISSING) {
        return err_set(err, ERR_NOT_FOUND, "there is no workflow wf-%lld", (long long)id);
    }
    if (is_read) {
        picture->fall = waterfall_build(cli->arena, &picture->row, effects, n_effects,
                                        spans, n_spans, wall_now());
    }
    return is_read;
}

/* ---- JSON -----------------------------------------------------------------------------
 */

static void put_row(struct jsonw *w, const struct waterfall_row *row)
{
    static const char *const statuses[] = {"unset", "ok", "error"};
    const struct span_row *span = &row->span;
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "span_id", span->span);
    jsonw_str(w, "parent_id", span->parent[0] != '\0' ? span->parent : NULL);
    jsonw_str(w, "kind", span->kind);
    jsonw_str(w, "name", span->name);
    jsonw_int(w, "depth", row->depth);
    jsonw_int(w, "start_us", span->start_us);
    if (row->is_open) {
        jsonw_null(w, "end_us");
    } else {
        jsonw_int(w, "end_us", row->end_us);
    }
    jsonw_int(w, "took_us", row->end_us - span->start_us);
    jsonw_str(w, "status",
              statuses[span->status >= 0 && span->status < 3 ? span->status : 0]);
    jsonw_bool(w, "is_critical", row->is_critical);
    jsonw_raw(w, "attributes", span->attributes, strlen(span->attributes));
    jsonw_close(w, '}');
}

static void print_json(const struct picture *picture)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "workflow", picture->row.id);
    jsonw_str(&w, "trace_id", picture->fall.rows[0].span.trace);
    jsonw_int(&w, "start_us", picture->fall.start_us);
    jsonw_int(&w, "end_us", picture->fall.end_us);
    jsonw_open(&w, "spans", '[');
    for (size_t i = 0; i < picture->fall.n; i++) {
        put_row(&w, &picture->fall.rows[i]);
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    puts(out.data);
}

/* ---- people ---------------------------------------------------------------------------
 */

struct look {
    bool is_ascii;
    int name, bar; /* cells */
};

static const char *glyph(const struct look *look, const char *utf8, const char *ascii)
{
    return look->is_ascii ? ascii : utf8;
}

static const char *status_of(const struct look *look, const struct waterfall_row *row)
{
    if (row->is_open) {
        return glyph(look, "▶", ">");
    }
    switch (row->span.status) {
    case SPAN_OK:
        return glyph(look, "✓", "+");
    case SPAN_ERROR:
        return glyph(look, "✗", "x");
    default:
        return glyph(look, "·", ".");
    }
}

/* Indented, cut, and filled up to the column. */
static void print_name(const struct look *look, const struct waterfall_row *row)
{
    char clean[SPAN_TEXT_MAX * 4], cut[SPAN_TEXT_MAX * 4];
    int indent = row->depth * 2 < look->name / 2 ? row->depth * 2 : look->name / 2;
    int left = look->name - indent;
    (void)text_clean_into(clean, sizeof(clean), row->span.name);
    (void)text_ellipsis(cut, sizeof(cut), clean, left, look->is_ascii);
    int used = text_cells(cut, strlen(cut));
    printf("%*s%s%*s", indent, "", cut, left > used ? left - used : 0, "");
}

static void print_bar(const struct look *look, const struct waterfall *fall,
                      const struct waterfall_row *row)
{
    int first, n;
    if (!waterfall_bar(row->span.start_us, row->end_us, fall->start_us, fall->end_us,
                       look->bar, &first, &n)) {
        return;
    }
    const char *cell = row->is_critical ? glyph(look, "█", "#") : glyph(look, "▒", "=");
    printf("%*s", first, "");
    for (int i = 0; i < n; i++) {
        fputs(cell, stdout);
    }
}

static void print_row(const struct look *look, const struct waterfall *fall,
                      const struct waterfall_row *row)
{
    char start[WATERFALL_TEXT_MAX], took[WATERFALL_TEXT_MAX];
    int64_t at = row->span.start_us - fall->start_us;
    printf("%s ", row->is_critical ? "*" : " ");
    print_name(look, row);
    printf(" %s %6s %6s ", status_of(look, row), at > 0 ? waterfall_time(at, start) : "0",
           waterfall_time(row->end_us - row->span.start_us, took));
    print_bar(look, fall, row);
    putchar('\n');
}

static void print_picture(const struct picture *picture)
{
    char took[WATERFALL_TEXT_MAX], line[96];
    const struct waterfall *fall = &picture->fall;
    int width = columns_terminal();
    width = width < NARROW ? NARROW : width > WIDEST ? WIDEST : width;
    struct look look = {.is_ascii = columns_is_ascii()};
    look.name = NAME_MIN + (width - NARROW) / 4;
    look.bar = width - FIXED - look.name;
    (void)snprintf(line, sizeof(line), "wf-%lld %s, %s, %zu spans",
                   (long long)picture->row.id, state_name(picture->row.state),
                   waterfall_time(fall->end_us - fall->start_us, took), fall->n);
    puts(line);
    printf("trace %s\n\n", fall->rows[0].span.trace);
    printf("  %-*s    START   TOOK\n", look.name, "SPAN");
    for (size_t i = 0; i < fall->n; i++) {
        print_row(&look, fall, &fall->rows[i]);
    }
    puts("\n* on the critical path: what decided how long it took");
}

/* Columns between tabs: depth, kind, name, start, took (microseconds), status, critical. */
static void print_plain(const struct picture *picture)
{
    for (size_t i = 0; i < picture->fall.n; i++) {
        const struct waterfall_row *row = &picture->fall.rows[i];
        printf("%d\t%s\t", row->depth, row->span.kind);
        cli_print_clean(stdout, row->span.name);
        printf("\t%lld\t%lld\t%s\t%s\t%s\n",
               (long long)(row->span.start_us - picture->fall.start_us),
               (long long)(row->end_us - row->span.start_us),
               row->is_open                     ? "open"
               : row->span.status == SPAN_OK    ? "ok"
               : row->span.status == SPAN_ERROR ? "error"
                                                : "unset",
               row->is_critical ? "critical" : "", row->span.span);
    }
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct picture picture = {0};
    int64_t id;
    if (!cli_parse_id(cli->args[0], &id)) {
        return cli_complain(cli, "'%.80s' is no workflow; expected a number or wf-NUMBER",
                            cli->args[0]);
    }
    if (!read_picture(cli, id, &picture, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        print_json(&picture);
    } else if (cli_has(cli, "plain")) {
        print_plain(&picture);
    } else {
        print_picture(&picture);
    }
    return CLI_OK;
}

const struct cli_command cli_trace = {
    .name = "trace",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .access = ACCESS_READ,
    .help = "show where the time of a workflow went",
    .more = "A waterfall of its states, steps and calls to services, with the critical "
            "path. What still runs is drawn up to now.",
    .run = run,
};
