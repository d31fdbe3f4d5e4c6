/* SPDX-License-Identifier: MIT */

/*
 * Decisions about merges that broke the base, as rows. Which row is about which workflow is a
 * setting while its outcome is not known, which may take days when a person is asked.
 */

#include <math.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control_private.h"
#include "engine/workflow/merged.h"

#define OPEN_SETTING "merged_decisions" /* [{"workflow", "decision"}, ...] */
#define OPEN_MAX     1000

/* Forget `workflow` (0: nobody), then remember it with `decision` (0: not). Returns what was
 * remembered of it, 0 = nothing. */
static int64_t exchange(struct control *control, int64_t workflow, int64_t decision)
{
    struct arena *arena = arena_new();
    const char *text = "";
    struct err ignored =
        ERR_INIT; /* a store that cannot be read cannot be written either */
    struct json *list = NULL;
    int64_t was = 0;
    struct jsonw w;
    AUTO_BUF struct buf buf;
    buf_init(&buf, 1024 * 1024);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '[');
    if (store_load_setting(control->store, arena, OPEN_SETTING, &text, &ignored)) {
        list = json_parse(text, strlen(text), &ignored);
    }
    size_t n = json_len(list), from = n >= OPEN_MAX ? n - OPEN_MAX + 1 : 0;
    for (size_t i = from; i <= n; i++) {
        const struct json *item = i < n ? json_at(list, i) : NULL;
        int64_t of = json_int(item, "workflow", workflow);
        int64_t id = json_int(item, "decision", decision);
        if (item != NULL && of == workflow) {
            was = id;
        } else if (id > 0) {
            jsonw_open(&w, NULL, '{');
            jsonw_int(&w, "workflow", of);
            jsonw_int(&w, "decision", id);
            jsonw_close(&w, '}');
        }
    }
    jsonw_close(&w, ']');
    if (was > 0 || decision > 0) {
        store_put_setting(control->store, OPEN_SETTING, buf.data);
    }
    json_free(list);
    arena_free(arena);
    return was;
}

void merged_decided(struct control *control, const struct workflow_row *row,
                    const struct merged_output *out, bool is_limited, struct wall now)
{
    AUTO_FREE char *subject = mem_printf("wf-%lld", (long long)row->id);
    const char *choice = out->reverts               ? "revert"
                         : row->wait == WAIT_REVERT ? "ask"
                                                    : "keep";
    AUTO_BUF struct buf context;
    struct jsonw w;
    buf_init(&context, 4096);
    jsonw_init(&w, &context);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "repository", row->repo);
    jsonw_str(&w, "merge", row->merge_sha);
    jsonw_str(&w, "culprit", "red");
    jsonw_str(&w, "parent", "green");
    jsonw_close(&w, '}');
    int64_t id = store_put_decision(
        control->store,
        &(struct decision_row){
            .at = now,
            .kind = DECISION_REVERT,
            .workflow = row->id,
            .subject = subject,
            .choice = choice,
            .confidence = 1,
            .decider = is_limited ? DECIDER_LIMIT : DECIDER_RULES,
            .reason = out->text,
            .alternatives = "[]",
            .context = context.data,
            .shadow = "",
            .verdict = strcmp(choice, "keep") == 0 ? VERDICT_UNCLEAR : VERDICT_OPEN,
            .reward = (double)NAN,
            .outcome = strcmp(choice, "keep") == 0 ? "told" : "",
            .settled_at = strcmp(choice, "keep") == 0 ? now : (struct wall){0},
        });
    if (strcmp(choice, "keep") != 0) {
        (void)exchange(control, row->id, id); /* nothing is open of it */
    }
}

static void settle(struct control *control, int64_t workflow, bool is_good,
                   const char *outcome, struct wall now)
{
    struct arena *arena = arena_new();
    struct decision_row row;
    struct err ignored = ERR_INIT;
    int64_t id = exchange(control, workflow, 0);
    if (id > 0 &&
        store_load_decision(control->store, arena, id, &row, &ignored) == FOUND) {
        row.verdict = is_good ? VERDICT_GOOD : VERDICT_BAD;
        row.reward = is_good ? 1 : 0;
        row.outcome = outcome;
        row.settled_at = now;
        (void)store_put_decision(control->store, &row); /* the id that it has */
    }
    arena_free(arena);
}

void merged_settle(struct control *control, const struct workflow_row *before,
                   const struct workflow_row *row, struct wall now)
{
    bool was_undoing =
        before->state == STATE_RECOVERING && before->resume_state == STATE_ROLLED_BACK;
    if (was_undoing && row->state == STATE_ROLLED_BACK) {
        settle(control, row->id, true, "the merge was taken back", now);
    } else if (was_undoing && row->state == STATE_COMPLETED) {
        settle(control, row->id, false, row->reason, now);
    } else if (before->wait == WAIT_REVERT && row->state == STATE_COMPLETED) {
        settle(control, row->id, false, "an operator keeps the merge", now);
    }
}
