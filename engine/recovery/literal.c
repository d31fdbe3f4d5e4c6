/* SPDX-License-Identifier: MIT */
#include "engine/recovery/literal.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/mem.h"

#define DEPTH_MAX 24

/* ---- sets ------------------------------------------------------------------------------ */

/* Words that are all over the logs of failures: alone they rule out little. */
static bool is_common(const struct literal *literal)
{
    static const char *const words[] = {
        "error",   "errors",     "fail",     "failed",    "failing",  "fails",
        "failure", "failures",   "warning",  "test",      "tests",    "line",
        "fatal",   "in",         "py",       "java",      "js",       "ts",
        "go",      "rb",         "http",     "https",     "com",      "org",
        "the",     "file",       "function", "passed",    "skipped",  "directory",
        "package", "found",      "compile",  "compiling", "building", "program",
        "unknown", "invalid",    "docs",     "content",   "running",  "download",
        "install", "to",         "of",       "and",       "not",      "for",
        "is",      "repository", "checkout",
    };
    char word[LITERAL_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < literal->len; i++) {
        if (isalpha(literal->text[i])) {
            word[n++] = (char)literal->text[i];
        }
    }
    word[n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (word[0] == words[i][0] && strcmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The longer, the rarer; letters say more than signs, and those more than blanks. */
static int weight_of(const struct literal *literal)
{
    int weight = 0;
    for (size_t i = 0; i < literal->len; i++) {
        unsigned char c = literal->text[i];
        weight += isalnum(c) || c >= 0x80 ? 4 : c == ' ' ? 1 : 3;
    }
    return is_common(literal) ? weight / 3 + 1 : weight;
}

/* Of a set: that of its commonest text, up to what is rare enough, and less when there are
 * many; 0 when one is too short. */
static int weight_of_set(const struct literals *set)
{
    const int enough = 36;
    int least = enough;
    for (size_t i = 0; i < set->n; i++) {
        int weight = weight_of(&set->items[i]);
        least = weight < least ? weight : least;
        if (set->items[i].len < LITERAL_MIN) {
            return 0;
        }
    }
    return set->n == 0 ? 0 : least * 3 + LITERALS_MAX - (int)set->n;
}

static void keep_better(struct literals *best, const struct literals *set)
{
    if (weight_of_set(set) > weight_of_set(best)) {
        *best = *set;
    }
}

/* False when it would be too many; then set is as it was. */
static bool add_set(struct literals *set, const struct literals *more)
{
    if (set->n + more->n > LITERALS_MAX) {
        return false;
    }
    memcpy(set->items + set->n, more->items, more->n * sizeof(more->items[0]));
    set->n += more->n;
    return true;
}

enum join { JOIN_WHOLE, JOIN_CUT, JOIN_TOO_MANY };

/* Each of the one set with each of the other behind it. JOIN_CUT: some are cut to LITERAL_MAX,
 * so that nothing may be put behind them. */
static enum join join_sets(const struct literals *heads, const struct literals *tails,
                           struct literals *ret)
{
    enum join result = JOIN_WHOLE;
    ret->n = 0;
    for (size_t i = 0; i < heads->n; i++) {
        for (size_t k = 0; k < tails->n; k++) {
            const struct literal *head = &heads->items[i], *tail = &tails->items[k];
            if (ret->n == LITERALS_MAX) {
                return JOIN_TOO_MANY;
            }
            struct literal *both = &ret->items[ret->n++];
            size_t room = LITERAL_MAX - (size_t)head->len;
            size_t len = tail->len < room ? tail->len : room;
            *both = *head;
            memcpy(both->text + head->len, tail->text, len);
            both->len = (uint8_t)(head->len + len);
            result = len < tail->len ? JOIN_CUT : result;
        }
    }
    return result;
}

/* ---- an expression --------------------------------------------------------------------- */

static const struct literals nothing = {.n = 1}; /* one text, of no length */

/* One pair of parentheses, or the whole. Of the alternative that is being read: */
struct group {
    struct literals run;  /* what stands right before here is one of these */
    struct literals best; /* the best set that it must hold one of; n = 0: none as yet */
    bool is_inexact;      /* there is more to it than run */
    /* Of the alternatives before it: */
    struct literals all_best;  /* union of their best sets */
    struct literals all_exact; /* union of what they are */
    bool is_open;              /* one of them need not hold any text */
    bool is_vague;             /* one of them is not a set of texts */
    bool is_around;            /* it looks ahead or behind: not part of the match */
};

struct reader {
    const char *at, *end;
    struct group groups[DEPTH_MAX];
    size_t depth;
};

static struct group *top(struct reader *r)
{
    return &r->groups[r->depth];
}

static void begin_alternative(struct group *group)
{
    group->run = nothing;
    group->best.n = 0;
    group->is_inexact = false;
}

/* Something comes that is no text. */
static void end_run(struct group *group)
{
    keep_better(&group->best, &group->run);
    group->run = nothing;
    group->is_inexact = true;
}

static void end_alternative(struct group *group)
{
    if (group->is_inexact || !add_set(&group->all_exact, &group->run)) {
        group->is_vague = true;
    }
    keep_better(&group->best, &group->run);
    if (group->best.n == 0 || !add_set(&group->all_best, &group->best)) {
        group->is_open = true;
    }
    begin_alternative(group);
}

/* One of these texts comes next, or nothing when it may be missing. */
static void add_texts(struct group *group, const struct literals *texts, bool may_be_none)
{
    struct literals tails = *texts, joined;
    if (may_be_none && !add_set(&tails, &nothing)) {
        end_run(group);
        return;
    }
    enum join result = join_sets(&group->run, &tails, &joined);
    if (result == JOIN_WHOLE) {
        group->run = joined;
        return;
    }
    if (result == JOIN_CUT) {
        keep_better(&group->best, &joined);
    }
    end_run(group);
    if (!may_be_none) {
        group->run = *texts;
    }
}

struct times {
    bool is_one, is_maybe, may_be_none;
};

/* What stands behind an atom: how often it is there. */
static struct times read_times(struct reader *r)
{
    struct times times = {.is_one = true};
    if (r->at == r->end) {
        return times;
    }
    char c = *r->at;
    if (c == '{') {
        const char *p = r->at + 1;
        while (p < r->end && (isdigit((unsigned char)*p) || *p == ',')) {
            p++;
        }
        if (p == r->at + 1 || p == r->end || *p != '}' || r->at[1] == ',') {
            return times; /* a literal brace */
        }
        times = (struct times){.may_be_none = r->at[1] == '0'};
        r->at = p + 1;
    } else if (c == '?' || c == '*' || c == '+') {
        times = (struct times){.is_maybe = c == '?', .may_be_none = c != '+'};
        r->at++;
    } else {
        return times;
    }
    if (r->at < r->end && (*r->at == '?' || *r->at == '+')) {
        r->at++;
    }
    return times;
}

static void take_texts(struct reader *r, const struct literals *texts)
{
    struct times times = read_times(r);
    if (times.is_one || times.is_maybe) {
        add_texts(top(r), texts, times.is_maybe);
        return;
    }
    if (!times.may_be_none) {
        add_texts(top(r), texts, false);
    }
    end_run(top(r));
}

static void take_literal(struct reader *r, unsigned char c)
{
    const struct literals one = {
        .items = {{.text = {(unsigned char)tolower(c)}, .len = 1}}, .n = 1};
    take_texts(r, &one);
}

static void take_other(struct reader *r)
{
    (void)read_times(r);
    end_run(top(r));
}

/* at: behind the backslash. */
static bool take_escape(struct reader *r)
{
    if (r->at == r->end) {
        return false;
    }
    unsigned char c = (unsigned char)*r->at++;
    static const char controls[] = "tnrfea", meant[] = "\t\n\r\f\x1b\a";
    const char *control = strchr(controls, c);
    if (!isalnum(c)) {
        take_literal(r, c);
    } else if (strchr("bBAZzGK", c) != NULL) {
        (void)read_times(r); /* of no width */
    } else if (strchr("dDwWsShHvVRN", c) != NULL) {
        take_other(r);
    } else if (control != NULL) {
        take_literal(r, (unsigned char)meant[control - controls]);
    } else if (c == 'x' && r->end - r->at >= 2 && isxdigit((unsigned char)r->at[0]) &&
               isxdigit((unsigned char)r->at[1])) {
        r->at += 2;
        take_other(r);
    } else if (c >= '1' && c <= '9' &&
               (r->at == r->end || !isdigit((unsigned char)*r->at))) {
        take_other(r);
    } else {
        return false;
    }
    return true;
}

/* at: behind the bracket. */
static bool take_class(struct reader *r)
{
    if (r->end - r->at >= 3 && r->at[2] == ']' && isalpha((unsigned char)r->at[0]) &&
        tolower((unsigned char)r->at[0]) == tolower((unsigned char)r->at[1])) {
        r->at += 3; /* [Ff] */
        take_literal(r, (unsigned char)r->at[-3]);
        return true;
    }
    if (r->at < r->end && *r->at == '^') {
        r->at++;
    }
    for (const char *begin = r->at; r->at < r->end; r->at++) {
        if (*r->at == '\\') {
            r->at++;
            if (r->at == r->end || *r->at == 'Q' || *r->at == 'E') {
                return false;
            }
        } else if (*r->at == '[' && r->at + 1 < r->end && strchr(":.=", r->at[1])) {
            while (r->at < r->end && *r->at != ']') { /* [:alpha:] */
                r->at++;
            }
            if (r->at == r->end) {
                return false;
            }
        } else if (*r->at == ']' && r->at > begin) {
            r->at++;
            take_other(r);
            return true;
        }
    }
    return false;
}

/* at: behind "(?". Consumes what says which kind of group it is. */
static bool take_group_kind(struct reader *r, bool *ret_is_around, bool *ret_is_options)
{
    size_t left = (size_t)(r->end - r->at);
    if (left >= 1 && (*r->at == ':' || *r->at == '>' || *r->at == '|')) {
        r->at++;
        return true;
    }
    if (left >= 1 && (*r->at == '=' || *r->at == '!')) {
        r->at++;
        *ret_is_around = true;
        return true;
    }
    if (left >= 2 && *r->at == '<' && (r->at[1] == '=' || r->at[1] == '!')) {
        r->at += 2;
        *ret_is_around = true;
        return true;
    }
    if (left >= 2 && r->at[0] == 'i' && (r->at[1] == ')' || r->at[1] == ':')) {
        *ret_is_options = r->at[1] == ')';
        r->at += 2;
        return true;
    }
    return false; /* names, conditions, recursion and options are not needed here */
}

/* at: behind the parenthesis. */
static bool take_open(struct reader *r)
{
    bool is_around = false, is_options = false;
    if (r->at < r->end && *r->at == '*') {
        return false;
    }
    if (r->at < r->end && *r->at == '?') {
        r->at++;
        if (!take_group_kind(r, &is_around, &is_options)) {
            return false;
        }
    }
    if (is_options) {
        return true;
    }
    if (r->depth + 1 == DEPTH_MAX) {
        return false;
    }
    r->depth++;
    memset(top(r), 0, sizeof(*top(r)));
    top(r)->is_around = is_around;
    begin_alternative(top(r));
    return true;
}

static bool take_close(struct reader *r)
{
    if (r->depth == 0) {
        return false;
    }
    struct group *inner = top(r);
    end_alternative(inner);
    r->depth--;
    if (inner->is_around) {
        (void)read_times(r);
        return true;
    }
    if (!inner->is_vague) {
        take_texts(r, &inner->all_exact);
        return true;
    }
    end_run(top(r));
    if (!read_times(r).may_be_none && !inner->is_open) {
        keep_better(&top(r)->best, &inner->all_best);
    }
    return true;
}

static bool take_atom(struct reader *r)
{
    unsigned char c = (unsigned char)*r->at++;
    switch (c) {
    case '\\':
        return take_escape(r);
    case '[':
        return take_class(r);
    case '(':
        return take_open(r);
    case ')':
        return take_close(r);
    case '|':
        end_alternative(top(r));
        return true;
    case '.':
        take_other(r);
        return true;
    case '^':
    case '$':
        (void)read_times(r);
        return true;
    default:
        take_literal(r, c);
        return true;
    }
}

enum literals_result literals_of(const char *regex, size_t len,
                                 struct literals *ret_literals)
{
    AUTO_FREE struct reader *r = mem_alloc(sizeof(*r));
    r->at = regex;
    r->end = regex + len;
    begin_alternative(top(r));
    while (r->at < r->end) {
        if (!take_atom(r)) {
            return LITERALS_UNKNOWN;
        }
    }
    if (r->depth != 0) {
        return LITERALS_UNKNOWN;
    }
    end_alternative(top(r));
    if (top(r)->is_open) {
        return LITERALS_NONE;
    }
    *ret_literals = top(r)->all_best;
    return LITERALS_FOUND;
}
