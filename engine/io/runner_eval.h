/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RUNNER_EVAL_H
#define SIGNALBOX_IO_RUNNER_EVAL_H

/*
 * Runner eval: the evaluators that are services, performed in a runner.
 *
 * web_eval: an MCP server over stdio (engine/service/mcp.h). It is started for one
 * evaluation, asked for its tools, and its tool web_eval_agent is called with the url and
 * the task of the pipeline (the task of the workflow when there is none) and
 * headless_browser=true. The server has no time limit of its own, so the deadline is ours:
 * the call is cancelled, stdin closed, and the group killed.
 *
 * web_eval_cli: the `web-eval` command with --url, --instructions, --format json, --output
 * and --headless; exit status 0, 1 or 130 and a report in JSON.
 *
 * The report goes into the step's log and is judged by engine/service/web_report.h. Images
 * are saved beside the log, LOGS/wf-N/SEQ-NAME-1.jpg and so on, and go with it.
 *
 * Outcome: a bad report FAILED, change, with the rules that spoke as excerpt; the server
 * dead or silent FAILED or TIMED_OUT, world; a missing program, tool, url or key REFUSED,
 * setup.
 */

#include "engine/io/runner.h"

#define EVAL_IMAGES_MAX      100                /* of one report */
#define EVAL_IMAGE_BYTES_MAX (16 * 1024 * 1024) /* of one image */

void eval_mcp(const struct runner *runner, struct effect_result *result);
void eval_cli(const struct runner *runner, struct effect_result *result);

#endif
