/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_MONITOR_H
#define SIGNALBOX_TUI_VIEW_MONITOR_H

/*
 * Monitor views: what health, incident and outlook have in common.
 */

#include "engine/monitor/health.h"
#include "tui/view/common.h"

extern const struct view_class health_class, incidents_class, handoff_class,
    incident_class, outlook_class, metrics_class, metric_class;

enum theme_role severity_role(enum severity severity);
enum glyph severity_glyph(enum severity severity);
/* One line: lamp, severity, what, since when. */
void incident_line(const struct canvas *canvas, int y, const struct incident_row *row,
                   struct wall now);
/* "6.2d (4d to 9d)", "not in sight". Returns text. */
const char *outlook_when(const struct health_outlook *outlook, char *text, size_t cap);

bool outlook_is_limit(const struct health_outlook *outlook); /* else a failure */
/* What is used up, in words: "disk /var" of disk_used_ratio{folder="/var"}; what is no limit as
 * it stands. Returns text. */
const char *outlook_what(const struct health_outlook *outlook, char *text, size_t cap);
/* "full in 6.2d (4d to 9d)", "full". Returns text. */
const char *outlook_full(const struct health_outlook *outlook, char *text, size_t cap);

/* What can be done with incidents: take, claim, assign, link, note, silence, resolve; several
 * are asked of once. The token of a prompt is the action. */
void incident_action(const struct incident_row *const *rows, size_t n, enum action action,
                     struct reply *reply);
void incident_prompt(const struct incident_row *const *rows, size_t n, int token,
                     const char *text, bool is_final, struct reply *reply);
/* Is it something that an incident of the monitor is needed for? */
bool incident_is_act(enum action action);
#define INCIDENT_NONE                                                                    \
    "the monitor has no incident of it: nothing to take; the engine is at it"

/* Sections of an incident's page below its head. */
struct sheet;
struct story;
void incident_story(struct sheet *sheet, const struct story *story, bool is_ascii);

/* Ask for the file that a report goes to, "incident-17-20261122T140307Z.md" unless somebody
 * says otherwise; relative to where the console was started. */
void report_ask_path(struct reply *reply, const char *what, const char *id,
                     struct wall at, int token);

#endif
