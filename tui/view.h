/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_H
#define SIGNALBOX_TUI_VIEW_H

/*
 * View: one screen between the top line and the bottom line.
 *
 * A kind of view is a const struct view_class. A view's own struct embeds struct view first.
 * The console owns the views (a stack; Esc goes up), the feed owns the data: a view says what
 * it shows (`query`), gets an immutable frame of just that, and draws it. Drawing is pure:
 * view + frame in, cells out. Handlers change the view and ask for everything else through
 * struct reply; only the console performs them. No handler waits, no handler reads a store.
 *
 * The console sets the shared fields of struct view before it calls anything.
 *
 * Verbs (pause, approve, ...) are not the view's business: it names the targets, the console
 * asks for confirmation and reason as the verb table says, sends the command, and shows the
 * answer.
 *
 * Threads: ui thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "store/approval.h"
#include "tui/action.h"
#include "tui/canvas.h"

struct feed_submission; /* tui/feed.h: a task to be handed over */
struct frame;        /* tui/frame.h: what the feed read; NULL until the first one came */
struct frame_answer; /* tui/frame.h: what became of an order */
struct frame_query;  /* tui/frame.h: what the feed shall read for a view */
struct view_class;
struct choices; /* tui/view/chosen.h: what can be chosen in a list */

struct view {
    const struct view_class *klass;
    /* set by the console */
    int w, h;        /* size of the canvas that draw will get */
    struct wall now; /* time that draw shall use; moves only when `next_change` says so
                            * and each full minute */
    bool is_ascii;
    const char *
        cost; /* what this console costs, one line (tui/perf.h); set while a view that shows it draws, else NULL */
    int64_t id;    /* what was opened: workflow id, or 0 */
    char arg[128]; /* more about what was opened ("log", a filter), "" = nothing */
};

/* ---- reply: what a handler wants done -------------------------------------------------- */

#define REPLY_REDRAW  0x01u /* what is drawn changed */
#define REPLY_REQUERY 0x02u /* what `query` says changed; implies REDRAW */
#define REPLY_CLOSE   0x04u /* leave this view, one level up */
#define REPLY_UNUSED  0x08u /* the action or key meant nothing here: let the console try */

enum message_kind { MESSAGE_INFO, MESSAGE_OK, MESSAGE_WARN, MESSAGE_ERROR };

/* One question in the bottom line; the answer goes to view_class.on_prompt. */
struct prompt_request {
    const char *label;   /* static: "filter" */
    const char *initial; /* copied; "" */
    const char *example; /* static: shown dim while empty; "" */
    int token;           /* given back to on_prompt */
    bool is_live;        /* on_prompt also after each change */
    bool may_be_empty;
};

/* A command for the engine, after the confirmation that the verb table asks for. */
struct verb_request {
    const char *verb;       /* static */
    const int64_t *targets; /* workflow ids, copied; n_targets 0: a verb without target */
    size_t n_targets;
    char *args;  /* JSON object, malloc'd, moves to the console; NULL = {} */
    char **each; /* in place of args: one order for each of these; malloc'd, moves */
    size_t n_each;
    char title[64], why[200]; /* for the confirmation: what, and what comes of it; "" */
};

/* Filled through the functions below. At most one of each; the last one wins. */
struct reply {
    unsigned flags; /* REPLY_ bits */
    const struct view_class *open;
    int64_t open_id;
    char open_arg[128];
    bool has_prompt;
    struct prompt_request prompt;
    char prompt_initial[512];
    bool has_verb;
    struct verb_request verb;
    struct feed_submission *submission; /* deep copy, or NULL */
    enum message_kind message_kind;
    char message[400]; /* "" = none */
    char *copy;        /* text for the clipboard, malloc'd; NULL = none */
    char *save;        /* text for a file, malloc'd; NULL = none */
    char *save_path;   /* malloc'd */
};

void reply_init(struct reply *reply);
void reply_fini(struct reply *reply);
/* Does it ask for nothing at all? Then the key meant nothing here: as REPLY_UNUSED. */
bool reply_is_empty(const struct reply *reply);
/* Open a view above this one. arg may be NULL. */
void reply_open(struct reply *reply, const struct view_class *klass, int64_t id,
                const char *arg);
void reply_ask(struct reply *reply, const struct prompt_request *request);
void reply_verb(struct reply *reply, const struct verb_request *request);
/* Frees them; accepts NULL. */
void verb_each_free(char **each, size_t n);
void reply_say(struct reply *reply, enum message_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Hand a task over. Copied. The console tells on_answer of the view what became of it, and
 * opens the new workflow in its place when it was accepted. */
void reply_submit(struct reply *reply, const struct feed_submission *submission);
/* Put text on the clipboard of the operator's terminal (OSC 52). Copied. */
void reply_copy(struct reply *reply, const char *text, size_t len);
/* Write text to a file that must not exist yet; "~/" is the home. Copied. The console says what
 * became of it. */
void reply_save(struct reply *reply, const char *path, const char *text, size_t len);

/* What a decision is about, as the view shows it: the digest is that of what was shown. */
struct view_subject {
    int64_t approval;
    enum act act;
    enum risk risk;
    bool is_waiting, can_undo;
    int n_missing; /* people who must still approve, this one included */
    char digest[DIGEST_HEX];
    char target[120], title[200], rule[200]; /* clean */
};

/* A setting of a kind of view that a saved view keeps, and that `set NAME VALUE` sets. */
struct view_setting {
    const char *name; /* NULL ends a list */
    const char *help; /* half a sentence: what is expected */
    /* As text, "" when it is as in a view just opened. */
    void (*get)(const struct view *view, char *out, size_t cap);
    /* "" sets it back. False, and nothing changed: no such value. */
    bool (*set)(struct view *view, const char *value);
};

/* ---- the class ---------------------------------------------------------------------------- */

#define VIEW_HINTS_MAX    12
#define VIEW_TARGETS_MAX  10000
#define VIEW_SUBJECTS_MAX 30

struct view_class {
    const char *name;  /* word in the palette and history: "workflows" */
    const char *title; /* breadcrumb when `crumb` is NULL */
    const char *help;  /* one line: what it shows */
    enum context context;
    enum action hints
        [VIEW_HINTS_MAX]; /* for the bottom line, most useful first; ACTION_NONE ends */
    const struct view_setting *settings; /* NULL = none */
    const struct choices *choices;       /* of a list: tui/view/chosen.h; NULL = none */
    /* What the setting `name` can be, for the palette: value number i (of a list, one of its
     * words), NULL at the end. NULL: free text. */
    const char *(*setting_value)(const struct view *view, const char *name, size_t i);
    bool shows_cost; /* `cost` of the view is made for its draw */
    bool is_root;    /* opening it starts the stack again (overview, workflows) */

    /* All but open, close and draw may be NULL. */

    /* New view; the console then sets the shared fields and asks for query. */
    struct view *(*open)(int64_t id, const char *arg);
    void (*close)(struct view *view);
    /* What the feed shall read: fill the zeroed query. Called after open, on REPLY_REQUERY, and when the size
     * changed. NULL: the view shows no data. */
    void (*query)(const struct view *view, struct frame_query *query);
    /* A newer frame came: keep the cursor on its item, clamp scrolling. */
    void (*on_frame)(struct view *view, const struct frame *frame, struct reply *reply);
    void (*draw)(const struct view *view, const struct frame *frame,
                 const struct canvas *canvas);
    /* An action that is bound in the view's contexts and is no verb and not the console's.
     * Set REPLY_UNUSED when it means nothing here. frame may be NULL. */
    void (*on_action)(struct view *view, const struct frame *frame, enum action action,
                      struct reply *reply);
    /* True while a field has the focus: printable keys and pastes go to on_text, and keys are
     * looked up in CONTEXT_EDIT first. */
    bool (*takes_text)(const struct view *view);
    void (*on_text)(struct view *view, const struct frame *frame, const char *text,
                    size_t len, struct reply *reply);
    /* Answer to reply_ask; text NULL: given up. is_final false: a live change. */
    void (*on_prompt)(struct view *view, const struct frame *frame, int token,
                      const char *text, bool is_final, struct reply *reply);
    /* What became of reply_submit or reply_verb of this view: frame_answer of tui/frame.h. */
    void (*on_answer)(struct view *view, const struct frame *frame,
                      const struct frame_answer *answer, struct reply *reply);
    /* Workflows that a verb acts on: marked ones, else the one under the cursor. Returns how
     * many were written to ids. */
    size_t (*targets)(const struct view *view, const struct frame *frame, int64_t *ids,
                      size_t max);
    /* What is decided by ask-approve and the like: marked ones, else the one under the
     * cursor. Returns how many were written. */
    size_t (*subjects)(const struct view *view, const struct frame *frame,
                       struct view_subject *subjects, size_t max);
    /* Breadcrumb of this view, clean text: "wf-2207". */
    void (*crumb)(const struct view *view, const struct frame *frame, char *out,
                  size_t cap);
    /* Next moment at which something drawn from `now` alone changes (a running duration);
     * unset = not before the next full minute. Make it as rare as people need: each moment
     * costs bytes on a slow line. */
    struct wall (*next_change)(const struct view *view, const struct frame *frame);
};

/* Every class, for the palette and for `go-` actions: defined with the views, NULL at the end. */
extern const struct view_class *const view_classes[];
const struct view_class *view_class_find(const char *name); /* or NULL */

#endif
