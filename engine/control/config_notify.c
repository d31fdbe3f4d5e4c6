/* SPDX-License-Identifier: MIT */

/* Settings of what is told to people who do not look at a screen (engine/io/notice.h). */

#include <string.h>

#include "engine/control/config_schema.h"

#define SPEC(member) offsetof(struct notify_spec, member)

static const char *const format_words[] = {"ntfy", "slack", "json", NULL};
static const char *const risk_words[] = {
#define X(id, word, help) word,
    RISK_LIST(X)
#undef X
        NULL};

/* clang-format off */
static const struct field token_fields[] = {
    SECRET_FIELDS(struct notify_spec, token., "the token")};
static const struct schema token_schema = {
    .name = "notify.token", .size = sizeof(struct notify_spec), .fields = token_fields,
    .n_fields = ARRAY_LEN(token_fields),
    .help = "Where the token comes from that is sent as Authorization: Bearer: one of these."};

static const struct field address_fields[] = {
    SECRET_FIELDS(struct notify_spec, url_from., "the address")};
static const struct schema address_schema = {
    .name = "notify.url_from", .size = sizeof(struct notify_spec), .fields = address_fields,
    .n_fields = ARRAY_LEN(address_fields),
    .help = "Where an address comes from that is a secret itself, as those of Slack's incoming "
            "webhooks are: one of these."};

static const struct field notify_fields[] = {
    {.name = "name", .type = FIELD_NAME, .offset = SPEC(name), .max = 64, .is_required = true,
     .help = "What it is called in the log."},
    {.name = "url", .type = FIELD_TEXT, .offset = SPEC(url), .max = 1000, .may_be_empty = true,
     .fallback = "", .shown = "none", .help = "Address that gets a POST for each notice."},
    {.name = "url_from", .type = FIELD_TABLE, .sub = &address_schema, .shown = "none",
     .help = "The address, when it is a secret."},
    {.name = "format", .type = FIELD_WORD, .offset = SPEC(format), .words = format_words,
     .fallback = "json",
     .help = "What is sent: a message with title, priority and tags for a topic of ntfy; the "
             "object {text} of Slack, which Mattermost and others take too; or an object with "
             "kind, risk, title, text, event, at, workflow, approval, command, host and "
             "environment."},
    {.name = "on", .type = FIELD_TEXTS, .max = 32, .offset = SPEC(on), .offset_n = SPEC(n_on),
     .shown = "all",
     .help = "What is told: approval (something waits for one), drifted (it changed since it was "
             "shown), expiring, escalation (only a person can go on), failed (a workflow), halted "
             "(and released), watchdog (a thread is silent, the audit is broken)."},
    {.name = "min_risk", .type = FIELD_WORD, .offset = SPEC(min_risk), .words = risk_words,
     .fallback = "low", .help = "Approvals of a lower risk are not told."},
    {.name = "token", .type = FIELD_TABLE, .sub = &token_schema, .shown = "none",
     .help = "Token of the address."},
    {.name = "click", .type = FIELD_TEXT, .offset = SPEC(click), .max = 500, .may_be_empty = true,
     .fallback = "", .shown = "none", .help = "URL that a message of ntfy opens."},
};
const struct schema notify_schema = {
    .name = "notify", .size = sizeof(struct notify_spec), .fields = notify_fields,
    .n_fields = ARRAY_LEN(notify_fields),
    .help = "Somewhere to tell of what needs a person. More than five notices at once are told as "
            "one. What cannot be delivered is tried again, over restarts too."};
/* clang-format on */

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static void check_one(const struct config_place *at, const struct notify_spec *spec)
{
    const struct secret_source *from = &spec->url_from;
    bool has_url = spec->url[0] != '\0';
    bool has_source =
        from->env[0] != '\0' || from->file[0] != '\0' || from->command.argv != NULL;
    if (has_url == has_source) {
        config_report(at, has_url ? "url_from" : "url",
                      has_url ? "stands beside url; expected one of them"
                              : "missing; expected url or url_from");
    }
    if (has_url && !is_url(spec->url)) {
        config_report(at, "url", "is no URL; expected http:// or https://");
    }
    if (spec->click[0] != '\0' && !is_url(spec->click)) {
        config_report(at, "click", "is no URL; expected http:// or https://");
    }
    config_check_secret(at, "url_from", from);
    config_check_secret(at, "token", &spec->token);
    for (size_t i = 0; i < spec->n_on; i++) {
        enum notice_kind kind;
        if (!notice_find(spec->on[i], &kind)) {
            config_report(
                at, "on",
                "has a word that is none; expected approval, drifted, expiring, "
                "escalation, failed, halted or watchdog");
            break;
        }
    }
}

void config_check_notify(const char *file, const struct config *config,
                         const struct yaml_item *root, struct findings *findings)
{
    const struct yaml_item *list = yaml_item_get(root, "notify");
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < config->n_notifies && item != NULL; i++, item = item->next) {
        const struct config_place at = {file, item, findings};
        const struct notify_spec *spec = &config->notifies[i];
        if (item->kind != YAML_MAP || spec->name == NULL || spec->url == NULL ||
            spec->click == NULL) {
            continue; /* told already */
        }
        check_one(&at, spec);
        for (size_t j = 0; j < i; j++) {
            const char *other = config->notifies[j].name;
            if (other != NULL && strcmp(other, spec->name) == 0) {
                config_report(&at, "name",
                              "is the name of another one; expected names that differ");
                break;
            }
        }
    }
    if (list != NULL && config->n_notifies > NOTIFIES_MAX) {
        findings_add(findings, file, list->line, "notify",
                     "%zu entries; expected at most %d", config->n_notifies,
                     NOTIFIES_MAX);
    }
}
