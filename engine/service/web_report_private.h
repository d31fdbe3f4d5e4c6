/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_WEB_REPORT_PRIVATE_H
#define SIGNALBOX_SERVICE_WEB_REPORT_PRIVATE_H

/* What web_report.c and web_report_json.c share. */
#include "engine/service/web_report.h"

/* A rule speaks. Status, blame and summary are those of the first one. */
void web_verdict_add(struct web_verdict *verdict, enum effect_status status,
                     enum blame blame, const char *rule, const char *line, size_t len);

#endif
