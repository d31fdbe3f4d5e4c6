/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_DESK_SHELL_H
#define SIGNALBOX_IO_DESK_SHELL_H

/*
 * Desk shell: does for the desk (engine/service/desk.h), which is pure, what it asks for.
 *
 *   CALL, CANCEL    engine/io/http.h
 *   RUN, STOP_RUN   engine/io/job.h, with the order that the desk has completed
 *   MEMO            a file, below; synced before anything that follows is done
 *   LOG             the effect's log segment, whose name goes into the result
 *   RESULT ...      the callbacks
 *
 *   WORK/wf-12/keep-PORT.json     {"provider": NAME, "keep": {...}}; agent, sandbox ...
 *   WORK/wf-12/fx-7/memo.json     {"provider": NAME, "memo": {...}}
 *   WORK/live/op-12.7             a memo may stand for something begun outside
 *
 * Adoption. An effect that is performed again after a restart goes on where its folder says:
 * a runner was begun (start, result.json, or it lives): with that runner's provider; else
 * a memo is there: with the memo's provider; else it is free. A memo or keep that cannot be
 * read is an error, never "nothing was begun".
 *
 * A disk that is full when a memo is written: nothing more is done for the desk until it
 * works; it is tried again each second.
 *
 * House work (desk_chore.h) is begun here.
 *
 * Threads: the io thread only.
 */

#include "engine/io/job.h"
#include "engine/service/desk.h"
#include "engine/trace/span_batch.h"

struct desk_shell;

struct desk_shell_options {
    struct job_shop *shop;               /* outlives it */
    const struct service_spec *services; /* outlive it */
    size_t n_services;
    bool has_listener;
    void (*on_result)(void *user, struct effect_result *result);
    void (*on_report)(void *user, struct service_report *report);    /* may be NULL */
    void (*on_reconciled)(void *user, int64_t workflow, char *text); /* may be NULL */
    void (*on_spans)(void *user, struct span_batch *batch); /* may be NULL; takes it */
    void *user;
    /* for tests; NULL: the real ones */
    const struct op_class *(*find_op)(enum service_kind service, enum effect_kind effect);
    const char *ca_file;
    struct span chore_first; /* until the first chore (desk_chore.h) */
};

NODISCARD struct desk_shell *desk_shell_start(const struct desk_shell_options *options,
                                              struct err *err);
/* What is in hand is left as if the engine had died. Accepts NULL. */
void desk_shell_stop(struct desk_shell *shell);

void desk_shell_restore(struct desk_shell *shell, const struct service_row *row);
void desk_shell_perform(struct desk_shell *shell, const struct effect_row *effect);
void desk_shell_stop_effect(struct desk_shell *shell, int64_t workflow, int64_t seq);
/* Outcome of a runner (job_shop's on_result); takes it. */
void desk_shell_result(struct desk_shell *shell, struct effect_result *result);
void desk_shell_hint(struct desk_shell *shell, const struct forge_event *event);
void desk_shell_order(struct desk_shell *shell, const struct service_order *order);
/* Everything autonomous is halted, or goes on (desk_halt). */
void desk_shell_halt(struct desk_shell *shell, bool is_halted);
/* Everything pending has been performed: end what was begun outside, and what runs here,
 * for effects that nobody asks for any more. */
void desk_shell_sweep(struct desk_shell *shell);

/* Readable (poll): call desk_shell_look. */
int desk_shell_fd(const struct desk_shell *shell);
void desk_shell_look(struct desk_shell *shell);
/* Do what is due and what the desk asks for; after every round of the loop. */
void desk_shell_run(struct desk_shell *shell);
/* When desk_shell_run has something to do at the latest. */
struct mono desk_shell_next_time(const struct desk_shell *shell);

#endif
