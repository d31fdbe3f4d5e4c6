/* SPDX-License-Identifier: MIT */

/* Roles of fields, and hashes. The vocabulary below is what CI systems call things; a name that
 * is not in it is a kind when it is a text and a number when it looks like one. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "engine/predict/failure_context.h"

static const char *const role_words[FAILURE_ROLE_COUNT] = {
#define X(id, word, help) [id] = (word),
    FAILURE_ROLE_LIST(X)
#undef X
};

const char *failure_role_word(enum failure_role role)
{
    return role < FAILURE_ROLE_COUNT ? role_words[role] : "";
}

void failure_context_init(struct failure_context *context, uint64_t id, struct wall at)
{
    context->id = id;
    context->at = at;
    context->n_fields = 0;
}

static void add(struct failure_context *context, const struct failure_field *field)
{
    if (context->n_fields < FAILURE_FIELDS_MAX) {
        context->fields[context->n_fields++] = *field;
    }
}

void failure_context_text(struct failure_context *context, const char *name,
                          enum failure_role role, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        add(context, &(struct failure_field){name, role, text, (double)NAN});
    }
}

void failure_context_number(struct failure_context *context, const char *name,
                            enum failure_role role, double number)
{
    if (isfinite(number)) {
        add(context, &(struct failure_field){name, role, NULL, number});
    }
}

/* Names of things, even where their values look like numbers. */
static const struct {
    const char *name;
    enum failure_role role;
} names[] = {
    {"branch",       FAILURE_LINE },
    {"head_branch",  FAILURE_LINE },
    {"author",       FAILURE_LINE },
    {"actor",        FAILURE_LINE },
    {"pull_request", FAILURE_LINE },
    {"pr",           FAILURE_LINE },
    {"ref",          FAILURE_LINE },
    {"run",          FAILURE_GROUP},
    {"run_id",       FAILURE_GROUP},
    {"commit",       FAILURE_GROUP},
    {"sha",          FAILURE_GROUP},
    {"head_sha",     FAILURE_GROUP},
    {"is_pr",        FAILURE_KIND },
    {"attempt",      FAILURE_KIND },
    {"job",          FAILURE_KIND },
    {"workflow",     FAILURE_KIND },
    {"pipeline",     FAILURE_KIND },
    {"step",         FAILURE_KIND },
    {"event",        FAILURE_KIND },
    {"platform",     FAILURE_KIND },
    {"agent",        FAILURE_KIND },
    {"repository",   FAILURE_KIND },
};

/* Words in the names of numbers that measure a change. */
static const char *const sizes[] = {
    "churn",   "files", "added",     "deleted",   "modified", "changed",
    "commits", "lines", "additions", "deletions", "tests",
};

static bool is_a_size(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (strcasestr(name, sizes[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Plain decimal: "-12.5". Neither "1e5" nor "0x10" nor "nan", which may be names. */
static bool parse_number(const char *text, double *ret)
{
    const char *at = text + (*text == '-');
    double value = 0, unit = 1;
    size_t digits = 0;
    for (; *at >= '0' && *at <= '9'; at++, digits++) {
        value = value * 10 + (*at - '0');
    }
    if (*at == '.') {
        for (at++; *at >= '0' && *at <= '9'; at++, digits++) {
            unit /= 10;
            value += unit * (*at - '0');
        }
    }
    if (*at != '\0' || digits == 0 || digits > 300) {
        return false;
    }
    *ret = *text == '-' ? -value : value;
    return true;
}

void failure_context_field(struct failure_context *context, const char *name,
                           const char *text)
{
    double number;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(name, names[i].name) == 0) {
            failure_context_text(context, name, names[i].role, text);
            return;
        }
    }
    if (parse_number(text, &number)) {
        failure_context_number(context, name,
                               is_a_size(name) ? FAILURE_SIZE : FAILURE_NUMBER, number);
    } else {
        failure_context_text(context, name, FAILURE_KIND, text);
    }
}

uint64_t failure_hash_with(uint64_t hash, uint64_t word)
{
    uint64_t z =
        hash * UINT64_C(0x9e3779b97f4a7c15) + word + UINT64_C(0x632be59bd9b4e019);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t failure_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    return failure_hash_with(hash, 1);
}
