/* SPDX-License-Identifier: MIT */
/* The evidence of a card as a list: the one under the cursor can be opened where it stands. */
#include "engine/base/text.h"
#include "tui/view/approval.h"
#include "tui/view/monitor.h"
#include "tui/view/recovery.h"
#include "tui/widget/look.h"

/* "wf-12 diff": what of a workflow; false: the word is none of these. */
static const struct view_class *part_of_workflow(const struct card_evidence *one)
{
    const char *word = strchr(one->ref, ' ');
    if (strcmp(one->kind, "log") == 0)
        return &log_class;
    if (word && strcmp(word, " diff") == 0)
        return &diff_class;
    return word && strcmp(word, " plan") == 0 ? &context_class : &workflow_class;
}

static bool open_number(const struct card_evidence *one, int64_t workflow,
                        struct reply *reply)
{
    long long id = 0;
    if (sscanf(one->ref, "wf-%18lld", &id) == 1)
        reply_open(reply, part_of_workflow(one), id, NULL);
    else if (sscanf(one->ref, "event %18lld", &id) == 1 && workflow != 0)
        reply_open(reply, &history_class, workflow, NULL);
    else if (sscanf(one->ref, "a-%18lld", &id) == 1)
        reply_open(reply, &approval_class, id, NULL);
    else if (sscanf(one->ref, "o-%18lld", &id) == 1)
        reply_open(reply, &optimization_class, id, NULL);
    else if (sscanf(one->ref, "i-%18lld", &id) == 1)
        reply_open(reply, &incident_class, id, NULL);
    else
        return false;
    return true;
}

void evidence_open(const struct card *card, int at, int64_t workflow, struct reply *reply)
{
    enum case_kind kind;
    int64_t id;
    if (at < 0 || (size_t)at >= card->n_evidence) {
        reply_say(reply, MESSAGE_INFO, "there is nothing to open");
        return;
    }
    const struct card_evidence *one = &card->evidence[at];
    if (open_number(one, workflow, reply))
        return;
    if (case_id_parse(one->ref, &kind, &id))
        reply_open(reply, &why_class, 0, one->ref);
    else
        reply_say(reply, MESSAGE_INFO,
                  "it is a number of this moment: it cannot be opened");
}

bool evidence_move(const struct card *card, enum action action, int *at)
{
    int n = (int)card->n_evidence;
    int to = action == ACTION_ROW_DOWN ? *at + 1
             : action == ACTION_ROW_UP ? *at - 1
             : action == ACTION_TOP    ? 0
             : action == ACTION_END    ? n - 1
                                       : -2;
    if (to == -2 || n == 0)
        return false;
    *at = to < 0 ? 0 : to >= n ? n - 1 : to;
    return true;
}

void evidence_mark(const struct canvas *canvas, const struct card_line *lines, size_t n,
                   size_t top, int at)
{
    for (int y = 0; y < canvas->h && top + (size_t)y < n; y++)
        if (lines[top + (size_t)y].evidence == at + 1) {
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
            canvas_ground(canvas, (struct rect){0, y, canvas->w, 1}, ROLE_CURSOR);
        }
}
