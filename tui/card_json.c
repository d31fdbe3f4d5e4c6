/* SPDX-License-Identifier: MIT */
/* Rows of store/approval.h as JSON, for scripts: keys are added, never renamed. */
#include <math.h>
#include <string.h>

#include "engine/approval/approval_json.h"
#include "tui/card.h"

static void write_id(struct jsonw *w, const char *key, enum case_kind kind, int64_t id)
{
    char text[CASE_ID_MAX];
    jsonw_str(w, key, id != 0 ? case_id(kind, id, text) : NULL);
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

void card_write_approval(struct jsonw *w, const void *user)
{
    approval_json_write(w, user);
}

void card_write_optimization(struct jsonw *w, const void *user)
{
    const struct optimization_row *row = user;
    write_id(w, "id", CASE_OPTIMIZATION, row->id);
    jsonw_str(w, "status", optimization_status_word(row->status));
    jsonw_str(w, "kind", optimization_word(row->kind));
    jsonw_str(w, "risk", risk_word(row->risk));
    write_text(w, "title", row->title);
    write_text(w, "setting", row->setting);
    write_text(w, "scope", row->scope);
    write_text(w, "from", row->from);
    write_text(w, "to", row->to);
    write_text(w, "metric", row->metric);
    jsonw_num(w, "expected", row->expected);
    jsonw_num(w, "expected_low", row->expected_low);
    jsonw_num(w, "expected_high", row->expected_high);
    jsonw_num(w, "measured", row->measured);
    jsonw_num(w, "measured_low", row->measured_low);
    jsonw_num(w, "measured_high", row->measured_high);
    jsonw_num(w, "confidence", row->confidence);
    jsonw_int(w, "n_evidence", row->n_evidence);
    write_id(w, "approval", CASE_APPROVAL, row->approval);
    write_text(w, "reason", row->reason);
    write_text(w, "if_wrong", row->if_wrong);
    write_text(w, "outcome", row->outcome);
    write_text(w, "actor", row->actor);
    write_wall(w, "proposed_at", row->proposed_at);
    write_wall(w, "applied_at", row->applied_at);
    write_wall(w, "guard_until", row->guard_until);
    write_wall(w, "settled_at", row->settled_at);
    write_text(w, "fingerprint", row->fingerprint);
    write_raw(w, "evidence", row->evidence);
    write_raw(w, "guard", row->guard);
}
