/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_CONFIG_SCHEMA_H
#define SIGNALBOX_CONTROL_CONFIG_SCHEMA_H

/*
 * Config schema: tables of the services, the listener and the monitor. Private to config*.c.
 */

#include "engine/base/yaml.h"
#include "engine/control/config.h"
#include "engine/workflow/schema.h"

extern const struct schema service_schema;   /* over struct service_spec */
extern const struct schema listener_schema;  /* over struct config */
extern const struct schema recovery_schema;  /* over struct config */
extern const struct schema access_schema;    /* over struct config */
extern const struct schema approvals_schema; /* over struct config */
extern const struct schema autonomy_schema;  /* over struct config */
extern const struct schema monitor_schema;   /* over struct config */
extern const struct schema scale_schema;     /* over struct scale_spec */
extern const struct schema telemetry_schema; /* over struct config */
extern const struct schema look_schema;      /* over struct look_spec */
extern const struct schema notify_schema;    /* over struct notify_spec */

/* Fields of a struct secret_source that is `member` of `owner`; `what` for the manual. */
#define SECRET_FIELDS(owner, member, what)                                               \
    {.name = "env",                                                                      \
     .type = FIELD_TEXT,                                                                 \
     .offset = offsetof(owner, member env),                                              \
     .max = 200,                                                                         \
     .may_be_empty = true,                                                               \
     .fallback = "",                                                                     \
     .shown = "none",                                                                    \
     .help = "Name of the environment variable of the engine that holds " what "."},     \
        {.name = "file",                                                                 \
         .type = FIELD_PATH,                                                             \
         .offset = offsetof(owner, member file),                                         \
         .may_be_empty = true,                                                           \
         .fallback = "",                                                                 \
         .shown = "none",                                                                \
         .help = "Path of a file that holds " what " and that nobody else may read."},   \
    {                                                                                    \
        .name = "command", .type = FIELD_COMMAND,                                        \
        .offset = offsetof(owner, member command), .shown = "none",                      \
        .help = "Command whose first line of output is " what "."                        \
    }

/* A map of the file that is checked. */
struct config_place {
    const char *file;
    const struct yaml_item *item;
    struct findings *findings;
};
void config_report(const struct config_place *at, const char *name, const char *text);
/* At most one source. */
void config_check_secret(const struct config_place *at, const char *name,
                         const struct secret_source *secret);

/* Defaults that follow from a service's kind, and what one field says and another must
 * then have. `root` is the file's map. */
void config_check_services(const char *file, struct config *config,
                           const struct yaml_item *root, struct findings *findings);
void config_check_monitor(const char *file, struct config *config,
                          const struct yaml_item *root, struct findings *findings);
void config_check_notify(const char *file, const struct config *config,
                         const struct yaml_item *root, struct findings *findings);
void config_check_scale(const char *file, const struct config *config,
                        const struct yaml_item *root, struct findings *findings);
void config_check_recovery(const char *file, const struct config *config,
                           const struct yaml_item *root, struct findings *findings);
void config_check_listener(const char *file, const struct config *config,
                           const struct yaml_item *root, struct findings *findings);

#endif
