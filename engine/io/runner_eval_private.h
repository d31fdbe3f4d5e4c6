/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RUNNER_EVAL_PRIVATE_H
#define SIGNALBOX_IO_RUNNER_EVAL_PRIVATE_H

/* What runner_eval.c and runner_eval_cli.c share. */
#include "engine/io/runner_step.h"
#include "engine/service/web_report.h"

/* Is there a command and a url? Else the outcome says so. */
NODISCARD bool eval_can_begin(struct step *step);
/* Outcome of a program that could not be started. */
void eval_not_started(struct step *step, const struct err *err);
/* What the evaluator is to look at, malloc'd. */
NODISCARD char *eval_task(const struct order *order);
struct eval_images {
    size_t n, n_dropped;
    char *first; /* path of the first one; malloc'd */
};
/* Beside the log, and its path into it. */
void eval_save_image(struct step *step, struct eval_images *images, const char *base64,
                     const char *mime);
/* Reasons into the log and the excerpt, and the outcome. */
void eval_conclude(struct step *step, const struct web_verdict *verdict,
                   const struct eval_images *images);

#endif
