/* SPDX-License-Identifier: MIT */
#include "engine/recovery/literal.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/mem.h"

#define DEPTH_MAX 24

/* ---- sets ------------------------------------------------------------------------------ */

/* The longer, the rarer; letters say more than signs, and those more than blanks. */
static int weight_of(const struct literal *literal)
{
    int weight = 0;
    for (size_t i = 0; i < literal->len; i++) {
        unsigned char c = literal->text[i];
        weight += isalnum(c) || c >= 0x80 ? 4 : c == ' ' ? 1 : 3;
    }
    return weight;
}

/* Of a set: that of its commonest text. */
static int weight_of_set(const struct literals *set)
{
    int least = 0;
    for (size_t i = 0; i < set->n; i++) {
        int weight = weight_of(&set->items[i]);
        least = i == 0 || weight < least ? weight : least;
    }
    return least;
}

static void keep_better(struct literals *best, const struct literals *set)
{
    if (set->n > 0 && weight_of_set(set) > weight_of_set(best)) {
        *best = *set;
    }
}

/* ---- an expression --------------------------------------------------------------------- */

/* One pair of parentheses, or the whole. */
struct group {
    struct literal run;   /* literal characters in a row, up to here */
    struct literals best; /* of the alternative that is being read */
    struct literals all;  /* of the alternatives before it */
    bool is_open;         /* an alternative needs no text at all */
    bool is_around;       /* looks ahead or behind: what is inside is not matched text */
};

struct reader {
    const char *at, *end;
    struct group groups[DEPTH_MAX];
    size_t depth;
};

static void end_run(struct group *group)
{
    if (group->run.len >= LITERAL_MIN) {
        struct literals one = {.items = {group->run}, .n = 1};
        keep_better(&group->best, &one);
    }
    group->run.len = 0;
}

static void end_alternative(struct group *group)
{
    end_run(group);
    if (group->best.n == 0 || group->all.n + group->best.n > LITERALS_MAX) {
        group->is_open = true;
    } else {
        memcpy(group->all.items + group->all.n, group->best.items,
               group->best.n * sizeof(group->best.items[0]));
        group->all.n += group->best.n;
    }
    group->best.n = 0;
}

static void add_char(struct group *group, unsigned char c)
{
    if (group->run.len == LITERAL_MAX) {
        struct literals one = {.items = {group->run}, .n = 1};
        keep_better(&group->best, &one);
        return; /* the rest of a long one adds nothing */
    }
    group->run.text[group->run.len++] = (unsigned char)tolower(c);
}

struct times {
    bool may_be_none, is_one;
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
        times = (struct times){.may_be_none = c != '+'};
        r->at++;
    } else {
        return times;
    }
    if (r->at < r->end && (*r->at == '?' || *r->at == '+')) {
        r->at++;
    }
    return times;
}

static struct group *top(struct reader *r)
{
    return &r->groups[r->depth];
}

static void take_literal(struct reader *r, unsigned char c)
{
    struct times times = read_times(r);
    if (!times.may_be_none) {
        add_char(top(r), c);
    }
    if (!times.is_one) {
        end_run(top(r));
    }
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
    end_run(top(r));
    r->depth++;
    *top(r) = (struct group){.is_around = is_around};
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
    struct times times = read_times(r);
    if (!inner->is_around && !inner->is_open && !times.may_be_none) {
        keep_better(&top(r)->best, &inner->all);
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
    *ret_literals = top(r)->all;
    return LITERALS_FOUND;
}
