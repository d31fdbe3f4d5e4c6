/* SPDX-License-Identifier: MIT */

/* A decision in one line: the choice with its odds, the next best, and what the rules say. */
#include <math.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/decision/decide_private.h"

static int percent(double p)
{
    return (int)lround(p * 100);
}

/* "24 trials of class test" */
static void add_trials(struct buf *out, const struct decide_belief *belief)
{
    double n = belief->trials;
    if (belief->level[0] == '\0') {
        (void)buf_str(out, "no trials yet"); /* a cut reason is still one */
        return;
    }
    (void)buf_printf(out, "%.0f trial%s %s", n < 1 ? 1 : n, n < 1.5 ? "" : "s",
                     strcmp(belief->level, "all") == 0 ? "in " : "of ");
    for (const char *at = belief->level; *at != '\0'; at++) {
        (void)buf_char(out, *at == ':' ? ' ' : *at);
    }
}

static void add_choice(struct buf *out, const struct decide_question *question,
                       const struct decide_answer *answer)
{
    const struct decide_belief *belief = &answer->beliefs[answer->choice];
    (void)buf_printf(out, "%s: %d %% (%d..%d, ", question->options[answer->choice].name,
                     percent(belief->p), percent(belief->low), percent(belief->high));
    add_trials(out, belief);
    (void)buf_char(out, ')');
}

static void add_next_best(struct buf *out, const struct decide_question *question,
                          const struct decide_view *views,
                          const struct decide_answer *answer)
{
    for (size_t i = 0; i < question->n_options; i++) {
        int option = answer->order[i];
        if (option == answer->choice) {
            continue;
        }
        const char *why = decide_why_not(question, option, views[option].is_killed);
        if (why == NULL) {
            (void)buf_printf(out, ", %s %d %%", question->options[option].name,
                             percent(answer->beliefs[option].p));
        } else if (answer->decider == DECIDER_LIMIT) {
            (void)buf_printf(out, "; not %s: %s", question->options[option].name, why);
        } else {
            continue;
        }
        return;
    }
}

void decide_reason(const struct decide_question *question,
                   const struct decide_view *views, struct decide_answer *answer,
                   const char *note)
{
    AUTO_BUF struct buf out;
    buf_init(&out, 4 * sizeof(answer->reason));
    if (answer->choice < 0) {
        const char *why = question->n_options == 0
                              ? "there are no options"
                              : decide_why_not(question, 0, views[0].is_killed);
        (void)buf_printf(&out, "nothing is allowed: %s", why);
        if (question->n_options > 0) {
            (void)buf_printf(&out, " (%s)", question->options[0].name);
        }
    } else {
        add_choice(&out, question, answer);
        add_next_best(&out, question, views, answer);
        if (answer->rules != answer->choice) {
            (void)buf_printf(&out, "; rules say %s",
                             question->options[answer->rules].name);
        } else if (answer->learned != answer->choice) {
            (void)buf_printf(&out, "; rules decide, learning says %s",
                             question->options[answer->learned].name);
        } else if (answer->decider != DECIDER_LIMIT) {
            (void)buf_printf(&out, "; rules say %s%s",
                             answer->decider == DECIDER_RULES ? "" : "the same, ",
                             question->options[answer->rules].name);
        }
        if (note != NULL) {
            (void)buf_printf(&out, " (%s)", note);
        }
    }
    (void)text_clean_into(answer->reason, sizeof(answer->reason), out.data);
}
