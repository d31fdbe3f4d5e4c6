/* SPDX-License-Identifier: MIT */
/* What can be done with incidents, on their page, in the report and in the list. */
#include <inttypes.h>

#include "engine/base/json.h"
#include "tui/view/monitor.h"

/* Needs a value: label; else it is done at once. */
static const struct act_row {
    enum action action;
    const char *verb;
    const char *key; /* argument that the value is */
    const char *label, *example;
} acts[] = {
    {ACTION_INCIDENT_ACK,     "ack",            NULL,   NULL,          NULL                         },
    {ACTION_INCIDENT_CLAIM,   "claim-incident", NULL,   NULL,          NULL                         },
    {ACTION_INCIDENT_RESOLVE, "resolve",        NULL,   NULL,          NULL                         },
    {ACTION_INCIDENT_ASSIGN,  "assign",         "to",   "give it to",  "a user"                     },
    {ACTION_INCIDENT_LINK,    "link",           "what", "link to",
     "wf-12, p-2, another incident, or an address"                                                  },
    {ACTION_INCIDENT_NOTE,    "note",           "note", "note",        "what is known or being done"},
    {ACTION_INCIDENT_SILENCE, "silence",        "for",  "silence for",
     "a duration like 30m or 2h, at most 30 days"                                                   },
};

static const struct act_row *find_act(enum action action)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        if (acts[i].action == action)
            return &acts[i];
    return NULL;
}

bool incident_is_act(enum action action)
{
    return find_act(action) != NULL;
}

/* A silence is of the cause: it has no number to name. */
static char *args_of(const struct act_row *act, const struct incident_row *row,
                     const char *value)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    if (act->action == ACTION_INCIDENT_SILENCE)
        jsonw_str(&w, "match", row->cause);
    else
        jsonw_int(&w, "incident", row->id);
    if (act->key)
        jsonw_str(&w, act->key, value);
    jsonw_close(&w, '}');
    return buf_take(&args, NULL);
}

static void send(const struct act_row *act, const struct incident_row *const *rows,
                 size_t n, const char *value, struct reply *reply)
{
    struct verb_request request = {.verb = act->verb};
    if (n == 1) {
        request.args = args_of(act, rows[0], value);
    } else {
        request.each = mem_array(n, sizeof(char *));
        for (size_t i = 0; i < n; i++)
            request.each[request.n_each++] = args_of(act, rows[i], value);
    }
    reply_verb(reply, &request);
}

static void ask(const struct act_row *act, const struct incident_row *const *rows,
                size_t n, struct reply *reply)
{
    const char *initial = act->action == ACTION_INCIDENT_SILENCE  ? "1h"
                          : n > 1                                 ? ""
                          : act->action == ACTION_INCIDENT_NOTE   ? rows[0]->note
                          : act->action == ACTION_INCIDENT_ASSIGN ? rows[0]->assignee
                                                                  : "";
    reply_ask(reply, &(struct prompt_request){.label = act->label,
                                              .initial = initial,
                                              .example = act->example,
                                              .token = (int)act->action});
}

void incident_action(const struct incident_row *const *rows, size_t n, enum action action,
                     struct reply *reply)
{
    const struct act_row *act = find_act(action);
    if (n > 0 && act && act->label) {
        ask(act, rows, n, reply);
    } else if (n > 0 && act) {
        send(act, rows, n, NULL, reply);
    } else if (n == 1 && action == ACTION_COPY) {
        AUTO_FREE char *text =
            mem_printf("incident %" PRId64 "  %s  %s", rows[0]->id,
                       severity_word(rows[0]->severity), rows[0]->text);
        reply_copy(reply, text, strlen(text));
    } else {
        reply->flags |= REPLY_UNUSED;
    }
}

void incident_prompt(const struct incident_row *const *rows, size_t n, int token,
                     const char *text, bool is_final, struct reply *reply)
{
    const struct act_row *act = find_act((enum action)token);
    struct span span;
    if (!text || !is_final || n == 0 || !act)
        return;
    if (act->action == ACTION_INCIDENT_SILENCE &&
        (!span_parse(text, &span) || span.ms == 0))
        reply_say(reply, MESSAGE_ERROR, "'%s' is no duration like 30m or 2h", text);
    else
        send(act, rows, n, text, reply);
}
