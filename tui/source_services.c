/* SPDX-License-Identifier: MIT */
/* Services and webhook deliveries for a frame. */
#include "engine/base/text.h"
#include "tui/rank.h"
#include "tui/source_impl.h"

#define BODY_SHOWN_MAX (256 * 1024) /* of a webhook's body, indented */
#define INDENT_MAX     40

/* Words of name, state, reason or who stands in; case ignored. */
static bool has_text(const struct frame_service *service, const char *text)
{
    const struct service_row *row = &service->row;
    return text[0] == '\0' || strcasestr(row->name, text) != NULL ||
           strcasestr(breaker_state_word(row->state), text) != NULL ||
           strcasestr(row->reason, text) != NULL ||
           strcasestr(service->detail.fallback_to, text) != NULL;
}

bool source_read_services(struct reader *reader, const struct frame_query *query,
                          struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    const struct service_row *rows;
    size_t n;
    if (!reader_services(reader, arena, &rows, &n, err))
        return false;
    struct frame_services *services = arena_alloc(arena, sizeof *services);
    struct frame_service *list = arena_array(arena, n, sizeof *list);
    size_t n_shown = 0;
    for (size_t i = 0; i < n; i++) {
        struct frame_service *one = &list[n_shown];
        *one = (struct frame_service){.row = rows[i]};
        service_detail_parse(arena, rows[i].detail, &one->detail);
        n_shown += has_text(one, query->text);
    }
    if (query->order != 0 || query->is_reversed)
        rank_services(list, n_shown, query->order, query->is_reversed);
    *services = (struct frame_services){list, n_shown};
    frame->services = services;
    return true;
}

static void new_line(struct buf *out, int depth)
{
    int width = 2 * depth < INDENT_MAX ? 2 * depth : INDENT_MAX;
    (void)buf_printf(out, "\n%*s", width, "");
}

/* What is no JSON comes out too: this is for people who look at what was sent. */
void source_indent(struct buf *out, const char *text, size_t len)
{
    bool is_in_string = false;
    int depth = 0;
    for (size_t i = 0; i < len && !out->is_cut; i++) {
        char c = text[i];
        bool is_empty_pair =
            (c == '{' || c == '[') && i + 1 < len && text[i + 1] == c + 2;
        if (is_in_string) {
            (void)buf_char(out, c);
            if (c == '\\' && i + 1 < len)
                (void)buf_char(out, text[++i]);
            is_in_string = c != '"';
        } else if (is_empty_pair) {
            (void)buf_char(out, c);
            (void)buf_char(out, text[++i]);
        } else if (c == '{' || c == '[') {
            (void)buf_char(out, c);
            new_line(out, ++depth);
        } else if (c == '}' || c == ']') {
            new_line(out, depth > 0 ? --depth : 0);
            (void)buf_char(out, c);
        } else if (c == ',') {
            (void)buf_char(out, c);
            new_line(out, depth);
        } else if (c == ':') {
            (void)buf_str(out, ": ");
        } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            (void)buf_char(out, c);
            is_in_string = c == '"';
        }
    }
}

static bool read_one(struct reader *reader, int64_t seq, struct frame *frame,
                     struct frame_deliveries *data, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    enum found found = reader_delivery(reader, arena, seq, &data->one, err);
    if (found == FOUND_FAILED)
        return false;
    data->is_missing = found == MISSING;
    if (found == MISSING || !data->one.body)
        return true;
    AUTO_BUF struct buf shown, clean;
    buf_init(&shown, BODY_SHOWN_MAX);
    buf_init(&clean, 4 * BODY_SHOWN_MAX);
    source_indent(&shown, data->one.body, data->one.body_len);
    text_clean(&clean, shown.data, shown.len, TEXT_KEEP_NEWLINES);
    char *text = arena_strn(arena, clean.data, clean.len);
    data->body = frame_text(arena, text, clean.len, false);
    return true;
}

bool source_read_deliveries(struct reader *reader, const struct frame_query *query,
                            struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_deliveries *data = arena_alloc(arena, sizeof *data);
    struct delivery_query ask = {
        .statuses = query->delivery_statuses,
        .text = query->text[0] ? query->text : NULL,
        .before_seq = query->delivery_before,
        .max = FRAME_DELIVERIES + 1, /* one more tells whether there is more */
    };
    if (query->delivery != 0) {
        if (!read_one(reader, query->delivery, frame, data, err))
            return false;
    } else {
        if (!reader_deliveries(reader, arena, &ask, &data->rows, &data->n, err))
            return false;
        data->has_more = data->n > FRAME_DELIVERIES;
        if (data->has_more)
            data->n = FRAME_DELIVERIES;
    }
    frame->deliveries = data;
    return true;
}
