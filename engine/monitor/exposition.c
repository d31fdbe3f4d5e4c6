/* SPDX-License-Identifier: MIT */
#include "engine/monitor/exposition.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/text.h"

#define LINE_LABELS (SERIES_LABELS - 1) /* one is ours */
#define NUMBER_MAX  64

enum family_type {
    TYPE_UNKNOWN,
    TYPE_GAUGE,
    TYPE_COUNTER,
    TYPE_SUMMARY,
    TYPE_HISTOGRAM,
    TYPE_GAUGE_HISTOGRAM,
    TYPE_INFO,
    TYPE_STATE_SET
};

static const struct {
    const char *word;
    enum family_type type;
} types[] = {
    {"gauge",          TYPE_GAUGE          },
    {"counter",        TYPE_COUNTER        },
    {"summary",        TYPE_SUMMARY        },
    {"histogram",      TYPE_HISTOGRAM      },
    {"gaugehistogram", TYPE_GAUGE_HISTOGRAM},
    {"info",           TYPE_INFO           },
    {"stateset",       TYPE_STATE_SET      },
};

/* What becomes of a sample. */
enum fate { FATE_GAUGE, FATE_COUNTER, FATE_BUCKET, FATE_SKIP };

/* What a suffix makes of it, by the type of the family; the first that fits counts. */
static const struct {
    enum family_type type;
    const char *suffix;
    enum fate fate;
} fates[] = {
    {TYPE_GAUGE,           "",         FATE_GAUGE  },
    {TYPE_COUNTER,         "",         FATE_COUNTER}, /* 0.0.4: the name has _total already */
    {TYPE_COUNTER,         "_total",   FATE_COUNTER},
    {TYPE_COUNTER,         "_created", FATE_SKIP   },
    {TYPE_SUMMARY,         "",         FATE_GAUGE  },
    {TYPE_SUMMARY,         "_sum",     FATE_COUNTER},
    {TYPE_SUMMARY,         "_count",   FATE_COUNTER},
    {TYPE_SUMMARY,         "_created", FATE_SKIP   },
    {TYPE_HISTOGRAM,       "_bucket",  FATE_BUCKET },
    {TYPE_HISTOGRAM,       "_sum",     FATE_COUNTER},
    {TYPE_HISTOGRAM,       "_count",   FATE_COUNTER},
    {TYPE_HISTOGRAM,       "_created", FATE_SKIP   },
    {TYPE_GAUGE_HISTOGRAM, "_bucket",  FATE_BUCKET },
    {TYPE_GAUGE_HISTOGRAM, "_gsum",    FATE_GAUGE  },
    {TYPE_GAUGE_HISTOGRAM, "_gcount",  FATE_GAUGE  },
    {TYPE_INFO,            "_info",    FATE_SKIP   },
    {TYPE_STATE_SET,       "",         FATE_SKIP   },
};

struct parser {
    const char *bare;
    struct series_label extra; /* key NULL: none */
    exposition_fn *each;
    void *context;
    struct exposition_report report;
    bool is_open_metrics;  /* its timestamps are seconds */
    enum family_type type; /* of the newest family */
    char family[SERIES_NAME_MAX], unit[32];
};

/* One line in hand. `at` moves; the line ends with NUL. */
struct line {
    const char *at;
    char name[SERIES_NAME_MAX];
    struct series_label labels[SERIES_LABELS];
    size_t n_labels;
    char *room, *room_end; /* for decoded values and keys */
    const char *why;       /* it is wrong */
};

static bool wrong(struct line *line, const char *why)
{
    line->why = why;
    return false;
}

static void skip_blanks(struct line *line)
{
    line->at += strspn(line->at, " \t");
}

/* [a-zA-Z_:][a-zA-Z0-9_:]*, into out; false when there is none or it is too long. */
static bool take_name(struct line *line, char *out, size_t cap)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
    static const char rest[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";
    size_t len = strspn(line->at, first) > 0 ? strspn(line->at, rest) : 0;
    if (len == 0 || len >= cap) {
        return false;
    }
    memcpy(out, line->at, len);
    out[len] = '\0';
    line->at += len;
    return true;
}

/* ---- labels --------------------------------------------------------------------------- */

static const char *take_room(struct line *line, size_t len)
{
    char *room = line->room;
    if ((size_t)(line->room_end - line->room) < len) {
        return NULL;
    }
    line->room += len;
    return room;
}

/* "value" with \\ \" \n, from behind the first quote to behind the last one. */
static const char *take_quoted(struct line *line)
{
    char *out = line->room;
    for (; *line->at != '"'; line->at++) {
        char c = *line->at;
        if (c == '\0' || line->room_end - out < 2) {
            return NULL;
        }
        if (c == '\\') {
            c = *++line->at;
            if (c != '\\' && c != '"' && c != 'n') {
                return NULL;
            }
            c = c == 'n' ? '\n' : c;
        }
        *out++ = c;
    }
    *out++ = '\0';
    line->at++;
    return take_room(line, (size_t)(out - line->room));
}

static bool take_label(struct line *line)
{
    char key[SERIES_NAME_MAX];
    struct series_label *label = &line->labels[line->n_labels];
    if (line->n_labels == LINE_LABELS) {
        return wrong(line, "too many labels");
    }
    if (!take_name(line, key, sizeof(key))) {
        return wrong(line, "a label has no name");
    }
    size_t len = strlen(key) + 1;
    char *room = line->room;
    if (take_room(line, len) == NULL) {
        return wrong(line, "the line is too long");
    }
    memcpy(room, key, len);
    label->key = room;
    skip_blanks(line);
    if (*line->at != '=') {
        return wrong(line, "a label has no =");
    }
    line->at++;
    skip_blanks(line);
    if (*line->at != '"') {
        return wrong(line, "the value of a label has no quotes");
    }
    line->at++;
    label->value = take_quoted(line);
    line->n_labels++;
    return label->value != NULL || wrong(line, "the value of a label does not end");
}

static bool take_labels(struct line *line)
{
    if (*line->at != '{') {
        return true;
    }
    line->at++;
    skip_blanks(line);
    while (*line->at != '}') {
        if (!take_label(line)) {
            return false;
        }
        skip_blanks(line);
        if (*line->at == ',') { /* one may stand behind the last */
            line->at++;
            skip_blanks(line);
        } else if (*line->at != '}') {
            return wrong(line, "labels do not end");
        }
    }
    line->at++;
    return true;
}

/* ---- numbers -------------------------------------------------------------------------- */

/* Up to the next blank. NaN, Inf and numbers; not what else strtod takes. */
static bool take_number(struct line *line, double *ret_number)
{
    char text[NUMBER_MAX];
    char *end;
    size_t len = strcspn(line->at, " \t");
    if (len == 0 || len >= sizeof(text)) {
        return false;
    }
    memcpy(text, line->at, len);
    text[len] = '\0';
    const char *word = text + (text[0] == '+' || text[0] == '-');
    if (strcasecmp(word, "nan") == 0) {
        *ret_number = (double)NAN;
    } else if (strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0) {
        *ret_number = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    } else {
        double number = strtod(text, &end);
        if (word[strspn(word, "0123456789.eE+-")] != '\0' || *end != '\0' ||
            end == text) {
            return false;
        }
        *ret_number = number;
    }
    line->at += len;
    return true;
}

/* ---- samples -------------------------------------------------------------------------- */

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len > n && strcmp(text + len - n, end) == 0;
}

static bool has_label(const struct line *line, const char *key)
{
    for (size_t i = 0; i < line->n_labels; i++) {
        if (strcmp(line->labels[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

static enum fate fate_of(const struct parser *parser, const struct line *line)
{
    size_t len = strlen(parser->family);
    if (len > 0 && strncmp(line->name, parser->family, len) == 0) {
        for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
            if (fates[i].type == parser->type &&
                strcmp(line->name + len, fates[i].suffix) == 0) {
                return fates[i].fate;
            }
        }
    }
    /* nobody says what it is: by what the naming rules say */
    if (ends_in(line->name, "_bucket") && has_label(line, "le")) {
        return FATE_BUCKET;
    }
    return ends_in(line->name, "_total") ? FATE_COUNTER : FATE_GAUGE;
}

/* Our label beside theirs; what they call the same is renamed, as Prometheus does. */
static void add_extra(const struct parser *parser, struct line *line)
{
    if (parser->extra.key == NULL) {
        return;
    }
    for (size_t i = 0; i < line->n_labels; i++) {
        if (strcmp(line->labels[i].key, parser->extra.key) == 0) {
            line->labels[i].key = "exported_scrape";
        }
    }
    line->labels[line->n_labels++] = parser->extra;
}

static bool give(struct parser *parser, struct line *line, double value, struct wall at)
{
    char labels[SERIES_LABELS_MAX];
    enum fate fate = fate_of(parser, line);
    if (fate == FATE_BUCKET) {
        parser->report.n_buckets++;
        return true;
    }
    if (fate == FATE_SKIP) {
        parser->report.n_skipped++;
        return true;
    }
    add_extra(parser, line);
    if (!series_labels(line->labels, line->n_labels, labels)) {
        return wrong(line, "labels are too long, twice there or have bad names");
    }
    if (parser->report.n_samples == EXPOSITION_SAMPLES_MAX) {
        parser->report.is_cut = true;
        return true;
    }
    size_t len = strlen(parser->family);
    bool is_of_family = len > 0 && strncmp(line->name, parser->family, len) == 0;
    parser->report.n_samples++;
    parser->each(parser->context,
                 &(struct exposition_sample){.name = line->name,
                                             .labels = labels,
                                             .unit = is_of_family ? parser->unit : "",
                                             .kind = fate == FATE_COUNTER ? KIND_COUNTER
                                                                          : KIND_GAUGE,
                                             .value = value,
                                             .at = at});
    return true;
}

static bool take_time(const struct parser *parser, struct line *line, struct wall *ret_at)
{
    double number;
    if (!take_number(line, &number)) {
        return wrong(line, "there is something behind the value");
    }
    number *= parser->is_open_metrics ? 1000 : 1;
    if (!(number > 0 && number < 1e14)) {
        return wrong(line, "its time is no time");
    }
    ret_at->ms = (int64_t)number;
    return true;
}

static bool on_sample(struct parser *parser, struct line *line)
{
    double value;
    struct wall at = {0};
    const char *begin = line->at;
    /* a bare value; "inf" could be a name, but only with a value behind it */
    if (take_number(line, &value) && line->at[strspn(line->at, " \t")] == '\0') {
        if (parser->bare == NULL) {
            return wrong(line, "a value without a name");
        }
        (void)snprintf(line->name, sizeof(line->name), "%s", parser->bare);
        return give(parser, line, value, at);
    }
    line->at = begin;
    if (!take_name(line, line->name, sizeof(line->name))) {
        return wrong(line, "no name, or too long a one");
    }
    skip_blanks(line);
    if (!take_labels(line)) {
        return false;
    }
    skip_blanks(line);
    if (!take_number(line, &value)) {
        return wrong(line, "no value");
    }
    skip_blanks(line);
    if (*line->at != '\0' && *line->at != '#' && !take_time(parser, line, &at)) {
        return false;
    }
    skip_blanks(line);
    if (*line->at != '\0' && *line->at != '#') { /* an exemplar may follow */
        return wrong(line, "there is something behind the time");
    }
    return give(parser, line, value, at);
}

/* "# TYPE name word" and "# UNIT name word"; all else is a comment. */
static void on_comment(struct parser *parser, struct line *line)
{
    char name[SERIES_NAME_MAX], word[32];
    line->at++;
    skip_blanks(line);
    bool is_type = strncmp(line->at, "TYPE", 4) == 0;
    if (!is_type && strncmp(line->at, "UNIT", 4) != 0) {
        return;
    }
    line->at += 4;
    skip_blanks(line);
    if (!take_name(line, name, sizeof(name))) {
        return;
    }
    skip_blanks(line);
    size_t len = strcspn(line->at, " \t");
    (void)snprintf(word, sizeof(word), "%.*s", (int)(len < 31 ? len : 31), line->at);
    if (strcmp(parser->family, name) != 0) {
        (void)snprintf(parser->family, sizeof(parser->family), "%s", name);
        parser->type = TYPE_UNKNOWN;
        parser->unit[0] = '\0';
    }
    if (!is_type) {
        (void)text_clean_into(parser->unit, sizeof(parser->unit), word);
    }
    for (size_t i = 0; is_type && i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].word, word) == 0) {
            parser->type = types[i].type;
        }
    }
}

/* text[0..len) without its line end. */
static bool on_line(struct parser *parser, const char *text, size_t len, const char **why)
{
    char copy[EXPOSITION_LINE_MAX], room[EXPOSITION_LINE_MAX + SERIES_NAME_MAX];
    struct line line;
    line.n_labels = 0;
    line.why = "";
    line.room = room;
    line.room_end = room + sizeof(room);
    len -= len > 0 && text[len - 1] == '\r';
    if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        *why = "the line is too long, or not text";
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    line.at = copy;
    skip_blanks(&line);
    bool is_good = true;
    if (*line.at == '#') {
        on_comment(parser, &line);
    } else if (*line.at != '\0') {
        is_good = on_sample(parser, &line);
    }
    *why = line.why;
    return is_good;
}

static bool is_open_metrics(const char *text, size_t len)
{
    static const char end[] = "# EOF";
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    size_t n = sizeof(end) - 1;
    return len >= n && memcmp(text + len - n, end, n) == 0;
}

static void parse(struct parser *parser, const char *text, size_t len)
{
    size_t number = 0;
    parser->report.why = "";
    parser->is_open_metrics = is_open_metrics(text, len);
    for (size_t at = 0; at < len && !parser->report.is_cut;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - (text + at)) : len - at;
        const char *why = "";
        number++;
        if (!on_line(parser, text + at, n, &why) && parser->report.n_wrong++ == 0) {
            parser->report.first_wrong = number;
            parser->report.why = why;
        }
        at += n + 1;
    }
}

struct exposition_report exposition_parse(const char *text, size_t len, const char *bare,
                                          exposition_fn *each, void *context)
{
    struct parser parser = {.bare = bare, .each = each, .context = context};
    parse(&parser, text, len);
    return parser.report;
}

/* ---- into series ---------------------------------------------------------------------- */

struct scraping {
    struct series_set *set;
    const char *component;
    const char *own; /* the labels of our series about the scrape */
    struct wall now;
    scrape_fn *each;
    void *context;
    size_t n_refused;
};

static void on_scraped(void *context, const struct exposition_sample *sample)
{
    struct scraping *scraping = context;
    struct series_signal signal;
    if (!isfinite(sample->value)) {
        return; /* unknown */
    }
    /* "up" with nothing but the scrape's name is ours: whether it answers */
    bool is_own_name = strcmp(sample->name, SCRAPE_UP) == 0 &&
                       strcmp(sample->labels, scraping->own) == 0;
    int32_t id = series_open_foreign(
        scraping->set, is_own_name ? "exported_" SCRAPE_UP : sample->name, sample->kind,
        sample->unit, sample->labels, scraping->component);
    if (id == SERIES_NONE) {
        scraping->n_refused++;
        return;
    }
    /* a clock that is ahead must not shut out the points to come */
    bool is_ours = !wall_is_set(sample->at) || sample->at.ms > scraping->now.ms;
    struct wall at = is_ours ? scraping->now : sample->at;
    if (series_push(scraping->set, id, at, sample->value, &signal) &&
        scraping->each != NULL) {
        scraping->each(scraping->context, &signal);
    }
}

struct exposition_report scrape_push(struct series_set *set, const char *scrape,
                                     const char *text, size_t len, struct wall now,
                                     scrape_fn *each, void *context, size_t *ret_refused)
{
    char component[SERIES_NAME_MAX], bare[SERIES_NAME_MAX], own[SERIES_LABELS_MAX] = "";
    struct series_label label = {"scrape", scrape};
    struct scraping scraping = {.set = set,
                                .component = component,
                                .own = own,
                                .now = now,
                                .each = each,
                                .context = context};
    struct parser parser = {
        .bare = bare, .extra = label, .each = on_scraped, .context = &scraping};
    (void)snprintf(component, sizeof(component), "scrape:%s", scrape);
    if (!series_labels(&label, 1, own)) {
        own[0] = '\0'; /* too long: nothing of it has a place */
    }
    size_t n = 0;
    for (; scrape[n] != '\0' && n + 1 < sizeof(bare); n++) { /* "disk-check" is no name */
        bool is_fit = (scrape[n] >= 'a' && scrape[n] <= 'z') ||
                      (scrape[n] >= 'A' && scrape[n] <= 'Z') ||
                      (n > 0 && scrape[n] >= '0' && scrape[n] <= '9');
        bare[n] = is_fit ? scrape[n] : '_';
    }
    bare[n] = '\0';
    parse(&parser, text, len);
    *ret_refused = scraping.n_refused;
    return parser.report;
}
