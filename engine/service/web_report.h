/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_WEB_REPORT_H
#define SIGNALBOX_SERVICE_WEB_REPORT_H

/*
 * Web report: what an evaluation of a web page says about the change.
 *
 * web-eval-agent has no field for pass or fail: its tool answers isError=false with a
 * text (webEvalAgent/src/tool_handlers.py, format_agent_result), and whoever asked has to
 * read it. So the text is judged by a table of rules, each with the line that made it
 * speak, in this order; the first that speaks decides, the others are listed too:
 *
 *   no report at all, "Error executing web_eval_agent"      failed, world
 *   "API Key validation failed", "No API key"               refused, setup
 *   an error in place of the steps ("❌ Error: ...")         failed, change
 *   "🔴 Console Errors", but for a missing favicon          failed, change
 *   "❌ Failed Network Requests" (xhr or fetch, 400 and up)  failed, change
 *   a conclusion that speaks of a failure                   failed, change
 *   neither steps nor conclusion: nothing was looked at     failed, world
 *
 * What the page itself logged stands further down in the text and is not judged: it could
 * say anything. Nor is the task, which is repeated at the top.
 *
 * The `web-eval` command writes JSON instead; web_report_judge_json reads it. Its own
 * "passed" is true for a scenario that validated nothing; that is no pass here.
 *
 * Pure.
 */

#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/service/port.h"

#define WEB_REASONS_MAX 64
#define WEB_REASON_LEN  400 /* bytes of a reason */

struct web_verdict {
    enum effect_status status;
    enum blame blame;
    char *summary;                  /* one clean line */
    char *reasons[WEB_REASONS_MAX]; /* clean lines: rule, then what the report says */
    size_t n_reasons;
    size_t n_more; /* reasons that were left out */
};
void web_verdict_fini(struct web_verdict *verdict);
/* With one rule that spoke. */
void web_verdict_one(struct web_verdict *ret_verdict, enum effect_status status,
                     enum blame blame, const char *rule, const char *text);

/* task: as it was given to the tool. */
void web_report_judge(const char *text, size_t len, const char *task,
                      struct web_verdict *ret_verdict);
/* exit_status: of the command: 0 all passed, 1 failed or error, 130 interrupted. */
void web_report_judge_json(const char *json, size_t len, int exit_status,
                           struct web_verdict *ret_verdict);
/* Does a conclusion speak of a failure? Exposed for tests. */
bool web_report_is_bad(const char *line, size_t len);

#endif
