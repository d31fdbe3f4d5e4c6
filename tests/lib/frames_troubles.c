/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "engine/base/file.h"
#include "tests/lib/asks.h"
#include "tests/lib/frames.h"
#include "tests/lib/troubles.h"
#include "tui/cause.h"
#include "tui/handoff.h"
#include "tui/story.h"

static void check(bool is_good, const struct err *err)
{
    if (!is_good)
        BUG(err->msg);
}

/* As the source does it, from a store. */
static void read_parts(struct reader *reader, struct frame *frame, int64_t incident,
                       const char *id)
{
    struct arena *arena = frame_arena(frame);
    struct err err = ERR_INIT;
    struct frame_incident *one = arena_alloc(arena, sizeof *one);
    struct story *story = arena_alloc(arena, sizeof *story);
    struct handoff *handoff = arena_alloc(arena, sizeof *handoff);
    struct causes *causes = arena_alloc(arena, sizeof *causes);
    struct story_subject subject;
    if (!story_parse(id, &subject))
        BUG(id);
    const struct anomaly_query ask = {.incident = incident, .max = FRAME_ANOMALIES};
    check(story_read(reader, arena, &subject, frames_now(), story, &err) == FOUND &&
              reader_anomalies(reader, arena, &ask, &one->anomalies, &one->n_anomalies,
                               &err) &&
              handoff_read(reader, arena, frames_now(), handoff, &err) &&
              causes_read(reader, arena, frames_now(), incident == 66, causes, &err),
          &err);
    one->row = story->incident;
    one->has_row = subject.of == STORY_OF_INCIDENT;
    one->story = story;
    frame->incident = one;
    frame->handoff = handoff;
    frame->causes = causes;
}

static const struct frame *make(int64_t incident, const char *id, bool is_filled)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_monitor();
    struct err err = ERR_INIT;
    char folder[] = "/tmp/signalbox-frames-XXXXXX";
    check(mkdtemp(folder) != NULL, &err);
    AUTO_FREE char *path = file_join(folder, "s.db");
    struct store *store = store_open(path, STORE_OFF, &err);
    check(store != NULL, &err);
    if (is_filled) {
        troubles_put(store, frame_arena(frame), frames_now());
        asks_put(store, frame_arena(frame), frames_now());
        if (incident == 66)
            troubles_put_hostile(store, frame_arena(frame), frames_now());
        check(store_commit(store, &err), &err);
    }
    store_close(store);
    struct reader *reader = reader_open(path, &err);
    check(reader != NULL, &err);
    if (is_filled) {
        read_parts(reader, frame, incident, id);
    } else {
        struct handoff *handoff = arena_alloc(frame_arena(frame), sizeof *handoff);
        struct causes *causes = arena_alloc(frame_arena(frame), sizeof *causes);
        check(handoff_read(reader, frame_arena(frame), frames_now(), handoff, &err) &&
                  causes_read(reader, frame_arena(frame), frames_now(), false, causes,
                              &err),
              &err);
        frame->causes = causes;
        frame->handoff = handoff;
    }
    reader_close(reader);
    (void)file_remove_tree(folder, &err);
    return frame;
}

const struct frame *frames_troubles(void)
{
    return make(17, "17", true);
}

const struct frame *frames_troubles_hostile(void)
{
    return make(66, "66", true);
}

const struct frame *frames_troubles_none(void)
{
    return make(0, "", false);
}

const struct frame *frames_troubles_of(const char *id)
{
    return make(17, id, true);
}
