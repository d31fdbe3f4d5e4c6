/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_THEME_H
#define SIGNALBOX_TUI_THEME_H

/*
 * Theme: what each role looks like, read from a file.
 *
 * Code that draws names a role, never a colour. A role that a theme does not mention looks
 * like its parent: status.error falls back to status, status to text. Colour has a meaning
 * and never stands alone: whatever a role says is also said by a glyph or a word, so the mono
 * theme and NO_COLOR lose nothing.
 *
 * A theme file has one role a line, and comments:
 *
 *   palette amber  #d7a13c          # a name for a colour
 *   status.error   red    -  bold   # role, foreground, background, attributes
 *   cursor         -      #303446
 *
 * A colour is "-" (as the parent has it), "default" (the terminal's own), a palette name, one
 * of the 16 names of the terminal (black red green yellow blue magenta cyan white,
 * bright-...), a number 0..255, or #rrggbb. Attributes: bold dim italic underline reverse, or
 * "-". A line that begins with "#" is a comment, and so is the rest of a line after " # ".
 * Parsing reports every mistake as a finding with its line and changes nothing when there is
 * one. Colours are brought down to what the terminal can show once, by theme_degrade.
 *
 * Ownership: struct theme is a plain value. Threads: any, no globals.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/findings.h"

/* X(identifier, name, help). The part before the last dot is the fallback. */
#define ROLE_LIST(X)                                                                     \
    X(ROLE_TEXT, "text", "data, and what every other role falls back to")                \
    X(ROLE_TEXT_DIM, "text.dim", "labels, units, what is there but asks for nothing")    \
    X(ROLE_TEXT_STRONG, "text.strong", "what asks for attention without a colour")       \
    X(ROLE_TITLE, "title", "upper-case title of a panel")                                \
    X(ROLE_COLUMN, "column", "heading of a table column")                                \
    X(ROLE_COLUMN_SORTED, "column.sorted", "heading of the column that sorts")           \
    X(ROLE_LINK, "link", "name of a thing that Enter opens")                             \
    X(ROLE_TOP, "top", "the top line")                                                   \
    X(ROLE_TOP_NAME, "top.name", "the program's name in the top line")                   \
    X(ROLE_TOP_PLACE, "top.place", "breadcrumbs: where the operator is")                 \
    X(ROLE_TOP_STATE, "top.state", "state of the engine, clock")                         \
    X(ROLE_TOP_ENVIRONMENT, "top.environment", "name of the environment")                \
    X(ROLE_TOP_PRODUCTION, "top.production", "ground of the top line in production")     \
    X(ROLE_BOTTOM, "bottom", "the bottom line")                                          \
    X(ROLE_BOTTOM_KEY, "bottom.key", "a key in the bottom line and in help")             \
    X(ROLE_BANNER, "banner", "the line that says that what is shown is over")            \
    X(ROLE_CURSOR, "cursor", "ground of the row under the cursor")                       \
    X(ROLE_MARK, "mark", "ground of a marked row")                                       \
    X(ROLE_MATCH, "match", "ground of text that a search found")                         \
    X(ROLE_STATUS, "status", "state of a thing")                                         \
    X(ROLE_STATUS_OK, "status.ok", "passed, completed, closed, healthy")                 \
    X(ROLE_STATUS_RUN, "status.run", "runs now")                                         \
    X(ROLE_STATUS_WAIT, "status.wait", "queued, or waits for something")                 \
    X(ROLE_STATUS_HUMAN, "status.human", "waits for a person")                           \
    X(ROLE_STATUS_WARN, "status.warn", "degraded, retried, flaky")                       \
    X(ROLE_STATUS_ERROR, "status.error", "failed, open, lost")                           \
    X(ROLE_STATUS_OFF, "status.off", "cancelled, skipped, finished without result")      \
    X(ROLE_STATE, "state", "a workflow state")                                           \
    X(ROLE_STATE_IDLE, "state.idle", "IDLE")                                             \
    X(ROLE_STATE_PLANNING, "state.planning", "PLANNING")                                 \
    X(ROLE_STATE_CODING, "state.coding", "CODING")                                       \
    X(ROLE_STATE_PR, "state.pr", "PR_CREATED")                                           \
    X(ROLE_STATE_VALIDATING, "state.validating", "VALIDATING")                           \
    X(ROLE_STATE_COMPLETED, "state.completed", "COMPLETED")                              \
    X(ROLE_STATE_FAILED, "state.failed", "FAILED")                                       \
    X(ROLE_STATE_CANCELLED, "state.cancelled", "CANCELLED")                              \
    X(ROLE_STATE_RECOVERING, "state.recovering", "RECOVERING")                           \
    X(ROLE_STATE_PARKED, "state.parked", "PARKED")                                       \
    X(ROLE_STATE_ROLLED_BACK, "state.rolled-back", "ROLLED_BACK")                        \
    X(ROLE_SEVERITY, "severity", "how bad it is")                                        \
    X(ROLE_SEVERITY_CRITICAL, "severity.critical", "critical")                           \
    X(ROLE_SEVERITY_HIGH, "severity.high", "high")                                       \
    X(ROLE_SEVERITY_MEDIUM, "severity.medium", "medium")                                 \
    X(ROLE_SEVERITY_LOW, "severity.low", "low")                                          \
    X(ROLE_TRACK, "track", "the line between the states of the track diagram")           \
    X(ROLE_TRACK_LOAD, "track.load", "workflows on the track")                           \
    X(ROLE_CHART, "chart", "bars and sparklines")                                        \
    X(ROLE_CHART_SECOND, "chart.second", "the second line of a chart")                   \
    X(ROLE_CHART_THIRD, "chart.third", "the third line of a chart")                      \
    X(ROLE_CHART_FOURTH, "chart.fourth", "the fourth line of a chart")                   \
    X(ROLE_CHART_BAD, "chart.bad", "the part of a chart that is failures")               \
    X(ROLE_CHART_AXIS, "chart.axis", "axis, grid and scale")                             \
    X(ROLE_LOG, "log", "a line of a log")                                                \
    X(ROLE_LOG_ERROR, "log.error", "a line that reports an error")                       \
    X(ROLE_LOG_WARN, "log.warn", "a line that warns")                                    \
    X(ROLE_LOG_STAMP, "log.stamp", "time and line number")                               \
    X(ROLE_DIFF, "diff", "context line of a diff")                                       \
    X(ROLE_DIFF_FILE, "diff.file", "file heading of a diff")                             \
    X(ROLE_DIFF_HUNK, "diff.hunk", "@@ line of a diff")                                  \
    X(ROLE_DIFF_ADD, "diff.add", "added line")                                           \
    X(ROLE_DIFF_DEL, "diff.del", "removed line")                                         \
    X(ROLE_POPUP, "popup", "ground of prompt, palette and confirmation")                 \
    X(ROLE_POPUP_BORDER, "popup.border", "frame of what floats")                         \
    X(ROLE_POPUP_TITLE, "popup.title", "title of what floats")                           \
    X(ROLE_POPUP_DIM, "popup.dim", "help text of what floats")                           \
    X(ROLE_POPUP_CHOICE, "popup.choice", "the chosen row or button")                     \
    X(ROLE_POPUP_DANGER, "popup.danger", "what cannot be undone")                        \
    X(ROLE_INPUT, "input", "text that the operator types")                               \
    X(ROLE_INPUT_LABEL, "input.label", "name of a field")                                \
    X(ROLE_INPUT_GHOST, "input.ghost", "what completion would add, or an example")       \
    X(ROLE_INPUT_ERROR, "input.error", "what is wrong with the input")                   \
    X(ROLE_MESSAGE, "message", "a message of the program")                               \
    X(ROLE_MESSAGE_OK, "message.ok", "it was done")                                      \
    X(ROLE_MESSAGE_WARN, "message.warn", "worth knowing")                                \
    X(ROLE_MESSAGE_ERROR, "message.error", "it failed")                                  \
    X(ROLE_STALE, "stale", "age of data that is old")

enum theme_role {
#define X(id, name, help) id,
    ROLE_LIST(X)
#undef X
        ROLE_COUNT
};

const char *role_name(enum theme_role role);
const char *role_help(enum theme_role role);
enum theme_role role_parent(enum theme_role role); /* ROLE_TEXT is its own parent */
NODISCARD bool role_find(const char *name, enum theme_role *ret_role);

enum colour_kind { COLOUR_KEEP, COLOUR_DEFAULT, COLOUR_INDEX, COLOUR_RGB };
struct colour {
    uint8_t kind; /* enum colour_kind; KEEP: as below, or as the terminal has it */
    uint8_t index;
    uint8_t r, g, b;
};

#define ATTR_BOLD      0x01
#define ATTR_DIM       0x02
#define ATTR_ITALIC    0x04
#define ATTR_UNDERLINE 0x08
#define ATTR_REVERSE   0x10

struct style {
    struct colour fg, bg;
    uint8_t attrs; /* ATTR_ bits */
};

#define THEME_NAME_MAX 40
#define THEME_FILE_MAX (64 * 1024) /* bytes */

struct theme {
    char name[THEME_NAME_MAX];
    struct style styles[ROLE_COUNT]; /* fallbacks applied; KEEP: as "text" */
};

/* What the terminal can show. */
enum colour_depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_RGB };

/* False with findings, and *ret_theme untouched, when the text has a mistake. */
NODISCARD bool theme_parse(const char *file, const char *text, size_t len,
                           struct theme *ret_theme, struct findings *findings);
/* name: of a built-in theme (themes/NAME.theme), or a path (has '/'), or NAME.theme in the
 * user's configuration folder. An unknown name is a finding that lists the built-in ones. */
NODISCARD bool theme_load(const char *name, struct theme *ret_theme,
                          struct findings *findings);
/* Nearest colour that `depth` has. Where a ground cannot be told from the terminal's own any
 * more (cursor, match, chosen entry) it becomes reverse, so that it stays visible. */
void theme_degrade(struct theme *theme, enum colour_depth depth);
/* What a cell with this role on this ground looks like (ground ROLE_TEXT: none). A colour
 * that the ground names wins over the role's, attributes add up, and what is left open is as
 * in "text", then as the terminal has it. No colour of the result is COLOUR_KEEP. */
struct style theme_style(const struct theme *theme, enum theme_role role,
                         enum theme_role ground);

/* What a colour looks like: red, green and blue, a number as xterm has it (256colres.h). False
 * when only the terminal knows. */
NODISCARD bool theme_rgb(struct colour colour, uint8_t ret_rgb[3]);
/* Path of the file that theme_load reads for this name, malloc'd; NULL: it is built in. */
NODISCARD char *theme_path(const char *name);

/* Names of built-in themes: index 0.., NULL at the end. */
const char *theme_builtin(size_t index);
/* mdoc table of the roles for signalbox-theme(5). */
void theme_print_mdoc(FILE *out);

#endif
