/* SPDX-License-Identifier: MIT */
#include "engine/base/json_prune.h"

#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 64

struct pruner {
    struct buf *out;
    const char *at, *end;
    const char *const *names;
    size_t n_names;
    uint64_t marks;      /* of the names: most of what is not wanted shows at once */
    uint64_t is_object;  /* by depth, a bit each: object or array */
    uint64_t has_member; /* by depth: a comma comes first */
    int depth;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct pruner *p)
{
    while (p->at < p->end && is_space(*p->at)) {
        p->at++;
    }
}

/* From the opening quote to behind the closing one. */
static bool skip_string(struct pruner *p)
{
    const char *begin = p->at + 1;
    for (const char *at = begin; at < p->end; at++) {
        at = memchr(at, '"', (size_t)(p->end - at));
        if (at == NULL) {
            return false;
        }
        const char *slash = at;
        while (slash > begin && slash[-1] == '\\') {
            slash--;
        }
        if ((at - slash) % 2 == 0) {
            p->at = at + 1;
            return true;
        }
    }
    return false;
}

/* A number or a word. */
static bool skip_scalar(struct pruner *p)
{
    const char *begin = p->at;
    while (p->at < p->end && !is_space(*p->at) && strchr(",]}{[:\"", *p->at) == NULL) {
        p->at++;
    }
    return p->at > begin;
}

static bool skip_value(struct pruner *p)
{
    int depth = 0;
    do {
        skip_space(p);
        if (p->at == p->end) {
            return false;
        }
        switch (*p->at) {
        case '"':
            if (!skip_string(p)) {
                return false;
            }
            break;
        case '{':
        case '[':
            depth++;
            p->at++;
            break;
        case '}':
        case ']':
            depth--;
            p->at++;
            break;
        case ',':
        case ':':
            if (depth == 0) {
                return false;
            }
            p->at++;
            break;
        default:
            if (!skip_scalar(p)) {
                return false;
            }
        }
    } while (depth > 0);
    return depth == 0;
}

static uint64_t mark_of(const char *name, size_t len)
{
    return UINT64_C(1) << ((len * 11 + (unsigned char)name[0]) & 63);
}

static bool is_wanted(const struct pruner *p, const char *name, size_t len)
{
    if (len == 0 || (p->marks & mark_of(name, len)) == 0) {
        return false;
    }
    for (size_t i = 0; i < p->n_names; i++) {
        if (strlen(p->names[i]) == len && memcmp(p->names[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

static void put_comma(struct pruner *p)
{
    uint64_t bit = UINT64_C(1) << (p->depth - 1);
    if ((p->has_member & bit) != 0) {
        (void)buf_char(p->out, ',');
    }
    p->has_member |= bit;
}

/* A value that is wanted; the insides of a container follow. */
static bool keep_value(struct pruner *p)
{
    const char *begin = p->at;
    if (p->at == p->end) {
        return false;
    }
    if (*begin == '{' || *begin == '[') {
        if (p->depth == DEPTH_MAX) {
            return false;
        }
        uint64_t bit = UINT64_C(1) << p->depth++;
        p->is_object = *begin == '{' ? p->is_object | bit : p->is_object & ~bit;
        p->has_member &= ~bit;
        p->at++;
        return buf_char(p->out, *begin);
    }
    return (*begin == '"' ? skip_string(p) : skip_scalar(p)) &&
           buf_add(p->out, begin, (size_t)(p->at - begin));
}

static bool take_member(struct pruner *p)
{
    const char *name = p->at;
    if (*name != '"' || !skip_string(p)) {
        return false;
    }
    size_t len = (size_t)(p->at - name);
    skip_space(p);
    if (p->at == p->end || *p->at != ':') {
        return false;
    }
    p->at++;
    skip_space(p);
    if (!is_wanted(p, name + 1, len - 2)) {
        return skip_value(p);
    }
    put_comma(p);
    return buf_add(p->out, name, len) && buf_char(p->out, ':') && keep_value(p);
}

/* Inside of a container: its end, or what comes next in it. */
static bool step(struct pruner *p, bool *is_after)
{
    bool is_object = (p->is_object >> (p->depth - 1) & 1) != 0;
    char closing = is_object ? '}' : ']';
    if (*p->at == closing) {
        p->at++;
        p->depth--;
        *is_after = true;
        return buf_char(p->out, closing);
    }
    if (*is_after) {
        *is_after = false;
        return *p->at++ == ',';
    }
    int depth = p->depth;
    bool is_kept = false;
    if (is_object) {
        is_kept = take_member(p);
    } else {
        put_comma(p);
        is_kept = keep_value(p);
    }
    *is_after = p->depth == depth; /* no container was opened */
    return is_kept;
}

bool json_prune(struct buf *out, const char *text, size_t len, const char *const *names,
                size_t n_names)
{
    struct pruner p = {
        .out = out, .at = text, .end = text + len, .names = names, .n_names = n_names};
    bool is_after = false;
    for (size_t i = 0; i < n_names; i++) {
        p.marks |= mark_of(names[i], strlen(names[i]));
    }
    skip_space(&p);
    if (p.at == p.end || *p.at != '{' || !keep_value(&p)) {
        return false;
    }
    while (p.depth > 0) {
        skip_space(&p);
        if (p.at == p.end || !step(&p, &is_after)) {
            return false;
        }
    }
    skip_space(&p);
    return p.at == p.end;
}
