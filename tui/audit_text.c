/* SPDX-License-Identifier: MIT */
#include "tui/audit_text.h"

#include "engine/base/mem.h"
#include "engine/base/text.h"

#define SUMMARY_MAX 1000

static void add(struct buf *out, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)buf_printf(out, "%s%s", out->len > 0 ? "; " : "", text);
    }
}

const char *audit_summary(struct arena *arena, const struct audit_row *row)
{
    AUTO_BUF struct buf out;
    struct err ignored = ERR_INIT;
    char clean[SUMMARY_MAX];
    struct json *detail = json_parse(row->detail, strlen(row->detail), &ignored);
    buf_init(&out, (size_t)4 * SUMMARY_MAX);
    if (detail == NULL) {
        add(&out, row->detail); /* no engine of ours wrote that: it is shown as it is */
    }
    const char *account = json_str(detail, "account", NULL);
    if (account != NULL) {
        (void)buf_printf(&out, "as %s", account); /* who acted through sudo or su */
    }
    add(&out, json_str(detail, "reason", NULL));
    add(&out, json_str(detail, "rung", NULL));
    add(&out, json_str(detail, "text", NULL));
    add(&out, json_str(detail, "answer", NULL));
    json_free(detail);
    return arena_str(arena, text_clean_into(clean, sizeof(clean), out.data));
}

/* A value of JSON as an engine writes it: on one line, with nothing that acts on a terminal. */
static bool is_ours(const char *detail, size_t len)
{
    AUTO_BUF struct buf clean;
    struct err ignored = ERR_INIT;
    struct json *value = json_parse(detail, len, &ignored);
    bool is_object = json_is_an_object(value);
    json_free(value);
    buf_init(&clean, (size_t)4 * AUDIT_DETAIL_MAX);
    text_clean(&clean, detail, len, TEXT_ONE_LINE);
    return is_object && strcmp(clean.data, detail) == 0;
}

void audit_write(struct jsonw *w, const struct audit_row *row)
{
    char at[CLOCK_TEXT_MAX], hex[DIGEST_TEXT_MAX];
    size_t len = strlen(row->detail);
    jsonw_int(w, "n", row->n);
    jsonw_str(w, "at", wall_format(row->at, true, at));
    jsonw_str(w, "actor", row->actor);
    jsonw_str(w, "role", row->role);
    jsonw_str(w, "origin", row->origin);
    jsonw_str(w, "act", row->act);
    jsonw_str(w, "subject", row->subject);
    jsonw_str(w, "outcome", row->outcome);
    if (is_ours(row->detail, len)) {
        jsonw_raw(w, "detail", row->detail, len);
    } else {
        jsonw_str(w, "detail", row->detail);
    }
    jsonw_str(w, "prev", digest_format(row->prev, hex));
    jsonw_str(w, "hash", digest_format(row->hash, hex));
}
