/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CONSOLE_IMPL_H
#define SIGNALBOX_TUI_CONSOLE_IMPL_H

/*
 * The console's own struct, shared by its files: console.c (the loop), act.c (actions),
 * console_look.c (theme and keys), keep.c (what is kept for the user), place.c (views and history), layer.c (what floats), order.c (verbs), chrome.c (top and
 * bottom line).
 */

#include "engine/control/config.h"
#include "store/presence.h"
#include "tui/canvas.h"
#include "tui/console.h"
#include "tui/edit.h"
#include "tui/feed.h"
#include "tui/file_watch.h"
#include "tui/keymap.h"
#include "tui/palette.h"
#include "tui/past.h"
#include "tui/perf.h"
#include "tui/saved.h"
#include "tui/term.h"
#include "tui/theme.h"
#include "tui/view.h"

#define STACK_MAX    6   /* views above each other */
#define HISTORY_MAX  50  /* places for [ and ] */
#define MESSAGES_MAX 100 /* kept for the messages overlay */
#define ORDERS_MAX   32  /* sent, not answered yet */
#define LINES_MAX    200 /* lines of the palette kept for its history */

/* ---- places: which views are open, and which were ---- */

struct place_step {
    const struct view_class *klass;
    int64_t id;
    char arg[128];
};
struct place {
    struct place_step steps[STACK_MAX];
    size_t n;
};

/* ---- layers: what floats above the view ---- */

enum layer_kind { LAYER_PROMPT, LAYER_PALETTE, LAYER_CONFIRM, LAYER_OVERLAY };
enum overlay_kind { OVERLAY_HELP, OVERLAY_MESSAGES };
#define LAYERS_MAX 3

struct layer {
    enum layer_kind kind;
    struct edit edit; /* PROMPT, PALETTE */
    /* PROMPT: */
    struct prompt_request request;
    bool is_for_order; /* a reason, time or name for the order that waits */
    bool is_decision;  /* of an order on approvals: armed like a confirmation */
    const char *key;   /* static: the argument that it is; "confirm" is checked */
    char label[160];
    /* PALETTE: */
    struct palette_candidate candidates[PALETTE_ROWS];
    size_t n_candidates;
    char usage[160]; /* of the command that the line begins with, "" = none */
    int choice;      /* chosen candidate, -1 = what is typed */
    int history;     /* lines back, 0 = the new one */
    /* CONFIRM, and PROMPT of a decision: */
    bool is_yes;           /* which button */
    bool is_armed;         /* painted: keys count now */
    bool has_asked;        /* the terminal was asked whether it has painted */
    uint64_t asked_number; /* of the question */
    struct mono asked_at;
    /* OVERLAY: */
    enum overlay_kind overlay;
    enum context context; /* HELP: of what was on top */
    bool is_past;         /* HELP: the keys of the past come before it */
    int scroll, n_rows;   /* n_rows, h: as last drawn */
    int h;
};

/* ---- orders: verbs on their way ---- */

/* Waits for a reason or a confirmation. */
struct order {
    const struct verb *verb; /* NULL = none */
    int64_t *ids;
    int64_t *
        effects; /* newest effect of each, as shown when the key was pressed; 0 unknown */
    size_t n;
    char *args;  /* JSON object or NULL */
    char **each; /* in place of args: objects, an order for each of them */
    size_t n_each;
    char *reason;
    char title[160];               /* of the only target, clean */
    char why[200];                 /* what it waits for or why it failed, clean */
    struct view_subject *subjects; /* approvals that are decided, as they were shown */
    size_t n_subjects;
    char mistake[80]; /* what was wrong with the name, shown in the dialog */
    char *confirm;    /* the name that was typed */
};

/* The approval that the screen shows, once the terminal has painted it: only that can be
 * decided with a key. */
struct shown_subject {
    int64_t approval; /* 0 = none */
    char digest[DIGEST_HEX];
    uint64_t asked_number;
    struct mono asked_at;
    bool was_waiting; /* in the newest frame */
    bool is_told;     /* the engine knows that it was shown */
};
#define ARM_MS 400 /* a terminal that never answers is taken to have painted */

struct sent_order {
    uint64_t ticket;                /* 0 = free */
    const struct view_class *asker; /* gets on_answer when still on top */
    int64_t asker_id;
    bool opens_result;
};

struct message {
    enum message_kind kind;
    struct wall at;
    char text[400];
};

struct console {
    const struct console_options *options;
    struct term *term;
    struct surface *surface;
    struct theme theme; /* degraded */
    char theme_name[256];
    struct keymap *keymap;
    char *keys_path;          /* of own keys, whether it exists or not */
    struct file_watch *watch; /* of the files of theme and keys */
    unsigned look_changed;    /* bits of enum look_file, to be read at look_due */
    struct mono look_due, look_read_at;
    struct feed *feed;
    struct presence *presence; /* NULL: the others do not see this console */
    const struct frame *frame; /* never NULL while the loop runs */
    char host[64];

    struct view *stack[STACK_MAX];
    size_t n_stack;
    struct place history[HISTORY_MAX];
    size_t n_history, history_at;

    struct layer layers[LAYERS_MAX];
    size_t n_layers;
    char *lines[LINES_MAX];      /* of the palette, oldest first */
    size_t n_lines, n_old_lines; /* old: of sessions before */
    struct saved_views saved;
    char *views_path;
    bool views_written; /* by us: the watch tells what is known */
    char **themes;      /* of the user's own, while the palette is open */
    size_t n_themes;

    struct order order;
    struct shown_subject shown;
    uint64_t n_status_asked, n_status_seen; /* questions to the terminal, and answers */
    struct sent_order sent[ORDERS_MAX];
    uint64_t seen_answer; /* highest ticket already shown */

    struct message messages[MESSAGES_MAX];
    size_t n_messages;     /* ever */
    bool is_message_shown; /* the newest one, in the bottom line */
    struct mono message_until;
    uint64_t
        message_asked; /* the terminal was asked whether it has painted it; 0 not yet */
    struct mono message_asked_at;

    const struct view *setup_shown; /* the setup view that the screen shows */
    uint64_t setup_asked_number;    /* whether it has painted it */
    struct mono setup_asked_at;

    struct call call; /* of the operator, when something needs a person */
    struct perf perf;
    bool is_perf_shown;

    struct past_ask past;        /* the moment that is asked for; off: now */
    struct wall now;             /* what views draw */
    uint64_t asked;              /* number of the newest question to the feed */
    struct mono hold_until;      /* do not paint a new view without its data before */
    bool needs_paint, is_urgent; /* urgent: a key, paint at once */
    struct mono painted_at;
    struct mono key_at;   /* first key since the last frame; ns 0 = none */
    bool wants_next;      /* next-needed waits for the list of what needs a person */
    char next_after[160]; /* the one that next-needed showed last */
    bool is_done;
    enum console_end end;
};

/* ---- console.c ---- */
/* All of the screen into c->surface: bars, banners, the view on top, what floats. */
void console_compose(struct console *c);

/* ---- place.c ---- */
struct view *place_top(const struct console *c);
/* Open a view; records history. */
void place_open(struct console *c, const struct view_class *klass, int64_t id,
                const char *arg);
/* What was saved, its settings with it; said when a setting means nothing any more. */
void place_show_saved(struct console *c, const struct saved_view *saved);
/* One level up; from a single view to the overview. False when there is nothing above. */
bool place_up(struct console *c);
void place_back(struct console *c, int step); /* -1 back, +1 forward */
void place_close_all(struct console *c);
/* Size, time and question of the view on top, after something changed. */
void place_refresh(struct console *c, bool asks);
int place_view_height(const struct console *c);
/* Perform what a handler replied; empties it. */
void console_perform(struct console *c, struct reply *reply);

/* ---- layer.c ---- */
struct layer *layer_top(struct console *c);          /* or NULL */
enum context layer_context(const struct console *c); /* of the keys now */
void layer_ask(struct console *c, const struct prompt_request *request,
               const char *initial);
void layer_ask_reason(struct console *c, const char *label);
/* Another argument of the order that waits; key, example: static. */
void layer_ask_argument(struct console *c, const char *key, const char *label,
                        const char *initial, const char *example);
/* Does the layer count keys only after it was painted? */
bool layer_must_arm(const struct layer *layer);
void layer_palette(struct console *c, const char *initial);
void layer_confirm(struct console *c);
void layer_overlay(struct console *c, enum overlay_kind kind);
void layer_close(struct console *c);
/* A key, a text or a paste for the layer on top. */
void layer_action(struct console *c, enum action action);
void layer_text(struct console *c, const char *text, size_t len);
bool layer_takes_text(struct console *c);
void layer_draw(struct console *c, const struct canvas *canvas);
int overlay_draw(struct console *c, struct layer *layer, const struct canvas *canvas);

/* ---- order.c ---- */
/* Begin a verb on targets: asks for what it needs, then sends. args moves. */
void order_begin(struct console *c, const struct verb *verb, const int64_t *ids, size_t n,
                 char *args);
/* A verb without targets, an order for each of these objects, which move. */
void order_begin_each(struct console *c, const struct verb *verb, char **each, size_t n);
/* On what the view on top has selected. */
void order_begin_here(struct console *c, const struct verb *verb, char *args);
void order_send(struct console *c);
void order_drop(struct console *c);
void order_submit(struct console *c, const struct feed_submission *submission);
/* Show what became of sent orders. */
void order_read_answers(struct console *c);
/* "wf-12" or "4 workflows". */
const char *order_target(const struct console *c, char *out, size_t cap);

bool order_is_refused(struct console *c, const struct verb *verb, size_t n);
/* What the confirmation of the order in hand says; "" = as it would. */
void order_tell(struct console *c, const char *title, const char *why);
/* Remember who gets the answer. */
void order_expect(struct console *c, uint64_t ticket, bool opens_result);

/* ---- decide.c ---- */
/* ask-approve and the like on what the view shows; false when the action is none of them or
 * the view has nothing to decide. */
bool decide_action(struct console *c, enum action action);
/* The verb that an action of the views of decisions ends in; NULL: it is none of them. */
const char *decide_verb(enum action action);
/* Send the decision that waits. */
void decide_send(struct console *c);
/* The typed name of the decision that waits; false, with a message, when it is another. */
bool decide_check_name(struct console *c, const char *text);
/* After painting: what is shown is asked to be acknowledged by the terminal. */
void decide_painted(struct console *c);
/* The terminal has painted: a card that nobody saw before was seen now. */
void decide_seen(struct console *c);
/* A newer frame: what somebody else decided, or what drifted, is told; a dialog about it
 * closes. */
void decide_on_frame(struct console *c);
/* What the dialog says, above the line in which the name is typed. */
void decide_draw(const struct console *c, const struct canvas *canvas);
/* The terminal is asked whether it has painted; the number of the question. */
uint64_t console_ask_painted(struct console *c);
bool console_has_painted(const struct console *c, uint64_t number, struct mono asked_at);

/* ---- first_run.c ---- */
/* After painting: the terminal is asked whether it shows the setup view. */
void first_run_painted(struct console *c);
/* "yes" in the setup view writes its files, once they were seen; false: it is not that. */
bool first_run_action(struct console *c, enum action action);

/* ---- chrome.c ---- */
/* Lines below the top that say that everything is halted. */
int chrome_banner_rows(const struct console *c);
/* Name of the environment as it is shown: of production in capitals. "" = none. */
const char *chrome_environment(const struct console *c, char *out, size_t cap);
void chrome_draw_top(const struct console *c, const struct canvas *canvas);
void chrome_draw_bottom(struct console *c, const struct canvas *canvas);
void chrome_draw_too_small(const struct canvas *canvas);

/* ---- past_act.c ---- */
/* Is what is shown, or asked for, over? Then nothing can be done. */
bool past_is_on(const struct console *c);
/* Nothing may be changed: by the option, or because it is over. */
bool console_is_read_only(const struct console *c);
/* What the views take for now. */
struct wall console_now(const struct console *c);
/* An action of the past; false when it is none. */
bool past_action(struct console *c, enum action action);
/* "at TIME" of the palette; "" = now. */
void past_go(struct console *c, const char *text);
void past_return(struct console *c);
/* A newer frame: where the moment was refused, that is said. */
void past_on_frame(struct console *c);
void past_draw(const struct console *c, const struct canvas *canvas, int y);
/* In place of the view on top, when it knows of now only; false: it does not. */
bool past_draw_view(const struct console *c, const struct canvas *canvas);

/* ---- next.c ---- */
/* Go to the next thing that needs a person, the most urgent first. */
void next_needed(struct console *c);

/* ---- console_look.c ---- */
enum look_file { LOOK_THEME, LOOK_KEYS, LOOK_VIEWS };
#define LOOK_ALL (1u << LOOK_THEME | 1u << LOOK_KEYS | 1u << LOOK_VIEWS)
/* Theme and keys as configured; the built-in ones, with messages, where a file has a
 * mistake. */
void look_load(struct console *c);
void look_fini(struct console *c);
/* False, with messages and the theme as it was, when it has a mistake. */
bool console_use_theme(struct console *c, const char *name);
void look_next_theme(struct console *c);
/* Read files again; a mistake is said, and changes nothing. which: bits of enum look_file. */
void look_read_again(struct console *c, unsigned which, bool is_told);
/* The watch has something to tell. */
void look_on_watch(struct console *c);
/* Read again what is due; nanoseconds until something is, -1 = nothing. */
int64_t look_do_due(struct console *c, int64_t now);

/* ---- keep.c ---- */
void keep_load(struct console *c); /* after look_load */
void keep_fini(struct console *c);
/* A mistake is said, and the views stay as they were. */
void keep_read_views(struct console *c, bool is_told);
/* What is shown now, under a name of saved_is_name. */
void keep_save(struct console *c, const char *name);
void keep_open(struct console *c, const char *name);
void keep_forget(struct console *c, const char *name);
/* A setting of the view on top. */
void keep_set(struct console *c, const char *name, const char *value);
/* For the palette's history. */
void keep_line(struct console *c, const char *line);
/* Names of the user's own themes, for the palette. */
void keep_find_themes(struct console *c);
void keep_drop_themes(struct console *c);

/* ---- act.c ---- */
void console_say(struct console *c, enum message_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Actions of the console itself; false when it is none. */
bool console_action(struct console *c, enum action action);
void console_run_line(struct console *c, const char *line);
/* An action while nothing floats. */
void act_in_view(struct console *c, enum action action);

#endif
