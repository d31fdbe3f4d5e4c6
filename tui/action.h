/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_ACTION_H
#define SIGNALBOX_TUI_ACTION_H

/*
 * Action: everything that a key can do, one list.
 *
 * The list makes the enum, the names in key files, the words of the bottom line, the palette,
 * the help overlay and signalbox-keys(7). An action with a verb is carried out by the console
 * for every view alike: on the marked rows, else on the row under the cursor, with the verb's
 * confirmation. The others go to the layer on top, then to the view.
 */

#include <stdbool.h>

#include "engine/base/compiler.h"

/* X(identifier, name, short word for the bottom line, verb or "", help) */
#define ACTION_LIST(X)                                                                   \
    X(ACTION_NONE, "none", "", "", "Nothing; unbinds a key")                             \
    X(ACTION_ROW_DOWN, "row-down", "down", "", "Move one row down")                      \
    X(ACTION_ROW_UP, "row-up", "up", "", "Move one row up")                              \
    X(ACTION_PAGE_DOWN, "page-down", "page down", "", "Move one screen down")            \
    X(ACTION_PAGE_UP, "page-up", "page up", "", "Move one screen up")                    \
    X(ACTION_TOP, "top", "top", "", "Go to the first row")                               \
    X(ACTION_END, "end", "end", "", "Go to the last row")                                \
    X(ACTION_LEFT, "left", "left", "", "Scroll or move to the left")                     \
    X(ACTION_RIGHT, "right", "right", "", "Scroll or move to the right")                 \
    X(ACTION_OPEN, "open", "open", "", "Open what is under the cursor")                  \
    X(ACTION_CLOSE, "close", "back", "", "Close what floats, else go one level up")      \
    X(ACTION_HISTORY_BACK, "history-back", "previous", "",                               \
      "Go back to the view seen before")                                                 \
    X(ACTION_HISTORY_FORWARD, "history-forward", "next", "",                             \
      "Go forward again to the view left with history-back")                             \
    X(ACTION_NEXT_NEEDED, "next-needed", "next for you", "",                             \
      "Go to the next thing that needs a person")                                        \
    X(ACTION_NEXT_PANEL, "next-panel", "panel", "", "Move to the next panel or field")   \
    X(ACTION_PREVIOUS_PANEL, "previous-panel", "panel back", "",                         \
      "Move to the previous panel or field")                                             \
    X(ACTION_GO_OVERVIEW, "go-overview", "overview", "", "Show the overview")            \
    X(ACTION_GO_WORKFLOWS, "go-workflows", "workflows", "",                              \
      "Show the table of workflows")                                                     \
    X(ACTION_GO_SUBMIT, "go-submit", "new", "", "Hand over a new task")                  \
    X(ACTION_GO_SERVICES, "go-services", "services", "",                                 \
      "Show the external services and their breakers")                                   \
    X(ACTION_GO_DELIVERIES, "go-deliveries", "deliveries", "",                           \
      "Show the webhook deliveries")                                                     \
    X(ACTION_GO_AUDIT, "go-audit", "audit", "",                                          \
      "Show who did what, and that it is proved")                                        \
    X(ACTION_GO_HEALTH, "go-health", "health", "",                                       \
      "Show how it goes: incidents, predictions, what to do")                            \
    X(ACTION_GO_INCIDENTS, "go-incidents", "incidents", "",                              \
      "Show what is wrong: a row for each cause, whoever saw it")                        \
    X(ACTION_GO_METRICS, "go-metrics", "metrics", "",                                    \
      "Show every figure that is measured, and charts of them")                          \
    X(ACTION_GO_OUTLOOK, "go-outlook", "outlook", "",                                    \
      "Show forecasts of limits, and what another limit would give")                     \
    X(ACTION_GO_FAILURES, "go-failures", "failures", "",                                 \
      "Show what failed and what is done about it")                                      \
    X(ACTION_GO_STRATEGIES, "go-strategies", "strategies", "",                           \
      "Show how well each rung of the ladder works")                                     \
    X(ACTION_GO_DECISIONS, "go-decisions", "decisions", "",                              \
      "Show what was decided, by whom, and how it turned out")                           \
    X(ACTION_GO_APPROVALS, "go-approvals", "approvals", "",                              \
      "Show what waits for a decision")                                                  \
    X(ACTION_GO_OPTIMIZATIONS, "go-optimizations", "optimizations", "",                  \
      "Show what was found to run better, and what became of it")                        \
    X(ACTION_GO_AUTONOMY, "go-autonomy", "autonomy", "",                                 \
      "Show how much is done without a person")                                          \
    X(ACTION_SHOW_WHY, "show-why", "why", "",                                            \
      "Show why it failed, and why that was done about it")                              \
    X(ACTION_LABEL_CLASS, "label-class", "class", "",                                    \
      "Correct the class of the failure; it is learned")                                 \
    X(ACTION_RECOVERY_DECIDE, "recovery-decide", "decide", "",                           \
      "Show the approval of the recovery that waits, and decide it there")               \
    X(ACTION_STRATEGY_KILL, "strategy-kill", "switch off", "",                           \
      "Switch the rung off for this class: nobody chooses it any more")                  \
    X(ACTION_STRATEGY_REVIVE, "strategy-revive", "switch on", "",                        \
      "Switch the rung on again for this class")                                         \
    X(ACTION_INCIDENT_ACK, "incident-ack", "take", "",                                   \
      "Take the incident: you look after it")                                            \
    X(ACTION_INCIDENT_NOTE, "incident-note", "note", "",                                 \
      "Write what is known of the incident")                                             \
    X(ACTION_INCIDENT_SILENCE, "incident-silence", "silence", "",                        \
      "Hear nothing of the cause of the incident, for a time and with a reason")         \
    X(ACTION_INCIDENT_RESOLVE, "incident-resolve", "resolve", "", "Close the incident")  \
    X(ACTION_INCIDENT_CLAIM, "incident-claim", "claim", "",                              \
      "Say that you look at the incident, for a quarter of an hour")                     \
    X(ACTION_INCIDENT_ASSIGN, "incident-assign", "assign", "",                           \
      "Give the incident to somebody")                                                   \
    X(ACTION_INCIDENT_LINK, "incident-link", "link", "",                                 \
      "Say what else belongs to the incident")                                           \
    X(ACTION_INCIDENT_REPORT, "incident-report", "report", "",                           \
      "Write the incident, or the handoff, to a file, and copy it")                      \
    X(ACTION_UNFOLD, "unfold", "inside", "", "Show what is inside, below the row")       \
    X(ACTION_FOLD, "fold", "fold", "", "Show the row alone again")                       \
    X(ACTION_LIMIT_UP, "limit-up", "more", "", "Ask what a higher limit would give")     \
    X(ACTION_LIMIT_DOWN, "limit-down", "fewer", "", "Ask what a lower limit would give") \
    X(ACTION_THUMBS_UP, "thumbs-up", "well done", "thumbs-up",                           \
      "Say that the workflow did well")                                                  \
    X(ACTION_THUMBS_DOWN, "thumbs-down", "badly done", "thumbs-down",                    \
      "Say that the workflow did badly")                                                 \
    X(ACTION_SERVICE_FORCE, "service-force", "force", "",                                \
      "Force the breaker open or closed, or let it go, for a time and with a reason")    \
    X(ACTION_SERVICE_PROBE, "service-probe", "probe", "",                                \
      "Ask now whether the service answers")                                             \
    X(ACTION_SERVICE_RESET, "service-reset", "reset", "",                                \
      "Forget the calls counted so far and close the breaker")                           \
    X(ACTION_ASK_APPROVE, "ask-approve", "approve", "",                                  \
      "Approve what is under the cursor, or what is marked")                             \
    X(ACTION_ASK_REJECT, "ask-reject", "reject", "",                                     \
      "Reject it; the reason is kept and learned from")                                  \
    X(ACTION_ASK_SNOOZE, "ask-snooze", "later", "",                                      \
      "Hear of it again later; it is not rejected")                                      \
    X(ACTION_ASK_DELEGATE, "ask-delegate", "delegate", "",                               \
      "Give it to somebody else to decide")                                              \
    X(ACTION_ASK_CLAIM, "ask-claim", "claim", "",                                        \
      "Say that you look after it, for a while")                                         \
    X(ACTION_ASK_BATCH, "ask-batch", "batch", "",                                        \
      "Mark every one of the same kind and risk, or none")                               \
    X(ACTION_SHOW_CHANGE, "show-change", "diff", "",                                     \
      "Show what would be done, before and after")                                       \
    X(ACTION_SHOW_EVIDENCE, "show-evidence", "evidence", "", "Show what it rests on")    \
    X(ACTION_SHOW_DRY_RUN, "show-dry-run", "dry run", "",                                \
      "Show what would have happened on recorded history")                               \
    X(ACTION_SHOW_BOTTLENECKS, "show-bottlenecks", "bottlenecks", "",                    \
      "Show what holds work back, and what those that pass have in common")              \
    X(ACTION_UNDO, "undo", "undo", "",                                                   \
      "Take the optimization back: the setting is as it was")                            \
    X(ACTION_LEVEL_RAISE, "level-raise", "raise", "",                                    \
      "Let more of it be done without a person, for a time")                             \
    X(ACTION_LEVEL_LOWER, "level-lower", "lower", "",                                    \
      "Let less of it be done without a person")                                         \
    X(ACTION_LEVEL_CONFIGURED, "level-configured", "as configured", "",                  \
      "Go back to the level that is configured")                                         \
    X(ACTION_SHOW_LOG, "show-log", "log", "", "Show the log of the selected step")       \
    X(ACTION_SHOW_DIFF, "show-diff", "diff", "", "Show the diff of the pull request")    \
    X(ACTION_SHOW_CONTEXT, "show-context", "context", "",                                \
      "Show task, plan, error context and metadata")                                     \
    X(ACTION_SHOW_HISTORY, "show-history", "history", "",                                \
      "Show every event of the workflow")                                                \
    X(ACTION_SHOW_STEPS, "show-steps", "steps", "", "Show the steps of the workflow")    \
    X(ACTION_SHOW_TRACE, "show-trace", "trace", "",                                      \
      "Show where the time of the workflow went")                                        \
    X(ACTION_ZOOM_IN, "zoom-in", "zoom in", "", "Show half of the time, larger")         \
    X(ACTION_ZOOM_OUT, "zoom-out", "zoom out", "", "Show twice the time")                \
    X(ACTION_ZOOM_ALL, "zoom-all", "all", "", "Show the whole time again")               \
    X(ACTION_CHART_STYLE, "chart-style", "style", "",                                    \
      "Draw the chart in another way: dots or blocks")                                   \
    X(ACTION_CHART_FORECAST, "chart-forecast", "forecast", "",                           \
      "Show how it is expected to go on, or not")                                        \
    X(ACTION_SORT_NEXT, "sort-next", "sort", "", "Sort by the next column")              \
    X(ACTION_SORT_REVERSE, "sort-reverse", "reverse", "", "Reverse the order")           \
    X(ACTION_FILTER, "filter", "filter", "", "Show only rows that contain a text")       \
    X(ACTION_FILTER_STATE, "filter-state", "state", "",                                  \
      "Show only the next group of states")                                              \
    X(ACTION_FILTER_CLEAR, "filter-clear", "all", "", "Show all rows again")             \
    X(ACTION_SEARCH, "search", "search", "", "Search in the text")                       \
    X(ACTION_SEARCH_NEXT, "search-next", "next match", "", "Go to the next match")       \
    X(ACTION_SEARCH_PREVIOUS, "search-previous", "previous match", "",                   \
      "Go to the previous match")                                                        \
    X(ACTION_MARK, "mark", "mark", "", "Mark the row, or take the mark away")            \
    X(ACTION_MARK_ALL, "mark-all", "mark all", "", "Mark every row shown, or none")      \
    X(ACTION_FOLLOW, "follow", "follow", "", "Follow what is new, or stand still")       \
    X(ACTION_WRAP, "wrap", "wrap", "", "Wrap long lines, or cut them")                   \
    X(ACTION_NEXT_ERROR, "next-error", "next error", "",                                 \
      "Go to the next line with an error")                                               \
    X(ACTION_COMPARE, "compare", "compare", "",                                          \
      "Show what is new and what is gone against the last green run of the step")        \
    X(ACTION_AROUND_MORE, "around-more", "more around", "",                              \
      "Show one line more around each that a filter or a comparison leaves")             \
    X(ACTION_AROUND_LESS, "around-less", "less around", "",                              \
      "Show one line less around each")                                                  \
    X(ACTION_COPY, "copy", "copy", "", "Copy the row or line to the clipboard")          \
    X(ACTION_APPROVE, "approve", "approve", "approve",                                   \
      "Approve what waits for approval")                                                 \
    X(ACTION_REJECT, "reject", "reject", "reject",                                       \
      "Reject what waits for approval, with a reason")                                   \
    X(ACTION_PAUSE, "pause", "pause", "pause", "Pause the workflow")                     \
    X(ACTION_RESUME, "resume", "resume", "resume", "Let a paused workflow go on")        \
    X(ACTION_CANCEL, "cancel", "cancel", "cancel", "Stop the workflow for good")         \
    X(ACTION_RETRY, "retry", "retry", "retry", "Try again from where it failed")         \
    X(ACTION_RETRY_FROM, "retry-from", "retry from", "",                                 \
      "Try again from a chosen checkpoint")                                              \
    X(ACTION_SKIP, "skip", "skip", "skip", "Go on: the current step was done by hand")   \
    X(ACTION_ROLLBACK, "rollback", "roll back", "rollback", "Take the merged work back") \
    X(ACTION_PRIORITY_UP, "priority-up", "priority up", "", "Raise the priority")        \
    X(ACTION_PRIORITY_DOWN, "priority-down", "priority down", "", "Lower the priority")  \
    X(ACTION_HALT, "halt", "halt", "halt",                                               \
      "Stop everything that is done without a person, now")                              \
    X(ACTION_RELEASE, "release", "release", "release",                                   \
      "Let everything that was halted go on")                                            \
    X(ACTION_PAST, "past", "as of", "",                                                  \
      "Show the whole console as it was, read-only; from there return to now")           \
    X(ACTION_PAST_EVENT_BACK, "past-event-back", "event before", "",                     \
      "Show the moment one event earlier")                                               \
    X(ACTION_PAST_EVENT_ON, "past-event-on", "event after", "",                          \
      "Show the moment one event later")                                                 \
    X(ACTION_PAST_MINUTE_BACK, "past-minute-back", "minute back", "",                    \
      "Show the moment one minute earlier")                                              \
    X(ACTION_PAST_MINUTE_ON, "past-minute-on", "minute on", "",                          \
      "Show the moment one minute later")                                                \
    X(ACTION_PAST_HOUR_BACK, "past-hour-back", "hour back", "",                          \
      "Show the moment one hour earlier")                                                \
    X(ACTION_PAST_HOUR_ON, "past-hour-on", "hour on", "",                                \
      "Show the moment one hour later")                                                  \
    X(ACTION_PALETTE, "palette", "command", "", "Type a command, view or workflow")      \
    X(ACTION_HELP, "help", "help", "", "Show the keys of this place")                    \
    X(ACTION_THEME_NEXT, "theme-next", "theme", "", "Use the next theme")                \
    X(ACTION_PERF, "perf", "perf", "", "Show what the console costs")                    \
    X(ACTION_MESSAGES, "messages", "messages", "", "Show the messages of this session")  \
    X(ACTION_REDRAW, "redraw", "redraw", "", "Paint the whole screen again")             \
    X(ACTION_SUSPEND, "suspend", "suspend", "", "Stop the console; fg brings it back")   \
    X(ACTION_QUIT, "quit", "quit", "",                                                   \
      "Leave the console; the engine is told what to do")                                \
    X(ACTION_ACCEPT, "accept", "accept", "", "Accept the input or the chosen answer")    \
    X(ACTION_COMPLETE, "complete", "complete", "", "Complete what is typed")             \
    X(ACTION_CHOICE_NEXT, "choice-next", "next", "", "Choose the next entry")            \
    X(ACTION_CHOICE_PREVIOUS, "choice-previous", "previous", "",                         \
      "Choose the previous entry")                                                       \
    X(ACTION_YES, "yes", "yes", "", "Confirm")                                           \
    X(ACTION_NO, "no", "no", "", "Do not")                                               \
    X(ACTION_EDIT_LEFT, "edit-left", "left", "", "Move one character left")              \
    X(ACTION_EDIT_RIGHT, "edit-right", "right", "", "Move one character right")          \
    X(ACTION_EDIT_WORD_LEFT, "edit-word-left", "word left", "", "Move one word left")    \
    X(ACTION_EDIT_WORD_RIGHT, "edit-word-right", "word right", "",                       \
      "Move one word right")                                                             \
    X(ACTION_EDIT_HOME, "edit-home", "home", "", "Move to the start of the line")        \
    X(ACTION_EDIT_END, "edit-end", "end", "", "Move to the end of the line")             \
    X(ACTION_EDIT_BACKSPACE, "edit-backspace", "delete left", "",                        \
      "Delete the character on the left")                                                \
    X(ACTION_EDIT_DELETE, "edit-delete", "delete", "",                                   \
      "Delete the character under the cursor")                                           \
    X(ACTION_EDIT_KILL_WORD, "edit-kill-word", "delete word", "",                        \
      "Delete the word on the left")                                                     \
    X(ACTION_EDIT_KILL_LINE, "edit-kill-line", "delete line", "",                        \
      "Delete from the start of the line to the cursor")                                 \
    X(ACTION_EDIT_KILL_END, "edit-kill-end", "delete rest", "",                          \
      "Delete from the cursor to the end of the line")                                   \
    X(ACTION_EDIT_NEWLINE, "edit-newline", "new line", "",                               \
      "Begin a new line in a long text")

enum action {
#define X(id, name, word, verb, help) id,
    ACTION_LIST(X)
#undef X
        ACTION_COUNT
};

/* Contexts of keys. X(identifier, name, help) */
#define CONTEXT_LIST(X)                                                                  \
    X(CONTEXT_GLOBAL, "global", "Everywhere, unless something floats")                   \
    X(CONTEXT_VIEW, "view", "Every view")                                                \
    X(CONTEXT_OVERVIEW, "overview", "Overview")                                          \
    X(CONTEXT_WORKFLOWS, "workflows", "Table of workflows")                              \
    X(CONTEXT_WORKFLOW, "workflow", "One workflow")                                      \
    X(CONTEXT_SERVICES, "services", "External services")                                 \
    X(CONTEXT_DELIVERIES, "deliveries", "Webhook deliveries")                            \
    X(CONTEXT_AUDIT, "audit", "Audit")                                                   \
    X(CONTEXT_WATERFALL, "waterfall", "Trace of a workflow")                             \
    X(CONTEXT_INCIDENTS, "incidents", "List of incidents")                               \
    X(CONTEXT_HEALTH, "health", "Health report and incidents")                           \
    X(CONTEXT_METRICS, "metrics", "Metrics, and a chart of some")                        \
    X(CONTEXT_OUTLOOK, "outlook", "Forecasts and limits")                                \
    X(CONTEXT_FAILURES, "failures", "Failures, decisions, and one case whole")           \
    X(CONTEXT_STRATEGIES, "strategies", "Strategies")                                    \
    X(CONTEXT_APPROVALS, "approvals", "What waits for a decision, and one card")         \
    X(CONTEXT_OPTIMIZATIONS, "optimizations", "Optimizations")                           \
    X(CONTEXT_BOTTLENECKS, "bottlenecks", "What holds work back")                        \
    X(CONTEXT_AUTONOMY, "autonomy", "Levels of autonomy")                                \
    X(CONTEXT_SETUP, "setup", "What is set up for a first run")                          \
    X(CONTEXT_TEXT, "text", "Log, diff and other long text")                             \
    X(CONTEXT_LOG, "log", "Log of a step")                                               \
    X(CONTEXT_FORM, "form", "Form with fields, such as submit")                          \
    X(CONTEXT_PAST, "past", "Anywhere in the past, before the keys of the view")         \
    X(CONTEXT_EDIT, "edit", "Line editor, wherever text is typed")                       \
    X(CONTEXT_PROMPT, "prompt", "A question in one line")                                \
    X(CONTEXT_PALETTE, "palette", "Command palette")                                     \
    X(CONTEXT_CONFIRM, "confirm", "Confirmation")                                        \
    X(CONTEXT_OVERLAY, "overlay", "Help, messages and other text that floats")

enum context {
#define X(id, name, help) id,
    CONTEXT_LIST(X)
#undef X
        CONTEXT_COUNT
};

const char *action_name(enum action action);
const char *action_word(enum action action);
const char *action_verb(enum action action); /* "" = not a verb */
const char *action_help(enum action action);
NODISCARD bool action_find(const char *name, enum action *ret_action);
const char *context_name(enum context context);
const char *context_help(enum context context);
NODISCARD bool context_find(const char *name, enum context *ret_context);

#endif
