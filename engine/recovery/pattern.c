/* SPDX-License-Identifier: MIT */
#include "engine/recovery/pattern.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/asset.h"
#include "engine/recovery/pattern_private.h"

/* ---- bases ----------------------------------------------------------------------------- */

static struct pattern_base *base_new(void)
{
    struct pattern_base *base = mem_alloc(sizeof(*base));
    base->arena = arena_new();
    return base;
}

void pattern_base_free(struct pattern_base *base)
{
    if (base != NULL) {
        for (size_t i = 0; i < base->n; i++) {
            regex_free(base->rules[i].regex);
        }
        finder_free(base->finder);
        free(base->rules);
        arena_free(base->arena);
        free(base);
    }
}

/* Rules of weight 0 have taken the place of others; now they go themselves. */
static void drop_weightless(struct pattern_base *base)
{
    size_t n = 0;
    for (size_t i = 0; i < base->n; i++) {
        if (base->rules[i].pattern.weight > 0) {
            base->rules[n++] = base->rules[i];
        } else {
            regex_free(base->rules[i].regex);
        }
    }
    base->n = n;
}

/* NULL when something was found. */
static struct pattern_base *base_finish(struct pattern_base *base,
                                        struct findings *findings, size_t n_before)
{
    drop_weightless(base);
    base->finder = finder_new();
    for (size_t i = 0; i < base->n; i++) {
        if (!finder_add(base->finder, base->rules[i].literals, (uint16_t)i)) {
            findings_add(findings, "patterns", 0, "",
                         "the rules hold too many different texts; expected fewer rules");
            break;
        }
    }
    finder_finish(base->finder);
    if (findings->n + findings->n_dropped > n_before) {
        pattern_base_free(base);
        return NULL;
    }
    return base;
}

static bool is_pattern_asset(const struct asset *asset)
{
    static const char folder[] = "patterns/";
    return strncmp(asset->name, folder, sizeof(folder) - 1) == 0;
}

struct pattern_base *pattern_base_join(const struct pattern_text *texts, size_t n,
                                       bool with_shipped, struct findings *findings)
{
    struct pattern_base *base = base_new();
    size_t n_before = findings->n + findings->n_dropped, number = 0;
    for (size_t i = 0; with_shipped && i < n_assets; i++) {
        if (is_pattern_asset(&assets[i])) {
            pattern_file_read(base, number++, assets[i].name, assets[i].data,
                              assets[i].len, findings);
        }
    }
    for (size_t i = 0; i < n; i++) {
        pattern_file_read(base, number++, texts[i].file, texts[i].text, texts[i].len,
                          findings);
    }
    return base_finish(base, findings, n_before);
}

struct pattern_base *pattern_base_new(const char *file, const char *text, size_t len,
                                      struct findings *findings)
{
    const struct pattern_text one = {file, text, len};
    return pattern_base_join(&one, 1, false, findings);
}

static struct pattern_base *builtin;

static void make_builtin(void)
{
    struct findings findings;
    findings_init(&findings);
    builtin = pattern_base_join(NULL, 0, true, &findings);
    findings_fini(&findings);
    if (builtin == NULL) {
        BUG("the shipped patterns have a mistake"); /* test_pattern shows which */
    }
}

const struct pattern_base *pattern_builtin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_builtin); /* valid arguments cannot fail */
    return builtin;
}

size_t pattern_count(const struct pattern_base *base)
{
    return base->n;
}

const struct pattern *pattern_at(const struct pattern_base *base, size_t i)
{
    return &base->rules[i].pattern;
}

const struct pattern *pattern_find(const struct pattern_base *base, const char *id)
{
    for (size_t i = 0; i < base->n; i++) {
        if (strcmp(base->rules[i].pattern.id, id) == 0) {
            return &base->rules[i].pattern;
        }
    }
    return NULL;
}

/* ---- search ---------------------------------------------------------------------------- */

struct search {
    const struct pattern_base *base;
    struct regex_room *room;       /* made when first needed */
    size_t n_bytes;                /* that were given to expressions */
    uint8_t gave_up[PATTERNS_MAX]; /* times */
    char line[PATTERN_LINE_MAX];   /* of a line with something left out */
};

static bool is_match(struct search *search, size_t rule, const char *line, size_t len)
{
    if (search->gave_up[rule] >= PATTERN_GIVE_UPS) {
        return false;
    }
    if (search->room == NULL) {
        search->room = regex_room_new();
    }
    search->n_bytes += len;
    enum regex_result result =
        regex_match(search->base->rules[rule].regex, search->room, line, len);
    if (result == REGEX_GAVE_UP) {
        search->gave_up[rule]++;
    }
    return result == REGEX_FOUND;
}

/* Rules whose texts are in the line, and the line as they see it. */
static size_t find_candidates(struct search *search, const char **line, size_t *len,
                              uint16_t rules[PATTERN_CANDIDATES])
{
    *line = pattern_line_clean(*line, *len, search->line, len);
    return finder_search(search->base->finder, *line, *len, rules, PATTERN_CANDIDATES);
}

size_t pattern_scan(const struct pattern_base *base, const char *text, size_t len,
                    struct pattern_hit *ret_hits, size_t max)
{
    struct search search = {.base = base};
    uint16_t rules[PATTERN_CANDIDATES];
    size_t n_hits = 0, number = 0;
    for (size_t at = 0; at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
        const char *line = text + at;
        size_t clean_len = line_len;
        bool is_spent = search.n_bytes > PATTERN_BYTES_MAX && len - at > PATTERN_TAIL;
        size_t n = is_spent ? 0 : find_candidates(&search, &line, &clean_len, rules);
        for (size_t i = 0; i < n; i++) {
            if (!is_match(&search, rules[i], line, clean_len)) {
                continue;
            }
            if (n_hits < max) {
                ret_hits[n_hits] = (struct pattern_hit){
                    &base->rules[rules[i]].pattern, number, at,
                    line_len - (line_len > 0 && text[at + line_len - 1] == '\r')};
            }
            n_hits++;
        }
        at += line_len + 1;
    }
    regex_room_free(search.room);
    return n_hits;
}

const struct pattern *pattern_line(const struct pattern_base *base, const char *line,
                                   size_t len)
{
    struct search search = {.base = base};
    uint16_t rules[PATTERN_CANDIDATES];
    size_t best = base->n, n = find_candidates(&search, &line, &len, rules);
    for (size_t i = 0; i < n; i++) {
        double weight = base->rules[rules[i]].pattern.weight;
        bool is_better = best == base->n || weight > base->rules[best].pattern.weight ||
                         (weight >= base->rules[best].pattern.weight && rules[i] < best);
        if (is_better && is_match(&search, rules[i], line, len)) {
            best = rules[i];
        }
    }
    regex_room_free(search.room);
    return best < base->n ? &base->rules[best].pattern : NULL;
}
