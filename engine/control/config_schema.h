/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_CONFIG_SCHEMA_H
#define SIGNALBOX_CONTROL_CONFIG_SCHEMA_H

/*
 * Config schema: tables of the services and of the listener. Private to config*.c.
 */

#include "engine/base/yaml.h"
#include "engine/control/config.h"
#include "engine/workflow/schema.h"

extern const struct schema service_schema;  /* over struct service_spec */
extern const struct schema listener_schema; /* over struct config */

/* Defaults that follow from a service's kind, and what one field says and another must
 * then have. `root` is the file's map. */
void config_check_services(const char *file, struct config *config,
                           const struct yaml_item *root, struct findings *findings);
void config_check_listener(const char *file, const struct config *config,
                           const struct yaml_item *root, struct findings *findings);

#endif
