/* SPDX-License-Identifier: MIT */

/*
 * Settings of the external services: one table for the fields, one for the defaults that
 * follow from the kind.
 */

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/identity.h"
#include "engine/base/mem.h"
#include "engine/control/config_schema.h"
#include "engine/workflow/schema_value.h"

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define MIB    (INT64_C(1) << 20)

#define KIND_WORDS(X)                                             static const char *const kind_words[] = {X(KIND_WORD) NULL};
#define KIND_WORD(id, word, port, way, url, failures, open, help) word,
KIND_WORDS(SERVICE_KIND_LIST)

static const char *const window_words[] = {"consecutive", "count", "time", NULL};
static const char *const mesh_words[] = {"signalbox", "mesh", NULL};

#define AT(member)    offsetof(struct service_spec, member)
#define GATE(member)  offsetof(struct service_spec, gate.member)
#define BREAK(member) offsetof(struct service_spec, gate.breaker.member)
#define MESH(member)  offsetof(struct service_spec, mesh.member)

/* clang-format off */
static const struct field token_fields[] = {SECRET_FIELDS(struct service_spec, token., "the token")};
static const struct schema token_schema = {
    .name = "token", .size = sizeof(struct service_spec), .fields = token_fields,
    .n_fields = ARRAY_LEN(token_fields),
    .help = "Where the token comes from: one of these. The token itself never stands in a file of "
            "signalbox."};

static const struct field breaker_fields[] = {
    {.name = "window", .type = FIELD_WORD, .offset = BREAK(window), .words = window_words,
     .fallback = "consecutive",
     .help = "What is counted: failures in a row, the last calls, or the calls of the last time."},
    {.name = "failures", .type = FIELD_INT, .offset = BREAK(failures), .min = 1, .max = 1000,
     .has_zero = true, .fallback = "3", .shown = "by kind",
     .help = "Failures, in a row or in the window, that open the breaker."},
    {.name = "failure_percent", .type = FIELD_INT, .offset = BREAK(failure_percent), .min = 1,
     .max = 100, .has_zero = true, .fallback = "0", .shown = "not looked at",
     .help = "Share of failed calls in the window that opens it."},
    {.name = "slow_percent", .type = FIELD_INT, .offset = BREAK(slow_percent), .min = 1,
     .max = 100, .has_zero = true, .fallback = "0", .shown = "not looked at",
     .help = "Share of slow calls in the window that opens it."},
    {.name = "slow", .type = FIELD_DURATION, .offset = BREAK(slow), .min = 1, .max = DAY,
     .fallback = "10s", .help = "A call that takes longer is slow."},
    {.name = "min_calls", .type = FIELD_INT, .offset = BREAK(min_calls), .min = 1,
     .max = BREAKER_CALLS_MAX, .fallback = "10",
     .help = "Shares count from so many calls in the window on."},
    {.name = "calls", .type = FIELD_INT, .offset = BREAK(window_calls), .min = 1,
     .max = BREAKER_CALLS_MAX, .fallback = "100", .help = "Length of a window of calls."},
    {.name = "time", .type = FIELD_DURATION, .offset = BREAK(window_time), .min = SECOND,
     .max = BREAKER_SECONDS_MAX * SECOND, .fallback = "1m", .help = "Length of a window of time."},
    {.name = "open", .type = FIELD_DURATION, .offset = BREAK(open), .min = 100, .max = DAY,
     .fallback = "30s", .shown = "by kind",
     .help = "How long it stays open the first time; the stay doubles while the service does not "
             "come back."},
    {.name = "open_max", .type = FIELD_DURATION, .offset = BREAK(open_max), .min = 100, .max = DAY,
     .fallback = "10m", .help = "Longest stay in open."},
    {.name = "jitter", .type = FIELD_INT, .offset = BREAK(jitter_percent), .min = 0, .max = 100,
     .fallback = "10", .help = "Percent of the stay that chance adds."},
    {.name = "half_open_calls", .type = FIELD_INT, .offset = BREAK(half_open_calls), .min = 1,
     .max = 100, .fallback = "1", .help = "Calls that must pass in half-open to close it."},
    {.name = "half_open_max", .type = FIELD_DURATION, .offset = BREAK(half_open_max), .min = SECOND,
     .max = DAY, .fallback = "1m", .help = "Longest stay in half-open; then it opens again."},
    {.name = "probe", .type = FIELD_DURATION, .offset = BREAK(probe), .min = SECOND, .max = DAY,
     .has_zero = true, .fallback = "0", .shown = "when the stay in open is over",
     .help = "How often a call that changes nothing asks whether the service is back."},
};
static const struct schema breaker_schema = {
    .name = "breaker", .size = sizeof(struct service_spec), .fields = breaker_fields,
    .n_fields = ARRAY_LEN(breaker_fields), .help = "The circuit breaker of the service."};

static const struct field limits_fields[] = {
    {.name = "concurrency", .type = FIELD_INT, .offset = GATE(concurrency), .min = 1, .max = 1000,
     .fallback = "16", .help = "Calls, or steps that run, at once."},
    {.name = "adaptive", .type = FIELD_BOOL, .offset = GATE(is_adaptive), .fallback = "true",
     .help = "Whether the limit falls while answers get slower and rises again after."},
    {.name = "queue", .type = FIELD_INT, .offset = GATE(queue), .min = 0, .max = 100000,
     .fallback = "1000", .help = "Calls that may wait for their turn."},
    {.name = "queue_time", .type = FIELD_DURATION, .offset = GATE(queue_time), .min = 100,
     .max = HOUR, .fallback = "2m", .help = "Longest wait for a turn."},
    {.name = "calls", .type = FIELD_INT, .offset = GATE(rate), .min = 1, .max = 1000000,
     .has_zero = true, .fallback = "0", .shown = "by kind",
     .help = "Calls in the time of 'per'; what answers say about quotas counts too."},
    {.name = "per", .type = FIELD_DURATION, .offset = GATE(rate_time), .min = 100, .max = DAY,
     .fallback = "1m", .shown = "by kind", .help = "Time that 'calls' is for."},
    {.name = "creates", .type = FIELD_INT, .offset = GATE(create_rate), .min = 1, .max = 1000000,
     .has_zero = true, .fallback = "0", .shown = "by kind",
     .help = "Calls that create something, in the time of 'creates_per'."},
    {.name = "creates_per", .type = FIELD_DURATION, .offset = GATE(create_time), .min = 100,
     .max = DAY, .fallback = "1m", .help = "Time that 'creates' is for."},
    {.name = "reserve", .type = FIELD_INT, .offset = GATE(reserve_percent), .min = 0, .max = 90,
     .fallback = "5", .help = "Percent of a quota that is kept for what an operator asks for."},
    {.name = "write_pause", .type = FIELD_DURATION, .offset = GATE(write_pause), .min = 1,
     .max = HOUR, .has_zero = true, .fallback = "0", .shown = "by kind",
     .help = "Pause between two calls that change something."},
    {.name = "poll", .type = FIELD_DURATION, .offset = GATE(poll), .min = SECOND, .max = HOUR,
     .fallback = "1m",
     .help = "Longest pause between two looks at what runs there: agent runs of Codegen, checks of "
             "GitHub. The first pauses are shorter, and webhooks make looks unnecessary."},
};
static const struct schema limits_schema = {
    .name = "limits of a service", .size = sizeof(struct service_spec), .fields = limits_fields,
    .n_fields = ARRAY_LEN(limits_fields), .help = "How much at once, and how often."};

static const struct field timeout_fields[] = {
    {.name = "connect", .type = FIELD_DURATION, .offset = GATE(connect_time), .min = 10, .max = HOUR,
     .fallback = "10s", .help = "Until there is a connection."},
    {.name = "attempt", .type = FIELD_DURATION, .offset = GATE(attempt_time), .min = 10, .max = DAY,
     .fallback = "30s", .help = "One request with its answer."},
    {.name = "call", .type = FIELD_DURATION, .offset = GATE(call_time), .min = 10, .max = DAY,
     .fallback = "2m", .help = "A call with all its repetitions and pauses."},
};
static const struct schema timeout_schema = {
    .name = "timeouts", .size = sizeof(struct service_spec), .fields = timeout_fields,
    .n_fields = ARRAY_LEN(timeout_fields),
    .help = "How long is waited; the deadline of the workflow's state stands above all of them."};

static const struct field retry_fields[] = {
    {.name = "times", .type = FIELD_INT, .offset = GATE(retries), .min = 0, .max = 20,
     .fallback = "3", .help = "How often a call that reads is repeated."},
    {.name = "budget", .type = FIELD_INT, .offset = GATE(retry_percent), .min = 0, .max = 100,
     .fallback = "20", .help = "Repetitions as a percentage of all calls; more are not made."},
    {.name = "min", .type = FIELD_DURATION, .offset = GATE(retry_min), .min = 1, .max = HOUR,
     .fallback = "200ms", .help = "Shortest pause before a repetition."},
    {.name = "max", .type = FIELD_DURATION, .offset = GATE(retry_max), .min = 1, .max = HOUR,
     .fallback = "20s", .help = "Longest pause before a repetition."},
    {.name = "hedge", .type = FIELD_DURATION, .offset = GATE(hedge), .min = 10, .max = HOUR,
     .has_zero = true, .fallback = "0", .shown = "never",
     .help = "A second, equal call is sent when one that reads has no answer after this time."},
};
static const struct schema retry_schema = {
    .name = "retry", .size = sizeof(struct service_spec), .fields = retry_fields,
    .n_fields = ARRAY_LEN(retry_fields), .help = "Repetition of calls that read."};

static const struct field mesh_fields[] = {
    {.name = "retries", .type = FIELD_WORD, .offset = MESH(retries), .words = mesh_words,
     .fallback = "signalbox",
     .help = "Who repeats calls; with mesh the proxy does, and signalbox does not."},
    {.name = "headers", .type = FIELD_BOOL, .offset = MESH(sends_headers), .fallback = "false",
     .help = "Whether calls carry x-envoy-upstream-rq-timeout-ms."},
    {.name = "envoy", .type = FIELD_TEXT, .offset = MESH(envoy_admin), .max = 1000,
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "URL of an Envoy admin interface, whose ejected hosts are evidence of health."},
    {.name = "cluster", .type = FIELD_TEXT, .offset = MESH(cluster), .max = 200,
     .may_be_empty = true, .fallback = "", .shown = "name of the service",
     .help = "Name of the cluster there."},
    {.name = "prometheus", .type = FIELD_TEXT, .offset = MESH(prometheus), .max = 1000,
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "URL of a Prometheus server that is asked instead."},
    {.name = "query", .type = FIELD_TEXT, .offset = MESH(query), .max = 2000,
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "Query that gives the share of healthy hosts, 0 to 1."},
    {.name = "every", .type = FIELD_DURATION, .offset = MESH(interval), .min = SECOND, .max = HOUR,
     .fallback = "15s", .help = "Pause between two looks."},
};
static const struct schema mesh_schema = {
    .name = "mesh", .size = sizeof(struct service_spec), .fields = mesh_fields,
    .n_fields = ARRAY_LEN(mesh_fields), .help = "A service mesh in front of the service."};

static const struct field service_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .offset = AT(name), .max = SERVICE_NAME_MAX,
     .is_required = true,
     .help = "What pipelines and operators call it: small letters, digits, _ and -."},
    {.name = "kind", .type = FIELD_WORD, .offset = AT(kind), .words = kind_words,
     .is_required = true, .help = "What it is."},
    {.name = "url", .type = FIELD_TEXT, .offset = AT(url), .max = 1000, .may_be_empty = true,
     .fallback = "", .shown = "by kind", .help = "Base of all its URLs."},
    {.name = "token", .type = FIELD_TABLE, .sub = &token_schema, .shown = "none",
     .help = "Where its token comes from."},
    {.name = "organization", .type = FIELD_TEXT, .offset = AT(organization), .max = 100,
     .may_be_empty = true, .fallback = "", .shown = "required for codegen",
     .help = "Codegen: number of the organization."},
    {.name = "model", .type = FIELD_TEXT, .offset = AT(model), .max = 200, .may_be_empty = true,
     .fallback = "", .shown = "its own choice", .help = "Codegen: model of the agent."},
    {.name = "agent_type", .type = FIELD_TEXT, .offset = AT(agent_type), .max = 100,
     .may_be_empty = true, .fallback = "", .shown = "its own choice",
     .help = "Codegen: codegen or claude_code."},
    {.name = "provider", .type = FIELD_TEXT, .offset = AT(provider), .max = 100,
     .may_be_empty = true, .fallback = "", .shown = "its own choice",
     .help = "Grainchain: local, e2b, daytona, morph or modal."},
    {.name = "template", .type = FIELD_TEXT, .offset = AT(template), .max = 200,
     .may_be_empty = true, .fallback = "", .shown = "its own choice",
     .help = "E2B: template; Daytona: snapshot that a sandbox is made from."},
    {.name = "command", .type = FIELD_COMMAND, .offset = AT(command), .shown = "none",
     .help = "Grainchain: the bridge; web_eval: the MCP server; web_eval_cli: the program."},
    {.name = "env", .type = FIELD_ENV, .offset = AT(env), .offset_n = AT(n_env),
     .help = "Variables of that command; \"${NAME}\" stands for a variable of the engine."},
    {.name = "restart", .type = FIELD_COMMAND, .offset = AT(restart), .shown = "none",
     .help = "Command that starts the service again. It is a recovery that waits for a person. What it "
             "starts as its own child ends with it: let it ask a supervisor, as systemctl or "
             "docker."},
    {.name = "message_max", .type = FIELD_BYTES, .offset = AT(message_max), .min = 65536,
     .max = 1024 * MIB, .fallback = "64MiB",
     .help = "Longest line that is taken from that command."},
    {.name = "hook", .type = FIELD_TEXT, .offset = AT(hook), .max = 300, .may_be_empty = true,
     .fallback = "", .shown = "none",
     .help = "GitHub: the webhook, as owner/name#number, whose failed deliveries are asked for "
             "again."},
    {.name = "breaker", .type = FIELD_TABLE, .sub = &breaker_schema,
     .help = "Its circuit breaker."},
    {.name = "limits", .type = FIELD_TABLE, .sub = &limits_schema,
     .help = "How much at once, and how often."},
    {.name = "timeouts", .type = FIELD_TABLE, .sub = &timeout_schema, .help = "How long is waited."},
    {.name = "retry", .type = FIELD_TABLE, .sub = &retry_schema, .help = "Repetition of reads."},
    {.name = "ramp", .type = FIELD_DURATION, .offset = GATE(ramp), .min = SECOND, .max = HOUR,
     .fallback = "1m",
     .help = "Time over which parked workflows go on after the service has come back."},
    {.name = "mesh", .type = FIELD_TABLE, .sub = &mesh_schema, .shown = "none",
     .help = "A service mesh in front of it."},
};
const struct schema service_schema = {
    .name = "services", .size = sizeof(struct service_spec), .fields = service_fields,
    .n_fields = ARRAY_LEN(service_fields),
    .help = "An external service. Pipelines name it as a provider."};

/* ---- what follows from the kind ---- */

/* X: kind, table, field, value. Limits of Codegen are those of its API reference; of GitHub,
 * docs.github.com, "Best practices for using the REST API" (a second between writes) and
 * "Rate limits for the REST API" (80 creating calls a minute, 900 points). */
static const struct {
    enum service_kind kind;
    const char *table, *field, *value;
} kind_values[] = {
    {SERVICE_CODEGEN,      "limits",   "calls",       "60" },
    {SERVICE_CODEGEN,      "limits",   "per",         "30s"},
    {SERVICE_CODEGEN,      "limits",   "creates",     "10" },
    {SERVICE_CODEGEN,      "limits",   "creates_per", "1m" },
    {SERVICE_GITHUB,       "limits",   "calls",       "800"},
    {SERVICE_GITHUB,       "limits",   "per",         "1m" },
    {SERVICE_GITHUB,       "limits",   "creates",     "70" },
    {SERVICE_GITHUB,       "limits",   "creates_per", "1m" },
    {SERVICE_GITHUB,       "limits",   "write_pause", "1s" },
    {SERVICE_GITHUB,       "limits",   "concurrency", "50" },
    {SERVICE_DAYTONA,      "timeouts", "attempt",     "10m"},
    {SERVICE_DAYTONA,      "timeouts", "call",        "15m"},
    {SERVICE_E2B,          "timeouts", "attempt",     "10m"},
    {SERVICE_E2B,          "timeouts", "call",        "15m"},
    {SERVICE_WEB_EVAL,     "limits",   "concurrency", "2"  },
    {SERVICE_WEB_EVAL_CLI, "limits",   "concurrency", "2"  },
};

/* X: kind, failures, seconds open. */
static const struct {
    const char *failures, *open;
} kind_breakers[] = {
#define TEXT(x) #x
#define X(id, word, port, way, url, failures, open, help) [id] = {TEXT(failures), TEXT(open) "s"},
    SERVICE_KIND_LIST(X)
#undef X
};
/* clang-format on */

static void put_default(struct service_spec *service, const struct yaml_item *item,
                        const char *table, const char *name, const char *value)
{
    const struct field *field =
        schema_find(schema_find(&service_schema, table)->sub, name);
    char why[VALUE_WHY_MAX];
    if (yaml_item_get(yaml_item_get(item, table), name) == NULL &&
        !value_from_text(field, NULL, value, strlen(value),
                         (char *)service + field->offset, why)) {
        BUG(why);
    }
}

static void put_defaults(struct service_spec *service, const struct yaml_item *item)
{
    put_default(service, item, "breaker", "failures",
                kind_breakers[service->kind].failures);
    put_default(service, item, "breaker", "open", kind_breakers[service->kind].open);
    for (size_t i = 0; i < ARRAY_LEN(kind_values); i++) {
        if (kind_values[i].kind == service->kind) {
            put_default(service, item, kind_values[i].table, kind_values[i].field,
                        kind_values[i].value);
        }
    }
    if (service->url[0] == '\0') {
        free(service->url);
        service->url = mem_str(service_kind_url(service->kind));
    }
    for (size_t len = strlen(service->url); len > 0 && service->url[len - 1] == '/';) {
        service->url[--len] = '\0';
    }
}

/* ---- what one field says and another must then have ---- */

void config_report(const struct config_place *at, const char *name, const char *text)
{
    char path[YAML_PATH_MAX];
    const struct yaml_item *field = yaml_item_get(at->item, name);
    findings_add(at->findings, at->file, field != NULL ? field->line : at->item->line,
                 yaml_item_path(at->item, name, path), "%s", text);
}

static bool is_url(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0  ? 8
                    : strncmp(url, "http://", 7) == 0 ? 7
                                                      : 0;
    return scheme > 0 && url[scheme] != '\0' && url[scheme] != '/' &&
           strpbrk(url, "@?# ") == NULL;
}

static bool is_service_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0' &&
           name[0] != '-' && strcmp(name, SERVICE_LOCAL) != 0;
}

void config_check_secret(const struct config_place *at, const char *name,
                         const struct secret_source *secret)
{
    int n = (secret->env[0] != '\0') + (secret->file[0] != '\0') +
            (secret->command.argv != NULL);
    if (n > 1) {
        config_report(at, name, "names several sources; expected env, file or command");
    }
}

static void check_service(const struct config_place *at,
                          const struct service_spec *service)
{
    bool is_http = service_kind_way(service->kind) == WAY_HTTP;
    if (!is_service_name(service->name)) {
        config_report(
            at, "name",
            "is no name of a service; expected small letters, digits, _ and -, and "
            "not 'local'");
    }
    if (is_http && !is_url(service->url)) {
        config_report(
            at, "url",
            "is no base URL; expected http:// or https://, without user, query and #");
    }
    if (!is_http && service->command.argv == NULL &&
        yaml_item_get(at->item, "command") == NULL) {
        config_report(at, "command", "missing; expected the command that this kind runs");
    }
    if (service->kind == SERVICE_CODEGEN && service->organization[0] == '\0') {
        config_report(at, "organization",
                      "missing; expected the number of the organization");
    } else if (service->kind == SERVICE_CODEGEN &&
               service->organization[strspn(service->organization, "0123456789")] !=
                   '\0') {
        config_report(at, "organization",
                      "is no number; expected that of the organization");
    }
    config_check_secret(at, "token", &service->token);
    if (service->gate.breaker.open.ms > service->gate.breaker.open_max.ms) {
        config_report(at, "breaker",
                      "open is above open_max; expected it to be at most that");
    }
    if (service->gate.retry_min.ms > service->gate.retry_max.ms) {
        config_report(at, "retry", "min is above max; expected it to be at most that");
    }
    if (service->mesh.envoy_admin[0] != '\0' && !is_url(service->mesh.envoy_admin)) {
        config_report(at, "mesh", "envoy is no base URL; expected http:// or https://");
    }
    if (service->mesh.prometheus[0] != '\0' &&
        (!is_url(service->mesh.prometheus) || service->mesh.query[0] == '\0')) {
        config_report(at, "mesh",
                      "expected a base URL for prometheus, and a query with it");
    }
}

void config_check_services(const char *file, struct config *config,
                           const struct yaml_item *root, struct findings *findings)
{
    const struct yaml_item *list = yaml_item_get(root, "services");
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < config->n_services && item != NULL; i++, item = item->next) {
        struct service_spec *service = &config->services[i];
        const struct config_place at = {file, item, findings};
        if (item->kind != YAML_MAP || service->name == NULL ||
            yaml_item_get(item, "kind") == NULL) {
            continue; /* told already */
        }
        put_defaults(service, item);
        check_service(&at, service);
        if (service_find(config->services, i, service->name) != NULL) {
            config_report(&at, "name",
                          "is the name of another service; expected names that differ");
        }
    }
    if (list != NULL && config->n_services > SERVICES_MAX) {
        findings_add(findings, file, list->line, "services",
                     "%zu services; expected at most %d", config->n_services,
                     SERVICES_MAX);
    }
}

/* ---- the listener ---- */

#define LISTEN(member) offsetof(struct config, listener.member)

/* clang-format off */
static const struct field secret_fields[] = {SECRET_FIELDS(struct secret_source, , "the secret")};
static const struct schema secret_schema = {
    .name = "webhook_secrets", .size = sizeof(struct secret_source), .fields = secret_fields,
    .n_fields = ARRAY_LEN(secret_fields),
    .help = "Where a webhook's secret comes from: one of these. Any of the list is right, so that "
            "secrets can be changed without a gap."};

static const struct field bearer_fields[] = {
    SECRET_FIELDS(struct config, listener.token., "the bearer token")};
static const struct schema bearer_schema = {
    .name = "listener.token", .size = sizeof(struct config), .fields = bearer_fields,
    .n_fields = ARRAY_LEN(bearer_fields),
    .help = "Where the bearer token of /events, /approvals and /metrics comes from: one of these."};

#define USER(member) offsetof(struct listener_user, member)
static const struct field user_fields[] = {
    {.name = "user", .type = FIELD_TEXT, .offset = USER(user), .is_required = true, .max = 63,
     .help = "Whom it names: who sends a command with it."},
    SECRET_FIELDS(struct listener_user, secret., "the token"),
    {.name = "read_only", .type = FIELD_BOOL, .offset = USER(is_read_only), .fallback = "false",
     .help = "Whether it only opens what can be looked at."},
};
static const struct schema user_schema = {
    .name = "tokens", .size = sizeof(struct listener_user), .fields = user_fields,
    .n_fields = ARRAY_LEN(user_fields),
    .help = "Bearer tokens of users, of at least 20 characters: what is sent to /commands with one "
            "is the act of that user, whose role goes by the section access. Each has one source: "
            "env, file or command. A user may have several, so that they can be changed without a "
            "gap."};

static const struct field listener_fields[] = {
    {.name = "address", .type = FIELD_TEXT, .offset = LISTEN(address), .max = 200,
     .fallback = "127.0.0.1", .help = "Address that is listened on."},
    {.name = "port", .type = FIELD_INT, .offset = LISTEN(port), .min = 1, .max = 65535,
     .has_zero = true, .fallback = "0", .shown = "no listener", .help = "Port that is listened on."},
    {.name = "webhook_secrets", .type = FIELD_MAPS, .offset = LISTEN(secrets),
     .offset_n = LISTEN(n_secrets), .sub = &secret_schema, .shown = "none: webhooks are refused",
     .help = "Secrets that webhooks of GitHub are signed with."},
    {.name = "token", .type = FIELD_TABLE, .sub = &bearer_schema,
     .shown = "none: what it opens is open on a loopback address, and refused elsewhere",
     .help = "Bearer token of /events, /approvals and /metrics."},
    {.name = "tokens", .type = FIELD_MAPS, .offset = LISTEN(users), .offset_n = LISTEN(n_users),
     .sub = &user_schema, .shown = "none: no commands over the network",
     .help = "Users who may send commands to /commands, and what they prove it with."},
    {.name = "tokens_in_clear", .type = FIELD_BOOL, .offset = LISTEN(is_clear), .fallback = "false",
     .help = "Whether tokens of users are taken without TLS on an address that is no loopback one: "
             "only where something in front of signalbox encrypts."},
    {.name = "origins", .type = FIELD_TEXTS, .offset = LISTEN(origins),
     .offset_n = LISTEN(n_origins), .max = 300, .shown = "none",
     .help = "Origins of web pages that may open /events and send commands."},
    {.name = "certificate", .type = FIELD_PATH, .offset = LISTEN(certificate),
     .may_be_empty = true, .fallback = "", .shown = "no TLS",
     .help = "PEM file of the certificate, with its chain."},
    {.name = "key", .type = FIELD_PATH, .offset = LISTEN(key), .may_be_empty = true,
     .fallback = "", .shown = "no TLS", .help = "PEM file of its key."},
    {.name = "body_max", .type = FIELD_BYTES, .offset = LISTEN(body_max), .min = 1024,
     .max = 100 * MIB, .fallback = "25MB", .help = "Largest webhook that is taken."},
    {.name = "connections", .type = FIELD_INT, .offset = LISTEN(connections), .min = 8,
     .max = 100000, .fallback = "2000", .help = "Connections at once; the longest idle makes room."},
    {.name = "keep", .type = FIELD_DURATION, .offset = LISTEN(keep), .min = HOUR, .max = 3650 * DAY,
     .fallback = "30d", .help = "How long a delivery is kept."},
    {.name = "keep_bodies", .type = FIELD_DURATION, .offset = LISTEN(keep_bodies), .min = HOUR,
     .max = 3650 * DAY, .fallback = "3d", .help = "How long what it brought is kept."},
};
const struct schema listener_schema = {
    .name = "listener", .size = sizeof(struct config), .fields = listener_fields,
    .n_fields = ARRAY_LEN(listener_fields),
    .help = "Webhooks in, events out, metrics. Off unless a port is given."};
/* clang-format on */

static int n_sources(const struct secret_source *secret)
{
    return (secret->env != NULL && secret->env[0] != '\0') +
           (secret->file != NULL && secret->file[0] != '\0') +
           (secret->command.argv != NULL);
}

bool listener_is_local(const struct listener_spec *spec)
{
    const char *address = spec->address;
    bool is_127 = strncmp(address, "127.", 4) == 0 &&
                  address[strspn(address, "0123456789.")] == '\0';
    return is_127 || strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0;
}

/* A name as getpwnam(3) may know it. What the engine does by itself is under its own name. */
static bool is_user(const char *name)
{
    return name[0] != '\0' && name[0] != '-' && !identity_is_reserved(name) &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789_.@$+-")] == '\0';
}

static void check_users(const struct config_place *at,
                        const struct listener_spec *listener)
{
    if (listener->n_users > LISTENER_USERS) {
        config_report(at, "tokens", "too many; expected at most 64");
    }
    for (size_t i = 0; i < listener->n_users; i++) {
        const struct listener_user *user = &listener->users[i];
        if (user->user != NULL && !is_user(user->user)) {
            config_report(
                at, "tokens",
                "user is no name of one; expected letters, digits and _ . @ $ + "
                "-, and not 'engine'");
            return;
        }
        if (n_sources(&user->secret) != 1) {
            config_report(at, "tokens",
                          "each has one source; expected env, file or command");
            return;
        }
    }
    if (listener->n_users > 0 && !listener->is_clear &&
        listener->certificate[0] == '\0' && !listener_is_local(listener)) {
        config_report(
            at, "tokens",
            "would cross the network in the clear; expected certificate and key, "
            "a loopback address, or tokens_in_clear where a proxy encrypts");
    }
}

void config_check_listener(const char *file, const struct config *config,
                           const struct yaml_item *root, struct findings *findings)
{
    const struct listener_spec *listener = &config->listener;
    const struct yaml_item *item = yaml_item_get(root, "listener");
    if (item == NULL || item->kind != YAML_MAP) {
        return;
    }
    const struct config_place at = {file, item, findings};
    if ((listener->certificate[0] != '\0') != (listener->key[0] != '\0')) {
        config_report(&at, listener->key[0] != '\0' ? "certificate" : "key",
                      "missing; expected certificate and key together");
    }
    for (size_t i = 0; i < listener->n_secrets; i++) {
        if (n_sources(&listener->secrets[i]) != 1) {
            config_report(&at, "webhook_secrets",
                          "each has one source; expected env, file or command");
            break;
        }
    }
    config_check_secret(&at, "token", &listener->token);
    check_users(&at, listener);
}
