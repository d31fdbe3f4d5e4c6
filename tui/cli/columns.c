/* SPDX-License-Identifier: MIT */
#include "tui/cli/columns.h"

#include <langinfo.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/text.h"

#define COLUMN_GAP     2
#define CELL_TEXT_MAX  8192
#define LINE_MAX_BYTES (1024 * 1024)
#define ELASTIC_MIN    12 /* below this a line is rather too long */
#define ROWS_PER_BLOCK 64

struct cell {
    const char *text; /* clean */
    size_t len;
    int cells;
};

struct columns {
    struct arena *arena;
    const struct column *columns;
    size_t n;
    struct cell *cells; /* row after row; arrays grow by copying inside the arena */
    size_t n_cells, cap;
};

struct columns *columns_new(struct arena *arena, const struct column *columns, size_t n)
{
    struct columns *table = arena_alloc(arena, sizeof(*table));
    *table = (struct columns){.arena = arena, .columns = columns, .n = n};
    return table;
}

static struct cell *next_cell(struct columns *table)
{
    if (table->n_cells == table->cap) {
        size_t cap = table->cap == 0 ? table->n * ROWS_PER_BLOCK : table->cap * 2;
        struct cell *cells = arena_array(table->arena, cap, sizeof(cells[0]));
        if (table->n_cells > 0) {
            memcpy(cells, table->cells, table->n_cells * sizeof(cells[0]));
        }
        table->cells = cells;
        table->cap = cap;
    }
    return &table->cells[table->n_cells++];
}

void columns_cell(struct columns *table, const char *format, ...)
{
    char raw[CELL_TEXT_MAX];
    struct buf AUTO_BUF clean = {0};
    struct cell *cell = next_cell(table);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(raw, sizeof(raw), format, args); /* a cell longer than that is cut */
    va_end(args);
    buf_init(&clean, (size_t)CELL_TEXT_MAX * 4);
    text_clean(&clean, raw, strlen(raw), TEXT_ONE_LINE);
    cell->text = arena_strn(table->arena, clean.data, clean.len);
    cell->len = clean.len;
    cell->cells = text_cells(cell->text, cell->len);
}

static void print_plain(const struct columns *table, FILE *file)
{
    for (size_t i = 0; i < table->n_cells; i++) {
        bool is_last = i % table->n == table->n - 1;
        fprintf(file, "%s%c", table->cells[i].text, is_last ? '\n' : '\t');
    }
}

static void measure(const struct columns *table, int *widths)
{
    for (size_t c = 0; c < table->n; c++) {
        widths[c] = text_cells(table->columns[c].title, strlen(table->columns[c].title));
    }
    for (size_t i = 0; table->n > 0 && i < table->n_cells; i++) {
        int *width = &widths[i % table->n];
        *width = table->cells[i].cells > *width ? table->cells[i].cells : *width;
    }
}

static void shrink(const struct columns *table, int *widths, int width, int indent)
{
    int total = indent;
    size_t elastic = table->n;
    for (size_t c = 0; c < table->n; c++) {
        total += widths[c] + (c > 0 ? COLUMN_GAP : 0);
        elastic = table->columns[c].is_elastic ? c : elastic;
    }
    if (width > 0 && total > width && elastic < table->n) {
        int left = widths[elastic] - (total - width);
        widths[elastic] = left < ELASTIC_MIN ? ELASTIC_MIN : left;
    }
}

static void add_spaces(struct buf *line, int n)
{
    while (n-- > 0) {
        (void)buf_char(line, ' '); /* a line beyond the bound is cut */
    }
}

static void add_cell(struct buf *line, const struct column *column,
                     const struct cell *cell, int width)
{
    char shorter[CELL_TEXT_MAX];
    const char *text = cell->text;
    int cells = cell->cells;
    if (cells > width && (size_t)width * 4 + 4 <= sizeof(shorter)) {
        text = text_ellipsis(shorter, sizeof(shorter), text, width, columns_is_ascii());
        cells = text_cells(text, strlen(text));
    }
    if (column->is_right) {
        add_spaces(line, width - cells);
    }
    (void)buf_str(line, text);
    if (!column->is_right) {
        add_spaces(line, width - cells);
    }
}

static void print_row(const struct columns *table, FILE *file, const struct cell *row,
                      const int *widths, int indent)
{
    struct buf AUTO_BUF line = {0};
    buf_init(&line, LINE_MAX_BYTES);
    add_spaces(&line, indent);
    for (size_t c = 0; c < table->n; c++) {
        add_spaces(&line, c > 0 ? COLUMN_GAP : 0);
        add_cell(&line, &table->columns[c], &row[c], widths[c]);
    }
    while (line.len > 0 && line.data[line.len - 1] == ' ') {
        line.len--;
    }
    fprintf(file, "%.*s\n", (int)line.len, line.data);
}

void columns_print(const struct columns *table, FILE *file, bool is_plain, int width,
                   int indent)
{
    if (is_plain) {
        print_plain(table, file);
        return;
    }
    int *widths = arena_array(table->arena, table->n, sizeof(widths[0]));
    struct cell *titles = arena_array(table->arena, table->n, sizeof(titles[0]));
    measure(table, widths);
    shrink(table, widths, width, indent);
    for (size_t c = 0; c < table->n; c++) {
        const char *title = table->columns[c].title;
        titles[c] = (struct cell){title, strlen(title), text_cells(title, strlen(title))};
    }
    print_row(table, file, titles, widths, indent);
    for (size_t i = 0; i < table->n_cells; i += table->n) {
        print_row(table, file, &table->cells[i], widths, indent);
    }
}

int columns_terminal(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

bool columns_is_ascii(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}
