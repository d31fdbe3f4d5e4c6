/* SPDX-License-Identifier: MIT */

/*
 * Finding verbs: what operators say of what the monitor found. Nothing here closes an
 * anomaly: the monitor reads the rows and does it, so that its models know.
 */

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/control/verb.h"

#define REASON_MAX 300

static void tell(struct control *control, const struct command_row *command,
                 struct wall now, const char *text)
{
    control_note(control, &(struct event_row){.at = now,
                                              .kind = command->verb,
                                              .actor = command->actor,
                                              .text = text});
}

/* "done" or "done: why" */
static void tell_why(struct control *control, const struct command_row *command,
                     struct wall now, const char *done, const char *why)
{
    AUTO_FREE char *text = mem_printf("%s%s%s", done, why[0] != '\0' ? ": " : "", why);
    tell(control, command, now, text);
}

/* ---- incidents ---- */

static void ack(const struct command_row *command, const char *note, struct wall now,
                struct incident_row *row, struct answer *answer)
{
    row->state = INCIDENT_ACKED;
    row->owner = command->actor;
    row->acked_at = now;
    row->note = note != NULL ? note : row->note;
    answer_set(answer, ANSWER_DONE, "incident %lld is looked after by %.64s",
               (long long)row->id, command->actor);
}

static void resolve(const struct command_row *command, struct wall now,
                    struct incident_row *row, struct answer *answer)
{
    row->state = INCIDENT_RESOLVED;
    if (row->owner[0] == '\0') {
        row->owner = command->actor;
        row->acked_at = now;
    }
    answer_set(answer, ANSWER_DONE, "incident %lld is closed", (long long)row->id);
}

static bool is_over(const struct incident_row *row, struct answer *answer)
{
    char at[CLOCK_TEXT_MAX];
    if (wall_is_set(row->closed_at)) {
        answer_set(answer, ANSWER_REFUSED, "incident %lld closed at %s",
                   (long long)row->id, wall_format(row->closed_at, false, at));
        return true;
    }
    if (row->state == INCIDENT_RESOLVED) {
        answer_set(answer, ANSWER_REFUSED, "incident %lld was closed by %.64s",
                   (long long)row->id, row->owner);
        return true;
    }
    return false;
}

static void about_incident(struct control *control, const struct command_row *command,
                           const struct json *args, struct wall now,
                           const struct incident_row *was, struct answer *answer)
{
    char note[REASON_MAX], reason[REASON_MAX];
    struct incident_row row = *was;
    const char *given = json_str(args, "note", NULL);
    bool is_note = strcmp(command->verb, "note") == 0;
    if (given != NULL) {
        (void)text_clean_into(note, sizeof(note), given);
    }
    (void)text_clean_into(reason, sizeof(reason), json_str(args, "reason", ""));
    if (!is_note && is_over(was, answer)) {
        return;
    }
    if (is_note) {
        row.note = note;
        answer_set(answer, ANSWER_DONE, "incident %lld: noted", (long long)row.id);
    } else if (strcmp(command->verb, "ack") == 0) {
        ack(command, given != NULL ? note : NULL, now, &row, answer);
    } else {
        resolve(command, now, &row, answer);
    }
    store_put_incident_ack(control->store, &row);
    AUTO_FREE char *what =
        is_note ? mem_printf("incident %lld", (long long)row.id) : mem_str(answer->text);
    tell_why(control, command, now, what, given != NULL ? note : reason);
}

static void with_incident(struct control *control, const struct command_row *command,
                          const struct json *args, struct wall now, struct answer *answer)
{
    struct arena *arena = arena_new();
    struct incident_row row;
    struct err err = ERR_INIT;
    int64_t id = json_int(args, "incident", 0);
    switch (store_load_incident(control->store, arena, id, &row, &err)) {
    case FOUND:
        about_incident(control, command, args, now, &row, answer);
        break;
    case MISSING:
        answer_set(answer, ANSWER_REFUSED, "there is no incident %lld", (long long)id);
        break;
    case FOUND_FAILED:
        answer_set(answer, ANSWER_REFUSED, "%s", err.msg);
        break;
    }
    arena_free(arena);
}

/* ---- silences ---- */

/* The verb's arguments are checked; what is left needs the clock. */
static bool read_end(const struct json *args, struct wall now, struct wall *ret_until,
                     struct answer *answer)
{
    const char *length = json_str(args, "for", NULL), *end = json_str(args, "until", "");
    struct span span;
    struct wall at;
    if (length != NULL) {
        if (!span_parse(length, &span)) {
            BUG("a duration that verb_check let pass");
        }
        *ret_until = wall_add(now, span);
        return true;
    }
    if (!wall_parse(end, &at)) {
        BUG("a time that verb_check let pass");
    }
    if (at.ms <= now.ms || wall_since(at, now).ms > SILENCE_MAX.ms) {
        answer_set(answer, ANSWER_BAD, "until: '%.32s' is %s", end,
                   at.ms <= now.ms ? "over already" : "more than 30 days away");
        return false;
    }
    *ret_until = at;
    return true;
}

static void silence(struct control *control, const struct command_row *command,
                    const struct json *args, struct wall now, struct answer *answer)
{
    char reason[REASON_MAX], at[CLOCK_TEXT_MAX];
    const char *match = json_str(args, "match", "");
    struct wall until;
    if (!read_end(args, now, &until, answer)) {
        return;
    }
    (void)text_clean_into(reason, sizeof(reason), json_str(args, "reason", ""));
    if (control->n_silences == SILENCES_MAX) {
        answer_set(answer, ANSWER_REFUSED, "there are %d silences already; end one",
                   SILENCES_MAX);
        return;
    }
    int64_t id =
        store_put_silence(control->store, &(struct silence_row){.match = match,
                                                                .author = command->actor,
                                                                .reason = reason,
                                                                .from = now,
                                                                .until = until});
    silence_keep(control, id, now, until);
    answer_set(answer, ANSWER_DONE, "silence %lld: %s until %s", (long long)id, match,
               wall_format(until, false, at));
    tell_why(control, command, now, answer->text, reason);
}

static void end_silence(struct control *control, const struct command_row *command,
                        const struct json *args, struct silence_row *row, struct wall now,
                        struct answer *answer)
{
    char reason[REASON_MAX];
    if (row->is_ended || row->until.ms <= now.ms) {
        answer_set(answer, ANSWER_REFUSED, "silence %lld is over already",
                   (long long)row->id);
        return;
    }
    (void)text_clean_into(reason, sizeof(reason), json_str(args, "reason", ""));
    row->is_ended = true;
    store_put_silence(control->store, row);
    silence_drop(control, row->id);
    answer_set(answer, ANSWER_DONE, "silence %lld of %s is ended", (long long)row->id,
               row->match);
    tell_why(control, command, now, answer->text, reason);
}

static void unsilence(struct control *control, const struct command_row *command,
                      const struct json *args, struct wall now, struct answer *answer)
{
    struct arena *arena = arena_new();
    struct silence_row row;
    struct err err = ERR_INIT;
    int64_t id = json_int(args, "silence", 0);
    switch (store_load_silence(control->store, arena, id, &row, &err)) {
    case FOUND:
        end_silence(control, command, args, &row, now, answer);
        break;
    case MISSING:
        answer_set(answer, ANSWER_REFUSED, "there is no silence %lld", (long long)id);
        break;
    case FOUND_FAILED:
        answer_set(answer, ANSWER_REFUSED, "%s", err.msg);
        break;
    }
    arena_free(arena);
}

/* ---- the verbs ---- */

static const struct {
    const char *verb;
    void (*run)(struct control *control, const struct command_row *command,
                const struct json *args, struct wall now, struct answer *answer);
} finding_verbs[] = {
    {"ack",       with_incident},
    {"note",      with_incident},
    {"resolve",   with_incident},
    {"silence",   silence      },
    {"unsilence", unsilence    },
};

bool is_finding_verb(const char *verb)
{
    for (size_t i = 0; i < ARRAY_LEN(finding_verbs); i++) {
        if (strcmp(finding_verbs[i].verb, verb) == 0) {
            return true;
        }
    }
    return false;
}

void control_finding_verb(struct control *control, const struct command_row *command,
                          const struct json *args, struct wall now, struct answer *answer)
{
    for (size_t i = 0; i < ARRAY_LEN(finding_verbs); i++) {
        if (strcmp(finding_verbs[i].verb, command->verb) == 0) {
            finding_verbs[i].run(control, command, args, now, answer);
        }
    }
}

void control_thumb(struct control *control, const struct command_row *command,
                   const struct json *args, const struct live *live, struct wall now,
                   struct answer *answer)
{
    const struct workflow_row *row = &live->workflow->row;
    char reason[REASON_MAX];
    (void)text_clean_into(reason, sizeof(reason), json_str(args, "reason", ""));
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = command->verb,
                                              .actor = command->actor,
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .text = reason});
    answer_set(answer, ANSWER_DONE, "thanks, noted");
}
