/* SPDX-License-Identifier: MIT */

/*
 * Approvals in the control thread: made, kept true, ended. What people do with them is in
 * approval_verb.c, the effects and cards of workflows in approval_card.c.
 *
 * In memory is only what finds a row: the rows themselves are read when something is done with
 * them. Few wait at once, and each is touched only when its workflow takes a step.
 */

#include "engine/control/approval.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/control/approval_private.h"

/* ---- what waits ---- */

struct waiting *waiting_find(const struct control *control, int64_t id)
{
    return id != 0 ? idmap_get(&control->approvals->by_id, id) : NULL;
}

struct waiting *waiting_of_workflow(const struct control *control, int64_t workflow)
{
    return workflow != 0 ? idmap_get(&control->approvals->by_workflow, workflow) : NULL;
}

static void set_expiry(struct approvals *approvals, struct waiting *waiting,
                       struct wall at)
{
    if (wall_is_set(at)) {
        int64_t when = waiting->is_told ? at.ms : at.ms - SOON.ms;
        heap_put(&approvals->expiries, &waiting->expiry, when, waiting->id);
    } else {
        heap_remove(&approvals->expiries, &waiting->expiry);
    }
}

static void remember(struct control *control, const struct approval_row *row)
{
    struct approvals *approvals = control->approvals;
    struct waiting *waiting = waiting_find(control, row->id);
    if (waiting == NULL) {
        waiting = mem_alloc(sizeof(*waiting));
        waiting->id = row->id;
        waiting->workflow = row->workflow;
        waiting->recovery = row->recovery;
        waiting->optimization = row->optimization;
        waiting->act = row->action;
        idmap_put(&approvals->by_id, row->id, waiting);
        if (row->workflow != 0) {
            idmap_put(&approvals->by_workflow, row->workflow, waiting);
        }
    }
    set_expiry(approvals, waiting, row->expires_at);
}

static void forget(struct control *control, struct waiting *waiting)
{
    struct approvals *approvals = control->approvals;
    heap_remove(&approvals->expiries, &waiting->expiry);
    (void)idmap_take(&approvals->by_id, waiting->id);
    if (waiting_of_workflow(control, waiting->workflow) == waiting) {
        (void)idmap_take(&approvals->by_workflow, waiting->workflow);
    }
    free(waiting);
}

void waiting_put(struct control *control, const struct approval_row *row)
{
    (void)store_put_approval(control->store, row);
    struct waiting *waiting = waiting_find(control, row->id);
    if (approval_waits(row->status)) {
        remember(control, row);
    } else if (waiting != NULL) {
        forget(control, waiting);
    }
}

/* Of a row by what it is for. */
static int64_t find_by(const struct control *control, int64_t recovery,
                       int64_t optimization)
{
    const struct waiting *waiting;
    size_t iter = 0;
    while ((waiting = idmap_next(&control->approvals->by_id, &iter)) != NULL) {
        if ((recovery != 0 && waiting->recovery == recovery) ||
            (optimization != 0 && waiting->optimization == optimization)) {
            return waiting->id;
        }
    }
    return 0;
}

int64_t approval_of_recovery(const struct control *control, int64_t recovery)
{
    return find_by(control, recovery, 0);
}

int64_t approval_of_optimization(const struct control *control, int64_t optimization)
{
    return find_by(control, 0, optimization);
}

/* ---- asking ---- */

/* What people said before, for the card; and whether nobody has approved such a thing. */
static bool look_back(struct control *control, struct arena *arena,
                      const struct risk_facts *facts, struct jsonw *w)
{
    const struct approval_row *rows = NULL;
    struct err err = ERR_INIT; /* a store that cannot be read cannot be written either */
    size_t n = 0;
    bool is_novel = true;
    if (!store_load_decided(control->store, arena, facts->action, facts->repo, BEFORE_MAX,
                            &rows, &n, &err)) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        const struct approval_row *row = &rows[i];
        char id[32];
        is_novel = is_novel && row->status != APPROVAL_APPROVED;
        if (w == NULL || i >= BEFORE_SHOWN) {
            continue;
        }
        (void)snprintf(id, sizeof(id), "a-%lld", (long long)row->id);
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "id", id);
        jsonw_str(w, "verdict", approval_status_word(row->status));
        jsonw_str(w, "by", row->decided_by);
        jsonw_int(w, "at", row->decided_at.ms);
        jsonw_str(w, "reason", row->reason);
        jsonw_close(w, '}');
    }
    return is_novel;
}

enum risk approval_judge(struct control *control, struct risk_facts *facts,
                         char ret_rule[RISK_RULE_TEXT])
{
    const struct control_approvals *options = &control->options.approvals;
    struct arena *arena = arena_new();
    if (facts->environment == NULL || facts->environment[0] == '\0') {
        facts->environment =
            control->options.environment != NULL ? control->options.environment : "";
    }
    facts->is_novel = look_back(control, arena, facts, NULL);
    enum risk risk = risk_judge(facts, options->rules, options->n_rules, ret_rule);
    arena_free(arena);
    return risk;
}

/* The card as given, with what was decided before. */
static const char *whole_card(struct control *control, struct arena *arena,
                              const struct risk_facts *facts, const char *card)
{
    struct err ignored = ERR_INIT; /* written by us */
    struct json *root = json_parse(card, strlen(card), &ignored);
    AUTO_BUF struct buf buf;
    struct jsonw w;
    const struct json *value;
    const char *key;
    void *iter = NULL;
    buf_init(&buf, CARD_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    while (json_next(root, &iter, &key, &value)) {
        AUTO_FREE char *text = json_format(value);
        jsonw_raw(&w, key, text, strlen(text));
    }
    json_free(root);
    jsonw_open(&w, "before", '[');
    (void)look_back(control, arena, facts, &w);
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return buf.is_cut ? "{}" : arena_strn(arena, buf.data, buf.len);
}

static enum expiry expiry_of(const struct approval_row *row)
{
    if (row->action == ACT_REVERT || row->action == ACT_BUDGET) {
        return EXPIRY_NONE;
    }
    return row->workflow != 0 ? EXPIRY_PARK : EXPIRY_DROP;
}

/* The time to decide begins when it is seen; what nobody sees does not wait for ever either. */
static void set_clock(const struct control *control, struct approval_row *row,
                      struct wall now)
{
    const struct control_approvals *options = &control->options.approvals;
    bool is_seen = wall_is_set(row->shown_at);
    int64_t unseen = options->expire_unseen.ms > 0 ? options->expire_unseen.ms
                                                   : UNSEEN_TIMES * options->expire.ms;
    struct span time = {is_seen ? options->expire.ms : unseen};
    row->on_expiry = expiry_of(row);
    row->expires_at.ms = 0;
    if (time.ms > 0 && row->on_expiry != EXPIRY_NONE &&
        row->status != APPROVAL_SUGGESTED) {
        row->expires_at = wall_add(is_seen ? row->shown_at : now, time);
    }
}

bool approval_seen(struct control *control, struct approval_row *row, struct wall now)
{
    struct waiting *waiting = waiting_find(control, row->id);
    if (waiting == NULL || wall_is_set(row->shown_at)) {
        return false;
    }
    row->shown_at = now;
    waiting->is_told = false;
    set_clock(control, row, now);
    return true;
}

void approval_changed(struct control *control, struct approval_row *row,
                      const char *effect, struct arena *arena, struct wall now)
{
    struct waiting *waiting = waiting_find(control, row->id);
    approval_drift(row, effect, arena);
    row->shown_at.ms = 0; /* nobody has seen what it is now */
    set_clock(control, row, now);
    if (waiting != NULL) {
        waiting->is_told = false;
    }
    waiting_put(control, row);
}

static void tell(struct control *control, const struct approval_row *row,
                 const char *kind, struct wall now, const char *text)
{
    control_tell(control, now, kind, row->workflow, "a-%lld %s: %s", (long long)row->id,
                 risk_word(row->risk), text);
}

int64_t approval_ask(struct control *control, const struct approval_draft *draft,
                     struct wall now)
{
    struct arena *arena = arena_new();
    struct risk_facts facts = draft->facts;
    char rule[RISK_RULE_TEXT];
    enum risk risk = approval_judge(control, &facts, rule);
    bool is_listed =
        control_level(control, facts.action, facts.repo, now) <= LEVEL_SUGGEST;
    struct approval_row row = {
        .action = facts.action,
        .status = is_listed ? APPROVAL_SUGGESTED : APPROVAL_OPEN,
        .risk = risk,
        .rule = rule,
        .workflow = draft->workflow,
        .recovery = draft->recovery,
        .optimization = draft->optimization,
        .target = draft->target,
        .repo = facts.repo,
        .environment = facts.environment != NULL ? facts.environment : "",
        .title = draft->title,
        .requester = draft->requester,
        .assignee = "",
        .claimed_by = "",
        .created_at = now,
        .decided_by = "",
        .reason = "",
        .n_needed = approval_people(risk),
        .votes = "[]",
        .effect = effect_canonical(arena, draft->fields, draft->n_fields),
        .effect_before = "",
        .card = whole_card(control, arena, &facts, draft->card),
    };
    effect_digest(row.effect, row.digest);
    set_clock(control, &row, now);
    row.id = store_put_approval(control->store, &row);
    remember(control, &row);
    tell(control, &row, "approval-asked", now, row.title);
    arena_free(arena);
    return row.id;
}

void approval_end(struct control *control, int64_t id, enum approval_status status,
                  const char *why, struct wall now)
{
    struct arena *arena = arena_new();
    struct approval_row row;
    struct err err = ERR_INIT;
    if (waiting_find(control, id) != NULL &&
        store_load_approval(control->store, arena, id, &row, &err) == FOUND) {
        row.status = status;
        row.decided_at = now;
        row.decided_by = "engine";
        row.reason = why;
        waiting_put(control, &row);
        tell(control, &row,
             status == APPROVAL_EXPIRED ? "approval-expired" : "approval-withdrawn", now,
             why);
    }
    arena_free(arena);
}

void approval_withdraw(struct control *control, int64_t id, const char *why,
                       struct wall now)
{
    approval_end(control, id, APPROVAL_WITHDRAWN, why, now);
}

/* ---- following a workflow ---- */

static void drift(struct control *control, const struct waiting *waiting,
                  const char *effect, struct arena *arena, struct wall now)
{
    struct approval_row row;
    struct err err = ERR_INIT;
    char diff[EFFECT_DIFF_TEXT];
    if (store_load_approval(control->store, arena, waiting->id, &row, &err) != FOUND ||
        strcmp(row.effect, effect) == 0) {
        return;
    }
    approval_changed(control, &row, effect, arena, now);
    tell(control, &row, "approval-drifted", now,
         effect_diff_text(row.effect_before, row.effect, diff));
}

void approval_follow(struct control *control, struct live *live, struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    const struct waiting *waiting = waiting_of_workflow(control, row->id);
    enum act act;
    bool waits = card_act(live, &act);
    if (!waits && waiting == NULL) {
        return;
    }
    if (!waits || (waiting != NULL && waiting->act != act)) {
        if (waiting != NULL) {
            approval_withdraw(control, waiting->id, "it does not wait any more", now);
        }
        waiting = NULL;
    }
    if (!waits || (waiting == NULL && row->state == STATE_PARKED)) {
        return; /* what expired is asked again when it is resumed */
    }
    struct arena *arena = arena_new();
    struct approval_draft draft;
    card_draft(control, live, act, arena, &draft);
    if (waiting == NULL) {
        (void)approval_ask(control, &draft, now);
    } else {
        drift(control, waiting, effect_canonical(arena, draft.fields, draft.n_fields),
              arena, now);
    }
    arena_free(arena);
}

/* ---- time ---- */

/* Ten minutes before its end that is told; the end itself may have been moved by a halt. */
static bool is_over(struct control *control, struct waiting *waiting, struct wall now)
{
    struct arena *arena = arena_new();
    struct approval_row row;
    struct err err = ERR_INIT;
    bool is_over =
        store_load_approval(control->store, arena, waiting->id, &row, &err) != FOUND ||
        row.expires_at.ms <= now.ms;
    if (!is_over) {
        bool is_soon = row.expires_at.ms - SOON.ms <= now.ms;
        if (is_soon && !waiting->is_told) {
            tell(control, &row, "approval-expiring", now, row.title);
        }
        waiting->is_told = is_soon;
        set_expiry(control->approvals, waiting, row.expires_at);
    }
    arena_free(arena);
    return is_over;
}

static void expire(struct control *control, struct waiting *waiting, struct wall now)
{
    if (!is_over(control, waiting, now)) {
        return;
    }
    struct waiting was = *waiting;
    approval_end(control, was.id, APPROVAL_EXPIRED, "nobody decided in time", now);
    approval_expired(control, &was, now);
}

void approval_tick(struct control *control, struct wall now)
{
    struct heap_node *first;
    if (control_is_halted(control)) {
        return;
    }
    while ((first = heap_first(&control->approvals->expiries)) != NULL &&
           first->key <= now.ms) {
        expire(control, HEAP_ITEM(first, struct waiting, expiry), now);
    }
    autonomy_tick(control, now);
}

struct wall approval_wake_at(const struct control *control)
{
    const struct heap_node *first = heap_first(&control->approvals->expiries);
    struct wall at = {first != NULL ? first->key : 0};
    struct wall level = autonomy_wake_at(control);
    if (wall_is_set(level) && (!wall_is_set(at) || level.ms < at.ms)) {
        at = level;
    }
    if (control_is_halted(control)) {
        at.ms = 0;
    }
    return at;
}

/* ---- start and end ---- */

struct control_approvals control_approvals_default(void)
{
    return (struct control_approvals){.policy = approval_policy_default()};
}

bool control_digest(const struct control *control, int64_t workflow,
                    char ret_digest[DIGEST_HEX])
{
    const struct waiting *waiting = waiting_of_workflow(control, workflow);
    struct arena *arena = arena_new();
    struct approval_row row;
    struct err err = ERR_INIT;
    bool waits = waiting != NULL && store_load_approval(control->store, arena,
                                                        waiting->id, &row, &err) == FOUND;
    if (waits) {
        memcpy(ret_digest, row.digest, DIGEST_HEX);
    }
    arena_free(arena);
    return waits;
}

void approval_init(struct control *control)
{
    struct approval_policy *policy = &control->options.approvals.policy;
    control->approvals = mem_alloc(sizeof(*control->approvals));
    if (policy->critical_second == USER_NONE) { /* nothing was configured */
        *policy = approval_policy_default();
    }
}

void approval_fini(struct control *control)
{
    struct approvals *approvals = control->approvals;
    struct waiting *waiting;
    size_t iter = 0;
    while ((waiting = idmap_next(&approvals->by_id, &iter)) != NULL) {
        free(waiting);
    }
    idmap_fini(&approvals->by_id);
    idmap_fini(&approvals->by_workflow);
    heap_fini(&approvals->expiries);
    autonomy_fini(control);
    free(approvals);
}

struct approval_loading {
    struct control *control;
    struct wall now;
};

static void on_approval(void *user, const struct approval_row *row)
{
    const struct approval_loading *loading = user;
    remember(loading->control, row);
    if (row->action == ACT_PREPARE) {
        prepared_restore(loading->control, row, loading->now);
    }
}

static void on_level(void *user, const struct autonomy_row *row)
{
    const struct approval_loading *loading = user;
    autonomy_restore(loading->control, row);
}

bool approval_load(struct control *control, struct wall now, struct err *err)
{
    struct approval_loading loading = {control, now};
    const struct approval_sink sink = {
        .user = &loading, .approval = on_approval, .autonomy = on_level};
    autonomy_tell(control);
    return store_load_approvals(control->store, &sink, err);
}
