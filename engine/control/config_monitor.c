/* SPDX-License-Identifier: MIT */

/*
 * Settings of the system monitor and of telemetry: samples, rules, what is scraped, where
 * spans go.
 */

#include <string.h>

#include "engine/base/mem.h"
#include "engine/control/config_schema.h"

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define MIB    (INT64_C(1) << 20)

#define AT(member)     offsetof(struct config, member)
#define SCRAPE(member) offsetof(struct scrape_spec, member)
#define OTLP(member)   offsetof(struct otlp_spec, member)
#define HEADER(member) offsetof(struct otlp_header, member)

/* clang-format off */
static const struct field token_fields[] = {
    SECRET_FIELDS(struct scrape_spec, token., "the bearer token")};
static const struct schema token_schema = {
    .name = "monitor.scrape.token", .size = sizeof(struct scrape_spec), .fields = token_fields,
    .n_fields = ARRAY_LEN(token_fields),
    .help = "Where the bearer token of the endpoint comes from: one of these."};

static const struct field scrape_fields[] = {
    {.name = "name", .type = FIELD_NAME, .offset = SCRAPE(name), .max = 64, .is_required = true,
     .help = "What it is called; its series carry it as the label scrape."},
    {.name = "url", .type = FIELD_TEXT, .offset = SCRAPE(url), .max = 1000, .may_be_empty = true,
     .fallback = "", .shown = "none",
     .help = "Endpoint in the Prometheus text format or OpenMetrics."},
    {.name = "command", .type = FIELD_COMMAND, .offset = SCRAPE(command), .shown = "none",
     .help = "Command that prints lines 'name{labels} value', or one number."},
    {.name = "token", .type = FIELD_TABLE, .sub = &token_schema, .shown = "none",
     .help = "Bearer token of the endpoint."},
    {.name = "interval", .type = FIELD_DURATION, .offset = SCRAPE(interval), .min = SECOND,
     .max = 24 * HOUR, .fallback = "15s", .help = "How often it is asked."},
    {.name = "timeout", .type = FIELD_DURATION, .offset = SCRAPE(timeout), .min = 100,
     .max = HOUR, .fallback = "10s", .help = "How long an answer may take."},
    {.name = "labels", .type = FIELD_ENV, .offset = SCRAPE(labels), .offset_n = SCRAPE(n_labels),
     .help = "Labels that all its series get."},
};
static const struct schema scrape_schema = {
    .name = "monitor.scrape", .size = sizeof(struct scrape_spec), .fields = scrape_fields,
    .n_fields = ARRAY_LEN(scrape_fields), .help = "Something that is asked for its figures."};

static const struct field monitor_fields[] = {
    {.name = "interval", .type = FIELD_DURATION, .offset = AT(monitor.interval), .min = SECOND,
     .max = HOUR, .fallback = "5s", .help = "How often levels are sampled."},
    {.name = "disk", .type = FIELD_BYTES, .offset = AT(monitor.disk), .min = 8 * MIB,
     .max = INT64_C(1) << 40, .fallback = "256MiB",
     .help = "Largest size of the file of metrics; the oldest and finest go first."},
    {.name = "rules", .type = FIELD_MAPS, .offset = AT(monitor.rules),
     .offset_n = AT(monitor.n_rules), .sub = &rule_schema, .shown = "the built-in ones",
     .help = "Limits beside the built-in ones."},
    {.name = "scrape", .type = FIELD_MAPS, .offset = AT(monitor.scrapes),
     .offset_n = AT(monitor.n_scrapes), .sub = &scrape_schema, .shown = "none",
     .help = "Endpoints and commands whose figures are watched like signalbox's own."},
};
const struct schema monitor_schema = {
    .name = "monitor", .size = sizeof(struct config), .fields = monitor_fields,
    .n_fields = ARRAY_LEN(monitor_fields), .help = "The system monitor."};

static const struct field header_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .offset = HEADER(name), .max = 100, .is_required = true,
     .help = "Name of the header."},
    SECRET_FIELDS(struct otlp_header, value., "its value"),
};
static const struct schema header_schema = {
    .name = "telemetry.otlp.headers", .size = sizeof(struct otlp_header),
    .fields = header_fields, .n_fields = ARRAY_LEN(header_fields),
    .help = "A header of each request, with the source of its value: one of these."};

static const struct field otlp_fields[] = {
    {.name = "endpoint", .type = FIELD_TEXT, .offset = OTLP(endpoint), .max = 1000,
     .is_required = true,
     .help = "Base URL of a collector, as http://host:4318; /v1/traces is added."},
    {.name = "headers", .type = FIELD_MAPS, .offset = OTLP(headers), .offset_n = OTLP(n_headers),
     .sub = &header_schema, .shown = "none", .help = "Headers of each request."},
    {.name = "interval", .type = FIELD_DURATION, .offset = OTLP(interval), .min = 100, .max = HOUR,
     .fallback = "5s", .help = "Pause between two looks for new spans."},
    {.name = "timeout", .type = FIELD_DURATION, .offset = OTLP(timeout), .min = 100, .max = HOUR,
     .fallback = "10s", .help = "How long an answer may take."},
    {.name = "batch", .type = FIELD_INT, .offset = OTLP(batch), .min = 1, .max = OTLP_BATCH_MAX,
     .fallback = "512", .help = "Spans in one request."},
};
static const struct schema otlp_schema = {
    .name = "telemetry.otlp", .size = sizeof(struct otlp_spec), .fields = otlp_fields,
    .n_fields = ARRAY_LEN(otlp_fields), .help = "A collector of OpenTelemetry, over OTLP/HTTP."};

static const struct field telemetry_fields[] = {
    {.name = "otlp", .type = FIELD_MAPS, .offset = AT(telemetry.otlps),
     .offset_n = AT(telemetry.n_otlps), .sub = &otlp_schema, .shown = "none",
     .help = "Collectors that get every span."},
};
const struct schema telemetry_schema = {
    .name = "telemetry", .size = sizeof(struct config), .fields = telemetry_fields,
    .n_fields = ARRAY_LEN(telemetry_fields), .help = "Where traces go."};
/* clang-format on */

static void check_scrape(const struct config_place *at, const struct scrape_spec *scrape)
{
    bool has_url = scrape->url[0] != '\0', has_command = scrape->command.argv != NULL;
    if (has_url == has_command) {
        config_report(at, has_url ? "command" : "url",
                      has_url ? "stands beside url; expected one of them"
                              : "missing; expected url or command");
    }
    if (has_url && strncmp(scrape->url, "http://", 7) != 0 &&
        strncmp(scrape->url, "https://", 8) != 0) {
        config_report(at, "url", "is no URL; expected http:// or https://");
    }
    config_check_secret(at, "token", &scrape->token);
    if (scrape->timeout.ms > scrape->interval.ms &&
        yaml_item_get(at->item, "timeout") != NULL) {
        config_report(at, "timeout", "is above interval; expected it to be at most that");
    }
}

static void check_scrapes(const char *file, const struct config *config,
                          const struct yaml_item *list, struct findings *findings)
{
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < config->monitor.n_scrapes && item != NULL;
         i++, item = item->next) {
        const struct config_place at = {file, item, findings};
        const struct scrape_spec *scrape = &config->monitor.scrapes[i];
        if (item->kind != YAML_MAP || scrape->name == NULL || scrape->url == NULL) {
            continue; /* told already */
        }
        check_scrape(&at, scrape);
        for (size_t j = 0; j < i; j++) {
            const char *other = config->monitor.scrapes[j].name;
            if (other != NULL && strcmp(other, scrape->name) == 0) {
                config_report(&at, "name",
                              "is the name of another one; expected names that differ");
                break;
            }
        }
    }
    if (list != NULL && config->monitor.n_scrapes > SCRAPES_MAX) {
        findings_add(findings, file, list->line, "monitor.scrape",
                     "%zu entries; expected at most %d", config->monitor.n_scrapes,
                     SCRAPES_MAX);
    }
}

static void check_otlps(const char *file, const struct config *config,
                        const struct yaml_item *list, struct findings *findings)
{
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < config->telemetry.n_otlps && item != NULL;
         i++, item = item->next) {
        const struct config_place at = {file, item, findings};
        const char *url = config->telemetry.otlps[i].endpoint;
        if (item->kind == YAML_MAP && url != NULL && strncmp(url, "http://", 7) != 0 &&
            strncmp(url, "https://", 8) != 0) {
            config_report(&at, "endpoint", "is no URL; expected http:// or https://");
        }
    }
    if (list != NULL && config->telemetry.n_otlps > OTLPS_MAX) {
        findings_add(findings, file, list->line, "telemetry.otlp",
                     "%zu entries; expected at most %d", config->telemetry.n_otlps,
                     OTLPS_MAX);
    }
}

void config_check_monitor(const char *file, struct config *config,
                          const struct yaml_item *root, struct findings *findings)
{
    const struct yaml_item *monitor = yaml_item_get(root, "monitor");
    const struct yaml_item *rules = yaml_item_get(monitor, "rules");
    if (rules != NULL) {
        rule_check(file, rules, config->monitor.rules, config->monitor.n_rules, findings);
    }
    check_scrapes(file, config, yaml_item_get(monitor, "scrape"), findings);
    check_otlps(file, config, yaml_item_get(yaml_item_get(root, "telemetry"), "otlp"),
                findings);
}
