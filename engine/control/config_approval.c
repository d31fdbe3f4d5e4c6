/* SPDX-License-Identifier: MIT */
/* The sections access, approvals and autonomy: who may do what, what asks a person, and how much
 * is done without one. */
#include "engine/control/config_schema.h"

#define DAY INT64_C(86400000)

/* clang-format off */
static const struct field members_fields[] = {
    {.name = "users", .type = FIELD_TEXTS, .offset = offsetof(struct role_members, users),
     .offset_n = offsetof(struct role_members, n_users), .shown = "none",
     .help = "Names of users; \"*\" is everybody."},
    {.name = "groups", .type = FIELD_TEXTS, .offset = offsetof(struct role_members, groups),
     .offset_n = offsetof(struct role_members, n_groups), .shown = "none",
     .help = "Names of groups of the operating system."},
};
static const struct schema members_schema = {
    .name = "role", .size = sizeof(struct role_members), .fields = members_fields,
    .n_fields = ARRAY_LEN(members_fields), .help = "Who has a role."};

#define ROLE_FIELD(role, word, what)                                                     \
    {.name = word, .type = FIELD_TABLE, .offset = offsetof(struct config, access.roles) + \
     (role) * sizeof(struct role_members), .sub = &members_schema, .shown = "none", .help = what}

static const struct field access_fields[] = {
    ROLE_FIELD(USER_OBSERVER, "observer", "Who sees everything and changes nothing."),
    ROLE_FIELD(USER_OPERATOR, "operator",
               "Who submits, steers workflows, looks after incidents, and halts."),
    ROLE_FIELD(USER_APPROVER, "approver",
               "Who decides what waits for a person, releases, and changes settings."),
    ROLE_FIELD(USER_ADMIN, "admin", "Who gives and takes autonomy."),
};
const struct schema access_schema = {
    .name = "access", .size = sizeof(struct config), .fields = access_fields,
    .n_fields = ARRAY_LEN(access_fields),
    .help = "Roles by users and groups of the operating system; the highest counts. Without this "
            "section the engine's own user and root are admins, and everybody else observes."};

#define AT(member) offsetof(struct risk_rule, member)

/* The first stands for any class: the number of a class is its place here less one. */
static const char *const act_words[] = {
    "any",
#define X(id, word, level, help) word,
    ACT_LIST(X)
#undef X
    NULL};
static const char *const risk_words[] = {
#define X(id, word, confirmation) word,
    RISK_LIST(X)
#undef X
    NULL};
static const char *const role_words[] = {
#define X(id, word, help) word,
    USER_ROLE_LIST(X)
#undef X
    NULL};
static const char *const level_words[] = {
    "default",
#define X(id, word, help) word,
    LEVEL_LIST(X)
#undef X
    NULL};

static const struct field rule_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .offset = AT(name), .max = 100, .is_required = true,
     .help = "What the rule says, shown with every card that it sets the risk of."},
    {.name = "action", .type = FIELD_WORD, .offset = AT(action), .words = act_words,
     .fallback = "any", .help = "Class of actions."},
    {.name = "repo", .type = FIELD_TEXT, .offset = AT(repo), .max = 200, .may_be_empty = true,
     .fallback = "", .shown = "any", .help = "Pattern of repositories, as */payments*."},
    {.name = "environment", .type = FIELD_TEXT, .offset = AT(environment), .max = 64,
     .may_be_empty = true, .fallback = "", .shown = "any", .help = "Pattern of environments."},
    {.name = "irreversible", .type = FIELD_BOOL, .offset = AT(is_irreversible),
     .fallback = "false", .help = "Only what cannot be taken back exactly."},
    {.name = "novel", .type = FIELD_BOOL, .offset = AT(is_novel), .fallback = "false",
     .help = "Only what nobody has approved there before."},
    {.name = "confidence_below", .type = FIELD_SHARE, .offset = AT(confidence_below),
     .fallback = "0", .shown = "any", .help = "Only what is less sure to help."},
    {.name = "workflows_above", .type = FIELD_INT, .offset = AT(workflows_above), .min = -1,
     .max = 1000000, .fallback = "-1", .shown = "any",
     .help = "Only what touches more workflows."},
    {.name = "risk", .type = FIELD_WORD, .offset = AT(risk), .words = risk_words,
     .is_required = true, .help = "The tier of risk that it then has."},
};
static const struct schema risk_rule_schema = {
    .name = "rule", .size = sizeof(struct risk_rule), .fields = rule_fields,
    .n_fields = ARRAY_LEN(rule_fields),
    .help = "A rule of risk. The first one that fits says the tier; when none fits, the built-in "
            "ones do, see signalbox-approvals(7)."};
#undef AT

#define AT(member) offsetof(struct config, approvals.member)
static const struct field approvals_fields[] = {
    {.name = "expire", .type = FIELD_DURATION, .offset = AT(expire), .min = 60000,
     .max = 365 * DAY, .has_zero = true, .fallback = "0", .shown = "never",
     .help = "How long an approval waits from when somebody who may decide has seen its card. "
             "Then the workflow is paused, and what is no workflow's is not done."},
    {.name = "expire_unseen", .type = FIELD_DURATION, .offset = AT(expire_unseen), .min = 60000,
     .max = 365 * DAY, .has_zero = true, .fallback = "0", .shown = "three times expire",
     .help = "How long it waits when nobody has seen it."},
    {.name = "self", .type = FIELD_WORD, .offset = AT(self_max), .words = risk_words,
     .fallback = "high",
     .help = "Highest tier of risk that who asked may approve."},
    {.name = "second", .type = FIELD_WORD, .offset = AT(second), .words = role_words,
     .fallback = "admin", .help = "What one of the two has who approve what is critical."},
    {.name = "rules", .type = FIELD_MAPS, .offset = AT(rules), .offset_n = AT(n_rules),
     .sub = &risk_rule_schema, .shown = "none", .help = "Rules of risk, in order."},
};
const struct schema approvals_schema = {
    .name = "approvals", .size = sizeof(struct config), .fields = approvals_fields,
    .n_fields = ARRAY_LEN(approvals_fields), .help = "What waits for a person."};

#define X(id, word, level, what)                                                         \
    {.name = word, .type = FIELD_WORD, .offset = AT(levels) + (id) * sizeof(int),        \
     .words = level_words, .fallback = "default", .help = "How much is done by itself: " what "."},
static const struct field autonomy_fields[] = {ACT_LIST(X)};
#undef X
const struct schema autonomy_schema = {
    .name = "autonomy", .size = sizeof(struct config), .fields = autonomy_fields,
    .n_fields = ARRAY_LEN(autonomy_fields),
    .help = "Levels of autonomy for classes of actions: observe, suggest, approve, auto. restart, "
            "scale and budget ask by default, the others are done. An admin raises a level for a "
            "time: signalbox autonomy."};
/* clang-format on */
