/* SPDX-License-Identifier: MIT */

/*
 * Levels of autonomy: set for a time, configured, or by default. What was raised goes back by
 * itself.
 */

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/control/approval_private.h"

#define RAISE_TIME span_s(3600)     /* when nothing is said */
#define RAISE_MAX  span_s(8 * 3600) /* capabilities: never for longer */

static struct level *find(const struct control *control, enum act action,
                          const char *repo)
{
    struct approvals *approvals = control->approvals;
    for (size_t i = 0; i < approvals->n_levels; i++) {
        struct level *level = &approvals->levels[i];
        if (level->row.action == action && strcmp(level->row.repo, repo) == 0) {
            return level;
        }
    }
    return NULL;
}

static enum autonomy_level configured(const struct control *control, enum act action)
{
    int level = control->options.approvals.levels[action];
    return level > 0 ? (enum autonomy_level)(level - 1) : act_level(action);
}

enum autonomy_level control_level(const struct control *control, enum act action,
                                  const char *repo, struct wall now)
{
    const struct level *level = find(control, action, repo);
    if (level == NULL) {
        level = find(control, action, "");
    }
    bool holds =
        level != NULL && (!wall_is_set(level->row.until) || level->row.until.ms > now.ms);
    return holds ? level->row.level : configured(control, action);
}

static void level_clear(struct level *level)
{
    free(level->repo);
    free(level->actor);
    free(level->reason);
    *level = (struct level){.repo = NULL};
}

static bool keep(struct control *control, const struct autonomy_row *row)
{
    struct approvals *approvals = control->approvals;
    struct level *level = find(control, row->action, row->repo);
    if (level == NULL) {
        if (approvals->n_levels == LEVELS_MAX) {
            return false;
        }
        level = &approvals->levels[approvals->n_levels++];
        *level = (struct level){.repo = NULL};
    }
    struct level with = {.row = *row,
                         .repo = mem_str(row->repo),
                         .actor = mem_str(row->actor),
                         .reason = mem_str(row->reason)};
    with.row.repo = with.repo;
    with.row.actor = with.actor;
    with.row.reason = with.reason;
    level_clear(level);
    *level = with;
    return true;
}

static void drop(struct control *control, struct level *level)
{
    struct approvals *approvals = control->approvals;
    struct level *last = &approvals->levels[approvals->n_levels - 1];
    store_drop_autonomy(control->store, level->row.action, level->row.repo);
    level_clear(level);
    if (level != last) {
        *level = *last;
        *last = (struct level){.repo = NULL};
    }
    approvals->n_levels--;
}

void autonomy_restore(struct control *control, const struct autonomy_row *row)
{
    (void)keep(control, row); /* there were no more */
}

void autonomy_fini(struct control *control)
{
    struct approvals *approvals = control->approvals;
    for (size_t i = 0; i < approvals->n_levels; i++) {
        level_clear(&approvals->levels[i]);
    }
    approvals->n_levels = 0;
}

void autonomy_tell(const struct control *control)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, 4096);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    for (int i = 0; i < ACT_COUNT; i++) {
        jsonw_str(&w, act_word((enum act)i),
                  level_word(configured(control, (enum act)i)));
    }
    jsonw_close(&w, '}');
    store_put_setting(control->store, LEVELS_SETTING, buf.data);
}

void autonomy_done(struct control *control, enum act action, const char *repo)
{
    struct level *level = find(control, action, repo);
    level = level != NULL ? level : find(control, action, "");
    if (level != NULL) {
        level->row.n_done++;
        store_put_autonomy(control->store, &level->row);
    }
}

/* ---- time ---- */

void autonomy_tick(struct control *control, struct wall now)
{
    struct approvals *approvals = control->approvals;
    for (size_t i = approvals->n_levels; i > 0; i--) {
        struct level *level = &approvals->levels[i - 1];
        if (wall_is_set(level->row.until) && level->row.until.ms <= now.ms) {
            control_tell(control, now, "autonomy-over", 0,
                         "%s%s%s: %s is over, %lld done by itself",
                         act_word(level->row.action), level->row.repo[0] ? " in " : "",
                         level->row.repo, level_word(level->row.level),
                         (long long)level->row.n_done);
            control_audit(control, now, "engine", "autonomy", act_word(level->row.action),
                          "over", "%s %s is over", level->row.repo,
                          level_word(level->row.level));
            drop(control, level);
        }
    }
}

struct wall autonomy_wake_at(const struct control *control)
{
    const struct approvals *approvals = control->approvals;
    struct wall at = {0};
    for (size_t i = 0; i < approvals->n_levels; i++) {
        struct wall until = approvals->levels[i].row.until;
        if (wall_is_set(until) && (!wall_is_set(at) || until.ms < at.ms)) {
            at = until;
        }
    }
    return at;
}

/* ---- the verb ---- */

/* How long the level holds; false: said why not. */
static bool read_end(const struct json *args, bool is_raised, struct wall now,
                     struct wall *ret_until, struct answer *answer)
{
    const char *text = json_str(args, "for", "");
    struct span time = is_raised ? RAISE_TIME : (struct span){0};
    if (text[0] != '\0' && (!span_parse(text, &time) || time.ms <= 0)) {
        answer_set(answer, ANSWER_BAD,
                   "for: '%.32s' is no duration; expected one like 2h", text);
        return false;
    }
    if (is_raised && time.ms > RAISE_MAX.ms) {
        answer_set(answer, ANSWER_BAD, "for: a level is raised for at most 8h");
        return false;
    }
    *ret_until = time.ms > 0 ? wall_add(now, time) : (struct wall){0};
    return true;
}

static void note(struct control *control, const struct command_row *command,
                 const struct answer *answer, const char *reason, struct wall now)
{
    char text[600], clean[400];
    (void)snprintf(text, sizeof(text), "%s%s%s", answer->text,
                   reason[0] != '\0' ? ": " : "", reason);
    control_note(control, &(struct event_row){
                              .at = now,
                              .kind = "autonomy",
                              .actor = command->actor,
                              .text = text_clean_into(clean, sizeof(clean), text)});
}

void control_autonomy_verb(struct control *control, const struct command_row *command,
                           const struct json *args, struct wall now,
                           struct answer *answer)
{
    const char *word = json_str(args, "level", ""), *repo = json_str(args, "repo", "");
    char reason[300], place[200], until[CLOCK_TEXT_MAX];
    struct autonomy_row row = {.repo = repo, .since = now, .actor = command->actor};
    bool goes_back = strcmp(word, "configured") == 0;
    row.reason = text_clean_into(reason, sizeof(reason), json_str(args, "reason", ""));
    (void)text_clean_into(place, sizeof(place), repo);
    if (!act_find(json_str(args, "action", ""), &row.action)) {
        answer_set(answer, ANSWER_BAD,
                   "action: '%.32s' is none; 'signalbox autonomy' lists them",
                   json_str(args, "action", ""));
        return;
    }
    if (!goes_back && !level_find(word, &row.level)) {
        answer_set(answer, ANSWER_BAD,
                   "level: '%.32s' is none; expected observe, suggest, approve, auto or "
                   "configured",
                   word);
        return;
    }
    struct level *level = find(control, row.action, repo);
    if (goes_back) {
        if (level != NULL) {
            drop(control, level);
        }
        answer_set(answer, ANSWER_DONE, "%s%s%s is as configured: %s",
                   act_word(row.action), place[0] != '\0' ? " in " : "", place,
                   level_word(control_level(control, row.action, repo, now)));
        note(control, command, answer, reason, now);
        return;
    }
    bool is_raised = row.level > configured(control, row.action);
    if (!read_end(args, is_raised, now, &row.until, answer)) {
        return;
    }
    if (!keep(control, &row)) {
        answer_set(answer, ANSWER_REFUSED, "%d levels are set; take some back first",
                   LEVELS_MAX);
        return;
    }
    store_put_autonomy(control->store, &row);
    answer_set(answer, ANSWER_DONE, "%s%s%s: %s%s%s", act_word(row.action),
               place[0] != '\0' ? " in " : "", place, level_word(row.level),
               wall_is_set(row.until) ? " until " : "",
               wall_is_set(row.until) ? wall_format(row.until, false, until) : "");
    note(control, command, answer, reason, now);
}
