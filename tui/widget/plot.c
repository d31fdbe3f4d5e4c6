/* SPDX-License-Identifier: MIT */
#include "tui/widget/plot.h"

#include <math.h>
#include <string.h>

#include "engine/base/mem.h"

#define NOBODY 0xFF

const char *plot_style_word(enum plot_style style)
{
    static const char *const words[] = {
#define X(id, word) word,
        PLOT_STYLE_LIST(X)
#undef X
    };
    return (unsigned)style < PLOT_STYLES ? words[style] : "";
}

enum theme_role plot_role(size_t line)
{
    static const enum theme_role roles[PLOT_LINES_MAX] = {
        ROLE_CHART, ROLE_CHART_SECOND, ROLE_CHART_THIRD, ROLE_CHART_FOURTH};
    return line < PLOT_LINES_MAX ? roles[line] : ROLE_CHART;
}

void plot_scale(double lo, double hi, int max_ticks, double *ret_lo, double *ret_hi,
                double *ret_step)
{
    if (!isfinite(lo) || !isfinite(hi) || lo > hi) {
        lo = 0;
        hi = 1;
    }
    if (lo >= 0 && lo < hi * 0.4)
        lo = 0;
    if (hi - lo < 1e-9 * fmax(fabs(hi), 1e-9)) {
        double room = fabs(hi) > 0 ? fabs(hi) * 0.1 : 1;
        lo = lo == 0 ? 0 : lo - room;
        hi += room;
    }
    double rough = (hi - lo) / (max_ticks > 1 ? max_ticks : 1);
    double unit = pow(10, floor(log10(rough)));
    double of = rough / unit;
    double step = (of <= 1 ? 1 : of <= 2 ? 2 : of <= 5 ? 5 : 10) * unit;
    *ret_lo = floor(lo / step + 1e-9) * step;
    *ret_hi = ceil(hi / step - 1e-9) * step;
    *ret_step = step;
}

/* In `parts` equal parts from above, 0 .. parts - 1. */
static int place_of(double value, double lo, double hi, int parts)
{
    double share = hi > lo ? (hi - value) / (hi - lo) : 0.5;
    double at = share * parts;
    return at < 0 ? 0 : at >= parts ? parts - 1 : (int)at;
}

int plot_row(double value, double lo, double hi, int h)
{
    return place_of(value, lo, hi, h);
}

/* ---- dots ------------------------------------------------------------------------------- */

/* Dots of all cells: `across` x `down` in each. */
struct dots {
    int w, h, across, down;
    unsigned char *bits;  /* of a cell: bit y * across + x */
    unsigned char *owner; /* line, or PLOT_LINES_MAX for the band; NOBODY */
};

/* The second line is drawn in dashes, and so on: which columns of dots. */
static bool is_drawn_at(size_t line, int x)
{
    static const struct {
        int of, on;
    } dashes[PLOT_LINES_MAX] = {
        {1, 1},
        {4, 2},
        {3, 1},
        {6, 4}
    };
    return x % dashes[line].of < dashes[line].on;
}

static void put(struct dots *dots, int x, int y, unsigned char owner)
{
    int cx = x / dots->across, cy = y / dots->down;
    if (x < 0 || y < 0 || cx >= dots->w || cy >= dots->h)
        return;
    size_t at = (size_t)cy * (size_t)dots->w + (size_t)cx;
    if (owner > dots->owner[at])
        return; /* the band gives way to a line, a later line to an earlier one */
    if (owner < dots->owner[at])
        dots->bits[at] = owner < PLOT_LINES_MAX && dots->owner[at] < PLOT_LINES_MAX
                             ? dots->bits[at]
                             : 0;
    dots->owner[at] = owner;
    dots->bits[at] |=
        (unsigned char)(1u << (y % dots->down * dots->across + x % dots->across));
}

static void put_range(struct dots *dots, int x, int from, int to, unsigned char owner)
{
    if (from > to) {
        int swap = from;
        from = to;
        to = swap;
    }
    for (int y = from; y <= to; y++)
        put(dots, x, y, owner);
}

static int column_of(const struct dots *dots, const struct plot *plot, size_t slot)
{
    return (int)(slot * (size_t)dots->w * (size_t)dots->across / plot->n_slots);
}

int plot_cell(const struct plot *plot, size_t slot, int w)
{
    return plot->n_slots > 0 ? (int)(slot * (size_t)w / plot->n_slots) : 0;
}

/* From the last known slot to this one, column by column. */
static void join(struct dots *dots, size_t line, int x0, int y0, int x1, int y1)
{
    int before = y0;
    for (int x = x0 + 1; x <= x1; x++) {
        int y = y0 + (int)lround((double)(y1 - y0) * (x - x0) / (x1 - x0));
        if (is_drawn_at(line, x))
            put_range(dots, x,
                      before < y   ? before + 1
                      : before > y ? before - 1
                                   : y,
                      y, (unsigned char)line);
        before = y;
    }
}

static void put_line(struct dots *dots, const struct plot *plot, size_t k)
{
    const struct plot_line *line = &plot->lines[k];
    int parts = dots->h * dots->down, last_x = -1, last_y = 0;
    size_t last = 0;
    for (size_t i = 0; i < plot->n_past; i++) {
        const struct plot_slot *slot = &line->slots[i];
        if (slot->n == 0)
            continue;
        int x = column_of(dots, plot, i);
        int y = place_of(slot->mean, line->lo, line->hi, parts);
        if (last_x >= 0 && i - last <= plot->join && x > last_x)
            join(dots, k, last_x, last_y, x, y);
        if (is_drawn_at(k, x))
            put_range(dots, x, place_of(slot->max, line->lo, line->hi, parts),
                      place_of(slot->min, line->lo, line->hi, parts), (unsigned char)k);
        last_x = x;
        last_y = y;
        last = i;
    }
}

/* What is forecast, in dots with gaps between them. */
static void put_ahead(struct dots *dots, const struct plot *plot, size_t k)
{
    const struct plot_line *line = &plot->lines[k];
    for (size_t i = plot->n_past; i < plot->n_slots; i++)
        if (i % 3 == 0 && isfinite(line->slots[i].mean))
            put(dots, column_of(dots, plot, i),
                place_of(line->slots[i].mean, line->lo, line->hi, dots->h * dots->down),
                (unsigned char)k);
}

static void put_band(struct dots *dots, const struct plot *plot, size_t k)
{
    const struct plot_line *line = &plot->lines[k];
    int parts = dots->h * dots->down;
    for (size_t i = 0; i < plot->n_slots; i++) {
        const struct plot_slot *slot = &line->slots[i];
        if (i % 2 != 0 || !isfinite(slot->low) || !isfinite(slot->high))
            continue;
        int x = column_of(dots, plot, i);
        if (slot->low >= line->lo)
            put(dots, x, place_of(slot->low, line->lo, line->hi, parts), PLOT_LINES_MAX);
        if (slot->high <= line->hi)
            put(dots, x, place_of(slot->high, line->lo, line->hi, parts), PLOT_LINES_MAX);
    }
}

static void draw_braille(const struct canvas *canvas, int x, int y, enum theme_role role,
                         unsigned bits)
{
    /* Bit of our row-major 2 x 4 to the dot numbers of Unicode, chapter 21.1. */
    static const unsigned char dot[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    unsigned rune = 0;
    for (int i = 0; i < 8; i++)
        if ((bits >> i & 1u) != 0)
            rune |= dot[i];
    const char text[4] = {(char)0xE2, (char)(0xA0 | rune >> 6),
                          (char)(0x80 | (rune & 0x3F)), '\0'};
    canvas_text(canvas, x, y, 1, role, text);
}

/* Two rows of dots in a cell: which of them. */
static void draw_ascii(const struct canvas *canvas, int x, int y, enum theme_role role,
                       unsigned bits, unsigned char owner, bool has_numbers)
{
    static const char marks[4][2] = {" ", "'", ".", ":"};
    char number[2] = {(char)('1' + owner), '\0'};
    canvas_text(canvas, x, y, 1, role,
                has_numbers && owner < PLOT_LINES_MAX ? number : marks[bits & 3]);
}

static void draw_dots(const struct canvas *canvas, const struct plot *plot)
{
    bool is_ascii = canvas_is_ascii(canvas);
    size_t n = (size_t)canvas->w * (size_t)canvas->h;
    AUTO_FREE unsigned char *bits = mem_array(n, 1);
    AUTO_FREE unsigned char *owner = mem_array(n, 1);
    memset(owner, NOBODY, n);
    struct dots dots = {canvas->w,        canvas->h, is_ascii ? 1 : 2,
                        is_ascii ? 2 : 4, bits,      owner};
    put_band(&dots, plot, 0);
    for (size_t k = plot->n_lines; k-- > 0;) {
        put_ahead(&dots, plot, k);
        put_line(&dots, plot, k);
    }
    for (size_t i = 0; i < n; i++) {
        if (owner[i] == NOBODY)
            continue;
        int x = (int)(i % (size_t)canvas->w), y = (int)(i / (size_t)canvas->w);
        enum theme_role role =
            owner[i] < PLOT_LINES_MAX ? plot_role(owner[i]) : ROLE_CHART_AXIS;
        if (is_ascii)
            draw_ascii(canvas, x, y, role, bits[i], owner[i], plot->n_lines > 1);
        else
            draw_braille(canvas, x, y, role, bits[i]);
    }
}

/* ---- blocks ----------------------------------------------------------------------------- */

/* Mean of the slots of a cell; NAN when nothing is known. */
static double cell_mean(const struct plot *plot, int x, int w)
{
    double sum = 0;
    int n = 0;
    size_t from = (size_t)x * plot->n_slots / (size_t)w;
    size_t to = ((size_t)x + 1) * plot->n_slots / (size_t)w;
    for (size_t i = from; i < to && i < plot->n_past; i++)
        if (plot->lines[0].slots[i].n > 0) {
            sum += plot->lines[0].slots[i].mean;
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}

static void draw_blocks(const struct canvas *canvas, const struct plot *plot)
{
    const struct plot_line *line = &plot->lines[0];
    double last = (double)NAN;
    int since = 0;
    int end = plot_cell(plot, plot->n_past, canvas->w);
    for (int x = 0; x < end; x++) {
        double mean = cell_mean(plot, x, canvas->w);
        since = isfinite(mean) ? 0 : since + (int)plot->n_slots / canvas->w + 1;
        if (!isfinite(mean) && (size_t)since <= plot->join)
            mean = last; /* points are rarer than cells */
        last = mean;
        if (!isfinite(mean))
            continue;
        double share = (mean - line->lo) / (line->hi - line->lo);
        int eighths = (int)(share * canvas->h * 8 + 0.5);
        eighths = eighths < 1 ? 1 : eighths > canvas->h * 8 ? canvas->h * 8 : eighths;
        for (int y = canvas->h - 1; eighths > 0; y--, eighths -= 8)
            canvas_glyph(canvas, x, y, ROLE_CHART,
                         (enum glyph)(GLYPH_BAR1 + (eighths < 8 ? eighths : 8) - 1));
    }
}

/* ---- all of it -------------------------------------------------------------------------- */

/* Lines carry their numbers where they end; lines that end together beside each other. */
static void draw_numbers(const struct canvas *canvas, const struct plot *plot)
{
    int taken[PLOT_LINES_MAX]; /* cells with a number */
    size_t n = 0;
    for (size_t k = plot->n_lines; k-- > 0;) {
        size_t i = plot->n_past;
        while (i > 0 && plot->lines[k].slots[i - 1].n == 0)
            i--;
        if (i == 0)
            continue;
        const struct plot_slot *slot = &plot->lines[k].slots[i - 1];
        int x = plot_cell(plot, i - 1, canvas->w);
        int y = plot_row(slot->mean, plot->lines[k].lo, plot->lines[k].hi, canvas->h);
        x = x < canvas->w ? x : canvas->w - 1;
        for (size_t j = 0; j < n; j++)
            if (taken[j] == y * canvas->w + x) {
                x--;
                j = (size_t)-1; /* again from the first */
            }
        taken[n++] = y * canvas->w + x;
        canvas_printf(canvas, x, y, 1, plot_role(k), "%zu", k + 1);
    }
}

void plot_draw(const struct canvas *canvas, const struct plot *plot)
{
    if (canvas->w <= 0 || canvas->h <= 0 || plot->n_lines == 0 || plot->n_slots == 0)
        return;
    if (plot->style == PLOT_BLOCKS && plot->n_lines == 1)
        draw_blocks(canvas, plot);
    else
        draw_dots(canvas, plot);
    if (plot->n_lines > 1)
        draw_numbers(canvas, plot);
}
