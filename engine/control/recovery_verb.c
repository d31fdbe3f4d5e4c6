/* SPDX-License-Identifier: MIT */

/*
 * What operators say about failures, recoveries and strategies.
 */

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/approval.h"
#include "engine/control/recovery_private.h"

#define REASON_MAX 300

/* An act in hand. */
struct spoken {
    struct control *control;
    const struct command_row *command;
    const struct json *args;
    struct wall now;
    struct answer *answer;
    char reason[REASON_MAX];
};

static void note(const struct spoken *act)
{
    AUTO_FREE char *text = mem_printf("%s%s%s", act->answer->text,
                                      act->reason[0] != '\0' ? ": " : "", act->reason);
    control_note(act->control, &(struct event_row){.at = act->now,
                                                   .kind = act->command->verb,
                                                   .actor = act->command->actor,
                                                   .text = text});
}

/* ---- label ---- */

/* Open failures with that fingerprint, in memory. */
static void relabel(struct control *control, const char *fingerprint,
                    enum failure_class class_, const char *author)
{
    for (struct live *live = control->troubled; live != NULL;
         live = live->next_troubled) {
        for (struct trouble *t = live->troubles; t != NULL; t = t->next) {
            if (strcmp(t->row.fingerprint, fingerprint) == 0) {
                t->row.was_class = t->row.class_;
                t->row.class_ = class_;
                t->row.category = class_category(class_);
                trouble_set(&t->labelled_by, &t->row.labelled_by, author);
                trouble_put(control, t);
            }
        }
    }
}

static void label(struct spoken *act)
{
    struct control *control = act->control;
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct failure_row row;
    enum failure_class class_;
    int64_t id = json_int(act->args, "failure", 0);
    const char *word = json_str(act->args, "class", "");
    if (!class_find(word, &class_)) {
        answer_set(act->answer, ANSWER_BAD,
                   "class: '%.32s' is none; expected test, compile, lint, dependency, "
                   "config, network, timeout, resource, crash, infra, vcs, auth, quota, "
                   "flaky or unknown",
                   word);
    } else if (store_load_failure(control->store, arena, id, &row, &err) != FOUND) {
        answer_set(act->answer, ANSWER_REFUSED, "there is no failure f-%lld",
                   (long long)id);
    } else {
        const struct label_row said = {.at = act->now,
                                       .class_ = class_,
                                       .author = act->command->actor,
                                       .text = row.text};
        struct label_row kept = said;
        memcpy(kept.fingerprint, row.fingerprint, sizeof(kept.fingerprint));
        (void)store_put_label(control->store, &kept);
        row.was_class = row.class_;
        row.class_ = class_;
        row.category = class_category(class_);
        row.labelled_by = act->command->actor;
        (void)store_put_failure(control->store, &row);
        relabel(control, row.fingerprint, class_, act->command->actor);
        classifier_label(control->recovery->classifier, row.fingerprint, class_, row.text,
                         strlen(row.text));
        answer_set(act->answer, ANSWER_DONE,
                   "f-%lld is %s, and so is what looks the same", (long long)id,
                   class_word(class_));
        note(act);
    }
    arena_free(arena);
}

/* ---- recoveries that wait ---- */

void recovery_answer(struct control *control, int64_t recovery, bool is_approved,
                     const char *actor, const char *reason, struct wall now,
                     struct answer *answer)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct recovery_row row;
    if (control->recovery == NULL) {
        answer_set(answer, ANSWER_REFUSED, "recovery is switched off (recovery.mode)");
    } else if (store_load_recovery(control->store, arena, recovery, &row, &err) !=
                   FOUND ||
               row.status != RECOVERY_ASKED) {
        answer_set(answer, ANSWER_REFUSED, "r-%lld waits for nobody",
                   (long long)recovery);
    } else {
        remedy_answer(control, &row, is_approved, actor, reason, now, answer);
    }
    arena_free(arena);
}

/* ---- strategies ---- */

static void kill_strategy(struct spoken *act, bool is_killed)
{
    struct control *control = act->control;
    const char *word = json_str(act->args, "strategy", "");
    const char *class_name = json_str(act->args, "class", NULL);
    enum failure_class class_ = CLASS_UNKNOWN;
    enum rung rung;
    char key[48];
    if (!rung_find(word, &rung)) {
        answer_set(act->answer, ANSWER_BAD,
                   "strategy: '%.32s' is none; 'signalbox strategies' lists them", word);
        return;
    }
    if (rung == RUNG_ESCALATE) {
        answer_set(act->answer, ANSWER_REFUSED, "a person can always be asked");
        return;
    }
    if (class_name != NULL && !class_find(class_name, &class_)) {
        answer_set(act->answer, ANSWER_BAD, "class: '%.32s' is none", class_name);
        return;
    }
    (void)snprintf(key, sizeof(key), "%s%s", class_name != NULL ? "class:" : "all",
                   class_name != NULL ? class_word(class_) : "");
    decide_kill(control->recovery->decide, key, rung_word(rung), is_killed);
    control->recovery->is_dirty = true;
    control->recovery->now = act->now;
    answer_set(act->answer, ANSWER_DONE, "%s is %s for %s", rung_word(rung),
               is_killed ? "off" : "on again",
               class_name != NULL ? class_word(class_) : "all classes");
    note(act);
}

bool is_recovery_verb(const char *verb)
{
    static const char *const names[] = {"label", "kill-strategy", "revive-strategy"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], verb) == 0) {
            return true;
        }
    }
    return false;
}

void control_recovery_verb(struct control *control, const struct command_row *command,
                           const struct json *args, struct wall now,
                           struct answer *answer)
{
    struct spoken act = {control, command, args, now, answer, ""};
    (void)text_clean_into(act.reason, sizeof(act.reason), json_str(args, "reason", ""));
    if (control->recovery == NULL) {
        answer_set(answer, ANSWER_REFUSED, "recovery is switched off (recovery.mode)");
    } else if (strcmp(command->verb, "label") == 0) {
        label(&act);
    } else if (strcmp(command->verb, "kill-strategy") == 0) {
        kill_strategy(&act, true);
    } else {
        kill_strategy(&act, false);
    }
}
