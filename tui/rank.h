/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_RANK_H
#define SIGNALBOX_TUI_RANK_H

/*
 * Rank: the orders that an operator can choose for the rows of a frame.
 *
 * The feed reads rows in their usual order (number 0); another one sorts them in place, stable, by
 * the first number that words it: the greatest, worst or newest first, unknown values last.
 * Reversed turns the whole around, the usual order too. Pure; feed thread, before a frame is
 * shared.
 */

#include "store/approval.h"
#include "store/recovery.h"
#include "tui/frame.h"
#include "tui/metric_read.h"

/* Words of the orders, [0] the usual one; NULL at the end. */
extern const char *const rank_approval_words[], *const rank_optimization_words[],
                                                    *const rank_service_words[],
                                                        *const rank_metric_words[],
                                                            *const rank_strategy_words[];

void rank_approvals(struct approval_row *rows, size_t n, int order, bool is_reversed);
void rank_optimizations(struct optimization_row *rows, size_t n, int order,
                        bool is_reversed);
void rank_services(struct frame_service *rows, size_t n, int order, bool is_reversed);
void rank_metrics(struct metric_row *rows, size_t n, int order, bool is_reversed);
/* Rungs keep together by their key, and the keys their order. */
void rank_strategies(struct odds_row *rows, size_t n, int order, bool is_reversed);

#endif
