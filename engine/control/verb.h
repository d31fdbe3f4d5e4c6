/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_VERB_H
#define SIGNALBOX_CONTROL_VERB_H

/*
 * Verb: everything that an operator can ask of the engine, in one table.
 *
 * Keys, palette, command line and (later) the network all send the same rows; help, man
 * page and completion are made from them. A verb is checked twice: the front end with
 * verb_check for a quick answer, the engine (the only judge) when it takes the command.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/approval/access.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/json.h"

enum arg_type {
    ARG_TEXT,  /* one line */
    ARG_LONG,  /* text up to DOC_MAX */
    ARG_INT,   /* min..max */
    ARG_STATE, /* a checkpoint: PLANNING CODING PR_CREATED VALIDATING */
    ARG_OBJECT /* JSON object */
};

struct verb_arg {
    const char *name; /* key in the JSON arguments; NULL ends the list */
    enum arg_type type;
    bool is_required;
    long long min, max; /* ARG_INT */
    const char *help;
};

/* How much a front end asks before it sends the verb. */
enum confirm { CONFIRM_NONE, CONFIRM_ASK };

#define VERB_ARGS_MAX 8

struct verb {
    const char *name;
    bool has_workflow; /* acts on a workflow */
    bool changes;      /* changes state: refused in a read-only front end */
    enum confirm confirm;
    enum user_role role; /* the least that may use it */
    const char *help;    /* one line, for the palette and --help */
    const char *more;    /* one or two sentences for the man page */
    struct verb_arg args[VERB_ARGS_MAX];
};

/* A silence's pattern and length. fnmatch(3) tries every way to share a text among the
 * stars; a few serve every purpose. */
#define SILENCE_MATCH_MAX 200
#define SILENCE_STARS_MAX 8
#define SILENCE_DAYS_MAX  30
#define SILENCE_MAX       span_s(INT64_C(86400) * SILENCE_DAYS_MAX)

/* Sent by who reads the audit: nothing comes of it but a row there. */
#define AUDIT_READ "audit-read"

/* Sent by who shows the card of an approval to somebody who may decide: what expires does so from
 * the first time that it was seen. */
#define APPROVAL_SEEN "seen"

extern const struct verb verbs[];
extern const size_t n_verbs;

const struct verb *verb_find(const char *name); /* or NULL */
/* Are these arguments what the verb takes? Unknown, missing, mistyped: ERR_USAGE, named.
 */
NODISCARD bool verb_check(const struct verb *verb, const struct json *args,
                          struct err *err);

#endif
