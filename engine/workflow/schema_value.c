/* SPDX-License-Identifier: MIT */
#include "engine/workflow/schema_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/base/text.h"
#include "engine/workflow/pipeline.h"

#define NAME_MAX_LEN    64
#define PATH_MAX_LEN    4000
#define NEAREST_MAX_LEN 40

static bool refuse(char why[VALUE_WHY_MAX], const char *format, ...) PRINTF_LIKE(2, 3);

static bool refuse(char why[VALUE_WHY_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, VALUE_WHY_MAX, format, args);
    va_end(args);
    return false;
}

static void set_text(void *slot, char *text)
{
    char **place = slot;
    free(*place);
    *place = text;
}

/* Words */

const char *value_words(const struct field *field, char out[VALUE_WHY_MAX])
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, VALUE_WHY_MAX - 1);
    for (size_t i = 0; field->words[i] != NULL; i++) {
        bool is_last = field->words[i + 1] == NULL;
        buf_printf(&buf, "%s%s", i == 0 ? "" : is_last ? " or " : ", ", field->words[i]);
    }
    snprintf(out, VALUE_WHY_MAX, "%s", buf.data);
    return out;
}

const char *value_range(const struct field *field, char out[VALUE_WHY_MAX])
{
    char low[CLOCK_TEXT_MAX], high[CLOCK_TEXT_MAX];
    switch (field->type) {
    case FIELD_INT:
        snprintf(low, sizeof(low), "%" PRId64, field->min);
        snprintf(high, sizeof(high), "%" PRId64, field->max);
        break;
    case FIELD_DURATION:
        value_format_duration(field->min, low);
        value_format_duration(field->max, high);
        break;
    case FIELD_BYTES:
        bytes_format(field->min, low);
        bytes_format(field->max, high);
        break;
    default:
        out[0] = '\0';
        return out;
    }
    snprintf(out, VALUE_WHY_MAX, "%s to %s%s", low, high,
             field->has_zero ? ", or 0 for no bound" : "");
    return out;
}

/* What is expected of types that say it by themselves. */
static const char *const expected_words[FIELD_TYPE_COUNT] = {
    [FIELD_NAME] = "a name of letters, digits, spaces and . _ -",
    [FIELD_BRANCH] = "the name of a branch",
    [FIELD_PATH] = "a path",
    [FIELD_PLACE] = "a name, or a path with '/'",
    [FIELD_PATHS] = "a list of paths",
    [FIELD_NAMES] = "a list of names",
    [FIELD_TEXTS] = "a list of texts",
    [FIELD_MAPS] = "a list of maps, or [] for none",
    [FIELD_COMMAND] = "a command, as text or list of words",
    [FIELD_ENV] = "a map like {NAME: value}",
    [FIELD_DURATION] = "a duration like 90s, 10m, 1h30m",
    [FIELD_BYTES] = "a size like 512MiB, 2GB or 4096",
    [FIELD_BOOL] = "true or false",
    [FIELD_STEPS] = "a list of steps, or [] for none",
    [FIELD_SHARE] = "a share like 0.25 or 25%",
    [FIELD_LINES] = "lines of text",
    [FIELD_HOURS] = "hours like 06:00-20:00 (UTC)",
    [FIELD_TIME] = "a time like 2026-11-22T18:00:00Z",
    [FIELD_MONEY] = "an amount like 2.50",
};

const char *value_expected(const struct field *field, char out[VALUE_WHY_MAX])
{
    char range[VALUE_WHY_MAX];
    const struct field *shorthand = NULL;
    switch (field->type) {
    case FIELD_TEXT:
        snprintf(out, VALUE_WHY_MAX, "%s",
                 field->may_be_empty ? "text" : "a line of text");
        break;
    case FIELD_INT:
        snprintf(out, VALUE_WHY_MAX, "a whole number, %.100s", value_range(field, range));
        break;
    case FIELD_WORD:
        value_words(field, out);
        break;
    case FIELD_TABLE:
        shorthand = field->sub->shorthand != NULL
                        ? schema_find(field->sub, field->sub->shorthand)
                        : NULL;
        if (shorthand != NULL && shorthand->type == FIELD_WORD) {
            snprintf(out, VALUE_WHY_MAX, "a map, or %.200s",
                     value_words(shorthand, range));
        } else {
            snprintf(out, VALUE_WHY_MAX, "%s",
                     shorthand != NULL
                         ? "a command, as text or list of words, or a map of fields"
                         : "a map of fields");
        }
        break;
    default:
        if (field->type >= FIELD_TYPE_COUNT || expected_words[field->type] == NULL) {
            BUG("no type");
        }
        snprintf(out, VALUE_WHY_MAX, "%s", expected_words[field->type]);
        break;
    }
    return out;
}

bool value_is_text(enum field_type type)
{
    return type != FIELD_PATHS && type != FIELD_NAMES && type != FIELD_TEXTS &&
           type != FIELD_COMMAND && type != FIELD_ENV && type != FIELD_TABLE &&
           type != FIELD_STEPS && type != FIELD_MAPS;
}

/* Edit distance with neighbours swapped counted once (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_MAX_LEN + 1];
    size_t n = strlen(b);
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++) {
        above[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            int x = tolower((unsigned char)a[i - 1]);
            size_t cost = x == b[j - 1] || (x == '-' && b[j - 1] == '_') ? 0 : 1;
            size_t best = above[j - 1] + cost;
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            row[j] = best;
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[n];
}

const char *value_nearest(const char *text, const char *const *candidates, size_t n)
{
    const char *nearest = NULL;
    size_t len = strlen(text), best = len / 3 + 1;
    if (len == 0 || len > NEAREST_MAX_LEN) {
        return NULL;
    }
    best = best > 3 ? 3 : best;
    for (size_t i = 0; i < n; i++) {
        if (candidates[i] == NULL || strlen(candidates[i]) > NEAREST_MAX_LEN) {
            continue;
        }
        size_t d = distance(text, candidates[i]);
        /* Of two letters, one wrong is nothing alike. */
        if (d < best + (nearest == NULL ? 1 : 0) && d < len) {
            nearest = candidates[i];
            best = d;
        }
    }
    return nearest;
}

/* Texts */

static bool is_name(const char *text, size_t len)
{
    if (len > NAME_MAX_LEN || !isalnum((unsigned char)text[0]) || text[len - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > 127 || (!isalnum(c) && strchr("._ -", c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* git-check-ref-format(1), for a branch. */
static bool is_branch(const char *text, size_t len)
{
    if (text[0] == '-' || text[0] == '/' || text[0] == '.' || text[len - 1] == '/' ||
        text[len - 1] == '.' || len > 200 || strcmp(text, "@") == 0) {
        return false;
    }
    static const char *const wrong[] = {"..", "//", "/.", "@{", ".lock/"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        if (strstr(text, wrong[i]) != NULL) {
            return false;
        }
    }
    if (len >= 5 && strcmp(text + len - 5, ".lock") == 0) {
        return false;
    }
    return strpbrk(text, " ~^:?*[\\\x7F") == NULL;
}

/* Control characters have no business in names, paths and words; commands never come
 * here. Lines of text end and are indented. */
static bool has_control(const struct field *field, const char *text, size_t len,
                        uint32_t *ret_rune)
{
    for (size_t i = 0; i < len;) {
        uint32_t rune = 0;
        size_t used = text_decode(text + i, len - i, &rune);
        if (field->type == FIELD_LINES && (rune == '\n' || rune == '\t')) {
            i++;
            continue;
        }
        if (rune < 0x20 || (rune >= 0x7F && rune < 0xA0)) {
            *ret_rune = rune;
            return true;
        }
        i += used > 0 ? used : 1;
    }
    return false;
}

/* A name that a person reads must not pretend to be another one (bidi, zero width). */
static bool is_shown_as_it_is(const char *text, size_t len)
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, PATH_MAX_LEN * 4);
    text_clean(&clean, text, len, TEXT_ONE_LINE);
    return clean.len == len && memcmp(clean.data, text, len) == 0;
}

static bool path_from_text(const char *folder, const char *text, const char *quoted,
                           void *slot, char why[VALUE_WHY_MAX])
{
    static const char *const home_words[] = {"~", "$HOME", "${HOME}"};
    for (size_t i = 0; i < ARRAY_LEN(home_words); i++) {
        size_t len = strlen(home_words[i]);
        if (strncmp(text, home_words[i], len) == 0 &&
            (text[len] == '/' || text[len] == '\0')) {
            const char *home = getenv("HOME");
            if (home == NULL || home[0] != '/') {
                return refuse(why, "%s needs HOME in the environment", quoted);
            }
            set_text(slot, mem_printf("%s%s", home, text + len));
            return true;
        }
    }
    if (text[0] == '/') {
        set_text(slot, mem_str(text));
        return true;
    }
    if (text[0] == '~' || text[0] == '$' || folder == NULL) {
        return refuse(why, "%s is no absolute path; expected /..., ~/... or $HOME/...",
                      quoted);
    }
    const char *rest = strncmp(text, "./", 2) == 0 ? text + 2 : text;
    set_text(slot, file_join(folder, rest));
    return true;
}

static bool set_string(const struct field *field, const char *folder, const char *text,
                       size_t len, void *slot, char why[VALUE_WHY_MAX])
{
    char quoted[YAML_QUOTE_MAX], expected[VALUE_WHY_MAX];
    uint32_t rune = 0;
    size_t max = field->max > 0 ? (size_t)field->max : PATH_MAX_LEN;
    yaml_quote(text, len, quoted);
    value_expected(field, expected);
    if (len == 0 && field->may_be_empty) {
        set_text(slot, mem_str(""));
        return true;
    }
    if (len == 0) {
        return refuse(why, "is empty; expected %.200s", expected);
    }
    if (has_control(field, text, len, &rune)) {
        return refuse(why, "%s holds the control character U+%04X; expected %.200s",
                      quoted, (unsigned)rune, expected);
    }
    if (len > max) {
        return refuse(why, "%zu bytes; expected at most %zu", len, max);
    }
    bool is_path =
        field->type == FIELD_PATH ||
        (field->type == FIELD_PLACE && (strchr(text, '/') != NULL || *text == '~'));
    if (is_path) {
        return path_from_text(folder, text, quoted, slot, why);
    }
    if (field->type == FIELD_TEXT && !is_shown_as_it_is(text, len)) {
        return refuse(why, "%s holds characters that change how others are shown",
                      quoted);
    }
    if (field->type == FIELD_BRANCH && !is_branch(text, len)) {
        return refuse(why, "%s is no name of a branch; expected like main, release/1.2",
                      quoted);
    }
    bool is_name_type = field->type == FIELD_NAME || field->type == FIELD_PLACE;
    if (is_name_type && !is_name(text, len)) {
        return refuse(
            why,
            "%s is no name; expected letters, digits, spaces and . _ - (at most "
            "%d, a letter or digit first)",
            quoted, NAME_MAX_LEN);
    }
    set_text(slot, mem_str(text));
    return true;
}

/* Numbers */

static bool set_number(const struct field *field, const char *text, size_t len,
                       void *slot, char why[VALUE_WHY_MAX])
{
    char quoted[YAML_QUOTE_MAX], range[VALUE_WHY_MAX];
    int64_t number = 0;
    bool is_number = false;
    yaml_quote(text, len, quoted);
    value_range(field, range);
    if (field->type == FIELD_DURATION) {
        struct span span = {0};
        bool is_long = false;
        is_number = span_parse(text, &span) || (is_long = value_is_long_duration(text));
        number = is_long ? INT64_MAX : span.ms;
        if (!is_number) {
            return refuse(why, "%s is no duration; expected like 90s, 10m, 1h30m",
                          quoted);
        }
    } else if (field->type == FIELD_BYTES) {
        if (!value_parse_bytes(text, &number)) {
            return refuse(why, "%s is no size; expected like 512MiB, 2GB or 4096",
                          quoted);
        }
    } else {
        bool is_negative = *text == '-';
        const char *digits = text + (*text == '-' || *text == '+' ? 1 : 0);
        if (!value_take_number(&digits, &number) || *digits != '\0') {
            return refuse(why, "%s is no whole number; expected %.200s", quoted, range);
        }
        number = is_negative ? -number : number;
    }
    if ((number < field->min || number > field->max) &&
        !(field->has_zero && number == 0)) {
        return refuse(why, "%s is out of range; expected %.200s", quoted, range);
    }
    if (field->type == FIELD_DURATION) {
        memcpy(slot, &(struct span){number}, sizeof(struct span));
    } else if (field->type == FIELD_BYTES) {
        memcpy(slot, &number, sizeof(number));
    } else {
        memcpy(slot, &(int){(int)number}, sizeof(int));
    }
    return true;
}

static bool set_share(const char *text, size_t len, void *slot, char why[VALUE_WHY_MAX])
{
    char quoted[YAML_QUOTE_MAX];
    char *end = NULL;
    bool is_plain = strspn(text, "0123456789.") > 0 && strpbrk(text, "xXpPeE") == NULL;
    double share = is_plain ? strtod(text, &end) : -1;
    if (end != NULL && strcmp(end, "%") == 0) {
        share /= 100;
        end++;
    }
    if (end == NULL || *end != '\0' || !(share >= 0 && share <= 1)) {
        return refuse(why, "%s is no share; expected 0 to 1, like 0.25 or 25%%",
                      yaml_quote(text, len, quoted));
    }
    memcpy(slot, &share, sizeof(share));
    return true;
}

static bool set_money(const struct field *field, const char *text, size_t len, void *slot,
                      char why[VALUE_WHY_MAX])
{
    char quoted[YAML_QUOTE_MAX], low[MONEY_TEXT_MAX], high[MONEY_TEXT_MAX];
    int64_t micros = 0;
    bool is_right = strlen(text) == len && money_parse(text, &micros);
    bool is_zero = is_right && micros == 0 && field->has_zero;
    if (!is_right || (!is_zero && (micros < field->min || micros > field->max))) {
        return refuse(why, "%s is no amount from %s to %s, like 2.50",
                      yaml_quote(text, len, quoted), money_format(field->min, low),
                      money_format(field->max, high));
    }
    memcpy(slot, &micros, sizeof(micros));
    return true;
}

static bool set_bool(const char *text, size_t len, void *slot, char why[VALUE_WHY_MAX])
{
    /* Both lists in YAML 1.1's order; people bring "yes" and "off" from there. */
    static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            memcpy(slot, &(bool){i < 3}, sizeof(bool));
            return true;
        }
    }
    char quoted[YAML_QUOTE_MAX];
    return refuse(why, "%s is neither true nor false; expected true or false",
                  yaml_quote(text, len, quoted));
}

static bool set_word(const struct field *field, const char *text, size_t len, void *slot,
                     char why[VALUE_WHY_MAX])
{
    size_t n = 0;
    for (; field->words[n] != NULL; n++) {
        if (strcmp(text, field->words[n]) == 0) {
            /* An enum without negative values is an unsigned int to gcc and clang. */
            memcpy(slot, &(unsigned){(unsigned)n}, sizeof(unsigned));
            return true;
        }
    }
    char quoted[YAML_QUOTE_MAX], words[VALUE_WHY_MAX];
    const char *near = value_nearest(text, field->words, n);
    return refuse(why, "%s is unknown; expected %.200s%s%s%s",
                  yaml_quote(text, len, quoted), value_words(field, words),
                  near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                  near != NULL ? "'?" : "");
}

/* "06:00", "6:00" and "24:00" are times of a day. */
static bool take_minutes(const char **text, int *ret_minutes)
{
    int64_t hour = 0, minute = 0;
    const char *at = *text;
    if (!value_take_number(&at, &hour) || at - *text > 2 || *at != ':') {
        return false;
    }
    const char *colon = at++;
    if (!value_take_number(&at, &minute) || at - colon != 3 || minute > 59 ||
        hour * 60 + minute > 24 * 60) {
        return false;
    }
    *ret_minutes = (int)(hour * 60 + minute);
    *text = at;
    return true;
}

static bool set_hours(const char *text, size_t len, void *slot, char why[VALUE_WHY_MAX])
{
    char quoted[YAML_QUOTE_MAX];
    struct hours hours = {0};
    const char *at = text;
    if (len == 0) {
        memcpy(slot, &hours, sizeof(hours));
        return true;
    }
    if (!take_minutes(&at, &hours.from) || *at++ != '-' ||
        !take_minutes(&at, &hours.to) || *at != '\0') {
        return refuse(why, "%s are no hours; expected like 06:00-20:00 (UTC)",
                      yaml_quote(text, len, quoted));
    }
    if (hours.from % MINUTES_OF_DAY == hours.to % MINUTES_OF_DAY) {
        return refuse(why, "%s begin and end at the same time; expected like 06:00-20:00",
                      yaml_quote(text, len, quoted));
    }
    memcpy(slot, &hours, sizeof(hours));
    return true;
}

static bool set_time(const struct field *field, const char *text, size_t len, void *slot,
                     char why[VALUE_WHY_MAX])
{
    char quoted[YAML_QUOTE_MAX];
    struct wall at = {0};
    if (!(len == 0 && field->may_be_empty) && !wall_parse(text, &at)) {
        return refuse(why, "%s is no time; expected like 2026-11-22T18:00:00Z",
                      yaml_quote(text, len, quoted));
    }
    memcpy(slot, &at, sizeof(at));
    return true;
}

bool value_from_text(const struct field *field, const char *folder, const char *text,
                     size_t len, void *slot, char why[VALUE_WHY_MAX])
{
    char expected[VALUE_WHY_MAX];
    if (strlen(text) != len) {
        return refuse(why, "holds a NUL character; expected %.200s",
                      value_expected(field, expected));
    }
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_BRANCH:
    case FIELD_PATH:
    case FIELD_PLACE:
    case FIELD_LINES:
        return set_string(field, folder, text, len, slot, why);
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_INT:
        return set_number(field, text, len, slot, why);
    case FIELD_SHARE:
        return set_share(text, len, slot, why);
    case FIELD_BOOL:
        return set_bool(text, len, slot, why);
    case FIELD_WORD:
        return set_word(field, text, len, slot, why);
    case FIELD_HOURS:
        return set_hours(text, len, slot, why);
    case FIELD_TIME:
        return set_time(field, text, len, slot, why);
    case FIELD_MONEY:
        return set_money(field, text, len, slot, why);
    case FIELD_PATHS:
    case FIELD_NAMES:
    case FIELD_TEXTS:
    case FIELD_MAPS:
    case FIELD_COMMAND:
    case FIELD_ENV:
    case FIELD_TABLE:
    case FIELD_STEPS:
    case FIELD_TYPE_COUNT:
        break;
    }
    BUG("no type of one text");
}
