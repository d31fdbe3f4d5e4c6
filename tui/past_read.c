/* SPDX-License-Identifier: MIT */
#include "tui/past_read.h"

#include "tui/source.h"

/* Of now, whatever moment is asked for: processes, files beside the store, and what is worked
 * out of more than the store keeps. */
#define NOW_ONLY                                                                         \
    (PART_HEALTH | PART_STATUS | PART_SUBMIT | PART_METRICS | PART_INSIGHT | PART_DRY_RUN)

enum asked { ASKED_KNOWN, ASKED_REFUSED, ASKED_FAILED };

static enum asked find(struct reader *reader, const struct past_ask *ask,
                       struct moment *ret_moment, struct frame *frame, struct err *err)
{
    struct err why = ERR_INIT;
    const struct moment_ask at = {.event = ask->event, .at = ask->at};
    if (reader_find_moment(reader, &at, ret_moment, &why) &&
        reader_step_moment(reader, ret_moment, ask->by, ret_moment, &why))
        return ASKED_KNOWN;
    if (why.code != ERR_REFUSED) {
        *err = why;
        return ASKED_FAILED;
    }
    frame->past_why = arena_str(frame_arena(frame), why.msg);
    return ASKED_REFUSED;
}

bool past_read(struct source *source, struct reader *reader,
               const struct frame_query *query, struct moment *last, struct frame *frame,
               struct err *err)
{
    struct moment moment = *last;
    struct frame_query then = *query;
    enum asked asked = find(reader, &query->past, &moment, frame, err);
    if (asked == ASKED_FAILED)
        return false;
    if (asked == ASKED_REFUSED) {
        moment = *last;
        if (!wall_is_set(moment.at))
            return source_read(source, reader, query, frame, err);
    }
    if (!reader_pin(reader, &moment, err))
        return false;
    then.parts &= ~(unsigned)NOW_ONLY;
    frame->is_past = true;
    frame->moment = moment;
    frame->taken_at = moment.at;
    source_forget(source);
    bool is_read = source_read(source, reader, &then, frame, err);
    source_forget(source);
    reader_unpin(reader);
    *last = moment;
    return is_read;
}
