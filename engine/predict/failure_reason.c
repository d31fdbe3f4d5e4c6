/* SPDX-License-Identifier: MIT */

/*
 * Why: what each group of inputs adds to the log-odds of the net that learns, to first order
 * around the usual run (gradient times input; Simonyan, Vedaldi and Zisserman, "Deep Inside
 * Convolutional Networks", 2013), and what the linear expert adds for each number.
 */
#include <stdio.h>

#include "engine/predict/failure_private.h"

/* Shared inputs, in order, by what they tell of. X(after the last one, text) */
#define GROUP_LIST(X)                                                                    \
    X(IN_AFTER_LINE, "outcomes lately")                                                  \
    X(IN_SINGLES, "outcomes of the same line of work")                                   \
    X(IN_HOUR, "outcomes of the same kind")                                              \
    X(IN_CLOCK, "hour and pace")                                                         \
    X(IN_SIZE, "failures of the last hours")                                             \
    X(IN_SAME, "size of the change")                                                     \
    X(IN_SIBLING, "same work as the run before")                                         \
    X(FAILURE_SHARED, "outcomes of the same group")

static const struct {
    int end;
    const char *text;
} groups[] = {
#define X(end, text) {end, text},
    GROUP_LIST(X)
#undef X
};

static const char *const block_texts[BLOCK_COUNT] = {
#define X(id, text) [id] = "outcomes of " text,
    FAILURE_BLOCK_LIST(X)
#undef X
};

static double share_of(const struct failure_net *net, const float inputs[FAILURE_INPUTS],
                       const float hidden[FAILURE_HIDDEN], int input)
{
    double slope = (double)net->direct[input];
    for (int h = 0; h < FAILURE_HIDDEN; h++) {
        slope +=
            (double)(net->out[h] * (1 - hidden[h] * hidden[h]) * net->hidden[h][input]);
    }
    return slope * (double)inputs[input];
}

static void offer(struct failure_answer *answer, const char *text, const char *name,
                  double weight)
{
    size_t at = answer->n_reasons;
    if (fabs(weight) < 0.01) {
        return;
    }
    while (at > 0 && fabs(answer->reasons[at - 1].weight) < fabs(weight)) {
        at--;
    }
    if (at == FAILURE_REASONS_MAX) {
        return;
    }
    size_t last = answer->n_reasons < FAILURE_REASONS_MAX ? answer->n_reasons++
                                                          : FAILURE_REASONS_MAX - 1;
    for (size_t i = last; i > at; i--) {
        answer->reasons[i] = answer->reasons[i - 1];
    }
    answer->reasons[at].weight = weight;
    (void)snprintf(answer->reasons[at].text, sizeof(answer->reasons[at].text), "%s%s",
                   text, name); /* both are bounded and fit */
}

void failure_reasons(const struct failure_model *model,
                     const float inputs[FAILURE_INPUTS], struct failure_answer *answer)
{
    float hidden[FAILURE_HIDDEN];
    int input = 0;
    (void)failure_net_say(&model->net, inputs, hidden); /* for what is hidden */
    for (int block = 0; block < BLOCK_COUNT; block++) {
        double sum = 0;
        for (int i = 0; i < IN_BLOCK_COUNT; i++) {
            sum += share_of(&model->net, inputs, hidden, input++);
        }
        offer(answer, block_texts[block], "", sum);
    }
    for (size_t group = 0; group < ARRAY_LEN(groups); group++) {
        double sum = 0;
        while (input < groups[group].end) {
            sum += share_of(&model->net, inputs, hidden, input++);
        }
        offer(answer, groups[group].text, "", sum);
    }
    for (int i = 0; i < FAILURE_NUMBERS; i++) {
        offer(answer, "number ", model->past.numbers[i].name,
              (double)(model->linear.weight[FAILURE_SHARED + i] *
                       inputs[FAILURE_SHARED + i]));
    }
}
