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
#include "engine/recovery/case.h"

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

#define LINK_MAX  200 /* bytes */
#define LINKS_MAX 20

/* An act in hand. Each changes the row and sets the answer; false: nothing is changed. */
struct incident_act {
    const struct command_row *command;
    const struct json *args;
    const char *note; /* clean; NULL = not given */
    struct wall now;
    struct arena *arena;
    struct incident_row *row;
    struct answer *answer;
};

static bool act_ack(struct incident_act *act)
{
    struct incident_row *row = act->row;
    row->state = INCIDENT_ACKED;
    row->owner = act->command->actor;
    row->acked_at = act->now;
    row->note = act->note != NULL ? act->note : row->note;
    answer_set(act->answer, ANSWER_DONE, "incident %lld is looked after by %.64s",
               (long long)row->id, act->command->actor);
    return true;
}

static bool act_note(struct incident_act *act)
{
    act->row->note = act->note != NULL ? act->note : "";
    answer_set(act->answer, ANSWER_DONE, "incident %lld: noted", (long long)act->row->id);
    return true;
}

static bool act_resolve(struct incident_act *act)
{
    struct incident_row *row = act->row;
    row->state = INCIDENT_RESOLVED;
    if (row->owner[0] == '\0') {
        row->owner = act->command->actor;
        row->acked_at = act->now;
    }
    answer_set(act->answer, ANSWER_DONE, "incident %lld is closed", (long long)row->id);
    return true;
}

static bool act_claim(struct incident_act *act)
{
    struct incident_row *row = act->row;
    char left[CLOCK_TEXT_MAX];
    if (row->claimed_until.ms > act->now.ms &&
        strcmp(row->claimed_by, act->command->actor) != 0) {
        answer_set(act->answer, ANSWER_REFUSED,
                   "incident %lld is claimed by %.64s for %s", (long long)row->id,
                   row->claimed_by,
                   span_format(wall_since(row->claimed_until, act->now), left));
        return false;
    }
    row->claimed_by = act->command->actor;
    row->claimed_until = wall_add(act->now, CLAIM_TIME);
    answer_set(act->answer, ANSWER_DONE, "incident %lld is claimed by %.64s for %s",
               (long long)row->id, row->claimed_by, span_format(CLAIM_TIME, left));
    return true;
}

static bool act_assign(struct incident_act *act)
{
    char to[65], clean[REASON_MAX];
    (void)text_clean_into(clean, sizeof(clean), json_str(act->args, "to", ""));
    if (clean[0] == '\0' || strlen(clean) >= sizeof(to)) {
        answer_set(act->answer, ANSWER_BAD, "to: expected a user");
        return false;
    }
    (void)snprintf(to, sizeof(to), "%.64s", clean);
    act->row->assignee = arena_str(act->arena, to);
    answer_set(act->answer, ANSWER_DONE, "incident %lld is assigned to %s",
               (long long)act->row->id, to);
    return true;
}

/* An id as people see it, a bare number (an incident), or a web address. */
static bool is_link(const char *text)
{
    enum case_kind kind;
    int64_t id;
    size_t digits = strspn(text, "0123456789");
    bool is_number = digits > 0 && digits <= 18 && text[digits] == '\0' && text[0] != '0';
    bool is_address =
        (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0) &&
        strchr(text, ' ') == NULL;
    return is_number || is_address || case_id_parse(text, &kind, &id);
}

/* The array with one more; NULL: it is in it, or there is no room. */
static const char *add_link(struct incident_act *act, const char *what)
{
    struct err ignored = ERR_INIT; /* written by us */
    const char *was = act->row->links[0] != '\0' ? act->row->links : "[]";
    struct json *list = json_parse(was, strlen(was), &ignored);
    AUTO_BUF struct buf out;
    struct jsonw w;
    bool is_new = json_len(list) < LINKS_MAX;
    buf_init(&out, DOC_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '[');
    for (size_t i = 0; i < json_len(list); i++) {
        const char *one = json_text(json_at(list, i));
        is_new = is_new && (one == NULL || strcmp(one, what) != 0);
        jsonw_str(&w, NULL, one);
    }
    jsonw_str(&w, NULL, what);
    jsonw_close(&w, ']');
    json_free(list);
    return is_new ? arena_strn(act->arena, out.data, out.len) : NULL;
}

static bool act_link(struct incident_act *act)
{
    char what[REASON_MAX];
    (void)text_clean_into(what, sizeof(what), json_str(act->args, "what", ""));
    if (!is_link(what) || strlen(what) > LINK_MAX) {
        answer_set(act->answer, ANSWER_BAD,
                   "what: '%.60s' is no id like wf-12 or p-2, no incident and no address",
                   what);
        return false;
    }
    const char *links = add_link(act, what);
    if (links == NULL) {
        answer_set(act->answer, ANSWER_REFUSED,
                   "incident %lld is linked to that already, or to %d others",
                   (long long)act->row->id, LINKS_MAX);
        return false;
    }
    act->row->links = links;
    answer_set(act->answer, ANSWER_DONE, "incident %lld is linked to %s",
               (long long)act->row->id, what);
    return true;
}

/* What is over may still be noted and linked: a postmortem is written afterwards. */
static const struct {
    const char *verb;
    bool is_of_open;
    bool (*run)(struct incident_act *act);
} incident_acts[] = {
    {"ack",            true,  act_ack    },
    {"note",           false, act_note   },
    {"resolve",        true,  act_resolve},
    {"claim-incident", true,  act_claim  },
    {"assign",         true,  act_assign },
    {"link",           false, act_link   },
};

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

static bool change(struct incident_act *act)
{
    for (size_t i = 0; i < ARRAY_LEN(incident_acts); i++) {
        if (strcmp(incident_acts[i].verb, act->command->verb) == 0) {
            return (!incident_acts[i].is_of_open || !is_over(act->row, act->answer)) &&
                   incident_acts[i].run(act);
        }
    }
    return false;
}

static void about_incident(struct control *control, struct incident_act *act)
{
    char note[REASON_MAX], reason[REASON_MAX];
    const char *given = json_str(act->args, "note", NULL);
    if (given != NULL) {
        act->note = text_clean_into(note, sizeof(note), given);
    }
    (void)text_clean_into(reason, sizeof(reason), json_str(act->args, "reason", ""));
    if (!change(act)) {
        return;
    }
    store_put_incident_ack(control->store, act->row);
    bool is_note = strcmp(act->command->verb, "note") == 0; /* its text says it */
    AUTO_FREE char *what = is_note ? mem_printf("incident %lld", (long long)act->row->id)
                                   : mem_str(act->answer->text);
    tell_why(control, act->command, act->now, what, given != NULL ? note : reason);
}

static void with_incident(struct control *control, const struct command_row *command,
                          const struct json *args, struct wall now, struct answer *answer)
{
    struct arena *arena = arena_new();
    struct incident_row row;
    struct incident_act act = {.command = command,
                               .args = args,
                               .now = now,
                               .arena = arena,
                               .row = &row,
                               .answer = answer};
    struct err err = ERR_INIT;
    int64_t id = json_int(args, "incident", 0);
    switch (store_load_incident(control->store, arena, id, &row, &err)) {
    case FOUND:
        about_incident(control, &act);
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
    {"ack",            with_incident},
    {"note",           with_incident},
    {"resolve",        with_incident},
    {"claim-incident", with_incident},
    {"assign",         with_incident},
    {"link",           with_incident},
    {"silence",        silence      },
    {"unsilence",      unsilence    },
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
