/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_FRAMES_H
#define SIGNALBOX_TESTS_LIB_FRAMES_H

/*
 * Frames: what a feed could have read, made up for tests of the screens. All of them are
 * from one moment, frames_now(). Give each back with frame_unref.
 */

#include "tui/frame.h"

struct wall frames_now(void);

/* A busy afternoon: approvals, failures, work in every state, and the detail of wf-2207.
 */
const struct frame *frames_busy(void);
/* As frames_busy; four checks side by side, two of them still run. */
const struct frame *frames_beside(void);
/* A store without workflows. */
const struct frame *frames_empty(void);
/* n workflows in the list, `cursor_at` among them. */
const struct frame *frames_list(size_t n);
/* wf-2207 in its second iteration; log of the failed step instead of the running one. */
const struct frame *frames_failed(void);
/* As frames_failed, of the log what a filter leaves, or the comparison with a green run. */
const struct frame *frames_log_rows(bool is_compare);
/* As frames_failed, of a search that has found its third line and goes on. */
const struct frame *frames_log_found(void);
/* Texts from outside that try to break the screen. */
const struct frame *frames_hostile(void);
/* Four services: closed, open with a fallback, half-open, forced; deliveries of every kind, one of
 * them with its body. */
const struct frame *frames_services(void);
/* Rows of the audit and one with its detail; the chain is whole, broken, or being checked. */
const struct frame *frames_audit(enum audit_fault fault, bool is_running);
/* As frames_busy, with two incidents, predictions and forecasts. */
const struct frame *frames_monitor(void);
/* The same with nothing open: the overview says what is coming. */
const struct frame *frames_coming(void);
/* As frames_busy, with eight series; one of them is odd. */
const struct frame *frames_metrics(void);
/* As frames_busy, with a chart of n_lines series, the first of them odd for a quarter of an hour. */
const struct frame *frames_chart(size_t n_lines, bool has_forecast);
/* As frames_monitor, with the story of incident 17 of troubles.h and what is handed over. */
const struct frame *frames_troubles(void);
/* The same of incident 66, with texts from outside that try to break the screen. */
const struct frame *frames_troubles_hostile(void);
/* As frames_troubles, with the story of something else: "f-28", "service:github_api". */
const struct frame *frames_troubles_of(const char *id);
/* Nothing is handed over. */
const struct frame *frames_troubles_none(void);
/* As frames_busy, with the trace of wf-2207: calls to a service, one of them failed. */
const struct frame *frames_trace(void);
/* As frames_busy, with failures, an open problem, what is tried, decisions, strategies; the case
 * of f-31, or of p-2, d-52 and so on as asked for. */
const struct frame *frames_recovery(enum case_kind kind, int64_t id);
/* Texts from outside that try to break the screen; the case is that of wf-2207. */
const struct frame *frames_recovery_hostile(void);
/* Nothing has failed, nothing was decided, nothing was learned. */
const struct frame *frames_recovery_none(void);
/* As frames_busy, with a queue of approvals, optimizations and levels; with this approval and this
 * optimization whole. */
const struct frame *frames_asks(int64_t approval, int64_t optimization);
/* The same with texts from outside that try to break the screen, and everything halted. */
const struct frame *frames_asks_hostile(void);
/* Nothing waits, nothing was found. */
const struct frame *frames_asks_none(void);
/* Choices and findings of the form. */
const struct frame *frames_submit(bool is_good);
/* Store or engine in trouble, with or without something read before. */
const struct frame *frames_trouble(enum trouble trouble, bool has_data);
const struct frame *frames_fault(enum err_code fault);
/* The engine's control thread is stuck, and so is the agent of the workflow. */
const struct frame *frames_stuck(void);
const struct frame *frames_no_engine(void);

#endif
