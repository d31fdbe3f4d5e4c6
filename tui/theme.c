/* SPDX-License-Identifier: MIT */
#include "tui/theme.h"

#include <limits.h>

#include "engine/base/asset.h"
#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

struct role_row {
    const char *name, *help;
};

static const struct role_row roles[ROLE_COUNT] = {
#define X(id, name, help) [id] = {name, help},
    ROLE_LIST(X)
#undef X
};

static const char *const terminal_colours[] = {"black", "red",     "green", "yellow",
                                               "blue",  "magenta", "cyan",  "white"};

static const struct {
    const char *name;
    uint8_t bit;
} attributes[] = {
    {"bold",      ATTR_BOLD     },
    {"dim",       ATTR_DIM      },
    {"italic",    ATTR_ITALIC   },
    {"underline", ATTR_UNDERLINE},
    {"reverse",   ATTR_REVERSE  },
};

const char *role_name(enum theme_role role)
{
    return roles[role].name;
}

const char *role_help(enum theme_role role)
{
    return roles[role].help;
}

bool role_find(const char *name, enum theme_role *ret_role)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(roles[i].name, name) == 0) {
            *ret_role = (enum theme_role)i;
            return true;
        }
    }
    return false;
}

enum theme_role role_parent(enum theme_role role)
{
    const char *name = roles[role].name;
    const char *dot = strrchr(name, '.');
    if (dot != NULL) {
        size_t len = (size_t)(dot - name);
        for (int i = 0; i < ROLE_COUNT; i++) {
            if (strncmp(roles[i].name, name, len) == 0 && roles[i].name[len] == '\0') {
                return (enum theme_role)i;
            }
        }
    }
    return ROLE_TEXT;
}

/* ---- parsing ---- */

#define WORD_MAX    64
#define WORDS_MAX   12
#define PALETTE_MAX 64

struct palette_row {
    char name[WORD_MAX];
    struct colour colour;
};

struct parser {
    const char *file;
    int line;
    struct findings *findings;
    struct palette_row palette[PALETTE_MAX];
    size_t n_palette;
    bool is_set[ROLE_COUNT];
    struct style styles[ROLE_COUNT];
    bool is_bad;
};

#define COMPLAIN(p, field, ...)                                                          \
    do {                                                                                 \
        (p)->is_bad = true;                                                              \
        findings_add((p)->findings, (p)->file, (p)->line, field, __VA_ARGS__);           \
    } while (0)

static bool parse_number(const char *text, unsigned max, uint8_t *ret)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number > max) {
        return false;
    }
    *ret = (uint8_t)number;
    return true;
}

static bool parse_rgb(const char *text, struct colour *ret_colour)
{
    if (strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6) {
        return false;
    }
    unsigned long rgb = strtoul(text + 1, NULL, 16);
    *ret_colour = (struct colour){.kind = COLOUR_RGB,
                                  .r = (uint8_t)(rgb >> 16),
                                  .g = (uint8_t)(rgb >> 8 & 0xFF),
                                  .b = (uint8_t)(rgb & 0xFF)};
    return true;
}

static bool parse_named(const char *text, struct colour *ret_colour)
{
    bool is_bright = strncmp(text, "bright-", 7) == 0;
    for (size_t i = 0; i < ARRAY_LEN(terminal_colours); i++) {
        if (strcmp(text + (is_bright ? 7 : 0), terminal_colours[i]) == 0) {
            *ret_colour = (struct colour){.kind = COLOUR_INDEX,
                                          .index = (uint8_t)(i + (is_bright ? 8 : 0))};
            return true;
        }
    }
    return false;
}

static void parse_colour(struct parser *p, const char *field, const char *text,
                         struct colour *ret_colour)
{
    struct colour colour = {.kind = COLOUR_KEEP};
    if (strcmp(text, "-") == 0) {
        *ret_colour = colour;
        return;
    }
    if (strcmp(text, "default") == 0) {
        ret_colour->kind = COLOUR_DEFAULT;
        return;
    }
    for (size_t i = 0; i < p->n_palette; i++) {
        if (strcmp(p->palette[i].name, text) == 0) {
            *ret_colour = p->palette[i].colour;
            return;
        }
    }
    if (parse_named(text, ret_colour) ||
        (text[0] == '#' && parse_rgb(text, ret_colour))) {
        return;
    }
    if (parse_number(text, 255, &colour.index)) {
        colour.kind = COLOUR_INDEX;
        *ret_colour = colour;
        return;
    }
    COMPLAIN(p, field,
             "'%s' is no colour; expected -, default, a palette name, a name such as "
             "red or bright-red, 0..255 or #rrggbb",
             text);
}

static void parse_palette(struct parser *p, char words[][WORD_MAX], int n)
{
    if (n != 3) {
        COMPLAIN(p, "palette", "expected: palette NAME COLOUR");
        return;
    }
    for (size_t i = 0; i < p->n_palette; i++) {
        if (strcmp(p->palette[i].name, words[1]) == 0) {
            COMPLAIN(p, "palette", "'%s' is there already", words[1]);
            return;
        }
    }
    if (p->n_palette == PALETTE_MAX) {
        COMPLAIN(p, "palette", "more than %d palette names", PALETTE_MAX);
        return;
    }
    struct palette_row *row = &p->palette[p->n_palette];
    row->colour = (struct colour){.kind = COLOUR_KEEP};
    parse_colour(p, "palette", words[2], &row->colour);
    (void)snprintf(row->name, sizeof(row->name), "%s", words[1]);
    p->n_palette++;
}

static void parse_attribute(struct parser *p, const char *field, const char *word,
                            uint8_t *attrs)
{
    if (strcmp(word, "-") == 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (strcmp(attributes[i].name, word) == 0) {
            *attrs |= attributes[i].bit;
            return;
        }
    }
    COMPLAIN(p, field,
             "'%s' is no attribute; expected bold, dim, italic, underline or reverse",
             word);
}

static void parse_role(struct parser *p, char words[][WORD_MAX], int n)
{
    enum theme_role role;
    if (!role_find(words[0], &role)) {
        COMPLAIN(p, "", "'%s' is no role; signalbox-theme(5) lists them", words[0]);
        return;
    }
    if (p->is_set[role]) {
        COMPLAIN(p, words[0], "is there already");
        return;
    }
    struct style *style = &p->styles[role];
    p->is_set[role] = true;
    if (n > 1) {
        parse_colour(p, words[0], words[1], &style->fg);
    }
    if (n > 2) {
        parse_colour(p, words[0], words[2], &style->bg);
    }
    for (int i = 3; i < n; i++) {
        parse_attribute(p, words[0], words[i], &style->attrs);
    }
}

/* Words of one line; a "#" that begins the line or stands alone begins a comment. Returns
 * how many, or -1 after a complaint. */
static int split_words(struct parser *p, const char *line, size_t len,
                       char words[WORDS_MAX][WORD_MAX])
{
    int n = 0;
    size_t at = 0;
    for (;;) {
        while (at < len && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r')) {
            at++;
        }
        size_t start = at;
        while (at < len && line[at] != ' ' && line[at] != '\t' && line[at] != '\r') {
            at++;
        }
        size_t size = at - start;
        if (size == 0 || (line[start] == '#' && (n == 0 || size == 1))) {
            return n;
        }
        if (n == WORDS_MAX || size >= WORD_MAX) {
            COMPLAIN(p, "",
                     "too long; expected: role, foreground, background, attributes");
            return -1;
        }
        memcpy(words[n], line + start, size);
        words[n++][size] = '\0';
    }
}

static void parse_line(struct parser *p, const char *line, size_t len)
{
    char words[WORDS_MAX][WORD_MAX];
    if (!text_is_utf8(line, len) || memchr(line, '\0', len) != NULL) {
        COMPLAIN(p, "", "is no UTF-8 text");
        return;
    }
    int n = split_words(p, line, len, words);
    if (n <= 0) {
        return;
    }
    if (strcmp(words[0], "palette") == 0) {
        parse_palette(p, words, n);
    } else {
        parse_role(p, words, n);
    }
}

static void apply_fallbacks(struct parser *p)
{
    /* A parent stands before its children in ROLE_LIST, so one pass is enough. */
    for (int i = 0; i < ROLE_COUNT; i++) {
        enum theme_role parent = role_parent((enum theme_role)i);
        if (parent == ROLE_TEXT && strchr(roles[i].name, '.') == NULL) {
            continue;
        }
        struct style *style = &p->styles[i];
        if (!p->is_set[i]) {
            *style = p->styles[parent];
            continue;
        }
        if (style->fg.kind == COLOUR_KEEP) {
            style->fg = p->styles[parent].fg;
        }
        if (style->bg.kind == COLOUR_KEEP) {
            style->bg = p->styles[parent].bg;
        }
    }
}

static void name_of_file(const char *file, char name[THEME_NAME_MAX])
{
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    size_t len = strcspn(base, ".");
    (void)snprintf(name, THEME_NAME_MAX, "%.*s", (int)(len < 100 ? len : 100), base);
}

bool theme_parse(const char *file, const char *text, size_t len, struct theme *ret_theme,
                 struct findings *findings)
{
    AUTO_FREE struct parser *p = mem_alloc(sizeof(*p));
    p->file = file;
    p->findings = findings;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t size = end != NULL ? (size_t)(end - (text + at)) : len - at;
        p->line++;
        parse_line(p, text + at, size);
        at += size + 1;
    }
    if (p->is_bad) {
        return false;
    }
    apply_fallbacks(p);
    name_of_file(file, ret_theme->name);
    memcpy(ret_theme->styles, p->styles, sizeof(p->styles));
    return true;
}

/* ---- loading ---- */

const char *theme_builtin(size_t index)
{
    static char names[16][THEME_NAME_MAX]; /* written once with the same bytes */
    size_t n = 0;
    for (size_t i = 0; i < n_assets && n < ARRAY_LEN(names); i++) {
        const char *dot = strrchr(assets[i].name, '.');
        if (dot != NULL && strcmp(dot, ".theme") == 0 && n++ == index) {
            name_of_file(assets[i].name, names[index]);
            return names[index];
        }
    }
    return NULL;
}

static void complain_unknown(const char *name, struct findings *findings)
{
    AUTO_BUF struct buf known;
    buf_init(&known, 1024);
    for (size_t i = 0; theme_builtin(i) != NULL; i++) {
        (void)buf_printf(&known, "%s%s", i > 0 ? ", " : "", theme_builtin(i));
    }
    findings_add(findings, name, 0, "theme",
                 "there is no such theme; expected %s or a path", known.data);
}

char *theme_path(const char *name)
{
    if (strchr(name, '/') != NULL) {
        return mem_str(name);
    }
    AUTO_FREE char *file = mem_printf("%s.theme", name);
    AUTO_FREE char *builtin = mem_printf("themes/%s", file);
    if (asset_find(builtin) != NULL) {
        return NULL;
    }
    AUTO_FREE char *folder = file_config_dir();
    return file_join(folder, file);
}

bool theme_load(const char *name, struct theme *ret_theme, struct findings *findings)
{
    AUTO_FREE char *path = theme_path(name);
    AUTO_FREE char *data = NULL;
    size_t len;
    struct err err = ERR_INIT;
    if (path == NULL) {
        AUTO_FREE char *file = mem_printf("%s.theme", name);
        AUTO_FREE char *builtin = mem_printf("themes/%s", file);
        const struct asset *asset = asset_find(builtin);
        return theme_parse(file, asset->data, asset->len, ret_theme, findings);
    }
    if (strchr(name, '/') == NULL && !file_exists(path)) {
        complain_unknown(name, findings);
        return false;
    }
    if (!file_read(path, THEME_FILE_MAX, &data, &len, &err)) {
        findings_add(findings, path, 0, "theme", "%s", err.msg);
        return false;
    }
    return theme_parse(path, data, len, ret_theme, findings);
}

struct style theme_style(const struct theme *theme, enum theme_role role,
                         enum theme_role ground)
{
    static const struct style nothing;
    const struct style *text = &theme->styles[ROLE_TEXT];
    const struct style *under = ground != ROLE_TEXT ? &theme->styles[ground] : &nothing;
    struct style style = theme->styles[role];
    if (under->fg.kind != COLOUR_KEEP) {
        style.fg = under->fg;
    }
    if (under->bg.kind != COLOUR_KEEP) {
        style.bg = under->bg;
    }
    style.attrs |= under->attrs;
    if (style.fg.kind == COLOUR_KEEP) {
        style.fg = text->fg;
    }
    if (style.bg.kind == COLOUR_KEEP) {
        style.bg = text->bg;
    }
    if (style.fg.kind == COLOUR_KEEP) {
        style.fg.kind = COLOUR_DEFAULT;
    }
    if (style.bg.kind == COLOUR_KEEP) {
        style.bg.kind = COLOUR_DEFAULT;
    }
    return style;
}

/* ---- bringing colours down ---- */

/* The palette of xterm (256colres.h): 16 names, a 6x6x6 cube, 24 greys. */
static struct colour rgb_of_index(unsigned index)
{
    static const uint8_t names[16][3] = {
        {0,   0,   0  },
        {205, 0,   0  },
        {0,   205, 0  },
        {205, 205, 0  },
        {0,   0,   238},
        {205, 0,   205},
        {0,   205, 205},
        {229, 229, 229},
        {127, 127, 127},
        {255, 0,   0  },
        {0,   255, 0  },
        {255, 255, 0  },
        {92,  92,  255},
        {255, 0,   255},
        {0,   255, 255},
        {255, 255, 255},
    };
    static const uint8_t levels[6] = {0, 95, 135, 175, 215, 255};
    struct colour rgb = {.kind = COLOUR_RGB};
    if (index < 16) {
        rgb.r = names[index][0];
        rgb.g = names[index][1];
        rgb.b = names[index][2];
    } else if (index < 232) {
        rgb.r = levels[(index - 16) / 36];
        rgb.g = levels[(index - 16) / 6 % 6];
        rgb.b = levels[(index - 16) % 6];
    } else {
        rgb.r = rgb.g = rgb.b = (uint8_t)(8 + (index - 232) * 10);
    }
    return rgb;
}

bool theme_rgb(struct colour colour, uint8_t ret_rgb[3])
{
    if (colour.kind == COLOUR_INDEX) {
        colour = rgb_of_index(colour.index);
    }
    if (colour.kind != COLOUR_RGB) {
        return false;
    }
    ret_rgb[0] = colour.r;
    ret_rgb[1] = colour.g;
    ret_rgb[2] = colour.b;
    return true;
}

/* Weighted distance ("redmean"), near enough to what eyes see for a palette of 256. */
static long distance(struct colour a, struct colour b)
{
    long mean = (a.r + b.r) / 2;
    long r = a.r - b.r;
    long g = a.g - b.g;
    long blue = a.b - b.b;
    return ((512 + mean) * r * r >> 8) + 4 * g * g + ((767 - mean) * blue * blue >> 8);
}

static struct colour nearest(struct colour rgb)
{
    long best = LONG_MAX;
    struct colour found = {.kind = COLOUR_INDEX};
    for (unsigned i = 16; i < 256; i++) { /* not the names: users change those */
        long d = distance(rgb, rgb_of_index(i));
        if (d < best) {
            best = d;
            found.index = (uint8_t)i;
        }
    }
    return found;
}

/* One of the 16 names. By hue, not by distance: a pale red must not become grey, because
 * it means something. Users choose what the names look like. */
static struct colour name_nearest(struct colour rgb)
{
    struct colour found = {.kind = COLOUR_INDEX};
    int most = rgb.r > rgb.g ? rgb.r : rgb.g;
    int least = rgb.r < rgb.g ? rgb.r : rgb.g;
    most = most > rgb.b ? most : rgb.b;
    least = least < rgb.b ? least : rgb.b;
    int middle = (most + least) / 2;
    if (most - least < 40) {
        found.index = middle < 64 ? 0 : middle < 176 ? 8 : middle < 232 ? 7 : 15;
        return found;
    }
    found.index = (uint8_t)((rgb.r > middle ? 1 : 0) | (rgb.g > middle ? 2 : 0) |
                            (rgb.b > middle ? 4 : 0) | (middle > 190 ? 8 : 0));
    return found;
}

static struct colour degrade_colour(struct colour colour, enum colour_depth depth)
{
    if (colour.kind == COLOUR_KEEP || colour.kind == COLOUR_DEFAULT ||
        depth == DEPTH_RGB) {
        return colour;
    }
    if (depth == DEPTH_MONO) {
        return (struct colour){.kind = COLOUR_DEFAULT};
    }
    if (depth == DEPTH_256) {
        return colour.kind == COLOUR_RGB ? nearest(colour) : colour;
    }
    if (colour.kind == COLOUR_INDEX && colour.index >= 16) {
        colour = rgb_of_index(colour.index);
    }
    if (colour.kind == COLOUR_RGB) {
        colour = name_nearest(colour);
    }
    return colour;
}

/* Eight colours: bright ones are their dark twin in bold, grey is the terminal's own,
 * dim. */
static void degrade_to_8(struct style *style)
{
    if (style->fg.kind == COLOUR_INDEX && style->fg.index == 8) {
        style->fg = (struct colour){.kind = COLOUR_DEFAULT};
        style->attrs |= ATTR_DIM;
    } else if (style->fg.kind == COLOUR_INDEX && style->fg.index > 8) {
        style->fg.index = (uint8_t)(style->fg.index - 8);
        style->attrs |= ATTR_BOLD;
    }
    if (style->bg.kind == COLOUR_INDEX && style->bg.index >= 8) {
        style->bg.index = (uint8_t)(style->bg.index - 8);
    }
}

static bool has_own_colour(struct colour colour)
{
    return colour.kind == COLOUR_RGB || colour.kind == COLOUR_INDEX;
}

/* With 16 colours and fewer a dark grey ground is black, which is no ground at all. */
static void keep_visible(enum theme_role role, const struct style *before,
                         struct style *after, enum colour_depth depth)
{
    if (role == ROLE_TEXT || depth >= DEPTH_256 || !has_own_colour(before->bg) ||
        (depth != DEPTH_MONO && before->bg.kind == COLOUR_INDEX && before->bg.index < 8 &&
         before->bg.index > 0)) {
        return; /* a ground chosen by its name stays */
    }
    after->bg = (struct colour){.kind = COLOUR_KEEP};
    if (role == ROLE_CURSOR || role == ROLE_MATCH || role == ROLE_POPUP_CHOICE ||
        role == ROLE_TOP_PRODUCTION) {
        after->fg = (struct colour){.kind = COLOUR_KEEP};
        after->attrs |= ATTR_REVERSE;
    } else if (role == ROLE_MARK) {
        after->attrs |= ATTR_UNDERLINE;
    } else if (has_own_colour(before->fg)) {
        after->fg =
            (struct colour){.kind = COLOUR_KEEP}; /* it was chosen for that ground */
        after->attrs |= ATTR_BOLD;
    }
}

void theme_degrade(struct theme *theme, enum colour_depth depth)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        struct style *style = &theme->styles[i];
        struct style before = *style;
        style->fg = degrade_colour(style->fg, depth);
        style->bg = degrade_colour(style->bg, depth);
        if (depth == DEPTH_8) {
            degrade_to_8(style);
        }
        keep_visible((enum theme_role)i, &before, style, depth);
    }
}

/* ---- manual ---- */

void theme_print_mdoc(FILE *out)
{
    (void)fputs(".Bl -tag -width \"status.planning\" -compact\n", out);
    for (int i = 0; i < ROLE_COUNT; i++) {
        (void)fprintf(out, ".It Cm %s\n%s.\n", roles[i].name, roles[i].help);
    }
    (void)fputs(".El\n", out);
}
