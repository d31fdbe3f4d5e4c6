/* SPDX-License-Identifier: MIT */
/* The audit for a frame: a window of rows, and a piece of the check of the whole chain. */
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "store/audit_file.h"
#include "tui/audit_text.h"
#include "tui/source_impl.h"

#define ROWS_CHECKED 20000 /* for one frame: some milliseconds */
#define CHECK_AGAIN  span_s(600)
#define DETAIL_SHOWN (64 * 1024)

/* What was noted outside is read one frame before the chain: it must not be newer. */
static void begin_check(struct source *source, struct wall now)
{
    struct audit_notes notes = {0};
    struct err ignored = ERR_INIT; /* 'audit verify' says why */
    audit_check_free(source->audit);
    source->has_audit_file =
        audit_file_read(source->config->store, &notes, &ignored) == FOUND;
    source->audit = audit_check_new(notes.marks, notes.n);
    source->n_audit_notes = notes.n;
    source->audit_begun = now;
    source->audit_ended = (struct wall){0};
    audit_notes_fini(&notes);
}

static bool check_piece(struct source *source, struct reader *reader, struct frame *frame,
                        struct frame_audit_check *check, struct err *err)
{
    struct wall now = frame->taken_at;
    struct audit_mark head = {0};
    struct err ignored = ERR_INIT; /* the check itself tells of an unreadable head */
    enum audit_step step = AUDIT_MORE;
    bool is_old = wall_is_set(source->audit_ended) &&
                  wall_since(now, source->audit_begun).ms > CHECK_AGAIN.ms;
    if (!source->audit || is_old)
        begin_check(source, now);
    else
        step = audit_check_step(source->audit, reader, ROWS_CHECKED, err);
    if (step == AUDIT_FAILED)
        return false;
    if (step == AUDIT_END)
        source->audit_ended = now;
    (void)!reader_audit_head(reader, &head, &ignored);
    const struct audit_verdict *verdict = audit_check_verdict(source->audit);
    *check = (struct frame_audit_check){
        .is_running = step == AUDIT_MORE,
        .fault = verdict->fault,
        .n = verdict->good.n,
        .n_all = head.n,
        .broken = verdict->broken,
        .text = arena_str(frame_arena(frame), verdict->text),
        .at = source->audit_ended,
        .has_file = source->has_audit_file,
        .n_notes = source->n_audit_notes,
        .n_agree = verdict->n_marks,
    };
    return true;
}

static bool read_row(struct reader *reader, int64_t n, struct frame *frame,
                     struct frame_audit *data, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    enum found found = reader_audit_row(reader, arena, n, &data->one, err);
    if (found == FOUND_FAILED)
        return false;
    data->is_missing = found == MISSING;
    if (found == MISSING)
        return true;
    AUTO_BUF struct buf shown, clean;
    buf_init(&shown, DETAIL_SHOWN);
    buf_init(&clean, (size_t)4 * DETAIL_SHOWN);
    source_indent(&shown, data->one.detail, strlen(data->one.detail));
    text_clean(&clean, shown.data, shown.len, TEXT_KEEP_NEWLINES);
    char *text = arena_strn(arena, clean.data, clean.len);
    data->detail = frame_text(arena, text, clean.len, false);
    return true;
}

static bool read_rows(struct reader *reader, const struct frame_query *query,
                      struct arena *arena, struct frame_audit *data, struct err *err)
{
    struct audit_query ask = {
        .act = query->audit_act,
        .text = query->text,
        .before_n = query->audit_before,
        .max = FRAME_AUDIT + 1, /* one more tells whether there is more */
    };
    if (!reader_audit(reader, arena, &ask, &data->rows, &data->n, err))
        return false;
    data->has_more = data->n > FRAME_AUDIT;
    if (data->has_more)
        data->n = FRAME_AUDIT;
    const char **texts = arena_array(arena, data->n, sizeof *texts);
    for (size_t i = 0; i < data->n; i++)
        texts[i] = audit_summary(arena, &data->rows[i]);
    data->texts = texts;
    return true;
}

bool source_read_audit(struct source *source, struct reader *reader,
                       const struct frame_query *query, struct frame *frame,
                       struct err *err)
{
    struct frame_audit *data = arena_alloc(frame_arena(frame), sizeof *data);
    bool is_good = query->audit_row != 0
                       ? read_row(reader, query->audit_row, frame, data, err)
                       : read_rows(reader, query, frame_arena(frame), data, err);
    if (!is_good || !check_piece(source, reader, frame, &data->check, err))
        return false;
    frame->audit = data;
    return true;
}
