/* SPDX-License-Identifier: MIT */
#include "engine/approval/approval_json.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

static void write_id(struct jsonw *w, const char *key, const char *prefix, int64_t id)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%s%lld", prefix, (long long)id);
    jsonw_str(w, key, id != 0 ? text : NULL);
}

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

static void write_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text[0] != '\0' ? text : NULL);
}

/* A column that is JSON; when it is not, as the text that it is. */
static void write_raw(struct jsonw *w, const char *key, const char *text)
{
    struct err ignored = ERR_INIT;
    struct json *json = json_parse(text, strlen(text), &ignored);
    if (json != NULL) {
        AUTO_FREE char *clean = json_format(json);
        jsonw_raw(w, key, clean, strlen(clean));
    } else {
        write_text(w, key, text);
    }
    json_free(json);
}

void approval_json_write(struct jsonw *w, const struct approval_row *row)
{
    write_id(w, "id", "a-", row->id);
    jsonw_str(w, "status", approval_status_word(row->status));
    jsonw_str(w, "action", act_word(row->action));
    jsonw_str(w, "risk", risk_word(row->risk));
    write_text(w, "rule", row->rule);
    write_text(w, "title", row->title);
    write_text(w, "target", row->target);
    write_text(w, "repo", row->repo);
    write_text(w, "environment", row->environment);
    write_id(w, "workflow", "wf-", row->workflow);
    write_id(w, "recovery", "r-", row->recovery);
    write_id(w, "optimization", "o-", row->optimization);
    write_text(w, "requester", row->requester);
    write_text(w, "assignee", row->assignee);
    write_text(w, "claimed_by", row->claimed_by);
    write_wall(w, "claimed_until", row->claimed_until);
    write_wall(w, "created_at", row->created_at);
    write_wall(w, "shown_at", row->shown_at);
    write_wall(w, "expires_at", row->expires_at);
    jsonw_str(w, "on_expiry", expiry_word(row->on_expiry));
    write_wall(w, "snoozed_until", row->snoozed_until);
    write_wall(w, "decided_at", row->decided_at);
    write_text(w, "decided_by", row->decided_by);
    write_text(w, "reason", row->reason);
    jsonw_int(w, "n_needed", row->n_needed);
    write_raw(w, "votes", row->votes);
    jsonw_int(w, "n_drifts", row->n_drifts);
    write_text(w, "digest", row->digest);
    write_raw(w, "effect", row->effect);
    write_raw(w, "effect_before", row->effect_before);
    write_raw(w, "card", row->card);
}
