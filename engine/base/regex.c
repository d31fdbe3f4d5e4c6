/* SPDX-License-Identifier: MIT */
#include "engine/base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/base/mem.h"

#define DEPTH_MAX    1000 /* of backtracking, when interpreted */
#define HEAP_MAX_KIB 1024 /* likewise */
#define NESTING_MAX  20   /* of parentheses */

struct regex {
    pcre2_code *code;
    bool has_jit;
};

struct regex_room {
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

/* What only serves other uses is off: \C, modes that look at characters, marks to call out. */
#define OPTIONS (PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP)

struct regex *regex_new(const char *text, size_t len, struct err *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    if (len > REGEX_TEXT_MAX) {
        (void)err_set(err, ERR_CONFIG, "has %zu bytes; expected at most %d", len,
                      REGEX_TEXT_MAX);
        return NULL;
    }
    pcre2_compile_context *bounds = pcre2_compile_context_create(NULL);
    if (bounds == NULL || pcre2_set_parens_nest_limit(bounds, NESTING_MAX) != 0) {
        BUG("out of memory");
    }
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)text, len, OPTIONS, &code, &at, bounds);
    pcre2_compile_context_free(bounds);
    if (compiled == NULL) {
        char what[200] = "";
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)what, sizeof(what)); /* cut */
        (void)err_set(err, ERR_CONFIG, "%s at character %zu", what, at + 1);
        return NULL;
    }
    struct regex *regex = mem_alloc(sizeof(*regex));
    regex->code = compiled;
    regex->has_jit = pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE) == 0;
    return regex;
}

void regex_free(struct regex *regex)
{
    if (regex != NULL) {
        pcre2_code_free(regex->code);
        free(regex);
    }
}

struct regex_room *regex_room_new(void)
{
    struct regex_room *room = mem_alloc(sizeof(*room));
    room->data = pcre2_match_data_create(1, NULL);
    room->limits = pcre2_match_context_create(NULL);
    if (room->data == NULL || room->limits == NULL) {
        BUG("out of memory");
    }
    (void)pcre2_set_match_limit(room->limits, REGEX_STEPS);
    (void)pcre2_set_depth_limit(room->limits, DEPTH_MAX);
    (void)pcre2_set_heap_limit(room->limits, HEAP_MAX_KIB);
    return room;
}

void regex_room_free(struct regex_room *room)
{
    if (room != NULL) {
        pcre2_match_data_free(room->data);
        pcre2_match_context_free(room->limits);
        free(room);
    }
}

enum regex_result regex_match(const struct regex *regex, struct regex_room *room,
                              const char *text, size_t len)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)(text != NULL ? text : "");
    int n = PCRE2_ERROR_JIT_STACKLIMIT;
    if (regex
            ->has_jit) { /* without the checks of pcre2_match, which have nothing to find */
        n = pcre2_jit_match(regex->code, subject, len, 0, 0, room->data, room->limits);
    }
    if (n == PCRE2_ERROR_JIT_STACKLIMIT) { /* the interpreter has more room */
        n = pcre2_match(regex->code, subject, len, 0, PCRE2_NO_JIT, room->data,
                        room->limits);
    }
    return n >= 0 ? REGEX_FOUND : n == PCRE2_ERROR_NOMATCH ? REGEX_NONE : REGEX_GAVE_UP;
}

const char *regex_library(void)
{
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
    return "PCRE2 " TEXT(PCRE2_MAJOR) "." TEXT(PCRE2_MINOR);
#undef TEXT
#undef TEXT_
}
