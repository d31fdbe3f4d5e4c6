/* SPDX-License-Identifier: MIT */
#include "tui/handoff.h"

#include <inttypes.h>

#include "tui/markdown.h"

static const struct {
    const char *key, *title;
} parts[] = {
#define X(id, key, title) [id] = {key, title},
    HANDOFF_LIST(X)
#undef X
};

const char *handoff_key(enum handoff_part part)
{
    return parts[part].key;
}

const char *handoff_title(enum handoff_part part)
{
    return parts[part].title;
}

/* ---- Markdown ---- */

/* "2026-11-22 13:41"; "" when it is not set. */
static const char *stamp(struct wall at, char text[CLOCK_TEXT_MAX])
{
    if (!wall_is_set(at)) {
        return "";
    }
    (void)wall_format(at, false, text);
    text[10] = ' ';
    text[16] = '\0';
    return text;
}

static const char *end_of(const struct handoff *handoff, const struct handoff_item *item,
                          char text[2 * CLOCK_TEXT_MAX])
{
    char at[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX];
    if (!wall_is_set(item->until)) {
        return "none";
    }
    bool is_over = item->until.ms <= handoff->now.ms;
    struct span span = wall_since(item->until, handoff->now);
    (void)snprintf(text, 2 * CLOCK_TEXT_MAX, "%s%s%s", stamp(item->until, at),
                   is_over ? ", is over" : ", in ",
                   is_over ? "" : span_format(span, left));
    return text;
}

static void write_part(struct buf *out, const struct handoff *handoff,
                       enum handoff_part part)
{
    static const char *const titles[] = {"", "What", "Who", "Since", "Ends", "Next"};
    (void)buf_printf(out, "\n## %s (%zu)\n\n", parts[part].title, handoff->n_of[part]);
    if (handoff->n_of[part] == 0) {
        (void)buf_str(out, "None.\n");
        return;
    }
    markdown_titles(out, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < handoff->n; i++) {
        const struct handoff_item *item = &handoff->items[i];
        char since[CLOCK_TEXT_MAX], until[2 * CLOCK_TEXT_MAX];
        if (item->part == part) {
            markdown_row(out,
                         (const char *const[]){item->id, item->text, item->who,
                                               stamp(item->since, since),
                                               end_of(handoff, item, until), item->next},
                         6);
        }
    }
}

void handoff_markdown(const struct handoff *handoff, struct buf *out)
{
    char at[CLOCK_TEXT_MAX];
    (void)buf_printf(out,
                     "# Handoff, %s UTC\n\n%" PRId64 " workflows run, %" PRId64
                     " wait for a slot.\n",
                     stamp(handoff->now, at), handoff->n_running, handoff->n_queued);
    for (int part = 0; part < HANDOFF_PART_COUNT; part++) {
        write_part(out, handoff, (enum handoff_part)part);
    }
}

/* ---- JSON ---- */

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

void handoff_json(const struct handoff *handoff, struct jsonw *w)
{
    write_wall(w, "as_of", handoff->now);
    jsonw_int(w, "running", handoff->n_running);
    jsonw_int(w, "queued", handoff->n_queued);
    for (int part = 0; part < HANDOFF_PART_COUNT; part++) {
        jsonw_open(w, parts[part].key, '[');
        for (size_t i = 0; i < handoff->n; i++) {
            const struct handoff_item *item = &handoff->items[i];
            if (item->part != (enum handoff_part)part) {
                continue;
            }
            jsonw_open(w, NULL, '{');
            jsonw_str(w, "id", item->id);
            jsonw_str(w, "text", item->text);
            jsonw_str(w, "who", item->who[0] != '\0' ? item->who : NULL);
            write_wall(w, "since", item->since);
            write_wall(w, "until", item->until);
            jsonw_str(w, "next", item->next[0] != '\0' ? item->next : NULL);
            jsonw_close(w, '}');
        }
        jsonw_close(w, ']');
    }
}
