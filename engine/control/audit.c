/* SPDX-License-Identifier: MIT */

/*
 * Audit: what operators ask and what the engine does by itself, as rows of the chain
 * (store/audit.h), in the transaction that holds what they tell of.
 *
 * A row is for ever, so nothing gets in that must go some day: text is bounded and goes
 * through log_redact, and long arguments (a task, a pipeline, free metadata) stand as their
 * length and SHA-256, which are enough to prove later what was given.
 */

#include <stdarg.h>

#include "engine/base/buf.h"
#include "engine/base/digest.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/control_private.h"
#include "engine/control/verb.h"
#include "store/audit.h"

#define SHORT_MAX  240  /* bytes of a text argument */
#define TEXT_MAX   480  /* of a reason or an answer */
#define DETAIL_MAX 7000 /* less than AUDIT_DETAIL_MAX: what is cut is the last argument */

/* One clean line without secrets. */
static void put_text(struct jsonw *w, const char *key, const char *text, size_t max)
{
    char line[TEXT_MAX + 1];
    if (text == NULL || text[0] == '\0') {
        return;
    }
    AUTO_BUF struct buf safe;
    buf_init(&safe, 4 * TEXT_MAX);
    log_redact(&safe, text, strlen(text) < 4 * max ? strlen(text) : 4 * max);
    jsonw_str(w, key,
              text_clean_into(line, max < TEXT_MAX ? max + 1 : sizeof(line), safe.data));
}

static void put_digest(struct jsonw *w, const char *key, const char *text)
{
    uint8_t digest[DIGEST_LEN];
    char hex[DIGEST_TEXT_MAX];
    digest_sha256(text, strlen(text), digest);
    jsonw_open(w, key, '{');
    jsonw_int(w, "bytes", (int64_t)strlen(text));
    jsonw_str(w, "sha256", digest_format(digest, hex));
    jsonw_close(w, '}');
}

static void add(struct control *control, struct audit_row row, const struct buf *detail)
{
    char actor[AUDIT_TEXT_MAX + 1], subject[AUDIT_TEXT_MAX + 1];
    row.actor = text_clean_into(actor, sizeof(actor), row.actor);
    row.subject = text_clean_into(subject, sizeof(subject), row.subject);
    row.detail = detail->is_cut ? "{\"cut\":true}" : detail->data;
    (void)store_add_audit(control->store, &row); /* nobody needs its number */
}

void control_audit(struct control *control, struct wall now, const char *actor,
                   const char *act, const char *subject, const char *outcome,
                   const char *format, ...)
{
    AUTO_BUF struct buf detail;
    char text[4 * TEXT_MAX];
    struct jsonw w;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_init(&detail, DETAIL_MAX);
    jsonw_init(&w, &detail);
    jsonw_open(&w, NULL, '{');
    put_text(&w, "text", text, TEXT_MAX);
    jsonw_close(&w, '}');
    bool is_own = strcmp(actor, "engine") == 0;
    add(control,
        (struct audit_row){.at = now,
                           .actor = actor,
                           .origin = is_own ? "engine" : "",
                           .act = act,
                           .subject = subject,
                           .outcome = outcome},
        &detail);
}

/* ---- commands ------------------------------------------------------------------------ */

/* What a command without a workflow is about: the first of these that it has. */
static const struct {
    const char *arg, *prefix;
} subjects[] = {
    {"approval",     "a-"       },
    {"optimization", "o-"       },
    {"recovery",     "r-"       },
    {"failure",      "f-"       },
    {"incident",     "incident-"},
    {"silence",      "silence-" },
    {"service",      "service:" },
    {"strategy",     "strategy:"},
    {"action",       "action:"  },
    {"match",        ""         },
    {"what",         "audit:"   },
};

static void find_subject(const struct command_row *command, const struct json *args,
                         int64_t workflow, char text[AUDIT_TEXT_MAX + 1])
{
    workflow = workflow != 0 ? workflow : command->workflow;
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(subjects) && text[0] == '\0'; i++) {
        const char *word = json_str(args, subjects[i].arg, NULL);
        int64_t number = json_int(args, subjects[i].arg, 0);
        if (word != NULL) {
            (void)snprintf(text, AUDIT_TEXT_MAX + 1, "%s%.200s", subjects[i].prefix,
                           word);
        } else if (number > 0) {
            (void)snprintf(text, AUDIT_TEXT_MAX + 1, "%s%lld", subjects[i].prefix,
                           (long long)number);
        }
    }
    if (text[0] == '\0' && workflow > 0) {
        (void)snprintf(text, AUDIT_TEXT_MAX + 1, "wf-%lld", (long long)workflow);
    }
}

static void put_args(struct jsonw *w, const struct verb *verb, const struct json *args)
{
    jsonw_open(w, "args", '{');
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        const struct json *value = json_get(args, arg->name);
        if (value == NULL || strcmp(arg->name, "reason") == 0) {
            continue;
        }
        if (arg->type == ARG_INT) {
            jsonw_int(w, arg->name, json_int(args, arg->name, 0));
        } else if (arg->type == ARG_LONG || arg->type == ARG_OBJECT) {
            const char *own = json_text(value);
            AUTO_FREE char *text = own == NULL ? json_format(value) : NULL;
            put_digest(w, arg->name, own != NULL ? own : text);
        } else {
            put_text(w, arg->name, json_text(value), SHORT_MAX);
        }
    }
    jsonw_close(w, '}');
}

void audit_command(struct control *control, const struct command_row *command,
                   const struct json *args, const struct answer *answer, struct wall now)
{
    static const char *const outcomes[] = {
        [ANSWER_DONE] = "done", [ANSWER_REFUSED] = "refused", [ANSWER_BAD] = "malformed"};
    const struct verb *verb = verb_find(command->verb);
    char subject[AUDIT_TEXT_MAX + 1], act[AUDIT_TEXT_MAX + 1];
    AUTO_BUF struct buf detail;
    struct jsonw w;
    buf_init(&detail, DETAIL_MAX);
    jsonw_init(&w, &detail);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "command", command->id);
    put_text(&w, "account", command->account, SHORT_MAX); /* "ada as root" */
    put_text(&w, "reason", json_str(args, "reason", NULL), TEXT_MAX);
    put_text(&w, "answer", answer->text, TEXT_MAX);
    if (verb != NULL && answer->status != ANSWER_BAD) {
        put_args(&w, verb, args);
    } else {
        put_digest(&w, "given", command->args);
    }
    jsonw_close(&w, '}');
    find_subject(command, args, answer->workflow, subject);
    add(control,
        (struct audit_row){.at = now,
                           .actor = command->actor,
                           .role = answer->role != NULL ? answer->role : "",
                           .origin = command->origin != NULL ? command->origin : "",
                           .act = text_clean_into(act, sizeof(act), command->verb),
                           .subject = subject,
                           .outcome = outcomes[answer->status]},
        &detail);
}

/* ---- the engine ---------------------------------------------------------------------------- */

/* What others see, and what changes merged work. */
static bool is_outside(enum effect_kind kind)
{
    return kind == EFFECT_PULL_REQUEST || kind == EFFECT_MERGE || kind == EFFECT_REVERT ||
           kind == EFFECT_CLOSE || kind == EFFECT_RESTART || kind == EFFECT_SCALE;
}

void audit_effect(struct control *control, const struct effect_row *effect,
                  struct wall now)
{
    if (!is_outside(effect->kind)) {
        return;
    }
    AUTO_BUF struct buf detail;
    AUTO_FREE char *subject = mem_printf("wf-%lld", (long long)effect->workflow);
    AUTO_FREE char *key =
        mem_printf("wf-%lld.%lld", (long long)effect->workflow, (long long)effect->seq);
    struct jsonw w;
    buf_init(&detail, DETAIL_MAX);
    jsonw_init(&w, &detail);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "effect", key);
    put_text(&w, "name", effect->name, SHORT_MAX);
    put_text(&w, "provider", effect->provider, SHORT_MAX);
    put_text(&w, "text", effect->summary, TEXT_MAX);
    put_digest(&w, "params", effect->params);
    jsonw_close(&w, '}');
    bool is_asked = effect->status == STATUS_PENDING;
    add(control,
        (struct audit_row){.at = now,
                           .actor = "engine",
                           .origin = "engine",
                           .act = effect_name(effect->kind),
                           .subject = subject,
                           .outcome = is_asked ? "asked" : status_name(effect->status)},
        &detail);
}

void audit_recovery(struct control *control, int64_t id, const struct recovery_row *row,
                    struct wall now)
{
    AUTO_BUF struct buf detail;
    AUTO_FREE char *name = mem_printf("r-%lld", (long long)id);
    AUTO_FREE char *subject =
        row->workflow > 0         ? mem_printf("wf-%lld", (long long)row->workflow)
        : row->service[0] != '\0' ? mem_printf("service:%s", row->service)
                                  : mem_printf("p-%lld", (long long)row->problem);
    struct jsonw w;
    buf_init(&detail, DETAIL_MAX);
    jsonw_init(&w, &detail);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "recovery", name);
    jsonw_str(&w, "rung", rung_word(row->rung));
    jsonw_str(&w, "decider", decider_word(row->decider));
    put_text(&w, "reason", row->reason, TEXT_MAX);
    put_text(&w, "expected", row->expected, TEXT_MAX);
    put_text(&w, "inverse", row->inverse, TEXT_MAX);
    jsonw_close(&w, '}');
    add(control,
        (struct audit_row){.at = now,
                           .actor = "engine",
                           .origin = "engine",
                           .act = "recovery",
                           .subject = subject,
                           .outcome = row->status == RECOVERY_ASKED ? "asked" : "begun"},
        &detail);
}
