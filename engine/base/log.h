/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_LOG_H
#define SIGNALBOX_BASE_LOG_H

/*
 * Log: what the engine itself did, for people who look for the cause of something.
 *
 * JSON lines (RFC 8259, one object a line), appended to one file of the process:
 *
 *   {"time":"2026-11-22T14:03:07.120Z","level":"info","thread":"control",
 *    "component":"effect","message":"ended","workflow":"wf-12","status":"passed",
 *    "trace_id":"4bf9...","span_id":"00f0..."}
 *
 * Names follow the log data model of OpenTelemetry where it has one (trace_id, span_id:
 * opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/).
 *
 * What is worth a line: start and stop, configuration, faults of the store, breakers,
 * effects, commands and their answers, findings of the monitor, exports that fail. What
 * the store has as an event anyway stands here too, because the log outlives the store.
 *
 * Repeats. Of lines with the same level, component and message LOG_BURST are written in
 * LOG_WINDOW; the rest is counted, and told when the window is over, by a line of the same
 * message with "repeated": 312. So a message is a constant, and what varies is a field.
 *
 * Secrets never reach the file: text goes through log_redact, which knows the values that
 * were told with log_hide and the shapes of tokens.
 *
 * Size: a line is at most LOG_LINE_MAX bytes, longer fields are cut. A file that passes
 * LOG_FILE_MAX becomes FILE.1, that one FILE.2 and so on, LOG_FILES in all.
 *
 * Threads: any; one lock, held for one write(2) to the page cache. A line that cannot be
 * written is lost and counted; the next one says how many. Without log_open nothing is
 * written, so pure parts may be tested, and simulated, as they are.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"

#define LOG_LINE_MAX 8192 /* bytes with the newline */
#define LOG_TEXT_MAX 1024 /* bytes of one field */
#define LOG_FILE_MAX (8 * 1024 * 1024)
#define LOG_FILES    4 /* the current one and three older */
#define LOG_BURST    20
#define LOG_WINDOW   ((struct span){10000})
#define LOG_SECRETS  64 /* values that are kept to be hidden; the oldest goes */

/* X(identifier, word, number of OpenTelemetry's SeverityNumber, help) */
#define LOG_LEVEL_LIST(X)                                                                \
    X(LOG_DEBUG, "debug", 5, "for who builds signalbox")                                 \
    X(LOG_INFO, "info", 9, "what it did")                                                \
    X(LOG_WARN, "warn", 13, "something is not as it should be, and it goes on")          \
    X(LOG_ERROR, "error", 17, "something could not be done")
enum log_level {
#define X(id, word, number, help) id,
    LOG_LEVEL_LIST(X)
#undef X
        LOG_LEVEL_COUNT
};
const char *log_level_word(enum log_level level);
int log_level_number(enum log_level level);
NODISCARD bool log_level_find(const char *word, enum log_level *ret_level);

struct log_options {
    const char *path;
    enum log_level level; /* milder lines are not written */
    int64_t file_max;     /* 0 = LOG_FILE_MAX */
    struct span window;   /* 0 = LOG_WINDOW */
    int burst;            /* 0 = LOG_BURST */
};

/* One log per process; a second open closes the first. */
NODISCARD bool log_open(const struct log_options *options, struct err *err);
/* Tells what is still counted. Lines after it go nowhere. */
void log_close(void);
/* Is a line of this level written at all? Cheap, for who would have to compute it. */
bool log_is_on(enum log_level level);

enum log_kind { LOG_END, LOG_KIND_TEXT, LOG_KIND_INT, LOG_KIND_NUM, LOG_KIND_TRACE };
struct log_field {
    enum log_kind kind;
    const char *key;
    const char *text; /* NULL and "" are left out */
    int64_t integer;
    double number; /* not finite: left out */
};
#define LOG_TEXT(k, t)                                                                   \
    ((struct log_field){.kind = LOG_KIND_TEXT, .key = (k), .text = (t)})
#define LOG_INT(k, i)                                                                    \
    ((struct log_field){.kind = LOG_KIND_INT, .key = (k), .integer = (i)})
#define LOG_NUM(k, n)                                                                    \
    ((struct log_field){.kind = LOG_KIND_NUM, .key = (k), .number = (n)})
/* "00-<trace>-<span>-01": becomes trace_id and span_id. */
#define LOG_TRACE(t)    ((struct log_field){.kind = LOG_KIND_TRACE, .text = (t)})
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.kind = LOG_END}})
#define LOG_NONE        NULL

/* component and message are constants: "store", "cannot commit". */
void log_line(enum log_level level, const char *component, const char *message,
              const struct log_field *fields);

/* From now on this value is never written: told by who fetches secrets. Values below eight
 * bytes would hide half of the log, and are left. */
void log_hide(const char *secret, size_t len);
/* Append text with "[hidden]" for whatever looks like a secret: values told with log_hide;
 * tokens of GitHub (gh?_, github_pat_), OpenAI and the like (sk-), Slack (xox?-), AWS
 * (AKIA), JSON Web Tokens; what follows Bearer, Basic, Authorization; passwords in URLs;
 * token=, password= and their like; private keys. Rather too much than too little. */
void log_redact(struct buf *out, const char *text, size_t len);

#endif
