/* SPDX-License-Identifier: MIT */
#include "tui/paint.h"

#include "engine/base/mem.h"
#include "engine/base/text.h"

#define SYNC_BEGIN "\x1b[?2026h"
#define SYNC_END   "\x1b[?2026l"
#define SYNC_MIN   512 /* bytes: a smaller frame arrives at once anyway */
#define UNKNOWN    (-1)

struct painter {
    int w, h;
    struct cell *shown; /* what the terminal shows */
    bool is_known;
    bool has_style;
    struct style style; /* in which it writes */
    int x, y;           /* its cursor; x UNKNOWN: place it before the next byte */
    bool is_cursor_shown, is_cursor_known;
};

/* One frame on its way. */
struct pass {
    struct painter *p;
    const struct theme *theme;
    const struct paint_caps *caps;
    struct buf *out;
    struct style blank; /* of a cleared cell */
    size_t n_changed;
};

struct painter *painter_new(void)
{
    return mem_alloc(sizeof(struct painter));
}

void painter_free(struct painter *painter)
{
    if (painter != NULL) {
        free(painter->shown);
        free(painter);
    }
}

void painter_forget(struct painter *painter)
{
    painter->is_known = false;
    painter->has_style = false;
    painter->is_cursor_known = false;
    painter->x = UNKNOWN;
}

static void emit(struct pass *pass, const char *text)
{
    (void)buf_str(pass->out, text); /* PAINT_FRAME_MAX is above any surface */
}

/* ---- style ---- */

static bool same_style(const struct style *a, const struct style *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static struct style style_of(const struct pass *pass, const struct cell *cell)
{
    struct style style = theme_style(pass->theme, (enum theme_role)cell->role,
                                     (enum theme_role)cell->ground);
    style.attrs &= pass->caps->attrs;
    if (cell->rune == ' ' && (style.attrs & (ATTR_UNDERLINE | ATTR_REVERSE)) == 0) {
        /* A space shows its background only. */
        style.fg = pass->blank.fg;
        style.attrs = 0;
    }
    return style;
}

static size_t write_colour(char *text, size_t cap, const struct colour *colour,
                           bool is_bg)
{
    int base = is_bg ? 40 : 30;
    int n;
    if (colour->kind == COLOUR_RGB) {
        n = snprintf(text, cap, ";%d;2;%d;%d;%d", base + 8, colour->r, colour->g,
                     colour->b);
    } else if (colour->kind == COLOUR_INDEX && colour->index < 8) {
        n = snprintf(text, cap, ";%d", base + colour->index);
    } else if (colour->kind == COLOUR_INDEX && colour->index < 16) {
        n = snprintf(text, cap, ";%d", base + 60 + colour->index - 8);
    } else if (colour->kind == COLOUR_INDEX) {
        n = snprintf(text, cap, ";%d;5;%d", base + 8, colour->index);
    } else {
        n = snprintf(text, cap, ";%d", base + 9);
    }
    return (size_t)n;
}

static bool same_colour(const struct colour *a, const struct colour *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static size_t write_attrs(char *text, size_t cap, uint8_t attrs)
{
    static const struct {
        uint8_t bit;
        char code;
    } rows[] = {
        {ATTR_BOLD,      '1'},
        {ATTR_DIM,       '2'},
        {ATTR_ITALIC,    '3'},
        {ATTR_UNDERLINE, '4'},
        {ATTR_REVERSE,   '7'},
    };
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows) && len + 2 < cap; i++) {
        if ((attrs & rows[i].bit) != 0) {
            text[len++] = ';';
            text[len++] = rows[i].code;
        }
    }
    text[len] = '\0';
    return len;
}

#define SGR_MAX 96

/* From nothing: "0", then all. */
static size_t write_whole(char *text, const struct style *to)
{
    size_t len = 0;
    text[len++] = '0';
    len += write_attrs(text + len, SGR_MAX - len, to->attrs);
    if (to->fg.kind != COLOUR_DEFAULT) {
        len += write_colour(text + len, SGR_MAX - len, &to->fg, false);
    }
    if (to->bg.kind != COLOUR_DEFAULT) {
        len += write_colour(text + len, SGR_MAX - len, &to->bg, true);
    }
    return len;
}

/* From one style to the next: only what differs. The first byte is a ';' too many. */
static size_t write_change(char *text, const struct style *from, const struct style *to)
{
    size_t len = 0;
    uint8_t off = from->attrs & (uint8_t)~to->attrs;
    uint8_t on = to->attrs & (uint8_t)~from->attrs;
    if ((off & (ATTR_BOLD | ATTR_DIM)) != 0) {
        len += (size_t)snprintf(text + len, SGR_MAX - len, ";22"); /* ends both */
        on |= to->attrs & (ATTR_BOLD | ATTR_DIM);
    }
    if ((off & ATTR_ITALIC) != 0) {
        len += (size_t)snprintf(text + len, SGR_MAX - len, ";23");
    }
    if ((off & ATTR_UNDERLINE) != 0) {
        len += (size_t)snprintf(text + len, SGR_MAX - len, ";24");
    }
    if ((off & ATTR_REVERSE) != 0) {
        len += (size_t)snprintf(text + len, SGR_MAX - len, ";27");
    }
    len += write_attrs(text + len, SGR_MAX - len, on);
    if (!same_colour(&from->fg, &to->fg)) {
        len += write_colour(text + len, SGR_MAX - len, &to->fg, false);
    }
    if (!same_colour(&from->bg, &to->bg)) {
        len += write_colour(text + len, SGR_MAX - len, &to->bg, true);
    }
    return len;
}

static void set_style(struct pass *pass, const struct style *to)
{
    struct painter *p = pass->p;
    char whole[SGR_MAX];
    char change[SGR_MAX];
    if (p->has_style && same_style(&p->style, to)) {
        return;
    }
    size_t n = write_whole(whole, to);
    const char *best = whole;
    /* A VT100 knows no way to end one attribute. */
    if (p->has_style && pass->caps->depth != DEPTH_MONO) {
        size_t n_change = write_change(change, &p->style, to);
        if (n_change <= n) {
            best = change + 1;
            n = n_change - 1;
        }
    }
    emit(pass, "\x1b[");
    if (n != 1 || best[0] != '0') {
        (void)buf_add(pass->out, best, n);
    }
    emit(pass, "m");
    p->style = *to;
    p->has_style = true;
}

/* ---- cursor ---- */

#define MOVE_MAX 32

static size_t write_absolute(char *text, int x, int y)
{
    if (x == 0 && y == 0) {
        return (size_t)snprintf(text, MOVE_MAX, "\x1b[H");
    }
    if (x == 0) {
        return (size_t)snprintf(text, MOVE_MAX, "\x1b[%dH", y + 1);
    }
    return (size_t)snprintf(text, MOVE_MAX, "\x1b[%d;%dH", y + 1, x + 1);
}

/* From a known place down a few rows (line feeds keep the column: output is raw) and
 * along the row; 0 when that is no good way. */
static size_t write_relative(char *text, int from_x, int from_y, int x, int y)
{
    size_t len = 0;
    if (y < from_y || y - from_y > 3) {
        return 0;
    }
    for (int i = from_y; i < y; i++) {
        text[len++] = '\n';
    }
    if (x < from_x && from_x - x <= 3) {
        for (int i = x; i < from_x; i++) {
            text[len++] = '\b';
        }
        from_x = x;
    } else if (x < from_x) {
        text[len++] = '\r';
        from_x = 0;
    }
    if (x == from_x + 1) {
        len += (size_t)snprintf(text + len, MOVE_MAX - len, "\x1b[C");
    } else if (x > from_x) {
        len += (size_t)snprintf(text + len, MOVE_MAX - len, "\x1b[%dC", x - from_x);
    }
    return len;
}

static void move_to(struct pass *pass, int x, int y)
{
    struct painter *p = pass->p;
    char absolute[MOVE_MAX];
    char relative[MOVE_MAX];
    if (p->x == x && p->y == y) {
        return;
    }
    size_t n = write_absolute(absolute, x, y);
    size_t n_relative = p->x == UNKNOWN ? 0 : write_relative(relative, p->x, p->y, x, y);
    if (n_relative > 0 && n_relative < n) {
        (void)buf_add(pass->out, relative, n_relative);
    } else {
        (void)buf_add(pass->out, absolute, n);
    }
    p->x = x;
    p->y = y;
}

/* ---- cells ---- */

static bool is_plain(const struct cell *cell)
{
    return cell->rune < 0x1100 && cell->rune != 0 && cell->marks[0] == 0 &&
           (cell->rune < 0x300 || cell->rune > 0x36F);
}

static void write_cell(struct pass *pass, const struct cell *cell, int cells)
{
    struct painter *p = pass->p;
    char bytes[4];
    (void)buf_add(pass->out, bytes, text_encode(cell->rune, bytes));
    for (int i = 0; i < CELL_MARKS && cell->marks[i] != 0; i++) {
        (void)buf_add(pass->out, bytes, text_encode(cell->marks[i], bytes));
    }
    p->x += cells;
    /* Symbols that every terminal shows in one cell need no new place. */
    bool is_symbol = (cell->rune >= 0x2010 && cell->rune < 0x2600) ||
                     cell->rune == 0x2713 || cell->rune == 0x2717;
    bool is_sure = is_plain(cell) || (cell->marks[0] == 0 && is_symbol && cells == 1);
    if (!is_sure || p->x >= p->w) {
        p->x = UNKNOWN;
    }
}

/* Going over a few unchanged cells by writing them again is shorter than moving. */
static bool bridge_gap(struct pass *pass, const struct cell *row, int x, int y)
{
    const struct painter *p = pass->p;
    if (p->x == UNKNOWN || p->y != y || p->x >= x || x - p->x > 3 || !p->has_style) {
        return false;
    }
    for (int i = p->x; i < x; i++) {
        struct style style = style_of(pass, &row[i]);
        if (row[i].rune >= 0x7F || row[i].rune < ' ' || row[i].marks[0] != 0 ||
            !same_style(&style, &p->style)) {
            return false;
        }
    }
    int from = p->x;
    for (int i = from; i < x; i++) {
        write_cell(pass, &row[i], 1);
    }
    return true;
}

static bool looks_same(const struct pass *pass, const struct cell *a,
                       const struct cell *b)
{
    if (memcmp(a, b, sizeof(*a)) == 0) {
        return true;
    }
    if (a->rune != b->rune || memcmp(a->marks, b->marks, sizeof(a->marks)) != 0) {
        return false;
    }
    struct style style_a = style_of(pass, a);
    struct style style_b = style_of(pass, b);
    return same_style(&style_a, &style_b);
}

/* A space shows its ground only: between two words the colour of the words may stay. */
static bool shows_as_space(const struct pass *pass, const struct style *wanted)
{
    const struct painter *p = pass->p;
    return p->has_style && same_colour(&p->style.bg, &wanted->bg) && wanted->attrs == 0 &&
           (p->style.attrs & (ATTR_UNDERLINE | ATTR_REVERSE)) == 0;
}

static void draw_cell(struct pass *pass, const struct cell *row, int x, int y)
{
    bool is_wide = x + 1 < pass->p->w && row[x + 1].rune == 0;
    struct style style = style_of(pass, &row[x]);
    if (!bridge_gap(pass, row, x, y)) {
        move_to(pass, x, y);
    }
    if (row[x].rune != ' ' || !shows_as_space(pass, &style)) {
        set_style(pass, &style);
    }
    write_cell(pass, &row[x], is_wide ? 2 : 1);
}

/* Spaces that look alike from x on. Only such as erasing makes: no underline, no reverse.
 */
static int blank_run(const struct pass *pass, const struct cell *row, int x)
{
    struct style first = style_of(pass, &row[x]);
    int n = 0;
    if (first.attrs != 0) {
        return 0;
    }
    while (x + n < pass->p->w && row[x + n].rune == ' ' && row[x + n].marks[0] == 0) {
        if (memcmp(&row[x + n], &row[x], sizeof(row[x])) != 0) {
            struct style style = style_of(pass, &row[x + n]);
            if (!same_style(&style, &first)) {
                break;
            }
        }
        n++;
    }
    return n;
}

/* A run of n alike spaces at x: erase it when that is shorter than writing. Returns cells
 * done. */
static int erase_run(struct pass *pass, const struct cell *row, int x, int y, int n)
{
    struct style style = style_of(pass, &row[x]);
    bool is_tail = x + n == pass->p->w;
    bool can_erase = style.bg.kind == COLOUR_DEFAULT || pass->caps->has_bce;
    if (!can_erase || n < (is_tail ? 4 : 12) || (!is_tail && !pass->caps->has_ech)) {
        return 0;
    }
    move_to(pass, x, y);
    set_style(pass, &style);
    if (is_tail) {
        emit(pass, "\x1b[K");
    } else {
        (void)buf_printf(pass->out, "\x1b[%dX", n);
    }
    return n;
}

/* The unchanged end of a run need not be erased again. */
static bool is_changed_in(const struct pass *pass, const struct cell *row,
                          const struct cell *shown, int x, int n)
{
    int changed = 0;
    for (int i = x; i < x + n && changed < 4; i++) {
        changed += looks_same(pass, &row[i], &shown[i]) ? 0 : 1;
    }
    return changed >= 4;
}

static void paint_row(struct pass *pass, const struct cell *row, int y)
{
    struct painter *p = pass->p;
    struct cell *shown = p->shown + (size_t)y * (size_t)p->w;
    if (memcmp(row, shown, (size_t)p->w * sizeof(*row)) == 0) {
        return;
    }
    for (int x = 0; x < p->w; x++) {
        /* A wide character is one thing: draw it when either half differs. */
        bool is_wide = x + 1 < p->w && row[x + 1].rune == 0;
        bool is_same = looks_same(pass, &row[x], &shown[x]) &&
                       (!is_wide || looks_same(pass, &row[x + 1], &shown[x + 1]));
        if (is_same || row[x].rune == 0) {
            continue;
        }
        pass->n_changed += is_wide ? 2 : 1;
        int n = blank_run(pass, row, x);
        if (n >= 4 && is_changed_in(pass, row, shown, x, n)) {
            n = erase_run(pass, row, x, y, n);
            if (n > 0) {
                pass->n_changed += (size_t)n - 1;
                x += n - 1;
                continue;
            }
        }
        if (y == p->h - 1 && x == p->w - 1 && !pass->caps->wraps_late) {
            continue; /* writing there would scroll */
        }
        draw_cell(pass, row, x, y);
    }
    memcpy(shown, row, (size_t)p->w * sizeof(*row));
}

static void place_cursor(struct pass *pass, const struct surface *surface)
{
    struct painter *p = pass->p;
    int x;
    int y;
    bool is_shown = surface_cursor(surface, &x, &y);
    if (!pass->caps->has_cursor_mode) {
        if (!is_shown && pass->out->len > 0) {
            move_to(pass, 0, p->h - 1); /* it cannot be hidden: keep it out of the way */
        }
    } else if (!p->is_cursor_known || is_shown != p->is_cursor_shown) {
        emit(pass, is_shown ? "\x1b[?25h" : "\x1b[?25l");
        p->is_cursor_shown = is_shown;
        p->is_cursor_known = true;
    }
    if (is_shown) {
        move_to(pass, x, y);
    }
}

/* Does clearing give what a blank cell shall look like? */
static bool can_clear(const struct pass *pass)
{
    return pass->blank.bg.kind == COLOUR_DEFAULT || pass->caps->has_bce;
}

static void begin_screen(struct pass *pass, int w, int h)
{
    struct painter *p = pass->p;
    static const struct cell blank = {.rune = ' '};
    if (p->is_known && p->w == w && p->h == h) {
        return;
    }
    size_t n = (size_t)w * (size_t)h;
    p->w = w;
    p->h = h;
    free(p->shown);
    p->shown = mem_array(n + 1, sizeof(*p->shown));
    set_style(pass, &pass->blank);
    emit(pass, "\x1b[H\x1b[2J");
    p->x = 0;
    p->y = 0;
    for (size_t i = 0; i < n; i++) {
        p->shown[i] = blank;
        if (!can_clear(pass)) {
            p->shown[i].rune = 1; /* not what is wanted: every cell is written */
        }
    }
    p->is_known = true;
}

size_t painter_show(struct painter *painter, const struct surface *surface,
                    const struct theme *theme, const struct paint_caps *caps,
                    struct buf *out)
{
    struct pass pass = {.p = painter, .theme = theme, .caps = caps, .out = out};
    static const struct cell blank = {.rune = ' '};
    size_t start = out->len;
    pass.blank = theme_style(theme, ROLE_TEXT, ROLE_TEXT);
    pass.blank.attrs = 0;
    pass.blank = style_of(&pass, &blank);
    begin_screen(&pass, surface_width(surface), surface_height(surface));
    bool has_cleared = out->len > start;
    if (has_cleared && caps->has_cursor_mode) {
        emit(&pass, "\x1b[?25l"); /* no cursor running over the screen */
        painter->is_cursor_shown = false;
        painter->is_cursor_known = true;
    }
    for (int y = 0; y < painter->h; y++) {
        paint_row(&pass, surface_row(surface, y), y);
    }
    place_cursor(&pass, surface);
    if (caps->has_sync && out->len - start >= SYNC_MIN) {
        AUTO_BUF struct buf frame;
        buf_init(&frame, PAINT_FRAME_MAX);
        (void)buf_add(&frame, out->data + start, out->len - start);
        out->len = start;
        emit(&pass, SYNC_BEGIN);
        (void)buf_add(out, frame.data, frame.len);
        emit(&pass, SYNC_END);
    }
    return pass.n_changed;
}
