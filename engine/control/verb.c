/* SPDX-License-Identifier: MIT */
#include "engine/control/verb.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/learning/tuning.h"
#include "store/model.h"

#define REASON                                                                           \
    {                                                                                    \
        "reason", ARG_TEXT, false, 0, 0, "why; kept with the act"                        \
    }

#define APPROVAL_ID                                                                      \
    {                                                                                    \
        "approval", ARG_INT, false, 1, INT64_MAX, "number of the approval"               \
    }

/* clang-format off */
const struct verb verbs[] = {
    {"submit",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "hand over a task",
     "A workflow is made and starts as soon as a slot is free. The pipeline is kept as "
     "it is "
     "now; later changes of its file do not touch this workflow.",                        {{"pipeline", ARG_TEXT, true, 0, 0, "name of the pipeline"},
      {"text", ARG_LONG, true, 0, 0, "its YAML text"},
      {"repo", ARG_TEXT, false, 0, 0, "repository; default: the pipeline's"},
      {"task", ARG_LONG, true, 0, 0, "what is to be done"},
      {"priority", ARG_INT, false, 0, 9, "9 goes first; default 5"},
      {"metadata", ARG_OBJECT, false, 0, 0, "free JSON object, kept with the workflow"}}            },
    {"adopt",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "take over a pull request that somebody opened",
     "A workflow is made that starts with the pull request: it is validated and merged "
     "as the "
     "pipeline says, and mended by the agent when a check fails. The pipeline names the "
     "forge.",                                                                            {{"pipeline", ARG_TEXT, true, 0, 0, "name of the pipeline"},
      {"text", ARG_LONG, true, 0, 0, "its YAML text"},
      {"pull", ARG_INT, true, 1, INT32_MAX, "number of the pull request"},
      {"task", ARG_LONG, false, 0, 0,
       "what the agent is told when something must be mended"},
      {"priority", ARG_INT, false, 0, 9, "9 goes first; default 5"},
      {"metadata", ARG_OBJECT, false, 0, 0, "free JSON object, kept with the workflow"}}                                                                },
    {"pause",
     true,  true,
     CONFIRM_NONE, USER_OPERATOR, "hold a workflow where it is",
     "What runs now is finished and its result kept; nothing new begins. Deadlines stand "
     "still.",                                                                            {REASON}                                                                    },
    {"resume",
     true,  true,
     CONFIRM_NONE, USER_OPERATOR, "go on with a paused or waiting workflow",
     "Also ends the pause before a retry, and goes on after something that only a person "
     "could put right.",                                                                  {REASON}                                                                    },
    {"cancel",
     true,  true,
     CONFIRM_ASK, USER_OPERATOR, "stop a workflow for good",
     "What runs is killed, the pull request closed, the worktree removed. A merge that "
     "is "
     "under way is waited for, except by a second cancel. Nothing merged is taken back.", {REASON}                                                                    },
    {"retry",
     true,  true,
     CONFIRM_NONE, USER_OPERATOR, "run again from a checkpoint",
     "From the start of PLANNING, CODING, PR_CREATED or VALIDATING; without one, from "
     "the "
     "state in which it is or ended. Retries of the state are counted anew.",             {{"from", ARG_STATE, false, 0, 0, "checkpoint"}, REASON}                    },
    {"skip",
     true,  true,
     CONFIRM_ASK, USER_OPERATOR, "go past the current step, done by hand",
     "The step is recorded as skipped by you, and the next one begins.",                  {REASON}                                                                    },
    {"approve",
     true, true,
     CONFIRM_ASK, USER_APPROVER, "approve what waits for a person",
     "Only what was shown is approved: the digest of its effect is given with it, and one that has "
     "changed since is shown again. High risk needs the name of what it is about, critical risk "
     "a second person.",
     {APPROVAL_ID,
      {"digest", ARG_TEXT, false, 0, 0, "digest of the effect as shown"},
      {"confirm", ARG_TEXT, false, 0, 0, "name of what it is about, for high risk"},
      {"effect", ARG_INT, false, 0, INT64_MAX, "newest effect as shown"}, REASON}},
    {"reject",
     true, true,
     CONFIRM_ASK, USER_APPROVER, "reject what waits for a person",
     "A rejected plan or merge goes back to PLANNING with the reason as error context; anything "
     "else is not done. The reason is learned from.",
     {APPROVAL_ID,
      {"effect", ARG_INT, false, 0, INT64_MAX, "newest effect as shown"},
      {"reason", ARG_TEXT, true, 0, 0, "what must be different"}}},
    {"snooze",
     true, true,
     CONFIRM_NONE, USER_OPERATOR, "put an approval off",
     "It comes back by itself, and is never taken for a no.",
     {APPROVAL_ID, {"for", ARG_TEXT, false, 0, 0, "for how long, like 2h; default: 1h"}, REASON}},
    {"delegate",
     true, true,
     CONFIRM_NONE, USER_OPERATOR, "give an approval to somebody",
     "Others may still decide.",
     {APPROVAL_ID, {"to", ARG_TEXT, true, 0, 0, "user"}, REASON}},
    {"claim",
     true, true,
     CONFIRM_NONE, USER_OPERATOR, "say that you look at an approval",
     "For a quarter of an hour; others see it.",
     {APPROVAL_ID, REASON}},
    {APPROVAL_SEEN,
     false, true,
     CONFIRM_NONE, USER_APPROVER, "say that an approval was on screen",
     "Sent by the console and by 'signalbox approvals' when they show a card to somebody who may "
     "decide: what expires does so from then on.",
     {{"approval", ARG_INT, true, 1, INT64_MAX, "number of the approval"}}},
    {"undo",
     false, true,
     CONFIRM_ASK, USER_APPROVER, "take an optimization back",
     "Its setting is exactly as it was before; works at any time.",
     {{"optimization", ARG_INT, true, 1, INT64_MAX, "number of the optimization"}, REASON}},
    {"autonomy",
     false, true,
     CONFIRM_ASK, USER_ADMIN, "say how much of a class of actions is done by itself",
     "observe, suggest, approve or auto; 'configured' goes back. A level is raised only for a "
     "time: an hour unless it says otherwise, at most eight.",
     {{"action", ARG_TEXT, true, 0, 0, "class of actions: merge, restart, tune ..."},
      {"level", ARG_TEXT, true, 0, 0, "observe, suggest, approve, auto or configured"},
      {"repo", ARG_TEXT, false, 0, 0, "only in this repository"},
      {"for", ARG_TEXT, false, 0, 0, "for how long, like 2h"},
      REASON}},
    {"rollback",
     true,  true,
     CONFIRM_ASK, USER_APPROVER, "take merged work back",
     "A revert commit is made on the base branch.",                                       {REASON}                                                                    },
    {"extend",
     true,  true,
     CONFIRM_NONE, USER_APPROVER, "grant more of a budget",
     "More agent runs, wall time, tokens or money. A workflow whose budget is used up goes "
     "on with "
     "that.",                                                                             {{"attempts", ARG_INT, false, 1, 10000, "agent runs more"},
      {"wall", ARG_TEXT, false, 0, 0, "wall time more, like 2h"},
      {"tokens", ARG_INT, false, 1, 2000000000, "tokens more"},
      {"cost", ARG_TEXT, false, 0, 0, "money more, like 5.00"},
      REASON}                                                                                                                                            },
    {"priority",
     true,  true,
     CONFIRM_NONE, USER_OPERATOR, "change the place in the queue",
     "0 to 9; 9 goes first.",                                                             {{"value", ARG_INT, true, 0, 9, "new priority"}, REASON}                    },
    {"breaker",
     false, true,
     CONFIRM_ASK, USER_OPERATOR, "hold a service's breaker open or closed, or let it decide again",
     "open refuses all calls, closed lets all through; disabled also counts nothing, "
     "metrics-only counts and refuses nothing; auto gives the decision back to the "
     "breaker. "
     "It holds over a restart.",                                                          {{"service", ARG_TEXT, true, 0, 0, "name of the service"},
      {"state", ARG_TEXT, true, 0, 0, "open, closed, disabled, metrics-only or auto"},
      {"for", ARG_TEXT, false, 0, 0,
       "for how long, like 10m; default: until it is changed"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}                                                                     },
    {"probe",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "ask a service now whether it is alive",
     "One call is made, whatever the breaker says; it learns from the answer.",           {{"service", ARG_TEXT, true, 0, 0, "name of the service"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}                      },
    {"reset",
     false, true,
     CONFIRM_ASK, USER_OPERATOR, "close a service's breaker and forget what it has counted",
     "Workflows that wait for the service go on, a few first.",                           {{"service", ARG_TEXT, true, 0, 0, "name of the service"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}                                      },
    {"halt",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "stop everything that is done without a person, now",
     "Nothing begins, agents and checks stand still where they are, no call is made, no time "
     "runs out; it holds over a restart. A merge that has begun is finished. What operators "
     "ask meanwhile is noted, and done after the release.",
     {REASON}},
    {"release",
     false, true,
     CONFIRM_ASK, USER_APPROVER, "let everything that was halted go on",
     "It goes on where it stood. Deadlines and pauses are as long as they were.",
     {REASON}},
    {"ack",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "take an incident: you look after it",
     "Everybody sees who looks after it, and its note. It closes by itself when its "
     "anomalies have ended.",
     {{"incident", ARG_INT, true, 1, INT64_MAX, "number of the incident"},
      {"note", ARG_TEXT, false, 0, 0, "what is known or being done"}}},
    {"note",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "write what is known of an incident",
     "The note before is replaced; every note stays in the events.",
     {{"incident", ARG_INT, true, 1, INT64_MAX, "number of the incident"},
      {"note", ARG_TEXT, true, 0, 0, "what is known or being done"}}},
    {"claim-incident",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "say that you look at an incident",
     "For a quarter of an hour; others see it. 'ack' is for as long as it lasts.",
     {{"incident", ARG_INT, true, 1, INT64_MAX, "number of the incident"}, REASON}},
    {"assign",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "give an incident to somebody",
     "Others may still do something about it.",
     {{"incident", ARG_INT, true, 1, INT64_MAX, "number of the incident"},
      {"to", ARG_TEXT, true, 0, 0, "user"}, REASON}},
    {"link",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "say what else belongs to an incident",
     "A workflow (wf-12), a failure, problem, recovery, decision, approval or optimization, "
     "another incident (17) or a web address. A problem that is linked is a part of the report.",
     {{"incident", ARG_INT, true, 1, INT64_MAX, "number of the incident"},
      {"what", ARG_TEXT, true, 0, 0, "its id or address"}, REASON}},
    {"resolve",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "close an incident",
     "Its anomalies are closed, and what they measured from now on is taken as usual.",
     {{"incident", ARG_INT, true, 1, INT64_MAX, "number of the incident"}, REASON}},
    {"silence",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "hear nothing of some anomalies, until a time",
     "They are still found and shown, but nobody is told and nothing is triggered. Say for "
     "how long or until when: at most 30 days. Ten minutes before its end it says so.",
     {{"match", ARG_TEXT, true, 0, 0, "pattern of series or components, as service:*"},
      {"for", ARG_TEXT, false, 0, 0, "for how long, like 2h"},
      {"until", ARG_TEXT, false, 0, 0, "or until when, like 2026-11-22T18:00:00Z"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}},
    {"unsilence",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "end a silence now",
     "What is still wrong is told at once.",
     {{"silence", ARG_INT, true, 1, INT64_MAX, "number of the silence"}, REASON}},
    {AUDIT_READ,
     false, false,
     CONFIRM_NONE, USER_OBSERVER, "note that the audit was read",
     "Sent by 'signalbox audit verify', 'signalbox audit export' and the console's view of it: "
     "reading the audit is an act, too.",
     {{"what", ARG_TEXT, true, 0, 0, "verify, export or console"},
      {"filter", ARG_TEXT, false, 0, 0, "which rows"},
      REASON}},
    {"thumbs-up",
     true, true,
     CONFIRM_NONE, USER_OPERATOR, "say that this workflow did well",
     "Counts for user_satisfaction, and for nothing else.",
     {{"reason", ARG_TEXT, false, 0, 0, "what was good"}}},
    {"thumbs-down",
     true, true,
     CONFIRM_NONE, USER_OPERATOR, "say that this workflow did badly",
     "Counts for user_satisfaction, and for nothing else.",
     {{"reason", ARG_TEXT, false, 0, 0, "what was bad"}}},
    {"label",
     false, true,
     CONFIRM_NONE, USER_OPERATOR, "correct the class of a failure",
     "From now on failures with the same fingerprint have this class, and the classifier "
     "learns from it.",
     {{"failure", ARG_INT, true, 1, INT64_MAX, "number of the failure"},
      {"class", ARG_TEXT, true, 0, 0, "what it is: test, compile, network ..."}, REASON}},
    {"kill-strategy",
     false, true,
     CONFIRM_ASK, USER_APPROVER, "never choose a strategy again, for a class or at all",
     "What it is doing now goes on. revive-strategy takes it back.",
     {{"strategy", ARG_TEXT, true, 0, 0, "retry, hand_back, fallback ..."},
      {"class", ARG_TEXT, false, 0, 0, "only for this class of failures; default: for all"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}},
    {"scale",
     false, true,
     CONFIRM_ASK, USER_APPROVER, "run a configured command that adds or removes machines",
     "The section scale of signalbox.yaml(5) has them. It runs beside a workflow; its outcome "
     "is an event.",
     {{"name", ARG_TEXT, true, 0, 0, "name of the scale command"},
      {"direction", ARG_TEXT, true, 0, 0, "up or down"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}},
    {"tune",
     false, true,
     CONFIRM_ASK, USER_APPROVER, "change a setting while the engine runs",
     "Of a pipeline it counts for workflows that are submitted afterwards, of a service or the "
     "engine at once. untune takes it back exactly, and so does the end of its time.",
     {{"setting", ARG_TEXT, true, 0, 0, "the setting: limits.coding, max_running ..."},
      {"scope", ARG_TEXT, false, 0, 0, "pipeline:NAME or service:NAME; default: the engine"},
      {"value", ARG_TEXT, true, 0, 0, "its value, as in YAML"},
      {"for", ARG_TEXT, false, 0, 0, "for how long, like 2h; default: until it is taken back"},
      {"until", ARG_TEXT, false, 0, 0, "or until when, like 2026-11-22T18:00:00Z"},
      {"reason", ARG_TEXT, true, 0, 0, "why; kept with the act"}}},
    {"untune",
     false, true,
     CONFIRM_NONE, USER_APPROVER, "take a changed setting back",
     "What it had replaced is in force again.",
     {{"setting", ARG_TEXT, true, 0, 0, "the setting"},
      {"scope", ARG_TEXT, false, 0, 0, "pipeline:NAME or service:NAME; default: the engine"},
      REASON}},
    {"revive-strategy",
     false, true,
     CONFIRM_NONE, USER_APPROVER, "let a strategy be chosen again",
     "What was learned of it is kept.",
     {{"strategy", ARG_TEXT, true, 0, 0, "retry, hand_back, fallback ..."},
      {"class", ARG_TEXT, false, 0, 0, "only for this class of failures; default: for all"},
      REASON}},
};
/* clang-format on */
const size_t n_verbs = ARRAY_LEN(verbs);

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < n_verbs; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static const struct verb_arg *arg_find(const struct verb *verb, const char *name)
{
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (strcmp(arg->name, name) == 0) {
            return arg;
        }
    }
    return NULL;
}

static bool is_checkpoint(const char *name)
{
    enum workflow_state state;
    return state_find(name, &state) && state >= STATE_PLANNING &&
           state <= STATE_VALIDATING;
}

static bool check_arg(const struct verb_arg *arg, const struct json *args,
                      struct err *err)
{
    const char *text = json_str(args, arg->name, NULL);
    switch (arg->type) {
    case ARG_TEXT:
    case ARG_LONG:
        if (text == NULL) {
            return err_set(err, ERR_USAGE, "%s: expected text", arg->name);
        }
        if (strlen(text) > (arg->type == ARG_LONG ? DOC_MAX : 4096)) {
            return err_set(err, ERR_TOO_LARGE, "%s: %zu bytes; at most %d", arg->name,
                           strlen(text), arg->type == ARG_LONG ? DOC_MAX : 4096);
        }
        return true;
    case ARG_INT: {
        int64_t low = json_int(args, arg->name, INT64_MIN);
        int64_t high = json_int(args, arg->name, INT64_MAX);
        if (low != high || low < arg->min || low > arg->max) {
            return err_set(err, ERR_USAGE, "%s: expected a number from %lld to %lld",
                           arg->name, arg->min, arg->max);
        }
        return true;
    }
    case ARG_STATE:
        if (text == NULL || !is_checkpoint(text)) {
            return err_set(err, ERR_USAGE,
                           "%s: '%s' is no checkpoint; expected PLANNING, CODING, "
                           "PR_CREATED or VALIDATING",
                           arg->name, text != NULL ? text : "");
        }
        return true;
    case ARG_OBJECT:
        if (!json_is_an_object(json_get(args, arg->name))) {
            return err_set(err, ERR_USAGE, "%s: expected a JSON object", arg->name);
        }
        return true;
    }
    return true;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

static bool check_match(const char *match, struct err *err)
{
    char clean[SILENCE_MATCH_MAX + 1];
    int n_stars = 0;
    for (const char *p = match; *p != '\0'; p++) {
        n_stars += *p == '*';
    }
    if (strlen(match) > SILENCE_MATCH_MAX || n_stars > SILENCE_STARS_MAX) {
        return err_set(err, ERR_USAGE, "match: at most %d bytes with at most %d stars",
                       SILENCE_MATCH_MAX, SILENCE_STARS_MAX);
    }
    if (is_blank(match) ||
        strcmp(text_clean_into(clean, sizeof(clean), match), match) != 0) {
        return err_set(err, ERR_USAGE,
                       "match: expected a pattern of series or components, as service:*");
    }
    return true;
}

/* What of a silence needs no clock to be judged. */
static bool check_silence(const struct json *args, struct err *err)
{
    const char *length = json_str(args, "for", NULL);
    const char *end = json_str(args, "until", NULL);
    struct span span;
    struct wall at;
    if (!check_match(json_str(args, "match", ""), err)) {
        return false;
    }
    if ((length == NULL) == (end == NULL)) {
        return err_set(err, ERR_USAGE,
                       "silence: expected either for (like 2h) or until (like "
                       "2026-11-22T18:00:00Z): a silence has an end");
    }
    if (length != NULL && (!span_parse(length, &span) || span.ms == 0)) {
        return err_set(err, ERR_USAGE,
                       "for: '%.32s' is no duration; expected one like 10m or 1h30m",
                       length);
    }
    if (length != NULL && span.ms > SILENCE_MAX.ms) {
        return err_set(err, ERR_USAGE, "for: '%.32s' is more than %d days", length,
                       SILENCE_DAYS_MAX);
    }
    if (end != NULL && !wall_parse(end, &at)) {
        return err_set(
            err, ERR_USAGE,
            "until: '%.32s' is no time; expected one like 2026-11-22T18:00:00Z", end);
    }
    return !is_blank(json_str(args, "reason", "")) ||
           err_set(err, ERR_USAGE, "reason: empty; expected why");
}

static bool check_note(const struct json *args, struct err *err)
{
    return !is_blank(json_str(args, "note", "")) ||
           err_set(err, ERR_USAGE, "note: empty; expected what is known");
}

static bool check_tune(const struct json *args, struct err *err)
{
    const char *length = json_str(args, "for", NULL);
    const char *end = json_str(args, "until", NULL);
    struct span span;
    struct wall at;
    AUTO_BUF struct buf value;
    buf_init(&value, 8 * TUNING_VALUE_MAX);
    if (length != NULL && end != NULL) {
        return err_set(err, ERR_USAGE, "tune: expected for or until, not both");
    }
    if (length != NULL && (!span_parse(length, &span) || span.ms == 0)) {
        return err_set(err, ERR_USAGE,
                       "for: '%.32s' is no duration; expected one like 10m or 1h30m",
                       length);
    }
    if (end != NULL && !wall_parse(end, &at)) {
        return err_set(
            err, ERR_USAGE,
            "until: '%.32s' is no time; expected one like 2026-11-22T18:00:00Z", end);
    }
    if (is_blank(json_str(args, "reason", ""))) {
        return err_set(err, ERR_USAGE, "reason: empty; expected why");
    }
    return tuning_check(json_str(args, "setting", ""), json_str(args, "scope", ""),
                        json_str(args, "value", ""), &value, err);
}

/* What is more than a question of one argument. */
static const struct {
    const char *verb;
    bool (*is_good)(const struct json *args, struct err *err);
} checks[] = {
    {"silence", check_silence},
    {"note",    check_note   },
    {"tune",    check_tune   },
};

static bool check_whole(const struct verb *verb, const struct json *args, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (strcmp(checks[i].verb, verb->name) == 0) {
            return checks[i].is_good(args, err);
        }
    }
    return true;
}

bool verb_check(const struct verb *verb, const struct json *args, struct err *err)
{
    void *iter = NULL;
    const char *key;
    const struct json *value;
    while (json_next(args, &iter, &key, &value)) {
        const struct verb_arg *arg = arg_find(verb, key);
        if (arg == NULL) {
            return err_set(err, ERR_USAGE, "%s takes no '%s'", verb->name, key);
        }
        if (!check_arg(arg, args, err)) {
            return false;
        }
    }
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        if (arg->is_required && json_get(args, arg->name) == NULL) {
            return err_set(err, ERR_USAGE, "%s needs '%s': %s", verb->name, arg->name,
                           arg->help);
        }
    }
    return check_whole(verb, args, err);
}
